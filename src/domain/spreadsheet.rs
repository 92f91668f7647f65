//! What a cell of a spreadsheet holds, whatever kind of file it came from, and what spreadsheets do to people's numbers
//! and dates. Only what is certain is undone: a zero that a number lost, `.0` at its end.

use chrono::{NaiveDate, NaiveDateTime};

use super::application::Sex;
use super::dates::BirthDate;
use super::names::folded;
use super::numbers::{IdNumber, Phone, SocialCode};
use super::places::RELATIONS;
use super::text::{self, FieldError, is_zero_width};

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Cell {
    #[default]
    Empty,
    Text(String),
    Number(f64),
    Date(NaiveDateTime),
    Bool(bool),
}

impl Cell {
    /// What a person reads in the cell: a whole number without decimals, a date as dd/mm/yyyy. None for an empty cell,
    /// and for one with only the dots and dashes that people put where they know nothing.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Empty => None,
            Self::Text(text) => text.chars().any(|c| !is_filler(c)).then(|| text.clone()),
            Self::Number(number) => Some(number.to_string()),
            Self::Date(date) => Some(date.format("%d/%m/%Y").to_string()),
            Self::Bool(value) => Some(if *value { "TRUE" } else { "FALSE" }.to_owned()),
        }
    }

    /// The beginning of what a person reads, to find the cell again.
    pub fn excerpt(&self) -> String {
        self.text().unwrap_or_default().chars().filter(|c| !c.is_control()).take(60).collect()
    }
}

fn is_filler(c: char) -> bool {
    c.is_whitespace() || is_zero_width(c) || matches!(c, '.' | '…' | '/' | '-' | '_' | '\u{2010}'..='\u{2015}')
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A number as it was before a spreadsheet wrote it its own way: with an apostrophe before it, `.0` behind it, or an
/// exponent.
fn plain(raw: &str) -> Result<String, FieldError> {
    let text = text::required_line(raw, 60)?;
    let text = text.trim_start_matches(['\'', '’', '‘', ' ']);
    if let Some(whole) = text.strip_suffix(".0").filter(|whole| all_digits(whole)) {
        return Ok(whole.to_owned());
    }
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else {
        return Ok(text.to_owned());
    };
    let (whole, decimals) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let is_number = all_digits(whole) && (decimals.is_empty() || all_digits(decimals));
    match exponent.parse::<usize>() {
        Ok(places) if is_number && places < 100 => match decimals.split_at_checked(places) {
            Some((kept, rest)) if rest.bytes().all(|b| b == b'0') => Ok(format!("{whole}{kept}")),
            _ => Err(FieldError::new(
                "Excel đã làm mất các chữ số cuối. Hãy định dạng cột là văn bản (Text) rồi nhập lại số này.",
            )),
        },
        _ => Ok(text.to_owned()),
    }
}

/// Puts back the zeros that a number of this many digits lost: `(digits now, digits before)`.
fn zero_filled(raw: &str, lost: &[(usize, usize)]) -> Result<String, FieldError> {
    let text = plain(raw)?;
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '.' | '-')).collect();
    match lost.iter().find(|(short, _)| digits.len() == *short && all_digits(&digits)) {
        Some((_, full)) => Ok(format!("{digits:0>full$}")),
        None => Ok(text),
    }
}

pub fn social_code(raw: &str) -> Result<SocialCode, FieldError> {
    SocialCode::parse(&zero_filled(raw, &[(9, 10), (11, 12)])?)
}

pub fn id_number(raw: &str) -> Result<IdNumber, FieldError> {
    IdNumber::parse(&zero_filled(raw, &[(8, 9), (10, 12), (11, 12)])?)
}

pub fn phone(raw: &str) -> Result<String, FieldError> {
    Phone::parse(&plain(raw)?).map(|phone| phone.to_string())
}

pub fn household_code(raw: &str) -> Result<String, FieldError> {
    let code: String = zero_filled(raw, &[(9, 10)])?.chars().filter(|c| !matches!(c, ' ' | '.' | '-')).collect();
    if code.len() == 10 && all_digits(&code) {
        return Ok(code);
    }
    Err(FieldError::new("Mã hộ gia đình có 10 chữ số. Hãy kiểm tra lại."))
}

pub fn sex(raw: &str) -> Result<Sex, FieldError> {
    match folded(&plain(raw)?).as_str() {
        "nam" | "1" => Ok(Sex::Male),
        "nu" | "0" => Ok(Sex::Female),
        _ => Err(FieldError::new("Giới tính là Nam hoặc Nữ (hoặc 1 cho nam, 0 cho nữ).")),
    }
}

/// A code of `data/household_relations.csv`, or its word.
pub fn relation_code(raw: &str) -> Result<String, FieldError> {
    let typed = folded(&plain(raw)?);
    let code = match typed.as_str() {
        "99" => Some("22"),
        "con de" => Some("20"),
        typed => RELATIONS
            .iter()
            .find(|(code, name)| *code == format!("{typed:0>2}") || folded(name) == typed)
            .map(|(code, _)| *code),
    };
    code.map(str::to_owned).ok_or_else(|| {
        FieldError::new("Không có quan hệ này. Hãy ghi mã từ 00 đến 22 hoặc tên như Chủ hộ, Vợ, Chồng, Con.")
    })
}

