//! Sign files: what is read is an [`UnverifiedSignFile`]; a signature makes it a
//! [`VerifiedSignFile`], and only that tells which hashes to expect.
//!
//! Only the hashes are signed, in the order of the files. Names, region, time and version are not.
//!
//! A sign file of a version or with an algorithm that is not known here is neither taken for valid
//! nor for tampered with: what it is signed with, and over which text, cannot be told. Where a
//! signature fits the text that is known, the version does not matter: it is not signed.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;

use super::super::digest::{SIGNATURE_ALGORITHM, Unproven};
use super::super::hashing::Sha256Hash;
use super::super::keys::{Fingerprint, KeySet, PublicKey};
use super::super::location::is_region;
use super::super::signature::Signature;

/// A sign file of ten thousand results is smaller.
pub const MAX_SIGN_FILE_LEN: usize = 16 * 1024 * 1024;
/// The versions whose signed text is known.
const KNOWN_VERSION: &str = "1.0";
const HASH_ALGORITHM: &str = "SHA-256";

/// The name of a result file: one that lies in the sign file's own folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName(Box<str>);

impl FileName {
    /// A name that leads nowhere else, or nothing.
    pub fn new(name: &str) -> Option<Self> {
        let leads_elsewhere = name.is_empty()
            || name == "."
            || name == ".."
            || name.len() > 255
            || name.contains(['/', '\\', '\0']);
        (!leads_elsewhere).then(|| Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A result file as a sign file names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultEntry {
    name: FileName,
    hash: Sha256Hash,
}

impl ResultEntry {
    /// Its name, which is not signed.
    pub fn name(&self) -> &FileName {
        &self.name
    }

    /// SHA-256 of its stored bytes, still compressed.
    pub fn hash(&self) -> &Sha256Hash {
        &self.hash
    }
}

/// Why bytes are not a sign file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotASignFile {
    /// Not the JSON that a sign file is.
    #[error("it is not a sign file's JSON: {0}")]
    Json(String),
    /// A field holds what no sign file can.
    #[error("its field {0} holds what no sign file can")]
    Field(&'static str),
    /// It is of a kind that is not known here, so that nothing can be said of it.
    #[error("its {0} is {1:?}, which this ct-verify does not know: it cannot be checked")]
    UnknownKind(&'static str, String),
    /// A name that leads out of the folder.
    #[error("it names {0:?}, which is no file of its own folder")]
    NameLeadsElsewhere(String),
    /// A name that is there twice, or differs from another only by case.
    #[error("it names {0:?} twice, or another name that differs only by case")]
    NameTwice(String),
}

/// A sign file that was read, and that nothing vouches for yet.
#[derive(Clone, Debug)]
pub struct UnverifiedSignFile {
    version: Option<Box<str>>,
    region: Box<str>,
    completed: Timestamp,
    files: Vec<ResultEntry>,
    signature: Box<str>,
    fingerprint: Fingerprint,
}

impl UnverifiedSignFile {
    /// Reads a sign file's JSON.
    ///
    /// # Errors
    /// Where it is no sign file: not JSON, a field absent, of the wrong type or twice, or a name
    /// that no file of its folder can have.
    pub fn parse(json: &[u8]) -> Result<Self, NotASignFile> {
        Self::parse_known(json).map_err(|error| match unknown_kind(json) {
            Some((what, kind)) => NotASignFile::UnknownKind(what, kind),
            None => error,
        })
    }

    /// Reads a sign file as those that are known are written.
    fn parse_known(json: &[u8]) -> Result<Self, NotASignFile> {
        let text =
            std::str::from_utf8(json).map_err(|error| NotASignFile::Json(error.to_string()))?;
        let raw: RawSignFile<'_> =
            serde_json::from_str(text).map_err(|error| NotASignFile::Json(error.to_string()))?;
        if raw.hash_algorithm != HASH_ALGORITHM {
            return Err(NotASignFile::Field("hashAlgorithm"));
        }
        if raw.signature_algorithm != SIGNATURE_ALGORITHM {
            return Err(NotASignFile::Field("signatureAlgorithm"));
        }
        if !is_region(&raw.region) {
            return Err(NotASignFile::Field("region"));
        }
        Ok(Self {
            version: raw.version.map(Into::into),
            region: raw.region.into(),
            completed: raw
                .query_complete_time
                .parse()
                .map_err(|_| NotASignFile::Field("queryCompleteTime"))?,
            files: entries(&raw.files)?,
            signature: raw.hash_signature.into(),
            fingerprint: Fingerprint::from_hex(&raw.public_key_fingerprint)
                .ok_or(NotASignFile::Field("publicKeyFingerprint"))?,
        })
    }

    /// The region that it claims. It is not signed.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// When the query was complete, as it claims. It is not signed.
    pub fn completed(&self) -> Timestamp {
        self.completed
    }

    /// The fingerprint of the key that it claims to be signed with.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The version that it claims. It is not signed.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The version that it claims, where that is not known here. It is not signed.
    pub fn unknown_version(&self) -> Option<&str> {
        self.version().filter(|version| *version != KNOWN_VERSION)
    }

    /// Its signature as it is written.
    pub fn signature(&self) -> &str {
        &self.signature
    }

    /// How many result files it names, as it claims.
    pub fn claimed_files(&self) -> usize {
        self.files.len()
    }

    /// Proves the sign file under the key that it names, or under another one: which key it names
    /// is not signed.
    ///
    /// # Errors
    /// Gives it back, with why it is not proven.
    pub fn verify(self, keys: &KeySet) -> Result<VerifiedSignFile, (Box<Self>, Unproven)> {
        let hashes: Vec<_> = self
            .files
            .iter()
            .map(|file| file.hash.to_string())
            .collect();
        let text = hashes.join(" ");
        let named = keys.get(&self.fingerprint);
        let others = keys
            .iter()
            .filter(|key| key.fingerprint() != self.fingerprint);
        let signature = Signature::from_hex(&self.signature);
        let signer = signature.and_then(|signature| {
            let mut keys = named.into_iter().chain(others);
            keys.find(|key| signature.is_valid(key, text.as_bytes()))
        });
        match (signer.map(PublicKey::fingerprint), named) {
            (Some(signer), _) => Ok(VerifiedSignFile { file: self, signer }),
            (None, Some(_)) => Err((Box::new(self), Unproven::SignatureWrong)),
            (None, None) => Err((Box::new(self), Unproven::KeyUnknown)),
        }
    }
}

/// A sign file whose hashes a key of CloudTrail's signed.
#[derive(Clone, Debug)]
pub struct VerifiedSignFile {
    file: UnverifiedSignFile,
    signer: Fingerprint,
}

impl VerifiedSignFile {
    /// The result files that it names, in their order.
    pub fn files(&self) -> &[ResultEntry] {
        &self.file.files
    }

    /// The key that its signature opens under.
    pub fn signer(&self) -> Fingerprint {
        self.signer
    }

    /// What it claims beside its hashes, none of which is signed.
    pub fn claims(&self) -> &UnverifiedSignFile {
        &self.file
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSignFile<'a> {
    #[serde(default)]
    version: Option<String>,
    #[serde(borrow)]
    region: Cow<'a, str>,
    #[serde(borrow)]
    files: Vec<RawFile<'a>>,
    #[serde(borrow)]
    hash_algorithm: Cow<'a, str>,
    #[serde(borrow)]
    signature_algorithm: Cow<'a, str>,
    #[serde(borrow)]
    query_complete_time: Cow<'a, str>,
    #[serde(borrow)]
    hash_signature: Cow<'a, str>,
    #[serde(borrow)]
    public_key_fingerprint: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawFile<'a> {
    #[serde(borrow)]
    file_hash_value: Cow<'a, str>,
    #[serde(borrow)]
    file_name: Cow<'a, str>,
}

/// What may stand in a sign file of any kind.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    version: Option<String>,
    hash_algorithm: Option<String>,
    signature_algorithm: Option<String>,
}

/// What of a sign file's kind is not known here, where its JSON tells.
fn unknown_kind(json: &[u8]) -> Option<(&'static str, String)> {
    let kind: Kind = serde_json::from_slice(json).ok()?;
    let told = [
        ("version", kind.version, KNOWN_VERSION),
        ("hash algorithm", kind.hash_algorithm, HASH_ALGORITHM),
        (
            "signature algorithm",
            kind.signature_algorithm,
            SIGNATURE_ALGORITHM,
        ),
    ];
    told.into_iter()
        .find_map(|(what, told, known)| Some((what, told.filter(|told| told != known)?)))
}

fn entries(files: &[RawFile<'_>]) -> Result<Vec<ResultEntry>, NotASignFile> {
    let mut seen = BTreeSet::new();
    let mut entries = Vec::with_capacity(files.len());
    for file in files {
        let name = FileName::new(&file.file_name)
            .ok_or_else(|| NotASignFile::NameLeadsElsewhere(file.file_name.to_string()))?;
        if !seen.insert(name.as_str().to_lowercase()) {
            return Err(NotASignFile::NameTwice(name.to_string()));
        }
        let hash = Sha256Hash::from_hex(&file.file_hash_value)
            .ok_or(NotASignFile::Field("files.fileHashValue"))?;
        entries.push(ResultEntry { name, hash });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign_file(files: &str) -> String {
        format!(
            r#"{{"region": "us-east-1", "files": [{files}], "hashAlgorithm": "SHA-256",
            "signatureAlgorithm": "SHA256withRSA", "queryCompleteTime": "2022-05-10T22:06:30Z",
            "hashSignature": "00", "publicKeyFingerprint": "67b9fa73676d86966b449dd677850753"}}"#
        )
    }

    fn file(name: &str) -> String {
        let hash = "ab".repeat(32);
        format!(r#"{{"fileHashValue": "{hash}", "fileName": "{name}"}}"#)
    }

    fn parse(text: &str) -> Result<UnverifiedSignFile, NotASignFile> {
        UnverifiedSignFile::parse(text.as_bytes())
    }

    #[test]
    fn a_sign_file_is_read() {
        let read = parse(&sign_file(&file("result_1.csv.gz"))).unwrap();
        assert_eq!((read.region(), read.unknown_version()), ("us-east-1", None));
        assert_eq!(read.files[0].name().as_str(), "result_1.csv.gz");
        let versioned = sign_file("").replacen('{', r#"{"version": "2.0", "#, 1);
        assert_eq!(parse(&versioned).unwrap().unknown_version(), Some("2.0"));
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        for name in [
            "../x",
            "/etc/passwd",
            "..",
            ".",
            "",
            "a/b",
            "a\\\\b",
            "a\\u0000b",
        ] {
            let read = parse(&sign_file(&file(name)));
            assert!(
                matches!(read, Err(NotASignFile::NameLeadsElsewhere(_))),
                "{name}"
            );
        }
    }

    #[test]
    fn no_name_is_there_twice() {
        for (one, two) in [("a", "a"), ("a", "A"), ("é", "É")] {
            let read = parse(&sign_file(&format!("{},{}", file(one), file(two))));
            assert!(
                matches!(read, Err(NotASignFile::NameTwice(_))),
                "{one} {two}"
            );
        }
    }

    #[test]
    fn what_is_of_an_unknown_kind_is_not_malformed() {
        let whole = sign_file(&file("a"));
        for (from, to) in [
            ("SHA-256", "SHA-512"),
            ("SHA256withRSA", "SHA1withRSA"),
            ("{", "{\"version\": \"2.0\", \"other\": 1, \"files\": [], "),
        ] {
            let read = parse(&whole.replacen(from, to, 1));
            assert!(
                matches!(read, Err(NotASignFile::UnknownKind(..))),
                "{to}: {read:?}"
            );
        }
    }

    #[test]
    fn absent_and_impossible_fields_are_refused() {
        let whole = sign_file(&file("a"));
        for (from, to) in [
            ("us-east-1", "evil.example/#"),
            ("\"region\"", "\"other\""),
            ("2022-05-10T22:06:30Z", "yesterday"),
            ("67b9", "xxxx"),
            ("abab", "xxxx"),
        ] {
            let read = parse(&whole.replacen(from, to, 1));
            assert!(
                matches!(read, Err(NotASignFile::Json(_) | NotASignFile::Field(_))),
                "{from}: {read:?}"
            );
        }
    }
}
