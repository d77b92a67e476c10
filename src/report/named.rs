//! Enums that reports write by name.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::Serializer;

use super::run_info::KeyOrigin;
use crate::verify::chain::GapCause;
use crate::verify::conclusion::Verdict;
use crate::verify::finding::{Code, Severity};
use crate::verify::query::FileVerdict;

/// An enum with a fixed name for each value.
pub trait Named: Copy + 'static {
    /// What a value of it is called in error messages.
    const WHAT: &'static str;

    /// Every value.
    fn all() -> &'static [Self];

    /// The name of this one.
    fn named(self) -> &'static str;
}

impl Named for Verdict {
    const WHAT: &'static str = "verdict";

    fn all() -> &'static [Self] {
        &[Self::Valid, Self::Invalid, Self::Unverified]
    }

    fn named(self) -> &'static str {
        self.name()
    }
}

impl Named for Severity {
    const WHAT: &'static str = "severity";

    fn all() -> &'static [Self] {
        &[Self::Notice, Self::Unverified, Self::Invalid]
    }

    fn named(self) -> &'static str {
        self.name()
    }
}

impl Named for Code {
    const WHAT: &'static str = "finding code";

    fn all() -> &'static [Self] {
        Self::ALL
    }

    fn named(self) -> &'static str {
        self.name()
    }
}

impl Named for KeyOrigin {
    const WHAT: &'static str = "origin of keys";

    fn all() -> &'static [Self] {
        &Self::ALL
    }

    fn named(self) -> &'static str {
        self.name()
    }
}

impl Named for FileVerdict {
    const WHAT: &'static str = "verdict on a file";

    fn all() -> &'static [Self] {
        &[Self::Valid, Self::Invalid, Self::Missing, Self::Unverified]
    }

    fn named(self) -> &'static str {
        self.name()
    }
}

impl Named for GapCause {
    const WHAT: &'static str = "cause of a gap";

    fn all() -> &'static [Self] {
        &[
            Self::StartingDigest,
            Self::DigestMissing,
            Self::DigestInvalid,
            Self::DigestUnverified,
            Self::NotContiguous,
            Self::StartsLate,
            Self::EndsEarly,
        ]
    }

    fn named(self) -> &'static str {
        match self {
            Self::StartingDigest => "starting-digest",
            Self::DigestMissing => "digest-missing",
            Self::DigestInvalid => "digest-invalid",
            Self::DigestUnverified => "digest-unverified",
            Self::NotContiguous => "not-contiguous",
            Self::StartsLate => "starts-late",
            Self::EndsEarly => "ends-early",
        }
    }
}

/// Writes a value by its name; for `#[serde(with = …)]`.
///
/// # Errors
/// Where the serializer fails.
pub fn serialize<T: Named, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.named())
}

/// Reads a value by its name; for `#[serde(with = …)]`.
///
/// # Errors
/// Where nothing is named so.
pub fn deserialize<'de, T: Named, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let name = String::deserialize(deserializer)?;
    let named = T::all().iter().find(|value| value.named() == name);
    named
        .copied()
        .ok_or_else(|| D::Error::custom(format!("{name:?} is not a known {}", T::WHAT)))
}

/// The same for lists.
pub mod list {
    use serde::de::{Deserialize, Deserializer};
    use serde::ser::{Serialize, Serializer};

    use super::Named;

    struct ByName<T>(T);

    impl<T: Named> Serialize for ByName<T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            super::serialize(&self.0, serializer)
        }
    }

    impl<'de, T: Named> Deserialize<'de> for ByName<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            super::deserialize(deserializer).map(Self)
        }
    }

    /// Writes values by their names.
    ///
    /// # Errors
    /// Where the serializer fails.
    pub fn serialize<T: Named, S: Serializer>(
        values: impl AsRef<[T]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.as_ref().iter().map(|value| ByName(*value)))
    }

    /// Reads values by their names.
    ///
    /// # Errors
    /// Where nothing is named so.
    pub fn deserialize<'de, T: Named, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<T>, D::Error> {
        let values = Vec::<ByName<T>>::deserialize(deserializer)?;
        Ok(values.into_iter().map(|value| value.0).collect())
    }
}
