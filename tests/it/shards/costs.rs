//! What a shard in a bucket does not ask for again and again: there may be ten thousand of them.

use std::fs;
use std::process::Command;

use super::common::{Place, Sharded, ran, said};
use crate::s3::served::Served;
use crate::scenarios::common::audit;
use crate::server::{Fault, Operation, Rule};
use crate::snapshot::common::{SOURCE, served};

const RESULTS: &str = "s3://results/run";

fn planned<'a>(served: &Served, ready: &'a dyn Fn() -> Command, place: &Place) -> Sharded<'a> {
    served.server.store().bucket("results");
    let arguments = served.arguments();
    let mut sharded = Sharded::plan(ready, place.path(), SOURCE.as_ref(), arguments, 3);
    sharded.results = RESULTS.into();
    sharded
}

/// All results are listed by nobody: each is asked for by its name.
#[test]
fn no_shard_lists_the_results_of_all_others() {
    let served = served(&audit());
    let place = Place::new();
    let ready = || served.program();
    let sharded = planned(&served, &ready, &place);
    let rule = Rule::new(Fault::AccessDenied).on(&[Operation::ListObjectsV2]);
    served.server.faults().add(rule.key("run/"));
    sharded.read_all();
    assert_eq!(sharded.merge().status.code(), Some(0));
    // The plan was left there once.
    let store = served.server.store();
    let keys = store.buckets["results"].keys.keys();
    assert_eq!(keys.filter(|key| key.contains("/plan-")).count(), 1);
}

/// One connection brings the plan and takes the result: who gives out credentials is asked by it, and by that to the
/// source.
#[test]
fn credentials_are_asked_for_once_for_plan_and_result() {
    let served = served(&audit());
    let place = Place::new();
    let (script, config) = (place.path().join("give"), place.path().join("config"));
    let give = "echo asked >>\"$0.asked\"\n\
        echo '{\"Version\": 1, \"AccessKeyId\": \"NEW\", \"SecretAccessKey\": \"secret\"}'\n";
    fs::write(&script, give).expect("a script");
    let profile = format!(
        "[default]\nregion = us-east-1\ncredential_process = /bin/sh {}\n",
        script.display()
    );
    fs::write(&config, profile).expect("a config file");
    let ready = || {
        let mut command = served.program();
        command
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY")
            .env("AWS_CONFIG_FILE", &config);
        command
    };
    let mut sharded = planned(&served, &ready, &place);
    sharded.read(0);
    let plan = {
        let store = served.server.store();
        let mut keys = store.buckets["results"].keys.keys();
        let plan = keys.find(|key| key.contains("/plan-"));
        format!("s3://results/{}", plan.expect("a plan"))
    };
    sharded.plan = plan.into();
    let asked = place.path().join("give.asked");
    fs::remove_file(&asked).expect("it was asked");
    let output = ran(&mut sharded.shard(1));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let asked = fs::read_to_string(asked).expect("it was asked");
    assert_eq!(asked.lines().count(), 2, "{asked}");
}
