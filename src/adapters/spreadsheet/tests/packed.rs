//! Workbooks in packages: .xlsx, .xlsb, .ods.

use chrono::NaiveDate;
use rust_xlsxwriter::{Chart, ChartType, ExcelDateTime, Format, Workbook};

use super::*;

fn day(year: i32, month: u32, day: u32) -> Cell {
    Cell::Date(NaiveDate::from_ymd_opt(year, month, day).unwrap().into())
}

#[test]
fn visible_sheets_are_read_with_their_merged_areas() {
    let mut workbook = Workbook::new();
    workbook.add_worksheet().set_name("Trống").unwrap();
    workbook.add_worksheet().set_hidden(true).write(0, 0, "ẩn").unwrap();
    workbook.add_worksheet().set_very_hidden(true).write(0, 0, "ẩn").unwrap();
    let sheet = workbook.add_worksheet().set_name("Danh sách & <khác>").unwrap();
    let plain = Format::new();
    sheet.merge_range(0, 0, 0, 11, "DANH SÁCH", &plain).unwrap();
    sheet.merge_range(1, 1, 2, 1, "Họ tên", &plain).unwrap();
    sheet.write(1, 300, "xa").unwrap().write(3, 0, " \u{A0}").unwrap();
    sheet.write(5, 0, 957_220_295).unwrap().write(5, 2, true).unwrap();
    let date = ExcelDateTime::parse_from_str("1990-05-12").unwrap();
    sheet.write_with_format(5, 3, &date, &Format::new().set_num_format("dd/mm/yyyy")).unwrap();
    sheet.write_formula(5, 4, rust_xlsxwriter::Formula::new("=\"a\"&\"b\"").set_result("ab")).unwrap();
    sheet.write_formula(5, 5, rust_xlsxwriter::Formula::new("=1+1").set_result("2")).unwrap();
    sheet.write_formula(5, 6, rust_xlsxwriter::Formula::new("=NA()").set_result("#N/A")).unwrap();
    sheet.set_row_hidden(5).unwrap().set_column_hidden(0).unwrap();
    sheet.protect();
    let mut chart = Chart::new(ChartType::Line);
    chart.add_series().set_values(("Trống", 0, 0, 1, 0));
    workbook.add_chartsheet().insert_chart(0, 0, &chart).unwrap();

    let (bytes, sheets) = contents("x", &workbook.save_to_buffer().unwrap()).unwrap();
    let names: Vec<_> = sheets.iter().map(|sheet| sheet.name.as_str()).collect();
    assert_eq!((bytes, &names[..]), (Bytes::Workbook, &["Trống", "Danh sách & <khác>"][..]));
    assert!(sheets[0].rows.is_empty());
    assert_eq!(sheets[1].spans, [span((1, 0), (1, 11)), span((2, 1), (3, 1))]);
    assert_eq!(sheets[1].said_rows, Some(6));
    let [title, header, blank, person] = &sheets[1].rows[..] else { panic!("{:?}", sheets[1].rows) };
    assert_eq!((blank.0, &blank.1[..]), (4, &[text(" \u{A0}")][..]));
    assert_eq!((title.0, &title.1[0], header.0, &header.1[1]), (1, &text("DANH SÁCH"), 2, &text("Họ tên")));
    let expected =
        [Cell::Number(957_220_295.0), Cell::Empty, Cell::Bool(true), day(1990, 5, 12), text("ab"), Cell::Number(2.0)];
    assert_eq!((person.0, &person.1[..]), (6, &expected[..]));
}

