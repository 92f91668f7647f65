//! Every sample of an office's workbook gives exactly what `tests/samples/expected.json` says: what is taken, what is
//! refused and why, and what is warned of.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde_json::{Value, json};
use tnhs::adapters::spreadsheet::{Event, Limits, read};
use tnhs::domain::spreadsheet::Cell;
use tnhs::domain::workbook::report::{Counts, RecordJson, RefusedJson, SheetNames, Summary, WarningJson};
use tnhs::domain::workbook::{Bytes, FileFault, Kind, Layout, Line, Offices, Reader, Request, Span};

struct Sheet {
    name: String,
    spans: Vec<Span>,
    rows: Vec<(u32, Vec<Cell>)>,
}

struct File {
    bytes: Bytes,
    sheets: Vec<Sheet>,
}

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples")
}

fn open(name: &str) -> File {
    let mut file = File { bytes: Bytes::Workbook, sheets: Vec::new() };
    read(&samples().join(name), name, &Limits::default(), &mut |event| {
        match event {
            Event::File { bytes } => file.bytes = bytes,
            Event::Sheet { name, spans, .. } => {
                file.sheets.push(Sheet { name: name.to_owned(), spans: spans.to_vec(), rows: Vec::new() });
            }
            Event::Row { number, cells } => file.sheets.last_mut().unwrap().rows.push((number, cells.to_vec())),
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    file
}

/// Reads the file in both passes; lines go through JSON in between, as they do on their way to the disk.
fn import(file: &File, kind: Kind, offices: &Offices, corrections: Vec<Layout>) -> Value {
    let mut reader = Reader::new(Request {
        kind,
        today: NaiveDate::from_ymd_opt(2026, 11, 24).unwrap(),
        bytes: file.bytes,
        corrections,
        sheet: None,
        offices: offices.clone(),
    });
    let mut lines = Vec::new();
    let mut keep = |line: Line| lines.push(serde_json::to_string(&line).unwrap());
    for sheet in &file.sheets {
        reader.sheet(&sheet.name, &sheet.spans, &mut keep);
        for (number, cells) in &sheet.rows {
            reader.row(*number, cells, &mut keep);
        }
    }
    let reading = reader.finish(&mut keep);
    let (mut records, mut refused, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        let settled = match serde_json::from_str(&line).unwrap() {
            Line::Refused(row) => Err(row),
            Line::Entry(entry) => reading.judge.settle(entry),
        };
        match settled {
            Ok((record, about)) => {
                records.push(record);
                warnings.extend(about);
            }
            Err(row) => refused.push(row),
        }
    }
    let names: Vec<String> = reading.sheets.iter().map(|sheet| sheet.layout.name.clone()).collect();
    let sheets = SheetNames(&names);
    let summary = Summary {
        kind,
        encoding: reading.encoding,
        confirm_encoding: reading.needs_confirmation,
        refused_file: reading.fault,
        sheets: reading.sheets.iter().filter(|sheet| sheet.has_data).map(|sheet| (&sheet.layout).into()).collect(),
        counts: Counts {
            accepted: records.len() as u64,
            refused: refused.len() as u64,
            warnings: warnings.len() as u64,
        },
    };
    let mut report = serde_json::to_value(&summary).unwrap();
    report["records"] =
        records.iter().map(|record| json!(RecordJson { sheets, kind, record, verdict: None })).collect();
    report["refused"] = refused.iter().map(|row| json!(RefusedJson::new(sheets, row))).collect();
    report["warnings"] = warnings.iter().map(|warning| json!(WarningJson::new(sheets, warning))).collect();
    without_spaces(report)
}

/// Which kind of space a cell holds that holds nothing else makes no difference.
fn without_spaces(mut report: Value) -> Value {
    for refused in report["refused"].as_array_mut().unwrap() {
        if refused["value"].as_str().is_some_and(|value| value.trim().is_empty()) {
            refused["value"] = Value::Null;
        }
    }
    report
}

fn expected() -> Value {
    serde_json::from_str(&std::fs::read_to_string(samples().join("expected.json")).unwrap()).unwrap()
}

/// Without what the engine does not say: the office's convention, and what the registry says of an application.
fn without_others(mut expected: Value) -> Value {
    expected.as_object_mut().unwrap().remove("convention");
    for record in expected["records"].as_array_mut().unwrap() {
        record.as_object_mut().unwrap().remove("registry_verdict");
    }
    without_spaces(expected)
}

fn by_row(list: &Value) -> BTreeMap<(String, String), &Value> {
    let key = |item: &Value| (item["sheet"].to_string(), format!("{:>8} {}", item["row"].to_string(), item["class"]));
    list.as_array().unwrap().iter().map(|item| (key(item), item)).collect()
}

fn offices() -> Offices {
    let expected = expected();
    let agencies = expected["workbooks"]["agencies.xlsx"]["records"].as_array().unwrap().clone();
    Offices::new(agencies.iter().map(|agency| (agency["code"].as_str().unwrap(), agency["name"].as_str().unwrap())))
}

fn compare(name: &str, found: &Value, expected: &Value) {
    for (part, value) in expected.as_object().unwrap() {
        if value.is_array() && part != "sheets" {
            let (mine, theirs) = (by_row(&found[part]), by_row(value));
            for (row, item) in &theirs {
                assert_eq!(mine.get(row), Some(item), "{name}: {part} {row:?}");
            }
            let more: Vec<_> = mine.iter().filter(|(row, _)| !theirs.contains_key(row)).collect();
            assert!(more.is_empty(), "{name}: {part} {more:#?}");
        }
        assert_eq!(&found[part], value, "{name}: {part}");
    }
}

#[test]
fn every_sample_gives_what_it_should() {
    let expected = expected();
    for (name, expected) in expected["workbooks"].as_object().unwrap() {
        let kind = Kind::from_code(expected["kind"].as_str().unwrap()).unwrap();
        let offices = if kind == Kind::Agencies { Offices::default() } else { offices() };
        let found = import(&open(name), kind, &offices, Vec::new());
        compare(name, &found, &without_others(expected.clone()));
    }
}

/// What was recognised, sent back as a person's correction, reads the same.
#[test]
fn a_layout_that_is_confirmed_reads_the_same() {
    let expected = expected();
    for (name, expected) in expected["workbooks"].as_object().unwrap() {
        let kind = Kind::from_code(expected["kind"].as_str().unwrap()).unwrap();
        let offices = if kind == Kind::Agencies { Offices::default() } else { offices() };
        let layouts: Vec<Layout> = serde_json::from_value(expected["sheets"].clone()).unwrap();
        let found = import(&open(name), kind, &offices, layouts);
        compare(name, &found, &without_others(expected.clone()));
    }
}

/// The same people, whatever the order of the columns; the instructions and the table of codes below them then stand in
/// any column too.
#[test]
fn the_columns_of_a_sheet_stand_in_any_order() {
    let expected = expected();
    for name in
        ["a_vnpt_phu_luc.xlsx", "b_hgd_sheet.xlsx", "applications_ward_drive.xlsx", "staff.xlsx", "agencies.xlsx"]
    {
        let expected = without_others(expected["workbooks"][name].clone());
        let kind = Kind::from_code(expected["kind"].as_str().unwrap()).unwrap();
        let offices = if kind == Kind::Agencies { Offices::default() } else { offices() };
        let mut wrong = Vec::new();
        for by in 1..24 {
            let mut file = open(name);
            let rows = &mut file.sheets[0].rows;
            let width = rows.iter().map(|(_, cells)| cells.len()).max().unwrap().min(24);
            for (_, cells) in rows {
                if cells.len() < width {
                    cells.resize(width, Cell::Empty);
                }
                cells[..width].rotate_left(by % width);
                if by % 2 == 0 {
                    cells[..width].reverse();
                }
            }
            file.sheets[0].spans.clear();
            let found = import(&file, kind, &offices, Vec::new());
            for part in ["records", "refused", "warnings"] {
                if found[part] != expected[part] {
                    wrong.push((by, part));
                }
            }
        }
        assert!(wrong.is_empty(), "{name}: {wrong:?}");
    }
}

/// Without merged cells, as in a text file, the layout of paper is still understood.
#[test]
fn a_paper_layout_is_read_without_its_merged_cells() {
    let expected = without_others(expected()["workbooks"]["c_paper_layout.xlsx"].clone());
    let mut file = open("c_paper_layout.xlsx");
    file.sheets[0].spans.clear();
    compare("c", &import(&file, Kind::Registry, &Offices::default(), Vec::new()), &expected);
}

#[test]
fn a_workbook_without_people_is_refused_as_a_whole() {
    let table = |rows: Vec<Vec<&str>>| File {
        bytes: Bytes::Workbook,
        sheets: vec![Sheet {
            name: "1".into(),
            spans: Vec::new(),
            rows: (1..)
                .zip(rows.into_iter().map(|row| row.into_iter().map(|t| Cell::Text(t.into())).collect()))
                .collect(),
        }],
    };
    for (rows, fault) in [
        (vec![], FileFault::NoHeader),
        (vec![vec!["Họ tên", "Ngày sinh"], vec!["Lê An", "1990"]], FileFault::NoHeader),
        (vec![vec!["Họ tên", "Mã số BHXH"], vec!["", ""], vec!["Người lập", ""]], FileFault::NoRows),
    ] {
        let found = import(&table(rows), Kind::Registry, &Offices::default(), Vec::new());
        assert_eq!(found["refused_file"], json!(fault.code()));
        assert_eq!(found["sheets"], json!([]));
    }
}
