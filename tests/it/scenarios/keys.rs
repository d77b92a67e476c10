//! Public keys in every shape that users hold them in, and what is refused.

use std::fs;

use super::common::{CHAIN, NEWEST, audit, digest_fails, trail};
use crate::{
    forge::{
        Archive, Json, KeyJson, KeyRow, Sign, TestKey, Time,
        der::{certificate, pem, spki},
        folder::sidecar,
        keyfiles::{list_public_keys, trusted_keys},
        keys::fingerprint,
    },
    harness::{Case, Expect},
};

/// Runs with key files of these contents, in place of the usual one.
fn with_keys(archive: Archive, files: &[Vec<u8>]) -> Case {
    let mut case = Case::new(archive).without_keys();
    for (index, content) in files.iter().enumerate() {
        let path = case.beside(&format!("key-{index}"));
        fs::write(&path, content).unwrap();
        case = case.args([std::ffi::OsStr::new("--public-keys"), path.as_os_str()]);
    }
    case
}

fn certificate_of(key: &TestKey) -> Vec<u8> {
    certificate(
        key,
        Time::parse("2024-01-01T00:00:00Z"),
        Time::parse("2034-01-01T00:00:00Z"),
    )
}

fn is_clean_with(files: &[Vec<u8>]) {
    let archive = trail(3).archive();
    let expect = Expect::clean(&archive);
    with_keys(archive, files).run().is(&expect);
}

#[test]
fn list_public_keys_in_every_shape() {
    for shape in KeyJson::ALL {
        let rows = [KeyRow::of(TestKey::b()), KeyRow::of(TestKey::a())];
        is_clean_with(&[list_public_keys(&rows, shape).into_bytes()]);
    }
}

/// The shells of Windows redirect text so.
#[test]
fn text_in_utf16() {
    let rows = [KeyRow::of(TestKey::a())];
    is_clean_with(&[in_utf16(&list_public_keys(&rows, KeyJson::ALL[0]))]);
    is_clean_with(&[in_utf16(&pem("PUBLIC KEY", &spki(TestKey::a())))]);
    let archive = audit();
    let newest = archive.digest(NEWEST);
    let expect = Expect::clean(&archive);
    let case = Case::new(archive).written(|case| {
        let sidecar = sidecar(&case.path(&newest));
        let text = fs::read_to_string(&sidecar).unwrap();
        fs::write(&sidecar, in_utf16(&text)).unwrap();
    });
    case.run().is(&expect);
}

fn in_utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

#[test]
fn pem_and_der_of_every_kind() {
    let key = TestKey::a();
    is_clean_with(&[key.pkcs1()]);
    is_clean_with(&[spki(key)]);
    is_clean_with(&[certificate_of(key)]);
    is_clean_with(&[pem("RSA PUBLIC KEY", &key.pkcs1()).into_bytes()]);
    is_clean_with(&[pem("PUBLIC KEY", &spki(key)).into_bytes()]);
    is_clean_with(&[pem("CERTIFICATE", &certificate_of(key)).into_bytes()]);
}

#[test]
fn several_keys_in_one_pem_file() {
    let archive = trail(4).rotate(2, TestKey::b()).archive();
    let expect = Expect::clean(&archive);
    let both =
        pem("RSA PUBLIC KEY", &TestKey::a().pkcs1()) + &pem("PUBLIC KEY", &spki(TestKey::b()));
    with_keys(archive, &[both.into_bytes()]).run().is(&expect);
}

#[test]
fn pem_with_words_around_it() {
    let text = format!(
        "Bag Attributes\n  friendlyName: x\n\n{}\n\n",
        pem("RSA PUBLIC KEY", &TestKey::a().pkcs1())
    );
    is_clean_with(&[text.replace('\n', "\r\n").into_bytes()]);
}

#[test]
fn several_files_are_merged() {
    let archive = trail(4).rotate(2, TestKey::b()).archive();
    let expect = Expect::clean(&archive);
    let file = |key| list_public_keys(&[KeyRow::of(key)], KeyJson::Epoch).into_bytes();
    with_keys(
        archive,
        &[file(TestKey::a()), file(TestKey::b()), file(TestKey::a())],
    )
    .run()
    .is(&expect);
}

#[test]
fn an_spki_key_as_cloudtrail_published_one() {
    // Its fingerprint is that of the 294 bytes.
    let mut archive = trail(3).archive();
    let print = fingerprint(&spki(TestKey::a()));
    for index in 0..4 {
        let at = archive.digest(index);
        let print = Json::text(&print);
        archive.edit_digest(&at, Sign::With(TestKey::a()), |doc| {
            doc.set("digestPublicKeyFingerprint", print);
        });
        archive.relink(0, index, None);
    }
    let expect =
        Expect::clean(&archive).chain(CHAIN, |chain| chain.fingerprints = [print.clone()].into());
    let keys = list_public_keys(&[KeyRow::spki(TestKey::a())], KeyJson::IsoOffset);
    with_keys(archive, &[keys.into_bytes()]).run().is(&expect);
}

#[test]
fn keys_that_came_with_the_evidence() {
    let archive = audit();
    let expect = Expect::clean(&archive);
    let case = Case::new(archive).without_keys().written(|case| {
        fs::create_dir_all(case.source().join("public-keys")).unwrap();
        let row = |key| list_public_keys(&[KeyRow::of(key)], KeyJson::Epoch);
        fs::write(
            case.source().join("public-keys/us-east-1.json"),
            row(TestKey::a()),
        )
        .unwrap();
        fs::write(
            case.source().join("public-keys/eu-west-1.json"),
            row(TestKey::b()),
        )
        .unwrap();
    });
    let outcome = case.run();
    outcome.is(&expect);
    let told = outcome.report()["run"]["public_keys"].to_string();
    assert!(told.contains("public-keys/us-east-1.json"), "{told}");
}