#[test]
fn what_programs_leave_out_or_write_their_own_way_is_read() {
    let sheet = "\u{FEFF}<?xml version='1.0'?><x:worksheet xmlns:x='m'><x:dimension ref='A1'/><x:sheetData>
        <x:row><x:c t='inlineStr'><x:is><x:t xml:space='preserve'> a </x:t></x:is></x:c>
        <x:c t='inlineStr'><x:is><x:r><x:t xml:space='preserve'>Lê </x:t></x:r><x:rPh><x:t>no</x:t></x:rPh><x:r><x:t>An</x:t></x:r></x:is></x:c><x:c/>
        <x:c><x:v>1.50</x:v></x:c><x:c t='n'><x:v>9.57220295E8</x:v></x:c></x:row>
        <x:row/>
        <x:row><x:c t='s'><x:v>1</x:v></x:c><x:c t='s'><x:v>0</x:v></x:c><x:c t='s'><x:v/></x:c></x:row>
        <x:row r='9' spans='1:9'><x:c r='c9' t='str'><x:f>A1</x:f><x:v>x_x000D_&#10;&amp;y_x00</x:v></x:c>
        <x:c r='E9' t='e'><x:v>#SPILL!</x:v></x:c><x:c r='F9' t='d'><x:v>1990-05-12T00:00:00</x:v></x:c>
        <x:c r='G9' t='b'><x:v>1</x:v></x:c><x:c r='A9'><x:v>abc</x:v></x:c></x:row>
        </x:sheetData><x:mergeCells count='1'><x:mergeCell\n ref=\"A1:$B$2\" /></x:mergeCells></x:worksheet>";
    let strings = "<sst count='2' uniqueCount='999999'><si><t>một</t><phoneticPr/></si>
        <si><r><rPr/><t>h</t></r><rPh sb='0'><t>no</t></rPh><r><t>ai</t></r></si></sst>";
    let book = "<s:workbook xmlns:s='strict'><s:workbookPr date1904='true'/><s:bookViews/><s:sheets>
        <s:sheet name='A&amp;B' sheetId='7' rel:id='r9'/><s:sheet name='Again' rel:id='r9'/></s:sheets></s:workbook>";
    let relations = "<Relationships><Relationship Id='r9' Type='http://purl.oclc.org/ooxml/officeDocument/relationships/worksheet' Target='/Book/Sheets/S.XML'/></Relationships>";
    let root = "<Relationships><Relationship Id='a' Type='http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument' Target='/book/w.xml'/></Relationships>";
    let file = packed(&[
        ("_rels/.rels", root.as_bytes()),
        ("book/w.xml", book.as_bytes()),
        ("book/_rels/W.xml.rels", relations.as_bytes()),
        (r"book\sheets\s.xml", sheet.as_bytes()),
        ("book/sharedStrings.xml", strings.as_bytes()),
    ]);
    let (_, sheets) = contents("x", &file).unwrap();
    assert_eq!((sheets.len(), sheets[0].name.as_str()), (1, "A&B"));
    assert_eq!(sheets[0].spans, [span((1, 0), (2, 1))]);
    let number = Cell::Number;
    assert_eq!(
        sheets[0].rows,
        [
            (1, vec![text(" a "), text("Lê An"), Cell::Empty, number(1.5), number(957_220_295.0)]),
            (3, vec![text("hai"), text("một")]),
            (
                9,
                vec![
                    text("abc"),
                    Cell::Empty,
                    text("x\r\n&y_x00"),
                    Cell::Empty,
                    Cell::Empty,
                    day(1990, 5, 12),
                    Cell::Bool(true),
                ]
            ),
        ]
    );
}

#[test]
fn dates_are_numbers_with_a_dates_format() {
    let styles = "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='dd\\/mm\\/yyyy'/></numFmts>
        <cellStyleXfs><xf numFmtId='14'/></cellStyleXfs><cellXfs><xf numFmtId='0'/><xf numFmtId='164'/><xf numFmtId='14'/><xf numFmtId='20'/></cellXfs></styleSheet>";
    let sheet = "<worksheet><sheetData><row r='1'><c r='A1'><v>33005</v></c><c r='B1' s='1'><v>33005</v></c><c r='C1' s='2'><v>33005.5</v></c>
        <c r='D1' s='3'><v>0.5</v></c><c r='E1' s='99'><v>7</v></c></row></sheetData></worksheet>";
    let file = xlsx(sheet, &[("xl/styles.xml", styles.as_bytes())]);
    let noon = Cell::Date(NaiveDate::from_ymd_opt(1990, 5, 12).unwrap().and_hms_opt(12, 0, 0).unwrap());
    let expected = vec![Cell::Number(33_005.0), day(1990, 5, 12), noon, Cell::Number(0.5), Cell::Number(7.0)];
    assert_eq!(rows("x", &file), [(1, expected)]);
}

