//! What one cell says: undone what spreadsheets and keyboards did to it, checked, or refused with a sentence.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::{Datelike, NaiveDate};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::domain::application::Sex;
use crate::domain::names::{canonical, folded};
use crate::domain::numbers::Email;
use crate::domain::permission::Role;
use crate::domain::places::{PROVINCES, RELATIONS};
use crate::domain::spreadsheet::{Cell, is_filler, is_invisible};
use crate::domain::staff::parse_login;
use crate::domain::text::{FieldError, is_tidy};

/// What a cell was read as.
#[derive(Debug, PartialEq, Eq)]
pub struct Value {
    pub text: String,
    /// A zero that the number had lost was put back.
    pub restored: bool,
    /// Something else was repaired without a word.
    pub repaired: bool,
}

pub type Read = Result<Value, FieldError>;

impl Value {
    fn of(text: String, raw: &str) -> Self {
        Self { repaired: text != raw, restored: false, text }
    }

    /// A value that is written differently from the cell by its nature, such as a date.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), restored: false, repaired: false }
    }
}

fn wrong(sentence: &str) -> FieldError {
    FieldError::new(sentence)
}

/// The text as written, without what spreadsheets and keyboards put into it: composed letters (NFC), the letter Đ for
/// its look-alike, no characters without width, single spaces.
pub fn repaired(raw: &str) -> Cow<'_, str> {
    if is_tidy(raw) {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    for c in raw.nfc().filter(|c| !is_invisible(*c)) {
        match c {
            'Ð' => text.push('Đ'),
            'ð' => text.push('đ'),
            c if !c.is_whitespace() => text.push(c),
            _ if text.is_empty() || text.ends_with(' ') => {}
            _ => text.push(' '),
        }
    }
    text.truncate(text.trim_end_matches(' ').len());
    // A mark that a character without width had parted from its letter.
    if text.chars().any(is_combining_mark) { text.nfc().collect::<String>().into() } else { text.into() }
}

/// A text of at least one letter or digit.
pub fn text(raw: &str, longest: usize) -> Read {
    let text = repaired(raw);
    if text.contains('\u{FFFD}') {
        return Err(wrong("Có ký tự bị hỏng do sai bảng mã. Hãy xóa và gõ lại."));
    }
    if text.chars().count() > longest {
        return Err(FieldError::new(format!("Dài quá {longest} ký tự. Hãy rút ngắn.")));
    }
    Ok(Value::of(text.into_owned(), raw))
}

/// A name as it was written: it has letters.
pub fn name(raw: &str) -> Read {
    let value = text(raw, 150)?;
    if value.text.chars().any(char::is_alphabetic) {
        return Ok(value);
    }
    Err(wrong("Họ tên không có chữ cái nào. Hãy điền họ tên như trên giấy tờ tùy thân."))
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A number without what a spreadsheet did to it and what people type between digits: an apostrophe before it, `.0`
/// behind it, an exponent, spaces, dots and hyphens inside.
fn number(raw: &str) -> Result<Cow<'_, str>, FieldError> {
    if all_digits(raw) {
        return Ok(Cow::Borrowed(raw));
    }
    let visible: String = raw.chars().filter(|c| !c.is_whitespace() && !is_invisible(*c)).collect();
    let visible = visible.trim_start_matches(['\'', '’', '‘', '`']);
    let whole = visible.strip_suffix(".00").or_else(|| visible.strip_suffix(".0")).filter(|whole| all_digits(whole));
    if let Some(whole) = whole {
        return Ok(Cow::Owned(whole.to_owned()));
    }
    if let Some(expanded) = expanded(visible) {
        return expanded.map(Cow::Owned);
    }
    Ok(visible.chars().filter(|c| !matches!(c, '.' | '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')).collect())
}

