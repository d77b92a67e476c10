//! A gzip member taken apart by hand, after RFC 1952, around another inflater than the library's.

use miniz_oxide::inflate::{
    TINFLStatus,
    core::{DecompressorOxide, decompress, inflate_flags},
};

/// What one whole member holds, with nothing after it; plain bytes hold themselves.
pub fn inflated(body: &[u8]) -> Option<Vec<u8>> {
    if !body.starts_with(&[0x1f, 0x8b]) {
        return Some(body.to_vec());
    }
    let rest = after_header(body)?;
    let (content, used) = deflated(rest)?;
    let trailer = rest.get(used..)?;
    if trailer.len() != 8 {
        return None;
    }
    let word = |at: usize| u32::from_le_bytes(trailer[at..at + 4].try_into().expect("four bytes"));
    let length = u32::try_from(content.len() & 0xffff_ffff).expect("32 bits");
    (word(0) == crc(&content) && word(4) == length).then_some(content)
}

fn after_header(body: &[u8]) -> Option<&[u8]> {
    let (head, mut rest) = body.split_at_checked(10)?;
    let flags = head[3];
    // Reserved flags may mean anything; whoever does not know them has to say so.
    if head[2] != 8 || flags & 0xe0 != 0 {
        return None;
    }
    if flags & 4 != 0 {
        let (length, after) = rest.split_at_checked(2)?;
        rest = after.get(usize::from(length[0]) + 256 * usize::from(length[1])..)?;
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & 2 != 0 {
        let (sum, after) = rest.split_at_checked(2)?;
        let header = &body[..body.len() - rest.len()];
        let sum = u16::from_le_bytes([sum[0], sum[1]]);
        if u32::from(sum) != crc(header) & 0xffff {
            return None;
        }
        rest = after;
    }
    Some(rest)
}

/// What a deflate stream holds, and how many bytes it takes.
fn deflated(stream: &[u8]) -> Option<(Vec<u8>, usize)> {
    // Bytes may hold a thousand times as many; more than this is refused, as the library does with what has a limit.
    let mut out = vec![0; stream.len().saturating_mul(1040).clamp(64, 64 << 20)];
    let mut state = Box::<DecompressorOxide>::default();
    let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let (status, used, written) = decompress(&mut state, stream, &mut out, 0, flags);
    out.truncate(written);
    (status == TINFLStatus::Done).then_some((out, used))
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[test]
fn what_the_forge_packs_is_unpacked() {
    let packed = crate::forge::gzip::gzip(b"hello hello hello");
    assert_eq!(inflated(&packed).unwrap(), b"hello hello hello");
    for index in [0, 2, 15, packed.len() - 6, packed.len() - 1] {
        let mut broken = packed.clone();
        broken[index] ^= 1;
        assert_ne!(
            inflated(&broken).as_deref(),
            Some(&b"hello hello hello"[..])
        );
    }
    let mut longer = packed.clone();
    longer.push(0);
    assert_eq!(inflated(&longer), None);
    let mut named = vec![0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 0xff, b'n', 0];
    named.extend(&packed[10..]);
    assert_eq!(inflated(&named).unwrap(), b"hello hello hello");
}
