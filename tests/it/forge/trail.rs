//! A trail as it is set up; what it then delivers is in `deliver`.

use super::{
    events::Act,
    gzip,
    keys::TestKey,
    names::{Further, Kind, Place},
    time::{HOUR, MINUTE, Time},
};

/// How many logs an hour has.
#[derive(Clone, Copy)]
pub enum Logs {
    Each(usize),
    /// By region and hour.
    By(fn(&str, u32) -> usize),
}

/// From which hour on, and in which region (all when none is told), a key signs.
#[derive(Clone, Copy)]
pub struct KeyUse {
    pub region: Option<&'static str>,
    pub from_hour: u32,
    pub key: &'static TestKey,
}

/// One log an hour of a kind other than `CloudTrail`.
#[derive(Clone, Copy)]
pub struct Other {
    pub kind: Kind,
    /// Whether the hour's digest names it.
    pub named: bool,
    pub further: Option<Further<'static>>,
}

/// Logging without a break: a starting digest, then one an hour.
#[derive(Clone, Copy)]
pub struct Segment {
    pub start: Time,
    pub hours: u32,
}

/// Hours are counted from 0 over all segments; starting digests are not counted.
#[derive(Clone)]
pub struct Trail {
    pub organization: Option<String>,
    pub accounts: Vec<String>,
    pub home_region: String,
    pub regions: Vec<String>,
    pub name: String,
    /// From which hour on the trail delivers where.
    pub places: Vec<(u32, Place)>,
    pub segments: Vec<Segment>,
    pub logs: Logs,
    pub empty_hours: Vec<u32>,
    pub keys: Vec<KeyUse>,
    /// Hours that a backfill digest names one more log of.
    pub backfills: Vec<u32>,
    /// Whether a backfill digest names the one before it, or nothing.
    pub backfills_linked: bool,
    pub others: Vec<Other>,
    /// Events by name, such as `StopLogging`, in the home region's first log of an hour.
    pub specials: Vec<(u32, &'static str)>,
    /// Whole records, there too.
    pub records: Vec<(u32, String)>,
    /// By how many minutes an hour's first log is dated before the hour.
    pub early_minutes: i64,
    pub escape_slashes: bool,
    pub events_per_log: usize,
    pub level: u8,
    pub seed: u64,
}

impl Trail {
    /// Two logs an hour in us-east-1 of 111122223333, delivered to the bucket `audit-logs`.
    pub fn new(name: &str, start: &str, hours: u32) -> Self {
        Self {
            organization: None,
            accounts: vec!["111122223333".into()],
            home_region: "us-east-1".into(),
            regions: vec!["us-east-1".into()],
            name: name.into(),
            places: vec![(0, Place::new("audit-logs", ""))],
            segments: vec![Segment {
                start: Time::parse(start),
                hours,
            }],
            logs: Logs::Each(2),
            empty_hours: vec![],
            keys: vec![KeyUse {
                region: None,
                from_hour: 0,
                key: TestKey::a(),
            }],
            backfills: vec![],
            backfills_linked: false,
            others: vec![],
            specials: vec![],
            records: vec![],
            early_minutes: 0,
            escape_slashes: false,
            events_per_log: 2,
            level: gzip::LEVEL,
            seed: 1,
        }
    }

    pub fn organization(mut self, organization: &str) -> Self {
        self.organization = Some(organization.into());
        self
    }

    pub fn accounts(mut self, accounts: &[&str]) -> Self {
        self.accounts = accounts.iter().map(ToString::to_string).collect();
        self
    }

    /// The first is the home region.
    pub fn regions(mut self, regions: &[&str]) -> Self {
        self.home_region = regions[0].into();
        self.regions = regions.iter().map(ToString::to_string).collect();
        self
    }

    pub fn place(mut self, bucket: &str, prefix: &str) -> Self {
        self.places = vec![(0, Place::new(bucket, prefix))];
        self
    }

    /// From this hour on, deliver elsewhere.
    pub fn moves(mut self, hour: u32, bucket: &str, prefix: &str) -> Self {
        self.places.push((hour, Place::new(bucket, prefix)));
        self
    }

    /// Logging stops after the hours so far and starts again `gap` minutes later.
    pub fn restart(mut self, gap: i64, hours: u32) -> Self {
        let last = self.segments[self.segments.len() - 1];
        let start = last.start + i64::from(last.hours) * HOUR + gap * MINUTE;
        self.segments.push(Segment { start, hours });
        self
    }

    pub fn logs(mut self, logs: Logs) -> Self {
        self.logs = logs;
        self
    }

    pub fn empty(mut self, hours: &[u32]) -> Self {
        self.empty_hours = hours.to_vec();
        self
    }

    pub fn rotate(mut self, from_hour: u32, key: &'static TestKey) -> Self {
        self.keys.push(KeyUse {
            region: None,
            from_hour,
            key,
        });
        self
    }

    pub fn key_of_region(mut self, region: &'static str, key: &'static TestKey) -> Self {
        self.keys.push(KeyUse {
            region: Some(region),
            from_hour: 0,
            key,
        });
        self
    }

    pub fn backfill(mut self, hours: &[u32]) -> Self {
        self.backfills = hours.to_vec();
        self
    }

    pub fn other(mut self, kind: Kind, named: bool) -> Self {
        self.others.push(Other {
            kind,
            named,
            further: None,
        });
        self
    }

    pub fn special(mut self, hour: u32, event: &'static str) -> Self {
        self.specials.push((hour, event));
        self
    }

    /// An act that the home region's first log of an hour records.
    pub fn act(mut self, hour: u32, act: &Act) -> Self {
        self.records.push((hour, act.record()));
        self
    }

    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}
