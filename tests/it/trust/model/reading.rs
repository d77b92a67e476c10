//! What names and contents say, read as the format describes them.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use crate::{
    forge::{
        At, Json, StoredObject, TestKey, Time,
        keys::sha256,
        time::{HOUR, MINUTE},
    },
    trust::mutation::inflated,
};

/// Organization (empty for none), account and region.
pub type Region = (String, String, String);

/// What a digest's key says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DigestName {
    pub region: Region,
    /// Trail, home region, and whether it is a backfill digest.
    pub chain: (String, String, bool),
    pub end: Time,
}

/// What a log's key says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogName {
    pub region: Region,
    pub kind: String,
    pub time: Time,
}

/// `AWSLogs/[o-ORG/]ACCOUNT/KIND/REGION/YYYY/MM/DD/NAME`, wherever that begins.
fn folders(key: &str) -> Option<(Region, String, Vec<&str>, &str)> {
    let path = match key.rfind("/AWSLogs/") {
        Some(at) => &key[at + 1..],
        None => key,
    };
    let mut parts: Vec<&str> = path.split('/').collect();
    (parts.first() == Some(&"AWSLogs")).then(|| parts.remove(0))?;
    let organization = if parts.first()?.starts_with("o-") {
        parts.remove(0)
    } else {
        ""
    };
    let name = parts.pop()?;
    let [account, kind, region, rest @ ..] = &parts[..] else {
        return None;
    };
    let place = (organization.into(), (*account).into(), (*region).into());
    Some((place, (*kind).into(), rest.to_vec(), name))
}

/// `20240310T000531Z` or `20240310T0005Z`.
fn name_time(text: &str) -> Option<Time> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let seconds = match digits.len() {
        14 => &digits[12..],
        12 => "00",
        _ => return None,
    };
    Some(Time::parse(&format!(
        "{}-{}-{}T{}:{}:{seconds}Z",
        &digits[..4],
        &digits[4..6],
        &digits[6..8],
        &digits[8..10],
        &digits[10..12]
    )))
}

pub fn digest_name(key: &str) -> Option<DigestName> {
    let (region, kind, _, name) = folders(key)?;
    if kind != "CloudTrail-Digest" {
        return None;
    }
    let stem = name.strip_suffix(".json.gz")?;
    let (stem, backfill) = match stem.strip_suffix("_backfill") {
        Some(stem) => (stem, true),
        None => (stem, false),
    };
    let (stem, end) = stem.rsplit_once('_')?;
    let (stem, home) = stem.rsplit_once('_')?;
    let begin = format!("{}_CloudTrail-Digest_{}_", region.1, region.2);
    let trail = stem.strip_prefix(&begin)?;
    Some(DigestName {
        chain: (trail.into(), home.into(), backfill),
        end: name_time(end)?,
        region,
    })
}

pub fn log_name(key: &str) -> Option<LogName> {
    let (region, kind, _, name) = folders(key)?;
    let begin = format!("{}_{kind}_{}_", region.1, region.2);
    let (time, _) = name.strip_prefix(&begin)?.split_once('_')?;
    Some(LogName {
        time: name_time(time)?,
        region,
        kind,
    })
}

/// A predecessor, as a digest names it.
#[derive(Clone, Debug)]
pub struct Previous {
    pub at: At,
    pub hash: String,
    pub signature: String,
}

/// A digest that has all that digests have.
#[derive(Clone, Debug)]
pub struct Read {
    pub start: Time,
    pub end: Time,
    pub end_text: String,
    pub at: At,
    pub account: String,
    pub fingerprint: String,
    pub previous: Option<Previous>,
    /// Where, and the hash.
    pub logs: Vec<(At, String)>,
    pub hash: String,
}

struct Fields<'a>(&'a [(String, Json)]);

