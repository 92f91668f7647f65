//! What all our workbooks have in common: the fonts, the sheet set up for A4 landscape, the head and the foot.

use rust_xlsxwriter::{
    ConditionalFormatFormula, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, FormatUnderline,
    Workbook, Worksheet, XlsxError,
};

use super::made;
use crate::domain::dates::to_hanoi;
use crate::domain::report::{Beside, Cell, Column, Letterhead, Row, Table, Unit};

const FONT: &str = "Times New Roman";
/// In points.
const SIZE: f64 = 13.0;
/// How many characters across the sheet has at least: narrower ones have no room for the head.
const NARROWEST: f64 = 130.0;
/// A cell holds 32,767 characters.
const LONGEST: usize = 32_000;

/// The height of a line, and of a row with one, in points.
const LINE: f64 = 17.5;
const ROW: f64 = 19.0;
/// A row can be no taller.
const TALLEST: f64 = 409.0;

pub struct Styles {
    plain: Format,
    pub header: Format,
    units: [[Format; 2]; 6],
    /// Of the columns, in characters.
    widths: Vec<f64>,
    wraps: bool,
}

/// Where the units stand in [`Styles::units`].
const fn place(unit: Unit) -> usize {
    match unit {
        Unit::Text => 0,
        Unit::Count => 1,
        Unit::Decimal => 2,
        Unit::Share => 3,
        Unit::Date => 4,
        Unit::Time => 5,
    }
}

impl Styles {
    /// `wraps`: long texts make a row taller. A list has no such rows: each would stay in memory until the end. There what is too
    /// long is written smaller.
    pub fn new(columns: &[Column], wraps: bool) -> Self {
        let plain = Format::new().set_font_name(FONT).set_font_size(SIZE);
        let bordered = plain.clone().set_border(FormatBorder::Thin).set_align(FormatAlign::VerticalCenter);
        let of = |unit| {
            // A column's format holds for the head above the list as well, which has no lines.
            let format = if wraps { bordered.clone() } else { plain.clone().set_align(FormatAlign::VerticalCenter) };
            let format = match unit {
                Unit::Text => format.set_num_format("@"),
                Unit::Count => format.set_num_format("#,##0"),
                Unit::Decimal => format.set_num_format("#,##0.0"),
                Unit::Share => format.set_num_format("0.0%"),
                Unit::Date => format.set_num_format("dd/mm/yyyy").set_align(FormatAlign::Center),
                Unit::Time => format.set_num_format("dd/mm/yyyy hh:mm").set_align(FormatAlign::Center),
            };
            let format = match unit {
                Unit::Text if wraps => format.set_text_wrap(),
                Unit::Text => format.set_shrink(),
                _ => format,
            };
            [format.clone(), format.set_bold()]
        };
        let header = bordered.clone().set_bold().set_text_wrap().set_align(FormatAlign::Center);
        let header = header.set_background_color(0xE8_EE_F6);
        let units = [Unit::Text, Unit::Count, Unit::Decimal, Unit::Share, Unit::Date, Unit::Time].map(of);
        Self { plain, header, units, widths: widths(columns), wraps }
    }

    fn of(&self, unit: Unit, is_bold: bool) -> &Format {
        &self.units[place(unit)][usize::from(is_bold)]
    }

    /// As it stands over and under the table.
    fn centred(&self) -> Format {
        self.plain.clone().set_align(FormatAlign::Center).set_align(FormatAlign::VerticalCenter).set_text_wrap()
    }
}

/// A workbook that says who made it.
pub fn workbook(table: &Table, head: &Letterhead) -> Result<Workbook, XlsxError> {
    let mut properties =
        DocProperties::new().set_title(&table.title).set_author(&head.made_by).set_company(&head.office);
    properties = properties.set_comment(made(head));
    let made_at = ExcelDateTime::parse_from_str(&head.made_at.format("%Y-%m-%dT%H:%M:%S").to_string())?;
    let mut workbook = Workbook::new();
    workbook.set_properties(&properties.set_creation_datetime(&made_at));
    Ok(workbook)
}

/// The last column's number.
pub fn last(columns: &[Column]) -> u16 {
    u16::try_from(columns.len().saturating_sub(1)).unwrap_or(u16::MAX)
}

/// In characters; wider than they ask for when the head needs it.
fn widths(columns: &[Column]) -> Vec<f64> {
    let whole: f64 = columns.iter().map(|column| column.width).sum();
    let stretch = (NARROWEST / whole.max(1.0)).max(1.0);
    columns.iter().map(|column| column.width * stretch).collect()
}

