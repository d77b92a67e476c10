//! What repairs shards that have no result of use: commands for a shell, which do so as they stand.

use std::path::Path;

use jiff::Timestamp;

use crate::cli::AwsArgs;
use crate::report::escape::{shell, shell_path};
use crate::shard::{Plan, result_name};

/// A plan whose results were looked at, and how they are reached.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repair<'a> {
    /// The plan: its file, and what it holds.
    pub(super) plan: (&'a Path, &'a Plan),
    /// Where the results are.
    pub(super) place: &'a Path,
    /// How buckets are reached, as it was typed.
    pub(super) aws: &'a AwsArgs,
    /// When the results were looked at: it names what is moved aside.
    pub(super) looked: Timestamp,
}

impl Repair<'_> {
    /// Reads a shard anew. Where what lies in its place is not replaced by that, it is moved aside
    /// first: it may be of use to another plan.
    pub(super) fn of(&self, shard: u32, is_replaced: bool) -> String {
        self.command(&shard.to_string(), &result_name(shard), is_replaced)
    }

    /// Does so for several shards.
    pub(super) fn of_each(&self, shards: &[u32], is_replaced: bool) -> String {
        // As `result_name` writes it.
        let name = "shard-$(printf %05d $shard).result";
        let command = self.command("$shard", name, is_replaced);
        let spans = spans(shards).into_iter().map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("$(seq {first} {last})")
            }
        });
        let spans: Vec<_> = spans.collect();
        format!("for shard in {}; do {command}; done", spans.join(" "))
    }

    fn command(&self, shard: &str, name: &str, is_replaced: bool) -> String {
        let (plan, place) = (shell_path(self.plan.0), shell_path(self.place));
        let (aws, end) = self.options(self.aws.endpoint_url.as_deref());
        let read =
            format!("ct-verify logs --plan {plan} --shard {shard} --result {place}{aws}{end}");
        if is_replaced {
            return read;
        }
        // Keys of objects have as many slashes as are written.
        let above = self.place.to_str().map(|text| text.trim_end_matches('/'));
        let above = shell_path(above.map_or(self.place, Path::new));
        let aside = self.looked.strftime("aside-%Y%m%dT%H%M%SZ");
        let (looks, moves) = self.moves(&format!("{above}/{name}"), &aside.to_string());
        // The command may be pasted again: what is there then is the shard's own.
        // 1 says that it is not there; whatever else a look comes to says nothing of that.
        format!("{{ {looks}; case $? in 0) ;; 1) {moves} ;; *) false ;; esac; }} && {read}")
    }

    /// What looks whether a file or an object was moved aside, and what moves it.
    fn moves(&self, from: &str, aside: &str) -> (String, String) {
        let to = format!("{from}.{aside}");
        if !self.place.to_string_lossy().starts_with("s3://") {
            return (format!("[ -e {to} ]"), format!("mv {from} {to}"));
        }
        // The AWS CLI knows nothing of the plan.
        let planned = self.plan.1.aws.endpoint_url.as_deref();
        let (aws, end) = self.options(self.aws.endpoint_url.as_deref().or(planned));
        (
            format!("aws{aws} s3 ls{end} {to} >/dev/null"),
            format!("aws{aws} s3 mv{end} {from} {to}"),
        )
    }

    /// How buckets are reached: what the AWS CLI takes before its command, and what behind.
    fn options(&self, endpoint: Option<&str>) -> (String, &'static str) {
        let mut options = String::new();
        for (option, value) in [
            ("--endpoint-url", endpoint),
            ("--profile", self.aws.profile.as_deref()),
        ] {
            if let Some(value) = value {
                options.extend([" ", option, " ", &shell(value)]);
            }
        }
        if self.aws.no_sign_request {
            options.push_str(" --no-sign-request");
        }
        let pays = self.aws.request_payer.is_some();
        (
            options,
            if pays {
                " --request-payer requester"
            } else {
                ""
            },
        )
    }
}

/// Numbers in rising order, as arrays of tasks are given: 1-3,7.
pub(super) fn ranges(numbers: &[u32]) -> String {
    let told = spans(numbers).into_iter().map(|(first, last)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        }
    });
    told.collect::<Vec<_>>().join(",")
}

/// The first and the last of those that follow each other.
fn spans(numbers: &[u32]) -> Vec<(u32, u32)> {
    let mut spans: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            Some(_) | None => spans.push((*number, *number)),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_as_arrays_take_them() {
        assert_eq!(ranges(&[0, 1, 2, 5, 7, 8]), "0-2,5,7-8");
        assert_eq!(ranges(&[3]), "3");
    }
}
