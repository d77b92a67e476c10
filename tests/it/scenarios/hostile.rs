//! Archives made to harm whoever reads them: too large, too deep, badly named, leading elsewhere.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    },
    path::Path,
    process::Command,
};

use serde_json::Value;

use super::common::{CHAIN, NEWEST, audit, digest_fails, in_chain, trail};
use crate::{
    forge::{Archive, Json, Sign, StoredObject, TestKey, Trail, gzip, keys::sha256},
    harness::{self, Case, Expect, check_bytes, code, program, text_of},
    s3::served::{DAY, Served},
};

fn peak_megabytes(mut case: Case) -> (i32, u64) {
    harness::peak_megabytes(case.command())
}

#[test]
fn a_digest_of_spaces() {
    for size in [100 << 20, 10 << 30] {
        for position in [3, NEWEST] {
            let mut archive = audit();
            let expect = digest_fails(
                Expect::clean(&archive),
                &archive,
                position,
                "digest-malformed",
            );
            let at = archive.digest(position);
            archive.store.replace_body(&at, gzip::bomb(b' ', size));
            let case = Case::new(archive.clone());
            // Once is enough of what takes long.
            let case = if size > 1 << 30 {
                case.only_in_a_folder("it takes long, and its shorter brother is run on a bucket")
            } else {
                case
            };
            case.run().is(&expect);
            let (exit, megabytes) = peak_megabytes(Case::new(archive));
            assert!(exit == 1 && megabytes < 300, "{megabytes} MB");
        }
    }
}

#[test]
fn a_large_digest_that_cloudtrail_signed() {
    // A true digest may well be large: 20,000 logs in an hour make one of some megabytes.
    let mut archive = audit();
    let mut expect = Expect::clean(&archive);
    let at = archive.digest(NEWEST);
    archive.edit_digest(&at, Sign::With(TestKey::a()), |doc| {
        let log = doc.logs()[0].clone();
        for index in 0..20_000 {
            doc.logs().push(log.clone());
            let name = format!("AWSLogs/111122223333/CloudTrail/us-east-1/2024/03/10/111122223333_CloudTrail_us-east-1_20240310T0530Z_{index:016}.json.gz");
            doc.set_log(index + 2, "s3Object", Json::text(name));
        }
    });
    expect.findings.clear();
    let report = Case::new(archive).run().report();
    assert_eq!(
        report["totals"]["logs"]["missing"], 20_000,
        "{}",
        report["totals"]
    );
    assert_eq!(report["totals"]["digests"]["valid"], 7);
}

#[test]
fn a_log_that_inflates_without_end() {
    let mut archive = audit();
    let log = archive.log(3, 0);
    archive.store.replace_body(&log, gzip::bomb(b' ', 5 << 30));
    let expect = Expect::clean(&archive)
        .finding(in_chain("log-malformed", &log).digest(&archive.digest(3)))
        .chain(CHAIN, |chain| chain.logs = [11, 1, 0, 0]);
    Case::new(archive.clone())
        .only_in_a_folder("a bomb of 5 GiB takes long: s3::memory has those of buckets")
        .run()
        .is(&expect);
    let (exit, megabytes) = peak_megabytes(Case::new(archive));
    assert!(exit == 1 && megabytes < 300, "{megabytes} MB");
}

#[test]
fn deep_json() {
    let bodies = [
        "[".repeat(1_000_000),
        "{\"a\":".repeat(500_000),
        format!("{{\"awsAccountId\":{}", "[".repeat(900_000)),
    ];
    for body in bodies {
        let mut archive = audit();
        let expect = digest_fails(Expect::clean(&archive), &archive, 3, "digest-malformed");
        let at = archive.digest(3);
        archive.store.replace_body(&at, gzip::gzip(body.as_bytes()));
        Case::new(archive).run().is(&expect);
    }
}

#[test]
fn deep_json_in_a_field_of_the_future() {
    let mut archive = audit();
    let expect = Expect::clean(&archive);
    let at = archive.digest(3);
    // Unknown fields are ignored, however deep.
    archive.edit_digest(&at, Sign::With(TestKey::a()), |doc| {
        doc.repeat(
            "future",
            (0..100).fold(Json::Null, |inner, _| Json::Array(vec![inner])),
        );
    });
    archive.relink(0, 3, None);
    Case::new(archive).run().is(&expect);
}

