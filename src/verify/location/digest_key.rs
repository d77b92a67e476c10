//! The keys of digests, parsed strictly from both ends.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::time::{
    midnight, parse_day, parse_name_time, push_day_folders, push_digest_name_time,
};
use super::names::{is_region, is_trail};
use super::place::{AccountRegion, DIGEST_FOLDER, Folders, PATH_LEN};

/// Which chain a digest belongs to. Its order is that of the report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId {
    place: AccountRegion,
    trail: Arc<str>,
    home_region: Arc<str>,
    backfill: bool,
}

impl ChainId {
    /// The account and region whose logs the chain's digests name.
    pub fn place(&self) -> &AccountRegion {
        &self.place
    }

    /// The trail's name.
    pub fn trail(&self) -> &str {
        &self.trail
    }

    /// The trail's home region.
    pub fn home_region(&self) -> &str {
        &self.home_region
    }

    /// Whether its digests are those that name what the hourly ones missed.
    pub fn is_backfill(&self) -> bool {
        self.backfill
    }

    /// As a person calls it where another chain of its account and region has the same name: a trail that was
    /// deleted and made anew may have another home region.
    pub fn told_from_namesake(&self) -> String {
        told_from_namesake(&self.to_string(), &self.home_region)
    }
}

/// The name of a chain with what tells it from another one of that name.
pub fn told_from_namesake(name: &str, home_region: &str) -> String {
    format!("{name} (home region {home_region})")
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.place, self.trail)?;
        if self.backfill {
            f.write_str(" (backfill)")?;
        }
        Ok(())
    }
}

/// A digest's key, from `AWSLogs` on: its chain, and when its window ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DigestKey {
    chain: Arc<ChainId>,
    end: Timestamp,
}

impl DigestKey {
    /// The key of a digest of `chain` that ends at `end`.
    pub fn new(chain: Arc<ChainId>, end: Timestamp) -> Self {
        Self { chain, end }
    }

    /// Reads a path such as
    /// `AWSLogs/ACCOUNT/CloudTrail-Digest/REGION/YYYY/MM/DD/ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOME_YYYYMMDDTHHMMSSZ.json.gz`.
    ///
    /// Folders and name must say the same of account, region and day: no digest can have a path
    /// that disagrees with itself.
    pub fn parse(path: &str) -> Option<Self> {
        let folders = Folders::parse(path)?;
        if folders.kind != DIGEST_FOLDER || folders.is_further {
            return None;
        }
        let mut rest = folders.rest.split('/');
        let (year, month, day, name) = (rest.next()?, rest.next()?, rest.next()?, rest.next()?);
        if rest.next().is_some() {
            return None;
        }
        let stem = name.strip_suffix(".json.gz")?;
        let (stem, backfill) = match stem.strip_suffix("_backfill") {
            Some(stem) => (stem, true),
            None => (stem, false),
        };
        // A trail's name may hold anything that the other parts hold, so both ends are cut off
        // and what is left is the trail.
        let (stem, time) = stem.rsplit_once('_')?;
        let (stem, home_region) = stem.rsplit_once('_')?;
        let trail = stem
            .strip_prefix(folders.place.account())?
            .strip_prefix("_CloudTrail-Digest_")?
            .strip_prefix(folders.place.region())?
            .strip_prefix('_')?;
        if !is_trail(trail) || !is_region(home_region) || time.len() != 16 {
            return None;
        }
        let end = parse_name_time(time)?;
        if parse_day(year, month, day)? != midnight(end) {
            return None;
        }
        let chain = Arc::new(ChainId {
            trail: trail.into(),
            home_region: home_region.into(),
            backfill,
            place: folders.place,
        });
        Some(Self { chain, end })
    }

    /// The chain that the digest belongs to.
    pub fn chain(&self) -> &Arc<ChainId> {
        &self.chain
    }

    /// When the digest's window ends.
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// The same digest, sharing `chain` where it is the same chain.
    #[must_use]
    pub fn sharing(self, chain: &Arc<ChainId>) -> Self {
        if self.chain == *chain {
            return Self {
                chain: Arc::clone(chain),
                ..self
            };
        }
        self
    }

