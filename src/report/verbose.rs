//! What `-v` tells while a run goes on: every object's verdict, a line each.

use std::io::{self, Write};

use super::escape::visible;
use super::look::Look;
use super::sink::Sink;
use crate::event::{Event, FileKind, LogVerdict, Observer};
use crate::verify::chain::DigestVerdict;
use crate::verify::conclusion::Verdict;
use crate::verify::finding::{Finding, Subject};
use crate::verify::query::FileVerdict;

/// Writes a line for each object that is judged, and for each finding.
#[derive(Clone, Debug)]
pub struct Verbose {
    sink: Sink,
    look: Look,
}

impl Verbose {
    /// An observer that writes to `out`. Keep a clone of it to end it.
    pub fn new(out: Box<dyn Write + Send>, look: Look) -> Self {
        Self {
            sink: Sink::new(out),
            look,
        }
    }

    /// Writes out what is held back.
    ///
    /// # Errors
    /// Where anything could not be written.
    pub fn finish(&self) -> io::Result<()> {
        self.sink.finish()
    }

    fn object(&self, kind: &str, place: &str, (name, verdict): (&str, Verdict)) {
        let name = format!("{name:<10}");
        let name = match verdict {
            Verdict::Valid => name,
            Verdict::Invalid | Verdict::Unverified => self.look.verdict(verdict, &name),
        };
        let place = visible(place);
        self.sink
            .write(|out| writeln!(out, "{name} {kind:<6} {place}"));
    }

    fn finding(&self, finding: &Finding) {
        let severity = finding.code.severity();
        let code = self.look.severity(severity, finding.code.name());
        let about = match &finding.subject {
            Subject::Run => finding.chain.as_deref().unwrap_or_default().to_owned(),
            Subject::Object(location) => location.to_string(),
            Subject::Listed { path, .. } => path.to_string(),
        };
        let (about, message) = (visible(&about), visible(finding.message()));
        self.sink
            .write(|out| writeln!(out, "{:<10} {code}: {about}: {message}", "finding"));
    }
}

impl Observer for Verbose {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Listed { .. } | Event::Kept { .. } => {}
            Event::Digest {
                subject, verdict, ..
            } => {
                self.object("digest", &place_of(subject), digest_verdict(*verdict));
            }
            Event::Log {
                location, verdict, ..
            } => self.object("log", &location.to_string(), log_verdict(*verdict)),
            Event::File {
                kind,
                subject,
                verdict,
                ..
            } => {
                let kind = match kind {
                    FileKind::SignFile => "sign",
                    FileKind::Result => "result",
                };
                self.object(kind, &place_of(subject), file_verdict(*verdict));
            }
            Event::Found(finding) => self.finding(finding),
        }
    }
}

fn place_of(subject: &Subject) -> String {
    match subject {
        Subject::Run => String::new(),
        Subject::Object(location) => location.to_string(),
        Subject::Listed { path, .. } => path.to_string(),
    }
}

/// The verdict on a file of a query result by name, and what it does to the run's.
fn file_verdict(verdict: FileVerdict) -> (&'static str, Verdict) {
    let weight = match verdict {
        FileVerdict::Valid => Verdict::Valid,
        FileVerdict::Invalid | FileVerdict::Missing => Verdict::Invalid,
        FileVerdict::Unverified => Verdict::Unverified,
    };
    (verdict.name(), weight)
}

/// A digest's verdict by name, and what it does to the run's.
pub(super) fn digest_verdict(verdict: DigestVerdict) -> (&'static str, Verdict) {
    match verdict {
        DigestVerdict::Valid => ("valid", Verdict::Valid),
        DigestVerdict::Invalid => ("invalid", Verdict::Invalid),
        DigestVerdict::Missing => ("missing", Verdict::Invalid),
        DigestVerdict::Unverified => ("unverified", Verdict::Unverified),
    }
}

/// A log's verdict by name, and what it does to the run's.
pub(super) fn log_verdict(verdict: LogVerdict) -> (&'static str, Verdict) {
    match verdict {
        LogVerdict::Valid => ("valid", Verdict::Valid),
        LogVerdict::Invalid => ("invalid", Verdict::Invalid),
        LogVerdict::Missing => ("missing", Verdict::Invalid),
        LogVerdict::Unverified => ("unverified", Verdict::Unverified),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::verify::finding::Code;
    use crate::verify::location::ObjectLocation;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_for_each_object_whatever_its_name() {
        let buffer = Buffer::default();
        let verbose = Verbose::new(Box::new(buffer.clone()), Look::default());
        let location = ObjectLocation::new("b", "AWSLogs/x\n\u{1b}[2J\u{202e}");
        verbose.observe(&Event::Log {
            chain: "c",
            location: &location,
            verdict: LogVerdict::Missing,
            bytes: 0,
        });
        let finding = Finding::new(Code::LogMissing, Subject::Object(location));
        verbose.observe(&Event::Found(&finding));
        verbose.finish().unwrap();
        let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
        assert_eq!(
            text,
            "missing    log    s3://b/AWSLogs/x\\n\\u{1b}[2J\\u{202e}\n\
             finding    log-missing: s3://b/AWSLogs/x\\n\\u{1b}[2J\\u{202e}: \
             A verified digest names the log, and it is not there.\n"
        );
    }
}
