//! Reading an object once more, before anybody is accused of what it holds.
//!
//! Whatever stands in between may give something else in an object's place, and the same each time: a page
//! with an `ETag`, under a good status. S3's own listing tells how large the object is. Who writes to the bucket
//! makes the two disagree only by writing in between, again and again; and what does not agree is a failure to
//! read, never a success.

use std::sync::Arc;

use super::download::{Download, Target};
use super::fault::{Fault, Kind};
use super::pages::{Cursor, Query, page};
use super::request::Service;
use crate::source::{Body, Metadata, SourceError};

/// Asks for an object, as long as it is as large as a listing says.
pub(super) async fn open_again(
    service: &Arc<Service>,
    target: Target,
) -> Result<(Body, Metadata), SourceError> {
    // Not beside the object, which holds what a listing may have to wait for.
    let listed = listed_size(service, &target)
        .await
        .map_err(Fault::into_source_error)?;
    let (download, metadata, facts) = Download::begin(service, target).await?;
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

/// How large a listing says that an object is; nothing where it may not or cannot be listed, or is not there any more.
async fn listed_size(service: &Service, target: &Target) -> Result<Option<u64>, Fault> {
    let query = Query {
        bucket: Arc::clone(&target.bucket),
        prefix: target.key.clone(),
        level_only: false,
        after: None,
    };
    // Of all keys that begin so, its own is the first.
    match page(service, &query, &mut Cursor::default()).await {
        Ok(page) => {
            let mut objects = page.objects.iter();
            let listed = objects.find(|object| object.key == target.key);
            Ok(listed.and_then(|object| object.size))
        }
        Err(fault) => match fault.kind {
            Kind::Denied | Kind::NoBucket | Kind::NotFound | Kind::Lasting => Ok(None),
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
