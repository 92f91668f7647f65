//! What an officer asks of the list: the criteria of PHỤ LỤC 02 (step 4) and what officers had to script for themselves.
//! The filter is kept in the session under a short key, because much of it is personal data and must not stand in a URL.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::application::{Kind, Status};
use super::deadline::DeadlineState;
use super::ids::AgencyId;
use super::names;
use super::numbers::{ApplicationNumber, IdNumber, Phone, SocialCode};
use super::text::FieldError;

text_enum! {
    /// The column that orders the list.
    pub enum Sort {
        /// The usual order: an officer sees what waits first, and all see the newest first.
        Queue = "queue" => "Chờ duyệt trước, mới nhất trước",
        Submitted = "submitted" => "Ngày gửi",
        Number = "number" => "Số hồ sơ",
        Code = "code" => "Mã số BHXH",
        Name = "name" => "Họ và tên",
        Birth = "birth" => "Ngày sinh",
        Phone = "phone" => "Điện thoại",
        Due = "due" => "Hạn",
        Agency = "agency" => "Cơ quan BHXH",
        Kind = "kind" => "Tình trạng",
        Status = "status" => "Trạng thái",
        Officer = "officer" => "Cán bộ",
    }
}

text_enum! {
    pub enum Group {
        Agency = "agency" => "Cơ quan BHXH",
        Officer = "officer" => "Cán bộ",
    }
}

/// Rows on a page.
pub const PAGE_SIZES: [u32; 4] = [25, 50, 100, 500];

/// How many results are counted exactly; beyond it a list says "more than".
pub const COUNT_CAP: u32 = 10_000;

/// A filter, already parsed. Its `Default` shows everything, in the usual order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// The quick-search box and the box *Số hồ sơ*, as they were typed.
    pub q: String,
    pub numbers: String,
    pub code: String,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    pub kind: Option<Kind>,
    pub status: Option<Status>,
    pub deadline: Option<DeadlineState>,
    pub agency: Option<AgencyId>,
    pub sort: Sort,
    pub descending: bool,
    pub size: u32,
    pub group: Option<Group>,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            q: String::new(),
            numbers: String::new(),
            code: String::new(),
            from: None,
            to: None,
            kind: None,
            status: None,
            deadline: None,
            agency: None,
            sort: Sort::Queue,
            descending: false,
            size: PAGE_SIZES[0],
            group: None,
        }
    }
}

impl Filter {
    /// The same without one criterion, named like its field: what a chip's cross does.
    pub fn without(mut self, field: &str) -> Self {
        match field {
            "q" => self.q.clear(),
            "numbers" => self.numbers.clear(),
            "code" => self.code.clear(),
            "from" => self.from = None,
            "to" => self.to = None,
            "kind" => self.kind = None,
            "status" => self.status = None,
            "deadline" => self.deadline = None,
            "agency" => self.agency = None,
            "group" => self.group = None,
            _ => {}
        }
        self
    }
}

/// One way to name applications in the search boxes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// Whole numbers and serials alone.
    Numbers { numbers: Vec<String>, serials: Vec<i32> },
    /// Digits that may be a code, a telephone or an ID number.
    Person { code: Option<String>, phone: Option<String>, id_number: Option<String> },
    /// A name or a part of one, with or without diacritics.
    Name(String),
}

/// How many numbers can be pasted at once.
pub const MAX_NUMBERS: usize = 500;

/// Reads the box *Số hồ sơ*: whole numbers and serials alone (`3706` finds `03706/2026/07906`), separated by spaces, `;`,
/// commas or new lines.
///
/// # Errors
/// Something that is neither, or more than [`MAX_NUMBERS`].
pub fn parse_numbers(typed: &str) -> Result<Option<Term>, FieldError> {
    let (mut numbers, mut serials) = (Vec::new(), Vec::new());
    for token in typed.split([' ', ';', ',', '\n', '\r', '\t', '\u{a0}']).filter(|token| !token.is_empty()) {
        if let Some(number) = ApplicationNumber::parse(token) {
            numbers.push(number.as_str().to_owned());
        } else if let Some(serial) = serial(token) {
            serials.push(serial);
        } else {
            return Err(FieldError::new(format!(
                "«{token}» không phải số hồ sơ. Gõ đủ (03706/2026/07906) hoặc chỉ phần số thứ tự (3706)."
            )));
        }
    }
    match numbers.len() + serials.len() {
        0 => Ok(None),
        count if count > MAX_NUMBERS => {
            Err(FieldError::new(format!("Dán {count} số hồ sơ, tối đa {MAX_NUMBERS}. Hãy chia thành nhiều lần.")))
        }
        _ => Ok(Some(Term::Numbers { numbers, serials })),
    }
}

