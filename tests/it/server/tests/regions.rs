use aws_sdk_s3::error::SdkError;

use super::super::{Options, WrongRegion};
use super::client::{BUCKET, block_on, body, get, s3, serve, told};

#[test]
fn a_bucket_tells_its_region() {
    let server = serve(&["key"], Options::default());
    server.store().bucket(BUCKET).region = "eu-central-1".to_owned();
    let client = s3(&server, 1);
    let head = block_on(client.head_bucket().bucket(BUCKET).send()).unwrap();
    assert_eq!(head.bucket_region(), Some("eu-central-1"));
    let location = block_on(client.get_bucket_location().bucket(BUCKET).send()).unwrap();
    assert_eq!(
        location.location_constraint().unwrap().as_str(),
        "eu-central-1"
    );
}

#[test]
fn the_wrong_region_is_redirected() {
    let server = serve(&["key"], Options::default());
    let client = s3(&server, 3);
    {
        let mut store = server.store();
        store.bucket(BUCKET).region = "eu-central-1".to_owned();
        store.bucket(BUCKET).wrong_region = WrongRegion::PermanentRedirect;
    }
    let refused = block_on(get(&client, "key"));
    assert_eq!(region_header(&refused).as_deref(), Some("eu-central-1"));
    assert_eq!(told(&refused.unwrap_err()), "301 PermanentRedirect");
    let asked = server.log().requests();
    assert_eq!(asked, 1, "the SDK does not follow by itself");
    let head = block_on(client.head_bucket().bucket(BUCKET).send());
    assert_eq!(region_header(&head).as_deref(), Some("eu-central-1"));
    server.store().bucket(BUCKET).wrong_region = WrongRegion::AuthorizationHeaderMalformed;
    assert_eq!(
        block_on(body(&client, "key")).unwrap_err(),
        "400 AuthorizationHeaderMalformed"
    );
    assert_eq!(region_header(&block_on(get(&client, "key"))), None);
    let head = block_on(client.head_bucket().bucket(BUCKET).send());
    assert_eq!(region_header(&head).as_deref(), Some("eu-central-1"));
    server.store().bucket(BUCKET).region = "us-east-1".to_owned();
    assert_eq!(block_on(body(&client, "key")).unwrap(), b"key");
}

fn region_header<T, E>(result: &Result<T, SdkError<E>>) -> Option<String> {
    let error = result.as_ref().err().expect("a refusal");
    let headers = error.raw_response().expect("an answer").headers();
    headers.get("x-amz-bucket-region").map(str::to_owned)
}
