//! What was asked for by name, and is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::job::{Filters, Job};
use crate::verify::conclusion::Tally;
use crate::verify::finding::{Code, Finding, Subject};
use crate::verify::location::{AccountRegion, ChainId};

/// What is there instead of the digests of an account's own trail. That it was the organization's before
/// cannot be told from that its own are gone.
const OF_ORGANIZATION: &str = "; an organization's trail of that name has digests there, which do not stand in for it: if the trail was the organization's in that time, verify the bucket itself (s3://BUCKET) instead of the trail's ARN";

/// A finding for each account, region and trail that was asked for and has no digest. Whoever
/// names it wants to know that it was verified. Where nothing at all has digests, that is told
/// of the whole run.
pub(super) fn not_there(filters: &Filters, tally: &Tally) -> Vec<Finding> {
    if tally.digests_seen == 0 || tally.interrupted {
        return Vec::new();
    }
    let chains = || judged(tally);
    let accounts = without(&filters.accounts, chains(), |chain| chain.place().account());
    let regions = without(&filters.regions, chains(), |chain| chain.place().region());
    let trails = without(&filters.trails, chains(), ChainId::trail);
    let told =
        |what: &'static str| move |name: &str| format!("no digest of {what} {name} was found");
    let names = accounts.map(told("account"));
    let names = names.chain(regions.map(told("region")));
    let names = names.chain(trails.map(told("trail")));
    // A trail has a chain in its home region, whatever other regions it records.
    let home = filters.home_region.iter();
    let home = home.filter(|home| filters.takes_region(home));
    let owner = filters.management_account.as_deref();
    let owner = owner.filter(|owner| filters.takes_account(owner));
    let of_organization = |place: &AccountRegion| place.organization().is_some();
    // It may have been a trail of that account alone: what is left of that does not stand in for what the
    // organization's should have.
    let was_one = chains().map(ChainId::place).any(of_organization);
    let counts = |place: &AccountRegion| match (&filters.management_account, owner) {
        // Another organization's trail is none of its account.
        (Some(_), Some(owner)) => place.account() == owner && (!was_one || of_organization(place)),
        // Its owner is not asked for.
        (Some(_), None) => of_organization(place),
        // Nor does an organization's trail of that name stand in for the account's own.
        (None, _) => !of_organization(place),
    };
    let home = home.filter(|home| {
        let mut places = chains().map(ChainId::place);
        places.all(|place| place.region() != home.as_str() || !counts(place))
    });
    let home = home.map(|home| without_home(home, filters, tally));
    names
        .chain(home)
        .map(|why| Finding::new(Code::NoDigests, Subject::Run).detail(why))
        .collect()
}

/// That the trail's home region has none of its digests.
fn without_home(home: &str, filters: &Filters, tally: &Tally) -> String {
    let mut places = judged(tally).map(ChainId::place);
    let has_namesake = places.any(|place| place.region() == home && place.organization().is_some());
    let is_of_account = filters.management_account.is_none();
    let instead = if is_of_account && has_namesake {
        OF_ORGANIZATION
    } else {
        ""
    };
    format!("no digest of the trail's home region {home} was found{instead}")
}

/// A finding for each chain that an earlier run did not find valid, and that has no digest left.
pub(super) fn vanished(job: &Job, tally: &Tally) -> Vec<Finding> {
    if tally.interrupted {
        return Vec::new();
    }
    let there: BTreeSet<&ChainId> = judged(tally).collect();
    let names: BTreeSet<String> = there.iter().map(ToString::to_string).collect();
    let start = job.weights.bounds.start();
    let asked = job.unproven.iter().filter(|(chain, since)| {
        job.filters.takes(chain) && start.is_none_or(|start| start <= **since)
    });
    let vanished = asked.filter(|(chain, _)| !there.contains(chain));
    vanished
        .map(|(chain, since)| {
            let name = chain.to_string();
            // What is there under that name is another chain.
            let name: Arc<str> = if names.contains(&name) {
                chain.told_from_namesake().into()
            } else {
                name.into()
            };
            let why = format!(
                "no digest of {name} was found, though an earlier run saw some from {since} on, and did not find all of them and their logs valid. If it is gone for good reason, begin a new state file"
            );
            let finding = Finding::new(Code::NoDigests, Subject::Run);
            finding.in_chain(&name).detail(why)
        })
        .collect()
}

/// A finding for each hourly chain of which nothing is left but backfill digests, each of which stands beside an hourly
/// one.
pub(super) fn without_hours(tally: &Tally) -> Vec<Finding> {
    if tally.digests_seen == 0 || tally.interrupted {
        return Vec::new();
    }
    let hourly: BTreeSet<_> = judged(tally).map(hours_of).collect();
    let told = with_digests(tally).filter(|chain| chain.is_backfill());
    let told: BTreeMap<_, _> = told.map(|chain| (hours_of(chain), chain)).collect();
    let left = told
        .into_iter()
        .filter(|(hours, _)| !hourly.contains(hours));
    left.map(|(_, chain)| {
        let name: Arc<str> = format!("{}/{}", chain.place(), chain.trail()).into();
        let why = format!(
            "no hourly digest of {name} was found, though backfill digests of its hours are there"
        );
        let finding = Finding::new(Code::NoDigests, Subject::Run);
        finding.in_chain(&name).detail(why)
    })
    .collect()
}

/// What an hourly chain and that of its backfill digests have in common.
fn hours_of(chain: &ChainId) -> (&AccountRegion, &str, &str) {
    (chain.place(), chain.trail(), chain.home_region())
}

/// The hourly chains that have a digest in the range: a backfill digest is no sign that nothing is gone.
fn judged(tally: &Tally) -> impl Iterator<Item = &ChainId> {
    with_digests(tally).filter(|chain| !chain.is_backfill())
}

/// The chains that have a digest in the range: what lies beside it is none, since anybody may have put
/// it there.
fn with_digests(tally: &Tally) -> impl Iterator<Item = &ChainId> {
    let told = tally.chains.iter().map(|chain| &chain.summary);
    let told = told.filter(|it| it.digests.any());
    told.map(|it| &*it.chain)
}

/// Those that no chain has.
fn without<'a, 'c>(
    asked: &'a BTreeSet<String>,
    chains: impl Iterator<Item = &'c ChainId>,
    of: impl Fn(&'c ChainId) -> &'c str,
) -> impl Iterator<Item = &'a str> {
    let there: BTreeSet<&str> = chains.map(of).collect();
    let missed: Vec<&str> = asked
        .iter()
        .map(String::as_str)
        .filter(|name| !there.contains(name))
        .collect();
    missed.into_iter()
}
