//! What is run on the server: the program, and the AWS CLI.

use std::process::Command;

use crate::measured::{Measured, measured};
use crate::served::{ARN, BUCKET, START};
use crate::server::{Operation, Server};

pub const HEADINGS: &str = "latency  program      objects  seconds  objects/s  CPU us/object  peak MiB  requests  at most at a time";

/// One run over objects that are all as they should be.
pub struct Run {
    program: &'static str,
    objects: usize,
    took: Measured,
    requests: u64,
    at_a_time: u64,
}

impl Run {
    fn new(program: &'static str, objects: usize, took: Measured, server: &Server) -> Self {
        let log = server.log();
        Self {
            program,
            objects,
            took,
            requests: log.requests(),
            at_a_time: log.high_water(),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "to be read by people")]
    pub fn rate(&self) -> f64 {
        self.objects as f64 / self.took.time.as_secs_f64()
    }

    #[allow(clippy::cast_precision_loss, reason = "to be read by people")]
    pub fn line(&self, latency: u64) -> String {
        let Self {
            program, objects, ..
        } = self;
        let processor = self.took.processor.unwrap_or(f64::NAN) * 1e6 / *objects as f64;
        let memory = self.took.memory.map_or(f64::NAN, |kib| kib as f64 / 1024.0);
        format!(
            "{:>4} ms  {program:10} {objects:>9} {:>8.1} {:>10.0} {processor:>14.0} {memory:>9.0} {:>9} {:>18}",
            latency,
            self.took.time.as_secs_f64(),
            self.rate(),
            self.requests,
            self.at_a_time,
        )
    }
}

/// The hour `hours` after the archive's first, as options take it.
fn end(hours: usize) -> String {
    let start: jiff::Timestamp = START.parse().expect("a time");
    let hours = i64::try_from(hours).expect("few hours");
    (start + jiff::SignedDuration::from_hours(hours)).to_string()
}

/// `ct-verify` over the whole archive.
pub fn ours(server: &Server, hours: usize) -> Run {
    server.log().reset();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ct-verify"));
    command
        .envs(server.environment())
        .args(["logs", &format!("s3://{BUCKET}"), "--start-time", START])
        .args(["--end-time", &end(hours), "--progress", "never"])
        .args(["--format", "json"]);
    let took = measured(command);
    assert!(took.success, "{}", took.output);
    let report: serde_json::Value = serde_json::from_str(&took.output).expect("a report");
    let valid = |what: &str| {
        let valid = report["totals"][what]["valid"].as_u64();
        usize::try_from(valid.expect("a number")).expect("a small number")
    };
    Run::new("ct-verify", valid("digests") + valid("logs"), took, server)
}

/// `aws cloudtrail validate-logs` over the first hours of one region, which is all that it can take; nothing where it is
/// not installed.
pub fn reference(server: &Server, hours: usize) -> Option<Run> {
    if hours == 0 || Command::new("aws").arg("--version").output().is_err() {
        return None;
    }
    server.log().reset();
    let mut command = Command::new("aws");
    command
        .envs(server.environment())
        .args(["cloudtrail", "validate-logs", "--trail-arn", ARN])
        .args(["--start-time", START, "--end-time", &end(hours)]);
    let took = measured(command);
    assert!(took.success, "{}", took.output);
    let valid = |what: &str| -> usize {
        let ending = format!(" {what} files valid");
        let line = took
            .output
            .lines()
            .find_map(|line| line.strip_suffix(&ending));
        let told = line.and_then(|line| line.split('/').next()?.parse().ok());
        told.unwrap_or_else(|| panic!("{}", took.output))
    };
    let objects = valid("digest") + valid("log");
    // It asks for what it makes no object of too: its rate is that of the objects that it tells.
    assert!(server.log().count(Operation::GetObject) > 0);
    Some(Run::new("aws", objects, took, server))
}
