//! What a report on query results has in common with every other.

use super::claims::{headline, limits, proves};
use super::json::QueryReport;
use crate::report::claims::keys_warning;
use crate::report::groups::groups_of;
use crate::report::head::{Head, snapshot_fact, with_astray, without_astray};

/// The head of a report on query results.
pub(super) fn head<'r>(report: &'r QueryReport<'r>) -> Head<'r> {
    let groups = groups_of(&report.findings);
    let signers = report.exports.iter();
    Head {
        tool: &report.tool,
        run: &report.run,
        source: &report.source,
        about: "saved query results of AWS CloudTrail Lake",
        requested: None,
        facts: snapshot_fact(&report.run).into_iter().collect(),
        verdict: report.verdict,
        headline: headline(report, &groups),
        findings: &report.findings,
        groups,
        astray: "Not named",
        totals: [
            ("Sign files", without_astray(&report.totals.sign_files)),
            ("Result files", with_astray(&report.totals.results)),
        ],
        bytes: report.totals.bytes,
        proves: proves(report),
        limits: limits(report),
        keys_warning: keys_warning(&report.run),
        used_keys: signers
            .filter_map(|export| export.key_fingerprint.as_deref())
            .collect(),
    }
}
