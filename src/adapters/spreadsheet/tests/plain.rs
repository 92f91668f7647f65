//! Text with delimiters, HTML and XML documents.

use super::*;

fn csv(bytes: &[u8]) -> Vec<Row> {
    rows("danh sách.csv", bytes)
}

fn line(number: u32, cells: &[&str]) -> Row {
    let cell = |it: &&str| if it.is_empty() { Cell::Empty } else { text(it) };
    (number, cells.iter().map(cell).collect())
}

#[test]
fn the_delimiter_is_found_and_the_sheet_is_called_like_the_file() {
    for delimiter in [",", ";", "\t", "|"] {
        let file = ["Mã số,Họ tên,Ghi chú", "0123456789,Lê An,x", "0123456780,Vũ Bình,"].join("\r\n");
        let file = file.replace(',', delimiter);
        let (bytes, sheets) = contents(r"C:\du lieu\danh sách 1.2.csv", file.as_bytes()).unwrap();
        assert_eq!((bytes, sheets[0].name.as_str()), (Bytes::Utf8, "danh sách 1.2"));
        assert_eq!(sheets[0].rows[1], line(2, &["0123456789", "Lê An", "x"]), "{delimiter:?}");
        assert_eq!(sheets[0].rows[2], line(3, &["0123456780", "Vũ Bình"]));
    }
    assert_eq!(csv(b"one\ntwo")[1], line(2, &["two"]));
    let (_, sheets) = contents(".csv", b"a;b").unwrap();
    assert_eq!(sheets[0].name, ".csv");
}

#[test]
fn commas_in_addresses_are_no_delimiters() {
    let file = "Họ tên;Địa chỉ\nLê An;12 Trần Phú, Hà Nội, Việt Nam\nVũ Bình;\"3; Lê Lợi, Huế, VN\"\nHồ Chi;Huế, VN\n";
    assert_eq!(csv(file.as_bytes())[1], line(2, &["Lê An", "12 Trần Phú, Hà Nội, Việt Nam"]));
}

#[test]
fn every_record_is_a_row_also_an_empty_one() {
    for end in ["\n", "\r\n", "\r"] {
        let file = ["DANH SÁCH", "", "a;b", ";", "\"x\ny\";\"2 \"\"quoted\"\"\"", "", "c;d"].join(end);
        let expected =
            [line(1, &["DANH SÁCH"]), line(3, &["a", "b"]), line(5, &["x\ny", "2 \"quoted\""]), line(7, &["c", "d"])];
        assert_eq!(csv(file.as_bytes()), expected, "{end:?}");
    }
}

#[test]
fn the_first_line_may_say_the_delimiter_and_is_a_row() {
    assert_eq!(csv(b"sep=;\r\na;b,c\r\n1;2"), [line(2, &["a", "b,c"]), line(3, &["1", "2"])]);
    assert_eq!(csv(b"\xEF\xBB\xBF\"sep=|\"\na|b")[0], line(2, &["a", "b"]));
}

#[test]
fn a_stray_quote_costs_no_rows() {
    let mut file = String::from("ma;ten;so\n1;\"Lê \"Tám\" An\";5\n2;\"Vũ Bình;6\n3;\"Hồ; Chi\";7\n4;5\" ống;8\n");
    for number in 5..2_000 {
        file.push_str(&format!("{number};\"Người, {number}\";0\n"));
    }
    file.push_str("2000;\"Cuối;9");
    let rows = csv(file.as_bytes());
    assert_eq!(rows[1], line(2, &["1", "Lê \"Tám\" An", "5"]));
    assert_eq!(rows[2], line(3, &["2", "\"Vũ Bình", "6"]));
    assert_eq!(rows[3], line(4, &["3", "Hồ; Chi", "7"]));
    assert_eq!(rows[4], line(5, &["4", "5\" ống", "8"]));
    assert_eq!(rows.len(), 2_001);
    assert_eq!(rows[2_000], line(2_001, &["2000", "\"Cuối", "9"]));
}

