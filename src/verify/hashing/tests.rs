//! What is hashed, and what is refused.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn hash(stored: &[u8]) -> Result<Content, ContentError> {
    ContentReader::default().hash(Box::new(io::Cursor::new(stored.to_vec())), u64::MAX)
}

fn fault(stored: &[u8]) -> GzipFault {
    match hash(stored) {
        Err(ContentError::Malformed(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn gzip_and_plain_hash_alike() {
    let content = b"{\"Records\":[]}".repeat(40_000);
    let (zipped, plain) = (hash(&gzip(&content)).unwrap(), hash(&content).unwrap());
    assert_eq!(zipped.hash, Sha256Hash::of(&content));
    assert_eq!(plain.hash, zipped.hash);
    assert_eq!(
        (zipped.encoding, plain.encoding),
        (Encoding::Gzip, Encoding::Plain)
    );
    assert_eq!(zipped.length, content.len() as u64);
    assert_eq!(plain.length, content.len() as u64);
    assert_eq!(plain.stored, content.len() as u64);
    assert_eq!(zipped.stored, gzip(&content).len() as u64);
}

#[test]
fn an_empty_object_is_empty_content() {
    assert_eq!(hash(b"").unwrap().hash, Sha256Hash::of(b""));
    assert_eq!(hash(&[0x1f]).unwrap().encoding, Encoding::Plain);
    assert_eq!(hash(&gzip(b"")).unwrap().hash, Sha256Hash::of(b""));
}

#[test]
fn every_cut_of_a_stream_is_told() {
    let whole = gzip(b"some content, some more content");
    for length in 2..whole.len() {
        assert_eq!(fault(&whole[..length]), GzipFault::Cut, "{length}");
    }
}

#[test]
fn nothing_may_follow_the_first_member() {
    for rest in [&b"\0"[..], b"x", &gzip(b"more"), &vec![0; 300_000]] {
        let mut stored = gzip(b"content");
        stored.extend_from_slice(rest);
        assert_eq!(fault(&stored), GzipFault::TrailingBytes);
    }
}

#[test]
fn checksum_and_length_are_checked() {
    let whole = gzip(b"content");
    for from_end in 1..=8 {
        let mut stored = whole.clone();
        let at = stored.len() - from_end;
        stored[at] ^= 1;
        assert_eq!(fault(&stored), GzipFault::Corrupt, "{from_end}");
    }
}

#[test]
fn a_reader_serves_many_objects_and_survives_broken_ones() {
    let mut reader = ContentReader::default();
    let mut read = |bytes: Vec<u8>| reader.hash(Box::new(io::Cursor::new(bytes)), u64::MAX);
    let whole = gzip(b"content");
    for _ in 0..3 {
        assert!(read(whole[..9].to_vec()).is_err());
        assert_eq!(
            read(whole.clone()).unwrap().hash,
            Sha256Hash::of(b"content")
        );
        assert_eq!(
            read(b"content".to_vec()).unwrap().hash,
            Sha256Hash::of(b"content")
        );
    }
}

#[test]
fn a_failing_source_is_never_a_malformed_stream() {
    struct Failing(Vec<u8>, usize);
    impl Read for Failing {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if self.1 == self.0.len() {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "reset"));
            }
            into[0] = self.0[self.1];
            self.1 += 1;
            Ok(1)
        }
    }
    let whole = gzip(b"some content");
    for length in 0..whole.len() {
        let source = Failing(whole[..length].to_vec(), 0);
        let read = ContentReader::default().hash(Box::new(source), u64::MAX);
        assert!(
            matches!(read, Err(ContentError::Read(_))),
            "{length}: {read:?}"
        );
    }
}

#[test]
fn collecting_is_bounded_while_inflating() {
    let bomb = gzip(&vec![b' '; 4_000_000]);
    let read = ContentReader::default().collect(Box::new(io::Cursor::new(bomb)), 1_000_000);
    assert!(matches!(read, Err(ContentError::TooLarge(1_000_000))));
    let (content, bytes) = ContentReader::default()
        .collect(Box::new(io::Cursor::new(gzip(b"abc"))), 3)
        .unwrap();
    assert_eq!((content.length, bytes.as_slice()), (3, &b"abc"[..]));
}

#[test]
fn what_comes_byte_by_byte_is_read_alike() {
    struct Dribbling(io::Cursor<Vec<u8>>);
    impl Read for Dribbling {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.0.read(&mut into[..1])
        }
    }
    let read = |bytes: Vec<u8>| {
        let source = Dribbling(io::Cursor::new(bytes));
        ContentReader::default()
            .hash(Box::new(source), u64::MAX)
            .unwrap()
    };
    for (bytes, encoding) in [
        (gzip(b"content"), Encoding::Gzip),
        (b"content".to_vec(), Encoding::Plain),
    ] {
        let content = read(bytes);
        assert_eq!(content.hash, Sha256Hash::of(b"content"));
        assert_eq!((content.encoding, content.length), (encoding, 7));
    }
}

