//! From sign files to the verdict on an export.

use super::super::conclusion::{ExitStatus, Verdict};
use super::super::digest::Unproven;
use super::super::finding::{Code, Finding, Subject};
use super::super::hashing::Sha256Hash;
use super::super::keys::{Fingerprint, KeySet};
use super::super::testing::{A, B, public, sign};
use super::*;

const FOLDER: &str = "AWSLogs/123456789012/CloudTrail-Lake/Query/2024/03/10/id";

fn sign_file(signer: &[u8], named: Fingerprint, hashes: &[Sha256Hash]) -> UnverifiedSignFile {
    let texts: Vec<_> = hashes.iter().map(ToString::to_string).collect();
    let signature = sign(signer, texts.join(" ").as_bytes());
    let files: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(at, hash)| {
            format!(r#"{{"fileHashValue": "{hash}", "fileName": "result_{at}.csv.gz"}}"#)
        })
        .collect();
    let json = format!(
        r#"{{"region": "us-east-1", "files": [{}], "hashAlgorithm": "SHA-256",
        "signatureAlgorithm": "SHA256withRSA", "queryCompleteTime": "2024-03-10T22:06:30Z",
        "hashSignature": "{}", "publicKeyFingerprint": "{named}"}}"#,
        files.join(","),
        signature.to_hex()
    );
    UnverifiedSignFile::parse(json.as_bytes()).unwrap()
}

fn hashes() -> [Sha256Hash; 2] {
    [Sha256Hash::of(b"1"), Sha256Hash::of(b"2")]
}

#[test]
fn a_signature_proves_the_hashes_under_whichever_key_it_opens() {
    let (a, b) = (public(A), public(B));
    let keys = KeySet::new([a.clone(), b.clone()]).unwrap();
    for named in [
        a.fingerprint(),
        b.fingerprint(),
        Fingerprint::from_hex(&"0".repeat(32)).unwrap(),
    ] {
        let file = sign_file(A, named, &hashes());
        assert_eq!(file.claimed_files(), 2);
        assert_eq!(file.signature().len(), 512);
        assert_eq!(file.completed(), "2024-03-10T22:06:30Z".parse().unwrap());
        let proven = file.clone().verify(&keys).unwrap();
        assert_eq!(proven.signer(), a.fingerprint());
        let told: Vec<_> = proven.files().iter().map(|file| *file.hash()).collect();
        assert_eq!(told, hashes());
        assert_eq!(proven.files()[1].name().to_string(), "result_1.csv.gz");
        assert_eq!(proven.claims().signature(), file.signature());
        let claims = Claims::of(&file);
        let digits = Sha256Hash::of(file.signature().as_bytes());
        assert_eq!(
            (claims.signature, claims.completed),
            (digits, file.completed())
        );
        let others = KeySet::new([b.clone()]).unwrap();
        let (_, why) = file.verify(&others).unwrap_err();
        let expected = if named == b.fingerprint() {
            Unproven::SignatureWrong
        } else {
            Unproven::KeyUnknown
        };
        assert_eq!(why, expected);
    }
    assert_eq!(sign_file(A, a.fingerprint(), &[]).claimed_files(), 0);
}

fn claims(version: Option<&str>, completed: &str, signature: &[u8]) -> Claims {
    Claims {
        version: version.map(Into::into),
        region: "us-east-1".into(),
        completed: completed.parse().unwrap(),
        fingerprint: public(A).fingerprint(),
        signature: Sha256Hash::of(signature),
    }
}

fn export(folder: &str, sign_file: FileVerdict, valid: u64) -> ExportTally {
    ExportTally {
        bucket: None,
        folder: folder.into(),
        sign_file,
        claims: Some(claims(None, "2024-03-10T22:06:30Z", folder.as_bytes())),
        signer: Some(public(A).fingerprint()),
        results: ResultCounts {
            valid,
            ..ResultCounts::default()
        },
    }
}

fn reach(exports: Vec<ExportTally>, found: &[Code], interrupted: bool) -> QueryConclusion {
    let finding = |code: &Code| Finding::new(*code, Subject::Run);
    let tally = QueryTally {
        exports,
        findings: found.iter().map(finding).collect(),
        interrupted,
        ..QueryTally::default()
    };
    QueryConclusion::reach(tally, &QueryWeights::default())
}

#[test]
fn only_a_proven_sign_file_with_an_intact_result_is_valid() {
    use FileVerdict::{Invalid, Missing, Unverified, Valid};
    let verdict = |exports: &[(FileVerdict, u64)], found: &[Code]| {
        let exports = exports
            .iter()
            .map(|(file, valid)| export(FOLDER, *file, *valid));
        reach(exports.collect(), found, false).verdict()
    };
    assert_eq!(verdict(&[(Valid, 1)], &[]), Verdict::Valid);
    assert_eq!(verdict(&[(Unverified, 0), (Valid, 1)], &[]), Verdict::Valid);
    for nothing in [
        &[][..],
        &[(Valid, 0)],
        &[(Unverified, 1)],
        &[(Missing, 1)],
        &[(Invalid, 1)],
        // What one proves and another holds is nothing.
        &[(Valid, 0), (Unverified, 1)],
    ] {
        assert_eq!(verdict(nothing, &[]), Verdict::Unverified, "{nothing:?}");
    }
    let unreadable = verdict(&[(Valid, 1)], &[Code::ResultUnreadable]);
    assert_eq!(unreadable, Verdict::Unverified);
    let both = [Code::ResultUnreadable, Code::ResultModified];
    assert_eq!(verdict(&[(Valid, 1)], &both), Verdict::Invalid);
    assert_eq!(verdict(&[(Unverified, 0)], &both), Verdict::Invalid);
}

