//! What the forge makes is looked at once from outside: names as published ones, signatures that open, links that hold.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use super::{
    chain::{Archive, SIGNATURE},
    digest::{Doc, Sign},
    generate,
    json::Json,
    keys::{TestKey, sha256},
    names::Kind,
    trail::Trail,
};

fn text<'a>(doc: &'a Doc, name: &str) -> &'a str {
    let Json::Text(text) = doc.get(name) else {
        panic!("{name} is no text")
    };
    text
}

fn check_chains(archive: &Archive) {
    for chain in &archive.chains {
        let mut before: Option<String> = None;
        for digest in &chain.digests {
            let body = archive.store.content(&digest.at);
            let doc = Doc(Json::parse(&body));
            assert_eq!(text(&doc, "digestS3Object"), digest.at.1);
            let signed = doc.signed_text(&body);
            let signature = &archive.store.get(&digest.at).metadata[SIGNATURE];
            let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, digest.key.pkcs1());
            key.verify(signed.as_bytes(), &hex::decode(signature).unwrap())
                .unwrap();
            match before.filter(|_| !digest.starting && !chain.id.backfill) {
                Some(previous) => assert_eq!(text(&doc, "previousDigestHashValue"), previous),
                None => assert!(signed.ends_with("\nnull")),
            }
            before = Some(sha256(&body));
            assert!(!digest.starting || digest.logs.is_empty());
            assert!(digest.logs.iter().all(|log| archive.store.contains(log)));
        }
    }
}

#[test]
fn a_trail_is_delivered_as_cloudtrail_delivers() {
    let mut trail = Trail::new("audit", "2024-03-10T00:05:31Z", 5)
        .organization("o-abcde12345")
        .accounts(&["111122223333", "444455556666"])
        .regions(&["eu-west-1", "us-east-1"])
        .place("logs", "a prefix/of two")
        .moves(3, "logs-new", "")
        .restart(30, 4)
        .rotate(4, TestKey::b())
        .backfill(&[2, 6])
        .empty(&[1])
        .other(Kind::Insight, true);
    trail.escape_slashes = true;
    let archive = trail.archive();
    check_chains(&archive);
    let chain = archive.chain("o-abcde12345/444455556666/us-east-1/audit");
    assert_eq!(chain.digests.len(), 11);
    assert_eq!(
        chain.digests[1].at.1,
        "a prefix/of two/AWSLogs/o-abcde12345/444455556666/CloudTrail-Digest/us-east-1/2024/03/10/\
         444455556666_CloudTrail-Digest_us-east-1_audit_eu-west-1_20240310T010531Z.json.gz"
    );
    assert_eq!(chain.digests[5].at.0, "logs-new");
    assert!(chain.digests[6].starting && chain.digests[6].start < chain.digests[5].end);
    assert!(
        archive
            .chain("o-abcde12345/444455556666/us-east-1/audit (backfill)")
            .digests[1]
            .at
            .1
            .ends_with("_backfill.json.gz")
    );
    assert_eq!(
        trail.archive().store,
        archive.store,
        "the same trail gives the same bytes"
    );
}

#[test]
fn an_edited_digest_can_be_signed_and_linked_anew() {
    let mut archive = Trail::new("audit", "2024-03-10T00:00:00Z", 4).archive();
    let (edited, key) = (archive.digest(2), TestKey::a());
    archive.edit_digest(&edited, Sign::With(key), |doc| {
        doc.set("oldestEventTime", Json::Null);
    });
    archive.relink(0, 2, None);
    check_chains(&archive);
}

#[test]
fn large_archives_go_straight_to_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(generate::generate(dir.path(), 700, 1, 100), 800);
    assert!(
        dir.path()
            .join("archive/audit-logs/AWSLogs/444455556666/CloudTrail/eu-west-1/2024/03/01")
            .is_dir()
    );
}
