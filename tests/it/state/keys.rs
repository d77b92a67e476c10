//! A chain that is new to a night, and was signed with keys of before: those of the night's range do not do.

use serde_json::Value;

use super::Nights;
use crate::forge::{Archive, TestKey, Time, Trail};
use crate::s3::served::{Served, codes, listed, messages};
use crate::scenarios::common::trail;
use crate::server::{Fault, Operation, PublicKey, Rule};

fn key(key: &TestKey, from: &str, until: &str) -> PublicKey {
    PublicKey {
        valid_from: Time::parse(from).0,
        valid_until: Time::parse(until).0,
        ..listed(key)
    }
}

/// The key of the younger chain's beginning, which ended before the first night.
fn old_key() -> PublicKey {
    key(TestKey::a(), "2024-02-08T12:00:00Z", "2024-03-09T12:00:00Z")
}

/// The second night, which sees another chain: one of two days more. CloudTrail knows `keys` beside
/// the newest.
fn second_night(keys: &[PublicKey], faults: Option<Rule>) -> (Value, u64) {
    let nights = Nights::new();
    let audit = |hours| trail(hours).rotate(0, TestKey::b()).archive();
    let run = |archive: &Archive, start, end, faults: Option<Rule>| {
        let served = Served::new(archive).args(nights.arguments(start, end));
        {
            let newest = key(TestKey::b(), "2024-03-09T00:00:00Z", "2024-04-09T00:00:00Z");
            let mut cloudtrail = served.server.cloudtrail();
            cloudtrail.keys.clear();
            cloudtrail.add_key("us-east-1", newest);
            for key in keys {
                cloudtrail.add_key("us-east-1", key.clone());
            }
        }
        if let Some(rule) = faults {
            served.server.faults().add(rule);
        }
        let report = served.run("s3://audit-logs");
        (report, served.server.log().count(Operation::ListPublicKeys))
    };
    let (first, _) = run(&audit(48), Some("2024-03-10"), "2024-03-12", None);
    assert_eq!(first["verdict"], "valid", "{first:#}");
    let mut archive = audit(72);
    let younger = Trail::new("younger", "2024-03-08T00:00:00Z", 24 * 5)
        .rotate(30, TestKey::b())
        .seed(7)
        .archive();
    archive.store.merge(younger.store);
    run(&archive, None, "2024-03-13", faults)
}

#[test]
fn older_keys_are_asked_for_once() {
    let (report, asked) = second_night(&[old_key()], None);
    assert_eq!(report["verdict"], "valid", "{report:#}");
    assert_eq!(report["chains"][1]["digests"]["valid"], 121, "{report:#}");
    // Those of the night, and those from around the newest digest that has an older one.
    assert_eq!(asked, 2);
}

/// Who writes to a bucket may name any key: that makes no request for each digest.
#[test]
fn a_key_that_nobody_has_is_asked_for_once_a_day() {
    let (report, asked) = second_night(&[], None);
    assert_eq!(report["verdict"], "invalid", "{report:#}");
    assert!(codes(&report).contains_key("digest-key-unknown"));
    assert!(asked <= 3, "{asked}");
}

#[test]
fn older_keys_that_could_not_be_had_accuse_nobody() {
    let refused = Fault::AccessDenied;
    let rule = Rule::new(refused).on(&[Operation::ListPublicKeys]);
    let (report, asked) = second_night(&[old_key()], Some(rule.nth(1..u64::MAX)));
    assert_eq!(report["verdict"], "unverified", "{report:#}");
    let found = codes(&report);
    assert!(found.contains_key("digest-unreadable"), "{report:#}");
    assert!(!found.contains_key("digest-key-unknown"), "{report:#}");
    assert!(messages(&report).contains("cloudtrail:ListPublicKeys"));
    assert!(asked <= 3, "{asked}");
}
