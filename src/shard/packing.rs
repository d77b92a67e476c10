//! What a result holds in fewer bytes.

use std::io::{self, Read, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// Half of what is packed are hashes, which no effort makes smaller: more of it takes a tenth of a
/// shard's time.
const EFFORT: u32 = 2;

/// Packs, with encoders that are used again: a new one takes as long as packing a digest does.
#[derive(Debug, Default)]
pub(super) struct Packer(Mutex<Vec<ZlibEncoder<Vec<u8>>>>);

impl Packer {
    /// `content` in fewer bytes.
    pub(super) fn pack(&self, content: &[u8]) -> Vec<u8> {
        let new = || ZlibEncoder::new(Vec::new(), Compression::new(EFFORT));
        let free = self.free().pop();
        let mut encoder = free.unwrap_or_else(new);
        let written = encoder.write_all(content);
        let packed = written.and_then(|()| encoder.reset(Vec::new()));
        // Writing to memory never fails; if it did, the length would show it.
        let Ok(packed) = packed else {
            return Vec::new();
        };
        self.free().push(encoder);
        packed
    }

    fn free(&self) -> MutexGuard<'_, Vec<ZlibEncoder<Vec<u8>>>> {
        // Each change is a single push or pop.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What `packed` gives, which must be `length` bytes.
pub(super) fn unpacked(packed: impl Read, length: usize) -> io::Result<Vec<u8>> {
    // One that grows would take half as much again.
    let mut content = Vec::with_capacity(length);
    let limit = length as u64 + 1;
    packed.take(limit).read_to_end(&mut content)?;
    if content.len() != length {
        return Err(io::Error::other("it does not have the length that is told"));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use flate2::bufread::ZlibDecoder;

    use super::*;

    #[test]
    fn what_was_packed_before_leaves_nothing_behind() {
        let packer = Packer::default();
        let content: Vec<u8> = (0..60_000_u32)
            .flat_map(|n| (n / 7).to_be_bytes())
            .collect();
        for length in [content.len(), 1, 0, 5_000] {
            let content = &content[content.len() - length..];
            let made = packer.pack(content);
            assert_eq!(made, Packer::default().pack(content));
            let made = || ZlibDecoder::new(&made[..]);
            assert_eq!(unpacked(made(), length).unwrap(), content);
            assert!(unpacked(made(), length + 1).is_err());
        }
    }
}
