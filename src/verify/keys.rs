//! CloudTrail's public keys, from every shape they come in, known by their fingerprints.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use rsa::RsaPublicKey;
use rsa::pkcs1::{DecodeRsaPublicKey as _, EncodeRsaPublicKey as _};
use rsa::pkcs8::{DecodePublicKey as _, EncodePublicKey as _};
use rsa::traits::PublicKeyParts as _;
use serde::Deserialize;
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use super::signature::Verifier;
use super::text::in_utf8;

/// A key shorter than this proves nothing; CloudTrail's have 2048 bits.
const LEAST_BITS: usize = 2048;

/// A public key's fingerprint: MD5 over the bytes of its `Value`, as CloudTrail reckons it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Reads 32 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    fn of(der: &[u8]) -> Self {
        Self(Md5::digest(der).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An RSA key that CloudTrail signs with.
#[derive(Clone, Debug)]
pub struct PublicKey {
    fingerprint: Fingerprint,
    rsa: RsaPublicKey,
    verifier: Verifier,
}

impl PublicKey {
    /// What digests call it.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The key, made ready for one signature after another.
    pub(super) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The key itself.
    pub fn rsa(&self) -> &RsaPublicKey {
        &self.rsa
    }

    /// The bytes that its fingerprint was taken of; nothing where they were no usual encoding.
    pub fn value(&self) -> Option<Vec<u8>> {
        let pkcs1 = self.rsa.to_pkcs1_der().ok()?;
        let spki = self.rsa.to_public_key_der().ok()?;
        [pkcs1.as_bytes(), spki.as_bytes()]
            .into_iter()
            .find(|der| Fingerprint::of(der) == self.fingerprint)
            .map(<[u8]>::to_vec)
    }

    /// A key from the bytes of a `Value`: DER of PKCS#1, or of SPKI in older ones.
    ///
    /// # Errors
    /// Where they are no key, or it has another fingerprint than the one `stated`.
    pub fn from_value(der: &[u8], stated: Option<&str>) -> Result<Self, KeyError> {
        let key = Self::known_as(Fingerprint::of(der), parse_der(der)?)?;
        match stated {
            Some(stated) if Fingerprint::from_hex(stated) != Some(key.fingerprint) => {
                Err(KeyError::WrongFingerprint {
                    stated: stated.to_owned(),
                    actual: key.fingerprint,
                })
            }
            Some(_) | None => Ok(key),
        }
    }

    fn known_as(fingerprint: Fingerprint, rsa: RsaPublicKey) -> Result<Self, KeyError> {
        Ok(Self {
            fingerprint,
            verifier: Verifier::new(&rsa).ok_or(KeyError::NotAKey)?,
            rsa,
        })
    }

    /// The key under each fingerprint that CloudTrail may know it by, since a file in another
    /// shape does not tell which bytes the `Value` had.
    fn under_both_names(rsa: &RsaPublicKey) -> Result<Vec<Self>, KeyError> {
        let pkcs1 = rsa.to_pkcs1_der().map_err(|_| KeyError::NotAKey)?;
        let spki = rsa.to_public_key_der().map_err(|_| KeyError::NotAKey)?;
        [pkcs1.as_bytes(), spki.as_bytes()]
            .into_iter()
            .map(|der| Self::known_as(Fingerprint::of(der), rsa.clone()))
            .collect()
    }
}

/// Why a file of keys was refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is in no shape that keys come in.
    #[error(
        "it holds no public key: neither list-public-keys JSON, nor PEM or DER of an RSA public key or certificate"
    )]
    NotAKey,
    /// The JSON could not be read.
    #[error("its JSON is not what list-public-keys gives: {0}")]
    Json(String),
    /// A `Value` is not base64.
    #[error("the Value of key {0} is not base64")]
    NotBase64(String),
    /// A key's fingerprint is not its own.
    #[error("key {stated} does not carry its own fingerprint: its Value has {actual}")]
    WrongFingerprint {
        /// What the file says.
        stated: String,
        /// MD5 of the `Value`.
        actual: Fingerprint,
    },
    /// A key is too short to prove anything.
    #[error("an RSA key of {0} bits is too short: CloudTrail's have 2048")]
    TooShort(usize),
    /// There is no key in it.
    #[error("its list of public keys is empty")]
    Empty,
}

/// Keys by fingerprint. It is never empty.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: BTreeMap<Fingerprint, PublicKey>,
}

impl KeySet {
    /// The keys given, or nothing where none is.
    pub fn new(keys: impl IntoIterator<Item = PublicKey>) -> Option<Self> {
        let keys: BTreeMap<_, _> = keys.into_iter().map(|key| (key.fingerprint, key)).collect();
        (!keys.is_empty()).then_some(Self { keys })
    }

