//! Findings put together as a person deals with them: by what they weigh, what they are, and
//! where.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::amounts::{count, counted};
use super::json::{Finding, Report};
use crate::verify::finding::{Code, Severity};
use crate::verify::location::{DigestKey, LogPath, split_key};

/// All findings of one code.
#[derive(Debug)]
pub struct Group<'r> {
    /// What was found.
    pub code: Code,
    /// What it weighs in this run.
    pub severity: Severity,
    /// How many of it.
    pub count: u64,
    /// Where, in order.
    pub parts: Vec<Part<'r>>,
}

impl Group<'_> {
    /// What to do first.
    pub fn first_step(&self) -> &'static str {
        let findings = self.parts.iter().flat_map(|part| &part.findings);
        self.code.first_step(findings.map(|it| it.message.as_ref()))
    }

    /// `300 logs missing`, over all parts.
    pub fn told(&self) -> String {
        self.told_of(&self.parts)
    }

    /// The same over some of its parts.
    pub fn told_of(&self, parts: &[Part<'_>]) -> String {
        if parts.iter().any(|part| part.stands_for_more) {
            return noun(self.code).1.to_owned();
        }
        told_of(self.code, parts.iter().flat_map(|part| &part.findings))
    }
}

/// The findings of one code in one chain.
#[derive(Debug)]
pub struct Part<'r> {
    /// The chain, or the account and region.
    pub chain: Option<&'r str>,
    /// The findings.
    pub findings: Vec<&'r Finding<'r>>,
    /// Whether one of them is of several objects, of which it does not tell the number.
    pub stands_for_more: bool,
}

impl<'r> Part<'r> {
    /// `300 logs missing`.
    pub fn told(&self, code: Code) -> String {
        if self.stands_for_more {
            return noun(code).1.to_owned();
        }
        told_of(code, self.findings.iter())
    }

    /// The times of the first and of the last of its objects, as far as their keys tell.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let times = || self.findings.iter().filter_map(|finding| time_of(finding));
        Some((times().min()?, times().max()?))
    }

    /// Its findings, put together where one message holds for several.
    pub fn by_message(&self) -> Vec<(&'r str, Vec<&'r Finding<'r>>)> {
        let mut order: Vec<(&str, Vec<&Finding<'_>>)> = Vec::new();
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in &self.findings {
            let message = finding.message.as_ref();
            let at = *known.entry(message).or_insert_with(|| {
                order.push((message, Vec::new()));
                order.len() - 1
            });
            if let Some((_, findings)) = order.get_mut(at) {
                findings.push(finding);
            }
        }
        order
    }
}

/// The findings of a report: the heaviest first, then in the order of the codes, then in their
/// own.
pub fn groups<'r>(report: &'r Report<'_>) -> Vec<Group<'r>> {
    let mut groups = groups_of(&report.findings);
    let moved = groups.iter_mut().filter(|it| it.code == Code::DigestMoved);
    let parts: Vec<_> = moved.flat_map(|group| &mut group.parts).collect();
    if parts.is_empty() {
        return groups;
    }
    let chains = report.chains.iter();
    let invalid = chains.map(|chain| (chain.name(), chain.digests.invalid));
    let invalid: BTreeMap<_, _> = invalid.collect();
    for part in parts {
        // Of those that a walk finds out of place, each is counted; where a whole chain is, one finding
        // tells it of all its digests, and they are valid otherwise.
        let counted = part.chain.and_then(|name| invalid.get(name));
        part.stands_for_more = counted.is_none_or(|number| *number < part.findings.len() as u64);
    }
    groups
}

/// The same for findings alone.
pub fn groups_of<'r>(findings: &'r [Finding<'_>]) -> Vec<Group<'r>> {
    let mut by_code: BTreeMap<_, BTreeMap<Option<&str>, Vec<&Finding<'_>>>> = BTreeMap::new();
    for finding in findings {
        by_code
            .entry((std::cmp::Reverse(finding.severity), finding.code))
            .or_default()
            .entry(finding.chain.as_deref())
            .or_default()
            .push(finding);
    }
    let group = |((severity, code), parts): ((std::cmp::Reverse<Severity>, Code), _)| {
        let parts: BTreeMap<Option<&str>, Vec<&Finding<'_>>> = parts;
        let parts: Vec<_> = parts
            .into_iter()
            .map(|(chain, findings)| Part {
                chain,
                findings,
                stands_for_more: false,
            })
            .collect();
        Group {
            code,
            severity: severity.0,
            count: parts.iter().map(|part| part.findings.len() as u64).sum(),
            parts,
        }
    };
    by_code.into_iter().map(group).collect()
}

/// When the object of a finding was delivered, as far as its key tells: a digest's end, a log's
/// time.
pub fn time_of(finding: &Finding<'_>) -> Option<Timestamp> {
    let (_, path) = split_key(finding.key.as_deref()?)?;
    DigestKey::parse(path)
        .map(|key| key.end())
        .or_else(|| LogPath::parse(path)?.time)
}

/// An object as the AWS CLI takes it, where its bucket is known.
pub fn object_name(finding: &Finding<'_>) -> Option<String> {
    let key = finding.key.as_deref()?;
    Some(match &finding.bucket {
        Some(bucket) => format!("s3://{bucket}/{key}"),
        None => key.to_owned(),
    })
}

/// What of these findings is about objects, and what about folders that could not be listed.
fn told_of<'f>(code: Code, findings: impl Iterator<Item = &'f &'f Finding<'f>>) -> String {
    let (mut objects, mut folders) = (0, 0);
    for finding in findings {
        match finding.key {
            Some(_) => objects += 1,
            None => folders += 1,
        }
    }
    if folders == 0 || ![Code::DigestUnreadable, Code::LogUnreadable].contains(&code) {
        return told(code, objects + folders);
    }
    let unlisted = counted(
        folders,
        "folder that could not be listed",
        "folders that could not be listed",
    );
    if objects == 0 {
        return unlisted;
    }
    format!("{}, {unlisted}", told(code, objects))
}

