//! What a report claims in words: the verdict in a sentence, what it proves, and what it does
//! not. Every format that is for people tells the same.

use super::amounts::{count, counted};
use super::groups::Group;
use super::json::{Finding, Report, Run};
use super::links::{Links, links};
use super::run_info::KeyOrigin;
use super::shares;
use crate::verify::conclusion::Verdict;
use crate::verify::finding::{Code, Severity};

/// How many kinds of finding the headline names.
const NAMED: usize = 3;

/// The verdict in one sentence.
pub fn headline(report: &Report<'_>, groups: &[Group<'_>]) -> String {
    match report.verdict {
        Verdict::Valid => format!("{}: {}", valid_as(groups), valid(report, groups)),
        Verdict::Invalid => {
            let list = list(groups, Severity::Invalid);
            format!("INVALID: {list}{}", interrupted(report))
        }
        Verdict::Unverified => format!("UNVERIFIED: {}", unverified(report, groups)),
    }
}

fn valid(report: &Report<'_>, groups: &[Group<'_>]) -> String {
    let digests = counted(report.totals.digests.valid, "digest", "digests");
    let logs = counted(report.totals.logs.valid, "log", "logs");
    let mut told = if report.run.digests_only {
        format!("{digests} are what CloudTrail delivered; logs were not read")
    } else {
        format!("{digests} and {logs} are what CloudTrail delivered")
    };
    if keys_warning(&report.run).is_some() {
        told.push_str(", if the keys that came with the evidence are CloudTrail's");
    }
    told.push_str(&taken_down(groups));
    if let Some(lacking) = shares::lacking(report) {
        told.push_str("; ");
        told.push_str(&lacking);
    }
    told
}

