//! The files of an inventory as Parquet.

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use anyhow::{Context as _, Result, anyhow, bail};
use parquet::basic::Type;
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{BoolType, ByteArrayType, DataType, Int64Type};
use parquet::file::metadata::{ParquetMetaDataReader, RowGroupMetaData};
use parquet::schema::types::SchemaDescriptor;

use super::columns::Columns;
use super::footer;
use super::open::{InventoryEntry, IsStopped, LARGEST, go_on};
use super::pages::{Bounded, Pages};
use crate::source::s3::is_cold;
use crate::verify::location::MAX_KEY_LEN;

/// Rows read at a time.
const BATCH: usize = 1024;
/// Batches that wait to be visited.
const WAITING: usize = 4;
/// S3 begins another file after some millions. A few bytes of Parquet can stand for any number of rows.
const MAX_ROWS: u64 = 1 << 28;

/// Shows every object of a file that was there then.
///
/// The file is a stranger's, and the reader of Parquet is known to panic at some that are damaged. So it runs on a
/// thread of its own, whose end is an error like any other.
pub(super) fn each(
    file: File,
    bucket: &str,
    is_stopped: IsStopped<'_>,
    visit: &mut dyn FnMut(&InventoryEntry),
) -> Result<()> {
    thread::scope(|scope| {
        let (sender, batches) = sync_channel::<Vec<InventoryEntry>>(WAITING);
        let reader = thread::Builder::new().name("inventory".to_owned());
        let reader = reader.spawn_scoped(scope, move || read(file, bucket, &sender))?;
        let mut went_on = Ok(());
        for batch in batches {
            went_on = go_on(is_stopped);
            if went_on.is_err() {
                // The reader ends too, since nobody takes what it sends.
                break;
            }
            batch.iter().for_each(&mut *visit);
        }
        let gave_up = |_| Err(anyhow!("its Parquet is damaged: the reader gave up on it"));
        let read = reader.join().unwrap_or_else(gave_up);
        went_on.and(read)
    })
}

