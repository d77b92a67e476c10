//! What was typed, resolved against the environment and validated: the run.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use jiff::{SignedDuration, Timestamp};

use crate::cli::{LogsArgs, OutputArgs, RangeArgs};
use crate::engine::{Filters, Job, Limits};
use crate::report::{Format, KeyOrigin, KeySource};
use crate::source::{FolderSource, Narrowing};
use crate::verify::conclusion::Weights;
use crate::verify::finding::Code;
use crate::verify::keys::{KeySet, PublicKey, parse_keys};
use crate::verify::location::{is_account, is_region, is_trail};
use crate::verify::time::{Bounds, parse_name_time};

/// A file of keys is never larger: a region has a new key every few weeks.
const MAX_KEY_FILE_LEN: u64 = 16 * 1024 * 1024;
/// Where a folder keeps the keys that came with the evidence.
pub const KEYS_FOLDER: &str = "public-keys";

/// A run of `logs`, ready to go.
#[derive(Debug)]
pub struct LogsPlan {
    /// What is verified, and against what.
    pub job: Job,
    /// Where it comes from.
    pub source: FolderSource,
    /// Where the keys came from.
    pub keys: Vec<KeySource>,
    /// What is written.
    pub reports: Vec<(Format, PathBuf)>,
}

impl LogsPlan {
    /// Resolves what was typed.
    ///
    /// # Errors
    /// Where it makes no sense, or a file that it names cannot be used.
    pub fn resolve(args: &LogsArgs, now: Timestamp) -> Result<Self> {
        let bounds = bounds(&args.range, now)?;
        let reports = reports(&args.output)?;
        let weights = Weights {
            bounds,
            now,
            allow: codes("--allow", &args.output.allow)?,
            deny: codes("--deny", &args.output.deny)?,
        };
        if let Some(code) = weights.allow.intersection(&weights.deny).next() {
            bail!("{code} is both allowed and denied");
        }
        let (source, narrowing) = FolderSource::open(&args.source)
            .with_context(|| format!("cannot open the folder {}", args.source.display()))?;
        let filters = filters(&args.range, narrowing)?;
        let (keys, key_sources) = load_keys(&args.public_keys, &source)?;
        let job = Job {
            filters,
            keys: Arc::new(keys),
            weights,
            digests_only: args.digests_only,
            limits: limits(args.concurrency),
        };
        Ok(Self {
            job,
            source,
            keys: key_sources,
            reports,
        })
    }
}

/// Four reading threads a core: a cold disk is read faster so, and a warm one no slower.
fn limits(concurrency: Option<u16>) -> Limits {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = concurrency.map_or(cores * 4, usize::from);
    Limits {
        threads,
        read_ahead: threads * 8,
        groups: threads.max(4),
    }
}

fn bounds(range: &RangeArgs, now: Timestamp) -> Result<Bounds> {
    let resolve = |option: &str, text: &Option<String>| {
        let text = text.as_deref();
        text.map(|text| instant(text, now).with_context(|| format!("{option} {text:?}")))
            .transpose()
    };
    let start = resolve("--start-time", &range.start_time)?;
    let end = resolve("--end-time", &range.end_time)?;
    if let Some(start) = start.filter(|start| *start > now) {
        bail!("--start-time {start} lies in the future");
    }
    let Some(bounds) = Bounds::new(start, end) else {
        bail!("--start-time does not lie before --end-time");
    };
    Ok(bounds)
}

/// An instant as users write it.
///
/// # Errors
/// Where the text could be read in more than one way, or in none.
pub fn instant(text: &str, now: Timestamp) -> Result<Timestamp> {
    if let Some(span) = span(text) {
        return now
            .checked_sub(span)
            .context("lies further back than time is reckoned");
    }
    if let Some(at) = parse_name_time(text).filter(|_| text.len() == 16) {
        return Ok(at);
    }
    let bytes = text.as_bytes();
    let is_date = bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-';
    let parsed = if is_date {
        format!("{text}T00:00:00Z").parse()
    } else {
        text.parse()
    };
    match parsed {
        Ok(at) if is_date || bytes.len() >= 20 => Ok(at),
        Ok(_) | Err(_) => bail!(
            "is not a time that can be read in one way only; write 2026-01-31T19:00:00Z (or another \
             offset), 2026-01-31 (midnight UTC), 20260131T190000Z, or a span back from now such as 36h or 90d"
        ),
    }
}

