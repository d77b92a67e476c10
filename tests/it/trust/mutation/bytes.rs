//! The stored bytes of an object, region by region.

use super::case::{Case, Expected, Target};
use crate::forge::{Archive, At, Store};

type Edit = Box<dyn Fn(&mut Vec<u8>) + Send + Sync>;
type Repack = fn(&mut Store, &At);

/// The regions of a gzip member with a plain header.
fn region(place: usize, length: usize) -> &'static str {
    match place {
        0..2 => "gzip header: magic",
        2 => "gzip header: method",
        3 => "gzip header: flags",
        4..8 => "gzip header: time",
        8..10 => "gzip header: extra flags, system",
        _ if place + 8 < length => "deflate stream",
        _ if place + 4 < length => "gzip trailer: CRC",
        _ => "gzip trailer: length",
    }
}

pub fn cases(archive: &Archive, target: &Target) -> Vec<Case> {
    let length = archive.store.get(&target.at).body.len();
    let mut cases = Vec::new();
    let mut add = |row: String, name: String, edit: Edit| {
        let at = target.at.clone();
        let expected = Expected::ToldUnlessSame(at.clone());
        let change = move |archive: &mut Archive| edit(&mut archive.store.get_mut(&at).body);
        cases.push(Case::new(row, name, expected, change));
    };
    for place in 0..length {
        let region = region(place, length);
        let bits: &[u8] = if region == "deflate stream" {
            // Every bit, though not every bit of every byte: bit after bit along the stream.
            &[1 << (place % 8)]
        } else {
            &[1, 2, 4, 8, 16, 32, 64, 128]
        };
        for bit in bits.iter().copied() {
            let name = format!("bit {bit:#x} of byte {place} of {length} flipped");
            let flip = move |body: &mut Vec<u8>| body[place] ^= bit;
            add(format!("{region}: a bit flipped"), name, Box::new(flip));
        }
        let cut = move |body: &mut Vec<u8>| body.truncate(place);
        add(
            "cut to every length".into(),
            format!("to {place}"),
            Box::new(cut),
        );
        let out = move |body: &mut Vec<u8>| {
            body.remove(place);
        };
        add(
            "a byte taken out".into(),
            format!("at {place}"),
            Box::new(out),
        );
        let put = move |body: &mut Vec<u8>| body.insert(place, 0x55);
        add("a byte put in".into(), format!("at {place}"), Box::new(put));
    }
    for (name, more) in [
        ("a zero", vec![0]),
        ("512 zeros", vec![0; 512]),
        ("a line break", b"\n".to_vec()),
        ("an empty member", crate::forge::gzip::gzip(b"")),
        (
            "another member",
            crate::forge::gzip::gzip(b"{\"Records\":[]}"),
        ),
    ] {
        let append = move |body: &mut Vec<u8>| body.extend(&more);
        add("bytes after the end".into(), name.into(), Box::new(append));
    }
    let twice = |body: &mut Vec<u8>| body.extend_from_within(..);
    add(
        "bytes after the end".into(),
        "itself again".into(),
        Box::new(twice),
    );
    for byte in [0, b' ', 0xff] {
        let all = move |body: &mut Vec<u8>| body.fill(byte);
        add(
            "overwritten".into(),
            format!("with {byte:#x}"),
            Box::new(all),
        );
    }
    cases.extend(rewritten(archive, target));
    cases
}

/// The content changed and packed again; and packed anew unchanged.
fn rewritten(archive: &Archive, target: &Target) -> Vec<Case> {
    let mut cases = Vec::new();
    let length = archive.store.content(&target.at).len();
    let steps = 40;
    for step in 0..steps {
        let place = length * step / steps;
        let at = target.at.clone();
        let edit = move |archive: &mut Archive| {
            archive
                .store
                .edit_content(&at, |content| content[place] ^= 1);
        };
        let told = Expected::Told(vec![target.at.clone()]);
        let name = format!("byte {place} of {length}");
        cases.push(Case::new(
            "content changed, and packed again",
            name,
            told,
            edit,
        ));
    }
    let ways: [(&str, Repack); 4] = [
        ("stored", |store, at| store.regzip(at, 0)),
        ("fast", |store, at| store.regzip(at, 1)),
        ("small", |store, at| store.regzip(at, 10)),
        ("plain", |store, at| store.store_uncompressed(at)),
    ];
    for (name, repack) in ways {
        let at = target.at.clone();
        let same =
            Expected::Nothing("what is signed and hashed is the content, not how it is packed");
        cases.push(Case::new(
            "packed anew, or stored as plain JSON",
            name,
            same,
            move |archive| {
                repack(&mut archive.store, &at);
            },
        ));
    }
    cases
}
