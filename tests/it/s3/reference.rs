//! Side by side with `aws cloudtrail validate-logs`, on the same archives and the same server.
//!
//! `cargo test --test it the_aws_cli -- --ignored` installs it and runs this. Where the two differ, the reason is stated.

use std::collections::BTreeSet;

use serde_json::Value;

use super::served::{DAY, Served};
use crate::forge::{Archive, Json, Place, Sign, TestKey, Time, plant::PlantedLog};
use crate::harness::aws_cli;
use crate::scenarios::common::{audit, trail};
use crate::server::{Fault, Rule, Trail};

const ARN: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit";

/// How the two judge.
#[derive(Clone, Copy)]
enum Judged {
    /// Both valid, with as many logs.
    BothValid,
    /// Both invalid, for the same objects.
    BothInvalid,
    /// Our verdict, the exit status of the reference, and why that is right.
    Differently(&'static str, i32, &'static str),
}
use Judged::{BothInvalid, BothValid, Differently};

struct Case {
    name: &'static str,
    archive: Archive,
    bucket: &'static str,
    prefix: Option<&'static str>,
    denied: Option<&'static str>,
    judged: Judged,
}

fn case(name: &'static str, archive: Archive, judged: Judged) -> Case {
    Case {
        name,
        archive,
        bucket: "audit-logs",
        prefix: None,
        denied: None,
        judged,
    }
}

/// The archive, after something was done to it.
fn after(change: impl FnOnce(&mut Archive)) -> Archive {
    let mut archive = audit();
    change(&mut archive);
    archive
}

fn place() -> Place {
    Place::new("audit-logs", "")
}

fn whole_archives() -> Vec<Case> {
    let mut early = trail(6);
    early.early_minutes = 5;
    let mut escaped = trail(6);
    escaped.escape_slashes = true;
    vec![
        case("clean", audit(), BothValid),
        case("empty hours", trail(6).empty(&[1, 4]).archive(), BothValid),
        case(
            "a key after another",
            trail(6).rotate(3, TestKey::b()).archive(),
            BothValid,
        ),
        case(
            "stopped and started",
            trail(2).restart(30, 3).archive(),
            BothValid,
        ),
        case("logs dated early", early.archive(), BothValid),
        case("escaped slashes", escaped.archive(), BothValid),
        case(
            "compressed anew",
            after(|it| it.store.regzip(&it.log(3, 0), 9)),
            BothValid,
        ),
        Case {
            prefix: Some("a prefix"),
            ..case(
                "a prefix",
                trail(6).place("audit-logs", "a prefix").archive(),
                BothValid,
            )
        },
        Case {
            bucket: "new-logs",
            ..case(
                "moved",
                trail(6).moves(3, "new-logs", "").archive(),
                BothValid,
            )
        },
    ]
}

fn tampered_archives() -> Vec<Case> {
    vec![
        case(
            "log deleted",
            after(|it| drop(it.store.delete(&it.log(3, 0)))),
            BothInvalid,
        ),
        case(
            "log edited",
            after(|it| it.store.edit_content(&it.log(3, 0), |body| body[30] ^= 1)),
            BothInvalid,
        ),
        case(
            "log corrupt",
            after(|it| it.store.flip_byte(&it.log(3, 0), 60)),
            BothInvalid,
        ),
        case(
            "log emptied",
            after(|it| it.store.replace_body(&it.log(3, 0), vec![])),
            BothInvalid,
        ),
        case(
            "log cut in half",
            after(|it| it.store.truncate(&it.log(3, 0), 200)),
            BothInvalid,
        ),
        case(
            "digest deleted",
            after(|it| drop(it.store.delete(&it.digest(3)))),
            BothInvalid,
        ),
        case(
            "digest corrupt",
            after(|it| it.store.flip_byte(&it.digest(3), 60)),
            BothInvalid,
        ),
        case(
            "digest edited",
            after(|it| {
                it.edit_digest(&it.digest(3), Sign::Keep, |doc| {
                    doc.set("newestEventTime", Json::Null);
                });
            }),
            BothInvalid,
        ),
        case(
            "digest signed by somebody else",
            after(|it| it.edit_digest(&it.digest(3), Sign::With(TestKey::foreign()), |_| {})),
            BothInvalid,
        ),
        case(
            "log of another hour in its place",
            after(|it| it.store.swap(&it.log(3, 0), &it.log(4, 0), true)),
            BothInvalid,
        ),
    ]
}

