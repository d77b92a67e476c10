//! Text as editors and shells of different systems write it.

use std::borrow::Cow;

/// What some programs begin a text of UTF-8 with.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The same text in UTF-8, without a byte order mark. The shells of Windows write what a command prints
/// to a file in UTF-16. What is no text in UTF-16 is left as it is.
pub fn in_utf8(bytes: &[u8]) -> Cow<'_, [u8]> {
    if let Some(marked) = bytes.strip_prefix(BYTE_ORDER_MARK) {
        return marked.into();
    }
    let unit = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return bytes.into(),
    };
    let (pairs, rest) = bytes[2..].as_chunks();
    let units = pairs.iter().copied().map(unit);
    let text: Result<String, _> = char::decode_utf16(units).collect();
    match text {
        Ok(text) if rest.is_empty() => text.into_bytes().into(),
        Ok(_) | Err(_) => bytes.into(),
    }
}

/// `1 log lies`, `2 logs lie`.
pub(crate) fn numbered(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_told_as_one() {
        let told = [0, 1, 2].map(|number| numbered(number, "log lies", "logs lie"));
        assert_eq!(told, ["0 logs lie", "1 log lies", "2 logs lie"]);
    }

    const TEXT: &str = "{\"ä\": \"𝄞\"}";

    fn utf16(unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(TEXT.encode_utf16());
        units.flat_map(unit).collect()
    }

    #[test]
    fn text_is_read_however_it_was_written() {
        let marked = [BYTE_ORDER_MARK, TEXT.as_bytes()].concat();
        let ways = [
            TEXT.into(),
            marked,
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
        ];
        for bytes in ways {
            assert_eq!(in_utf8(&bytes), TEXT.as_bytes(), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_text_is_left_as_it_is() {
        let mut odd = utf16(u16::to_le_bytes);
        odd.pop();
        let lone = [&[0xff, 0xfe][..], &0xd834_u16.to_le_bytes()].concat();
        for bytes in [odd, lone, vec![0xff], vec![0x30, 0x82, 0xff, 0xfe], vec![]] {
            assert_eq!(in_utf8(&bytes), bytes);
        }
    }
}
