//! One function for each parser of bytes that may come from an attacker. Beside not panicking, each holds what it got
//! against something that must be true of it.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Cursor, Read, Write},
    sync::LazyLock,
};

use ct_verify::{
    plan,
    report::{Format, Look, saved},
    source::{
        Inventory, Source,
        snapshot::{Alteration, Named, SnapshotSource},
    },
    verify::{
        digest::{Predecessor, UnverifiedDigest},
        evidence::{Scanner, read_events},
        hashing::{Content, ContentError, ContentReader, Encoding, Sha256Hash},
        keys::{Fingerprint, KeySet, PublicKey, parse_keys},
        location::{DigestKey, LogPath, ObjectLocation, RootId, split_key},
        query::{ExportFolder, FileName, UnverifiedSignFile},
        signature::Signature,
    },
};

use flate2::{Compression, write::GzEncoder};

use super::plain::inflated;

/// The keys of the test archives, and real ones.
static KEYS: LazyLock<KeySet> = LazyLock::new(|| {
    let files: [&[u8]; 2] = [
        include_bytes!("../../testdata/clean/public-keys.json"),
        include_bytes!("../../testdata/published/public-keys.json"),
    ];
    let keys = files
        .into_iter()
        .flat_map(|file| parse_keys(file).expect("keys"));
    KeySet::new(keys).expect("some keys")
});

fn content_of(bytes: &[u8]) -> Content {
    Content {
        hash: Sha256Hash::of(bytes),
        encoding: Encoding::Plain,
        stored: bytes.len() as u64,
        length: bytes.len() as u64,
    }
}

/// Whatever parses says where it belongs, and nothing of logs: without a signature that fits it stays unverified. Its
/// fields are those that another reader of JSON finds.
pub fn digest(data: &[u8]) {
    let Ok(digest) = UnverifiedDigest::parse(data, content_of(data)) else {
        return;
    };
    assert!(std::str::from_utf8(data).is_ok(), "JSON is UTF-8");
    // Numbers that no reader holds may stand in fields that are passed over.
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(data) else {
        return;
    };
    let text = |name: &str| json[name].as_str().expect("a text").to_owned();
    assert_eq!(**digest.location().bucket(), *text("digestS3Bucket"));
    assert_eq!(**digest.location().key(), *text("digestS3Object"));
    let fingerprint = text("digestPublicKeyFingerprint");
    assert_eq!(
        Some(digest.fingerprint()),
        Fingerprint::from_hex(&fingerprint)
    );
    assert_eq!(*digest.hash(), Sha256Hash::of(data));
    let previous = digest.claimed_predecessor();
    assert_eq!(
        previous.is_none(),
        json["previousDigestSignature"].is_null()
    );
    if let Some(key) = DigestKey::parse(digest.location().key()) {
        let agrees = digest.agrees_with(&key);
        assert!(!agrees || text("awsAccountId") == key.chain().place().account());
    }
    // No key of CloudTrail's signed what a fuzzer makes up: not with the signatures in it, and not with the key's own size.
    let claimed = previous.and_then(Predecessor::signature);
    let filled = Signature::from_hex(&"01".repeat(256));
    let mut digest = digest;
    for signature in claimed.into_iter().chain(filled) {
        match digest.verify(&signature, &KEYS) {
            Ok(verified) => panic!("signed by nobody: {} logs", verified.logs().len()),
            Err((back, _)) => digest = *back,
        }
    }
}

/// Gives a few bytes at a time.
struct Trickle<R>(R, usize);

impl<R: Read> Read for Trickle<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = self.1.min(into.len());
        self.0.read(&mut into[..most])
    }
}

/// Within the limit, it holds what another inflater says; else it is refused.
pub fn gzip(data: &[u8]) {
    const LIMIT: usize = 1 << 20;
    let expected = inflated(data);
    let mut reader = ContentReader::default();
    let whole = reader.collect(Box::new(Cursor::new(data.to_vec())), LIMIT);
    let step = data.len() % 7 + 1;
    let slow = reader.collect(Box::new(Trickle(Cursor::new(data.to_vec()), step)), LIMIT);
    match (&whole, &slow) {
        (Ok(one), Ok(other)) => assert_eq!(one, other),
        (Err(_), Err(_)) => {}
        (one, other) => panic!("{one:?}, and slowly {other:?}"),
    }
    match whole {
        Ok((content, bytes)) => {
            assert_eq!(Some(&bytes), expected.as_ref());
            assert_eq!(content.hash, Sha256Hash::of(&bytes));
            assert_eq!(content.length, bytes.len() as u64);
            let hashed = reader.hash(Box::new(Cursor::new(data.to_vec())), u64::MAX);
            assert_eq!(hashed.expect("it was read before"), content);
        }
        Err(ContentError::TooLarge(_)) => {
            assert!(expected.is_none_or(|bytes| bytes.len() > LIMIT));
        }
        Err(ContentError::Malformed(_)) => assert_eq!(expected, None),
        Err(ContentError::Read(error)) => panic!("memory can be read: {error}"),
    }
}

