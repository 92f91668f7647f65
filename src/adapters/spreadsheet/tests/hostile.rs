//! Files that mean harm, and files that are broken: a sentence or what can be read of them, at once, and nothing worse.

use std::io::Write;
use std::time::Instant;

use rust_xlsxwriter::Workbook;
use zip::write::SimpleFileOptions;

use super::old::{cell, record, xls};
use super::*;

fn fault(file: &[u8]) -> FileFault {
    contents("x", file).unwrap_err()
}

fn sheet(rows: &str) -> String {
    format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")
}

#[test]
fn two_cells_at_opposite_corners_cost_nothing() {
    let mut workbook = Workbook::new();
    workbook.add_worksheet().write(0, 0, "A1").unwrap().write(1_048_575, 16_383, "XFD1048576").unwrap();
    assert_eq!(rows("x", &workbook.save_to_buffer().unwrap()), [(1, vec![text("A1")])]);
    let far = [cell(0x0204, 0, 0, 0, b"\x01\0\0A"), cell(0x0204, 65_535, 255, 0, b"\x01\0\0B")].concat();
    let dimensions = record(0x0200, &[[0; 4], [0xFF; 4], [0; 4], [0xFF; 4]].concat());
    for sheet in [[&dimensions[..], &far[..24]].concat(), far] {
        assert_eq!(fault(&xls(0x0600, &[], &[(b"\x01\0a", 0, sheet)])), FileFault::TooLarge);
    }
    let places =
        sheet("<row r='1'><c><v>1</v></c><c r='XFD1'><v>2</v></c></row><row r='4294967295'><c><v>4</v></c></row>");
    let number = Cell::Number;
    assert_eq!(rows("x", &xlsx(&places, &[])), [(1, vec![number(1.0)]), (u32::MAX, vec![number(4.0)])]);
    for place in ["é1", "A0", "1", "A"] {
        let sheet = sheet(&format!("<row><c r='{place}'><v>1</v></c></row>"));
        assert_eq!(fault(&xlsx(&sheet, &[])), FileFault::NotASpreadsheet, "{place}");
    }
}

/// Many zeros, which pack a thousand to one.
fn bomb(megabytes: usize) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    archive.start_file("xl/workbook.xml", SimpleFileOptions::default()).unwrap();
    let piece = vec![b' '; 1 << 20];
    (0..megabytes).for_each(|_| archive.write_all(&piece).unwrap());
    archive.finish().unwrap().into_inner()
}

#[test]
fn bombs_are_refused_whether_they_say_so_or_lie() {
    let honest = bomb(120);
    let start = Instant::now();
    assert_eq!(fault(&honest), FileFault::TooLarge);
    assert!(start.elapsed().as_millis() < 500);
    let mut lying = honest;
    let central = memchr::memmem::rfind(&lying, b"PK\x01\x02").unwrap();
    lying[central + 24..central + 28].copy_from_slice(&1_000_u32.to_le_bytes());
    assert!(matches!(fault(&lying), FileFault::TooLarge | FileFault::NotASpreadsheet));
    // So many parts that only their names would fill the memory.
    let mut many = xlsx(&sheet(""), &[]);
    let end = many.len() - 22;
    many[end + 8..end + 12].copy_from_slice(&[0xFE, 0xFF, 0xFE, 0xFF]);
    assert_eq!(fault(&many), FileFault::TooLarge);
}

