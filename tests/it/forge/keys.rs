//! Three keys, made once (testdata/keys): two that play CloudTrail's and one of a forger.

use std::sync::LazyLock;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use md5::{Digest, Md5};

#[derive(Debug)]
pub struct TestKey {
    pub name: &'static str,
    pair: RsaKeyPair,
}

static A: LazyLock<TestKey> = LazyLock::new(|| {
    TestKey::load(
        "a",
        include_str!("../../../testdata/keys/test-trusted-a.pk8.pem"),
    )
});
static B: LazyLock<TestKey> = LazyLock::new(|| {
    TestKey::load(
        "b",
        include_str!("../../../testdata/keys/test-trusted-b.pk8.pem"),
    )
});
static FOREIGN: LazyLock<TestKey> = LazyLock::new(|| {
    TestKey::load(
        "foreign",
        include_str!("../../../testdata/keys/test-foreign.pk8.pem"),
    )
});

impl TestKey {
    /// CloudTrail's first key.
    pub fn a() -> &'static Self {
        &A
    }

    /// CloudTrail's second key.
    pub fn b() -> &'static Self {
        &B
    }

    /// A forger's.
    pub fn foreign() -> &'static Self {
        &FOREIGN
    }

    fn load(name: &'static str, pem: &str) -> Self {
        let base64: String = pem
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .collect();
        let der = BASE64_STANDARD.decode(base64).expect("a test key in PEM");
        Self {
            name,
            pair: RsaKeyPair::from_pkcs8(&der).expect("a test key in PKCS#8"),
        }
    }

    /// RSA PKCS#1 v1.5 over SHA-256: the same text gives the same signature.
    pub fn sign_bytes(&self, text: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                text,
                &mut signature,
            )
            .expect("RSA signs any text");
        signature
    }

    /// The signature as CloudTrail writes it, in hexadecimal.
    pub fn sign(&self, text: &[u8]) -> String {
        hex::encode(self.sign_bytes(text))
    }

    /// The public key as `ListPublicKeys` gives it: DER of PKCS#1, 270 bytes.
    pub fn pkcs1(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    pub fn fingerprint(&self) -> String {
        fingerprint(&self.pkcs1())
    }
}

/// MD5 of a key's bytes, in hexadecimal.
pub fn fingerprint(value: &[u8]) -> String {
    hex::encode(Md5::digest(value))
}

pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

#[test]
fn public_keys_have_the_size_of_cloudtrails() {
    for key in [TestKey::a(), TestKey::b(), TestKey::foreign()] {
        assert_eq!(
            (key.pkcs1().len(), key.sign(b"").len()),
            (270, 512),
            "{}",
            key.name
        );
    }
}
