use super::*;
use crate::report::groups::groups;
use crate::report::run_info::{RangeNote, StateNote};
use crate::report::{Format, render, samples};

#[test]
fn links_are_claimed_as_far_as_they_hold() {
    let told = |report: &Report<'_>| proves(report).join(" ");
    let mut clean = samples::clean();
    assert!(told(&clean).contains("each linked to the one before."));
    clean.chains[0].backfill = true;
    assert!(told(&clean).contains("each hourly one linked to the one before."));
    assert!(told(&samples::tampered()).contains("where a chain breaks"));
    clean.run.interrupted = true;
    assert!(told(&clean).contains("was not found out"));
}

#[test]
fn digests_out_of_their_places_lie_nowhere_that_is_claimed() {
    let mut report = samples::clean();
    let place = "and lie where CloudTrail put them";
    assert!(proves(&report)[0].contains(place));
    let mut finding = samples::tampered().findings.remove(0);
    finding.code = Code::DigestMoved;
    report.findings = vec![finding];
    let told = proves(&report).remove(0);
    assert!(
        told.contains("named here") && !told.contains(place),
        "{told}"
    );
}

#[test]
fn what_was_not_looked_for_is_not_told_as_not_there() {
    let unlisted = |code| {
        let mut report = samples::clean();
        let mut finding = samples::tampered().findings.remove(0);
        (finding.code, finding.key, finding.bucket) = (code, None, None);
        report.findings.push(finding);
        report
    };
    let mut digests_only = samples::clean();
    digests_only.run.digests_only = true;
    let mut stopped = samples::clean();
    stopped.run.interrupted = true;
    for report in [
        unlisted(Code::LogUnreadable),
        unlisted(Code::DigestUnreadable),
        digests_only,
        stopped,
    ] {
        let claims = proves(&report).join(" ");
        assert!(!claims.contains("no other log"), "{claims}");
        assert!(not_looked_for(&report).is_some());
    }
    let told = limits(&unlisted(Code::LogUnreadable)).join(" ");
    assert!(told.contains("could not be listed"), "{told}");
    assert_eq!(not_looked_for(&unlisted(Code::CoverageGap)), None);
    assert_eq!(not_looked_for(&samples::clean()), None);
}

#[test]
fn no_other_log_was_found_but_for_those_that_findings_tell() {
    let told = |codes: &[Code]| {
        let mut report = samples::clean();
        for code in codes {
            let mut finding = samples::tampered().findings.remove(0);
            finding.code = *code;
            // What was allowed is there all the same.
            finding.severity = Severity::Notice;
            report.findings.push(finding);
        }
        let mut claims = proves(&report).into_iter();
        claims.find(|it| it.contains("no other log")).unwrap()
    };
    let plain = told(&[Code::CoverageEndsEarly]);
    assert!(plain.ends_with("those that digests name."), "{plain}");
    let one = told(&[Code::LogPending, Code::LogPending]);
    assert!(
        one.ends_with("name, but for those told as log-pending."),
        "{one}"
    );
    let all = told(&[Code::KindUndigested, Code::LogPending, Code::LogUncovered]);
    let list = "told as log-uncovered, log-pending or kind-undigested.";
    assert!(all.ends_with(list), "{all}");
}

#[test]
fn what_was_allowed_is_in_the_headline() {
    let clean = samples::clean();
    let told = headline(&clean, &groups(&clean));
    assert!(told.starts_with("VALID: ") && !told.contains(';'), "{told}");
    let mut allowed = samples::tampered();
    for finding in &mut allowed.findings {
        finding.severity = Severity::Notice;
    }
    allowed.verdict = Verdict::Valid;
    // The newest hour's digest was not yet due.
    allowed.run.started = samples::at("2024-04-01T00:30:00Z");
    let told = headline(&allowed, &groups(&allowed));
    for part in [
        "VALID as allowed: ",
        "; 1 log modified (allowed)",
        "; 1 log missing (allowed)",
        "; 1 break in a chain of digests (allowed)",
        "; 1 notice",
        "; 1 of 2 regions is not covered throughout",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    let mut text = Vec::new();
    let look = crate::report::Look::default();
    crate::report::text::write(&allowed, &look, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let strip = |line: &&str| line.contains("====") && line.contains('%');
    let strips: Vec<_> = text.lines().filter(strip).collect();
    assert!(strips.iter().any(|strip| strip.contains('x')), "{text}");
    let mut page = Vec::new();
    crate::report::markdown::write(&allowed, &mut page).unwrap();
    assert!(!String::from_utf8(page).unwrap().contains('✅'));
}

#[test]
fn a_range_that_only_the_archive_told_is_told_so() {
    let mut report = samples::clean();
    assert_eq!(range_in_words(&report.run), None);
    for (start, end, words) in [
        (true, true, "--start-time and --end-time"),
        (true, false, "--start-time would"),
        (false, true, "--end-time would"),
    ] {
        report.run.range_of_archive = Some(RangeNote { start, end });
        let told = range_in_words(&report.run).unwrap();
        assert!(told.contains(words), "{told}");
        for format in [Format::Text, Format::Markdown, Format::Html] {
            let mut out = Vec::new();
            let look = crate::report::Look {
                width: 1000,
                ..crate::report::Look::default()
            };
            render(&report, format, &look, &mut out).unwrap();
            let out = String::from_utf8(out).unwrap();
            assert!(out.contains(told), "{format:?}: {out}");
        }
    }
}

#[test]
fn what_was_never_looked_for_is_not_absent() {
    let mut report = samples::clean();
    report.verdict = Verdict::Unverified;
    report.chains.clear();
    report.totals.digests.valid = 0;
    report.run.interrupted = true;
    for format in [Format::Text, Format::Markdown, Format::Html] {
        let mut out = Vec::new();
        render(&report, format, &crate::report::Look::default(), &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(!out.contains("No digest was found"), "{out}");
        assert!(out.contains(nothing_covered(&report.run)), "{out}");
        assert!(out.contains("None until the run was stopped."), "{out}");
    }
}

#[test]
fn a_state_is_told_in_a_line() {
    let mut report = samples::clean();
    assert_eq!(state_in_words(&report.run), None);
    let mut told = |since: Option<&str>, chains, held_back| {
        report.run.state = Some(StateNote {
            file: "state.json".to_owned(),
            since: since.map(samples::at),
            chains,
            held_back,
        });
        state_in_words(&report.run).unwrap()
    };
    let first = told(None, 2, 0);
    assert!(first.starts_with("the first run"), "{first}");
    let night = told(Some("2024-03-09T23:00:00Z"), 2, 0);
    assert!(night.contains("incremental, from 2024-03-09T23:00:00Z on"));
    assert!(night.ends_with("goes on from this run"), "{night}");
    assert!(told(None, 0, 2).contains("remembers no more than before"));
    assert!(told(None, 1, 2).contains("but for 2 chains that were not found valid"));
}
