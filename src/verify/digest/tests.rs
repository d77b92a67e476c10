//! What is read of a digest, and what a signature proves.

use super::*;
use crate::verify::testing::{A, B, public, sign};

const KEY: &str = "AWSLogs/123456789012/CloudTrail-Digest/us-east-1/2020/01/02/\
    123456789012_CloudTrail-Digest_us-east-1_t_us-east-1_20200102T010000Z.json.gz";

/// A digest's JSON, with `"previous…"` fields and logs as given.
fn json(previous: Option<[&str; 5]>, logs: &str) -> String {
    let names = [
        "Bucket\": ",
        "Object\": ",
        "HashValue\": ",
        "HashAlgorithm\": ",
        "Signature\": ",
    ];
    let values = previous.map_or_else(
        || ["null"; 5].map(str::to_owned),
        |told| {
            told.map(|text| {
                if text == "null" {
                    text.to_owned()
                } else {
                    format!("\"{text}\"")
                }
            })
        },
    );
    let s3 = ["S3", "S3", "", "", ""];
    let mut fields = String::new();
    for at in 0..5 {
        for part in ["\"previousDigest", s3[at], names[at], &values[at], ","] {
            fields.push_str(part);
        }
    }
    format!(
        r#"{{"awsAccountId": "123456789012", "digestStartTime": "2020-01-02T00:00:00Z",
        "digestEndTime": "2020-01-02T01:00:00Z", "digestS3Bucket": "bucket", "digestS3Object": "{KEY}",
        "digestPublicKeyFingerprint": "{}", "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": "2020-01-02T00:59:00Z", "oldestEventTime": null, {fields} "logFiles": [{logs}]}}"#,
        public(A).fingerprint()
    )
}

fn log(bucket: &str, algorithm: &str) -> String {
    let hash = "ab".repeat(32);
    format!(
        r#"{{"s3Bucket": "{bucket}", "s3Object": "p/log", "hashValue": "{hash}", "hashAlgorithm": "{algorithm}",
        "newestEventTime": null, "oldestEventTime": null}}"#
    )
}

fn previous() -> [String; 5] {
    [
        "before".to_owned(),
        "p/digest".to_owned(),
        "cd".repeat(32),
        "SHA-256".to_owned(),
        "00Ff".to_owned(),
    ]
}

fn parse_as(json: &str, encoding: Encoding) -> Result<UnverifiedDigest, NotADigest> {
    let content = Content {
        hash: Sha256Hash::of(json.as_bytes()),
        encoding,
        stored: 1,
        length: json.len() as u64,
    };
    UnverifiedDigest::parse(json.as_bytes(), content)
}

fn parse(json: &str) -> Result<UnverifiedDigest, NotADigest> {
    parse_as(json, Encoding::Gzip)
}

fn with_previous(logs: &str) -> String {
    let previous = previous();
    json(Some([0, 1, 2, 3, 4].map(|at| &*previous[at])), logs)
}

#[test]
fn all_that_a_digest_says_is_read() {
    let text = with_previous(&format!(
        "{}, {}",
        log("bucket", "SHA-256"),
        log("other", "SHA-256")
    ));
    let digest = parse(&text).unwrap();
    assert_eq!(digest.hash(), &Sha256Hash::of(text.as_bytes()));
    assert_eq!(digest.location(), &ObjectLocation::new("bucket", KEY));
    let before = digest.claimed_predecessor().unwrap();
    assert_eq!(
        before.location(),
        &ObjectLocation::new("before", "p/digest")
    );
    assert_eq!(Some(*before.hash()), Sha256Hash::from_hex(&"cd".repeat(32)));
    assert_eq!(before.signature(), Signature::from_hex("00ff"));
    let places: Vec<_> = digest
        .logs
        .iter()
        .map(|log| log.location().clone())
        .collect();
    let log = |bucket| ObjectLocation::new(bucket, "p/log");
    assert_eq!(places, [log("bucket"), log("other")]);
    for entry in &digest.logs {
        assert_eq!(Some(*entry.hash()), Sha256Hash::from_hex(&"ab".repeat(32)));
    }
    let starting = parse(&json(None, "")).unwrap();
    assert_eq!(starting.claimed_predecessor(), None);
}

#[test]
fn a_bucket_that_is_the_digests_own_is_held_once() {
    let digest = parse(&with_previous(&log("bucket", "SHA-256"))).unwrap();
    let bucket = digest.logs[0].location().bucket();
    assert!(Arc::ptr_eq(bucket, digest.location().bucket()));
}

