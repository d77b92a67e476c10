//! Query results in buckets: keys from CloudTrail, faults of the network, what is asked for.

use std::process::Command;

use crate::{
    forge::{
        Store, TestKey,
        lake::{Export, delivered, plain},
        store::Sink as _,
    },
    harness::{QueryOutcome, program},
    server::{Class, Fault, Object, Operation, Options, PublicKey, Rule, Server},
};

use super::served::{listed, store};

fn serve(of: &Store) -> Server {
    let server = Server::start(store(of), Options::default());
    server
        .cloudtrail()
        .add_key("us-east-1", listed(TestKey::a()));
    server
}

fn command(server: &Server, source: &str) -> Command {
    let mut command = program();
    command.envs(server.environment());
    command.args(["query-results", source, "--format", "json"]);
    command
}

#[track_caller]
fn run(server: &Server, source: &str) -> QueryOutcome {
    QueryOutcome::of(&command(server, source).output().expect("the program runs"))
}

#[test]
fn keys_are_asked_for_in_the_region_and_at_the_time_of_the_query() {
    let mut east = Export::new("east", 2);
    let mut west = Export::new("west", 1);
    west.region = "eu-west-1".into();
    west.key = TestKey::b();
    let server = Server::start(store(&delivered(&[&east, &west])), Options::default());
    let from = east.completed.0;
    let key = |key: &TestKey, valid_from, valid_until| PublicKey {
        value: key.pkcs1(),
        fingerprint: key.fingerprint(),
        valid_from,
        valid_until,
    };
    let day = 86_400;
    {
        let mut cloudtrail = server.cloudtrail();
        cloudtrail.add_key(
            "us-east-1",
            key(TestKey::a(), from + 19 * day, from + 49 * day),
        );
        cloudtrail.add_key(
            "eu-west-1",
            key(TestKey::b(), from - 9 * day, from + 21 * day),
        );
    }
    let outcome = run(&server, "s3://query-results");
    outcome.comes_to("valid").results([3, 0, 0, 0, 0]);
    assert_eq!(server.log().count(Operation::ListPublicKeys), 2);
    assert_eq!(server.log().count(Operation::GetObject), 5);
    // A key of long before is none for this query.
    east.completed = east.completed + 100 * day;
    let server = Server::start(store(&delivered(&[&east])), Options::default());
    let mut cloudtrail = server.cloudtrail();
    cloudtrail.add_key("us-east-1", key(TestKey::a(), from, from + 30 * day));
    cloudtrail.add_key("us-east-1", key(TestKey::b(), from, from + 300 * day));
    drop(cloudtrail);
    run(&server, "s3://query-results").finds(&[("result-key-unknown", &east.sign_file())]);
}

#[test]
fn exports_of_one_day_need_one_request_for_keys() {
    let exports: Vec<_> = (0..40).map(|n| Export::new(&format!("q{n}"), 1)).collect();
    let server = serve(&delivered(&exports.iter().collect::<Vec<_>>()));
    run(&server, "s3://query-results").comes_to("valid");
    assert_eq!(server.log().count(Operation::ListPublicKeys), 1);
}

#[test]
fn a_prefix_of_one_export_or_of_many() {
    let (one, two) = (
        Export::new("one", 1).below("p/"),
        Export::new("two", 2).below("p/"),
    );
    let other = Export::new("other", 4).below("q/");
    let server = serve(&delivered(&[&one, &two, &other]));
    let folder = format!("s3://query-results/{}", two.folder());
    for (source, results) in [
        ("s3://query-results", 7),
        ("s3://query-results/p", 3),
        ("s3://query-results/p/AWSLogs/111122223333/", 3),
        (
            "s3://query-results/p/AWSLogs/111122223333/CloudTrail-Lake/Query/2024/03",
            3,
        ),
        (folder.as_str(), 2),
        (&format!("{folder}/"), 2),
    ] {
        let outcome = run(&server, source);
        outcome.comes_to("valid").results([results, 0, 0, 0, 0]);
    }
    let outcome = run(&server, "s3://query-results/nothing/here");
    outcome.comes_to("unverified");
}