/// A number with an exponent, in full; None for anything else.
fn expanded(text: &str) -> Option<Result<String, FieldError>> {
    let (mantissa, exponent) = text.split_once(['E', 'e'])?;
    let (whole, decimals) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    if !all_digits(whole) || !(decimals.is_empty() || all_digits(decimals)) || !all_digits(exponent) {
        return None;
    }
    let kept = exponent.parse().ok().and_then(|places: usize| decimals.split_at_checked(places));
    Some(match kept {
        Some((kept, rest)) if rest.bytes().all(|b| b == b'0') => Ok(format!("{whole}{kept}")),
        _ => Err(wrong("Excel đã làm mất các chữ số cuối. Hãy định dạng cột là văn bản (Text) rồi nhập lại số này.")),
    })
}

/// Digits in one of the lengths: each is how many there are and how many there should be.
fn digits(number: &str, raw: &str, lengths: &[(usize, usize)]) -> Option<Value> {
    let (short, full) = lengths.iter().find(|(short, _)| number.len() == *short && all_digits(number))?;
    if short == full {
        return Some(Value::of(number.to_owned(), raw));
    }
    Some(Value { text: format!("{number:0>full$}"), restored: true, repaired: false })
}

/// Mã số BHXH, also as the last ten digits of a card's number.
pub fn social_code(raw: &str) -> Read {
    let number = number(raw)?;
    if let Some(value) = digits(&number, raw, &[(10, 10), (12, 12), (9, 10), (11, 12)]) {
        return Ok(value);
    }
    let is_card = number.len() == 15 && number.bytes().take(2).all(|b| b.is_ascii_alphabetic());
    match number.get(2..).zip(number.get(5..)) {
        Some((behind, code)) if is_card && all_digits(behind) => Ok(Value::plain(code)),
        _ => Err(wrong("Mã số BHXH có 10 hoặc 12 chữ số. Hãy kiểm tra lại.")),
    }
}

pub fn id_number(raw: &str) -> Read {
    let number = number(raw)?;
    if let Some(value) = digits(&number, raw, &[(12, 12), (9, 9), (8, 9), (10, 12), (11, 12)]) {
        return Ok(value);
    }
    let is_passport = (6..=12).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_alphanumeric())
        && number.bytes().any(|b| b.is_ascii_digit())
        && number.bytes().any(|b| b.is_ascii_alphabetic());
    if is_passport {
        return Ok(Value::of(number.to_uppercase(), raw));
    }
    Err(wrong("Số giấy tờ là CCCD 12 chữ số, CMND 9 chữ số, hoặc số hộ chiếu (chữ cái và chữ số)."))
}

pub fn household_code(raw: &str) -> Read {
    digits(&number(raw)?, raw, &[(10, 10), (9, 10)])
        .ok_or_else(|| wrong("Mã hộ gia đình có 10 chữ số. Hãy kiểm tra lại."))
}

pub fn phone(raw: &str) -> Read {
    let typed = number(raw)?;
    let typed: Cow<'_, str> = if typed.contains(['(', ')']) { typed.replace(['(', ')'], "").into() } else { typed };
    let abroad = typed.strip_prefix("+84").or_else(|| typed.strip_prefix("84").filter(|rest| rest.len() == 9));
    let national = match abroad {
        Some(rest) => format!("0{}", rest.strip_prefix('0').unwrap_or(rest)),
        None if typed.len() == 9 && !typed.starts_with('0') => format!("0{typed}"),
        None => typed.into_owned(),
    };
    let begins = matches!(national.as_bytes(), [b'0', b'3' | b'5' | b'7' | b'8' | b'9', ..]);
    if begins && national.len() == 10 && all_digits(&national) {
        return Ok(Value::of(national, raw));
    }
    Err(wrong("Số điện thoại di động có 10 chữ số, bắt đầu bằng 03, 05, 07, 08 hoặc 09."))
}

pub fn email(raw: &str) -> Read {
    Email::parse(&repaired(raw)).map(|email| Value::of(email.as_str().to_owned(), raw))
}

/// Nam or Nữ in any spelling, 1 for a man, 0 for a woman.
pub fn sex(raw: &str) -> Result<Sex, FieldError> {
    match raw {
        "Nam" => return Ok(Sex::Male),
        "Nữ" => return Ok(Sex::Female),
        _ => {}
    }
    let key: String = folded(&number(raw)?).chars().filter(char::is_ascii_alphanumeric).collect();
    match key.as_str() {
        "nam" | "1" | "male" => Ok(Sex::Male),
        "nu" | "0" | "female" => Ok(Sex::Female),
        _ => Err(wrong("Giới tính là Nam hoặc Nữ (hoặc 1 cho nam, 0 cho nữ).")),
    }
}

