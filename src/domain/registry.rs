//! The check against the household registry: code + name, as PHỤ LỤC 02 asks, with everything an officer needs to see
//! before deciding.

use super::application::{Declaration, Sex};
use super::dates::BirthDate;
use super::names::{self, Likeness, Name};
use super::numbers::{IdNumber, SocialCode};
use super::workbook::{Field, Values};

/// A person in the household registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub code: SocialCode,
    pub name: Name,
    pub birth_date: Option<BirthDate>,
    pub sex: Option<Sex>,
    pub id_number: Option<IdNumber>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub address: Option<String>,
    pub household_code: Option<String>,
    pub relation_code: Option<String>,
}

impl Member {
    /// The person that a list tells of. Its values were checked when it was read.
    pub fn from_values(values: &Values) -> Option<Self> {
        let text = |field| values.get(field).map(str::to_owned);
        Some(Self {
            code: SocialCode::from_stored(text(Field::Code)?),
            name: Name::from_stored(text(Field::Name)?),
            birth_date: text(Field::BirthDate).map(BirthDate::from_stored),
            sex: values.get(Field::Sex).and_then(Sex::from_code),
            id_number: text(Field::IdNumber).map(IdNumber::from_stored),
            phone: text(Field::Phone),
            email: text(Field::Email),
            address: text(Field::Address),
            household_code: text(Field::HouseholdCode),
            relation_code: text(Field::RelationCode),
        })
    }

    /// As a list would tell it.
    pub fn to_values(&self) -> Values {
        let mut values = Values::default();
        let mut set = |field, value: Option<&str>| {
            if let Some(value) = value {
                values.set(field, value.to_owned());
            }
        };
        set(Field::Code, Some(self.code.as_str()));
        set(Field::Name, Some(self.name.as_str()));
        set(Field::BirthDate, self.birth_date.as_ref().map(BirthDate::as_str));
        set(Field::Sex, self.sex.map(Sex::code));
        set(Field::IdNumber, self.id_number.as_ref().map(IdNumber::as_str));
        set(Field::Phone, self.phone.as_deref());
        set(Field::Email, self.email.as_deref());
        set(Field::Address, self.address.as_deref());
        set(Field::HouseholdCode, self.household_code.as_deref());
        set(Field::RelationCode, self.relation_code.as_deref());
        values
    }
}

/// What somebody looks for in the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    Everybody,
    /// A mã số BHXH, a household's code or an ID number.
    Number(String),
    /// The beginning or some words of a name, without diacritics.
    Name(String),
}

impl Search {
    /// Nothing that is typed is wrong: what has a digit is a number, the rest is a name.
    pub fn parse(typed: &str) -> Self {
        if typed.chars().any(|c| c.is_ascii_digit()) {
            return Self::Number(
                typed.chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>().to_uppercase(),
            );
        }
        let name = names::folded(typed);
        // Signs that a name cannot have would be a pattern to the database.
        let name: String = name.chars().filter(|c| c.is_alphanumeric() || " '-".contains(*c)).collect();
        match name.trim() {
            "" if typed.trim().is_empty() => Self::Everybody,
            // Nobody is called that.
            "" => Self::Number(String::new()),
            name => Self::Name(name.to_owned()),
        }
    }
}

text_enum! {
    /// What the registry says of a declared code and name.
    pub enum Verdict {
        /// Equal after normalisation.
        Exact = "exact" => "Khớp",
        /// Equal only without diacritics: the officer must compare with the papers.
        Unaccented = "unaccented" => "Khớp không dấu",
        Close = "close" => "Gần giống",
        Different = "different" => "Khác",
        /// Nobody has this code: it must be issued first.
        Missing = "missing" => "Không có mã số",
    }
}

impl Verdict {
    pub fn of(declared: &Declaration, member: Option<&Member>) -> Self {
        Self::of_names(declared.name.as_str(), member.map(|member| &member.name))
    }

    /// As [`Verdict::of`], of the declared name and the one that the registry has for the code.
    pub fn of_names(declared: &str, registered: Option<&Name>) -> Self {
        match registered.map(|name| names::compare(declared, name.as_str())) {
            None => Self::Missing,
            Some(Likeness::Exact) => Self::Exact,
            Some(Likeness::Unaccented) => Self::Unaccented,
            Some(Likeness::Close) => Self::Close,
            Some(Likeness::Different) => Self::Different,
        }
    }

    /// What to do about it, for the officer.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Exact => "Mã số và họ tên trùng với hệ thống HGĐ.",
            Self::Unaccented => "Họ tên chỉ khác dấu. Đối chiếu với giấy tờ rồi đánh dấu xác nhận trước khi ghi nhận.",
            Self::Close => "Mã số có trên hệ thống HGĐ nhưng họ tên không trùng. Không thể duyệt.",
            Self::Different => "Mã số này thuộc về người có tên khác trên hệ thống HGĐ. Không thể duyệt.",
            Self::Missing => {
                "Chưa có mã số này trên hệ thống HGĐ. Hướng dẫn người đăng ký kê khai thủ tục cấp mã số BHXH; \
                 khi ghi nhận hợp lệ, hồ sơ chuyển sang Chờ cấp mã số."
            }
        }
    }
}

/// What disagrees besides the name. These warn, they never refuse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    pub birth_date: bool,
    pub sex: bool,
    pub id_number: bool,
}

impl Differences {
    /// Compares what both sides know.
    pub fn between(declared: &Declaration, member: &Member) -> Self {
        fn both<T>(declared: &Option<T>, known: &Option<T>, agree: impl Fn(&T, &T) -> bool) -> bool {
            declared.as_ref().zip(known.as_ref()).is_some_and(|(declared, known)| !agree(declared, known))
        }
        Self {
            birth_date: both(&declared.birth_date, &member.birth_date, |declared, known| known.agrees_with(declared)),
            sex: both(&declared.sex, &member.sex, |declared, known| declared == known),
            id_number: both(&declared.id_number, &member.id_number, |declared, known| declared == known),
        }
    }
}
