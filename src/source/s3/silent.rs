//! Regions that nobody answers for.
//!
//! A region is the name of a folder, and whoever writes to the bucket may make up hundreds of them. None
//! of them has a server, and each request to one is made again as long as anybody has patience.

use std::time::Duration;

use super::fault::{Fault, Kind};
use super::settings::Patience;

/// After so many regions that gave no answer, others are not waited for as long.
const MOST: usize = 8;
/// So often a region is asked that is not waited for.
const ATTEMPTS: u32 = 2;

/// How AWS begins the names of its regions, in all of its partitions.
const BEGINNINGS: [&str; 11] = [
    "af", "ap", "ca", "cn", "eu", "eusc", "il", "me", "mx", "sa", "us",
];

/// How many regions gave no answer.
#[derive(Debug, Default)]
pub(super) struct Silent {
    pub(super) regions: usize,
}

impl Silent {
    /// How long a region is waited for that was not asked before, or why it is not asked: where many
    /// others gave no answer, all of them together may take no longer than an outage lasts.
    pub(super) fn patience(
        &self,
        region: &str,
        patience: Patience,
        elapsed: Duration,
    ) -> Result<Patience, Fault> {
        if self.regions < MOST && is_like_aws(region) {
            return Ok(patience);
        }
        if self.regions >= MOST && elapsed >= patience.outage {
            let told = format!(
                "it was not asked, since {} other regions gave no answer within {} s",
                self.regions,
                patience.outage.as_secs()
            );
            return Err(Fault::new(Kind::Lasting, told));
        }
        let attempts = patience
            .attempts
            .map_or(ATTEMPTS, |told| told.min(ATTEMPTS));
        Ok(Patience {
            attempts: Some(attempts),
            ..patience
        })
    }
}

/// Whether a name is made like those of AWS's regions: `us-east-1`, `us-gov-west-1`.
pub(super) fn is_like_aws(region: &str) -> bool {
    let parts: Vec<_> = region.split('-').collect();
    let [first, between @ .., number] = &*parts else {
        return false;
    };
    BEGINNINGS.contains(first)
        && (1..=2).contains(&between.len())
        && between.iter().all(|part| !part.is_empty())
        && number.len() == 1
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_of_every_partition_are_waited_for() {
        for region in [
            "us-east-1",
            "ap-southeast-7",
            "mx-central-1",
            "cn-northwest-1",
            "us-gov-west-1",
            "us-isob-east-1",
            "eu-isoe-west-1",
            "eusc-de-east-1",
        ] {
            assert!(is_like_aws(region), "{region}");
        }
        for region in [
            "zz-00000",
            "us-1",
            "us--1",
            "us-east-",
            "us-east-11",
            "us-a-b-c-1",
        ] {
            assert!(!is_like_aws(region), "{region}");
        }
    }

    #[test]
    fn whoever_makes_up_regions_makes_nobody_wait() {
        let patience = Patience::default();
        let attempts = |regions, region, elapsed| {
            let asked = Silent { regions }.patience(region, patience, elapsed);
            asked.map_or(Some(0), |patience| patience.attempts)
        };
        let (soon, late) = (Duration::ZERO, patience.outage);
        assert_eq!(attempts(0, "us-east-1", late), patience.attempts);
        assert_eq!(attempts(0, "zz-1", late), Some(ATTEMPTS));
        assert_eq!(attempts(MOST, "us-east-1", soon), Some(ATTEMPTS));
        assert_eq!(attempts(MOST, "us-east-1", late), Some(0));
        assert_eq!(attempts(MOST, "zz-1", late), Some(0));
    }
}
