//! Prose, broken into lines.

/// Breaks `text` into lines of at most `width` characters, between words; a longer word has a
/// line of its own. There is always a line.
pub fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let word_length = word.chars().count();
        if length > 0 && length + 1 + word_length > width {
            lines.push(std::mem::take(&mut line));
            length = 0;
        }
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        line.push_str(word);
        length += word_length;
    }
    if length > 0 || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// `text` broken into lines, where the first one begins with `first` and all others are indented
/// as far.
pub fn hanging(first: &str, text: &str, width: usize) -> String {
    let indent = first.chars().count();
    let lines = lines(text, width.saturating_sub(indent).max(20));
    let mut block = String::from(first);
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            block.extend(std::iter::repeat_n(' ', indent));
        }
        block.push_str(line);
        block.push('\n');
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(lines("one two three", 7), ["one two", "three"]);
        assert_eq!(
            lines("one twothreefour five", 5),
            ["one", "twothreefour", "five"]
        );
        assert_eq!(lines("", 5), [""]);
        assert_eq!(
            hanging("- ", "one two three four five six", 16),
            "- one two three four\n  five six\n"
        );
    }
}