#[test]
fn merged_areas_are_found_wherever_the_pieces_of_a_part_end() {
    let merges: String = (1..60_000).map(|row| format!("<mergeCell ref=\"A{row}:B{row}\"/>")).collect();
    let file = xlsx(&format!("<worksheet><sheetData/><mergeCells>{merges}</mergeCells></worksheet>"), &[]);
    let (_, sheets) = contents("x", &file).unwrap();
    assert_eq!(sheets[0].spans.len(), 59_999);
    assert!(sheets[0].spans.iter().zip(1..).all(|(it, row)| *it == span((row, 0), (row, 1))));
}

/// A record of a binary workbook.
fn record(kind: u16, content: &[u8]) -> Vec<u8> {
    let [low, high] = [kind & 0x7F, kind >> 7].map(|part| u8::try_from(part).unwrap());
    let mut bytes = if kind < 128 { vec![low] } else { vec![low | 0x80, high] };
    let length = content.len();
    bytes.extend([u8::try_from(length & 0x7F).unwrap() | 0x80, u8::try_from(length >> 7).unwrap()]);
    bytes.extend(content);
    bytes
}

fn wide(text: &str) -> Vec<u8> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let length = u32::try_from(units.len()).unwrap().to_le_bytes();
    length.into_iter().chain(units.into_iter().flat_map(u16::to_le_bytes)).collect()
}

fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

#[test]
fn binary_workbooks_are_read() {
    let root =
        r#"<Relationships><Relationship Id="r1" Type="x/officeDocument" Target="xl/workbook.bin"/></Relationships>"#;
    let relations = r#"<Relationships><Relationship Id="r1" Type="x/worksheet" Target="worksheets/sheet1.bin"/>
        <Relationship Id="r2" Type="x/worksheet" Target="worksheets/sheet2.bin"/></Relationships>"#;
    let sheet = |state: u32, id: &str, name: &str| record(156, &[numbers(&[state, 1]), wide(id), wide(name)].concat());
    let workbook = [sheet(1, "r2", "Ẩn"), sheet(0, "r1", "Trang 1"), record(144, &[]), record(157, &[])].concat();
    let strings =
        [record(159, &numbers(&[1, 1])), record(19, &[vec![0], wide("Lê An")].concat()), record(160, &[])].concat();
    let format = |id: u16| record(47, &[[0, 0], id.to_le_bytes()].concat());
    let own = record(44, &[164_u16.to_le_bytes().to_vec(), wide("dd/mm/yyyy")].concat());
    let styles =
        [record(615, &numbers(&[1])), own, record(617, &numbers(&[2])), format(0), format(164), record(618, &[])]
            .concat();
    let cell = |kind, column, style, content: &[u8]| record(kind, &[&numbers(&[column, style])[..], content].concat());
    let rows_of = [
        record(129, &[]),
        record(148, &numbers(&[0, 4, 0, 9])),
        record(145, &[]),
        record(0, &numbers(&[4])),
        cell(7, 0, 0, &numbers(&[0])),
        cell(2, 1, 1, &numbers(&[33_005 << 2 | 2])),
        cell(5, 2, 0, &1.5_f64.to_le_bytes()),
        cell(4, 3, 0, &[1]),
        cell(3, 4, 0, &[0x2A]),
        cell(6, 5, 0, &wide("chữ")),
        cell(8, 6, 0, &wide("")),
        record(146, &[]),
        record(176, &numbers(&[4, 5, 1, 2])),
    ];
    let file = packed(&[
        ("_rels/.rels", root.as_bytes()),
        ("xl/workbook.bin", &workbook),
        ("xl/_rels/workbook.bin.rels", relations.as_bytes()),
        ("xl/styles.bin", &styles),
        ("xl/sharedStrings.bin", &strings),
        ("xl/worksheets/sheet1.bin", &rows_of.concat()),
    ]);
    let (_, sheets) = contents("x", &file).unwrap();
    assert_eq!((sheets.len(), sheets[0].name.as_str(), sheets[0].said_rows), (1, "Trang 1", Some(5)));
    assert_eq!(sheets[0].spans, [span((5, 1), (6, 2))]);
    let expected = vec![text("Lê An"), day(1990, 5, 12), Cell::Number(1.5), Cell::Bool(true), Cell::Empty, text("chữ")];
    assert_eq!(sheets[0].rows, [(5, expected)]);
}

fn ods(tables: &str) -> String {
    format!(
        "<office:document-content xmlns:office='o'><office:automatic-styles>
        <style:style style:name='ta2' style:family='table'><style:table-properties table:display='false'/></style:style>
        <style:style style:name='ta1' style:family='table'><style:table-properties table:display='true'/></style:style>
        </office:automatic-styles><office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    )
}

