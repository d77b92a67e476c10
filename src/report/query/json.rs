//! The JSON report on query results: its head and its findings are those of every report; what it
//! has of its own are the exports.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::report::json::{Bytes, Digests, Finding, Logs, Run, SCHEMA_VERSION, Tool};
use crate::report::named;
use crate::report::run_info::RunInfo;
use crate::verify::conclusion::Verdict;
use crate::verify::query::{ExportResult, FileVerdict, QueryConclusion, ResultCounts};

type Text<'a> = Cow<'a, str>;

/// A whole report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryReport<'a> {
    /// The version of the report's structure.
    pub schema_version: u32,
    /// What made it.
    pub tool: Tool<'a>,
    /// The run.
    pub run: Run<'a>,
    /// What was verified, as the user named it.
    pub source: Text<'a>,
    /// What the run comes to.
    #[serde(with = "named")]
    pub verdict: Verdict,
    /// Counts over all exports.
    pub totals: Totals,
    /// All exports, in order.
    pub exports: Vec<Export<'a>>,
    /// All findings, in order.
    pub findings: Vec<Finding<'a>>,
}

/// Counts over all exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// All sign files.
    pub sign_files: Digests,
    /// All result files.
    pub results: Logs,
    /// All bytes.
    pub bytes: Bytes,
}

/// One export: a folder of query results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export<'a> {
    /// The bucket, where it is known.
    pub bucket: Option<Text<'a>>,
    /// The folder's key, without a closing slash.
    pub folder: Text<'a>,
    /// The organization's id, as the folder says.
    pub organization: Option<Text<'a>>,
    /// The account, as the folder says.
    pub account: Option<Text<'a>>,
    /// The day, as the folder says.
    pub day: Option<Text<'a>>,
    /// The query's id, as the folder says.
    pub query_id: Option<Text<'a>>,
    /// The verdict on the sign file.
    #[serde(with = "named")]
    pub sign_file: FileVerdict,
    /// What the sign file claims, where it could be read. None of it is signed.
    pub claimed: Option<Claimed<'a>>,
    /// Where folder and claims do not fit together, a sentence each.
    pub differences: Vec<Text<'a>>,
    /// The key that the signature opens under.
    pub key_fingerprint: Option<Text<'a>>,
    /// The result files.
    pub results: Logs,
}

/// What a sign file claims beside the hashes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claimed<'a> {
    /// Its version.
    pub version: Option<Text<'a>>,
    /// The region.
    pub region: Text<'a>,
    /// When the query was complete.
    pub completed: Timestamp,
    /// The key that it names.
    pub key_fingerprint: Text<'a>,
}

impl<'a> QueryReport<'a> {
    /// The report on what a run came to.
    pub fn new(conclusion: &'a QueryConclusion, run: &'a RunInfo) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            tool: Tool::new(run),
            run: Run::new(run, conclusion.interrupted),
            source: run.source.as_str().into(),
            verdict: conclusion.verdict(),
            totals: Totals {
                sign_files: sign_files(conclusion.sign_files),
                results: results(conclusion.results),
                bytes: Bytes {
                    read: conclusion.bytes_read,
                    hashed: conclusion.bytes_hashed,
                },
            },
            exports: conclusion.exports.iter().map(Export::new).collect(),
            findings: conclusion.findings.iter().map(Finding::new).collect(),
        }
    }
}

impl<'a> Export<'a> {
    fn new(result: &'a ExportResult) -> Self {
        let tally = &result.tally;
        let place = result.place.as_ref();
        Self {
            bucket: tally.bucket.as_deref().map(Cow::Borrowed),
            folder: (&*tally.folder).into(),
            organization: place
                .and_then(|place| place.organization.as_deref())
                .map(Cow::Borrowed),
            account: place.map(|place| (&*place.account).into()),
            day: place.map(|place| place.day.strftime("%Y-%m-%d").to_string().into()),
            query_id: place.map(|place| (&*place.query_id).into()),
            sign_file: tally.sign_file,
            claimed: tally.claims.as_ref().map(|claims| Claimed {
                version: claims.version.as_deref().map(Cow::Borrowed),
                region: (&*claims.region).into(),
                completed: claims.completed,
                key_fingerprint: claims.fingerprint.to_string().into(),
            }),
            differences: result
                .differences
                .iter()
                .map(|told| told.as_str().into())
                .collect(),
            key_fingerprint: tally.signer.map(|signer| signer.to_string().into()),
            results: results(tally.results),
        }
    }

    /// As a person calls it: the folder, where the AWS CLI finds it.
    pub(super) fn name(&self) -> String {
        match &self.bucket {
            Some(bucket) => format!("s3://{bucket}/{}", self.folder),
            None if self.folder.is_empty() => ".".to_owned(),
            None => self.folder.to_string(),
        }
    }
}

fn sign_files(counts: ResultCounts) -> Digests {
    Digests {
        valid: counts.valid,
        invalid: counts.invalid,
        missing: counts.missing,
        unverified: counts.unverified,
    }
}

fn results(counts: ResultCounts) -> Logs {
    Logs {
        valid: counts.valid,
        invalid: counts.invalid,
        missing: counts.missing,
        unreferenced: counts.unreferenced,
        unverified: counts.unverified,
    }
}
