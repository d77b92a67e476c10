//! Each kind of tampering with a log that a digest names: the first, a middle one and the newest.

use super::common::{CHAIN, NEWEST, audit, in_chain, in_region, trail};
use crate::{
    forge::{
        Archive, At, Doc, FolderWriter, Json, Logs, Metadata, Sign, TestKey, gzip, keys::sha256,
    },
    harness::{Case, Expect, Finding, code, log_modified},
};

type Tamper = fn(&mut Archive, &At);

/// What a kind of tampering leads to.
#[derive(Clone, Copy)]
enum Effect {
    Missing,
    Modified,
    Malformed,
    Uncompressed,
    Clean,
}
use Effect::{Clean, Malformed, Missing, Modified, Uncompressed};

const KINDS: &[(&str, Tamper, Effect)] = &[
    ("deleted", |a, at| drop(a.store.delete(at)), Missing),
    (
        "content edited",
        |a, at| a.store.edit_text(at, "198.51.100.", "203.0.113."),
        Modified,
    ),
    (
        "an event struck out",
        |a, at| a.store.replace_body(at, gzip::gzip(b"{\"Records\":[]}")),
        Modified,
    ),
    (
        "a line end behind",
        |a, at| a.store.edit_content(at, |it| it.push(b'\n')),
        Modified,
    ),
    (
        "one bit of the content",
        |a, at| a.store.edit_content(at, |it| it[40] ^= 1),
        Modified,
    ),
    (
        "another log's body",
        |a, at| {
            let other = a.store.get(&a.log(2, 0)).body.clone();
            a.store.replace_body(at, other);
        },
        Modified,
    ),
    ("emptied", |a, at| a.store.replace_body(at, *b""), Modified),
    (
        "an empty gzip member",
        |a, at| a.store.replace_body(at, gzip::gzip(b"")),
        Modified,
    ),
    (
        "not gzip at all",
        |a, at| a.store.replace_body(at, *b"{\"Records\":[]}"),
        Modified,
    ),
    (
        "stored uncompressed and edited",
        |a, at| {
            a.store.edit_text(at, "198.51.100.", "203.0.113.");
            a.store.store_uncompressed(at);
        },
        Modified,
    ),
    (
        "gzip trailer cut",
        |a, at| a.store.truncate(at, 8),
        Malformed,
    ),
    ("one byte cut", |a, at| a.store.truncate(at, 1), Malformed),
    (
        "half cut",
        |a, at| a.store.truncate(at, a.store.get(at).body.len() / 2),
        Malformed,
    ),
    (
        "only the magic left",
        |a, at| a.store.replace_body(at, *b"\x1f\x8b"),
        Malformed,
    ),
    (
        "only the header left",
        |a, at| a.store.replace_body(at, *b"\x1f\x8b\x08\0\0\0\0\0\0\xff"),
        Malformed,
    ),
    (
        "a second gzip member",
        |a, at| a.store.append_member(at, b"{\"Records\":[{}]}"),
        Malformed,
    ),
    (
        "an empty second gzip member",
        |a, at| a.store.append_member(at, b""),
        Malformed,
    ),
    (
        "a zero byte behind",
        |a, at| a.store.append_zeros(at, 1),
        Malformed,
    ),
    (
        "a block of zero bytes behind",
        |a, at| a.store.append_zeros(at, 512),
        Malformed,
    ),
    (
        "the content split in two members",
        |a, at| {
            let content = a.store.content(at);
            let (one, other) = content.split_at(100);
            a.store
                .replace_body(at, [gzip::gzip(one), gzip::gzip(other)].concat());
        },
        Malformed,
    ),
    (
        "wrong checksum",
        |a, at| a.store.flip_byte(at, a.store.get(at).body.len() - 8),
        Malformed,
    ),
    (
        "wrong length",
        |a, at| a.store.flip_byte(at, a.store.get(at).body.len() - 4),
        Malformed,
    ),
    (
        "another method",
        |a, at| a.store.flip_byte(at, 2),
        Malformed,
    ),
    (
        "stored uncompressed",
        |a, at| a.store.store_uncompressed(at),
        Uncompressed,
    ),
    ("compressed anew", |a, at| a.store.regzip(at, 1), Clean),
    ("stored blocks", |a, at| a.store.regzip(at, 0), Clean),
    (
        "a name in the gzip header",
        |a, at| {
            let body = &mut a.store.get_mut(at).body;
            body[3] |= 8;
            body.splice(10..10, *b"log.json\0");
        },
        Clean,
    ),
    (
        "metadata added",
        |a, at| a.store.set_metadata(at, "copied-by", "somebody"),
        Clean,
    ),
];

