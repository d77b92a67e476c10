//! The paths of logs, and their names in a few bytes.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::time::{
    TimeRange, day_of, may_outlive_its_day, midnight, parse_day, parse_name_time, push_day_folders,
    push_log_name_time,
};
use super::names::is_account;
use super::place::{AccountRegion, DIGEST_FOLDER, Folders, PATH_LEN};

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

/// Whether what lies at `path` is a log, or lies among logs, rather than among digests or above both. The folder right
/// in an account's tells, and of several the last: one above may have any name, and prefixes often have an account's or
/// `CloudTrail`.
pub fn is_among_logs(path: &str) -> bool {
    let folders = path.split('/');
    let of_accounts = folders
        .clone()
        .zip(folders.skip(1))
        .filter(|(account, _)| is_account(account))
        .map(|(_, folder)| folder);
    let is_kind =
        |folder: &&str| *folder == DIGEST_FOLDER || LogKind::from_folder(folder).is_some();
    of_accounts
        .filter(is_kind)
        .last()
        .is_some_and(|kind| kind != DIGEST_FOLDER)
}

/// A folder of an account that has regions' folders of logs: that of their kind, or one that lies right in it and is no
/// region's. Insights are said to have such a further level, and who plants logs may make one up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogFolder {
    kind: LogKind,
    /// From the account's folder on.
    path: Arc<str>,
}

impl From<LogKind> for LogFolder {
    fn from(kind: LogKind) -> Self {
        let path = kind.folder().into();
        Self { kind, path }
    }
}

impl LogFolder {
    /// The folder that is named `further` and lies right in this one.
    #[must_use]
    pub fn below(&self, further: &str) -> Self {
        Self {
            kind: self.kind,
            path: format!("{}/{further}", self.path).into(),
        }
    }

    /// What its logs record.
    pub fn kind(&self) -> LogKind {
        self.kind
    }

    /// Its path from the account's folder on.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether it is the one that `CloudTrail` delivers to: what lies in any other has no compact name.
    pub fn is_usual(&self) -> bool {
        *self.path == *self.kind.folder()
    }
}

/// What a log's path says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPath {
    /// Account and region.
    pub place: AccountRegion,
    /// What it records.
    pub kind: LogKind,
    /// The time in its name, where its name is a log's or like one.
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
            name: name.filter(|_| !folders.is_further),
        })
    }
}

/// Whether an object of this name shows that the day of its folder is there: a log that did not come so late that it
/// may be all that is left of it.
pub fn shows_its_day(name: &str) -> bool {
    let time = || parse_name_time(name.split('_').nth(3)?);
    name.ends_with(".json.gz") && !time().is_some_and(may_outlive_its_day)
}

/// The day of a path's folders `…/REGION/YYYY/MM/DD/…`.
pub fn folder_day(path: &str) -> Option<TimeRange> {
    let parts: Vec<_> = path.split('/').collect();
    let midnight = parts
        .windows(3)
        .find_map(|days| parse_day(days[0], days[1], days[2]))?;
    day_of(midnight)
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
    let usual = day == Some(midnight(at))
        && time.len() == 14
        && unique.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let compact = || {
        Some(LogName {
            kind,
            minute: i32::try_from(at.as_second().div_euclid(60)).ok()?,
            unique: unique.as_bytes().try_into().ok()?,
        })
    };
    (Some(at), if usual { compact() } else { None })
}

