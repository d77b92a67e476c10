//! The end of a snapshot: keys, index, manifest, and last of all its head.

use std::collections::BTreeMap;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::folder::{is_absent, open_file, read_small};
use super::error::{SnapshotError, at};
use super::head::{Head, KeyFailure, ManifestHead, RecordedCall, RecordedKeys, RecordedRoot};
use super::index::{Line, Why};
use super::layout::{INDEX, JOURNAL, KEYS, MANIFEST, SIDECAR, WORK};
use super::reading::each_line;
use super::recording::Recording;
use super::store::Store;
use super::writing::file_name;
use crate::source::{HeldKey, Holding};

/// A file of keys is never larger.
const MAX_KEYS_LEN: u64 = 64 * 1024 * 1024;

/// How a snapshot ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    /// How many objects it holds.
    pub objects: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many could not be read.
    pub unread: u64,
    /// How many files the manifest names.
    pub files: u64,
    /// SHA-256 of the manifest.
    pub manifest: String,
}

/// The files that the manifest names, by name: their hash and size.
type Files = BTreeMap<String, (String, u64)>;

/// The roots of what was copied since a run last ended. One that did not end did not verify them, and looked
/// for nothing there.
fn begun_roots(store: &Store) -> Result<Vec<RecordedRoot>, SnapshotError> {
    let mut roots = Vec::new();
    let _damaged = each_line(&store.dir, JOURNAL, &mut |line| {
        if let Line::Root(root) = line {
            roots.push(RecordedRoot {
                own: false,
                ..*root
            });
        }
    })?;
    Ok(roots)
}

