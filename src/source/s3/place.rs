//! `s3://BUCKET[/PREFIX]`, as users write it.

use std::sync::Arc;

use super::search::where_searched;
use crate::source::Narrowing;
use crate::verify::location::{AWS_LOGS, MAX_KEY_LEN};

/// A bucket and a prefix in it that is to be verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Place {
    /// The bucket.
    pub bucket: Arc<str>,
    /// The prefix, without a closing slash. What lies below it is searched for `AWSLogs`.
    pub prefix: String,
    /// Whether the prefix is itself that of an `AWSLogs` folder, which is not searched for then.
    pub is_root: bool,
    /// What of it was named.
    pub narrowing: Narrowing,
}

impl S3Place {
    /// Reads `s3://BUCKET[/PREFIX]`. Where it leads into an `AWSLogs` folder, what was named of
    /// it is told.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(url: &str) -> Result<Self, &'static str> {
        let (bucket, prefix) = Self::parts(url)?;
        if is_alias(bucket) {
            return Err(
                "it is the alias of an access point, and digests name the bucket behind it: name that bucket, or copy it into a folder and verify the folder",
            );
        }
        let place = Self::new(bucket, prefix);
        if place.is_root && place.prefix.is_empty() && prefix.starts_with('/') {
            // It would be taken for the one right in the bucket.
            return Err(
                "its AWSLogs lies in a folder without a name, which cannot be verified: write one slash after the bucket",
            );
        }
        Ok(place)
    }

    /// The bucket and the prefix of `s3://BUCKET[/PREFIX]`, as they stand there.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parts(url: &str) -> Result<(&str, &str), &'static str> {
        let rest = url
            .strip_prefix("s3://")
            .ok_or("it does not begin with s3://")?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if !is_bucket(bucket) {
            return Err("no bucket can have this name");
        }
        if prefix.len() > MAX_KEY_LEN {
            return Err("its prefix is longer than any key");
        }
        Ok((bucket, prefix))
    }

    /// A place below `prefix` of `bucket`.
    pub fn new(bucket: &str, prefix: &str) -> Self {
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let parts: Vec<_> = prefix.split('/').collect();
        let inside = parts.iter().rposition(|part| *part == AWS_LOGS);
        let narrowed = inside.and_then(|at| {
            let narrowing = Narrowing::below_aws_logs(parts.get(at + 1..)?.iter().copied())?;
            Some((parts.get(..at)?.join("/"), narrowing))
        });
        let is_root = narrowed.is_some();
        let (prefix, narrowing) =
            narrowed.unwrap_or_else(|| (prefix.to_owned(), Narrowing::default()));
        Self {
            bucket: bucket.into(),
            prefix,
            is_root,
            narrowing,
        }
    }

    /// Where below it `AWSLogs` is looked for, in words.
    pub fn looks_for_roots(&self) -> Box<str> {
        where_searched(&self.prefix).into()
    }
}

/// Whether a bucket can have this name; the rules of old, which are wider than today's.
pub(super) fn is_bucket(name: &str) -> bool {
    (3..=255).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// Whether it is the other name of an access point, which no bucket may have.
fn is_alias(bucket: &str) -> bool {
    ["-s3alias", "--ol-s3"]
        .iter()
        .any(|end| bucket.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> (String, bool, Option<String>, Option<String>) {
        let place = S3Place::parse(url).unwrap();
        let narrowing = place.narrowing;
        (
            place.prefix,
            place.is_root,
            narrowing.account,
            narrowing.region,
        )
    }

    #[allow(
        clippy::unnecessary_wraps,
        reason = "what it is compared with is an option"
    )]
    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn a_source_is_a_bucket_and_a_prefix() {
        assert_eq!(place("s3://logs"), (String::new(), false, None, None));
        assert_eq!(place("s3://logs/"), (String::new(), false, None, None));
        assert_eq!(
            place("s3://logs/a b/c/"),
            ("a b/c".into(), false, None, None)
        );
    }

    #[test]
    fn a_source_in_a_folder_of_logs_is_narrowed() {
        assert_eq!(
            place("s3://logs/AWSLogs"),
            (String::new(), true, None, None)
        );
        let account = some("111122223333");
        assert_eq!(
            place("s3://logs/p/AWSLogs/o-abcde12345/111122223333/"),
            ("p".into(), true, account.clone(), None)
        );
        assert_eq!(
            place("s3://logs/AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2024/03"),
            (String::new(), true, account, some("eu-west-1"))
        );
        assert_eq!(
            place("s3://logs/AWSLogs/elsewhere"),
            ("AWSLogs/elsewhere".into(), false, None, None)
        );
    }

    /// Every digest would seem to lie in another bucket than the one that it names.
    #[test]
    fn an_access_point_is_no_bucket() {
        for alias in ["point-abcdefg1234-s3alias", "lambda-abcdefg1234--ol-s3"] {
            let told = S3Place::parse(&format!("s3://{alias}/logs")).unwrap_err();
            assert!(told.contains("name that bucket"), "{told}");
            // What is only written to, or read from, may be named so.
            assert!(S3Place::parts(&format!("s3://{alias}/results")).is_ok());
        }
        assert!(S3Place::parse("s3://my-s3alias-logs").is_ok());
    }

    #[test]
    fn what_is_no_bucket_is_refused() {
        for url in [
            "s3://",
            "s3:///AWSLogs",
            "s3://a",
            "s3://b ucket/x",
            "s3://bucket//AWSLogs",
            "s3://bucket//AWSLogs/111122223333/",
            "S3://bucket",
        ] {
            assert!(S3Place::parse(url).is_err(), "{url}");
        }
    }
}