#[test]
fn bytes_are_read_in_the_encoding_they_have() {
    let list = "Mã\tHọ tên\r\n1\tVũ Bình\r\n";
    let utf16 = |bytes: fn(u16) -> [u8; 2], mark: bool| -> Vec<u8> {
        let mark = mark.then_some(0xFEFF);
        mark.into_iter().chain(list.encode_utf16()).flat_map(bytes).collect()
    };
    let mut with_mark = b"\xEF\xBB\xBF".to_vec();
    with_mark.extend(list.bytes());
    for (bytes, expected) in [
        (list.as_bytes().to_vec(), Bytes::Utf8),
        (with_mark, Bytes::Utf8),
        (utf16(u16::to_le_bytes, true), Bytes::Utf16),
        (utf16(u16::to_be_bytes, true), Bytes::Utf16),
        (utf16(u16::to_le_bytes, false), Bytes::Utf16),
        (utf16(u16::to_be_bytes, false), Bytes::Utf16),
    ] {
        let (found, sheets) = contents("a.txt", &bytes).unwrap();
        assert_eq!(found, expected);
        assert_eq!(sheets[0].rows, [line(1, &["Mã", "Họ tên"]), line(2, &["1", "Vũ Bình"])]);
    }
    // TCVN3: the same bytes as Windows-1252 shows them, also those that it does not define.
    let (found, sheets) = contents("a.csv", b"ho;ten\nNguy\xD4n;Th\xDE H\xDFa\x81\n").unwrap();
    assert_eq!(found, Bytes::Single);
    assert_eq!(sheets[0].rows[1], line(2, &["NguyÔn", "ThÞ Hßa\u{81}"]));
}

#[test]
fn one_broken_letter_does_not_make_a_text_another() {
    let mut file = "Họ tên;Xã\nNguyễn Thị Ngọc Ánh;Mỹ Đình\n".repeat(10).into_bytes();
    file.extend(b"x\xC3;y\n");
    let (found, sheets) = contents("a.csv", &file).unwrap();
    assert_eq!(found, Bytes::Utf8);
    assert_eq!(sheets[0].rows[20], line(21, &["x\u{FFFD}", "y"]));
}

