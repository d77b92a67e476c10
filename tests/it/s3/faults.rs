//! Runs on a bucket that fails now and then. Whatever happens on the way, it is never told as tampering.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::served::{DAY, Served, codes, expect, messages};
use crate::forge::{Archive, keyfiles::trusted_keys, seed::Seed};
use crate::harness::{program, severity_of};
use crate::scenarios::common::{audit, trail};
use crate::server::{Fault, Object, Operation, Options, Rule, When};
use crate::shards::parity::of_bucket;

const SOURCE: &str = "s3://audit-logs";
const S3: [Operation; 3] = [
    Operation::GetObject,
    Operation::ListObjectsV2,
    Operation::ListObjectVersions,
];

const HTML: &str = "text/html";

fn html(status: u16) -> Fault {
    let body = "<html><body>the proxy says no</body></html>".into();
    Fault::Proxy { status, body }
}

/// Everything that passes, and everything that somebody in between may say.
fn transport() -> Vec<(Fault, f64)> {
    let refused = |status, code: &str| Fault::Refused {
        status,
        code: code.into(),
    };
    vec![
        (Fault::SlowDown, 0.08),
        (Fault::Throttled, 0.03),
        (Fault::InternalError, 0.08),
        (Fault::Reset, 0.05),
        (Fault::ResetBody, 0.08),
        (Fault::CutBody, 0.08),
        (Fault::ShortBody, 0.04),
        (Fault::NoLength, 0.04),
        (Fault::Stall(Duration::from_millis(30)), 0.05),
        (Fault::StallBody(Duration::from_millis(30)), 0.05),
        (html(502), 0.03),
        (html(200), 0.03),
        (html(404), 0.02),
        (refused(503, "ServiceUnavailable"), 0.03),
        (refused(400, "RequestTimeout"), 0.02),
        (Fault::ExpiredToken, 0.02),
    ]
}

/// What is wrong with the archive itself.
fn archives() -> Vec<(&'static str, Archive)> {
    let mut missing = audit();
    missing.store.delete(&missing.log(3, 0));
    let mut modified = audit();
    modified
        .store
        .edit_content(&modified.log(4, 1), |it| it[30] ^= 1);
    let mut digest = audit();
    digest.store.delete(&digest.first().digests[2].at.clone());
    let prefixed = trail(6)
        .accounts(&["111122223333", "444455556666"])
        .place("audit-logs", "a prefix")
        .archive();
    vec![
        ("clean", audit()),
        ("log missing", missing),
        ("log modified", modified),
        ("digest missing", digest),
        ("two accounts", prefixed),
    ]
}

fn without_run(report: &Value) -> Value {
    let mut report = report.clone();
    report["run"] = Value::Null;
    report
}

/// What proves something wrong, by code and object; their messages may tell more or less of versions.
fn proven(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().expect("findings").iter();
    let invalid = findings.filter(|finding| finding["severity"] == "invalid");
    invalid
        .map(|finding| {
            format!(
                "{} {} {}",
                finding["code"], finding["bucket"], finding["key"]
            )
        })
        .collect()
}

/// A run under faults tells what a run without them does, or that something could not be read; never more.
///
/// What hangs on a digest that could not be read is told too, and is no noise: a verified digest covers time, and one that was
/// not read covers none. A log in an hour that none covers is `log-uncovered` by its very definition, whatever the reason, and so
/// are the ends of what is covered. To say nothing of them where a digest is `digest-unreadable` would hide a log that was
/// planted in just that hour. None of them accuses, and all of them leave the run at exit status 3.
#[track_caller]
fn compare(faulty: &Value, whole: &Value, what: &str) {
    if without_run(faulty) == without_run(whole) {
        return;
    }
    let (found, known) = (proven(faulty), proven(whole));
    for finding in &found {
        assert!(known.contains(finding), "{what}: {finding} in {faulty:#}");
    }
    let unreadable = codes(faulty)
        .into_keys()
        .any(|code| code.ends_with("-unreadable"));
    // Where everything was read, only what became of missing objects may be told otherwise.
    assert!(unreadable || found == known, "{what}: {faulty:#}");
    assert_ne!(faulty["verdict"], "valid", "{what}: {faulty:#}");
    let logs_only = !codes(faulty).contains_key("digest-unreadable");
    for code in codes(faulty).into_keys() {
        // Only what an unread digest would have vouched for, or covered, is left open besides.
        let follows = matches!(
            code.as_str(),
            "log-uncovered"
                | "log-pending"
                | "coverage-ends-early"
                | "coverage-starts-late"
                | "no-digests"
        );
        let is_known = codes(whole).contains_key(&code);
        assert!(
            is_known || code.ends_with("-unreadable") || (follows && !logs_only),
            "{what}: {code} in {faulty:#}"
        );
        assert_ne!((severity_of(&code), is_known), ("invalid", false), "{what}");
    }
}

