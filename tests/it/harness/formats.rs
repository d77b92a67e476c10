//! What holds of every report in every format, made from the JSON report that a run gave.

use std::{collections::BTreeMap, sync::OnceLock};

use ct_verify::report::{Format, Look, saved};
use jsonschema::Validator;
use serde_json::{Value, json};

use super::{case::program, invariants::check_bytes};

/// The schema that the program prints.
pub fn schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let output = program().arg("schema").output().expect("the program runs");
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).expect("a schema in JSON")
    })
}

fn validator(schema: &Value) -> Validator {
    jsonschema::options()
        .should_validate_formats(true)
        .build(schema)
        .expect("a schema")
}

#[track_caller]
fn fits(validator: &Validator, value: &Value) {
    let wrong: Vec<_> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{}\n{value:#}", wrong.join("\n"));
}

/// What fits one definition of the schema.
fn defined(name: &str) -> Validator {
    let mut schema = schema().clone();
    let whole = schema.as_object_mut().expect("an object");
    whole.remove("oneOf");
    whole.insert("$ref".into(), format!("#/$defs/{name}").into());
    validator(&schema)
}

/// A JSON report fits the schema.
#[track_caller]
pub fn check_json(report: &Value) {
    static REPORT: OnceLock<[Validator; 3]> = OnceLock::new();
    let [any, logs, query] = REPORT.get_or_init(|| {
        [
            validator(schema()),
            defined("report"),
            defined("query-report"),
        ]
    });
    // That of its kind tells better what is wrong.
    let kind = if report["exports"].is_null() {
        logs
    } else {
        query
    };
    fits(kind, report);
    fits(any, report);
}

/// A stream's lines each fit the schema; it begins with its start and ends with its summary, and no finding is told
/// under two numbers. The findings are given back as they were told last, without their numbers.
#[track_caller]
pub fn check_lines(stream: &[u8]) -> (Vec<Value>, Vec<Value>) {
    static LINE: OnceLock<Validator> = OnceLock::new();
    check_bytes(stream);
    let text = std::str::from_utf8(stream).expect("lines in UTF-8");
    assert!(text.ends_with("}\n"), "{text}");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object"))
        .collect();
    for line in &lines {
        fits(LINE.get_or_init(|| defined("line")), line);
    }
    let kinds: Vec<_> = lines.iter().map(|line| line["type"].as_str()).collect();
    for (kind, at) in [("start", 0), ("summary", lines.len() - 1)] {
        assert_eq!(kinds[at], Some(kind), "{text}");
        let number = kinds.iter().filter(|it| **it == Some(kind)).count();
        assert_eq!(number, 1, "{text}");
    }
    let mut findings = BTreeMap::new();
    for line in &lines {
        if line["type"] == "finding" {
            let mut finding = line.clone();
            let object = finding.as_object_mut().expect("an object");
            object.remove("type");
            let number = object.remove("number").expect("a number").as_u64();
            findings.insert(number, finding);
        }
    }
    (lines, findings.into_values().collect())
}

/// Renders a saved report in every format, and checks each.
#[track_caller]
pub fn check_all(report: &[u8]) {
    let saved = saved::read(report).expect("a report that can be read back");
    let rendered = |format| {
        let mut out = Vec::new();
        saved
            .render(format, &Look::default(), &mut out)
            .expect("memory to write to");
        out
    };
    let again = rendered(Format::Json);
    assert!(again == report, "a report read back and written again");
    // What is large is so by its findings: what becomes of one becomes of all.
    let is_large = report.len() > 3_000_000;
    let bounded = [Format::Text, Format::Markdown, Format::Html];
    for format in Format::ALL {
        if is_large && !bounded.contains(&format) {
            continue;
        }
        let bytes = rendered(format);
        check_shown(format, &bytes);
        match format {
            Format::Text | Format::Json => {}
            Format::Html => check_html(std::str::from_utf8(&bytes).expect("UTF-8")),
            Format::Markdown => assert!(bytes.len() < 60_000, "{} bytes", bytes.len()),
            Format::Jsonl => {
                let (_, findings) = check_lines(&bytes);
                let whole: Value = serde_json::from_slice(report).expect("JSON");
                assert_eq!(Value::Array(findings), whole["findings"]);
            }
            Format::Junit => check_junit(std::str::from_utf8(&bytes).expect("UTF-8")),
            Format::Sarif => check_sarif(&serde_json::from_slice(&bytes).expect("JSON")),
        }
    }
}

/// Nothing of it acts on a terminal.
fn check_shown(format: Format, bytes: &[u8]) {
    assert!(!bytes.is_empty(), "{}", format.name());
    check_bytes(bytes);
}

/// The page, as a tree: it is also well-formed XML.
#[track_caller]
pub fn parse_html(page: &str) -> roxmltree::Document<'_> {
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        ..roxmltree::ParsingOptions::default()
    };
    roxmltree::Document::parse_with_options(page, options)
        .unwrap_or_else(|error| panic!("{error}: {page}"))
}

