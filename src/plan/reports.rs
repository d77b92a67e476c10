//! Where reports go: what was typed, validated.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::cli::ShowArgs;
use crate::report::Format;

/// The files that reports are written to, each with the format that its ending tells.
///
/// # Errors
/// Where an ending tells none, or a file is named twice.
pub fn reports(show: &ShowArgs) -> Result<Vec<(Format, PathBuf)>> {
    let mut reports: Vec<(Format, PathBuf)> = Vec::new();
    for path in &show.report {
        let format = Format::from_path(path).with_context(|| {
            format!(
                "--report {}: its ending tells no format (.txt .json .jsonl .md .xml .sarif .html)",
                path.display()
            )
        })?;
        if reports.iter().any(|(_, known)| known == path) {
            bail!("--report {}: it is named twice", path.display());
        }
        reports.push((format, path.clone()));
    }
    Ok(reports)
}
