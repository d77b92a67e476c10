//! Stretches of keys: what one piece of a listing lists is what the others leave to it.

use super::folder::Part;

/// Keys that begin alike, from one to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Every key of it begins with this.
    pub(super) prefix: String,
    /// Every key of it is greater than this.
    pub(super) after: Option<String>,
    /// No key of it is greater than this.
    pub(super) until: Option<String>,
}

impl Stretch {
    /// All that begins with `prefix`.
    pub(super) fn below(prefix: String) -> Self {
        Self {
            prefix,
            after: None,
            until: None,
        }
    }

    /// Whether a key lies in it; of a folder, whether all that is in the folder does, where the
    /// folder is none of those that an end of the stretch lies in.
    pub(super) fn holds(&self, key: &str) -> bool {
        key.starts_with(&self.prefix)
            && self.after.as_deref().is_none_or(|after| key > after)
            && !self.ends_before(key)
    }

    /// Whether a key lies behind its end.
    pub(super) fn ends_before(&self, key: &str) -> bool {
        self.until.as_deref().is_some_and(|until| key > until)
    }

    /// Whether what there is beside it is known by the order of keys alone.
    pub(super) fn is_cut(&self) -> bool {
        self.after.is_some() || self.until.is_some()
    }

    /// What of it lies beyond `after` and up to `until`; nothing where that is nothing.
    pub(super) fn between(mut self, after: Option<&str>, until: Option<&str>) -> Option<Self> {
        if let Some(after) = after.filter(|after| self.after.as_deref() < Some(*after)) {
            self.after = Some(after.to_owned());
        }
        if let Some(until) =
            until.filter(|until| self.until.as_deref().is_none_or(|its| *until < its))
        {
            self.until = Some(until.to_owned());
        }
        let is_empty = match (&self.after, &self.until) {
            (Some(after), Some(until)) => until <= after,
            (_, _) => false,
        };
        (!is_empty).then_some(self)
    }

    /// What of it may lie in `part`.
    pub(super) fn within(self, part: Option<&Part>) -> Option<Self> {
        let Some(part) = part else {
            return Some(self);
        };
        if part.misses_below(&self.prefix) {
            return None;
        }
        self.between(Some(&part.after), part.until.as_deref())
    }
}
