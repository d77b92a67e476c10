//! `--state`: what earlier runs verified last of each chain.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::written::{check_replaceable, replace};
use crate::engine::{Job, Remembrance};
use crate::report::StateNote;
use crate::verify::chain::Remembered;
use crate::verify::conclusion::{ChainResult, Conclusion, Verdict};
use crate::verify::hashing::Sha256Hash;
use crate::verify::location::{ChainId, DigestKey, ObjectLocation};
use crate::verify::signature::Signature;
use crate::verify::time::{OVERDUE, PAST_END, minus};

/// The version of the file.
const VERSION: u32 = 1;
/// A state is never larger: that is room for 100,000 chains.
const MAX_LEN: u64 = 256 * 1024 * 1024;
/// The hour before what was verified last is verified again, with what was delivered late in it.
const AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// A file that remembers, and what it holds.
#[derive(Debug)]
pub struct State {
    path: PathBuf,
    /// What it is the state of; nothing before the first run.
    source: Option<String>,
    chains: Chains,
}

/// What is known of the chains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Chains {
    valid: BTreeMap<ChainId, Known>,
    /// Those that were never found valid, and from when on they are looked at.
    unproven: BTreeMap<ChainId, Since>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    newest: Remembered,
    verified_to: Timestamp,
}

/// From when on a chain is looked at that was never found valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Since {
    /// Its digests are listed from then on.
    start: Timestamp,
    /// Whether it was new to the state, and is followed to its beginning.
    whole: bool,
    /// Until when the run looked that saw it.
    until: Timestamp,
}

