//! Whether the digests of a report's chains are linked, as far as it tells.

use std::collections::BTreeSet;

use super::json::{Chain, Finding, Report};
use crate::verify::chain::GapCause;
use crate::verify::finding::Code;

/// Whether the digests of each chain are linked. What is found later weighs more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Links {
    /// All of them.
    All,
    /// A chain begins anew while digests of before still come, so that there is no gap.
    Anew,
    /// Not all of them were looked at.
    Unknown,
    /// A chain has a break, whatever it weighs in this run, or begins anew.
    Broken,
}

/// What the findings and the coverage tell of them.
pub fn links(report: &Report<'_>) -> Links {
    let breaks = |code: Code| match code {
        Code::DigestMissing
        | Code::DigestModified
        | Code::DigestMalformed
        | Code::DigestMoved
        | Code::DigestKeyUnknown
        | Code::DigestLinkBroken
        | Code::CoverageGap => Links::Broken,
        Code::DigestUnsigned | Code::DigestUnreadable => Links::Unknown,
        // It stands beside the chains.
        Code::DigestOutOfChain
        | Code::LogMissing
        | Code::LogModified
        | Code::LogMalformed
        | Code::LogUnreferenced
        | Code::LogUncovered
        | Code::LogUnreadable
        | Code::SnapshotAltered
        | Code::CoverageEndsEarly
        | Code::NoDigests
        | Code::CoverageStartsLate
        | Code::RegionSilent
        | Code::KindUndigested
        | Code::LogPending
        | Code::StoredUncompressed
        | Code::SignatureFromSuccessor
        | Code::SignFileMissing
        | Code::SignFileModified
        | Code::SignFileMalformed
        | Code::ResultKeyUnknown
        | Code::ResultMissing
        | Code::ResultModified
        | Code::ResultUnreferenced
        | Code::ResultUnreadable
        | Code::NoResults => Links::All,
    };
    let parts = |cause: GapCause| match cause {
        GapCause::StartingDigest
        | GapCause::DigestMissing
        | GapCause::DigestInvalid
        | GapCause::NotContiguous => Links::Broken,
        GapCause::DigestUnverified => Links::Unknown,
        GapCause::StartsLate | GapCause::EndsEarly => Links::All,
    };
    let gaps = report.chains.iter().flat_map(|chain| &chain.gaps);
    // Where a whole chain is out of its place, its digests are proven, and linked as they are.
    let chains = report.chains.iter();
    let proven = chains.filter(|chain| chain.digests.invalid == 0);
    let proven: BTreeSet<_> = proven.map(Chain::name).collect();
    let is_of_proven = |it: &Finding<'_>| {
        let chain = it.chain.as_deref();
        chain.is_some_and(|name| proven.contains(name))
    };
    let found = report.findings.iter();
    let found = found.filter(|it| it.code != Code::DigestMoved || !is_of_proven(it));
    let codes = found.map(|finding| finding.code);
    // A walk that was stopped has not come to every link.
    let walked = if report.run.interrupted {
        Links::Unknown
    } else {
        Links::All
    };
    let restarts = report.chains.iter().map(|chain| chain.restarts_within);
    let restarts = restarts.filter(|number| *number > 0).map(|_| Links::Anew);
    gaps.map(|gap| parts(gap.cause))
        .chain(restarts)
        .chain(codes.map(breaks))
        .fold(walked, Links::max)
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::verify::finding::Severity;

    #[test]
    fn what_was_not_looked_at_is_neither_linked_nor_broken() {
        let clean = samples::clean();
        assert!(matches!(links(&clean), Links::All));
        assert!(matches!(links(&samples::tampered()), Links::Broken));
        let with = |codes: &[Code]| {
            let mut report = samples::clean();
            for code in codes {
                let mut finding = samples::tampered().findings.remove(0);
                finding.code = *code;
                // What is allowed is broken all the same.
                finding.severity = Severity::Notice;
                report.findings.push(finding);
            }
            links(&report)
        };
        assert!(matches!(with(&[Code::LogModified]), Links::All));
        assert!(matches!(with(&[Code::DigestUnreadable]), Links::Unknown));
        let both = [Code::DigestUnreadable, Code::DigestLinkBroken];
        assert!(matches!(with(&both), Links::Broken));
        // Each digest of a chain that is out of place as a whole is proven.
        let mut moved = samples::clean();
        let mut finding = samples::tampered().findings.remove(0);
        finding.code = Code::DigestMoved;
        finding.chain = Some(moved.chains[0].name().into());
        moved.findings.push(finding);
        assert!(matches!(links(&moved), Links::All));
        moved.chains[0].digests.invalid = 1;
        assert!(matches!(links(&moved), Links::Broken));
        let mut anew = samples::clean();
        anew.chains[0].restarts_within = 1;
        assert!(matches!(links(&anew), Links::Anew));
        let mut stopped = clean;
        stopped.run.interrupted = true;
        assert!(matches!(links(&stopped), Links::Unknown));
    }
}
