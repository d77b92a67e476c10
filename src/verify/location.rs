//! Where objects lie: object locations, and the keys of digests and logs, parsed strictly.
//!
//! Keys are looked at from their `AWSLogs` folder on. That part is called the *path*; what stands
//! before it is the bucket's *prefix*.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::time::{day_folders, digest_name_time, parse_day, parse_name_time};

/// The folder that every object of CloudTrail lies under.
pub const AWS_LOGS: &str = "AWSLogs";
/// The folder of digests, in an account's folder.
pub const DIGEST_FOLDER: &str = "CloudTrail-Digest";
/// S3 takes no longer key.
pub const MAX_KEY_LEN: usize = 1024;

/// One place that holds an `AWSLogs` folder: a bucket and prefix, or a copy of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RootId(pub u32);

/// A bucket and a key in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectLocation {
    bucket: Arc<str>,
    key: Arc<str>,
}

impl ObjectLocation {
    /// The object `key` in `bucket`.
    pub fn new(bucket: impl Into<Arc<str>>, key: impl Into<Arc<str>>) -> Self {
        Self {
            bucket: bucket.into(),
            key: key.into(),
        }
    }

    /// The bucket's name.
    pub fn bucket(&self) -> &Arc<str> {
        &self.bucket
    }

    /// The object's key.
    pub fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// The key cut at its last `AWSLogs` folder: prefix (without a closing slash) and path.
    pub fn split(&self) -> Option<(&str, &str)> {
        split_key(&self.key)
    }

    /// Whether this is the object at `path` below some prefix, and if so, which prefix.
    pub fn prefix_before(&self, path: &str) -> Option<&str> {
        let rest = self.key.strip_suffix(path)?;
        if rest.is_empty() {
            return Some(rest);
        }
        rest.strip_suffix('/')
    }
}

impl fmt::Display for ObjectLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

/// A key cut at its last `AWSLogs` folder: prefix (without a closing slash) and path.
pub fn split_key(key: &str) -> Option<(&str, &str)> {
    if let Some(at) = key.rfind("/AWSLogs/") {
        return Some((&key[..at], &key[at + 1..]));
    }
    key.starts_with("AWSLogs/").then_some(("", key))
}

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
        let organization = self
            .organization()
            .map(|organization| format!("{organization}/"))
            .unwrap_or_default();
        format!(
            "{AWS_LOGS}/{organization}{}/{kind}/{}",
            self.account, self.region
        )
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

/// Which chain a digest belongs to. Its order is that of the report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId {
    place: AccountRegion,
    trail: Arc<str>,
    home_region: Arc<str>,
    backfill: bool,
}

impl ChainId {
    /// The account and region whose logs the chain's digests name.
    pub fn place(&self) -> &AccountRegion {
        &self.place
    }

    /// The trail's name.
    pub fn trail(&self) -> &str {
        &self.trail
    }

    /// The trail's home region.
    pub fn home_region(&self) -> &str {
        &self.home_region
    }

    /// Whether its digests are those that name what the hourly ones missed.
    pub fn is_backfill(&self) -> bool {
        self.backfill
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.place, self.trail)?;
        if self.backfill {
            f.write_str(" (backfill)")?;
        }
        Ok(())
    }
}

/// A digest's key, from `AWSLogs` on: its chain, and when its window ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DigestKey {
    chain: Arc<ChainId>,
    end: Timestamp,
}

impl DigestKey {
    /// The key of a digest of `chain` that ends at `end`.
    pub fn new(chain: Arc<ChainId>, end: Timestamp) -> Self {
        Self { chain, end }
    }

