//! Names out of an archive are a stranger's. What a terminal or a page shows of them is all
//! visible: nothing moves the cursor, turns the text around, or hides in it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

/// Whether a character acts on the text around it, or cannot be seen or told from a space.
pub fn is_hidden(character: char) -> bool {
    matches!(character,
        // Controls: C0, delete, C1.
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        // Spaces that are not the space, and separators of lines and paragraphs.
        | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}'
        | '\u{202f}' | '\u{205f}' | '\u{3000}'
        // Format characters: joiners, marks and overrides of direction, invisible operators.
        | '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
        | '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{13455}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        // Letters that show as nothing.
        | '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
        // Selectors of variants, and tags.
        | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}'
        // No characters at all.
        | '\u{fdd0}'..='\u{fdef}' | '\u{fffe}' | '\u{ffff}')
        || u32::from(character) & 0xfffe == 0xfffe
}

/// `text` with everything hidden written as an escape, as in `\n` and `\u{202e}`. A backslash is
/// doubled, so that what looks like an escape is one. What CI systems take for a command to them
/// (`##vso[` anywhere, `::` where a line may begin) is broken up likewise.
pub fn visible(text: &str) -> Cow<'_, str> {
    let is_plain =
        |character: char| !matches!(character, '\\' | '#' | ':') && !is_hidden(character);
    let Some(first) = text.find(|character| !is_plain(character)) else {
        return Cow::Borrowed(text);
    };
    let mut shown = text[..first].to_owned();
    let mut before = text[..first].chars().rev().chain([' ']);
    let (mut last, mut second_last) = (before.next(), before.next());
    for character in text[first..].chars() {
        match character {
            '\\' => shown.push_str(r"\\"),
            '\n' => shown.push_str(r"\n"),
            '\r' => shown.push_str(r"\r"),
            '\t' => shown.push_str(r"\t"),
            '#' if last == Some('#') => shown.push_str(r"\u{23}"),
            ':' if last == Some(':') && matches!(second_last, None | Some(' ')) => {
                shown.push_str(r"\u{3a}");
            }
            hidden if is_hidden(hidden) => {
                // Writing to a string cannot fail.
                let _ = write!(shown, r"\u{{{:x}}}", u32::from(hidden));
            }
            plain => shown.push(plain),
        }
        (second_last, last) = (last, Some(character));
    }
    Cow::Owned(shown)
}

/// An error's text, with everything hidden written as an escape, and so what CI systems take for a command
/// wherever it stands in a line. What was escaped already, or is a path with backslashes, stays as it is.
pub fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut last = None;
    for character in text.chars() {
        if is_hidden(character) {
            shown.extend(character.escape_default());
        } else if character == '#' && last == Some('#') {
            shown.push_str(r"\u{23}");
        } else {
            shown.push(character);
        }
        last = Some(character);
    }
    shown
}

/// `text` as one word of a shell's command. Hidden characters take bash's `$'…'`, so that the
/// command can be read before it is run.
pub fn shell(text: &str) -> String {
    if !text.chars().any(is_hidden) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut word = String::from("$'");
    for character in text.chars() {
        match character {
            '\\' => word.push_str(r"\\"),
            '\'' => word.push_str(r"\'"),
            hidden if is_hidden(hidden) => {
                for byte in hidden.encode_utf8(&mut [0; 4]).bytes() {
                    // Three octal digits end by themselves, whatever follows.
                    let _ = write!(word, r"\{byte:03o}");
                }
            }
            plain => word.push(plain),
        }
    }
    word.push('\'');
    word
}

/// The same of a path, which may be no text, and is never taken for an option. What needs no quotes
/// has none.
pub fn shell_path(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    if bytes.starts_with(b"-") {
        return shell_path(&Path::new(".").join(path));
    }
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._/:@%+,".contains(byte);
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && bytes.iter().all(is_plain) => text.to_owned(),
        Ok(text) => shell(text),
        Err(_) => {
            let octal = bytes.iter().map(|byte| format!(r"\{byte:03o}"));
            format!("$'{}'", octal.collect::<String>())
        }
    }
}

/// `text` for HTML and XML, in content and between double quotes; hidden characters made visible.
pub fn markup(text: &str) -> Cow<'_, str> {
    let shown = visible(text);
    if !shown.contains(['&', '<', '>', '"', '\'']) {
        return shown;
    }
    let mut escaped = String::with_capacity(shown.len() + 16);
    for character in shown.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            plain => escaped.push(plain),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_its_backslashes_and_nothing_hidden() {
        assert_eq!(harmless(r"C:\logs: no"), r"C:\logs: no");
        assert_eq!(harmless("\u{1b}[2J\n\u{202e}x"), r"\u{1b}[2J\n\u{202e}x");
        assert_eq!(
            harmless("no ##[add-mask]x # #"),
            r"no #\u{23}[add-mask]x # #"
        );
    }

    #[test]
    fn what_acts_on_a_terminal_is_shown() {
        for (text, expected) in [
            ("plain/Ümläut 日本.json.gz", "plain/Ümläut 日本.json.gz"),
            ("\u{1b}[2J\u{1b}]0;x\u{7}", r"\u{1b}[2J\u{1b}]0;x\u{7}"),
            ("a\u{9b}31m", r"a\u{9b}31m"),
            ("log\u{202e}zg.nosj", r"log\u{202e}zg.nosj"),
            (
                "a\u{200b}b\u{2066}c\u{e0041}",
                r"a\u{200b}b\u{2066}c\u{e0041}",
            ),
            ("a\nb\rc\td", r"a\nb\rc\td"),
            (r"\u{202e}", r"\\u{202e}"),
            ("a\u{a0}b\u{3000}", r"a\u{a0}b\u{3000}"),
            ("arn:aws:iam::1:root # x", "arn:aws:iam::1:root # x"),
            ("::error::x ::y", r":\u{3a}error::x :\u{3a}y"),
            ("a##vso[x]", r"a#\u{23}vso[x]"),
        ] {
            assert_eq!(visible(text), expected);
        }
    }

    #[test]
    fn nothing_hidden_is_left() {
        for code in (0..=0x0010_ffff).filter_map(char::from_u32) {
            let shown = visible(code.encode_utf8(&mut [0; 4])).into_owned();
            assert!(
                !shown
                    .chars()
                    .any(|shown| is_hidden(shown) || shown.is_control())
            );
        }
    }

    #[test]
    fn a_shell_takes_a_name_as_one_word() {
        assert_eq!(shell("a b"), "'a b'");
        assert_eq!(shell("$(id)`'"), r"'$(id)`'\'''");
        assert_eq!(shell("a\n'\\\u{202e}1"), r"$'a\012\'\\\342\200\2561'");
    }

    #[test]
    fn a_shell_takes_a_path_as_no_option() {
        for (path, word) in [
            ("/shared/2024 03", "'/shared/2024 03'"),
            ("s3://results/2024", "s3://results/2024"),
            ("-rf", "./-rf"),
            ("~", "'~'"),
            ("", "''"),
        ] {
            assert_eq!(shell_path(Path::new(path)), word);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_no_text_is_a_word_too() {
        use std::os::unix::ffi::OsStrExt as _;
        let path = std::ffi::OsStr::from_bytes(b"a\xff");
        assert_eq!(shell_path(Path::new(path)), r"$'\141\377'");
    }

    #[test]
    fn markup_holds_no_markup() {
        assert_eq!(
            markup("<script>'\"&]]>\u{1b}"),
            "&lt;script&gt;&#39;&quot;&amp;]]&gt;\\u{1b}"
        );
    }
}
