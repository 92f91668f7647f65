//! Compound files: workbooks of Excel 97-2003 and before, and what is protected.

use std::io::{Cursor, Write};

use super::*;

fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for (name, content) in streams {
        file.create_stream(name).unwrap().write_all(content).unwrap();
    }
    file.flush().unwrap();
    file.into_inner().into_inner()
}

pub fn record(kind: u16, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    [&kind.to_le_bytes()[..], &length.to_le_bytes(), content].concat()
}

fn shorts(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// A workbook of these sheets (name, state, records) with these records before them.
pub fn xls(version: u16, before: &[u8], sheets: &[(&[u8], u8, Vec<u8>)]) -> Vec<u8> {
    let heads: usize = sheets.iter().map(|(name, ..)| 4 + 6 + name.len()).sum();
    let mut stream = [record(0x0809, &shorts(&[version, 5])), before.to_vec()].concat();
    let mut position = stream.len() + heads + 4;
    let mut bodies = Vec::new();
    for (name, state, records) in sheets {
        let head = [&u32::try_from(position).unwrap().to_le_bytes()[..], &[*state, 0], name].concat();
        stream.extend(record(0x0085, &head));
        let body = [record(0x0809, &shorts(&[version, 16])), records.clone(), record(0x000A, &[])].concat();
        position += body.len();
        bodies.extend(body);
    }
    stream.extend(record(0x000A, &[]));
    stream.extend(bodies);
    compound(&[(if version == 0x0600 { "Workbook" } else { "Book" }, &stream)])
}

pub fn cell(kind: u16, row: u16, column: u16, style: u16, content: &[u8]) -> Vec<u8> {
    record(kind, &[&shorts(&[row, column, style])[..], content].concat())
}

fn formula(row: u16, column: u16, result: &[u8; 8]) -> Vec<u8> {
    cell(0x0006, row, column, 0, &[&result[..], &[0; 8]].concat())
}

#[test]
fn old_workbooks_are_read() {
    let texts = [
        &b"\x02\0\0\0\x03\0\0\0"[..],
        b"\x05\0\0L\xEA An",
        b"\x02\0\x0C\x01\0\x04\0\0\0ab1234efgh",
        b"\x06\0\x01\xC5\x1EA\0",
    ]
    .concat();
    // The third text goes on in the next record, there with a byte for each letter.
    let go_on = record(0x003C, b"\0bcde");
    let before = [
        record(0x0042, &shorts(&[1200])),
        record(0x0022, &shorts(&[0])),
        record(0x041E, &[&shorts(&[164, 10])[..], b"\0dd/mm/yyyy"].concat()),
        record(0x00E0, &shorts(&[0, 0])),
        record(0x00E0, &shorts(&[0, 164])),
        record(0x00FC, &texts),
        go_on,
    ]
    .concat();
    let chart =
        [record(0x0809, &shorts(&[0x600, 0x20])), cell(0x0203, 0, 0, 0, &1_f64.to_le_bytes()), record(0x000A, &[])];
    let sheet = [
        record(0x0200, &[&1_u32.to_le_bytes()[..], &9_u32.to_le_bytes(), &[0; 6]].concat()),
        cell(0x00FD, 1, 0, 0, &0_u32.to_le_bytes()),
        cell(0x00FD, 1, 1, 0, &1_u32.to_le_bytes()),
        cell(0x00FD, 1, 2, 0, &2_u32.to_le_bytes()),
        chart.concat(),
        cell(0x0203, 4, 0, 1, &33_005_f64.to_le_bytes()),
        cell(0x027E, 4, 1, 0, &(95_722_029_u32 << 2 | 2).to_le_bytes()),
        record(
            0x00BD,
            &[
                &shorts(&[4, 2, 0])[..],
                &(7_u32 << 2 | 2).to_le_bytes(),
                &shorts(&[0]),
                &(150_u32 << 2 | 3).to_le_bytes(),
                &shorts(&[3]),
            ]
            .concat(),
        ),
        cell(0x0205, 4, 4, 0, &[1, 0]),
        cell(0x0205, 4, 5, 0, &[0x2A, 1]),
        cell(0x0204, 4, 6, 0, b"\x02\0\x01\xC5\x1EA\0"),
        formula(4, 7, b"\0\0\0\0\0\0\xFF\xFF"),
        record(0x0207, b"\x02\0\0ok"),
        formula(4, 8, &2_f64.to_le_bytes()),
        formula(4, 9, b"\x01\0\x01\0\0\0\xFF\xFF"),
        record(0x00E5, &shorts(&[1, 1, 2, 0, 3])),
    ]
    .concat();
    let file = xls(0x0600, &before, &[(b"\x02\0\xC2\xC3", 1, Vec::new()), (b"\x02\x01\xC5\x1EA\0", 0, sheet)]);
    let (_, sheets) = contents("x.xls", &file).unwrap();
    assert_eq!((sheets.len(), sheets[0].name.as_str(), sheets[0].said_rows), (1, "ễA", Some(5)));
    assert_eq!(sheets[0].spans, [span((2, 0), (3, 3))]);
    let born = Cell::Date(chrono::NaiveDate::from_ymd_opt(1990, 5, 12).unwrap().into());
    let number = Cell::Number;
    assert_eq!(
        sheets[0].rows,
        [
            (2, vec![text("Lê An"), text("ab"), text("ễAbcde")]),
            (
                5,
                vec![
                    born,
                    number(95_722_029.0),
                    number(7.0),
                    number(1.5),
                    Cell::Bool(true),
                    Cell::Empty,
                    text("ễA"),
                    text("ok"),
                    number(2.0),
                    Cell::Bool(true),
                ]
            ),
        ]
    );
}

#[test]
fn workbooks_of_excel_5_are_in_the_encoding_of_their_machine() {
    let before = record(0x0042, &shorts(&[1258]));
    let sheet = [
        cell(0x0204, 0, 0, 0, b"\x05\0L\xEA An"),
        formula(0, 1, b"\0\0\0\0\0\0\xFF\xFF"),
        record(0x0207, b"\x02\0\xD0\xE3"),
    ];
    let file = xls(0x0500, &before, &[(b"\x04T\xEAn1", 0, sheet.concat())]);
    let (bytes, sheets) = contents("x.xls", &file).unwrap();
    assert_eq!((bytes, sheets[0].name.as_str()), (Bytes::Workbook, "Tên1"));
    assert_eq!(sheets[0].rows, [(1, vec![text("Lê An"), text("Đă")])]);
}

#[test]
fn rows_in_disorder_are_put_in_order() {
    let number = |row: u16, column, value: f64| cell(0x0203, row, column, 0, &value.to_le_bytes());
    let sheet = [number(0, 0, 1.0), number(1, 0, 2.0), number(0, 1, 3.0), number(1, 1, 4.0)].concat();
    let file = xls(0x0600, &[], &[(b"\x01\0a", 0, sheet)]);
    let row = |a, b| vec![Cell::Number(a), Cell::Number(b)];
    assert_eq!(rows("x", &file), [(1, row(1.0, 3.0)), (2, row(2.0, 4.0))]);
}

#[test]
fn protected_workbooks_are_told_from_broken_ones() {
    let fault = |file: &[u8]| contents("x", file).unwrap_err();
    assert_eq!(fault(&xls(0x0600, &record(0x002F, &[1, 0]), &[])), FileFault::Protected);
    let modern = compound(&[("EncryptionInfo", b"\x04\0\x04\0"), ("EncryptedPackage", &[7; 5_000])]);
    assert_eq!(fault(&modern), FileFault::Protected);
    assert_eq!(fault(&compound(&[("WordDocument", b"letter")])), FileFault::NotASpreadsheet);
    assert_eq!(fault(&xls(0x0200, &[], &[])), FileFault::NotASpreadsheet);
    assert_eq!(fault(&modern[..600]), FileFault::NotASpreadsheet);
}
