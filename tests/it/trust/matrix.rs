//! The table of all mutations: what is done, to which object, and how often it was told. It is in docs/mutations.md.
//!
//! `cargo test` does one in twenty-four of each cell, and holds the number of them all against the table;
//! `cargo test --test it regenerate_mutations -- --ignored` does them all, and writes the table anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use ct_verify::verify::conclusion::Verdict;

use super::{
    judge::{Run, judge},
    mutation::{self, Came, Case, Expected, Kind, Target, outcome},
};
use crate::forge::{Archive, At, Kind as LogKind, Logs, Time, Trail};

const AGAIN: &str =
    "`cargo test --test it regenerate_mutations -- --ignored` does them all, and writes the table";
const DIGESTS: [&str; 5] = ["starting", "first", "middle", "newest", "backfill"];
const LOGS: [&str; 5] = ["first", "middle", "newest", "backfilled", "Insight"];

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/mutations.md")
}

/// Four hours of one trail, a log an hour and one of Insight, and a backfill digest.
fn archive() -> Archive {
    let mut trail = Trail::new("audit", "2024-03-10T00:00:00Z", 4)
        .backfill(&[1])
        .logs(Logs::Each(1))
        .other(LogKind::Insight, true);
    trail.events_per_log = 1;
    trail.archive()
}

/// From the beginning of the starting digest to an hour after the newest one: digests may be that late.
fn how() -> Run {
    let start = Time::parse("2024-03-09T23:00:00Z");
    let end = Time::parse("2024-03-10T05:00:00Z");
    Run {
        range: Some((start, end)),
        ..Run::default()
    }
}

fn targets(archive: &Archive) -> Vec<Target> {
    let (hourly, backfill) = (&archive.chains[0].digests, &archive.chains[1].digests[0]);
    let digest = |name, at: &At, missed_at: Vec<At>| Target {
        kind: Kind::Digest,
        name,
        at: at.clone(),
        has_successor: !matches!(name, "newest" | "backfill"),
        missed_at,
    };
    let log = |name, at: &At| Target {
        kind: Kind::Log,
        name,
        at: at.clone(),
        has_successor: false,
        missed_at: vec![at.clone()],
    };
    let own = |index: usize| vec![hourly[index].at.clone()];
    let of_hour = |index: usize, insight: bool| {
        let mut logs = hourly[index].logs.iter();
        logs.find(|at| at.1.contains("Insight") == insight)
            .expect("a log")
    };
    vec![
        digest("starting", &hourly[0].at, own(0)),
        digest("first", &hourly[1].at, own(1)),
        digest("middle", &hourly[2].at, own(2)),
        digest("newest", &hourly[4].at, vec![]),
        digest("backfill", &backfill.at, backfill.logs.clone()),
        log("first", of_hour(1, false)),
        log("middle", of_hour(2, false)),
        log("newest", of_hour(4, false)),
        log("backfilled", &backfill.logs[0]),
        log("Insight", of_hour(2, true)),
    ]
}

/// Which table, row and column a case belongs to.
type Cell = (&'static str, String, &'static str);

/// All there is to do, in the order of the tables.
fn all(archive: &Archive) -> Vec<(Cell, Case)> {
    let mut cases = Vec::new();
    for target in targets(archive) {
        let table = match target.kind {
            Kind::Digest => "a digest",
            Kind::Log => "a log",
        };
        for case in mutation::of_one(archive, &target) {
            cases.push(((table, case.row.clone(), target.name), case));
        }
    }
    for case in mutation::of_many(archive) {
        cases.push((
            ("several objects, or new ones", case.row.clone(), "cases"),
            case,
        ));
    }
    cases
}

/// What came of all cases of a cell.
#[derive(Clone, Debug, Default)]
struct Count {
    told: usize,
    noticed: usize,
    nothing: usize,
}