/// The sheet's margins and columns, then the head; returns the row of the table's header, which is written too.
pub fn head(sheet: &mut Worksheet, table: &Table, head: &Letterhead, styles: &Styles) -> Result<u32, XlsxError> {
    const MM: f64 = 1.0 / 25.4;
    let widths = across(table, styles);
    let last = u16::try_from(widths.len().saturating_sub(1)).unwrap_or(u16::MAX);
    sheet.set_landscape().set_paper_size(9).set_print_center_horizontally(true);
    match table.beside {
        Some(Beside { again, .. }) => {
            sheet.set_print_fit_to_pages(2, 0).set_page_order(false).set_repeat_columns(0, again.saturating_sub(1))?
        }
        None => sheet.set_print_fit_to_pages(1, 0),
    };
    sheet.set_default_row_height(ROW);
    sheet.set_margins(30.0 * MM, 15.0 * MM, 20.0 * MM, 20.0 * MM, 10.0 * MM, 10.0 * MM);
    // An ampersand begins a command there.
    sheet.set_footer(format!("&L&\"{FONT}\"&10{}&R&\"{FONT}\"&10Trang &P/&N", made(head).replace('&', "&&")));
    for ((column, of), width) in (0..).zip(&table.columns).zip(&styles.widths) {
        sheet.set_column_width(column, *width)?;
        if !styles.wraps {
            sheet.set_column_format(column, styles.of(of.unit, false))?;
        }
    }
    let middle = middle(widths);
    let centred = styles.centred();
    let bold = centred.clone().set_bold();
    span(sheet, 0, 0, middle, "BẢO HIỂM XÃ HỘI VIỆT NAM", &centred)?;
    span(sheet, 0, middle + 1, last, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", &bold)?;
    span(sheet, 1, 0, middle, &head.office.to_uppercase(), &bold)?;
    let motto = bold.clone().set_underline(FormatUnderline::Single);
    span(sheet, 1, middle + 1, last, "Độc lập - Tự do - Hạnh phúc", &motto)?;
    if let Some(number) = head.number {
        span(sheet, 2, 0, middle, &format!("Số xuất dữ liệu: {number}"), &centred)?;
    }
    sheet.set_row_height(4, 26)?;
    span(sheet, 4, 0, last, &table.title, &bold.clone().set_font_size(15.0))?;
    let mut row = 5;
    for subtitle in &table.subtitles {
        span(sheet, row, 0, last, subtitle, &centred.clone().set_italic())?;
        row += 1;
    }
    row += 1;
    for (column, label) in (0..).zip(super::labels(&table.columns)) {
        sheet.write_string_with_format(row, column, label, &styles.header)?;
    }
    let lines =
        table.columns.iter().zip(&styles.widths).map(|(column, width)| lines(&column.label, *width)).max().unwrap_or(1);
    sheet.set_row_height(row, LINE * f64::from(lines) + 4.0)?;
    sheet.set_repeat_rows(row, row)?.set_freeze_panes(row + 1, 0)?;
    Ok(row)
}

/// The columns over and under which the head and the foot stand: those of one sheet of paper.
fn across<'a>(table: &Table, styles: &'a Styles) -> &'a [f64] {
    let left = table.beside.map_or(usize::MAX, |beside| usize::from(beside.left));
    &styles.widths[..styles.widths.len().min(left)]
}

/// Lines around the rows of a list, which have no formats of their own.
pub fn rule(sheet: &mut Worksheet, header: u32, end: u32, last: u16) -> Result<(), XlsxError> {
    let lines = Format::new().set_border(FormatBorder::Thin);
    let filled =
        ConditionalFormatFormula::new().set_rule(format!("=$A{}<>\"\"", header + 2).as_str()).set_format(lines);
    sheet.add_conditional_format(header + 1, 0, end.max(header + 1), last, &filled)?;
    Ok(())
}

/// How many lines a text needs in so many characters.
fn lines(text: &str, width: f64) -> u32 {
    let mut left = width;
    let mut lines = 1;
    for word in text.split([' ', '\n']) {
        // Ours is a bigger font than that in which the width is counted.
        let length = f64::from(u32::try_from(word.chars().count()).unwrap_or(u32::MAX)).mul_add(1.25, 1.0);
        if length > left && left < width {
            lines += 1;
            left = width;
        }
        left -= length;
    }
    lines
}

/// The last column of the left half.
fn middle(widths: &[f64]) -> u16 {
    let whole: f64 = widths.iter().sum();
    let mut before = 0.0;
    let left = widths.iter().take_while(|width| {
        before += **width;
        before <= whole * 0.55
    });
    let most = widths.len().saturating_sub(2);
    u16::try_from(left.count().saturating_sub(1).min(most)).unwrap_or(0)
}

