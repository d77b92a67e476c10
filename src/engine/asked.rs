//! What was asked for by name, and is not there.

use std::collections::BTreeSet;

use super::run::Filters;
use crate::verify::chain::DigestCounts;
use crate::verify::conclusion::Tally;
use crate::verify::finding::{Code, Finding, Subject};
use crate::verify::location::{AccountRegion, ChainId};

/// A finding for each account, region and trail that was asked for and has no digest. Whoever
/// names it wants to know that it was verified. Where nothing at all has digests, that is told
/// of the whole run.
pub(super) fn not_there(filters: &Filters, tally: &Tally) -> Vec<Finding> {
    if tally.digests_seen == 0 || tally.interrupted {
        return Vec::new();
    }
    // What lies beside the range is no digest of it: anybody may have put it there.
    let is_judged = |it: &DigestCounts| it.valid + it.invalid + it.missing + it.unverified > 0;
    let chains = || {
        let told = tally.chains.iter().map(|chain| &chain.summary);
        told.filter(move |it| is_judged(&it.digests))
            .map(|it| &*it.chain)
    };
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
    // Another organization's trail is none of its account. It may have been a trail of that account alone.
    let is_owners = |place: &AccountRegion| owner.is_none_or(|owner| place.account() == owner);
    let home = home.filter(|home| {
        let mut places = chains().map(ChainId::place);
        places.all(|place| place.region() != home.as_str() || !is_owners(place))
    });
    let home = home.map(|home| format!("no digest of the trail's home region {home} was found"));
    names
        .chain(home)
        .map(|why| Finding::new(Code::NoDigests, Subject::Run).detail(why))
        .collect()
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
