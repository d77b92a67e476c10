//! The pages of Parquet, each of them bounded.
//!
//! The reader of Parquet inflates without a bound, and reserves what a page says of itself. So it is told that pages
//! are not compressed, and they are inflated, and looked at, on their way to what decodes them.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::sync::Arc;

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{ChunkReader, Length, SerializedPageReader};

/// Writers begin another page after a megabyte, or some thousand keys.
const MAX_PAGE: usize = 16 * 1024 * 1024;

/// A file of which no large part is read at once.
pub(super) struct Bounded {
    file: File,
    length: u64,
}

impl Bounded {
    pub(super) fn new(file: File) -> std::io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { file, length })
    }
}

impl Length for Bounded {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Bounded {
    type T = BufReader<File>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        self.file.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if length > MAX_PAGE {
            return too_large();
        }
        self.file.get_bytes(start, length)
    }
}

/// How pages are compressed.
#[derive(Clone, Copy)]
enum Packing {
    None,
    Snappy,
    Gzip,
}

/// The pages of a column in one group of rows.
pub(super) struct Pages {
    stored: SerializedPageReader<Bounded>,
    packing: Packing,
    has_dictionary: bool,
}

impl Pages {
    pub(super) fn new(file: &Arc<Bounded>, column: &ColumnChunkMetaData) -> Result<Self> {
        let packing = match column.compression() {
            Compression::UNCOMPRESSED => Packing::None,
            Compression::SNAPPY => Packing::Snappy,
            Compression::GZIP(_) => Packing::Gzip,
            other @ (Compression::LZO
            | Compression::BROTLI(_)
            | Compression::LZ4
            | Compression::ZSTD(_)
            | Compression::LZ4_RAW) => {
                return unsound(format!("compressed with {other}, which is not read"));
            }
        };
        let dictionary = column.dictionary_page_offset().unwrap_or(0);
        if dictionary
            .min(column.data_page_offset())
            .min(column.compressed_size())
            < 0
        {
            return unsound("a column is at no place of the file".to_owned());
        }
        let (start, length) = column.byte_range();
        if start.checked_add(length).is_none_or(|end| end > file.len()) {
            return unsound("a column lies outside of the file".to_owned());
        }
        let stored = column.clone().into_builder();
        let stored = stored.set_compression(Compression::UNCOMPRESSED).build()?;
        Ok(Self {
            stored: SerializedPageReader::new(Arc::clone(file), &stored, 0, None)?,
            packing,
            has_dictionary: false,
        })
    }

    /// Inflates a page, and looks at what its decoder would rely on.
    fn open(&mut self, mut page: Page) -> Result<Page> {
        match &mut page {
            Page::DictionaryPage {
                buf, num_values, ..
            } => {
                *buf = self.inflate(buf, 0)?;
                self.has_dictionary = true;
                // A value takes four bytes at least; room for all of them is made at once.
                if *num_values as usize > buf.len() / 4 {
                    return unsound("a dictionary says that it has more than it has".to_owned());
                }
            }
            Page::DataPage { buf, encoding, .. } => {
                self.check(*encoding)?;
                *buf = self.inflate(buf, 0)?;
            }
            Page::DataPageV2 {
                buf,
                encoding,
                def_levels_byte_len,
                rep_levels_byte_len,
                is_compressed,
                ..
            } => {
                self.check(*encoding)?;
                if *is_compressed {
                    let levels = u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len);
                    *buf = self.inflate(buf, usize::try_from(levels)?)?;
                }
            }
        }
        Ok(page)
    }

    /// Refuses what makes room for as many values as it says, or what the decoder would stumble over.
    fn check(&self, encoding: Encoding) -> Result<()> {
        let is_index = matches!(
            encoding,
            Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY
        );
        if is_index && !self.has_dictionary {
            return unsound("a dictionary is not there".to_owned());
        }
        if !is_index && !matches!(encoding, Encoding::PLAIN | Encoding::RLE) {
            return unsound(format!("encoded as {encoding}, which is not read"));
        }
        Ok(())
    }

    /// A page's content; its first bytes, `levels` of them, are not compressed.
    fn inflate(&self, stored: &Bytes, levels: usize) -> Result<Bytes> {
        let Some((levels, packed)) = stored.split_at_checked(levels) else {
            return unsound("a page is too short".to_owned());
        };
        if packed.is_empty() {
            return Ok(stored.clone());
        }
        let content = match self.packing {
            Packing::None => return Ok(stored.clone()),
            Packing::Snappy => {
                let length = snap::raw::decompress_len(packed).map_err(foreign)?;
                if length > MAX_PAGE {
                    return too_large();
                }
                let content = snap::raw::Decoder::new().decompress_vec(packed);
                content.map_err(foreign)?
            }
            Packing::Gzip => {
                let mut content = Vec::new();
                let limit = MAX_PAGE as u64 + 1;
                let mut inflating = MultiGzDecoder::new(packed).take(limit);
                inflating.read_to_end(&mut content)?;
                if content.len() > MAX_PAGE {
                    return too_large();
                }
                content
            }
        };
        Ok(if levels.is_empty() {
            content.into()
        } else {
            [levels, &content].concat().into()
        })
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.stored.get_next_page()?;
        page.map(|page| self.open(page)).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.stored.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.stored.skip_next_page()
    }
}

fn unsound<T>(what: String) -> Result<T> {
    Err(ParquetError::General(what))
}

fn too_large<T>() -> Result<T> {
    unsound("a page is larger than S3 writes".to_owned())
}

fn foreign(error: snap::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}
