//! The search for `AWSLogs` folders below a prefix, level by level.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::JoinSet;

use super::fault::{Fault, Kind};
use super::pages::{Cursor, Page, Query, page};
use super::request::Service;
use crate::source::{Level, SourceError};
use crate::verify::location::{AWS_LOGS, is_account, is_organization, shows_its_day};
use crate::verify::query::LAKE_FOLDER;

/// How many folders may stand between the source and an `AWSLogs` folder.
const LEVELS: u8 = 4;
/// No more folders are looked into: a bucket that holds anything else besides may have millions.
const MOST_FOLDERS: usize = 20_000;
/// How many are looked into at a time.
const AT_ONCE: usize = 256;
/// How many folders of a level are told: no organization has as many accounts.
const MOST_NAMES: usize = 100_000;

/// Why a folder without a name is not looked into.
const NAMELESS: &str = "it is a folder without a name (two slashes in a row, or one at the beginning), which is not looked into: name a prefix below it, or beside it";

/// What a search found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The prefixes that hold an `AWSLogs` folder, in order, without a closing slash.
    pub(super) prefixes: BTreeSet<String>,
    /// What could not be looked into.
    pub(super) problems: Vec<(String, SourceError)>,
}

/// What is to be looked into next: of too many folders those that come first, whichever are told first.
#[derive(Debug, Default)]
struct Below(BTreeSet<String>);

impl Below {
    fn insert(&mut self, folder: String) {
        self.0.insert(folder);
        // One more than is looked into shows that some are left out.
        if self.0.len() > MOST_FOLDERS + 1 {
            self.0.pop_last();
        }
    }
}

/// Where below a prefix `AWSLogs` folders are looked for, in words.
pub(super) fn where_searched(prefix: &str) -> String {
    let inside = if prefix.split('/').any(|part| part == AWS_LOGS) {
        format!(
            "; the source itself lies in a folder called {AWS_LOGS}: name that one, or an account's folder in it"
        )
    } else {
        String::new()
    };
    format!("up to {LEVELS} folders deep below the source{inside}")
}

/// Searches for `AWSLogs` folders.
///
/// # Errors
/// Where the source itself cannot be looked into.
pub(super) async fn search(
    service: &Arc<Service>,
    bucket: &Arc<str>,
    prefix: &str,
) -> Result<Found, Fault> {
    let mut found = Found::default();
    let top = if prefix.is_empty() {
        String::new()
    } else {
        format!("{prefix}/")
    };
    let mut level = vec![top];
    let mut left = MOST_FOLDERS;
    for depth in 0..=LEVELS {
        if level.len() > left {
            let told = format!(
                "the search for {AWS_LOGS} folders ended after {MOST_FOLDERS} folders: name the prefix that holds it"
            );
            let folder = level.swap_remove(left);
            let error = SourceError::Failed(told.into());
            found.problems.push((folder, error));
            level.truncate(left);
        }
        left -= level.len();
        let seen = Arc::new(Mutex::new((found, Below::default())));
        for folders in level.chunks(AT_ONCE) {
            let looks = folders.iter().map(|folder| {
                let (service, bucket) = (Arc::clone(service), Arc::clone(bucket));
                look(service, bucket, folder.clone(), Arc::clone(&seen))
            });
            let looks: JoinSet<_> = looks.collect();
            for (folder, looked) in looks.join_all().await {
                let Err(fault) = looked else { continue };
                // Rights may begin with the folder itself.
                if depth == 0 && !has_logs(service, bucket, &folder).await {
                    return Err(fault);
                }
                let found = &mut locked(&seen).0;
                if depth == 0 {
                    found.prefixes.insert(prefix.to_owned());
                }
                let told = if folder.is_empty() {
                    format!("s3://{bucket}/")
                } else {
                    folder
                };
                found.problems.push((told, fault.into_source_error()));
            }
        }
        let seen = std::mem::take(&mut *locked(&seen));
        found = seen.0;
        level = seen.1.0.into_iter().collect();
    }
    found.problems.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(found)
}

/// What looks share: what they found, and what is to be looked into next.
type Seen = Arc<Mutex<(Found, Below)>>;

/// Takes note of what it sees as it comes: a folder may hold millions.
async fn look(
    service: Arc<Service>,
    bucket: Arc<str>,
    folder: String,
    seen: Seen,
) -> (String, Result<(), Fault>) {
    let mut visit = |name: &str| {
        let (found, below) = &mut *locked(&seen);
        sort_out(&folder, name, found, below);
    };
    // Some servers go on to show folders that are empty by now, and most of these have nothing to do with a trail.
    let looked = shows_any(&service, &bucket, &folder, &mut visit).await;
    (folder, looked.map(drop))
}

