//! Times as users write them.

use anyhow::{Context as _, Result, bail};
use jiff::{SignedDuration, Timestamp};

use crate::verify::time::parse_name_time;

/// An instant as users write it.
///
/// # Errors
/// Where the text could be read in more than one way, or in none.
pub fn instant(text: &str, now: Timestamp) -> Result<Timestamp> {
    if let Some(span) = span(text) {
        return now
            .checked_sub(span)
            .context("lies further back than time is reckoned");
    }
    if let Some(at) = parse_name_time(text).filter(|_| text.len() == 16) {
        return Ok(at);
    }
    let bytes = text.as_bytes();
    let is_date = bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-';
    let parsed = if is_date {
        format!("{text}T00:00:00Z").parse()
    } else {
        text.parse()
    };
    match parsed {
        Ok(at) if is_date || bytes.len() >= 20 => Ok(at),
        Ok(_) | Err(_) => bail!(
            "is not a time that can be read in one way only; write 2026-01-31T19:00:00Z (or another \
             offset), 2026-01-31 (midnight UTC), 20260131T190000Z, or a span back from now such as 36h or 90d"
        ),
    }
}

fn span(text: &str) -> Option<SignedDuration> {
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
    let number: i64 = number.parse().ok()?;
    Some(SignedDuration::from_secs(number.checked_mul(seconds)?))
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
}
