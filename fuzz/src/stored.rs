//! The same for what this program, or one that says so, has written: state, snapshots, reports, plans and results of shards.

use std::{collections::BTreeSet, fs, io::Write};

use ct_verify::{
    engine::Stop,
    plan,
    report::{Format, Look, saved},
    shard::{Joined, Plan, ResultFile},
    source::{
        FolderSource, Source,
        snapshot::{Alteration, Named, SnapshotSource},
    },
    verify::{hashing::Sha256Hash, location::RootId},
};

use flate2::{Compression, write::ZlibEncoder};

/// A state is taken whole or not at all.
pub fn state(data: &[u8]) {
    if let Ok(chains) = plan::check_state(data) {
        assert!(chains > 0, "a state of nothing is refused");
        let mut other = data.to_vec();
        other.push(b'x');
        assert!(plan::check_state(&other).is_err());
    }
}

/// A folder of three files: the head, the index and the manifest of a snapshot, with a line `==` between them.
pub fn snapshot(data: &[u8]) {
    let text = data.to_vec();
    let mut parts = text.split(|byte| *byte == 0x1e);
    let folder = tempfile::tempdir_in(scratch()).expect("a temporary folder");
    for name in ["snapshot.json", "objects.jsonl", "MANIFEST.sha256"] {
        if let Some(part) = parts.next() {
            fs::write(folder.path().join(name), part).expect("a file");
        }
    }
    let Ok(Some(source)) = SnapshotSource::open(folder.path()) else {
        return;
    };
    assert!(source.head().finished, "only what is finished is opened");
    let one_by_one = |batch: &[Named], compare: &(dyn Fn(&Named) -> Option<Alteration> + Sync)| {
        batch.iter().map(compare).collect()
    };
    let checked = source
        .check(&one_by_one)
        .expect("what was written can be read");
    let named: BTreeSet<_> = checked
        .altered
        .iter()
        .map(|altered| &altered.file)
        .collect();
    assert!(named.len() <= checked.altered.len());
    let (roots, _) = source.roots().expect("roots");
    for root in roots {
        let _ = source.level(root.id, "AWSLogs");
        let _ = source.folders(root.id, "AWSLogs");
        let place = source.stated(root.id);
        let mut seen = Vec::new();
        source.list(root.id, "AWSLogs", &Default::default(), &mut |object| {
            seen.push(object.rest.to_owned());
        });
        for rest in seen {
            // Nothing of this lies in the folder.
            let path = format!("AWSLogs/{rest}");
            assert!(
                source.digest(root.id, &path).is_err(),
                "{path} of {place:?}"
            );
            assert!(source.log(root.id, &path).is_err(), "{path}");
        }
    }
    assert!(source.log(RootId(u32::MAX), "AWSLogs/x").is_err());
}

/// What is taken for a report is written again in every format, and the JSON is the same report.
pub fn report(data: &[u8]) {
    let Ok(report) = saved::read(data) else {
        return;
    };
    let look = Look::default();
    for format in Format::ALL {
        let mut out = Vec::new();
        report
            .render(format, &look, &mut out)
            .expect("memory takes everything");
        let text = String::from_utf8(out).expect("UTF-8");
        let acts = |letter: char| letter.is_control() && letter != '\n' && letter != '\t';
        assert!(!text.contains(acts), "{format:?}: {text:?}");
        if format == Format::Json {
            let again = saved::read(text.as_bytes()).expect("its own JSON");
            assert_eq!(again, report);
        }
    }
}

/// A plan is written back as it was read. No part of a folder is left out, and none is read twice.
pub fn plan(data: &[u8]) {
    let Ok((plan, identity)) = Plan::read(data) else {
        return;
    };
    assert_eq!(identity, Sha256Hash::of(data).to_string());
    let (bytes, _) = plan.bytes().expect("JSON");
    assert_eq!(Plan::read(&bytes).expect("it was one").0, plan);
    for (number, folder) in plan.folders.iter().enumerate() {
        let mut reached = Some("");
        for (shard, _) in &folder.cuts {
            let slices = plan.slices_of(*shard);
            let parts: Vec<_> = slices.iter().filter(|(its, _)| *its == number).collect();
            assert_eq!(parts.len(), 1, "{number} {shard}");
            assert_eq!(Some(parts[0].1.from), reached);
            reached = parts[0].1.until;
        }
        assert_eq!(reached, None, "the end of a folder is read");
    }
}