#[test]
fn logs_beside_query_results_are_not_listed() {
    let export = Export::new("one", 1);
    let mut of = delivered(&[&export]);
    for number in 0..3000 {
        let key = format!("AWSLogs/111122223333/CloudTrail/us-east-1/2024/03/10/{number}.json.gz");
        of.put((export.bucket.clone(), key), plain(vec![1]));
    }
    let server = serve(&of);
    run(&server, "s3://query-results").comes_to("valid");
    assert!(server.log().count(Operation::ListObjectsV2) <= 5);
}

/// Whoever writes to the bucket may make up any number of folders.
#[test]
fn no_number_of_folders_hides_an_export() {
    let export = Export::new("one", 1);
    let mut of = delivered(&[&export]);
    let account = "AWSLogs/111122223333";
    let planted = (0..19_999).map(|number| format!("CloudTrail-E{number:05}/x"));
    let beside = ["CloudTrail-Aggregated/x", "CloudTrail-Digest/x"].map(str::to_owned);
    for key in planted.chain(beside) {
        let key = format!("{account}/{key}");
        of.put((export.bucket.clone(), key), plain(vec![1]));
    }
    // One that is intact lies where it is found.
    let copied = format!("{account}/CloudTrail-E00000");
    for (name, body) in &export.results {
        let at = (export.bucket.clone(), format!("{copied}/{name}"));
        of.put(at, plain(body.clone()));
    }
    let at = (export.bucket.clone(), format!("{copied}/result_sign.json"));
    of.put(at, plain(export.doc().write()));
    of.replace_body(&export.result(1), *b"changed");
    let server = serve(&of);
    let source = format!("s3://query-results/{account}");
    let kept = tempfile::tempdir().expect("a folder");
    let kept = kept.path().join("kept");
    let mut snapshot = program();
    snapshot.envs(server.environment());
    snapshot.args(["snapshot", "--query-results", &source]);
    let online = snapshot.arg(&kept).output().expect("the program runs");
    let offline = program()
        .args(["query-results", "--format", "json"])
        .arg(&kept)
        .output()
        .expect("the program runs");
    assert_eq!(online.status.code(), Some(1));
    let outcome = QueryOutcome::of(&offline);
    outcome.comes_to("invalid");
    let told = outcome.told();
    assert!(told.contains("after 20000 folders"), "{told}");
    assert!(told.contains("result-modified"), "{told}");
}

#[test]
fn the_network_is_never_told_as_tampering() {
    let export = Export::new("one", 3);
    let server = serve(&delivered(&[&export]));
    let key = export.result(2).1;
    server.faults().add(
        Rule::new(Fault::AccessDenied)
            .on(&[Operation::GetObject])
            .key(&key),
    );
    run(&server, "s3://query-results")
        .comes_to("unverified")
        .finds(&[("result-unreadable", &export.result(2))])
        .results([2, 0, 0, 0, 1]);

    let server = serve(&delivered(&[&export]));
    let sign_file = export.sign_file().1;
    server.faults().add(
        Rule::new(Fault::AccessDenied)
            .on(&[Operation::GetObject])
            .key(&sign_file),
    );
    run(&server, "s3://query-results")
        .comes_to("unverified")
        .finds(&[("result-unreadable", &export.sign_file())])
        .results([0, 0, 0, 0, 3]);

    // What passes is tried again.
    let server = serve(&delivered(&[&export]));
    for fault in [Fault::SlowDown, Fault::ResetBody, Fault::CutBody] {
        server
            .faults()
            .add(Rule::new(fault).on(&[Operation::GetObject]).attempts(0..1));
    }
    run(&server, "s3://query-results")
        .comes_to("valid")
        .results([3, 0, 0, 0, 0]);
}

