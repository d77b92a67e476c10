//! Where exports lie: the folder of a saved query result, and the names in it.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::location::{AWS_LOGS, is_account, is_organization, split_key};
use super::super::time::parse_day;

/// The folder of CloudTrail Lake, in an account's folder.
pub const LAKE_FOLDER: &str = "CloudTrail-Lake";
/// The name of every sign file.
pub const SIGN_FILE: &str = "result_sign.json";

/// What the folder of an export says of it. Nothing of it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportFolder {
    /// The organization's id, where one stands there.
    pub organization: Option<Arc<str>>,
    /// The account's twelve digits.
    pub account: Arc<str>,
    /// The day, in UTC.
    pub day: Timestamp,
    /// The query's id.
    pub query_id: Arc<str>,
}

impl ExportFolder {
    /// Reads a key such as `[prefix/]AWSLogs/ACCOUNT/CloudTrail-Lake/Query/YYYY/MM/DD/QUERY_ID`.
    pub fn parse(folder: &str) -> Option<Self> {
        let (_, path) = split_key(folder)?;
        let rest = path.strip_prefix(AWS_LOGS)?.strip_prefix('/')?;
        let mut parts = rest.split('/');
        let first = parts.next()?;
        let (organization, account) = if is_organization(first) {
            (Some(first), parts.next()?)
        } else {
            (None, first)
        };
        if !is_account(account) || parts.next()? != LAKE_FOLDER || parts.next()? != "Query" {
            return None;
        }
        let day = parse_day(parts.next()?, parts.next()?, parts.next()?)?;
        let query_id = parts.next().filter(|id| !id.is_empty())?;
        parts.next().is_none().then(|| Self {
            organization: organization.map(Into::into),
            account: account.into(),
            day,
            query_id: query_id.into(),
        })
    }
}

/// Whether CloudTrail Lake names result files so: `result_N.csv.gz`.
pub fn is_result_name(name: &str) -> bool {
    name.strip_prefix("result_")
        .and_then(|rest| rest.strip_suffix(".csv.gz"))
        .is_some_and(|number| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
}

/// Whether a name beside a sign file can pass for that of a result file: query engines read all
/// that lies in a folder, whatever its exact name.
pub fn looks_like_a_result(name: &str) -> bool {
    let name = name.to_lowercase();
    let is_ours = name == SIGN_FILE || name.ends_with(".metadata.json");
    let is_table = [".csv", ".csv.gz"]
        .iter()
        .any(|ending| name.ends_with(ending));
    !is_ours && (is_table || name.starts_with("result_"))
}

/// Whether an object can belong to an export by its name.
pub fn is_of_an_export(name: &str) -> bool {
    name == SIGN_FILE || looks_like_a_result(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_tells_account_day_and_query() {
        let path = "AWSLogs/111122223333/CloudTrail-Lake/Query/2024/03/10/7c5b-1";
        for prefix in ["", "p q/", "AWSLogs/"] {
            let read = ExportFolder::parse(&format!("{prefix}{path}")).unwrap();
            assert_eq!(&*read.account, "111122223333");
            assert_eq!(read.day, "2024-03-10T00:00:00Z".parse().unwrap());
            assert_eq!((&*read.query_id, read.organization), ("7c5b-1", None));
        }
        let of_organization = path.replacen('/', "/o-abcde12345/", 1);
        let read = ExportFolder::parse(&of_organization).unwrap();
        assert_eq!(read.organization.as_deref(), Some("o-abcde12345"));
        for other in [
            "",
            "export",
            "AWSLogs/111122223333/CloudTrail-Lake/Query/2024/03/10",
            "AWSLogs/111122223333/CloudTrail-Lake/Query/2024/03/10/a/b",
            "AWSLogs/111122223333/CloudTrail-Lake/Query/2024/13/10/a",
            "AWSLogs/111122223333/CloudTrail/us-east-1/2024/03/10/a",
        ] {
            assert_eq!(ExportFolder::parse(other), None, "{other}");
        }
    }

    #[test]
    fn result_files_are_known_by_their_names() {
        assert!(is_result_name("result_1.csv.gz") && is_result_name("result_10000.csv.gz"));
        for other in [
            "result_.csv.gz",
            "result_a.csv.gz",
            "result_1.csv",
            "data.csv.gz",
        ] {
            assert!(!is_result_name(other), "{other}");
        }
        for passing in ["result_2.csv.gz", "Result_2.CSV.GZ", "more.csv", "result_2"] {
            assert!(looks_like_a_result(passing), "{passing}");
        }
        for other in [
            "result_sign.json",
            "result_sign.json.metadata.json",
            "notes.txt",
        ] {
            assert!(!looks_like_a_result(other), "{other}");
        }
        assert!(is_of_an_export(SIGN_FILE) && is_of_an_export("more.csv"));
        assert!(!is_of_an_export("notes.txt"));
    }
}
