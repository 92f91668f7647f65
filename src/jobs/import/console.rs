//! An import from the command line: read, shown, and applied at once unless it is only a dry run.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::folder::{Folder, List, sha256_of};
use super::read::{self, Found, Task};
use super::{ImportError, Watch, json, step, workbooks};
use crate::clock;
use crate::db::imports::{self, Import, NewImport, Progress};
use crate::db::{DbError, agencies};
use crate::domain::ids::{AgencyId, ImportId};
use crate::domain::import::ImportState;
use crate::domain::permission::Scope;
use crate::domain::workbook::{Kind, Layout, Refused, Warning};
use crate::startup::Parts;

/// What was asked for.
pub struct Options {
    pub kind: Kind,
    pub file: PathBuf,
    /// The code of the agency whose people a list of the registry has.
    pub agency: Option<String>,
    pub dry_run: bool,
    /// What the columns are: the JSON of `sheets`, as `--json` prints it.
    pub mapping: Option<PathBuf>,
    pub sheet: Option<String>,
    /// Where the rows that are not taken go, as a workbook.
    pub refused: Option<PathBuf>,
    pub json: bool,
    pub records: bool,
    pub confirm_encoding: bool,
}

/// Runs it; returns whether it went through. Blocks.
///
/// # Errors
/// A file that cannot be opened, a mapping that is none, a database that fails. That the file is refused is no error.
pub fn run(parts: &Parts, options: &Options) -> anyhow::Result<bool> {
    let layouts = options.mapping.as_ref().map(read_mapping).transpose()?;
    let file_name = options.file.file_name().map_or_else(|| "list".into(), |name| name.to_string_lossy().into_owned());
    let sha256 = sha256_of(&options.file).with_context(|| options.file.display().to_string())?;
    let temporary = tempfile::tempdir()?;
    let (folder, found, import) = if options.dry_run {
        let folder = Folder::at(temporary.path().to_owned());
        std::fs::copy(&options.file, folder.source())?;
        let task = Task {
            db: &parts.db,
            program: &parts.config.program,
            limits: parts.config.import_limits,
            folder: &folder,
            kind: options.kind,
            file_name: &file_name,
            sha256: &sha256,
            sheet: options.sheet.clone(),
            layouts: layouts.unwrap_or_default(),
            recalls: false,
            scope: Scope::Country,
            login: None,
            now: clock::now(),
        };
        let found = read::run(&task, &mut Bar::new(options))?;
        (folder, found, None)
    } else {
        let layouts = layouts.map(|layouts| crate::domain::to_json(&layouts));
        let new = NewImport {
            kind: options.kind,
            file_name: &file_name,
            sha256: &sha256,
            bytes: read::count(std::fs::metadata(&options.file)?.len()),
            staff: None,
            office: None,
            of_agency: options.agency.as_deref().map(|code| agency(parts, code)).transpose()?,
            sheet: options.sheet.as_deref(),
            layouts: layouts.as_deref(),
            confirmed: options.confirm_encoding,
        };
        let import = apply(parts, &new, options)?;
        let folder = Folder::of(&parts.config.data_dir, import.id);
        let found = folder.kept::<Found>(Found::NAME)?.context("what was found in the file is no longer kept")?;
        (folder, found, Some(import))
    };
    tell(parts, options, &folder, &found, &file_name, import.as_ref())
}

fn agency(parts: &Parts, code: &str) -> anyhow::Result<AgencyId> {
    let found = parts.db.read(|conn| Ok::<_, DbError>(agencies::find_by_code(conn, code)?))?;
    Ok(found.with_context(|| format!("--agency: there is no agency {code}"))?.id)
}

fn read_mapping(path: &PathBuf) -> anyhow::Result<Vec<Layout>> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Mapping {
        Sheets(Vec<Layout>),
        Report { sheets: Vec<Layout> },
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("--mapping: {}", path.display()))?;
    match serde_json::from_str(&text) {
        Ok(Mapping::Sheets(sheets) | Mapping::Report { sheets }) => Ok(sheets),
        Err(_) => bail!(
            "--mapping: {} must hold the sheets as --json prints them: \
             [{{\"name\": \"Sheet1\", \"header_rows\": [1], \"columns\": {{\"code\": \"B\", \"name\": \"C\"}}}}]",
            path.display()
        ),
    }
}

/// Files the import and does its steps, or watches the worker of a server that was quicker.
fn apply(parts: &Parts, new: &NewImport<'_>, options: &Options) -> anyhow::Result<Import> {
    let db = &parts.db;
    let id = db.write(|conn| -> Result<ImportId, ImportError> {
        let id = imports::insert(conn, new, clock::now()).map_err(DbError::from)?;
        let folder = Folder::of(&parts.config.data_dir, id);
        folder.create()?;
        std::fs::copy(&options.file, folder.source())?;
        Ok(id)
    })?;
    let mut bar = Bar::new(options);
    let mut attempts = 0;
    let never = AtomicBool::new(false);
    loop {
        let import = db.read(|conn| Ok::<_, DbError>(imports::get(conn, id)?))?;
        let progress =
            Progress { rows_total: import.rows_total, rows_read: import.rows_read, rows_written: import.rows_written };
        bar.show(progress);
        if import.state.is_at_work() {
            if !step(parts, clock::now(), &never)? {
                std::thread::sleep(Duration::from_millis(100));
            }
            continue;
        }
        let stopped = import.note.as_deref().is_some_and(|note| note != super::OVERTAKEN);
        let goes_on = import.state.may_apply() && !stopped && (import.confirmed || !import.needs_confirmation);
        // What it was compared with may change again and again; not for ever.
        if !goes_on || attempts == 5 {
            bar.clear();
            return Ok(import);
        }
        attempts += 1;
        db.write(|conn| {
            imports::change_state(conn, id, ImportState::Ready, ImportState::Applying, clock::now())
                .map_err(DbError::from)
        })?;
    }
}

