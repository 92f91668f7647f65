#![allow(dead_code, unused_variables)]
use super::*;
use crate::domain::spreadsheet::Cell;
use chrono::NaiveDate;
pub struct Request {
    pub kind: Kind,
    pub today: NaiveDate,
    pub bytes: Bytes,
    pub corrections: Vec<Layout>,
    pub sheet: Option<String>,
    pub offices: Offices,
}
pub struct Offices;
impl Offices {
    pub fn new(_: impl Iterator<Item = (String, String)>) -> Self {
        Self
    }
}
pub struct Reader;
#[derive(Serialize, Deserialize)]
pub struct Entry {
    pub place: Place,
}
#[derive(Serialize, Deserialize)]
pub enum Line {
    Refused(Refused),
    Entry(Entry),
}
pub struct Reading {
    pub fault: Option<FileFault>,
    pub sheets: Vec<SheetRead>,
    pub encoding: Option<Encoding>,
    pub needs_confirmation: bool,
    pub conversions: Vec<(String, String)>,
    pub repaired: u64,
    pub judge: Judge,
}
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SheetRead {
    pub layout: Layout,
    pub columns: Vec<ColumnSeen>,
    pub preview: Vec<(u32, Vec<String>)>,
}
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ColumnSeen {
    pub letter: String,
    pub label: String,
    pub field: Option<Field>,
    pub samples: Vec<String>,
}
pub struct Judge;
impl Judge {
    pub fn settle(&self, entry: Entry) -> Result<(Record, Vec<Warning>), Refused> {
        todo!()
    }
}
impl Reader {
    pub fn new(request: Request) -> Self {
        Self
    }
    pub fn sheet(&mut self, name: &str, spans: &[Span], out: &mut dyn FnMut(Line)) {}
    pub fn row(&mut self, number: u32, cells: &[Cell], out: &mut dyn FnMut(Line)) {}
    pub fn finish(self, out: &mut dyn FnMut(Line)) -> Reading {
        todo!()
    }
}
impl Kind {
    pub fn key(self) -> Field {
        if self == Self::Staff { Field::Login } else { Field::Code }
    }
}
pub mod legacy {
    use super::*;
    pub struct Converter;
    impl Converter {
        pub fn of(_: Option<Encoding>) -> Self {
            Self
        }
        pub fn convert(&self, t: &str) -> String {
            t.into()
        }
    }
}
pub mod report {
    use super::*;
    pub struct Counts {
        pub accepted: i64,
        pub refused: i64,
        pub warnings: i64,
    }
    #[derive(Serialize)]
    pub struct Head;
    impl Head {
        pub fn of(kind: Kind, f: Option<FileFault>, e: Option<Encoding>, n: bool, s: &[SheetRead], c: Counts) -> Self {
            Self
        }
    }
    #[derive(Serialize)]
    pub struct RefusedView;
    impl RefusedView {
        pub fn of(r: &Refused, n: &[&str]) -> Self {
            Self
        }
    }
    #[derive(Serialize)]
    pub struct WarningView;
    impl WarningView {
        pub fn of(r: &Warning, n: &[&str]) -> Self {
            Self
        }
    }
    #[derive(Serialize)]
    pub struct RecordView;
    impl RecordView {
        pub fn of(k: Kind, r: &Record, n: &[&str], v: Option<&'static str>) -> Self {
            Self
        }
    }
}
