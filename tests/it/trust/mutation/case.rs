//! One mutation, what must be said of it, and whether that was said.

use ct_verify::verify::{conclusion::Verdict, finding::Severity};

use super::plain::inflated;
use crate::{
    forge::{Archive, At},
    trust::judge::{Found, Judged, Run, judge},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Digest,
    Log,
}

/// An object that is tampered with.
#[derive(Clone, Debug)]
pub struct Target {
    pub kind: Kind,
    /// Which of its kind it is: a column of the table.
    pub name: &'static str,
    pub at: At,
    /// Whether the next digest names it, and so proves it without its metadata.
    pub has_successor: bool,
    /// Where its loss shows: at itself, or at the logs that nothing names then.
    pub missed_at: Vec<At>,
}

/// What must be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A finding that weighs at each of these objects, and no accusation of any other.
    Told(Vec<At>),
    /// The same, unless what the object holds did not change.
    ToldUnlessSame(At),
    /// A finding that weighs, of the chain as a whole.
    ToldOfChain,
    /// It changes nothing that is signed or hashed: valid.
    Nothing(&'static str),
    /// No digest proves it: at most a notice of this code.
    Notice(&'static str, &'static str),
}

pub type Change = Box<dyn Fn(&mut Archive) + Send + Sync>;

pub struct Case {
    /// What is done: a row of the table.
    pub row: String,
    /// Exactly which case of it this is.
    pub name: String,
    pub change: Change,
    pub expected: Expected,
}

impl Case {
    pub fn new(
        row: impl Into<String>,
        name: impl Into<String>,
        expected: Expected,
        change: impl Fn(&mut Archive) + Send + Sync + 'static,
    ) -> Self {
        Self {
            row: row.into(),
            name: name.into(),
            change: Box::new(change),
            expected,
        }
    }
}

/// What came of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// Told, at the right object, by these codes.
    Told(Vec<&'static str>),
    /// It changes nothing, and nothing was said.
    Nothing,
    /// What was said is not what must be said.
    Wrong(String),
}

/// Does it, and has it judged.
pub fn outcome(archive: &Archive, case: &Case, how: Run) -> Came {
    let mut changed = archive.clone();
    (case.change)(&mut changed);
    let judged = judge(&changed.store, how);
    let wrong = |why: &str| {
        Came::Wrong(format!(
            "{}: {}: {why}; {:?}, {:?}",
            case.row,
            case.name,
            judged.verdict,
            judged
                .findings
                .iter()
                .map(|it| (it.code, it.key.as_deref()))
                .collect::<Vec<_>>()
        ))
    };
    match &case.expected {
        Expected::Told(at) => told(archive, &judged, at).unwrap_or_else(|why| wrong(&why)),
        Expected::ToldUnlessSame(at) => {
            let before = archive.store.content(at);
            let now = changed.store.objects.get(at);
            let is_same = now.is_some_and(|now| inflated(&now.body).as_ref() == Some(&before));
            match told(archive, &judged, std::slice::from_ref(at)) {
                Ok(told) => told,
                Err(_) if is_same && judged.verdict == Verdict::Valid => Came::Nothing,
                Err(why) => wrong(&why),
            }
        }
        Expected::ToldOfChain => {
            let weighs = |code: &str| {
                let mut findings = judged.findings.iter();
                findings.any(|found| found.code == code && found.weighs() && found.chain.is_some())
            };
            if weighs("coverage-ends-early") {
                Came::Told(vec!["coverage-ends-early"])
            } else {
                wrong("it is not told that the chain ends early")
            }
        }
        Expected::Nothing(_) if judged.verdict == Verdict::Valid => Came::Nothing,
        Expected::Nothing(_) => wrong("it changes nothing that is proven"),
        Expected::Notice(code, _) if judged.verdict == Verdict::Valid => {
            if judged.codes().contains(code) {
                Came::Nothing
            } else {
                wrong("not even a notice")
            }
        }
        Expected::Notice(..) => wrong("it was told: the table is to say so"),
    }
}

fn told(archive: &Archive, judged: &Judged, at: &[At]) -> Result<Came, String> {
    if judged.verdict == Verdict::Valid {
        return Err("it is called valid".into());
    }
    let mut codes = Vec::new();
    for object in at {
        let findings = judged.findings.iter().filter(|found| found.weighs());
        let about: Vec<_> = findings.filter(|found| found.is_about(object)).collect();
        if about.is_empty() {
            return Err(format!("nothing is told of {object:?}"));
        }
        codes.extend(about.iter().map(|found| found.code));
    }
    // What a broken digest named, nothing names any more.
    let digests = archive.chains.iter().flat_map(|chain| &chain.digests);
    let broken = digests.filter(|digest| at.contains(&digest.at));
    let abandoned: Vec<_> = broken.flat_map(|digest| &digest.logs).collect();
    let is_due = |found: &Found| {
        let of_digest = found.code == "log-unreferenced";
        at.iter().any(|object| found.is_about(object))
            || of_digest && abandoned.iter().any(|log| found.is_about(log))
    };
    let accused = judged.findings.iter();
    let mut accused = accused.filter(|found| found.severity == Severity::Invalid);
    if let Some(other) = accused.find(|found| !is_due(found)) {
        return Err(format!(
            "another object is accused: {} {:?}",
            other.code, other.key
        ));
    }
    codes.sort_unstable();
    codes.dedup();
    Ok(Came::Told(codes))
}
