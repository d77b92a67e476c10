//! Writing a result: aside, and moved to its name in one step.

use std::io::{self, BufWriter, Write};
use std::mem;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::frame::{BLOCK_BYTES, BLOCK_OBJECTS, Block, Head, MAGIC, Section, TOOL};
use super::packing::Packer;
use super::paper::Plan;
use super::record::{Line, Packed, Seen};
use crate::engine::{Keeper, KeptObject, Outcome};
use crate::source::Problem;
use crate::verify::hashing::Sha256Hash;

/// A result that is being written.
#[derive(Debug)]
pub struct ResultWriter {
    out: BufWriter<NamedTempFile>,
    hasher: Sha256,
    at: u64,
    head: Head,
    /// The folder of each of the shard's slices.
    folders: Vec<usize>,
    packer: Packer,
    lines: Vec<u8>,
    hashes: Vec<u8>,
    blobs: Vec<u8>,
    first: Option<String>,
    count: usize,
}

/// A result, written whole and not yet moved to its name.
#[derive(Debug)]
pub struct Written {
    file: NamedTempFile,
    /// How many bytes it has.
    pub bytes: u64,
}

impl ResultWriter {
    /// A result of a shard of the plan that is called `identity`, written in `folder`.
    ///
    /// # Errors
    /// Where it cannot be written there.
    pub fn begin(plan: &Plan, identity: &str, shard: u32, folder: &Path) -> io::Result<Self> {
        let slices = plan.slices_of(shard).into_iter();
        Ok(Self {
            out: BufWriter::new(NamedTempFile::new_in(folder).map_err(|error| unnamed(&error))?),
            hasher: Sha256::new(),
            at: 0,
            head: Head {
                result_version: Plan::VERSION,
                tool: TOOL.to_owned(),
                plan: identity.to_owned(),
                shard,
                sections: Vec::new(),
            },
            folders: slices.map(|(folder, _)| folder).collect(),
            packer: Packer::default(),
            lines: Vec::new(),
            hashes: Vec::new(),
            blobs: Vec::new(),
            first: None,
            count: 0,
        })
    }

    /// The same, as another program would have written it.
    #[cfg(test)]
    pub(super) fn by(mut self, tool: &str) -> Self {
        tool.clone_into(&mut self.head.tool);
        self
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.at += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    fn end_block(&mut self) -> io::Result<()> {
        let Some(first) = self.first.take() else {
            return Ok(());
        };
        let packed = self.packer.pack(&self.lines);
        let hashes = mem::take(&mut self.hashes);
        let blobs = mem::take(&mut self.blobs);
        let block = Block {
            first,
            at: self.at,
            packed: packed.len() as u64,
            lines: self.lines.len() as u64,
            hashes: (hashes.len() / size_of::<Sha256Hash>()) as u64,
            blobs: (hashes.len() + blobs.len()) as u64,
        };
        self.write(&packed)?;
        self.write(&hashes)?;
        self.write(&blobs)?;
        if let Some(section) = self.head.sections.last_mut() {
            section.blocks.push(block);
        }
        // Their memory is used again.
        (self.hashes, self.blobs) = (hashes, blobs);
        self.hashes.clear();
        self.blobs.clear();
        self.lines.clear();
        self.count = 0;
        Ok(())
    }

    /// Ends it.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn finish(mut self) -> io::Result<Written> {
        self.end_block()?;
        let head = self.packer.pack(&serde_json::to_vec(&self.head)?);
        let at = self.at;
        self.write(&head)?;
        self.write(&at.to_be_bytes())?;
        self.write(&(head.len() as u64).to_be_bytes())?;
        let hash = self.hasher.clone().finalize();
        self.write(&hash)?;
        self.write(&MAGIC)?;
        let bytes = self.at;
        let file = self
            .out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        Ok(Written { file, bytes })
    }
}

/// Lets other machines, and other users, read a file.
///
/// # Errors
/// Where that cannot be done.
pub fn readable(aside: &NamedTempFile) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let permissions = std::fs::Permissions::from_mode(0o644);
        aside.as_file().set_permissions(permissions)?;
    }
    Ok(())
}

/// Why no file could be made, without the name of one that nobody asked for.
pub(super) fn unnamed(error: &io::Error) -> io::Error {
    io::Error::from(error.kind())
}

impl Written {
    /// The file that it lies in.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// Where that cannot be done.
    pub fn persist(self, path: &Path) -> io::Result<()> {
        readable(&self.file)?;
        self.file.persist(path)?;
        Ok(())
    }
}

impl Keeper for ResultWriter {
    type Packed = Packed;

    fn pack(&self, outcome: Outcome) -> Packed {
        Packed::of(outcome, &self.packer)
    }

    fn begin(&mut self, number: usize, problems: &[Problem], bucket: &str) -> io::Result<()> {
        self.end_block()?;
        let folder = self.folders.get(number).copied();
        let folder =
            folder.ok_or_else(|| io::Error::other("a slice that the plan does not have"))?;
        let problems = problems.iter();
        self.head.sections.push(Section {
            folder,
            bucket: bucket.to_owned(),
            problems: problems
                .map(|it| (it.path.clone(), (&it.error).into()))
                .collect(),
            blocks: Vec::new(),
        });
        Ok(())
    }

    fn keep(&mut self, objects: Vec<KeptObject<Packed>>) -> io::Result<()> {
        for object in objects {
            let Packed { mut seen, blob } = object.outcome;
            match &mut seen {
                Some(Seen::Digest(digest)) => {
                    digest.blob = (self.blobs.len() as u64, blob.len() as u64);
                }
                Some(Seen::Log(log)) => {
                    let hash = log.hash.as_ref().map(Sha256Hash::as_bytes);
                    self.hashes.extend(hash.into_iter().flatten());
                }
                Some(Seen::Failed(_)) | None => {}
            }
            self.blobs.extend_from_slice(&blob);
            let line = Line {
                rest: object.rest,
                archived: object.archived,
                seen,
            };
            serde_json::to_writer(&mut self.lines, &line)?;
            self.lines.push(b'\n');
            self.first.get_or_insert(line.rest);
            self.count += 1;
            let bytes = self.lines.len() + self.hashes.len() + self.blobs.len();
            if self.count == BLOCK_OBJECTS || bytes >= BLOCK_BYTES {
                self.end_block()?;
            }
        }
        Ok(())
    }
}
