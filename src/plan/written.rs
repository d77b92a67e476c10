//! What a run writes, held apart from what it reads: a report must not replace the keys, the state
//! or the evidence that it is about.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use tempfile::NamedTempFile;

use super::keys::KEYS_FOLDER;
use crate::report::Format;
use crate::source::snapshot::is_of_a_snapshot;
use crate::verify::location::AWS_LOGS;
use crate::verify::query::SIGN_FILE;

/// A file that was named, and the option that it was named with.
pub type Named<'a> = (&'a str, &'a Path);

/// The files that one option names, each by itself.
pub fn named<'a>(
    option: &'a str,
    paths: impl IntoIterator<Item = &'a PathBuf>,
) -> impl Iterator<Item = Named<'a>> {
    let paths = paths.into_iter();
    paths.map(move |path| (option, path.as_path()))
}

/// The files that reports are written to.
pub fn report_files(reports: &[(Format, PathBuf)]) -> impl Iterator<Item = Named<'_>> {
    named("--report", reports.iter().map(|(_, path)| path))
}

/// Refuses to write what the run reads, and to write two things into one file.
///
/// # Errors
/// Which of the files would be lost.
pub fn keep_apart(written: &[Named<'_>], read: &[Named<'_>], sources: &[&Path]) -> Result<()> {
    for (index, (option, path)) in written.iter().enumerate() {
        let Some(target) = target(path) else { continue };
        // Pipes and devices hold nothing that could be lost.
        if fs::metadata(&target).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
            continue;
        }
        let shown = path.display();
        for (other, others) in &written[..index] {
            if is_same(&target, others) {
                bail!("{option} {shown} is the file of {other} too: name another");
            }
        }
        for (other, others) in read {
            if is_same(&target, others) {
                bail!("{option} {shown} would write over what {other} names: name another file");
            }
        }
        if sources.iter().any(|source| is_evidence(source, &target)) {
            bail!("{option} {shown} lies in what is verified: name a file outside of it");
        }
    }
    Ok(())
}