#[test]
fn a_limit_is_on_all_of_the_content_together() {
    for stored in [gzip(&vec![b' '; 300_000]), vec![b' '; 300_000]] {
        let collect = |limit| {
            let source = Box::new(io::Cursor::new(stored.clone()));
            ContentReader::default().collect(source, limit)
        };
        for limit in [300_000, 1_000_000] {
            assert_eq!(collect(limit).unwrap().1.len(), 300_000);
        }
        for limit in [0, 299_999] {
            assert!(matches!(collect(limit), Err(ContentError::TooLarge(_))));
        }
    }
}

#[test]
fn a_hash_is_read_and_written_as_its_digits() {
    let digits = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let hash = Sha256Hash::of(b"abc");
    assert_eq!(hash.to_string(), digits);
    assert_eq!(format!("{hash:?}"), digits);
    assert_eq!(Sha256Hash::from_hex(digits), Some(hash));
    assert_eq!(Sha256Hash::from_hex(&digits[2..]), None);
}

#[test]
fn stored_bytes_are_hashed_as_they_are() {
    let whole = gzip(b"content");
    for stored in [whole.clone(), whole[..9].to_vec(), Vec::new()] {
        let source = Box::new(io::Cursor::new(stored.clone()));
        let told = ContentReader::default().hash_stored(source).unwrap();
        assert_eq!(told, (Sha256Hash::of(&stored), stored.len() as u64));
    }
}

#[test]
fn an_interrupted_read_is_made_again() {
    struct Interrupting(io::Cursor<Vec<u8>>, bool);
    impl Read for Interrupting {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            self.0.read(into)
        }
    }
    for stored in [gzip(b"content"), b"content".to_vec()] {
        let source = Interrupting(io::Cursor::new(stored), false);
        let read = ContentReader::default()
            .hash(Box::new(source), u64::MAX)
            .unwrap();
        assert_eq!(read.hash, Sha256Hash::of(b"content"));
    }
}

/// Counts what is read of it.
struct Counted<R>(R, std::sync::Arc<std::sync::atomic::AtomicU64>);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(into)?;
        self.1
            .fetch_add(read as u64, std::sync::atomic::Ordering::Relaxed);
        Ok(read)
    }
}

#[test]
fn beyond_its_limit_no_more_is_read() {
    let content = vec![b' '; 1 << 20];
    // A stream whose blocks hold nothing never ends.
    let nothing = [&gzip(b"")[..10], &[0, 0, 0, 0xff, 0xff].repeat(100_000)].concat();
    for stored in [gzip(&content), content.clone(), nothing] {
        let count = std::sync::Arc::default();
        let endless = io::Cursor::new(stored.clone()).chain(io::repeat(0));
        let source = Counted(endless, std::sync::Arc::clone(&count));
        let read = ContentReader::default().hash(Box::new(source), 100_000);
        assert!(
            matches!(read, Err(ContentError::TooLarge(100_000))),
            "{read:?}"
        );
        let read = count.load(std::sync::atomic::Ordering::Relaxed);
        assert!(read < 500_000, "{read} bytes were read");
    }
    for stored in [gzip(&content), content.clone()] {
        let at =
            |limit| ContentReader::default().hash(Box::new(io::Cursor::new(stored.clone())), limit);
        assert!(at(1 << 20).is_ok());
        assert!(matches!(at((1 << 20) - 1), Err(ContentError::TooLarge(_))));
    }
    // What cannot be compressed takes more room than it has content.
    let mut seed = 1_u64;
    let noise = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 56) as u8
    });
    let noise: Vec<u8> = noise.take(3 << 20).collect();
    let stored = gzip(&noise);
    assert!(stored.len() > noise.len());
    let read = ContentReader::default().hash(Box::new(io::Cursor::new(stored)), 3 << 20);
    assert_eq!(read.unwrap().hash, Sha256Hash::of(&noise));
}