/// What is parsed is written back as it was; nothing leads out of a folder.
pub fn object_keys(data: &[u8]) {
    let Ok(key) = std::str::from_utf8(data) else {
        return;
    };
    let location = ObjectLocation::new("bucket", key);
    let path = match split_key(key) {
        Some((prefix, path)) => {
            let whole = if prefix.is_empty() {
                path.to_owned()
            } else {
                format!("{prefix}/{path}")
            };
            assert!(
                whole == key || key.strip_prefix('/') == Some(path),
                "{key:?} {prefix:?}"
            );
            assert!(path.starts_with("AWSLogs/"));
            assert_eq!(location.split(), Some((prefix, path)));
            path
        }
        None => key,
    };
    if let Some(digest) = DigestKey::parse(path) {
        assert_eq!(digest.path(), path);
        assert_eq!(DigestKey::parse(&digest.path()), Some(digest));
    }
    if let Some(log) = LogPath::parse(path)
        && let Some(name) = log.name
    {
        assert_eq!(name.path(&log.place), path);
        assert_eq!(Some(name.time()), log.time);
        assert!(DigestKey::parse(path).is_none(), "a log or a digest");
    }
    let _ = ExportFolder::parse(path);
    if let Some(name) = FileName::new(key) {
        let joined = std::path::Path::new("folder").join(name.as_str());
        assert_eq!(joined.parent(), Some("folder".as_ref()), "{key:?}");
    }
}

/// Every key has its own fingerprint, and is no shorter than CloudTrail's.
pub fn key_files(data: &[u8]) {
    let Ok(keys) = parse_keys(data) else {
        return;
    };
    assert!(!keys.is_empty(), "a file without keys is refused");
    for key in &keys {
        let value = key.value();
        if let Some(value) = value {
            let again = PublicKey::from_value(&value, Some(&key.fingerprint().to_string()));
            assert_eq!(
                again.expect("its own value").fingerprint(),
                key.fingerprint()
            );
        }
        // It takes no signature of zeros, nor one of the modulus' own size.
        for byte in ["00", "01", "ff"] {
            let signature = Signature::from_hex(&byte.repeat(256)).expect("digits");
            assert!(!signature.is_valid(key, b"text"));
        }
    }
}

/// Nothing that is not signed gives names and hashes, and what gives them leads nowhere.
pub fn sign_file(data: &[u8]) {
    let Ok(file) = UnverifiedSignFile::parse(data) else {
        return;
    };
    assert!(std::str::from_utf8(data).is_ok(), "JSON is UTF-8");
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(data) else {
        return;
    };
    let files = json["files"].as_array().expect("a list").len();
    assert_eq!(file.claimed_files(), files);
    assert_eq!(Some(file.region()), json["region"].as_str());
    if let Ok(verified) = file.verify(&KEYS) {
        // The corpus holds real ones: another byte in what is signed, and it is none.
        for entry in verified.files() {
            assert!(FileName::new(entry.name().as_str()).is_some());
        }
        assert!(!verified.files().is_empty());
    }
}

/// A state is taken whole or not at all.
pub fn state(data: &[u8]) {
    if let Ok(chains) = plan::check_state(data) {
        assert!(chains > 0, "a state of nothing is refused");
        let mut other = data.to_vec();
        other.push(b'x');
        assert!(plan::check_state(&other).is_err());
    }
}

