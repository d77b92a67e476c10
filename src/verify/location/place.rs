//! An account's region, and the folders that its objects lie in.

use std::fmt;
use std::sync::Arc;

use super::names::{is_account, is_organization, is_region};

/// The folder that every object of CloudTrail lies under.
pub const AWS_LOGS: &str = "AWSLogs";
/// The folder of digests, in an account's folder.
pub const DIGEST_FOLDER: &str = "CloudTrail-Digest";
/// Nearly all paths of such folders are shorter.
const FOLDER_LEN: usize = 96;
/// Nearly all paths of objects are shorter. Paths are made by the million, and a text that grows
/// bit by bit is moved each time.
pub(super) const PATH_LEN: usize = 192;
/// S3 takes no longer key.
pub const MAX_KEY_LEN: usize = 1024;

/// An account's region, where digests and logs are delivered side by side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountRegion {
    organization: Option<Arc<str>>,
    account: Arc<str>,
    region: Arc<str>,
}

impl AccountRegion {
    /// The region of an account; nothing where a name cannot be one.
    pub fn new(organization: Option<&str>, account: &str, region: &str) -> Option<Self> {
        let names_fit =
            organization.is_none_or(is_organization) && is_account(account) && is_region(region);
        names_fit.then(|| Self {
            organization: organization.map(Into::into),
            account: account.into(),
            region: region.into(),
        })
    }

    /// The organization's id (`o-…`), where the trail is an organization's.
    pub fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }

    /// The account's twelve digits.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The region where the events were recorded.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The path of a folder of this account and region, such as `AWSLogs/…/CloudTrail/us-east-1`.
    pub fn folder(&self, kind: &str) -> String {
        let mut path = String::with_capacity(FOLDER_LEN);
        self.push_folder(kind, &mut path);
        path
    }

    /// Adds that path to one that begins with it.
    pub(super) fn push_folder(&self, kind: &str, path: &mut String) {
        path.extend([AWS_LOGS, "/"]);
        if let Some(organization) = self.organization() {
            path.extend([organization, "/"]);
        }
        path.extend([&*self.account, "/", kind, "/", &*self.region]);
    }
}

impl fmt::Display for AccountRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(organization) = self.organization() {
            write!(f, "{organization}/")?;
        }
        write!(f, "{}/{}", self.account, self.region)
    }
}

/// `AWSLogs/[o-ORG/]ACCOUNT/KIND/[FURTHER/]REGION/rest`.
pub(super) struct Folders<'a> {
    pub(super) place: AccountRegion,
    pub(super) kind: &'a str,
    /// Whether a folder that is no region's stands before the region's.
    pub(super) is_further: bool,
    pub(super) rest: &'a str,
}

impl<'a> Folders<'a> {
    pub(super) fn parse(path: &'a str) -> Option<Self> {
        let rest = path.strip_prefix(AWS_LOGS)?.strip_prefix('/')?;
        let (first, rest) = rest.split_once('/')?;
        let (organization, account, rest) = if is_organization(first) {
            let (account, rest) = rest.split_once('/')?;
            (Some(first), account, rest)
        } else {
            (None, first, rest)
        };
        let (kind, rest) = rest.split_once('/')?;
        let (mut region, mut rest) = rest.split_once('/')?;
        let is_further = !is_region(region);
        if is_further {
            (region, rest) = rest.split_once('/')?;
        }
        Some(Self {
            place: AccountRegion::new(organization, account, region)?,
            kind,
            is_further,
            rest,
        })
    }
}
