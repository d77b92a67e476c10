//! Taking snapshots, looking into them, and verifying them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{fs, io};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::forge::Archive;
use crate::harness::program;
pub use crate::s3::served::DAY;
use crate::s3::served::Served;

pub const SOURCE: &str = "s3://audit-logs";
pub const BUCKET: &str = "audit-logs";

/// An archive served, its first six hours asked for.
pub fn served(archive: &Archive) -> Served {
    Served::new(archive).args(DAY)
}

/// A folder for one snapshot, in a folder of its own.
pub struct Place {
    whole: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let whole = tempfile::tempdir().expect("a temporary folder");
        Self { whole }
    }

    pub fn dir(&self) -> PathBuf {
        self.whole.path().join("evidence")
    }

    pub fn beside(&self, name: &str) -> PathBuf {
        self.whole.path().join(name)
    }

    /// A copy of the snapshot, to be tampered with.
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        let status = Command::new("cp")
            .args(["-a"])
            .args([self.dir(), copy.dir()])
            .status();
        assert!(status.expect("cp").success());
        copy
    }

    /// A file of the snapshot.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let file = self.file(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, content).expect("a file");
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.file(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    /// Replaces a word of a file.
    #[track_caller]
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{from} is not in {text}");
        self.write(name, text.replacen(from, to, 1));
    }

    pub fn head(&self) -> Value {
        serde_json::from_str(&self.read("snapshot.json")).expect("a head")
    }

    pub fn set_head(&self, head: &Value) {
        self.write("snapshot.json", format!("{head:#}\n"));
    }

    /// The lines of the index.
    pub fn index(&self) -> Vec<Value> {
        lines(&self.read("objects.jsonl"))
    }

    /// Makes the head's own line in the index, the manifest and the head fit whatever lies there, as somebody would who
    /// knows how. Lines are added to the index before.
    pub fn reseal(&self, added: &[Value]) {
        let mut head = self.head();
        head["manifest"] = Value::Null;
        let old = self.index();
        let old = old.iter().filter(|line| line.get("snapshot").is_none());
        let all = [json!({ "snapshot": head })].into_iter();
        let all = all.chain(old.cloned()).chain(added.iter().cloned());
        let mut text = all
            .map(|line| line.to_string())
            .collect::<Vec<_>>()
            .join("\n");
        text.push('\n');
        self.write("objects.jsonl", text);
        let mut files = contents(&self.dir());
        files.remove("snapshot.json");
        files.remove("MANIFEST.sha256");
        let line = |(name, content): (&String, &Vec<u8>)| {
            format!("{}  {name}\n", hex::encode(Sha256::digest(content)))
        };
        let manifest: String = files.iter().map(line).collect();
        head["manifest"] = json!({
            "file": "MANIFEST.sha256",
            "files": files.len(),
            "bytes": 0,
            "sha256": hex::encode(Sha256::digest(&manifest)),
        });
        self.write("MANIFEST.sha256", manifest);
        self.set_head(&head);
    }
}

pub fn lines(text: &str) -> Vec<Value> {
    let lines = text.lines();
    let lines = lines.filter_map(|line| serde_json::from_str(line).ok());
    lines.collect()
}

/// All regular files below a folder, by name. Links are not followed.
pub fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(folder) = waiting.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => panic!("{}: {error}", folder.display()),
        };
        for entry in entries {
            let entry = entry.expect("an entry");
            let kind = entry.file_type().expect("a kind");
            if kind.is_dir() {
                waiting.push(entry.path());
            } else if kind.is_file() {
                let name = entry.path();
                let name = name.strip_prefix(dir).expect("below it").to_str();
                let content = fs::read(entry.path()).expect("a file");
                files.insert(name.expect("text").to_owned(), content);
            }
        }
    }
    files
}

/// What two snapshots of the same must have in common: all but when, where and how they were taken.
pub fn comparable(dir: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for (name, content) in contents(dir) {
        let text = String::from_utf8(content.clone());
        let text = text.unwrap_or_else(|_| hex::encode(Sha256::digest(&content)));
        let without = |word: &str| {
            let lines = text.lines().filter(|line| !line.contains(word));
            lines.collect::<Vec<_>>().join("\n")
        };
        let kept = match name.as_str() {
            "snapshot.json" => continue,
            "objects.jsonl" => without("{\"snapshot\":"),
            "MANIFEST.sha256" => without("  objects.jsonl"),
            _ => text,
        };
        files.insert(name, kept);
    }
    files
}

pub fn output(mut command: Command) -> Output {
    let output = command.output().expect("the program runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("panicked"), "{stderr}");
    output
}

/// Exit status and report of a run.
#[track_caller]
pub fn report(mut command: Command) -> (i32, Value) {
    command.args(["--format", "json"]);
    let output = output(command);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("no report ({error}): {stderr}"));
    (output.status.code().expect("an exit status"), report)
}

#[track_caller]
pub fn take(served: &Served, place: &Place) -> (i32, Value) {
    report(served.snapshot(SOURCE, &place.dir()))
}

/// `ct-verify logs DIR`.
pub fn logs(place: &Place) -> Command {
    let mut command = program();
    command.arg("logs").arg(place.dir());
    command
}

#[track_caller]
pub fn offline(place: &Place) -> (i32, Value) {
    report(logs(place))
}

/// What must be the same of two reports.
pub fn compared((exit, mut report): (i32, Value)) -> String {
    report["run"] = Value::Null;
    report["source"] = Value::Null;
    format!("{:#}", json!({"exit": exit, "report": report}))
}

/// Takes a snapshot, and has it tell the same again.
#[track_caller]
pub fn same_again(served: &Served) -> (Place, (i32, Value)) {
    let place = Place::new();
    let taken = take(served, &place);
    let again = offline(&place);
    assert_eq!(
        compared(again),
        compared(taken.clone()),
        "the snapshot (left) tells otherwise than its taking (right)"
    );
    (place, taken)
}

/// It ends with exit status 2, reports nothing, and says these words.
#[track_caller]
pub fn refused(mut command: Command, words: &[&str]) -> String {
    command.args(["--format", "json"]);
    let output = output(command);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(output.stdout.is_empty(), "a refused run reports nothing");
    for word in words {
        assert!(told.contains(word), "{word:?} is not in: {told}");
    }
    told
}

/// `sha256sum -c` has no complaint.
#[track_caller]
pub fn fits_its_manifest(place: &Place) {
    let status = Command::new("sha256sum")
        .args(["--quiet", "--strict", "-c", "MANIFEST.sha256"])
        .current_dir(place.dir())
        .status();
    assert!(status.expect("sha256sum").success());
}

/// The file of an object that lies under its own key.
pub fn file_of((bucket, key): &(String, String)) -> String {
    format!("objects/{bucket}/{key}")
}
