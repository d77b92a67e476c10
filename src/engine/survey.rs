//! The survey: which roots, accounts and regions there are, by listing folders level by level.

use std::collections::BTreeMap;

use super::job::Filters;
use super::stop::Stop;
use super::threads::in_parallel;
use crate::source::{Problem, Root, Source, SourceError};
use crate::verify::location::{
    AWS_LOGS, AccountRegion, DIGEST_FOLDER, LogFolder, LogKind, RootId, is_account,
    is_organization, is_region,
};
use crate::verify::query::LAKE_FOLDER;

/// Why an archive inside of another one is not verified.
const INSIDE: &str = "it lies inside of the folder of an account or an organization, where nothing is searched for: verify it on its own";

/// How many folders of a log kind that are no region's are looked into: whoever writes to a bucket may make up any number.
const MOST_FURTHER: usize = 100;

/// What lies in one root of an account and region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holdings {
    pub(super) digests: bool,
    /// The folders that have this region's logs, each once. An organization has many thousands of these lists.
    pub(super) logs: Vec<LogFolder>,
}

impl Holdings {
    /// What is to be listed: digests where it is nothing, else logs.
    pub(super) fn folders(&self, digests_only: bool) -> impl Iterator<Item = Option<LogFolder>> {
        let digests = self.digests.then_some(None);
        let logs = self.logs.iter().filter(move |_| !digests_only);
        digests.into_iter().chain(logs.cloned().map(Some))
    }

    pub(super) fn has_kind(&self, kind: LogKind) -> bool {
        self.logs.iter().any(|folder| folder.kind() == kind)
    }
}

/// All accounts and regions, and the folders of each.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) places: BTreeMap<AccountRegion, BTreeMap<RootId, Holdings>>,
    pub(super) problems: Vec<Problem>,
    pub(super) roots: Vec<Root>,
    /// How many accounts and regions are there that were not asked for.
    pub(super) left_out: usize,
    /// Whether an account has query results of CloudTrail Lake.
    pub(super) lake: bool,
}

/// A folder that was found on a level, and whose own folders are looked at next.
#[derive(Clone, Debug)]
struct Found {
    root: RootId,
    path: String,
    organization: Option<String>,
    account: Option<String>,
    /// Whether it has regions' folders of logs, rather than of digests or none at all.
    logs: Option<LogFolder>,
}

/// Looks for every account and region that `filters` let through.
///
/// # Errors
/// Where the source itself cannot be looked at.
pub(super) fn survey(
    source: &dyn Source,
    filters: &Filters,
    threads: usize,
    stop: &Stop,
) -> Result<Survey, SourceError> {
    let (roots, problems) = source.roots()?;
    let mut survey = Survey {
        problems,
        ..Survey::default()
    };
    survey.roots.clone_from(&roots);
    let top = roots.iter().map(|root| Found {
        root: root.id,
        path: AWS_LOGS.to_owned(),
        organization: None,
        account: None,
        logs: None,
    });
    let mut accounts = Vec::new();
    let mut organizations = Vec::new();
    for (found, names) in survey.look(source, top.collect(), threads) {
        for name in names {
            if is_organization(&name) {
                organizations.push(below(&found, &name, |found| {
                    found.organization = Some(name.clone());
                }));
            } else if is_account(&name) && filters.takes_account(&name) {
                accounts.push(account(&found, &name));
            } else if is_account(&name) {
                survey.left_out += 1;
            }
        }
    }
    let mut inside = Vec::new();
    for (found, names) in survey.look(source, organizations, threads) {
        if names.iter().any(|name| name == AWS_LOGS) {
            inside.push(below(&found, AWS_LOGS, |_| ()));
        }
        for name in names.iter().filter(|name| is_account(name)) {
            if filters.takes_account(name) {
                accounts.push(account(&found, name));
            } else {
                survey.left_out += 1;
            }
        }
    }
    let mut kinds = Vec::new();
    for (found, names) in survey.look(source, accounts, threads) {
        if names.iter().any(|name| name == AWS_LOGS) {
            inside.push(below(&found, AWS_LOGS, |_| ()));
        }
        survey.lake |= names.iter().any(|name| name == LAKE_FOLDER);
        let names = names.into_iter().filter(is_kind);
        kinds.extend(names.map(|name| {
            below(&found, &name, |found| {
                found.logs = LogKind::from_folder(&name).map(LogFolder::from);
            })
        }));
    }
    survey.tell_of_archives_inside(source, inside, threads);
    let mut further = Vec::new();
    for (found, names) in survey.look(source, kinds, threads) {
        survey.take_regions(filters, &found, &names);
        further.extend(survey.further(&found, names));
    }
    for (found, names) in survey.look(source, further, threads) {
        survey.take_regions(filters, &found, &names);
    }
    survey.problems.extend(source.unseen());
    if stop.is_stopped() {
        // What could not be looked at because the run ends is no finding.
        survey.problems.clear();
    }
    Ok(survey)
}

