//! What a scenario expects of a report, stated as differences from what the forge delivered.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::invariants::severity_of;
use crate::forge::{
    Archive, At, Time,
    chain::{self, ChainId},
    keys::sha256,
};

/// One finding. What is not stated of `digest`, `expected` and `actual` is not compared.
#[derive(Clone, Debug)]
pub struct Finding {
    code: String,
    severity: String,
    bucket: Option<String>,
    key: Option<String>,
    chain: Option<String>,
    stated: BTreeMap<&'static str, String>,
    says: Vec<String>,
}

/// A finding without an object or chain.
pub fn code(code: &str) -> Finding {
    Finding {
        code: code.into(),
        severity: severity_of(code).into(),
        bucket: None,
        key: None,
        chain: None,
        stated: BTreeMap::new(),
        says: vec![],
    }
}

impl Finding {
    pub fn at(mut self, at: &At) -> Self {
        self.bucket = Some(at.0.clone());
        self.key = Some(at.1.clone());
        self
    }

    /// An object whose bucket no verified digest tells.
    pub fn without_bucket(mut self) -> Self {
        self.bucket = None;
        self
    }

    pub fn chain(mut self, chain: &str) -> Self {
        self.chain = Some(chain.into());
        self
    }

    /// The digest that vouches.
    pub fn digest(mut self, at: &At) -> Self {
        self.stated.insert("digest", at.1.clone());
        self
    }

    pub fn expected(mut self, expected: &str) -> Self {
        self.stated.insert("expected", expected.into());
        self
    }

    pub fn actual(mut self, actual: &str) -> Self {
        self.stated.insert("actual", actual.into());
        self
    }

    pub fn severity(mut self, severity: &str) -> Self {
        self.severity = severity.into();
        self
    }

    /// Words that the message must hold.
    pub fn says(mut self, words: &str) -> Self {
        self.says.push(words.into());
        self
    }

    fn place(&self) -> String {
        let Self {
            code,
            severity,
            bucket,
            key,
            chain,
            ..
        } = self;
        format!("{code} ({severity}) {bucket:?} {key:?} chain {chain:?}")
    }

    fn differences(&self, found: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        for (field, stated) in &self.stated {
            if found[field] != stated.as_str() {
                wrong.push(format!(
                    "{}: {field} is {}, expected {stated:?}",
                    self.place(),
                    found[field]
                ));
            }
        }
        let message = found["message"].as_str().unwrap_or_default();
        for words in self.says.iter().filter(|words| !message.contains(*words)) {
            wrong.push(format!("{}: {words:?} is not in {message:?}", self.place()));
        }
        wrong
    }
}

fn place_of(found: &Value) -> String {
    let text = |field: &str| found[field].as_str().map(str::to_owned);
    let (bucket, key, chain) = (text("bucket"), text("key"), text("chain"));
    format!(
        "{} ({}) {bucket:?} {key:?} chain {chain:?}",
        text("code").unwrap(),
        text("severity").unwrap()
    )
}

/// What is expected of one chain: valid, invalid, missing and unverified, and what time is covered.
#[derive(Clone, Debug)]
pub struct Chain {
    pub id: ChainId,
    pub digests: [u64; 4],
    pub logs: [u64; 4],
    pub covered: Vec<(Time, Time)>,
    pub gaps: Vec<(Time, Time, String)>,
    pub fingerprints: BTreeSet<String>,
}

impl Chain {
    /// A chain of which nothing is known to be right.
    pub fn empty(id: ChainId) -> Self {
        Self {
            id,
            digests: [0; 4],
            logs: [0; 4],
            covered: vec![],
            gaps: vec![],
            fingerprints: BTreeSet::new(),
        }
    }

    /// What an untouched chain gives.
    fn of(delivered: &chain::Chain) -> Self {
        let mut chain = Self::empty(delivered.id.clone());
        chain.digests[0] = delivered.digests.len() as u64;
        for digest in &delivered.digests {
            chain.logs[0] += digest.logs.len() as u64;
            chain.fingerprints.insert(digest.key.fingerprint());
            if delivered.id.backfill {
                continue;
            }
            match chain.covered.last_mut() {
                Some((_, end)) if digest.starting => {
                    let older = *end;
                    chain
                        .gaps
                        .push((older, digest.end, "starting-digest".into()));
                }
                Some((_, end)) if *end == digest.start => *end = digest.end,
                None if digest.starting => {}
                _ => chain.covered.push((digest.start, digest.end)),
            }
        }
        chain
    }

