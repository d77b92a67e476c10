//! What became of a snapshot since it was taken.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::Source;
use crate::source::snapshot::{Alteration, Altered, MANIFEST, by_object};
use crate::verify::finding::{Code, Finding, Severity, Subject};
use crate::verify::location::{RootId, is_among_logs};

/// How the objects of a run are called.
pub(super) trait Calling {
    /// What tells objects apart.
    type Object: Ord;

    /// The object that a finding is about, where it is about one.
    fn of_finding(&self, finding: &Finding) -> Option<Self::Object>;

    /// The object at `path` in a root.
    fn of_path(&self, root: RootId, path: &str) -> Self::Object;

    /// What findings about it are about.
    fn subject(&self, root: RootId, path: &str) -> Subject;

    /// The code of a file that cannot be read.
    fn unreadable(&self, file: &str) -> Code;
}

/// Tells the files that are not what the manifest says: with the finding about the object where
/// there is one, else as a finding of its own. What is `allowed` makes nothing invalid, so it does
/// not tell an alteration either.
pub(super) fn tell_altered<C: Calling>(
    altered: &[Altered],
    calling: &C,
    allowed: &BTreeSet<Code>,
    findings: &mut Vec<Finding>,
) {
    if altered.is_empty() {
        return;
    }
    let mut about: BTreeMap<C::Object, Vec<usize>> = BTreeMap::new();
    for (number, finding) in findings.iter().enumerate() {
        if let Some(object) = calling.of_finding(finding) {
            about.entry(object).or_default().push(number);
        }
    }
    let tells = |finding: &Finding| {
        finding.code.severity() == Severity::Invalid && !allowed.contains(&finding.code)
    };
    for ((root, path), altered) in by_object(altered) {
        let known = about.get(&calling.of_path(root, &path));
        let known = known.map(Vec::as_slice).unwrap_or_default();
        let known = known
            .iter()
            .find(|number| findings.get(**number).is_some_and(tells));
        if let Some(finding) = known.and_then(|number| findings.get_mut(*number)) {
            for one in altered {
                let told = finding.message_and(&told(one));
                finding.detail = Some(told.into());
            }
        } else {
            for one in altered {
                findings.push(finding(one, calling, calling.subject(root, &path)));
            }
        }
    }
    let others = altered.iter().filter(|one| one.object.is_none());
    findings.extend(others.map(|one| finding(one, calling, Subject::Run)));
}

/// Digests and logs: told apart by root and path.
pub(super) struct LogsCalling<'a>(pub(super) &'a dyn Source);

impl Calling for LogsCalling<'_> {
    type Object = (RootId, String);

    fn of_finding(&self, finding: &Finding) -> Option<Self::Object> {
        match &finding.subject {
            Subject::Run => None,
            Subject::Object(location) => self.0.elsewhere(RootId(0), location),
            Subject::Listed { root, path, .. } => Some((*root, path.to_string())),
        }
    }

    fn of_path(&self, root: RootId, path: &str) -> Self::Object {
        (root, path.to_owned())
    }

    fn subject(&self, root: RootId, path: &str) -> Subject {
        let path = path.into();
        let time = None;
        Subject::Listed { root, path, time }
    }

    fn unreadable(&self, file: &str) -> Code {
        if is_among_logs(file) {
            Code::LogUnreadable
        } else {
            Code::DigestUnreadable
        }
    }
}

fn finding<C: Calling>(altered: &Altered, calling: &C, subject: Subject) -> Finding {
    let code = match altered.how {
        Alteration::Missing
        | Alteration::Changed { .. }
        | Alteration::Added
        | Alteration::Contradicts
        | Alteration::Damaged
        | Alteration::Stray
        | Alteration::Doubled => Code::SnapshotAltered,
        Alteration::Unreadable(_) => calling.unreadable(&altered.file),
    };
    let finding = Finding::new(code, subject).detail(told(altered));
    match &altered.how {
        Alteration::Changed { expected, actual } => finding.compared(expected, actual),
        Alteration::Missing => finding.compared(&"present", &"absent"),
        Alteration::Added => finding.compared(&"absent", &"present"),
        Alteration::Unreadable(_)
        | Alteration::Contradicts
        | Alteration::Damaged
        | Alteration::Stray
        | Alteration::Doubled => finding,
    }
}

fn told(altered: &Altered) -> String {
    let file = &altered.file;
    match &altered.how {
        Alteration::Missing if file == MANIFEST => {
            format!("the snapshot's manifest {file}, which snapshot.json names, is not there")
        }
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
        Alteration::Stray => {
            format!("the file {file} belongs to no object that the snapshot tells of")
        }
        Alteration::Doubled => format!(
            "the file {file} lies under the key of an object that objects.jsonl says lies in another file"
        ),
        Alteration::Unreadable(why) => {
            format!("the snapshot's file {file} could not be read: {why}")
        }
    }
}
