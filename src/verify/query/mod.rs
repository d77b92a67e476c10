//! Saved query results of CloudTrail Lake: sign files, and the result files that they name.

mod conclusion;
mod folder;
mod sign_file;
mod tally;

pub use conclusion::{ExportResult, QueryConclusion};
pub use folder::{
    ExportFolder, LAKE_FOLDER, SIGN_FILE, is_of_an_export, is_result_name, looks_like_a_result,
};
pub use sign_file::{
    FileName, MAX_SIGN_FILE_LEN, NotASignFile, ResultEntry, UnverifiedSignFile, VerifiedSignFile,
};
pub use tally::{Claims, ExportTally, FileVerdict, QueryTally, QueryWeights, ResultCounts};

#[cfg(test)]
mod tests;
