//! A trail, and the delivery of its logs and digests hour by hour.

use std::collections::BTreeMap;

use super::{
    chain::{ALGORITHM, Archive, ChainId, Delivered, SIGNATURE},
    digest::{Entry, Fields, Previous},
    events::LogBody,
    gzip,
    keys::{TestKey, sha256},
    names::{Kind, LogName, Place, digest_key, log_key},
    seed::Seed,
    store::{Sink, StoredObject},
    time::{DAY, HOUR, MINUTE, Time},
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
    pub folder: Option<&'static str>,
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
    /// By how many minutes an hour's first log is dated before the hour.
    pub early_minutes: i64,
    pub escape_slashes: bool,
    pub events_per_log: usize,
    pub level: u8,
    pub seed: u64,
}

/// One hour of one chain.
struct Hour {
    number: u32,
    start: Time,
    end: Time,
    starting: bool,
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
            folder: None,
        });
        self
    }

    pub fn special(mut self, hour: u32, event: &'static str) -> Self {
        self.specials.push((hour, event));
        self
    }

    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Everything, in memory.
    pub fn archive(&self) -> Archive {
        let mut archive = Archive::default();
        self.deliver(&mut archive);
        archive
    }

    /// Everything, chain by chain, each oldest first.
    pub fn deliver(&self, sink: &mut impl Sink) {
        for id in self.chains() {
            self.deliver_chain(&id, sink);
        }
    }

    /// The hourly chains.
    pub fn chains(&self) -> Vec<ChainId> {
        let mut chains = Vec::new();
        for account in &self.accounts {
            for region in &self.regions {
                chains.push(ChainId {
                    organization: self.organization.clone(),
                    account: account.clone(),
                    region: region.clone(),
                    trail: self.name.clone(),
                    home_region: self.home_region.clone(),
                    backfill: false,
                });
            }
        }
        chains
    }

    /// One chain and the backfill digests beside it. It holds no more than an hour's names at a time.
    pub fn deliver_chain(&self, id: &ChainId, sink: &mut impl Sink) {
        let mut previous: Option<Previous> = None;
        for hour in self.hours() {
            if hour.starting {
                previous = None;
            }
            let logs = if hour.starting {
                vec![]
            } else {
                self.deliver_hour(id, &hour, sink)
            };
            let key = self.key(&id.region, hour.number);
            previous = Some(self.deliver_digest(id, &hour, key, previous.as_ref(), &logs, sink));
        }
        self.deliver_backfills(id, sink);
    }

    fn hours(&self) -> Vec<Hour> {
        let mut hours = Vec::new();
        let mut number = 0;
        for segment in &self.segments {
            hours.push(Hour {
                number,
                start: segment.start - HOUR,
                end: segment.start,
                starting: true,
            });
            for index in 0..segment.hours {
                let start = segment.start + i64::from(index) * HOUR;
                hours.push(Hour {
                    number,
                    start,
                    end: start + HOUR,
                    starting: false,
                });
                number += 1;
            }
        }
        hours
    }

    fn place_at(&self, hour: u32) -> &Place {
        let place = self.places.iter().rev().find(|(from, _)| *from <= hour);
        &place.expect("a place from hour 0 on").1
    }

    fn key(&self, region: &str, hour: u32) -> &'static TestKey {
        let fits =
            |key: &&KeyUse| key.from_hour <= hour && key.region.is_none_or(|only| only == region);
        self.keys
            .iter()
            .rev()
            .find(fits)
            .expect("a key from hour 0 on")
            .key
    }

    fn deliver_hour(&self, id: &ChainId, hour: &Hour, sink: &mut impl Sink) -> Vec<Entry> {
        let count = match self.logs {
            _ if self.empty_hours.contains(&hour.number) => 0,
            Logs::Each(count) => count,
            Logs::By(count) => count(&id.region, hour.number),
        };
        let mut seed = Seed::of(self.seed, &[&id.name(), &hour.end.iso()]);
        let mut named = Vec::new();
        for index in 0..count {
            let position = i64::try_from(index).expect("few logs");
            let share = HOUR * (position + 1) / (i64::try_from(count).expect("few logs") + 1);
            let early = index == 0 && self.early_minutes > 0;
            let time = if early {
                hour.start - self.early_minutes * MINUTE
            } else {
                hour.start + share
            };
            let home = index == 0 && id.region == self.home_region;
            let special = self
                .specials
                .iter()
                .find(|(at, _)| home && *at == hour.number)
                .map(|(_, name)| *name);
            let log = Log {
                kind: Kind::CloudTrail,
                folder: None,
                time,
                special,
            };
            named.push(self.deliver_log(id, hour, &log, &mut seed, sink));
        }
        for other in &self.others {
            let log = Log {
                kind: other.kind,
                folder: other.folder,
                time: hour.start + HOUR / 2,
                special: None,
            };
            let entry = self.deliver_log(id, hour, &log, &mut seed, sink);
            if other.named {
                named.push(entry);
            }
        }
        // Digests list their logs in no order.
        named.reverse();
        named
    }

    fn deliver_log(
        &self,
        id: &ChainId,
        hour: &Hour,
        log: &Log,
        seed: &mut Seed,
        sink: &mut impl Sink,
    ) -> Entry {
        let Log {
            kind,
            folder,
            time,
            special,
        } = *log;
        let sixteen = seed.name();
        let organization = id.organization.as_deref();
        let (account, region) = (&id.account, &id.region);
        let name = LogName {
            organization,
            account,
            region,
            kind,
            folder,
            time,
            sixteen: &sixteen,
        };
        let place = self.place_at(hour.number);
        let at = (place.bucket.clone(), log_key(place, &name));
        let body = LogBody {
            kind,
            account,
            region,
            time,
            events: self.events_per_log,
            special,
        }
        .write(seed);
        let object = StoredObject {
            body: gzip::gzip_level(&body, self.level),
            metadata: BTreeMap::new(),
        };
        sink.put(at.clone(), object);
        Entry {
            at,
            hash: sha256(&body),
            newest: time - MINUTE,
            oldest: time - 5 * MINUTE,
        }
    }

    fn deliver_digest(
        &self,
        id: &ChainId,
        hour: &Hour,
        key: &'static TestKey,
        previous: Option<&Previous>,
        logs: &[Entry],
        sink: &mut impl Sink,
    ) -> Previous {
        let place = self.place_at(hour.number);
        let at = (place.bucket.clone(), digest_key(place, id, hour.end));
        let (account, fingerprint) = (id.account.as_str(), key.fingerprint());
        let doc = Fields {
            account,
            start: hour.start,
            end: hour.end,
            at: &at,
            fingerprint,
            previous,
            logs,
        }
        .doc();
        let body = doc.0.write(self.escape_slashes).into_bytes();
        let signature = key.sign(doc.signed_text(&body).as_bytes());
        let mut metadata = BTreeMap::from([
            (SIGNATURE.to_owned(), signature.clone()),
            (ALGORITHM.to_owned(), "SHA256withRSA".to_owned()),
        ]);
        if id.backfill {
            metadata.insert(
                "backfill-generation-timestamp".into(),
                (hour.end + DAY).iso(),
            );
        }
        sink.put(
            at.clone(),
            StoredObject {
                body: gzip::gzip(&body),
                metadata,
            },
        );
        let logs = logs.iter().map(|log| log.at.clone()).collect();
        let Hour {
            start,
            end,
            starting,
            ..
        } = *hour;
        sink.delivered(
            id,
            Delivered {
                at: at.clone(),
                start,
                end,
                starting,
                logs,
                key,
            },
        );
        Previous {
            at,
            hash: sha256(&body),
            signature,
        }
    }

    fn deliver_backfills(&self, hourly: &ChainId, sink: &mut impl Sink) {
        let id = ChainId {
            backfill: true,
            ..hourly.clone()
        };
        let mut previous: Option<Previous> = None;
        for hour in self
            .hours()
            .into_iter()
            .filter(|hour| !hour.starting && self.backfills.contains(&hour.number))
        {
            let mut seed = Seed::of(self.seed, &[&id.name(), &hour.end.iso()]);
            let log = Log {
                kind: Kind::CloudTrail,
                folder: None,
                time: hour.start + 20 * MINUTE,
                special: None,
            };
            let entry = self.deliver_log(&id, &hour, &log, &mut seed, sink);
            // It is made a day later, with the key of then.
            let key = self.key(&id.region, u32::MAX);
            let before = previous.take().filter(|_| self.backfills_linked);
            previous = Some(self.deliver_digest(&id, &hour, key, before.as_ref(), &[entry], sink));
        }
    }
}

#[derive(Clone, Copy)]
struct Log<'a> {
    kind: Kind,
    folder: Option<&'a str>,
    time: Time,
    special: Option<&'a str>,
}