/// One run; nothing where it could not even begin.
fn run(served: &Served, what: &str) -> Option<Value> {
    let output = served.output(SOURCE);
    let told = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(2) {
        assert!(
            told.contains("expired") || told.contains("(tried "),
            "{what}: {told}"
        );
        return None;
    }
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{what}: no report ({error}): {told}"));
    let exit = match report["verdict"].as_str() {
        Some("valid") => 0,
        Some("invalid") => 1,
        _ => 3,
    };
    assert_eq!(output.status.code(), Some(exit), "{what}: {report:#}");
    Some(report)
}

/// Where no length tells that a listing broke off, its document does: what it does not come to
/// would not be missed otherwise.
#[test]
fn a_listing_that_ends_early_is_none() {
    for (of, code) in [
        ("CloudTrail", "log-unreadable"),
        ("CloudTrail-Digest", "digest-unreadable"),
    ] {
        let served = Served::new(&audit()).args(DAY).env("AWS_MAX_ATTEMPTS", "2");
        let rule = Rule::new(Fault::ShortBody)
            .on(&[Operation::ListObjectsV2])
            .key(&format!("*/{of}/us-east-1*"));
        served.server.faults().add(rule);
        let report = served.run(SOURCE);
        assert_eq!(report["verdict"], "unverified", "{of}: {report:#}");
        assert!(codes(&report).contains_key(code), "{of}: {report:#}");
    }
}

/// What is held whole before anybody sees it comes to an end too: this waits as long as users do.
#[test]
fn an_answer_that_stalls_half_way_is_asked_for_again() {
    let served = Served::new(&audit()).args(DAY);
    let asked = [Operation::ListObjectsV2, Operation::ListPublicKeys];
    let stalls = Rule::new(Fault::StallBody(Duration::from_hours(1)));
    served.server.faults().add(stalls.on(&asked).attempts(0..1));
    expect(&served.run(SOURCE), "valid", &[]);
}

/// So does the body of an object, which is taken up where it stopped.
#[test]
fn a_body_that_stalls_half_way_is_taken_up_again() {
    let archive = audit();
    let log = archive.log(2, 0);
    let served = Served::new(&archive).args(DAY);
    let stalls = Rule::new(Fault::StallBody(Duration::from_hours(1))).on(&[Operation::GetObject]);
    served
        .server
        .faults()
        .add(stalls.key(&log.1).attempts(0..1));
    expect(&served.run(SOURCE), "valid", &[]);
    let asked = served.server.log().requests_for(&log.0, &log.1);
    let half = archive.store.get(&log).body.len() / 2;
    let ranges: Vec<_> = asked.into_iter().map(|entry| entry.call.range).collect();
    assert_eq!(ranges, [None, Some(format!("bytes={half}-"))]);
}