#[test]
fn definitions_in_a_document_do_nothing() {
    let dtd = "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'><!ENTITY f SYSTEM 'file:///etc/passwd'>]>";
    let harmless = dtd.to_owned() + &sheet("<row><c t='str'><v>x&amp;</v></c></row>");
    assert_eq!(rows("x", &xlsx(&harmless, &[("../../etc/passwd", b"x")])), [(1, vec![text("x&")])]);
    for entity in ["&b;", "&f;"] {
        let hostile = dtd.to_owned() + &sheet(&format!("<row><c t='str'><v>{entity}</v></c></row>"));
        assert_eq!(fault(&xlsx(&hostile, &[])), FileFault::NotASpreadsheet);
    }
    let texts = |claim: &str| format!("<!-- --><sst uniqueCount='{claim}'><si/></sst>");
    for (claim, expected) in [("1000000", Ok(())), ("1000001", Err(FileFault::TooLarge)), ("-1", Ok(()))] {
        let file = xlsx(&sheet(""), &[("xl/sharedStrings.xml", texts(claim).as_bytes())]);
        assert_eq!(contents("x", &file).map(|_| ()), expected, "{claim}");
    }
    let deep = "<a>".repeat(100_000) + &"</a>".repeat(100_000);
    assert_eq!(fault(&xlsx(&deep, &[])), FileFault::NotASpreadsheet);
    let long = sheet(&format!("<row><c t='str'><v>{}</v></c></row>", "y".repeat(9 << 20)));
    assert_eq!(fault(&xlsx(&long, &[])), FileFault::TooLarge);
    let long = sheet(&format!("<row><c t='str'><v>{}</v></c></row>", "ỹ".repeat(50_000)));
    assert_eq!(rows("x", &xlsx(&long, &[]))[0].1, [text(&"ỹ".repeat(32_767))]);
}

#[test]
fn what_is_repeated_without_end_is_not_written_out() {
    let ods = |rows: &str| {
        let content = format!(
            "<office:document-content><office:spreadsheet><table:table>{rows}</table:table></office:spreadsheet></office:document-content>"
        );
        packed(&[("content.xml", content.as_bytes())])
    };
    let cell = "<table:table-cell office:value-type='float' office:value='1' table:number-columns-repeated='99999999999999999999'/>";
    let cells = "<table:table-cell office:value-type='float' office:value='1' table:number-columns-repeated='16384'/>";
    let row = |cell: &str, times: u64| {
        format!("<table:table-row table:number-rows-repeated='{times}'>{cell}</table:table-row>")
    };
    assert_eq!(fault(&ods(&row(cells, 1_048_576))), FileFault::TooLarge);
    assert_eq!(fault(&ods(&row(cell, u64::MAX))), FileFault::TooLarge);
    assert_eq!(fault(&ods(&(row("", u64::MAX) + &row(cells, 1)))), FileFault::TooLarge);
    assert_eq!(rows("x", &ods(&row(cells, 2)))[1].1.len(), 200);
}

#[test]
fn tables_that_claim_or_forget_much_are_read() {
    let wide = "<table><tr><td colspan=1000000000 rowspan=4000000000>a<td>b<tr><td>c</table>";
    let (_, sheets) = contents("x", wide.as_bytes()).unwrap();
    assert_eq!(sheets[0].rows, [(1, vec![text("a")])]);
    assert_eq!(sheets[0].spans, [span((1, 0), (2, 999))]);
    for tag in
        ["<table>", "<tr>", "<td>", "<b>", "<!-- >", "<td title='>", "&amp", "<table><tr><td><td rowspan=9 colspan=9>"]
    {
        let page = "<table>".to_owned() + &tag.repeat(50_000) + "<td>end";
        let start = Instant::now();
        contents("x", page.as_bytes()).unwrap();
        assert!(start.elapsed().as_secs() < 5, "{tag}");
    }
}

#[test]
fn lines_and_quotes_without_end_are_read() {
    let mut line = vec![b'a'; 8 << 20];
    line.extend(b";b\nc;d");
    let (_, sheets) = contents("x", &line).unwrap();
    assert_eq!(sheets[0].rows[1].0, 2);
    assert_eq!(sheets[0].rows[0].1[0], text(&"a".repeat(32_767)));
    for piece in ["\"x;", "\"", "\"\"\"x;", ";", "\"\n", "\"x;\n", "\r", ";\"\"x"] {
        let start = Instant::now();
        contents("x", &piece.repeat((2 << 20) / piece.len()).into_bytes()).unwrap();
        assert!(start.elapsed().as_secs() < 8, "{piece:?}");
    }
}

#[test]
fn limits_are_kept_to() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "a;b;c\n".repeat(100)).unwrap();
    let with = |limits: Limits| read(file.path(), "x", &limits, &mut |_| ControlFlow::Continue(()));
    let all = Limits { file_bytes: 600, unpacked_bytes: 300, rows: 100, columns: 2, cells: 300 };
    assert!(with(all).is_ok());
    for less in [
        Limits { file_bytes: 599, ..all },
        Limits { unpacked_bytes: 199, ..all },
        Limits { rows: 99, ..all },
        Limits { cells: 299, ..all },
    ] {
        assert!(matches!(with(less), Err(SpreadsheetError::Refused(FileFault::TooLarge))), "{less:?}");
    }
    assert_eq!(Limits::from_numbers(all.as_numbers()), all);
    let mut seen = 0;
    let broken_off = read(file.path(), "x", &all, &mut |_| {
        seen += 1;
        ControlFlow::Break(())
    });
    assert!(broken_off.is_ok() && seen == 1);
}

