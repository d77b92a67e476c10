//! The JSON Schema of JSON reports, and of the lines of the stream.

use std::io::{self, Write};

/// The schema, as it is committed.
pub const SCHEMA: &str = include_str!("../../schemas/report-v1.json");

/// Writes the schema.
///
/// # Errors
/// Where `out` fails.
pub fn write(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(SCHEMA.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::json::SCHEMA_VERSION;
    use crate::report::named::Named;
    use crate::report::run_info::KeyOrigin;
    use crate::verify::chain::GapCause;
    use crate::verify::conclusion::Verdict;
    use crate::verify::finding::{Code, Severity};
    use crate::verify::query::FileVerdict;

    fn names<T: Named>() -> Vec<Value> {
        T::all().iter().map(|value| value.named().into()).collect()
    }

    #[test]
    fn it_names_what_reports_name() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let definitions = &schema["$defs"];
        for (definition, names) in [
            ("verdict", names::<Verdict>()),
            ("severity", names::<Severity>()),
            ("code", names::<Code>()),
            ("origin", names::<KeyOrigin>()),
            ("cause", names::<GapCause>()),
            ("judged", names::<FileVerdict>()),
        ] {
            assert_eq!(
                definitions[definition]["enum"],
                Value::Array(names),
                "{definition}"
            );
        }
        for report in ["report", "query-report"] {
            let version = &definitions[report]["properties"]["schema_version"];
            assert_eq!(version["const"], SCHEMA_VERSION, "{report}");
        }
    }
}
