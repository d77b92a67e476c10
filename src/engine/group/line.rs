//! The line in which digests wait for the walk.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::super::digests::Seen;
use crate::verify::chain::ListedDigest;
use crate::verify::location::ChainId;

/// A digest that stands in line.
#[derive(Clone, Debug)]
pub(in super::super) struct Waiting {
    pub(super) digest: ListedDigest,
    /// Whether it would have to be restored before it can be read.
    pub(super) archived: bool,
    /// Whether it is read for the names of its logs only, and nothing is told of it.
    pub(super) silent: bool,
}

/// All digests of a group, in the order of the walk: by chain, then newest first. More may join
/// while the walk goes on, so each keeps a number of its own.
#[derive(Debug, Default)]
pub(super) struct Line {
    all: Vec<Waiting>,
    /// Whether reading has been asked for, by number.
    asked: Vec<bool>,
    order: VecDeque<usize>,
    /// How many at the front of the line have all been asked for.
    ahead: usize,
    /// What has been read, by number.
    seen: BTreeMap<usize, Seen>,
}

impl Line {
    /// Takes in further digests. The chain that is being walked stays at the front; those that
    /// are told of come before those that are not, so that logs that both name are judged as
    /// theirs.
    pub(super) fn join(
        &mut self,
        digests: impl IntoIterator<Item = Waiting>,
        current: Option<(&Arc<ChainId>, bool)>,
    ) {
        for digest in digests {
            self.order.push_back(self.all.len());
            self.all.push(digest);
            self.asked.push(false);
        }
        let all = &self.all;
        let rank = |number: &usize| {
            let Waiting { digest, silent, .. } = all.get(*number)?;
            let chain = digest.key.chain();
            let is_current = current.is_some_and(|current| current == (chain, *silent));
            Some((
                !is_current,
                *silent,
                chain,
                Reverse(digest.key.end()),
                digest.root,
            ))
        };
        self.order
            .make_contiguous()
            .sort_by(|a, b| rank(a).cmp(&rank(b)));
        let asked = &self.asked;
        let unasked = |number: &usize| !asked.get(*number).copied().unwrap_or(false);
        self.ahead = self
            .order
            .iter()
            .position(unasked)
            .unwrap_or(self.order.len());
    }

    /// The next one that is to be read, within `most` from the front.
    pub(super) fn ask(&mut self, most: usize) -> Option<(usize, Waiting)> {
        while self.ahead < most {
            let number = *self.order.get(self.ahead)?;
            self.ahead += 1;
            let asked = self.asked.get_mut(number)?;
            if !*asked {
                *asked = true;
                return Some((number, self.all.get(number)?.clone()));
            }
        }
        None
    }

    /// How many are read ahead.
    pub(super) fn ahead(&self) -> usize {
        self.ahead
    }

    pub(super) fn put(&mut self, number: usize, seen: Seen) {
        self.seen.insert(number, seen);
    }

    /// The one at the front.
    pub(super) fn front(&self) -> Option<&Waiting> {
        self.all.get(*self.order.front()?)
    }

    /// What was read of the one at the front, which then leaves the line; nothing while it is
    /// not yet read.
    pub(super) fn pop(&mut self) -> Option<Seen> {
        let seen = self.seen.remove(self.order.front()?)?;
        self.order.pop_front();
        self.ahead = self.ahead.saturating_sub(1);
        Some(seen)
    }
}