/// How valid is called: what was found and allowed is not as if it were not there.
pub fn valid_as(groups: &[Group<'_>]) -> &'static str {
    if groups.iter().any(is_allowed) {
        "VALID as allowed"
    } else {
        "VALID"
    }
}

/// Whether findings are notices only since the user allowed them.
pub fn is_allowed(group: &Group<'_>) -> bool {
    group.severity < group.code.severity()
}

/// What a valid run found: faults that were allowed by name, and notices by their number.
pub fn taken_down(groups: &[Group<'_>]) -> String {
    let (allowed, notices): (Vec<_>, Vec<_>) = groups.iter().partition(|it| is_allowed(it));
    let mut told = String::new();
    for group in allowed.iter().take(NAMED) {
        told.push_str("; ");
        told.push_str(&group.told());
        told.push_str(" (allowed)");
    }
    let rest = allowed.len().saturating_sub(NAMED) as u64;
    if rest > 0 {
        let more = counted(rest, "more kind", "more kinds");
        told.extend(["; ", &more, " of finding (allowed)"]);
    }
    let notices: u64 = notices.iter().map(|group| group.count).sum();
    if notices > 0 {
        told.push_str("; ");
        told.push_str(&counted(notices, "notice", "notices"));
    }
    told
}

fn unverified(report: &Report<'_>, groups: &[Group<'_>]) -> String {
    let list = list(groups, Severity::Unverified);
    if list.is_empty() && report.run.interrupted {
        return "stopped before its end; nothing is proven wrong in what was read".to_owned();
    }
    if list.is_empty() {
        return "nothing was verified".to_owned();
    }
    if report.totals.digests.valid == 0 {
        return format!("nothing could be verified: {list}{}", interrupted(report));
    }
    format!("nothing is proven wrong, but {list}{}", interrupted(report))
}

fn interrupted(report: &Report<'_>) -> &'static str {
    if report.run.interrupted {
        "; stopped before its end"
    } else {
        ""
    }
}

fn list(groups: &[Group<'_>], severity: Severity) -> String {
    let of_severity: Vec<_> = groups
        .iter()
        .filter(|group| group.severity == severity)
        .collect();
    let named = of_severity.iter().take(NAMED);
    let mut list: Vec<_> = named.map(|group| group.told()).collect();
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

/// The warning that goes with keys that came with the evidence, if any did.
pub fn keys_warning(run: &Run<'_>) -> Option<&'static str> {
    let keys = &run.public_keys;
    keys.iter()
        .any(|source| source.origin == KeyOrigin::Evidence)
        .then_some(
            "The public keys came with the evidence. Whoever could change the evidence could \
             exchange them too, and sign it anew. Compare their fingerprints with those that \
             CloudTrail gives, or verify with keys from CloudTrail itself.",
        )
}

/// When what a merge joins was read.
pub fn plan_in_words(run: &Run<'_>) -> Option<String> {
    let plan = run.plan.as_ref()?;
    let shards = counted(plan.shards.into(), "shard", "shards");
    let short = plan.sha256.get(..16).unwrap_or(&plan.sha256);
    Some(format!(
        "read by {shards} after {}, when the plan {short} was made, and joined at {}",
        plan.made, run.started
    ))
}

/// What came of the selftest, where it was asked for.
pub fn selftest_in_words(report: &Report<'_>) -> Option<String> {
    let selftest = report.run.selftest?;
    let archives = counted(selftest.archives, "archive", "archives");
    Some(format!(
        "before the run, ct-verify said what it must of {} of {archives} that come with it",
        selftest.right
    ))
}

/// That the range is that of what is there, where nothing else told it.
pub fn range_in_words(run: &Run<'_>) -> Option<&'static str> {
    let note = run.range_of_archive?;
    match (note.start, note.end) {
        (true, true) => Some(
            "start and end are those of the oldest and the newest verified digest; whether \
             more was there before or after, --start-time and --end-time would show",
        ),
        (true, false) => Some(
            "the start is that of the oldest verified digest; whether more was there before, \
             --start-time would show",
        ),
        (false, true) => Some(
            "the end is that of the newest verified digest; whether more was there after, \
             --end-time would show",
        ),
        (false, false) => None,
    }
}

/// What a run with a state took from it, and what it left to the next one. The file's name is not
/// escaped.
pub fn state_in_words(run: &Run<'_>) -> Option<String> {
    let state = run.state.as_ref()?;
    let read = match state.since {
        Some(since) => format!(
            "incremental, from {since} on: what is older was verified by the runs that {} remembers, and the chains must lead back to it",
            state.file
        ),
        None => format!("the first run that {} is to remember", state.file),
    };
    let held_back = |one, many| counted(state.held_back, one, many);
    let left = match (state.chains, state.held_back) {
        _ if run.interrupted => {
            "it is left as it was: the run was stopped before its end".to_owned()
        }
        (0, _) => "no chain was found valid, so that it remembers no more than before".to_owned(),
        (_, 0) => "it goes on from this run".to_owned(),
        (_, _) => format!(
            "it goes on from this run, but for {} not found valid, of which it knows what it knew",
            held_back("chain that was", "chains that were")
        ),
    };
    Some(format!("{read}; {left}"))
}

/// Why nothing is covered, where there is no chain at all.
pub fn nothing_covered(run: &Run<'_>) -> &'static str {
    if run.interrupted {
        "The run was stopped before any digest was verified: whether there are any is not known."
    } else {
        "No digest was found, so nothing is covered."
    }
}

/// That nothing was found: of a run that was stopped only as far as it went.
pub fn none_found(run: &Run<'_>) -> &'static str {
    if run.interrupted {
        "None until the run was stopped."
    } else {
        "None."
    }
}

/// What the snapshot that was verified is, and whether it still is, a sentence each. The names are
/// not escaped.
pub fn snapshot_in_words(run: &Run<'_>) -> Option<[String; 3]> {
    let snapshot = run.snapshot.as_ref()?;
    let by = match (&snapshot.user, &snapshot.host) {
        (Some(user), Some(host)) => format!(" by {user} on {host}"),
        (Some(user), None) => format!(" by {user}"),
        (None, Some(host)) => format!(" on {host}"),
        (None, None) => String::new(),
    };
    let files = counted(snapshot.files, "file", "files");
    let fit = if snapshot.altered == 0 {
        format!("all {files} of its manifest are unchanged")
    } else {
        let altered = counted(snapshot.altered, "file is", "files are");
        format!("its manifest names {files}, and {altered} not what it says")
    };
    Some([
        format!("of {}, taken at {}{by}", snapshot.of, snapshot.taken),
        fit,
        format!("SHA-256 of the manifest: {}", snapshot.manifest),
    ])
}

/// Where keys come from, in words.
pub fn origin_in_words(origin: KeyOrigin) -> &'static str {
    match origin {
        KeyOrigin::File => "from a file",
        KeyOrigin::Evidence => "came with the evidence",
        KeyOrigin::CloudTrail => "from CloudTrail",
    }
}

/// What the report proves, a sentence each.
pub fn proves(report: &Report<'_>) -> Vec<String> {
    let totals = &report.totals;
    let mut claims = Vec::new();
    if totals.digests.valid > 0 {
        // Backfill digests stand beside the hourly ones: none has to be there.
        let has_backfill = report.chains.iter().any(|chain| chain.backfill);
        let linked = match links(report) {
            Links::All if has_backfill => ", each hourly one linked to the one before.",
            Links::All => ", each linked to the one before.",
            Links::Broken => {
                ". Not each is linked to the one before: the findings and the coverage tell where a \
                 chain breaks, or begins anew."
            }
            Links::Anew => {
                ". Not each is linked to the one before: a chain began anew while digests of before \
                 still came, so that no time is left out between."
            }
            Links::Unknown => {
                ". Whether each is linked to the one before was not found out: not all could be \
                 verified."
            }
        };
        let is_moved = |it: &Finding<'_>| it.code == Code::DigestMoved;
        let placed = if report.findings.iter().any(is_moved) {
            ""
        } else {
            ", and lie where CloudTrail put them"
        };
        claims.push(format!(
            "{} carry a signature made with one of the public keys that are named here{placed}{linked}",
            counted(totals.digests.valid, "digest", "digests")
        ));
    }
    if totals.logs.valid > 0 {
        claims.push(format!(
            "{} have the very content that these digests name, byte for byte.",
            counted(totals.logs.valid, "log", "logs")
        ));
    }
    if totals.digests.valid > 0 && totals.logs.unreferenced == 0 && not_looked_for(report).is_none()
    {
        claims.push(format!(
            "Within the time covered no other log was found than those that digests name{}.",
            but_for(report)
        ));
    }
    if claims.is_empty() {
        claims.push("Nothing: no digest could be verified.".to_owned());
    }
    claims
}

/// Why there may be logs that no digest names and that this run has not found, if there may.
pub fn not_looked_for(report: &Report<'_>) -> Option<&'static str> {
    if report.run.digests_only {
        return Some("only digests were verified: logs were not listed");
    }
    if report.run.interrupted {
        return Some("the run was stopped before all was looked at");
    }
    is_unlisted(report).then_some("not all folders could be listed")
}

/// Whether a folder could not be listed: that is told of no key.
fn is_unlisted(report: &Report<'_>) -> bool {
    let unreadable = [Code::DigestUnreadable, Code::LogUnreadable];
    let mut findings = report.findings.iter();
    findings.any(|it| it.key.is_none() && unreadable.contains(&it.code))
}

/// The findings that tell of logs which no digest names, and which may lie in covered time, as
/// exceptions.
fn but_for(report: &Report<'_>) -> String {
    let exceptions = [Code::LogUncovered, Code::LogPending, Code::KindUndigested];
    let is_found = |code: &Code| report.findings.iter().any(|it| it.code == *code);
    let found = exceptions.into_iter().filter(is_found);
    let found: Vec<_> = found.map(Code::name).collect();
    match found.split_last() {
        None => String::new(),
        Some((last, [])) => format!(", but for those told as {last}"),
        Some((last, others)) => format!(", but for those told as {} or {last}", others.join(", ")),
    }
}

/// What the report does not prove, a sentence each.
pub fn limits(report: &Report<'_>) -> Vec<String> {
    let mut limits = vec![
        "That everything that was done in the accounts was recorded. CloudTrail records what a \
         trail's event selectors ask for, and only that can be verified."
            .to_owned(),
        "Anything about time that no verified digest covers: neither that logs were delivered \
         then, nor that none were."
            .to_owned(),
        if report.run.plan.is_some() {
            "What became of an object since its shard read it: what counts is what was there then."
        } else {
            "That an object was never deleted and put back: what counts is what is there now."
        }
        .to_owned(),
    ];
    if keys_warning(&report.run).is_some() {
        limits.push(
            "That CloudTrail signed it, as long as the keys that came with the evidence are not \
             compared with CloudTrail's."
                .to_owned(),
        );
    }
    if report.run.digests_only {
        limits.push("Anything about the logs: they were not read.".to_owned());
    }
    if report.run.interrupted {
        limits.push("Anything about what was not read when the run was stopped.".to_owned());
    }
    if is_unlisted(report) {
        limits.push("Anything about what lies in folders that could not be listed.".to_owned());
    }
    if let Some(filters) = filters_in_words(report) {
        limits.push(format!("Anything beyond {filters}."));
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

/// What the run was narrowed to, if anything. The names are not escaped.
pub fn filters_in_words(report: &Report<'_>) -> Option<String> {
    let filters = &report.run.filters;
    let named = [
        ("account", &filters.accounts),
        ("region", &filters.regions),
        ("trail", &filters.trails),
    ];
    let parts: Vec<_> = named
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(what, names)| {
            let plural = if names.len() == 1 { "" } else { "s" };
            let shown = names.iter().take(10).map(AsRef::as_ref);
            let mut shown = shown.collect::<Vec<&str>>().join(", ");
            if names.len() > 10 {
                shown = format!("{shown} and {} more", count(names.len() as u64 - 10));
            }
            format!("{what}{plural} {shown}")
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

#[cfg(test)]
mod tests;
