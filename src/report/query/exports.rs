//! What there is to tell of an export, in words.

use super::json::{Export, QueryReport};
use crate::report::amounts::{count, counted};
use crate::verify::query::FileVerdict;

/// At most `limit` exports, in their order. Where that is not all, those with something to tell
/// are among them.
pub(super) fn in_order<'r>(report: &'r QueryReport<'r>, limit: usize) -> Vec<&'r Export<'r>> {
    let (clean, telling): (Vec<_>, Vec<_>) = report.exports.iter().partition(|it| is_clean(it));
    let mut shown: Vec<_> = telling.into_iter().chain(clean).take(limit).collect();
    shown.sort_by_key(|export| (&export.bucket, &export.folder));
    shown
}

/// Whether there is nothing to tell of an export.
fn is_clean(export: &Export<'_>) -> bool {
    let results = &export.results;
    let troubled = results.invalid + results.missing + results.unreferenced + results.unverified;
    export.sign_file == FileVerdict::Valid && troubled == 0 && export.differences.is_empty()
}

/// What became of an export's result files.
pub(super) fn results_in_words(export: &Export<'_>) -> String {
    let results = &export.results;
    let parts = [
        (results.valid, "valid"),
        (results.invalid, "modified"),
        (results.missing, "missing"),
        (results.unreferenced, "not named"),
        (results.unverified, "not verified"),
    ];
    let told: Vec<_> = parts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", count(number)))
        .collect();
    if told.is_empty() {
        return "no result files".to_owned();
    }
    let all: u64 = parts.iter().map(|(number, _)| number).sum();
    format!(
        "{}: {}",
        counted(all, "result file", "result files"),
        told.join(", ")
    )
}

/// What became of an export's sign file.
pub(super) fn sign_file_in_words(export: &Export<'_>) -> &'static str {
    match export.sign_file {
        FileVerdict::Valid => "proven",
        FileVerdict::Invalid => "invalid",
        FileVerdict::Missing => "missing",
        FileVerdict::Unverified => "not verified",
    }
}