    /// Reads a path such as
    /// `AWSLogs/ACCOUNT/CloudTrail-Digest/REGION/YYYY/MM/DD/ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOME_YYYYMMDDTHHMMSSZ.json.gz`.
    ///
    /// Folders and name must say the same of account, region and day: no digest can have a path
    /// that disagrees with itself.
    pub fn parse(path: &str) -> Option<Self> {
        let folders = Folders::parse(path)?;
        if folders.kind != DIGEST_FOLDER {
            return None;
        }
        let mut rest = folders.rest.split('/');
        let (year, month, day, name) = (rest.next()?, rest.next()?, rest.next()?, rest.next()?);
        if rest.next().is_some() {
            return None;
        }
        let stem = name.strip_suffix(".json.gz")?;
        let (stem, backfill) = match stem.strip_suffix("_backfill") {
            Some(stem) => (stem, true),
            None => (stem, false),
        };
        // A trail's name may hold anything that the other parts hold, so both ends are cut off
        // and what is left is the trail.
        let (stem, time) = stem.rsplit_once('_')?;
        let (stem, home_region) = stem.rsplit_once('_')?;
        let trail = stem
            .strip_prefix(folders.place.account())?
            .strip_prefix("_CloudTrail-Digest_")?
            .strip_prefix(folders.place.region())?
            .strip_prefix('_')?;
        if !is_trail(trail) || !is_region(home_region) || time.len() != 16 {
            return None;
        }
        let end = parse_name_time(time)?;
        if parse_day(year, month, day)? != super::time::midnight(end) {
            return None;
        }
        let chain = Arc::new(ChainId {
            trail: trail.into(),
            home_region: home_region.into(),
            backfill,
            place: folders.place,
        });
        Some(Self { chain, end })
    }

    /// The chain that the digest belongs to.
    pub fn chain(&self) -> &Arc<ChainId> {
        &self.chain
    }

    /// When the digest's window ends.
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// The same digest, sharing `chain` where it is the same chain.
    #[must_use]
    pub fn sharing(self, chain: &Arc<ChainId>) -> Self {
        if self.chain == *chain {
            return Self {
                chain: Arc::clone(chain),
                ..self
            };
        }
        self
    }

    /// The path that this key was read from.
    pub fn path(&self) -> String {
        let chain = &self.chain;
        format!(
            "{}/{}/{}_{DIGEST_FOLDER}_{}_{}_{}_{}{}.json.gz",
            chain.place.folder(DIGEST_FOLDER),
            day_folders(self.end),
            chain.place.account,
            chain.place.region,
            chain.trail,
            chain.home_region,
            digest_name_time(self.end),
            if chain.backfill { "_backfill" } else { "" },
        )
    }
}

/// What a log file records. CloudTrail keeps a folder for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogKind {
    /// Management and data events.
    CloudTrail,
    /// Insights events.
    Insight,
    /// Network activity events.
    NetworkActivity,
    /// Aggregated events.
    Aggregated,
}

impl LogKind {
    /// Every kind there is.
    pub const ALL: [Self; 4] = [
        Self::CloudTrail,
        Self::Insight,
        Self::NetworkActivity,
        Self::Aggregated,
    ];

    /// The folder of this kind, which is also the second part of its logs' names.
    pub fn folder(self) -> &'static str {
        match self {
            Self::CloudTrail => "CloudTrail",
            Self::Insight => "CloudTrail-Insight",
            Self::NetworkActivity => "CloudTrail-NetworkActivity",
            Self::Aggregated => "CloudTrail-Aggregated",
        }
    }

    /// The kind whose folder is named so.
    pub fn from_folder(folder: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.folder() == folder)
    }
}

/// What a log's path says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPath {
    /// Account and region.
    pub place: AccountRegion,
    /// What it records.
    pub kind: LogKind,
    /// The time in its name, where its name is a log's.
    pub time: Option<Timestamp>,
    /// The compact form, where folders and name are the usual ones: everything can be told from
    /// it and `place`.
    pub name: Option<LogName>,
}

impl LogPath {
    /// Reads a path below a folder of logs; nothing where it lies in no such folder.
    pub fn parse(path: &str) -> Option<Self> {
        let folders = Folders::parse(path)?;
        let kind = LogKind::from_folder(folders.kind)?;
        let (time, name) = read_log_name(&folders.place, kind, folders.rest);
        Some(Self {
            place: folders.place,
            kind,
            time,
            name,
        })
    }
}