/// A byte that the network changed accuses nobody, and what is not read alike twice proves nothing.
#[test]
fn what_changes_on_its_way_is_no_tampering() {
    for (key, expected) in [
        ("*_CloudTrail_*T0220Z_*", &[("log-unreadable", 1)][..]),
        (
            "*CloudTrail-Digest*T030000Z*",
            &[("digest-unreadable", 1), ("log-uncovered", 2)],
        ),
    ] {
        let served = Served::new(&audit()).args(DAY);
        let rule = Rule::new(Fault::Flip).on(&[Operation::GetObject]);
        served.server.faults().add(rule.key(key).attempts(0..1));
        expect(&served.run(SOURCE), "unverified", expected);
    }
    // Where the other reading fails, nobody knows.
    let served = Served::new(&audit()).args(DAY).env("AWS_MAX_ATTEMPTS", "1");
    let rule = |fault, attempts| {
        let rule = Rule::new(fault).on(&[Operation::GetObject]);
        rule.key("*_CloudTrail_*T0220Z_*").attempts(attempts)
    };
    served.server.faults().add(rule(Fault::Flip, 0..1));
    served.server.faults().add(rule(Fault::Reset, 1..9));
    expect(&served.run(SOURCE), "unverified", &[("log-unreadable", 1)]);
    // What is read so again and again lies there so.
    let served = Served::new(&audit()).args(DAY);
    let rule = Rule::new(Fault::Flip).on(&[Operation::GetObject]);
    let rule = rule.key("*_CloudTrail_*T0220Z_*");
    served.server.faults().add(rule);
    expect(&served.run(SOURCE), "invalid", &[("log-malformed", 1)]);
}

/// Half of a log is not a log that was cut.
#[test]
fn a_part_that_nobody_asked_for_is_no_object() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("keys.json");
    std::fs::write(&keys, trusted_keys()).expect("a file");
    let keys = ["--public-keys", keys.to_str().expect("a path")];
    // Nor is what comes with a status that S3 never gives. Unsigned requests are the SDK's.
    for (status, more) in [
        (201, ""),
        (202, ""),
        (203, ""),
        (206, ""),
        (206, "--no-sign-request"),
    ] {
        let served = Served::new(&audit()).args(DAY).args(keys);
        let served = served
            .args(more.split_whitespace())
            .env("AWS_MAX_ATTEMPTS", "2");
        let rule = Rule::new(Fault::Success(status))
            .on(&[Operation::GetObject])
            .key("*_CloudTrail_*T0220Z_*");
        served.server.faults().add(rule);
        let report = served.run(SOURCE);
        expect(&report, "unverified", &[("log-unreadable", 1)]);
    }
}

#[test]
fn faults_on_the_way_are_never_told_as_tampering() {
    let archives: Vec<_> = archives()
        .into_iter()
        .map(|(name, archive)| {
            let whole = Served::new(&archive).args(DAY).run(SOURCE);
            (name, archive, whole)
        })
        .collect();
    let (same, unread) = (AtomicU32::new(0), AtomicU32::new(0));
    // Most of the time they wait.
    side_by_side(0..40, |seed| {
        let mut dice = Seed::of(seed, &["faults"]);
        let (name, archive, whole) = &archives[dice.below(archives.len())];
        let options = Options {
            seed,
            page_size: [1, 5, 1000][dice.below(3)],
            ..Options::default()
        };
        // Few attempts, so that some requests fail for good.
        let attempts = ["1", "2", "4", "6"][dice.below(4)];
        let often = [0.1, 0.3, 1.0][dice.below(3)];
        let concurrency = ["4", "16", "200"][dice.below(3)];
        let served = Served::with(archive, options)
            .args(DAY)
            .args(["--concurrency", concurrency])
            .env("AWS_MAX_ATTEMPTS", attempts);
        for (fault, chance) in transport() {
            let rule = Rule::new(fault).chance(chance * often);
            served.server.faults().add(rule);
        }
        let what =
            format!("seed {seed}, {name}, {attempts} attempts, {often}, {concurrency} at a time");
        if let Some(report) = run(&served, &what) {
            compare(&report, whole, &what);
            let is_same = without_run(&report) == without_run(whole);
            let count = if is_same { &same } else { &unread };
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let counts = (same.into_inner(), unread.into_inner());
    assert!(
        counts.0 > 5 && counts.1 > 5,
        "the dice are loaded: {counts:?}"
    );
}

/// Eight at a time.
fn side_by_side<T: Send>(items: impl Iterator<Item = T> + Send, work: impl Fn(T) + Sync) {
    let items = Mutex::new(items);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let item = items.lock().expect("the items").next();
                    let Some(item) = item else {
                        return;
                    };
                    work(item);
                }
            });
        }
    });
}

