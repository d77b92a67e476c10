//! All digests of an archive, and what proves each.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    opinion::Class,
    reading::{DigestName, Previous, Read, Region, SLACK, digest_name, read_digest},
};
use crate::forge::{
    At, Store, StoredObject, Time,
    chain::{ALGORITHM, SIGNATURE},
    time::HOUR,
};

/// What is known of one digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A key of CloudTrail's signed it.
    Proven,
    /// So it did, but something beside it, or its successor, says otherwise.
    WrongButProven,
    /// It is not what CloudTrail delivered there.
    Wrong,
    /// There is no signature to check it by.
    Unsigned,
}

impl Proof {
    fn is_proven(self) -> bool {
        matches!(self, Self::Proven | Self::WrongButProven)
    }
}

struct Digest {
    at: At,
    name: DigestName,
    /// Nothing where it is none, or belongs elsewhere.
    read: Option<Read>,
    proof: Proof,
}

pub struct Digests {
    all: Vec<Digest>,
    missing: BTreeSet<At>,
    strange: BTreeSet<At>,
}

impl Digests {
    pub fn of(store: &Store) -> Self {
        let mut all = Vec::new();
        let mut strange = BTreeSet::new();
        for (at, object) in &store.objects {
            if !at.1.contains("/CloudTrail-Digest/") || !at.1.ends_with(".json.gz") {
                continue;
            }
            let Some(name) = digest_name(&at.1) else {
                strange.insert(at.clone());
                continue;
            };
            let belongs = |read: &Read| {
                read.at == *at && read.end == name.end && read.account == name.region.1
            };
            all.push(Digest {
                at: at.clone(),
                read: read_digest(object).filter(belongs),
                proof: Proof::Wrong,
                name,
            });
        }
        // A successor is judged before what it names.
        all.sort_by_key(|digest| std::cmp::Reverse(digest.name.end));
        let mut digests = Self {
            all,
            missing: BTreeSet::new(),
            strange,
        };
        for index in 0..digests.all.len() {
            digests.all[index].proof = digests.judge(index, store);
        }
        for index in 0..digests.all.len() {
            if digests.all[index].proof == Proof::Unsigned && digests.is_passed_by(index) {
                digests.all[index].proof = Proof::Wrong;
            }
        }
        digests.missing = digests.missed(store);
        digests
    }

    /// Digests of the same chain that name this one, newer than it, and whether each is proven.
    fn successors(&self, index: usize) -> impl Iterator<Item = (bool, &Previous)> {
        let digest = &self.all[index];
        let newer = self.all[..index].iter().filter(|other| {
            other.name.region == digest.name.region && other.name.chain == digest.name.chain
        });
        newer.filter_map(|other| {
            let previous = other.read.as_ref()?.previous.as_ref()?;
            let names_it = previous.at == digest.at;
            names_it.then(|| (other.proof.is_proven(), previous))
        })
    }

    fn judge(&self, index: usize, store: &Store) -> Proof {
        let digest = &self.all[index];
        let Some(read) = &digest.read else {
            return Proof::Wrong;
        };
        if read.key().is_none() {
            return Proof::Wrong;
        }
        let proven = |(is_proven, named)| if is_proven { Some(named) } else { None };
        let named = self.successors(index).find_map(proven);
        // A signature that fits proves, whoever keeps it: a copy without metadata lacks only the newest one.
        let mut kept = self.successors(index);
        let by_successor = kept.any(|(_, named)| read.is_signed(&named.signature));
        let differs = |own: Option<&str>| {
            named.is_some_and(|named| {
                let same = own.is_none_or(|own| own.eq_ignore_ascii_case(&named.signature));
                named.hash != read.hash || !same
            })
        };
        match own_signature(store.get(&digest.at)) {
            Own::Text(own) if read.is_signed(&own) => {
                if differs(Some(&own)) {
                    Proof::WrongButProven
                } else {
                    Proof::Proven
                }
            }
            Own::Text(_) | Own::AnotherAlgorithm if by_successor => Proof::WrongButProven,
            Own::Text(_) | Own::AnotherAlgorithm => Proof::Wrong,
            Own::None if by_successor && !differs(None) => Proof::Proven,
            Own::None if by_successor => Proof::WrongButProven,
            Own::None if named.is_some() => Proof::Wrong,
            Own::None => Proof::Unsigned,
        }
    }

