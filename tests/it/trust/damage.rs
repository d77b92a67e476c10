//! Damage at random, one thing after another, to whatever is there.

use crate::forge::{
    Archive, At, Doc, Json, Place, Sign, TestKey,
    chain::{ALGORITHM, SIGNATURE},
    plant::{PlantedDigest, PlantedLog},
    seed::Seed,
    time::MINUTE,
};

/// Does one thing, and tells what.
pub fn damage(archive: &mut Archive, seed: &mut Seed) -> String {
    let objects: Vec<At> = archive.store.keys().cloned().collect();
    if objects.is_empty() {
        return "nothing left".into();
    }
    let at = objects[seed.below(objects.len())].clone();
    let other = objects[seed.below(objects.len())].clone();
    match seed.below(13) {
        0 => {
            archive.store.delete(&at);
            format!("{at:?} deleted")
        }
        1 => {
            let body = &mut archive.store.get_mut(&at).body;
            let place = seed.below(body.len().max(1));
            if let Some(byte) = body.get_mut(place) {
                *byte ^= 1 << seed.below(8);
            }
            format!("a bit of byte {place} of {at:?} flipped")
        }
        2 => {
            let body = &mut archive.store.get_mut(&at).body;
            body.truncate(seed.below(body.len().max(1)));
            format!("{at:?} cut")
        }
        3 => {
            archive.store.clear_metadata(&at);
            format!("metadata of {at:?} lost")
        }
        4 => {
            archive.store.swap(&at, &other, seed.below(2) == 0);
            format!("{at:?} and {other:?} exchanged")
        }
        5 => {
            archive.store.clear_all_metadata();
            "all metadata lost".into()
        }
        6 => {
            let value = seed.pick(&["", "00", "SHA1withRSA", "zz"]).to_owned();
            let field = seed.pick(&[SIGNATURE, ALGORITHM]).to_owned();
            archive.store.set_metadata(&at, &field, &value);
            format!("{field} of {at:?} is {value:?}")
        }
        7 | 8 => edited(archive, seed),
        9 => span(archive, seed),
        10 => linked_anew(archive, seed),
        11 => planted_log(archive, seed),
        _ => planted_digest(archive, seed),
    }
}

/// Which digest of which chain.
fn any_digest(archive: &Archive, seed: &mut Seed) -> (usize, usize) {
    let chain = seed.below(archive.chains.len());
    (chain, seed.below(archive.chains[chain].digests.len()))
}

fn is_whole(archive: &Archive, at: &At) -> bool {
    let object = archive.store.objects.get(at);
    let content = object.and_then(|object| super::mutation::inflated(&object.body));
    let json = content.and_then(|content| serde_json::from_slice::<Json>(&content).ok());
    json.is_some_and(|json| Doc(json).get("logFiles") != &Json::Null)
}

fn edited(archive: &mut Archive, seed: &mut Seed) -> String {
    let (chain, index) = any_digest(archive, seed);
    let at = archive.chains[chain].digests[index].at.clone();
    if !is_whole(archive, &at) {
        return "nothing".into();
    }
    let field = seed.pick(&[
        "digestStartTime",
        "previousDigestHashValue",
        "previousDigestSignature",
        "previousDigestS3Object",
        "logFiles",
        "newestEventTime",
        "unknown",
    ]);
    let field = field.to_owned();
    // CloudTrail's own keys too: what they sign is believed, whatever it says.
    let (how, sign) = match seed.below(5) {
        0 => ("signature kept", Sign::Keep),
        1 => ("signature removed", Sign::Remove),
        2 => ("signed by a forger", Sign::With(TestKey::foreign())),
        _ => {
            let key = archive.chains[chain].digests[index].key;
            ("signed by CloudTrail", Sign::With(key))
        }
    };
    let value = match &*field {
        "logFiles" => Json::Array(vec![]),
        "previousDigestHashValue" => Json::text("0".repeat(64)),
        "previousDigestSignature" => Json::text("00".repeat(256)),
        "digestStartTime" => Json::text("2023-12-01T00:00:00Z"),
        _ => Json::text("x"),
    };
    archive.edit_digest(&at, sign, |doc| doc.set(&field, value));
    format!("{field} of {at:?} changed, {how}")
}

/// Several digests of a chain in a row deleted, with their logs or without.
fn span(archive: &mut Archive, seed: &mut Seed) -> String {
    let (chain, from) = any_digest(archive, seed);
    let digests = archive.chains[chain].digests.clone();
    let to = from + 1 + seed.below(digests.len() - from);
    let with_logs = seed.below(2) == 0;
    for digest in &digests[from..to] {
        archive.store.objects.remove(&digest.at);
        for log in digest.logs.iter().filter(|_| with_logs) {
            archive.store.objects.remove(log);
        }
    }
    let name = archive.chains[chain].id.name();
    format!("{from} to {to} of {name} deleted, logs too: {with_logs}")
}

fn linked_anew(archive: &mut Archive, seed: &mut Seed) -> String {
    let (chain, from) = any_digest(archive, seed);
    let digests = archive.chains[chain].digests.clone();
    if !digests.iter().all(|digest| is_whole(archive, &digest.at)) {
        return "nothing".into();
    }
    archive.edit_digest(&digests[from].at, Sign::Keep, |doc| {
        doc.set("unknown", Json::Null);
    });
    archive.relink(chain, from, Some(TestKey::foreign()));
    let name = archive.chains[chain].id.name();
    format!("{name} from {from} on linked anew by a forger")
}

fn place_of(at: &At) -> Place {
    let cut = at.1.rfind("AWSLogs/").unwrap_or(0);
    Place::new(&at.0, at.1[..cut].trim_end_matches('/'))
}

fn planted_log(archive: &mut Archive, seed: &mut Seed) -> String {
    let (chain, index) = any_digest(archive, seed);
    let (id, digest) = (
        &archive.chains[chain].id,
        &archive.chains[chain].digests[index],
    );
    let minute = i64::try_from(seed.below(75)).expect("few") - 5;
    let log = PlantedLog::of(id, &place_of(&digest.at), digest.start + minute * MINUTE);
    let at = log.put(&mut archive.store);
    format!("{at:?} planted")
}

fn planted_digest(archive: &mut Archive, seed: &mut Seed) -> String {
    let (chain, index) = any_digest(archive, seed);
    let (id, beside) = (
        &archive.chains[chain].id,
        &archive.chains[chain].digests[index],
    );
    let mut id = id.clone();
    if seed.below(3) == 0 {
        id.trail = "planted".into();
    }
    let minute = i64::try_from(seed.below(50)).expect("few") + 3;
    let place = place_of(&beside.at);
    let mut digest = PlantedDigest::of(&id, &place, beside.start + minute * MINUTE);
    if seed.below(2) == 0 {
        digest.claims = TestKey::foreign();
    }
    if seed.below(2) == 0 {
        digest.sign = Sign::With(TestKey::foreign());
    }
    digest.logs = vec![PlantedLog::of(&id, &place, beside.start + minute * MINUTE).entry()];
    let at = digest.put(&mut archive.store);
    format!("{at:?} planted")
}
