//! What lies beside the range of a night is none of it: anybody may put it there, and take it away.

use super::Nights;
use crate::forge::{Place, Time, Trail, plant::PlantedDigest};
use crate::scenarios::common::trail;

/// A trail that began after the night's end, as the hours after it show.
#[test]
fn the_same_command_comes_to_the_same() {
    let mut archive = trail(30).archive();
    let younger = Trail::new("younger", "2024-03-11T01:00:00Z", 4)
        .seed(7)
        .archive();
    archive.store.merge(younger.store.clone());
    let nights = Nights::new();
    nights.first(&archive, "2024-03-11");
    let text = nights.text();
    assert!(!text.contains("younger"), "{text}");
    for _ in 0..2 {
        let again = nights.night(&archive, None, "2024-03-11");
        assert_eq!(again.exit, 0, "{:#}", again.report);
        assert_eq!(nights.text(), text);
    }
    // When it is its turn it is verified from its beginning.
    let log = younger.log(1, 0);
    archive.store.delete(&log);
    let next = nights.night(&archive, None, "2024-03-11T05:00:00Z");
    assert_eq!(next.exit, 1, "{:#}", next.report);
    next.finding("log-missing", &log);
}

#[test]
fn what_was_planted_there_and_taken_away_is_not_missed() {
    let clean = trail(72).archive();
    let mut id = clean.first().id.clone();
    id.trail = "invented".into();
    let place = Place::new("audit-logs", "");
    let end = Time::parse("2024-03-12T01:30:00Z");
    let mut planted = clean.clone();
    PlantedDigest::of(&id, &place, end).put(&mut planted.store);
    // Known from the first night on, or new to a later one.
    for first in [&planted, &clean] {
        let nights = Nights::new();
        nights.first(first, "2024-03-11T23:45:00Z");
        let second = nights.night(&planted, None, "2024-03-12");
        assert_eq!(second.exit, 0, "{:#}", second.report);
        for end in ["2024-03-12", "2024-03-12T12:00:00Z", "2024-03-13"] {
            let night = nights.night(&clean, None, end);
            assert_eq!(night.exit, 0, "{end}: {:#}", night.report);
        }
    }
}

/// It lies behind the end of a run that is asked for less, also where no chain was found valid
/// by the run that saw it.
#[test]
fn what_lies_behind_a_shorter_run_is_not_missed() {
    let mut archive = trail(72).archive();
    let younger = Trail::new("younger", "2024-03-11T20:00:00Z", 28)
        .seed(7)
        .archive();
    archive.store.merge(younger.store.clone());
    let nights = Nights::new();
    nights.first(&archive, "2024-03-11");
    for log in [younger.log(2, 0), archive.log(47, 0)] {
        archive.store.delete(&log);
    }
    let second = nights.night(&archive, None, "2024-03-12");
    assert_eq!(second.exit, 1, "{:#}", second.report);
    let shorter = nights.night(&archive, None, "2024-03-11T12:00:00Z");
    assert_eq!(shorter.exit, 0, "{:#}", shorter.report);
    // In the range it is missed: it had digests there.
    let mut gone = archive.clone();
    for at in younger.store.objects.keys() {
        gone.store.objects.remove(at);
    }
    for end in ["2024-03-12", "2024-03-13"] {
        let night = nights.night(&gone, None, end);
        let findings = night.report["findings"].to_string();
        assert!(findings.contains("no digest of"), "{end}: {findings}");
    }
}
