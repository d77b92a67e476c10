//! Committed archives.
