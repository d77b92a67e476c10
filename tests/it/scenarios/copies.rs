//! Copies of one bucket that lie beside each other in one folder, each with its own logs and, where the tool kept it, its own
//! metadata.

use super::common::{CHAIN, HOURS, NEWEST, audit, in_chain, trail};
use crate::{
    forge::{Archive, Doc, FolderWriter, Metadata, Store, store::At},
    harness::{Case, Expect, Finding, code},
};

/// The store `one` in `copies/a`, and the store `other` in `copies/b`; what they say of metadata is what is written.
fn side_by_side(one: Store, other: &Store) -> Case {
    let archive = Archive {
        store: one,
        chains: vec![],
    };
    Case::new(archive)
        .bucket_in("audit-logs", "copies/a")
        .written(|case| {
            FolderWriter::new(&case.source(), Metadata::Sidecar)
                .bucket_in("audit-logs", "copies/b")
                .write(other);
        })
}

fn bare(store: &Store) -> Store {
    let mut store = store.clone();
    store.clear_all_metadata();
    store
}

/// The archive's store without the digests that `is_kept` does not take, and without their logs.
fn part(archive: &Archive, is_kept: impl Fn(usize) -> bool) -> Store {
    let mut store = archive.store.clone();
    for (index, digest) in archive.first().digests.iter().enumerate() {
        if !is_kept(index) {
            store.delete(&digest.at);
            for log in &digest.logs {
                store.delete(log);
            }
        }
    }
    store
}

/// Two whole copies of [`audit`].
fn twice(archive: &Archive) -> Expect {
    Expect::clean(archive).chain(CHAIN, |chain| {
        chain.digests[0] *= 2;
        chain.logs[0] *= 2;
    })
}

fn by_successor(count: usize) -> Finding {
    code("signature-from-successor")
        .chain(CHAIN)
        .says(&format!("{count} digests"))
}

#[test]
fn the_second_of_two_copies_has_no_metadata() {
    let archive = audit();
    side_by_side(archive.store.clone(), &bare(&archive.store))
        .run()
        .is(&twice(&archive).finding(by_successor(NEWEST + 1)));
}

#[test]
fn neither_of_two_copies_has_metadata() {
    let archive = audit();
    let bare = bare(&archive.store);
    let report = side_by_side(bare.clone(), &bare).run().report();
    // As of one such copy: nothing proves the newest digest.
    assert_eq!(report["verdict"], "unverified", "{report:#}");
    let findings = report["findings"].as_array().unwrap();
    let count = |code: &str| findings.iter().filter(|it| it["code"] == code).count();
    assert_eq!((count("digest-unsigned"), count("log-pending")), (2, 4));
    assert_eq!(count("signature-from-successor"), 1);
    assert_eq!(findings.len(), 7, "{report:#}");
    let digests = &report["totals"]["digests"];
    assert_eq!(digests["valid"], 2 * HOURS, "{report:#}");
}

/// `aws s3 sync` keeps no metadata; the sidecars of the newest digests were fetched for each copy when it was made.
#[test]
fn two_copies_that_overlap_have_sidecars_for_their_newest_digests() {
    let archive = trail(8).archive();
    let newest_of = |mut store: Store, newest: std::ops::RangeInclusive<usize>| {
        for (index, digest) in archive.first().digests.iter().enumerate() {
            if !newest.contains(&index) && store.contains(&digest.at) {
                store.clear_metadata(&digest.at);
            }
        }
        store
    };
    let older = newest_of(part(&archive, |index| index <= 5), 4..=5);
    let newer = newest_of(part(&archive, |index| index >= 2), 7..=8);
    let expect = Expect::clean(&archive).chain(CHAIN, |chain| {
        chain.digests[0] += 4;
        chain.logs[0] += 8;
    });
    // Four and five of the older copy, without theirs, and four of the newer one that are there too, and its sixth.
    let expect = expect.finding(by_successor(9));
    for (one, other) in [(&older, &newer), (&newer, &older)] {
        side_by_side(one.clone(), other).run().is(&expect);
    }
}

/// What happens to a second copy's digest that has no metadata.
type Harm = fn(&mut Store, &At);

/// A second copy's digest is proven by the first one's signature only if it is that digest.
#[test]
fn a_second_copy_that_was_changed_is_no_copy() {
    let harms: [(&str, Harm); 3] = [
        ("its content", |store, at| {
            store.edit_text(at, "\"logFiles\":[", "\"logFiles\": [");
        }),
        ("what it says of its place", |store, at| {
            let place = |name: &str| format!("\"digestS3Bucket\":\"{name}\"");
            store.edit_text(at, &place("audit-logs"), &place("audit-logz"));
        }),
        ("which logs it names", |store, at| {
            let content = store.content(at);
            let mut doc = Doc(crate::forge::Json::parse(&content));
            doc.logs().clear();
            store.replace_body(at, doc.0.write(false));
        }),
    ];
    let archive = audit();
    for position in [2, 3, NEWEST] {
        for (what, harm) in &harms {
            let at = archive.digest(position);
            let mut other = bare(&archive.store);
            harm(&mut other, &at);
            let outcome = side_by_side(archive.store.clone(), &other).run();
            let report = outcome.report();
            assert_eq!(outcome.exit, 1, "{what} {position}: {report:#}");
            let findings = report["findings"].as_array().unwrap();
            let told: Vec<_> = findings
                .iter()
                .filter(|it| it["key"] == at.1.as_str())
                .map(|it| it["code"].as_str().unwrap())
                .collect();
            assert_eq!(told, ["digest-out-of-chain"], "{what} {position}");
        }
    }
}

/// A digest that was planted beside one that is verified, in the same chain, and that nothing signed.
#[test]
fn a_planted_digest_beside_a_copy_is_out_of_chain() {
    let archive = audit();
    for position in [2, 4] {
        let (at, older) = (archive.digest(position), archive.digest(position - 1));
        let mut other = bare(&archive.store);
        // The one of the hour before, under this one's name.
        other.copy(&older, &at, false);
        let report = side_by_side(archive.store.clone(), &other).run().report();
        assert_eq!(report["verdict"], "invalid", "{report:#}");
        let findings = report["findings"].as_array().unwrap();
        let told = findings
            .iter()
            .any(|it| it["key"] == at.1.as_str() && it["severity"] == "invalid");
        assert!(told, "{report:#}");
    }
}

/// A signature that is there and does not fit stays an accusation, though the content is proven.
#[test]
fn a_second_copy_with_a_wrong_signature_is_modified() {
    let archive = audit();
    let at = archive.digest(3);
    let mut other = bare(&archive.store);
    let signature = archive.as_previous(&archive.digest(2)).signature;
    other.set_metadata(&at, "signature", &signature);
    other.set_metadata(&at, "signature-algorithm", "SHA256withRSA");
    let expect = twice(&archive)
        .finding(by_successor(NEWEST))
        .finding(in_chain("digest-modified", &at))
        .chain(CHAIN, |chain| {
            chain.digests[0] -= 1;
            chain.digests[1] += 1;
        });
    side_by_side(archive.store.clone(), &other)
        .run()
        .is(&expect);
}