fn span(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().next_back()?;
    let number = text.strip_suffix(unit)?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = match unit {
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    let number: i64 = number.parse().ok()?;
    Some(SignedDuration::from_secs(number.checked_mul(seconds)?))
}

fn codes(option: &str, names: &[String]) -> Result<BTreeSet<Code>> {
    let code = |name: &String| {
        Code::from_name(name).with_context(|| {
            format!("{option} {name:?} is no finding; `ct-verify explain` lists them")
        })
    };
    names.iter().map(code).collect()
}

fn filters(range: &RangeArgs, narrowing: Narrowing) -> Result<Filters> {
    for (option, names, fits) in [
        ("--account", &range.account, is_account as fn(&str) -> bool),
        ("--region", &range.region, is_region),
        ("--trail", &range.trail, is_trail),
    ] {
        if let Some(name) = names.iter().find(|name| !fits(name)) {
            bail!("{option} {name:?} cannot be the name of one");
        }
    }
    let set = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
    let narrowed = |names: &[String], named: Option<String>| match named {
        None => set(names),
        Some(named) => BTreeSet::from([named]),
    };
    if let Some(named) = &narrowing.account
        && !range.account.is_empty()
        && !range.account.contains(named)
    {
        bail!("the folder is that of account {named}, and --account names another");
    }
    if let Some(named) = &narrowing.region
        && !range.region.is_empty()
        && !range.region.contains(named)
    {
        bail!("the folder is that of region {named}, and --region names another");
    }
    Ok(Filters {
        accounts: narrowed(&range.account, narrowing.account),
        regions: narrowed(&range.region, narrowing.region),
        trails: set(&range.trail),
    })
}

fn reports(output: &OutputArgs) -> Result<Vec<(Format, PathBuf)>> {
    let report = |path: &PathBuf| {
        let format = Format::from_path(path).with_context(|| {
            format!(
                "--report {}: its ending tells no format (.json .jsonl .md .xml .sarif .html)",
                path.display()
            )
        })?;
        Ok((format, path.clone()))
    };
    output.report.iter().map(report).collect()
}

/// Keys from the files that the user names; where none is named, those that lie in the folder.
fn load_keys(files: &[PathBuf], source: &FolderSource) -> Result<(KeySet, Vec<KeySource>)> {
    let mut keys = Vec::new();
    let mut sources = Vec::new();
    for file in files {
        let content = read_bounded(file)
            .with_context(|| format!("cannot read the public keys in {}", file.display()))?;
        let name = file.display().to_string();
        take_keys(&mut keys, &mut sources, KeyOrigin::File, name, &content)?;
    }
    if files.is_empty() {
        let found = source
            .small_files(KEYS_FOLDER, ".json", MAX_KEY_FILE_LEN)
            .with_context(|| format!("cannot read the folder's own {KEYS_FOLDER}"))?;
        for (name, content) in found {
            take_keys(&mut keys, &mut sources, KeyOrigin::Evidence, name, &content)?;
        }
    }
    let keys = KeySet::new(keys).context(
        "no public keys: the folder holds none, so name a file with --public-keys (the output of `aws cloudtrail list-public-keys`)",
    )?;
    Ok((keys, sources))
}

fn take_keys(
    keys: &mut Vec<PublicKey>,
    sources: &mut Vec<KeySource>,
    origin: KeyOrigin,
    name: String,
    content: &[u8],
) -> Result<()> {
    let parsed =
        parse_keys(content).with_context(|| format!("cannot use the public keys in {name}"))?;
    sources.push(KeySource {
        origin,
        name,
        fingerprints: parsed
            .iter()
            .map(|key| key.fingerprint().to_string())
            .collect(),
    });
    keys.extend(parsed);
    Ok(())
}

fn read_bounded(path: &Path) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?
        .take(MAX_KEY_FILE_LEN + 1)
        .read_to_end(&mut content)?;
    if content.len() as u64 > MAX_KEY_FILE_LEN {
        bail!("it is larger than {MAX_KEY_FILE_LEN} bytes");
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_read_in_one_way_only() {
        let now = at("2026-06-15T12:00:00Z");
        let read = |text| instant(text, now).ok();
        assert_eq!(read("36h"), Some(at("2026-06-14T00:00:00Z")));
        assert_eq!(read("90d"), Some(at("2026-03-17T12:00:00Z")));
        assert_eq!(read("2026-01-31"), Some(at("2026-01-31T00:00:00Z")));
        assert_eq!(read("20160129T190000Z"), Some(at("2016-01-29T19:00:00Z")));
        assert_eq!(
            read("2026-01-31T19:00:00+05:30"),
            Some(at("2026-01-31T13:30:00Z"))
        );
        for ambiguous in [
            "2026",
            "2026-01",
            "2026-01-31T19:00:00",
            "31.01.2026",
            "01/02/2026",
            "20260131",
            "1453076702",
            "yesterday",
            "h",
            "-3h",
            "99999999999999999999d",
            "",
        ] {
            assert_eq!(read(ambiguous), None, "{ambiguous}");
        }
    }
}
