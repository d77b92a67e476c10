//! What stands beside a digest and is not signed: its metadata.

use super::case::{Case, Expected, Target};
use crate::forge::{
    Archive,
    chain::{ALGORITHM, SIGNATURE},
};

const BACKFILL: &str = "backfill-generation-timestamp";

pub fn cases(archive: &Archive, target: &Target) -> Vec<Case> {
    let metadata = &archive.store.get(&target.at).metadata;
    let signature = metadata[SIGNATURE].clone();
    let told = || Expected::Told(vec![target.at.clone()]);
    let mut cases = Vec::new();
    let mut add = |field: &'static str, name: String, value: Option<String>, expected: Expected| {
        let at = target.at.clone();
        let change = move |archive: &mut Archive| match &value {
            Some(value) => archive.store.set_metadata(&at, field, value),
            None => archive.store.remove_metadata(&at, field),
        };
        cases.push(Case::new(
            format!("metadata `{field}`"),
            name,
            expected,
            change,
        ));
    };
    for place in 0..signature.len() {
        let digit = if signature.as_bytes()[place] == b'0' {
            "1"
        } else {
            "0"
        };
        let mut other = signature.clone();
        other.replace_range(place..=place, digit);
        add(SIGNATURE, format!("digit {place}"), Some(other), told());
    }
    let reversed: String = signature.chars().rev().collect();
    for (name, value) in [
        ("empty", String::new()),
        ("no hexadecimal digits", "z".repeat(signature.len())),
        ("all zeros", "0".repeat(signature.len())),
        ("all ones", "f".repeat(signature.len())),
        ("one byte less", signature[2..].to_owned()),
        ("one byte more", format!("{signature}00")),
        ("a zero byte before", format!("00{signature}")),
        ("half a byte less", signature[1..].to_owned()),
        ("backwards", reversed),
    ] {
        add(SIGNATURE, name.into(), Some(value), told());
    }
    let others = archive
        .store
        .objects
        .iter()
        .filter(|(at, _)| **at != target.at);
    for ((_, key), object) in others {
        if let Some(other) = object.metadata.get(SIGNATURE) {
            add(
                SIGNATURE,
                format!("that of {key}"),
                Some(other.clone()),
                told(),
            );
        }
    }
    let same = Expected::Nothing("the same bytes in capital letters");
    add(
        SIGNATURE,
        "in capital letters".into(),
        Some(signature.to_uppercase()),
        same,
    );
    let removed = if target.has_successor {
        Expected::Nothing("the next digest holds the signature too, and proves it")
    } else {
        told()
    };
    add(SIGNATURE, "removed".into(), None, removed);
    for value in ["", "SHA1withRSA", "none", "SHA256withRSA "] {
        add(ALGORITHM, format!("{value:?}"), Some(value.into()), told());
    }
    let nothing = || Expected::Nothing("it is not signed, and nothing is taken from it");
    add(ALGORITHM, "removed".into(), None, nothing());
    if metadata.contains_key(BACKFILL) {
        for value in ["", "2030-01-01T00:00:00Z", "yesterday"] {
            add(
                BACKFILL,
                format!("{value:?}"),
                Some(value.into()),
                nothing(),
            );
        }
        add(BACKFILL, "removed".into(), None, nothing());
    }
    cases
}
