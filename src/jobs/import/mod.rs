//! Imports from spreadsheets, step by step. Each import stands in one state of [`ImportState`]; a worker takes one that has
//! work to do under a lease, does one step, and leaves it in the next state:
//!
//! | state | step | a process that dies in it leaves |
//! |---|---|---|
//! | reading | [`read`]: the dry run | nothing; the page says so, and a person lets it be read again |
//! | applying | [`apply`] | everything as before, and the page says so; a person presses again |
//! | settling | [`super::recheck`] | the import counts; the rest of the waiting applications is asked for later |
//! | rolling back | `apply` | the import counts; it is rolled back later |

pub mod apply;
pub mod compare;
pub mod console;
pub mod folder;
pub mod json;
pub mod read;
pub mod remembered;
pub mod workbooks;

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{NaiveDateTime, TimeDelta};

use crate::adapters::spreadsheet::SpreadsheetError;
use crate::clock;
use crate::db::imports::{self, Import, Outcome, Progress};
use crate::db::{Db, DbError, agencies, registry, staff};
use crate::domain::ids::ImportId;
use crate::domain::import::ImportState;
use crate::domain::permission::Scope;
use crate::startup::Parts;

use super::recheck;
use apply::Applied;
use compare::Importer;
use folder::Folder;

/// Why a step did not reach its end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("somebody asked to stop")]
    Stopped,
    /// This process is to end: another one goes on.
    #[error("the program is stopping")]
    Leaving,
    #[error("the data changed meanwhile")]
    Overtaken,
    #[error("{0}")]
    Broken(String),
    #[error(transparent)]
    Spreadsheet(#[from] SpreadsheetError),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("disk: {0}")]
    Io(#[from] std::io::Error),
}

/// Is told how far a step is, and may end it.
pub trait Watch {
    /// # Errors
    /// When the step shall end here.
    fn at(&mut self, progress: Progress) -> Result<(), ImportError>;
}

/// A step of an import under a lease.
pub struct Work<'a> {
    pub db: &'a Db,
    pub folder: Folder,
    pub import: Import,
    pub lease: &'a str,
    pub scope: Scope,
    pub login: Option<String>,
    pub now: NaiveDateTime,
}

impl Work<'_> {
    fn offices(&self) -> Result<HashSet<String>, DbError> {
        let offices = self.db.read(|conn| Ok::<_, DbError>(agencies::all(conn, self.scope)?))?;
        Ok(offices.into_iter().map(|office| office.code).collect())
    }

    fn importer<'a>(&'a self, offices: &'a HashSet<String>) -> Importer<'a> {
        Importer {
            kind: self.import.kind,
            sha256: &self.import.sha256,
            scope: self.scope,
            login: self.login.as_deref(),
            offices,
        }
    }
}

/// Keeps the lease and the progress that the page shows.
struct Heartbeat<'a> {
    db: &'a Db,
    import: &'a Import,
    lease: &'a str,
    stop: &'a AtomicBool,
    last: Instant,
}

const BEAT: Duration = Duration::from_millis(300);

impl Watch for Heartbeat<'_> {
    fn at(&mut self, progress: Progress) -> Result<(), ImportError> {
        if self.last.elapsed() < BEAT {
            return Ok(());
        }
        self.last = Instant::now();
        if self.stop.load(Ordering::Relaxed) {
            return Err(ImportError::Leaving);
        }
        let now = clock::now();
        let may =
            self.db.note(|conn| Ok::<_, DbError>(imports::go_on(conn, self.import.id, self.lease, progress, now)?))?;
        if may { Ok(()) } else { Err(ImportError::Stopped) }
    }
}