/// A folder of three files: the head, the index and the manifest of a snapshot, with a line `==` between them.
pub fn snapshot(data: &[u8]) {
    let text = data.to_vec();
    let mut parts = text.split(|byte| *byte == 0x1e);
    let folder = tempfile::tempdir_in(scratch()).expect("a temporary folder");
    for name in ["snapshot.json", "objects.jsonl", "MANIFEST.sha256"] {
        if let Some(part) = parts.next() {
            fs::write(folder.path().join(name), part).expect("a file");
        }
    }
    let Ok(Some(source)) = SnapshotSource::open(folder.path()) else {
        return;
    };
    assert!(source.head().finished, "only what is finished is opened");
    let one_by_one = |batch: &[Named], compare: &(dyn Fn(&Named) -> Option<Alteration> + Sync)| {
        batch.iter().map(compare).collect()
    };
    let checked = source
        .check(&one_by_one)
        .expect("what was written can be read");
    let named: BTreeSet<_> = checked
        .altered
        .iter()
        .map(|altered| &altered.file)
        .collect();
    assert!(named.len() <= checked.altered.len());
    let (roots, _) = source.roots().expect("roots");
    for root in roots {
        let _ = source.level(root.id, "AWSLogs");
        let _ = source.folders(root.id, "AWSLogs");
        let place = source.stated(root.id);
        let mut seen = Vec::new();
        source.list(root.id, "AWSLogs", &Default::default(), &mut |object| {
            seen.push(object.rest.to_owned());
        });
        for rest in seen {
            // Nothing of this lies in the folder.
            let path = format!("AWSLogs/{rest}");
            assert!(
                source.digest(root.id, &path).is_err(),
                "{path} of {place:?}"
            );
            assert!(source.log(root.id, &path).is_err(), "{path}");
        }
    }
    assert!(source.log(RootId(u32::MAX), "AWSLogs/x").is_err());
}

/// A file of an S3 Inventory: Parquet, or a line that names the columns of CSV, and the CSV. No more objects come of it than
/// it has lines, and none that could not be.
pub fn inventory(data: &[u8]) {
    let mut csv = data.splitn(2, |byte| *byte == b'\n');
    let schema = String::from_utf8_lossy(csv.next().unwrap_or_default());
    let (format, content) = if data.starts_with(b"PAR1") {
        ("Parquet", data.to_vec())
    } else {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed
            .write_all(csv.next().unwrap_or_default())
            .expect("memory takes everything");
        ("CSV", packed.finish().expect("memory takes everything"))
    };
    let folder = tempfile::tempdir_in(scratch()).expect("a temporary folder");
    let manifest = serde_json::json!({
        "sourceBucket": "audit-logs",
        "destinationBucket": "arn:aws:s3:::inventories",
        "creationTimestamp": "1710072000000",
        "fileFormat": format,
        "fileSchema": schema,
        "files": [{"key": "file", "size": content.len()}],
    });
    let path = folder.path().join("manifest.json");
    fs::write(&path, manifest.to_string()).expect("a file");
    fs::write(folder.path().join("file"), content).expect("a file");
    let Ok(inventory) = Inventory::open(&path, || unreachable!("it is no bucket")) else {
        return;
    };
    let mut count = 0_usize;
    let _ = inventory.each(&|| false, &mut |object| {
        assert!(object.size <= 1 << 32, "it is summed up");
        count += 1;
    });
    let lines = data.split(|byte| *byte == b'\n').count();
    assert!(
        format == "Parquet" || count < lines,
        "{count} of {lines} lines"
    );
}

/// Memory, where there is such a place.
fn scratch() -> std::path::PathBuf {
    let memory = std::path::PathBuf::from("/dev/shm");
    if memory.is_dir() {
        memory
    } else {
        std::env::temp_dir()
    }
}

/// What is taken for a report is written again in every format, and the JSON is the same report.
pub fn report(data: &[u8]) {
    let Ok(report) = saved::read(data) else {
        return;
    };
    let look = Look::default();
    for format in Format::ALL {
        let mut out = Vec::new();
        report
            .render(format, &look, &mut out)
            .expect("memory takes everything");
        let text = String::from_utf8(out).expect("UTF-8");
        let acts = |letter: char| letter.is_control() && letter != '\n' && letter != '\t';
        assert!(!text.contains(acts), "{format:?}: {text:?}");
        if format == Format::Json {
            let again = saved::read(text.as_bytes()).expect("its own JSON");
            assert_eq!(again, report);
        }
    }
}

/// No log makes the search for events fail, nor the reading of them.
pub fn events(data: &[u8]) {
    for step in [1, 3, 64, data.len().max(1)] {
        let mut scanner = Scanner::new("audit-logs");
        for chunk in data.chunks(step) {
            scanner.feed(chunk);
        }
        scanner.finish();
    }
    let _ = read_events(data);
}
