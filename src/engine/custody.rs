//! What became of a snapshot since it was taken.

use std::collections::BTreeMap;

use super::run::Shared;
use crate::source::snapshot::{Alteration, Altered, by_object};
use crate::verify::finding::{Code, Finding, Severity, Subject};
use crate::verify::location::RootId;

/// Tells the files that are not what the manifest says: with the finding about the object where
/// there is one, else as a finding of its own.
pub(super) fn tell_altered(shared: &Shared<'_>, findings: &mut Vec<Finding>) {
    let altered = shared.source.altered();
    if altered.is_empty() {
        return;
    }
    let mut about: BTreeMap<(RootId, String), Vec<usize>> = BTreeMap::new();
    for (number, finding) in findings.iter().enumerate() {
        if let Some(object) = object_of(shared, finding) {
            about.entry(object).or_default().push(number);
        }
    }
    // What the user allows makes nothing invalid, so it does not tell an alteration either.
    let allowed = &shared.job.weights.allow;
    let tells = |finding: &Finding| {
        finding.code.severity() == Severity::Invalid && !allowed.contains(&finding.code)
    };
    for (object, altered) in by_object(altered) {
        let known = about.get(&object).map(Vec::as_slice).unwrap_or_default();
        let known = known
            .iter()
            .find(|number| findings.get(**number).is_some_and(tells));
        if let Some(finding) = known.and_then(|number| findings.get_mut(*number)) {
            for one in altered {
                let told = format!("{}; {}", finding.message(), told(one));
                finding.detail = Some(told.into());
            }
        } else {
            let (root, path) = object;
            for one in altered {
                let path = path.as_str().into();
                let time = None;
                findings.push(finding(one, Subject::Listed { root, path, time }));
            }
        }
    }
    let others = altered.iter().filter(|one| one.object.is_none());
    findings.extend(others.map(|one| finding(one, Subject::Run)));
}

/// The object that a finding is about.
fn object_of(shared: &Shared<'_>, finding: &Finding) -> Option<(RootId, String)> {
    match &finding.subject {
        Subject::Run => None,
        Subject::Object(location) => shared.source.elsewhere(RootId(0), location),
        Subject::Listed { root, path, .. } => Some((*root, path.to_string())),
    }
}

fn finding(altered: &Altered, subject: Subject) -> Finding {
    let code = match altered.how {
        Alteration::Missing
        | Alteration::Changed { .. }
        | Alteration::Added
        | Alteration::Contradicts
        | Alteration::Damaged => Code::SnapshotAltered,
        Alteration::Unreadable(_) if altered.file.contains("/CloudTrail/") => Code::LogUnreadable,
        Alteration::Unreadable(_) => Code::DigestUnreadable,
    };
    let finding = Finding::new(code, subject).detail(told(altered));
    match &altered.how {
        Alteration::Changed { expected, actual } => finding.compared(expected, actual),
        Alteration::Missing => finding.compared(&"present", &"absent"),
        Alteration::Added => finding.compared(&"absent", &"present"),
        Alteration::Unreadable(_) | Alteration::Contradicts | Alteration::Damaged => finding,
    }
}

fn told(altered: &Altered) -> String {
    let file = &altered.file;
    match &altered.how {
        Alteration::Missing => {
            format!("the snapshot's manifest names the file {file}, and it is not there")
        }
        Alteration::Changed { .. } => {
            format!("the file {file} is not the one that the snapshot's manifest names")
        }
        Alteration::Added => format!("the snapshot's manifest does not name the file {file}"),
        Alteration::Contradicts => format!(
            "the file {file} tells of the snapshot otherwise than objects.jsonl, which the manifest vouches for"
        ),
        Alteration::Damaged => {
            format!("the snapshot's file {file} has lines that cannot be understood")
        }
        Alteration::Unreadable(why) => {
            format!("the snapshot's file {file} could not be read: {why}")
        }
    }
}
