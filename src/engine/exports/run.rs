//! One run on query results, whole: discovery, sign files, result files, conclusion.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::discovery::{Export, discover};
use super::naming::Naming;
use super::results::{Judged, judge};
use super::sign_files::{Checked, check};
use crate::engine::custody::tell_altered;
use crate::engine::readers::Readers;
use crate::engine::stop::Stop;
use crate::engine::threads::in_parallel;
use crate::event::{Event, FileKind, Observer};
use crate::source::{KeyRing, Problem, Source, SourceError};
use crate::verify::finding::{Code, Finding, Subject};
use crate::verify::location::RootId;
use crate::verify::query::{
    ExportTally, FileVerdict, QueryConclusion, QueryTally, QueryWeights, ResultCounts, SIGN_FILE,
    VerifiedSignFile,
};

/// Which query results are to be verified, and against what.
#[derive(Debug)]
pub struct QueryJob {
    /// The root that they lie in.
    pub root: RootId,
    /// The folder that is looked into, at any depth; empty for all of the root.
    pub start: String,
    /// What stands before the root's paths in keys; empty where nothing is known of it.
    pub before: String,
    /// Where CloudTrail's public keys come from.
    pub keys: Arc<dyn KeyRing>,
    /// How findings are weighed.
    pub weights: QueryWeights,
    /// Threads that read and hash.
    pub threads: usize,
}

/// What all workers of a run share.
pub(super) struct Run<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) root: RootId,
    pub(super) keys: &'a dyn KeyRing,
    pub(super) observer: &'a dyn Observer,
    pub(super) stop: &'a Stop,
    pub(super) naming: Naming,
    pub(super) readers: Readers,
}

/// Verifies all query results below a source, and concludes.
///
/// # Errors
/// Where the source itself cannot be looked at. Anything below it that cannot be read is a
/// finding, and never ends the run.
pub fn verify_exports(
    job: &QueryJob,
    source: &dyn Source,
    observer: &dyn Observer,
    stop: &Stop,
) -> Result<QueryConclusion, SourceError> {
    let mut found = match discover(source, job.root, &job.start, job.threads, stop) {
        // What was not looked at because the run ends is no failure.
        Err(_) if stop.is_stopped() => super::discovery::Found::default(),
        found => found?,
    };
    let exports = found.exports(&job.before);
    let bucket = source.stated(job.root).map(|(bucket, _)| bucket);
    let run = Run {
        naming: Naming::new(job.root, bucket, &job.before, &exports),
        source,
        root: job.root,
        keys: &*job.keys,
        observer,
        stop,
        readers: Readers::default(),
    };
    let mut tally = QueryTally::default();
    if !stop.is_stopped() {
        for problem in &found.problems {
            run.find(&mut tally, run.problem(problem));
        }
    }
    run.verify(&exports, job.threads, &mut tally);
    if !stop.is_stopped() {
        let allowed = &job.weights.allow;
        tell_altered(source.altered(), &run.naming, allowed, &mut tally.findings);
    }
    tally.interrupted = stop.is_stopped();
    Ok(QueryConclusion::reach(tally, &job.weights))
}

impl Run<'_> {
    fn verify(&self, exports: &[Export], threads: usize, tally: &mut QueryTally) {
        let listed: usize = exports.iter().map(|export| export.results.len()).sum();
        self.observer.observe(&Event::Listed {
            digests: exports.len() as u64,
            logs: listed as u64,
        });
        let checked = in_parallel(threads, exports, |export| {
            let checked = check(self, export)?;
            self.tell_sign_file(export, &checked);
            Some(checked)
        });
        let mut wanted = Vec::new();
        for (number, checked) in checked.iter().enumerate() {
            let proven = checked.as_ref().and_then(|checked| checked.proven.as_ref());
            let entries = proven.map(VerifiedSignFile::files).unwrap_or_default();
            wanted.extend(entries.iter().map(|entry| (number, entry)));
        }
        let judged = in_parallel(threads, &wanted, |(number, entry)| {
            let judged = judge(self, exports.get(*number)?, entry)?;
            self.tell_result(&judged);
            Some(judged)
        });
        let mut counts = vec![ResultCounts::default(); exports.len()];
        for ((number, _), judged) in wanted.iter().zip(judged) {
            let Some(judged) = judged else { continue };
            if let Some(counts) = counts.get_mut(*number) {
                counts.count(judged.verdict);
            }
            tally.bytes_read += judged.bytes;
            tally.bytes_hashed += judged.bytes;
            tally.findings.extend(judged.finding);
        }
        for ((export, checked), counts) in exports.iter().zip(&checked).zip(counts) {
            if let Some(checked) = checked {
                self.conclude(export, checked, counts, tally);
            }
        }
    }

    /// Puts together what is known of one export.
    fn conclude(
        &self,
        export: &Export,
        checked: &Checked,
        mut results: ResultCounts,
        tally: &mut QueryTally,
    ) {
        let folder = self.naming.folder(&export.path);
        tally.bytes_read += checked.read;
        tally.findings.extend(checked.finding.clone());
        if let Some(proven) = &checked.proven {
            let named = proven.files().iter().map(|file| file.name().as_str());
            let named: BTreeSet<_> = named.collect();
            let planted = export.results.keys();
            for name in planted.filter(|name| !named.contains(name.as_str())) {
                results.unreferenced += 1;
                let subject = self.naming.object(&folder, name);
                self.find(tally, Finding::new(Code::ResultUnreferenced, subject));
            }
        } else {
            results.unverified += export.results.len() as u64;
        }
        tally.exports.push(ExportTally {
            bucket: self.naming.bucket.clone(),
            folder: folder.into(),
            sign_file: checked.verdict,
            claims: checked.claims.clone(),
            signer: checked
                .proven
                .as_ref()
                .filter(|_| checked.verdict == FileVerdict::Valid)
                .map(VerifiedSignFile::signer),
            results,
        });
    }

    fn tell_sign_file(&self, export: &Export, checked: &Checked) {
        let folder = self.naming.folder(&export.path);
        self.observer.observe(&Event::File {
            kind: FileKind::SignFile,
            subject: &self.naming.object(&folder, SIGN_FILE),
            verdict: checked.verdict,
            bytes: checked.read,
        });
        if let Some(finding) = &checked.finding {
            self.observer.observe(&Event::Found(finding));
        }
    }

    fn tell_result(&self, judged: &Judged) {
        self.observer.observe(&Event::File {
            kind: FileKind::Result,
            subject: &judged.subject,
            verdict: judged.verdict,
            bytes: judged.bytes,
        });
        if let Some(finding) = &judged.finding {
            self.observer.observe(&Event::Found(finding));
        }
    }

    fn find(&self, tally: &mut QueryTally, finding: Finding) {
        self.observer.observe(&Event::Found(&finding));
        tally.findings.push(finding);
    }

    /// What could not be listed is told: nothing may hide behind it.
    fn problem(&self, problem: &Problem) -> Finding {
        let detail = format!(
            "what lies in {:?} could not be listed: {}",
            self.naming.folder(&problem.path),
            problem.error
        );
        Finding::new(Code::ResultUnreadable, Subject::Run).detail(detail)
    }
}