#[test]
fn what_passes_changes_nothing() {
    let faults = transport().into_iter().map(|(fault, _)| fault);
    let pages = [
        301, 302, 304, 308, 400, 401, 403, 407, 409, 413, 421, 425, 499,
    ]
    .map(html);
    let empty = [403, 404].map(|status| Fault::Proxy {
        status,
        body: String::new(),
    });
    let busy = Fault::Refused {
        status: 409,
        code: "OperationAborted".into(),
    };
    let faults = faults.chain(pages).chain(empty).chain([busy]);
    side_by_side(faults, |fault| {
        let told = format!("{fault:?}");
        let served = Served::new(&audit()).args(DAY);
        served.server.faults().add(Rule::new(fault).attempts(0..2));
        let report = served.run(SOURCE);
        assert_eq!(codes(&report).len(), 0, "{told}: {report:#}");
        assert_eq!(report["verdict"], "valid", "{told}");
    });
}

/// Each fault for good, on one log and on one digest.
#[test]
fn what_does_not_pass_is_unreadable() {
    for (fault, _) in transport() {
        if matches!(
            fault,
            Fault::Stall(_) | Fault::StallBody(_) | Fault::NoLength
        ) {
            continue;
        }
        for (key, expected) in [
            ("*_CloudTrail_*T0220Z_*", &[("log-unreadable", 1)][..]),
            (
                "*CloudTrail-Digest*T030000Z*",
                &[("digest-unreadable", 1), ("log-uncovered", 2)],
            ),
        ] {
            let served = Served::new(&audit()).args(DAY).env("AWS_MAX_ATTEMPTS", "2");
            let rule = Rule::new(fault.clone()).on(&[Operation::GetObject]);
            served.server.faults().add(rule.key(key));
            let report = served.run(SOURCE);
            let codes = codes(&report);
            let expected = expected
                .iter()
                .map(|(code, count)| ((*code).to_owned(), *count));
            assert_eq!(codes, expected.collect(), "{fault:?} {report:#}");
        }
    }
}

/// Answers that S3 does not give, though they look as if something were missing or denied.
#[test]
fn a_proxy_that_says_no_does_not_make_objects_missing() {
    let statuses = [401, 403, 404, 407, 410, 451, 500, 502, 503, 504];
    side_by_side(statuses.into_iter(), |status| {
        for body in ["", "<html>no</html>", "{\"error\": \"no\"}", "<Error/>"] {
            let served = Served::new(&audit()).args(DAY).env("AWS_MAX_ATTEMPTS", "1");
            let body = body.to_owned();
            let rule = Rule::new(Fault::Proxy { status, body }).on(&[Operation::GetObject]);
            served.server.faults().add(rule.key("*_CloudTrail_*"));
            let report = served.run(SOURCE);
            expect(&report, "unverified", &[("log-unreadable", 12)]);
        }
    });
}

/// What a proxy gives with a good status is no object: it is shorter or longer than what was listed, or has no ETag.
#[test]
fn a_page_in_an_objects_place_is_not_a_modified_object() {
    for body in ["", "<html>please log in</html>"] {
        let served = Served::new(&audit()).args(DAY).env("AWS_MAX_ATTEMPTS", "1");
        let rule = Rule::new(Fault::Proxy {
            status: 200,
            body: body.into(),
        });
        let rule = rule.on(&[Operation::GetObject]);
        served.server.faults().add(rule);
        let report = served.run(SOURCE);
        assert_eq!(report["verdict"], "unverified", "{report:#}");
        assert!(proven(&report).is_empty(), "{report:#}");
    }
}

