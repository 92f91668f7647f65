//! Writing what a dry run found. The registry takes a changeset: written unseen in small transactions, then shown in one.
//! Agencies, staff and applications are written in one transaction. Either way a process that dies leaves all as it was.

use std::collections::HashSet;

use chrono::NaiveDateTime;

use super::compare::{Background, Change, Importer, key};
use super::folder::Spool;
use super::read::Accepted;
use super::{ImportError, Watch};
use crate::db::events::NewEvent;
use crate::db::imports::{self, Import, Outcome, Progress, Written};
use crate::db::listed::{self, By, Standing};
use crate::db::{Conn, Db, DbError, events, meta, registry};
use crate::domain::event::EventKind;
use crate::domain::ids::ImportId;
use crate::domain::import::ImportState;
use crate::domain::permission::Scope;
use crate::domain::registry::Member;
use crate::domain::to_json;
use crate::domain::workbook::{Field, Kind, Record};

use super::Work;

/// What an import came to.
pub(super) enum Applied {
    /// Everything counts now.
    Done,
    /// Somebody else changed what it was compared with: nothing was written.
    Overtaken,
}

/// How many rows of the registry one transaction writes: enough that a page of an index is written once for many of them,
/// few enough that an officer's own transaction does not wait long.
const ROWS: usize = 10_000;
/// How many rows are compared at once.
const BATCH: usize = 1_000;

/// What the history says of an import: no names, no codes.
#[derive(serde::Serialize)]
pub(super) struct About<'a> {
    pub import: ImportId,
    pub list: Kind,
    pub sha256: &'a str,
    pub added: i64,
    pub changed: i64,
    pub unchanged: i64,
    pub refused: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<i64>,
}

pub(super) fn record(
    conn: &mut Conn,
    import: &Import,
    kind: EventKind,
    kept: Option<i64>,
    at: NaiveDateTime,
) -> Result<(), DbError> {
    let counts = import.counts;
    let about = About {
        import: import.id,
        list: import.kind,
        sha256: &import.sha256,
        added: counts.added,
        changed: counts.changed,
        unchanged: counts.unchanged,
        refused: counts.refused,
        kept,
    };
    let event = NewEvent {
        application: None,
        account: None,
        staff: import.acted_by,
        kind,
        at,
        address: None,
        before: None,
        after: Some(to_json(&about)),
    };
    Ok(events::add(conn, &event)?)
}

pub(super) fn run(work: &Work<'_>, watch: &mut dyn Watch) -> Result<Applied, ImportError> {
    let import = &work.import;
    if work.scope == Scope::Nothing {
        return Err(ImportError::Broken("whoever brought the list may no longer do so".into()));
    }
    match import.kind {
        Kind::Registry => changeset(work, watch),
        Kind::Agencies | Kind::Staff | Kind::Applications => at_once(work, watch),
    }
}

/// Ends the import within the transaction that lets it count.
fn finish(work: &Work<'_>, conn: &mut Conn, written: i64) -> Result<(), ImportError> {
    let import = &work.import;
    let outcome = Outcome { rows_written: Some(written), ..Outcome::default() };
    imports::finish(conn, import.id, work.lease, ImportState::Settling, &outcome, work.now).map_err(DbError::from)?;
    Ok(record(conn, import, EventKind::ImportApplied, None, work.now)?)
}

fn changeset(work: &Work<'_>, watch: &mut dyn Watch) -> Result<Applied, ImportError> {
    let (db, import) = (work.db, &work.import);
    let total = import.counts.added + import.counts.changed;
    if total == 0 {
        let base = |conn: &mut Conn| Ok::<_, DbError>(meta::registry_revision(conn)?);
        return db
            .write(|conn| if base(conn)? == import.base { finish(work, conn, 0) } else { Err(ImportError::Overtaken) })
            .map(|()| Applied::Done)
            .or_else(overtaken);
    }
    let mut progress = Progress { rows_total: total, rows_read: import.rows_read, rows_written: 0 };
    let changeset =
        db.write(|conn| Ok::<_, DbError>(registry::begin(conn, Some(import.id), import.of_agency_id, work.now)?))?;
    let mut members = Vec::with_capacity(ROWS);
    let mut accepted = Spool::<Accepted>::open(&work.folder.accepted())?;
    db.load(|load| -> Result<(), ImportError> {
        loop {
            let next = accepted.next().transpose()?;
            let ended = next.is_none();
            let values = next.and_then(|Accepted { record, change, .. }| match change {
                Change::Added => Some(record.values),
                Change::Changed(after) => Some(after),
                Change::Unchanged => None,
            });
            members.extend(values.as_ref().and_then(Member::from_values));
            if members.len() == ROWS || (ended && !members.is_empty()) {
                load.write(|conn| Ok::<_, DbError>(registry::write(conn, changeset, &members)?))?;
                progress.rows_written += super::read::count(members.len());
                members.clear();
                watch.at(progress)?;
            }
            if ended {
                return Ok(());
            }
        }
    })?;
    if progress.rows_written != total {
        return Err(ImportError::Broken(format!("{} of {total} rows are kept", progress.rows_written)));
    }
    db.write(|conn| {
        if !registry::publish(conn, changeset, Some(import.base)).map_err(DbError::from)? {
            return Err(ImportError::Overtaken);
        }
        finish(work, conn, progress.rows_written)
    })
    .map(|()| Applied::Done)
    .or_else(overtaken)
}

fn overtaken(error: ImportError) -> Result<Applied, ImportError> {
    match error {
        ImportError::Overtaken => Ok(Applied::Overtaken),
        error => Err(error),
    }
}

