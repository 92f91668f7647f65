//! The dry run: reads a file, compares each row with what the database knows, and writes down what would happen. Nothing
//! in the database changes.

use std::collections::HashSet;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::mpsc;

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::compare::{Background, Change, Importer, key};
use super::folder::{Folder, List, ListWriter, Spool, SpoolWriter};
use super::{ImportError, Watch, remembered};
use crate::adapters::spreadsheet::{self, Event, SpreadsheetError};
use crate::db::imports::{Counts, Progress};
use crate::db::{Db, DbError, agencies, meta};
use crate::domain::dates::to_hanoi;
use crate::domain::permission::Scope;
use crate::domain::registry::Verdict;
use crate::domain::workbook::merge::changes;
use crate::domain::workbook::{
    Bytes, Encoding, Field, FileFault, Judge, Kind, Layout, Line, Offices, Place, Reader, Reading, Record, Refused,
    Request, SheetRead, Values, Warning,
};

/// What is to be read, and for whom.
pub struct Task<'a> {
    pub db: &'a Db,
    /// The program that reads files in a process of its own: this one.
    pub program: &'a Path,
    pub limits: spreadsheet::Limits,
    pub folder: &'a Folder,
    pub kind: Kind,
    pub file_name: &'a str,
    pub sha256: &'a str,
    pub sheet: Option<String>,
    /// What a person says of the columns.
    pub layouts: Vec<Layout>,
    /// Whether what somebody of the same reach said of the same headings before counts; a person will look at it.
    pub recalls: bool,
    /// What the person reaches.
    pub scope: Scope,
    /// Their own sign-in name.
    pub login: Option<String>,
    pub now: NaiveDateTime,
}

impl<'a> Task<'a> {
    fn importer(&'a self, offices: &'a HashSet<String>) -> Importer<'a> {
        Importer { kind: self.kind, sha256: self.sha256, scope: self.scope, login: self.login.as_deref(), offices }
    }
}

/// A row that is taken, and what it changes.
#[derive(Serialize, Deserialize)]
pub struct Accepted {
    pub record: Record,
    pub change: Change,
    /// Of an application: what the registry says.
    pub verdict: Option<Verdict>,
}

/// What a list says of somebody who is known: the fields that change, before and after.
#[derive(Serialize, Deserialize)]
pub struct Changed {
    pub place: Place,
    pub name: String,
    pub fields: Vec<(Field, Option<String>, Option<String>)>,
}

impl Changed {
    fn of(record: &Record, before: &Values, after: &Values) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let fields = changes(before, after)
            .into_iter()
            .map(|(field, before, after)| (field, owned(before), owned(after)))
            .collect();
        Self { place: record.place, name: after.get(Field::Name).unwrap_or_default().to_owned(), fields }
    }
}

/// What was found in a file, for pages and reports.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Found {
    pub fault: Option<FileFault>,
    pub sheets: Vec<SheetRead>,
    pub encoding: Option<Encoding>,
    pub needs_confirmation: bool,
    /// Some texts of a legacy encoding, as they are and converted.
    pub conversions: Vec<(String, String)>,
    pub counts: Counts,
    /// Whether columns were taken as somebody said they are for an earlier list.
    pub remembered: bool,
    /// The registry's revision that it was compared with.
    pub base: i64,
    pub rows_read: i64,
}

impl Found {
    /// The name under which it is kept in the folder.
    pub const NAME: &'static str = "found.json";
}

/// How many rows are compared at once.
const BATCH: usize = 2_000;
/// How many are shown of those where a sample is enough.
const SAMPLE: usize = 200;

