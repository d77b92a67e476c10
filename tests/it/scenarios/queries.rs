//! Saved query results of CloudTrail Lake, with and without faults.

use std::fs;

use crate::{
    forge::{
        Store, TestKey, Time, gzip,
        keys::sha256,
        lake::{Export, SignDoc, delivered, plain},
        store::Sink as _,
    },
    harness::{QueryCase, refused, text_of},
};

fn export() -> Export {
    Export::new("7c5b1a2e-0000-4000-8000-000000000001", 3)
}

/// A sign file that was changed and signed anew by whoever holds CloudTrail's key.
fn signed_anew(change: impl FnOnce(&mut SignDoc)) -> (Export, Store) {
    let export = export();
    let mut store = delivered(&[&export]);
    export.replace_sign_file(&mut store, |doc| {
        change(doc);
        doc.sign(TestKey::a());
    });
    (export, store)
}

/// A sign file that was changed by somebody who can sign nothing.
fn changed(change: impl FnOnce(&mut SignDoc)) -> (Export, Store) {
    let export = export();
    let mut store = delivered(&[&export]);
    export.replace_sign_file(&mut store, change);
    (export, store)
}

#[test]
fn an_export_as_it_was_written() {
    let export = export();
    let outcome = QueryCase::new(delivered(&[&export])).run();
    outcome
        .comes_to("valid")
        .finds(&[])
        .results([3, 0, 0, 0, 0]);
    let told = &outcome.report["exports"][0];
    assert_eq!(told["folder"], export.folder());
    assert_eq!(told["account"], "111122223333");
    assert_eq!(told["day"], "2024-03-10");
    assert_eq!(told["query_id"], export.id);
    assert_eq!(told["claimed"]["region"], "us-east-1");
    assert_eq!(told["claimed"]["completed"], "2024-03-10T04:17:59Z");
    assert_eq!(told["key_fingerprint"], TestKey::a().fingerprint());
    assert_eq!(told["differences"], serde_json::json!([]));
}

#[test]
fn many_exports_in_one_run_at_any_depth() {
    let mut exports = vec![];
    for (number, prefix) in ["", "team/a b/", "team/deeper/still/"].iter().enumerate() {
        for files in [1, 5] {
            let id = format!("query-{number}-{files}");
            exports.push(Export::new(&id, files).below(prefix));
        }
    }
    let all: Vec<_> = exports.iter().collect();
    let case = QueryCase::new(delivered(&all)).only_in_a_folder(
        "a part of it is verified by its path: in S3, s3::queries does so by prefix",
    );
    let outcome = case.run();
    outcome.comes_to("valid").results([18, 0, 0, 0, 0]);
    assert_eq!(outcome.report["exports"].as_array().unwrap().len(), 6);
    let part = case.run_on(&case.source().join("team/deeper"));
    part.comes_to("valid").results([6, 0, 0, 0, 0]);
}

#[test]
fn one_export_folder_wherever_it_lies() {
    let export = export();
    let case = QueryCase::new(delivered(&[&export]))
        .only_in_a_folder("a folder of its own, moved: in S3, s3::queries names it by prefix");
    case.write();
    let inside = case.path(&export.at(""));
    let outcome = case.run_on(&inside);
    outcome.comes_to("valid").results([3, 0, 0, 0, 0]);
    assert_eq!(outcome.report["exports"][0]["folder"], export.folder());
    // Copied out of its place, it is an export still; its folder says nothing any more.
    let alone = case.source().join("alone");
    fs::rename(&inside, &alone).unwrap();
    let outcome = case.run_on(&alone);
    outcome.comes_to("valid").results([3, 0, 0, 0, 0]);
    assert_eq!(outcome.report["exports"][0]["folder"], "");
    assert!(outcome.report["exports"][0]["query_id"].is_null());
}

#[test]
fn two_copies_of_one_export_are_told_apart() {
    let export = export();
    let case = QueryCase::new(delivered(&[&export, &export.clone().below("copy/")]));
    let outcome = case.run();
    outcome.comes_to("valid").results([6, 0, 0, 0, 0]);
    let exports = outcome.report["exports"].as_array().unwrap();
    assert_ne!(exports[0]["folder"], exports[1]["folder"]);
    let told = exports[0]["differences"].to_string();
    assert!(told.contains("its signature also stands in"), "{told}");
}

