//! README.md keeps its word: its commands are commands, what it shows them print is what they print, its table of
//! findings is that of the code, and what it links to is there.
//!
//! `cargo test --test it regenerate_readme -- --ignored` writes outputs and table anew.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use clap::Parser as _;
use ct_verify::{cli::Cli, verify::finding::Code};

use crate::harness::program;

const AGAIN: &str = "`cargo test --test it regenerate_readme -- --ignored` writes it anew";
const BUILT: &str = "cargo run --release -- ";
const INSTALLED: &str = "ct-verify ";
const TABLE: [&str; 2] = ["<!-- findings: begin -->\n", "<!-- findings: end -->\n"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("README.md")
}

/// The arguments of a command line of the README, where it is one of `ct-verify`.
fn arguments(line: &str) -> Option<Vec<&str>> {
    let line = line.strip_prefix("$ ").unwrap_or(line);
    let rest = line
        .strip_prefix(BUILT)
        .or_else(|| line.strip_prefix(INSTALLED))?;
    let command = rest.split(" | ").next().unwrap_or(rest);
    Some(command.split_whitespace().collect())
}

/// What a command of the README prints on standard output.
fn output(arguments: &[&str]) -> String {
    let output = program()
        .current_dir(root())
        .args(arguments)
        .output()
        .expect("the program runs");
    assert!(output.stderr.is_empty(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("output in UTF-8")
}

/// The README with the output of every command that it shows in a `console` block.
fn with_outputs(readme: &str) -> String {
    let mut made = String::new();
    let mut lines = readme.split_inclusive('\n');
    while let Some(line) = lines.next() {
        made.push_str(line);
        if line != "```console\n" {
            continue;
        }
        let mut last = "";
        for line in lines.by_ref().take_while(|line| {
            last = line;
            *line != "```\n"
        }) {
            if line.starts_with("$ ") {
                made.push_str(line);
                let arguments = arguments(line).expect("a command of ct-verify");
                made.push_str(&output(&arguments));
            }
        }
        made.push_str(last);
    }
    made
}

fn with_table(readme: &str) -> String {
    let mut table = String::from("| code | severity | meaning |\n|---|---|---|\n");
    for code in Code::ALL {
        let (severity, meaning) = (code.severity().name(), code.meaning());
        writeln!(table, "| `{code}` | {severity} | {meaning} |").expect("a string");
    }
    let (before, rest) = readme.split_once(TABLE[0]).expect("the table's beginning");
    let (_, after) = rest.split_once(TABLE[1]).expect("the table's end");
    format!("{before}{}{table}{}{after}", TABLE[0], TABLE[1])
}

#[test]
#[ignore = "writes README.md anew"]
fn regenerate_readme() {
    fs::write(
        root().join("README.md"),
        with_outputs(&with_table(&readme())),
    )
    .expect("README.md");
}

#[test]
fn the_table_of_findings_is_that_of_the_code() {
    let readme = readme();
    assert!(
        readme == with_table(&readme),
        "the table of findings: {AGAIN}"
    );
}

#[test]
fn commands_print_what_the_readme_shows() {
    let readme = readme();
    pretty(&readme, &with_outputs(&readme));
}

#[track_caller]
fn pretty(shown: &str, printed: &str) {
    for (number, (shown, printed)) in shown.lines().zip(printed.lines()).enumerate() {
        assert_eq!(shown, printed, "README.md, line {}: {AGAIN}", number + 1);
    }
    assert_eq!(shown.len(), printed.len(), "{AGAIN}");
}

#[test]
fn every_command_of_the_readme_is_one() {
    let readme = readme().replace("\\\n", " ");
    let mut count = 0;
    for arguments in readme.lines().filter_map(arguments) {
        let words = ["ct-verify"].into_iter().chain(arguments.iter().copied());
        if let Err(error) = Cli::try_parse_from(words) {
            panic!("{arguments:?}: {error}");
        }
        count += 1;
    }
    assert!(count > 8, "only {count} commands found");
}

/// The dependencies of Cargo.toml: name, and what follows it.
fn dependencies(manifest: &str) -> Vec<(&str, &str)> {
    let mut is_dependency = false;
    let mut found = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_dependency = line.ends_with("dependencies]");
        } else if is_dependency {
            found.extend(line.split_once(" = "));
        }
    }
    found
}

#[test]
fn every_dependency_has_its_reason() {
    let read = |name: &str| fs::read_to_string(root().join(name)).expect("a file");
    let (manifest, architecture) = (read("Cargo.toml"), read("ARCHITECTURE.md"));
    let (_, rows) = architecture
        .split_once("## Dependencies\n")
        .expect("a section on dependencies");
    let rows = rows.lines().filter_map(|line| line.strip_prefix("| "));
    let crates = rows.filter_map(|row| row.split('|').next());
    let reasoned: BTreeSet<&str> = crates
        .flat_map(|names| names.split([',', ' ']))
        .filter(|name| !name.is_empty() && !name.starts_with('('))
        .collect();
    let named = dependencies(&manifest).into_iter().map(|(name, _)| name);
    let named: BTreeSet<&str> = named.chain(["crate"]).collect();
    assert_eq!(reasoned, named, "ARCHITECTURE.md and Cargo.toml");
}

/// What a dependency brings is what is asked of it.
#[test]
fn default_features_are_off() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a file");
    let (program, _) = manifest
        .split_once("[dev-dependencies]")
        .expect("a section of them");
    // These have none, or are told in ARCHITECTURE.md.
    let known = [
        "aws-types",
        "clap",
        "clap_complete",
        "http-body",
        "snap",
        "terminal_size",
    ];
    for (name, rest) in dependencies(program) {
        let is_off = rest.contains("default-features = false");
        assert!(is_off || known.contains(&name), "{name} = {rest}");
    }
}

#[test]
fn links_lead_to_files() {
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "benches/README.md",
    ] {
        let file = root().join(name);
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if !target.starts_with("http") && !target.starts_with('#') {
                let folder = file.parent().unwrap_or(Path::new(""));
                assert!(folder.join(target).exists(), "{name} links to {target}");
            }
        }
    }
}
