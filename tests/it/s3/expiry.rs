//! Credentials that expire while a run goes on.

use super::served::{DAY, Served, codes, expect, messages};
use crate::scenarios::common::audit;
use crate::server::{Fault, Rule};

const SOURCE: &str = "s3://audit-logs";

/// A server that takes the key `OLD` for expired after some requests.
fn served() -> Served {
    let served = Served::new(&audit()).args(DAY);
    let rule = Rule::new(Fault::ExpiredToken).access_key("OLD");
    served.server.faults().add(rule.nth(12..u64::MAX));
    served
}

/// Runs with a process that gives credentials: `OLD` first, and later on `then`.
fn run(served: &Served, then: &str) -> serde_json::Value {
    let folder = tempfile::tempdir().expect("a folder");
    let (script, config) = (folder.path().join("give"), folder.path().join("config"));
    let give = format!(
        "key={then}\nif [ ! -e \"$0.asked\" ]; then key=OLD; : > \"$0.asked\"; fi\n\
         echo '{{\"Version\": 1, \"AccessKeyId\": \"'$key'\", \"SecretAccessKey\": \"secret\"}}'\n"
    );
    std::fs::write(&script, give).expect("a script");
    let profile = format!(
        "[default]\nregion = us-east-1\ncredential_process = /bin/sh {}\n",
        script.display()
    );
    std::fs::write(&config, profile).expect("a config file");
    let output = served
        .command(SOURCE)
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env("AWS_CONFIG_FILE", &config)
        .args(["--format", "json"])
        .output()
        .expect("a run");
    let told = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {told}"))
}

fn asked_with(served: &Served, key: &str) -> usize {
    let entries = served.server.log().entries();
    let with = entries
        .iter()
        .filter(|entry| entry.call.access_key.as_deref() == Some(key));
    with.count()
}

#[test]
fn credentials_that_expire_on_the_way_are_asked_for_anew() {
    let served = served();
    expect(&run(&served, "NEW"), "valid", &[]);
    assert!(asked_with(&served, "OLD") >= 12 && asked_with(&served, "NEW") > 0);
}

#[test]
fn credentials_that_stay_expired_leave_objects_unread() {
    let served = served().env("AWS_MAX_ATTEMPTS", "2");
    let report = run(&served, "OLD");
    assert_eq!(report["verdict"], "unverified", "{report:#}");
    // They may expire before a single digest is listed.
    let follows = [
        "log-uncovered",
        "log-pending",
        "coverage-ends-early",
        "no-digests",
    ];
    for code in codes(&report).keys() {
        let is_unread = code.ends_with("-unreadable");
        assert!(is_unread || follows.contains(&code.as_str()), "{report:#}");
    }
    let told = messages(&report);
    assert!(told.contains("ExpiredToken"), "{told}");
    assert!(told.contains("renew the credentials"), "{told}");
}