/// Else each export would be waited for as long as anybody has patience.
#[test]
fn keys_that_could_not_be_had_are_not_asked_for_by_each_export() {
    let exports: Vec<_> = (0..20).map(|n| Export::new(&format!("q{n}"), 1)).collect();
    let server = serve(&delivered(&exports.iter().collect::<Vec<_>>()));
    let fault = Fault::Refused {
        status: 500,
        code: "InternalFailure".into(),
    };
    let rule = Rule::new(fault).on(&[Operation::ListPublicKeys]);
    server.faults().add(rule.clone());
    let mut run = command(&server, "s3://query-results");
    let output = run.env("AWS_MAX_ATTEMPTS", "3").output();
    let outcome = QueryOutcome::of(&output.expect("the program runs"));
    outcome.comes_to("unverified").results([0, 0, 0, 0, 20]);
    assert_eq!(server.log().count(Operation::ListPublicKeys), 3);
    // Those of other days are not asked for for ever either.
    let mut exports = exports;
    for (number, export) in (0..).zip(&mut exports) {
        export.completed = export.completed + number * 86_400;
    }
    let server = serve(&delivered(&exports.iter().collect::<Vec<_>>()));
    server.faults().add(rule);
    let mut command = command(&server, "s3://query-results");
    let output = command.env("AWS_MAX_ATTEMPTS", "3").output();
    let outcome = QueryOutcome::of(&output.expect("the program runs"));
    outcome.comes_to("unverified").results([0, 0, 0, 0, 20]);
    assert_eq!(server.log().count(Operation::ListPublicKeys), 3 * 3);
}

/// One reading accuses nobody.
#[test]
fn what_changes_on_its_way_is_no_tampering() {
    let export = Export::new("q", 2);
    for (key, code) in [
        ("*result_1.csv.gz", "result-modified"),
        ("*result_sign.json", "sign-file"),
    ] {
        let server = serve(&delivered(&[&export]));
        let rule = || Rule::new(Fault::Flip).on(&[Operation::GetObject]).key(key);
        server.faults().add(rule().attempts(0..1));
        let told = command(&server, "s3://query-results").output();
        let told = told.expect("the program runs");
        let report = String::from_utf8_lossy(&told.stdout);
        assert_eq!(told.status.code(), Some(3), "{report}");
        assert!(report.contains("\"result-unreadable\""), "{report}");
        // What is read so again and again lies there so.
        server.faults().clear();
        server.faults().add(rule());
        let told = command(&server, "s3://query-results").output();
        let told = told.expect("the program runs");
        let report = String::from_utf8_lossy(&told.stdout);
        assert_eq!(told.status.code(), Some(1), "{report}");
        assert!(report.contains(&format!("\"{code}")), "{report}");
    }
}

/// A server in doubt says both: that an object is there, and that it is not.
#[test]
fn what_a_listing_shows_is_asked_for_again_before_it_is_missing() {
    let export = Export::new("q", 2);
    let not_there = |key| {
        let fault = Fault::Refused {
            status: 404,
            code: "NoSuchKey".to_owned(),
        };
        Rule::new(fault).on(&[Operation::GetObject]).key(key)
    };
    for (key, at, missing) in [
        ("*result_1.csv.gz", export.result(1), "result-missing"),
        ("*result_sign.json", export.sign_file(), "sign-file-missing"),
    ] {
        let server = serve(&delivered(&[&export]));
        server.faults().add(not_there(key).attempts(0..2));
        run(&server, "s3://query-results").comes_to("valid");
        let server = serve(&delivered(&[&export]));
        server.faults().add(not_there(key));
        let outcome = run(&server, "s3://query-results");
        outcome
            .comes_to("unverified")
            .finds(&[("result-unreadable", &at)]);
        // No listing shows it any more: it was deleted while the run went on.
        let server = serve(&delivered(&[&export]));
        server.faults().add(not_there(key));
        server.faults().add(Rule::empty_listing(key));
        let outcome = run(&server, "s3://query-results");
        outcome.comes_to("invalid").finds(&[(missing, &at)]);
    }
}

#[test]
fn keys_that_cannot_be_had_prove_nothing() {
    let export = Export::new("one", 1);
    let server = serve(&delivered(&[&export]));
    server
        .faults()
        .add(Rule::new(Fault::AccessDenied).on(&[Operation::ListPublicKeys]));
    run(&server, "s3://query-results")
        .comes_to("unverified")
        .finds(&[("result-unreadable", &export.sign_file())])
        .results([0, 0, 0, 0, 1]);
    // A region without keys.
    let mut elsewhere = export.clone();
    elsewhere.region = "sa-east-1".into();
    let server = serve(&delivered(&[&elsewhere]));
    run(&server, "s3://query-results")
        .comes_to("unverified")
        .finds(&[("result-unreadable", &elsewhere.sign_file())]);
}

