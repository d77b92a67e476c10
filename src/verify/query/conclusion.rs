//! From the whole tally of a run on query results to its verdict.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::conclusion::{ExitStatus, Verdict, Weighed, order, severity_in};
use super::super::finding::{Code, Finding, Severity, Subject};
use super::super::hashing::Sha256Hash;
use super::super::time::{day_folders, midnight};
use super::folder::ExportFolder;
use super::tally::{Claims, ExportTally, FileVerdict, QueryTally, QueryWeights, ResultCounts};

/// How many other folders with the same signature are named.
const TWINS_NAMED: usize = 3;

/// An export as reports tell it.
#[derive(Clone, Debug)]
pub struct ExportResult {
    /// What was found out.
    pub tally: ExportTally,
    /// What its folder says of it, where it is one of CloudTrail Lake's.
    pub place: Option<ExportFolder>,
    /// Where what is not signed does not fit together, a sentence each.
    pub differences: Vec<String>,
}

/// What a run on query results comes to, and all that supports it.
#[derive(Clone, Debug)]
pub struct QueryConclusion {
    verdict: Verdict,
    /// All exports, in order.
    pub exports: Vec<ExportResult>,
    /// The sign files: as many as were looked for.
    pub sign_files: ResultCounts,
    /// The result files.
    pub results: ResultCounts,
    /// Stored bytes read.
    pub bytes_read: u64,
    /// Bytes hashed.
    pub bytes_hashed: u64,
    /// All findings, in order.
    pub findings: Vec<Weighed>,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
}

impl QueryConclusion {
    /// Weighs the whole tally. There is no other way to a verdict.
    pub fn reach(tally: QueryTally, weights: &QueryWeights) -> Self {
        let mut found = tally.findings;
        if tally.exports.is_empty() && found.is_empty() && !tally.interrupted {
            found.push(
                Finding::new(Code::NoResults, Subject::Run).detail(
                    "no export was found: neither a result_sign.json nor a result_N.csv.gz",
                ),
            );
        }
        let mut findings: Vec<_> = found
            .into_iter()
            .map(|finding| weigh(finding, weights))
            .collect();
        findings.sort_by(|a, b| order(a).cmp(&order(b)));
        let (mut sign_files, mut results) = (ResultCounts::default(), ResultCounts::default());
        for export in &tally.exports {
            sign_files.count(export.sign_file);
            results.add(export.results);
        }
        // Proven is what a proven sign file names: a sign file alone vouches for nothing.
        let proven = tally
            .exports
            .iter()
            .any(|export| export.sign_file == FileVerdict::Valid && export.results.valid > 0);
        let verdict = match findings.iter().map(|finding| finding.severity).max() {
            Some(Severity::Invalid) => Verdict::Invalid,
            Some(Severity::Unverified) => Verdict::Unverified,
            // Nothing verified is no success, whatever the user allows.
            Some(Severity::Notice) | None if !proven || tally.interrupted => Verdict::Unverified,
            Some(Severity::Notice) | None => Verdict::Valid,
        };
        Self {
            verdict,
            exports: results_of(tally.exports),
            sign_files,
            results,
            bytes_read: tally.bytes_read,
            bytes_hashed: tally.bytes_hashed,
            findings,
            interrupted: tally.interrupted,
        }
    }

    /// The same, where what goes with it was stopped before its end: it is not valid.
    #[must_use]
    pub fn stopped(mut self) -> Self {
        self.interrupted = true;
        if self.verdict == Verdict::Valid {
            self.verdict = Verdict::Unverified;
        }
        self
    }

    /// The verdict.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// What the program tells whoever started it.
    pub fn exit_status(&self) -> ExitStatus {
        ExitStatus::of(self.verdict, self.interrupted)
    }
}

fn weigh(finding: Finding, weights: &QueryWeights) -> Weighed {
    let severity = severity_in(finding.code, &weights.allow, &weights.deny);
    let (bucket, key) = match &finding.subject {
        Subject::Run => (None, None),
        Subject::Object(location) => (
            Some(Arc::clone(location.bucket())),
            Some(Arc::clone(location.key())),
        ),
        Subject::Listed { path, .. } => (None, Some(Arc::clone(path))),
    };
    Weighed {
        finding,
        severity,
        bucket,
        key,
    }
}

fn results_of(mut exports: Vec<ExportTally>) -> Vec<ExportResult> {
    exports.sort_by(|a, b| (&a.bucket, &a.folder).cmp(&(&b.bucket, &b.folder)));
    let mut twins: BTreeMap<Sha256Hash, Vec<Arc<str>>> = BTreeMap::new();
    for export in &exports {
        if let Some(claims) = &export.claims {
            let folders = twins.entry(claims.signature).or_default();
            folders.push(Arc::clone(&export.folder));
        }
    }
    exports
        .into_iter()
        .map(|tally| {
            let place = ExportFolder::parse(&tally.folder);
            let mut differences = Vec::new();
            if let Some(claims) = &tally.claims {
                differences.extend(difference_of_day(place.as_ref(), claims));
                differences.extend(difference_of_key(&tally, claims));
                differences.extend(difference_of_version(claims));
                let twins = twins.get(&claims.signature).map(Vec::as_slice);
                differences.extend(twins_of(&tally, twins.unwrap_or_default()));
            }
            ExportResult {
                tally,
                place,
                differences,
            }
        })
        .collect()
}

fn difference_of_day(place: Option<&ExportFolder>, claims: &Claims) -> Option<String> {
    let day = place?.day;
    (midnight(claims.completed) != day).then(|| {
        format!(
            "it lies in the folder of the day {}, and its sign file claims that the query was complete at {}",
            day_folders(day),
            claims.completed
        )
    })
}

fn difference_of_key(tally: &ExportTally, claims: &Claims) -> Option<String> {
    let signer = tally.signer.filter(|key| *key != claims.fingerprint)?;
    Some(format!(
        "its sign file names the key {}, and its signature is one of the key {signer}",
        claims.fingerprint
    ))
}

fn difference_of_version(claims: &Claims) -> Option<String> {
    let version = claims
        .version
        .as_deref()
        .filter(|version| *version != "1.0")?;
    Some(format!(
        "its sign file claims to be of version {version:?}, and is signed as one of version 1.0"
    ))
}

fn twins_of(tally: &ExportTally, folders: &[Arc<str>]) -> Option<String> {
    let others: Vec<_> = folders
        .iter()
        .filter(|folder| **folder != tally.folder)
        .collect();
    let named: Vec<_> = others
        .iter()
        .take(TWINS_NAMED)
        .map(|other| &***other)
        .collect();
    let rest = others.len().saturating_sub(TWINS_NAMED);
    let more = if rest > 0 {
        format!(" and {rest} more")
    } else {
        String::new()
    };
    (!others.is_empty()).then(|| {
        format!(
            "its signature also stands in {}{more}: the same results under another query",
            named.join(", ")
        )
    })
}