fn tampered(effect: Effect, before: &Archive, after: &Archive, at: &At, digest: &At) -> Expect {
    let expect = Expect::clean(before);
    let hash = sha256(&before.store.content(at));
    let fails = |expect: Expect, finding: Finding, slot: usize| {
        expect.finding(finding).chain(CHAIN, |chain| {
            chain.logs[0] -= 1;
            chain.logs[slot] += 1;
        })
    };
    let about = |name: &str| in_chain(name, at).digest(digest);
    match effect {
        Clean => expect,
        Missing => fails(expect, about("log-missing").actual("absent"), 2),
        Modified => fails(expect, log_modified(after, at, digest, CHAIN, &hash), 1),
        Malformed => fails(expect, about("log-malformed"), 1),
        Uncompressed => expect.finding(code("stored-uncompressed").chain(CHAIN).says("1")),
    }
}

#[test]
fn every_kind_of_tampering_at_every_position() {
    let mut wrong = Vec::new();
    for (name, tamper, effect) in KINDS {
        for (digest, log) in [(1, 0), (3, 1), (NEWEST, 1)] {
            let before = audit();
            let mut after = before.clone();
            let (at, digest) = (before.log(digest, log), before.digest(digest));
            tamper(&mut after, &at);
            let expect = tampered(*effect, &before, &after, &at, &digest);
            let outcome = Case::new(after).run();
            let differences = expect.differences(&outcome.report(), outcome.exit);
            if !differences.is_empty() {
                wrong.push(format!("== {name}, {}\n{}", at.1, differences.join("\n")));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn many_faults_at_once_are_each_told() {
    let mut archive = audit();
    let mut expect = Expect::clean(&archive);
    for (digest, name) in [
        (1, "log-missing"),
        (2, "log-modified"),
        (4, "log-malformed"),
    ] {
        for log in 0..2 {
            let at = archive.log(digest, log);
            expect = expect.finding(in_chain(name, &at).digest(&archive.digest(digest)));
            match name {
                "log-missing" => drop(archive.store.delete(&at)),
                "log-modified" => archive.store.edit_content(&at, |it| it.push(b' ')),
                _ => archive.store.truncate(&at, 4),
            }
        }
    }
    let expect = expect.chain(CHAIN, |chain| chain.logs = [6, 4, 2, 0]);
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_span_of_300_missing_logs() {
    let mut archive = trail(3).logs(Logs::Each(150)).archive();
    let mut expect = Expect::clean(&archive);
    for index in [1, 2] {
        for log in archive.first().digests[index].logs.clone() {
            expect = expect.finding(in_chain("log-missing", &log).digest(&archive.digest(index)));
            archive.store.delete(&log);
        }
    }
    let expect = expect.chain(CHAIN, |chain| chain.logs = [150, 0, 300, 0]);
    Case::new(archive.clone()).run().is(&expect);
    // The text tells it in a line or two, and in full when asked.
    let (exit, brief, _) = Case::new(archive.clone()).run_text();
    let (_, full, _) = Case::new(archive).args(["-v"]).run_text();
    assert_eq!(exit, 1);
    assert!(
        brief.contains("300") && brief.lines().count() < 60,
        "{brief}"
    );
    assert!(full.matches(".json.gz").count() >= 300, "{full}");
}

#[test]
fn swapped_logs_are_both_modified() {
    let mut archive = audit();
    let before = archive.clone();
    let mut expect = Expect::clean(&archive);
    let logs = [(2, archive.log(2, 0)), (5, archive.log(5, 1))];
    archive.store.swap(&logs[0].1, &logs[1].1, true);
    for (digest, at) in &logs {
        let hash = sha256(&before.store.content(at));
        expect = expect.finding(log_modified(
            &archive,
            at,
            &archive.digest(*digest),
            CHAIN,
            &hash,
        ));
    }
    let expect = expect.chain(CHAIN, |chain| chain.logs = [10, 2, 0, 0]);
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_moved_log_is_missing_here_and_out_of_chain_there() {
    let mut archive = audit();
    let from = archive.log(3, 0);
    let to = (
        from.0.clone(),
        from.1
            .replace("20240310T0240Z", "20240310T0241Z")
            .replace("20240310T0220Z", "20240310T0221Z"),
    );
    assert_ne!(from, to);
    let expect = Expect::clean(&archive)
        .finding(in_chain("log-missing", &from).digest(&archive.digest(3)))
        .finding(in_region("log-unreferenced", &to))
        .chain(CHAIN, |chain| chain.logs = [11, 0, 1, 0]);
    archive.store.move_to(&from, &to, true);
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_log_that_may_not_be_read() {
    use std::{fs, os::unix::fs::PermissionsExt};
    for (digest, log) in [(1, 0), (3, 1), (NEWEST, 0)] {
        let archive = audit();
        let at = archive.log(digest, log);
        let expect = Expect::clean(&archive)
            .finding(in_chain("log-unreadable", &at).digest(&archive.digest(digest)))
            .chain(CHAIN, |chain| chain.logs = [11, 0, 0, 1]);
        let case = Case::new(archive).written(|case| {
            fs::set_permissions(case.path(&at), fs::Permissions::from_mode(0o0)).unwrap();
        });
        case.run_unprivileged().is(&expect);
    }
}

#[test]
fn a_tampered_insight_log() {
    let mut archive = trail(3).other(crate::forge::Kind::Insight, true).archive();
    let is_insight = |at: &&At| at.1.contains("CloudTrail-Insight");
    let at = archive.first().digests[2]
        .logs
        .iter()
        .find(is_insight)
        .unwrap()
        .clone();
    let expect = Expect::clean(&archive)
        .finding(in_chain("log-missing", &at).digest(&archive.digest(2)))
        .chain(CHAIN, |chain| chain.logs = [8, 0, 1, 0]);
    archive.store.delete(&at);
    Case::new(archive).run().is(&expect);
}

#[test]
fn without_reading_logs_none_is_judged() {
    let mut archive = audit();
    let mut expect = Expect::clean(&archive);
    for chain in &mut expect.chains {
        chain.logs = [0; 4];
    }
    let (missing, edited) = (archive.log(1, 0), archive.log(2, 0));
    archive.store.delete(&missing);
    archive.store.edit_content(&edited, |it| it.push(b' '));
    Case::new(archive)
        .args(["--digests-only"])
        .run()
        .is(&expect);
}

#[test]
fn a_log_named_twice_with_two_hashes_is_modified() {
    // Whatever lies there, one of the two digests is right at most.
    let mut archive = audit();
    let log = archive.log(2, 0);
    let entry = Doc(Json::parse(&archive.store.content(&archive.digest(2)))).logs()[0].clone();
    let mut entry = Doc(entry);
    assert_eq!(
        entry.get("s3Object"),
        &Json::text(&log.1),
        "the digest's first log"
    );
    entry.set("hashValue", Json::text("0".repeat(64)));
    let digest = archive.digest(5);
    archive.edit_digest(&digest, Sign::With(TestKey::a()), |doc| {
        doc.logs().push(entry.0);
    });
    archive.relink(0, 5, None);
    let report = Case::new(archive).run().report();
    let findings = report["findings"].as_array().unwrap();
    assert!(
        findings
            .iter()
            .any(|it| it["code"] == "log-modified" && it["key"] == log.1.as_str()),
        "{report:#}"
    );
}

#[test]
fn a_log_named_twice_with_one_hash_is_judged_once() {
    let mut archive = audit();
    let expect = Expect::clean(&archive);
    let entry = Doc(Json::parse(&archive.store.content(&archive.digest(2)))).logs()[0].clone();
    let digest = archive.digest(5);
    archive.edit_digest(&digest, Sign::With(TestKey::a()), |doc| {
        doc.logs().push(entry);
    });
    archive.relink(0, 5, None);
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_second_copy_of_the_bucket_hides_nothing() {
    for copy_is_tampered in [false, true] {
        let archive = audit();
        let log = archive.log(3, 0);
        let case = Case::new(archive.clone())
            .bucket_in("audit-logs", "one")
            .written(|case| {
                let mut second = archive.clone();
                let tampered = &log;
                second.store.edit_content(tampered, |it| it.push(b' '));
                let store = if copy_is_tampered {
                    &second.store
                } else {
                    &archive.store
                };
                FolderWriter::new(&case.source(), Metadata::Sidecar)
                    .bucket_in("audit-logs", "two")
                    .write(store);
            });
        let report = case.run().report();
        let verdict = if copy_is_tampered { "invalid" } else { "valid" };
        assert_eq!(report["verdict"], verdict, "{report:#}");
    }
}