#[test]
fn a_result_that_was_changed() {
    let export = export();
    let mut store = delivered(&[&export]);
    let forged = gzip::gzip(b"\"query\"\n\"forged\"\n");
    store.put(export.result(2), plain(forged.clone()));
    let outcome = QueryCase::new(store).run();
    let at = export.result(2);
    outcome
        .finds(&[("result-modified", &at)])
        .results([2, 1, 0, 0, 0]);
    let finding = &outcome.report["findings"][0];
    assert_eq!(finding["expected"], sha256(&export.results[1].1));
    assert_eq!(finding["actual"], sha256(&forged));
}

#[test]
fn a_result_compressed_anew_is_another_file() {
    let export = export();
    let mut store = delivered(&[&export]);
    let rows = gzip::gunzip(&export.results[0].1);
    store.put(export.result(1), plain(gzip::gzip_level(&rows, 9)));
    store.put(
        export.result(2),
        plain([&*export.results[1].1, b"\0"].concat()),
    );
    let (one, two) = (export.result(1), export.result(2));
    let outcome = QueryCase::new(store).run();
    let mut expected = vec![("result-modified", &two)];
    if gzip::gzip_level(&rows, 9) != export.results[0].1 {
        expected.push(("result-modified", &one));
    }
    outcome.finds(&expected);
}

#[test]
fn two_results_that_changed_places() {
    let export = export();
    let mut store = delivered(&[&export]);
    store.put(export.result(1), plain(export.results[1].1.clone()));
    store.put(export.result(2), plain(export.results[0].1.clone()));
    let (one, two) = (export.result(1), export.result(2));
    QueryCase::new(store)
        .run()
        .finds(&[("result-modified", &one), ("result-modified", &two)])
        .results([1, 2, 0, 0, 0]);
}

#[test]
fn a_result_that_is_gone() {
    let export = export();
    let mut store = delivered(&[&export]);
    store.delete(&export.result(3));
    QueryCase::new(store)
        .run()
        .finds(&[("result-missing", &export.result(3))])
        .results([2, 0, 1, 0, 0]);
}

#[test]
fn results_that_the_sign_file_does_not_name() {
    let export = export();
    let mut store = delivered(&[&export]);
    let names = [
        "result_4.csv.gz",
        "Result_1.CSV.gz",
        "extract.csv",
        "result_1.csv.gz.bak.csv",
    ];
    for name in names {
        store.put(export.at(name), plain(b"x".to_vec()));
    }
    // What is no table is nobody's result.
    store.put(export.at("README.txt"), plain(b"x".to_vec()));
    store.put(
        export.at("result_sign.json.metadata.json"),
        plain(b"{}".to_vec()),
    );
    let planted = names.map(|name| export.at(name));
    let expected: Vec<_> = planted
        .iter()
        .map(|at| ("result-unreferenced", at))
        .collect();
    QueryCase::new(store)
        .run()
        .finds(&expected)
        .results([3, 0, 0, 4, 0]);
}

/// Query engines read what lies in the folders of a folder too.
#[test]
fn a_table_below_an_export() {
    let export = export();
    let mut store = delivered(&[&export]);
    let planted = export.at("sub/planted.csv");
    store.put(planted.clone(), plain(b"x".to_vec()));
    QueryCase::new(store)
        .run()
        .finds(&[("result-unreferenced", &planted)])
        .results([3, 0, 0, 1, 0]);
}

#[test]
fn hashes_exchanged_in_the_sign_file() {
    for change in [
        (|doc: &mut SignDoc| doc.files.swap(0, 1)) as fn(&mut SignDoc),
        |doc| drop(doc.files.pop()),
        |doc| doc.files[0].1 = sha256(b"forged"),
        |doc| doc.files.push(("more.csv".into(), sha256(b"more"))),
        |doc| doc.signature = "00".repeat(256),
        |doc| doc.signature = "no signature".into(),
        |doc| doc.signature = String::new(),
        |doc| doc.fingerprint = TestKey::b().fingerprint(),
    ] {
        let mut is_only_renamed = false;
        let (export, store) = changed(|doc| {
            let before = doc.signature.clone();
            let files = doc.files.clone();
            change(doc);
            is_only_renamed = (before, files) == (doc.signature.clone(), doc.files.clone());
        });
        let outcome = QueryCase::new(store).run();
        if is_only_renamed {
            // Which key a sign file names is not signed: it is told, and proves nothing wrong.
            outcome.comes_to("valid");
            let told = outcome.report["exports"][0]["differences"][0].to_string();
            assert!(told.contains(&TestKey::b().fingerprint()), "{told}");
            continue;
        }
        outcome
            .finds(&[("sign-file-modified", &export.sign_file())])
            .results([0, 0, 0, 0, 3]);
    }
}

