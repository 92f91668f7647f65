//! Writes the applications: who declares, when and where, and what becomes of it. Everything that the desk's rules
//! decide (numbers, deadlines, messages) is asked of `domain`, so that it is as the desk itself would have left it.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDateTime, TimeDelta};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::batch::{Batch, reminders};
use super::calendar::{Calendar, DAY};
use super::cases::{Case, Making, Memory, Papers, Portrait};
use super::people::{Person, Strangers, pick};
use super::pictures::Pictures;
use super::walk_through::Guest;
use crate::db::agencies::Agency;
use crate::db::bulk::{self, Filed, NewAccount};
use crate::db::{Conn, DbError};
use crate::domain::application::{Application, Channel, Kind, Status};
use crate::domain::dates::to_hanoi;
use crate::domain::deadline::{self, VISIT_DAYS};
use crate::domain::delivery::Cause;
use crate::domain::desk::Contact;
use crate::domain::ids::{AccountId, AgencyId, ApplicationId, StaffId};
use crate::domain::names::Name;
use crate::domain::numbers::ApplicationNumber;
use crate::domain::outbox::{self, MessageChannel, MessageKind};
use crate::domain::places::{self, Commune};
use crate::domain::registry::{Member, Verdict};
use crate::domain::texts::Texts;

/// How far back the story goes.
pub const STORY_DAYS: i64 = 90;
/// Offices have got busier: this share of all applications came in the last [`VISIT_DAYS`] days.
const RECENT_SHARE: f64 = 0.47;
/// The newest applications are those of the walk through the desk; all others came before these minutes.
const QUIET_MINUTES: i64 = 70;
/// From where each office's staff work: addresses that are kept for documentation (RFC 5737).
const ADDRESSES: [&str; 8] =
    ["192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.14", "192.0.2.15", "192.0.2.16", "192.0.2.17", "192.0.2.18"];

/// A base office.
pub struct Office {
    id: AgencyId,
    agency_name: String,
    province: Option<AgencyId>,
    code: String,
    officers: Vec<StaffId>,
    address: &'static str,
    /// Those that it serves.
    communes: Vec<&'static Commune>,
    share: u32,
    /// The last serial of each year.
    serials: BTreeMap<i32, i32>,
    memory: Memory,
}

impl Office {
    /// `place` tells the offices apart.
    pub fn new(agency: &Agency, officers: Vec<StaffId>, share: u32, place: usize) -> Self {
        let served = places::communes_of(agency.province_code.as_deref().unwrap_or_default());
        Self {
            id: agency.id,
            agency_name: agency.name.clone(),
            province: agency.province_id,
            code: agency.code.clone(),
            officers,
            address: ADDRESSES[place % ADDRESSES.len()],
            communes: served.skip(place * 7).take(7).collect(),
            share,
            serials: BTreeMap::new(),
            memory: Memory::default(),
        }
    }

    /// The office and its first officer.
    pub fn desk(&self) -> Option<(AgencyId, StaffId)> {
        Some((self.id, *self.officers.first()?))
    }
}

/// When and how a declaration came in.
#[derive(Clone, Copy)]
struct Arrival {
    office: usize,
    channel: Channel,
    /// Its place in the offices' time.
    position: i64,
    submitted_at: NaiveDateTime,
}

/// What becomes of it; positions are those of the offices' time.
#[derive(Clone, Copy)]
struct Fate {
    status: Status,
    /// When the person came, if somebody had to and did.
    came: Option<i64>,
    decided: Option<i64>,
}

pub struct Writer<'a> {
    pub rng: StdRng,
    now: NaiveDateTime,
    /// When offices are open, and the days on which they are closed.
    calendar: Calendar,
    holidays: deadline::Calendar,
    offices: Vec<Office>,
    pictures: &'a Pictures,
    /// All accounts have the same, of a password that nobody knows.
    password_hash: String,
    strangers: Strangers,
    last_application: i64,
    last_account: i64,
    /// How many were registered who do not apply.
    registered: u32,
    /// How many text messages of the first office have yet to fail for good.
    to_fail: u8,
    batch: Batch<'a>,
}