/// Day first; a day or month of zeros is not known; a time of day is left aside.
pub fn birth_date(cell: &Cell, text: &str, today: NaiveDate) -> Result<BirthDate, FieldError> {
    if let Cell::Date(date) = cell {
        return BirthDate::parse(&date.format("%Y-%m-%d").to_string(), today);
    }
    let text = plain(text)?;
    let date = text.split_once('T').map_or(text.as_str(), |(date, _)| date);
    let fields: Vec<&str> = date
        .split(' ')
        .take_while(|word| !word.contains(':'))
        .flat_map(|word| word.split(['/', '-', '.']))
        .filter(|field| !field.is_empty())
        .skip_while(|field| matches!(*field, "0" | "00"))
        .collect();
    let date = fields.join("/");
    // 19900512: read the other way round, month and day would be the century.
    if date.len() == 8
        && all_digits(&date)
        && let Ok(day) = NaiveDate::parse_from_str(&date, "%Y%m%d")
        && let Ok(birth_date) = BirthDate::parse(&day.to_string(), today)
    {
        return Ok(birth_date);
    }
    // Nothing is left of a date of zeros: the sentence shows what was typed.
    BirthDate::parse(if date.is_empty() { &text } else { &date }, today)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 24).unwrap()
    }

    #[test]
    fn a_cell_reads_as_a_person_reads_it() {
        assert_eq!(Cell::Number(957_220_295.0).text().as_deref(), Some("957220295"));
        assert_eq!(Cell::Number(71_091_047_870.0).text().as_deref(), Some("71091047870"));
        assert_eq!(Cell::Number(1.5).text().as_deref(), Some("1.5"));
        for blank in [Cell::Empty, Cell::Text("\u{A0}\u{200B}".into()), Cell::Text("../…-–".into())] {
            assert_eq!(blank.text(), None, "{blank:?}");
        }
        assert_eq!(Cell::Text(format!("a\0{}", "b".repeat(100))).excerpt(), format!("a{}", "b".repeat(59)));
    }

    #[test]
    fn what_a_spreadsheet_did_to_a_number_is_undone() {
        for (raw, code) in [
            ("0123456789", "0123456789"),
            ("123456789", "0123456789"),
            ("2124462249.0", "2124462249"),
            ("6.146355731E+09", "6146355731"),
            ("6,146355731e9", "6146355731"),
            ("'0123456789", "0123456789"),
            ("1099012345 6", "010990123456"),
        ] {
            assert_eq!(social_code(raw).unwrap().as_str(), code, "{raw}");
        }
        for wrong in ["5512345678901", "551234", "3.95806E+09", "1.2345678991E+09", "1E99", "x"] {
            assert!(social_code(wrong).is_err(), "{wrong}");
        }
        assert_eq!(id_number("71091047870.0").unwrap().as_str(), "071091047870");
        assert_eq!(id_number("12345678").unwrap().as_str(), "012345678");
        assert_eq!(id_number("E1234567").unwrap().as_str(), "E1234567");
        assert_eq!(phone("0951.505.000").unwrap(), "0951505000");
        assert_eq!(phone("951505000.0").unwrap(), "0951505000");
        assert_eq!(household_code("123456789").unwrap(), "0123456789");
        assert!(household_code("HGD-77").is_err());
    }

    #[test]
    fn dates_sexes_and_relations_are_read_in_the_ways_people_write_them() {
        for (raw, stored) in [
            ("26/07/1969", "1969-07-26"),
            ("3 - 2 - 1993", "1993-02-03"),
            ("1990-05-12T00:00:00", "1990-05-12"),
            ("12/05/1990 0:00:00.000 SA", "1990-05-12"),
            ("19661125", "1966-11-25"),
            ("09/1965", "1965-09"),
            ("2011.0", "2011"),
            ("00/00/1975", "1975"),
            ("0/5/1975", "1975-05"),
        ] {
            assert_eq!(birth_date(&Cell::Text(raw.into()), raw, today()).unwrap().as_str(), stored, "{raw}");
        }
        for wrong in ["05/25/1990", "12/05/75", "12/08/2099", "00/00/0000", "chưa rõ", "33005", "0/0"] {
            assert!(birth_date(&Cell::Text(wrong.into()), wrong, today()).is_err(), "{wrong}");
        }
        let date = Cell::Date(today().into());
        assert_eq!(birth_date(&date, "", today()).unwrap().as_str(), "2026-11-24");

        assert_eq!(
            ["Nam", "NU\u{31B}\u{303}", "1", "0.0"].map(|raw| sex(raw).unwrap().label()),
            ["Nam", "Nữ", "Nam", "Nữ"]
        );
        assert!(sex("?").is_err());
        for (raw, code) in [("0", "00"), ("Chủ hộ", "00"), ("8", "08"), ("08", "08"), ("CON DỂ", "20"), ("99", "22")]
        {
            assert_eq!(relation_code(raw).unwrap(), code, "{raw}");
        }
        assert!(relation_code("23").is_err());
    }

    #[test]
    fn no_two_relations_have_the_same_word_without_accents() {
        for (code, name) in RELATIONS.iter() {
            assert_eq!(relation_code(&folded(name)).unwrap(), *code);
        }
    }
}
