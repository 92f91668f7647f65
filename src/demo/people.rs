//! Made-up people in made-up households. Names are drawn from lists of common ones; every number lies where no real one
//! does: codes begin with 99, ID numbers with 98 or 99 (no province has had these), telephones with 095.

use chrono::{Datelike, NaiveDate};
use rand::RngExt;
use rand::rngs::StdRng;

use crate::domain::application::Sex;
use crate::domain::dates::BirthDate;
use crate::domain::names::{self, Likeness, Name};
use crate::domain::numbers::{Email, IdNumber, Phone, SocialCode};
use crate::domain::registry::Member;

/// Each has a mark, so that every name has a form that differs from it only in diacritics. The common ones come first
/// and are drawn more often.
const SURNAMES: [&str; 30] = [
    "Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Võ", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương", "Lý",
    "Đinh", "Trịnh", "Đoàn", "Lương", "Tô", "Tạ", "Hà", "Phùng", "Đào", "Trương", "Lâm", "Tăng", "Thái", "Châu", "Lưu",
];
const MIDDLE_MALE: [&str; 16] = [
    "Văn", "Hữu", "Đức", "Công", "Quang", "Minh", "Quốc", "Thanh", "Xuân", "Ngọc", "Đình", "Trọng", "Bá", "Gia",
    "Thành", "Anh",
];
const MIDDLE_FEMALE: [&str; 16] = [
    "Thị", "Ngọc", "Thu", "Thanh", "Minh", "Kim", "Bích", "Hồng", "Mỹ", "Phương", "Diệu", "Tuyết", "Khánh", "Hoài",
    "Mai", "Quỳnh",
];
const GIVEN_MALE: [&str; 40] = [
    "An", "Bảo", "Bình", "Cường", "Dũng", "Duy", "Đạt", "Đức", "Giang", "Hải", "Hào", "Hiếu", "Hòa", "Hoàng", "Hùng",
    "Huy", "Khánh", "Khoa", "Kiên", "Lâm", "Long", "Lộc", "Minh", "Nam", "Nghĩa", "Nhân", "Phong", "Phúc", "Quân",
    "Quang", "Sơn", "Tài", "Tâm", "Thắng", "Thành", "Thịnh", "Toàn", "Trung", "Tuấn", "Vinh",
];
const GIVEN_FEMALE: [&str; 40] = [
    "An", "Anh", "Ánh", "Bình", "Chi", "Diễm", "Dung", "Duyên", "Giang", "Hà", "Hạnh", "Hân", "Hiền", "Hoa", "Hồng",
    "Huệ", "Hương", "Lan", "Linh", "Loan", "Mai", "My", "Nga", "Ngân", "Ngọc", "Nhung", "Oanh", "Phương", "Quyên",
    "Tâm", "Thảo", "Thủy", "Trang", "Trâm", "Tuyết", "Uyên", "Vân", "Xuân", "Yến", "Nguyệt",
];

pub fn pick<'a, T>(rng: &mut StdRng, list: &'a [T]) -> &'a T {
    &list[rng.random_range(0..list.len())]
}

/// Draws from a list whose first entries are common and whose last are rare.
fn pick_common<'a>(rng: &mut StdRng, list: &[&'a str]) -> &'a str {
    let (a, b) = (rng.random_range(0..list.len()), rng.random_range(0..list.len()));
    list[a * b / list.len()]
}

pub fn surname(rng: &mut StdRng) -> &'static str {
    pick_common(rng, &SURNAMES)
}

pub fn name(rng: &mut StdRng, surname: &str, sex: Sex) -> Name {
    let (middles, givens) = match sex {
        Sex::Male => (&MIDDLE_MALE, &GIVEN_MALE),
        Sex::Female => (&MIDDLE_FEMALE, &GIVEN_FEMALE),
    };
    let given = *pick(rng, givens);
    let mut middle = pick_common(rng, middles);
    while middle == given {
        middle = *pick::<&str>(rng, middles);
    }
    let second = if rng.random_bool(0.25) { *pick(rng, middles) } else { middle };
    Name::from_stored(if second == middle || second == given {
        format!("{surname} {middle} {given}")
    } else {
        format!("{surname} {middle} {second} {given}")
    })
}

