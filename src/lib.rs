//! Proves, or disproves, that an archive of AWS CloudTrail logs is what CloudTrail delivered.
//!
//! [`verify`] is the pure part: formats, signatures, the chain, verdicts. [`source`] gives it objects, from a folder, a
//! bucket or a snapshot, and [`engine`] schedules what is read when. [`report`] tells what came of it. The rest is the
//! program: what was typed ([`cli`]), resolved ([`plan`]) and done ([`command`]).
//!
//! A whole folder, as `ct-verify logs` verifies it:
//!
//! ```
//! use std::{error::Error, fs, path::Path, sync::Arc};
//!
//! use ct_verify::engine::{Job, Limits, Stop, run};
//! use ct_verify::event::Observers;
//! use ct_verify::source::{FolderSource, GivenKeys};
//! use ct_verify::verify::conclusion::{Verdict, Weights};
//! use ct_verify::verify::keys::{KeySet, parse_keys};
//! use ct_verify::verify::time::Bounds;
//! use jiff::Timestamp;
//!
//! fn main() -> Result<(), Box<dyn Error>> {
//!     let archive = Path::new("testdata/clean");
//!     // The output of `aws cloudtrail list-public-keys`.
//!     let keys = parse_keys(&fs::read(archive.join("public-keys.json"))?)?;
//!     let keys = KeySet::new(keys).ok_or("it holds no keys")?;
//!     let source = FolderSource::open_exactly(&archive.join("archive"), None)?;
//!
//!     let all = Bounds::new(None, None).ok_or("the range is empty")?;
//!     let job = Job::new(
//!         Arc::new(GivenKeys::new(keys)),
//!         Weights::new(all, Timestamp::now()),
//!         Limits::new(256 << 20, 4),
//!     );
//!     let conclusion = run(&job, &source, &Observers::default(), &Stop::default())?;
//!     for weighed in &conclusion.findings {
//!         println!("{:?} {}", weighed.severity, weighed.finding.code);
//!     }
//!     assert_eq!(conclusion.verdict(), Verdict::Valid);
//!     Ok(())
//! }
//! ```
//!
//! One digest alone, and what it vouches for: see [`verify`].

pub mod cli;
pub mod command;
pub mod engine;
pub mod event;
pub mod plan;
pub mod report;
pub mod selftest;
pub mod shard;
pub mod source;
pub mod verify;
