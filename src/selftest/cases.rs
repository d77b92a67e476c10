//! What is done to the archive, and what must be said of it then.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;

use super::archive::{MemorySource, Object, clean};
use crate::engine::{Job, Limits, Stop, run as verify};
use crate::event::Observers;
use crate::source::GivenKeys;
use crate::verify::conclusion::{Verdict, Weights};
use crate::verify::finding::Code;
use crate::verify::keys::KeySet;
use crate::verify::time::Bounds;

/// Far more than the archive takes.
const MEMORY: usize = 256 * 1024 * 1024;

/// What must be said of an archive.
struct Expected {
    verdict: Verdict,
    /// A finding that must be among those told; nothing where there must be none at all.
    code: Option<Code>,
}

/// What was said of one archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was done to it.
    pub about: &'static str,
    /// The verdict that it must get.
    pub expected: Verdict,
    /// The finding that must be told, if any.
    pub code: Option<Code>,
    /// The verdict that it got.
    pub verdict: Verdict,
    /// The findings that were told.
    pub told: BTreeSet<Code>,
}

impl Outcome {
    /// Whether what was said is what had to be.
    pub fn is_right(&self) -> bool {
        let told = match self.code {
            Some(code) => self.told.contains(&code),
            None => self.told.is_empty(),
        };
        self.verdict == self.expected && told
    }
}

/// Something that is done to an archive. Its objects of the newest hour but one are `digest` and
/// `log`.
type Change = fn(&mut Archive) -> Result<()>;

struct Archive {
    source: MemorySource,
    keys: KeySet,
    end: Option<Timestamp>,
    digest: String,
    log: String,
}

const fn invalid(code: Code) -> Expected {
    Expected {
        verdict: Verdict::Invalid,
        code: Some(code),
    }
}

const fn unverified(code: Code) -> Expected {
    Expected {
        verdict: Verdict::Unverified,
        code: Some(code),
    }
}

const CASES: &[(&str, Change, Expected)] = &[
    (
        "nothing was touched",
        |_| Ok(()),
        Expected {
            verdict: Verdict::Valid,
            code: None,
        },
    ),
    (
        "an event in a log was changed",
        change_event,
        invalid(Code::LogModified),
    ),
    (
        "bytes were added after the end of a log",
        append_to_log,
        invalid(Code::LogMalformed),
    ),
    (
        "the end of a log was cut off",
        cut_log,
        invalid(Code::LogMalformed),
    ),
    ("a log was deleted", delete_log, invalid(Code::LogMissing)),
    (
        "a log was planted",
        plant_log,
        invalid(Code::LogUnreferenced),
    ),
    (
        "a log may not be read",
        deny_log,
        unverified(Code::LogUnreadable),
    ),
    (
        "a digest was deleted",
        delete_digest,
        invalid(Code::DigestMissing),
    ),
    (
        "a digest was changed",
        change_digest,
        invalid(Code::DigestModified),
    ),
    (
        "a digest's signature was exchanged",
        exchange_signature,
        invalid(Code::DigestModified),
    ),
    (
        "bytes were added after the end of a digest",
        append_to_digest,
        invalid(Code::DigestMalformed),
    ),
    (
        "a digest was put in another's place",
        move_digest,
        invalid(Code::DigestMoved),
    ),
    (
        "the key is none of those at hand",
        forget_key,
        invalid(Code::DigestKeyUnknown),
    ),
    (
        "the newest hours were deleted",
        delete_newest,
        unverified(Code::CoverageEndsEarly),
    ),
    (
        "everything was deleted",
        delete_all,
        unverified(Code::NoDigests),
    ),
];

/// Runs every archive through the pipeline.
///
/// # Errors
/// Where the archive that comes with the program cannot be used.
pub fn run(stop: &Stop) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for (about, change, expected) in CASES {
        let mut archive = untouched()?;
        change(&mut archive)
            .with_context(|| format!("cannot make the archive of which {about}"))?;
        let (verdict, told) = verdict(archive, stop)?;
        outcomes.push(Outcome {
            about,
            expected: expected.verdict,
            code: expected.code,
            verdict,
            told,
        });
    }
    Ok(outcomes)
}

fn untouched() -> Result<Archive> {
    let (source, keys) = clean()?;
    let nth_last = |part: &str| {
        let mut paths = source
            .objects
            .keys()
            .rev()
            .filter(|path| path.contains(part));
        paths.nth(1).cloned().context("it has too few objects")
    };
    Ok(Archive {
        digest: nth_last("/CloudTrail-Digest/us-east-1/")?,
        log: nth_last("/CloudTrail/us-east-1/")?,
        end: None,
        source,
        keys,
    })
}

