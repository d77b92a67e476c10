//! Reading an object once more, before anybody is accused of what it holds.
//!
//! Whatever stands in between may give something else in an object's place, and the same each time: a page
//! with an `ETag`, under a good status. S3's own listing tells how large the object is. Who writes to the bucket
//! makes the two disagree only by writing in between, again and again; and what does not agree is a failure to
//! read, never a success.

use std::sync::Arc;

use super::download::Download;
use super::fault::{Fault, Kind};
use super::gate::Pass;
use super::object::Target;
use super::pages::{Cursor, Entry, Query, page_on};
use super::request::Service;
use crate::source::{Body, Metadata, SourceError};

/// A listing of one key that has more pages tells nothing.
const MOST_PAGES: usize = 16;

/// Why an object is not missing that is told to be.
const IN_DOUBT: &str = "the bucket's listing shows it, and it was told to be not there when it was asked for: the server is in doubt, or a proxy stands in between; run again";

/// Asks for an object, as long as it is as large as a listing says.
pub(super) async fn open_again(
    service: &Arc<Service>,
    target: Target,
) -> Result<(Body, Metadata), SourceError> {
    // Not beside the object, which holds what a listing may have to wait for.
    let listed = listed(service, &target).await;
    let entry = match listed.map_err(Fault::into_source_error)? {
        Listed::Shown(entry) => Some(entry),
        Listed::Not | Listed::Unknown => None,
    };
    let begun = Download::begin(service, target).await;
    let (download, metadata, facts) = begun.map_err(|error| match error {
        SourceError::NotFound if entry.is_some() => SourceError::Failed(IN_DOUBT.into()),
        SourceError::NotFound
        | SourceError::Denied(_)
        | SourceError::Archived(_)
        | SourceError::Unavailable(_)
        | SourceError::Failed(_) => error,
    })?;
    let listed = entry.and_then(|entry| entry.size);
    let came = download.length();
    if let Some(listed) = listed
        && listed != came
    {
        let told = format!(
            "the bucket's listing tells {listed} bytes, and {came} came: it is being changed, or a proxy stands in between and gives something else"
        );
        return Err(SourceError::Failed(told.into()));
    }
    download.into_body(metadata, facts).await
}

/// Why an object that was not found is not missing; nothing where no listing shows it, or can be had.
pub(super) async fn why_not_missing(service: &Service, target: &Target) -> Option<Box<str>> {
    match listed(service, target).await {
        Ok(Listed::Not | Listed::Unknown) => None,
        Ok(Listed::Shown(_)) => Some(IN_DOUBT.into()),
        Err(fault) => {
            let told = fault.told;
            let told = format!(
                "it was not found, and whether it is still listed could not be told: {told}"
            );
            Some(told.into())
        }
    }
}

/// What a bucket's listing says of an object.
pub(super) enum Listed {
    /// It is there.
    Shown(Entry),
    /// It is not there.
    Not,
    /// The bucket may not be listed, or its listing is nothing to go by.
    Unknown,
}

async fn listed(service: &Service, target: &Target) -> Result<Listed, Fault> {
    let pass = service.pass().await;
    listed_on(&pass, service, target).await
}

/// What the listing says, asked for on a pass that whoever asks has.
pub(super) async fn listed_on(
    pass: &Pass,
    service: &Service,
    target: &Target,
) -> Result<Listed, Fault> {
    let query = Query {
        bucket: Arc::clone(&target.bucket),
        prefix: target.key.clone(),
        level_only: false,
        after: None,
    };
    // Of all keys that begin so, its own is the first; but a page may be empty, and others follow.
    let mut cursor = Cursor::default();
    for _ in 0..MOST_PAGES {
        let shown = page_shows(pass, service, &query, &mut cursor).await?;
        match shown {
            Listed::Not if !cursor.is_at_an_end() => {}
            Listed::Not | Listed::Shown(_) | Listed::Unknown => return Ok(shown),
        }
    }
    Ok(Listed::Unknown)
}

async fn page_shows(
    pass: &Pass,
    service: &Service,
    query: &Query,
    cursor: &mut Cursor,
) -> Result<Listed, Fault> {
    match page_on(pass, service, query, cursor).await {
        Ok(page) => {
            let mut objects = page.objects.into_iter();
            let own = objects.find(|object| object.key == query.prefix);
            Ok(own.map_or(Listed::Not, Listed::Shown))
        }
        // Nobody said anything of it who may be S3.
        Err(fault) if !fault.is_answer => Err(fault),
        Err(fault) => match fault.kind {
            Kind::Denied | Kind::NoBucket | Kind::NotFound | Kind::SaidNotFound | Kind::Lasting => {
                Ok(Listed::Unknown)
            }
            Kind::Archived
            | Kind::Elsewhere(_)
            | Kind::Throttled
            | Kind::Expired
            | Kind::Transient
            | Kind::Changed
            | Kind::NoCredentials => Err(fault),
        },
    }
}