impl Since {
    /// Whether a run up to `end` looks as far as the one that saw the chain.
    fn is_before(&self, end: Option<Timestamp>) -> bool {
        end.is_none_or(|end| self.until <= end)
    }
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    state_version: u32,
    tool: String,
    source: String,
    written: Timestamp,
    /// SHA-256 over the chains, so that a damaged file is not taken for tampering with the bucket.
    checksum: String,
    chains: Vec<SavedChain>,
    unproven: Vec<Unproven>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unproven {
    chain: String,
    /// The key that a digest of it would have at that time: it tells the chain whole.
    key: String,
    /// Whether it is followed to its beginning.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    whole: bool,
    /// Until when the run looked that saw it, where the program that wrote this knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedChain {
    chain: String,
    bucket: String,
    key: String,
    end: Timestamp,
    signature: String,
    hash: String,
    verified_to: Timestamp,
}

#[derive(Deserialize)]
struct Versioned {
    state_version: u32,
}

impl State {
    /// Reads the file at `path`, which need not be there yet.
    ///
    /// # Errors
    /// Where it cannot be read, or is no whole state.
    pub(super) fn load(path: &Path) -> Result<Self> {
        let cannot_use = || format!("cannot use the state {}", path.display());
        let mut text = Vec::new();
        // To open a pipe would wait for whoever writes into it.
        if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
            bail!("the state {} is no file", path.display());
        }
        match File::open(path) {
            Ok(file) => {
                let read = file.take(MAX_LEN + 1).read_to_end(&mut text);
                read.with_context(cannot_use)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self {
                    path: path.to_owned(),
                    source: None,
                    chains: Chains::default(),
                });
            }
            Err(error) => return Err(error).with_context(cannot_use),
        }
        let (source, chains) = parse(&text).with_context(cannot_use)?;
        Ok(Self {
            path: path.to_owned(),
            source: Some(source),
            chains,
        })
    }

    /// Whether it can be written: told before hours of work are for nothing.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn check_writable(&self) -> Result<()> {
        let cannot_write = || format!("cannot write the state {}", self.path.display());
        check_replaceable(&self.path).with_context(cannot_write)
    }

    /// Where the run has to begin; nothing in the first one.
    pub(super) fn start(&self) -> Option<Timestamp> {
        let resume = |known: &Known| {
            let end = known.newest.key().end();
            // A chain that had ended by then, and was accepted so, is not read from its end on again.
            let is_current = minus(known.verified_to, OVERDUE) <= end;
            let from = if is_current {
                end
            } else {
                end.max(minus(known.verified_to, PAST_END))
            };
            minus(from, AGAIN)
        };
        let unproven = self.chains.unproven.values().map(|since| since.start);
        self.chains.valid.values().map(resume).chain(unproven).min()
    }

    /// What the run has to lead back to; nothing in the first one.
    ///
    /// # Errors
    /// Where it is the state of another source.
    pub(super) fn remembered(&self, source: &str) -> Result<Option<Remembrance>> {
        let Some(own) = &self.source else {
            return Ok(None);
        };
        if own != source {
            bail!(
                "{} is the state of {own}, not of {source}: give each source a file of its own",
                self.path.display()
            );
        }
        let valid = self.chains.valid.iter();
        let valid = valid.map(|(chain, known)| (chain.clone(), Some(known.newest.clone())));
        // What is to be followed to its beginning is as new as it was.
        let unproven = self.chains.unproven.iter();
        let unproven = unproven.filter(|(_, since)| !since.whole);
        let unproven = unproven.map(|(chain, _)| (chain.clone(), None));
        Ok(Some(unproven.chain(valid).collect()))
    }

    /// The chains that were seen and not found valid, each with the start of the run that saw it first.
    /// Those are left out that may lie behind the end, since the run that saw them looked further, and
    /// backfill digests, which may expire.
    pub(super) fn unproven(&self, end: Option<Timestamp>) -> BTreeMap<ChainId, Timestamp> {
        let unproven = self.chains.unproven.iter();
        let unproven = unproven.filter(|(chain, _)| !chain.is_backfill());
        let unproven = unproven.filter(|(_, since)| since.is_before(end));
        let unproven = unproven.map(|(chain, since)| (chain.clone(), since.start));
        unproven.collect()
    }

    /// What a run takes from the file and leaves to it, for its report.
    pub fn note(&self, conclusion: &Conclusion) -> StateNote {
        let is_kept = |it: &&ChainResult| it.digests.any() && !it.chain.is_backfill();
        let judged = conclusion.chains.iter().filter(is_kept);
        let clean = conclusion.clean_chains().into_iter();
        let clean = clean.filter(is_kept).count();
        StateNote {
            file: self.path.display().to_string(),
            since: self.start(),
            chains: clean as u64,
            held_back: (judged.count() - clean) as u64,
        }
    }

    /// Replaces the file in one step. Of a chain that is not valid, what was known is kept.
    ///
    /// # Errors
    /// Where it cannot be written. The file is then as it was.
    pub fn update(&self, source: &str, conclusion: &Conclusion, job: &Job) -> Result<()> {
        let now = job.weights.now;
        let end = job.weights.bounds.end();
        let until = end.map_or(now, |end| end.min(now));
        let mut chains = self.chains.clone();
        if conclusion.verdict() == Verdict::Valid {
            // Backfill digests may expire: what is gone is not looked for any longer.
            let is_looked_for = |chain: &ChainId, since: &Since| {
                chain.is_backfill() && since.is_before(end) && job.filters.takes(chain)
            };
            chains
                .unproven
                .retain(|chain, since| !is_looked_for(chain, since));
        }
        let clean: BTreeSet<_> = conclusion
            .clean_chains()
            .into_iter()
            .map(|it| &it.chain)
            .collect();
        // What lies beside the range alone is none of the run: anybody may put it there.
        for result in conclusion.chains.iter().filter(|it| it.digests.any()) {
            let newest = result.newest.clone().zip(conclusion.end);
            let chain = (*result.chain).clone();
            match newest.filter(|_| clean.contains(&result.chain)) {
                // A run that was asked for less forgets nothing.
                Some((newest, _)) if self.reaches_beyond(&chain, &newest) => {}
                // Nothing is to lead back to it: it may expire.
                Some(_) if chain.is_backfill() => {
                    chains.unproven.remove(&chain);
                }
                Some((newest, verified_to)) => {
                    let known = Known {
                        newest,
                        verified_to: verified_to.min(now),
                    };
                    chains.unproven.remove(&chain);
                    chains.valid.insert(chain, known);
                }
                None if chains.valid.contains_key(&chain) => {}
                None => {
                    if let Some(start) = conclusion.start {
                        let whole = self.source.is_some();
                        let since = Since {
                            start,
                            whole,
                            until,
                        };
                        chains.unproven.entry(chain).or_insert(since);
                    }
                }
            }
        }
        if chains == self.chains || chains.valid.is_empty() {
            // Nothing came to be known.
            return Ok(());
        }
        let cannot_write = || format!("cannot write the state {}", self.path.display());
        self.replace(source, &chains, now)
            .with_context(cannot_write)
    }

    /// Whether a newer digest of a chain is known than `newest`.
    fn reaches_beyond(&self, chain: &ChainId, newest: &Remembered) -> bool {
        let known = self.chains.valid.get(chain);
        known.is_some_and(|known| known.newest.key().end() > newest.key().end())
    }

    fn replace(&self, source: &str, chains: &Chains, now: Timestamp) -> Result<()> {
        let unproven = chains.unproven.iter().map(|(chain, since)| Unproven {
            chain: chain.to_string(),
            key: DigestKey::new(Arc::new(chain.clone()), since.start).path(),
            whole: since.whole,
            until: Some(since.until),
        });
        let unproven: Vec<_> = unproven.collect();
        let chains: Vec<_> = chains.valid.iter().map(SavedChain::new).collect();
        let saved = Saved {
            state_version: VERSION,
            tool: format!("ct-verify {}", env!("CARGO_PKG_VERSION")),
            source: source.to_owned(),
            written: now,
            checksum: checksum(source, &chains, &unproven)?,
            chains,
            unproven,
        };
        let mut text = serde_json::to_vec_pretty(&saved)?;
        text.push(b'\n');
        replace(&self.path, &text, false)
    }
}

