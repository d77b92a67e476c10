//! The fields of a digest, each changed in every way, under four kinds of signature.

use super::case::{Case, Expected, Target};
use crate::forge::{Archive, At, Doc, Json, Sign, TestKey};

const FIELDS: [&str; 14] = [
    "awsAccountId",
    "digestStartTime",
    "digestEndTime",
    "digestS3Bucket",
    "digestS3Object",
    "digestPublicKeyFingerprint",
    "digestSignatureAlgorithm",
    "newestEventTime",
    "oldestEventTime",
    "previousDigestS3Bucket",
    "previousDigestS3Object",
    "previousDigestHashValue",
    "previousDigestHashAlgorithm",
    "previousDigestSignature",
];
const LOG_FIELDS: [&str; 6] = [
    "s3Bucket",
    "s3Object",
    "hashValue",
    "hashAlgorithm",
    "newestEventTime",
    "oldestEventTime",
];

type Edit = Box<dyn Fn(&mut Doc) + Send + Sync>;

/// The text with one letter changed into another that such a text may hold.
fn altered(text: &str, place: usize) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let place = place.min(letters.len().saturating_sub(1));
    if let Some(letter) = letters.get_mut(place) {
        *letter = match *letter {
            '0' => '1',
            '1'..='9' => '0',
            'a' => 'b',
            _ => 'a',
        };
    }
    letters.into_iter().collect()
}

/// Every way to change a value.
fn changes(value: &Json) -> Vec<(&'static str, Json)> {
    let mut changes = vec![
        ("a number", Json::Number("7".into())),
        ("an array", Json::Array(vec![])),
        ("an object", Json::Object(vec![])),
        ("empty", Json::text("")),
    ];
    match value {
        Json::Text(text) => {
            changes.push(("null", Json::Null));
            changes.push(("first letter", Json::Text(altered(text, 0))));
            changes.push(("middle letter", Json::Text(altered(text, text.len() / 2))));
            changes.push(("last letter", Json::Text(altered(text, usize::MAX))));
            changes.push(("longer", Json::Text(format!("{text}0"))));
            changes.push(("a line break", Json::Text(format!("{text}\n"))));
        }
        Json::Null => changes.push(("text", Json::text("0"))),
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {}
    }
    changes
}

pub fn cases(archive: &Archive, target: &Target) -> Vec<Case> {
    let doc = Doc(Json::parse(&archive.store.content(&target.at)));
    let mut cases = Vec::new();
    let mut add = |row: String, name: &str, edit: Edit| {
        let edit = std::sync::Arc::new(edit);
        for (how, sign, claims) in signatures() {
            let (at, edit) = (target.at.clone(), std::sync::Arc::clone(&edit));
            let change = move |archive: &mut Archive| {
                archive.edit_digest(&at, sign, |doc| {
                    edit(doc);
                    if let Some(key) = claims {
                        doc.set("digestPublicKeyFingerprint", Json::text(key.fingerprint()));
                    }
                });
            };
            let told = Expected::Told(vec![target.at.clone()]);
            cases.push(Case::new(
                row.clone(),
                format!("{name}, {how}"),
                told,
                change,
            ));
        }
    };
    for field in FIELDS {
        for (name, value) in changes(doc.get(field)) {
            let set = move |doc: &mut Doc| doc.set(field, value.clone());
            add(format!("`{field}`"), name, Box::new(set));
        }
        let old = doc.get(field).clone();
        let twice = move |doc: &mut Doc| doc.repeat(field, old.clone());
        add(
            format!("`{field}`"),
            "absent",
            Box::new(move |doc| doc.remove(field)),
        );
        add(format!("`{field}`"), "twice", Box::new(twice));
    }
    for (name, edit) in logs(doc, &target.at) {
        let (row, name) = name.split_once(": ").expect("a row and a case");
        add(row.to_owned(), name, edit);
    }
    cases
}

/// What a forger can do about the signature.
fn signatures() -> [(&'static str, Sign, Option<&'static TestKey>); 4] {
    let foreign = TestKey::foreign();
    [
        ("signature kept", Sign::Keep, None),
        ("signature removed", Sign::Remove, None),
        ("signed with another key", Sign::With(foreign), None),
        (
            "signed with another key, and naming it",
            Sign::With(foreign),
            Some(foreign),
        ),
    ]
}

fn logs(mut doc: Doc, at: &At) -> Vec<(String, Edit)> {
    let mut edits: Vec<(String, Edit)> = Vec::new();
    for (name, value) in [
        ("null", Json::Null),
        ("text", Json::text("")),
        ("an object", Json::Object(vec![])),
    ] {
        let set = move |doc: &mut Doc| doc.set("logFiles", value.clone());
        edits.push((format!("`logFiles`: {name}"), Box::new(set)));
    }
    edits.push((
        "`logFiles`: absent".into(),
        Box::new(|doc| doc.remove("logFiles")),
    ));
    let entry = Json::object([
        ("s3Bucket", Json::text(&at.0)),
        (
            "s3Object",
            Json::text(at.1.replace("CloudTrail-Digest", "CloudTrail")),
        ),
        ("hashValue", Json::text("0".repeat(64))),
        ("hashAlgorithm", Json::text("SHA-256")),
        ("newestEventTime", Json::text("2024-03-10T00:30:00Z")),
        ("oldestEventTime", Json::text("2024-03-10T00:30:00Z")),
    ]);
    edits.push((
        "`logFiles`: a log more".into(),
        Box::new(move |doc| doc.logs().push(entry.clone())),
    ));
    for index in 0..doc.logs().len() {
        edits.push((
            format!("`logFiles`: log {index} taken out"),
            Box::new(move |doc| drop(doc.logs().remove(index))),
        ));
        let twice = move |doc: &mut Doc| {
            let log = doc.logs()[index].clone();
            doc.logs().push(log);
        };
        edits.push((format!("`logFiles`: log {index} twice"), Box::new(twice)));
        let log = Doc(doc.logs()[index].clone());
        for field in LOG_FIELDS {
            for (name, value) in changes(log.get(field)) {
                let set = move |doc: &mut Doc| doc.set_log(index, field, value.clone());
                edits.push((
                    format!("`logFiles` `{field}`: {name} in {index}"),
                    Box::new(set),
                ));
            }
            let without = move |doc: &mut Doc| {
                let mut log = Doc(doc.logs()[index].clone());
                log.remove(field);
                doc.logs()[index] = log.0;
            };
            edits.push((
                format!("`logFiles` `{field}`: absent in {index}"),
                Box::new(without),
            ));
        }
    }
    edits
}
