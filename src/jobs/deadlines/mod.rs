//! What time alone brings about: declarations whose person did not come are reminded of, removed and at last erased; passwords
//! grow old; deadlines follow the calendar.
//!
//! Each step of a [`Sweep`] finds what is due, and changes it in transactions of some two hundred rows, each with its event and
//! its messages. Every row is changed by compare-and-set: of several workers one does it, and an officer who acts at the same
//! moment either was quicker or is told. A process that dies leaves whole batches done and the others for the next sweep.

mod calendar;
mod erasure;
mod passwords;
mod receipts;
mod visits;

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::NaiveDateTime;

use crate::clock;
use crate::db::events::{self, NewEvent};
use crate::db::{Conn, DbError, texts};
use crate::domain::event::EventKind;
use crate::domain::ids::{AccountId, ApplicationId};
use crate::domain::texts::Texts;
use crate::startup::Parts;

/// How many rows one transaction changes: few enough that no officer waits for it.
pub const BATCH: i64 = 200;

/// One look at everything that may be due.
pub struct Sweep<'a> {
    pub parts: &'a Parts,
    pub now: NaiveDateTime,
    pub batch: i64,
    /// Turns true when the process is to end: what is left over is the next sweep's.
    pub leaving: &'a AtomicBool,
}

impl Sweep<'_> {
    /// All steps. One that fails does not keep the others from being done.
    fn all(&self) {
        self.step("removed", self.expire());
        self.step("reminded", self.remind());
        self.step("erased", self.erase());
        self.step("told of old passwords", self.expire_passwords());
        self.step("deadlines moved", self.follow_calendar());
        self.step("receipts awaited no longer", self.expire_receipts());
    }

    fn step(&self, what: &str, outcome: Result<usize, impl Display>) {
        match outcome {
            Ok(0) => {}
            Ok(count) => {
                self.parts.counts.forget();
                tracing::info!(count, "{what}");
            }
            Err(error) => tracing::error!("{what}: {error}"),
        }
    }

    /// Finds what is due and acts on it in one transaction, again and again until nothing is left, or another worker does it all.
    /// Returns how often `act` did something.
    fn batches<T, E: From<DbError>>(
        &self,
        find: impl Fn(&mut Conn) -> Result<Vec<T>, E>,
        act: impl Fn(&mut Conn, &Texts, T) -> Result<bool, DbError>,
    ) -> Result<usize, E> {
        let mut all = 0;
        while !self.leaving.load(Ordering::Relaxed) {
            // Looking first costs nothing; a write transaction would queue behind the officers'.
            let found = self.parts.db.read(&find)?;
            if found.is_empty() {
                break;
            }
            let done = self.parts.db.write(|conn| {
                let texts = texts::current(conn)?;
                let act = |done, item| Ok::<_, DbError>(done + usize::from(act(conn, &texts, item)?));
                found.into_iter().try_fold(0, act)
            })?;
            if done == 0 {
                break;
            }
            all += done;
        }
        Ok(all)
    }

    fn note(
        &self,
        conn: &mut Conn,
        (application, account): (Option<ApplicationId>, Option<AccountId>),
        kind: EventKind,
        (before, after): (Option<String>, Option<String>),
    ) -> Result<(), DbError> {
        let event = NewEvent { application, account, staff: None, kind, at: self.now, address: None, before, after };
        Ok(events::add(conn, &event)?)
    }
}

/// Sweeps twice a minute until `leaving` turns true. Blocks.
pub fn run(parts: &Arc<Parts>, leaving: &AtomicBool) {
    const EVERY: Duration = Duration::from_secs(30);
    const REST: Duration = Duration::from_millis(200);
    let mut swept: Option<Instant> = None;
    while !leaving.load(Ordering::Relaxed) {
        if swept.is_none_or(|at| at.elapsed() > EVERY) {
            Sweep { parts, now: clock::now(), batch: BATCH, leaving }.all();
            swept = Some(Instant::now());
        }
        std::thread::sleep(REST);
    }
}