/// A text across several columns.
fn span(sheet: &mut Worksheet, row: u32, first: u16, last: u16, text: &str, format: &Format) -> Result<(), XlsxError> {
    if first >= last {
        sheet.write_string_with_format(row, first, text, format)?;
    } else {
        sheet.merge_range(row, first, row, last, text, format)?;
    }
    Ok(())
}

/// One row of the table. Texts are texts whatever they begin with: never a formula, never a number that loses its zero.
pub fn row(
    sheet: &mut Worksheet,
    at: u32,
    columns: &[Column],
    cells: &[Cell],
    is_bold: bool,
    styles: &Styles,
) -> Result<(), XlsxError> {
    let texts = cells.iter().zip(&styles.widths).filter_map(|(cell, width)| match cell {
        Cell::Text(text) if styles.wraps => Some(lines(text, *width)),
        _ => None,
    });
    let most = texts.max().unwrap_or(1);
    if most > 1 {
        sheet.set_row_height(at, (LINE * f64::from(most) + 2.0).min(TALLEST))?;
    }
    for ((column, of), cell) in (0..).zip(columns).zip(cells) {
        let format = |unit: Unit| styles.of(unit, is_bold);
        match cell {
            Cell::Empty => sheet.write_blank(at, column, format(of.unit))?,
            Cell::Text(text) => sheet.write_string_with_format(at, column, cut(text), format(Unit::Text))?,
            Cell::Count(number) | Cell::Figure(number, _) => {
                sheet.write_number_with_format(at, column, exact(*number), format(Unit::Count))?
            }
            Cell::Decimal(number) => sheet.write_number_with_format(at, column, *number, format(Unit::Decimal))?,
            Cell::Share(share) => sheet.write_number_with_format(at, column, *share, format(Unit::Share))?,
            Cell::Date(date) => sheet.write_datetime_with_format(at, column, *date, format(Unit::Date))?,
            Cell::Time(utc) => sheet.write_datetime_with_format(at, column, to_hanoi(*utc), format(Unit::Time))?,
        };
    }
    Ok(())
}

/// A row of a list: its columns have their formats, which is a third quicker than a format for each cell.
pub fn list_row(sheet: &mut Worksheet, at: u32, cells: &[Cell]) -> Result<(), XlsxError> {
    for (column, cell) in (0..).zip(cells) {
        match cell {
            Cell::Empty => continue,
            Cell::Text(text) => sheet.write_string(at, column, cut(text))?,
            Cell::Count(number) | Cell::Figure(number, _) => sheet.write_number(at, column, exact(*number))?,
            Cell::Decimal(number) | Cell::Share(number) => sheet.write_number(at, column, *number)?,
            Cell::Date(date) => sheet.write_datetime(at, column, *date)?,
            Cell::Time(utc) => sheet.write_datetime(at, column, to_hanoi(*utc))?,
        };
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "no office counts to 2^53")]
fn exact(number: i64) -> f64 {
    number as f64
}

fn cut(text: &str) -> &str {
    text.char_indices().nth(LONGEST).map_or(text, |(end, _)| &text[..end])
}

/// The total, the notes and who signs, from `at` on.
pub fn foot(
    sheet: &mut Worksheet,
    mut at: u32,
    table: &Table,
    head: &Letterhead,
    styles: &Styles,
) -> Result<(), XlsxError> {
    let widths = across(table, styles);
    let last = u16::try_from(widths.len().saturating_sub(1)).unwrap_or(u16::MAX);
    if let Some(Row { cells, .. }) = &table.total {
        row(sheet, at, &table.columns, cells, true, styles)?;
        at += 1;
    }
    let note = styles.plain.clone().set_italic().set_text_wrap().set_font_size(11.0);
    let whole = widths.iter().sum();
    for text in &table.notes {
        sheet.set_row_height(at, LINE * f64::from(lines(text, whole)))?;
        span(sheet, at, 0, last, text, &note)?;
        at += 1;
    }
    let middle = middle(widths);
    let centred = styles.centred();
    let bold = centred.clone().set_bold();
    at += 1;
    // Where it is signed is written by hand.
    let day = to_hanoi(head.made_at).format("………………, ngày %d tháng %m năm %Y").to_string();
    span(sheet, at, middle + 1, last, &day, &centred.clone().set_italic())?;
    span(sheet, at + 1, 0, middle, "NGƯỜI LẬP", &bold)?;
    span(sheet, at + 1, middle + 1, last, "GIÁM ĐỐC", &bold)?;
    let (reader, signer) = ("(Ký, họ tên)", "(Ký, đóng dấu, họ tên)");
    span(sheet, at + 2, 0, middle, reader, &centred.clone().set_italic())?;
    span(sheet, at + 2, middle + 1, last, signer, &centred.clone().set_italic())?;
    span(sheet, at + 6, 0, middle, &head.made_by, &bold)
}
