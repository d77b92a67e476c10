//! Snapshots of query results: what is kept, what is told again, and what was done to it since.

use std::fs;
use std::process::Command;

use super::common::{Place, contents, fits_its_manifest, output, refused};
use crate::forge::lake::{Export, delivered, plain};
use crate::forge::store::Sink as _;
use crate::forge::{Store, TestKey};
use crate::harness::{QueryOutcome, program};
use crate::s3::served::{listed, store};
use crate::server::{Class, Fault, Object, Operation, Options, PublicKey, Rule, Server};

const SOURCE: &str = "s3://query-results";

fn serve(of: &Store) -> Server {
    let server = Server::start(store(of), Options::default());
    let key = listed(TestKey::a());
    server.cloudtrail().add_key("us-east-1", key);
    server
}

fn take(server: &Server, place: &Place) -> Command {
    let mut command = program();
    command.envs(server.environment());
    command.args(["snapshot", "--query-results", SOURCE]);
    command.arg(place.dir());
    command
}

fn verify(place: &Place) -> Command {
    let mut command = program();
    command.arg("query-results").arg(place.dir());
    command
}

#[track_caller]
fn outcome(mut command: Command) -> QueryOutcome {
    command.args(["--format", "json"]);
    QueryOutcome::of(&output(command))
}

/// Takes a snapshot, and has it tell the same again, without any network.
#[track_caller]
fn kept(server: &Server) -> (Place, QueryOutcome) {
    let place = Place::new();
    let taken = outcome(take(server, &place));
    let again = outcome(verify(&place));
    assert_eq!(
        again.told(),
        taken.told(),
        "the snapshot (left) tells otherwise than its taking (right)"
    );
    (place, taken)
}

fn two() -> [Export; 2] {
    [Export::new("one", 2), Export::new("two", 1).below("p/")]
}

fn both() -> Store {
    let [one, two] = two();
    delivered(&[&one, &two])
}

fn file_of(at: &(String, String)) -> String {
    format!("objects/{}/{}", at.0, at.1)
}

#[test]
fn it_holds_what_is_needed_and_nothing_else() {
    let [one, two] = two();
    let mut of = both();
    for other in ["tables/other.csv", "notes.txt", "p/readme.md"] {
        of.put((one.bucket.clone(), other.to_owned()), plain(b"x".to_vec()));
    }
    let (place, taken) = kept(&serve(&of));
    taken.comes_to("valid").results([3, 0, 0, 0, 0]);
    fits_its_manifest(&place);
    let files = contents(&place.dir());
    let objects = files.keys().filter(|name| name.starts_with("objects/"));
    let objects = objects.filter(|name| !name.ends_with(".metadata.json"));
    let objects: Vec<_> = objects.cloned().collect();
    let mut expected = vec![
        file_of(&one.result(1)),
        file_of(&one.result(2)),
        file_of(&one.sign_file()),
        file_of(&two.result(1)),
        file_of(&two.sign_file()),
    ];
    expected.sort();
    assert_eq!(objects, expected);
    let report = outcome(verify(&place)).report;
    assert_eq!(report["run"]["snapshot"]["altered"], 0);
    assert_eq!(report["run"]["snapshot"]["of"], "s3://query-results/");
    let mut text = verify(&place);
    text.args(["--color", "never"]);
    let text = String::from_utf8(output(text).stdout).expect("text");
    assert!(text.contains("of s3://query-results/, taken at"), "{text}");
}

#[test]
fn what_no_sign_file_names_is_kept_too() {
    let [one, _] = two();
    let mut of = both();
    of.put(one.at("planted.csv"), plain(b"forged".to_vec()));
    let unsigned = Export::new("unsigned", 1);
    of.put(unsigned.result(1), plain(b"alone".to_vec()));
    let (place, taken) = kept(&serve(&of));
    taken.finds(&[
        ("result-unreferenced", &one.at("planted.csv")),
        ("sign-file-missing", &unsigned.sign_file()),
    ]);
    for at in [one.at("planted.csv"), unsigned.result(1)] {
        assert!(place.file(&file_of(&at)).exists(), "{at:?}");
    }
}

#[test]
fn what_could_not_be_read_or_listed_is_told_again() {
    let [one, two] = two();
    let lake = two.folder().replace("Query/2024/03/10/two", "*");
    for (operation, key, fault) in [
        (Operation::GetObject, one.result(1).1, Fault::AccessDenied),
        (Operation::GetObject, one.sign_file().1, Fault::AccessDenied),
        (Operation::GetObject, one.result(2).1, Fault::InternalError),
        (Operation::ListObjectsV2, lake, Fault::AccessDenied),
        (
            Operation::ListObjectsV2,
            "p/*".to_owned(),
            Fault::AccessDenied,
        ),
        (Operation::ListObjectsV2, String::new(), Fault::AccessDenied),
    ] {
        let server = serve(&both());
        let rule = Rule::new(fault).on(&[operation]);
        let rule = if key.is_empty() { rule } else { rule.key(&key) };
        server.faults().add(rule);
        let (_, taken) = kept(&server);
        taken.comes_to("unverified");
        let codes = taken.findings();
        assert!(
            codes.iter().all(|(code, _)| code == "result-unreadable"),
            "{key}: {codes:?}"
        );
        assert!(!codes.is_empty(), "{key}");
    }
}

/// Not even the place itself, when it was taken.
#[test]
fn what_could_not_be_listed_at_all_is_told_again() {
    let server = serve(&both());
    let rule = Rule::new(Fault::SlowDown).on(&[Operation::ListObjectsV2]);
    server.faults().add(rule);
    let place = Place::new();
    let mut taking = take(&server, &place);
    taking.env("AWS_MAX_ATTEMPTS", "1");
    let taken = outcome(taking);
    taken.comes_to("unverified");
    assert_eq!(taken.findings(), [("result-unreadable".to_owned(), None)]);
    assert_eq!(outcome(verify(&place)).told(), taken.told());
}