const SAMPLES: [&str; 4] = ["d_officer_list.xlsx", "d_officer_list.xls", "d_officer_list.ods", "c_paper_layout.xlsx"];

#[test]
fn what_is_cut_off_or_has_something_behind_it_is_no_spreadsheet() {
    for name in SAMPLES {
        let file = std::fs::read(sample(name)).unwrap();
        for part in [1, 4, 10, 50, 80, 90, 99] {
            let cut_off = &file[..file.len() * part / 100];
            assert_eq!(fault(cut_off), FileFault::NotASpreadsheet, "{name} {part}");
        }
        assert_eq!(fault(&file[..file.len() - 1]), FileFault::NotASpreadsheet, "{name}");
        if !name.ends_with("xls") {
            assert_eq!(fault(&[&file[..], b"x"].concat()), FileFault::NotASpreadsheet, "{name}");
        }
    }
}

#[test]
fn a_sheet_that_does_not_end_is_cut_off() {
    for sheet in ["", "<worksheet><sheetData>", "<worksheet><sheetData><row r=\"1\"/>"] {
        assert_eq!(fault(&xlsx(sheet, &[])), FileFault::NotASpreadsheet, "{sheet}");
    }
    assert!(contents("x.xlsx", &xlsx("<worksheet><sheetData/></worksheet>", &[])).is_ok());
}

#[test]
fn whatever_is_broken_breaks_nothing() {
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = |below: usize| -> usize {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random >> 33).unwrap() % below
    };
    let page = "<html><table><tr><td colspan=2>a<td rowspan=3>&amp;b</tr></table>".repeat(20);
    let whole = ["d_officer_list.csv"].iter().chain(&SAMPLES).map(|name| std::fs::read(sample(name)).unwrap());
    for file in whole.chain([page.into_bytes()]) {
        for _ in 0..40 {
            check(&damaged(&file, &mut next));
        }
    }
    // A package's own checksums find most of it: so its parts are damaged before it is packed.
    for name in SAMPLES.iter().filter(|name| !name.ends_with("xls")) {
        let mut archive = zip::ZipArchive::new(File::open(sample(name)).unwrap()).unwrap();
        let mut parts = Vec::new();
        for index in 0..archive.len() {
            let mut part = archive.by_index(index).unwrap();
            let mut content = Vec::new();
            part.read_to_end(&mut content).unwrap();
            parts.push((part.name().unwrap().into_owned(), content));
        }
        for _ in 0..60 {
            let chosen = next(parts.len());
            let broken = damaged(&parts[chosen].1, &mut next);
            let content = |index, whole| if index == chosen { broken.as_slice() } else { whole };
            let parts: Vec<_> =
                parts.iter().enumerate().map(|(index, (name, whole))| (name.as_str(), content(index, whole))).collect();
            check(&packed(&parts));
        }
    }
}

/// A few bytes changed, lost or cut off.
fn damaged(file: &[u8], next: &mut dyn FnMut(usize) -> usize) -> Vec<u8> {
    let mut broken = file.to_vec();
    for _ in 0..=next(4) {
        let at = next(broken.len().max(1)).min(broken.len().saturating_sub(1));
        match next(8) {
            _ if broken.is_empty() => {}
            0 => broken.truncate(at.max(8)),
            1 => drop(broken.splice(at..(at + 4).min(broken.len()), [0xFF; 4])),
            2 | 3 => broken[at] = [0, 0xFF, 0x7F, b'<', b'"'][next(5)],
            _ => broken[at] ^= 1 << next(8),
        }
    }
    broken
}

/// An answer of either kind, at once; a panic fails the test.
fn check(file: &[u8]) {
    let start = Instant::now();
    let _ = contents("x", file);
    assert!(start.elapsed().as_secs() < 5);
}
