//! Where a bucket is, where a trail delivers to, and where its chains lead.

use super::served::{DAY, Served, codes, expect, messages};
use crate::forge::{Archive, Trail};
use crate::scenarios::common::{audit, trail};
use crate::server::{self, Operation, WrongRegion};

const ACCOUNTS: [&str; 2] = ["111122223333", "444455556666"];
const REGIONS: [&str; 3] = ["eu-west-1", "us-east-1", "ap-southeast-2"];

fn described(home_region: &str) -> server::Trail {
    server::Trail {
        name: "audit".into(),
        account: ACCOUNTS[0].into(),
        home_region: home_region.into(),
        bucket: "audit-logs".into(),
        ..server::Trail::default()
    }
}

#[test]
fn a_bucket_in_another_region_is_found() {
    for (wrong_region, answered) in [
        (WrongRegion::PermanentRedirect, "a redirect"),
        (WrongRegion::AuthorizationHeaderMalformed, "an error"),
    ] {
        let served = Served::new(&audit()).args(DAY);
        {
            let mut store = served.server.store();
            let bucket = store.bucket("audit-logs");
            bucket.region = "ap-southeast-2".into();
            bucket.wrong_region = wrong_region;
        }
        let report = served.run("s3://audit-logs");
        expect(&report, "valid", &[]);
        // Once it is known, nothing is asked in the wrong place any more.
        let gets = served.server.log().count(Operation::GetObject);
        assert_eq!(gets, 7 + 12, "{answered}");
        assert_eq!(served.server.log().count(Operation::GetBucketLocation), 0);
    }
}

#[test]
fn a_trail_in_one_region() {
    let archive = audit();
    let served = Served::new(&archive)
        .args(DAY)
        .trail(described("us-east-1"));
    let report = served.run("arn:aws:cloudtrail:us-east-1:111122223333:trail/audit");
    expect(&report, "valid", &[]);
    assert_eq!(report["totals"]["logs"]["valid"], 12);
    let log = served.server.log();
    assert_eq!(log.count(Operation::DescribeTrails), 1);
    assert_eq!(log.count(Operation::DescribeOrganization), 0);
    assert_eq!(log.count(Operation::GetTrail), 0);
}

/// Two accounts and three regions; the second account's trail is another of that name.
fn many() -> Archive {
    Trail::new("audit", "2024-03-10T00:00:00Z", 6)
        .accounts(&ACCOUNTS)
        .regions(&REGIONS)
        .place("audit-logs", "a prefix")
        .archive()
}

#[test]
fn a_trail_of_all_regions_is_that_of_its_account() {
    let described = server::Trail {
        multi_region: true,
        prefix: Some("a prefix".into()),
        ..described("eu-west-1")
    };
    let served = Served::new(&many()).args(DAY).trail(described);
    let report = served.run("arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit");
    expect(&report, "valid", &[]);
    assert_eq!(report["chains"].as_array().expect("chains").len(), 3);
    let narrowed = served.args(["--region", "us-east-1"]);
    let report = narrowed.run("arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit");
    assert_eq!(report["chains"].as_array().expect("chains").len(), 1);
}

/// A trail has digests in its home region, whatever it records.
#[test]
fn a_trail_whose_home_region_is_gone() {
    let mut archive = many();
    let is_gone = |key: &str| key.contains("/111122223333/") && key.contains("/eu-west-1/");
    archive.store.objects.retain(|(_, key), _| !is_gone(key));
    let described = server::Trail {
        multi_region: true,
        prefix: Some("a prefix".into()),
        ..described("eu-west-1")
    };
    let served = Served::new(&archive).args(DAY).trail(described);
    let arn = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit";
    let report = served.run(arn);
    expect(&report, "unverified", &[("no-digests", 1)]);
    let told = messages(&report);
    assert!(
        told.contains("home region eu-west-1") && !told.contains("organization"),
        "{report:#}"
    );
    let narrowed = served.args(["--region", "us-east-1"]);
    expect(&narrowed.run(arn), "valid", &[]);
}

#[test]
fn a_trail_of_an_organization_is_that_of_all_accounts() {
    let archive = Trail::new("audit", "2024-03-10T00:00:00Z", 6)
        .organization("o-abcde12345")
        .accounts(&ACCOUNTS)
        .regions(&REGIONS)
        .archive();
    let described = server::Trail {
        multi_region: true,
        organization: true,
        ..described("eu-west-1")
    };
    let served = Served::new(&archive).args(DAY).trail(described);
    let arn = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit";
    let report = served.run(arn);
    expect(&report, "valid", &[]);
    assert_eq!(report["chains"].as_array().expect("chains").len(), 6);
    let narrowed = served.args(["--account", ACCOUNTS[1]]);
    let report = narrowed.run(arn);
    expect(&report, "valid", &[]);
    assert_eq!(report["chains"].as_array().expect("chains").len(), 3);
}

