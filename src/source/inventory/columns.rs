//! The columns that are read of an inventory.

/// Which column holds what. Where there are no versions, two of them are not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) bucket: usize,
    pub(super) key: usize,
    pub(super) size: Option<usize>,
    pub(super) class: Option<usize>,
    pub(super) is_latest: Option<usize>,
    pub(super) is_marker: Option<usize>,
}
