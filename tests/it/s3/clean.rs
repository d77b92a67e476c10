//! Archives that nobody touched, read from buckets.

use super::served::{DAY, Served};
use crate::forge::Trail;
use crate::scenarios::common::audit;
use crate::server::Operation;

#[test]
fn a_bucket_is_verified_with_one_request_for_each_object() {
    let archive = audit();
    let served = Served::new(&archive).args(DAY);
    let report = served.run("s3://audit-logs");
    assert_eq!(report["verdict"], "valid", "{report:#}");
    assert_eq!(report["totals"]["digests"]["valid"], 6);
    assert_eq!(report["totals"]["logs"]["valid"], 12);
    assert_eq!(report["findings"], serde_json::json!([]));
    let log = served.server.log();
    // The starting digest ends where the range starts: it may name logs of the range.
    assert_eq!(log.count(Operation::GetObject), 7 + 12);
    assert_eq!(log.count(Operation::HeadObject), 0);
    assert_eq!(log.count(Operation::GetBucketLocation), 0);
    assert_eq!(log.count(Operation::ListPublicKeys), 1);
    assert_eq!(
        report["run"]["public_keys"][0]["origin"], "cloudtrail",
        "{report:#}"
    );
}

#[test]
fn a_prefix_and_many_regions() {
    let archive = Trail::new("audit", "2024-03-10T00:00:00Z", 6)
        .accounts(&["111122223333", "444455556666"])
        .regions(&["eu-west-1", "us-east-1", "ap-southeast-2"])
        .place("audit-logs", "security team/cloud+trail (2024)")
        .archive();
    for source in ["s3://audit-logs", "s3://audit-logs/security team"] {
        let report = Served::new(&archive).args(DAY).run(source);
        assert_eq!(report["verdict"], "valid", "{report:#}");
        assert_eq!(report["chains"].as_array().unwrap().len(), 6);
    }
}