fn at_once(work: &Work<'_>, watch: &mut dyn Watch) -> Result<Applied, ImportError> {
    let import = &work.import;
    let offices = work.offices()?;
    let importer = work.importer(&offices);
    let by = By { import: import.id, staff: import.staff_id, at: work.now };
    watch.at(Progress {
        rows_total: import.counts.added + import.counts.changed,
        rows_read: import.rows_read,
        rows_written: 0,
    })?;
    work.db
        .write(|conn| {
            meta::lock_lists(conn).map_err(DbError::from)?;
            let mut written = Vec::new();
            let mut added = HashSet::new();
            let mut waiting: Vec<Accepted> = Vec::new();
            for accepted in Spool::<Accepted>::open(&work.folder.accepted())? {
                waiting.push(accepted?);
                if waiting.len() == BATCH {
                    waiting = write_batch(conn, &importer, waiting, &mut added, by, &mut written)?;
                }
            }
            // An agency may stand before the one above it.
            while !waiting.is_empty() {
                let before = waiting.len();
                waiting = write_batch(conn, &importer, waiting, &mut added, by, &mut written)?;
                if waiting.len() == before {
                    return Err(ImportError::Overtaken);
                }
            }
            imports::add_written(conn, &written).map_err(DbError::from)?;
            finish(work, conn, super::read::count(written.len()))
        })
        .map(|()| Applied::Done)
        .or_else(overtaken)
}

/// Writes what can be written; returns what waits for the agency above it.
fn write_batch(
    conn: &mut Conn,
    importer: &Importer<'_>,
    batch: Vec<Accepted>,
    added: &mut HashSet<String>,
    by: By,
    written: &mut Vec<Written>,
) -> Result<Vec<Accepted>, ImportError> {
    let kind = importer.kind;
    let background = Background::of(conn, importer, batch.iter().map(|accepted| &accepted.record))?;
    let mut waiting = Vec::new();
    for accepted in batch {
        let record = &accepted.record;
        if kind == Kind::Agencies && !parent_is_there(conn, record)? {
            waiting.push(accepted);
            continue;
        }
        let change = background.change(importer, record, added).map_err(|_| ImportError::Overtaken)?;
        if !change.is_same_as(&accepted.change) {
            return Err(ImportError::Overtaken);
        }
        let after = match &change {
            Change::Unchanged => continue,
            Change::Added => &record.values,
            Change::Changed(after) => after,
        };
        let known = background.known(kind, record);
        let row_id = listed::write(conn, kind, known, after, by).map_err(DbError::from)?;
        let key = key(kind, after).to_owned();
        written.push(Written {
            import_id: by.import,
            key: key.clone(),
            row_id,
            before: known.map(|known| to_json(&known.values)),
            after: to_json(after),
        });
        added.insert(key);
    }
    Ok(waiting)
}

fn parent_is_there(conn: &mut Conn, record: &Record) -> Result<bool, ImportError> {
    match record.values.get(Field::ParentCode) {
        None => Ok(true),
        Some(code) => Ok(crate::db::agencies::find_by_code(conn, code).map_err(DbError::from)?.is_some()),
    }
}

/// Takes an import back: what it touched is as before, but for what something later touched. Returns how many rows stay.
pub(super) fn roll_back(work: &Work<'_>) -> Result<i64, ImportError> {
    let import = &work.import;
    if work.scope == Scope::Nothing {
        return Err(ImportError::Broken("whoever brought the list may no longer do so".into()));
    }
    work.db.write(|conn| {
        meta::lock_lists(conn).map_err(DbError::from)?;
        let kept = undo(conn, import, work.now)?;
        let outcome = Outcome { kept: Some(kept), ..Outcome::default() };
        imports::finish(conn, import.id, work.lease, ImportState::RolledBack, &outcome, work.now)
            .map_err(DbError::from)?;
        record(conn, import, EventKind::ImportRolledBack, Some(kept), work.now)?;
        Ok(kept)
    })
}

fn undo(conn: &mut Conn, import: &Import, now: NaiveDateTime) -> Result<i64, DbError> {
    if import.kind == Kind::Registry {
        let Some(changeset) = registry::changeset_of(conn, import.id)? else { return Ok(0) };
        let (kept, _) = registry::touched_later(conn, changeset, 0)?;
        registry::withdraw(conn, changeset)?;
        return Ok(kept);
    }
    let by = By { import: import.id, staff: import.staff_id, at: now };
    let mut kept = 0;
    for written in imports::written(conn, import.id)? {
        kept += i64::from(!listed::put_back(conn, import.kind, &written, by)?);
    }
    Ok(kept)
}

/// Which rows a rollback would leave as they are, because something later touched them: how many, and the first of them
/// by their keys. Nothing is changed.
pub fn would_keep(db: &Db, import: &Import, limit: usize) -> Result<(i64, Vec<String>), DbError> {
    if import.kind == Kind::Registry {
        return db.read(|conn| {
            let Some(changeset) = registry::changeset_of(conn, import.id)? else { return Ok((0, Vec::new())) };
            let (kept, codes) = registry::touched_later(conn, changeset, i64::try_from(limit).unwrap_or(0))?;
            Ok((kept, codes.iter().map(ToString::to_string).collect()))
        });
    }
    db.read(|conn| {
        let (mut gone, mut kept) = (HashSet::new(), Vec::new());
        for written in imports::written(conn, import.id)? {
            match listed::standing(conn, import.kind, &written, &gone)? {
                Standing::Untouched(..) => drop(gone.insert(written.row_id)),
                Standing::TouchedLater => kept.push(written.key),
            }
        }
        let count = super::read::count(kept.len());
        kept.truncate(limit);
        Ok((count, kept))
    })
}
