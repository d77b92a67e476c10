//! Gzip members written by hand around miniz_oxide's deflate, whose output is the same on every processor;
//! zlib-rs picks its match finder by what the processor can do, so committed archives could not be made anew with it.

use std::io::Read;

pub const LEVEL: u8 = 6;

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    gzip_level(bytes, LEVEL)
}

pub fn gzip_level(bytes: &[u8], level: u8) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    out.extend(miniz_oxide::deflate::compress_to_vec(bytes, level));
    trailer(&mut out, bytes);
    out
}

fn trailer(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    out.extend(crc.sum().to_le_bytes());
    let length = u32::try_from(bytes.len() & 0xffff_ffff).expect("32 bits");
    out.extend(length.to_le_bytes());
}

/// What the first member holds.
pub fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(bytes)
        .read_to_end(&mut out)
        .expect("an object that the forge compressed");
    out
}

/// A member of `count` times `byte`, made without holding what it inflates to.
pub fn bomb(byte: u8, count: u64) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let chunk = vec![byte; 1 << 20];
    let mut left = count;
    while left > 0 {
        let now = usize::try_from(left.min(1 << 20)).expect("at most a megabyte");
        encoder
            .write_all(&chunk[..now])
            .expect("a vector takes everything");
        left -= now as u64;
    }
    encoder.finish().expect("a vector takes everything")
}

#[test]
fn what_is_compressed_comes_back() {
    for level in [0, 1, 6, 9] {
        assert_eq!(
            gunzip(&gzip_level(b"hello hello hello", level)),
            b"hello hello hello"
        );
    }
}
