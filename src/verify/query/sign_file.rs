//! Sign files: what is read is an [`UnverifiedSignFile`]; a signature makes it a
//! [`VerifiedSignFile`], and only that tells which hashes to expect.
//!
//! Only the hashes are signed, in the order of the files. Names, region, time and version are not.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;

use super::super::digest::{SIGNATURE_ALGORITHM, Unproven};
use super::super::hashing::Sha256Hash;
use super::super::keys::{Fingerprint, KeySet};
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
        let raw: RawSignFile<'_> =
            serde_json::from_slice(json).map_err(|error| NotASignFile::Json(error.to_string()))?;
        if raw.hash_algorithm != HASH_ALGORITHM {
            return Err(NotASignFile::Field("hashAlgorithm"));
        }
        if raw.signature_algorithm != SIGNATURE_ALGORITHM {
            return Err(NotASignFile::Field("signatureAlgorithm"));
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

    /// The version that it claims, where that is newer than what is known here. It is not signed.
    pub fn unknown_version(&self) -> Option<&str> {
        self.version
            .as_deref()
            .filter(|version| *version != KNOWN_VERSION)
    }

    /// Proves the sign file under the key that it names.
    ///
    /// # Errors
    /// Gives it back, with why it is not proven.
    pub fn verify(self, keys: &KeySet) -> Result<VerifiedSignFile, (Box<Self>, Unproven)> {
        let Some(key) = keys.get(&self.fingerprint) else {
            return Err((Box::new(self), Unproven::KeyUnknown));
        };
        let hashes: Vec<_> = self
            .files
            .iter()
            .map(|file| file.hash.to_string())
            .collect();
        let text = hashes.join(" ");
        let fits = Signature::from_hex(&self.signature)
            .is_some_and(|signature| signature.is_valid(key, text.as_bytes()));
        if fits {
            Ok(VerifiedSignFile(self))
        } else {
            Err((Box::new(self), Unproven::SignatureWrong))
        }
    }
}

/// A sign file whose hashes a key of CloudTrail's signed.
#[derive(Clone, Debug)]
pub struct VerifiedSignFile(UnverifiedSignFile);

impl VerifiedSignFile {
    /// The result files that it names, in their order.
    pub fn files(&self) -> &[ResultEntry] {
        &self.0.files
    }

    /// What it claims beside its hashes, none of which is signed.
    pub fn claims(&self) -> &UnverifiedSignFile {
        &self.0
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
    fn unknown_algorithms_and_absent_fields_are_refused() {
        let whole = sign_file(&file("a"));
        for (from, to) in [
            ("SHA-256", "SHA-512"),
            ("SHA256withRSA", "SHA1withRSA"),
            ("\"region\"", "\"other\""),
            ("2022-05-10T22:06:30Z", "yesterday"),
            ("67b9", "xxxx"),
            ("abab", "xxxx"),
        ] {
            assert!(parse(&whole.replacen(from, to, 1)).is_err(), "{from}");
        }
    }
}
