//! What a cell of a spreadsheet holds, whatever kind of file it came from.

use std::borrow::Cow;

use chrono::NaiveDateTime;

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Cell {
    #[default]
    Empty,
    Text(String),
    Number(f64),
    Date(NaiveDateTime),
    Bool(bool),
}

/// The errors of formulas, as a text file has them.
const ERRORS: [&str; 9] = ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"];

/// Takes no room, and nobody typed it on purpose: zero-width characters, marks of direction, control characters.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}')
        || matches!(c, '\u{2060}'..='\u{206F}' | '\u{FEFF}')
        || (c.is_control() && !c.is_whitespace())
}

/// What people put where they know nothing.
pub(super) fn is_filler(c: char) -> bool {
    c.is_whitespace()
        || is_invisible(c)
        || matches!(c, '.' | '…' | '/' | '-' | '_' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2024}' | '\u{2025}')
}

impl Cell {
    /// Whether it does not count as empty: a cell with nothing in it, with an error, or with only the dots and dashes that
    /// people put where they know nothing does.
    pub fn is_filled(&self) -> bool {
        match self {
            Self::Empty => false,
            Self::Text(text) => {
                text.chars().any(|c| !is_filler(c)) && !(text.contains('#') && ERRORS.contains(&text.trim()))
            }
            Self::Number(_) | Self::Date(_) | Self::Bool(_) => true,
        }
    }

    /// What a person reads in the cell: whole numbers without decimals, dates as dd/mm/yyyy. None for a cell that counts as
    /// empty.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Empty => None,
            Self::Text(text) => self.is_filled().then_some(Cow::Borrowed(text)),
            Self::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
                Some((*number as i64).to_string().into())
            }
            Self::Number(number) => Some(number.to_string().into()),
            Self::Date(date) => Some(date.format("%d/%m/%Y").to_string().into()),
            Self::Bool(value) => Some(if *value { "TRUE" } else { "FALSE" }.into()),
        }
    }

    /// The beginning of what the cell holds, to find it again; also of a cell that counts as empty.
    pub fn excerpt(&self) -> Option<String> {
        let text = match self {
            Self::Text(text) => Cow::Borrowed(text.as_str()),
            other => other.text()?,
        };
        Some(text.chars().filter(|c| !c.is_control()).take(60).collect::<String>()).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_reads_as_a_person_reads_it() {
        for (cell, text) in [
            (Cell::Number(957_220_295.0), "957220295"),
            (Cell::Number(123_456_789_012.0), "123456789012"),
            (Cell::Number(1.5), "1.5"),
            (Cell::Text(" Lê An".into()), " Lê An"),
        ] {
            assert_eq!(cell.text().as_deref(), Some(text));
        }
        for blank in ["", " ", "\u{A0}\u{200B}", "../…-–", "…………", "—", "#N/A", "#REF!", " #DIV/0! ", "\n"]
        {
            let cell = Cell::Text(blank.into());
            assert_eq!((cell.text(), cell.is_filled()), (None, false), "{blank:?}");
        }
        assert_eq!(Cell::Text("\u{A0}".into()).excerpt().as_deref(), Some("\u{A0}"));
        assert_eq!(Cell::Text(format!("a\0{}", "b".repeat(100))).excerpt(), Some(format!("a{}", "b".repeat(59))));
        assert_eq!(Cell::Empty.excerpt(), None);
    }
}