impl SavedChain {
    fn new((chain, known): (&ChainId, &Known)) -> Self {
        let newest = &known.newest;
        Self {
            chain: chain.to_string(),
            bucket: newest.location().bucket().to_string(),
            key: newest.location().key().to_string(),
            end: newest.key().end(),
            signature: newest.signature().to_hex(),
            hash: newest.hash().to_string(),
            verified_to: known.verified_to,
        }
    }

    fn known(&self) -> Option<(ChainId, Known)> {
        let location = ObjectLocation::new(self.bucket.as_str(), self.key.as_str());
        let hash = Sha256Hash::from_hex(&self.hash)?;
        let signature = Signature::from_hex(&self.signature)?;
        let newest = Remembered::new(location, hash, signature)?;
        let chain = (**newest.key().chain()).clone();
        let known = Known {
            verified_to: self.verified_to,
            newest,
        };
        (known.newest.key().end() == self.end && chain.to_string() == self.chain)
            .then_some((chain, known))
    }
}

fn checksum(source: &str, chains: &[SavedChain], unproven: &[Unproven]) -> Result<String> {
    let mut hasher = Sha256::new();
    hasher.update(source.as_bytes());
    hasher.update(serde_json::to_vec(&(chains, unproven))?);
    Ok(hex::encode(hasher.finalize()))
}

/// How many chains these bytes remember, where they are a state. The fuzzers give it bytes of every kind.
///
/// # Errors
/// Where they are no whole state.
#[doc(hidden)]
pub fn check_state(text: &[u8]) -> Result<usize> {
    let (_, chains) = parse(text)?;
    Ok(chains.valid.len() + chains.unproven.len())
}

fn parse(text: &[u8]) -> Result<(String, Chains)> {
    if text.len() as u64 > MAX_LEN {
        bail!("it is larger than {MAX_LEN} bytes");
    }
    let damaged =
        "it is damaged, or no state: restore it, or verify from a --start-time into a new file";
    let Versioned { state_version } = serde_json::from_slice(text).context(damaged)?;
    if state_version > VERSION {
        bail!("it has version {state_version}, and this program knows {VERSION}: use a newer one");
    }
    let saved: Saved = serde_json::from_slice(text).context(damaged)?;
    if checksum(&saved.source, &saved.chains, &saved.unproven)? != saved.checksum {
        bail!("{damaged} (its checksum does not fit)");
    }
    let mut chains = Chains::default();
    for saved in &saved.chains {
        let (chain, known) = saved.known().context(damaged)?;
        if chains.valid.insert(chain, known).is_some() {
            bail!("{damaged} (it names a chain twice)");
        }
    }
    let verified_to = chains.valid.values().map(|known| known.verified_to).max();
    for saved in &saved.unproven {
        let key = DigestKey::parse(&saved.key);
        let key = key.filter(|key| key.chain().to_string() == saved.chain);
        let key = key.context(damaged)?;
        let since = Since {
            start: key.end(),
            whole: saved.whole,
            until: saved.until.or(verified_to).unwrap_or(key.end()),
        };
        chains.unproven.insert((**key.chain()).clone(), since);
    }
    if chains.valid.is_empty() {
        bail!("{damaged} (it names no chain)");
    }
    // Earlier files remember backfill digests too, which may have expired.
    chains.valid.retain(|chain, _| !chain.is_backfill());
    Ok((saved.source, chains))
}
