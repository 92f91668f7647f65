//! What came of a list, as JSON: the shape that other programs compare with. A list can be a million rows long: each row is
//! an object of its own, to be written one at a time.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::kinds::Spec;
use super::{Encoding, Field, FileFault, Kind, Layout, Place, Record, Refused, RefusedClass, Warning, WarningClass};
use crate::domain::application::Sex;
use crate::domain::names::canonical;

/// How many rows ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub accepted: u64,
    pub refused: u64,
    pub warnings: u64,
}

/// What is said before the rows.
#[derive(Clone, Debug, Serialize)]
pub struct Summary<'a> {
    pub kind: Kind,
    pub encoding: Option<Encoding>,
    pub confirm_encoding: bool,
    pub refused_file: Option<FileFault>,
    pub sheets: Vec<SheetJson<'a>>,
    pub counts: Counts,
}

/// Where a sheet has its header and its columns.
#[derive(Clone, Debug, Serialize)]
pub struct SheetJson<'a> {
    name: &'a str,
    header_rows: &'a [u32],
    columns: &'a BTreeMap<Field, String>,
}

impl<'a> From<&'a Layout> for SheetJson<'a> {
    fn from(layout: &'a Layout) -> Self {
        Self { name: &layout.name, header_rows: &layout.header_rows, columns: &layout.columns }
    }
}

/// The names of the sheets, by their number.
#[derive(Clone, Copy, Debug)]
pub struct SheetNames<'a>(pub &'a [String]);

impl SheetNames<'_> {
    fn of(&self, place: Place) -> &str {
        self.0.get(usize::from(place.sheet)).map_or("", String::as_str)
    }
}

/// A row that was taken.
pub struct RecordJson<'a> {
    pub sheets: SheetNames<'a>,
    pub kind: Kind,
    pub record: &'a Record,
    /// What the registry says of an application, in words.
    pub verdict: Option<&'a str>,
}

impl Serialize for RecordJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { sheets, kind, record, verdict } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("sheet", sheets.of(record.place))?;
        map.serialize_entry("row", &record.place.row)?;
        let is_person = matches!(kind, Kind::Registry | Kind::Applications);
        // The registry keeps neither, though its lists have them.
        let left_out = |field: &Field| *kind == Kind::Registry && matches!(field, Field::Email | Field::Address);
        for field in Spec::of(*kind).fields.iter().filter(|field| !left_out(field)) {
            let value = record.values.get(*field);
            match field {
                Field::Sex => map.serialize_entry("sex", &value.and_then(Sex::from_code).map(Sex::label))?,
                field => map.serialize_entry(field, &value)?,
            }
            match field {
                Field::Name if is_person => map.serialize_entry("name_key", &value.map(canonical))?,
                Field::BirthDate => map.serialize_entry("birth_precision", &value.map(precision))?,
                _ => {}
            }
        }
        if let Some(verdict) = verdict {
            map.serialize_entry("registry_verdict", verdict)?;
        }
        map.end()
    }
}

fn precision(date: &str) -> &'static str {
    match date.len() {
        4 => "year",
        7 => "month",
        _ => "day",
    }
}

/// A row that was not taken.
#[derive(Serialize)]
pub struct RefusedJson<'a> {
    sheet: &'a str,
    row: u32,
    class: RefusedClass,
    field: Field,
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other_rows: Vec<String>,
}

impl<'a> RefusedJson<'a> {
    pub fn new(sheets: SheetNames<'a>, refused: &'a Refused) -> Self {
        let Refused { place, class, field, value, other_rows, .. } = refused;
        let sheet = sheets.0.get(usize::from(place.sheet)).map_or("", String::as_str);
        let other_rows = other_rows.iter().map(|other| format!("{}!{}", sheets.of(*other), other.row)).collect();
        Self { sheet, row: place.row, class: *class, field: *field, value: value.as_deref(), other_rows }
    }
}

/// Something to look at in a row that was taken.
#[derive(Serialize)]
pub struct WarningJson<'a> {
    sheet: &'a str,
    row: u32,
    class: WarningClass,
    field: Field,
}

impl<'a> WarningJson<'a> {
    pub fn new(sheets: SheetNames<'a>, warning: &Warning) -> Self {
        let Warning { place, class, field, .. } = warning;
        let sheet = sheets.0.get(usize::from(place.sheet)).map_or("", String::as_str);
        Self { sheet, row: place.row, class: *class, field: *field }
    }
}