fn locked(seen: &Mutex<(Found, Below)>) -> MutexGuard<'_, (Found, Below)> {
    // Whatever was noted is true.
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

fn sort_out(folder: &str, name: &str, found: &mut Found, below: &mut Below) {
    let in_logs = folder == format!("{AWS_LOGS}/") || folder.ends_with(&format!("/{AWS_LOGS}/"));
    if name == AWS_LOGS && folder == "/" {
        // Its prefix would be that of the bucket itself, where another archive may lie.
        let path = format!("{folder}{name}");
        let error = SourceError::Failed(NAMELESS.into());
        found.problems.push((path, error));
    } else if name == AWS_LOGS {
        found
            .prefixes
            .insert(folder.strip_suffix('/').unwrap_or(folder).to_owned());
    }
    // Whatever an account has delivered is looked at later; anything else may hold more.
    if !(in_logs && (is_account(name) || is_organization(name))) {
        below.insert(format!("{folder}{name}/"));
    }
}

/// Whether there is an `AWSLogs` folder right below `folder` that may be looked into.
async fn has_logs(service: &Service, bucket: &Arc<str>, folder: &str) -> bool {
    let mut is_any = false;
    let inside = format!("{folder}{AWS_LOGS}/");
    let looked = each_folder(service, bucket, &inside, &mut |_| is_any = true).await;
    looked.is_ok() && is_any
}

/// The names of the folders right below `prefix`, which is empty or ends in a slash.
///
/// # Errors
/// Also where there are more of them than any archive has.
pub(super) async fn folders(
    service: &Service,
    bucket: &Arc<str>,
    prefix: &str,
) -> Result<Vec<String>, Fault> {
    let mut names = Vec::new();
    let mut count = 0;
    each_folder(service, bucket, prefix, &mut |name| {
        count += 1;
        if count <= MOST_NAMES {
            names.push(name.to_owned());
        }
    })
    .await?;
    if count > MOST_NAMES {
        let told = format!("it holds more than {MOST_NAMES} folders, more than any archive has");
        return Err(Fault::new(Kind::Lasting, told));
    }
    Ok(names)
}

/// Whether what shows its day lies right below `prefix`, which ends in a slash.
pub(super) async fn shows_day(
    service: &Service,
    bucket: &Arc<str>,
    prefix: &str,
) -> Result<bool, Fault> {
    let (mut is_any, mut holds) = (false, false);
    each_page(service, bucket, prefix, &mut |page| {
        is_any |= !page.folders.is_empty() || !page.objects.is_empty();
        let mut keys = page.objects.iter().map(|object| &object.key);
        holds = keys.any(|key| shows_its_day(key.rsplit('/').next().unwrap_or(key)));
        !holds
    })
    .await?;
    if !is_any {
        // Nothing at all, of a folder that is shown?
        each_folder(service, bucket, prefix, &mut |_| ()).await?;
    }
    Ok(holds)
}

/// Shows the pages of what lies right below `prefix`, until `visit` wants no more of them.
async fn each_page(
    service: &Service,
    bucket: &Arc<str>,
    prefix: &str,
    visit: &mut (dyn FnMut(&Page) -> bool + Send),
) -> Result<(), Fault> {
    let query = Query {
        bucket: Arc::clone(bucket),
        prefix: prefix.to_owned(),
        level_only: true,
        after: None,
    };
    let mut cursor = Cursor::default();
    loop {
        let page = page(service, &query, &mut cursor).await?;
        if !visit(&page) || page.next.is_none() {
            return Ok(());
        }
    }
}

/// Shows the names of the folders right below `prefix`, which is empty or ends in a slash.
///
/// # Errors
/// Also where it shows nothing, though what it lies in goes on to show it: what it holds would be left
/// out, and nobody would miss it.
pub(super) async fn each_folder(
    service: &Service,
    bucket: &Arc<str>,
    prefix: &str,
    visit: &mut (dyn FnMut(&str) + Send),
) -> Result<(), Fault> {
    if shows_any(service, bucket, prefix, visit).await?
        || !is_shown(service, bucket, prefix).await?
        || shows_any(service, bucket, prefix, visit).await?
    {
        return Ok(());
    }
    let told = "the listing of what it lies in shows it, and its own shows nothing: the server is in doubt, or a proxy stands in between; run again";
    Err(Fault::new(Kind::Transient, told))
}

