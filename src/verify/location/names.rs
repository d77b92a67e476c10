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