fn verdict(archive: Archive, stop: &Stop) -> Result<(Verdict, BTreeSet<Code>)> {
    let bounds = Bounds::new(None, archive.end).context("the range is empty")?;
    let job = Job::new(
        Arc::new(GivenKeys::new(archive.keys)),
        Weights::new(bounds, Timestamp::now()),
        Limits::new(MEMORY, 2),
    );
    let conclusion = verify(&job, &archive.source, &Observers::default(), stop)?;
    let told = conclusion
        .findings
        .iter()
        .map(|weighed| weighed.finding.code);
    Ok((conclusion.verdict(), told.collect()))
}

impl Archive {
    fn object(&mut self, path: &str) -> Result<&mut Object> {
        self.source
            .objects
            .get_mut(path)
            .context("it lacks an object")
    }

    /// Changes a byte of an object's content, and packs it as well as ever.
    fn edit(&mut self, path: &str) -> Result<()> {
        let object = self.object(path)?;
        let mut content = Vec::new();
        GzDecoder::new(&*object.body).read_to_end(&mut content)?;
        let last = content.iter_mut().rev().find(|byte| byte.is_ascii_digit());
        let digit = last.context("it has no digit")?;
        *digit = if *digit == b'0' { b'1' } else { b'0' };
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(&content)?;
        object.body = packed.finish()?;
        Ok(())
    }

    fn append(&mut self, path: &str) -> Result<()> {
        let more = self.object(path)?.body.clone();
        self.object(path)?.body.extend(more);
        Ok(())
    }
}

fn change_event(archive: &mut Archive) -> Result<()> {
    archive.edit(&archive.log.clone())
}

fn append_to_log(archive: &mut Archive) -> Result<()> {
    archive.append(&archive.log.clone())
}

fn cut_log(archive: &mut Archive) -> Result<()> {
    let object = archive.object(&archive.log.clone())?;
    object.body.truncate(object.body.len().saturating_sub(4));
    Ok(())
}

fn delete_log(archive: &mut Archive) -> Result<()> {
    let log = archive.source.objects.remove(&archive.log);
    log.map(drop).context("it lacks a log")
}

fn plant_log(archive: &mut Archive) -> Result<()> {
    let path = archive.log.clone();
    let (name, _) = path.rsplit_once('_').context("a log's name has parts")?;
    let planted = archive.object(&path)?.clone();
    let path = format!("{name}_PlantedPlanted00.json.gz");
    archive.source.objects.insert(path, planted);
    Ok(())
}

fn deny_log(archive: &mut Archive) -> Result<()> {
    archive.object(&archive.log.clone())?.denied = true;
    Ok(())
}

fn delete_digest(archive: &mut Archive) -> Result<()> {
    let digest = archive.source.objects.remove(&archive.digest);
    digest.map(drop).context("it lacks a digest")
}

fn change_digest(archive: &mut Archive) -> Result<()> {
    archive.edit(&archive.digest.clone())
}

fn exchange_signature(archive: &mut Archive) -> Result<()> {
    let other = archive.source.objects.iter().rev();
    let mut other = other.filter(|(_, object)| object.metadata.contains_key("signature"));
    let (_, other) = other.next().context("nothing is signed")?;
    let metadata = other.metadata.clone();
    archive.object(&archive.digest.clone())?.metadata = metadata;
    Ok(())
}

fn append_to_digest(archive: &mut Archive) -> Result<()> {
    archive.append(&archive.digest.clone())
}

fn move_digest(archive: &mut Archive) -> Result<()> {
    let digests = archive.source.objects.keys().rev();
    let newest = digests
        .into_iter()
        .find(|path| path.contains("/CloudTrail-Digest/us-east-1/"));
    let newest = newest.cloned().context("it has no digests")?;
    let other = archive.object(&newest)?.clone();
    *archive.object(&archive.digest.clone())? = other;
    Ok(())
}

fn forget_key(archive: &mut Archive) -> Result<()> {
    let digest = archive.object(&archive.digest.clone())?.body.clone();
    let digest: serde_json::Value = serde_json::from_reader(GzDecoder::new(&*digest))?;
    let used = digest.get("digestPublicKeyFingerprint");
    let used = used
        .and_then(serde_json::Value::as_str)
        .context("it names no key")?;
    let others = archive
        .keys
        .iter()
        .filter(|key| key.fingerprint().to_string() != used);
    archive.keys = KeySet::new(others.cloned()).context("it has one key only")?;
    Ok(())
}

fn delete_newest(archive: &mut Archive) -> Result<()> {
    // It ends long before now.
    let signed = archive.source.objects.values();
    ensure!(signed.count() > 0, "it is empty");
    archive.end = Some(Timestamp::now());
    Ok(())
}

fn delete_all(archive: &mut Archive) -> Result<()> {
    ensure!(!archive.source.objects.is_empty(), "it is empty already");
    archive.source.objects.clear();
    Ok(())
}
