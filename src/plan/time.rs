//! Times as users write them.

use anyhow::{Context as _, Result, bail};
use jiff::{SignedDuration, Timestamp};

use crate::verify::time::parse_name_time;

/// How times are written.
const FORMS: &str = "write 2026-01-31T19:00:00Z (or another offset), 2026-01-31 (midnight UTC), \
                     20260131T190000Z, or a span back from now such as 36h or 90d";

/// An instant as users write it.
///
/// # Errors
/// Where the text could be read in more than one way, or in none: what is said of it follows the text.
pub fn instant(text: &str, now: Timestamp) -> Result<Timestamp> {
    if let Some((number, unit)) = span(text) {
        let span = number.and_then(|number| number.checked_mul(unit));
        let at = span.and_then(|seconds| now.checked_sub(SignedDuration::from_secs(seconds)).ok());
        return at.context("lies further back than time is reckoned");
    }
    if text == "now" {
        bail!("is not how it is written: 0h is now");
    }
    if text.strip_prefix('-').and_then(span).is_some() {
        bail!(
            "has a sign: a span counts back from now without one ({})",
            &text[1..]
        );
    }
    if let Some(at) = parse_name_time(text).filter(|_| text.len() == 16) {
        return Ok(at);
    }
    let Some(form) = Form::of(text) else {
        bail!("is not a time that can be read in one way only; {FORMS}");
    };
    if form.fraction > 9 {
        bail!("tells less than a billionth of a second: nine digits after the point are the most");
    }
    // The parser takes offsets of more than a day, and hours that no day has.
    let parsed = match form.offset {
        Some((hours, minutes)) if hours > 23 || minutes > 59 => {
            bail!("has an offset that no clock has")
        }
        Some(_) => text.parse(),
        None => format!("{text}T00:00:00Z").parse(),
    };
    match parsed {
        Ok(at) => Ok(at),
        // Time is reckoned up to the last day but one of 9999, and far ahead is far ahead.
        Err(_) if form.year == "9999" => {
            instant(&text.replacen("9999", "9998", 1), now).map(|_| Timestamp::MAX)
        }
        Err(_) => bail!("names a day or an hour that there is none of"),
    }
}

/// The parts of a time or a date that the parser is not asked about.
struct Form<'a> {
    year: &'a str,
    /// How many digits follow the point.
    fraction: usize,
    /// Hours and minutes; nothing for a date.
    offset: Option<(u8, u8)>,
}

impl<'a> Form<'a> {
    /// Whether the text has the form of RFC 3339, or of its date.
    fn of(text: &'a str) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        let year = fits(date, "0000-00-00").then_some(&date[..4])?;
        if rest.is_empty() {
            return Some(Self {
                year,
                fraction: 0,
                offset: None,
            });
        }
        let (time, rest) = rest.split_at_checked(9)?;
        if !(fits(time, "T00:00:00") || fits(time, "t00:00:00") || fits(time, " 00:00:00")) {
            return None;
        }
        let (fraction, zone) = match rest.strip_prefix('.') {
            None => (0, rest),
            Some(rest) => {
                let zone = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
                (rest.len() - zone.len(), zone)
            }
        };
        let is_broken = rest.starts_with('.') && fraction == 0;
        let offset = match zone {
            "Z" | "z" => (0, 0),
            _ if fits(zone, "+00:00") || fits(zone, "-00:00") => {
                (zone[1..3].parse().ok()?, zone[4..].parse().ok()?)
            }
            _ => return None,
        };
        (!is_broken).then_some(Self {
            year,
            fraction,
            offset: Some(offset),
        })
    }
}

/// Whether a text has digits where the form has noughts, and else the same.
fn fits(text: &str, form: &str) -> bool {
    let mut pairs = text.bytes().zip(form.bytes());
    text.len() == form.len()
        && pairs.all(|(byte, form)| byte == form || (form == b'0' && byte.is_ascii_digit()))
}

/// A number, where it is none too large, and the seconds of its unit.
fn span(text: &str) -> Option<(Option<i64>, i64)> {
    let unit = text.chars().next_back()?;
    let number = text.strip_suffix(unit)?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = match unit {
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    Some((number.parse().ok(), seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_read_in_one_way_only() {
        let now = at("2026-06-15T12:00:00Z");
        let read = |text| instant(text, now).ok();
        assert_eq!(read("36h"), Some(at("2026-06-14T00:00:00Z")));
        assert_eq!(read("90d"), Some(at("2026-03-17T12:00:00Z")));
        assert_eq!(read("2026-01-31"), Some(at("2026-01-31T00:00:00Z")));
        assert_eq!(read("20160129T190000Z"), Some(at("2016-01-29T19:00:00Z")));
        assert_eq!(
            read("2026-01-31T19:00:00+05:30"),
            Some(at("2026-01-31T13:30:00Z"))
        );
        assert_eq!(read("9999-12-31"), Some(Timestamp::MAX));
        for ambiguous in [
            "2026",
            "2026-01",
            "2026-01-31T19:00:00",
            "31.01.2026",
            "01/02/2026",
            "20260131",
            "1453076702",
            "yesterday",
            "h",
            "-3h",
            "99999999999999999999d",
            "",
        ] {
            assert_eq!(read(ambiguous), None, "{ambiguous}");
        }
    }

    #[test]
    fn it_is_told_what_is_wrong_with_a_time() {
        let now = at("2026-06-15T12:00:00Z");
        for (text, why) in [
            ("now", "0h is now"),
            ("-1h", "without one (1h)"),
            ("999999999d", "further back"),
            ("99999999999999999999d", "further back"),
            ("2024-02-30", "none of"),
            ("2024-13-01", "none of"),
            ("2024-03-10T24:00:00Z", "none of"),
            ("2024-03-10T00:61:00Z", "none of"),
            ("2024-03-10T00:00:00+25:00", "no clock has"),
            ("2024-03-10T00:00:00+05:60", "no clock has"),
            ("2024-03-10T00:00:00.123456789012Z", "nine digits"),
            ("9999-12-32", "none of"),
            ("2024-03-10T00:00:00", "one way only"),
            ("2024-03-10 00:00:00", "one way only"),
            ("2024-03-10T00:00:00.Z", "one way only"),
        ] {
            let told = instant(text, now).unwrap_err();
            let told = format!("{told:#}");
            assert!(told.contains(why), "{text}: {told}");
            assert!(!told.contains("error"), "{text}: {told}");
        }
        let read = |text| instant(text, now).ok();
        let noon = Some(at("2024-03-10T12:00:00Z"));
        assert_eq!(read("2024-03-10T12:00:00Z"), noon);
        assert_eq!(read("2024-03-10t12:00:00z"), noon);
        assert_eq!(read("2024-03-10T17:30:00+05:30"), noon);
        assert_eq!(read("2024-03-10T02:00:00.000000000-10:00"), noon);
    }
}