/// Reads what follows `KIND/REGION/` in a log's path.
pub fn read_log_name(
    place: &AccountRegion,
    kind: LogKind,
    rest: &str,
) -> (Option<Timestamp>, Option<LogName>) {
    let (folders, name) = rest.rsplit_once('/').unwrap_or(("", rest));
    let Some((time, unique)) = log_name_parts(place, kind, name) else {
        return (None, None);
    };
    let Some(at) = parse_name_time(time) else {
        return (None, None);
    };
    let mut parts = folders.split('/');
    let day = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(year), Some(month), Some(day), None) => parse_day(year, month, day),
        _ => None,
    };
    let usual = day == Some(super::time::midnight(at));
    let compact = || {
        Some(LogName {
            kind,
            minute: i32::try_from(at.as_second().div_euclid(60)).ok()?,
            unique: unique.as_bytes().try_into().ok()?,
        })
    };
    (Some(at), if usual { compact() } else { None })
}

/// The time and the unique part of `ACCOUNT_KIND_REGION_TIME_UNIQUE.json.gz`.
fn log_name_parts<'a>(
    place: &AccountRegion,
    kind: LogKind,
    name: &'a str,
) -> Option<(&'a str, &'a str)> {
    let (time, unique) = name
        .strip_prefix(place.account())?
        .strip_prefix('_')?
        .strip_prefix(kind.folder())?
        .strip_prefix('_')?
        .strip_prefix(place.region())?
        .strip_prefix('_')?
        .strip_suffix(".json.gz")?
        .split_once('_')?;
    let fits = time.len() == 14
        && unique.len() == 16
        && unique.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then_some((time, unique))
}

/// A log's name in 21 bytes: with its account and region, its whole path can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogName {
    kind: LogKind,
    /// Minutes since 1970.
    minute: i32,
    unique: [u8; 16],
}

impl LogName {
    /// What the log records.
    pub fn kind(&self) -> LogKind {
        self.kind
    }

    /// The time in its name.
    pub fn time(&self) -> Timestamp {
        Timestamp::from_second(i64::from(self.minute) * 60).unwrap_or(Timestamp::MAX)
    }

    /// The number of its day, counted from 1970.
    pub fn day(&self) -> i32 {
        self.minute.div_euclid(24 * 60)
    }

    /// The path that it was read from.
    pub fn path(&self, place: &AccountRegion) -> String {
        let at = self.time();
        format!(
            "{}/{}/{}_{}_{}_{}_{}.json.gz",
            place.folder(self.kind.folder()),
            day_folders(at),
            place.account(),
            self.kind.folder(),
            place.region(),
            at.strftime("%Y%m%dT%H%MZ"),
            String::from_utf8_lossy(&self.unique),
        )
    }
}

/// `AWSLogs/[o-ORG/]ACCOUNT/KIND/REGION/rest`.
struct Folders<'a> {
    place: AccountRegion,
    kind: &'a str,
    rest: &'a str,
}

impl<'a> Folders<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        let rest = path.strip_prefix(AWS_LOGS)?.strip_prefix('/')?;
        let (first, rest) = rest.split_once('/')?;
        let (organization, account, rest) = if is_organization(first) {
            let (account, rest) = rest.split_once('/')?;
            (Some(first), account, rest)
        } else {
            (None, first, rest)
        };
        let (kind, rest) = rest.split_once('/')?;
        let (region, rest) = rest.split_once('/')?;
        Some(Self {
            place: AccountRegion::new(organization, account, region)?,
            kind,
            rest,
        })
    }
}