#[test]
fn every_object_emptied() {
    let mut archive = audit();
    for object in archive.store.objects.values_mut() {
        object.body.clear();
    }
    let report = Case::new(archive).run().report();
    assert_eq!(report["totals"]["digests"]["invalid"], 7, "{report:#}");
}

#[test]
fn garbage_for_metadata() {
    let texts = [
        "",
        "{",
        "[]",
        "null",
        "{\"Metadata\": 5}",
        "{\"Metadata\": {\"signature\": []}}",
        "{\"Metadata\": {}}",
    ];
    for text in texts {
        for position in [3, NEWEST] {
            let archive = audit();
            let at = archive.digest(position);
            // That proves nothing wrong, and nothing right.
            let case = Case::new(archive).written(|case| {
                let mut name = case.path(&at).into_os_string();
                name.push(".metadata.json");
                fs::write(name, text).unwrap();
            });
            let report = case.run().report();
            assert_ne!(report["verdict"], "invalid", "{text}: {report:#}");
            if position == NEWEST {
                assert_ne!(report["verdict"], "valid", "{text}: {report:#}");
            }
        }
    }
}

/// A file with a body that gzip would take, in the folder of a day.
fn put_raw(case: &Case, folder: &str, name: &[u8]) {
    let folder = case
        .source()
        .join("audit-logs/AWSLogs/111122223333")
        .join(folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join(OsStr::from_bytes(name)),
        gzip::gzip(b"{\"Records\":[]}"),
    )
    .unwrap();
}

#[test]
fn names_that_are_no_text() {
    let names: [&[u8]; 3] = [
        b"\xff\xfe.json.gz",
        b"111122223333_CloudTrail_us-east-1_20240310T0230Z_\xc3\x28AAAAAAAAAAAAAA.json.gz",
        b"\xed\xa0\x80.json.gz",
    ];
    for name in names {
        for folder in [
            "CloudTrail/us-east-1/2024/03/10",
            "CloudTrail-Digest/us-east-1/2024/03/10",
        ] {
            let case = Case::new(audit()).written(|case| put_raw(case, folder, name));
            let outcome = case.run();
            let report = outcome.report();
            assert_ne!(report["verdict"], "valid", "nothing is lost: {report:#}");
            assert_eq!(report["totals"]["digests"]["valid"], 7);
            assert_eq!(report["totals"]["logs"]["valid"], 12);
        }
    }
}

#[test]
fn folders_that_are_no_text() {
    let case = Case::new(audit()).written(|case| {
        let folder = case
            .source()
            .join(OsStr::from_bytes(b"\xff\xff"))
            .join("AWSLogs/111122223333");
        fs::create_dir_all(&folder).unwrap();
        let region = case
            .source()
            .join("audit-logs/AWSLogs/111122223333/CloudTrail")
            .join(OsStr::from_bytes(b"\xff"));
        fs::create_dir_all(region).unwrap();
    });
    let report = case.run().report();
    assert_eq!(report["totals"]["digests"]["valid"], 7, "{report:#}");
}

#[test]
fn a_source_that_is_no_text() {
    let mut case = Case::new(audit());
    case.command();
    let odd = case
        .beside("x")
        .with_file_name(OsStr::from_bytes(b"sou\xffrce"));
    fs::rename(case.source(), &odd).unwrap();
    let mut command = crate::harness::program();
    command
        .arg("logs")
        .arg(&odd)
        .arg("--public-keys")
        .arg(case.beside("keys.json"))
        .args(["--format", "json"]);
    let (exit, stdout, stderr) = text_of(&command.output().unwrap());
    assert_eq!(exit, 0, "{stdout}{stderr}");
}

/// Names that would move a terminal's cursor, forge a line, or read from right to left.
const HARMFUL: [&str; 6] = [
    "\u{1b}[2J\u{1b}[1;1Hvalid",
    "a\nverdict: valid",
    "\u{202e}zg.nosj",
    "\u{9b}31m",
    "\r\u{7}\u{8}",
    "\u{2066}x\u{2069}\u{200f}",
];

