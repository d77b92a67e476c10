//! What an event did, as far as it bears on chains and on what lies in a bucket.

use jiff::Timestamp;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deed {
    /// Logging was stopped.
    StopLogging,
    /// Logging was started.
    StartLogging,
    /// A trail was deleted.
    DeleteTrail,
    /// A trail was created.
    CreateTrail,
    /// A trail was changed.
    UpdateTrail,
    /// What a trail records was changed.
    PutEventSelectors,
    /// An object was deleted.
    DeleteObject,
    /// Objects were deleted; which ones, the event does not tell.
    DeleteObjects,
    /// A bucket was told when to delete objects.
    PutBucketLifecycle,
    /// An object was written.
    PutObject,
}

/// Who does it: the service that records the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    CloudTrail,
    S3,
}

impl Deed {
    /// Every deed.
    pub const ALL: [Self; 10] = [
        Self::StopLogging,
        Self::StartLogging,
        Self::DeleteTrail,
        Self::CreateTrail,
        Self::UpdateTrail,
        Self::PutEventSelectors,
        Self::DeleteObject,
        Self::DeleteObjects,
        Self::PutBucketLifecycle,
        Self::PutObject,
    ];

    /// The `eventName`.
    pub fn name(self) -> &'static str {
        match self {
            Self::StopLogging => "StopLogging",
            Self::StartLogging => "StartLogging",
            Self::DeleteTrail => "DeleteTrail",
            Self::CreateTrail => "CreateTrail",
            Self::UpdateTrail => "UpdateTrail",
            Self::PutEventSelectors => "PutEventSelectors",
            Self::DeleteObject => "DeleteObject",
            Self::DeleteObjects => "DeleteObjects",
            Self::PutBucketLifecycle => "PutBucketLifecycle",
            Self::PutObject => "PutObject",
        }
    }

    /// The deed whose events are named so. S3 has had two names for one of them.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "PutBucketLifecycleConfiguration" {
            return Some(Self::PutBucketLifecycle);
        }
        Self::ALL.into_iter().find(|deed| deed.name() == name)
    }

    pub(super) fn service(self) -> Service {
        match self {
            Self::StopLogging
            | Self::StartLogging
            | Self::DeleteTrail
            | Self::CreateTrail
            | Self::UpdateTrail
            | Self::PutEventSelectors => Service::CloudTrail,
            Self::DeleteObject
            | Self::DeleteObjects
            | Self::PutBucketLifecycle
            | Self::PutObject => Service::S3,
        }
    }
}

impl Service {
    /// Its `eventSource`.
    pub(super) fn source(self) -> &'static str {
        match self {
            Self::CloudTrail => "cloudtrail.amazonaws.com",
            Self::S3 => "s3.amazonaws.com",
        }
    }
}

/// An event that was recorded in a log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordedEvent {
    /// When.
    pub at: Timestamp,
    /// Its `eventID`; empty where its record tells none.
    pub id: Box<str>,
    /// What was done.
    pub deed: Deed,
    /// Who did it: an ARN, where one is told.
    pub who: Box<str>,
    /// From which address.
    pub address: Box<str>,
    /// The account that it was recorded for; empty where its record tells none.
    pub account: Box<str>,
    /// The region that it was recorded in; empty where its record tells none.
    pub region: Box<str>,
    /// The trail, by name or ARN.
    pub trail: Option<Box<str>>,
    /// Whether the trail was told to deliver digests, or not to.
    pub validation: Option<bool>,
    /// The bucket: the one that a trail was told to deliver to, or the one that objects lie in.
    pub bucket: Option<Box<str>>,
    /// The object's key.
    pub key: Option<Box<str>>,
}