fn below(found: &Found, name: &str, change: impl FnOnce(&mut Found)) -> Found {
    let mut below = Found {
        path: format!("{}/{name}", found.path),
        ..found.clone()
    };
    change(&mut below);
    below
}

/// Whether a folder of an account holds what a trail delivers.
#[allow(clippy::ptr_arg, reason = "it filters names")]
fn is_kind(name: &String) -> bool {
    name == DIGEST_FOLDER || LogKind::from_folder(name).is_some()
}

fn account(found: &Found, name: &str) -> Found {
    below(found, name, |found| found.account = Some(name.to_owned()))
}

impl Survey {
    /// The folders below each of `level`, in its order.
    fn look(
        &mut self,
        source: &dyn Source,
        level: Vec<Found>,
        threads: usize,
    ) -> Vec<(Found, Vec<String>)> {
        let looked = in_parallel(threads, &level, |found| {
            source.folders(found.root, &found.path)
        });
        let mut taken = Vec::new();
        for (found, names) in level.into_iter().zip(looked) {
            match names {
                Ok(names) => taken.push((found, names)),
                // What vanished since it was listed is not there.
                Err(SourceError::NotFound) => {}
                Err(error) => self.problems.push(Problem {
                    path: found.path,
                    error,
                }),
            }
        }
        taken
    }

    /// A trail may have a prefix that is itself an account's folder, or an organization's. What it
    /// delivers there lies inside of another archive, where nobody searches: that must not go unsaid.
    fn tell_of_archives_inside(&mut self, source: &dyn Source, inside: Vec<Found>, threads: usize) {
        for root in inside {
            let mut level = vec![root.clone()];
            // An organization, an account, and what is kept of it.
            for _ in 0..3 {
                let looked = self.look(source, level, threads);
                if looked.iter().any(|(_, names)| names.iter().any(is_kind)) {
                    self.problems.push(Problem {
                        path: root.path,
                        error: SourceError::Failed(INSIDE.into()),
                    });
                    break;
                }
                let folders = looked.iter().flat_map(|(folder, names)| {
                    let names = names.iter();
                    let names = names.filter(|name| is_organization(name) || is_account(name));
                    names.map(|name| below(folder, name, |_| ()))
                });
                level = folders.collect();
            }
        }
    }

    /// The folders of a log kind that are no region's, and that may have regions' folders in them.
    fn further(&mut self, found: &Found, mut names: Vec<String>) -> Vec<Found> {
        let Some(logs) = &found.logs else {
            return Vec::new();
        };
        names.retain(|name| !is_region(name));
        names.sort_unstable();
        if let Some(name) = names.get(MOST_FURTHER) {
            let told = format!(
                "of the folders beside it that are no region's, only the first {MOST_FURTHER} are looked into"
            );
            self.problems.push(Problem {
                path: format!("{}/{name}", found.path),
                error: SourceError::Failed(told.into()),
            });
        }
        let names = names.iter().take(MOST_FURTHER);
        let further = names.map(|name| {
            below(found, name, |further| {
                further.logs = Some(logs.below(name));
            })
        });
        further.collect()
    }

    fn take_regions(&mut self, filters: &Filters, found: &Found, names: &[String]) {
        for region in names.iter().filter(|name| is_region(name)) {
            if filters.takes_region(region) {
                self.take_in(found, region);
            } else {
                self.left_out += 1;
            }
        }
    }

    fn take_in(&mut self, found: &Found, region: &str) {
        let account = found.account.as_deref().unwrap_or_default();
        let Some(place) = AccountRegion::new(found.organization.as_deref(), account, region) else {
            return;
        };
        let holdings = self.places.entry(place).or_default();
        let holdings = holdings.entry(found.root).or_default();
        match &found.logs {
            Some(folder) if !holdings.logs.contains(folder) => {
                holdings.logs.reserve_exact(1);
                holdings.logs.push(folder.clone());
            }
            Some(_) => {}
            None => holdings.digests = true,
        }
    }
}
