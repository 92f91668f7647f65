//! Random work in four offices, for what adds up over weeks.

use chrono::{NaiveDateTime, TimeDelta};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tnhs::db::Conn;
use tnhs::db::account_acts::Stopped;
use tnhs::db::agencies::Agency;
use tnhs::db::applications::NewApplication;
use tnhs::db::decisions;
use tnhs::db::events::{self, NewEvent, Stamp};
use tnhs::domain::application::{Application, Channel, Status};
use tnhs::domain::assessment::Decision;
use tnhs::domain::event::EventKind;
use tnhs::domain::ids::{ApplicationId, StaffId};
use tnhs::domain::permission::Role;

use super::{TestApp, filing, hanoi};

/// Random work, and the clock that it has.
pub struct Work<'a> {
    app: &'a TestApp,
    rng: StdRng,
    pub now: NaiveDateTime,
    filed: Vec<ApplicationId>,
    staff: Vec<StaffId>,
}

impl<'a> Work<'a> {
    pub fn begin(app: &'a TestApp, seed: u64) -> Self {
        let staff = (0..3).map(|_| app.employee(Role::Officer, &app.offices.ba_dinh).id).collect();
        Self { app, rng: StdRng::seed_from_u64(seed), now: hanoi("02/01/2026 08:00"), filed: Vec::new(), staff }
    }

    fn offices(&self) -> [&'a Agency; 4] {
        let offices = &self.app.offices;
        [&offices.ba_dinh, &offices.dong_da, &offices.phu_xuan, &offices.hue]
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.rng.random_range(0..all.len())]
    }

    pub fn go_on(&mut self, acts: usize) {
        for _ in 0..acts {
            self.now += TimeDelta::minutes(self.rng.random_range(1..1_440));
            self.act();
        }
    }

    fn act(&mut self) {
        let stamp = Stamp { staff: self.one_of(&self.staff.clone()), at: self.now, address: None };
        let dice = self.rng.random_range(0..100);
        if self.filed.is_empty() || dice < 45 {
            return self.file();
        }
        let id = self.one_of(&self.filed.clone());
        let application = self.app.application(id);
        match (application.status.is_open(), dice) {
            (_, ..50) => drop(self.app.sweep(self.now).expire().unwrap()),
            (true, ..60) => {
                let offices = self.offices();
                let to = self.one_of(&offices);
                if to.id != application.agency_id {
                    assert!(self.write(|conn| Ok(decisions::hand_over(conn, &application, to, "Đúng nơi ở", stamp)?)));
                }
            }
            (true, ..65) => self.decide(application, &Decision::AwaitCode, stamp),
            (true, ..82) => {
                let reason = self.one_of(&["Ảnh mờ", "Chữ ký khác", "Thiếu giấy tờ"]);
                self.decide(application, &Decision::Reject(reason.into()), stamp);
            }
            (true, _) => self.decide(application, &Decision::Approve, stamp),
            (false, ..75) if application.status != Status::Expired => {
                assert!(self.write(|conn| {
                    let evidence = decisions::evidence(conn, application)?;
                    Ok(decisions::reopen(conn, &evidence, "Xem lại", stamp)?)
                }));
            }
            (false, _) => self.file(),
        }
    }

    fn file(&mut self) {
        let (offices, channel) = (self.offices(), self.one_of(Channel::ALL));
        let office = self.one_of(&offices);
        let person = self.app.citizen("Trần Thị Bích Ngọc");
        let received_at = self.rng.random_bool(0.5).then_some(self.now);
        let due_at = self.now + TimeDelta::days(if received_at.is_some() { 3 } else { 10 });
        let new = NewApplication { channel, received_at, due_at, ..filing(office, &person, self.now) };
        let id = self.app.filed(&new).id;
        self.app.db(|conn| {
            let (kind, at) = (EventKind::Submitted, self.now);
            let of = NewEvent {
                application: Some(id),
                account: None,
                staff: None,
                kind,
                at,
                address: None,
                before: None,
                after: None,
            };
            events::add(conn, &of)
        });
        self.filed.push(id);
    }

    fn decide(&self, application: Application, decision: &Decision, stamp: Stamp<'_>) {
        assert!(self.write(|conn| {
            let evidence = decisions::evidence(conn, application)?;
            decisions::record(conn, &evidence, decision, stamp)
        }));
    }

    fn write<T>(&self, f: impl FnOnce(&mut Conn) -> Result<T, Stopped>) -> T {
        self.app.db(|conn| match f(conn) {
            Ok(done) => Ok(done),
            Err(Stopped::Database(error)) => Err(error),
            Err(Stopped::Refused(refusal)) => panic!("{refusal}"),
        })
    }
}
