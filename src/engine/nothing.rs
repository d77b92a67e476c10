//! Why there was nothing to verify: what was looked for, and what there was instead.

use super::job::Filters;
use super::survey::Survey;
use crate::source::Source;
use crate::verify::conclusion::Conclusion;
use crate::verify::finding::{Code, Subject};

/// What the survey came to, as far as it tells why no digest was found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Looked {
    /// Folders called `AWSLogs`.
    roots: usize,
    /// Accounts' regions with folders of digests or logs.
    places: usize,
    /// Those of them with a folder of digests.
    with_digests: usize,
    /// Accounts and regions that are there, and were not asked for.
    left_out: usize,
    /// Whether an account has query results of `CloudTrail` Lake.
    lake: bool,
    /// Whether something could not be listed.
    unseen: bool,
}

impl Looked {
    pub(super) fn at(survey: &Survey) -> Self {
        let holdings = survey.places.values();
        let with_digests = holdings.filter(|its| its.values().any(|its| its.digests));
        Self {
            roots: survey.roots.len(),
            places: survey.places.len(),
            with_digests: with_digests.count(),
            left_out: survey.left_out,
            lake: survey.lake,
            unseen: !survey.problems.is_empty(),
        }
    }

    /// In words. Of `others` trails' digests in the range none was asked for; `AWSLogs` was `searched` there.
    fn told(self, filters: &Filters, others: u64, searched: &str) -> String {
        let regions = |number: usize| match number {
            1 => "one account's region".to_owned(),
            _ => format!("{number} accounts' regions"),
        };
        let mut told = if self.roots == 0 {
            format!("no folder called AWSLogs was found {searched}")
        } else if self.places == 0 {
            "AWSLogs is there, and in it no account's folder of logs or digests that was asked for"
                .to_owned()
        } else if self.with_digests == 0 {
            format!(
                "there are folders of logs of {}, and no CloudTrail-Digest folder beside them",
                regions(self.places)
            )
        } else if others == 1 {
            "the one digest in the range is that of a trail that was not asked for".to_owned()
        } else if others > 0 {
            format!("the {others} digests in the range are those of trails that were not asked for")
        } else {
            format!(
                "CloudTrail-Digest is there for {}, and no hourly digest{} in the range was found in it",
                regions(self.with_digests),
                if filters.trails.is_empty() {
                    ""
                } else {
                    " of a trail that was asked for"
                }
            )
        };
        if self.left_out > 0 {
            told.push_str("; --account or --region leaves out others that are there");
        }
        if self.lake {
            told.push_str(
                "; there are query results of CloudTrail Lake, which `ct-verify query-results` verifies",
            );
        }
        if self.unseen {
            told.push_str("; not everything could be listed");
        }
        told
    }

    /// Says so of a run that found no digest at all.
    pub(super) fn explain(
        self,
        filters: &Filters,
        others: u64,
        source: &dyn Source,
        conclusion: &mut Conclusion,
    ) {
        let searched = source.looks_for_roots();
        let untold = conclusion.findings.iter_mut().filter(|it| {
            let finding = &it.finding;
            finding.code == Code::NoDigests
                && finding.subject == Subject::Run
                && finding.detail.is_none()
        });
        for weighed in untold {
            weighed.finding.detail = Some(self.told(filters, others, &searched).into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_what_was_there_instead() {
        let all = Filters::default();
        let looked = Looked::default();
        let none = looked.told(&all, 0, "below it");
        assert!(none.starts_with("no folder called AWSLogs"), "{none}");
        let empty = Looked { roots: 1, ..looked };
        assert!(
            empty
                .told(&all, 0, "below it")
                .starts_with("AWSLogs is there")
        );
        let logs = Looked { places: 2, ..empty };
        assert!(
            logs.told(&all, 0, "below it")
                .contains("no CloudTrail-Digest folder")
        );
        let digests = Looked {
            with_digests: 1,
            ..logs
        };
        let told = digests.told(&all, 0, "below it");
        assert!(
            told.ends_with("no hourly digest in the range was found in it"),
            "{told}"
        );
        assert!(
            digests
                .told(&all, 7, "below it")
                .contains("7 digests in the range")
        );
        let more = Looked {
            left_out: 1,
            lake: true,
            unseen: true,
            ..empty
        };
        let told = more.told(&all, 0, "below it");
        for part in ["--account or --region", "query-results", "be listed"] {
            assert!(told.contains(part), "{told}");
        }
    }
}
