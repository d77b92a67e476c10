//! A local folder as SOURCE, looked at before anything is made of it.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Result, anyhow};

use crate::source::S3Place;

/// Whether there is a folder that can be looked into.
///
/// # Errors
/// Where there is none, with a word on what may have been meant.
pub(super) fn check(path: &Path) -> Result<()> {
    fs::read_dir(path).map(drop).map_err(|error| {
        if path.is_file() {
            return anyhow!(
                "cannot open the folder {}: it is a file: name the folder that it lies in, or, of a zip or tar, the one that it was unpacked into",
                path.display()
            );
        }
        let is_none = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
        let text = path.to_str().filter(|_| is_none.contains(&error.kind()));
        let hint = text.and_then(hint);
        let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
        anyhow!("cannot open the folder {}: {error}{hint}", path.display())
    })
}

/// What may have been meant by something that is no folder.
fn hint(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let begins = |prefix: &str| lower.starts_with(prefix);
    if begins("s3:") {
        let rest = text[3..].trim_start_matches('/');
        return Some(format!("a bucket is written s3://{rest}"));
    }
    if begins("arn:aws:s3:::") {
        let rest = &text["arn:aws:s3:::".len()..];
        return Some(format!("a bucket is written s3://{rest}"));
    }
    if begins("arn:") {
        return Some("an ARN is written in small letters: arn:aws:cloudtrail:…".to_owned());
    }
    if begins("https://") || begins("http://") || begins("s3a://") || begins("file://") {
        return Some(
            "a bucket is written s3://BUCKET[/PREFIX], and a folder as its path".to_owned(),
        );
    }
    let url = format!("s3://{text}");
    let is_plain = !text.starts_with(['.', '/']) && !text.contains('\\');
    (is_plain && S3Place::parts(&url).is_ok()).then(|| format!("if it is a bucket, write {url}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_been_meant() {
        for (text, told) in [
            ("S3://logs/a", "s3://logs/a"),
            ("s3:/logs", "s3://logs"),
            ("arn:aws:s3:::logs", "s3://logs"),
            ("ARN:aws:cloudtrail:us-east-1:1:trail/x", "small letters"),
            ("https://logs.s3.amazonaws.com/", "s3://BUCKET"),
            ("my-logs", "write s3://my-logs"),
            ("my-logs/prefix", "write s3://my-logs/prefix"),
        ] {
            assert!(hint(text).unwrap().contains(told), "{text}");
        }
        for text in ["/nowhere", "./my-logs", "../x", "a b"] {
            assert_eq!(hint(text), None, "{text}");
        }
    }
}
