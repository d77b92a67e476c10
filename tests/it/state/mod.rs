//! `--state`: nightly runs that lead back to the last one.

mod attacks;
mod backfill;
mod beside;
mod files;
mod keys;
mod nights;

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::forge::{Archive, At};
use crate::s3::served::Served;
use crate::server::Operation;

/// A file that remembers, and the runs that use it.
pub struct Nights {
    dir: TempDir,
}

/// What a night's run came to.
pub struct Night {
    pub exit: i32,
    pub report: Value,
    pub gets: u64,
}

impl Nights {
    pub fn new() -> Self {
        Self {
            dir: tempfile::tempdir().expect("a folder"),
        }
    }

    pub fn file(&self) -> std::path::PathBuf {
        self.dir.path().join("state.json")
    }

    pub fn text(&self) -> String {
        std::fs::read_to_string(self.file()).expect("a state")
    }

    pub fn arguments(&self, start: Option<&str>, end: &str) -> Vec<String> {
        let mut arguments = vec!["--end-time".to_owned(), end.to_owned()];
        arguments.push("--state".to_owned());
        arguments.push(self.file().to_str().expect("a plain path").to_owned());
        if let Some(start) = start {
            arguments.push("--start-time".to_owned());
            arguments.push(start.to_owned());
        }
        arguments
    }

    /// The run of one night, on what the bucket holds then.
    #[track_caller]
    pub fn night(&self, archive: &Archive, start: Option<&str>, end: &str) -> Night {
        let served = Served::new(archive).args(self.arguments(start, end));
        let report = served.run("s3://audit-logs");
        let exit = match report["verdict"].as_str() {
            Some("valid") => 0,
            Some("invalid") => 1,
            _ => 3,
        };
        Night {
            exit,
            report,
            gets: served.server.log().count(Operation::GetObject),
        }
    }

    /// The first night of a clean archive: it must be valid.
    #[track_caller]
    pub fn first(&self, archive: &Archive, end: &str) -> Night {
        let night = self.night(archive, Some("2024-03-10"), end);
        assert_eq!(night.exit, 0, "{:#}", night.report);
        night
    }
}

impl Night {
    /// The finding with this code about this object.
    #[track_caller]
    pub fn finding(&self, code: &str, at: &At) -> &Value {
        let findings = self.report["findings"].as_array().expect("findings");
        let found = findings
            .iter()
            .find(|finding| finding["code"] == code && finding["key"] == at.1.as_str());
        found.unwrap_or_else(|| panic!("no {code} of {}: {:#}", at.1, self.report))
    }
}

/// Runs the program on a folder.
pub fn on_folder(folder: &Path, keys: &Path, state: &Path, more: &[&str]) -> Command {
    let mut command = crate::harness::program();
    command.arg("logs").arg(folder);
    command.arg("--public-keys").arg(keys);
    command.arg("--state").arg(state).args(more);
    command.args(["--format", "json"]);
    command
}
