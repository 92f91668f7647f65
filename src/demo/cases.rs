//! What an application gives its officer to think about: the declaration, and what the registry has to say to it.

use std::collections::VecDeque;

use chrono::{Datelike, Days, NaiveDate};
use rand::RngExt;
use rand::rngs::StdRng;

use super::people::{self, MINOR_SINCE, Person, Strangers, pick};
use crate::domain::application::{Declaration, Guardian, Kind, Sex, Status};
use crate::domain::dates::BirthDate;
use crate::domain::message::REASONS;
use crate::domain::names::Name;
use crate::domain::numbers::{IdNumber, Phone};
use crate::domain::places::Commune;
use crate::domain::registry::{Member, Verdict};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// Everything agrees.
    Plain,
    Unaccented,
    Close,
    Different,
    /// Nobody has the code.
    Missing,
    /// Nobody has the code, but somebody has the ID number under another.
    OtherCode,
    OtherBirthDate,
    OtherSex,
    OtherIdNumber,
    /// The ID number belongs to another code's account.
    IdNumberTaken,
    /// The code has its account already.
    AccountExists,
    /// Declared again after a rejection.
    Again,
    Minor,
    SharedPhone,
    NoEmail,
    NoPortrait,
    Blurred,
    /// Asks to change what is known of an account's holder.
    Change,
}

/// In each office the pending applications take these in turn: six of ten agree with the registry's name.
#[rustfmt::skip]
const PENDING: [Case; 40] = {
    use Case::*;
    [
        Plain,
        Unaccented,
        Again,
        Close,
        Plain,
        Missing,
        OtherBirthDate,
        Different,
        Plain,
        Minor,
        Plain,
        Unaccented,
        OtherSex,
        NoPortrait,
        Plain,
        Close,
        AccountExists,
        Different,
        Plain,
        OtherCode,
        SharedPhone,
        Plain,
        Unaccented,
        IdNumberTaken,
        Plain,
        Close,
        NoEmail,
        Missing,
        OtherIdNumber,
        Different,
        Plain,
        Blurred,
        Plain,
        Unaccented,
        Again,
        Close,
        Plain,
        Missing,
        Plain,
        Different,
    ]
};

/// What an office has seen, from which later cases are made. Positions are those of the offices' time.
#[derive(Default)]
pub struct Memory {
    next_pending: usize,
    /// The latest who got an account here, and when.
    holders: VecDeque<(i64, Declaration)>,
    /// Rejected though the registry agreed, and not yet back.
    rejected: Vec<(i64, Declaration)>,
}

/// How many people an office remembers.
const REMEMBERED: usize = 64;

impl Memory {
    pub fn approved(&mut self, position: i64, declaration: &Declaration) {
        if self.holders.len() == REMEMBERED {
            self.holders.pop_front();
        }
        self.holders.push_back((position, declaration.clone()));
    }

    pub fn rejected(&mut self, position: i64, declaration: &Declaration) {
        if self.rejected.len() < REMEMBERED {
            self.rejected.push((position, declaration.clone()));
        }
    }

    /// An adult who had an account before this.
    fn holder(&self, rng: &mut StdRng, before: i64) -> Option<Declaration> {
        let adults: Vec<&Declaration> = self
            .holders
            .iter()
            .filter(|(since, declaration)| *since < before && declaration.id_number.is_some())
            .map(|(_, declaration)| declaration)
            .collect();
        (!adults.is_empty()).then(|| (*pick(rng, &adults)).clone())
    }

    /// Somebody who was rejected before this. Each comes back once.
    fn back(&mut self, before: i64) -> Option<Declaration> {
        let at = self.rejected.iter().position(|(since, _)| *since < before)?;
        Some(self.rejected.swap_remove(at).1)
    }