const TABLES: &str = "<table:tracked-changes><table:cell-content-change><table:table-cell><text:p>no</text:p></table:table-cell></table:cell-content-change></table:tracked-changes>
    <table:table table:name='Ẩn' table:style-name='ta2'><table:table-row><table:table-cell office:value-type='string'><text:p>no</text:p></table:table-cell></table:table-row></table:table>
    <table:table table:name='Danh sách' table:style-name='ta1'><table:shapes><draw:frame><text:p>no</text:p></draw:frame></table:shapes><table:table-column table:number-columns-repeated='16384'/>
    <table:table-header-rows><table:table-row>
    <table:table-cell office:value-type='string' table:number-columns-spanned='2' table:number-rows-spanned='2'><office:annotation><text:p>no</text:p></office:annotation><text:p>Họ<text:s text:c='2'/><text:span>và</text:span></text:p><text:p>tên<text:line-break/>&lt;</text:p></table:table-cell>
    <table:covered-table-cell office:value-type='string'><text:p>no</text:p></table:covered-table-cell>
    <table:table-cell table:number-columns-repeated='16382'/></table:table-row></table:table-header-rows>
    <table:table-row table:number-rows-repeated='3'/>
    <table:table-row table:visibility='collapse' table:number-rows-repeated='2'>
    <table:table-cell office:value-type='float' office:value='957220295' table:number-columns-repeated='2'><text:p>no</text:p></table:table-cell>
    <table:table-cell office:value-type='date' office:date-value='1990-05-12'><text:p>12/05/1990</text:p></table:table-cell>
    <table:table-cell office:value-type='boolean' office:boolean-value='true'/>
    <table:table-cell office:value-type='percentage' office:value='0.5'/>
    <table:table-cell office:value-type='time' office:time-value='PT08H30M00S'><text:p>08:30</text:p></table:table-cell>
    <table:table-cell office:value-type='string' calcext:value-type='error'><text:p>#N/A</text:p></table:table-cell>
    <table:table-cell office:value-type='string' office:string-value='0123'/>
    <table:table-cell><table:table><table:table-row><table:table-cell><text:p>no</text:p></table:table-cell></table:table-row></table:table></table:table-cell></table:table-row>
    <table:table-row table:number-rows-repeated='1048570'><table:table-cell table:number-columns-repeated='16384'/></table:table-row>
    </table:table>";

fn check_tables(name: &str, file: &[u8]) {
    let (bytes, sheets) = contents(name, file).unwrap();
    assert_eq!((bytes, sheets.len(), sheets[0].name.as_str()), (Bytes::Workbook, 1, "Danh sách"), "{name}");
    assert_eq!(sheets[0].spans, [span((1, 0), (2, 1))]);
    let number = Cell::Number(957_220_295.0);
    let person = vec![
        number.clone(),
        number,
        day(1990, 5, 12),
        Cell::Bool(true),
        Cell::Number(0.5),
        text("08:30"),
        Cell::Empty,
        text("0123"),
    ];
    assert_eq!(sheets[0].rows, [(1, vec![text("Họ  và\ntên\n<")]), (5, person.clone()), (6, person)]);
}

#[test]
fn open_document_sheets_are_read() {
    check_tables("x.ods", &packed(&[("content.xml", ods(TABLES).as_bytes())]));
    let flat = ods(TABLES).replace("document-content", "document");
    check_tables("x.fods", format!("<?xml version='1.0'?>{flat}").as_bytes());
    let letter = "<office:document-content><office:body><office:text/></office:body></office:document-content>";
    let letter = contents("x.odt", &packed(&[("content.xml", letter.as_bytes())]));
    assert_eq!(letter.unwrap_err(), FileFault::NotASpreadsheet);
    let manifest = "<m:manifest><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>";
    let locked = packed(&[("META-INF/manifest.xml", manifest.as_bytes()), ("content.xml", b"\x01\x02")]);
    assert_eq!(contents("x.ods", &locked).unwrap_err(), FileFault::Protected);
    let locked = packed(&[("META-INF/manifest.xml", manifest.as_bytes()), ("encrypted-package", b"\x01\x02")]);
    assert_eq!(contents("x.ods", &locked).unwrap_err(), FileFault::Protected);
}
