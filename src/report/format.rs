//! The formats that a report can take.

use std::path::Path;

/// A report's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Format {
    /// For a person at a terminal.
    Text,
    /// The whole report as one JSON document.
    Json,
    /// A JSON object a line.
    Jsonl,
    /// For a CI job's summary.
    Markdown,
    /// `JUnit`'s XML, for a CI job's list of tests.
    #[value(help = "JUnit's XML, for a CI job's list of tests")]
    Junit,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// One page for an auditor's binder.
    Html,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 7] = [
        Self::Text,
        Self::Json,
        Self::Jsonl,
        Self::Markdown,
        Self::Junit,
        Self::Sarif,
        Self::Html,
    ];

    /// As users write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Markdown => "markdown",
            Self::Junit => "junit",
            Self::Sarif => "sarif",
            Self::Html => "html",
        }
    }

    /// The format that is named so.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The ending of a file in this format, without its dot.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Text => "txt",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Markdown => "md",
            Self::Junit => "xml",
            Self::Sarif => "sarif",
            Self::Html => "html",
        }
    }

    /// The format that a file's ending tells, in any case.
    pub fn from_path(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|format| format.ending() == ending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_endings_lead_back_to_their_format() {
        for format in Format::ALL {
            assert_eq!(Format::from_name(format.name()), Some(format));
            let path = format!("a.b/report.{}", format.ending().to_uppercase());
            assert_eq!(Format::from_path(Path::new(&path)), Some(format));
        }
        for wrong in ["report", "report.", "json", ".json", "report.json.gz"] {
            assert_eq!(Format::from_path(Path::new(wrong)), None, "{wrong}");
        }
        assert_eq!(Format::from_name("JSON"), None);
    }
}