/// The file itself, whatever links lead to it, or where it would come to be.
fn target(path: &Path) -> Option<PathBuf> {
    if let Ok(target) = path.canonicalize() {
        return Some(target);
    }
    let folder = folder_of(path).canonicalize().ok()?;
    Some(folder.join(path.file_name()?))
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

fn is_same(known: &Path, other: &Path) -> bool {
    let Some(other) = target(other) else {
        return false;
    };
    known == other || is_linked(known, &other)
}

/// Whether both are names of one file.
#[cfg(unix)]
fn is_linked(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let number = |path: &Path| fs::metadata(path).map(|there| (there.dev(), there.ino()));
    number(a).is_ok_and(|a| number(b).is_ok_and(|b| a == b))
}

#[cfg(not(unix))]
fn is_linked(_: &Path, _: &Path) -> bool {
    false
}

/// Whether a file is one of those that a folder is verified by. A report may lie beside them.
fn is_evidence(source: &Path, target: &Path) -> bool {
    let Ok(source) = source.canonicalize() else {
        return false;
    };
    let Ok(inside) = target.strip_prefix(&source) else {
        return false;
    };
    let is_aws_logs = |path: &Path| path.iter().any(|part| part == AWS_LOGS);
    let is_part = is_aws_logs(&source) && !source.join(AWS_LOGS).exists();
    let top = inside.iter().next().and_then(|part| part.to_str());
    let name = target.file_name().and_then(|name| name.to_str());
    is_part
        || is_aws_logs(inside)
        || top.is_some_and(|top| top == KEYS_FOLDER || is_of_a_snapshot(&source, top))
        || name.is_some_and(|name| name == SIGN_FILE || name.ends_with(".metadata.json"))
}

/// Whether a file can be replaced in one step: told before hours of work are for nothing.
///
/// # Errors
/// Why it cannot.
pub fn check_replaceable(path: &Path) -> Result<()> {
    let target = replaceable(path)?;
    aside(&target).map(drop)
}

/// Replaces the file in one step. Where its name is a link, what that leads to is replaced.
///
/// # Errors
/// Where it is no file, or cannot be written.
pub fn replace(path: &Path, bytes: &[u8], for_all: bool) -> Result<()> {
    let target = replaceable(path)?;
    let mut aside = aside(&target)?;
    aside.write_all(bytes)?;
    if for_all {
        crate::shard::readable(&aside)?;
    }
    aside.as_file().sync_all()?;
    // The name of what lies aside is nobody's concern.
    aside.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

/// The file that is replaced. Nothing is renamed over a folder, a pipe or a device.
fn replaceable(path: &Path) -> Result<PathBuf> {
    if path.as_os_str() == "-" {
        bail!("name a file: standard output is not replaced in one step");
    }
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        Err(error) => Err(error.into()),
        Ok(_) => {
            let target = path.canonicalize();
            let target = target.context("it is a link that leads nowhere")?;
            if !fs::metadata(&target)?.is_file() {
                bail!("it is no file");
            }
            Ok(target)
        }
    }
}

fn aside(target: &Path) -> Result<NamedTempFile> {
    let folder = folder_of(target);
    NamedTempFile::new_in(folder).map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound && target.starts_with("s3:") {
            return anyhow::anyhow!(
                "it is a file that is written: name one, and copy it to the bucket (`aws s3 cp`)"
            );
        }
        if error.kind() == io::ErrorKind::NotFound {
            return anyhow::anyhow!("there is no folder {}", folder.display());
        }
        // It names a file that nobody asked for.
        let why = io::Error::from(error.kind());
        anyhow::anyhow!("no file can be made in {}: {why}", folder.display())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("archive/AWSLogs/1")).unwrap();
        fs::create_dir_all(at("archive/public-keys")).unwrap();
        for name in ["keys.json", "report.json", "archive/report.json"] {
            fs::write(at(name), "").unwrap();
        }
        fs::hard_link(at("keys.json"), at("same.json")).unwrap();
        let (keys, archive) = (at("keys.json"), at("archive"));
        let refused = |name: &str| {
            let path = at(name);
            let written = [("--state", at("state")), ("--report", path)];
            let written: Vec<Named<'_>> = written
                .iter()
                .map(|(option, path): &(&str, PathBuf)| (*option, path.as_path()))
                .collect();
            let read = [("--public-keys", keys.as_path())];
            keep_apart(&written, &read, &[&archive]).is_err()
        };
        for name in [
            "keys.json",
            "same.json",
            "archive/../keys.json",
            "state",
            "archive/../state",
            "archive/AWSLogs/new.json",
            "archive/AWSLogs/1/x.json",
            "archive/public-keys/x.json",
            "archive/x.json.gz.metadata.json",
            "archive/result_sign.json",
        ] {
            assert!(refused(name), "{name}");
        }
        for name in [
            "report.json",
            "new.json",
            "archive/report.json",
            "archive/new.html",
        ] {
            assert!(!refused(name), "{name}");
        }
        assert!(keep_apart(&[("--report", Path::new("/dev/null"))], &[], &[&archive]).is_ok());
    }

    #[test]
    fn only_files_are_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        replace(&at("new"), b"1", true).unwrap();
        replace(&at("new"), b"2", false).unwrap();
        assert_eq!(fs::read(at("new")).unwrap(), b"2");
        assert!(replace(dir.path(), b"", true).is_err());
        assert!(replace(Path::new("-"), b"", true).is_err());
        let told = check_replaceable(&at("none/new")).unwrap_err().to_string();
        assert!(told.ends_with("/none"), "{told}");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(at("new"), at("link")).unwrap();
            replace(&at("link"), b"3", true).unwrap();
            assert_eq!(fs::read(at("new")).unwrap(), b"3");
            assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink());
            std::os::unix::fs::symlink(at("gone"), at("loose")).unwrap();
            assert!(replace(&at("loose"), b"", true).is_err());
            assert!(replace(Path::new("/dev/null"), b"", true).is_err());
        }
    }
}
