//! Each kind of tampering with a digest, at its first, a middle and its newest position.

use super::common::{CHAIN, NEWEST, POSITIONS, audit, digest_fails, in_chain, trail};
use crate::{
    forge::{
        Archive, At, Json, Sign, TestKey,
        chain::{ALGORITHM, SIGNATURE},
        gzip,
    },
    harness::{Case, Expect, code},
    s3::served::{DAY, Served},
};

/// What a kind of tampering leads to where the digest has a verified successor, and where it is the newest.
#[derive(Clone, Copy)]
enum Effect {
    /// This code, and the digest vouches for nothing.
    Fails(&'static str),
    /// This code, but the successor proves the content.
    VouchesStill(&'static str),
    /// The successor proves it, and that is told once a chain.
    FromSuccessor,
    /// Nothing.
    Clean,
}
use Effect::{Clean, Fails, FromSuccessor, VouchesStill};

type Tamper = fn(&mut Archive, &At);

/// Name, tampering, effect with a successor, effect at the newest.
const KINDS: &[(&str, Tamper, Effect, Effect)] = &[
    (
        "deleted",
        |a, at| drop(a.store.delete(at)),
        Fails("digest-missing"),
        Clean,
    ),
    (
        "content edited",
        |a, at| forge_time(a, at, Sign::Keep),
        Fails("digest-modified"),
        Fails("digest-modified"),
    ),
    (
        "a log struck out",
        |a, at| strike_log(a, at, Sign::Keep),
        Fails("digest-modified"),
        Fails("digest-modified"),
    ),
    (
        "content edited, metadata removed",
        |a, at| forge_time(a, at, Sign::Remove),
        Fails("digest-modified"),
        Fails("digest-unsigned"),
    ),
    (
        "metadata removed",
        |a, at| a.store.clear_metadata(at),
        FromSuccessor,
        Fails("digest-unsigned"),
    ),
    (
        "another's signature",
        |a, at| {
            let other = a.store.get(&a.digest(0)).metadata[SIGNATURE].clone();
            a.store.set_metadata(at, SIGNATURE, &other);
        },
        VouchesStill("digest-modified"),
        Fails("digest-modified"),
    ),
    (
        "a signature that is none",
        |a, at| a.store.set_metadata(at, SIGNATURE, "not hexadecimal"),
        VouchesStill("digest-modified"),
        Fails("digest-modified"),
    ),
    (
        "an empty signature",
        |a, at| a.store.set_metadata(at, SIGNATURE, ""),
        VouchesStill("digest-modified"),
        Fails("digest-modified"),
    ),
    (
        "another algorithm",
        |a, at| a.store.set_metadata(at, ALGORITHM, "SHA1withRSA"),
        VouchesStill("digest-modified"),
        Fails("digest-modified"),
    ),
    (
        "signed by a forger",
        |a, at| a.edit_digest(at, Sign::With(TestKey::foreign()), claim_foreign),
        Fails("digest-key-unknown"),
        Fails("digest-key-unknown"),
    ),
    (
        "signed by a forger who claims CloudTrail's key",
        |a, at| forge_time(a, at, Sign::With(TestKey::foreign())),
        Fails("digest-modified"),
        Fails("digest-modified"),
    ),
    (
        "gzip trailer cut",
        |a, at| a.store.truncate(at, 8),
        MALFORMED,
        MALFORMED,
    ),
    (
        "one byte cut",
        |a, at| a.store.truncate(at, 1),
        MALFORMED,
        MALFORMED,
    ),
    (
        "half cut",
        |a, at| a.store.truncate(at, a.store.get(at).body.len() / 2),
        MALFORMED,
        MALFORMED,
    ),
    (
        "emptied",
        |a, at| a.store.replace_body(at, *b""),
        MALFORMED,
        MALFORMED,
    ),
    (
        "a second gzip member",
        |a, at| a.store.append_member(at, b"{}"),
        MALFORMED,
        MALFORMED,
    ),
    (
        "an empty second gzip member",
        |a, at| a.store.append_member(at, b""),
        MALFORMED,
        MALFORMED,
    ),
    (
        "zero bytes behind",
        |a, at| a.store.append_zeros(at, 1),
        MALFORMED,
        MALFORMED,
    ),
    (
        "a block of zero bytes behind",
        |a, at| a.store.append_zeros(at, 512),
        MALFORMED,
        MALFORMED,
    ),
    (
        "wrong checksum",
        |a, at| a.store.flip_byte(at, a.store.get(at).body.len() - 8),
        MALFORMED,
        MALFORMED,
    ),
    (
        "wrong length",
        |a, at| a.store.flip_byte(at, a.store.get(at).body.len() - 4),
        MALFORMED,
        MALFORMED,
    ),
    (
        "not JSON",
        |a, at| a.store.replace_body(at, gzip::gzip(b"<Digest/>")),
        MALFORMED,
        MALFORMED,
    ),
    (
        "JSON but no object",
        |a, at| a.store.replace_body(at, gzip::gzip(b"[]")),
        MALFORMED,
        MALFORMED,
    ),
    (
        "words behind the JSON",
        |a, at| a.store.edit_content(at, |it| it.extend(b"{}")),
        MALFORMED,
        MALFORMED,
    ),
    (
        "compressed anew",
        |a, at| a.store.regzip(at, 1),
        Clean,
        Clean,
    ),
    (
        "a line end behind the JSON",
        |a, at| a.store.edit_content(at, |it| it.push(b'\n')),
        Fails("digest-modified"),
        Fails("digest-modified"),
    ),
    (
        "white space in the JSON",
        |a, at| a.store.edit_text(at, ":", ": "),
        Fails("digest-modified"),
        Fails("digest-modified"),
    ),
    (
        "more metadata",
        |a, at| a.store.set_metadata(at, "copied-by", "somebody"),
        Clean,
        Clean,
    ),
    (
        "no algorithm",
        |a, at| a.store.remove_metadata(at, ALGORITHM),
        Clean,
        Clean,
    ),
    (
        "a signature in capitals",
        |a, at| {
            let signature = a.store.get(at).metadata[SIGNATURE].to_uppercase();
            a.store.set_metadata(at, SIGNATURE, &signature);
        },
        Clean,
        Clean,
    ),
];
const MALFORMED: Effect = Fails("digest-malformed");

fn forge_time(archive: &mut Archive, at: &At, sign: Sign) {
    archive.edit_digest(at, sign, |doc| {
        doc.set("oldestEventTime", Json::text("2024-03-09T00:00:00Z"));
    });
}

fn strike_log(archive: &mut Archive, at: &At, sign: Sign) {
    archive.edit_digest(at, sign, |doc| drop(doc.logs().pop()));
}

fn claim_foreign(doc: &mut crate::forge::Doc) {
    doc.set(
        "digestPublicKeyFingerprint",
        Json::text(TestKey::foreign().fingerprint()),
    );
}

fn expected(effect: Effect, archive: &Archive, index: usize) -> Expect {
    let expect = Expect::clean(archive);
    let at = archive.digest(index);
    match effect {
        Clean => expect,
        FromSuccessor => expect.finding(code("signature-from-successor").chain(CHAIN).says("1")),
        VouchesStill(name) => expect.finding(in_chain(name, &at)).chain(CHAIN, |chain| {
            chain.digests[0] -= 1;
            chain.digests[1] += 1;
        }),
        Fails(name) => digest_fails(expect, archive, index, name),
    }
}

#[test]
fn every_kind_of_tampering_at_every_position() {
    let mut wrong = Vec::new();
    for (name, tamper, with_successor, at_newest) in KINDS {
        for position in POSITIONS {
            let mut archive = audit();
            let effect = if position == NEWEST {
                *at_newest
            } else {
                *with_successor
            };
            let expect = match (*name, position) {
                // Nothing tells that there was a newer one; its logs are not due yet.
                ("deleted", NEWEST) => {
                    let mut expect =
                        digest_fails(Expect::clean(&archive), &archive, NEWEST, "digest-missing");
                    expect.findings.remove(0);
                    expect.chain(CHAIN, |chain| chain.digests[2] = 0)
                }
                _ => expected(effect, &archive, position),
            };
            let at = archive.digest(position);
            tamper(&mut archive, &at);
            let outcome = Case::new(archive).run();
            let differences = expect.differences(&outcome.report(), outcome.exit);
            if !differences.is_empty() {
                wrong.push(format!(
                    "== {name}, position {position}\n{}",
                    differences.join("\n")
                ));
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

/// Fields of a digest, and what they must not be, even where CloudTrail's own key signed it.
type Edit = fn(&mut crate::forge::Doc);

fn malformed_documents() -> Vec<(&'static str, Edit)> {
    vec![
        ("no account", |doc| doc.remove("awsAccountId")),
        ("an account that is a number", |doc| {
            doc.set("awsAccountId", Json::Number("111122223333".into()));
        }),
        ("another account than its name", |doc| {
            doc.set("awsAccountId", Json::text("444455556666"));
        }),
        ("no start", |doc| doc.remove("digestStartTime")),
        ("a start that is no time", |doc| {
            doc.set("digestStartTime", Json::text("yesterday"));
        }),
        ("no end", |doc| doc.remove("digestEndTime")),
        ("an end that is null", |doc| {
            doc.set("digestEndTime", Json::Null);
        }),
        ("a start after its end", |doc| {
            doc.set("digestStartTime", Json::text("2024-03-11T00:00:00Z"));
        }),
        ("no bucket", |doc| doc.remove("digestS3Bucket")),
        ("no object", |doc| doc.remove("digestS3Object")),
        ("no fingerprint", |doc| {
            doc.remove("digestPublicKeyFingerprint");
        }),
        ("no algorithm", |doc| doc.remove("digestSignatureAlgorithm")),
        ("no logs", |doc| doc.remove("logFiles")),
        ("logs that are null", |doc| doc.set("logFiles", Json::Null)),
        ("logs that are an object", |doc| {
            doc.set("logFiles", Json::object([]));
        }),
        ("a log that is a word", |doc| {
            doc.logs().push(Json::text("AWSLogs/x"));
        }),
        ("a log without hash", |doc| {
            doc.set_log(0, "hashValue", Json::Null);
        }),
        ("a log with a short hash", |doc| {
            doc.set_log(0, "hashValue", Json::text("abcd"));
        }),
        ("a log with a hash that is none", |doc| {
            doc.set_log(0, "hashValue", Json::text("z".repeat(64)));
        }),
        ("a log hashed otherwise", |doc| {
            doc.set_log(0, "hashAlgorithm", Json::text("MD5"));
        }),
        ("a log without object", |doc| {
            doc.set_log(0, "s3Object", Json::Bool(true));
        }),
        ("half a predecessor", |doc| {
            doc.set("previousDigestHashValue", Json::Null);
        }),
        ("a predecessor without signature", |doc| {
            doc.set("previousDigestSignature", Json::Null);
        }),
        ("a predecessor's hash that is none", |doc| {
            doc.set("previousDigestHashValue", Json::text("?"));
        }),
        ("two ends", |doc| {
            doc.repeat("digestEndTime", Json::text("2024-03-10T01:00:00Z"));
        }),
        ("two lists of logs", |doc| {
            doc.repeat("logFiles", Json::Array(vec![]));
        }),
        ("two of the same field", |doc| {
            let account = doc.get("awsAccountId").clone();
            doc.repeat("awsAccountId", account);
        }),
        ("two hashes of a log", |doc| {
            let mut log = crate::forge::Doc(doc.logs()[0].clone());
            log.repeat("hashValue", Json::text("0".repeat(64)));
            doc.logs()[0] = log.0;
        }),
        ("another algorithm", |doc| {
            doc.set("digestSignatureAlgorithm", Json::text("SHA1withRSA"));
        }),
    ]
}

#[test]
fn documents_that_are_no_digests() {
    let mut wrong = Vec::new();
    for (name, edit) in malformed_documents() {
        let mut archive = audit();
        let expect = digest_fails(Expect::clean(&archive), &archive, 3, "digest-malformed");
        let at = archive.digest(3);
        archive.edit_digest(&at, Sign::With(TestKey::a()), edit);
        let outcome = Case::new(archive).run();
        let differences = expect.differences(&outcome.report(), outcome.exit);
        if !differences.is_empty() {
            wrong.push(format!("== {name}\n{}", differences.join("\n")));
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
fn unknown_fields_are_no_fault() {
    let mut archive = audit();
    let expect = Expect::clean(&archive);
    let at = archive.digest(2);
    archive.edit_digest(&at, Sign::With(TestKey::a()), |doc| {
        doc.repeat(
            "newInTheNextYear",
            Json::object([("deep", Json::Array(vec![Json::Null]))]),
        );
        doc.set_log(0, "size", Json::Number("12".into()));
    });
    archive.relink(0, 2, None);
    Case::new(archive).run().is(&expect);
}

#[test]
fn swapped_digests_are_moved() {
    for (one, other) in [(1, 2), (2, 5), (1, 4)] {
        let mut archive = audit();
        let mut expect = Expect::clean(&archive);
        for index in [one, other] {
            expect = digest_fails(expect, &archive, index, "digest-moved");
        }
        let (first, second) = (archive.digest(one), archive.digest(other));
        archive.store.swap(&first, &second, true);
        Case::new(archive).run().is(&expect_merged_gaps(expect));
    }
}

/// Gaps that touch and have one cause may be told as one.
fn expect_merged_gaps(mut expect: Expect) -> Expect {
    for chain in &mut expect.chains {
        chain.gaps.dedup_by(|later, earlier| {
            let joined = earlier.1 == later.0 && earlier.2 == later.2;
            if joined {
                earlier.1 = later.1;
            }
            joined
        });
    }
    expect
}

#[test]
fn a_digest_of_another_place_is_moved() {
    // A digest of another region, account or trail under this chain's name.
    let others = [
        trail(6).regions(&["eu-west-1"]).archive(),
        trail(6).accounts(&["444455556666"]).archive(),
        crate::forge::Trail::new("other", "2024-03-10T00:00:00Z", 6).archive(),
    ];
    for other in others {
        for position in POSITIONS {
            let mut archive = audit();
            let expect = digest_fails(Expect::clean(&archive), &archive, position, "digest-moved");
            let at = archive.digest(position);
            archive
                .store
                .objects
                .insert(at, other.store.get(&other.digest(position)).clone());
            Case::new(archive).run().is(&expect);
        }
    }
}

#[test]
fn a_digest_of_another_bucket_or_prefix_is_moved() {
    // A copy cannot show what bucket it is of; but not all that lies in it says the same.
    for other in [
        trail(6).place("other-bucket", ""),
        trail(6).place("audit-logs", "other-prefix"),
    ] {
        let other = other.archive();
        for position in POSITIONS {
            let mut archive = audit();
            let at = archive.digest(position);
            archive
                .store
                .objects
                .insert(at, other.store.get(&other.digest(position)).clone());
            let from_bucket = Served::new(&archive).args(DAY).run("s3://audit-logs");
            let case = Case::new(archive).only_in_a_folder(
                "a bucket knows its own name, and a copy goes by what most digests say",
            );
            for report in [case.run().report(), from_bucket] {
                assert_eq!(report["verdict"], "invalid");
                let findings = report["findings"].as_array().unwrap();
                assert!(
                    findings.iter().any(|it| it["code"] == "digest-moved"),
                    "{position}: {findings:#?}"
                );
            }
        }
    }
}

#[test]
fn an_old_digest_under_a_new_name_is_moved() {
    let mut archive = audit();
    let newer = crate::forge::plant::PlantedDigest::of(
        &archive.first().id.clone(),
        &crate::forge::Place::new("audit-logs", ""),
        super::common::at("10T07:00:00"),
    );
    let (old, new) = (archive.digest(NEWEST), newer.at());
    let expect = Expect::clean(&archive)
        .finding(in_chain("digest-moved", &new))
        .chain(CHAIN, |chain| chain.digests[1] += 1);
    archive.store.copy(&old, &new, true);
    Case::new(archive).run().is(&expect);
}

/// That its digests state another place than that of their folder shows only when all are known.
#[test]
fn a_chain_of_another_bucket_is_moved_as_a_whole() {
    let mut archive = audit();
    let other = trail(4).accounts(&["444455556666"]).seed(9);
    let other = other.place("another-bucket", "").archive();
    for ((_, key), object) in &other.store.objects {
        let at = ("audit-logs".to_owned(), key.clone());
        archive.store.objects.insert(at, object.clone());
    }
    let mut case = Case::new(archive);
    let page = case.beside("page.html");
    let mut command = case.command();
    let output = command.arg("--report").arg(&page).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with("INVALID: digests out of their places\n"),
        "{text}"
    );
    let page = std::fs::read_to_string(page).unwrap();
    let proves = "keys that are named here, each linked to the one before.";
    assert!(page.contains(proves), "{page}");
}

#[test]
fn a_digest_that_may_not_be_read() {
    use std::{fs, os::unix::fs::PermissionsExt};
    for position in POSITIONS {
        let archive = audit();
        let expect = digest_fails(
            Expect::clean(&archive),
            &archive,
            position,
            "digest-unreadable",
        );
        let at = archive.digest(position);
        let case = Case::new(archive).written(|case| {
            fs::set_permissions(case.path(&at), fs::Permissions::from_mode(0o0)).unwrap();
        });
        case.run_unprivileged().is(&expect);
    }
}
