//! What the buckets hold: objects, their versions, their storage classes.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use md5::{Digest as _, Md5};

/// User metadata: names without `x-amz-meta-`.
pub(crate) type Metadata = BTreeMap<String, String>;

/// S3's storage classes, as far as reading from them differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Class {
    #[default]
    Standard,
    StandardIa,
    IntelligentTiering,
    GlacierInstant,
    Glacier,
    DeepArchive,
}

impl Class {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::StandardIa => "STANDARD_IA",
            Self::IntelligentTiering => "INTELLIGENT_TIERING",
            Self::GlacierInstant => "GLACIER_IR",
            Self::Glacier => "GLACIER",
            Self::DeepArchive => "DEEP_ARCHIVE",
        }
    }
}

/// How far a restore of an archived object is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Restore {
    #[default]
    Never,
    InProgress,
    Until(SystemTime),
}

/// The content of one version of an object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) body: Bytes,
    pub(crate) metadata: Metadata,
    pub(crate) etag: [u8; 16],
    pub(crate) class: Class,
    pub(crate) restore: Restore,
    pub(crate) content_type: &'static str,
}

impl Object {
    pub(crate) fn new(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self {
            etag: Md5::digest(&body).into(),
            body,
            metadata: Metadata::new(),
            class: Class::default(),
            restore: Restore::default(),
            content_type: "application/json",
        }
    }

    pub(crate) fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    pub(crate) fn with_class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    /// Whether a GET is answered with `InvalidObjectState`.
    pub(crate) fn is_archived(&self) -> bool {
        let archive = matches!(self.class, Class::Glacier | Class::DeepArchive);
        archive && !matches!(self.restore, Restore::Until(_))
    }
}

/// One version of a key; without content, a delete marker.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) id: u64,
    pub(crate) modified: SystemTime,
    pub(crate) content: Option<Object>,
}

impl Version {
    /// The id as S3 writes it: `null` for what an unversioned bucket took.
    pub(crate) fn name(&self) -> String {
        match self.id {
            0 => "null".to_owned(),
            id => format!("v{id:031}"),
        }
    }
}

/// How a bucket answers a request signed for another region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum WrongRegion {
    #[default]
    Serve,
    /// 301 with `x-amz-bucket-region`, as regional endpoints do.
    PermanentRedirect,
    /// 400 with the region in the body, as the old global endpoint does.
    AuthorizationHeaderMalformed,
}

/// A bucket and how it behaves.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    pub(crate) region: String,
    pub(crate) wrong_region: WrongRegion,
    /// A versioned bucket keeps what is overwritten or deleted.
    pub(crate) versioned: bool,
    /// No `s3:ListBucket`: listings are denied, and so is what does not exist.
    pub(crate) deny_list: bool,
    pub(crate) requester_pays: bool,
    /// The versions of each key, oldest first.
    pub(crate) keys: BTreeMap<String, Vec<Version>>,
    /// Given to what is put next; a second more each time.
    pub(crate) clock: SystemTime,
    versions: u64,
}

impl Default for Bucket {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            wrong_region: WrongRegion::default(),
            versioned: false,
            deny_list: false,
            requester_pays: false,
            keys: BTreeMap::new(),
            clock: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
            versions: 0,
        }
    }
}

impl Bucket {
    pub(crate) fn put(&mut self, key: &str, object: Object) {
        let version = self.next(Some(object));
        self.push(key, version);
    }

    /// What DELETE does: a marker in a versioned bucket, else gone for good.
    pub(crate) fn delete(&mut self, key: &str) {
        if self.versioned {
            let marker = self.next(None);
            self.push(key, marker);
        } else {
            self.keys.remove(key);
        }
    }

    /// All versions gone for good.
    pub(crate) fn erase(&mut self, key: &str) {
        self.keys.remove(key);
    }

    /// The current content; None for what is not there, or deleted.
    pub(crate) fn get(&self, key: &str) -> Option<&Object> {
        self.latest(key)?.content.as_ref()
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Object> {
        self.keys.get_mut(key)?.last_mut()?.content.as_mut()
    }

    pub(crate) fn latest(&self, key: &str) -> Option<&Version> {
        self.keys.get(key)?.last()
    }

    fn next(&mut self, content: Option<Object>) -> Version {
        self.clock += Duration::from_secs(1);
        self.versions += 1;
        let id = if self.versioned { self.versions } else { 0 };
        Version {
            id,
            modified: self.clock,
            content,
        }
    }

    fn push(&mut self, key: &str, version: Version) {
        match self.keys.get_mut(key) {
            Some(versions) => {
                versions.retain(|old| old.id != version.id);
                versions.push(version);
            }
            None => {
                self.keys.insert(key.to_owned(), vec![version]);
            }
        }
    }
}

/// All buckets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    pub(crate) buckets: BTreeMap<String, Bucket>,
}

impl Store {
    /// The bucket of that name, made where there is none.
    pub(crate) fn bucket(&mut self, name: &str) -> &mut Bucket {
        self.buckets.entry(name.to_owned()).or_default()
    }

    pub(crate) fn put(&mut self, bucket: &str, key: &str, object: Object) {
        self.bucket(bucket).put(key, object);
    }
}

impl<B: Into<Bytes>> FromIterator<((String, String), (B, Metadata))> for Store {
    /// From a plain map of (bucket, key) to (body, metadata).
    fn from_iter<I: IntoIterator<Item = ((String, String), (B, Metadata))>>(items: I) -> Self {
        let mut store = Self::default();
        for ((bucket, key), (body, metadata)) in items {
            store.put(&bucket, &key, Object::new(body).with_metadata(metadata));
        }
        store
    }
}
