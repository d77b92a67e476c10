//! A look at the content of every log while it is hashed: whether an event may be in it that is
//! evidence. It costs one search for `"eventName"`, and copies only what lies at the edges of
//! chunks. What it takes for a hint is no evidence: the log is read again for that.

use std::sync::LazyLock;

use memchr::memmem::{Finder, FinderRev};

use super::event::{Deed, Service};

/// So much before and after a name is looked at; an event that is longer may be missed.
const MARGIN: usize = 4 * 1024;
const NEEDLE: &str = "\"eventName\"";
/// What every record begins with. Inside a text its quotes would be escaped.
const BEGIN: &str = "{\"eventVersion\":";

static NAMES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(NEEDLE));
static RECORDS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(BEGIN));
static RECORDS_BEFORE: LazyLock<FinderRev<'static>> = LazyLock::new(|| FinderRev::new(BEGIN));
static IN_LOGS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("AWSLogs/"));
static OF_TRAIL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("/CloudTrail"));
/// What CloudTrail writes itself is no evidence, and there is much of it.
static DELIVERY: LazyLock<Finder<'static>> =
    LazyLock::new(|| Finder::new("\"invokedBy\":\"cloudtrail.amazonaws.com\""));

/// What a look at a log came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// No event in it is evidence.
    Nothing,
    /// Events may be in it that are evidence about another bucket, and none about this one.
    Elsewhere,
    /// Events may be in it that are evidence.
    Here,
}

/// Looks through the content of one log, chunk by chunk.
#[derive(Debug)]
pub struct Scanner<'a> {
    /// The bucket that the log lies in.
    bucket: &'a str,
    /// The end of what came so far.
    tail: Vec<u8>,
    /// How many bytes of the tail were looked at.
    looked_at: usize,
    found: bool,
    found_elsewhere: bool,
}

impl<'a> Scanner<'a> {
    /// A look at a log that lies in `bucket`.
    pub fn new(bucket: &'a str) -> Self {
        Self {
            bucket,
            tail: Vec::new(),
            looked_at: 0,
            found: false,
            found_elsewhere: false,
        }
    }

    /// Looks at the next chunk.
    pub fn feed(&mut self, chunk: &[u8]) {
        if self.found {
            return;
        }
        let joined = self.tail.len();
        // Where a large chunk is the first one, there is no seam.
        let head = match joined {
            0 if chunk.len() > 2 * MARGIN => 0,
            _ => chunk.len().min(2 * MARGIN),
        };
        let mut seam = std::mem::take(&mut self.tail);
        seam.extend_from_slice(&chunk[..head]);
        if chunk.len() <= 2 * MARGIN {
            let until = seam.len().saturating_sub(MARGIN).max(self.looked_at);
            self.look(&seam, self.looked_at, until);
            let cut = until.saturating_sub(MARGIN);
            seam.drain(..cut);
            self.looked_at = until - cut;
        } else {
            let until = chunk.len() - MARGIN;
            self.look(&seam, self.looked_at, joined + MARGIN);
            self.look(chunk, if joined == 0 { 0 } else { MARGIN }, until);
            seam.clear();
            seam.extend_from_slice(&chunk[until - MARGIN..]);
            self.looked_at = MARGIN;
        }
        self.tail = seam;
    }

    /// Whether any event may be evidence, now that the content has ended.
    pub fn finish(mut self) -> Hint {
        let tail = std::mem::take(&mut self.tail);
        self.look(&tail, self.looked_at, tail.len());
        match (self.found, self.found_elsewhere) {
            (true, _) => Hint::Here,
            (false, true) => Hint::Elsewhere,
            (false, false) => Hint::Nothing,
        }
    }

    /// Looks at the names that begin in `from..until`.
    fn look(&mut self, content: &[u8], from: usize, until: usize) {
        let rest = content.get(from..).unwrap_or_default();
        let reach = (until.saturating_sub(from) + NEEDLE.len()).min(rest.len());
        for at in NAMES.find_iter(&rest[..reach]) {
            let at = from + at;
            if self.found || at >= until {
                continue;
            }
            match self.hint(content, at) {
                Hint::Here => self.found = true,
                Hint::Elsewhere => self.found_elsewhere = true,
                Hint::Nothing => {}
            }
        }
    }

