//! Planning, reading shards and merging, as a user does.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::forge::{Archive, FolderWriter, Metadata, keyfiles::trusted_keys};

/// An archive in a folder, and a place for files beside it.
pub struct Place(TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn of(archive: &Archive) -> Self {
        let place = Self::new();
        place.write(archive);
        std::fs::write(place.path().join("keys.json"), trusted_keys()).expect("a key file");
        place
    }

    pub fn write(&self, archive: &Archive) {
        std::fs::create_dir_all(self.source()).expect("a folder for the source");
        FolderWriter::new(&self.source(), Metadata::Sidecar).write(&archive.store);
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn source(&self) -> PathBuf {
        self.path().join("source")
    }

    /// An inventory as it lies in a copy of its bucket, and where its manifest is.
    pub fn inventory(&self, manifest: &str, files: &[(&str, &[u8])]) -> PathBuf {
        let all = self.path().join("all/audit-logs/daily");
        let write = |name: &str, content: &[u8]| {
            let path = all.join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(&path, content).expect("a file");
            path
        };
        for (name, content) in files {
            write(&format!("data/{name}"), content);
        }
        write("2024-03-10T12-00Z/manifest.json", manifest.as_bytes())
    }

    pub fn keys(&self) -> Vec<OsString> {
        vec!["--public-keys".into(), self.path().join("keys.json").into()]
    }
}

/// A plan, and where its results are.
pub struct Sharded<'a> {
    /// Makes the program ready, with the environment that it needs.
    pub program: &'a dyn Fn() -> Command,
    pub plan: PathBuf,
    pub results: PathBuf,
    pub shards: u32,
}

impl<'a> Sharded<'a> {
    /// Plans `source`, in files of `dir`.
    pub fn plan<S: AsRef<OsStr>>(
        program: &'a dyn Fn() -> Command,
        dir: &Path,
        source: &OsStr,
        arguments: &[S],
        shards: u32,
    ) -> Self {
        let plan = dir.join(format!("plan-{shards}.json"));
        let results = dir.join(format!("results-{shards}"));
        let mut command = program();
        command.arg("plan").arg(source).args(arguments);
        command.args(["--shards", &shards.to_string()]);
        let output = ran(command.arg("-o").arg(&plan));
        assert!(
            [Some(0), Some(3)].contains(&output.status.code()),
            "{}",
            said(&output)
        );
        Self {
            program,
            plan,
            results,
            shards,
        }
    }

    /// The command that reads a shard.
    pub fn shard(&self, shard: u32) -> Command {
        let mut command = (self.program)();
        command.arg("logs").arg("--plan").arg(&self.plan);
        command.arg("--result").arg(&self.results);
        command.args(["--shard", &shard.to_string()]);
        command
    }

    pub fn read(&self, shard: u32) -> Output {
        let output = ran(&mut self.shard(shard));
        assert_eq!(
            output.status.code(),
            Some(0),
            "shard {shard}: {}",
            said(&output)
        );
        output
    }

    pub fn read_all(&self) {
        for shard in 0..self.shards {
            self.read(shard);
        }
    }

    pub fn merge(&self) -> Output {
        let mut command = (self.program)();
        command.arg("merge").arg(&self.results);
        ran(command.args(["--format", "json"]))
    }

    /// The result of a shard.
    pub fn result(&self, shard: u32) -> PathBuf {
        self.results.join(format!("shard-{shard:05}.result"))
    }

    /// Exit status and report of a merge, as far as they must be those of one run.
    pub fn merged(&self) -> Value {
        compared(&self.merge())
    }
}

pub fn ran(command: &mut Command) -> Output {
    command.output().expect("the program runs")
}

pub fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!text.contains("panicked"), "{text}");
    text
}

/// Exit status and report, as far as they must be the same.
pub fn compared(output: &Output) -> Value {
    let said = said(output);
    let report: Result<Value, _> = serde_json::from_slice(&output.stdout);
    let mut report = report.unwrap_or_else(|error| panic!("no report ({error}): {said}"));
    report["run"] = Value::Null;
    json!({"exit": output.status.code(), "report": report})
}

/// A report in JSON without its section `run`, byte for byte.
pub fn without_run(report: &[u8]) -> String {
    let text = std::str::from_utf8(report).expect("text");
    let (before, run) = text
        .split_once("\n  \"run\": {\n")
        .expect("the section `run`");
    let (_, after) = run.split_once("\n  },\n").expect("its end");
    format!("{before}\n{after}")
}

/// Runs a command as it stands: a shell finds the program, and `programs` before any of its own.
pub fn pasted(command: &str, dir: &Path, programs: Option<&Path>, like: &Command) -> Output {
    let own = Path::new(env!("CARGO_BIN_EXE_ct-verify")).parent();
    let system = env::var_os("PATH").expect("a PATH");
    let folders = programs.into_iter().chain(own).map(Path::to_path_buf);
    let path = env::join_paths(folders.chain(env::split_paths(&system)));
    let environment = like
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    let mut shell = Command::new("sh");
    shell.env_clear().envs(environment).current_dir(dir);
    shell.env("PATH", path.expect("folders"));
    ran(shell.args(["-c", command]))
}