    /// The key that a digest names.
    pub fn get(&self, fingerprint: &Fingerprint) -> Option<&PublicKey> {
        self.keys.get(fingerprint)
    }

    /// All keys, in the order of their fingerprints.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.keys.values()
    }

    /// The fingerprints of all keys, in order.
    pub fn fingerprints(&self) -> impl Iterator<Item = Fingerprint> {
        self.keys.keys().copied()
    }
}

/// Reads a file of keys: `list-public-keys` JSON, or PEM or DER of PKCS#1, SPKI or X.509.
///
/// # Errors
/// Where any part of it is not a key that can be used: a file of keys is taken whole or not at all.
pub fn parse_keys(bytes: &[u8]) -> Result<Vec<PublicKey>, KeyError> {
    // No DER begins as a text does that is marked as one.
    let bytes = &*in_utf8(bytes);
    let text = std::str::from_utf8(bytes).map(str::trim_start);
    match text {
        Ok(text) if text.starts_with(['{', '[']) => parse_json(text),
        Ok(text) if text.contains("-----BEGIN ") => parse_pem(text),
        Ok(_) | Err(_) => PublicKey::under_both_names(&parse_der(bytes)?),
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum KeyList {
    Response(Response),
    Bare(Vec<ListedKey>),
}

#[derive(Deserialize)]
struct Response {
    #[serde(alias = "publicKeyList")]
    #[serde(rename = "PublicKeyList")]
    keys: Vec<ListedKey>,
}

/// The times of validity come as numbers, numeric strings or dates; nothing hangs on them here.
#[derive(Deserialize)]
struct ListedKey {
    #[serde(rename = "Value", alias = "value")]
    value: String,
    #[serde(rename = "Fingerprint", alias = "fingerprint")]
    fingerprint: Option<String>,
}

fn parse_json(text: &str) -> Result<Vec<PublicKey>, KeyError> {
    let list: KeyList = serde_json::from_str(text).map_err(|error| {
        // The untagged enum hides where the JSON broke; ask again for the error itself.
        let told = serde_json::from_str::<Response>(text).err();
        KeyError::Json(told.unwrap_or(error).to_string())
    })?;
    let listed = match list {
        KeyList::Response(response) => response.keys,
        KeyList::Bare(keys) => keys,
    };
    if listed.is_empty() {
        return Err(KeyError::Empty);
    }
    listed.iter().map(parse_listed).collect()
}

fn parse_listed(listed: &ListedKey) -> Result<PublicKey, KeyError> {
    listed_key(&listed.value, listed.fingerprint.as_deref())
}

/// A key as `ListPublicKeys` gives it: its `Value` in base64, and its fingerprint.
///
/// # Errors
/// Where the `Value` is no key, or has another fingerprint.
pub fn listed_key(value: &str, fingerprint: Option<&str>) -> Result<PublicKey, KeyError> {
    let der = STANDARD
        .decode(value.trim())
        .map_err(|_| KeyError::NotBase64(fingerprint.unwrap_or("?").to_owned()))?;
    PublicKey::from_value(&der, fingerprint)
}

fn parse_pem(text: &str) -> Result<Vec<PublicKey>, KeyError> {
    let mut keys = Vec::new();
    let mut rest = text;
    while let Some(begin) = rest.find("-----BEGIN ") {
        let block = &rest[begin..];
        let end_marker = block.find("-----END ").ok_or(KeyError::NotAKey)?;
        let end = block[end_marker + 9..]
            .find("-----")
            .map(|at| end_marker + 9 + at + 5)
            .ok_or(KeyError::NotAKey)?;
        let (_, der) = x509_cert::der::pem::decode_vec(&block.as_bytes()[..end])
            .map_err(|_| KeyError::NotAKey)?;
        keys.extend(PublicKey::under_both_names(&parse_der(&der)?)?);
        rest = &block[end..];
    }
    Ok(keys)
}

fn parse_der(der: &[u8]) -> Result<RsaPublicKey, KeyError> {
    let key = RsaPublicKey::from_pkcs1_der(der)
        .or_else(|_| RsaPublicKey::from_public_key_der(der))
        .ok()
        .or_else(|| certificate_key(der))
        .ok_or(KeyError::NotAKey)?;
    match key.n().bits() {
        bits if bits < LEAST_BITS => Err(KeyError::TooShort(bits)),
        _ => Ok(key),
    }
}

/// The key that a certificate was made for. Who issued it is not asked: whoever names the file
/// vouches for it.
fn certificate_key(der: &[u8]) -> Option<RsaPublicKey> {
    let certificate = Certificate::from_der(der).ok()?;
    let spki = certificate
        .tbs_certificate()
        .subject_public_key_info()
        .to_der()
        .ok()?;
    RsaPublicKey::from_public_key_der(&spki).ok()
}

#[cfg(test)]
mod tests;