#[test]
fn html_tables_are_one_sheet_and_each_tr_a_row() {
    let page = "\u{FEFF}<html xmlns:x=\"urn:schemas-microsoft-com:office:excel\"><head><title>t</title>
        <style>td { mso-number-format:\"\\@\" }</style><script>if (a < b) '<td>no</td>'</script></head>
        <!--[if gte mso 9]><xml><x:Name>no</x:Name></xml><![endif]-->
        <body>outside<table><tr><th colspan=2>Họ &amp; tên<th rowspan='2'>Mã</tr>
        <tr><td>L&ecirc;&nbsp;An<br>(ông)</td><td x:num>1</td>
        <tr><td>Vũ<p>Bình<td><td>0123</table>
        <TABLE><TR><TD>&#7877; &lt;b&gt;</TD></TR><tr></tr><tr><td>cuối</td>";
    let (bytes, sheets) = contents("bao cao.xls", page.as_bytes()).unwrap();
    assert_eq!((bytes, sheets.len(), sheets[0].name.as_str()), (Bytes::Utf8, 1, "bao cao"));
    let expected = [
        (1, vec![text("Họ & tên"), Cell::Empty, text("Mã")]),
        (2, vec![text("Lê\u{A0}An (ông)"), text("1")]),
        (3, vec![text("Vũ Bình"), Cell::Empty, text("0123")]),
        (4, vec![text("ễ <b>")]),
        (6, vec![text("cuối")]),
    ];
    assert_eq!(sheets[0].rows, expected);
    assert_eq!(sheets[0].spans, [span((1, 0), (1, 1)), span((1, 2), (2, 2))]);
}

#[test]
fn cells_beside_and_below_merged_ones_keep_their_columns() {
    let page = "<table><tr><td rowspan=3>a<td colspan=2 rowspan=2>b<td>c</tr><tr><td>d</tr><tr><td>e<td rowspan=9>f</tr></table>
        <table><tr><td>g</table>";
    let (_, sheets) = contents("x", page.as_bytes()).unwrap();
    let at = |row: usize| sheets[0].rows[row].1.iter().map(|cell| cell.text().unwrap_or_default()).collect::<Vec<_>>();
    assert_eq!(
        [at(0), at(1), at(2), at(3)],
        [vec!["a", "b", "", "c"], vec!["", "", "", "d"], vec!["", "e", "f"], vec!["g"],]
    );
    // What is said about rows ends with the table.
    assert_eq!(sheets[0].spans[2], span((3, 2), (3, 2)));
}

#[test]
fn tables_in_tables_are_read_row_by_row() {
    let page =
        "<table><tr><td>menu<td><table><tr><th>Mã<th>Tên</tr><tr><td>1<td>An</table><td>rest<tr><td>foot</table>";
    assert_eq!(
        rows("x", page.as_bytes()),
        [line(1, &["menu"]), line(2, &["Mã", "Tên"]), line(3, &["1", "An"]), line(4, &["foot"])]
    );
}

#[test]
fn pages_in_old_encodings_are_handed_over_as_bytes() {
    let page = b"<meta charset=windows-1258><table><tr><td>Nguy\xEAn &#7877;</table>";
    let (bytes, sheets) = contents("x", page).unwrap();
    assert_eq!((bytes, &sheets[0].rows[0].1[0]), (Bytes::Single, &text("Nguyên ễ")));
    let page = "<html><table><tr><td>Vũ</table>";
    let page: Vec<u8> = std::iter::once(0xFEFF).chain(page.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let (bytes, sheets) = contents("x", &page).unwrap();
    assert_eq!((bytes, &sheets[0].rows[0].1[0]), (Bytes::Utf16, &text("Vũ")));
}

#[test]
fn a_single_file_web_page_is_its_html() {
    let page = "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=\"----=_x\"\r\n\r\nx\r\n------=_x\r\n\
        Content-Transfer-Encoding: quoted-printable\r\nContent-Type: text/html; charset=\"utf-8\"\r\n\r\n\
        <table x:str=3D\"1\"><tr><td>L=C3=AA A=\r\nn</td></tr></table>\r\n------=_x\r\nContent-Type: image/png\r\n\r\n\
        <table><tr><td>no\r\n------=_x--\r\n";
    assert_eq!(rows("x.xls", page.as_bytes()), [line(1, &["Lê An"])]);
}

#[test]
fn xml_spreadsheets_of_2003_are_read() {
    let page = r#"<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>
        <Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">
        <Styles><Style ss:ID="d"><NumberFormat ss:Format="dd/mm/yyyy"/></Style></Styles>
        <Worksheet ss:Name="Ẩn"><Table><Row><Cell><Data ss:Type="String">no</Data></Cell></Row></Table>
        <WorksheetOptions><Visible>SheetHidden</Visible></WorksheetOptions></Worksheet>
        <Worksheet ss:Name="Danh sách"><Table ss:ExpandedRowCount="5">
        <Row><Cell ss:MergeAcross="1" ss:MergeDown="1"><Data ss:Type="String">A &amp; B</Data></Cell><Cell><Data ss:Type="Number">1.5</Data></Cell></Row>
        <Row ss:Index="5"><Cell ss:Index="2" ss:StyleID="d"><Data ss:Type="Number">33005</Data><Comment><Data>no</Data></Comment></Cell>
        <Cell><ss:Data ss:Type="DateTime">1990-05-12T00:00:00.000</ss:Data></Cell><Cell><Data ss:Type="Error">#N/A</Data></Cell>
        <Cell><ss:Data ss:Type="String"><B>Lê</B> An</ss:Data></Cell><Cell><Data ss:Type="Boolean">1</Data></Cell></Row>
        </Table></Worksheet></Workbook>"#;
    let (bytes, sheets) = contents("x.xls", page.as_bytes()).unwrap();
    assert_eq!((bytes, sheets.len(), sheets[0].name.as_str()), (Bytes::Workbook, 1, "Danh sách"));
    assert_eq!((sheets[0].said_rows, &sheets[0].spans[..]), (Some(5), &[span((1, 0), (2, 1))][..]));
    let born = Cell::Date(chrono::NaiveDate::from_ymd_opt(1990, 5, 12).unwrap().into());
    assert_eq!(
        sheets[0].rows,
        [
            (1, vec![text("A & B"), Cell::Empty, Cell::Number(1.5)]),
            (5, vec![Cell::Empty, born.clone(), born, Cell::Empty, text("Lê An"), Cell::Bool(true)]),
        ]
    );
    let cut_off = &page.as_bytes()[..page.len() - 20];
    assert_eq!(contents("x.xls", cut_off).unwrap_err(), FileFault::NotASpreadsheet);
}

#[test]
fn what_is_no_list_is_told() {
    let fault = |bytes: &[u8]| contents("x.csv", bytes).unwrap_err();
    assert_eq!(fault(b""), FileFault::EmptyFile);
    let mut random = 1_u32;
    let noise: Vec<u8> = (0..2_000)
        .map(|_| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            random.to_be_bytes()[0]
        })
        .collect();
    for bytes in [
        &b"%PDF-1.7 a;b"[..],
        b"\x89PNG\r\n\x1A\n",
        b"\xFF\xD8\xFF\xE0",
        b"a;b\0c",
        b"{\\rtf1 a}",
        b"<html><body>no table</body></html>",
        b"<?xml version='1.0'?><list><row/></list>",
        b"PK\x03\x04",
        &noise,
    ] {
        assert_eq!(fault(bytes), FileFault::NotASpreadsheet, "{:?}", String::from_utf8_lossy(bytes));
    }
}