    fn hint(&self, content: &[u8], at: usize) -> Hint {
        let after = &content[at + NEEDLE.len()..];
        if is_another(after) {
            return Hint::Nothing;
        }
        let Some(deed) = name_after(after).and_then(deed) else {
            return Hint::Nothing;
        };
        if deed.service() == Service::CloudTrail {
            return Hint::Here;
        }
        let record = record_around(content, at);
        let holds = |finder: &Finder<'_>| finder.find(record).is_some();
        match deed {
            Deed::PutObject if holds(&DELIVERY) => Hint::Nothing,
            Deed::PutObject | Deed::DeleteObject => {
                if holds(&IN_LOGS) && holds(&OF_TRAIL) {
                    Hint::Here
                } else {
                    Hint::Nothing
                }
            }
            Deed::DeleteObjects
            | Deed::PutBucketLifecycle
            | Deed::StopLogging
            | Deed::StartLogging
            | Deed::DeleteTrail
            | Deed::CreateTrail
            | Deed::UpdateTrail
            | Deed::PutEventSelectors => {
                if holds(&Finder::new(self.bucket)) {
                    Hint::Here
                } else {
                    Hint::Elsewhere
                }
            }
        }
    }
}

/// The text that follows a field's name.
fn name_after(content: &[u8]) -> Option<&[u8]> {
    let rest = content.trim_ascii_start().strip_prefix(b":")?;
    let rest = rest.trim_ascii_start().strip_prefix(b"\"")?;
    let longest = rest.get(..40).unwrap_or(rest);
    let end = longest.iter().position(|byte| *byte == b'"')?;
    longest.get(..end)
}

/// Most names are none of these, which their first letters show: there is a name every few hundred
/// bytes, so this must be quick. Where more than a colon stands between, it is looked at closely.
#[inline]
fn is_another(after: &[u8]) -> bool {
    match after.first_chunk::<6>() {
        Some([b':', b'"', name @ ..]) => {
            let name: [u8; 4] = *name;
            !matches!(
                &name,
                b"Stop" | b"Star" | b"Dele" | b"Crea" | b"Upda" | b"PutE" | b"PutB" | b"PutO"
            )
        }
        Some(_) | None => false,
    }
}

fn deed(name: &[u8]) -> Option<Deed> {
    Deed::from_name(std::str::from_utf8(name).ok()?)
}

