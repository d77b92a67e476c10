//! What of an archive was named, where the source is a folder inside of it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::verify::location::{
    AWS_LOGS, DIGEST_FOLDER, LogKind, is_account, is_organization, is_region,
};

/// A folder below `AWSLogs` that was named as the source: only that account's or region's part is verified, and all of
/// its time. The folder of a month or a day is no smaller part: a range is what `--start-time` is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// Only this account.
    pub account: Option<String>,
    /// Only this region.
    pub region: Option<String>,
}

impl Narrowing {
    /// What the folders below an `AWSLogs` folder name; nothing where they are no account's, so
    /// that whatever lies below has to be searched for.
    pub(in super::super) fn below_aws_logs<'a>(
        mut folders: impl Iterator<Item = &'a str>,
    ) -> Option<Self> {
        let mut narrowing = Self::default();
        let mut next = folders.next();
        if next.is_some_and(is_organization) {
            next = folders.next();
        }
        if let Some(name) = next {
            if !is_account(name) {
                return None;
            }
            narrowing.account = Some(name.to_owned());
        }
        // The folder of a kind of log alone is no smaller part: its digests lie beside it.
        let _kind = folders.next();
        narrowing.region = folders
            .next()
            .filter(|name| is_region(name))
            .map(str::to_owned);
        Some(narrowing)
    }
}

/// The folder that holds the last `AWSLogs` of `path`, and what of it was named.
pub(super) fn above_aws_logs(path: &Path) -> Option<(PathBuf, Narrowing)> {
    let logs = path
        .ancestors()
        .find(|above| above.file_name() == Some(OsStr::new(AWS_LOGS)))?;
    let below = path.strip_prefix(logs).ok()?;
    let narrowing = Narrowing::below_aws_logs(below.iter().filter_map(OsStr::to_str))?;
    Some((logs.parent()?.to_owned(), narrowing))
}

/// The same, where what was named has digests or logs in it: no folder of somebody's own inside of an account's,
/// and none of query results.
pub(super) fn above_logs(path: &Path) -> Option<(PathBuf, Narrowing)> {
    let (above, narrowing) = above_aws_logs(path)?;
    let below = path.strip_prefix(above.join(AWS_LOGS)).ok()?;
    let mut folders = below.iter().filter_map(OsStr::to_str);
    let account = folders.find(|name| !is_organization(name));
    let kind = account.and_then(|_| folders.next());
    let is_kind = |name: &str| name == DIGEST_FOLDER || LogKind::from_folder(name).is_some();
    kind.is_none_or(is_kind).then_some((above, narrowing))
}