/// Reads and compares. Blocks.
///
/// # Errors
/// Somebody asked to stop; the disk or the database failed. That a file cannot be taken is no error but a
/// [`Found::fault`].
pub fn run(task: &Task<'_>, watch: &mut dyn Watch) -> Result<Found, ImportError> {
    let (mut reading, mut rows_read) = first_pass(task, &task.layouts, watch)?;
    let mut remembered = false;
    if task.layouts.is_empty()
        && task.recalls
        && let Some(layouts) = remembered::recall(task.db, task.kind, task.scope, &reading.sheets)?
    {
        (reading, rows_read) = first_pass(task, &layouts, watch)?;
        remembered = true;
    }
    let Reading { fault, sheets, encoding, needs_confirmation, conversions, repaired, judge } = reading;
    let mut found = Found {
        fault,
        sheets,
        encoding,
        needs_confirmation,
        conversions,
        counts: Counts { repaired: count(repaired), ..Counts::default() },
        remembered,
        base: 0,
        rows_read: i64::from(rows_read),
    };
    if fault.is_none() {
        second_pass(task, &judge, &mut found, watch)?;
    }
    task.folder.keep(Found::NAME, &found)?;
    Ok(found)
}

pub(super) fn count<T: TryInto<i64>>(number: T) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// Turns rows into lines, which go to disk.
fn first_pass(task: &Task<'_>, layouts: &[Layout], watch: &mut dyn Watch) -> Result<(Reading, u32), ImportError> {
    let today = to_hanoi(task.now).date();
    let offices = task.db.read(|conn| Ok::<_, DbError>(agencies::all(conn, task.scope)?))?;
    let mut request = Some(Request {
        kind: task.kind,
        today,
        bytes: Bytes::Workbook,
        corrections: layouts.to_vec(),
        sheet: task.sheet.clone(),
        offices: Offices::new(offices.iter().map(|office| (office.code.as_str(), office.name.as_str()))),
    });
    let mut reader: Option<Reader> = None;
    let mut spool = SpoolWriter::create(&task.folder.lines())?;
    let mut failed: Option<ImportError> = None;
    let mut progress = Progress::default();
    let mut rows: u32 = 0;
    let mut take = |event: Event<'_>| -> Result<(), ImportError> {
        let mut out = Ok(());
        let mut push = |line: Line| {
            if out.is_ok() {
                out = spool.push(&line);
            }
        };
        match (event, &mut reader) {
            (Event::File { bytes }, reader) => {
                *reader = request.take().map(|request| Reader::new(Request { bytes, ..request }));
            }
            (Event::Sheet { name, spans, rows }, Some(reader)) => {
                progress.rows_total += i64::from(rows.unwrap_or(0));
                reader.sheet(name, spans, &mut push);
            }
            (Event::Row { number, cells }, Some(reader)) => {
                rows += 1;
                progress.rows_read = i64::from(rows);
                reader.row(number, cells, &mut push);
            }
            // The file comes first.
            (_, None) => {}
        }
        out?;
        if rows.is_multiple_of(1_000) { watch.at(progress) } else { Ok(()) }
    };
    let outcome =
        spreadsheet::read_apart(task.program, &task.folder.source(), task.file_name, &task.limits, &mut |event| {
            match take(event) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        });
    if let Some(error) = failed {
        return Err(error);
    }
    let reader = match reader {
        Some(reader) => reader,
        None => Reader::new(request.take().ok_or_else(|| ImportError::Broken("nothing was read".into()))?),
    };
    let mut out = Ok(());
    let mut reading = reader.finish(&mut |line| {
        if out.is_ok() {
            out = spool.push(&line);
        }
    });
    out?;
    spool.finish()?;
    match outcome {
        Ok(()) => {}
        Err(SpreadsheetError::Refused(fault)) => reading.fault = Some(fault),
        Err(error) => return Err(error.into()),
    }
    Ok((reading, rows))
}

/// The lists that a dry run leaves.
struct Lists {
    accepted: SpoolWriter,
    refused: ListWriter,
    warnings: ListWriter,
    changed: ListWriter,
    added: ListWriter,
    unchanged: ListWriter,
    /// Codes of the agencies that the list adds.
    new_keys: HashSet<String>,
}

impl Lists {
    /// A list of which a sample is enough.
    fn sample(&mut self, list: List, record: &Record) -> io::Result<()> {
        let list = if list == List::Added { &mut self.added } else { &mut self.unchanged };
        if list.count() < SAMPLE { list.push(record) } else { Ok(()) }
    }
}

