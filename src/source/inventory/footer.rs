//! What is looked at before a file of Parquet is given to its reader.
//!
//! The reader builds a tree of the columns that the footer names, by recursion and without a bound: names that are
//! nested deep enough would end the program.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use anyhow::{Context as _, Result, bail};

/// How Parquet begins and ends.
const MAGIC: [u8; 4] = *b"PAR1";
/// S3 writes some hundred bytes for a column of a row group.
const MAX_FOOTER: u32 = 4 * 1024 * 1024;
/// S3 writes less than 30.
const MAX_COLUMNS: u64 = 256;
/// How deep structures lie in one another.
const MAX_DEPTH: u8 = 16;
/// The field of the footer that holds the columns.
const SCHEMA: i64 = 2;
/// Where a structure ends, instead of another field.
const END: u8 = 0;

/// Whether `file` can be given to a reader.
pub(super) fn check(file: &mut File) -> Result<()> {
    let cut = || "it is no Parquet file, or was cut";
    let (mut begin, mut end) = ([0; 4], [0; 8]);
    file.rewind()?;
    let length = file.metadata()?.len();
    if length < 12 {
        bail!(cut());
    }
    file.read_exact(&mut begin)?;
    file.seek(SeekFrom::End(-8))?;
    file.read_exact(&mut end)?;
    let [a, b, c, d, magic @ ..] = end;
    if begin != MAGIC || magic != MAGIC {
        bail!(cut());
    }
    let size = u32::from_le_bytes([a, b, c, d]);
    if u64::from(size) + 12 > length {
        bail!(cut());
    }
    if size > MAX_FOOTER {
        bail!("its footer is larger than S3 writes");
    }
    file.seek(SeekFrom::End(-8 - i64::from(size)))?;
    let mut footer = Vec::new();
    file.take(size.into()).read_to_end(&mut footer)?;
    Thrift { left: &footer }
        .footer()
        .context("its footer is damaged")?
}

/// Thrift's compact protocol, as far as it takes to go through it.
struct Thrift<'a> {
    left: &'a [u8],
}

impl Thrift<'_> {
    /// Goes through the footer; nothing where it is none.
    fn footer(&mut self) -> Option<Result<()>> {
        let mut id = 0;
        loop {
            let kind = self.field(&mut id)?;
            if kind == END {
                return Some(Ok(()));
            }
            if id == SCHEMA && kind == 9 {
                let mut ahead = Thrift { left: self.left };
                if ahead.list()?.0 > MAX_COLUMNS {
                    return Some(Err(anyhow::anyhow!("it has more columns than S3 writes")));
                }
            }
            self.skip(kind, false, MAX_DEPTH)?;
        }
    }

    /// The type of the next field of a structure, whose number goes to `id`; [`END`] where the structure ends.
    fn field(&mut self, id: &mut i64) -> Option<u8> {
        let head = self.byte()?;
        if head == END {
            return Some(END);
        }
        *id = match head >> 4 {
            0 => {
                let zigzag = i64::try_from(self.number()?).ok()?;
                (zigzag >> 1) ^ -(zigzag & 1)
            }
            delta => id.checked_add(delta.into())?,
        };
        Some(head & 15)
    }

    /// How many elements a list has, and of what type.
    fn list(&mut self) -> Option<(u64, u8)> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.number()?,
            few => few.into(),
        };
        Some((count, head & 15))
    }

    fn skip(&mut self, kind: u8, in_list: bool, depth: u8) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            // A field that is true or false is so by its type.
            1 | 2 if !in_list => Some(()),
            1..=3 => self.bytes(1),
            4..=6 => self.number().map(drop),
            7 => self.bytes(8),
            8 => {
                let length = self.number()?;
                self.bytes(length)
            }
            9 | 10 => {
                let (count, kind) = self.list()?;
                (0..count).try_for_each(|_| self.skip(kind, true, depth))
            }
            12 => {
                let mut id = 0;
                loop {
                    match self.field(&mut id)? {
                        END => return Some(()),
                        kind => self.skip(kind, false, depth)?,
                    }
                }
            }
            // The footer has no maps.
            _ => None,
        }
    }

    fn bytes(&mut self, count: u64) -> Option<()> {
        self.left = self.left.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.left.split_first()?;
        self.left = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footer(bytes: &[u8]) -> Option<Result<()>> {
        Thrift { left: bytes }.footer()
    }

    #[test]
    fn columns_are_counted_wherever_they_are_named() {
        // A version; a list of 2 structures that are empty; the end.
        assert!(matches!(
            footer(b"\x15\x02\x19\x2c\x00\x00\x00"),
            Some(Ok(()))
        ));
        let mut many = b"\x19\x2c\x00\x00\x09\x04\xfc\xad\x02".to_vec();
        many.extend([0; 301]);
        assert!(footer(&many[..4]).is_none(), "it is cut");
        // The field comes twice: as number 1 (which is no list of columns), and as number 2 with 301 of them.
        assert!(matches!(footer(&many), Some(Err(_))));
        // A structure in a structure, without end.
        assert!(footer(&[0x1c; 100]).is_none());
        assert!(footer(b"\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").is_none());
    }
}