/// A web server's pages have ETags too, and are alike each time. S3's answers tell the request's id,
/// also where somebody put a page in an object's place.
#[test]
fn a_page_that_is_not_s3s_accuses_nobody() {
    let page = "<html>please log in</html>";
    let served = Served::new(&audit()).args(DAY).env("AWS_MAX_ATTEMPTS", "2");
    let rule = Rule::new(Fault::Page(HTML, page.into())).on(&[Operation::GetObject]);
    let rule = rule.key("*_CloudTrail_*T0220Z_*");
    served.server.faults().add(rule);
    let report = served.run(SOURCE);
    expect(&report, "unverified", &[("log-unreadable", 1)]);
    assert!(messages(&report).contains("proxy"), "{report:#}");

    let archive = audit();
    let served = Served::new(&archive).args(DAY);
    let mut object = Object::new(page);
    object.content_type = "text/html";
    let (bucket, key) = archive.log(2, 0);
    served.server.store().put(&bucket, &key, object);
    expect(&served.run(SOURCE), "invalid", &[("log-modified", 1)]);
}

/// Nor does one that is told to be what objects commonly are: it is not as large as the object that is listed.
#[test]
fn a_page_that_looks_like_an_object_accuses_nobody() {
    let page = || Fault::Page("application/json", "{\"message\": \"log in first\"}".into());
    let gzip = Fault::Page("application/x-gzip", "\u{1f}\u{b}no gzip".into());
    let (log, digest) = ("*_CloudTrail_*T0220Z_*", "*CloudTrail-Digest*T030000Z*");
    for (fault, key, expected) in [
        (page(), log, &[("log-unreadable", 1)][..]),
        (gzip, log, &[("log-unreadable", 1)]),
        (
            page(),
            digest,
            &[("digest-unreadable", 1), ("log-uncovered", 2)],
        ),
    ] {
        let served = Served::new(&audit()).args(DAY);
        let rule = Rule::new(fault).on(&[Operation::GetObject]).key(key);
        served.server.faults().add(rule);
        let report = served.run(SOURCE);
        expect(&report, "unverified", expected);
        let told = messages(&report);
        assert!(told.contains("listing tells"), "{told}");
    }
    // Where nothing may be listed, nothing else tells what the object is.
    let served = Served::new(&audit()).args(DAY);
    let rule = |fault, operation| Rule::new(fault).on(&[operation]);
    let faults = served.server.faults();
    faults.add(rule(page(), Operation::GetObject).key(log));
    faults.add(rule(Fault::AccessDenied, Operation::ListObjectsV2).key("*T0220Z_*"));
    expect(&served.run(SOURCE), "invalid", &[("log-modified", 1)]);
    // A log that somebody put there is as large as it is listed.
    let archive = audit();
    let served = Served::new(&archive).args(DAY);
    let (bucket, key) = archive.log(2, 0);
    served
        .server
        .store()
        .put(&bucket, &key, Object::new(&b"{}"[..]));
    expect(&served.run(SOURCE), "invalid", &[("log-modified", 1)]);
}

/// Nor where a snapshot is taken and verified later, or where shards are read and joined.
#[test]
fn a_page_that_looks_like_an_object_accuses_nobody_later_on() {
    let served = Served::new(&audit()).args(DAY);
    let page = Fault::Page("application/json", "{\"message\": \"log in first\"}".into());
    let rule = Rule::new(page).on(&[Operation::GetObject]);
    served
        .server
        .faults()
        .add(rule.key("*_CloudTrail_*T0220Z_*"));
    let folder = tempfile::tempdir().expect("a folder");
    let evidence = folder.path().join("evidence");
    let mut offline = program();
    offline.arg("logs").arg(&evidence);
    for mut command in [served.snapshot(SOURCE, &evidence), offline] {
        let output = command.args(["--format", "json"]).output().expect("a run");
        let report = serde_json::from_slice(&output.stdout).expect("a report");
        expect(&report, "unverified", &[("log-unreadable", 1)]);
    }
    let merged = of_bucket(&served, SOURCE, &folder.path().join("shards"));
    expect(&merged["report"], "unverified", &[("log-unreadable", 1)]);
}

