//! Which bucket and prefix a root stands for, as verified digests state it.

use std::sync::Arc;

use super::super::digest::VerifiedDigest;
use super::super::location::{DigestKey, RootId};
use super::super::time::TimeRange;
use super::sighting::ListedDigest;

/// The bucket and prefix that a root stands for in a stretch of time, as verified digests state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binding {
    /// The root.
    pub root: RootId,
    /// The bucket.
    pub bucket: Arc<str>,
    /// The prefix, without a closing slash.
    pub prefix: Arc<str>,
    /// From the start of what the first such digest covers to the last one's end.
    pub range: TimeRange,
    /// How many digests state it.
    pub digests: u64,
    /// The newest digest that states it.
    pub newest: DigestKey,
}

/// Takes note of the bucket and prefix that a verified digest states for its root.
pub(super) fn bind(bindings: &mut Vec<Binding>, at: &ListedDigest, digest: &VerifiedDigest) {
    let path = at.key.path();
    let Some(prefix) = digest.location().prefix_before(&path) else {
        return;
    };
    // A starting digest is dated back to before the trail delivered here.
    let covers = digest.covers();
    let bucket = digest.location().bucket();
    // A trail may come back to a bucket that it left.
    let last = bindings
        .iter_mut()
        .rev()
        .find(|binding| binding.root == at.root);
    let known = last.filter(|binding| binding.bucket == *bucket && *binding.prefix == *prefix);
    if let Some(known) = known {
        known.digests += 1;
        let start = known.range.start().min(covers.start());
        let end = known.range.end().max(covers.end());
        known.range = TimeRange::new(start, end).unwrap_or(known.range);
        return;
    }
    bindings.push(Binding {
        root: at.root,
        bucket: Arc::clone(bucket),
        prefix: prefix.into(),
        range: covers,
        digests: 1,
        newest: at.key.clone(),
    });
}
