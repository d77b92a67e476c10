//! The verdict and the exit status.

/// What the whole run comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything asked for was read, and every check held.
    Valid,
    /// Something is proven wrong.
    Invalid,
    /// Nothing is proven wrong, but something asked for could not be verified.
    Unverified,
}

impl Verdict {
    /// As reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Unverified => "unverified",
        }
    }
}

/// What the program tells whoever started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// The verdict is valid.
    Valid,
    /// The verdict is invalid.
    Invalid,
    /// The run could not be set up, or its report could not be written.
    Setup,
    /// The verdict is unverified.
    Unverified,
    /// The run was interrupted.
    Interrupted,
}

impl ExitStatus {
    /// What a run, or its report, comes to.
    pub fn of(verdict: Verdict, interrupted: bool) -> Self {
        match verdict {
            _ if interrupted => Self::Interrupted,
            Verdict::Valid => Self::Valid,
            Verdict::Invalid => Self::Invalid,
            Verdict::Unverified => Self::Unverified,
        }
    }

    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Invalid => 1,
            Self::Setup => 2,
            Self::Unverified => 3,
            Self::Interrupted => 130,
        }
    }
}
