//! Reading a result: nothing is taken from it before its hash has been found right.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::bufread::ZlibDecoder;
use sha2::{Digest as _, Sha256};

use super::frame::{Block, Head, MAGIC, MAX_HEAD, MAX_LINES, Section, TOOL, TRAILER};
use super::packing::unpacked;
use super::paper::Plan;
use super::record::{Line, Seen};
use crate::verify::hashing::Sha256Hash;

/// A result that is whole, and of the plan and the shard that it is taken for.
#[derive(Debug)]
pub struct ResultFile {
    path: PathBuf,
    head: Head,
}

/// Why a result cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// There is none.
    #[error("there is no result of it")]
    Missing,
    /// It could not be read.
    #[error("its result cannot be read: {0}")]
    Unreadable(io::Error),
    /// It is not whole, or not what was written.
    #[error("its result is damaged: {0}")]
    Damaged(&'static str),
    /// It is of another plan.
    #[error("its result is of another plan ({0})")]
    Foreign(String),
    /// Another version of this program saw what it tells.
    #[error("its result was written by {0}, and this is {TOOL}")]
    Tool(String),
    /// It is of another version.
    #[error("its result has version {0}, and this program does not know that")]
    Version(u32),
}

impl ResultError {
    /// Whether a shard that is read again puts its result in the place of this one. What is another's
    /// is left alone.
    pub fn is_replaced(&self) -> bool {
        match self {
            Self::Missing | Self::Damaged(_) | Self::Tool(_) => true,
            Self::Unreadable(_) | Self::Foreign(_) | Self::Version(_) => false,
        }
    }
}

/// What lies at the end of a result.
struct Trailer {
    at: u64,
    length: u64,
    hash: [u8; 32],
}

/// Opens a file, and no pipe, which would be waited for.
fn open_file(path: &Path) -> io::Result<File> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    File::open(path)
}

impl ResultFile {
    /// Opens the result at `path`, which must be that of `shard` of the plan called `identity`.
    ///
    /// # Errors
    /// Where it is not.
    pub fn open(path: &Path, plan: &Plan, identity: &str, shard: u32) -> Result<Self, ResultError> {
        let mut file = match open_file(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ResultError::Missing);
            }
            Err(error) => return Err(ResultError::Unreadable(error)),
        };
        let (head, length) = read_head(&mut file)?;
        if head.result_version != Plan::VERSION {
            return Err(ResultError::Version(head.result_version));
        }
        if head.plan != identity {
            return Err(ResultError::Foreign(head.plan.chars().take(16).collect()));
        }
        if head.tool != TOOL {
            return Err(ResultError::Tool(head.tool.chars().take(40).collect()));
        }
        if head.shard != shard {
            return Err(ResultError::Damaged("it is that of another shard"));
        }
        fits(&head, plan, length).map_err(ResultError::Damaged)?;
        Ok(Self {
            path: path.to_owned(),
            head,
        })
    }

    pub(super) fn sections(&self) -> &[Section] {
        &self.head.sections
    }

    /// The objects of a block.
    pub(super) fn lines(&self, block: &Block) -> io::Result<Vec<Line>> {
        let hashes = block.hashes_length().unwrap_or_default();
        let stored = self.bytes(block.at, block.packed + hashes)?;
        let packed = usize::try_from(block.packed).map_err(io::Error::other)?;
        let (packed, hashes) = stored.split_at(packed);
        let length = usize::try_from(block.lines).map_err(io::Error::other)?;
        let text = unpacked(ZlibDecoder::new(packed), length)?;
        let lines = text.split(|byte| *byte == b'\n');
        let lines = lines.filter(|line| !line.is_empty());
        let lines: Result<Vec<Line>, _> = lines.map(serde_json::from_slice).collect();
        let mut lines = lines.map_err(io::Error::other)?;
        if !take_hashes(&mut lines, hashes) {
            return Err(io::Error::other("its hashes are not those of its logs"));
        }
        let rising = lines.is_sorted_by(|a, b| a.rest < b.rest);
        if !rising || lines.first().is_none_or(|line| line.rest != block.first) {
            return Err(io::Error::other("its objects are not in order"));
        }
        Ok(lines)
    }

    /// What a digest of a block holds, as it was packed.
    pub(super) fn blob(&self, block: &Block, (at, length): (u64, u64)) -> io::Result<Vec<u8>> {
        let hashes = block.hashes_length().unwrap_or_default();
        let end = at
            .checked_add(length)
            .and_then(|end| end.checked_add(hashes));
        if end.is_none_or(|end| end > block.blobs) {
            return Err(io::Error::other("a digest does not lie in its block"));
        }
        self.bytes(block.at + block.packed + hashes + at, length)
    }

    fn bytes(&self, at: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(at))?;
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != length {
            return Err(io::Error::other(
                "it has been cut short since it was checked",
            ));
        }
        Ok(bytes)
    }
}

/// Gives each log its hash. Whether there are as many as logs.
fn take_hashes(lines: &mut [Line], hashes: &[u8]) -> bool {
    let (hashes, rest) = hashes.as_chunks();
    let mut hashes = hashes.iter();
    for line in lines {
        if let Some(Seen::Log(log)) = &mut line.seen {
            log.hash = hashes.next().map(|bytes| Sha256Hash::from_bytes(*bytes));
            if log.hash.is_none() {
                return false;
            }
        }
    }
    hashes.next().is_none() && rest.is_empty()
}