    /// The case of an application that came in at `position` and ended in this status.
    pub fn case(&mut self, rng: &mut StdRng, status: Status) -> Case {
        let drawn = rng.random_range(0..100);
        match status {
            // Changes are not decided for the better: their holder's account stays as it is.
            Status::Pending | Status::Rejected | Status::Expired if drawn < 10 => Case::Change,
            Status::Pending => {
                self.next_pending += 1;
                PENDING[(self.next_pending - 1) % PENDING.len()]
            }
            Status::AwaitingCode => Case::Missing,
            Status::Approved => match drawn {
                0..6 => Case::Unaccented,
                6..14 => Case::Again,
                14..20 => Case::SharedPhone,
                _ => Case::Plain,
            },
            Status::Rejected => match drawn {
                0..35 => Case::Blurred,
                35..50 => Case::Different,
                50..60 => Case::Close,
                60..70 => Case::OtherBirthDate,
                _ => Case::Plain,
            },
            Status::Expired => Case::Plain,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Portrait {
    Good,
    Blurred,
    Lacking,
}

/// An application's content.
pub struct Papers {
    pub kind: Kind,
    pub declaration: Declaration,
    /// What the registry says of the declared code.
    pub verdict: Verdict,
    pub portrait: Portrait,
}

impl Papers {
    /// Why they were rejected.
    pub fn reason(&self, rng: &mut StdRng) -> &'static str {
        match (self.portrait, self.verdict) {
            (Portrait::Blurred | Portrait::Lacking, _) => REASONS[1],
            (_, Verdict::Different | Verdict::Missing) => REASONS[4],
            (_, Verdict::Close) => REASONS[0],
            (_, Verdict::Exact | Verdict::Unaccented) => {
                pick::<&str>(rng, &[REASONS[0], REASONS[2], REASONS[3], REASONS[5]])
            }
        }
    }
}

/// What a case is made of.
pub struct Making<'a> {
    pub rng: &'a mut StdRng,
    pub strangers: &'a mut Strangers,
    pub memory: &'a mut Memory,
    pub communes: &'a [&'static Commune],
    /// When the declaration came in, in the offices' time and on the calendar.
    pub position: i64,
    pub day: NaiveDate,
}

