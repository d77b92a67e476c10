//! How text is to look: how wide, how much of it, and whether in colour.

use anstyle::{AnsiColor, Effects, Style};

use crate::verify::conclusion::Verdict;
use crate::verify::finding::Severity;

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verbosity {
    /// The verdict alone.
    Quiet,
    /// What a person needs to act.
    #[default]
    Normal,
    /// Every finding in full.
    Verbose,
}

/// How text is to look. Other formats look the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// How many columns there are.
    pub width: usize,
    /// Whether colours are used.
    pub color: bool,
    /// How much is told.
    pub verbosity: Verbosity,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            width: 80,
            color: false,
            verbosity: Verbosity::Normal,
        }
    }
}

const RED: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
const YELLOW: Style = AnsiColor::Yellow.on_default().effects(Effects::BOLD);
const GREEN: Style = AnsiColor::Green.on_default().effects(Effects::BOLD);
const CYAN: Style = AnsiColor::Cyan.on_default();
const BOLD: Style = Style::new().effects(Effects::BOLD);
const DIM: Style = Style::new().effects(Effects::DIMMED);

impl Look {
    /// `text` in `style`, where colours are used.
    pub fn paint(&self, style: Style, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        format!("{style}{text}{style:#}")
    }

    /// A heading.
    pub fn heading(&self, text: &str) -> String {
        self.paint(BOLD, text)
    }

    /// What is beside the point.
    pub fn dim(&self, text: &str) -> String {
        self.paint(DIM, text)
    }

    /// What is good.
    pub fn good(&self, text: &str) -> String {
        self.paint(GREEN, text)
    }

    /// What warns.
    pub fn warning(&self, text: &str) -> String {
        self.paint(YELLOW, text)
    }

    /// In the colour of a verdict.
    pub fn verdict(&self, verdict: Verdict, text: &str) -> String {
        let style = match verdict {
            Verdict::Valid => GREEN,
            Verdict::Invalid => RED,
            Verdict::Unverified => YELLOW,
        };
        self.paint(style, text)
    }

    /// In the colour of a severity.
    pub fn severity(&self, severity: Severity, text: &str) -> String {
        let style = match severity {
            Severity::Invalid => RED,
            Severity::Unverified => YELLOW,
            Severity::Notice => CYAN,
        };
        self.paint(style, text)
    }
}
