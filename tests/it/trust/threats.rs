//! SECURITY.md keeps its word: what it names is there.

use std::{collections::BTreeSet, fs, path::Path};

use ct_verify::verify::finding::Code;

const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");

/// Every test, as `module::name`.
fn tests(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            tests(&path, found);
            continue;
        }
        let source = fs::read_to_string(&path).unwrap_or_default();
        let module = path.file_stem().and_then(|stem| stem.to_str());
        let blocks = source.split("#[test]\n").skip(1);
        for block in blocks {
            let name = block
                .split("fn ")
                .nth(1)
                .and_then(|it| it.split('(').next());
            if let (Some(module), Some(name)) = (module, name) {
                found.insert(format!("{module}::{name}"));
            }
        }
    }
}

#[test]
fn every_attack_has_its_finding_and_its_scenario() {
    let page = include_str!("../../../SECURITY.md");
    let mut known = BTreeSet::new();
    tests(Path::new(TESTS), &mut known);
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains("::"));
    let mut count = 0;
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [what, told, scenario] = cells[..] else {
            panic!("{row}")
        };
        let scenario = scenario.trim_matches('`');
        assert!(known.contains(scenario), "no test is named {scenario}");
        let code = told.trim_matches('`');
        let is_known = Code::from_name(code).is_some() || told.starts_with("nothing");
        assert!(is_known && !what.is_empty(), "{row}");
        let (module, name) = scenario.split_once("::").expect("a module");
        let body = body_of(module, name);
        let is_told = told.starts_with("nothing") || body.contains(code);
        assert!(is_told, "{scenario} does not speak of {code}");
        count += 1;
    }
    assert!(count > 40, "{count}");
}

/// The file of a test, where findings may also be named by helpers.
fn body_of(module: &str, name: &str) -> String {
    let mut folders = vec![Path::new(TESTS).to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_stem().is_some_and(|stem| stem == module) {
                let source = fs::read_to_string(&path).expect("a source");
                if source.contains(&format!("fn {name}(")) {
                    return source;
                }
            }
        }
    }
    String::new()
}
