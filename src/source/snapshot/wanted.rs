//! Which of the objects that a listing shows belong to a range.

use crate::verify::location::{DigestKey, LogPath, folder_day};
use crate::verify::time::{Bounds, NAME_SLACK, TimeRange, minus, plus};

/// Whether a run over `bounds` takes note of the object at `path`, read or not. What a log's name says of
/// its time is believed only where it lies in the day of its folders: whoever plants a log may give it
/// any name.
pub(super) fn is_wanted(bounds: &Bounds, path: &str) -> bool {
    if let Some(key) = DigestKey::parse(path) {
        return bounds.notes_digest(key.end());
    }
    let Some(time) = LogPath::parse(path).and_then(|log| log.time) else {
        return true;
    };
    let start = bounds.start().map(|start| minus(start, NAME_SLACK));
    let end = bounds.end().map(|end| plus(end, NAME_SLACK));
    let is_in_range = start.is_none_or(|start| time >= start) && end.is_none_or(|end| time < end);
    let lies = |day: TimeRange| !day.contains(time) && bounds.reads_day(day.start());
    is_in_range || folder_day(path).is_none_or(lies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_range() {
        let at = |text: &str| text.parse().ok();
        let bounds = Bounds::new(at("2024-03-10T00:00:00Z"), at("2024-03-10T06:00:00Z")).unwrap();
        let log = |folders: &str, time: &str| {
            format!(
                "AWSLogs/123456789012/CloudTrail/us-east-1/{folders}123456789012_CloudTrail_us-east-1_{time}Z_aaaaaaaaaaaaaaaa.json.gz"
            )
        };
        for (folders, time, wanted) in [
            ("2024/03/10/", "20240310T0300", true),
            ("2024/03/10/", "20240310T0614", true),
            ("2024/03/10/", "20240310T0615", false),
            ("2024/03/10/", "20240310T2359", false),
            ("2024/03/09/", "20240309T2345", true),
            ("2024/03/09/", "20240309T2344", false),
            // Names that lie.
            ("2024/03/10/", "20990101T0000", true),
            ("2024/03/10/", "20240309T2300", true),
            ("2024/03/08/", "20990101T0000", false),
            ("2024/03/08/", "20240310T0300", true),
            ("", "20990101T0000", true),
            ("", "20240310T0300", true),
            // No times at all.
            ("2024/03/10/", "whenever", true),
            ("", "whenever", true),
        ] {
            let path = log(folders, time);
            assert_eq!(is_wanted(&bounds, &path), wanted, "{path}");
        }
        let digest = |end: &str| {
            let day = format!("{}/{}/{}", &end[..4], &end[4..6], &end[6..8]);
            format!(
                "AWSLogs/123456789012/CloudTrail-Digest/us-east-1/{day}/123456789012_CloudTrail-Digest_us-east-1_audit_us-east-1_{end}.json.gz"
            )
        };
        for (end, wanted) in [
            ("20240310T080000Z", true),
            ("20240310T080001Z", false),
            // It shows where a copy was cut.
            ("20240309T200001Z", true),
            ("20240309T200000Z", false),
        ] {
            assert_eq!(is_wanted(&bounds, &digest(end)), wanted, "{end}");
        }
        assert!(is_wanted(
            &Bounds::default(),
            &log("2024/03/08/", "20990101T0000")
        ));
    }
}
