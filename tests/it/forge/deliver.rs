//! The delivery of a trail's logs and digests, hour by hour.

use std::collections::BTreeMap;

use super::{
    chain::{ALGORITHM, Archive, ChainId, Delivered, SIGNATURE},
    digest::{Entry, Fields, Previous},
    events::LogBody,
    gzip,
    keys::{TestKey, sha256},
    names::{Further, Kind, LogName, Place, digest_key, log_key},
    seed::Seed,
    store::{Sink, StoredObject},
    time::{DAY, HOUR, MINUTE, Time},
    trail::{KeyUse, Logs, Trail},
};

/// One hour of one chain.
struct Hour {
    number: u32,
    start: Time,
    end: Time,
    starting: bool,
}

impl Trail {
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
            let records = self.records.iter();
            let more = records.filter(|(at, _)| home && *at == hour.number);
            let log = Log {
                kind: Kind::CloudTrail,
                further: None,
                time,
                special,
                more: more.map(|(_, record)| record.as_str()).collect(),
            };
            named.push(self.deliver_log(id, hour, &log, &mut seed, sink));
        }
        for other in &self.others {
            let log = Log {
                kind: other.kind,
                further: other.further,
                time: hour.start + HOUR / 2,
                special: None,
                more: vec![],
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
            further,
            time,
            special,
            ..
        } = *log;
        let sixteen = seed.name();
        let organization = id.organization.as_deref();
        let (account, region) = (&id.account, &id.region);
        let name = LogName {
            organization,
            account,
            region,
            kind,
            further,
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
            more: log.more.clone(),
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
                further: None,
                time: hour.start + 20 * MINUTE,
                special: None,
                more: vec![],
            };
            let entry = self.deliver_log(&id, &hour, &log, &mut seed, sink);
            // It is made a day later, with the key of then.
            let key = self.key(&id.region, u32::MAX);
            let before = previous.take().filter(|_| self.backfills_linked);
            previous = Some(self.deliver_digest(&id, &hour, key, before.as_ref(), &[entry], sink));
        }
    }
}

struct Log<'a> {
    kind: Kind,
    further: Option<Further<'a>>,
    time: Time,
    special: Option<&'a str>,
    more: Vec<&'a str>,
}
