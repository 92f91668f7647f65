//! What a person once said of the columns of a list holds for every later list with the same headings, wherever they stand.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::db::{Conn, Db, DbError, imports};
use crate::domain::names::folded;
use crate::domain::permission::Scope;
use crate::domain::workbook::{Field, Kind, Layout, SheetRead};

/// Headings have at most this many rows.
const LEVELS: usize = 3;

#[derive(Serialize, Deserialize)]
struct Said {
    columns: BTreeMap<Field, String>,
}

/// What is kept instead of the headings themselves: their accents, case and spaces do not matter. What an admin says holds
/// for those of the same reach; another province may mean something else by the same words.
fn heading(scope: Scope, rows: &[(u32, Vec<String>)]) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{scope:?}"));
    for (_, cells) in rows {
        for cell in cells {
            hash.update(folded(cell).as_bytes());
            hash.update([0x1F]);
        }
        hash.update([0x1E]);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Everything near the top of the sheets that may be a heading: on which sheet, in which rows.
fn places(scope: Scope, sheets: &[SheetRead]) -> HashMap<String, (&str, Vec<u32>)> {
    let mut places: HashMap<String, (&str, Vec<u32>)> = HashMap::new();
    for sheet in sheets {
        for levels in 1..=LEVELS {
            for rows in sheet.preview.windows(levels) {
                let numbers = rows.iter().map(|(number, _)| *number).collect();
                places.entry(heading(scope, rows)).or_insert((&sheet.layout.name, numbers));
            }
        }
    }
    places
}

/// The layouts that were given for the headings of these sheets; None when there are none.
pub fn recall(db: &Db, kind: Kind, scope: Scope, sheets: &[SheetRead]) -> Result<Option<Vec<Layout>>, DbError> {
    let places = places(scope, sheets);
    let headings: Vec<String> = places.keys().cloned().collect();
    let known = db.read(|conn| Ok::<_, DbError>(imports::remembered(conn, kind, &headings)?))?;
    let layouts: Vec<Layout> = known
        .into_iter()
        .filter_map(|(heading, said)| {
            let (name, header_rows) = places.get(&heading)?;
            let Said { columns } = serde_json::from_str(&said).ok()?;
            Some(Layout { name: (*name).to_owned(), header_rows: header_rows.clone(), columns })
        })
        .collect();
    Ok((!layouts.is_empty()).then_some(layouts))
}

/// Forgets what was said of the headings of these sheets.
pub fn forget(conn: &mut Conn, kind: Kind, scope: Scope, sheets: &[SheetRead]) -> Result<(), DbError> {
    let headings: Vec<String> = places(scope, sheets).into_keys().collect();
    Ok(imports::forget(conn, kind, &headings)?)
}

/// Keeps what a person says of the columns of these sheets, as far as their headings stand near the top.
pub fn keep(
    conn: &mut Conn,
    (kind, scope): (Kind, Scope),
    sheets: &[SheetRead],
    layouts: &[Layout],
    now: NaiveDateTime,
) -> Result<(), DbError> {
    for layout in layouts {
        let Some(sheet) = sheets.iter().find(|sheet| sheet.layout.name == layout.name) else { continue };
        let rows: Vec<_> =
            sheet.preview.iter().filter(|(number, _)| layout.header_rows.contains(number)).cloned().collect();
        if (1..=LEVELS).contains(&rows.len()) {
            let said = crate::domain::to_json(&Said { columns: layout.columns.clone() });
            imports::remember(conn, kind, &heading(scope, &rows), &said, now)?;
        }
    }
    Ok(())
}
