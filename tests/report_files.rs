//! Reports and lists as files: what a reader of spreadsheets finds in them, and how they print.

#![allow(clippy::unwrap_used)]

mod support;

use std::io::{Cursor, Read, Seek};
use std::process::Command;

use calamine::{Data, Reader, Xlsx};
use chrono::NaiveDate;
use support::hanoi;
use tnhs::adapters::report_file::{self, ListBook};
use tnhs::domain::export::{Format, LIST_BESIDE, list_columns};
use tnhs::domain::report::{Cell, Chart, Column, Letterhead, Row, Series, Table, Unit};

fn head() -> Letterhead {
    Letterhead {
        office: "Bảo hiểm xã hội thành phố Hà Nội".into(),
        made_by: "Trần Thị Minh Hạnh".into(),
        made_at: hanoi("24/11/2026 09:05"),
        number: Some(417),
    }
}

/// A report with every unit, and with what somebody might type to make a reader compute.
fn table(rows: i64) -> Table {
    let day = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
    let row = |at: i64, office: &str| Row {
        cells: vec![
            Cell::Count(at),
            Cell::Text(office.into()),
            Cell::Count(1_234_567),
            Cell::Count(-3),
            Cell::Decimal(7.25),
            Cell::Share(0.975),
            Cell::Date(day),
            Cell::Time(hanoi("23/11/2026 16:59")),
        ],
        is_subtotal: at == 1,
    };
    let hostile = ["Bảo hiểm xã hội cơ sở Ba Đình", "=1+1", "@SUM(A1)", "-cmd; \"x\"", "0012345678", "+84\nhai"];
    let offices = hostile.iter().cycle();
    let mut total = row(0, "Tổng cộng");
    total.cells[0] = Cell::Empty;
    Table {
        title: "BÁO CÁO TÌNH HÌNH GIẢI QUYẾT HỒ SƠ".into(),
        subtitles: vec!["Từ ngày 01/11/2026 đến ngày 30/11/2026".into()],
        columns: vec![
            Column::new("STT", 6.0, Unit::Count),
            Column::new("Cơ quan BHXH", 44.0, Unit::Text),
            Column::new("Tiếp nhận trong kỳ", 11.0, Unit::Count),
            Column::new("Tăng", 11.0, Unit::Count),
            Column::new("Số giờ", 11.0, Unit::Decimal),
            Column::new("Tỷ lệ %", 9.0, Unit::Share),
            Column::new("Ngày", 12.0, Unit::Date),
            Column::new("Lúc", 17.0, Unit::Time),
        ],
        rows: (1..=rows).zip(offices).map(|(at, office)| row(at, office)).collect(),
        total: Some(total),
        notes: vec!["Tỷ lệ %: đúng hạn trên số đã duyệt và từ chối.".into()],
        beside: None,
        chart: Some(Chart {
            title: "Tiếp nhận theo ngày".into(),
            across: "Ngày".into(),
            upward: "Hồ sơ".into(),
            points: vec!["22/11/2026".into(), "23/11/2026".into()],
            series: vec![Series { name: "Tiếp nhận".into(), values: vec![Some(3.0), None] }],
        }),
    }
}

fn opened(bytes: Vec<u8>) -> Xlsx<Cursor<Vec<u8>>> {
    Xlsx::new(Cursor::new(bytes)).unwrap()
}

fn sheet(book: &mut Xlsx<Cursor<Vec<u8>>>, name: &str) -> Vec<Vec<Data>> {
    let range = book.worksheet_range(name).unwrap();
    assert_eq!(range.start(), Some((0, 0)));
    range.rows().map(<[Data]>::to_vec).collect()
}