/// A result of a shard: its head, the lines of a block, and what digests hold, with a byte 0x1e between them; the hash fits
/// whatever they say. What is listed is in order and in its own part, and what cannot be is told as such.
pub fn result(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == 0x1e);
    let mut part = || parts.next().unwrap_or_default();
    let (head, lines, blobs) = (part(), part(), part());
    let folder = tempfile::tempdir_in(scratch()).expect("a temporary folder");
    fs::create_dir(folder.path().join("AWSLogs")).expect("a folder");
    let (source, _) = FolderSource::open(folder.path()).expect("a folder");
    let (roots, _) = source.roots().expect("it was made above");
    let paper = serde_json::json!({
        "plan_version": 1, "tool": "ct-verify", "made": "2024-03-11T00:00:00Z", "source": "logs",
        "place": {"folder": "/logs"},
        "aws": {"endpoint_url": null, "no_sign_request": false, "requester_pays": false, "region": null},
        "start": null, "end": null, "accounts": [], "regions": [], "trails": [], "home_region": null,
        "management_account": null, "digests_only": false, "allow": [], "deny": [], "keys": null, "shards": 1,
        "roots": [roots[0].name], "folders": [{"root": 0, "path": "AWSLogs/x", "cuts": [[0, ""]]}],
    });
    let (plan, _) = Plan::read(paper.to_string().as_bytes()).expect("a plan");
    let path = folder.path().join("result");
    fs::write(&path, packed(head, lines, blobs)).expect("a file");
    let Ok(result) = ResultFile::open(&path, &plan, "plan", 0) else {
        return;
    };
    let stop = Stop::default();
    let results = [result];
    let bounds = Default::default();
    let joined = Joined::new(&source, (&plan, bounds), &results, 1 << 20, &stop);
    let root = joined.roots().expect("its own root").0[0].id;
    let mut seen: Vec<String> = Vec::new();
    joined.list(root, "AWSLogs/x", &bounds, &mut |object| {
        seen.push(object.rest.to_owned());
    });
    assert!(seen.is_sorted(), "{seen:?}");
    for rest in seen {
        let path = format!("AWSLogs/x/{rest}");
        let log = joined.hashed(root, &path, "audit-logs");
        let digest = joined.read_before(root, &path, &mut |_| ());
        assert!(
            log.is_none() || digest.is_none() || is_failed(digest.as_ref()),
            "{path}"
        );
    }
}

fn is_failed<T, E>(read: Option<&Result<T, E>>) -> bool {
    matches!(read, Some(Err(_)))
}

/// A result as `ct-verify` writes one. Where a head is left out, one is made that tells of the lines.
fn packed(head: &[u8], lines: &[u8], blobs: &[u8]) -> Vec<u8> {
    let deflated = |bytes: &[u8]| {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).expect("memory takes everything");
        encoder.finish().expect("memory takes everything")
    };
    let block = deflated(lines);
    let first = lines.split(|byte| *byte == b'\n').next();
    let first: Option<serde_json::Value> = first.and_then(|line| serde_json::from_slice(line).ok());
    let made = serde_json::json!({
        "result_version": 1, "tool": tool(), "plan": "plan", "shard": 0,
        "sections": [{"folder": 0, "bucket": "audit-logs", "blocks": [{
            "first": first.map(|line| line["k"].clone()).unwrap_or_default(), "at": 0, "packed": block.len(),
            "lines": lines.len(), "blobs": blobs.len(),
        }]}],
    });
    let head = match head {
        b"" => deflated(made.to_string().as_bytes()),
        head => deflated(head),
    };
    let mut whole = [&block[..], blobs].concat();
    let at = whole.len() as u64;
    whole.extend(&head);
    whole.extend(at.to_be_bytes());
    whole.extend((head.len() as u64).to_be_bytes());
    let hash = hex::decode(Sha256Hash::of(&whole).to_string()).expect("a hash");
    whole.extend(hash);
    whole.extend(b"ctshard1");
    whole
}

/// The program that wrote it, in the version that reads it.
fn tool() -> String {
    let manifest = include_str!("../../Cargo.toml").lines();
    let mut versions = manifest.filter_map(|line| line.strip_prefix("version = "));
    format!(
        "ct-verify {}",
        versions.next().expect("a version").trim_matches('"')
    )
}

/// Memory, where there is such a place.
pub fn scratch() -> std::path::PathBuf {
    let memory = std::path::PathBuf::from("/dev/shm");
    if memory.is_dir() {
        memory
    } else {
        std::env::temp_dir()
    }
}
