//! Credentials that expire while a run goes on.

use super::endpoint::serving;
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

/// An endpoint that gives credentials, as containers have them: `OLD`, then nothing for so many
/// connections, and then `NEW`.
fn endpoint(fails: usize) -> String {
    let url = serving(move |number, _| {
        let key = match number {
            0 => "OLD",
            number if number > fails => "NEW",
            _ => return None,
        };
        let given = serde_json::json!({
            "AccessKeyId": key,
            "SecretAccessKey": "secret",
            "Token": "token",
            "Expiration": "2040-01-01T00:00:00Z",
        });
        Some(("application/json", given.to_string()))
    });
    format!("{url}/give")
}

/// Nothing is wrong with credentials of which it is only not known what they are just now.
#[test]
fn an_endpoint_for_credentials_that_does_not_answer_is_asked_again() {
    let served = served();
    let output = served
        .command(SOURCE)
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint(4))
        .args(["--format", "json"])
        .output()
        .expect("a run");
    let told = String::from_utf8_lossy(&output.stderr);
    let report: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {told}"));
    expect(&report, "valid", &[]);
    assert!(asked_with(&served, "OLD") >= 12 && asked_with(&served, "NEW") > 0);
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