#[test]
fn an_export_signed_by_a_forger() {
    let export = export().signed_with(TestKey::foreign());
    QueryCase::new(delivered(&[&export]))
        .run()
        .finds(&[("result-key-unknown", &export.sign_file())])
        .results([0, 0, 0, 0, 3]);
    // Under the name of a key that is known it fits no more.
    let mut store = delivered(&[&export]);
    export.replace_sign_file(&mut store, |doc| {
        doc.fingerprint = TestKey::a().fingerprint();
    });
    QueryCase::new(store)
        .run()
        .finds(&[("sign-file-modified", &export.sign_file())]);
}

#[test]
fn sign_files_that_are_none() {
    let export = export();
    let whole = String::from_utf8(export.doc().write()).unwrap();
    let twice = whole.replacen('{', "{\"region\":\"us-east-1\",", 1);
    let mut broken = vec![String::new(), "[]".into(), "{}".into(), twice];
    broken.push(whole[..whole.len() - 1].into());
    broken.push(format!("{whole}{{}}"));
    for (from, to) in [
        ("\"files\"", "\"file\""),
        (
            "\"queryCompleteTime\":\"2024",
            "\"queryCompleteTime\":\"once",
        ),
        ("\"region\":\"us-east-1\"", "\"region\":\"evil.example/#\""),
        ("\"region\":\"us-east-1\"", "\"region\":7"),
        (
            "\"publicKeyFingerprint\":\"",
            "\"publicKeyFingerprint\":\"zz",
        ),
        ("\"fileHashValue\":\"", "\"fileHashValue\":\"zz"),
    ] {
        assert!(whole.contains(from), "{from}");
        broken.push(whole.replacen(from, to, 1));
    }
    broken.push(whole.clone() + &" ".repeat(16 * 1024 * 1024));
    for text in broken {
        let mut store = delivered(&[&export]);
        store.put(export.sign_file(), plain(text.into_bytes()));
        QueryCase::new(store)
            .run()
            .finds(&[("sign-file-malformed", &export.sign_file())])
            .results([0, 0, 0, 0, 3]);
    }
}