fn part(bytes: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut text = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn text(cell: &Data) -> String {
    match cell {
        Data::String(text) => text.clone(),
        other => panic!("not a text: {other:?}"),
    }
}

#[test]
fn a_workbook_holds_the_head_the_numbers_and_the_foot_of_its_report() {
    let table = table(6);
    let bytes = report_file::report(&table, &head(), Format::Xlsx).unwrap();
    let mut book = opened(bytes.clone());
    let rows = sheet(&mut book, "Báo cáo");
    let all: Vec<String> =
        rows.iter().flatten().filter(|cell| **cell != Data::Empty).map(ToString::to_string).collect();
    for words in [
        "BẢO HIỂM XÃ HỘI VIỆT NAM",
        "BẢO HIỂM XÃ HỘI THÀNH PHỐ HÀ NỘI",
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "Số xuất dữ liệu: 417",
        "BÁO CÁO TÌNH HÌNH GIẢI QUYẾT HỒ SƠ",
        "Từ ngày 01/11/2026 đến ngày 30/11/2026",
        "Tỷ lệ %: đúng hạn trên số đã duyệt và từ chối.",
        "………………, ngày 24 tháng 11 năm 2026",
        "NGƯỜI LẬP",
        "GIÁM ĐỐC",
        "Trần Thị Minh Hạnh",
    ] {
        assert!(all.iter().any(|cell| cell == words), "{words}: {all:?}");
    }
    let header = rows.iter().position(|row| row[0] == Data::String("STT".into())).unwrap();
    let labels: Vec<String> = rows[header].iter().map(text).collect();
    assert_eq!(labels, table.columns.iter().map(|column| column.label.clone()).collect::<Vec<_>>());
    for (row, is) in rows[header + 1..].iter().zip(table.rows.iter().chain(&table.total)) {
        for (found, cell) in row.iter().zip(&is.cells) {
            match cell {
                Cell::Empty => assert_eq!(*found, Data::Empty),
                Cell::Text(words) => assert_eq!(text(found), *words),
                Cell::Count(number) => assert_eq!(*found, Data::Float(*number as f64)),
                Cell::Decimal(number) | Cell::Share(number) => assert_eq!(*found, Data::Float(*number)),
                Cell::Date(day) => assert_eq!(calamine::DataType::as_date(found), Some(*day)),
                Cell::Time(_) => {
                    let at = calamine::DataType::as_datetime(found).unwrap();
                    assert_eq!(at.format("%d/%m/%Y %H:%M").to_string(), "23/11/2026 16:59", "Hanoi's time");
                }
                Cell::Figure(..) => unreachable!(),
            }
        }
    }
    let formulas = book.worksheet_formula("Báo cáo").unwrap();
    assert!(formulas.used_cells().next().is_none());
    let points = sheet(&mut book, "Biểu đồ");
    assert_eq!(points[1][..2], [Data::String("22/11/2026".into()), Data::Float(3.0)]);
    assert!(part(&bytes, "xl/charts/chart1.xml").contains("Tiếp nhận theo ngày"));
}

#[test]
fn a_workbook_is_set_up_for_a4_landscape_and_filters() {
    let bytes = report_file::report(&table(6), &head(), Format::Xlsx).unwrap();
    let xml = part(&bytes, "xl/worksheets/sheet1.xml");
    for setting in [
        r#"paperSize="9""#,
        r#"orientation="landscape""#,
        "<autoFilter ref=\"A8:H14\"/>",
        r#"state="frozen""#,
        r#"fitToHeight="0""#,
        r#"left="1.181102"#,
        r#"right="0.590551"#,
        r#"top="0.787401"#,
        r#"bottom="0.787401"#,
        "Trang &amp;P/&amp;N",
    ] {
        assert!(xml.contains(setting), "{setting}: {xml}");
    }
    assert!(part(&bytes, "xl/workbook.xml").contains("$8:$8"), "the header is printed on every page");
    assert!(part(&bytes, "xl/styles.xml").contains(r#"<sz val="13"/>"#));
    assert!(part(&bytes, "docProps/core.xml").contains("Số xuất dữ liệu: 417"));
}

#[test]
fn a_text_file_opens_in_columns_and_computes_nothing() {
    let bytes = report_file::report(&table(4), &head(), Format::Csv).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let expected = "\u{FEFF}STT;Cơ quan BHXH;Tiếp nhận trong kỳ;Tăng;Số giờ;Tỷ lệ %;Ngày;Lúc\r\n\
        1;Bảo hiểm xã hội cơ sở Ba Đình;1234567;-3;7,2;97,5%;23/11/2026;23/11/2026 16:59\r\n\
        2;'=1+1;1234567;-3;7,2;97,5%;23/11/2026;23/11/2026 16:59\r\n\
        3;'@SUM(A1);1234567;-3;7,2;97,5%;23/11/2026;23/11/2026 16:59\r\n\
        4;\"'-cmd; \"\"x\"\"\";1234567;-3;7,2;97,5%;23/11/2026;23/11/2026 16:59\r\n\
        ;Tổng cộng;1234567;-3;7,2;97,5%;23/11/2026;23/11/2026 16:59\r\n\
        \r\n\
        BÁO CÁO TÌNH HÌNH GIẢI QUYẾT HỒ SƠ\r\n\
        Từ ngày 01/11/2026 đến ngày 30/11/2026\r\n\
        Tỷ lệ %: đúng hạn trên số đã duyệt và từ chối.\r\n\
        Bảo hiểm xã hội thành phố Hà Nội\r\n\
        Số xuất dữ liệu: 417, Trần Thị Minh Hạnh, 24/11/2026 09:05\r\n";
    assert_eq!(text, expected);
}

#[test]
fn a_list_longer_than_a_sheet_goes_on_in_another() {
    let folder = tempfile::tempdir().unwrap();
    let table = Table { total: None, rows: Vec::new(), ..table(0) };
    let mut list = ListBook::with_room(&table, &head(), folder.path(), 5).unwrap();
    for row in self::table(12).rows {
        list.add(&row.cells).unwrap();
    }
    let mut file = tempfile::tempfile_in(folder.path()).unwrap();
    list.save(&mut file).unwrap();
    let mut book = Xlsx::new(file).unwrap();
    assert_eq!(book.sheet_names(), ["Danh sách", "Danh sách (2)", "Danh sách (3)"]);
    let mut numbers = Vec::new();
    for name in book.sheet_names() {
        let range = book.worksheet_range(&name).unwrap();
        let rows: Vec<_> = range.rows().collect();
        let header = rows.iter().position(|row| row[0] == Data::String("STT".into())).unwrap();
        let counted = rows[header + 1..].iter().map_while(|row| calamine::DataType::as_i64(&row[0]));
        numbers.push(counted.collect::<Vec<_>>());
        let has = |words: &str| rows.iter().any(|row| row.iter().any(|cell| *cell == Data::String(words.into())));
        assert!(has("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"));
        let is_last = name == "Danh sách (3)";
        assert_eq!((has("Tổng cộng: 12 dòng."), has("GIÁM ĐỐC")), (is_last, is_last));
    }
    assert_eq!(numbers, [vec![1, 2, 3, 4, 5], vec![6, 7, 8, 9, 10], vec![11, 12]]);
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing is left behind");
}

/// The detailed list on one sheet of paper would have letters of four points.
#[test]
fn the_detailed_list_is_printed_on_two_sheets_side_by_side_that_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let table = Table { columns: list_columns(), beside: Some(LIST_BESIDE), ..Table::default() };
    let mut list = ListBook::new(&table, &head(), folder.path()).unwrap();
    list.add(&[Cell::Count(1), Cell::Text("00001/2026/99001".into())]).unwrap();
    let mut file = tempfile::tempfile_in(folder.path()).unwrap();
    list.save(&mut file).unwrap();
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    let sheet = part(&bytes, "xl/worksheets/sheet1.xml");
    for said in [r#"fitToWidth="2""#, r#"fitToHeight="0""#, r#"pageOrder="overThenDown""#] {
        assert!(sheet.contains(said), "{said}: {sheet}");
    }
    let wide = |columns: &[Column]| columns.iter().map(|column| column.width).sum::<f64>();
    let (left, right) = table.columns.split_at(usize::from(LIST_BESIDE.left));
    let right = wide(right) + wide(&left[..usize::from(LIST_BESIDE.again)]);
    assert!(wide(left).max(right) < 215.0, "the letters would be smaller than 7.5 points: {} {right}", wide(left));
    assert!(part(&bytes, "xl/workbook.xml").contains("$A:$D"), "who it is stands on both sheets");
}

/// As an office prints it: LibreOffice makes a PDF, of which every page has the header row and none is cut at its side.
#[test]
fn libreoffice_prints_it_one_page_wide_with_head_totals_and_foot() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let report = Table { chart: None, ..table(60) };
    std::fs::write(at("BaoCao.xlsx"), report_file::report(&report, &head(), Format::Xlsx).unwrap()).unwrap();
    // A profile of its own: another LibreOffice may run.
    let profile = format!("-env:UserInstallation=file://{}", at("profile").display());
    let made = Command::new("soffice")
        .args([&profile, "--headless", "--convert-to", "pdf", "--outdir"])
        .args([folder.path(), &at("BaoCao.xlsx")])
        .output()
        .expect("LibreOffice is missing: tests/run installs it");
    assert!(made.status.success(), "{made:?}");
    let printed = Command::new("pdftotext").args(["-layout"]).args([at("BaoCao.pdf"), at("text")]).output();
    assert!(printed.expect("poppler-utils is missing: tests/run installs it").status.success());
    let text = std::fs::read_to_string(at("text")).unwrap();
    let pages: Vec<&str> = text.trim_end_matches('\u{C}').split('\u{C}').collect();
    assert!((2..=4).contains(&pages.len()), "{} pages:\n{text}", pages.len());
    for (number, page) in (1..).zip(&pages) {
        assert!(page.contains("STT") && page.contains("Lúc"), "page {number}:\n{page}");
        assert!(page.contains(&format!("Trang {number}/{}", pages.len())), "page {number}:\n{page}");
    }
    let (first, last) = (pages[0], pages[pages.len() - 1]);
    for words in [
        "BẢO HIỂM XÃ HỘI VIỆT NAM",
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "97.5%",
        "23/11/2026 16:59",
    ] {
        assert!(first.contains(words), "{words}:\n{first}");
    }
    for words in ["Tổng cộng", "1,234,567", "NGƯỜI LẬP", "GIÁM ĐỐC", "ngày 24 tháng 11 năm 2026"] {
        assert!(last.contains(words), "{words}:\n{last}");
    }
    assert!(!text.contains("###"), "a column is too narrow:\n{text}");
    if let Some(keep) = std::env::var_os("TNHS_TEST_KEEP_PDF") {
        std::fs::copy(at("BaoCao.pdf"), keep).unwrap();
    }
}