fn serial(token: &str) -> Option<i32> {
    (token.len() <= 7 && token.bytes().all(|b| b.is_ascii_digit())).then(|| token.parse().ok()).flatten()
}

/// Reads the quick-search box: whatever an officer has at hand. Nothing typed there is wrong; what is no number is a name.
pub fn parse_quick(typed: &str) -> Option<Term> {
    let typed = typed.trim();
    if typed.is_empty() {
        return None;
    }
    if !is_spaced_phone(typed)
        && let Ok(Some(numbers)) = parse_numbers(typed)
    {
        return Some(numbers);
    }
    let code = SocialCode::parse(typed).ok().map(|code| code.as_str().to_owned());
    let phone = Phone::parse(typed).ok().map(|phone| phone.as_str().to_owned());
    let id_number = IdNumber::parse(typed).ok().map(|id| id.as_str().to_owned());
    let has_digit = typed.chars().any(|c| c.is_ascii_digit());
    if has_digit && (code.is_some() || phone.is_some() || id_number.is_some()) {
        return Some(Term::Person { code, phone, id_number });
    }
    if names::query_singles(typed).is_empty() {
        // Signs without a letter are nobody's name.
        return Some(Term::Numbers { numbers: Vec::new(), serials: Vec::new() });
    }
    Some(Term::Name(typed.to_owned()))
}

/// Whether this is one telephone number in groups (`095 123 4567`) rather than serials beside each other, which have the
/// same length when they are padded (`03706 03707`).
fn is_spaced_phone(typed: &str) -> bool {
    let mut groups = typed.split(' ').map(str::len);
    let first = groups.next();
    typed.starts_with(['0', '+']) && groups.any(|length| Some(length) != first) && Phone::parse(typed).is_ok()
}

impl Filter {
    /// Everything that the search boxes name; all of it must hold.
    ///
    /// # Errors
    /// The box's field name and what is wrong with it.
    pub fn terms(&self) -> Result<Vec<Term>, (&'static str, FieldError)> {
        let mut terms: Vec<Term> = parse_quick(&self.q).into_iter().collect();
        terms.extend(parse_numbers(&self.numbers).map_err(|error| ("numbers", error))?);
        if !self.code.is_empty() {
            let code = SocialCode::parse(&self.code).map_err(|error| ("code", error))?;
            terms.push(Term::Person { code: Some(code.as_str().to_owned()), phone: None, id_number: None });
        }
        Ok(terms)
    }

    /// Whether any criterion of the panel behind *Mở rộng* is set.
    pub fn is_extended(&self) -> bool {
        let plain = Self {
            q: self.q.clone(),
            sort: self.sort,
            descending: self.descending,
            size: self.size,
            ..Self::default()
        };
        *self != plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_numbers_can_be_pasted_and_a_serial_stands_alone() {
        let Ok(Some(Term::Numbers { numbers, serials })) = parse_numbers("03706/2026/07906; 12/2026/07906\n3707,  15")
        else {
            panic!()
        };
        assert_eq!(numbers, ["03706/2026/07906", "00012/2026/07906"]);
        assert_eq!(serials, [3707, 15]);
        assert!(parse_numbers("03706/2026").is_err());
        assert_eq!(parse_numbers(" ; "), Ok(None));
    }

    #[test]
    fn the_quick_box_takes_whatever_is_at_hand() {
        for numbers in ["3706", "03706 03707", "03706; 3707 03708"] {
            assert!(matches!(parse_quick(numbers), Some(Term::Numbers { .. })), "{numbers}");
        }
        assert!(matches!(parse_quick("Trần thị bích"), Some(Term::Name(_))));
        assert!(matches!(parse_quick("095 123 4567"), Some(Term::Person { phone: Some(_), code: Some(_), .. })));
        assert!(matches!(parse_quick("996199012345"), Some(Term::Person { id_number: Some(_), code: Some(_), .. })));
        assert!(matches!(parse_quick("C1234567"), Some(Term::Person { id_number: Some(_), .. })));
        assert_eq!(parse_quick("  "), None);
        let nobody = Term::Numbers { numbers: Vec::new(), serials: Vec::new() };
        assert_eq!(parse_quick("\u{323}"), Some(nobody));
    }
}