/// The cross that stands for a yes.
pub fn is_mark(raw: &str) -> bool {
    let mut letters = raw.chars().filter(|c| !is_filler(*c));
    matches!(letters.next(), Some('x' | 'X' | '×' | '✓' | '✔' | '✗' | '✘' | '☑' | '☒')) && letters.next().is_none()
}

/// A code of `data/household_relations.csv`, or its word.
pub fn relation_code(raw: &str) -> Read {
    static WORDS: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
        let known = RELATIONS
            .iter()
            .flat_map(|(code, name)| [folded(name), (*name).to_owned(), (*code).to_owned()].map(|word| (word, *code)));
        known.chain([("99".to_owned(), "22"), ("con de".to_owned(), "20")]).collect()
    });
    if let Some(code) = WORDS.get(raw) {
        return Ok(Value::plain(*code));
    }
    // A child of one's own is written like "Con dể", but for the letter đ; it has no code of its own.
    if canonical(raw) == "con đẻ" {
        return Err(wrong("Không có quan hệ này. Hãy ghi Con."));
    }
    let typed = number(raw)?;
    let known = match all_digits(&typed) {
        true => WORDS.get(&format!("{typed:0>2}")),
        false => {
            let words = folded(raw);
            let parts = words.split_once(['-', '.', ':']).filter(|(code, _)| all_digits(code.trim()));
            WORDS.get(words.as_str()).or_else(|| WORDS.get(&format!("{:0>2}", parts?.0.trim())))
        }
    };
    known
        .map(|code| Value::plain(*code))
        .ok_or_else(|| wrong("Không có quan hệ này. Hãy ghi mã từ 00 đến 22 hoặc tên như Chủ hộ, Vợ, Chồng, Con."))
}

pub fn role(raw: &str) -> Read {
    let typed = folded(raw);
    let role = Role::ALL.iter().find(|role| typed == role.code() || typed == folded(role.label()));
    role.map(|role| Value::plain(role.code()))
        .ok_or_else(|| wrong("Vai trò là Cán bộ, Giám sát hoặc Quản trị. Hãy kiểm tra lại."))
}

pub fn login(raw: &str) -> Read {
    parse_login(&repaired(raw)).map(|login| Value::of(login, raw))
}

/// An agency's own code: 3 digits for one of province level, 5 for a unit.
pub fn agency_code(raw: &str) -> Read {
    digits(&number(raw)?, raw, &[(3, 3), (5, 5)])
        .ok_or_else(|| wrong("Mã cơ quan có 3 chữ số (cấp tỉnh, trung ương) hoặc 5 chữ số (cơ sở)."))
}

/// Two digits, or the province's name.
pub fn province_code(raw: &str) -> Read {
    let typed = number(raw)?;
    if all_digits(&typed) && typed.len() <= 2 {
        return Ok(Value::plain(format!("{typed:0>2}")));
    }
    let typed = folded(raw);
    let bare = |name: &str| name.trim_start_matches("tinh ").trim_start_matches("thanh pho ").to_owned();
    let province = PROVINCES.iter().find(|province| bare(&folded(province.name)) == bare(&typed));
    province.map(|province| Value::plain(province.code)).ok_or_else(|| wrong("Mã tỉnh có 2 chữ số."))
}

/// A date as far as it is known. The year comes first, or last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Date {
    year: i32,
    month: Option<u32>,
    day: Option<u32>,
}