/// Whether the folder that `prefix` lies in shows it; it does not where that may not be listed.
async fn is_shown(service: &Service, bucket: &Arc<str>, prefix: &str) -> Result<bool, Fault> {
    let Some(name) = prefix.strip_suffix('/') else {
        return Ok(false);
    };
    let base = name.rsplit('/').next().unwrap_or_default();
    let parent = name.strip_suffix(base).unwrap_or_default();
    let query = Query {
        bucket: Arc::clone(bucket),
        prefix: parent.to_owned(),
        level_only: true,
        // Of what is beyond its name, it is all but the first.
        after: Some(name.to_owned()),
    };
    match page(service, &query, &mut Cursor::default()).await {
        Ok(page) => Ok(page.folders.iter().any(|folder| folder == prefix)),
        Err(fault) if fault.is_answer && !fault.is_of_the_moment() => Ok(false),
        // Nobody said that it may not be listed who may be S3.
        Err(fault) => Err(fault),
    }
}

/// Shows the names of the folders right below `prefix`; gives whether there was anything at all.
async fn shows_any(
    service: &Service,
    bucket: &Arc<str>,
    prefix: &str,
    visit: &mut (dyn FnMut(&str) + Send),
) -> Result<bool, Fault> {
    let mut is_any = false;
    each_page(service, bucket, prefix, &mut |page| {
        is_any |= !page.folders.is_empty() || !page.objects.is_empty();
        let below = page.folders.iter();
        let names = below.filter_map(|folder| folder.strip_prefix(prefix)?.strip_suffix('/'));
        names.for_each(&mut *visit);
        true
    })
    .await?;
    Ok(is_any)
}

/// What lies right below `prefix`, which is empty or ends in a slash, or, where it does not, beside each
/// other with names that begin so: of the objects those whose names are wanted.
pub(super) async fn level(
    service: &Service,
    bucket: &Arc<str>,
    prefix: &str,
    is_wanted: fn(&str) -> bool,
) -> Result<Level, Fault> {
    let query = Query {
        bucket: Arc::clone(bucket),
        prefix: prefix.to_owned(),
        level_only: true,
        after: None,
    };
    let mut level = Level::default();
    let mut left_out: Option<String> = None;
    let mut cursor = Cursor::default();
    loop {
        let page = page(service, &query, &mut cursor).await?;
        for folder in &page.folders {
            let name = folder
                .strip_prefix(prefix)
                .and_then(|rest| rest.strip_suffix('/'));
            match name {
                // Its path would be that of this folder, which would be looked into for ever.
                Some("") => level
                    .problems
                    .push(("/".to_owned(), SourceError::Failed(NAMELESS.into()))),
                // No more are looked into, but for what is known to hold exports.
                Some(name) if level.folders.len() >= Level::MOST_FOLDERS && name != LAKE_FOLDER => {
                    left_out.get_or_insert_with(|| name.to_owned());
                }
                Some(name) => level.folders.push(name.to_owned()),
                None => {}
            }
        }
        for object in page.objects {
            let name = object
                .key
                .strip_prefix(prefix)
                .filter(|name| is_wanted(name));
            level
                .objects
                .extend(name.map(|name| (name.to_owned(), object.archived)));
        }
        if page.next.is_none() {
            let told = left_out.map(|name| (name, Level::too_many()));
            level.problems.extend(told);
            return Ok(level);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_folders_those_that_come_first_are_looked_into_whichever_are_told_first() {
        let name = |n: usize| format!("{n:06}/");
        let told = MOST_FOLDERS + 500;
        let first: BTreeSet<_> = (0..=MOST_FOLDERS).map(name).collect();
        let mut onwards = Below::default();
        (0..told).for_each(|n| onwards.insert(name(n)));
        assert_eq!(onwards.0, first);
        let mut backwards = Below::default();
        (0..told).rev().for_each(|n| backwards.insert(name(n)));
        assert_eq!(backwards.0, first);
    }

    #[test]
    fn an_archive_is_told_however_many_folders_are_beside_it() {
        let (mut found, mut below) = (Found::default(), Below::default());
        for name in ["AWSLogs", "a", "b"] {
            sort_out("", name, &mut found, &mut below);
            sort_out("deeper/", name, &mut found, &mut below);
            sort_out("AWSLogs/", name, &mut found, &mut below);
        }
        sort_out("AWSLogs/", "111122223333", &mut found, &mut below);
        let prefixes: Vec<_> = found.prefixes.iter().map(String::as_str).collect();
        assert_eq!(prefixes, ["", "AWSLogs", "deeper"]);
        assert!(!below.0.contains("AWSLogs/111122223333/"));
        assert!(below.0.contains("AWSLogs/a/"));
    }
}
