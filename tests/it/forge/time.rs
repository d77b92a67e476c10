//! Instants in whole seconds of UTC, and the three ways CloudTrail writes them.

use std::ops::{Add, Sub};

pub const MINUTE: i64 = 60;
pub const HOUR: i64 = 3600;
pub const DAY: i64 = 86_400;

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

struct Parts {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Time {
    /// Reads `2024-03-10T00:05:31Z`, and nothing else.
    pub fn parse(text: &str) -> Self {
        let number = |range: std::ops::Range<usize>| {
            text[range]
                .parse::<i64>()
                .expect("digits in a time of the forge")
        };
        assert!(
            text.len() == 20 && text.ends_with('Z'),
            "a time of the forge looks like 2024-03-10T00:00:00Z: {text}"
        );
        let days = days_from_civil(number(0..4), number(5..7), number(8..10));
        Self(days * DAY + number(11..13) * HOUR + number(14..16) * MINUTE + number(17..19))
    }

    /// `2024-03-10T00:05:31Z`, as in a digest's fields.
    pub fn iso(self) -> String {
        let p = self.parts();
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            p.year, p.month, p.day, p.hour, p.minute, p.second
        )
    }

    /// `20240310T000531Z`, as in a digest's key.
    pub fn compact(self) -> String {
        let p = self.parts();
        format!(
            "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
            p.year, p.month, p.day, p.hour, p.minute, p.second
        )
    }

    /// `20240310T0005Z`, as in a log's key.
    pub fn minute(self) -> String {
        let p = self.parts();
        format!(
            "{:04}{:02}{:02}T{:02}{:02}Z",
            p.year, p.month, p.day, p.hour, p.minute
        )
    }

    /// `240310000531Z`, as in a certificate.
    pub fn utc_time(self) -> String {
        let p = self.parts();
        format!(
            "{:02}{:02}{:02}{:02}{:02}{:02}Z",
            p.year % 100,
            p.month,
            p.day,
            p.hour,
            p.minute,
            p.second
        )
    }

    /// `2024/03/10`, the folders of a day.
    pub fn day_folder(self) -> String {
        let p = self.parts();
        format!("{:04}/{:02}/{:02}", p.year, p.month, p.day)
    }

    fn parts(self) -> Parts {
        let (year, month, day) = civil_from_days(self.0.div_euclid(DAY));
        let rest = self.0.rem_euclid(DAY);
        Parts {
            year,
            month,
            day,
            hour: rest / HOUR,
            minute: rest % HOUR / MINUTE,
            second: rest % MINUTE,
        }
    }
}

impl Add<i64> for Time {
    type Output = Self;
    fn add(self, seconds: i64) -> Self {
        Self(self.0 + seconds)
    }
}

impl Sub<i64> for Time {
    type Output = Self;
    fn sub(self, seconds: i64) -> Self {
        Self(self.0 - seconds)
    }
}

// Howard Hinnant's calendar arithmetic: eras of 400 years, years that begin in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[test]
fn times_are_written_as_cloudtrail_writes_them() {
    for text in [
        "1970-01-01T00:00:00Z",
        "2024-02-29T23:05:31Z",
        "2000-03-01T00:00:00Z",
        "2026-12-31T12:00:09Z",
    ] {
        assert_eq!(Time::parse(text).iso(), text);
    }
    assert_eq!(Time::parse("2016-01-29T19:00:00Z"), Time(1_454_094_000));
    assert_eq!(Time(1_454_094_000).compact(), "20160129T190000Z");
    assert_eq!(Time(1_454_094_000).day_folder(), "2016/01/29");
}