/// Does the next step of an import that waits for one; false when none does. `stop` ends it at the next few thousand rows,
/// to be taken up again. Blocks.
///
/// # Errors
/// The database failed. What goes wrong with an import itself is written to the import.
pub fn step(parts: &Parts, now: NaiveDateTime, stop: &AtomicBool) -> Result<bool, ImportError> {
    let db = &parts.db;
    let lease = format!("{:032x}", rand::random::<u128>());
    if !db.read(|conn| Ok::<_, DbError>(imports::is_some_due(conn, now)?))? {
        return Ok(false);
    }
    let Some((claimed, interrupted)) = db.write(|conn| Ok::<_, DbError>(imports::claim(conn, &lease, now)?))? else {
        return Ok(false);
    };
    let (scope, login) = whose(db, &claimed)?;
    let folder = Folder::of(&parts.config.data_dir, claimed.id);
    let id = claimed.id;
    let mut beat = Heartbeat { db, import: &claimed, lease: &lease, stop, last: Instant::now() };
    let work = Work { db, folder, import: claimed.clone(), lease: &lease, scope, login, now };
    if claimed.stop_asked {
        leave(&work, &ImportError::Stopped)?;
        return Ok(true);
    }
    let done = AtomicBool::new(false);
    let outcome = std::thread::scope(|threads| {
        threads.spawn(|| pulse(db, id, &lease, &done));
        // A list that makes the program fail is no reason to stop with the others.
        let outcome = catch_unwind(AssertUnwindSafe(|| go(parts, &work, interrupted, &mut beat)));
        done.store(true, Ordering::Relaxed);
        outcome.unwrap_or_else(|_| Err(ImportError::Broken("it panicked".into())))
    });
    match outcome {
        Ok(()) => {}
        Err(ImportError::Leaving) => db.write(|conn| Ok::<_, DbError>(imports::let_go(conn, id, &lease)?))?,
        Err(error) => leave(&work, &error)?,
    }
    Ok(true)
}

/// Renews the lease while a step is at something long, such as one big transaction.
fn pulse(db: &Db, id: ImportId, lease: &str, done: &AtomicBool) {
    const EVERY: Duration = Duration::from_secs(3);
    let mut last = Instant::now();
    while !done.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(20));
        if last.elapsed() > EVERY {
            if let Err(error) = db.note(|conn| Ok::<_, DbError>(imports::renew(conn, id, lease, clock::now())?)) {
                tracing::warn!(import = %id, "its lease could not be renewed: {error}");
            }
            last = Instant::now();
        }
    }
}

/// Whoever started it, as they are now: what they reach, and their sign-in name. Somebody who may not import any more
/// reaches nothing.
fn whose(db: &Db, import: &Import) -> Result<(Scope, Option<String>), DbError> {
    match import.staff_id {
        None => Ok((Scope::Country, None)),
        Some(id) => db.read(|conn| {
            let actor = staff::actor(conn, id)?;
            Ok(actor.map_or((Scope::Nothing, None), |(actor, login)| (actor.manages(), Some(login))))
        }),
    }
}

fn go(parts: &Parts, work: &Work<'_>, interrupted: bool, watch: &mut dyn Watch) -> Result<(), ImportError> {
    let (db, import, now) = (work.db, &work.import, work.now);
    match import.state {
        ImportState::Reading if interrupted => end(work, ImportState::Failed, UNREAD),
        ImportState::Reading => {
            let layouts = import.layouts.as_deref().and_then(|json| serde_json::from_str(json).ok());
            let task = read::Task {
                db,
                program: &parts.config.program,
                limits: parts.config.import_limits,
                folder: &work.folder,
                kind: import.kind,
                file_name: &import.file_name,
                sha256: &import.sha256,
                sheet: import.sheet.clone(),
                layouts: layouts.unwrap_or_default(),
                recalls: import.staff_id.is_some(),
                scope: work.scope,
                login: work.login.clone(),
                now,
            };
            let found = read::run(&task, watch)?;
            let state = if found.fault.is_some() { ImportState::Refused } else { ImportState::Ready };
            db.write(|conn| {
                Ok(imports::finish(conn, import.id, work.lease, state, &outcome(&found), now).map_err(DbError::from)?)
            })
        }
        ImportState::Applying if interrupted => back_to_ready(work, INTERRUPTED),
        ImportState::Applying => match apply::run(work, watch)? {
            Applied::Done => Ok(()),
            Applied::Overtaken => end(work, ImportState::Reading, OVERTAKEN),
        },
        ImportState::Settling => {
            let found = recheck::run(db, now)?;
            if import.counts.added + import.counts.changed > ANALYZE_FROM {
                db.analyze()?;
            }
            let outcome = Outcome { rechecked: Some(read::count(found)), ..Outcome::default() };
            db.write(|conn| Ok(imports::finish(conn, import.id, work.lease, ImportState::Applied, &outcome, now)?))
                .map_err(ImportError::Db)
        }
        ImportState::RollingBack => apply::roll_back(work).map(drop),
        ImportState::Ready
        | ImportState::Refused
        | ImportState::Applied
        | ImportState::RolledBack
        | ImportState::Cancelled
        | ImportState::Failed => Ok(()),
    }
}

/// From so many new rows on the planner's statistics are made anew.
const ANALYZE_FROM: i64 = 10_000;