impl<'a> Writer<'a> {
    pub fn new(
        offices: Vec<Office>,
        pictures: &'a Pictures,
        password_hash: String,
        seed: u64,
        now: NaiveDateTime,
        holidays: deadline::Calendar,
    ) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            now,
            calendar: Calendar::of_last(STORY_DAYS, now, &holidays),
            holidays,
            offices,
            pictures,
            password_hash,
            strangers: Strangers::new(),
            last_application: 0,
            last_account: 0,
            registered: 0,
            to_fail: 2,
            batch: Batch::default(),
        }
    }

    /// Enters somebody in the registry who does not apply: some in a row with each office, as many as its share.
    pub fn register(&mut self, member: Member) {
        const IN_A_ROW: u32 = 4;
        let all: u32 = self.offices.iter().map(|office| office.share).sum();
        let mut place = self.registered / IN_A_ROW * 37 % all.max(1);
        self.registered += 1;
        for office in &self.offices {
            if place < office.share {
                self.batch.members.push((office.id, member));
                return;
            }
            place -= office.share;
        }
    }

    /// Lets a person of the registry apply when about this `part` (0 to 1) of all have, and enters them in the
    /// registry. Called with rising parts, `step` apart: ids must rise with time, because the search by name reads the
    /// newest first by id.
    pub fn apply(&mut self, part: f64, step: f64, person: Person) {
        let within = step * self.rng.random::<f64>();
        let arrival = self.arrival(part + within);
        let fate = self.fate(arrival, person.id_number.is_none());
        let office = &mut self.offices[arrival.office];
        let case = office.memory.case(&mut self.rng, fate.status);
        let making = Making {
            rng: &mut self.rng,
            strangers: &mut self.strangers,
            memory: &mut office.memory,
            communes: &office.communes,
            position: arrival.position,
            day: to_hanoi(arrival.submitted_at).date(),
        };
        let portrait_of = person.index;
        let (papers, member) = making.papers(case, person);
        self.batch.members.push((self.offices[arrival.office].id, member));
        if let Some(decided) = fate.decided {
            let memory = &mut self.offices[arrival.office].memory;
            match (fate.status, papers.verdict, case) {
                (Status::Approved, ..) => memory.approved(decided, &papers.declaration),
                (Status::Rejected, Verdict::Exact, Case::Plain | Case::Blurred) => {
                    memory.rejected(decided, &papers.declaration);
                }
                _ => {}
            }
        }
        self.file(arrival, fate, papers, portrait_of);
    }

    /// The walk through the desk: all pending at the first office, the first guest the newest.
    pub fn invite(&mut self, guests: &[&Guest]) {
        for (at, guest) in guests.iter().enumerate().rev() {
            let submitted_at = self.now - TimeDelta::minutes(guest.minutes_ago);
            let position = self.calendar.position(submitted_at);
            let channel = if at % 2 == 0 { Channel::Portal } else { Channel::App };
            let person = guest.person();
            let office = &mut self.offices[0];
            let agency = office.id;
            let mut making = Making {
                rng: &mut self.rng,
                strangers: &mut self.strangers,
                memory: &mut office.memory,
                communes: &office.communes,
                position,
                day: to_hanoi(submitted_at).date(),
            };
            let mut declaration = making.declaration(&person);
            declaration.email = Some(guest.email());
            let registered =
                guest.registered_as.map(|name| Member { name: Name::from_stored(name.into()), ..person.member() });
            let verdict = Verdict::of(&declaration, registered.as_ref());
            self.batch.members.extend(registered.map(|member| (agency, member)));
            let papers = Papers {
                kind: Kind::New,
                declaration,
                verdict,
                portrait: if guest.blurred { Portrait::Blurred } else { Portrait::Good },
            };
            let fate = Fate { status: Status::Pending, came: None, decided: None };
            self.file(Arrival { office: 0, channel, position, submitted_at }, fate, papers, at as u64);
        }
    }

    fn end(&self) -> i64 {
        self.calendar.position(self.now - TimeDelta::minutes(QUIET_MINUTES))
    }

    fn arrival(&mut self, part: f64) -> Arrival {
        let end = self.end();
        let recent = self.calendar.position(self.now - TimeDelta::days(VISIT_DAYS));
        let position = if part < 1.0 - RECENT_SHARE {
            part / (1.0 - RECENT_SHARE) * recent as f64
        } else {
            recent as f64 + (part - 1.0 + RECENT_SHARE) / RECENT_SHARE * (end - recent) as f64
        } as i64;
        let mut drawn = self.rng.random_range(0..self.offices.iter().map(|office| office.share).sum());
        let mut office = 0;
        while drawn >= self.offices[office].share {
            drawn -= self.offices[office].share;
            office += 1;
        }
        let channel = match self.rng.random_range(0..100) {
            0..45 => Channel::Portal,
            45..75 => Channel::App,
            _ => Channel::Counter,
        };
        Arrival { office, channel, position, submitted_at: self.calendar.instant(position) }
    }

    fn fate(&mut self, arrival: Arrival, is_minor: bool) -> Fate {
        let at_once = is_minor || arrival.channel == Channel::Counter;
        let due = self.holidays.due_at(arrival.submitted_at, at_once.then_some(arrival.submitted_at));
        let overdue = self.now - due;
        let still_pending = if overdue < TimeDelta::zero() {
            0.86
        } else if at_once && overdue < TimeDelta::days(4) {
            0.25
        } else if arrival.channel == Channel::Counter {
            0.02
        } else {
            0.0
        };
        if self.rng.random_bool(still_pending) {
            return Fate { status: Status::Pending, came: None, decided: None };
        }
        if !at_once && overdue > TimeDelta::hours(1) && self.rng.random_bool(0.15) {
            return Fate { status: Status::Expired, came: None, decided: None };
        }
        let status = match self.rng.random_range(0..100) {
            0..5 => Status::AwaitingCode,
            5..25 => Status::Rejected,
            _ => Status::Approved,
        };
        let came = (!at_once).then(|| self.later(arrival.position, 5 * DAY));
        let longest = *pick(&mut self.rng, &[DAY / 8, DAY / 8, DAY, 2 * DAY, 2 * DAY, 5 * DAY]);
        let decided = self.later(came.unwrap_or(arrival.position), longest);
        Fate { status, came, decided: Some(decided) }
    }

    /// A moment after another, at most this much later and never in the future.
    fn later(&mut self, from: i64, longest: i64) -> i64 {
        let longest = longest.min(self.end() - from).max(1);
        from + self.rng.random_range(0..longest)
    }

    fn file(&mut self, arrival: Arrival, fate: Fate, papers: Papers, portrait_of: u64) {
        self.last_application += 1;
        let office = &mut self.offices[arrival.office];
        let officer = *pick(&mut self.rng, &office.officers);
        let is_minor = papers.declaration.guardian.is_some();
        // A minor is declared from the account of a guardian.
        let channel = if is_minor && arrival.channel == Channel::Counter { Channel::App } else { arrival.channel };
        let entered_by = (channel == Channel::Counter).then_some(officer);

        let year = to_hanoi(arrival.submitted_at).year();
        let last_serial = office.serials.entry(year).or_default();
        *last_serial += 1;
        let serial = *last_serial;

        let received_at = if entered_by.is_some() || is_minor {
            Some(arrival.submitted_at)
        } else {
            fate.came.or(fate.decided).map(|position| self.calendar.instant(position))
        };
        let due_at = self.holidays.due_at(arrival.submitted_at, received_at);
        let acted_at = match fate.status {
            Status::Pending => None,
            Status::Expired => Some(due_at),
            Status::Approved | Status::Rejected | Status::AwaitingCode => {
                fate.decided.map(|position| self.calendar.instant(position))
            }
        };
        // Waiting for a code is not the end: nobody has decided the application yet.
        let decided_at = acted_at.filter(|_| !fate.status.is_open());
        let reason = (fate.status == Status::Rejected).then(|| papers.reason(&mut self.rng));
        let application = Application {
            id: ApplicationId(self.last_application),
            agency_id: office.id,
            agency_name: office.agency_name.clone(),
            number: ApplicationNumber::compose(serial.unsigned_abs(), year, &office.code),
            kind: papers.kind,
            status: fate.status,
            channel,
            declaration: papers.declaration,
            submitted_at: arrival.submitted_at,
            received_at,
            due_at,
            decided_at,
            decided_by: decided_at.filter(|_| fate.status != Status::Expired).map(|_| officer),
            decided_by_name: None,
            reason: reason.map(str::to_owned),
            erased_at: None,
            version: if acted_at.is_some() { 2 } else { 1 },
        };
        let province_id = office.province;
        let address = office.address;

        let decision = acted_at.map(|at| (at, officer, papers.verdict));
        let account = (fate.status == Status::Approved).then_some(AccountId(self.last_account + 1));
        self.batch.history(&application, account, entered_by, decision, address, self.now);
        self.batch.photograph(&application, self.pictures, papers.portrait, portrait_of, entered_by);
        match reason {
            Some(reason) => {
                for draft in outbox::on_rejection(&Texts::default(), &application, reason, None) {
                    self.batch.send(&mut self.rng, self.now, &application, draft, None);
                }
            }
            None if fate.status == Status::Approved => self.open_account(&application, arrival.office),
            None => {}
        }
        let reminders = i32::try_from(reminders(&application, self.now).len()).unwrap_or(0);
        self.batch.filed.push(Filed { application, province_id, serial, entered_by, reminders });
    }

    fn open_account(&mut self, application: &Application, office: usize) {
        self.last_account += 1;
        let account = AccountId(self.last_account);
        self.batch.accounts.push(NewAccount {
            id: account,
            of: self.batch.filed.len(),
            must_change_password: self.rng.random_bool(0.45),
        });
        let is_recent = self.now - application.submitted_at < TimeDelta::days(VISIT_DAYS);
        // One that fails is made good by e-mail, for another nothing is left.
        let fails = office == 0
            && is_recent
            && self.to_fail > 0
            && application.declaration.notice_email().is_some() == self.to_fail.is_multiple_of(2);
        self.to_fail -= u8::from(fails);
        for draft in
            outbox::on_approval(&Texts::default(), application, account, &Contact::of(&application.declaration))
        {
            let fails = fails && draft.channel == MessageChannel::Sms;
            self.batch.send(&mut self.rng, self.now, application, draft, fails.then_some(Cause::BadRecipient));
        }
        let declaration = &application.declaration;
        let by_email = outbox::password_by_email(
            &Texts::default(),
            MessageKind::Credentials,
            application.number.as_str(),
            account,
            declaration.code.as_str(),
            declaration.notice_email(),
        );
        if let (true, Some(draft)) = (fails, by_email) {
            self.batch.send(&mut self.rng, self.now, application, draft, None);
        }
    }

    pub fn flush_when_full(&mut self, conn: &mut Conn) -> Result<(), DbError> {
        if self.batch.is_full() { self.batch.flush(conn, &self.password_hash, self.now) } else { Ok(()) }
    }

    pub fn finish(mut self, conn: &mut Conn) -> Result<(), DbError> {
        self.batch.flush(conn, &self.password_hash, self.now)?;
        self.batch.publish(conn)?;
        let last: Vec<(AgencyId, i32, i32)> = self
            .offices
            .iter()
            .flat_map(|office| office.serials.iter().map(|(year, serial)| (office.id, *year, *serial)))
            .collect();
        bulk::serials(conn, &last)?;
        Ok(bulk::go_on_after(conn, ApplicationId(self.last_application), AccountId(self.last_account))?)
    }
}
