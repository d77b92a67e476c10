use aws_sdk_s3::types::{EncodingType, OptionalObjectAttributes};

use super::super::{Class, Object, Operation, Options, Restore};
use super::client::{BUCKET, block_on, s3, serve};

const KEYS: [&str; 7] = ["a/1", "a/2", "a/b/3", "b/4", "c", "d/5", "d/6"];

fn paged(page_size: usize) -> Options {
    Options {
        page_size,
        ..Options::default()
    }
}

#[test]
fn pages_of_any_size_give_every_key_once() {
    for page_size in 1..=8 {
        for empty_pages in [false, true] {
            let server = serve(
                &KEYS,
                Options {
                    empty_pages,
                    ..paged(page_size)
                },
            );
            let keys = block_on(async {
                let mut pages = s3(&server, 1)
                    .list_objects_v2()
                    .bucket(BUCKET)
                    .into_paginator()
                    .send();
                let mut keys = Vec::new();
                while let Some(page) = pages.next().await {
                    let page = page.unwrap();
                    assert!(page.contents().len() <= page_size);
                    keys.extend(
                        page.contents()
                            .iter()
                            .map(|object| object.key().unwrap().to_owned()),
                    );
                }
                keys
            });
            assert_eq!(keys, KEYS, "page size {page_size}");
            let pages = KEYS.len().div_ceil(page_size);
            let asked = server.log().count(Operation::ListObjectsV2);
            assert_eq!(
                asked,
                u64::try_from(if empty_pages { pages * 2 } else { pages }).unwrap()
            );
        }
    }
}

#[test]
fn groups_at_a_delimiter_are_told_once() {
    for page_size in 1..=5 {
        let server = serve(&KEYS, paged(page_size));
        let found = block_on(async {
            let client = s3(&server, 1);
            let mut pages = client
                .list_objects_v2()
                .bucket(BUCKET)
                .delimiter("/")
                .into_paginator()
                .send();
            let mut found = Vec::new();
            while let Some(page) = pages.next().await {
                let page = page.unwrap();
                found.extend(
                    page.common_prefixes()
                        .iter()
                        .map(|group| group.prefix().unwrap().to_owned()),
                );
                found.extend(
                    page.contents()
                        .iter()
                        .map(|object| object.key().unwrap().to_owned()),
                );
            }
            found.sort();
            found
        });
        assert_eq!(found, ["a/", "b/", "c", "d/"], "page size {page_size}");
    }
}

#[test]
fn the_first_listing_goes_on_by_markers() {
    for (delimiter, expected) in [
        (None, KEYS.to_vec()),
        (Some("/"), vec!["a/", "b/", "c", "d/"]),
    ] {
        let server = serve(&KEYS, paged(1));
        let found = block_on(async {
            let client = s3(&server, 1);
            let mut found: Vec<String> = Vec::new();
            loop {
                let marker = found.last().cloned();
                let page = client
                    .list_objects()
                    .bucket(BUCKET)
                    .set_delimiter(delimiter.map(str::to_owned))
                    .set_marker(marker)
                    .send()
                    .await
                    .unwrap();
                found.extend(
                    page.common_prefixes()
                        .iter()
                        .map(|group| group.prefix().unwrap().to_owned()),
                );
                found.extend(
                    page.contents()
                        .iter()
                        .map(|object| object.key().unwrap().to_owned()),
                );
                if !page.is_truncated().unwrap() {
                    return found;
                }
                let next = delimiter.and_then(|_| found.last().cloned());
                assert_eq!(page.next_marker(), next.as_deref());
            }
        });
        assert_eq!(found, expected);
    }
}

