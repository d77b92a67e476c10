//! A trail, as `DescribeTrails` tells it.

use super::fault::{Fault, Kind};
use super::place::is_bucket;
use super::region::with_a_list;
use super::request::Service;

/// A trail's ARN: `arn:PARTITION:cloudtrail:REGION:ACCOUNT:trail/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailArn {
    /// All of it.
    pub arn: String,
    /// Where the trail can be asked for.
    pub region: String,
    /// Who owns it.
    pub account: String,
    /// Its name.
    pub name: String,
}

/// Where a trail delivers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trail {
    /// The bucket.
    pub bucket: String,
    /// The prefix, without a closing slash.
    pub prefix: String,
    /// The region that the trail belongs to.
    pub home_region: String,
    /// Its name.
    pub name: String,
    /// Whether it records all accounts of an organization.
    pub is_organization: bool,
}

impl TrailArn {
    /// Reads an ARN; nothing where it is none of a trail.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<_> = text.split(':').collect();
        let ["arn", partition, "cloudtrail", region, account, resource] = parts[..] else {
            return None;
        };
        let name = resource.strip_prefix("trail/")?;
        let fits = partition.starts_with("aws")
            && crate::verify::location::is_region(region)
            && crate::verify::location::is_account(account)
            && crate::verify::location::is_trail(name);
        fits.then(|| Self {
            arn: text.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            name: name.to_owned(),
        })
    }
}

/// Asks `CloudTrail` for a trail.
pub(super) async fn describe(service: &Service, arn: &TrailArn) -> Result<Trail, Fault> {
    let patience = service.clients.settings().patience;
    let output = service
        .persist_cloudtrail(&arn.region, patience, |client| {
            let request = client
                .describe_trails()
                .trail_name_list(&arn.arn)
                .include_shadow_trails(true)
                .customize()
                .interceptor(service.bounded());
            async move {
                let sent = request.send().await;
                let output = sent.map_err(|error| Fault::of("DescribeTrails", &error))?;
                with_a_list("DescribeTrails", output.trail_list.is_some())?;
                Ok(output)
            }
        })
        .await?;
    let mut trails = output.trail_list().iter();
    let lasting = |told: String| Fault::new(Kind::Lasting, told);
    let trail = trails
        .find(|trail| trail.trail_arn() == Some(&arn.arn))
        .ok_or_else(|| {
            lasting(format!(
                "there is no trail {} that these credentials may see: check the ARN, the account and the region",
                arn.arn
            ))
        })?;
    let bucket = trail
        .s3_bucket_name()
        .filter(|name| is_bucket(name))
        .ok_or_else(|| lasting(format!("the trail {} delivers to no bucket", arn.arn)))?;
    let prefix = trail.s3_key_prefix().unwrap_or_default();
    Ok(Trail {
        bucket: bucket.to_owned(),
        prefix: prefix.strip_suffix('/').unwrap_or(prefix).to_owned(),
        home_region: trail.home_region().unwrap_or(&arn.region).to_owned(),
        name: trail.name().unwrap_or(&arn.name).to_owned(),
        is_organization: trail.is_organization_trail().unwrap_or(false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_of_trails_are_read_in_every_partition() {
        let arn =
            TrailArn::parse("arn:aws-us-gov:cloudtrail:us-gov-west-1:111122223333:trail/a_b-c")
                .unwrap();
        assert_eq!(
            (&*arn.region, &*arn.account, &*arn.name),
            ("us-gov-west-1", "111122223333", "a_b-c")
        );
        for other in [
            "arn:aws:cloudtrail:us-east-1:111122223333:eventdatastore/x",
            "arn:aws:s3:::bucket",
            "arn:aws:cloudtrail:us-east-1:1:trail/x",
            "arn:aws:cloudtrail:us-east-1:111122223333:trail/",
            "trail/x",
        ] {
            assert_eq!(TrailArn::parse(other), None, "{other}");
        }
    }
}