/// A page loads nothing and runs nothing, whatever names are in it, and is not too large.
#[track_caller]
fn check_html(page: &str) {
    const ELEMENTS: [&str; 44] = [
        "a", "article", "body", "br", "circle", "code", "dd", "defs", "div", "dl", "dt", "footer",
        "h1", "h2", "h3", "h4", "h5", "head", "header", "html", "li", "line", "main", "meta", "ol",
        "p", "path", "pattern", "pre", "rect", "section", "span", "strong", "style", "svg",
        "table", "tbody", "td", "text", "th", "thead", "title", "tr", "ul",
    ];
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
    let document = parse_html(page);
    let mut policies = 0;
    for element in document.descendants().filter(roxmltree::Node::is_element) {
        let tag = element.tag_name().name();
        assert!(ELEMENTS.contains(&tag), "{tag}");
        for attribute in element.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            assert!(
                !name.starts_with("on") && !["src", "style", "srcset"].contains(&name),
                "{name} of {tag}"
            );
            assert!(name != "href" || value.starts_with('#'), "{value}");
            policies += usize::from(value.starts_with("default-src 'none'; style-src 'sha256-"));
        }
    }
    assert_eq!(policies, 1);
}

/// The rules of the two XML schemas that are in use: the one of Ant's reports, and the one of Jenkins.
#[track_caller]
pub fn check_junit(xml: &str) {
    let document = roxmltree::Document::parse(xml).unwrap_or_else(|error| panic!("{error}: {xml}"));
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    assert_eq!(root.attributes().count(), 0);
    for (id, suite) in root
        .children()
        .filter(roxmltree::Node::is_element)
        .enumerate()
    {
        check_suite(id, suite);
    }
}

fn attribute<'a>(node: roxmltree::Node<'a, '_>, name: &str) -> &'a str {
    node.attribute(name)
        .unwrap_or_else(|| panic!("{name} of {:?}", node.tag_name()))
}

/// Exactly these attributes, none of them blank.
fn attributes(node: roxmltree::Node<'_, '_>, names: &[&str]) {
    let mut there: Vec<_> = node.attributes().map(|it| it.name()).collect();
    there.sort_unstable();
    assert_eq!(there, names, "{:?}", node.tag_name());
    for name in names {
        assert!(!attribute(node, name).trim().is_empty(), "{name} is blank");
    }
}

fn check_suite(id: usize, suite: roxmltree::Node<'_, '_>) {
    assert_eq!(suite.tag_name().name(), "testsuite");
    let names = [
        "errors",
        "failures",
        "hostname",
        "id",
        "name",
        "package",
        "skipped",
        "tests",
        "time",
        "timestamp",
    ];
    attributes(suite, &names);
    assert_eq!(attribute(suite, "id"), id.to_string());
    let time = attribute(suite, "timestamp");
    let shape = time.replace(|c: char| c.is_ascii_digit(), "0");
    assert_eq!(shape, "0000-00-00T00:00:00", "{time}");
    let children: Vec<_> = suite
        .children()
        .filter(roxmltree::Node::is_element)
        .collect();
    let tags: Vec<_> = children.iter().map(|it| it.tag_name().name()).collect();
    let [first, cases @ .., out, err] = tags.as_slice() else {
        panic!("{tags:?}");
    };
    assert_eq!(
        (*first, *out, *err),
        ("properties", "system-out", "system-err")
    );
    assert!(cases.iter().all(|tag| *tag == "testcase"), "{tags:?}");
    let mut counts = BTreeMap::from([("failure", 0), ("error", 0), ("skipped", 0)]);
    let mut known = std::collections::BTreeSet::new();
    for case in &children[1..children.len() - 2] {
        attributes(*case, &["classname", "name", "time"]);
        assert!(
            known.insert(attribute(*case, "name")),
            "two cases of one name"
        );
        let inner: Vec<_> = case
            .children()
            .filter(roxmltree::Node::is_element)
            .collect();
        assert!(inner.len() <= 1);
        for outcome in inner {
            let tag = outcome.tag_name().name();
            *counts.get_mut(tag).unwrap_or_else(|| panic!("{tag}")) += 1;
            if tag == "skipped" {
                attributes(outcome, &["message"]);
            } else {
                attributes(outcome, &["message", "type"]);
                assert!(outcome.text().is_some_and(|text| !text.trim().is_empty()));
            }
        }
    }
    assert_eq!(attribute(suite, "tests"), cases.len().to_string());
    for (attribute_name, tag) in [
        ("failures", "failure"),
        ("errors", "error"),
        ("skipped", "skipped"),
    ] {
        assert_eq!(
            attribute(suite, attribute_name),
            counts[tag].to_string(),
            "{tag}"
        );
    }
}

