//! Brings a list of people into the household registry: reads the file, compares it with what the registry knows,
//! writes the differences with one event in one transaction, and puts applications whose code has now come back before
//! their officers. The same file again changes nothing.

use std::collections::HashMap;
use std::path::Path;

use chrono::NaiveDateTime;
use serde::Serialize;

use crate::adapters::spreadsheet::{SpreadsheetError, read_rows};
use crate::db::events::NewEvent;
use crate::db::{Db, DbError, events, registry as members};
use crate::domain::dates::to_hanoi;
use crate::domain::event::EventKind;
use crate::domain::ids::StaffId;
use crate::domain::registry::Member;
use crate::domain::registry_file::{Contents, ListError, Reader, Refused, merged};
use crate::domain::to_json;

use super::recheck;

/// What an import did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub added: usize,
    pub changed: usize,
    pub unchanged: usize,
    /// Rows that were not taken.
    pub refused: Vec<Refused>,
    /// Cells that could not be read, of rows that were taken without them.
    pub ignored: Vec<Refused>,
    /// Applications that waited for their code and are back before their officers.
    pub rechecked: usize,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Spreadsheet(#[from] SpreadsheetError),
    #[error(transparent)]
    List(#[from] ListError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Imports an .xlsx list of people into the registry. `staff` is None when nobody signed in started it, as from the
/// command line. Blocks.
///
/// # Errors
/// The file cannot be read or is no such list: nothing was written. The database failed: nothing was written either, or
/// all was and only the applications that wait for their code were not all asked for; the next import asks again.
pub fn registry(db: &Db, file: &Path, staff: Option<StaffId>, now: NaiveDateTime) -> Result<Report, ImportError> {
    let mut reader = Reader::new(to_hanoi(now).date());
    read_rows(file, |number, cells| reader.row(number, cells))?;
    let Contents { members, refused, ignored } = reader.finish()?;
    let mut report = db.write(|conn| -> Result<Report, DbError> {
        let mut report = Report { refused, ignored, ..Report::default() };
        let different = compare(conn, members, &mut report)?;
        members::upsert(conn, &different, now)?;
        events::add(
            conn,
            &NewEvent {
                application: None,
                staff,
                kind: EventKind::RegistryImported,
                at: now,
                address: None,
                before: None,
                after: Some(to_json(&Counts::of(&report))),
            },
        )?;
        Ok(report)
    })?;
    report.rechecked = recheck::run(db, now)?;
    Ok(report)
}

/// Counts the people who are new, different and as before; returns those to write.
fn compare(conn: &mut crate::db::Conn, listed: Vec<Member>, report: &mut Report) -> Result<Vec<Member>, DbError> {
    let codes: Vec<_> = listed.iter().map(|member| member.code.clone()).collect();
    let stored = members::find_all(conn, &codes)?;
    let stored: HashMap<_, _> = stored.into_iter().map(|member| (member.code.clone(), member)).collect();
    let mut different = Vec::new();
    for member in listed {
        let Some(known) = stored.get(&member.code) else {
            report.added += 1;
            different.push(member);
            continue;
        };
        let member = merged(member, known);
        if member == *known {
            report.unchanged += 1;
        } else {
            report.changed += 1;
            different.push(member);
        }
    }
    Ok(different)
}

/// What the history keeps of an import: no names, no codes.
#[derive(Serialize)]
struct Counts {
    added: usize,
    changed: usize,
    unchanged: usize,
    refused: usize,
}

impl Counts {
    fn of(report: &Report) -> Self {
        let Report { added, changed, unchanged, .. } = *report;
        Self { added, changed, unchanged, refused: report.refused.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Conn, DatabaseUrl};
    use crate::domain::numbers::SocialCode;
    use rust_xlsxwriter::Workbook;
    use tempfile::TempDir;

    struct Office {
        folder: TempDir,
        db: Db,
    }

    impl Office {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let url = DatabaseUrl::Sqlite(folder.path().join("tnhs.db").display().to_string());
            let db = Db::open(&url, 2).unwrap();
            db.migrate().unwrap();
            Self { folder, db }
        }

        fn import_bytes(&self, bytes: &[u8]) -> Result<Report, ImportError> {
            let file = self.folder.path().join("list.xlsx");
            std::fs::write(&file, bytes).unwrap();
            registry(&self.db, &file, None, crate::clock::now())
        }

        fn import(&self, workbook: &mut Workbook) -> Result<Report, ImportError> {
            self.import_bytes(&workbook.save_to_buffer().unwrap())
        }

        fn member(&self, code: &str) -> Option<Member> {
            let code = SocialCode::parse(code).unwrap();
            self.db.read(|conn| Ok::<_, DbError>(members::find(conn, &code)?)).unwrap()
        }

        fn imports_in_the_history(&self) -> i64 {
            use crate::db::schema::events;
            use diesel::prelude::*;
            let kind = events::kind.eq(EventKind::RegistryImported);
            let count = |conn: &mut Conn| Ok::<_, DbError>(events::table.filter(kind).count().get_result(conn)?);
            self.db.read(count).unwrap()
        }
    }

    /// A list with a title, its header in the third row, and columns in an order of its own.
    fn list(people: &[(&str, f64, &str)]) -> Workbook {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write(0, 0, "DANH SÁCH").unwrap();
        sheet.write_row(2, 1, ["ngay_sinh", "HO TEN", "ghi chu", "ma so bhxh"]).unwrap();
        for (row, (name, code, born)) in (3..).zip(people) {
            sheet.write(row, 1, *born).unwrap().write(row, 2, *name).unwrap().write(row, 4, *code).unwrap();
        }
        workbook
    }

    #[test]
    fn a_list_goes_in_once_and_the_same_list_again_changes_nothing() {
        let office = Office::new();
        let people = [("Lê  An", 990_000_001.0, "05/03/1990"), ("Vũ Bình", 9_900_000_002.0, "1985")];
        let report = office.import(&mut list(&people)).unwrap();
        assert_eq!((report.added, report.changed, report.unchanged, report.refused.len()), (2, 0, 0, 0));
        let member = office.member("0990000001").unwrap();
        assert_eq!((member.name.as_str(), member.birth_date.unwrap().as_str()), ("Lê An", "1990-03-05"));

        let report = office.import(&mut list(&people)).unwrap();
        assert_eq!(report, Report { unchanged: 2, ..Report::default() });
        assert_eq!(office.imports_in_the_history(), 2);
    }

    #[test]
    fn a_later_list_changes_what_it_says_and_leaves_the_rest() {
        let office = Office::new();
        office
            .import(&mut list(&[("Lê An", 9_900_000_001.0, "05/03/1990"), ("Vũ Bình", 9_900_000_002.0, "1985")]))
            .unwrap();
        let report = office
            .import(&mut list(&[
                ("Lê Ân", 9_900_000_001.0, ""),
                ("Vũ Bình", 9_900_000_002.0, "1985"),
                ("Hồ Chi", 9_900_000_003.0, ""),
                ("Hồ Dung", 12.0, ""),
            ]))
            .unwrap();
        assert_eq!((report.added, report.changed, report.unchanged), (1, 1, 1));
        assert_eq!((report.refused[0].row, report.refused[0].column.as_str()), (7, "ma so bhxh"));
        let member = office.member("9900000001").unwrap();
        assert_eq!((member.name.as_str(), member.birth_date.unwrap().as_str()), ("Lê Ân", "1990-03-05"));
    }

    #[test]
    fn a_file_that_is_no_list_changes_nothing() {
        let office = Office::new();
        let mut corners = Workbook::new();
        corners.add_worksheet().write(0, 0, "A1").unwrap().write(1_048_575, 16_383, "XFD1048576").unwrap();
        assert!(matches!(office.import(&mut corners), Err(ImportError::List(ListError::NoHeader))));
        let text = office.import_bytes("mã số bhxh;họ tên".as_bytes());
        assert!(matches!(text, Err(ImportError::List(ListError::NoRows))));
        assert!(matches!(office.import(&mut list(&[])), Err(ImportError::List(ListError::NoRows))));
        assert_eq!(office.imports_in_the_history(), 0);
    }
}