/// `300 logs missing`.
pub fn told(code: Code, number: u64) -> String {
    if code == Code::NoDigests {
        return "no digest was found of what was asked for".to_owned();
    }
    let (one, many) = noun(code);
    let noun = if number == 1 { one } else { many };
    format!("{} {noun}", count(number))
}

fn noun(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::DigestMissing => ("break in a chain of digests", "breaks in chains of digests"),
        Code::DigestModified => ("digest modified", "digests modified"),
        Code::DigestMalformed => ("digest malformed", "digests malformed"),
        Code::DigestMoved => ("digest out of its place", "digests out of their places"),
        Code::DigestKeyUnknown => (
            "digest signed with an unknown key",
            "digests signed with unknown keys",
        ),
        Code::DigestLinkBroken => ("broken link", "broken links"),
        Code::DigestOutOfChain => ("digest out of chain", "digests out of chain"),
        Code::DigestUnsigned => ("digest without a signature", "digests without a signature"),
        Code::DigestUnreadable => ("digest unreadable", "digests unreadable"),
        Code::LogMissing => ("log missing", "logs missing"),
        Code::LogModified => ("log modified", "logs modified"),
        Code::LogMalformed => ("log malformed", "logs malformed"),
        Code::LogUnreferenced => ("log out of chain", "logs out of chain"),
        Code::LogUncovered => (
            "log in time that nothing covers",
            "logs in time that nothing covers",
        ),
        Code::LogUnreadable => ("log unreadable", "logs unreadable"),
        Code::SnapshotAltered => (
            "file of the snapshot altered",
            "files of the snapshot altered",
        ),
        Code::CoverageEndsEarly => ("chain that ends early", "chains that end early"),
        Code::NoDigests => ("run that found no digest", "runs that found no digest"),
        Code::CoverageGap => ("gap in coverage", "gaps in coverage"),
        Code::CoverageStartsLate => ("chain that starts late", "chains that start late"),
        Code::RegionSilent => ("silent region", "silent regions"),
        Code::KindUndigested => (
            "kind of log that no digest names",
            "kinds of log that no digest names",
        ),
        Code::LogPending => (
            "log dated after the newest digest",
            "logs dated after the newest digest",
        ),
        Code::StoredUncompressed => (
            "chain stored uncompressed in part",
            "chains stored uncompressed in part",
        ),
        Code::SignatureFromSuccessor => (
            "chain proven by successors' signatures",
            "chains proven by successors' signatures",
        ),
        Code::SignFileMissing => ("export without a sign file", "exports without a sign file"),
        Code::SignFileModified => ("sign file modified", "sign files modified"),
        Code::SignFileMalformed => ("sign file malformed", "sign files malformed"),
        Code::ResultKeyUnknown => (
            "sign file signed with an unknown key",
            "sign files signed with unknown keys",
        ),
        Code::ResultMissing => ("result file missing", "result files missing"),
        Code::ResultModified => ("result file modified", "result files modified"),
        Code::ResultUnreferenced => (
            "file beside the results that no sign file names",
            "files beside the results that no sign file names",
        ),
        Code::ResultUnreadable => (
            "file that could not be read or checked",
            "files that could not be read or checked",
        ),
        Code::NoResults => (
            "export that names no results",
            "exports that name no results",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn no_number_is_told_where_a_finding_stands_for_more() {
        let mut report = samples::clean();
        let mut finding = samples::tampered().findings.remove(0);
        finding.code = Code::DigestMoved;
        finding.chain = Some(report.chains[0].name().into());
        report.findings = vec![finding.clone(), finding];
        for (invalid, expected) in [
            (0, "digests out of their places"),
            (1, "digests out of their places"),
            (2, "2 digests out of their places"),
        ] {
            report.chains[0].digests.invalid = invalid;
            let group = groups(&report).remove(0);
            assert_eq!(group.told(), expected);
            assert_eq!(group.parts[0].told(group.code), expected);
        }
    }
}