    /// The path that this key was read from.
    pub fn path(&self) -> String {
        let ChainId { place, trail, .. } = &*self.chain;
        let mut path = String::with_capacity(PATH_LEN);
        place.push_folder(DIGEST_FOLDER, &mut path);
        path.push('/');
        push_day_folders(self.end, &mut path);
        path.extend(["/", place.account(), "_", DIGEST_FOLDER, "_"]);
        path.extend([place.region(), "_", trail, "_"]);
        path.extend([&*self.chain.home_region, "_"]);
        push_digest_name_time(self.end, &mut path);
        path.push_str(if self.chain.backfill {
            "_backfill.json.gz"
        } else {
            ".json.gz"
        });
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "AWSLogs/123456789012/CloudTrail-Digest/eu-west-1/2020/01/02/123456789012_CloudTrail-Digest_eu-west-1_foo_us-east-1_20200102T030405Z.json.gz";

    #[test]
    fn a_digest_key_is_read_and_written_back() {
        let key = DigestKey::parse(DIGEST).unwrap();
        assert_eq!(key.chain().trail(), "foo");
        assert_eq!(key.chain().home_region(), "us-east-1");
        assert_eq!(key.chain().place().region(), "eu-west-1");
        assert_eq!(key.end(), "2020-01-02T03:04:05Z".parse().unwrap());
        assert_eq!(key.path(), DIGEST);
        assert_eq!(key.chain().to_string(), "123456789012/eu-west-1/foo");
        assert_eq!(
            key.chain().told_from_namesake(),
            "123456789012/eu-west-1/foo (home region us-east-1)"
        );
    }

    #[test]
    fn a_digest_lies_in_no_other_folder() {
        for folder in ["CloudTrail-Digest/x", "CloudTrail", "CloudTrail/x"] {
            let path = DIGEST.replace("/CloudTrail-Digest/", &format!("/{folder}/"));
            assert_eq!(DigestKey::parse(&path), None, "{folder}");
        }
    }

    #[test]
    fn organizations_backfills_and_nested_trail_names() {
        let path = "AWSLogs/o-abcde12345/123456789012/CloudTrail-Digest/us-east-1/2020/01/02/123456789012_CloudTrail-Digest_us-east-1_foo_us-east-1_bar_us-east-1_20200102T030405Z_backfill.json.gz";
        let key = DigestKey::parse(path).unwrap();
        assert_eq!(key.chain().trail(), "foo_us-east-1_bar");
        assert!(key.chain().is_backfill());
        assert_eq!(key.chain().place().organization(), Some("o-abcde12345"));
        assert_eq!(key.path(), path);
    }

    #[test]
    fn no_digest_can_have_a_key_that_disagrees_with_itself() {
        for (from, to) in [
            ("2020/01/02", "2020/01/03"),
            ("2020/01/02", "2020/01/02/x"),
            ("T030405Z", "T030465Z"),
            ("T030405Z", "T0304Z"),
            ("_eu-west-1_foo", "_eu-west-2_foo"),
            ("_foo_", "__"),
            ("_foo_", "_f\u{1b}[31mo_"),
            ("/123456789012_", "/123456789013_"),
            (".json.gz", ".json"),
            ("AWSLogs/123456789012", "AWSLogs/12345678901"),
        ] {
            let path = DIGEST.replacen(from, to, 1);
            assert_ne!(path, DIGEST);
            assert_eq!(DigestKey::parse(&path), None, "{path}");
        }
    }

    #[test]
    fn digests_of_one_chain_share_it() {
        let key = DigestKey::parse(DIGEST).unwrap();
        assert!(!key.chain().is_backfill());
        let again = DigestKey::parse(DIGEST).unwrap().sharing(key.chain());
        assert!(Arc::ptr_eq(again.chain(), key.chain()));
        assert_eq!(again, key);
        let other = DigestKey::parse(&DIGEST.replace("_foo_", "_bar_")).unwrap();
        let shared = other.clone().sharing(key.chain());
        assert_eq!(shared, other);
    }
}