fn is_escaped(case: Case) {
    let text = |mut case: Case, arguments: &[&str]| {
        let output = case.command().args(arguments).output().unwrap();
        check_bytes(&output.stdout);
        check_bytes(&output.stderr);
        assert_ne!(output.status.code(), Some(0));
        case
    };
    let case = text(case, &["--format", "text"]);
    let case = text(case, &["--format", "text", "-v"]);
    let mut case = text(case, &["--format", "json"]);
    let output = case.command().output().unwrap();
    let lines: Vec<_> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    assert!(
        !lines.iter().any(|line| line.starts_with("verdict: valid")),
        "{lines:#?}"
    );
}

#[test]
fn names_that_harm_a_terminal() {
    for harm in HARMFUL {
        for (folder, name) in [
            ("CloudTrail/us-east-1/2024/03/10", format!("{harm}.json.gz")),
            (
                "CloudTrail/us-east-1/2024/03/10",
                format!("111122223333_CloudTrail_us-east-1_20240310T0230Z_{harm}.json.gz"),
            ),
            (
                "CloudTrail-Digest/us-east-1/2024/03/10",
                format!("{harm}.json.gz"),
            ),
            (
                "CloudTrail-Digest/us-east-1/2024/03/10",
                format!(
                    "111122223333_CloudTrail-Digest_us-east-1_{harm}_us-east-1_20240310T023000Z.json.gz"
                ),
            ),
        ] {
            is_escaped(Case::new(audit()).written(|case| put_raw(case, folder, name.as_bytes())));
        }
    }
}

#[test]
fn words_in_a_digest_that_harm_a_terminal() {
    for harm in HARMFUL {
        for field in [
            "digestS3Object",
            "digestPublicKeyFingerprint",
            "awsAccountId",
            "digestEndTime",
            "previousDigestS3Object",
        ] {
            let mut archive = audit();
            let at = archive.digest(3);
            archive.edit_digest(&at, Sign::With(TestKey::a()), |doc| {
                doc.set(field, Json::text(harm));
            });
            is_escaped(Case::new(archive));
        }
        let mut archive = audit();
        let at = archive.digest(NEWEST);
        archive.edit_digest(&at, Sign::With(TestKey::a()), |doc| {
            doc.set_log(0, "s3Object", Json::text(harm));
        });
        is_escaped(Case::new(archive));
    }
}

#[test]
fn a_log_name_that_leads_out_of_the_folder() {
    // CloudTrail never signs such a name; whatever signs it, nothing outside is read.
    for name in [
        "../../outside.json.gz",
        "/outside.json.gz",
        "AWSLogs/../../../outside.json.gz",
        "AWSLogs/./x",
        "AWSLogs//x",
        "\0",
        "",
    ] {
        let mut archive = audit();
        let at = archive.digest(NEWEST);
        let secret = b"{\"secret\":true}";
        archive.edit_digest(&at, Sign::With(TestKey::a()), |doc| {
            doc.set_log(0, "s3Object", Json::text(name));
            doc.set_log(0, "hashValue", Json::text(sha256(secret)));
        });
        let case = Case::new(archive).written(|case| {
            fs::write(case.beside("outside.json.gz"), secret).unwrap();
            fs::write(case.source().join("outside.json.gz"), secret).unwrap();
        });
        let report = case.run().report();
        assert_eq!(report["verdict"], "invalid", "{name:?}: {report:#}");
        assert!(
            report["totals"]["logs"]["valid"].as_u64().unwrap() <= 11,
            "{name:?}: {report:#}"
        );
    }
}

#[test]
fn links_that_leave_the_folder() {
    let archive = audit();
    let log = archive.log(3, 0);
    let case = Case::new(archive).written(|case| {
        let outside = case.beside("outside.json.gz");
        fs::rename(case.path(&log), &outside).unwrap();
        symlink(&outside, case.path(&log)).unwrap();
    });
    let report = case.run().report();
    let finding = &report["findings"][0];
    assert!(
        ["log-missing", "log-unreadable"].contains(&finding["code"].as_str().unwrap()),
        "{report:#}"
    );
    assert_eq!(
        (
            report["findings"].as_array().unwrap().len(),
            &finding["key"]
        ),
        (1, &log.1.as_str().into())
    );
}