#[test]
fn prefix_and_start_after_narrow_the_listing() {
    let server = serve(&KEYS, Options::default());
    let list = |prefix: &'static str, after: &'static str| {
        let request = s3(&server, 1)
            .list_objects_v2()
            .bucket(BUCKET)
            .prefix(prefix)
            .start_after(after);
        let page = block_on(request.send()).unwrap();
        page.contents()
            .iter()
            .map(|object| object.key().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(list("d/", ""), ["d/5", "d/6"]);
    assert_eq!(list("d/", "d/5"), ["d/6"]);
    assert_eq!(list("a/", "0"), ["a/1", "a/2", "a/b/3"]);
    assert_eq!(list("", "c"), ["d/5", "d/6"]);
    assert_eq!(list("x", ""), Vec::<String>::new());
}

#[test]
fn hostile_names_come_through_percent_encoded() {
    let names = [
        "a b+c%20.json.gz",
        "bell\u{7}",
        "line\nbreak",
        "<&>\"'",
        "\u{fffe}é",
    ];
    let server = serve(&names, Options::default());
    let request = s3(&server, 1)
        .list_objects_v2()
        .bucket(BUCKET)
        .encoding_type(EncodingType::Url);
    let page = block_on(request.send()).unwrap();
    let mut listed: Vec<_> = page
        .contents()
        .iter()
        .map(|object| decode(object.key().unwrap()))
        .collect();
    listed.sort();
    let mut expected = names.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(listed, expected);
}

fn decode(text: &str) -> String {
    super::super::call::parameter(&format!("x={text}"), "x").unwrap()
}

#[test]
fn the_listing_tells_storage_class_and_restore() {
    let server = serve(&[], Options::default());
    let mut restored = Object::new("x").with_class(Class::Glacier);
    restored.restore = Restore::Until(std::time::SystemTime::now());
    server.store().put(
        BUCKET,
        "cold",
        Object::new("x").with_class(Class::DeepArchive),
    );
    server.store().put(BUCKET, "warm", restored);
    let request = s3(&server, 1)
        .list_objects_v2()
        .bucket(BUCKET)
        .optional_object_attributes(OptionalObjectAttributes::RestoreStatus);
    let page = block_on(request.send()).unwrap();
    let [cold, warm] = page.contents() else {
        panic!("two objects")
    };
    assert_eq!(cold.storage_class().unwrap().as_str(), "DEEP_ARCHIVE");
    assert!(cold.restore_status().is_none());
    assert_eq!(warm.storage_class().unwrap().as_str(), "GLACIER");
    assert!(
        warm.restore_status()
            .unwrap()
            .restore_expiry_date()
            .is_some()
    );
}

#[test]
fn versions_and_delete_markers_are_listed_newest_first() {
    for page_size in 1..=6 {
        let server = serve(&[], paged(page_size));
        {
            let mut store = server.store();
            let bucket = store.bucket(BUCKET);
            bucket.versioned = true;
            bucket.put("a", Object::new("1"));
            bucket.put("a", Object::new("22"));
            bucket.delete("a");
            bucket.put("b", Object::new("333"));
            bucket.put("b", Object::new("4444"));
        }
        let mut found = block_on(all_versions(&server));
        found.sort();
        let expected = [
            ("a", 0, true),
            ("a", 1, false),
            ("a", 2, false),
            ("b", 3, false),
            ("b", 4, true),
        ];
        let expected = expected.map(|(key, size, latest)| (key.to_owned(), size, latest));
        assert_eq!(found, expected, "page size {page_size}");
        let current = block_on(s3(&server, 1).list_objects_v2().bucket(BUCKET).send()).unwrap();
        assert_eq!(current.contents().len(), 1, "what is deleted is not listed");
    }
}

/// Key, size (0: a delete marker), whether it is the latest.
async fn all_versions(server: &super::super::Server) -> Vec<(String, i64, bool)> {
    let client = s3(server, 1);
    let (mut key, mut version) = (None, None);
    let mut found = Vec::new();
    loop {
        let request = client
            .list_object_versions()
            .bucket(BUCKET)
            .set_key_marker(key)
            .set_version_id_marker(version);
        let page = request.send().await.unwrap();
        for item in page.versions() {
            found.push((
                item.key().unwrap().to_owned(),
                item.size().unwrap(),
                item.is_latest().unwrap(),
            ));
        }
        for item in page.delete_markers() {
            found.push((item.key().unwrap().to_owned(), 0, item.is_latest().unwrap()));
        }
        if page.is_truncated() != Some(true) {
            return found;
        }
        key = page.next_key_marker().map(str::to_owned);
        version = page.next_version_id_marker().map(str::to_owned);
    }
}
