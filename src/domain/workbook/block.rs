//! The household's code where it stands above the table of its members.

use super::labels::key;
use crate::domain::spreadsheet::Cell;

const LABELS: [&str; 6] = ["masohogiadinh", "mahogiadinh", "masohgd", "mahgd", "masoho", "maho"];

const SPACES: [char; 3] = [' ', '\t', '\u{A0}'];

/// The code as it stands, in the cell of its label or in the next one; `Some(None)` where there is the label and nothing
/// with it.
pub fn household_code(cells: &[Cell]) -> Option<Option<String>> {
    let has_digits = |text: &str| text.bytes().any(|b| b.is_ascii_digit());
    cells.iter().enumerate().find_map(|(at, cell)| match cell {
        Cell::Text(text) if text.len() <= 1000 => {
            let next = || cells[at + 1..].iter().find_map(Cell::text).filter(|next| !next.contains(':'));
            let value = match behind_label(text)? {
                "" => next().map(|next| next.into_owned()),
                value => Some(value.to_owned()),
            };
            Some(value.filter(|value| has_digits(value)))
        }
        _ => None,
    })
}

/// Whether the row begins a household by naming its head.
pub fn names_head(cells: &[Cell]) -> bool {
    let names = |text: &String| {
        let label = text.split(':').next().unwrap_or_default();
        text.len() <= 1000 && matches!(key(label).as_str(), "hovatenchuho" | "hotenchuho" | "tenchuho" | "chuho")
    };
    cells.iter().any(|cell| matches!(cell, Cell::Text(text) if names(text)))
}

/// The number or the word that follows the label: nothing, when the cell has only the label.
fn behind_label(text: &str) -> Option<&str> {
    let starts = std::iter::once(0).chain(text.match_indices(char::is_whitespace).map(|(at, c)| at + c.len()));
    let labels = starts.map(|start| &text[start..]).map(|rest| rest.split_at(end_of_label(rest)));
    let (_, rest) = labels.into_iter().find(|(label, _)| LABELS.contains(&key(label).as_str()))?;
    let value = rest.trim_start_matches([':', '.', '…', '-', '_']).trim_start_matches(SPACES);
    let value = value.trim_start_matches(['.', '…', '-', '_']).trim_start_matches(SPACES);
    let whole = value.split(['\n', '\r', ';']).next().unwrap_or_default().split("  ").next().unwrap_or_default();
    let digits = whole.find(|c: char| !c.is_ascii_digit() && !" .-\u{A0}".contains(c)).unwrap_or(whole.len());
    let (number, behind) = whole.split_at(digits);
    let word = whole.split(SPACES).next().unwrap_or_default();
    let is_number = !number.is_empty() && (number.ends_with(SPACES) || !behind.starts_with(char::is_alphanumeric));
    Some(if is_number { number.trim_end() } else { word })
}

/// A label ends at a colon, at dots to write on, or at a digit; what stands in brackets belongs to it.
fn end_of_label(text: &str) -> usize {
    let mut depth = 0;
    let ends = |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        depth <= 0 && (matches!(c, ':' | '…' | '.' | '\n') || c.is_ascii_digit())
    };
    text.find(ends).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_stands_behind_its_label_or_in_the_next_cell() {
        let text = |text: &str| Cell::Text(text.into());
        for (cells, code) in [
            (vec![text("Mã số hộ gia đình: 5530800777          Điện thoại liên hệ: 0951440121")], Some("5530800777")),
            (vec![text("Mã số hộ gia đình: 5530800777 Điện thoại: 0951440121")], Some("5530800777")),
            (vec![text("Chủ hộ: Lê An   Mã hộ: 5530 800 777")], Some("5530 800 777")),
            (vec![text("Mã số HGĐ (10 số): 553.080.0777")], Some("553.080.0777")),
            (vec![text("MÃ HỘ GIA ĐÌNH……… 5530800777")], Some("5530800777")),
            (vec![text("Mã số hộ gia đình 5530800777")], Some("5530800777")),
            (vec![text("Mã hộ: 55A1234567")], Some("55A1234567")),
            (vec![text("Mã hộ: HGD-77, xã Mẫu")], Some("HGD-77,")),
            (vec![text("Mã số hộ gia đình:"), Cell::Empty, Cell::Number(553_080_077.0)], Some("553080077")),
            (vec![text("Mã số hộ gia đình"), text("5530800777")], Some("5530800777")),
            (vec![text("Mã số hộ gia đình: ……………          Điện thoại liên hệ: 0951440121")], None),
            (vec![text("Mã số hộ gia đình:     Điện thoại liên hệ: 0951440121")], None),
        ] {
            assert_eq!(household_code(&cells), Some(code.map(str::to_owned)), "{cells:?}");
        }
        for other in ["Số sổ hộ khẩu: 12", "Mã hộ khẩu: 12", "mã số hộ gia đình đã được cấp (10 số)", "Mã số BHXH: 1"]
        {
            assert_eq!(household_code(&[text(other)]), None, "{other}");
        }
        assert!(names_head(&[text("Họ và tên chủ hộ: Lê Minh Quân          Số sổ hộ khẩu: ……")]));
    }
}
