//! S3 Inventory: a list of all objects of a bucket, which S3 writes once a day or a week.
//!
//! A manifest names the files of the list and what their columns are. The files are CSV, compressed with gzip, or
//! Parquet.

mod columns;
mod csv;
mod footer;
mod open;
mod pages;
mod parquet;

pub use open::{Inventory, InventoryEntry};