/// The record that holds the byte `at`, or as much of it as lies within the margin.
fn record_around(content: &[u8], at: usize) -> &[u8] {
    let start = at.saturating_sub(MARGIN);
    let end = content.len().min(at + MARGIN);
    let before = RECORDS_BEFORE.rfind(&content[start..at]).unwrap_or(0);
    let after = RECORDS.find(&content[at..end]).unwrap_or(end - at);
    &content[start + before..at + after]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(content: &[u8], chunk: usize) -> bool {
        let mut scanner = Scanner::new("audit-logs");
        content.chunks(chunk).for_each(|part| scanner.feed(part));
        scanner.finish() == Hint::Here
    }

    fn record(name: &str, more: &str) -> String {
        format!("{{\"eventVersion\":\"1.09\",\"eventName\":\"{name}\",{more}\"x\":1}},")
    }

    #[test]
    fn an_event_is_found_wherever_chunks_end() {
        let filler = record("DescribeInstances", "\"userAgent\":\"StopLogging\",");
        let special = record("StopLogging", "");
        for before in [0, 3, 80, 900] {
            for after in [0, 2, 70] {
                let clean = filler.repeat(before + after);
                let text = format!("{}{special}{}", filler.repeat(before), filler.repeat(after));
                for chunk in [1, 17, 4096, 8192, 8193, 10_000, 131_072] {
                    if chunk > 16 || before < 90 {
                        assert!(found(text.as_bytes(), chunk), "{before} {after} {chunk}");
                        assert!(!found(clean.as_bytes(), chunk), "{before} {after} {chunk}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_position_at_an_edge_is_looked_at() {
        let special = record("DeleteTrail", "");
        for length in (0..8).chain(4080..4110).chain(8000..8400) {
            let text = format!("{}{special}{}", " ".repeat(length), " ".repeat(20_000));
            for chunk in [8192, 8300, 12_288] {
                assert!(found(text.as_bytes(), chunk), "{length} {chunk}");
            }
        }
    }

    #[test]
    fn objects_count_where_they_are_of_a_trail() {
        let key = |key: &str| format!("\"bucketName\":\"audit-logs\",\"key\":\"{key}\",");
        let log = key("AWSLogs/111122223333/CloudTrail/us-east-1/x.json.gz");
        let delivery = "\"invokedBy\":\"cloudtrail.amazonaws.com\",";
        for (name, more, is_one) in [
            ("DeleteObject", log.clone(), true),
            ("DeleteObject", key("pictures/1.png"), false),
            ("DeleteObject", key("AWSLogs/1/vpcflowlogs/x"), false),
            ("DeleteObject", key("copies/CloudTrail/x"), false),
            ("PutObject", log.clone(), true),
            ("PutObject", format!("{delivery}{log}"), false),
            (
                "DeleteObjects",
                "\"bucketName\":\"audit-logs\",".into(),
                true,
            ),
            (
                "DeleteObjects",
                "\"bucketName\":\"pictures\",".into(),
                false,
            ),
            ("PutBucketLifecycleConfiguration", key(""), true),
            ("GetObject", log.clone(), false),
        ] {
            // What stands in the records beside it does not count.
            let beside = record("GetObject", &format!("{delivery}{log}"));
            for after in [&*beside, ""] {
                let text = format!("{beside}{}{after}", record(name, &more));
                assert_eq!(found(text.as_bytes(), 64), is_one, "{name} {more}");
            }
        }
    }

    #[test]
    fn what_was_done_to_another_bucket_is_told_apart() {
        let look = |texts: &[String]| {
            let mut scanner = Scanner::new("audit-logs");
            for text in texts {
                scanner.feed(text.as_bytes());
            }
            scanner.finish()
        };
        let of = |bucket: &str| record("DeleteObjects", &format!("\"bucketName\":\"{bucket}\","));
        assert_eq!(look(&[]), Hint::Nothing);
        assert_eq!(look(&[record("DescribeTrails", "")]), Hint::Nothing);
        assert_eq!(look(&[of("pictures")]), Hint::Elsewhere);
        assert_eq!(look(&[of("audit-logs"), of("pictures")]), Hint::Here);
        assert_eq!(look(&[of("pictures"), of("audit-logs")]), Hint::Here);
    }

    #[test]
    fn what_stands_far_from_the_name_belongs_to_it() {
        let agent = format!("\"userAgent\":\"{}\",", "x".repeat(3000));
        let bucket = "\"bucketName\":\"audit-logs\",";
        let after = record("DeleteObjects", &format!("{agent}{bucket}"));
        assert!(found(after.as_bytes(), 1000));
        let before = format!("{{\"eventVersion\":\"1.09\",{bucket}{agent}");
        let before = format!("{before}\"eventName\":\"DeleteObjects\"}}");
        assert!(found(before.as_bytes(), 1000));
    }

    #[test]
    fn no_deed_is_passed_over() {
        for deed in Deed::ALL {
            assert!(
                !is_another(format!(":\"{}\"", deed.name()).as_bytes()),
                "{deed:?}"
            );
        }
        assert!(is_another(b":\"Decrypt\"") && !is_another(b":\"St"));
    }

    #[test]
    fn spaces_do_not_hide_a_name() {
        assert!(found(b"{ \"eventName\" : \"StopLogging\" }", 5));
        for cut in [
            "\"eventName",
            "\"eventName\"",
            "\"eventName\":\"StopLogging",
        ] {
            assert!(!found(cut.as_bytes(), 100), "{cut}");
        }
    }
}
