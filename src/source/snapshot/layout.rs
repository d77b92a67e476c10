//! What lies where in a snapshot, and under which name.

use sha2::{Digest as _, Sha256};

use crate::verify::query::SIGN_FILE;

/// Who took the snapshot, of what, when, and what it came to.
pub(super) const HEAD: &str = "snapshot.json";
/// Every file with its SHA-256, as `sha256sum -c` reads it.
pub(crate) const MANIFEST: &str = "MANIFEST.sha256";
/// What the source told of every object, a line each.
pub(super) const INDEX: &str = "objects.jsonl";
/// Objects under their own keys, by bucket.
pub(super) const OBJECTS: &str = "objects";
/// Objects whose keys are no names for files.
pub(super) const ENCODED: &str = "objects-encoded";
/// The public keys, by region.
pub(super) const KEYS: &str = "public-keys";
/// What a run that has not ended keeps.
pub(super) const WORK: &str = "unfinished";
/// The index of a run that has not ended.
pub(super) const JOURNAL: &str = "unfinished/objects.jsonl";
/// An object's metadata, beside it, as `aws s3api head-object` writes it.
pub(super) const SIDECAR: &str = ".metadata.json";

/// No part of a name is longer; file systems take 255, and some write a byte as three.
const MOST_PART: usize = 200;
/// No path is longer: that much is left of the least that systems take.
const MOST_PATH: usize = 1000;

/// Whether a file or folder of this name, right in the folder of a snapshot, belongs to it.
pub(crate) fn is_of_a_snapshot(folder: &std::path::Path, name: &str) -> bool {
    is_own(name) && folder.join(HEAD).exists()
}

/// Whether a snapshot calls a file or folder of its own so.
pub(super) fn is_own(name: &str) -> bool {
    [HEAD, MANIFEST, INDEX, OBJECTS, ENCODED, KEYS, WORK].contains(&name)
}

/// The file of an object: under its own key, where every file system takes that as it stands.
pub(super) fn file_of(root: &str, path: &str) -> String {
    let plain = format!("{OBJECTS}/{root}/{path}");
    if is_plain(&plain) {
        plain
    } else {
        encoded(root, path)
    }
}

/// A name that no other object has, and that leads nowhere.
pub(super) fn encoded(root: &str, path: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(root.len().to_be_bytes());
    hasher.update(root);
    hasher.update(path);
    format!("{ENCODED}/{}", hex::encode(hasher.finalize()))
}

/// Where the objects of a root's folder lie under their own keys; that of the root itself has no path.
/// Nothing where none can: a name such as `.` would lead to the folder of another root.
pub(super) fn folder_of(root: &str, path: &str) -> Option<String> {
    let folder = match path {
        "" => root.to_owned(),
        path => format!("{root}/{path}"),
    };
    let is_plain = folder.split('/').all(is_plain_part);
    is_plain.then(|| format!("{OBJECTS}/{folder}"))
}

fn is_plain(path: &str) -> bool {
    let mut parts = path.split('/');
    let name = parts.next_back().unwrap_or_default();
    path.len() <= MOST_PATH
        && is_plain_part(name)
        // Nothing else lies beside objects than their metadata, and no object where a folder may.
        && is_of_an_object(name)
        // A folder must not stand where an object or its metadata may.
        && parts.all(|part| is_plain_part(part) && !is_of_an_object(&part.to_ascii_lowercase()) && !part.ends_with(SIDECAR))
}

/// Whether digests, logs, sign files or result files have such names.
fn is_of_an_object(name: &str) -> bool {
    let endings = [".json.gz", ".csv.gz", ".csv"];
    name == SIGN_FILE || endings.iter().any(|ending| name.ends_with(ending))
}

fn is_plain_part(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default();
    let is_device = matches!(
        stem.to_ascii_lowercase().as_bytes(),
        b"con" | b"prn" | b"aux" | b"nul" | [b'c', b'o', b'm', _] | [b'l', b'p', b't', _]
    );
    let is_usual = |byte: u8| (b' '..=b'~').contains(&byte) && !br#"<>:"\|?*"#.contains(&byte);
    !part.is_empty()
        && part.len() <= MOST_PART
        && part.bytes().all(is_usual)
        && !part.starts_with(' ')
        && !part.ends_with([' ', '.'])
        && part != ".."
        && !is_device
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_keys_are_names() {
        let path = "AWSLogs/o-abc/123456789012/CloudTrail/us-east-1/2024/03/01/123456789012_CloudTrail_us-east-1_20240301T0005Z_AbCdEfGhIjKlMnOp.json.gz";
        assert_eq!(
            file_of("bucket/my prefix", path),
            format!("objects/bucket/my prefix/{path}")
        );
    }

    #[test]
    fn query_results_are_names_too() {
        for name in ["result_sign.json", "result_1.csv.gz", "planted.csv"] {
            let path = format!("exports/{name}");
            assert_eq!(file_of("copy", &path), format!("objects/copy/{path}"));
        }
    }

    #[test]
    fn no_two_folders_lie_in_the_same_place() {
        let plain = folder_of("bucket/logs", "AWSLogs");
        assert_eq!(plain.as_deref(), Some("objects/bucket/logs/AWSLogs"));
        assert_eq!(folder_of("copy", "").as_deref(), Some("objects/copy"));
        for root in [
            "bucket/.",
            "bucket//",
            "bucket/logs/",
            "bucket/../bucket",
            "/bucket",
        ] {
            assert_eq!(folder_of(root, "AWSLogs"), None, "{root}");
            assert_eq!(folder_of(root, ""), None, "{root}");
        }
        for path in [".", "AWSLogs/", "AWSLogs//x", "AWSLogs/./x", "../AWSLogs"] {
            assert_eq!(folder_of("bucket", path), None, "{path}");
        }
    }

    #[test]
    fn what_is_no_name_everywhere_is_encoded() {
        let long = "x".repeat(201);
        for path in [
            "AWSLogs/../../etc/passwd",
            "/etc/passwd",
            "AWSLogs//x.json.gz",
            "AWSLogs/./x.json.gz",
            "AWSLogs/nul\0.json.gz",
            "AWSLogs/a\\b.json.gz",
            "AWSLogs/con/x.json.gz",
            "AWSLogs/x.json.gz/y.json.gz",
            "AWSLogs/x.json.gz.metadata.json",
            "results/result_sign.json/result_1.csv.gz",
            "results/Result_1.CSV.GZ/result_sign.json",
            "AWSLogs/end./x.json.gz",
            "AWSLogs/ü.json.gz",
            "AWSLogs/line\nfeed.json.gz",
            "AWSLogs/123456789012",
            &long,
            "",
        ] {
            let file = file_of("bucket", path);
            assert!(
                file.starts_with("objects-encoded/"),
                "{path:?} lies in {file}"
            );
            assert_eq!(file.len(), "objects-encoded/".len() + 64);
        }
        assert_ne!(encoded("a", "b/c"), encoded("a/b", "c"));
    }
}
