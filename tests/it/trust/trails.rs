//! Trails at random: all that a trail can go through, in a few hours.

use proptest::prelude::*;

use crate::forge::{Archive, Kind, Logs, TestKey, Time, Trail, time::HOUR};

/// What one archive is made of. Small numbers, so that what fails shrinks to something that can be read.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools)]
pub struct Shape {
    pub organization: bool,
    pub accounts: usize,
    pub regions: usize,
    pub prefix: &'static str,
    pub start: &'static str,
    pub hours: u32,
    pub logs: usize,
    pub early_minutes: i64,
    pub empty: Vec<u32>,
    pub restart: Option<(i64, u32)>,
    pub rotated: Option<u32>,
    pub moved: Option<(u32, &'static str, &'static str)>,
    pub backfills: Vec<u32>,
    pub backfills_linked: bool,
    pub insight: bool,
    pub second_trail: Option<&'static str>,
    pub escape_slashes: bool,
    pub seed: u64,
}

const ACCOUNTS: [&str; 2] = ["111122223333", "444455556666"];
const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

pub fn shapes() -> impl Strategy<Value = Shape> {
    let place = (
        any::<bool>(),
        1..=2_usize,
        1..=2_usize,
        prop_oneof![
            Just(""),
            Just("a prefix"),
            Just("two/deep"),
            Just("AWSLogs/nested")
        ],
        prop_oneof![
            Just("2024-03-10T00:00:00Z"),
            Just("2024-02-28T22:07:31Z"),
            Just("2023-12-31T23:59:59Z")
        ],
    );
    let hours = (
        2..=4_u32,
        0..=2_usize,
        prop_oneof![Just(0_i64), Just(7)],
        proptest::collection::vec(0..5_u32, 0..2),
        proptest::option::of((
            prop_oneof![Just(5_i64), Just(45), Just(200), Just(1500)],
            1..=2_u32,
        )),
        proptest::option::of(1..4_u32),
    );
    let rest = (
        proptest::option::of((
            1..3_u32,
            prop_oneof![Just("audit-logs"), Just("audit-logs-new")],
            prop_oneof![Just("new"), Just("newer/one")],
        )),
        proptest::collection::vec(0..3_u32, 0..3),
        any::<bool>(),
        any::<bool>(),
        proptest::option::of(prop_oneof![Just("second"), Just("audit_us-east-1_x")]),
        any::<bool>(),
        any::<u64>(),
    );
    (place, hours, rest).prop_map(|(place, hours, rest)| {
        let (organization, accounts, regions, prefix, start) = place;
        let (hours, logs, early_minutes, empty, restart, rotated) = hours;
        let (moved, mut backfills, backfills_linked, insight, second_trail, escape_slashes, seed) =
            rest;
        backfills.sort_unstable();
        backfills.dedup();
        backfills.retain(|hour| *hour < hours);
        Shape {
            organization,
            accounts,
            regions,
            prefix,
            start,
            hours,
            logs,
            early_minutes,
            empty,
            restart,
            rotated,
            moved,
            backfills,
            backfills_linked,
            insight,
            second_trail,
            escape_slashes,
            seed,
        }
    })
}

impl Shape {
    fn trail(&self, name: &str) -> Trail {
        let mut trail = Trail::new(name, self.start, self.hours)
            .accounts(&ACCOUNTS[..self.accounts])
            .regions(&REGIONS[..self.regions])
            .place("audit-logs", self.prefix)
            .logs(Logs::Each(self.logs))
            .empty(&self.empty)
            .backfill(&self.backfills)
            .seed(self.seed);
        if self.organization {
            trail = trail.organization("o-abcde12345");
        }
        if let Some((gap, hours)) = self.restart {
            trail = trail.restart(gap, hours);
        }
        if let Some(hour) = self.rotated {
            trail = trail.rotate(hour, TestKey::b());
        }
        if let Some((hour, bucket, prefix)) = self.moved {
            trail = trail.moves(hour, bucket, prefix);
        }
        if self.insight {
            trail = trail.other(Kind::Insight, true);
        }
        trail.backfills_linked = self.backfills_linked;
        trail.early_minutes = self.early_minutes;
        trail.escape_slashes = self.escape_slashes;
        trail.events_per_log = 1;
        trail
    }

    pub fn archive(&self) -> Archive {
        let mut archive = self.trail("audit").archive();
        if let Some(name) = self.second_trail {
            let mut second = self.trail(name);
            // Its own logs, since each trail delivers its own.
            second.seed = self.seed.wrapping_add(1);
            second.deliver(&mut archive);
        }
        archive
    }
}

/// From the first digest's beginning to an hour after the newest one's end.
pub fn whole_range(archive: &Archive) -> (Time, Time) {
    let digests = || archive.chains.iter().flat_map(|chain| &chain.digests);
    let start = digests().map(|digest| digest.start).min();
    let end = digests().map(|digest| digest.end).max();
    (start.expect("digests"), end.expect("digests") + HOUR)
}
