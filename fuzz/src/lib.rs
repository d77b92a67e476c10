//! What the fuzz targets do. `cargo test` of the program does the same with the corpus (`tests/it/trust/corpus.rs`).

#[path = "../../tests/it/trust/mutation/plain.rs"]
mod plain;
pub mod stored;
pub mod targets;