impl Making<'_> {
    /// Makes the case of a person of the registry; returns it with the person's entry there, which may be a part of it.
    /// A case that needs somebody from before, where nobody is, becomes a plain one.
    pub fn papers(mut self, case: Case, mut person: Person) -> (Papers, Member) {
        if case == Case::Minor {
            person.born = people::birthday(self.rng, MINOR_SINCE + i32::try_from(person.index % 7).unwrap_or(0));
            person.only_year = false;
            person.id_number = None;
            person.relation_code = "08";
        }
        let mut declaration = self.declaration(&person);
        let mut member = person.member();
        let mut portrait = Portrait::Good;
        let mut kind = Kind::New;
        // Whether the declared code is the one of `member`.
        let mut is_member = true;
        match case {
            Case::Plain | Case::Minor => {}
            Case::Unaccented => member.name = people::without_marks(&member.name),
            Case::Close => member.name = people::with_a_slip(&member.name),
            Case::Different => member.name = people::another(self.rng, &person.name, person.sex),
            Case::Missing => {
                let stranger = self.strangers.next(self.rng);
                declaration = self.declaration(&stranger);
            }
            Case::OtherCode => declaration.code = self.strangers.code(),
            Case::OtherBirthDate => {
                member.birth_date = Some(if person.only_year {
                    BirthDate::from_stored((person.born.year() - 1).to_string())
                } else {
                    BirthDate::of(person.born + Days::new(1 + person.index % 27))
                });
            }
            Case::OtherSex => {
                member.sex = Some(if person.sex == Sex::Male { Sex::Female } else { Sex::Male });
            }
            Case::OtherIdNumber => {
                // The nine digits of before 2016.
                member.id_number = Some(IdNumber::from_stored(format!("99{:07}", person.index % 10_000_000)));
            }
            Case::IdNumberTaken => {
                if let Some(holder) = self.memory.holder(self.rng, self.position) {
                    member.name = holder.name.clone();
                    member.birth_date = holder.birth_date.clone();
                    member.sex = holder.sex;
                    member.id_number = holder.id_number.clone();
                    declaration = Declaration { code: person.code.clone(), ..holder };
                }
            }
            Case::AccountExists => {
                if let Some(holder) = self.memory.holder(self.rng, self.position) {
                    is_member = false;
                    declaration = Declaration { phone: person.phone.clone(), ..holder };
                }
            }
            Case::Again => {
                if let Some(rejected) = self.memory.back(self.position) {
                    is_member = false;
                    declaration = rejected;
                }
            }
            Case::SharedPhone => {
                if let Some(holder) = self.memory.holder(self.rng, self.position) {
                    declaration.phone = holder.phone;
                }
            }
            Case::NoEmail => declaration.email = None,
            Case::NoPortrait => portrait = Portrait::Lacking,
            Case::Blurred => portrait = Portrait::Blurred,
            Case::Change => {
                if let Some(holder) = self.memory.holder(self.rng, self.position) {
                    is_member = false;
                    kind = Kind::Change;
                    declaration = Declaration {
                        phone: person.phone.clone(),
                        email: Some(people::email(&holder.name, person.index)),
                        ..holder
                    };
                    if let Some(guardian) = &mut declaration.guardian {
                        guardian.phone = person.phone.clone();
                    }
                }
            }
        }
        let verdict = match case {
            Case::Missing | Case::OtherCode => Verdict::Missing,
            _ if !is_member => Verdict::Exact,
            _ => Verdict::of(&declaration, Some(&member)),
        };
        (Papers { kind, declaration, verdict, portrait }, member)
    }

    pub fn declaration(&mut self, person: &Person) -> Declaration {
        let guardian = person.id_number.is_none().then(|| self.guardian(person));
        let own_email = guardian.is_none() && self.rng.random_bool(0.75);
        let issued_on = person.id_number.is_some().then(|| {
            let chip_cards = NaiveDate::from_ymd_opt(2021, 3, 1).unwrap_or_default();
            let drawn = chip_cards + Days::new(self.rng.random_range(0..1_500));
            let old_enough = person.born + Days::new(14 * 366 + 30);
            drawn.max(old_enough).min(self.day - Days::new(30))
        });
        let commune = if self.communes.is_empty() { None } else { Some(*pick(self.rng, self.communes)) };
        Declaration {
            code: person.code.clone(),
            name: person.name.clone(),
            birth_date: Some(person.birth_date()),
            sex: Some(person.sex),
            id_number: person.id_number.clone(),
            id_issued_on: issued_on,
            id_issued_by: issued_on.map(|day| issuer(day).to_owned()),
            phone: guardian.as_ref().map_or_else(|| person.phone.clone(), |guardian: &Guardian| guardian.phone.clone()),
            email: own_email.then(|| person.email()),
            address: Some(self.address()),
            province_code: commune.map(|commune| commune.province_code.to_owned()),
            commune_code: commune.map(|commune| commune.code.to_owned()),
            guardian,
        }
    }

    /// A mother; one with an account of her own where the office has seen one.
    fn guardian(&mut self, child: &Person) -> Guardian {
        let mother = self.memory.holder(self.rng, self.position).filter(|holder| {
            holder.sex == Some(Sex::Female)
                && holder.birth_date.as_ref().is_some_and(|born| (1975..=1995).contains(&born.year()))
                && holder.guardian.is_none()
        });
        match mother {
            Some(mother) => Guardian {
                name: mother.name,
                code: Some(mother.code),
                phone: mother.phone,
                email: mother.email,
                relation: Some("04".into()),
            },
            None => {
                let family = people::surname(self.rng);
                let name: Name = people::name(self.rng, family, Sex::Female);
                let phone: Phone = child.phone.clone();
                let email = self.rng.random_bool(0.6).then(|| child.email());
                Guardian { name, code: None, phone, email, relation: Some("04".into()) }
            }
        }
    }

    fn address(&mut self) -> String {
        const STREETS: [&str; 12] = [
            "Hòa Bình",
            "Thống Nhất",
            "Bờ Sông",
            "Chợ Mới",
            "Cây Đa",
            "Đồng Dài",
            "Bến Đò",
            "Hoa Sữa",
            "Vườn Cam",
            "Cầu Đá",
            "Giếng Làng",
            "Sao Mai",
        ];
        if self.rng.random_bool(0.3) {
            return format!("Thôn {}", self.rng.random_range(1..=12));
        }
        format!("Số {} đường {}", self.rng.random_range(1..=240), pick(self.rng, &STREETS))
    }
}

/// Who signed the card: the ministry itself since the Law on Identification came into force.
fn issuer(day: NaiveDate) -> &'static str {
    if day >= NaiveDate::from_ymd_opt(2024, 7, 1).unwrap_or_default() {
        "Bộ Công an"
    } else {
        "Cục Cảnh sát quản lý hành chính về trật tự xã hội"
    }
}
