//! What is looked for among the accounts.

use super::names;
use super::numbers::{Email, IdNumber, Phone, SocialCode};

/// What the search box holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sought {
    Everybody,
    /// Digits that may be a code, a telephone or an ID number: empty for what they cannot be.
    Number {
        code: String,
        phone: String,
        id_number: String,
    },
    Email(String),
    /// A name or a part of one, with or without diacritics.
    Name(String),
    Nobody,
}

impl Sought {
    /// Nothing that is typed is wrong: what cannot be anybody's finds nobody.
    pub fn parse(typed: &str) -> Self {
        let typed = typed.trim();
        if typed.is_empty() {
            return Self::Everybody;
        }
        if let Ok(email) = Email::parse(typed) {
            return Self::Email(email.as_str().to_owned());
        }
        if typed.chars().any(|c| c.is_ascii_digit()) {
            let code = SocialCode::parse(typed).map(|code| code.to_string()).unwrap_or_default();
            let phone = Phone::parse(typed).map(|phone| phone.to_string()).unwrap_or_default();
            let id_number = IdNumber::parse(typed).map(|id| id.to_string()).unwrap_or_default();
            let all_empty = code.is_empty() && phone.is_empty() && id_number.is_empty();
            return if all_empty { Self::Nobody } else { Self::Number { code, phone, id_number } };
        }
        if names::query_singles(typed).is_empty() { Self::Nobody } else { Self::Name(typed.to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_takes_whatever_is_at_hand() {
        let number = |code: &str, phone: &str, id_number: &str| Sought::Number {
            code: code.into(),
            phone: phone.into(),
            id_number: id_number.into(),
        };
        for (typed, sought) in [
            (" ", Sought::Everybody),
            ("An@Example.vn", Sought::Email("an@example.vn".into())),
            ("095 123 4567", number("0951234567", "0951234567", "")),
            ("996199012345", number("996199012345", "", "996199012345")),
            ("c1234567", number("", "", "C1234567")),
            ("Trần thị", Sought::Name("Trần thị".into())),
            ("12", Sought::Nobody),
            ("\u{323}", Sought::Nobody),
        ] {
            assert_eq!(Sought::parse(typed), sought, "{typed}");
        }
    }
}