fn tell(
    parts: &Parts,
    options: &Options,
    folder: &Folder,
    found: &Found,
    file_name: &str,
    import: Option<&Import>,
) -> anyhow::Result<bool> {
    if let Some(path) = &options.refused
        && found.fault.is_none()
    {
        let config = &parts.config;
        workbooks::refused(&config.program, &config.import_limits, folder, file_name, found, path)?;
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    if options.json {
        json::write(&mut out, options.kind, found, folder, options.records)?;
        writeln!(out)?;
    } else {
        summary(&mut out, found, folder, import)?;
    }
    out.flush()?;
    let unconfirmed = found.needs_confirmation && !options.confirm_encoding && found.fault.is_none();
    if unconfirmed && !options.dry_run {
        let encoding = found.encoding.map_or("", |encoding| encoding.label());
        bail!("{file_name} is in {encoding}; look at the converted texts (--dry-run), then add --confirm-encoding");
    }
    if let Some(note) = import.and_then(|import| import.note.as_deref()) {
        bail!("{note}");
    }
    let applied = import.is_none_or(|import| import.state == ImportState::Applied);
    Ok(found.fault.is_none() && applied)
}

fn summary(out: &mut impl Write, found: &Found, folder: &Folder, import: Option<&Import>) -> io::Result<()> {
    if let Some(fault) = found.fault {
        return writeln!(out, "{}: {}", fault.code(), fault.label());
    }
    let sheet_of = |at: u16| found.sheets.get(usize::from(at)).map_or("", |sheet| sheet.layout.name.as_str());
    for sheet in found.sheets.iter().filter(|sheet| !sheet.layout.columns.is_empty()) {
        let columns: Vec<String> =
            sheet.layout.columns.iter().map(|(field, letters)| format!("{}={letters}", field.code())).collect();
        writeln!(out, "{}: {}", sheet.layout.name, columns.join(" "))?;
    }
    for (original, converted) in found.conversions.iter().filter(|_| found.needs_confirmation).take(5) {
        writeln!(out, "{original} -> {converted}")?;
    }
    for refused in folder.all::<Refused>(List::Refused)? {
        let refused = refused?;
        let (sheet, value) = (sheet_of(refused.place.sheet), refused.value.unwrap_or_default());
        let (row, field) = (refused.place.row, refused.field.label());
        writeln!(out, "{sheet}!{row} {} ({field} «{value}»): {}", refused.class.code(), refused.reason)?;
    }
    for warning in folder.all::<Warning>(List::Warnings)? {
        let warning = warning?;
        let (sheet, value) = (sheet_of(warning.place.sheet), warning.value.unwrap_or_default());
        let (class, field) = (warning.class, warning.field.label());
        writeln!(out, "{sheet}!{} {} ({field} «{value}»): {}", warning.place.row, class.code(), class.label())?;
    }
    let counts = found.counts;
    writeln!(
        out,
        "{} added, {} changed, {} unchanged, {} refused, {} warnings, {} cells repaired",
        counts.added, counts.changed, counts.unchanged, counts.refused, counts.warned, counts.repaired
    )?;
    match import {
        None => writeln!(out, "nothing was written (dry run)"),
        Some(import) if import.state == ImportState::Applied => writeln!(
            out,
            "applied as import {}; {} applications that waited for a code are back before their officers",
            import.id,
            import.rechecked.unwrap_or(0)
        ),
        Some(import) => writeln!(out, "nothing was written: import {} is {}", import.id, import.state.code()),
    }
}

/// A line on the terminal that says how far it is; nothing when nobody watches.
struct Bar {
    visible: bool,
    last: Option<Instant>,
}

impl Bar {
    fn new(options: &Options) -> Self {
        Self { visible: io::stderr().is_terminal() && !options.json, last: None }
    }

    fn show(&mut self, progress: Progress) {
        const EVERY: Duration = Duration::from_millis(200);
        if !self.visible || self.last.is_some_and(|last| last.elapsed() < EVERY) {
            return;
        }
        self.last = Some(Instant::now());
        let Progress { rows_total, rows_read, rows_written } = progress;
        let done = if rows_written > 0 { rows_written } else { rows_read };
        let percent = done.saturating_mul(100).checked_div(rows_total).unwrap_or(0).clamp(0, 100);
        let filled = usize::try_from(percent / 4).unwrap_or(0);
        let bar = format!("{}{}", "#".repeat(filled), ".".repeat(25 - filled));
        // A terminal that cannot be written to is no reason to stop.
        let _ = write!(io::stderr(), "\r[{bar}] {percent:>3} %  {rows_read} rows read, {rows_written} written ");
    }

    fn clear(&self) {
        if self.last.is_some() {
            let _ = write!(io::stderr(), "\r{:80}\r", "");
        }
    }
}

impl Watch for Bar {
    fn at(&mut self, progress: Progress) -> Result<(), ImportError> {
        self.show(progress);
        Ok(())
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}
