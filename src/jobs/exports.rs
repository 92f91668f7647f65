//! Writes the lists that were asked for, one at a time in each process, and removes them when their time is over.
//!
//! A file is named after the export and the lease under which it is written, and is offered only once the database says that
//! this lease came to its end. A process that dies leaves a part that nobody is shown; when its lease has run out another one
//! begins anew and clears it away.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::NaiveDateTime;

use crate::adapters::report_file::{FileError, List};
use crate::clock;
use crate::config::private_folder;
use crate::db::exports::{self, Export};
use crate::db::stay_list::{self, From};
use crate::db::{Conn, Db, DbError, reports, staff};
use crate::domain::export::{LIST_BESIDE, Subject, list_columns};
use crate::domain::ids::ExportId;
use crate::domain::permission::{Action, Actor};
use crate::domain::report::{Figure, Letterhead, Table};
use crate::startup::Parts;

mod rows;

/// How many applications are read at once.
const BATCH: i64 = 2_000;

/// Why a list was not written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It was cancelled, or another worker has it by now.
    #[error("it is no longer ours")]
    Overtaken,
    /// This process is to end: another one begins anew.
    #[error("the program is stopping")]
    Leaving,
    /// Whoever asked for it may not have it any more.
    #[error("its maker may no longer have it")]
    NotAllowed,
    #[error("{0}")]
    File(#[from] FileError),
    #[error("disk: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Db(#[from] DbError),
}

fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("exports")
}

/// The file of an export under a lease.
pub fn path(data_dir: &Path, id: ExportId, lease: &str) -> PathBuf {
    folder(data_dir).join(format!("{id}-{lease}"))
}

/// Writes the next list that waits; false when none does. Blocks.
///
/// # Errors
/// The database failed. What goes wrong with a list is written to its export.
pub fn step(parts: &Parts, now: NaiveDateTime, leaving: &AtomicBool) -> Result<bool, DbError> {
    let db = &parts.db;
    if !db.read(|conn| Ok::<_, DbError>(exports::is_some_due(conn, now)?))? {
        return Ok(false);
    }
    let lease = format!("{:032x}", rand::random::<u128>());
    let Some(export) = db.write(|conn| Ok::<_, DbError>(exports::claim(conn, &lease, now)?))? else { return Ok(false) };
    let id = export.id;
    let beat = Beat::default();
    let done = AtomicBool::new(false);
    let outcome = std::thread::scope(|threads| {
        threads.spawn(|| beat.keep(db, id, &lease, &done, leaving));
        // Also when it panics: a lease must not be kept for nobody.
        let _over = Over(&done);
        write(parts, &export, &lease, now, &beat)
    });
    let Err(error) = outcome else { return Ok(true) };
    if let Err(error) = fs::remove_file(path(&parts.config.data_dir, id, &lease))
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::error!(export = %id, "its part could not be removed: {error}");
    }
    match error {
        ExportError::Overtaken => {}
        ExportError::Leaving => db.write(|conn| Ok::<_, DbError>(exports::let_go(conn, id, &lease)?))?,
        error => {
            tracing::error!(export = %id, "export: {error}");
            db.write(|conn| Ok::<_, DbError>(exports::fail(conn, id, &lease, now)?))?;
        }
    }
    Ok(true)
}

/// Says that the writing is over, however it ended.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// How far a list is, between the thread that writes it and the one that says so.
#[derive(Default)]
struct Beat {
    rows: AtomicI64,
    total: AtomicI64,
    overtaken: AtomicBool,
    leaving: AtomicBool,
}

impl Beat {
    /// Keeps the lease and the progress that the page shows, until `done`.
    fn keep(&self, db: &Db, id: ExportId, lease: &str, done: &AtomicBool, leaving: &AtomicBool) {
        const EVERY: Duration = Duration::from_millis(700);
        let mut last = Instant::now();
        while !done.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(10));
            self.leaving.store(leaving.load(Ordering::Relaxed), Ordering::Relaxed);
            if last.elapsed() < EVERY {
                continue;
            }
            last = Instant::now();
            let progress = (self.rows.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed));
            match db.note(|conn| Ok::<_, DbError>(exports::go_on(conn, id, lease, progress, clock::now())?)) {
                Ok(true) => {}
                Ok(false) => self.overtaken.store(true, Ordering::Relaxed),
                Err(error) => tracing::warn!(export = %id, "its lease could not be renewed: {error}"),
            }
        }
    }

    fn at(&self, rows: i64) -> Result<(), ExportError> {
        self.rows.store(rows, Ordering::Relaxed);
        if self.overtaken.load(Ordering::Relaxed) {
            return Err(ExportError::Overtaken);
        }
        if self.leaving.load(Ordering::Relaxed) { Err(ExportError::Leaving) } else { Ok(()) }
    }
}

/// Whether somebody may have a file now: they may take lists out, and see what they saw when they asked for it.
pub fn may_have(actor: &Actor, export: &Export) -> bool {
    actor.may(Action::Export) && actor.scope() == export.scope()
}

