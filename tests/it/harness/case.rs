//! One run of the program: the archive written to a folder, keys beside it, arguments, and what came of it.

use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{expect::Expect, invariants};
use crate::{
    forge::{Archive, At, FolderWriter, Metadata, keyfiles::trusted_keys},
    s3::parity::{self, InBucket},
};

/// `ct-verify`, with an environment that says nothing.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ct-verify"));
    command.env_clear().env("TZ", "UTC").stdin(Stdio::null());
    command
}

#[allow(
    clippy::struct_excessive_bools,
    reason = "each says one thing of a scenario"
)]
/// `ct-verify logs DIR --public-keys KEYS --format json` and what else a scenario adds.
pub struct Case {
    pub archive: Archive,
    metadata: Metadata,
    places: Vec<(String, String)>,
    arguments: Vec<OsString>,
    no_keys: bool,
    dir: TempDir,
    written: bool,
    only_in_a_folder: Option<&'static str>,
    unprivileged: bool,
}

impl Case {
    /// With sidecar metadata, each bucket in a folder of its name, and both of CloudTrail's keys.
    pub fn new(archive: Archive) -> Self {
        Self {
            archive,
            metadata: Metadata::Sidecar,
            places: vec![],
            arguments: vec![],
            no_keys: false,
            dir: tempfile::tempdir().expect("a temporary folder"),
            written: false,
            only_in_a_folder: None,
            unprivileged: false,
        }
    }

    /// This scenario is not served over S3 as well, and why.
    pub fn only_in_a_folder(mut self, why: &'static str) -> Self {
        assert!(!why.is_empty(), "an exception has its reason");
        self.only_in_a_folder = Some(why);
        self
    }

    /// Why a bucket with the same objects need not give the same report; nothing where it must.
    pub fn why_only_in_a_folder(&self) -> Option<&'static str> {
        let mut buckets: Vec<_> = self
            .archive
            .store
            .keys()
            .map(|(bucket, _)| bucket)
            .collect();
        buckets.dedup();
        match (self.only_in_a_folder, buckets.len()) {
            (Some(why), _) => Some(why),
            (None, 0) => Some("a bucket that holds nothing is in s3::places"),
            (None, 1) if self.no_keys => Some(
                "keys that lie beside an archive are a folder's matter; where none are named, CloudTrail is asked: s3::keys",
            ),
            (None, 1) => None,
            (None, _) => Some(
                "a source in S3 is one bucket, and a folder may hold copies of several: s3::places follows chains from one to another",
            ),
        }
    }

    /// Whether it was run as another user than the one who runs the tests.
    pub fn is_unprivileged(&self) -> bool {
        self.unprivileged
    }

    pub fn has_keys(&self) -> bool {
        !self.no_keys
    }

    pub fn arguments(&self) -> Vec<String> {
        let text = |argument: &OsString| argument.to_str().expect("plain arguments").to_owned();
        self.arguments.iter().map(text).collect()
    }

    /// Whether user metadata got lost on the way into the folder.
    pub fn lost_metadata(&self) -> bool {
        self.metadata == Metadata::None
    }

    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// Writes a bucket into this folder of the source.
    pub fn bucket_in(mut self, bucket: &str, folder: &str) -> Self {
        self.places.push((bucket.into(), folder.into()));
        self
    }

    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments
            .extend(arguments.into_iter().map(|it| it.as_ref().to_owned()));
        self
    }

    pub fn range(self, start: &str, end: &str) -> Self {
        self.args(["--start-time", start, "--end-time", end])
    }

    /// Gives no `--public-keys`.
    pub fn without_keys(mut self) -> Self {
        self.no_keys = true;
        self
    }

    /// The SOURCE.
    pub fn source(&self) -> PathBuf {
        self.dir.path().join("source")
    }

    /// A place for files beside the source.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn writer(&self) -> FolderWriter {
        let start = FolderWriter::new(&self.source(), self.metadata);
        self.places.iter().fold(start, |writer, (bucket, folder)| {
            writer.bucket_in(bucket, folder)
        })
    }

    /// Where an object lies.
    pub fn path(&self, at: &At) -> PathBuf {
        self.writer().path(at)
    }

    /// Writes the archive now, so that the scenario can do to the files what no store can hold.
    pub fn written(mut self, then: impl FnOnce(&Self)) -> Self {
        self.write();
        then(&self);
        self.only_in_a_folder(
            "files are changed behind the store's back: links, pipes, names that are no text, permissions (in S3: s3::denied), copies in folders of their own",
        )
    }

    fn write(&mut self) {
        if self.written {
            return;
        }
        self.written = true;
        fs::create_dir_all(self.source()).expect("a folder for the source");
        self.writer().write(&self.archive.store);
        fs::write(self.beside("keys.json"), trusted_keys()).expect("a key file");
    }

    /// The command, ready to run.
    pub fn command(&mut self) -> Command {
        self.write();
        let mut command = program();
        command.arg("logs").arg(self.source());
        if !self.no_keys {
            command.arg("--public-keys").arg(self.beside("keys.json"));
        }
        command.args(&self.arguments);
        command
    }

    /// Runs it and reads the report. The folder lives as long as the outcome. A bucket with the same objects tells the same.
    #[track_caller]
    pub fn run(mut self) -> Outcome {
        let output = self
            .command()
            .args(["--format", "json"])
            .output()
            .expect("the program runs");
        Outcome::of(self, output).on_a_bucket_too()
    }

    /// Runs it as a user who may read only what all may read, where the tests themselves may do more.
    pub fn run_unprivileged(mut self) -> Outcome {
        use std::os::unix::process::CommandExt;
        self.unprivileged = true;
        let command = self.command();
        let mut other = if is_root() {
            // The build may lie below a folder that nobody else enters.
            let near = self.beside("ct-verify");
            let linked = fs::hard_link(command.get_program(), &near);
            linked
                .or_else(|_| fs::copy(command.get_program(), &near).map(drop))
                .expect("the program nearby");
            fs::set_permissions(self.dir.path(), fs::Permissions::from_mode(0o755))
                .expect("a folder for all");
            let mut other = Command::new(near);
            other.env_clear().uid(65_534).gid(65_534);
            other
        } else {
            program()
        };
        other.args(command.get_args()).args(["--format", "json"]);
        let output = loop {
            match other.output() {
                // Another test's child may hold the copy open for a moment, until it runs its own program.
                Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                    std::thread::yield_now();
                }
                ran => break ran.expect("the program runs"),
            }
        };
        Outcome::of(self, output)
    }

    /// Runs it with `--format text`.
    pub fn run_text(mut self) -> (i32, String, String) {
        let output = self.command().output().expect("the program runs");
        text_of(&output)
    }
}