#[test]
fn a_folder_that_is_a_link_out() {
    let case = Case::new(audit()).written(|case| {
        let outside = case.beside("elsewhere");
        fs::rename(case.source().join("audit-logs"), &outside).unwrap();
        symlink(&outside, case.source().join("audit-logs")).unwrap();
    });
    case.run()
        .is(&Expect::nothing().finding(code("no-digests")));
}

#[test]
fn links_in_a_circle() {
    let archive = audit();
    let expect = Expect::clean(&archive);
    let case = Case::new(archive).written(|case| {
        let logs = case.source().join("audit-logs/AWSLogs");
        symlink(&logs, logs.join("again")).unwrap();
        symlink("self", logs.join("self")).unwrap();
        symlink("/dev/zero", case.source().join("zero")).unwrap();
    });
    case.run().is(&expect);
}

/// macOS writes them where a file system holds no attributes. A file of that name that holds anything else may be a log.
#[test]
fn files_beside_a_macs_files() {
    const APPLE_DOUBLE: &[u8] = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        ";
    for (content, is_object) in [(APPLE_DOUBLE, false), (&APPLE_DOUBLE[..3], true)] {
        let archive = audit();
        let (digest, log) = (archive.digest(1), archive.log(1, 0));
        let expect = Expect::clean(&archive);
        let case = Case::new(archive).written(|case| {
            for (_, key) in [digest, log] {
                let path = case.source().join("audit-logs").join(key);
                let name = path.file_name().unwrap().to_str().unwrap();
                fs::write(path.with_file_name(format!("._{name}")), content).unwrap();
            }
        });
        let outcome = case.run();
        if is_object {
            assert_eq!(outcome.exit, 1, "{:#}", outcome.report());
        } else {
            outcome.is(&expect);
        }
    }
}

