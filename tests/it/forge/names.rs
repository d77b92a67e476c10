//! Object keys, as CloudTrail names them.

use super::time::Time;

/// Bucket and prefix that a trail delivers to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub bucket: String,
    /// Without a slash at its end; empty for none.
    pub prefix: String,
}

impl Place {
    pub fn new(bucket: &str, prefix: &str) -> Self {
        Self {
            bucket: bucket.into(),
            prefix: prefix.into(),
        }
    }

    pub fn key(&self, rest: &str) -> String {
        if self.prefix.is_empty() {
            rest.into()
        } else {
            format!("{}/{rest}", self.prefix)
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    CloudTrail,
    Insight,
    NetworkActivity,
    Aggregated,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::CloudTrail => "CloudTrail",
            Self::Insight => "CloudTrail-Insight",
            Self::NetworkActivity => "CloudTrail-NetworkActivity",
            Self::Aggregated => "CloudTrail-Aggregated",
        }
    }
}

/// `AWSLogs/[o-ORG/]ACCOUNT`.
pub fn account_folder(organization: Option<&str>, account: &str) -> String {
    match organization {
        Some(organization) => format!("AWSLogs/{organization}/{account}"),
        None => format!("AWSLogs/{account}"),
    }
}

/// A digest's key; `end` is its digestEndTime.
pub fn digest_key(place: &Place, id: &super::chain::ChainId, end: Time) -> String {
    let folder = account_folder(id.organization.as_deref(), &id.account);
    let (account, region, backfill) = (
        &id.account,
        &id.region,
        if id.backfill { "_backfill" } else { "" },
    );
    place.key(&format!(
        "{folder}/CloudTrail-Digest/{region}/{}/{account}_CloudTrail-Digest_{region}_{}_{}_{}{backfill}.json.gz",
        end.day_folder(),
        id.trail,
        id.home_region,
        end.compact(),
    ))
}

/// A further folder on the way to a log, as Insight may have: before the region's, or right in it.
#[derive(Clone, Copy, Debug)]
pub enum Further<'a> {
    Before(&'a str),
    Within(&'a str),
}

/// What a log's key is made of. `sixteen` is the unique end of its name.
pub struct LogName<'a> {
    pub organization: Option<&'a str>,
    pub account: &'a str,
    pub region: &'a str,
    pub kind: Kind,
    pub further: Option<Further<'a>>,
    pub time: Time,
    pub sixteen: &'a str,
}

pub fn log_key(place: &Place, name: &LogName) -> String {
    let LogName {
        account,
        region,
        time,
        sixteen,
        ..
    } = name;
    let kind = name.kind.name();
    let folder = match name.further {
        None => format!("{kind}/{region}"),
        Some(Further::Before(further)) => format!("{kind}/{further}/{region}"),
        Some(Further::Within(further)) => format!("{kind}/{region}/{further}"),
    };
    place.key(&format!(
        "{}/{folder}/{}/{account}_{kind}_{region}_{}_{sixteen}.json.gz",
        account_folder(name.organization, account),
        time.day_folder(),
        time.minute(),
    ))
}
