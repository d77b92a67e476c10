use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::types::RequestPayer;

use super::super::{ACCESS_KEY, Class, Metadata, Object, Operation, Options, Restore};
use super::client::{BUCKET, block_on, body, get, s3, serve, told, unsigned};

#[test]
fn an_object_comes_with_its_metadata() {
    let server = serve(
        &[],
        Options {
            title_case: true,
            ..Options::default()
        },
    );
    let metadata = Metadata::from([("signature".to_owned(), "00ff".to_owned())]);
    server.store().put(
        BUCKET,
        "AWSLogs/1 2/ü.json.gz",
        Object::new("content").with_metadata(metadata),
    );
    block_on(async {
        let output = get(&s3(&server, 1), "AWSLogs/1 2/ü.json.gz").await.unwrap();
        assert_eq!(output.metadata().unwrap()["signature"], "00ff");
        assert_eq!(output.content_length(), Some(7));
        assert_eq!(output.e_tag(), Some("\"9a0364b9e99bb480dd25e1f0284c8555\""));
        assert_eq!(
            &output.body.collect().await.unwrap().into_bytes()[..],
            b"content"
        );
    });
    assert_eq!(
        server
            .log()
            .requests_for(BUCKET, "AWSLogs/1 2/ü.json.gz")
            .len(),
        1
    );
    assert_eq!(server.log().entries()[0].status, Some(200));
}

#[test]
fn a_range_is_a_part() {
    let server = serve(&["0123456789"], Options::default());
    let request = s3(&server, 1)
        .get_object()
        .bucket(BUCKET)
        .key("0123456789")
        .range("bytes=3-5");
    let output = block_on(request.send()).unwrap();
    assert_eq!(output.content_range(), Some("bytes 3-5/10"));
    assert_eq!(
        &block_on(output.body.collect()).unwrap().into_bytes()[..],
        b"345"
    );
    assert_eq!(
        server.log().entries()[0].call.range.as_deref(),
        Some("bytes=3-5")
    );
}

#[test]
fn a_changed_object_fails_if_match() {
    let server = serve(&["key"], Options::default());
    let request = s3(&server, 1)
        .get_object()
        .bucket(BUCKET)
        .key("key")
        .if_match("\"other\"");
    assert_eq!(
        told(&block_on(request.send()).unwrap_err()),
        "412 PreconditionFailed"
    );
}

#[test]
fn what_is_not_there_is_told_apart() {
    let server = serve(&["key"], Options::default());
    let client = s3(&server, 1);
    assert_eq!(
        block_on(body(&client, "none")).unwrap_err(),
        "404 NoSuchKey"
    );
    let elsewhere = client.get_object().bucket("no-such-bucket").key("key");
    assert_eq!(
        told(&block_on(elsewhere.send()).unwrap_err()),
        "404 NoSuchBucket"
    );
    server.store().bucket(BUCKET).deny_list = true;
    assert_eq!(
        block_on(body(&client, "none")).unwrap_err(),
        "403 AccessDenied"
    );
    assert_eq!(block_on(body(&client, "key")).unwrap(), b"key");
    let listing = client.list_objects_v2().bucket(BUCKET);
    assert_eq!(
        told(&block_on(listing.send()).unwrap_err()),
        "403 AccessDenied"
    );
}

#[test]
fn an_archived_object_is_refused_until_restored() {
    let server = serve(&[], Options::default());
    server
        .store()
        .put(BUCKET, "cold", Object::new("x").with_class(Class::Glacier));
    let client = s3(&server, 1);
    assert_eq!(
        block_on(body(&client, "cold")).unwrap_err(),
        "403 InvalidObjectState"
    );
    let head = || block_on(client.head_object().bucket(BUCKET).key("cold").send()).unwrap();
    assert_eq!(head().storage_class().unwrap().as_str(), "GLACIER");
    server
        .store()
        .bucket(BUCKET)
        .get_mut("cold")
        .unwrap()
        .restore = Restore::InProgress;
    assert_eq!(
        block_on(body(&client, "cold")).unwrap_err(),
        "403 InvalidObjectState"
    );
    assert_eq!(head().restore(), Some("ongoing-request=\"true\""));
    server
        .store()
        .bucket(BUCKET)
        .get_mut("cold")
        .unwrap()
        .restore = Restore::Until(std::time::SystemTime::now());
    assert_eq!(block_on(body(&client, "cold")).unwrap(), b"x");
    server.store().put(
        BUCKET,
        "instant",
        Object::new("y").with_class(Class::GlacierInstant),
    );
    assert_eq!(block_on(body(&client, "instant")).unwrap(), b"y");
}