fn write(parts: &Parts, export: &Export, lease: &str, now: NaiveDateTime, beat: &Beat) -> Result<(), ExportError> {
    let (db, data_dir) = (&parts.db, &parts.config.data_dir);
    private_folder(&folder(data_dir))?;
    clear(data_dir, |id, of| id == export.id && of != lease)?;
    let actor = db.read(|conn| Ok::<_, DbError>(staff::actor(conn, export.staff_id)?))?.map(|(actor, _)| actor);
    let actor = actor.filter(|actor| may_have(actor, export)).ok_or(ExportError::NotAllowed)?;
    let Some(Subject::List(figure)) = export.subject() else { return Err(ExportError::NotAllowed) };
    let head = Letterhead {
        office: db.read(|conn| Ok::<_, DbError>(reports::reporting_office(conn, &actor)?))?,
        made_by: actor.name.clone(),
        made_at: now,
        number: Some(export.id.0),
    };
    let to = path(data_dir, export.id, lease);
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(to)?;
    let rows = db.snapshot(|conn| fill(conn, (export, &figure), &head, &mut file, &folder(data_dir), beat))?;
    let bytes = i64::try_from(file.metadata()?.len()).unwrap_or(i64::MAX);
    beat.at(rows)?;
    db.write(|conn| Ok(exports::finish(conn, export, lease, rows, bytes, clock::now())?))
        .map_err(|error: DbError| if error.is_not_found() { ExportError::Overtaken } else { error.into() })
}

fn fill(
    conn: &mut Conn,
    (export, figure): (&Export, &Figure),
    head: &Letterhead,
    file: &mut File,
    folder: &Path,
    beat: &Beat,
) -> Result<i64, ExportError> {
    let (scope, now) = (export.scope(), head.made_at);
    let total = stay_list::count(conn, scope, figure, now).map_err(DbError::from)?;
    beat.total.store(total, Ordering::Relaxed);
    let table = table(export, figure);
    let mut list = List::begin(&table, head, export.format, file, folder)?;
    let (mut from, mut rows) = (None, 0);
    loop {
        let batch = stay_list::page(conn, scope, figure, now, From::After(from), BATCH).map_err(DbError::from)?;
        let Some(last) = batch.last() else { break };
        from = Some(last.place(figure.measure));
        for row in &batch {
            rows += 1;
            list.add(&rows::cells(rows, row, export.in_full))?;
        }
        beat.at(rows)?;
    }
    list.finish(file)?;
    Ok(rows)
}

/// What stands over the list and below it.
fn table(export: &Export, figure: &Figure) -> Table {
    let mut subtitles = vec![figure.period.title()];
    subtitles.extend(figure.channel.map(|channel| format!("Kênh khai: {}", channel.label())));
    subtitles.extend(figure.reason.as_ref().map(|reason| format!("Lý do từ chối: {reason}")));
    let notes = match &export.reason {
        Some(reason) => format!("Mã số BHXH, số giấy tờ và điện thoại ghi đầy đủ. Lý do: {reason}"),
        None => "Mã số BHXH, số giấy tờ và điện thoại chỉ ghi bốn số cuối.".to_owned(),
    };
    Table {
        title: Subject::List(figure.clone()).title().to_uppercase(),
        subtitles,
        columns: list_columns(),
        notes: vec![notes],
        beside: Some(LIST_BESIDE),
        ..Table::default()
    }
}

/// Removes the files of which this is true.
fn clear(data_dir: &Path, is_over: impl Fn(ExportId, &str) -> bool) -> io::Result<()> {
    let entries = match fs::read_dir(folder(data_dir)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let named = name.to_str().and_then(|name| name.split_once('-'));
        if let Some((id, lease)) = named
            && let Ok(id) = id.parse()
            && is_over(ExportId(id), lease)
        {
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Removes the files whose time is over, and parts that nobody writes any more.
pub fn sweep(parts: &Parts, now: NaiveDateTime) -> Result<(), ExportError> {
    let (db, data_dir) = (&parts.db, &parts.config.data_dir);
    for id in db.read(|conn| Ok::<_, DbError>(exports::outlived(conn, now)?))? {
        clear(data_dir, |of, _| of == id)?;
        db.write(|conn| Ok::<_, DbError>(exports::removed(conn, id, now)?))?;
    }
    let kept = |id, lease: &str| db.read(|conn| Ok::<_, DbError>(exports::is_kept(conn, id, lease)?));
    // When the database does not answer the file stays for the next time.
    Ok(clear(data_dir, |id, lease| matches!(kept(id, lease), Ok(false)))?)
}

/// Does what exports wait for until `leaving` turns true. Blocks.
pub fn run(parts: &Arc<Parts>, leaving: &AtomicBool) {
    const REST: Duration = Duration::from_millis(300);
    const SWEEP: Duration = Duration::from_secs(60);
    let mut swept: Option<Instant> = None;
    while !leaving.load(Ordering::Relaxed) {
        if swept.is_none_or(|at| at.elapsed() > SWEEP) {
            if let Err(error) = sweep(parts, clock::now()) {
                tracing::error!("exports: {error}");
            }
            swept = Some(Instant::now());
        }
        match step(parts, clock::now(), leaving) {
            Ok(true) => {}
            Ok(false) => std::thread::sleep(REST),
            Err(error) => {
                tracing::error!("exports: {error}");
                std::thread::sleep(10 * REST);
            }
        }
    }
}
