//! Whether days beside the range are there, of which a log is not.
//!
//! What lies on days that the range does not touch is listed by nobody. Where a log is missed that a digest of the
//! range names, the folder of its day is looked for: a copy that was cut by days has none, nor has a bucket whose
//! lifecycle has expired that day.

use std::collections::BTreeSet;

use super::run::Shared;
use super::threads::in_parallel;
use crate::source::SourceError;
use crate::verify::location::RootId;
use crate::verify::time::parse_day;

impl Shared<'_> {
    /// Looks for the days of the logs beside the range that are not there: once for each of those days of which nothing
    /// else shows that it is.
    pub(super) fn look_beside(&self) {
        let folders: Vec<_> = {
            let tally = self.tally();
            let folders = tally.beside_range.iter().map(|held| &held.folder);
            let unknown = folders.filter(|folder| !tally.reached_beside.contains(*folder));
            let unknown: BTreeSet<_> = unknown.cloned().collect();
            unknown.into_iter().collect()
        };
        let looked = in_parallel(self.job.limits.threads, &folders, |(root, folder)| {
            if self.stop.is_stopped() {
                return Ok(false);
            }
            self.is_there(*root, folder)
        });
        let looked = looked
            .into_iter()
            .map(|it| it.map_err(|why| why.to_string().into()));
        self.tally().looked_beside = folders.into_iter().zip(looked).collect();
    }

    fn is_there(&self, root: RootId, folder: &str) -> Result<bool, SourceError> {
        if !is_of_a_day(folder) {
            return Ok(false);
        }
        match self.source.has_folder(root, folder) {
            Err(SourceError::NotFound) => Ok(false),
            looked => looked,
        }
    }
}

/// Whether all that lies in a folder is of one day.
fn is_of_a_day(folder: &str) -> bool {
    let mut names = folder.rsplit('/');
    let (day, month, year) = (names.next(), names.next(), names.next());
    let day = year.zip(month).zip(day);
    day.is_some_and(|((year, month), day)| parse_day(year, month, day).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_a_folder_of_its_own() {
        assert!(is_of_a_day(
            "AWSLogs/111122223333/CloudTrail/us-east-1/2024/02/29"
        ));
        for other in [
            "us-east-1",
            "us-east-1/2024/02",
            "2024/02/30",
            "2024/2/9",
            "",
        ] {
            assert!(!is_of_a_day(other), "{other}");
        }
    }
}