/// What lies behind a link is not looked at: it is neither verified nor passed over in silence.
#[test]
fn a_link_in_the_place_of_a_folder() {
    let day = "CloudTrail/us-east-1/2024/03/09";
    for (link, code) in [
        (day, "log-unreadable"),
        ("CloudTrail/eu-west-1", "log-unreadable"),
        ("CloudTrail-Digest/eu-west-1", "digest-unreadable"),
        ("../444455556666", "digest-unreadable"),
    ] {
        let archive = audit();
        let case = Case::new(archive).written(|case| {
            let outside = case.beside("elsewhere");
            fs::create_dir(&outside).unwrap();
            let at = case.source().join("audit-logs/AWSLogs/111122223333");
            symlink(&outside, at.join(link)).unwrap();
        });
        let outcome = case.run();
        let report = outcome.report();
        assert_eq!(outcome.exit, 3, "{link}: {report:#}");
        let findings = report["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 1, "{link}: {report:#}");
        assert_eq!(findings[0]["code"], code, "{link}: {report:#}");
        let told = findings[0]["message"].as_str().unwrap();
        assert!(told.contains("link"), "{link}: {report:#}");
    }
}

/// A digest that a digest names, and that cannot be looked for, is not missing.
#[test]
fn a_day_of_digests_that_cannot_be_looked_into() {
    let day = "audit-logs/AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2024/03/11";
    for is_link in [true, false] {
        let archive = trail(60).archive();
        let demanded = archive.digest(47);
        let case = Case::new(archive).written(|case| {
            let day = case.source().join(day);
            if is_link {
                let outside = case.beside("elsewhere");
                fs::rename(&day, &outside).unwrap();
                symlink(&outside, &day).unwrap();
            } else {
                fs::set_permissions(&day, fs::Permissions::from_mode(0o000)).unwrap();
            }
        });
        let (source, keys) = (case.source(), case.beside("keys.json"));
        let evidence = case.beside("evidence");
        let outcome = if is_link {
            case.run()
        } else {
            case.run_unprivileged()
        };
        let is_told = |report: &Value| {
            let findings = report["findings"].as_array().unwrap();
            let about = |code: &str| {
                let mut of_code = findings.iter().filter(|it| it["code"] == code);
                of_code.any(|it| it["key"] == demanded.1.as_str())
            };
            assert_eq!(report["verdict"], "unverified", "{is_link}: {report:#}");
            assert!(about("digest-unreadable"), "{is_link}: {report:#}");
        };
        is_told(&outcome.report());
        if is_link {
            // So it is by a snapshot of it, which tells it again.
            let mut snapshot = program();
            snapshot.arg("snapshot").arg(&source).arg(&evidence);
            snapshot.arg("--public-keys").arg(&keys);
            let (exit, _, stderr) = text_of(&snapshot.output().unwrap());
            assert_eq!(exit, 3, "{stderr}");
            let mut replayed = program();
            replayed.arg("logs").arg(&evidence);
            replayed.args(["--format", "json"]);
            let output = replayed.output().unwrap();
            is_told(&serde_json::from_slice(&output.stdout).unwrap());
        } else {
            fs::set_permissions(source.join(day), fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
}

/// A prefix that is itself an account's folder, or an organization's, hides an archive where nobody searches for one.
#[test]
fn an_archive_inside_of_anothers_folder() {
    for folder in ["AWSLogs/111122223333", "AWSLogs/o-abcde12345"] {
        let mut archive = audit();
        let inside = Trail::new("inside", "2024-03-10T00:00:00Z", 6)
            .seed(7)
            .place("audit-logs", folder)
            .archive();
        archive.store.merge(inside.store);
        let in_bucket = Served::new(&archive).args(DAY).run("s3://audit-logs");
        let outcome = Case::new(archive).run();
        assert_eq!(outcome.exit, 3, "{folder}: {:#}", outcome.report());
        for report in [outcome.report(), in_bucket] {
            let findings = report["findings"].as_array().unwrap();
            assert_eq!(findings.len(), 1, "{report:#}");
            assert_eq!(findings[0]["code"], "digest-unreadable", "{report:#}");
            let told = findings[0]["message"].as_str().unwrap();
            assert!(told.contains(&format!("{folder}/AWSLogs")), "{report:#}");
        }
    }
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn pipes_and_folders_in_the_place_of_files() {
    for replace in [pipe, |path: &Path| fs::create_dir(path).unwrap()] {
        let archive = audit();
        let (log, digest) = (archive.log(2, 0), archive.digest(4));
        let case = Case::new(archive).written(|case| {
            for at in [&log, &digest] {
                fs::remove_file(case.path(at)).unwrap();
                replace(&case.path(at));
            }
        });
        let report = case.run().report();
        assert_ne!(report["verdict"], "valid", "{report:#}");
        assert_eq!(report["totals"]["digests"]["valid"], 6, "{report:#}");
        assert_eq!(report["totals"]["logs"]["valid"], 9, "{report:#}");
    }
}

#[test]
fn a_sidecar_without_its_object_is_nothing() {
    let mut archive = audit();
    let expect = Expect::clean(&archive);
    let object = StoredObject {
        body: b"{}".to_vec(),
        ..Default::default()
    };
    let newest = archive.digest(NEWEST);
    let at = (
        newest.0,
        newest.1.replace("T060000Z", "T070000Z") + ".metadata.json",
    );
    archive.store.objects.insert(at, object);
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_thousand_planted_digests() {
    let mut archive: Archive = audit();
    let id = archive.first().id.clone();
    let place = crate::forge::Place::new("audit-logs", "");
    let mut expect = Expect::clean(&archive);
    for second in 0..1000 {
        let end = super::common::at("10T01:00:01") + second;
        let plant = crate::forge::plant::PlantedDigest::of(&id, &place, end);
        plant.put(&mut archive.store);
        expect = expect.finding(in_chain("digest-out-of-chain", &plant.at()));
    }
    let expect = expect.chain(CHAIN, |chain| chain.digests[1] = 1000);
    Case::new(archive).run().is(&expect);
}

#[test]
fn links_to_nothing() {
    let archive = audit();
    let (log, digest) = (archive.log(2, 0), archive.digest(4));
    let case = Case::new(archive).written(|case| {
        for at in [&log, &digest] {
            fs::remove_file(case.path(at)).unwrap();
            symlink("gone.json.gz", case.path(at)).unwrap();
        }
    });
    let report = case.run().report();
    assert_ne!(report["verdict"], "valid", "{report:#}");
    assert_eq!(
        (
            &report["totals"]["digests"]["valid"],
            &report["totals"]["logs"]["valid"]
        ),
        (&6.into(), &9.into())
    );
}
