//! A report as a workbook. The total row holds numbers as the page shows them, not formulas: a formula would count sums of
//! provinces twice, no share is a sum, and not every reader computes.

use rust_xlsxwriter::{Chart, ChartType, Format, Workbook, XlsxError};

use super::page::{self, Styles};
use crate::domain::report::{self, Letterhead, Table};

/// From so many points on a chart has lines.
const LINES: usize = 32;

pub fn write(table: &Table, head: &Letterhead) -> Result<Vec<u8>, XlsxError> {
    let styles = Styles::new(&table.columns, true);
    let mut workbook = page::workbook(table, head)?;
    let sheet = workbook.add_worksheet();
    sheet.set_name("Báo cáo")?;
    let header = page::head(sheet, table, head, &styles)?;
    let mut at = header;
    for row in &table.rows {
        at += 1;
        page::row(sheet, at, &table.columns, &row.cells, row.is_subtotal, &styles)?;
    }
    sheet.autofilter(header, 0, at, page::last(&table.columns))?;
    page::foot(sheet, at + 1, table, head, &styles)?;
    if let Some(chart) = &table.chart {
        draw(&mut workbook, chart, &styles)?;
    }
    workbook.save_to_buffer()
}

/// A sheet with the chart beside what it shows.
fn draw(workbook: &mut Workbook, of: &report::Chart, styles: &Styles) -> Result<(), XlsxError> {
    const SHEET: &str = "Biểu đồ";
    let sheet = workbook.add_worksheet();
    sheet.set_name(SHEET)?.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    let text = Format::new().set_font_name("Times New Roman").set_font_size(13.0);
    sheet.set_column_width(0, 24)?;
    sheet.write_string_with_format(0, 0, &of.across, &styles.header)?;
    for (row, point) in (1..).zip(&of.points) {
        sheet.write_string_with_format(row, 0, point, &text)?;
    }
    let last = u32::try_from(of.points.len()).unwrap_or(u32::MAX);
    let kind = if of.points.len() < LINES { ChartType::Column } else { ChartType::Line };
    let mut chart = Chart::new(kind);
    chart.title().set_name(&of.title);
    chart.x_axis().set_name(&of.across);
    chart.y_axis().set_name(&of.upward);
    for (column, series) in (1_u16..).zip(&of.series) {
        sheet.set_column_width(column, 14)?;
        sheet.write_string_with_format(0, column, &series.name, &styles.header)?;
        for (row, value) in (1..).zip(&series.values) {
            if let Some(value) = value {
                sheet.write_number_with_format(row, column, *value, &text)?;
            }
        }
        let drawn = chart.add_series();
        drawn.set_name((SHEET, 0, column)).set_categories((SHEET, 1, 0, last, 0));
        drawn.set_values((SHEET, 1, column, last, column));
    }
    chart.set_width(900).set_height(420);
    let beside = u16::try_from(of.series.len()).unwrap_or(0) + 2;
    sheet.insert_chart(1, beside, &chart)?;
    Ok(())
}
