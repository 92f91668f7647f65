//! Numbers that people are known by: parsed at the edge, repaired where a repair is certain, refused with a sentence.

use super::application::Sex;
use super::dates::BirthDate;
use super::text::{self, FieldError};

macro_rules! checked_text {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, diesel::deserialize::FromSqlRow, diesel::expression::AsExpression)]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub struct $name(String);

        text_column!($name);

        impl $name {
            /// Reads back what was stored.
            pub fn from_stored(text: String) -> Self {
                Self(text)
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

checked_text! {
    /// Mã số BHXH: 10 digits, or since 01/08/2025 the 12 digits of the personal ID number. There is no check digit, and
    /// no first digits are wrong (97 and 98 are the army's and the police's).
    SocialCode,
    /// CMND (9 digits), CCCD or personal ID number (12 digits), or a passport (letters and digits).
    IdNumber,
    /// A telephone in Viet Nam: 10 digits, beginning with 03, 05, 07, 08 or 09.
    Phone,
    Email,
    /// Số hồ sơ: `NNNNN/YYYY/AAAAA`; old ones carry `.G` (paper) or `.BD` (post) after the serial.
    ApplicationNumber,
}

/// What is typed between digits and means nothing.
fn without_separators(raw: &str) -> Result<String, FieldError> {
    Ok(text::required_line(raw, 60)?.chars().filter(|c| !matches!(c, ' ' | '.' | '-' | '(' | ')')).collect())
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

impl SocialCode {
    /// Also takes a health insurance card's number (15 characters): its last 10 are the code.
    ///
    /// # Errors
    /// Another length, or something that is no digit.
    pub fn parse(raw: &str) -> Result<Self, FieldError> {
        let typed = without_separators(raw)?;
        if typed.is_ascii()
            && typed.len() == 15
            && all_digits(&typed[2..])
            && !typed.starts_with(|c: char| c.is_ascii_digit())
        {
            return Ok(Self(typed[5..].to_owned()));
        }
        if !all_digits(&typed) {
            return Err(FieldError::new("Mã số BHXH chỉ gồm chữ số. Hãy kiểm tra lại."));
        }
        if !matches!(typed.len(), 10 | 12) {
            return Err(FieldError::new(format!("Mã số BHXH có 10 hoặc 12 chữ số; đang có {}.", typed.len())));
        }
        Ok(Self(typed))
    }
}

impl IdNumber {
    /// # Errors
    /// Not 9 or 12 digits, and not like a passport (a letter, then 6 to 8 letters or digits).
    pub fn parse(raw: &str) -> Result<Self, FieldError> {
        let typed = without_separators(raw)?.to_uppercase();
        let passport = typed.is_ascii()
            && (7..=9).contains(&typed.len())
            && typed.starts_with(|c: char| c.is_ascii_uppercase())
            && typed.bytes().all(|b| b.is_ascii_alphanumeric())
            && typed.bytes().any(|b| b.is_ascii_digit());
        if passport || (all_digits(&typed) && matches!(typed.len(), 9 | 12)) {
            return Ok(Self(typed));
        }
        Err(FieldError::new("Số giấy tờ là CCCD 12 chữ số, CMND 9 chữ số, hoặc số hộ chiếu (một chữ cái rồi chữ số)."))
    }

    /// What a 12-digit number says of sex and birth year that the declaration does not: a warning, never a refusal,
    /// because there is no check digit and wrong ones were issued.
    pub fn mismatch(&self, sex: Option<Sex>, birth_date: Option<&BirthDate>) -> Option<&'static str> {
        if self.0.len() != 12 || !all_digits(&self.0) {
            return None;
        }
        let century_and_sex = self.0.get(3..4)?.parse::<i32>().ok()?;
        let year = 1900 + century_and_sex / 2 * 100 + self.0.get(4..6)?.parse::<i32>().ok()?;
        let says = if century_and_sex % 2 == 0 { Sex::Male } else { Sex::Female };
        let same_year = birth_date.is_none_or(|declared| declared.year() == year);
        match (sex.is_none_or(|declared| declared == says), same_year) {
            (true, true) => None,
            (false, true) => Some("Số định danh cho biết giới tính khác với tờ khai."),
            (true, false) => Some("Số định danh cho biết năm sinh khác với tờ khai."),
            (false, false) => Some("Số định danh cho biết giới tính và năm sinh khác với tờ khai."),
        }
    }
}

impl Phone {
    /// Takes +84, spaces, dots and dashes, and puts back a zero that a spreadsheet lost.
    ///
    /// # Errors
    /// Anything else. No carrier is refused.
    pub fn parse(raw: &str) -> Result<Self, FieldError> {
        let typed = without_separators(raw)?;
        let national =
            match typed.strip_prefix("+84").or_else(|| typed.strip_prefix("84").filter(|rest| rest.len() == 9)) {
                Some(rest) => format!("0{}", rest.trim_start_matches('0')),
                None if typed.len() == 9 && !typed.starts_with('0') => format!("0{typed}"),
                None => typed,
            };
        let begins = ["03", "05", "07", "08", "09"].iter().any(|prefix| national.starts_with(prefix));
        if national.len() == 10 && all_digits(&national) && begins {
            return Ok(Self(national));
        }
        Err(FieldError::new("Số điện thoại di động có 10 chữ số, bắt đầu bằng 03, 05, 07, 08 hoặc 09."))
    }
}

impl Email {
    /// # Errors
    /// What no mail server would accept.
    pub fn parse(raw: &str) -> Result<Self, FieldError> {
        let typed = text::required_line(raw, 254)?;
        let wrong = || FieldError::new("Email không đúng dạng, ví dụ ten@example.com. Hãy kiểm tra dấu @ và dấu chấm.");
        let (local, host) = typed.split_once('@').ok_or_else(wrong)?;
        let local_ok = !local.is_empty()
            && local.len() <= 64
            && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b))
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..");
        let label_ok = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if local_ok && host.contains('.') && host.split('.').all(label_ok) {
            Ok(Self(typed.to_lowercase()))
        } else {
            Err(wrong())
        }
    }
}

