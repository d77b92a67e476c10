//! The text that CloudTrail signs for a digest, and the check of its signature.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use rsa::RsaPublicKey;
use rsa::pkcs1::EncodeRsaPublicKey as _;

use super::hashing::Sha256Hash;
use super::keys::PublicKey;

/// A signature's bytes, from the hexadecimal digits that it is kept in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature(Box<[u8]>);

impl Signature {
    /// Reads hexadecimal digits; nothing where the text is not made of them.
    pub fn from_hex(text: &str) -> Option<Self> {
        // `decode` would grow what it decodes to, byte by byte.
        let mut bytes = vec![0; text.len() / 2];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        (!bytes.is_empty()).then(|| Self(bytes.into()))
    }

    /// The hexadecimal digits that it is kept in.
    pub fn to_hex(&self) -> String {
        hex::encode(&self.0)
    }

    /// Whether `text` holds its digits. To read them would take longer than to write them.
    pub fn is_written(&self, text: &str) -> bool {
        let mut digits = vec![0; self.0.len() * 2];
        let written = hex::encode_to_slice(&self.0, &mut digits);
        written.is_ok() && digits.eq_ignore_ascii_case(text.as_bytes())
    }

    /// Whether it is `key`'s, over `text`: RSA PKCS#1 v1.5 with SHA-256.
    pub fn is_valid(&self, key: &PublicKey, text: &[u8]) -> bool {
        key.verifier().0.verify_sig(text, &self.0).is_ok()
    }
}

/// A key that was taken apart once, and verifies ten times as fast as one that was not: sparse
/// accounts cost little but signatures.
#[derive(Clone)]
pub(super) struct Verifier(Arc<ParsedPublicKey>);

impl Verifier {
    pub(super) fn new(key: &RsaPublicKey) -> Option<Self> {
        let der = key.to_pkcs1_der().ok()?;
        let parsed = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der.as_bytes()).ok()?;
        Some(Self(Arc::new(parsed)))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
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
    let hash = hash.to_string();
    let parts = [
        end_time, "\n", bucket, "/", key, "\n", &hash, "\n", previous,
    ];
    parts.concat().into_bytes()
}

#[cfg(test)]
mod tests {
    use rsa::Pkcs1v15Sign;
    use rsa::sha2::Sha256;

    use super::*;
    use crate::verify::keys::parse_keys;

    const KEY: &[u8] = include_bytes!("../../testdata/clean/public-keys.json");
    const DIGEST_TEXT: &str = "2024-03-10T01:00:00Z";

    /// The rsa crate is the oracle: both must say the same of any signature.
    #[test]
    fn two_implementations_agree_that_a_signature_is_none() {
        for key in parse_keys(KEY).unwrap() {
            for bytes in [
                vec![0; 256],
                vec![0xff; 256],
                vec![1; 255],
                vec![2; 257],
                vec![0],
            ] {
                let signature = Signature(bytes.clone().into());
                let hash = Sha256Hash::of(DIGEST_TEXT.as_bytes());
                let oracle = key
                    .rsa()
                    .verify(Pkcs1v15Sign::new::<Sha256>(), hash.as_bytes(), &bytes)
                    .is_ok();
                assert_eq!(signature.is_valid(&key, DIGEST_TEXT.as_bytes()), oracle);
                assert!(!oracle);
            }
        }
    }

    #[test]
    fn a_signature_is_hexadecimal() {
        assert!(Signature::from_hex("00ff").is_some());
        for wrong in ["", "0", "zz", "00 ff", "0x00"] {
            assert_eq!(Signature::from_hex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_signed_text_has_four_lines_and_no_end_of_line() {
        let hash = Sha256Hash::of(b"");
        let text = signed_text("T", "b", "k", &hash, None);
        assert_eq!(text, format!("T\nb/k\n{hash}\nnull").into_bytes());
        let text = signed_text("T", "b", "k", &hash, Some("ab"));
        assert!(text.ends_with(b"\nab"));
    }

    #[test]
    fn a_signature_is_written_as_it_was_read() {
        let signature = Signature::from_hex("00FFa0").unwrap();
        assert_eq!(signature.to_hex(), "00ffa0");
        for written in ["00ffa0", "00FFa0", "00FFA0"] {
            assert!(signature.is_written(written), "{written}");
        }
        for other in [
            "",
            "00ffa",
            "00ffa00",
            "00ffa1",
            "000fa0",
            "00ffa0 ",
            "00ff\u{20}0",
        ] {
            assert!(!signature.is_written(other), "{other}");
            assert_ne!(Signature::from_hex(other), Some(signature.clone()));
        }
    }
}