    /// Takes a time out of what is covered, and gives it as a gap.
    pub fn gap(&mut self, start: Time, end: Time, cause: &str) -> &mut Self {
        let before = std::mem::take(&mut self.covered);
        for (from, to) in before {
            let parts = [(from, to.min(start)), (from.max(end), to)];
            self.covered
                .extend(parts.into_iter().filter(|(from, to)| from < to));
        }
        self.gaps.push((start, end, cause.into()));
        self.gaps.sort();
        self
    }

    /// What of the range the chain leaves uncovered at its two ends.
    fn end_gaps(&mut self, requested: Option<(Time, Time)>) {
        let (Some((start, end)), Some(first), Some(last)) =
            (requested, self.covered.first(), self.covered.last())
        else {
            return;
        };
        let late = (start, first.0, "starts-late".to_owned());
        let early = (last.1, end, "ends-early".to_owned());
        self.gaps
            .extend([late, early].into_iter().filter(|(from, to, _)| from < to));
        self.gaps.sort();
    }

    fn json(&self) -> Value {
        let counts = |[valid, invalid, missing, unverified]: [u64; 4]| json!({"valid": valid, "invalid": invalid, "missing": missing, "unverified": unverified});
        let mut logs = counts(self.logs);
        logs["unreferenced"] = 0.into();
        let id = &self.id;
        let span = |start: &Time, end: &Time| json!({"start": start.iso(), "end": end.iso()});
        let gaps = self.gaps.iter().map(|(start, end, cause)| {
            let mut gap = span(start, end);
            gap["cause"] = cause.as_str().into();
            gap
        });
        json!({
            "organization": id.organization, "account": id.account, "region": id.region, "trail": id.trail,
            "home_region": id.home_region, "backfill": id.backfill,
            "covered": self.covered.iter().map(|(start, end)| span(start, end)).collect::<Vec<_>>(),
            "gaps": gaps.collect::<Vec<_>>(),
            "digests": counts(self.digests), "logs": logs, "key_fingerprints": self.fingerprints,
        })
    }
}

/// A whole report, outside `run`, `tool.version` and `totals.bytes`.
#[derive(Clone, Debug)]
pub struct Expect {
    pub chains: Vec<Chain>,
    pub findings: Vec<Finding>,
    pub requested: Option<(Time, Time)>,
}

impl Expect {
    /// What the archive gives when nobody touched it. Call it before tampering.
    pub fn clean(archive: &Archive) -> Self {
        let chains: Vec<_> = archive.chains.iter().map(Chain::of).collect();
        let hourly = || {
            archive
                .chains
                .iter()
                .filter(|chain| !chain.id.backfill)
                .flat_map(|chain| &chain.digests)
        };
        // A starting digest vouches for nothing before its own end.
        let vouches_from = |digest: &chain::Delivered| {
            if digest.starting {
                digest.end
            } else {
                digest.start
            }
        };
        let start = hourly().map(vouches_from).min();
        let end = hourly().map(|digest| digest.end).max();
        let requested = start.zip(end);
        let mut expect = Self {
            chains,
            findings: vec![],
            requested,
        };
        for chain in &mut expect.chains {
            chain.end_gaps(requested);
        }
        expect
    }

    /// No chain, no finding.
    pub fn nothing() -> Self {
        Self {
            chains: vec![],
            findings: vec![],
            requested: None,
        }
    }

    pub fn finding(mut self, finding: Finding) -> Self {
        self.findings.push(finding);
        self
    }

    pub fn findings(mut self, findings: impl IntoIterator<Item = Finding>) -> Self {
        self.findings.extend(findings);
        self
    }

    pub fn requested(mut self, start: &str, end: &str) -> Self {
        self.requested = Some((Time::parse(start), Time::parse(end)));
        self
    }

    pub fn ends(mut self, end: Time) -> Self {
        self.requested = self.requested.map(|(start, _)| (start, end));
        self
    }

    pub fn starts(mut self, start: Time) -> Self {
        self.requested = self.requested.map(|(_, end)| (start, end));
        self
    }

    /// Changes what is expected of the chain with this name.
    pub fn chain(mut self, name: &str, change: impl FnOnce(&mut Chain)) -> Self {
        let found = self.chains.iter_mut().find(|chain| chain.id.name() == name);
        change(found.unwrap_or_else(|| panic!("no chain is named {name}")));
        self
    }

