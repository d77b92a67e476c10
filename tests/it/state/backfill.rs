//! Backfill digests stand beside the chain, and are never demanded: a bucket's lifecycle may expire them.

use sha2::{Digest as _, Sha256};

use serde_json::Value;

use super::Nights;
use crate::forge::{Archive, At};
use crate::scenarios::common::{CHAIN, trail};

fn archive() -> Archive {
    trail(72).backfill(&[3]).archive()
}

/// The backfill digest, and the log that it names.
fn of_backfill(archive: &Archive) -> [At; 2] {
    let chain = archive.chain(&format!("{CHAIN} (backfill)"));
    let digest = &chain.digests[0];
    [digest.at.clone(), digest.logs[0].clone()]
}

fn expired(archive: &Archive) -> Archive {
    let mut expired = archive.clone();
    for at in of_backfill(archive) {
        expired.store.delete(&at);
    }
    expired
}

#[test]
fn what_expired_is_not_missed() {
    let archive = archive();
    let nights = Nights::new();
    nights.first(&archive, "2024-03-11");
    assert!(!nights.text().contains("backfill"), "{}", nights.text());
    let night = nights.night(&expired(&archive), None, "2024-03-12");
    assert_eq!(night.exit, 0, "{:#}", night.report);
}

#[test]
fn nor_where_a_file_remembers_it() {
    let archive = archive();
    let nights = Nights::new();
    nights.first(&archive, "2024-03-11");
    let [digest, _] = of_backfill(&archive);
    let mut state: Value = serde_json::from_str(&nights.text()).unwrap();
    let mut backfill = state["chains"][0].clone();
    backfill["chain"] = format!("{CHAIN} (backfill)").into();
    backfill["key"] = digest.1.into();
    backfill["end"] = "2024-03-10T04:00:00Z".into();
    state["chains"].as_array_mut().unwrap().push(backfill);
    reseal(&mut state);
    std::fs::write(nights.file(), state.to_string()).unwrap();
    for end in ["2024-03-12", "2024-03-13"] {
        let night = nights.night(&expired(&archive), None, end);
        assert_eq!(night.exit, 0, "{end}: {:#}", night.report);
    }
}

/// A state of which somebody has changed the chains, who knows how.
fn reseal(state: &mut Value) {
    let chains = state["chains"].as_array().unwrap().iter().map(|chain| {
        let names = [
            "chain",
            "bucket",
            "key",
            "end",
            "signature",
            "hash",
            "verified_to",
        ];
        let fields = names.map(|name| format!("\"{name}\":{}", chain[name]));
        format!("{{{}}}", fields.join(","))
    });
    let chains = chains.collect::<Vec<_>>().join(",");
    let source = state["source"].as_str().unwrap();
    let sealed = format!("{source}[[{chains}],[]]");
    state["checksum"] = hex::encode(Sha256::digest(sealed)).into();
}

/// It is looked at until it is valid, or gone.
#[test]
fn what_is_wrong_with_it_is_told_as_long_as_it_is_there() {
    let mut archive = archive();
    let [_, log] = of_backfill(&archive);
    archive
        .store
        .edit_content(&log, |content| content.push(b' '));
    let nights = Nights::new();
    let first = nights.night(&archive, Some("2024-03-10"), "2024-03-11");
    first.finding("log-modified", &log);
    for _ in 0..2 {
        let again = nights.night(&archive, None, "2024-03-12");
        again.finding("log-modified", &log);
    }
    for start in ["2024-03-10T00:00:00Z", "2024-03-11T23:00:00Z"] {
        let night = nights.night(&expired(&archive), None, "2024-03-12");
        assert_eq!(night.exit, 0, "{:#}", night.report);
        assert_eq!(night.report["requested"]["start"], start);
    }
}