/// A person as the registry and a declaration know them.
#[derive(Clone)]
pub struct Person {
    /// Distinct for every person; all numbers are made from it.
    pub index: u64,
    pub code: SocialCode,
    pub name: Name,
    pub sex: Sex,
    pub born: NaiveDate,
    /// Only the year of birth is known, as on the papers of some of the old.
    pub only_year: bool,
    /// None under 14.
    pub id_number: Option<IdNumber>,
    pub phone: Phone,
    pub household_code: String,
    pub relation_code: &'static str,
}

impl Person {
    pub fn birth_date(&self) -> BirthDate {
        if self.only_year { BirthDate::from_stored(self.born.year().to_string()) } else { BirthDate::of(self.born) }
    }

    pub fn email(&self) -> Email {
        email(&self.name, self.index)
    }

    /// The person's entry in the household registry.
    pub fn member(&self) -> Member {
        Member {
            code: self.code.clone(),
            name: self.name.clone(),
            birth_date: Some(self.birth_date()),
            sex: Some(self.sex),
            id_number: self.id_number.clone(),
            phone: self.id_number.is_some().then(|| self.phone.as_str().to_owned()),
            email: None,
            address: None,
            household_code: Some(self.household_code.clone()),
            relation_code: Some(self.relation_code.to_owned()),
        }
    }
}

/// Spreads an index over `0..size` without meeting any place twice: `factor` and `size` have no common divisor.
fn spread(index: u64, factor: u64, size: u64) -> u64 {
    index % size * factor % size
}

/// A code of the registry: 99 00000000 to 99 89999999.
fn registered_code(index: u64) -> SocialCode {
    SocialCode::from_stored(format!("{:010}", 9_900_000_000 + spread(index, 37_139_213, 90_000_000)))
}

/// A code that nobody in the registry has: 99 90000000 to 99 97999999.
fn unregistered_code(index: u64) -> SocialCode {
    SocialCode::from_stored(format!("{:010}", 9_990_000_000 + spread(index, 5_039_081, 8_000_000)))
}

/// A personal ID number: a place that is none (98 or 99, then the index's millions), century and sex, birth year, and
/// six digits that are distinct within a million.
fn id_number(place: u64, index: u64, sex: Sex, year: i32) -> IdNumber {
    let century_and_sex = (year - 1900) / 100 * 2 + i32::from(sex == Sex::Female);
    let millions = (9 - index / 1_000_000 % 10) % 10;
    IdNumber::from_stored(format!(
        "{place}{millions}{century_and_sex}{:02}{:06}",
        year % 100,
        spread(index, 619_471, 1_000_000)
    ))
}

/// 095 0000000 to 095 8999999.
fn phone(index: u64) -> Phone {
    Phone::from_stored(format!("095{:07}", spread(index, 4_826_809, 9_000_000)))
}

pub fn email(name: &Name, index: u64) -> Email {
    let folded = name.folded();
    let given = folded.rsplit(' ').next().unwrap_or_default();
    let surname = folded.split(' ').next().unwrap_or_default();
    let host = if index.is_multiple_of(3) { "example.org" } else { "example.com" };
    Email::from_stored(format!("{given}.{surname}{index}@{host}"))
}

/// A birthday in that year.
pub fn birthday(rng: &mut StdRng, year: i32) -> NaiveDate {
    NaiveDate::from_yo_opt(year, rng.random_range(1..=365)).unwrap_or_default()
}

/// The last year of birth in the registry.
const YOUNGEST: i32 = 2020;
/// Who was born later has no ID number and declares through a guardian.
pub const MINOR_SINCE: i32 = 2013;

/// The people of the registry, household by household, without end.
pub struct People {
    next: u64,
    households: u64,
    waiting: Vec<Person>,
}

impl People {
    pub fn new() -> Self {
        Self { next: 1, households: 0, waiting: Vec::new() }
    }

    pub fn next(&mut self, rng: &mut StdRng) -> Person {
        loop {
            if let Some(person) = self.waiting.pop() {
                return person;
            }
            self.move_in(rng);
        }
    }