/// Settles line after line, and compares those that are taken with what is known.
fn second_pass(task: &Task<'_>, judge: &Judge, found: &mut Found, watch: &mut dyn Watch) -> Result<(), ImportError> {
    found.base = task.db.read(|conn| Ok::<_, DbError>(meta::registry_revision(conn)?))?;
    let mut lists = Lists {
        accepted: SpoolWriter::create(&task.folder.accepted())?,
        refused: task.folder.list_writer(List::Refused)?,
        warnings: task.folder.list_writer(List::Warnings)?,
        changed: task.folder.list_writer(List::Changed)?,
        added: task.folder.list_writer(List::Added)?,
        unchanged: task.folder.list_writer(List::Unchanged)?,
        new_keys: HashSet::new(),
    };
    let offices = task.db.read(|conn| Ok::<_, DbError>(agencies::all(conn, task.scope)?))?;
    let offices = offices.into_iter().map(|office| office.code).collect();
    let importer = task.importer(&offices);
    std::thread::scope(|threads| -> Result<(), ImportError> {
        // One batch is settled while the one before is compared.
        let (batches, settled) = mpsc::sync_channel(2);
        threads.spawn(move || settle(&task.folder.lines(), judge, &batches));
        for batch in settled {
            compare(task, &importer, batch?, &mut lists, &mut found.counts)?;
            watch.at(Progress { rows_total: found.rows_read, rows_read: found.rows_read, rows_written: 0 })?;
        }
        Ok(())
    })?;
    let Lists { accepted, refused, warnings, changed, added, unchanged, new_keys: _ } = lists;
    accepted.finish()?;
    for list in [refused, warnings, changed, added, unchanged] {
        list.finish()?;
    }
    std::fs::remove_file(task.folder.lines())?;
    Ok(())
}

type Settled = Result<(Record, Vec<Warning>), Refused>;

/// Settles line after line, and hands them over in batches until nobody wants more.
fn settle(lines: &Path, judge: &Judge, batches: &mpsc::SyncSender<Result<Vec<Settled>, ImportError>>) {
    let read = || -> Result<(), ImportError> {
        let mut batch = Vec::with_capacity(BATCH);
        for line in Spool::<Line>::open(lines)? {
            batch.push(match line? {
                Line::Refused(refused) => Err(refused),
                Line::Entry(entry) => judge.settle(entry),
            });
            if batch.len() == BATCH
                && batches.send(Ok(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)))).is_err()
            {
                return Ok(());
            }
        }
        // Whoever is gone has ended the reading.
        let _ = batches.send(Ok(batch));
        Ok(())
    };
    if let Err(error) = read() {
        let _ = batches.send(Err(error));
    }
}

/// Compares a batch with what is known, and writes down what it would change.
fn compare(
    task: &Task<'_>,
    importer: &Importer<'_>,
    batch: Vec<Settled>,
    lists: &mut Lists,
    counts: &mut Counts,
) -> Result<(), ImportError> {
    let taken = batch.iter().filter_map(|settled| settled.as_ref().ok()).map(|(record, _)| record);
    let background = task.db.read(|conn| Background::of(conn, importer, taken))?;
    for settled in batch {
        let taken = settled.and_then(|(record, warnings)| {
            let change = background.change(importer, &record, &lists.new_keys)?;
            Ok((record, warnings, change))
        });
        let (record, warnings, change) = match taken {
            Ok(taken) => taken,
            Err(refused) => {
                counts.refused += 1;
                lists.refused.push(&refused)?;
                continue;
            }
        };
        for warning in warnings {
            counts.warned += 1;
            lists.warnings.push(&warning)?;
        }
        match &change {
            Change::Added => {
                counts.added += 1;
                lists.sample(List::Added, &record)?;
                if task.kind == Kind::Agencies {
                    lists.new_keys.insert(key(task.kind, &record.values).to_owned());
                }
            }
            Change::Unchanged => {
                counts.unchanged += 1;
                lists.sample(List::Unchanged, &record)?;
            }
            Change::Changed(after) => {
                counts.changed += 1;
                if let Some(known) = background.known(task.kind, &record) {
                    lists.changed.push(&Changed::of(&record, &known.values, after))?;
                }
            }
        }
        let verdict = background.verdict(importer, &record);
        lists.accepted.push(&Accepted { record, change, verdict })?;
    }
    Ok(())
}