#[derive(Default)]
struct Results {
    counts: BTreeMap<Cell, Count>,
    codes: BTreeMap<(&'static str, String), BTreeSet<&'static str>>,
    reasons: BTreeMap<(&'static str, String), BTreeSet<&'static str>>,
    wrong: Vec<String>,
}

/// Does these cases, on two threads.
fn carry_out(archive: &Archive, cases: &[(Cell, Case)]) -> Results {
    let clean = judge(&archive.store, how());
    assert_eq!(clean.verdict, Verdict::Valid, "{:#?}", clean.findings);
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Results::default()));
    let work = || {
        while let Some((cell, case)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let came = outcome(archive, case, how());
            results.lock().unwrap().take(cell, case, came);
        }
    };
    thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    results.into_inner().unwrap()
}

impl Results {
    fn take(&mut self, cell: &Cell, case: &Case, outcome: Came) {
        let row = (cell.0, cell.1.clone());
        let count = self.counts.entry(cell.clone()).or_default();
        match outcome {
            Came::Told(codes) => {
                count.told += 1;
                self.codes.entry(row).or_default().extend(codes);
            }
            Came::Nothing => {
                match case.expected {
                    Expected::Notice(..) => count.noticed += 1,
                    Expected::Told(_)
                    | Expected::ToldUnlessSame(_)
                    | Expected::ToldOfChain
                    | Expected::Nothing(_) => count.nothing += 1,
                }
                let reason = match case.expected {
                    Expected::Nothing(why) | Expected::Notice(_, why) => why,
                    Expected::Told(_) | Expected::ToldUnlessSame(_) | Expected::ToldOfChain => {
                        "the content inflates to the same bytes"
                    }
                };
                self.reasons.entry(row).or_default().insert(reason);
            }
            Came::Wrong(why) => self.wrong.push(format!("{cell:?}: {why}")),
        }
    }

    fn table(&self, name: &'static str, columns: &[&'static str], rows: &[String]) -> String {
        let mut out = format!("\n## Done to {name}\n\n| what is done |");
        for column in columns {
            write!(out, " {column} |").unwrap();
        }
        out.push_str(" told as |\n|---|");
        out.push_str(&"---|".repeat(columns.len() + 1));
        out.push('\n');
        for row in rows {
            write!(out, "| {row} |").unwrap();
            for column in columns {
                let cell = self.counts.get(&(name, row.clone(), column));
                write!(out, " {} |", cell.map_or("–".into(), cell_text)).unwrap();
            }
            let codes = self.codes.get(&(name, row.clone()));
            let codes = codes.into_iter().flatten();
            let codes: Vec<_> = codes.map(|code| format!("`{code}`")).collect();
            let reasons = self.reasons.get(&(name, row.clone()));
            let reasons = reasons.into_iter().flatten();
            let told = codes.join(", ");
            let reasons: Vec<_> = reasons.map(|why| format!("the rest: {why}")).collect();
            let said: Vec<_> = [told, reasons.join("; ")]
                .into_iter()
                .filter(|it| !it.is_empty())
                .collect();
            writeln!(out, " {} |", said.join("; ")).unwrap();
        }
        out
    }
}