/// One that comes in place of the rest of a body is asked for again.
#[test]
fn a_page_in_place_of_the_rest_of_an_object_passes() {
    let served = Served::new(&audit()).args(DAY);
    let rule = |fault| Rule::new(fault).on(&[Operation::GetObject]);
    let faults = served.server.faults();
    faults.add(rule(Fault::Page(HTML, "<html></html>".into())).attempts(1..2));
    faults.add(rule(Fault::CutBody).attempts(0..1));
    expect(&served.run(SOURCE), "valid", &[]);
}

/// Where the rest of a body comes oddly, all of it may come well: it is begun anew, and once only.
#[test]
fn a_body_whose_rest_comes_oddly_is_begun_anew() {
    let refused = |status, code: &str| Fault::Refused {
        status,
        code: code.into(),
    };
    let odd = [
        Fault::Header("content-range", b"bytes 0-9/10"),
        Fault::Header("etag", b"W/\"weak\""),
        refused(416, "InvalidRange"),
        refused(412, "PreconditionFailed"),
        refused(501, "NotImplemented"),
    ];
    for fault in odd {
        for (times, verdict, expected) in [
            (1, "valid", &[][..]),
            (9, "unverified", &[("log-unreadable", 1)]),
        ] {
            let served = Served::new(&audit()).args(DAY);
            let faults = served.server.faults();
            let rule = |fault| Rule::new(fault).on(&[Operation::GetObject]);
            let key = "*_CloudTrail_*T0220Z_*";
            faults.add(rule(fault.clone()).key(key).attempts(1..1 + times));
            faults.add(rule(Fault::CutBody).key(key).attempts(0..1));
            expect(&served.run(SOURCE), verdict, expected);
        }
    }
}

/// Not all that speaks S3's protocol tells ETags. A page in an object's place has none either.
#[test]
fn objects_without_an_etag_are_read() {
    let served = Served::new(&audit()).args(DAY);
    let rule = Rule::new(Fault::NoEtag).on(&[Operation::GetObject]);
    served.server.faults().add(rule);
    let report = served.run(SOURCE);
    assert_eq!(report["verdict"], "valid", "{report:#}");
}

/// What stands before S3 may give bodies in chunks. Then the listing tells whether all of one came.
#[test]
fn objects_without_a_length_are_read_beside_their_listing() {
    let served = Served::new(&audit()).args(DAY);
    let rule = |fault| Rule::new(fault).on(&[Operation::GetObject]);
    let faults = served.server.faults();
    faults.add(rule(Fault::ShortBody).chance(0.2));
    faults.add(rule(Fault::NoLength));
    let report = served.run(SOURCE);
    assert_eq!(report["verdict"], "valid", "{report:#}");

    // One that is cut each time is none that somebody cut in the bucket.
    let served = Served::new(&audit()).args(DAY).env("AWS_MAX_ATTEMPTS", "3");
    let faults = served.server.faults();
    faults.add(rule(Fault::ShortBody).key("*_CloudTrail_*T0220Z_*"));
    faults.add(rule(Fault::NoLength));
    expect(&served.run(SOURCE), "unverified", &[("log-unreadable", 1)]);
}

/// Others came before, and nothing comes any more: that passes.
#[test]
fn a_server_that_gives_nothing_for_half_a_minute_is_waited_for() {
    let served = Served::new(&audit()).args(DAY);
    let storm = Rule::new(Fault::InternalError).on(&[Operation::GetObject]);
    served.server.faults().add(storm.when(When::For {
        from: 8,
        lasts: Duration::from_secs(30),
    }));
    expect(&served.run(SOURCE), "valid", &[]);
}

