//! Listings, page by page. No name ends one early.

use std::sync::Arc;

use aws_sdk_s3::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::{EncodingType, Object, OptionalObjectAttributes, StorageClass};

use super::beginnings::leave_out;
use super::fault::{Fault, Kind};
use super::gate::Pass;
use super::request::Service;

/// What is listed, and where the listing begins.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) bucket: Arc<str>,
    pub(super) prefix: String,
    /// Whether what lies in folders below is told by the folders' names only.
    pub(super) level_only: bool,
    /// Only keys beyond this one.
    pub(super) after: Option<String>,
}

/// An object as the listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    /// Nothing where the server does not tell.
    pub(super) size: Option<u64>,
    /// Whether it would have to be restored before it can be read.
    pub(super) archived: bool,
}

/// One page.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) objects: Vec<Entry>,
    /// Folders right below the prefix, with their closing slash.
    pub(super) folders: Vec<String>,
    /// Where the next page begins; nothing after the last one.
    pub(super) next: Option<String>,
}

impl Page {
    /// A server may bring a name twice, or begin a page with the last name of the one before. There is one object.
    fn leave_out_repeats(&mut self, furthest: &str) {
        self.objects.dedup_by(|next, last| next.key == last.key);
        if self.objects.first().is_some_and(|it| it.key == furthest) {
            self.objects.remove(0);
        }
        self.folders.dedup();
    }
}

/// How many pages in a row may bring no name at all: S3 sends empty ones where much was deleted.
const MOST_IDLE: u32 = 1000;
/// A page of names, none of which is beyond those before them, counts for so many: a listing that
/// brings the same names again and again would never end.
const REPEATED: u32 = 50;

/// How far a listing is.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    /// Where the next page begins.
    token: Option<String>,
    /// The last name of all so far.
    furthest: String,
    /// Whether names have to come in order.
    is_ordered: bool,
    /// How many pages in a row brought none beyond it.
    idle: u32,
}

impl Cursor {
    /// At the beginning of a listing that is not read to its end, or not from its beginning: what
    /// there is beside is known by the order of names alone.
    pub(super) fn of_a_part() -> Self {
        Self {
            is_ordered: true,
            ..Self::default()
        }
    }

    /// Whether no page was had so far, or none is left.
    pub(super) fn is_at_an_end(&self) -> bool {
        self.token.is_none()
    }

    /// Refuses a page whose names are not in the order of their bytes, as S3's are, or go back behind
    /// those of the pages before. A name that comes twice leaves none out.
    fn check_order(&self, page: &Page) -> Result<(), Fault> {
        if !self.is_ordered {
            return Ok(());
        }
        let keys = page.objects.iter().map(|object| &object.key);
        let is_ordered = std::iter::once(&self.furthest).chain(keys).is_sorted()
            && std::iter::once(&self.furthest)
                .chain(&page.folders)
                .is_sorted();
        if is_ordered {
            return Ok(());
        }
        let told = "ListObjectsV2 brings names that are not in order, as S3's are: what it does not show may be there all the same";
        Err(Fault::new(Kind::Lasting, told))
    }

    fn advance(&mut self, page: &Page) -> Result<(), Fault> {
        let keys = page.objects.iter().map(|object| &object.key);
        let furthest = keys.chain(&page.folders).max();
        match furthest {
            Some(name) if *name > self.furthest => {
                self.furthest.clone_from(name);
                self.idle = 0;
            }
            Some(_) => self.idle += REPEATED,
            None => self.idle += 1,
        }
        if self.idle >= MOST_IDLE && page.next.is_some() {
            let told =
                "ListObjectsV2 says again and again that there is more, and brings no further name";
            return Err(Fault::new(Kind::Lasting, told));
        }
        self.token.clone_from(&page.next);
        Ok(())
    }
}

/// The next page of a listing.
pub(super) async fn page(
    service: &Service,
    query: &Query,
    cursor: &mut Cursor,
) -> Result<Page, Fault> {
    let pass = service.pass().await;
    page_on(&pass, service, query, cursor).await
}

/// The same on a pass that whoever asks has already: all of them may be waiting so for another.
pub(super) async fn page_on(
    _: &Pass,
    service: &Service,
    query: &Query,
    cursor: &mut Cursor,
) -> Result<Page, Fault> {
    let token = cursor.token.as_deref();
    let output = service
        .persist(&query.bucket, |client| {
            let request = client
                .list_objects_v2()
                .bucket(&*query.bucket)
                .prefix(&query.prefix)
                .encoding_type(EncodingType::Url)
                .set_delimiter(query.level_only.then(|| "/".to_owned()))
                .set_request_payer(service.payer())
                .optional_object_attributes(OptionalObjectAttributes::RestoreStatus);
            let request = match (token, &query.after) {
                (Some(token), _) => request.continuation_token(token),
                (None, after) => request.set_start_after(after.clone()),
            };
            let request = request.customize().interceptor(Whole("ListBucketResult"));
            let request = request.interceptor(service.bounded());
            async {
                let sent = request.send().await;
                sent.map_err(|error| Fault::of("ListObjectsV2", &error))
            }
        })
        .await
        .map_err(not_a_listings)?;
    service.answered();
    let is_first = cursor.token.is_none();
    answers(&output, &query.prefix)?;
    let mut page = read(&output, token)?;
    check_names(&page, &query.prefix)?;
    cursor.check_order(&page)?;
    let furthest = cursor.furthest.clone();
    cursor.advance(&page)?;
    page.leave_out_repeats(&furthest);
    if leave_out(&mut page, query.after.as_deref()) && is_first {
        service.beginnings.are_ignored();
    }
    service.others.are_shown(&query.bucket, &page);
    Ok(page)
}

