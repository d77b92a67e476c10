//! The sources that the contract binds, each with the same objects.

use std::path::Path;

use ct_verify::source::snapshot::SnapshotSource;
use ct_verify::source::{
    Connection, FolderSource, Patience, S3Place, S3Source, Settings, Source, SourceError,
};
use ct_verify::verify::location::RootId;
use tempfile::TempDir;

use crate::forge::{Archive, FolderWriter, Metadata, StoredObject, keyfiles::trusted_keys};
use crate::s3::served::{DAY, Served};
use crate::scenarios::common::trail;
use crate::server::{Fault, Operation, Rule};
use crate::trust::memory::{As, MemorySource};

pub const BUCKET: &str = "audit-logs";
pub const PREFIX: &str = "a prefix/of two";
pub const LOGS: &str = "AWSLogs/111122223333/CloudTrail/us-east-1";
pub const DIGESTS: &str = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1";

/// Names that some tool on the way may take for something else.
pub const ODD_NAMES: [&str; 7] = [
    "with a space.json.gz",
    "100%25 +plus&and=more?.json.gz",
    "ünïcödé-日本.json.gz",
    "it's \"quoted\" <here>.json.gz",
    ".begins-with-a-dot.json.gz",
    "-begins-with-a-dash.json.gz",
    "back\\slash;semi:colon.json.gz",
];

/// A source that holds an archive, and what it lives on.
pub struct Keeper {
    pub name: &'static str,
    pub source: Box<dyn Source>,
    pub root: RootId,
    _served: Option<Served>,
    dir: Option<TempDir>,
}

/// Six hours of a trail in two regions, below a prefix; and among its logs some with odd names.
pub fn archive() -> Archive {
    let trail = trail(6).regions(&["us-east-1", "eu-west-1"]);
    let mut archive = trail.place(BUCKET, PREFIX).archive();
    for name in ODD_NAMES {
        let key = format!("{PREFIX}/{LOGS}/2024/03/10/{name}");
        let object = StoredObject {
            body: name.as_bytes().to_vec(),
            ..StoredObject::default()
        };
        archive.store.objects.insert((BUCKET.into(), key), object);
    }
    archive
}

/// The archive in every kind of source.
pub fn keepers(archive: &Archive) -> Vec<Keeper> {
    vec![
        in_a_folder(archive),
        in_a_bucket(archive, |_| {}),
        in_a_snapshot(archive, |_| {}),
        in_memory(archive),
    ]
}

pub fn in_a_folder(archive: &Archive) -> Keeper {
    let dir = tempfile::tempdir().expect("a folder");
    let mut writer = FolderWriter::new(dir.path(), Metadata::Sidecar).bucket_in(BUCKET, "");
    writer.write(&archive.store);
    let (source, _) = FolderSource::open(dir.path()).expect("a folder that can be opened");
    Keeper::of("a folder", Box::new(source), None, Some(dir))
}

/// `before` does to the server what a test is about.
pub fn in_a_bucket(archive: &Archive, before: impl FnOnce(&Served)) -> Keeper {
    let served = Served::new(archive);
    before(&served);
    let settings = Settings {
        endpoint_url: Some(served.server.url()),
        no_sign_request: true,
        patience: Patience {
            attempts: Some(2),
            ..Patience::default()
        },
        ..Settings::default()
    };
    let connection = Connection::open(settings, drop).expect("a connection");
    let source = S3Source::new(connection, S3Place::new(BUCKET, ""));
    Keeper::of("a bucket", Box::new(source), Some(served), None)
}

/// A snapshot of that bucket.
pub fn in_a_snapshot(archive: &Archive, before: impl FnOnce(&Served)) -> Keeper {
    let dir = tempfile::tempdir().expect("a folder");
    let keys = dir.path().join("keys.json");
    std::fs::write(&keys, trusted_keys()).expect("a key file");
    let served = Served::new(archive).args(DAY);
    let served = served.args(["--public-keys", keys.to_str().expect("a plain path")]);
    before(&served);
    let evidence = dir.path().join("evidence");
    let taken = served
        .snapshot(&format!("s3://{BUCKET}"), &evidence)
        .output();
    let told = String::from_utf8_lossy(&taken.expect("a run").stderr).into_owned();
    let source = SnapshotSource::open(&evidence).expect("a snapshot");
    let source = source.unwrap_or_else(|| panic!("no snapshot: {told}"));
    Keeper::of("a snapshot", Box::new(source), None, Some(dir))
}

pub fn in_memory(archive: &Archive) -> Keeper {
    let source = MemorySource::new(&archive.store, As::Bucket, Some(7));
    Keeper::of("memory", Box::new(source), None, None)
}

impl Keeper {
    fn of(
        name: &'static str,
        source: Box<dyn Source>,
        served: Option<Served>,
        dir: Option<TempDir>,
    ) -> Self {
        let (roots, problems) = source.roots().expect("roots");
        assert!(problems.is_empty(), "{name}: {problems:?}");
        let [root] = &*roots else {
            panic!("{name}: one AWSLogs, and these roots: {roots:?}");
        };
        Self {
            name,
            root: root.id,
            source,
            _served: served,
            dir,
        }
    }

    /// The folder that it lives in.
    pub fn dir(&self) -> &Path {
        self.dir.as_ref().expect("a folder").path()
    }

    /// What a log holds, as it is stored.
    pub fn log(&self, path: &str) -> Result<Vec<u8>, SourceError> {
        let mut body = self.source.log(self.root, path)?;
        let mut content = Vec::new();
        let read = std::io::Read::read_to_end(&mut body.reader, &mut content);
        read.map_err(|error| SourceError::Failed(error.to_string().into()))?;
        Ok(content)
    }
}

/// The path of an object, from `AWSLogs` on.
pub fn path(key: &str) -> &str {
    key.strip_prefix(PREFIX)
        .and_then(|key| key.strip_prefix('/'))
        .expect("a key below the prefix")
}

/// Whoever asks for this object gets this in its place, for good.
pub fn refuses(fault: Fault, path: &str) -> impl FnOnce(&Served) {
    let rule = Rule::new(fault).on(&[Operation::GetObject]);
    let rule = rule.key(&format!("{PREFIX}/{path}"));
    |served| served.server.faults().add(rule)
}