/// It is kept with every finding.
#[test]
fn what_a_server_says_is_cut_short() {
    let served = Served::new(&audit()).args(DAY);
    for (status, key) in [(403, "*_CloudTrail_*"), (500, "AWSLogs/*/CloudTrail/*")] {
        let fault = Fault::Told {
            status,
            code: "No".repeat(500),
            message: "no, ü ".repeat(5_000),
        };
        served.server.faults().add(Rule::new(fault).key(key));
    }
    let report = served.env("AWS_MAX_ATTEMPTS", "1").run(SOURCE);
    assert!(codes(&report).contains_key("log-unreadable"), "{report:#}");
    for finding in report["findings"].as_array().expect("findings") {
        let told = finding["message"].as_str().expect("a message");
        assert!(told.len() < 1500, "{told}");
    }
}

#[test]
fn listings_that_fail_for_good_hide_nothing() {
    for fault in [
        Fault::InternalError,
        Fault::SlowDown,
        html(404),
        Fault::CutBody,
    ] {
        for prefix in ["*CloudTrail-Digest/us-east-1*", "*CloudTrail/us-east-1*"] {
            let served = Served::new(&audit()).args(DAY).env("AWS_MAX_ATTEMPTS", "2");
            let rule = Rule::new(fault.clone()).on(&S3).key(prefix);
            served.server.faults().add(rule);
            let report = served.run(SOURCE);
            assert_eq!(report["verdict"], "unverified", "{fault:?} {report:#}");
            assert!(proven(&report).is_empty(), "{fault:?} {report:#}");
            assert!(
                messages(&report).contains("could not be listed"),
                "{report:#}"
            );
        }
    }
}

/// What is said of an object says nothing of a folder: it has not vanished, with all that lies in
/// it and nobody misses.
#[test]
fn a_listing_that_is_answered_like_an_object_is_no_empty_folder() {
    let archive = trail(6)
        .accounts(&["111122223333", "444455556666"])
        .archive();
    for code in ["NoSuchKey", "NoSuchVersion"] {
        for (folder, finding) in [
            ("AWSLogs/444455556666/", "digest-unreadable"),
            (
                "AWSLogs/444455556666/CloudTrail-Digest/",
                "digest-unreadable",
            ),
            ("AWSLogs/444455556666/CloudTrail/", "log-unreadable"),
        ] {
            let served = Served::new(&archive).args(DAY);
            let fault = Fault::Refused {
                status: 404,
                code: code.into(),
            };
            let rule = Rule::new(fault).on(&[Operation::ListObjectsV2]);
            served.server.faults().add(rule.key(folder));
            let report = served.run(SOURCE);
            assert_eq!(report["verdict"], "unverified", "{folder}: {report:#}");
            assert!(codes(&report).contains_key(finding), "{report:#}");
            assert!(proven(&report).is_empty(), "{report:#}");
        }
    }
}

/// Whether others of a late log's day are there is not known where its folder cannot be looked for: in one run and in
/// shards, and in a snapshot.
#[test]
fn a_late_log_is_in_doubt_whose_day_cannot_be_looked_for() {
    let mut late = trail(6);
    late.early_minutes = 11 * 24 * 60;
    let mut archive = late.archive();
    for at in archive.store.clone().keys() {
        if at.1.contains("/2024/02/") {
            archive.store.delete(at);
        }
    }
    let dir = tempfile::tempdir().expect("a folder");
    let served = Served::new(&archive).args(DAY).env("AWS_MAX_ATTEMPTS", "1");
    let rule = Rule::new(Fault::AccessDenied).on(&[Operation::ListObjectsV2]);
    served
        .server
        .faults()
        .add(rule.key("*/us-east-1/2024/02/*"));
    let report = served.run(SOURCE);
    expect(&report, "unverified", &[("log-unreadable", 6)]);
    assert!(
        messages(&report).contains("others of its day"),
        "{report:#}"
    );
    let merged = of_bucket(&served, SOURCE, &dir.path().join("shards"));
    assert_eq!(codes(&merged["report"]), codes(&report));
    let evidence = dir.path().join("evidence");
    let taken = served.snapshot(SOURCE, &evidence).output().expect("a run");
    assert_eq!(taken.status.code(), Some(3));
    let mut offline = program();
    offline
        .arg("logs")
        .arg(&evidence)
        .args(["--format", "json"]);
    let told = offline.output().expect("a run").stdout;
    let told = serde_json::from_slice(&told).expect("a report");
    assert_eq!(codes(&told), codes(&report));
}

