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

/// A member of `count` times `byte` (whole megabytes), made in no time: one deflated megabyte of it, said again and again.
pub fn bomb(byte: u8, count: u64) -> Vec<u8> {
    use flate2::{Compress, Compression, FlushCompress};
    const CHUNK: usize = 1 << 20;
    let chunk = vec![byte; CHUNK];
    let mut deflate = Compress::new(Compression::best(), false);
    let mut deflated = || {
        let mut out = Vec::with_capacity(CHUNK);
        deflate
            .compress_vec(&chunk, &mut out, FlushCompress::Sync)
            .expect("deflate takes any bytes");
        out
    };
    // Once the window is full of the byte, every further megabyte deflates to the same bytes.
    let (first, second, third) = (deflated(), deflated(), deflated());
    assert_eq!(second, third, "a sync flush ends on a byte");
    let megabytes = count / CHUNK as u64;
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut crc = flate2::Crc::new();
    let mut one = flate2::Crc::new();
    one.update(&chunk);
    for index in 0..megabytes {
        out.extend(if index == 0 { &first } else { &second });
        crc.combine(&one);
    }
    out.extend([3, 0]);
    out.extend(crc.sum().to_le_bytes());
    out.extend(
        u32::try_from(count & 0xffff_ffff)
            .expect("32 bits")
            .to_le_bytes(),
    );
    out
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

#[test]
fn a_bomb_is_one_whole_member() {
    assert!(
        gunzip(&bomb(b' ', 5 << 20))
            .iter()
            .all(|byte| *byte == b' ')
    );
    assert_eq!(gunzip(&bomb(b' ', 5 << 20)).len(), 5 << 20);
}
