//! What the tests of several rooms need: keys of their own, times, and events.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use jiff::Timestamp;

use super::evidence::{Deed, RecordedEvent};
use super::keys::PublicKey;
use super::signature::Signature;
use super::time::TimeRange;

/// Private keys in PEM, that nothing but tests signs with.
pub(super) const A: &[u8] = include_bytes!("../../testdata/keys/test-trusted-a.pk8.pem");
pub(super) const B: &[u8] = include_bytes!("../../testdata/keys/test-trusted-b.pk8.pem");

fn pair(pem: &[u8]) -> RsaKeyPair {
    let (_, der) = x509_cert::der::pem::decode_vec(pem).unwrap();
    RsaKeyPair::from_pkcs8(&der).unwrap()
}

/// The public part of a private key.
pub(super) fn public(pem: &[u8]) -> PublicKey {
    PublicKey::from_value(pair(pem).public_key().as_ref(), None).unwrap()
}

/// A signature as CloudTrail makes it.
pub(super) fn sign(pem: &[u8], text: &[u8]) -> Signature {
    let pair = pair(pem);
    let mut signature = vec![0; pair.public_modulus_len()];
    let random = SystemRandom::new();
    pair.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature)
        .unwrap();
    Signature::from_hex(&hex::encode(signature)).unwrap()
}

/// How many minutes after 2020-01-02T00:00:00Z.
pub(super) fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_577_923_200 + minute * 60).unwrap()
}

/// From one such minute to another.
pub(super) fn range(start: i64, end: i64) -> TimeRange {
    TimeRange::new(at(start), at(end)).unwrap()
}

/// Done at this minute to the trail `t`, and recorded where its home is.
pub(super) fn event(deed: Deed, minute: i64) -> RecordedEvent {
    RecordedEvent {
        at: at(minute),
        id: minute.to_string().into(),
        deed,
        who: "eve".into(),
        address: "192.0.2.1".into(),
        account: "123456789012".into(),
        region: "us-east-1".into(),
        trail: Some("t".into()),
        validation: None,
        bucket: None,
        key: None,
    }
}