#[test]
fn versions_are_read_by_their_ids() {
    let server = serve(&[], Options::default());
    let ids: Vec<String> = {
        let mut store = server.store();
        let bucket = store.bucket(BUCKET);
        bucket.versioned = true;
        bucket.put("key", Object::new("old"));
        bucket.put("key", Object::new("new"));
        bucket.delete("key");
        bucket.keys["key"]
            .iter()
            .map(super::super::Version::name)
            .collect()
    };
    let client = s3(&server, 1);
    assert_eq!(block_on(body(&client, "key")).unwrap_err(), "404 NoSuchKey");
    let read = |id: &str| {
        let request = client.get_object().bucket(BUCKET).key("key").version_id(id);
        let output = block_on(request.send()).map_err(|error| told(&error))?;
        assert_eq!(output.version_id(), Some(id));
        Ok::<_, String>(block_on(output.body.collect()).unwrap().into_bytes())
    };
    assert_eq!(read(&ids[0]).as_deref(), Ok(&b"old"[..]));
    assert_eq!(read(&ids[1]).as_deref(), Ok(&b"new"[..]));
    assert_eq!(read(&ids[2]).unwrap_err(), "405 MethodNotAllowed");
    assert_eq!(read("v9").unwrap_err(), "404 NoSuchVersion");
}

#[test]
fn a_requester_pays_bucket_wants_the_header() {
    let server = serve(&["key"], Options::default());
    server.store().bucket(BUCKET).requester_pays = true;
    let client = s3(&server, 1);
    assert_eq!(
        block_on(body(&client, "key")).unwrap_err(),
        "403 AccessDenied"
    );
    let paying = client
        .get_object()
        .bucket(BUCKET)
        .key("key")
        .request_payer(RequestPayer::Requester);
    assert!(block_on(paying.send()).is_ok());
}

#[test]
fn anonymous_requests_are_counted() {
    let server = serve(&["key"], Options::default());
    block_on(body(&s3(&server, 1), "key")).unwrap();
    assert_eq!(server.log().anonymous(), 0);
    let anonymous = aws_sdk_s3::Client::from_conf(unsigned(&server, 1).allow_no_auth().build());
    block_on(body(&anonymous, "key")).unwrap();
    assert_eq!(server.log().anonymous(), 1);
    assert_eq!(server.log().count(Operation::GetObject), 2);
}

#[test]
fn signatures_are_checked_where_that_is_asked_for() {
    let name = "a b+c/ü(1)~*'!.json.gz";
    let options = Options {
        secret: Some("right".to_owned()),
        ..Options::default()
    };
    let server = serve(&[name], options);
    let signed_with = |secret: &str| {
        let credentials = Credentials::new(ACCESS_KEY, secret, None, None, "test");
        let config = unsigned(&server, 1).credentials_provider(credentials);
        block_on(body(&aws_sdk_s3::Client::from_conf(config.build()), name))
    };
    assert_eq!(signed_with("right").unwrap(), name.as_bytes());
    assert_eq!(
        signed_with("wrong").unwrap_err(),
        "403 SignatureDoesNotMatch"
    );
    let anonymous = aws_sdk_s3::Client::from_conf(unsigned(&server, 1).allow_no_auth().build());
    assert!(block_on(body(&anonymous, name)).is_ok());
}
