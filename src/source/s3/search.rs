//! The search for `AWSLogs` folders below a prefix, level by level.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::fault::Fault;
use super::pages::{Cursor, Query, page};
use super::request::Service;
use crate::source::{Level, SourceError};
use crate::verify::location::{AWS_LOGS, is_account, is_organization};

/// So many folders may stand between the source and an `AWSLogs` folder.
const LEVELS: u8 = 4;
/// No more folders are looked into: a bucket that holds anything else besides may have millions.
const MOST_FOLDERS: usize = 20_000;

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
    let mut level = BTreeSet::from([top]);
    let mut looked_into = 0;
    for depth in 0..=LEVELS {
        let mut below = BTreeSet::new();
        let mut looks = JoinSet::new();
        for folder in std::mem::take(&mut level) {
            looked_into += 1;
            if looked_into > MOST_FOLDERS {
                let told = format!(
                    "the search for {AWS_LOGS} folders ended after {MOST_FOLDERS} folders: name the prefix that holds it"
                );
                found
                    .problems
                    .push((folder, SourceError::Failed(told.into())));
                break;
            }
            let (service, bucket) = (Arc::clone(service), Arc::clone(bucket));
            looks.spawn(async move {
                let names = folders(&service, &bucket, &folder).await;
                (folder, names)
            });
        }
        for (folder, names) in looks.join_all().await {
            match names {
                Ok(names) => sort_out(&folder, names, &mut found, &mut below),
                // Rights may begin with the folder itself.
                Err(fault) if depth == 0 && !has_logs(service, bucket, &folder).await => {
                    return Err(fault);
                }
                Err(fault) => {
                    if depth == 0 {
                        found.prefixes.insert(prefix.to_owned());
                    }
                    found.problems.push((folder, fault.into_source_error()));
                }
            }
        }
        level = below;
    }
    found.problems.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(found)
}

fn sort_out(folder: &str, names: Vec<String>, found: &mut Found, below: &mut BTreeSet<String>) {
    let in_logs = folder == format!("{AWS_LOGS}/") || folder.ends_with(&format!("/{AWS_LOGS}/"));
    for name in names {
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
        if !(in_logs && (is_account(&name) || is_organization(&name))) {
            below.insert(format!("{folder}{name}/"));
        }
    }
}

/// Whether there is an `AWSLogs` folder right below `folder` that may be looked into.
async fn has_logs(service: &Service, bucket: &Arc<str>, folder: &str) -> bool {
    let inside = folders(service, bucket, &format!("{folder}{AWS_LOGS}/")).await;
    inside.is_ok_and(|names| !names.is_empty())
}

/// The names of the folders right below `prefix`, which is empty or ends in a slash.
pub(super) async fn folders(
    service: &Service,
    bucket: &Arc<str>,
    prefix: &str,
) -> Result<Vec<String>, Fault> {
    let query = Query {
        bucket: Arc::clone(bucket),
        prefix: prefix.to_owned(),
        level_only: true,
        after: None,
    };
    let mut names = Vec::new();
    let mut cursor = Cursor::default();
    loop {
        let page = page(service, &query, &mut cursor).await?;
        let below = page.folders.iter();
        names.extend(below.filter_map(|folder| {
            let name = folder.strip_prefix(prefix)?.strip_suffix('/')?;
            Some(name.to_owned())
        }));
        if page.next.is_none() {
            return Ok(names);
        }
    }
}

/// What lies right below `prefix`, which is empty or ends in a slash.
pub(super) async fn level(
    service: &Service,
    bucket: &Arc<str>,
    prefix: &str,
) -> Result<Level, Fault> {
    let query = Query {
        bucket: Arc::clone(bucket),
        prefix: prefix.to_owned(),
        level_only: true,
        after: None,
    };
    let mut level = Level::default();
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
                Some(name) => level.folders.push(name.to_owned()),
                None => {}
            }
        }
        for object in page.objects {
            // The marker of the folder itself has no name of its own.
            let name = object
                .key
                .strip_prefix(prefix)
                .filter(|name| !name.is_empty());
            level
                .objects
                .extend(name.map(|name| (name.to_owned(), object.archived)));
        }
        if page.next.is_none() {
            return Ok(level);
        }
    }
}