impl Fields<'_> {
    /// A field that is there, once.
    fn get(&self, name: &str) -> Option<&Json> {
        let mut found = self.0.iter().filter(|(field, _)| field == name);
        let (_, value) = found.next()?;
        found.next().is_none().then_some(value)
    }

    fn text(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            Json::Text(text) => Some(text.clone()),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => None,
        }
    }

    /// Text or null, where the field is there.
    #[allow(clippy::option_option)]
    fn maybe(&self, name: &str) -> Option<Option<String>> {
        match self.get(name)? {
            Json::Text(text) => Some(Some(text.clone())),
            Json::Null => Some(None),
            Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => None,
        }
    }

    fn time(&self, name: &str) -> Option<Time> {
        let text = self.text(name)?;
        let shape: String = text
            .chars()
            .map(|it| if it.is_ascii_digit() { '0' } else { it })
            .collect();
        if shape != "0000-00-00T00:00:00Z" {
            return None;
        }
        let time = Time::parse(&text);
        // No thirty-first of February.
        (time.iso() == text).then_some(time)
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The digest that an object holds, if it holds one.
pub fn read_digest(object: &StoredObject) -> Option<Read> {
    let content = inflated(&object.body)?;
    let Json::Object(fields) = serde_json::from_slice(&content).ok()? else {
        return None;
    };
    let fields = Fields(&fields);
    let previous = [
        "previousDigestS3Bucket",
        "previousDigestS3Object",
        "previousDigestHashValue",
        "previousDigestHashAlgorithm",
        "previousDigestSignature",
    ]
    .map(|name| fields.maybe(name));
    let previous = match previous {
        [Some(None), Some(None), Some(None), Some(None), Some(None)] => None,
        [
            Some(Some(bucket)),
            Some(Some(key)),
            Some(Some(hash)),
            Some(Some(algorithm)),
            Some(Some(signature)),
        ] if algorithm == "SHA-256" && is_hex(&hash, 64) => Some(Previous {
            at: (bucket, key),
            hash: hash.to_lowercase(),
            signature,
        }),
        _ => return None,
    };
    fields.maybe("newestEventTime")?;
    fields.maybe("oldestEventTime")?;
    let fingerprint = fields.text("digestPublicKeyFingerprint")?;
    let algorithm = fields.text("digestSignatureAlgorithm")?;
    let (start, end) = (
        fields.time("digestStartTime")?,
        fields.time("digestEndTime")?,
    );
    if !is_hex(&fingerprint, 32) || algorithm != "SHA256withRSA" || end < start {
        return None;
    }
    let Json::Array(logs) = fields.get("logFiles")? else {
        return None;
    };
    Some(Read {
        start,
        end,
        end_text: fields.text("digestEndTime")?,
        at: (
            fields.text("digestS3Bucket")?,
            fields.text("digestS3Object")?,
        ),
        account: fields.text("awsAccountId")?,
        fingerprint: fingerprint.to_lowercase(),
        previous,
        logs: logs.iter().map(read_log).collect::<Option<_>>()?,
        hash: sha256(&content),
    })
}

fn read_log(log: &Json) -> Option<(At, String)> {
    let Json::Object(fields) = log else {
        return None;
    };
    let fields = Fields(fields);
    fields.maybe("newestEventTime")?;
    fields.maybe("oldestEventTime")?;
    let hash = fields.text("hashValue")?;
    let algorithm = fields.text("hashAlgorithm")?;
    let at = (fields.text("s3Bucket")?, fields.text("s3Object")?);
    (is_hex(&hash, 64) && algorithm == "SHA-256").then(|| (at, hash.to_lowercase()))
}

impl Read {
    /// The key that it names, of those at hand.
    pub fn key(&self) -> Option<&'static TestKey> {
        [TestKey::a(), TestKey::b()]
            .into_iter()
            .find(|key| key.fingerprint() == self.fingerprint)
    }

    /// Whether `signature` is that of its key, over what is signed.
    pub fn is_signed(&self, signature: &str) -> bool {
        let (Some(key), Ok(bytes)) = (self.key(), hex::decode(signature)) else {
            return false;
        };
        let before = self.previous.as_ref();
        let text = format!(
            "{}\n{}/{}\n{}\n{}",
            self.end_text,
            self.at.0,
            self.at.1,
            self.hash,
            before.map_or("null", |previous| &previous.signature)
        );
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.pkcs1());
        public.verify(text.as_bytes(), &bytes).is_ok()
    }

    /// What it vouches for: a starting digest, for no time.
    pub fn covers(&self) -> Option<(Time, Time)> {
        self.previous.as_ref().map(|_| (self.start, self.end))
    }
}

pub const SLACK: i64 = 15 * MINUTE;
pub const OVERDUE: i64 = HOUR + 45 * MINUTE;
