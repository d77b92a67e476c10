//! Where listings begin: S3 begins after the name that it is told, other servers may not know of it.

use std::sync::atomic::{AtomicBool, Ordering};

use super::pages::Page;

/// Leaves out what is not beyond the name that a listing was to begin after. Servers that do not know
/// of it begin with the first name of all; whether this one did is told.
pub(super) fn leave_out(page: &mut Page, after: Option<&str>) -> bool {
    let Some(after) = after else {
        return false;
    };
    let names = page.objects.len() + page.folders.len();
    page.objects.retain(|object| object.key.as_str() > after);
    page.folders.retain(|folder| folder.as_str() > after);
    page.objects.len() + page.folders.len() < names
}

/// Whether listings begin where they are asked to. Where they do not, each one that is to begin further
/// on has to be read from its beginning: none is cut into pieces.
#[derive(Debug, Default)]
pub(super) struct Beginnings {
    heeded: AtomicBool,
    ignored: AtomicBool,
}

impl Beginnings {
    /// A listing began with names that lie before what it was to begin after, or showed nothing of what
    /// is beyond it.
    pub(super) fn are_ignored(&self) {
        self.ignored.store(true, Ordering::Relaxed);
    }

    /// A listing began beyond names that there are.
    pub(super) fn are_heeded(&self) {
        self.heeded.store(true, Ordering::Relaxed);
    }

    /// Nothing where that is not known yet.
    pub(super) fn are_known(&self) -> Option<bool> {
        if self.ignored.load(Ordering::Relaxed) {
            return Some(false);
        }
        self.heeded.load(Ordering::Relaxed).then_some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::super::pages::Entry;
    use super::*;

    #[test]
    fn what_was_not_asked_for_is_left_out() {
        let entry = |key: &str| Entry {
            key: key.to_owned(),
            size: Some(1),
            archived: false,
        };
        for (after, left, was_ignored) in [
            (None, 3, false),
            (Some("a"), 3, false),
            (Some("b"), 2, true),
            (Some("c/"), 0, true),
        ] {
            let mut page = Page {
                objects: vec![entry("b"), entry("bb")],
                folders: vec!["c/".to_owned()],
                next: None,
            };
            assert_eq!(leave_out(&mut page, after), was_ignored, "{after:?}");
            assert_eq!(page.objects.len() + page.folders.len(), left, "{after:?}");
        }
    }

    #[test]
    fn who_ignores_once_is_not_believed() {
        let beginnings = Beginnings::default();
        assert_eq!(beginnings.are_known(), None);
        beginnings.are_heeded();
        assert_eq!(beginnings.are_known(), Some(true));
        beginnings.are_ignored();
        beginnings.are_heeded();
        assert_eq!(beginnings.are_known(), Some(false));
    }
}