#[test]
fn archived_results_are_not_read() {
    let export = Export::new("one", 2);
    let mut of = store(&delivered(&[&export]));
    let (bucket, key) = export.result(1);
    let body = export.results[0].1.clone();
    of.put(&bucket, &key, Object::new(body).with_class(Class::Glacier));
    let server = Server::start(of, Options::default());
    server
        .cloudtrail()
        .add_key("us-east-1", listed(TestKey::a()));
    run(&server, "s3://query-results")
        .comes_to("unverified")
        .finds(&[("result-unreadable", &export.result(1))])
        .results([1, 0, 0, 0, 1]);
}

#[test]
fn a_bucket_that_may_not_be_listed_or_is_not_there() {
    let server = serve(&delivered(&[&Export::new("one", 1)]));
    server
        .faults()
        .add(Rule::new(Fault::AccessDenied).on(&[Operation::ListObjectsV2]));
    let outcome = run(&server, "s3://query-results");
    outcome.comes_to("unverified");
    assert_eq!(outcome.findings(), [("result-unreadable".to_owned(), None)]);
    let server = serve(&Store::default());
    let output = command(&server, "s3://no-such-bucket").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

/// As `logs` has it: what may be better the next time is no fault of setup.
#[test]
fn a_listing_that_cannot_be_had_just_now_is_told_in_a_report() {
    let export = Export::new("one", 1);
    for fault in [
        Fault::SlowDown,
        Fault::InternalError,
        Fault::Reset,
        Fault::CutBody,
        Fault::ShortBody,
        Fault::Proxy {
            status: 502,
            body: "<html></html>".into(),
        },
    ] {
        let server = serve(&delivered(&[&export]));
        let told = format!("{fault:?}");
        let rule = Rule::new(fault).on(&[Operation::ListObjectsV2]);
        server.faults().add(rule);
        let mut command = command(&server, "s3://query-results");
        let output = command.env("AWS_MAX_ATTEMPTS", "1").output();
        let outcome = QueryOutcome::of(&output.expect("the program runs"));
        outcome.comes_to("unverified").results([0, 0, 0, 0, 0]);
        let unreadable = ("result-unreadable".to_owned(), None);
        assert_eq!(outcome.findings(), [unreadable], "{told}");
        let report = outcome.report.to_string();
        assert!(report.contains("could not be listed"), "{told}: {report}");
    }
}

/// A sign file is listed behind the result files: it may lie on a page that could not be had.
#[test]
fn a_listing_that_fails_half_way_is_no_missing_sign_file() {
    let export = Export::new("one", 3);
    for fault in [Fault::InternalError, Fault::AccessDenied] {
        let options = Options {
            page_size: 2,
            ..Options::default()
        };
        let server = Server::start(store(&delivered(&[&export])), options);
        let key = listed(TestKey::a());
        server.cloudtrail().add_key("us-east-1", key);
        let rule = Rule::new(fault).on(&[Operation::ListObjectsV2]);
        let rule = rule.key("*/CloudTrail-Lake/").nth(1..100);
        server.faults().add(rule);
        let mut command = command(&server, "s3://query-results");
        let output = command.env("AWS_MAX_ATTEMPTS", "1").output();
        let outcome = QueryOutcome::of(&output.expect("the program runs"));
        outcome.comes_to("unverified").results([3, 0, 0, 0, 0]);
        assert_eq!(outcome.findings(), [("result-unreadable".to_owned(), None)]);
    }
}

/// Keys with two slashes in a row, or one at their beginning, are told, and not looked at for ever.
#[test]
fn folders_without_names() {
    for prefix in ["a//b/", "/"] {
        let (one, nameless) = (Export::new("one", 1), Export::new("two", 1).below(prefix));
        let server = serve(&delivered(&[&one, &nameless]));
        let outcome = run(&server, "s3://query-results");
        outcome.comes_to("unverified").results([1, 0, 0, 0, 0]);
        assert_eq!(outcome.findings(), [("result-unreadable".to_owned(), None)]);
        assert!(
            outcome.told().contains("without a name"),
            "{}",
            outcome.told()
        );
        let listings = server.log().count(Operation::ListObjectsV2);
        assert!(listings < 20, "{listings}");
        let below = format!("s3://query-results/{}", prefix.trim_end_matches('/'));
        if prefix != "/" {
            run(&server, &below).comes_to("valid");
        }
    }
}