/// What SARIF 2.1.0 says of the parts that are written, closed against any other.
fn sarif_schema() -> Value {
    let closed = |required: &[&str], properties: Value| json!({"type": "object", "required": required, "additionalProperties": false, "properties": properties});
    let text = json!({"type": "string", "minLength": 1});
    let count = json!({"type": "integer", "minimum": 0});
    let message = closed(&["text"], json!({"text": text}));
    let level = json!({"enum": ["none", "note", "warning", "error"]});
    let time = json!({"type": "string", "format": "date-time", "pattern": "Z$"});
    let bag = json!({"type": "object"});
    let rule = closed(
        &[
            "id",
            "shortDescription",
            "fullDescription",
            "help",
            "defaultConfiguration",
        ],
        json!({
            "id": text, "name": text, "shortDescription": message, "fullDescription": message,
            "help": closed(&["text", "markdown"], json!({"text": text, "markdown": text})),
            "defaultConfiguration": closed(&["level"], json!({"level": level})),
            "properties": {"type": "object", "properties": {"tags": {"type": "array", "uniqueItems": true, "items": text}}},
        }),
    );
    let driver = closed(
        &["name", "rules"],
        json!({
            "name": text, "semanticVersion": {"type": "string", "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+"},
            "rules": {"type": "array", "uniqueItems": true, "items": rule},
        }),
    );
    let invocation = closed(
        &["executionSuccessful"],
        json!({
            "executionSuccessful": {"type": "boolean"}, "exitCode": {"type": "integer"},
            "startTimeUtc": time, "endTimeUtc": time, "arguments": {"type": "array", "items": {"type": "string"}},
        }),
    );
    let physical = closed(
        &["artifactLocation"],
        json!({"artifactLocation": closed(&["uri"], json!({"uri": {"type": "string", "format": "uri-reference", "minLength": 1}}))}),
    );
    let logical = closed(
        &["fullyQualifiedName"],
        json!({"fullyQualifiedName": text, "kind": text}),
    );
    let location = closed(
        &["physicalLocation"],
        json!({"physicalLocation": physical, "logicalLocations": {"type": "array", "uniqueItems": true, "items": logical}}),
    );
    let result = closed(
        &[
            "ruleId",
            "ruleIndex",
            "level",
            "message",
            "locations",
            "partialFingerprints",
        ],
        json!({
            "ruleId": text, "ruleIndex": count, "level": level, "message": message,
            "locations": {"type": "array", "items": location},
            "partialFingerprints": {"type": "object", "minProperties": 1, "additionalProperties": {"type": "string"}},
            "properties": bag,
        }),
    );
    let run = closed(
        &["tool", "invocations", "results"],
        json!({
            "tool": closed(&["driver"], json!({"driver": driver})),
            "invocations": {"type": "array", "items": invocation},
            "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            "results": {"type": "array", "items": result}, "properties": bag,
        }),
    );
    closed(
        &["$schema", "version", "runs"],
        json!({"$schema": {"type": "string", "format": "uri"}, "version": {"const": "2.1.0"}, "runs": {"type": "array", "items": run}}),
    )
}

#[track_caller]
pub fn check_sarif(log: &Value) {
    static SARIF: OnceLock<Validator> = OnceLock::new();
    fits(SARIF.get_or_init(|| validator(&sarif_schema())), log);
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let mut known = std::collections::BTreeSet::new();
    for result in run["results"].as_array().expect("results") {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        for fingerprint in result["partialFingerprints"]
            .as_object()
            .expect("prints")
            .values()
        {
            assert!(
                known.insert(fingerprint.to_string()),
                "two results with one fingerprint: {result}"
            );
        }
    }
}
