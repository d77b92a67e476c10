//! Numbers, sizes and lengths of time, as people read them.

use jiff::{SignedDuration, Timestamp};

/// `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 log`, `1,234 logs`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `1.5 GB`, in powers of a thousand.
pub fn bytes(number: u64) -> String {
    let mut unit = 1_u64;
    let mut name = "B";
    for (next, next_name) in [
        (1_000, "kB"),
        (1_000_000, "MB"),
        (1_000_000_000, "GB"),
        (1_000_000_000_000, "TB"),
        (1_000_000_000_000_000, "PB"),
    ] {
        if number >= next {
            (unit, name) = (next, next_name);
        }
    }
    let (whole, tenths) = (number / unit, number % unit / (unit / 10).max(1));
    if unit == 1 || whole >= 100 {
        return format!("{} {name}", count(whole));
    }
    format!("{whole}.{tenths} {name}")
}

/// `3 d 4 h`, `1 h 5 min`, `12 s`: the two largest units.
pub fn duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let first = parts.iter().position(|(number, _)| *number > 0);
    let Some(first) = first else {
        return "0 s".to_owned();
    };
    let shown = parts[first..].iter().take(2);
    let shown = shown.filter(|(number, _)| *number > 0);
    let shown: Vec<_> = shown
        .map(|(number, unit)| format!("{number} {unit}"))
        .collect();
    shown.join(" ")
}

/// How long it is from one instant to another.
pub fn between(start: Timestamp, end: Timestamp) -> String {
    duration(end.duration_since(start))
}

/// How much of a whole, in percent; never rounded up to all of it, nor down to nothing.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    let permille_tenths = u128::from(part) * 10_000 / u128::from(whole);
    match permille_tenths {
        0 if part > 0 => "<0.01 %".to_owned(),
        10_000.. => "100 %".to_owned(),
        some if !(100..9_900).contains(&some) => format!("{}.{:02} %", some / 100, some % 100),
        some => format!("{}.{} %", some / 100, some % 100 / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_rounded_down() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(1, "log", "logs"), "1 log");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_999), "1.9 kB");
        assert_eq!(bytes(123_456_789_012), "123 GB");
        assert_eq!(bytes(u64::MAX), "18,446 PB");
        assert_eq!(percent(9_999_999, 10_000_000), "99.99 %");
        assert_eq!(percent(1, 10_000_000), "<0.01 %");
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!(percent(5, 5), "100 %");
        assert_eq!(percent(0, 0), "-");
        assert_eq!(percent(0, 5), "0.00 %");
    }

    #[test]
    fn times_take_their_two_largest_units() {
        let told = |seconds| duration(SignedDuration::from_secs(seconds));
        assert_eq!(told(0), "0 s");
        assert_eq!(told(59), "59 s");
        assert_eq!(told(3600), "1 h");
        assert_eq!(told(3660), "1 h 1 min");
        assert_eq!(told(90_061), "1 d 1 h");
        assert_eq!(told(-5), "0 s");
    }
}
