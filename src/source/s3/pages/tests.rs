//! Listings, page by page.

use super::*;

#[test]
fn a_document_that_breaks_off_does_not_reach_its_end() {
    let whole = "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>";
    let reaches_its_end = |document: &[u8]| reaches_its_end(document, "ListBucketResult");
    assert!(reaches_its_end(whole.as_bytes()));
    assert!(reaches_its_end(format!("{whole}\r\n").as_bytes()));
    assert!(reaches_its_end(
        b"<a:ListBucketResult></a:ListBucketResult >"
    ));
    for length in 0..whole.len() {
        assert!(!reaches_its_end(&whole.as_bytes()[..length]), "{length}");
    }
}

#[test]
fn a_listing_that_brings_nothing_further_ends() {
    let page = |key: &str| Page {
        objects: vec![Entry {
            key: key.to_owned(),
            size: Some(1),
            archived: false,
        }],
        next: Some("token".to_owned()),
        ..Page::default()
    };
    let mut cursor = Cursor::default();
    for number in 0..3 * MOST_IDLE {
        cursor.advance(&page(&format!("{number:05}"))).unwrap();
    }
    // Pages without names are no end, nor are the same names.
    let empty = || Page {
        objects: Vec::new(),
        ..page("")
    };
    for _ in 0..MOST_IDLE / 2 {
        cursor.advance(&empty()).unwrap();
    }
    for _ in 1..MOST_IDLE / 2 / REPEATED {
        cursor.advance(&page("00000")).unwrap();
    }
    let last = Page {
        next: None,
        ..page("00000")
    };
    assert!(Cursor::default().advance(&last).is_ok());
    assert!(cursor.advance(&page("00000")).is_err());
}

fn page(keys: &[&str], folders: &[&str]) -> Page {
    let entry = |key: &&str| Entry {
        key: (*key).to_owned(),
        size: Some(1),
        archived: false,
    };
    Page {
        objects: keys.iter().map(entry).collect(),
        folders: folders.iter().map(|name| (*name).to_owned()).collect(),
        next: Some("token".to_owned()),
    }
}

#[test]
fn a_name_that_comes_twice_is_one() {
    let keys = |page: &Page| {
        let keys = page.objects.iter().map(|it| it.key.clone());
        keys.collect::<Vec<_>>().join(" ")
    };
    for (brought, furthest, kept) in [
        (&["b", "b", "c"][..], "", "b c"),
        (&["b", "b", "c"], "b", "c"),
        (&["b", "c"], "a", "b c"),
        (&["b"], "b", ""),
        (&[], "b", ""),
    ] {
        let mut page = page(brought, &["d/", "d/"]);
        page.leave_out_repeats(furthest);
        assert_eq!((keys(&page).as_str(), page.folders.len()), (kept, 1));
    }
}

#[test]
fn names_that_were_not_asked_for_are_refused() {
    for (keys, folders, is_asked_for) in [
        (&[][..], &[][..], true),
        (&["a/", "a/b"], &["a/c/"], true),
        (&["a/", "b/b"], &["a/c/"], false),
        (&["a/b"], &["c/"], false),
        (&["a%2Fb"], &[], false),
    ] {
        let page = page(keys, folders);
        assert_eq!(check_names(&page, "a/").is_ok(), is_asked_for, "{page:?}");
    }
}

#[test]
fn names_in_no_order_are_refused() {
    let mut cursor = Cursor::of_a_part();
    let first = page(&["a", "c", "é"], &["b/", "d/"]);
    assert!(cursor.check_order(&first).is_ok());
    cursor.advance(&first).unwrap();
    for (keys, folders, is_ordered) in [
        (&[][..], &[][..], true),
        (&["é", "ü"], &["ü/"], true),
        (&["ü", "ê"], &[], false),
        (&["d", "ü"], &[], false),
        (&["ü"], &["e/"], false),
        (&["ü"], &["ü/", "ê/"], false),
    ] {
        let next = page(keys, folders);
        assert_eq!(cursor.check_order(&next).is_ok(), is_ordered, "{next:?}");
        assert!(Cursor::default().check_order(&next).is_ok());
    }
}

#[test]
fn names_are_read_as_they_were() {
    for (written, name) in [
        ("a%2Fb+c", "a/b c"),
        ("a%2Bb", "a+b"),
        ("%C3%A9%01", "\u{e9}\u{1}"),
        ("100%", "100%"),
        ("%zz%4", "%zz%4"),
    ] {
        assert_eq!(decode(written), name);
    }
}

#[test]
fn an_answer_to_another_question_is_none() {
    let answer = |prefix: Option<&str>, count, keys: &[&str]| {
        let objects = keys.iter().map(|key| Object::builder().key(*key).build());
        let output = ListObjectsV2Output::builder()
            .set_prefix(prefix.map(str::to_owned))
            .set_contents(Some(objects.collect()))
            .set_key_count(count);
        answers(&output.build(), "a b/").is_ok()
    };
    assert!(answer(Some("a b/"), Some(1), &["a b/c"]));
    assert!(answer(Some("a%20b/"), Some(0), &[]));
    assert!(answer(Some("a+b%2F"), None, &[]));
    assert!(answer(Some(""), Some(7), &["a b/c"]));
    assert!(answer(None, None, &[]));
    assert!(!answer(Some("foo/"), Some(0), &[]));
    assert!(!answer(Some("a b/"), Some(5), &[]));
}