#[test]
fn algorithms_and_fields_are_those_that_are_known() {
    let whole = with_previous(&log("bucket", "SHA-256"));
    assert!(parse(&whole).is_ok());
    let refused = |from: &str, to: &str| {
        let text = whole.replacen(from, to, 1);
        assert_ne!(text, whole, "{from}");
        parse(&text).unwrap_err()
    };
    for (from, to, field) in [
        ("SHA256withRSA", "SHA1withRSA", "digestSignatureAlgorithm"),
        ("\"SHA-256\"", "\"MD5\"", "previousDigestHashAlgorithm"),
        ("cdcd", "cdc", "previousDigestHashValue"),
        ("abab", "aba", "logFiles.hashValue"),
        ("T00:00:00Z", "T00:00:00", "digestStartTime"),
        ("T01:00:00Z\",", "T25:00:00Z\",", "digestEndTime"),
    ] {
        assert_eq!(refused(from, to), NotADigest::Field(field), "{from}");
    }
    let other = parse(&with_previous(&log("bucket", "MD5"))).unwrap_err();
    assert_eq!(other, NotADigest::Field("logFiles.hashAlgorithm"));
    assert_eq!(refused("T00:00:00Z", "T02:00:00Z"), NotADigest::Reversed);
    for (from, to) in [
        ("\"oldestEventTime\": null, \"prev", "\"prev"),
        ("\"oldestEventTime\": null", "\"oldestEventTime\": 1"),
        ("\"awsAccountId\"", "\"logFiles\": [], \"awsAccountId\""),
    ] {
        assert!(matches!(refused(from, to), NotADigest::Json(_)), "{from}");
    }
}

#[test]
fn a_predecessor_is_named_by_all_five_fields_or_none() {
    let previous = previous();
    for absent in 0..5 {
        let mut told = [0, 1, 2, 3, 4].map(|at| &*previous[at]);
        told[absent] = "null";
        let read = parse(&json(Some(told), ""));
        assert_eq!(read.unwrap_err(), NotADigest::HalfAPredecessor, "{absent}");
        let mut told = ["null"; 5];
        told[absent] = &previous[absent];
        let read = parse(&json(Some(told), ""));
        assert_eq!(read.unwrap_err(), NotADigest::HalfAPredecessor, "{absent}");
    }
}

#[test]
fn a_digest_agrees_with_its_own_key_only() {
    let digest = parse(&json(None, "")).unwrap();
    let key = |path: &str| DigestKey::parse(path).unwrap();
    assert!(digest.agrees_with(&key(KEY)));
    assert!(!digest.agrees_with(&key(&KEY.replace("T010000Z", "T010001Z"))));
    assert!(!digest.agrees_with(&key(&KEY.replace("123456789012", "123456789013"))));
    let both = KEY.replace("123456789012", "123456789013");
    assert!(!digest.agrees_with(&key(&both.replace("T010000Z", "T010001Z"))));
}

#[test]
fn how_it_is_stored_is_kept() {
    let text = json(None, "");
    for (encoding, plain) in [(Encoding::Plain, true), (Encoding::Gzip, false)] {
        let digest = parse_as(&text, encoding).unwrap();
        assert_eq!(digest.is_stored_plain(), plain);
        let signature = sign(A, &signed(&digest));
        let keys = KeySet::new([public(A)]).unwrap();
        assert_eq!(
            digest.verify(&signature, &keys).unwrap().is_stored_plain(),
            plain
        );
    }
}

/// The text that CloudTrail signs, put together here once more.
fn signed(digest: &UnverifiedDigest) -> Vec<u8> {
    let before = digest.predecessor.as_ref();
    let before = before.map_or("null", |before| &*before.signature);
    let hash = hex::encode(digest.hash().as_bytes());
    format!("2020-01-02T01:00:00Z\nbucket/{KEY}\n{hash}\n{before}").into_bytes()
}

#[test]
fn a_signature_proves_what_it_fits_and_nothing_else() {
    let keys = KeySet::new([public(A), public(B)]).unwrap();
    for text in [
        json(None, &log("bucket", "SHA-256")),
        with_previous(&log("bucket", "SHA-256")),
    ] {
        let digest = parse(&text).unwrap();
        let right = sign(A, &signed(&digest));
        for wrong in [
            sign(A, b"something else"),
            // Another of CloudTrail's keys than the one that it names.
            sign(B, &signed(&digest)),
        ] {
            let (_, why) = digest.clone().verify(&wrong, &keys).unwrap_err();
            assert_eq!(why, Unproven::SignatureWrong);
        }
        let others = KeySet::new([public(B)]).unwrap();
        let (_, why) = digest.clone().verify(&right, &others).unwrap_err();
        assert_eq!(why, Unproven::KeyUnknown);
        let proven = digest.clone().verify(&right, &keys).unwrap();
        assert_eq!(proven.signature(), &right);
        assert_eq!(proven.location(), digest.location());
        assert_eq!(proven.hash(), digest.hash());
        assert_eq!(proven.predecessor(), digest.claimed_predecessor());
        assert_eq!(proven.logs(), digest.logs);
        assert_eq!(proven.fingerprint(), public(A).fingerprint());
        assert_eq!(proven.window(), digest.window);
        // A starting digest vouches for no time before its own end.
        let covers = proven.covers();
        assert_eq!(covers.end(), digest.window.end());
        let starting = digest.claimed_predecessor().is_none();
        assert_eq!(covers.is_empty(), starting);
        assert_eq!(covers == digest.window, !starting);
    }
}

#[test]
fn the_limit_is_the_one_that_is_documented() {
    assert_eq!(MAX_DIGEST_LEN, 268_435_456);
}