#[test]
fn archived_results_stay_archived() {
    let export = Export::new("one", 2);
    let mut of = store(&delivered(&[&export]));
    let (bucket, key) = export.result(1);
    let body = export.results[0].1.clone();
    of.put(&bucket, &key, Object::new(body).with_class(Class::Glacier));
    let server = Server::start(of, Options::default());
    let key = listed(TestKey::a());
    server.cloudtrail().add_key("us-east-1", key);
    let (_, taken) = kept(&server);
    taken.finds(&[("result-unreadable", &export.result(1))]);
}

#[test]
fn keys_that_could_not_be_had_for_one_query_are_no_tampering_later() {
    // Of one region, but of two times, signed with two keys: the second request for keys fails.
    let early = Export::new("early", 1);
    let mut late = Export::new("late", 1).signed_with(TestKey::b());
    late.completed = late.completed + 100 * 86_400;
    let server = Server::start(store(&delivered(&[&early, &late])), Options::default());
    let from = early.completed.0 - 86_400;
    let valid = |key: &TestKey, valid_from| PublicKey {
        value: key.pkcs1(),
        fingerprint: key.fingerprint(),
        valid_from,
        valid_until: valid_from + 30 * 86_400,
    };
    for (key, from) in [(TestKey::a(), from), (TestKey::b(), from + 100 * 86_400)] {
        server.cloudtrail().add_key("us-east-1", valid(key, from));
    }
    server.faults().add(
        Rule::new(Fault::AccessDenied)
            .on(&[Operation::ListPublicKeys])
            .attempts(1..99),
    );
    let place = Place::new();
    let mut first = take(&server, &place);
    first.args(["--concurrency", "1"]);
    let taken = outcome(first);
    taken.comes_to("unverified");
    assert_eq!(taken.findings().len(), 1, "{:#}", taken.report);
    let again = outcome(verify(&place));
    assert_eq!(again.told(), taken.told());
    // The same command has them later.
    server.faults().clear();
    outcome(take(&server, &place)).comes_to("valid");
    outcome(verify(&place)).comes_to("valid");
}

#[test]
fn what_was_altered_since_is_told() {
    let [one, _] = two();
    let (whole, _) = kept(&serve(&both()));

    let place = whole.copy();
    place.write(&file_of(&one.result(1)), b"forged");
    let told = outcome(verify(&place));
    told.finds(&[("result-modified", &one.result(1))]);
    let message = told.report["findings"][0]["message"].to_string();
    assert!(message.contains("manifest"), "{message}");

    // A whole export is gone: no other tells of it, but the manifest does.
    let place = whole.copy();
    let folder = format!("objects/{}/{}", one.bucket, one.folder());
    fs::remove_dir_all(place.file(&folder)).expect("a folder");
    let told = outcome(verify(&place));
    told.comes_to("invalid");
    let codes = told.findings();
    assert!(!codes.is_empty());
    assert!(
        codes.iter().all(|(code, _)| code == "snapshot-altered"),
        "{codes:?}"
    );

    let place = whole.copy();
    place.write(&file_of(&one.at("planted.csv")), b"forged");
    outcome(verify(&place)).finds(&[("result-unreferenced", &one.at("planted.csv"))]);
    let mut allowed = verify(&place);
    allowed.args(["--allow", "result-unreferenced"]);
    let told = outcome(allowed);
    told.comes_to("invalid").finds(&[
        ("result-unreferenced", &one.at("planted.csv")),
        ("snapshot-altered", &one.at("planted.csv")),
    ]);

    let place = whole.copy();
    let mut head = place.head();
    head["contents"]["query-results"]["start"] = "p".into();
    place.set_head(&head);
    outcome(verify(&place)).comes_to("invalid");
}

#[test]
fn what_is_refused() {
    let (place, _) = kept(&serve(&both()));
    let mut logs = program();
    logs.arg("logs").arg(place.dir());
    refused(logs, &["ct-verify query-results"]);

    let server = serve(&both());
    for option in [
        &["--start-time", "2024-01-01"][..],
        &["--account", "111122223333"],
        &["--digests-only"],
        &["--dry-run"],
    ] {
        let mut command = take(&server, &Place::new());
        command.args(option);
        refused(command, &[option[0], "logs"]);
    }
    let mut again = program();
    again.args(["snapshot", "--query-results"]);
    again.arg(place.dir()).arg(Place::new().dir());
    refused(again, &["a snapshot already"]);

    // Into one of logs, or of another place.
    let mut other = program();
    other.envs(server.environment());
    other.args(["snapshot", "--query-results", "s3://query-results/p"]);
    other.arg(place.dir());
    refused(other, &["another snapshot"]);
    let mut of_logs = program();
    of_logs.envs(server.environment());
    of_logs.args(["snapshot", SOURCE, "--start-time", "2024-01-01"]);
    of_logs.arg(place.dir());
    refused(of_logs, &["it holds other things"]);
}

#[test]
fn a_snapshot_of_logs_is_none_of_query_results() {
    let archive = crate::scenarios::common::audit();
    let place = Place::new();
    super::common::take(&super::common::served(&archive), &place);
    refused(verify(&place), &["ct-verify logs"]);
}

#[test]
fn an_empty_source_is_no_success() {
    let mut of = Store::default();
    let bucket = "query-results".to_owned();
    of.put((bucket, "notes.txt".to_owned()), plain(b"x".to_vec()));
    let (_, taken) = kept(&serve(&of));
    assert_eq!(taken.exit, 3);
    assert_eq!(taken.findings(), [("no-results".to_owned(), None)]);
}