    /// Whether a proven digest newer than this one names, as the one before it, one that is older than this one. Beside a
    /// starting digest, the last one of the chain before may lie, which nothing names: that is no accusation.
    fn is_passed_by(&self, index: usize) -> bool {
        let digest = &self.all[index];
        self.all.iter().any(|other| {
            let previous = other.read.as_ref().and_then(|read| read.previous.as_ref());
            let before = previous.and_then(|previous| digest_name(&previous.at.1));
            let reached = before
                .is_some_and(|before| before.end < digest.name.end && self.is_proven_at(&before));
            other.proof.is_proven()
                && other.name.region == digest.name.region
                && other.name.chain == digest.name.chain
                && other.name.end > digest.name.end
                && reached
        })
    }

    fn is_proven_at(&self, name: &DigestName) -> bool {
        self.all.iter().any(|digest| {
            let is_starting = digest
                .read
                .as_ref()
                .is_some_and(|read| read.previous.is_none());
            digest.name == *name && digest.proof.is_proven() && !is_starting
        })
    }

    /// What proven hourly digests name as the one before them, and is not there.
    fn missed(&self, store: &Store) -> BTreeSet<At> {
        let hourly = self.all.iter().filter(|digest| !digest.name.chain.2);
        let proven = hourly.filter(|digest| digest.proof.is_proven());
        proven
            .filter_map(|digest| digest.read.as_ref()?.previous.as_ref())
            .map(|previous| previous.at.clone())
            .filter(|at| !store.contains(at))
            .collect()
    }

    pub fn proven(&self) -> impl Iterator<Item = &Read> {
        let proven = self.all.iter().filter(|digest| digest.proof.is_proven());
        proven.filter_map(|digest| digest.read.as_ref())
    }

    pub fn faults(&self) -> impl Iterator<Item = (At, Class)> {
        let judged = self
            .all
            .iter()
            .filter_map(|digest| Some((digest.at.clone(), digest.proof.class()?)));
        let missing = self.missing.iter().map(|at| (at.clone(), Class::Missing));
        let strange = self.strange.iter().map(|at| (at.clone(), Class::Wrong));
        judged.chain(missing).chain(strange)
    }

    /// What the proven hourly digests of all trails of a region cover, put together; of those that lie in the same
    /// bucket and prefix as `beside`, since a digest vouches for what was delivered there.
    pub fn covered(&self, region: &Region, beside: &At) -> Vec<(Time, Time)> {
        let of_region = self
            .all
            .iter()
            .filter(|digest| digest.name.region == *region && place(&digest.at) == place(beside));
        let hourly = of_region.filter(|digest| !digest.name.chain.2 && digest.proof.is_proven());
        let mut spans: Vec<_> = hourly
            .filter_map(|digest| digest.read.as_ref()?.covers())
            .collect();
        spans.sort_unstable();
        let mut joined: Vec<(Time, Time)> = Vec::new();
        for (start, end) in spans {
            match joined.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => joined.push((start, end)),
            }
        }
        joined
    }

    /// Whether a digest that nothing proves either way may name a log of this time: then it is not known to be out of
    /// chain. A backfill digest may name logs of any time.
    pub fn doubts(&self, region: &Region, time: Time) -> bool {
        let mut unsigned = self
            .all
            .iter()
            .filter(|digest| digest.proof == Proof::Unsigned && digest.name.region == *region);
        unsigned.any(|digest| {
            let end = digest.name.end;
            digest.name.chain.2 || (end - HOUR - SLACK <= time && time <= end + SLACK)
        })
    }

    /// When the newest proven digest of each hourly chain ends.
    pub fn ends(&self) -> impl Iterator<Item = Time> {
        let mut newest: BTreeMap<(&Region, &(String, String, bool)), Time> = BTreeMap::new();
        let hourly = self.all.iter().filter(|digest| !digest.name.chain.2);
        for digest in hourly.filter(|digest| digest.proof.is_proven()) {
            let end = newest
                .entry((&digest.name.region, &digest.name.chain))
                .or_insert(digest.name.end);
            *end = (*end).max(digest.name.end);
        }
        newest.into_values()
    }
}

enum Own {
    None,
    Text(String),
    AnotherAlgorithm,
}

/// The signature in a digest's metadata.
fn own_signature(object: &StoredObject) -> Own {
    let algorithm = object.metadata.get(ALGORITHM);
    match object.metadata.get(SIGNATURE) {
        None => Own::None,
        Some(_) if algorithm.is_some_and(|it| it != "SHA256withRSA") => Own::AnotherAlgorithm,
        Some(text) => Own::Text(text.clone()),
    }
}

/// The bucket and prefix that an object lies in.
fn place(at: &At) -> (&str, &str) {
    let cut = at.1.rfind("AWSLogs/").unwrap_or(0);
    (&at.0, &at.1[..cut])
}