/// Twelve digits.
pub fn is_account(name: &str) -> bool {
    name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// `o-` and ten to 32 letters and digits.
pub fn is_organization(name: &str) -> bool {
    name.strip_prefix("o-").is_some_and(|id| {
        (1..=32).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

/// A region's name, in any partition: lower-case letters, digits and hyphens.
pub fn is_region(name: &str) -> bool {
    (4..=40).contains(&name.len())
        && name.contains('-')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// A trail's name: letters, digits, periods, underscores and hyphens.
pub fn is_trail(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "AWSLogs/123456789012/CloudTrail-Digest/eu-west-1/2020/01/02/123456789012_CloudTrail-Digest_eu-west-1_foo_us-east-1_20200102T030405Z.json.gz";

    #[test]
    fn a_digest_key_is_read_and_written_back() {
        let key = DigestKey::parse(DIGEST).unwrap();
        assert_eq!(key.chain().trail(), "foo");
        assert_eq!(key.chain().home_region(), "us-east-1");
        assert_eq!(key.chain().place().region(), "eu-west-1");
        assert_eq!(key.end(), "2020-01-02T03:04:05Z".parse().unwrap());
        assert_eq!(key.path(), DIGEST);
        assert_eq!(key.chain().to_string(), "123456789012/eu-west-1/foo");
    }

    #[test]
    fn organizations_backfills_and_nested_trail_names() {
        let path = "AWSLogs/o-abcde12345/123456789012/CloudTrail-Digest/us-east-1/2020/01/02/123456789012_CloudTrail-Digest_us-east-1_foo_us-east-1_bar_us-east-1_20200102T030405Z_backfill.json.gz";
        let key = DigestKey::parse(path).unwrap();
        assert_eq!(key.chain().trail(), "foo_us-east-1_bar");
        assert!(key.chain().is_backfill());
        assert_eq!(key.chain().place().organization(), Some("o-abcde12345"));
        assert_eq!(key.path(), path);
    }

    #[test]
    fn no_digest_can_have_a_key_that_disagrees_with_itself() {
        for (from, to) in [
            ("2020/01/02", "2020/01/03"),
            ("2020/01/02", "2020/01/02/x"),
            ("T030405Z", "T030465Z"),
            ("T030405Z", "T0304Z"),
            ("_eu-west-1_foo", "_eu-west-2_foo"),
            ("_foo_", "__"),
            ("_foo_", "_f\u{1b}[31mo_"),
            ("/123456789012_", "/123456789013_"),
            (".json.gz", ".json"),
            ("AWSLogs/123456789012", "AWSLogs/12345678901"),
        ] {
            let path = DIGEST.replacen(from, to, 1);
            assert_ne!(path, DIGEST);
            assert_eq!(DigestKey::parse(&path), None, "{path}");
        }
    }

    #[test]
    fn a_log_name_is_compact_and_whole() {
        let path = "AWSLogs/123456789012/CloudTrail/eu-west-1/2020/01/02/123456789012_CloudTrail_eu-west-1_20200102T0304Z_aB3dE6gH9jK2mN5p.json.gz";
        let log = LogPath::parse(path).unwrap();
        assert_eq!(log.kind, LogKind::CloudTrail);
        assert_eq!(log.time, Some("2020-01-02T03:04:00Z".parse().unwrap()));
        assert_eq!(log.name.unwrap().path(&log.place), path);
    }

    #[test]
    fn odd_logs_keep_their_time_but_have_no_compact_name() {
        let in_a_further_folder = "AWSLogs/123456789012/CloudTrail-Insight/eu-west-1/2020/01/02/x/123456789012_CloudTrail-Insight_eu-west-1_20200102T0304Z_aB3dE6gH9jK2mN5p.json.gz";
        let log = LogPath::parse(in_a_further_folder).unwrap();
        assert_eq!((log.kind, log.name), (LogKind::Insight, None));
        assert!(log.time.is_some());
        let other_day = "AWSLogs/123456789012/CloudTrail/eu-west-1/2020/01/03/123456789012_CloudTrail_eu-west-1_20200102T0304Z_aB3dE6gH9jK2mN5p.json.gz";
        assert_eq!(LogPath::parse(other_day).unwrap().name, None);
        let undated = "AWSLogs/123456789012/CloudTrail/eu-west-1/evil.json.gz";
        assert_eq!(LogPath::parse(undated).unwrap().time, None);
        assert_eq!(
            LogPath::parse("AWSLogs/123456789012/Config/eu-west-1/x"),
            None
        );
    }

    #[test]
    fn keys_are_cut_at_their_last_awslogs() {
        assert_eq!(split_key("a b/AWSLogs/c"), Some(("a b", "AWSLogs/c")));
        assert_eq!(split_key("AWSLogs/c"), Some(("", "AWSLogs/c")));
        assert_eq!(
            split_key("AWSLogs/x/AWSLogs/c"),
            Some(("AWSLogs/x", "AWSLogs/c"))
        );
        assert_eq!(split_key("xAWSLogs/c"), None);
        let location = ObjectLocation::new("b", "p/q/AWSLogs/c");
        assert_eq!(location.prefix_before("AWSLogs/c"), Some("p/q"));
        assert_eq!(location.prefix_before("WSLogs/c"), None);
    }
}