/// The time and the unique part of `ACCOUNT_KIND_REGION_TIME_UNIQUE.json.gz`. Where they are not quite those of a log that
/// CloudTrail named, the time tells all the same when it is to have been delivered.
fn log_name_parts<'a>(
    place: &AccountRegion,
    kind: LogKind,
    name: &'a str,
) -> Option<(&'a str, &'a str)> {
    name.strip_prefix(place.account())?
        .strip_prefix('_')?
        .strip_prefix(kind.folder())?
        .strip_prefix('_')?
        .strip_prefix(place.region())?
        .strip_prefix('_')?
        .strip_suffix(".json.gz")?
        .split_once('_')
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
        let (at, kind) = (self.time(), self.kind.folder());
        let mut path = String::with_capacity(PATH_LEN);
        place.push_folder(kind, &mut path);
        path.push('/');
        push_day_folders(at, &mut path);
        path.extend(["/", place.account(), "_", kind, "_", place.region(), "_"]);
        push_log_name_time(at, &mut path);
        path.push('_');
        path.extend(self.unique.map(char::from));
        path.push_str(".json.gz");
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_logs_of_a_day_do_not_show_it() {
        let name =
            |time| format!("111122223333_CloudTrail_us-east-1_{time}_0123456789abcdef.json.gz");
        assert!(shows_its_day(&name("20240309T2344Z")));
        assert!(!shows_its_day(&name("20240309T2345Z")));
        assert!(shows_its_day(&name("20240310T0000Z")));
        // Whatever else a log may be called.
        assert!(shows_its_day("log.json.gz"));
        assert!(!shows_its_day("note.txt"));
        assert!(!shows_its_day(""));
    }

    #[test]
    fn folders_of_logs_are_told_from_those_of_digests() {
        let account = "AWSLogs/111122223333";
        for above in LogKind::ALL.map(LogKind::folder) {
            for above in [above.to_owned(), format!("444455556666/{above}")] {
                let digest = format!("{above}/{account}/CloudTrail-Digest/us-east-1/a.json.gz");
                assert!(!is_among_logs(&digest), "{digest}");
            }
        }
        for kind in LogKind::ALL {
            let folder = kind.folder();
            assert!(is_among_logs(&format!(
                "{account}/{folder}/us-east-1/2024/03/10/a.json.gz"
            )));
            assert!(is_among_logs(&format!("objects/{account}/{folder}")));
        }
        for other in [
            "CloudTrail-Digest/us-east-1",
            "CloudTrail-Lake",
            "CloudTrailX",
            "",
        ] {
            assert!(!is_among_logs(&format!("{account}/{other}")), "{other}");
        }
        assert!(!is_among_logs("AWSLogs"));
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
        let before_the_region = in_a_further_folder
            .replace("/x/", "/")
            .replace("/eu-west-1/", "/ApiCallRateInsight/eu-west-1/");
        assert_eq!(LogPath::parse(&before_the_region), Some(log));
        let two_before = before_the_region.replace("/ApiCall", "/x/ApiCall");
        assert_eq!(LogPath::parse(&two_before), None);
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
    fn a_folder_has_a_kind_wherever_it_lies() {
        let usual = LogFolder::from(LogKind::Insight);
        let further = usual.below("CloudTrail");
        assert!(usual.is_usual() && !further.is_usual());
        assert_eq!(further.kind(), LogKind::Insight);
        assert_eq!(further.path(), "CloudTrail-Insight/CloudTrail");
    }

    #[test]
    fn a_name_is_a_logs_in_every_part() {
        let path = "AWSLogs/123456789012/CloudTrail/eu-west-1/2020/01/02/123456789012_CloudTrail_eu-west-1_20200102T0304Z_aB3dE6gH9jK2mN5p.json.gz";
        let minute = Some("2020-01-02T03:04:00Z");
        for (from, to, time) in [
            ("aB3dE6gH9jK2mN5p", "aB3dE6gH9jK2mN5", minute),
            ("aB3dE6gH9jK2mN5p", "aB3dE6gH9jK2mN5pq", minute),
            ("aB3dE6gH9jK2mN5p", "aB3dE6gH9jK2mN5-", minute),
            ("T0304Z", "T030405Z", Some("2020-01-02T03:04:05Z")),
            ("T0304Z", "T2504Z", None),
            ("_eu-west-1", "_eu-west-2", None),
            ("/123456789012_", "/123456789013_", None),
        ] {
            let log = LogPath::parse(&path.replacen(from, to, 1)).unwrap();
            let time = time.map(|time| time.parse().unwrap());
            assert_eq!((log.time, log.name), (time, None), "{to}");
        }
    }

    #[test]
    fn days_are_counted_from_1970() {
        for (day, time, number) in [
            ("1970/01/01", "19700101T2359Z", 0),
            ("1970/01/02", "19700102T0000Z", 1),
            ("1969/12/31", "19691231T2359Z", -1),
            ("2020/01/02", "20200102T0304Z", 18_263),
        ] {
            let path = format!(
                "AWSLogs/123456789012/CloudTrail/eu-west-1/{day}/123456789012_CloudTrail_eu-west-1_{time}_aB3dE6gH9jK2mN5p.json.gz"
            );
            let name = LogPath::parse(&path).unwrap().name.unwrap();
            assert_eq!(name.day(), number, "{day}");
        }
    }
}
