//! What came of a file as JSON, for scripts that compare: the file, its sheets, every refused row and warning, and if asked
//! for every row that is taken. Lists are written one entry at a time: there may be a million.

use std::io::{self, Write};

use super::folder::{Folder, List, Spool};
use super::read::{Accepted, Found};
use crate::domain::workbook::report::{Counts, Head, RecordView, RefusedView, WarningView};
use crate::domain::workbook::{Kind, Refused, Warning};

/// Writes one JSON object, on one line. Blocks.
///
/// # Errors
/// What was found is no longer kept, or cannot be written.
pub fn write(out: &mut impl Write, kind: Kind, found: &Found, folder: &Folder, records: bool) -> io::Result<()> {
    let counts = found.counts;
    let counts = Counts {
        accepted: counts.added + counts.changed + counts.unchanged,
        refused: counts.refused,
        warnings: counts.warned,
    };
    let names: Vec<&str> = found.sheets.iter().map(|sheet| sheet.layout.name.as_str()).collect();
    let head = Head::of(kind, found.fault, found.encoding, found.needs_confirmation, &found.sheets, counts);
    let head = serde_json::to_string(&head)?;
    write!(out, "{},\"refused\":", head.trim_end_matches('}'))?;
    if found.fault.is_some() {
        return write!(out, "[],\"warnings\":[]{}}}", if records { ",\"records\":[]" } else { "" });
    }
    let refused = folder.all::<Refused>(List::Refused)?;
    array(out, refused, |row| serde_json::to_string(&RefusedView::of(&row, &names)))?;
    write!(out, ",\"warnings\":")?;
    let warnings = folder.all::<Warning>(List::Warnings)?;
    array(out, warnings, |row| serde_json::to_string(&WarningView::of(&row, &names)))?;
    if records {
        write!(out, ",\"records\":")?;
        let accepted = Spool::<Accepted>::open(&folder.accepted())?;
        array(out, accepted, |row| {
            serde_json::to_string(&RecordView::of(kind, &row.record, &names, row.verdict.map(|it| it.label())))
        })?;
    }
    write!(out, "}}")
}

fn array<T>(
    out: &mut impl Write,
    entries: impl Iterator<Item = io::Result<T>>,
    json: impl Fn(T) -> serde_json::Result<String>,
) -> io::Result<()> {
    let mut separator = "[";
    for entry in entries {
        write!(out, "{separator}{}", json(entry?)?)?;
        separator = ",";
    }
    write!(out, "{}]", if separator == "[" { "[" } else { "" })
}