/// Sends every object of a file, in batches.
fn read(mut file: File, bucket: &str, batches: &SyncSender<Vec<InventoryEntry>>) -> Result<()> {
    footer::check(&mut file)?;
    let file = Arc::new(Bounded::new(file)?);
    let damaged = "its Parquet is damaged";
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&*file);
    let metadata = metadata.context(damaged)?;
    let columns = Columns::find(metadata.file_metadata().schema_descr())?;
    let mut total = 0_u64;
    for group in metadata.row_groups() {
        let mut left = u64::try_from(group.num_rows()).context(damaged)?;
        total = total.saturating_add(left);
        if total > MAX_ROWS {
            bail!("it has more rows than S3 writes");
        }
        let mut rows = Rows::begin(&columns, &file, group).context(damaged)?;
        while left > 0 {
            let count = usize::try_from(left).map_or(BATCH, |left| left.min(BATCH));
            left -= count as u64;
            rows.fill(count).context(damaged)?;
            if batches.send(rows.take(count, bucket)?).is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

impl Columns {
    fn find(schema: &SchemaDescriptor) -> Result<Self> {
        let find = |name: &str, kind: Type| {
            let is_it = |path: &[String]| matches!(path, [its] if its == name);
            let mut columns = schema.columns().iter().enumerate();
            let Some((at, column)) = columns.find(|(_, column)| is_it(column.path().parts()))
            else {
                return Ok(None);
            };
            let is_flat = column.max_rep_level() == 0 && column.max_def_level() <= 1;
            if !is_flat || column.physical_type() != kind {
                bail!("its column {name} is of another type than S3 writes");
            }
            Ok(Some(at))
        };
        let need = |name: &str| {
            find(name, Type::BYTE_ARRAY)?.with_context(|| format!("it has no column {name}"))
        };
        Ok(Self {
            bucket: need("bucket")?,
            key: need("key")?,
            size: find("size", Type::INT64)?,
            class: find("storage_class", Type::BYTE_ARRAY)?,
            is_latest: find("is_latest", Type::BOOLEAN)?,
            is_marker: find("is_delete_marker", Type::BOOLEAN)?,
        })
    }
}

/// A column of a group of rows, of which one batch is held.
struct Column<T: DataType> {
    reader: ColumnReaderImpl<T>,
    is_optional: bool,
    /// 1 for each row that has a value, where the column is optional.
    levels: Vec<i16>,
    /// Those that are there.
    values: Vec<T::T>,
    row: usize,
    value: usize,
}

impl<T: DataType> Column<T> {
    fn begin(at: usize, file: &Arc<Bounded>, group: &RowGroupMetaData) -> Result<Self> {
        let column = group.columns().get(at).context("a column is not there")?;
        let description = column.column_descr_ptr();
        Ok(Self {
            is_optional: description.max_def_level() > 0,
            reader: ColumnReaderImpl::new(description, Box::new(Pages::new(file, column)?)),
            levels: Vec::new(),
            values: Vec::new(),
            row: 0,
            value: 0,
        })
    }

    /// The same of a column that a file need not have.
    fn begin_some(
        at: Option<usize>,
        file: &Arc<Bounded>,
        group: &RowGroupMetaData,
    ) -> Result<Option<Self>> {
        at.map(|at| Self::begin(at, file, group)).transpose()
    }

    fn fill(&mut self, rows: usize) -> Result<()> {
        self.levels.clear();
        self.values.clear();
        (self.row, self.value) = (0, 0);
        let levels = Some(&mut self.levels);
        let (read, ..) = (self.reader).read_records(rows, levels, None, &mut self.values)?;
        if read != rows {
            bail!("a column ends too early");
        }
        Ok(())
    }

    /// The value of the next row of the batch.
    fn next(&mut self) -> Option<&T::T> {
        let is_there = !self.is_optional || self.levels.get(self.row) == Some(&1);
        self.row += 1;
        if !is_there {
            return None;
        }
        self.value += 1;
        self.values.get(self.value - 1)
    }
}

/// The columns of a group of rows, read side by side.
struct Rows {
    bucket: Column<ByteArrayType>,
    key: Column<ByteArrayType>,
    size: Option<Column<Int64Type>>,
    class: Option<Column<ByteArrayType>>,
    is_latest: Option<Column<BoolType>>,
    is_marker: Option<Column<BoolType>>,
}

impl Rows {
    fn begin(columns: &Columns, file: &Arc<Bounded>, group: &RowGroupMetaData) -> Result<Self> {
        Ok(Self {
            bucket: Column::begin(columns.bucket, file, group)?,
            key: Column::begin(columns.key, file, group)?,
            size: Column::begin_some(columns.size, file, group)?,
            class: Column::begin_some(columns.class, file, group)?,
            is_latest: Column::begin_some(columns.is_latest, file, group)?,
            is_marker: Column::begin_some(columns.is_marker, file, group)?,
        })
    }

    fn fill(&mut self, rows: usize) -> Result<()> {
        self.bucket.fill(rows)?;
        self.key.fill(rows)?;
        for flag in [&mut self.is_latest, &mut self.is_marker] {
            flag.as_mut().map_or(Ok(()), |flag| flag.fill(rows))?;
        }
        self.size.as_mut().map_or(Ok(()), |size| size.fill(rows))?;
        self.class.as_mut().map_or(Ok(()), |class| class.fill(rows))
    }

    /// The objects of a batch that were there then.
    fn take(&mut self, rows: usize, bucket: &str) -> Result<Vec<InventoryEntry>> {
        let mut entries = Vec::with_capacity(rows);
        for _ in 0..rows {
            entries.extend(self.next(bucket)?);
        }
        Ok(entries)
    }

    /// The object of the next row; nothing where it was not there then.
    fn next(&mut self, bucket: &str) -> Result<Option<InventoryEntry>> {
        let its = self.bucket.next().context("a row has no bucket")?.data() == bucket.as_bytes();
        let key = self.key.next().context("a row has no key")?;
        let is = |flag: &mut Option<Column<BoolType>>| flag.as_mut()?.next().copied();
        let is_latest = is(&mut self.is_latest) != Some(false);
        let is_marker = is(&mut self.is_marker) == Some(true);
        // A folder marker or a delete marker may have none.
        let size = self.size.as_mut().and_then(Column::next).copied();
        let class = self.class.as_mut().and_then(Column::next);
        if !its || !is_latest || is_marker {
            return Ok(None);
        }
        if key.len() > MAX_KEY_LEN {
            bail!("it has a key that is too long");
        }
        let key = str::from_utf8(key.data()).context("it has a key that is no text")?;
        let class = class.and_then(|class| str::from_utf8(class.data()).ok());
        Ok(Some(InventoryEntry {
            // As it is: keys are encoded in CSV alone.
            key: key.to_owned(),
            size: size
                .and_then(|size| size.try_into().ok())
                .unwrap_or(0)
                .min(LARGEST),
            archived: class.is_some_and(is_cold),
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const SNAPPY: &[u8] = include_bytes!("../../../testdata/inventory/snappy.parquet");
    const GZIP: &[u8] = include_bytes!("../../../testdata/inventory/gzip.parquet");
    const PLAIN: &[u8] = include_bytes!("../../../testdata/inventory/plain.parquet");

    fn read(content: &[u8]) -> Result<Vec<InventoryEntry>> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        let mut entries = Vec::new();
        each(file, "audit-logs", &|| false, &mut |entry| {
            entries.push(entry.clone());
        })?;
        Ok(entries)
    }

    #[test]
    fn rows_are_what_another_implementation_wrote() {
        let entries = read(SNAPPY).unwrap();
        assert_eq!(entries, read(GZIP).unwrap());
        // 26 objects of the archive, one whose name is as if encoded, one folder marker.
        assert_eq!(entries.len(), 28);
        let archived = entries.iter().filter(|entry| entry.archived).count();
        assert_eq!(archived, 2);
        assert!(entries[0].key.starts_with("AWSLogs/111122223333/"));
        assert!(entries[26].key.starts_with("AWSLogs%2F111122223333%2F"));
        let marker = InventoryEntry {
            key: "AWSLogs/a folder+one/é/".to_owned(),
            size: 0,
            archived: false,
        };
        assert_eq!(entries[27], marker);
        let plain = read(PLAIN).unwrap();
        let without_class = |entry: &InventoryEntry| InventoryEntry {
            archived: false,
            ..entry.clone()
        };
        let expected: Vec<_> = entries.iter().map(without_class).collect();
        // It knows no old versions, and the row of another bucket is in it.
        assert_eq!(plain, expected);
        assert_eq!(
            read(b"PAR1").unwrap_err().to_string(),
            "it is no Parquet file, or was cut"
        );
    }

    /// Whatever is changed, it comes to an end, and the program lives.
    #[test]
    fn damage_is_an_error_or_harmless() {
        let mut refused = 0;
        for sound in [SNAPPY, GZIP, PLAIN] {
            for at in (0..sound.len()).step_by(5) {
                let mut damaged = sound.to_vec();
                damaged[at] ^= [0xff, 0x01, 0x80][at % 3];
                refused += usize::from(read(&damaged).is_err());
            }
            for length in (0..sound.len()).step_by(97) {
                assert!(read(&sound[..length]).is_err(), "cut to {length}");
            }
        }
        assert!(refused > 100, "{refused}");
    }
}
