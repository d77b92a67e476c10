//! What a report on query results claims in words: the verdict, what it proves, and what not.

use super::json::QueryReport;
use crate::report::amounts::counted;
use crate::report::claims::{keys_warning, taken_down, valid_as};
use crate::report::groups::{Group, Part, told};
use crate::verify::conclusion::Verdict;
use crate::verify::finding::{Code, Severity};

/// How many kinds of finding the headline names.
const NAMED: usize = 3;

/// The verdict in one sentence.
pub(super) fn headline(report: &QueryReport<'_>, groups: &[Group<'_>]) -> String {
    let stopped = if report.run.interrupted {
        "; stopped before its end"
    } else {
        ""
    };
    match report.verdict {
        Verdict::Valid => format!("{}: {}", valid_as(groups), valid(report, groups)),
        Verdict::Invalid => format!("INVALID: {}{stopped}", list(groups, Severity::Invalid)),
        Verdict::Unverified => {
            let list = list(groups, Severity::Unverified);
            let nothing = report.totals.results.valid == 0;
            match (list.is_empty(), nothing) {
                (true, true) => format!("UNVERIFIED: nothing was verified{stopped}"),
                (true, false) => format!("UNVERIFIED: nothing is proven wrong{stopped}"),
                (false, true) => format!("UNVERIFIED: nothing could be verified: {list}{stopped}"),
                (false, false) => {
                    format!("UNVERIFIED: nothing is proven wrong, but {list}{stopped}")
                }
            }
        }
    }
}

fn valid(report: &QueryReport<'_>, groups: &[Group<'_>]) -> String {
    let results = counted(report.totals.results.valid, "result file", "result files");
    let exports = counted(report.totals.sign_files.valid, "export", "exports");
    let have = if report.totals.results.valid == 1 {
        "has"
    } else {
        "have"
    };
    let mut told = format!("{results} of {exports} {have} the content that CloudTrail Lake signed");
    if keys_warning(&report.run).is_some() {
        told.push_str(", if the keys that came with the evidence are CloudTrail's");
    }
    told.push_str(&taken_down(groups));
    told
}

fn list(groups: &[Group<'_>], severity: Severity) -> String {
    let of_severity: Vec<_> = groups
        .iter()
        .filter(|group| group.severity == severity)
        .collect();
    let named = of_severity.iter().take(NAMED).map(|group| {
        if group.code == Code::NoResults && group.parts.iter().any(is_of_run) {
            return "no query results were found".to_owned();
        }
        told(group.code, group.count)
    });
    let mut list: Vec<_> = named.collect();
    let rest = of_severity.len().saturating_sub(NAMED) as u64;
    if rest > 0 {
        list.push(counted(
            rest,
            "more kind of finding",
            "more kinds of finding",
        ));
    }
    list.join(", ")
}

fn is_of_run(part: &Part<'_>) -> bool {
    part.findings.iter().any(|finding| finding.key.is_none())
}

/// What the report proves, a sentence each.
pub(super) fn proves(report: &QueryReport<'_>) -> Vec<String> {
    let totals = &report.totals;
    let mut claims = Vec::new();
    if totals.sign_files.valid > 0 {
        let number = counted(totals.sign_files.valid, "sign file", "sign files");
        claims.push(format!(
            "{number}: the list of hashes carries a signature made with one of the public keys \
             that are named here."
        ));
    }
    if totals.results.valid > 0 {
        let number = counted(totals.results.valid, "result file", "result files");
        claims.push(format!(
            "{number}: the content, as it is stored, has the hash that such a list holds in its \
             place."
        ));
    }
    if claims.is_empty() {
        claims.push("Nothing: no sign file could be verified.".to_owned());
    }
    claims
}

/// What the report does not prove, a sentence each.
pub(super) fn limits(report: &QueryReport<'_>) -> Vec<String> {
    let mut limits = vec![
        "Whose results they are, of which query, and when. Signed are the hashes of the result \
         files and their order, and nothing else: not their names, not the region, the time or \
         the version in the sign file, and not the folder with its account, day and query id."
            .to_owned(),
        "That nobody put signed results in the place of others. CloudTrail signs for all \
         customers of a region with the same keys, so results of another query, or of another \
         account, verify in any folder. Compare the rows with what you know of the query."
            .to_owned(),
        "That a query asked for all that it should have, or that its event data store held it."
            .to_owned(),
        "That an export was not removed as a whole: no export tells of another.".to_owned(),
    ];
    if keys_warning(&report.run).is_some() {
        limits.push(
            "That CloudTrail signed it, as long as the keys that came with the evidence are not \
             compared with CloudTrail's."
                .to_owned(),
        );
    }
    if report.run.interrupted {
        limits.push("Anything about what was not read when the run was stopped.".to_owned());
    }
    if !report.run.allow.is_empty() {
        let codes: Vec<_> = report.run.allow.iter().map(ToString::to_string).collect();
        limits.push(format!(
            "That nothing of these kinds is an attack: {}. The user allowed them.",
            codes.join(", ")
        ));
    }
    limits
}
