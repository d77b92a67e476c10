//! Saved query results of CloudTrail Lake: sign files, and the result files that they name.

mod sign_file;

pub use sign_file::{
    FileName, MAX_SIGN_FILE_LEN, NotASignFile, ResultEntry, UnverifiedSignFile, VerifiedSignFile,
};