impl Recording<'_> {
    /// Ends the snapshot, once everything has been copied.
    ///
    /// # Errors
    /// Where it cannot be written. It is then as unfinished as before.
    pub fn finish(
        &self,
        holdings: &[Holding],
        verdict: &str,
        now: Timestamp,
    ) -> Result<Finished, SnapshotError> {
        let store = self.store();
        let mut files = Files::new();
        let mut head = store.head().clone();
        head.keys = self.write_keys(holdings, &head, &mut files)?;
        let mut old = head.roots;
        old.extend(begun_roots(store)?);
        head.roots = self.all_roots(old);
        head.finished = true;
        if let Some(run) = head.runs.last_mut() {
            run.finished = Some(now);
            run.verdict = Some(verdict.to_owned());
        }
        let mut finished = self.write_index(&head, &mut files)?;
        let mut manifest = Vec::new();
        let mut bytes = 0;
        for (name, (hash, size)) in &files {
            bytes += size;
            // Writing to memory never fails.
            let _ = writeln!(manifest, "{hash}  {name}");
        }
        store.put(MANIFEST, &manifest)?;
        finished.files = files.len() as u64;
        finished.manifest = hex::encode(Sha256::digest(&manifest));
        head.manifest = Some(ManifestHead {
            file: MANIFEST.to_owned(),
            files: finished.files,
            bytes,
            sha256: finished.manifest.clone(),
        });
        // A head never speaks of what is not on the disk.
        store.sync()?;
        store.write_head(&head)?;
        store.sync()?;
        store.dir.remove_dir_all(WORK).map_err(at(WORK))?;
        Ok(finished)
    }

    /// The roots of this run, and after them those of earlier ones that it did not come to.
    fn all_roots(&self, old: Vec<RecordedRoot>) -> Vec<RecordedRoot> {
        let mut roots = self.roots_in_order();
        for root in old {
            match roots.iter_mut().find(|known| known.name == root.name) {
                // What was verified for itself once is so for ever.
                Some(known) => known.own |= root.own,
                None => roots.push(root),
            }
        }
        roots
    }

    /// Joins what was told in this run and in earlier ones.
    fn write_index(&self, head: &Head, files: &mut Files) -> Result<Finished, SnapshotError> {
        let store = self.store();
        let mut lines = vec![Line::Snapshot(Box::new(head.without_manifest()))];
        let _damaged = each_line(&store.dir, INDEX, &mut |line| {
            let is_old = matches!(line, Line::Snapshot(_));
            // What an earlier run could not read, this one has tried anew.
            let is_superseded = line.failed_in().is_some_and(|run| head.is_superseded(run));
            if !is_old && !is_superseded {
                lines.push(line);
            }
        })?;
        let _damaged = each_line(&store.dir, JOURNAL, &mut |line| {
            if !matches!(line, Line::Root(_)) {
                lines.push(line);
            }
        })?;
        // A later line about the same replaces an earlier one; the sort keeps their order.
        lines.sort_by(|a: &Line, b| a.place().cmp(&b.place()));
        lines.reverse();
        lines.dedup_by(|earlier, later| {
            let is_same = earlier.place() == later.place();
            if is_same {
                later.join(std::mem::replace(earlier, Line::none()));
            }
            is_same
        });
        lines.reverse();
        let mut finished = Finished::default();
        let mut hasher = Sha256::new();
        let mut size = 0;
        store.put_with(INDEX, |out| {
            for line in &lines {
                let mut text = serde_json::to_vec(line)?;
                text.push(b'\n');
                hasher.update(&text);
                size += text.len() as u64;
                out.write_all(&text)?;
            }
            Ok(())
        })?;
        for line in lines {
            match line {
                Line::Object(object) => {
                    finished.objects += 1;
                    finished.bytes += object.size;
                    let name = file_name(&object);
                    if let Some(sidecar) = object.sidecar {
                        let its = (sidecar.sha256, sidecar.size);
                        files.insert(format!("{name}{SIDECAR}"), its);
                    }
                    files.insert(name, (object.sha256, object.size));
                }
                Line::Unread(it) if it.why != Why::Absent => finished.unread += 1,
                Line::Snapshot(_)
                | Line::Unread(_)
                | Line::Folders(_)
                | Line::Unlisted(_)
                | Line::Versions(_)
                | Line::Root(_) => {}
            }
        }
        files.insert(INDEX.to_owned(), (hex::encode(hasher.finalize()), size));
        Ok(finished)
    }

    fn write_keys(
        &self,
        holdings: &[Holding],
        head: &Head,
        files: &mut Files,
    ) -> Result<Vec<RecordedKeys>, SnapshotError> {
        let mut recorded = head.keys.clone();
        for its in &mut recorded {
            its.forget(|failure| head.is_superseded(failure.run));
        }
        for holding in holdings {
            let place = recorded.iter().position(|it| it.region == holding.region);
            let mut its = match place {
                Some(place) => recorded.remove(place),
                None => RecordedKeys {
                    region: holding.region.clone(),
                    file: None,
                    why: None,
                    calls: Vec::new(),
                    failed: Vec::new(),
                },
            };
            let calls = holding.calls.iter().map(|call| RecordedCall {
                at: call.at,
                request_id: call.request_id.clone(),
            });
            its.calls.extend(calls);
            match &holding.keys {
                Ok(keys) => {
                    let name = format!(
                        "{KEYS}/{}.json",
                        holding.region.as_deref().unwrap_or("given")
                    );
                    self.write_key_file(&name, keys)?;
                    its.file = Some(name);
                    its.why = None;
                }
                Err(why) => {
                    let why = why.to_string();
                    if its.file.is_none() {
                        its.why = Some(why.clone());
                    }
                    let run = head.last_run();
                    let day = None;
                    its.failed.push(KeyFailure { run, day, why });
                }
            }
            let failed = holding.failed_around.iter().map(|(day, why)| KeyFailure {
                run: head.last_run(),
                day: Some(*day),
                why: why.to_string(),
            });
            its.failed.extend(failed);
            recorded.push(its);
        }
        recorded.sort_by(|a, b| a.region.cmp(&b.region));
        for name in recorded.iter().filter_map(|it| it.file.as_ref()) {
            let file = open_file(&self.store().dir, name).map_err(at(name))?;
            let content = read_small(file, MAX_KEYS_LEN).map_err(at(name))?;
            let hash = hex::encode(Sha256::digest(&content));
            files.insert(name.clone(), (hash, content.len() as u64));
        }
        Ok(recorded)
    }

    /// Writes keys as `list-public-keys` gives them, with those that the file holds already.
    fn write_key_file(&self, name: &str, keys: &[HeldKey]) -> Result<(), SnapshotError> {
        let store = self.store();
        let mut by_value: BTreeMap<String, Value> = BTreeMap::new();
        match open_file(&store.dir, name) {
            Ok(file) => {
                let content = read_small(file, MAX_KEYS_LEN).map_err(at(name))?;
                let damaged =
                    |why: serde_json::Error| SnapshotError::Damaged(format!("{name}: {why}"));
                let old: Value = serde_json::from_slice(&content).map_err(damaged)?;
                let listed = old.get("PublicKeyList").and_then(Value::as_array);
                for key in listed.into_iter().flatten() {
                    if let Some(value) = key.get("Value").and_then(Value::as_str) {
                        by_value.insert(value.to_owned(), key.clone());
                    }
                }
            }
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(at(name)(error)),
        }
        for key in keys {
            let value = STANDARD.encode(&key.value);
            let mut listed = json!({"Value": value, "Fingerprint": key.fingerprint});
            let times = [
                ("ValidityStartTime", key.valid_from),
                ("ValidityEndTime", key.valid_until),
            ];
            for (field, time) in times {
                if let (Some(time), Some(listed)) = (time, listed.as_object_mut()) {
                    listed.insert(field.to_owned(), time.to_string().into());
                }
            }
            by_value.insert(value, listed);
        }
        let all: Vec<_> = by_value.into_values().collect();
        let mut content = serde_json::to_vec_pretty(&json!({"PublicKeyList": all}))
            .map_err(|error| at(name)(error.into()))?;
        content.push(b'\n');
        store.put(name, &content)
    }
}
