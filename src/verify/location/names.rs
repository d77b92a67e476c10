//! What names accounts, organizations, regions and trails can have.

/// Twelve digits.
pub fn is_account(name: &str) -> bool {
    name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// `o-` and ten to 32 letters and digits.
pub fn is_organization(name: &str) -> bool {
    name.strip_prefix("o-").is_some_and(|id| {
        (1..=32).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

/// A region's name, in any partition: lower-case letters, digits and hyphens.
pub fn is_region(name: &str) -> bool {
    (4..=40).contains(&name.len())
        && name.contains('-')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// A trail's name: letters, digits, periods, underscores and hyphens.
pub fn is_trail(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_twelve_digits() {
        assert!(is_account("123456789012"));
        for other in [
            "",
            "12345678901",
            "1234567890123",
            "12345678901a",
            "12345678901٣",
            "o-1",
        ] {
            assert!(!is_account(other), "{other}");
        }
    }

    #[test]
    fn organizations_have_an_id() {
        assert!(
            is_organization("o-abcde12345") && is_organization(&format!("o-{}", "a".repeat(32)))
        );
        for other in ["o-", "abcde12345", "o-ABCDE12345", "o-abc/e", "o-abcé"] {
            assert!(!is_organization(other), "{other}");
        }
        assert!(!is_organization(&format!("o-{}", "a".repeat(33))));
    }

    #[test]
    fn regions_and_trails_have_names() {
        for region in ["us-east-1", "us-gov-west-1", "us-isob-east-1", "a-b1"] {
            assert!(is_region(region), "{region}");
        }
        for other in [
            "a-1",
            "useast1",
            "us_east-1",
            "US-east-1",
            "us-east-1/",
            "../-..",
            "us-east-é",
        ] {
            assert!(!is_region(other), "{other}");
        }
        assert!(is_region(&format!("a-{}", "b".repeat(38))));
        assert!(!is_region(&format!("a-{}", "b".repeat(39))));
        assert!(is_trail("Foo.bar_baz-1") && is_trail("x") && is_trail(&"x".repeat(128)));
        for other in ["", "a b", "a/b", "é"] {
            assert!(!is_trail(other), "{other}");
        }
        assert!(!is_trail(&"x".repeat(129)));
    }
}