    /// A household of one to six: its head, then a spouse, an old parent, children.
    fn move_in(&mut self, rng: &mut StdRng) {
        let size = *pick(rng, &[1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 6]);
        self.households += 1;
        let sex = if rng.random_bool(0.7) { Sex::Male } else { Sex::Female };
        let year = rng.random_range(1946..=1998);
        let family = surname(rng);
        let mut left = size - 1;
        self.add(rng, family, sex, year, "00");
        if left > 0 && rng.random_bool(0.85) {
            let (other, relation) = if sex == Sex::Male { (Sex::Female, "01") } else { (Sex::Male, "02") };
            let own = surname(rng);
            let born = (year + rng.random_range(-5..=5)).max(1940);
            self.add(rng, own, other, born, relation);
            left -= 1;
        }
        if left > 0 && year > 1964 && rng.random_bool(0.2) {
            let own = surname(rng);
            let born = (year - rng.random_range(20..=30)).max(1940);
            self.add(rng, own, Sex::Female, born, "04");
            left -= 1;
        }
        for _ in 0..left {
            let sex = if rng.random_bool(0.52) { Sex::Male } else { Sex::Female };
            let born = (year + rng.random_range(20..=38)).min(YOUNGEST);
            self.add(rng, family, sex, born, "08");
        }
        // Taken from the end: the head comes out first.
        self.waiting.reverse();
    }

    fn add(&mut self, rng: &mut StdRng, surname: &str, sex: Sex, year: i32, relation_code: &'static str) {
        let index = self.next;
        self.next += 1;
        self.waiting.push(Person {
            index,
            code: registered_code(index),
            name: name(rng, surname, sex),
            sex,
            born: birthday(rng, year),
            only_year: year < 1965 && rng.random_bool(0.15),
            id_number: (year < MINOR_SINCE).then(|| id_number(99, index, sex, year)),
            phone: phone(index),
            household_code: format!("{:010}", 9_900_000_000 + spread(self.households, 37_139_213, 90_000_000)),
            relation_code,
        });
    }
}

/// The name as a registry has it whose clerk left out the marks of one syllable.
pub fn without_marks(name: &Name) -> Name {
    let words: Vec<&str> = name.as_str().split(' ').collect();
    let marked = words.iter().rposition(|word| names::folded(word) != names::canonical(word));
    let word = |(at, word): (usize, &&str)| {
        if Some(at) == marked { capitalised(&names::folded(word)) } else { (*word).to_owned() }
    };
    Name::from_stored(words.iter().enumerate().map(word).collect::<Vec<_>>().join(" "))
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The name with a slip: a final n for ng or the other way round, or else without its middle.
pub fn with_a_slip(name: &Name) -> Name {
    let name = name.as_str();
    Name::from_stored(if let Some(short) = name.strip_suffix("ng") {
        format!("{short}n")
    } else if name.ends_with('n') {
        format!("{name}g")
    } else {
        match (name.split_once(' '), name.rsplit_once(' ')) {
            (Some((surname, _)), Some((_, given))) => format!("{surname} {given}"),
            _ => format!("{name}h"),
        }
    })
}

/// The name of somebody else.
pub fn another(rng: &mut StdRng, other: &Name, sex: Sex) -> Name {
    loop {
        let own = surname(rng);
        let name = name(rng, own, sex);
        if names::compare(name.as_str(), other.as_str()) == Likeness::Different {
            return name;
        }
    }
}

/// Adults whom the registry does not know.
pub struct Strangers {
    next: u64,
}

impl Strangers {
    pub fn new() -> Self {
        Self { next: 0 }
    }

    /// A code that nobody in the registry has.
    pub fn code(&mut self) -> SocialCode {
        self.next += 1;
        unregistered_code(self.next)
    }

    pub fn next(&mut self, rng: &mut StdRng) -> Person {
        let code = self.code();
        let sex = if rng.random_bool(0.5) { Sex::Male } else { Sex::Female };
        let year = rng.random_range(1960..=2004);
        let family = surname(rng);
        Person {
            index: self.next,
            code,
            name: name(rng, family, sex),
            sex,
            born: birthday(rng, year),
            only_year: false,
            id_number: Some(id_number(98, self.next, sex, year)),
            phone: phone(5_000_000 + self.next),
            household_code: String::new(),
            relation_code: "00",
        }
    }
}