    pub fn another_chain(mut self, chain: Chain) -> Self {
        self.chains.push(chain);
        self
    }

    pub fn without_chain(mut self, name: &str) -> Self {
        self.chains.retain(|chain| chain.id.name() != name);
        self
    }

    /// The log at `at`, whose digest is not verified, in a time that nothing covers.
    pub fn uncovered(self, at: &At, region: &str) -> Self {
        self.finding(code("log-uncovered").at(at).chain(region))
    }

    fn count(&self, code: &str) -> u64 {
        self.findings
            .iter()
            .filter(|finding| finding.code == code)
            .count() as u64
    }

    fn verdict(&self) -> (&'static str, i32) {
        let any = |severity: &str| {
            self.findings
                .iter()
                .any(|finding| finding.severity == severity)
        };
        if any("invalid") {
            ("invalid", 1)
        } else if any("unverified") {
            ("unverified", 3)
        } else {
            ("valid", 0)
        }
    }

    fn totals(&self) -> Value {
        let sum = |index: usize, of: fn(&Chain) -> &[u64; 4]| {
            self.chains
                .iter()
                .map(|chain| of(chain)[index])
                .sum::<u64>()
        };
        let digests = |index| sum(index, |chain| &chain.digests);
        let logs = |index| sum(index, |chain| &chain.logs);
        json!({
            "digests": {"valid": digests(0), "invalid": digests(1), "missing": digests(2), "unverified": digests(3)},
            "logs": {"valid": logs(0), "invalid": logs(1), "missing": logs(2),
                "unreferenced": self.count("log-unreferenced"), "unverified": logs(3) + self.count("log-uncovered")},
        })
    }

    /// What differs between the report and what is expected.
    pub fn differences(&self, report: &Value, exit: i32) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut compare = |what: &str, found: &Value, expected: &Value| {
            if found != expected {
                wrong.push(format!("{what} is {found}\n    expected {expected}"));
            }
        };
        let (verdict, status) = self.verdict();
        compare("the verdict", &report["verdict"], &verdict.into());
        compare("the exit status", &exit.into(), &status.into());
        if let Some((start, end)) = self.requested {
            compare(
                "requested",
                &report["requested"],
                &json!({"start": start.iso(), "end": end.iso()}),
            );
        }
        let mut totals = report["totals"].clone();
        totals.as_object_mut().expect("totals").remove("bytes");
        compare("totals", &totals, &self.totals());
        let mut chains = self.chains.clone();
        chains.sort_by_key(|chain| {
            let ChainId {
                organization,
                account,
                region,
                trail,
                home_region,
                backfill,
            } = chain.id.clone();
            (organization, account, region, trail, home_region, backfill)
        });
        let found = report["chains"].as_array().expect("chains");
        let names: Vec<_> = chains.iter().map(|chain| chain.id.name()).collect();
        compare(
            "the number of chains",
            &found.len().into(),
            &chains.len().into(),
        );
        for ((name, chain), found) in names.iter().zip(&chains).zip(found) {
            // Which events explain a gap is stated by those scenarios that are about it.
            let mut found = found.clone();
            for gap in found["gaps"].as_array_mut().expect("gaps") {
                gap.as_object_mut().expect("a gap").remove("events");
            }
            compare(&format!("chain {name}"), &found, &chain.json());
        }
        wrong.extend(self.finding_differences(report));
        wrong
    }

    fn finding_differences(&self, report: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut left: Vec<_> = report["findings"]
            .as_array()
            .expect("findings")
            .iter()
            .collect();
        for expected in &self.findings {
            let place = expected.place();
            match left.iter().position(|found| place_of(found) == place) {
                Some(index) => wrong.extend(expected.differences(left.remove(index))),
                None => wrong.push(format!("not found: {place}")),
            }
        }
        wrong.extend(
            left.into_iter()
                .map(|found| format!("not expected: {}: {}", place_of(found), found["message"])),
        );
        wrong
    }
}

/// `log-modified`, with the hash its digest tells and the hash of what is there now.
pub fn log_modified(
    archive: &Archive,
    log: &At,
    digest: &At,
    chain: &str,
    expected: &str,
) -> Finding {
    let body = &archive.store.get(log).body;
    let content = if body.starts_with(&[0x1f, 0x8b]) {
        archive.store.content(log)
    } else {
        body.clone()
    };
    code("log-modified")
        .at(log)
        .chain(chain)
        .digest(digest)
        .expected(expected)
        .actual(&sha256(&content))
}