impl Date {
    /// Day first; a day or a month of zeros is not known; a time behind it is left aside.
    fn read(cell: &Cell, shown: &str) -> Option<Self> {
        if let Cell::Date(date) = cell {
            return Some(Self { year: date.year(), month: Some(date.month()), day: Some(date.day()) });
        }
        let tidy = repaired(shown);
        let text = tidy.trim_start_matches(['\'', '’', '‘', ' ']);
        let text = text.strip_suffix(".0").filter(|whole| all_digits(whole)).unwrap_or(text);
        let text = text.split_once('T').map_or(text, |(date, _)| date);
        // A time has a colon, and what follows it says morning or evening.
        let end = text.find(':').and_then(|colon| text[..colon].rfind(' ')).unwrap_or(text.len());
        let mut fields = [""; 4];
        let mut count = 0;
        let parts = text[..end].split([' ', '/', '-', '.', '\u{2010}', '\u{2011}', '–', '−']);
        for field in parts.filter(|field| !field.is_empty()) {
            if count == 3 || field.len() > 8 || !all_digits(field) {
                return None;
            }
            fields[count] = field;
            count += 1;
        }
        Self::from_fields(&fields[..count])
    }

    fn from_fields(fields: &[&str]) -> Option<Self> {
        let year = |text: &str| if text.len() == 4 { text.parse().ok() } else { None };
        let part = |text: &str| text.parse::<u32>().ok().filter(|_| text.len() <= 2);
        let of = |year: Option<i32>, month: u32, day: Option<u32>| match (month, day) {
            (0, None | Some(0)) => Some(Self { year: year?, month: None, day: None }),
            (0, Some(_)) => None,
            (month, day) => Some(Self { year: year?, month: Some(month), day: day.filter(|day| *day != 0) }),
        };
        match *fields {
            [whole] if whole.len() == 8 => {
                let iso = of(year(&whole[..4]), part(&whole[4..6])?, Some(part(&whole[6..])?));
                // Read the other way round, month and day would be the century.
                iso.filter(|date| date.is_possible() && date.year >= 1900)
                    .or_else(|| of(year(&whole[4..]), part(&whole[2..4])?, Some(part(&whole[..2])?)))
            }
            [only] => of(year(only), 0, None),
            [first, month] if first.len() == 4 => of(year(first), part(month)?, None),
            [month, last] => of(year(last), part(month)?, None),
            [first, month, day] if first.len() == 4 => of(year(first), part(month)?, Some(part(day)?)),
            [day, month, last] => of(year(last), part(month)?, Some(part(day)?)),
            _ => None,
        }
    }

    fn first_day(self) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(self.year, self.month.unwrap_or(1), self.day.unwrap_or(1))
    }

    fn is_possible(self) -> bool {
        self.first_day().is_some()
    }
}

/// A birth date as precisely as it is known; with the mark "only the year" just the year.
pub fn birth_date(cell: &Cell, shown: &str, only_year: bool, today: NaiveDate) -> Read {
    let read = Date::read(cell, shown);
    let known = match read {
        Some(date) if only_year => Some(Date { month: None, day: None, ..date }),
        read => read,
    };
    let Some((date, first)) = known.and_then(|date| Some((date, date.first_day()?))) else {
        return Err(FieldError::new(format!(
            "«{}» không phải ngày sinh. Hãy gõ ngày/tháng/năm, tháng/năm hoặc chỉ năm, ví dụ 05/03/1990.",
            shown.chars().take(30).collect::<String>()
        )));
    };
    if date.year < 1900 || first > today {
        return Err(wrong("Ngày sinh phải từ năm 1900 đến hôm nay."));
    }
    let mut text = first.to_string();
    text.truncate(match (date.month, date.day) {
        (Some(_), Some(_)) => "1990-05-12".len(),
        (Some(_), None) => "1990-05".len(),
        (None, _) => "1990".len(),
    });
    Ok(Value::plain(text))
}

/// The day from which an agency is valid: it may lie ahead, but within reach.
pub fn valid_from(cell: &Cell, shown: &str, today: NaiveDate) -> Read {
    let day = Date::read(cell, shown).and_then(Date::first_day);
    day.filter(|day| (1900..=today.year() + 10).contains(&day.year()))
        .map(|day| Value::plain(day.to_string()))
        .ok_or_else(|| wrong("Ngày hiệu lực không đúng. Hãy gõ ngày/tháng/năm, ví dụ 01/07/2025."))
}

#[cfg(test)]
mod tests;