#[test]
fn names_that_lead_out_of_the_folder() {
    for name in [
        "../secret",
        "/etc/passwd",
        "..",
        ".",
        "",
        "sub/result_1.csv.gz",
        "..\\secret",
        "a\0b",
        "result_1.csv.gz",
        "RESULT_1.csv.gz",
    ] {
        // Even where CloudTrail had signed it: names are not signed.
        let (export, mut store) = signed_anew(|doc| {
            doc.files.push((name.into(), sha256(b"secret")));
        });
        let above = export.folder().rsplit_once('/').unwrap().0.to_owned();
        store.put(
            (export.bucket.clone(), format!("{above}/secret")),
            plain(b"secret".to_vec()),
        );
        let outcome = QueryCase::new(store).run();
        outcome
            .finds(&[("sign-file-malformed", &export.sign_file())])
            .results([0, 0, 0, 0, 3]);
        assert_eq!(outcome.report["totals"]["bytes"]["hashed"], 0, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_out_of_the_source() {
    let export = export();
    let case = QueryCase::new(delivered(&[&export])).only_in_a_folder("a bucket has no links");
    case.write();
    let (outside, file) = (
        case.keys().with_file_name("outside"),
        case.path(&export.result(1)),
    );
    fs::rename(&file, &outside).unwrap();
    std::os::unix::fs::symlink(&outside, &file).unwrap();
    let outcome = case.run_written();
    outcome
        .comes_to("unverified")
        .finds(&[("result-unreadable", &export.result(1))])
        .results([2, 0, 0, 0, 1]);
}

/// What lies behind it is not looked at, which must not go unsaid.
#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_folder_is_told() {
    let case = QueryCase::new(delivered(&[&export()])).only_in_a_folder("a bucket has no links");
    case.write();
    let outside = case.keys().with_file_name("outside");
    fs::create_dir(&outside).unwrap();
    let account = case.path(&export().result(1));
    let account = account.ancestors().find(|at| at.ends_with("111122223333"));
    let linked = account.unwrap().with_file_name("444455556666");
    std::os::unix::fs::symlink(&outside, linked).unwrap();
    let outcome = case.run_written();
    outcome.comes_to("unverified").results([3, 0, 0, 0, 0]);
    let told = outcome.report["findings"].to_string();
    assert!(
        told.contains("444455556666") && told.contains("not followed"),
        "{told}"
    );
}

#[test]
fn results_without_a_sign_file() {
    let (one, two) = (export(), Export::new("query-2", 1));
    let mut store = delivered(&[&one, &two]);
    store.delete(&one.sign_file());
    // Tables of other programs need none.
    store.put(
        (one.bucket.clone(), "tables/data.csv.gz".into()),
        plain(vec![1]),
    );
    QueryCase::new(store)
        .run()
        .finds(&[("sign-file-missing", &one.sign_file())])
        .results([1, 0, 0, 0, 3]);
}

#[test]
fn nothing_to_verify() {
    let mut store = Store::default();
    let at = (
        "query-results".to_owned(),
        "AWSLogs/111122223333/CloudTrail-Lake/Query/x.txt".into(),
    );
    store.put(at, plain(vec![1]));
    for arguments in [vec![], vec!["--allow", "no-results"]] {
        let case = QueryCase::new(store.clone()).args(&arguments);
        let outcome = case.run();
        outcome.comes_to("unverified").results([0; 5]);
        assert_eq!(outcome.findings(), [("no-results".to_owned(), None)]);
    }
}

#[test]
fn a_sign_file_that_names_nothing() {
    let empty = Export::new("empty", 0);
    let at = empty.sign_file();
    let case = QueryCase::new(delivered(&[&empty]));
    case.run()
        .comes_to("unverified")
        .finds(&[("no-results", &at)]);
    let allowed = case.args(&["--allow", "no-results"]);
    allowed.run().comes_to("unverified");
    // Beside another export it may be allowed; what lies beside it is not named by it.
    let other = export();
    let mut store = delivered(&[&empty, &other]);
    QueryCase::new(store.clone())
        .args(&["--allow", "no-results"])
        .run()
        .comes_to("valid");
    let planted = empty.at("result_1.csv.gz");
    store.put(planted.clone(), plain(vec![1]));
    QueryCase::new(store)
        .run()
        .finds(&[("no-results", &at), ("result-unreferenced", &planted)]);
}

#[test]
fn versions_and_algorithms() {
    // The version is not signed, and may be absent.
    let (_, store) = changed(|doc| doc.version = None);
    QueryCase::new(store).run().comes_to("valid").finds(&[]);
    // A newer one whose signature fits is proven all the same; the claim is told.
    let (_, store) = changed(|doc| doc.version = Some("2.0".into()));
    let outcome = QueryCase::new(store).run();
    outcome.comes_to("valid").finds(&[]);
    let told = outcome.report["exports"][0]["differences"].to_string();
    assert!(told.contains("2.0"), "{told}");
    // Where it does not fit, nobody knows what a newer one signs: neither valid nor tampering.
    for change in [
        (|doc: &mut SignDoc| {
            doc.version = Some("2.0".into());
            doc.files.swap(0, 1);
        }) as fn(&mut SignDoc),
        |doc| doc.hash_algorithm = "SHA-512".into(),
        |doc| doc.signature_algorithm = "SHA512withRSA".into(),
        |doc| {
            doc.version = Some("2.0".into());
            doc.files[0].1 = "ab".repeat(64);
        },
    ] {
        let (export, store) = changed(change);
        QueryCase::new(store)
            .run()
            .comes_to("unverified")
            .finds(&[("result-unreadable", &export.sign_file())])
            .results([0, 0, 0, 0, 3]);
    }
}

#[test]
fn a_folder_of_another_day_or_query_is_told() {
    let export = export();
    let mut elsewhere = export.clone();
    elsewhere.completed = Time::parse("2024-06-01T00:00:00Z");
    elsewhere.id = "another-query".into();
    let mut store = Store::default();
    for number in 1..=3 {
        let name = format!("result_{number}.csv.gz");
        store.put(
            elsewhere.at(&name),
            plain(export.results[number - 1].1.clone()),
        );
    }
    store.put(elsewhere.sign_file(), plain(export.doc().write()));
    let outcome = QueryCase::new(store).run();
    outcome.comes_to("valid").results([3, 0, 0, 0, 0]);
    let told = outcome.report["exports"][0]["differences"].to_string();
    assert!(
        told.contains("2024/06/01") && told.contains("2024-03-10T04:17:59Z"),
        "{told}"
    );
}

#[test]
fn ten_thousand_results_in_one_sign_file() {
    let mut export = export();
    export.results = (1..=10_000)
        .map(|number| {
            (
                format!("result_{number}.csv.gz"),
                format!("{number}").into_bytes(),
            )
        })
        .collect();
    let mut store = delivered(&[&export]);
    store.delete(&export.result(77));
    store.put(export.result(7_777), plain(vec![]));
    let (gone, cut) = (export.result(77), export.result(7_777));
    QueryCase::new(store)
        .run()
        .finds(&[("result-missing", &gone), ("result-modified", &cut)])
        .results([9_998, 1, 1, 0, 0]);
}

#[test]
fn codes_can_be_allowed_and_denied() {
    let export = export();
    let mut store = delivered(&[&export]);
    let planted = export.at("extract.csv");
    store.put(planted.clone(), plain(vec![1]));
    let allowed = QueryCase::new(store).args(&["--allow", "result-unreferenced"]);
    allowed
        .run()
        .comes_to("valid")
        .finds(&[("result-unreferenced", &planted)]);
    let (_, store) = changed(|doc| doc.hash_algorithm = "SHA-512".into());
    let denied = QueryCase::new(store).args(&["--deny", "result-unreadable"]);
    denied.run().comes_to("invalid");
}

#[test]
fn the_report_is_the_same_whatever_the_concurrency() {
    let exports: Vec<_> = (0..20)
        .map(|n| Export::new(&format!("q{n}"), 1 + n % 4))
        .collect();
    let mut store = delivered(&exports.iter().collect::<Vec<_>>());
    for export in &exports[5..] {
        store.put(export.at("planted.csv"), plain(vec![1]));
    }
    store.delete(&exports[1].sign_file());
    store.delete(&exports[2].result(1));
    let reports: Vec<_> = ["1", "64"]
        .iter()
        .map(|number| {
            let case = QueryCase::new(store.clone()).args(&["--concurrency", number]);
            let mut report = case.run().report;
            report["run"] = serde_json::Value::Null;
            report["source"] = serde_json::Value::Null;
            report.to_string()
        })
        .collect();
    assert_eq!(reports[0], reports[1]);
}

#[test]
fn text_tells_what_is_not_signed() {
    let export = export();
    let mut store = delivered(&[&export]);
    store.put(export.result(2), plain(b"\x1b[2J".to_vec()));
    store.put(export.at("result_\u{1b}[2J\u{202e}.csv"), plain(vec![1]));
    let (exit, stdout, _) = QueryCase::new(store).run_text();
    assert_eq!(exit, 1);
    crate::harness::check_bytes(stdout.as_bytes());
    for words in [
        "INVALID: 1 result file modified",
        "claimed, not signed: region us-east-1",
        "4 result files: 2 valid, 1 modified, 1 not named",
        "What this does not prove",
        "Whose results they are",
        "ct-verify explain result-modified",
    ] {
        assert!(stdout.contains(words), "{words:?} is not in:\n{stdout}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let run = |arguments: &[&str], words: &[&str]| {
        let mut command = crate::harness::program();
        let output = command.arg("query-results").args(arguments).output();
        let (exit, stdout, stderr) = text_of(&output.unwrap());
        refused(exit, &stdout, &stderr, words);
    };
    let folder = env!("CARGO_MANIFEST_DIR");
    run(&["/nowhere/at/all"], &["/nowhere/at/all"]);
    run(&[folder], &["no public keys", "--public-keys"]);
    run(&[folder, "--profile", "x"], &["--profile"]);
    run(&["s3://b"], &["no bucket"]);
    run(
        &["arn:aws:cloudtrail:us-east-1:111122223333:trail/t"],
        &["not a trail's"],
    );
    run(&[folder, "--allow", "no-such-code"], &["no-such-code"]);
}

/// An export of the AWS CLI's own tests verifies, where somebody has it at hand: `CT_VERIFY_LAKE_EXPORT` names a folder
/// with `export/` and `key.der`.
#[test]
fn a_published_export_verifies() {
    let Some(folder) = std::env::var_os("CT_VERIFY_LAKE_EXPORT") else {
        eprintln!("skipped: CT_VERIFY_LAKE_EXPORT names no folder");
        return;
    };
    let folder = std::path::PathBuf::from(folder);
    let mut command = crate::harness::program();
    command.arg("query-results").arg(folder.join("export"));
    command.arg("--public-keys").arg(folder.join("key.der"));
    let outcome =
        crate::harness::QueryOutcome::of(&command.args(["--format", "json"]).output().unwrap());
    outcome
        .comes_to("valid")
        .finds(&[])
        .results([1, 0, 0, 0, 0]);
}