#[test]
fn what_was_stopped_is_never_valid() {
    let valid = || vec![export(FOLDER, FileVerdict::Valid, 1)];
    let stopped = reach(valid(), &[], true);
    assert_eq!(stopped.verdict(), Verdict::Unverified);
    assert_eq!(stopped.exit_status(), ExitStatus::Interrupted);
    let whole = reach(valid(), &[], false);
    assert_eq!(whole.exit_status(), ExitStatus::Valid);
    let stopped = whole.stopped();
    assert_eq!(stopped.verdict(), Verdict::Unverified);
    assert_eq!(stopped.exit_status(), ExitStatus::Interrupted);
    let invalid = reach(valid(), &[Code::ResultModified], false).stopped();
    assert_eq!(invalid.verdict(), Verdict::Invalid);
}

#[test]
fn nothing_found_is_told_once() {
    let told = |exports, found: &[Code], interrupted| {
        let reached = reach(exports, found, interrupted);
        let codes = reached.findings.iter().map(|it| it.finding.code);
        codes.collect::<Vec<_>>()
    };
    assert_eq!(told(vec![], &[], false), [Code::NoResults]);
    assert_eq!(told(vec![], &[], true), []);
    let unreadable = [Code::ResultUnreadable];
    assert_eq!(told(vec![], &unreadable, false), unreadable);
    let one = vec![export(FOLDER, FileVerdict::Valid, 1)];
    assert_eq!(told(one, &[], false), []);
}

#[test]
fn counts_add_up() {
    let counts = |times: u64| ResultCounts {
        valid: 2 * times,
        invalid: 3 * times,
        missing: 5 * times,
        unreferenced: 7 * times,
        unverified: 11 * times,
    };
    let mut first = export("a", FileVerdict::Valid, 0);
    first.results = counts(1);
    let mut second = export("b", FileVerdict::Missing, 0);
    second.results = counts(2);
    let mut third = export("c", FileVerdict::Valid, 0);
    third.sign_file = FileVerdict::Invalid;
    let reached = reach(vec![second, third, first], &[], false);
    assert_eq!(reached.results, counts(3));
    let sign_files = ResultCounts {
        valid: 1,
        invalid: 1,
        missing: 1,
        ..ResultCounts::default()
    };
    assert_eq!(reached.sign_files, sign_files);
    let order: Vec<_> = reached.exports.iter().map(|it| &*it.tally.folder).collect();
    assert_eq!(order, ["a", "b", "c"]);
    let verdicts = [
        FileVerdict::Valid,
        FileVerdict::Invalid,
        FileVerdict::Missing,
        FileVerdict::Unverified,
    ];
    let names = ["valid", "invalid", "missing", "unverified"];
    assert_eq!(verdicts.map(FileVerdict::name), names);
}

fn differences(exports: Vec<ExportTally>) -> Vec<String> {
    let reached = reach(exports, &[], false);
    reached.exports.into_iter().next().unwrap().differences
}

#[test]
fn what_is_not_signed_is_compared() {
    let one = || export(FOLDER, FileVerdict::Valid, 1);
    assert_eq!(differences(vec![one()]), [""; 0]);
    for (version, completed, says) in [
        (None, "2024-03-11T00:00:00Z", "of the day 2024/03/10"),
        (Some("2.0"), "2024-03-10T00:00:00Z", "version \"2.0\""),
    ] {
        let mut other = one();
        other.claims = Some(claims(version, completed, b""));
        let told = differences(vec![other]);
        assert!(matches!(&*told, [it] if it.contains(says)), "{told:?}");
    }
    let mut versioned = one();
    versioned.claims = Some(claims(Some("1.0"), "2024-03-10T23:59:59Z", b""));
    assert_eq!(differences(vec![versioned]), [""; 0]);
    let mut other = one();
    other.signer = Some(public(B).fingerprint());
    let told = differences(vec![other]);
    let signer = format!("one of the key {}", public(B).fingerprint());
    assert!(matches!(&*told, [it] if it.contains(&signer)), "{told:?}");
}

#[test]
fn the_same_signature_elsewhere_is_told() {
    let twin = |at: usize| {
        let mut twin = export(&format!("twin{at}"), FileVerdict::Valid, 1);
        twin.claims = Some(claims(None, "2024-03-10T22:06:30Z", b"same"));
        twin
    };
    let told = |count| differences((0..count).map(twin).collect());
    assert_eq!(told(1), [""; 0]);
    let also = "its signature also stands in ";
    let same = ": the same results under another query";
    assert_eq!(told(2), [format!("{also}twin1{same}")]);
    assert_eq!(told(4), [format!("{also}twin1, twin2, twin3{same}")]);
    assert_eq!(
        told(6),
        [format!("{also}twin1, twin2, twin3 and 2 more{same}")]
    );
}

#[test]
fn the_limit_is_the_one_that_is_documented() {
    assert_eq!(MAX_SIGN_FILE_LEN, 16_777_216);
}
