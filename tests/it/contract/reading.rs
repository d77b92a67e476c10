//! What a source gives of an object, and what it says where it gives none.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::time::Duration;

use ct_verify::source::{Metadata, Next, SourceError};
use ct_verify::verify::location::{ObjectLocation, RootId};

use super::keepers::{
    BUCKET, Keeper, LOGS, PREFIX, archive, in_a_bucket, in_a_folder, in_a_snapshot, keepers, path,
    refuses,
};
use crate::forge::StoredObject;
use crate::server::Fault;

/// No test takes so long.
const LONG: Duration = Duration::from_mins(2);

fn metadata_of(object: &StoredObject) -> Metadata {
    let pairs = object.metadata.iter();
    Metadata::from_pairs(pairs.map(|(name, value)| (&**name, &**value)))
}

#[test]
fn every_object_is_given_byte_for_byte() {
    let archive = archive();
    for keeper in keepers(&archive) {
        for ((_, key), object) in &archive.store.objects {
            let read = keeper.log(path(key));
            assert_eq!(read.as_ref(), Ok(&object.body), "{}: {key}", keeper.name);
        }
    }
}

#[test]
fn a_digest_comes_with_its_metadata() {
    let archive = archive();
    for keeper in keepers(&archive) {
        for digest in &archive.first().digests {
            let object = archive.store.get(&digest.at);
            let opened = keeper.source.digest(keeper.root, path(&digest.at.1));
            let (mut body, metadata) = opened.expect("a digest");
            let mut content = Vec::new();
            body.reader.read_to_end(&mut content).expect("a body");
            assert!(content == object.body, "{}", keeper.name);
            assert_eq!(metadata, metadata_of(object), "{}", keeper.name);
            assert!(metadata.signature.is_some());
        }
    }
}

/// What is not there is nothing else: neither denied, nor a failure to read.
#[test]
fn what_is_not_there_is_not_found() {
    for keeper in keepers(&archive()) {
        for gone in [
            format!("{LOGS}/2024/03/10/gone.json.gz"),
            "AWSLogs/444455556666/CloudTrail/us-east-1/2024/03/10/gone.json.gz".to_owned(),
            // A folder is no object.
            LOGS.to_owned() + "/2024/03/11",
        ] {
            let log = keeper.log(&gone).map(drop);
            let digest = keeper.source.digest(keeper.root, &gone).map(drop);
            for told in [log, digest] {
                // A snapshot knows only of what was asked for when it was taken.
                let is_right = match &told {
                    Err(SourceError::Failed(why)) => {
                        keeper.name == "a snapshot" && why.contains("asked for it")
                    }
                    told => *told == Err(SourceError::NotFound),
                };
                assert!(is_right, "{}: {told:?}", keeper.name);
            }
        }
        let nowhere = keeper.source.log(RootId(9), &format!("{LOGS}/x")).map(drop);
        assert_eq!(nowhere, Err(SourceError::NotFound), "{}", keeper.name);
    }
}

/// What cannot be read is never what is not there, and what is denied says so.
#[test]
fn what_cannot_be_read_is_not_what_is_not_there() {
    let archive = archive();
    let log = path(&archive.log(2, 0).1).to_owned();
    for (fault, is_denied) in [(Fault::AccessDenied, true), (Fault::InternalError, false)] {
        for keeper in [
            in_a_bucket(&archive, refuses(fault.clone(), &log)),
            in_a_snapshot(&archive, refuses(fault.clone(), &log)),
        ] {
            let told = keeper.log(&log);
            let is_right = match &told {
                Err(SourceError::Denied(_)) => is_denied,
                Err(SourceError::Unavailable(_) | SourceError::Failed(_)) => !is_denied,
                Err(SourceError::NotFound | SourceError::Archived(_)) | Ok(_) => false,
            };
            assert!(is_right, "{}: {told:?}", keeper.name);
        }
    }
    // A link that leaves the folder. What a user may not read is in scenarios::logs, which runs as one.
    let keeper = in_a_folder(&archive);
    let file = keeper.dir().join(PREFIX).join(&log);
    std::fs::remove_file(&file).expect("the log");
    symlink("/dev/null", &file).expect("a link");
    let told = keeper.log(&log);
    assert!(
        matches!(told, Err(SourceError::Denied(_) | SourceError::Failed(_))),
        "{told:?}"
    );
}

/// A digest of the run may name an object of the run's own place by its bucket and key.
#[test]
fn an_object_is_found_by_its_bucket_and_key() {
    let archive = archive();
    for keeper in keepers(&archive) {
        let (bucket, key) = archive.log(3, 1);
        let location = ObjectLocation::new(&*bucket, &*key);
        let found = keeper.source.elsewhere(keeper.root, &location);
        assert_eq!(
            found,
            Some((keeper.root, path(&key).to_owned())),
            "{}",
            keeper.name
        );
        // A folder is told by nobody what bucket it stands for; whoever knows tells it right.
        let stated = keeper.source.stated(keeper.root);
        assert!(
            stated.is_none_or(|(bucket, prefix)| (&*bucket, &*prefix) == (BUCKET, PREFIX)),
            "{}",
            keeper.name
        );
    }
}

/// Whoever asks for many at once gets an answer to each question, and to no other.
#[test]
fn each_question_has_its_own_answer() {
    let archive = archive();
    let gone = format!("{PREFIX}/{LOGS}/2024/03/10/gone.json.gz");
    let objects = archive.store.objects.iter();
    let objects = objects.map(|((_, key), object)| (key, Ok(object.body.clone())));
    let asked: Vec<_> = objects
        .chain([(&gone, Err(SourceError::NotFound))])
        .collect();
    let mut is_any = false;
    for keeper in keepers(&archive) {
        let Some(mut fetch) = keeper.source.fetch() else {
            continue;
        };
        is_any = true;
        let ask = |(key, known): &(&String, Result<Vec<u8>, SourceError>)| {
            (fetch.ask(keeper.root, path(key)), known.clone())
        };
        let mut open: BTreeMap<_, _> = asked.iter().map(ask).collect();
        assert_eq!(open.len(), asked.len(), "one number for each");
        while !open.is_empty() {
            match fetch.next(LONG) {
                Next::Came(number, given) => {
                    let known = open.remove(&number).expect("a question that was asked");
                    let given = given.map(|mut body| {
                        let mut content = Vec::new();
                        body.reader.read_to_end(&mut content).expect("a body");
                        content
                    });
                    assert_eq!(given, known, "{}", keeper.name);
                }
                Next::NotYet | Next::Nothing => panic!("{}: {} are open", keeper.name, open.len()),
            }
        }
        assert!(matches!(fetch.next(LONG), Next::Nothing), "{}", keeper.name);
    }
    assert!(is_any, "a bucket is asked for many");
}

/// The same of what is read as it comes: a body that ends early is no body, nor one that stops coming.
#[test]
fn a_body_that_breaks_off_is_no_object() {
    let archive = archive();
    let log = path(&archive.log(2, 0).1).to_owned();
    for fault in [Fault::CutBody, Fault::ResetBody] {
        let keeper: Keeper = in_a_bucket(&archive, refuses(fault, &log));
        let told = keeper.log(&log);
        assert!(
            matches!(
                told,
                Err(SourceError::Unavailable(_) | SourceError::Failed(_))
            ),
            "{told:?}"
        );
    }
}