/// Another account may have a trail of this name and home region that delivers to the same bucket.
#[test]
fn a_trail_of_an_organization_is_not_what_another_account_named_alike() {
    let mut foreign = Trail::new("audit", "2024-03-10T00:00:00Z", 6)
        .accounts(&["999900001111"])
        .regions(&REGIONS);
    foreign.seed = 2;
    let mut foreign = foreign.archive();
    let mut own = Trail::new("audit", "2024-03-10T00:00:00Z", 6)
        .organization("o-abcde12345")
        .accounts(&ACCOUNTS)
        .regions(&REGIONS)
        .archive();
    let log = foreign.log(3, 0);
    foreign.store.delete(&log);
    let both = |own: &Archive| {
        let mut both = foreign.clone();
        both.store.objects.extend(own.store.objects.clone());
        let described = server::Trail {
            multi_region: true,
            organization: true,
            ..described("eu-west-1")
        };
        let served = Served::new(&both).args(DAY).trail(described);
        served.run("arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit")
    };
    // What is wrong with the other one is not this one's.
    expect(&both(&own), "valid", &[]);
    own.store.objects.clear();
    expect(&both(&own), "unverified", &[("no-digests", 1)]);
    // Nor is another organization's.
    let evil = Trail::new("audit", "2024-03-10T00:00:00Z", 6)
        .organization("o-zzzzz12345")
        .accounts(&["999900002222"])
        .regions(&REGIONS);
    let report = both(&evil.archive());
    expect(&report, "unverified", &[("no-digests", 1)]);
    assert!(
        messages(&report).contains("home region eu-west-1"),
        "{report:#}"
    );
}

/// An organization may have a trail of that name too: what it has of the account does not stand in for the account's own.
#[test]
fn a_trail_of_one_account_is_not_what_an_organization_named_alike() {
    let home = "eu-west-1";
    let trail = || Trail::new("audit", "2024-03-10T00:00:00Z", 6).regions(&[home]);
    let other = trail()
        .organization("o-abcde12345")
        .accounts(&ACCOUNTS)
        .archive();
    let own = trail().accounts(&ACCOUNTS[..1]).seed(2).archive();
    let run = |with_own: bool| {
        let mut both = trail().accounts(&ACCOUNTS[..1]).seed(2).archive();
        both.store.objects.clear();
        both.store.objects.extend(other.store.objects.clone());
        if with_own {
            both.store.objects.extend(own.store.objects.clone());
        }
        let served = Served::new(&both).args(DAY).trail(described(home));
        served.run("arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit")
    };
    let report = run(true);
    assert_eq!(report["verdict"], "valid", "{report:#}");
    let report = run(false);
    assert_eq!(report["verdict"], "unverified", "{report:#}");
    let told = "home region eu-west-1 was found; an organization's trail of that name has digests";
    assert!(messages(&report).contains(told), "{report:#}");
}

/// What the trail was before it became the organization's does not stand in for what is gone of it since.
#[test]
fn a_trail_of_an_organization_is_not_what_it_was_before() {
    let home = "eu-west-1";
    let alone = Trail::new("audit", "2024-03-10T00:00:00Z", 6)
        .accounts(&ACCOUNTS[..1])
        .regions(&[home])
        .seed(2)
        .archive();
    let run = |is_gone: &dyn Fn(&str) -> bool| {
        let mut both = Trail::new("audit", "2024-03-10T00:00:00Z", 6)
            .organization("o-abcde12345")
            .accounts(&ACCOUNTS)
            .regions(&REGIONS)
            .archive();
        both.store.objects.retain(|(_, key), _| !is_gone(key));
        both.store.objects.extend(alone.store.objects.clone());
        let described = server::Trail {
            multi_region: true,
            organization: true,
            ..described(home)
        };
        let served = Served::new(&both).args(DAY).trail(described);
        served.run("arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit")
    };
    let of_owner = |key: &str| key.contains("/o-abcde12345/111122223333/");
    let report = run(&|key| of_owner(key) && key.contains("/eu-west-1/"));
    assert_eq!(report["verdict"], "unverified", "{report:#}");
    assert!(
        messages(&report).contains("home region eu-west-1"),
        "{report:#}"
    );
    // Nor where nothing else of that account is left, as long as other accounts have some.
    let report = run(&of_owner);
    assert_eq!(report["verdict"], "unverified", "{report:#}");
    // Where it is nobody else's, it was the account's own until then.
    let report = run(&|key| key.contains("/o-abcde12345/"));
    assert_eq!(report["verdict"], "valid", "{report:#}");
}