const INTERRUPTED: &str = "Lần ghi trước bị ngắt giữa chừng. Dữ liệu vẫn như trước khi nhập; bấm Nhập để làm lại.";
const UNREAD: &str = "Lần đọc trước bị ngắt giữa chừng và chưa ghi gì. Hãy đọc lại.";
const STOPPED: &str = "Đã dừng theo yêu cầu. Dữ liệu vẫn như trước khi nhập; bấm Nhập để làm lại.";
const OVERTAKEN: &str =
    "Dữ liệu đã thay đổi từ lúc đọc tệp, nên chưa ghi gì. Tệp được đọc lại; hãy xem lại rồi bấm Nhập.";
const BROKEN: &str =
    "Hệ thống gặp lỗi khi làm việc này và chưa ghi gì. Hãy thử lại; nếu vẫn lỗi, báo quản trị hệ thống.";

/// What a dry run leaves in the database.
fn outcome(found: &read::Found) -> Outcome {
    Outcome {
        layouts_remembered: Some(found.remembered),
        encoding: Some(found.encoding),
        needs_confirmation: Some(found.needs_confirmation),
        fault: Some(found.fault),
        base: Some(found.base),
        rows_total: Some(found.rows_read),
        rows_read: Some(found.rows_read),
        counts: Some(found.counts),
        ..Outcome::default()
    }
}

fn end(work: &Work<'_>, state: ImportState, note: &str) -> Result<(), ImportError> {
    let outcome = Outcome { note: Some(Some(note.to_owned())), ..Outcome::default() };
    work.db
        .write(|conn| Ok(imports::finish(conn, work.import.id, work.lease, state, &outcome, work.now)?))
        .map_err(ImportError::Db)
}

fn back_to_ready(work: &Work<'_>, note: &str) -> Result<(), ImportError> {
    end(work, ImportState::Ready, note)
}

/// What becomes of an import whose step failed or was stopped.
fn leave(work: &Work<'_>, error: &ImportError) -> Result<(), ImportError> {
    let stopped = matches!(error, ImportError::Stopped);
    if !stopped {
        tracing::error!(import = %work.import.id, "import: {error}");
    }
    let ended = match work.import.state {
        ImportState::Reading if stopped => end(work, ImportState::Cancelled, STOPPED),
        ImportState::Reading => end(work, ImportState::Failed, BROKEN),
        ImportState::Applying => back_to_ready(work, if stopped { STOPPED } else { BROKEN }),
        // It is taken up again when the lease has run out.
        _ => Ok(()),
    };
    match ended {
        // Somebody else holds the lease and goes on.
        Err(ImportError::Db(error)) if error.is_not_found() => Ok(()),
        other => other,
    }
}

/// Removes what nobody needs: rows of changesets that do not count, and files of imports that came to an end long ago.
pub fn sweep(parts: &Parts, now: NaiveDateTime) -> Result<(), ImportError> {
    let db = &parts.db;
    loop {
        let abandoned = db.read(|conn| Ok::<_, DbError>(registry::abandoned(conn)?))?;
        let Some(changeset) = abandoned else { break };
        while db.note(|conn| Ok::<_, DbError>(registry::clear(conn, changeset)?))? {}
    }
    folder::sweep_uploads(&parts.config.data_dir, now - TimeDelta::days(1))?;
    let before = now - parts.config.import_keep;
    for id in db.read(|conn| Ok::<_, DbError>(imports::settled_before(conn, before)?))? {
        Folder::of(&parts.config.data_dir, id).remove()?;
        db.note(|conn| Ok::<_, DbError>(imports::files_removed(conn, id)?))?;
    }
    Ok(())
}

/// Does what imports wait for until `stop` turns true. Blocks.
pub fn run(parts: &Arc<Parts>, stop: &AtomicBool) {
    const REST: Duration = Duration::from_millis(200);
    const SWEEP: Duration = Duration::from_secs(60);
    let mut swept: Option<Instant> = None;
    while !stop.load(Ordering::Relaxed) {
        if swept.is_none_or(|at| at.elapsed() > SWEEP) {
            if let Err(error) = sweep(parts, clock::now()) {
                tracing::error!("imports: {error}");
            }
            swept = Some(Instant::now());
        }
        match step(parts, clock::now(), stop) {
            Ok(true) => {}
            Ok(false) => std::thread::sleep(REST),
            Err(error) => {
                tracing::error!("imports: {error}");
                std::thread::sleep(10 * REST);
            }
        }
    }
}