/// Refuses an answer to another question, and one that says of itself that it is not all.
fn answers(output: &ListObjectsV2Output, prefix: &str) -> Result<(), Fault> {
    let told = output.prefix().unwrap_or_default();
    let is_its_own = told.is_empty() || told == prefix || decode(told) == prefix;
    let is_bare = output.contents().is_empty() && output.common_prefixes().is_empty();
    let counts = output.key_count().unwrap_or_default();
    let told = if !is_its_own {
        "ListObjectsV2 answers for other names than those that were asked for"
    } else if is_bare && counts > 0 {
        "ListObjectsV2 counts names, and brings none"
    } else {
        return Ok(());
    };
    let told = format!("{told}: what it does not show may be there all the same");
    Err(Fault::new(Kind::Lasting, told))
}

/// Refuses a page with names that were not asked for, which stand in the place of those that were.
fn check_names(page: &Page, prefix: &str) -> Result<(), Fault> {
    let keys = page.objects.iter().map(|object| &object.key);
    let mut names = keys.chain(&page.folders);
    if names.all(|name| name.starts_with(prefix)) {
        return Ok(());
    }
    let told = "ListObjectsV2 brings names that do not begin as those that were asked for: what it does not show may be there all the same";
    Err(Fault::new(Kind::Lasting, told))
}

/// S3 answers a listing of what is not there with a list of nothing. Whatever says that an object
/// is not there says nothing of the folder, which must not be taken for one that vanished.
fn not_a_listings(fault: Fault) -> Fault {
    if !matches!(fault.kind, Kind::NotFound) {
        return fault;
    }
    let told = format!(
        "{}, which is no answer of S3's to a listing; a proxy may stand in between",
        fault.told
    );
    Fault::new(Kind::Lasting, told)
}

/// Refuses a listing whose document does not reach its end.
///
/// The SDK takes what there is of one that broke off, where no length tells: the names that were
/// cut off would never be missed, nor that there are further pages.
#[derive(Debug)]
pub(super) struct Whole(
    /// The name of what a document holds.
    pub(super) &'static str,
);

impl Intercept for Whole {
    fn name(&self) -> &'static str {
        "WholeListing"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        let reaches_its_end = |document| reaches_its_end(document, self.0);
        let is_whole = answer.body().bytes().is_some_and(reaches_its_end);
        if answer.status().is_success() && !is_whole {
            return Err("the listing breaks off".into());
        }
        Ok(())
    }
}

/// Whether an XML document ends with the closing tag of `root`, in whatever namespace.
pub(super) fn reaches_its_end(document: &[u8], root: &str) -> bool {
    let document = document.trim_ascii_end();
    let last = document.iter().rposition(|byte| *byte == b'<');
    let last = last.and_then(|at| document.get(at..)).unwrap_or_default();
    let name = last
        .strip_prefix(b"</")
        .and_then(|it| it.strip_suffix(b">"));
    name.is_some_and(|name| name.trim_ascii_end().ends_with(root.as_bytes()))
}

fn read(output: &ListObjectsV2Output, token: Option<&str>) -> Result<Page, Fault> {
    let encoded = output.encoding_type() == Some(&EncodingType::Url);
    let name = |name: &str| {
        if encoded {
            decode(name)
        } else {
            name.to_owned()
        }
    };
    let next = output.next_continuation_token();
    let next = next.filter(|next| !next.is_empty());
    // Whatever is said of that, a place where it goes on tells that it does.
    let goes_on = output.is_truncated() == Some(true) || next.is_some();
    let next = if goes_on {
        // A listing that goes on for ever would never show what is missing.
        let next = next.filter(|next| Some(*next) != token);
        Some(next.map(str::to_owned).ok_or_else(|| {
            let told = "ListObjectsV2 says that there is more, and not where it goes on";
            Fault::new(Kind::Lasting, told)
        })?)
    } else {
        None
    };
    let entry = |object: &Object| {
        Some(Entry {
            key: name(object.key()?),
            size: object.size().and_then(|size| u64::try_from(size).ok()),
            archived: is_archived(object),
        })
    };
    let folders = output.common_prefixes().iter();
    Ok(Page {
        objects: output.contents().iter().filter_map(entry).collect(),
        folders: folders
            .filter_map(|folder| folder.prefix().map(name))
            .collect(),
        next,
    })
}

fn is_archived(object: &Object) -> bool {
    if !object
        .storage_class()
        .is_some_and(|class| is_cold(class.as_str()))
    {
        return false;
    }
    // A copy that was restored can be read while it lasts, which is told by when it ends.
    let restored = object.restore_status().is_some_and(|status| {
        status.is_restore_in_progress() != Some(true) && status.restore_expiry_date().is_some()
    });
    !restored
}

/// Whether objects of a storage class have to be restored before they can be read.
pub(in crate::source) fn is_cold(class: &str) -> bool {
    let cold = [StorageClass::Glacier, StorageClass::DeepArchive];
    cold.iter().any(|cold| class == cold.as_str())
}

/// A name as it was before S3 wrote it for a URL.
pub(in crate::source) fn decode(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) if digit(*high).is_some() && digit(*low).is_some() => {
                bytes.push(digit(*high).unwrap_or(0) * 16 + digit(*low).unwrap_or(0));
                rest = after;
            }
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests;