fn cell_text(count: &Count) -> String {
    let Count {
        told,
        noticed,
        nothing,
    } = count;
    let parts = [
        (*told > 0).then(|| format!("{told} of {told}")),
        (*noticed > 0).then(|| format!("{noticed} noticed")),
        (*nothing > 0).then(|| format!("{nothing} change nothing")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// How many cases a cell of the table counts.
fn counted(cell: &str) -> usize {
    let words: Vec<_> = cell
        .split([' ', ','])
        .filter(|word| !word.is_empty())
        .collect();
    let before = |next: &str| {
        let at = words.iter().position(|word| *word == next);
        at.map_or(0, |at| words[at - 1].parse().expect("a number"))
    };
    before("of") + before("noticed") + before("change")
}

/// The rows of a table, in the order in which they first come.
fn rows(cases: &[(Cell, Case)], name: &str) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for ((table, row, _), _) in cases {
        if *table == name && !rows.contains(row) {
            rows.push(row.clone());
        }
    }
    rows
}

const TABLES: [(&str, &[&str]); 3] = [
    ("a digest", &DIGESTS),
    ("a log", &LOGS),
    ("several objects, or new ones", &["cases"]),
];

fn page(results: &Results, cases: &[(Cell, Case)]) -> String {
    let told: usize = results.counts.values().map(|count| count.told).sum();
    let nothing: usize = results.counts.values().map(|count| count.nothing).sum();
    let noticed: usize = results.counts.values().map(|count| count.noticed).sum();
    let mut out = format!(
        "# Every mutation, and whether it is told\n\n\
         An archive of four hours is forged, with logs, an Insight log an hour, a starting digest and a backfill digest. Then one\n\
         thing at a time is done to it, and it is judged. **{told} of {told}** mutations are told: the verdict is not `valid`, the\n\
         finding names the object that was tampered with (or the chain, where its end was cut off), and no other object is\n\
         accused. {nothing} more change nothing that any digest proves, and are no faults; {noticed} are told as notices, since no digest\n\
         proves anything of them. Why, the last column says. What an object holds is decided there by another inflater than\n\
         the library's.\n\n\
         The signature under a changed field is, in turn, left as it was, taken away, made with another key, and made with\n\
         another key that the digest then names. A digest that is deleted with nothing after it leaves no name behind: it shows\n\
         in that the chain ends early. A backfill digest that is deleted shows in the log that nothing names any more.\n\n\
         This page is written by `cargo test --test it regenerate_mutations -- --ignored`, which does all of it;\n\
         `cargo test` does every twenty-fourth case of each cell.\n"
    );
    for (name, columns) in TABLES {
        out.push_str(&results.table(name, columns, &rows(cases, name)));
    }
    out
}

#[test]
#[ignore = "does every mutation, and writes docs/mutations.md"]
fn regenerate_mutations() {
    let archive = archive();
    let cases = all(&archive);
    let results = carry_out(&archive, &cases);
    assert!(results.wrong.is_empty(), "{:#?}", results.wrong);
    fs::write(file(), page(&results, &cases)).unwrap();
}

#[test]
fn a_part_of_every_cell_is_told() {
    let archive = archive();
    let mut seen: BTreeMap<Cell, usize> = BTreeMap::new();
    let is_taken = |(cell, _): &(Cell, Case)| {
        let count = seen.entry(cell.clone()).or_default();
        *count += 1;
        *count % 24 == 1
    };
    let some: Vec<_> = all(&archive).into_iter().filter(is_taken).collect();
    let results = carry_out(&archive, &some);
    assert!(results.wrong.is_empty(), "{:#?}", results.wrong);
}

#[test]
fn the_table_counts_every_mutation() {
    let page = fs::read_to_string(file()).expect(AGAIN);
    let cases = all(&archive());
    let mut counts: BTreeMap<&Cell, usize> = BTreeMap::new();
    for (cell, _) in &cases {
        *counts.entry(cell).or_default() += 1;
    }
    for (name, columns) in TABLES {
        let section = page.split("\n## Done to ").find(|it| it.starts_with(name));
        let lines = section
            .expect(AGAIN)
            .lines()
            .filter(|line| line.starts_with("| "));
        let written: Vec<Vec<&str>> = lines
            .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
            .collect();
        let rows = rows(&cases, name);
        let names: Vec<_> = written[1..].iter().map(|line| line[0].to_owned()).collect();
        assert_eq!(names, rows, "{AGAIN}");
        for line in &written[1..] {
            for (column, cell) in columns.iter().zip(&line[1..]) {
                let known = counts.get(&(name, line[0].to_owned(), *column));
                assert_eq!(
                    counted(cell),
                    known.copied().unwrap_or(0),
                    "{name} {} {column}: {AGAIN}",
                    line[0]
                );
            }
        }
    }
}
