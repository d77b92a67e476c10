//! An archive of the forge, served; and runs of the program on it.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::forge::{self, Archive, Time, keys::TestKey};
use crate::harness::{invariants, program};
use crate::server::{self, Object, Options, PublicKey, Server, Trail};

/// The range that all archives of the tests lie in, but not so long that nothing is said of it.
pub const MARCH: [&str; 4] = ["--start-time", "2024-03-01", "--end-time", "2024-04-01"];

/// The six hours that archives of the tests have, where they are told no others.
pub const DAY: [&str; 4] = [
    "--start-time",
    "2024-03-10T00:00:00Z",
    "--end-time",
    "2024-03-10T06:00:00Z",
];

pub struct Served {
    pub server: Server,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

/// A server's store with what a store of the forge holds.
pub fn store(of: &forge::Store) -> server::Store {
    let mut store = server::Store::default();
    for ((bucket, key), stored) in &of.objects {
        let object = Object::new(stored.body.clone()).with_metadata(stored.metadata.clone());
        store.put(bucket, key, object);
    }
    store
}

/// A key as CloudTrail lists it, valid for the whole year 2024.
pub fn listed(key: &TestKey) -> PublicKey {
    PublicKey {
        value: key.pkcs1(),
        fingerprint: key.fingerprint(),
        valid_from: Time::parse("2024-01-01T00:00:00Z").0,
        valid_until: Time::parse("2025-01-01T00:00:00Z").0,
    }
}

impl Served {
    /// The archive's buckets, and both of CloudTrail's keys in every region that it has.
    pub fn new(archive: &Archive) -> Self {
        Self::with(archive, Options::default())
    }

    /// A server's store as it is; CloudTrail has no keys.
    pub fn serving(store: server::Store) -> Self {
        Self {
            server: Server::start(store, Options::default()),
            arguments: vec![],
            environment: vec![],
        }
    }

    pub fn with(archive: &Archive, options: Options) -> Self {
        let server = Server::start(store(&archive.store), options);
        for chain in &archive.chains {
            let mut cloudtrail = server.cloudtrail();
            let known = cloudtrail.keys.contains_key(&chain.id.region);
            for key in [TestKey::a(), TestKey::b()] {
                if !known {
                    cloudtrail.add_key(&chain.id.region, listed(key));
                }
            }
        }
        Self {
            server,
            arguments: vec![],
            environment: vec![],
        }
    }

    /// A trail that `DescribeTrails` tells.
    pub fn trail(self, trail: Trail) -> Self {
        self.server.cloudtrail().trails.push(trail);
        self
    }

    pub fn args<S: Into<String>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The program, in an environment that knows this server alone.
    pub fn program(&self) -> Command {
        let mut command = program();
        command
            .envs(self.server.environment())
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What its runs are given beside their source.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// `ct-verify logs SOURCE`, in the same environment.
    pub fn command(&self, source: &str) -> Command {
        let mut command = self.program();
        command.args(["logs", source]).args(&self.arguments);
        command
    }

    /// `ct-verify snapshot SOURCE DIR`, in the same environment.
    pub fn snapshot(&self, source: &str, dir: &Path) -> Command {
        let mut command = program();
        command
            .envs(self.server.environment())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .args(["snapshot", source])
            .arg(dir)
            .args(&self.arguments);
        command
    }

    pub fn output(&self, source: &str) -> Output {
        let output = self
            .command(source)
            .args(["--format", "json"])
            .output()
            .expect("the program runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("panicked"), "{stderr}");
        output
    }

    /// The report, checked for what holds of every report.
    pub fn run(&self, source: &str) -> Value {
        let output = self.output(source);
        let exit = output.status.code().expect("an exit status");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("no report ({error}), exit {exit}: {stderr}"));
        invariants::check(&report, &output.stdout, exit, source.as_ref());
        report
    }
}

/// The codes of all findings, each with its number.
pub fn codes(report: &Value) -> std::collections::BTreeMap<String, usize> {
    let mut codes = std::collections::BTreeMap::new();
    for finding in report["findings"].as_array().expect("findings") {
        let code = finding["code"].as_str().expect("a code").to_owned();
        *codes.entry(code).or_default() += 1;
    }
    codes
}

/// The verdict, and how many findings of which code there are; and no others.
#[track_caller]
pub fn expect(report: &Value, verdict: &str, findings: &[(&str, usize)]) {
    let expected = findings
        .iter()
        .map(|(code, count)| ((*code).to_owned(), *count));
    assert_eq!(codes(report), expected.collect(), "{report:#}");
    assert_eq!(report["verdict"], verdict, "{report:#}");
}

/// What all findings say.
pub fn messages(report: &Value) -> String {
    let findings = report["findings"].as_array().expect("findings");
    let told = findings
        .iter()
        .map(|finding| finding["message"].as_str().expect("a message"));
    told.collect::<Vec<_>>().join("\n")
}