#[test]
fn a_key_that_is_not_at_hand() {
    let archive = trail(6).rotate(5, TestKey::b()).archive();
    let expect = digest_fails(Expect::clean(&archive), &archive, 6, "digest-key-unknown").chain(
        CHAIN,
        |chain| {
            chain.fingerprints = [TestKey::a().fingerprint()].into();
        },
    );
    let keys = list_public_keys(&[KeyRow::of(TestKey::a())], KeyJson::Epoch);
    with_keys(archive, &[keys.into_bytes()]).run().is(&expect);
}

#[test]
fn keys_of_somebody_else() {
    let keys = list_public_keys(&[KeyRow::of(TestKey::foreign())], KeyJson::Epoch);
    let report = with_keys(audit(), &[keys.into_bytes()]).run().report();
    assert_eq!(
        (&report["verdict"], &report["totals"]["digests"]["valid"]),
        (&"invalid".into(), &0.into()),
        "{report:#}"
    );
    let count = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["code"] == "digest-key-unknown")
        .count();
    assert_eq!(count, 7);
}

#[test]
fn no_keys_at_all() {
    Case::new(audit())
        .without_keys()
        .run()
        .refused(&["public-keys"]);
    with_keys(
        audit(),
        &[list_public_keys(&[], KeyJson::Epoch).into_bytes()],
    )
    .run()
    .refused(&["key"]);
    let empty = |case: &Case| fs::create_dir_all(case.source().join("public-keys")).unwrap();
    Case::new(audit())
        .without_keys()
        .written(empty)
        .run()
        .refused(&["public-keys"]);
}

#[test]
fn a_key_whose_fingerprint_is_not_its_own() {
    let mut row = KeyRow::of(TestKey::foreign());
    row.fingerprint = TestKey::a().fingerprint();
    for shape in KeyJson::ALL {
        with_keys(
            audit(),
            &[
                list_public_keys(&[KeyRow::of(TestKey::b())], shape).into_bytes(),
                { list_public_keys(std::slice::from_ref(&row), shape).into_bytes() },
            ],
        )
        .run()
        .refused(&["fingerprint", "key-1"]);
    }
}

#[test]
fn files_that_are_no_keys() {
    let private = include_bytes!("../../../testdata/keys/test-trusted-a.pk8.pem");
    let broken = pem("RSA PUBLIC KEY", &TestKey::a().pkcs1()[..200]);
    // A key on the curve P-256.
    let point = hex::decode(concat!(
        "3059301306072a8648ce3d020106082a8648ce3d030107034200",
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    ))
    .unwrap();
    let curve = pem("PUBLIC KEY", &point);
    let files: [&[u8]; 14] = [
        &point,
        curve.as_bytes(),
        b"",
        b"\n\n",
        b"hello",
        b"{}",
        b"[]",
        b"null",
        b"{\"PublicKeyList\": 5}",
        b"{\"PublicKeyList\": [{\"Value\": \"!!\", \"Fingerprint\": \"x\"}]}",
        b"-----BEGIN RSA PUBLIC KEY-----\n",
        &[0x30, 0x82, 0xff, 0xff],
        private,
        broken.as_bytes(),
    ];
    for file in files {
        with_keys(audit(), &[trusted_keys().into_bytes(), file.to_vec()])
            .run()
            .refused(&["key-1"]);
    }
}

#[test]
fn a_key_file_that_is_not_there() {
    Case::new(audit())
        .args(["--public-keys", "/nowhere/keys.json"])
        .run()
        .refused(&["/nowhere/keys.json"]);
    Case::new(audit())
        .args(["--public-keys", "/"])
        .run()
        .refused(&["/"]);
}

#[test]
fn a_key_file_without_end_is_bounded() {
    Case::new(audit())
        .args(["--public-keys", "/dev/zero"])
        .run()
        .refused(&["/dev/zero"]);
}

#[test]
fn a_forgers_key_beside_the_evidence_is_named() {
    // Whoever can write the folder can write keys into it: the report tells that they came with the evidence.
    let mut archive = audit();
    for index in 0..7 {
        let at = archive.digest(index);
        let print = Json::text(TestKey::foreign().fingerprint());
        let sign = Sign::With(TestKey::foreign());
        archive.edit_digest(&at, sign, |doc| {
            doc.set("digestPublicKeyFingerprint", print);
        });
    }
    archive.relink(0, 0, Some(TestKey::foreign()));
    let row = list_public_keys(&[KeyRow::of(TestKey::foreign())], KeyJson::Epoch);
    let put = |case: &Case| {
        fs::create_dir_all(case.source().join("public-keys")).unwrap();
        fs::write(case.source().join("public-keys/all.json"), &row).unwrap();
    };
    // With keys given, those of the folder are not used.
    let report = Case::new(archive.clone()).written(put).run().report();
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(
        findings
            .iter()
            .filter(|it| it["code"] == "digest-key-unknown")
            .count(),
        7,
        "{report:#}"
    );
    let (exit, text, stderr) = Case::new(archive).without_keys().written(put).run_text();
    assert_eq!(exit, 0);
    assert!(
        format!("{text}{stderr}").contains("evidence"),
        "{text}{stderr}"
    );
}
