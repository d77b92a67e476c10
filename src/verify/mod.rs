//! The pure part: formats, chain, verdicts. No files, no network, no clock, and nothing of ours
//! from outside this module.
//!
//! A digest that its signature proves, and the logs that it vouches for then:
//!
//! ```
//! use std::{error::Error, fs};
//!
//! use ct_verify::verify::digest::UnverifiedDigest;
//! use ct_verify::verify::hashing::ContentReader;
//! use ct_verify::verify::keys::{KeySet, parse_keys};
//! use ct_verify::verify::signature::Signature;
//!
//! fn main() -> Result<(), Box<dyn Error>> {
//!     let digest = "testdata/clean/archive/AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2024/03/10/\
//!                   111122223333_CloudTrail-Digest_us-east-1_audit_us-east-1_20240310T010000Z.json.gz";
//!     let stored = fs::File::open(digest)?;
//!     let (content, json) = ContentReader::default().collect(Box::new(stored), 1 << 20)?;
//!     let digest_read = UnverifiedDigest::parse(&json, content)?;
//!
//!     // S3 keeps the signature in the object's metadata.
//!     let told = fs::read(format!("{digest}.metadata.json"))?;
//!     let told: serde_json::Value = serde_json::from_slice(&told)?;
//!     let signature = told["Metadata"]["signature"].as_str();
//!     let signature = signature.and_then(Signature::from_hex).ok_or("no signature")?;
//!     let keys = parse_keys(&fs::read("testdata/clean/public-keys.json")?)?;
//!     let keys = KeySet::new(keys).ok_or("no keys")?;
//!
//!     let verified = digest_read.verify(&signature, &keys);
//!     let verified = verified.map_err(|(_, why)| format!("{why:?}"))?;
//!     for log in verified.logs() {
//!         println!("{}  {}", log.hash(), log.location());
//!     }
//!     assert_eq!(verified.logs().len(), 2);
//!     Ok(())
//! }
//! ```

pub mod chain;
pub mod conclusion;
pub mod coverage;
pub mod digest;
pub mod evidence;
pub mod explanation;
pub mod finding;
pub mod hashing;
pub mod inventory;
pub mod keys;
pub mod location;
pub mod query;
pub mod signature;
pub mod text;
pub mod time;

#[cfg(test)]
mod testing;
