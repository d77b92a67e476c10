//! A digest's document: its fields, the text that is signed, and both edited as a forger would.

use super::{
    json::Json,
    keys::{TestKey, sha256},
    store::At,
    time::Time,
};

/// What a digest says of one log.
pub struct Entry {
    pub at: At,
    pub hash: String,
    pub newest: Time,
    pub oldest: Time,
}

/// What a digest says of its predecessor.
#[derive(Clone, Debug)]
pub struct Previous {
    pub at: At,
    pub hash: String,
    pub signature: String,
}

pub struct Fields<'a> {
    pub account: &'a str,
    pub start: Time,
    pub end: Time,
    pub at: &'a At,
    pub fingerprint: String,
    pub previous: Option<&'a Previous>,
    pub logs: &'a [Entry],
}

impl Fields<'_> {
    pub fn doc(&self) -> Doc {
        let time = |time: Option<Time>| time.map_or(Json::Null, |time| Json::text(time.iso()));
        let previous = |field: fn(&Previous) -> &str| {
            self.previous.map_or(Json::Null, |it| Json::text(field(it)))
        };
        Doc(Json::object([
            ("awsAccountId", Json::text(self.account)),
            ("digestStartTime", Json::text(self.start.iso())),
            ("digestEndTime", Json::text(self.end.iso())),
            ("digestS3Bucket", Json::text(&self.at.0)),
            ("digestS3Object", Json::text(&self.at.1)),
            ("digestPublicKeyFingerprint", Json::text(&self.fingerprint)),
            ("digestSignatureAlgorithm", Json::text("SHA256withRSA")),
            (
                "newestEventTime",
                time(self.logs.iter().map(|log| log.newest).max()),
            ),
            (
                "oldestEventTime",
                time(self.logs.iter().map(|log| log.oldest).min()),
            ),
            ("previousDigestS3Bucket", previous(|it| &it.at.0)),
            ("previousDigestS3Object", previous(|it| &it.at.1)),
            ("previousDigestHashValue", previous(|it| &it.hash)),
            ("previousDigestHashAlgorithm", previous(|_| "SHA-256")),
            ("previousDigestSignature", previous(|it| &it.signature)),
            (
                "logFiles",
                Json::Array(self.logs.iter().map(Entry::json).collect()),
            ),
        ]))
    }
}

impl Entry {
    pub fn json(&self) -> Json {
        Json::object([
            ("s3Bucket", Json::text(&self.at.0)),
            ("s3Object", Json::text(&self.at.1)),
            ("hashValue", Json::text(&self.hash)),
            ("hashAlgorithm", Json::text("SHA-256")),
            ("newestEventTime", Json::text(self.newest.iso())),
            ("oldestEventTime", Json::text(self.oldest.iso())),
        ])
    }
}

/// A digest as JSON, open to edits.
#[derive(Clone, Debug)]
pub struct Doc(pub Json);

impl Doc {
    pub fn fields(&mut self) -> &mut Vec<(String, Json)> {
        let Json::Object(fields) = &mut self.0 else {
            panic!("a digest is an object")
        };
        fields
    }

    pub fn get(&self, name: &str) -> &Json {
        let Json::Object(fields) = &self.0 else {
            return &Json::Null;
        };
        fields
            .iter()
            .find(|(field, _)| field == name)
            .map_or(&Json::Null, |(_, value)| value)
    }

    pub fn set(&mut self, name: &str, value: Json) {
        match self.fields().iter_mut().find(|(field, _)| field == name) {
            Some((_, old)) => *old = value,
            None => self.fields().push((name.into(), value)),
        }
    }

    pub fn remove(&mut self, name: &str) {
        self.fields().retain(|(field, _)| field != name);
    }

    /// Adds a field, also where there is one of that name.
    pub fn repeat(&mut self, name: &str, value: Json) {
        self.fields().push((name.into(), value));
    }

    pub fn logs(&mut self) -> &mut Vec<Json> {
        match self
            .fields()
            .iter_mut()
            .find(|(field, _)| field == "logFiles")
        {
            Some((_, Json::Array(logs))) => logs,
            other => panic!("a digest has log files: {other:?}"),
        }
    }

    /// Sets a field of the log file at `index`.
    pub fn set_log(&mut self, index: usize, name: &str, value: Json) {
        let mut log = Doc(self.logs()[index].clone());
        log.set(name, value);
        self.logs()[index] = log.0;
    }

    fn word(&self, name: &str) -> &str {
        if let Json::Text(text) = self.get(name) {
            text
        } else {
            "null"
        }
    }

    /// The text that CloudTrail signs, for a document that is written as `body`.
    pub fn signed_text(&self, body: &[u8]) -> String {
        format!(
            "{}\n{}/{}\n{}\n{}",
            self.word("digestEndTime"),
            self.word("digestS3Bucket"),
            self.word("digestS3Object"),
            sha256(body),
            self.word("previousDigestSignature"),
        )
    }
}

/// What becomes of a digest's signature metadata when its content was edited.
#[derive(Clone, Copy)]
pub enum Sign {
    /// It stays what it was.
    Keep,
    /// It is removed.
    Remove,
    /// It is made anew with this key. The fingerprint field stays what the document says.
    With(&'static TestKey),
}