impl ApplicationNumber {
    /// The number of a new declaration. A province-level office has a 3-digit code; its unit code ends in 00.
    pub fn compose(serial: u32, year: i32, agency_code: &str) -> Self {
        Self(format!("{serial:05}/{year}/{agency_code:0<5}"))
    }

    /// Reads a whole number; leading zeros of the serial may be missing.
    pub fn parse(raw: &str) -> Option<Self> {
        let mut parts = raw.trim().split('/');
        let (serial, year, agency) = (parts.next()?, parts.next()?, parts.next()?);
        let (digits, mark) = match serial.split_once('.') {
            Some((digits, mark)) => (digits, Some(mark.to_ascii_uppercase())),
            None => (serial, None),
        };
        let mark_ok = mark.as_deref().is_none_or(|mark| matches!(mark, "G" | "BD"));
        let whole = parts.next().is_none()
            && mark_ok
            && all_digits(digits)
            && digits.len() <= 7
            && year.len() == 4
            && all_digits(year)
            && agency.len() == 5
            && all_digits(agency);
        let mark = mark.map(|mark| format!(".{mark}")).unwrap_or_default();
        whole.then(|| Self(format!("{:05}{mark}/{year}/{agency}", digits.parse::<u32>().unwrap_or_default())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_code_has_ten_or_twelve_digits_and_any_beginning() {
        for (typed, code) in [
            ("0123456789", "0123456789"),
            ("97 1234 5678", "9712345678"),
            ("001099012345", "001099012345"),
            ("GD4790123456789", "0123456789"),
            ("DN 4 79 01 2345 6789", "0123456789"),
        ] {
            assert_eq!(SocialCode::parse(typed).unwrap().as_str(), code);
        }
        for wrong in ["", "123456789", "01234567890", "012345678x", "١٢٣٤٥٦٧٨٩٠", "479012345678901"] {
            assert!(SocialCode::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn papers_have_nine_or_twelve_digits_or_are_a_passport() {
        for good in ["012345678", "001099012345", "c1234567", "P01234567"] {
            assert!(IdNumber::parse(good).is_ok(), "{good}");
        }
        for wrong in ["", "1234567", "ABCDEFGH", "12345678901", "C12"] {
            assert!(IdNumber::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_personal_number_that_disagrees_is_a_warning() {
        let id = IdNumber::parse("996199012345").unwrap();
        let born = |year: &str| BirthDate::from_stored(year.into());
        assert_eq!(id.mismatch(Some(Sex::Female), Some(&born("1999"))), None);
        assert!(id.mismatch(Some(Sex::Male), Some(&born("1999"))).unwrap().contains("giới tính"));
        assert!(id.mismatch(Some(Sex::Female), Some(&born("1998-01-01"))).unwrap().contains("năm sinh"));
        assert_eq!(id.mismatch(None, Some(&born("1999"))), None, "nothing to compare");
        assert!(id.mismatch(None, Some(&born("1998"))).unwrap().contains("cho biết năm sinh"));
        assert_eq!(id.mismatch(Some(Sex::Female), None), None);
        assert_eq!(IdNumber::parse("996203012345").unwrap().mismatch(Some(Sex::Male), Some(&born("2003"))), None);
        assert_eq!(IdNumber::parse("012345678").unwrap().mismatch(Some(Sex::Male), Some(&born("2003"))), None);
    }

    #[test]
    fn a_telephone_is_read_in_the_ways_people_write_it() {
        for typed in ["0951234567", "+84 951 234 567", "84951234567", "095.123.4567", "951234567", "(+84) 0951234567"] {
            assert_eq!(Phone::parse(typed).unwrap().as_str(), "0951234567", "{typed}");
        }
        for wrong in ["", "0123456789", "095123456", "09512345678", "02438123456", "abc"] {
            assert!(Phone::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_has_a_name_and_a_host() {
        assert_eq!(Email::parse("An.Nguyen+bhxh@Example.COM").unwrap().as_str(), "an.nguyen+bhxh@example.com");
        for wrong in [
            "",
            "an",
            "an@",
            "@example.com",
            "an@example",
            "a n@example.com",
            "an@example..com",
            "an@exam\u{2024}ple.com",
            "a@b@example.com",
            "an@-x.com",
        ] {
            assert!(Email::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_application_number_is_padded_and_may_be_an_old_one() {
        assert_eq!(ApplicationNumber::parse("3706/2026/07906").unwrap().as_str(), "03706/2026/07906");
        assert_eq!(ApplicationNumber::parse("03706.g/2019/07906").unwrap().as_str(), "03706.G/2019/07906");
        assert_eq!(ApplicationNumber::compose(12, 2026, "001").as_str(), "00012/2026/00100");
        for wrong in ["3706", "3706/26/07906", "3706/2026/0790", "3706.X/2026/07906", "/2026/07906", "1/2026/07906/2"] {
            assert_eq!(ApplicationNumber::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_was_accepted_once_is_accepted_unchanged_again(raw in "\\PC{0,20}|[0-9 .+]{8,14}") {
            if let Ok(code) = SocialCode::parse(&raw) {
                prop_assert_eq!(SocialCode::parse(code.as_str()), Ok(code));
            }
            if let Ok(phone) = Phone::parse(&raw) {
                prop_assert_eq!(Phone::parse(phone.as_str()), Ok(phone));
            }
            if let Ok(id) = IdNumber::parse(&raw) {
                prop_assert_eq!(IdNumber::parse(id.as_str()), Ok(id));
            }
        }
    }
}