pub fn text_of(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("output in UTF-8");
    (exit_of(output), text(&output.stdout), text(&output.stderr))
}

fn exit_of(output: &Output) -> i32 {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        !stderr.contains("panicked"),
        "the program panicked: {stderr}"
    );
    output
        .status
        .code()
        .unwrap_or_else(|| panic!("killed by signal {:?}: {stderr}", output.status.signal()))
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|about| about.uid() == 0)
}

/// What came of a run.
pub struct Outcome {
    pub case: Case,
    pub exit: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
    bucket: Option<InBucket>,
}

impl Outcome {
    fn of(case: Case, output: Output) -> Self {
        let exit = exit_of(&output);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Self {
            case,
            exit,
            stdout: output.stdout,
            stderr,
            bucket: None,
        }
    }

    #[track_caller]
    fn on_a_bucket_too(mut self) -> Self {
        self.bucket = parity::check(&self);
        self
    }

    /// The codes of the report's findings, in their order.
    pub fn codes(&self) -> Vec<String> {
        let report = self.report();
        let findings = report["findings"].as_array().expect("findings").iter();
        let codes = findings.map(|it| it["code"].as_str().expect("a code").to_owned());
        codes.collect()
    }

    /// The report, checked for what holds of every report.
    pub fn report(&self) -> Value {
        let report: Value = serde_json::from_slice(&self.stdout).unwrap_or_else(|error| {
            panic!(
                "no JSON report ({error}), exit {}, stderr: {}",
                self.exit, self.stderr
            )
        });
        invariants::check(&report, &self.stdout, self.exit, &self.case.source());
        report
    }

    /// Compares everything outside `run` with what the scenario states.
    #[track_caller]
    pub fn is(&self, expect: &Expect) -> &Self {
        let report = self.report();
        let wrong = expect.differences(&report, self.exit);
        assert!(
            wrong.is_empty(),
            "{}\n\nthe report: {report:#}\nstderr: {}",
            wrong.join("\n"),
            self.stderr
        );
        if let Some(bucket) = &self.bucket {
            parity::check_copies(self, bucket);
        }
        crate::shards::parity::check(self);
        self
    }

    /// A usage or set-up error: exit 2, nothing on stdout, and these words on stderr.
    #[track_caller]
    pub fn refused(&self, words: &[&str]) {
        refused(
            self.exit,
            &String::from_utf8_lossy(&self.stdout),
            &self.stderr,
            words,
        );
    }
}

#[track_caller]
pub fn refused(exit: i32, stdout: &str, stderr: &str, words: &[&str]) {
    assert_eq!(exit, 2, "stdout: {stdout}\nstderr: {stderr}");
    assert!(stdout.is_empty(), "a refused run reports nothing: {stdout}");
    let lower = stderr.to_lowercase();
    for word in words {
        assert!(
            lower.contains(&word.to_lowercase()),
            "{word:?} is not in: {stderr}"
        );
    }
}
