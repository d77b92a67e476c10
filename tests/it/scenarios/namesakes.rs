//! A trail that was deleted and made anew under its name, with another home region: two chains of one name.

use std::fs;

use super::common::{at, trail};
use crate::{
    forge::{Archive, Json, Place, Sign, Trail, plant::PlantedDigest},
    harness::{Case, Outcome, program},
};

const OLDER: &str = "111122223333/us-east-1/audit (home region us-east-1)";
const NEWER: &str = "111122223333/us-east-1/audit (home region eu-west-1)";

/// Six hours of the one, and two hours later six of the other.
fn made_anew() -> Archive {
    let mut archive = trail(6).archive();
    Trail::new("audit", "2024-03-10T08:00:00Z", 6)
        .regions(&["eu-west-1", "us-east-1"])
        .seed(2)
        .deliver(&mut archive);
    archive
}

/// What became of the test cases of a suite.
fn outcomes(xml: &str, suite: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(xml).unwrap();
    let suites = document.descendants();
    let mut suites = suites.filter(|it| it.attribute("name") == Some(suite));
    let suite = suites.next().unwrap_or_else(|| panic!("no {suite}: {xml}"));
    assert!(suites.next().is_none(), "{xml}");
    let told = suite.descendants().filter(|it| {
        let name = it.tag_name().name();
        name == "failure" || name == "error"
    });
    told.map(|it| it.tag_name().name().to_owned()).collect()
}

fn shown(outcome: &Outcome, format: &str) -> String {
    let file = outcome.case.beside("saved.json");
    fs::write(&file, &outcome.stdout).unwrap();
    let mut command = program();
    command.arg("report").arg(&file).args(["--format", format]);
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

/// The index of the chain of us-east-1 whose home this is.
fn chain_of(archive: &Archive, home: &str) -> usize {
    let mut chains = archive.chains.iter();
    let is_it = |id: &crate::forge::ChainId| id.region == "us-east-1" && id.home_region == home;
    chains.position(|chain| is_it(&chain.id)).unwrap()
}

#[test]
fn what_is_wrong_with_one_is_told_of_that_one() {
    for (home, wrong, sound) in [("us-east-1", OLDER, NEWER), ("eu-west-1", NEWER, OLDER)] {
        let mut archive = made_anew();
        let digest = archive.chains[chain_of(&archive, home)].digests[3].clone();
        archive.edit_digest(&digest.at, Sign::Keep, |doc| {
            doc.set("oldestEventTime", Json::Null);
        });
        let case = Case::new(archive);
        let xml = case.beside("report.xml");
        // The older one ended with the trail.
        let case = case.args(["--allow", "coverage-ends-early"]);
        let case = case.only_in_a_folder("a run on a bucket would write the report anew");
        let outcome = case.args(["--report".as_ref(), xml.as_os_str()]).run();
        let report = outcome.report();
        let findings = report["findings"].as_array().unwrap().iter();
        let modified: Vec<_> = findings
            .filter(|it| it["code"] == "digest-modified")
            .collect();
        assert_eq!(modified.len(), 1, "{report:#}");
        assert_eq!(modified[0]["chain"], wrong, "{report:#}");
        let xml = fs::read_to_string(&xml).unwrap();
        assert_eq!(outcomes(&xml, wrong), ["failure"], "{xml}");
        assert_eq!(outcomes(&xml, sound), [""; 0], "{xml}");
        // A saved report says the same.
        assert_eq!(shown(&outcome, "junit"), xml);
        for format in ["text", "markdown", "html"] {
            let shown = shown(&outcome, format);
            assert!(
                shown.contains(wrong) && shown.contains(sound),
                "{format}: {shown}"
            );
        }
    }
}

/// Where no two are alike, nothing is added to a name.
#[test]
fn what_has_no_namesake_is_called_by_its_name() {
    let mut archive = made_anew();
    let digest = archive.chains[chain_of(&archive, "eu-west-1")].digests[3].clone();
    archive.store.delete(&digest.at);
    // Only the newer trail has digests there.
    let case = Case::new(archive).args(["--start-time", "2024-03-10T09:30:00Z"]);
    let outcome = case.run();
    let name = "111122223333/us-east-1/audit";
    let report = outcome.report();
    let findings = report["findings"].as_array().unwrap();
    let missing = findings.iter().find(|it| it["code"] == "digest-missing");
    assert_eq!(missing.unwrap()["chain"], name, "{report:#}");
    assert_eq!(outcomes(&shown(&outcome, "junit"), name).len(), 1);
}

/// Anybody may plant beside the range what looks like a digest of another trail of that name.
#[test]
fn what_lies_beside_the_range_changes_no_name() {
    let mut archive = trail(8).archive();
    let log = archive.log(3, 0);
    archive.store.delete(&log);
    let mut planted = archive.clone();
    let mut id = archive.first().id.clone();
    id.home_region = "ap-south-1".into();
    let junk = PlantedDigest::of(&id, &Place::new("audit-logs", ""), at("10T07:30:00"));
    let junk = junk.put(&mut planted.store);
    planted.store.replace_body(&junk, *b"junk");
    let run = |archive: &Archive, end| {
        let case = Case::new(archive.clone());
        case.range("2024-03-10T01:00:00Z", end).run()
    };
    let end = "2024-03-10T06:00:00Z";
    let (alone, beside) = (run(&archive, end), run(&planted, end));
    assert_eq!(beside.report()["chains"], alone.report()["chains"]);
    assert_eq!(beside.report()["findings"], alone.report()["findings"]);
    for format in ["junit", "sarif"] {
        // Its bytes were read all the same.
        let shown = [&alone, &beside].map(|outcome| shown(outcome, format));
        let told = shown.map(|it| it.contains("(home region"));
        assert_eq!(told, [false, false], "{format}");
    }
    // Within the range it is told, and apart from the trail.
    let report = run(&planted, "2024-03-10T08:00:00Z").report();
    assert!(report["findings"].to_string().contains(OLDER), "{report:#}");
}

/// Of two that CloudTrail signed, one lies beside the range: no name stands for both.
#[test]
fn one_that_begins_beside_the_range_is_told_apart() {
    let (start, end) = ("2024-03-10T00:00:00Z", "2024-03-10T07:00:00Z");
    let mut archive = made_anew();
    let log = archive.log(3, 0);
    archive.store.delete(&log);
    let outcome = Case::new(archive).range(start, end).run();
    let report = outcome.report();
    let findings = report["findings"].as_array().unwrap();
    let named = |code: &str, name: &str| {
        let mut named = findings.iter().filter(|it| it["code"] == code);
        assert!(named.any(|it| it["chain"] == name), "{code}: {report:#}");
    };
    let name = "111122223333/us-east-1/audit";
    named("log-missing", name);
    named("coverage-starts-late", NEWER);
    let xml = shown(&outcome, "junit");
    assert_eq!(outcomes(&xml, name), ["failure"], "{xml}");
    assert_eq!(outcomes(&xml, NEWER), [""; 0], "{xml}");
}