/// Where a trail delivers to is what `CloudTrail` says, not what its prefix looks like.
#[test]
fn a_trail_whose_prefix_looks_like_a_folder_of_logs() {
    for prefix in ["AWSLogs", "x/AWSLogs/111122223333", "AWSLogs/o-abcde12345"] {
        let mut archive = trail(6).place("audit-logs", prefix).archive();
        let described = server::Trail {
            prefix: Some(prefix.into()),
            ..described("us-east-1")
        };
        let arn = "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit";
        let served = Served::new(&archive).args(DAY).trail(described.clone());
        expect(&served.run(arn), "valid", &[]);
        archive.store.delete(&archive.log(3, 0));
        let served = Served::new(&archive).args(DAY).trail(described);
        expect(&served.run(arn), "invalid", &[("log-missing", 1)]);
    }
}

#[test]
fn a_trail_that_delivers_to_what_can_be_no_bucket() {
    for bucket in ["", "../audit-logs", "audit-logs/x", "a\u{1b}[31m"] {
        let described = server::Trail {
            bucket: bucket.into(),
            ..described("us-east-1")
        };
        let served = Served::new(&audit()).args(DAY).trail(described);
        let output = served.output("arn:aws:cloudtrail:us-east-1:111122223333:trail/audit");
        assert_eq!(output.status.code(), Some(2), "{bucket}");
    }
}

#[test]
fn another_trail_of_the_bucket_is_not_verified_with_the_one_named() {
    let mut archive = audit();
    let mut other = trail(6);
    other.name = "other".into();
    other.seed = 2;
    for (at, object) in other.archive().store.objects {
        archive.store.objects.insert(at, object);
    }
    let served = Served::new(&archive)
        .args(DAY)
        .trail(described("us-east-1"));
    let report = served.run("arn:aws:cloudtrail:us-east-1:111122223333:trail/audit");
    // What the other one's digests name is not out of chain.
    expect(&report, "valid", &[]);
    assert_eq!(report["chains"].as_array().expect("chains").len(), 1);
}

#[test]
fn a_chain_is_followed_to_the_bucket_that_it_came_from() {
    let archive = trail(6).moves(3, "new-logs", "").archive();
    let served = Served::new(&archive).args(DAY);
    let report = served.run("s3://new-logs");
    expect(&report, "valid", &[]);
    assert_eq!(report["totals"]["digests"]["valid"], 6);
    assert_eq!(report["totals"]["logs"]["valid"], 12);
    // The old bucket may be in another region.
    {
        let mut store = served.server.store();
        let old = store.bucket("audit-logs");
        old.region = "eu-central-1".into();
        old.wrong_region = WrongRegion::PermanentRedirect;
    }
    expect(&served.run("s3://new-logs"), "valid", &[]);
}

#[test]
fn a_bucket_that_a_chain_leads_to_may_be_gone() {
    let archive = trail(6).moves(3, "new-logs", "").archive();
    let served = Served::new(&archive).args(DAY);
    served.server.store().buckets.remove("audit-logs");
    let report = served.run("s3://new-logs");
    assert_eq!(report["verdict"], "invalid", "{report:#}");
    assert!(codes(&report).contains_key("digest-missing"), "{report:#}");
}

#[test]
fn a_bucket_that_a_chain_leads_to_may_be_denied() {
    use crate::server::{Fault, Rule};
    let archive = trail(6).moves(3, "new-logs", "").archive();
    let served = Served::new(&archive).args(DAY);
    let rule = Rule::new(Fault::AccessDenied).bucket("audit-logs");
    served.server.faults().add(rule);
    let report = served.run("s3://new-logs");
    assert_eq!(report["verdict"], "unverified", "{report:#}");
    let codes = codes(&report);
    assert!(codes.contains_key("digest-unreadable"), "{report:#}");
    assert!(!codes.contains_key("digest-missing"), "{report:#}");
}

/// As an empty folder is: there is nothing to verify, which is no success.
#[test]
fn a_bucket_that_holds_nothing() {
    let served = Served::new(&audit()).args(DAY);
    served.server.store().bucket("empty");
    let report = served.run("s3://empty");
    expect(&report, "unverified", &[("no-digests", 1)]);
    let told = messages(&report);
    assert!(told.contains("up to 4 folders deep"), "{report:#}");
    assert!(!told.contains("lies in a folder"), "{report:#}");
}

/// Neither an account's folder, nor one that `AWSLogs` may lie in.
#[test]
fn a_place_inside_of_a_folder_of_logs() {
    let served = Served::new(&audit()).args(DAY);
    let report = served.run("s3://audit-logs/AWSLogs/11112222");
    expect(&report, "unverified", &[("no-digests", 1)]);
    let told = messages(&report);
    assert!(
        told.contains("lies in a folder called AWSLogs"),
        "{report:#}"
    );
}
