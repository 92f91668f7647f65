//! One validated text for every field. PostgreSQL refuses a NUL that SQLite stores, a broken encoding silently becomes
//! U+FFFD, and a bidi override shows one name and stores another: all of that is refused here, with a sentence.

use std::fmt;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

/// What is wrong with a field: a Vietnamese sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError(pub String);

impl FieldError {
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FieldError {}

/// Characters that take no room and that nobody typed on purpose.
pub(super) fn is_zero_width(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}' | '\u{00AD}')
}

/// Whether nothing has to be repaired: composed Latin letters, ASCII, single spaces between words. Most texts are so, and
/// composing is slow.
pub(super) fn is_tidy(text: &str) -> bool {
    let mut after_space = true;
    for c in text.chars() {
        match c {
            ' ' if after_space => return false,
            'Ð' | 'ð' => return false,
            ' '..='~' | 'À'..='ÿ' | '\u{100}'..='\u{1B0}' | '\u{1EA0}'..='\u{1EF9}' => {}
            _ => return false,
        }
        after_space = c == ' ';
    }
    !after_space
}

/// The character below U+1F00 that each of them becomes: the letters of Latin script end there.
fn table(of: impl Fn(char) -> char) -> Vec<char> {
    ('\0'..'\u{1F00}').map(of).collect()
}

/// Lower case of Latin letters.
pub(super) fn lower(text: &str) -> String {
    static LETTERS: LazyLock<Vec<char>> = LazyLock::new(|| table(|c| c.to_lowercase().next().unwrap_or(c)));
    let mut lower = String::with_capacity(text.len());
    lower.extend(text.chars().map(|c| LETTERS.get(c as usize).copied().unwrap_or(c)));
    lower
}

/// The letter below the accents of one of Latin script; đ becomes d by hand, because Unicode does not take it apart.
pub(super) fn unaccented(c: char) -> char {
    static LETTERS: LazyLock<Vec<char>> = LazyLock::new(|| {
        table(|c| match c {
            'Đ' | 'Ð' => 'D',
            'đ' | 'ð' => 'd',
            c => c.nfd().next().unwrap_or(c),
        })
    });
    if c.is_ascii() { c } else { LETTERS.get(c as usize).copied().unwrap_or(c) }
}

fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{061C}')
}

pub(super) fn check(text: &str, max: usize) -> Result<(), FieldError> {
    for c in text.chars() {
        if c == '\u{FFFD}' {
            return Err(FieldError::new("Có ký tự bị hỏng do sai bảng mã. Hãy xóa và gõ lại."));
        }
        if is_bidi_control(c) {
            return Err(FieldError::new("Có ký tự ẩn đổi chiều chữ. Hãy xóa và gõ lại bằng bàn phím."));
        }
        let noncharacter = (c as u32) & 0xFFFE == 0xFFFE || matches!(c, '\u{FDD0}'..='\u{FDEF}');
        if (c.is_control() && c != '\n') || noncharacter {
            return Err(FieldError::new("Có ký tự điều khiển không dùng được. Hãy xóa và gõ lại."));
        }
    }
    let length = text.chars().count();
    if length > max {
        return Err(FieldError::new(format!("Dài {length} ký tự, tối đa {max}. Hãy rút ngắn.")));
    }
    Ok(())
}

/// One line: NFC, every kind of space to one space, zero-width characters dropped, trimmed. None when nothing is left.
///
/// # Errors
/// Control characters, a broken encoding, bidi overrides, more than `max` characters.
pub fn line(raw: &str, max: usize) -> Result<Option<String>, FieldError> {
    if is_tidy(raw) && raw.len() <= max {
        return Ok(Some(raw.to_owned()));
    }
    let spaced: String =
        raw.nfc().filter(|c| !is_zero_width(*c)).map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    let text = spaced.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    check(&text, max)?;
    Ok((!text.is_empty()).then_some(text))
}

/// As [`line()`], for a field that must be filled in.
///
/// # Errors
/// As [`line()`], and when it is empty.
pub fn required_line(raw: &str, max: usize) -> Result<String, FieldError> {
    line(raw, max)?.ok_or_else(|| FieldError::new("Bắt buộc nhập."))
}

/// Several lines: as [`line()`], but line breaks stay.
///
/// # Errors
/// As [`line()`].
pub fn paragraph(raw: &str, max: usize) -> Result<Option<String>, FieldError> {
    let mut lines = Vec::new();
    for part in raw.replace("\r\n", "\n").replace('\r', "\n").split('\n') {
        lines.push(line(part, usize::MAX)?.unwrap_or_default());
    }
    let text = lines.join("\n").trim().to_owned();
    check(&text, max)?;
    Ok((!text.is_empty()).then_some(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_composed_trimmed_and_single_spaced() {
        assert_eq!(line("  Ba\u{300}i\u{00A0}\u{200B} ho\u{323}c\t1 ", 50), Ok(Some("Bài học 1".into())));
        assert_eq!(line(" \u{200B} ", 50), Ok(None));
    }

    #[test]
    fn what_a_database_or_a_reader_would_choke_on_is_refused() {
        for raw in ["a\0b", "a\u{FFFD}b", "a\u{202E}b", "a\u{7}b", "a\u{FFFE}b", "abcdef"] {
            assert!(line(raw, 5).is_err(), "{raw:?}");
        }
        assert!(required_line("  ", 5).is_err());
    }

    #[test]
    fn a_paragraph_keeps_its_lines() {
        assert_eq!(paragraph(" một \r\n  hai\n", 50), Ok(Some("một\nhai".into())));
    }

    proptest! {
        #[test]
        fn what_was_accepted_once_is_accepted_unchanged_again(raw in "\\PC{0,40}") {
            if let Ok(Some(text)) = line(&raw, 200) {
                prop_assert_eq!(line(&text, 200), Ok(Some(text.clone())));
            }
        }
    }
}
