//! The text that CloudTrail signs for a digest, and the check of its signature.

use rsa::Pkcs1v15Sign;
use rsa::sha2::Sha256;

use super::hashing::Sha256Hash;
use super::keys::PublicKey;

/// A signature's bytes, from the hexadecimal digits that it is kept in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature(Box<[u8]>);

impl Signature {
    /// Reads hexadecimal digits; nothing where the text is not made of them.
    pub fn from_hex(text: &str) -> Option<Self> {
        let bytes = hex::decode(text).ok()?;
        (!bytes.is_empty()).then(|| Self(bytes.into()))
    }

    /// Whether it is `key`'s, over `text`: RSA PKCS#1 v1.5 with SHA-256.
    pub fn is_valid(&self, key: &PublicKey, text: &[u8]) -> bool {
        let hash = Sha256Hash::of(text);
        key.rsa()
            .verify(Pkcs1v15Sign::new::<Sha256>(), hash.as_bytes(), &self.0)
            .is_ok()
    }
}

/// What is signed for a digest: its end, its place, its hash, and its predecessor's signature
/// as it is written there (the word `null` in a starting digest), a line each.
pub fn signed_text(
    end_time: &str,
    bucket: &str,
    key: &str,
    hash: &Sha256Hash,
    previous_signature: Option<&str>,
) -> Vec<u8> {
    let previous = previous_signature.unwrap_or("null");
    format!("{end_time}\n{bucket}/{key}\n{hash}\n{previous}").into_bytes()
}