/// The head of a result that is whole, and how many bytes lie before it.
fn read_head(file: &mut File) -> Result<(Head, u64), ResultError> {
    let length = file.metadata().map_err(ResultError::Unreadable)?.len();
    let damaged = ResultError::Damaged;
    if length < TRAILER as u64 {
        return Err(damaged("it is cut short"));
    }
    let trailer = read_trailer(file, length).map_err(ResultError::Unreadable)?;
    let trailer = trailer.ok_or(damaged("it is cut short, or no result"))?;
    let before_hash = length - (TRAILER - 16) as u64;
    let ends = trailer.at.checked_add(trailer.length);
    if ends != Some(length - TRAILER as u64) || trailer.length > MAX_HEAD {
        return Err(damaged("its parts do not fit together"));
    }
    let hash = hash_of(file, before_hash).map_err(ResultError::Unreadable)?;
    if hash != trailer.hash {
        return Err(damaged("its hash does not fit what it holds"));
    }
    let mut packed = Vec::new();
    file.seek(SeekFrom::Start(trailer.at))
        .and_then(|_| file.take(trailer.length).read_to_end(&mut packed))
        .map_err(ResultError::Unreadable)?;
    let mut text = Vec::new();
    ZlibDecoder::new(&packed[..])
        .take(8 * MAX_HEAD)
        .read_to_end(&mut text)
        .map_err(ResultError::Unreadable)?;
    let head = serde_json::from_slice(&text);
    Ok((head.map_err(|_| damaged("its head is none"))?, trailer.at))
}

fn read_trailer(file: &mut File, length: u64) -> io::Result<Option<Trailer>> {
    file.seek(SeekFrom::Start(length - TRAILER as u64))?;
    let mut bytes = [0; TRAILER];
    file.read_exact(&mut bytes)?;
    let number = |at: usize| {
        let mut number = [0; 8];
        number.copy_from_slice(&bytes[at..at + 8]);
        u64::from_be_bytes(number)
    };
    let mut hash = [0; 32];
    hash.copy_from_slice(&bytes[16..48]);
    let trailer = Trailer {
        at: number(0),
        length: number(8),
        hash,
    };
    Ok((bytes[48..] == MAGIC).then_some(trailer))
}

fn hash_of(file: &mut File, length: u64) -> io::Result<[u8; 32]> {
    file.seek(SeekFrom::Start(0))?;
    let mut hasher = Sha256::new();
    let mut part = vec![0; 256 * 1024];
    let mut left = file.take(length);
    loop {
        let read = left.read(&mut part)?;
        if read == 0 {
            return Ok(hasher.finalize().into());
        }
        hasher.update(&part[..read]);
    }
}

/// Whether a result has what the plan asks for of its shard, all of it and nothing else.
fn fits(head: &Head, plan: &Plan, length: u64) -> Result<(), &'static str> {
    let slices = plan.slices_of(head.shard);
    if slices.len() != head.sections.len() {
        return Err("it does not have the parts of folders that the plan gives it");
    }
    for ((folder, part), section) in slices.iter().zip(&head.sections) {
        if *folder != section.folder {
            return Err("it does not have the parts of folders that the plan gives it");
        }
        let is_in_part = |block: &Block| part.contains(&block.first);
        if !section.blocks.iter().all(is_in_part)
            || !section.blocks.is_sorted_by(|a, b| a.first < b.first)
        {
            return Err("it tells of objects that are not its own");
        }
        let is_inside = |block: &Block| {
            let ends = block.at.checked_add(block.packed);
            let ends = ends.and_then(|end| end.checked_add(block.blobs));
            ends.is_some_and(|end| end <= length)
                && block.lines <= MAX_LINES
                && block.hashes_length().is_some()
        };
        if !section.blocks.iter().all(is_inside) {
            return Err("its parts do not fit together");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::paper::tests::plan;
    use super::super::writing::ResultWriter;
    use super::*;
    use crate::engine::Keeper as _;

    fn line(text: &str) -> Line {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn there_is_a_hash_for_each_log_and_no_other() {
        let lines = || {
            [
                line(r#"{"k":"a","o":{"l":{"s":1,"n":2}}}"#),
                line(r#"{"k":"b","o":{"f":"absent"}}"#),
                line(r#"{"k":"c"}"#),
                line(r#"{"k":"d","o":{"l":{"s":1,"n":2}}}"#),
            ]
        };
        let hashes: Vec<u8> = (0..96).collect();
        for length in 0..=hashes.len() {
            let mut lines = lines();
            let fits = take_hashes(&mut lines, &hashes[..length]);
            assert_eq!(fits, length == 64, "{length}");
            let Some(Seen::Log(log)) = &lines[3].seen else {
                panic!("a log");
            };
            assert!(!fits || log.hash.unwrap().as_bytes()[..] == hashes[32..64]);
        }
    }

    /// What an older program saw may be what a newer one sees better.
    #[test]
    fn a_result_is_of_this_version() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result");
        let (_, identity) = plan(&[(0, "")]).bytes().unwrap();
        for tool in [TOOL, "ct-verify 0.0.1"] {
            let plan = plan(&[(0, "")]);
            let writer = ResultWriter::begin(&plan, &identity, 0, folder.path());
            let mut writer = writer.unwrap().by(tool);
            writer.begin(0, &[], "").unwrap();
            writer.finish().unwrap().persist(&path).unwrap();
            let opened = ResultFile::open(&path, &plan, &identity, 0);
            assert_eq!(opened.is_ok(), tool == TOOL, "{opened:?}");
        }
    }
}
