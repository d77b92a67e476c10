//! The form of a result: blocks of lines, then a head that tells where they are, then a trailer
//! with a hash over all of it. Whatever is cut off or altered shows.

use serde::{Deserialize, Serialize};

use super::record::Why;

/// What every result ends with.
pub(super) const MAGIC: [u8; 8] = *b"ctshard2";
/// Offset and length of the head, a hash over everything before it, and the magic.
pub(super) const TRAILER: usize = 8 + 8 + 32 + MAGIC.len();
/// A head is never larger.
pub(super) const MAX_HEAD: u64 = 256 * 1024 * 1024;
/// The lines of a block are never longer.
pub(super) const MAX_LINES: u64 = 512 * 1024 * 1024;
/// How many bytes a hash has.
const HASH: u64 = 32;
/// A block ends with so many objects,
pub(super) const BLOCK_OBJECTS: usize = 4096;
/// or with so many bytes.
pub(super) const BLOCK_BYTES: usize = 1024 * 1024;

/// What writes and joins results.
pub(super) const TOOL: &str = concat!("ct-verify ", env!("CARGO_PKG_VERSION"));

/// The head of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) result_version: u32,
    pub(super) tool: String,
    /// The identity of the plan.
    pub(super) plan: String,
    pub(super) shard: u32,
    pub(super) sections: Vec<Section>,
}

/// What was seen of a part of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    /// The folder's number in the plan.
    pub(super) folder: usize,
    /// Its logs were looked at as logs that lie in this bucket.
    pub(super) bucket: String,
    /// What could not be listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) problems: Vec<(String, Why)>,
    pub(super) blocks: Vec<Block>,
}

/// Some objects, in the order of their keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Block {
    /// The key of the first, from the folder on.
    pub(super) first: String,
    /// Where it begins.
    pub(super) at: u64,
    /// Its lines, as they are stored and as they are.
    pub(super) packed: u64,
    pub(super) lines: u64,
    /// How many hashes of logs lie behind the lines, in their order, and in no text: nothing packs them.
    pub(super) hashes: u64,
    /// The hashes, and what digests hold behind them.
    pub(super) blobs: u64,
}

impl Block {
    /// How many bytes its hashes take.
    pub(super) fn hashes_length(&self) -> Option<u64> {
        let length = self.hashes.checked_mul(HASH)?;
        (length <= self.blobs).then_some(length)
    }
}