#[test]
fn a_server_that_knows_no_parts_is_asked_for_all() {
    for fault in [Fault::CutBody, Fault::ResetBody] {
        let options = Options {
            no_parts: true,
            ..Options::default()
        };
        let served = Served::with(&audit(), options).args(DAY);
        let rule = Rule::new(fault).on(&[Operation::GetObject]);
        served.server.faults().add(rule.attempts(0..2));
        expect(&served.run(SOURCE), "valid", &[]);
    }
}

/// A log of many megabytes: stored, behind blocks that hold nothing.
pub fn swollen(content: &[u8], bytes: usize) -> Vec<u8> {
    let stored = |last: u8, content: &[u8]| {
        let length = u16::try_from(content.len()).expect("a short log");
        let mut block = vec![last];
        block.extend(length.to_le_bytes());
        block.extend((!length).to_le_bytes());
        block.extend(content);
        block
    };
    let mut body = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    body.extend(stored(0, &[]).repeat(bytes / 5));
    body.extend(stored(1, content));
    let mut crc = flate2::Crc::new();
    crc.update(content);
    body.extend(crc.sum().to_le_bytes());
    body.extend(crc.amount().to_le_bytes());
    body
}

/// A connection that breaks often, and brings much of the object each time, brings it in the end.
#[test]
fn a_large_object_has_patience_for_each_part_of_it() {
    let mut archive = audit();
    let log = archive.log(2, 0);
    let content = archive.store.content(&log);
    archive
        .store
        .replace_body(&log, swollen(&content, 20 << 20));
    let served = Served::new(&archive).args(DAY);
    let rule = Rule::new(Fault::CutBody).on(&[Operation::GetObject]);
    let rule = rule.key(&log.1).attempts(0..11);
    served.server.faults().add(rule);
    expect(&served.run(SOURCE), "valid", &[]);
}

#[test]
fn a_server_that_is_busy_all_the_time_is_served_in_the_end() {
    use crate::server::When;
    // No more than a few requests at a time are let in.
    let archive = trail(6).logs(crate::forge::Logs::Each(30)).archive();
    let options = Options {
        latency: Duration::from_millis(5),
        ..Options::default()
    };
    let served = Served::with(&archive, options).args(DAY);
    let rule = Rule::new(Fault::SlowDown).on(&[Operation::GetObject]);
    served.server.faults().add(rule.when(When::Crowded(12)));
    let report = served.run(SOURCE);
    expect(&report, "valid", &[]);
    assert_eq!(report["totals"]["logs"]["valid"], 180);
}

/// Connections that listings leave idle do not hold the places that objects would need.
#[test]
fn a_server_with_few_places_gives_all_of_them() {
    side_by_side([2, 8].into_iter(), |connections| {
        let archive = trail(6).logs(crate::forge::Logs::Each(30)).archive();
        let options = Options {
            latency: Duration::from_millis(5),
            connections,
            ..Options::default()
        };
        let served = Served::with(&archive, options).args(DAY);
        let report = served.run(SOURCE);
        expect(&report, "valid", &[]);
        assert_eq!(report["totals"]["logs"]["valid"], 180);
    });
}

/// One answer that sends a request to a region where nobody is does not send the others there.
#[test]
fn a_stray_redirect_misleads_nobody() {
    side_by_side(
        ["zz-nowhere-1", "EU", "..", "_bad region_"].into_iter(),
        |region| {
            let served = Served::new(&audit()).args(DAY).env("AWS_MAX_ATTEMPTS", "3");
            let stray = Rule::new(Fault::Redirect(region)).on(&[Operation::GetObject]);
            served.server.faults().add(stray.nth(4..5));
            let nobody = Rule::new(Fault::Reset).region(region);
            served.server.faults().add(nobody);
            expect(&served.run(SOURCE), "valid", &[]);
        },
    );
}
