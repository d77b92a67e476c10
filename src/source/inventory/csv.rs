//! The files of an inventory as CSV.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use anyhow::{Context as _, Result, bail};
use flate2::bufread::MultiGzDecoder;

use super::columns::Columns;
use super::open::{InventoryEntry, IsStopped, LARGEST, go_on};
use crate::source::s3::{decode_key, is_cold};
use crate::verify::location::MAX_KEY_LEN;

/// A line holds one key, in a form that may take three bytes for one, and some numbers.
const MAX_LINE: u64 = 8 * MAX_KEY_LEN as u64;
/// After so many lines it is seen whether the run is to end.
const BATCH: u32 = 1024;

impl Columns {
    pub(super) fn parse(schema: &str) -> Result<Self> {
        let names: Vec<&str> = schema.split(',').map(str::trim).collect();
        let find = |name: &str| names.iter().position(|its| *its == name);
        let need = |name: &str| find(name).with_context(|| format!("it has no column {name}"));
        Ok(Self {
            bucket: need("Bucket")?,
            key: need("Key")?,
            size: find("Size"),
            class: find("StorageClass"),
            is_latest: find("IsLatest"),
            is_marker: find("IsDeleteMarker"),
        })
    }

    /// The object of a line; nothing where it is not there now.
    fn entry(&self, fields: &[String], bucket: &str) -> Result<Option<InventoryEntry>> {
        let field = |at: usize| fields.get(at).map(String::as_str);
        let named = field(self.bucket).zip(field(self.key));
        let (its, key) = named.context("a line has too few columns")?;
        let is = |at: Option<usize>, text: &str| at.and_then(field) == Some(text);
        if its != bucket || is(self.is_latest, "false") || is(self.is_marker, "true") {
            return Ok(None);
        }
        let size = self.size.and_then(field).unwrap_or_default();
        Ok(Some(InventoryEntry {
            // In CSV alone keys are encoded as in a URL.
            key: decode_key(key),
            // A folder marker or a delete marker may have none.
            size: size.parse().unwrap_or(0).min(LARGEST),
            archived: is_cold(self.class.and_then(field).unwrap_or_default()),
        }))
    }

    /// Shows every object of a file that was there then.
    pub(super) fn each(
        &self,
        file: File,
        bucket: &str,
        is_stopped: IsStopped<'_>,
        visit: &mut dyn FnMut(&InventoryEntry),
    ) -> Result<()> {
        let mut count = 0_u32;
        let mut lines = BufReader::new(MultiGzDecoder::new(BufReader::new(file)));
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = lines.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
            if read == 0 {
                return Ok(());
            }
            count = count.wrapping_add(1);
            if count.is_multiple_of(BATCH) {
                go_on(is_stopped)?;
            }
            if line.last() != Some(&b'\n') && read as u64 == MAX_LINE {
                bail!("it has a line that is too long");
            }
            let text = std::str::from_utf8(&line).context("it is no text")?;
            let fields = fields(text.trim_end_matches(['\r', '\n']));
            if let Some(entry) = self.entry(&fields, bucket)? {
                visit(&entry);
            }
        }
    }
}

/// The fields of a line of CSV.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        let Some(field) = fields.last_mut() else {
            break;
        };
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => field.push(other),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read() {
        assert_eq!(
            fields(r#""a","b,c","d""e",7,"#),
            ["a", "b,c", "d\"e", "7", ""]
        );
        let columns =
            Columns::parse("Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, StorageClass");
        let columns = columns.unwrap();
        let read = |line: &str| columns.entry(&fields(line), "logs").unwrap();
        let entry = read(r#""logs","a+b%2Fc","v","true","false","42","GLACIER""#).unwrap();
        assert_eq!(
            (entry.key.as_str(), entry.size, entry.archived),
            ("a b/c", 42, true)
        );
        assert_eq!(
            read(r#""logs","a","v","false","false","42","STANDARD""#),
            None
        );
        assert_eq!(read(r#""logs","a","v","true","true","",""#), None);
        assert_eq!(
            read(r#""others","a","v","true","false","1","STANDARD""#),
            None
        );
        assert!(columns.entry(&fields("logs"), "logs").is_err());
        assert!(Columns::parse("Bucket, Size").is_err());
    }
}
