//! The four applications that the README's walk through the desk begins with. They do not depend on the seed, and they
//! are the newest at the demo officer's office, the first of them on top.

use chrono::NaiveDate;

use super::people::Person;
use crate::domain::application::Sex;
use crate::domain::names::Name;
use crate::domain::numbers::{Email, IdNumber, Phone, SocialCode};

/// Somebody to meet on the walk.
pub struct Guest {
    pub code: &'static str,
    pub name: &'static str,
    /// Under which name the household registry has the code; None when it does not have it.
    pub registered_as: Option<&'static str>,
    /// The portrait is too blurred to recognise anybody.
    pub blurred: bool,
    /// How long before the demo was filled.
    pub minutes_ago: i64,
    sex: Sex,
    born: (i32, u32, u32),
    id_number: &'static str,
    phone: &'static str,
    email: &'static str,
}

/// To be approved.
pub const EXACT: Guest = Guest {
    code: "9999000001",
    name: "Nguyễn Thị Minh Hạnh",
    registered_as: Some("Nguyễn Thị Minh Hạnh"),
    blurred: false,
    minutes_ago: 12,
    sex: Sex::Female,
    born: (1991, 5, 14),
    id_number: "996191900001",
    phone: "0959900001",
    email: "minh.hanh@example.com",
};

/// To be approved after comparing the name with the papers.
pub const UNACCENTED: Guest = Guest {
    code: "9999000002",
    name: "Trần Văn Đức",
    registered_as: Some("Trần Văn Đúc"),
    blurred: false,
    minutes_ago: 27,
    sex: Sex::Male,
    born: (1984, 9, 2),
    id_number: "996084900002",
    phone: "0959900002",
    email: "van.duc@example.com",
};

/// To be left waiting until the code is issued.
pub const MISSING: Guest = Guest {
    code: "9999000003",
    name: "Lê Hoàng Bảo Ngọc",
    registered_as: None,
    blurred: false,
    minutes_ago: 41,
    sex: Sex::Female,
    born: (2002, 1, 30),
    id_number: "996302900003",
    phone: "0959900003",
    email: "bao.ngoc@example.org",
};

/// To be rejected because of the portrait.
pub const BLURRED: Guest = Guest {
    code: "9999000004",
    name: "Phạm Quốc Khánh",
    registered_as: Some("Phạm Quốc Khánh"),
    blurred: true,
    minutes_ago: 58,
    sex: Sex::Male,
    born: (1978, 12, 20),
    id_number: "996078900004",
    phone: "0959900004",
    email: "quoc.khanh@example.org",
};

/// In the order of the list.
pub const GUESTS: [&Guest; 4] = [&EXACT, &UNACCENTED, &MISSING, &BLURRED];

impl Guest {
    pub(super) fn email(&self) -> Email {
        Email::from_stored(self.email.into())
    }

    pub(super) fn person(&self) -> Person {
        let (year, month, day) = self.born;
        Person {
            index: 0,
            code: SocialCode::from_stored(self.code.into()),
            name: Name::from_stored(self.name.into()),
            sex: self.sex,
            born: NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default(),
            only_year: false,
            id_number: Some(IdNumber::from_stored(self.id_number.into())),
            phone: Phone::from_stored(self.phone.into()),
            household_code: self.code.into(),
            relation_code: "00",
        }
    }
}
