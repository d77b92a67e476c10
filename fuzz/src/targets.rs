//! One function for each parser of bytes that may come from an attacker. Beside not panicking, each holds what it got
//! against something that must be true of it.

use std::{
    fs,
    io::{self, Cursor, Read, Write},
    sync::LazyLock,
};

use ct_verify::{
    source::{FolderSource, Inventory, Source, SourceError},
    verify::{
        digest::{Predecessor, UnverifiedDigest},
        evidence::{Scanner, read_events},
        hashing::{Content, ContentError, ContentReader, Encoding, Sha256Hash},
        keys::{Fingerprint, KeySet, PublicKey, parse_keys},
        location::{DigestKey, LogPath, ObjectLocation, split_key},
        query::{ExportFolder, FileName, UnverifiedSignFile},
        signature::Signature,
    },
};

use flate2::{Compression, write::GzEncoder};

use super::{plain::inflated, stored::scratch};

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

/// No log makes the search for events fail, nor the reading of them. What the search looks at around a name is a few thousand
/// bytes: within them it finds the same, whatever the pieces are that a log comes in.
pub fn events(data: &[u8]) {
    const AROUND: usize = 4096;
    let hint = |step: usize| {
        let mut scanner = Scanner::new("audit-logs");
        for chunk in data.chunks(step) {
            scanner.feed(chunk);
        }
        scanner.finish()
    };
    let whole = hint(data.len().max(1));
    for step in [1, 3, 64] {
        assert!(
            hint(step) == whole || data.len() > AROUND,
            "in pieces of {step}"
        );
    }
    let _ = read_events(data);
}

/// A metadata file beside a digest, as `aws s3api head-object` prints it. What is taken from it stands in it, as text, under
/// a name that differs by case at most.
pub fn sidecar(data: &[u8]) {
    let folder = tempfile::tempdir_in(scratch()).expect("a temporary folder");
    let digests = folder.path().join("AWSLogs");
    fs::create_dir(&digests).expect("a folder");
    fs::write(digests.join("x.json.gz"), b"digest").expect("a file");
    fs::write(digests.join("x.json.gz.metadata.json"), data).expect("a file");
    let (source, _) = FolderSource::open(folder.path()).expect("a folder");
    let (roots, _) = source.roots().expect("it was made above");
    let root = roots.first().expect("it has AWSLogs").id;
    let (_, metadata) = match source.digest(root, "AWSLogs/x.json.gz") {
        Ok(read) => read,
        Err(SourceError::Failed(_)) => return,
        Err(error) => panic!("it is there: {error}"),
    };
    // What no other reader takes for JSON may hold numbers that nobody can write down.
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(data) else {
        return;
    };
    let told = json["Metadata"].as_object();
    for (name, value) in metadata.pairs() {
        let mut told = told.expect("it tells of metadata").iter();
        let is_it = |(other, text): (&String, &serde_json::Value)| {
            other.eq_ignore_ascii_case(name) && text.as_str() == Some(value)
        };
        assert!(told.any(is_it), "{name}: {value:?}");
    }
}

/// The manifest of an S3 Inventory, in a folder that holds one empty file. No file is read that lies elsewhere.
pub fn manifest(data: &[u8]) {
    let folder = tempfile::tempdir_in(scratch()).expect("a temporary folder");
    let inside = folder.path().join("inventory");
    fs::create_dir(&inside).expect("a folder");
    let path = inside.join("manifest.json");
    fs::write(&path, data).expect("a file");
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed
        .write_all(b"\"audit-logs\",\"outside\"\n")
        .expect("memory takes everything");
    let packed = packed.finish().expect("memory takes everything");
    fs::write(folder.path().join("file"), packed).expect("a file");
    let Ok(inventory) = Inventory::open(&path, || unreachable!("it is no bucket")) else {
        return;
    };
    let mut keys = Vec::new();
    let _ = inventory.each(&|| false, &mut |object| keys.push(object.key.clone()));
    assert!(keys.is_empty(), "it was led out of its folder: {keys:?}");
}