fn archives_judged_differently() -> Vec<Case> {
    vec![
        case(
            "log without its trailer",
            after(|it| it.store.truncate(&it.log(3, 0), 8)),
            Differently(
                "invalid",
                0,
                "it inflates what there is, and does not ask whether the stream is whole",
            ),
        ),
        case(
            "bytes after a log's end",
            after(|it| it.store.append_member(&it.log(3, 0), b"{\"Records\":[]}")),
            Differently(
                "invalid",
                0,
                "it stops at the end of the first member; other readers go on",
            ),
        ),
        case(
            "bytes after a digest's end",
            after(|it| it.store.append_member(&it.digest(3), b"{}")),
            Differently("invalid", 0, "the same"),
        ),
        case(
            "log planted",
            after(|it| {
                let time = Time::parse("2024-03-10T02:30:00Z");
                PlantedLog::of(&it.first().id.clone(), &place(), time).put(&mut it.store);
            }),
            Differently(
                "invalid",
                0,
                "it looks at what digests name, and not at what else is there",
            ),
        ),
        case(
            "newest hours deleted",
            after(|it| {
                for hour in [4, 5, 6] {
                    for log in it.first().digests[hour].logs.clone() {
                        it.store.delete(&log);
                    }
                    it.store.delete(&it.digest(hour));
                }
            }),
            Differently(
                "unverified",
                0,
                "it does not ask how far the chain should reach",
            ),
        ),
        case(
            "everything deleted",
            after(|it| {
                let keys: Vec<_> = it.store.keys().cloned().collect();
                for at in keys {
                    it.store.delete(&at);
                }
            }),
            Differently(
                "unverified",
                0,
                "it says that no digests were found, and exits with 0",
            ),
        ),
        case(
            "a key dated far in the future, and a digest deleted",
            after(|it| {
                let (bucket, key) = it.digest(3);
                it.store.delete(&it.digest(3));
                let future = key
                    .replace("/2024/03/10/", "/2024/03/09/")
                    .replace("_20240310T", "_20990101T");
                it.store.copy(&it.digest(1), &(bucket, future), true);
            }),
            Differently(
                "invalid",
                0,
                "it lists no further than the first key in the future, and so nothing",
            ),
        ),
    ]
}

fn more_archives_judged_differently() -> Vec<Case> {
    vec![
        case(
            "a link that does not fit",
            after(|it| {
                let digest = it.digest(4);
                it.edit_digest(&digest, Sign::With(TestKey::a()), |doc| {
                    doc.set("previousDigestHashValue", Json::text("0".repeat(64)));
                });
                it.relink(0, 4, None);
            }),
            Differently(
                "invalid",
                0,
                "it does not compare a digest's hash with what its successor says",
            ),
        ),
        case(
            "a digest without metadata",
            after(|it| it.store.clear_metadata(&it.digest(3))),
            Differently(
                "valid",
                1,
                "its successor repeats its signature, which is checked here",
            ),
        ),
        case(
            "a log stored as plain JSON",
            after(|it| it.store.store_uncompressed(&it.log(3, 0))),
            Differently(
                "valid",
                1,
                "a tool that undid the compression changed nothing of what it holds",
            ),
        ),
        Case {
            denied: Some("*_CloudTrail_*T0220Z_*"),
            ..case(
                "a log that may not be read",
                audit(),
                Differently(
                    "unverified",
                    255,
                    "it ends at the first object that it may not read",
                ),
            )
        },
    ]
}

fn serve(case: &Case) -> Served {
    let trail = Trail {
        name: "audit".into(),
        account: "111122223333".into(),
        home_region: "us-east-1".into(),
        bucket: case.bucket.into(),
        prefix: case.prefix.map(str::to_owned),
        ..Trail::default()
    };
    let served = Served::new(&case.archive).args(DAY).trail(trail);
    let _ = served.server.store().bucket(case.bucket);
    if let Some(key) = case.denied {
        let rule = Rule::new(Fault::AccessDenied).key(key);
        served.server.faults().add(rule);
    }
    served
}

/// The exit status and output of the reference.
fn reference(served: &Served) -> Option<(i32, String)> {
    let mut command = aws_cli()?;
    command
        .envs(served.server.environment())
        .args(["cloudtrail", "validate-logs", "--trail-arn", ARN])
        .args(DAY);
    let output = command.output().expect("the AWS CLI");
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told).into_owned();
    Some((output.status.code().expect("an exit status"), told))
}

/// The objects that the reference calls invalid.
fn invalid_there(told: &str) -> BTreeSet<String> {
    let lines = told.lines().filter(|line| line.contains("\tINVALID"));
    let keys = lines.filter_map(|line| line.split('\t').nth(1));
    keys.map(str::to_owned).collect()
}

fn invalid_here(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().expect("findings").iter();
    let invalid = findings.filter(|finding| finding["severity"] == "invalid");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    invalid
        .map(|it| format!("s3://{}/{}", text(&it["bucket"]), text(&it["key"])))
        .collect()
}

#[test]
#[ignore = "installs the AWS CLI"]
fn the_aws_cli_judges_the_same_but_for_what_is_known() {
    let cases = [
        whole_archives(),
        tampered_archives(),
        archives_judged_differently(),
        more_archives_judged_differently(),
    ];
    for case in cases.into_iter().flatten() {
        let served = serve(&case);
        let report = served.run(ARN);
        let Some((exit, told)) = reference(&served) else {
            return;
        };
        let what = format!("{}: {told}\n{report:#}", case.name);
        let verdict = report["verdict"].as_str().expect("a verdict");
        match case.judged {
            BothValid => {
                assert_eq!((verdict, exit), ("valid", 0), "{what}");
                let logs = report["totals"]["logs"]["valid"]
                    .as_u64()
                    .expect("a number");
                assert!(
                    told.contains(&format!("{logs}/{logs} log files valid")),
                    "{what}"
                );
            }
            BothInvalid => {
                assert_eq!((verdict, exit), ("invalid", 1), "{what}");
                assert_eq!(invalid_here(&report), invalid_there(&told), "{what}");
            }
            Differently(ours, theirs, _) => assert_eq!((verdict, exit), (ours, theirs), "{what}"),
        }
    }
}
