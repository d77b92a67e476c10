"""Makes the files beside it from the archive `clean`; needs pyarrow."""

import gzip
from pathlib import Path
from urllib.parse import quote_plus

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
ARCHIVE = HERE.parent / "clean" / "archive"
BUCKET = "audit-logs"

# bucket, key, version_id, is_latest, is_delete_marker, size, last_modified_date, storage_class
rows = []
for path in sorted(ARCHIVE.rglob("*.json.gz")):
    key = path.relative_to(ARCHIVE).as_posix()
    rows.append([BUCKET, key, f"v{len(rows)}", True, False, path.stat().st_size, 1710072000000, "STANDARD"])
log = next(row for row in rows if "Digest" not in row[1])
rows[3][7] = "GLACIER"
log[7] = "DEEP_ARCHIVE"
# What would be more logs, if it counted, or were decoded.
rows += [
    [BUCKET, log[1].replace(".json.gz", "x.json.gz"), "old", False, False, 1000, 1710072000000, "STANDARD"],
    [BUCKET, log[1].replace(".json.gz", "y.json.gz"), "marker", True, True, None, 1710072000000, None],
    ["another", log[1].replace(".json.gz", "z.json.gz"), "other", True, False, 1000, 1710072000000, "STANDARD"],
    [BUCKET, log[1].replace("/", "%2F"), "encoded", True, False, 1000, 1710072000000, "STANDARD"],
    [BUCKET, "AWSLogs/a folder+one/é/", "null", True, False, None, None, None],
]

NAMES = ["bucket", "key", "version_id", "is_latest", "is_delete_marker", "size", "last_modified_date", "storage_class"]
TYPES = [pa.string(), pa.string(), pa.string(), pa.bool_(), pa.bool_(), pa.int64(), pa.timestamp("ms", "UTC"), pa.string()]


def write(name, these=rows, names=NAMES, types=TYPES, **options):
    at = [NAMES.index(name) for name in names]
    fields = [pa.field(NAMES[i], kind, nullable=NAMES[i] not in ("bucket", "key")) for i, kind in zip(at, types)]
    columns = [pa.array([row[i] for row in these], type=field.type) for i, field in zip(at, fields)]
    table = pa.Table.from_arrays(columns, schema=pa.schema(fields))
    pq.write_table(table, HERE / name, version="1.0", write_statistics=False, store_schema=False, **options)


now = [row for row in rows if row[3] and not row[4]]
write("snappy.parquet", compression="snappy", row_group_size=7)
write("gzip.parquet", compression="gzip", row_group_size=16, use_dictionary=False, data_page_version="2.0")
few, kinds = ["bucket", "key", "size"], [pa.string(), pa.string(), pa.int64()]
write("plain.parquet", now, few, kinds, compression="none")
write("keyless.parquet", now[:1], ["bucket", "size"], [pa.string(), pa.int64()])
text = [[*row[:5], str(row[5]), *row[6:]] for row in now[:1]]
write("mistyped.parquet", text, few, [pa.string()] * 3)
write("zstd.parquet", now[:1], few, kinds, compression="zstd")


def field(name, value):
    if name == "key":
        value = quote_plus(value)
    return '"' + ("" if value is None else str(value).lower() if isinstance(value, bool) else str(value)) + '"'


lines = "".join(",".join(field(*pair) for pair in zip(NAMES, row)) + "\n" for row in rows)
(HERE / "rows.csv.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))
