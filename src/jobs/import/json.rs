//! What came of a file as JSON, for scripts that compare: the file, its sheets, every refused row and warning, and if asked
//! for every row that is taken. Lists are written one entry at a time: there may be a million.

use std::io::{self, Write};

use serde::Serialize;

use super::folder::{Folder, List, Spool};
use super::read::{Accepted, Found};
use crate::domain::workbook::report::{Counts, RecordJson, RefusedJson, SheetNames, Summary, WarningJson};
use crate::domain::workbook::{Kind, Refused, Warning};

/// Writes one JSON object. Blocks.
///
/// # Errors
/// What was found is no longer kept, or cannot be written.
pub fn write(out: &mut impl Write, kind: Kind, found: &Found, folder: &Folder, records: bool) -> io::Result<()> {
    let counts = found.counts;
    let unsigned = |count: i64| u64::try_from(count).unwrap_or(0);
    let summary = Summary {
        kind,
        encoding: found.encoding,
        confirm_encoding: found.needs_confirmation,
        refused_file: found.fault,
        sheets: found.sheets.iter().filter(|sheet| sheet.has_data).map(|sheet| (&sheet.layout).into()).collect(),
        counts: Counts {
            accepted: unsigned(counts.added + counts.changed + counts.unchanged),
            refused: unsigned(counts.refused),
            warnings: unsigned(counts.warned),
        },
    };
    let names: Vec<String> = found.sheets.iter().map(|sheet| sheet.layout.name.clone()).collect();
    let sheets = SheetNames(&names);
    let head = serde_json::to_string(&summary)?;
    write!(out, "{}", head.strip_suffix('}').unwrap_or(&head))?;
    if found.fault.is_some() {
        let none = if records { ",\"records\":[]" } else { "" };
        return write!(out, ",\"refused\":[],\"warnings\":[]{none}}}");
    }
    array(out, "refused", folder.all::<Refused>(List::Refused)?, |out, row| {
        json(out, &RefusedJson::new(sheets, &row))
    })?;
    let warnings = folder.all::<Warning>(List::Warnings)?;
    array(out, "warnings", warnings, |out, row| json(out, &WarningJson::new(sheets, &row)))?;
    if records {
        let accepted = Spool::<Accepted>::open(&folder.accepted())?;
        array(out, "records", accepted, |out, Accepted { record, verdict, .. }| {
            json(out, &RecordJson { sheets, kind, record: &record, verdict: verdict.map(|verdict| verdict.label()) })
        })?;
    }
    write!(out, "}}")
}

fn json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    Ok(serde_json::to_writer(out, value)?)
}

fn array<T, W: Write>(
    out: &mut W,
    name: &str,
    entries: impl Iterator<Item = io::Result<T>>,
    entry: impl Fn(&mut W, T) -> io::Result<()>,
) -> io::Result<()> {
    write!(out, ",\"{name}\":[")?;
    for (number, value) in entries.enumerate() {
        if number > 0 {
            write!(out, ",")?;
        }
        entry(out, value?)?;
    }
    write!(out, "]")
}
