//! What is taken out as a file: the list behind a figure, made in the background, or a report, made at once. Each is numbered
//! and stands in the history.

use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

use super::report::{Beside, Column, Figure, Request, Unit};
use super::text::unaccented;

text_enum! {
    /// An export stands in exactly one state. The worker has something to do in the first two.
    pub enum ExportState {
        Queued = "queued" => "Chờ đến lượt",
        Writing = "writing" => "Đang ghi tệp",
        /// The file can be downloaded.
        Ready = "ready" => "Tải về được",
        /// A report, which went out as it was made.
        Sent = "sent" => "Đã xuất",
        Failed = "failed" => "Bị lỗi",
        Cancelled = "cancelled" => "Đã dừng",
        /// It was ready, and its time is over.
        Removed = "removed" => "Đã xóa tệp",
    }
}

impl ExportState {
    pub const AT_WORK: [Self; 2] = [Self::Queued, Self::Writing];

    pub fn is_at_work(self) -> bool {
        Self::AT_WORK.contains(&self)
    }
}

text_enum! {
    pub enum Format {
        Xlsx = "xlsx" => "Excel (.xlsx)",
        Csv = "csv" => "Văn bản (.csv)",
    }
}

/// How long a file can be downloaded.
pub const KEPT: TimeDelta = TimeDelta::hours(24);

/// How many exports of one person may be in the making (decided): somebody in a hurry does not hold up everybody else.
pub const AT_ONCE: i64 = 3;

/// After so many processes died over it an export is given up.
pub const ATTEMPTS: i32 = 3;

/// What an export is of. Kept with it as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    List(Figure),
    Report(Request),
}

impl Subject {
    /// In capitals over the list, in plain letters on the page.
    pub fn title(&self) -> String {
        match self {
            Self::List(figure) => format!("Danh sách hồ sơ: {}", figure.measure.label()),
            Self::Report(request) => request.kind.label().to_owned(),
        }
    }

    pub fn period(&self) -> String {
        match self {
            Self::List(figure) => figure.period.title(),
            Self::Report(request) => request.period.title(),
        }
    }

    /// `<Ten>_<yyyymmdd>.xlsx` (the guide, section 8).
    pub fn file_name(&self, day: NaiveDate, format: Format) -> String {
        let name = match self {
            Self::List(_) => "DanhSachHoSo".to_owned(),
            Self::Report(request) => joined(request.kind.label()),
        };
        format!("{name}_{}.{}", day.format("%Y%m%d"), format.code())
    }
}

/// The words in one, without accents, each with a capital.
fn joined(words: &str) -> String {
    let plain: String = words.chars().map(unaccented).collect();
    let words = plain.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters.collect::<Vec<_>>())
        })
        .collect()
}

/// A number of which only the last four characters are shown, and fewer of a short one: enough to find somebody again, too
/// little to know them by.
pub fn masked(number: &str) -> String {
    let count = number.chars().count();
    let hidden = count - 4.min(count / 2);
    number.chars().enumerate().map(|(at, c)| if at < hidden { '*' } else { c }).collect()
}

/// The columns of the detailed list.
pub fn list_columns() -> Vec<Column> {
    let text = |label, width| Column::new(label, width, Unit::Text);
    let time = |label| Column::new(label, 18.0, Unit::Time);
    vec![
        Column::new("STT", 10.0, Unit::Count),
        text("Số hồ sơ", 20.0),
        text("Mã số BHXH", 13.0),
        text("Họ và tên", 26.0),
        Column::new("Ngày sinh", 13.0, Unit::Date),
        text("Giới tính", 8.0),
        text("Số giấy tờ", 16.0),
        text("Điện thoại", 14.0),
        text("Cơ quan BHXH", 30.0),
        text("Tình trạng", 18.0),
        text("Kênh khai", 17.0),
        text("Vào hàng chờ", 11.0),
        time("Lúc vào"),
        time("Hạn giải quyết"),
        text("Kết quả", 11.0),
        time("Lúc ra"),
        text("Đúng hạn", 11.0),
        text("Cán bộ", 22.0),
        text("Lý do từ chối", 50.0),
    ]
}

/// Who it is and when it came on the left sheet, what became of it on the right one: on one sheet nobody could read so many columns.
pub const LIST_BESIDE: Beside = Beside { left: 13, again: 4 };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_number_shows_its_end_only() {
        assert_eq!(masked("001190000123"), "********0123");
        assert_eq!(masked("0900000001"), "******0001");
        assert_eq!(masked("B123"), "**23");
        assert_eq!(masked("7"), "*");
        assert_eq!(masked(""), "");
    }

    #[test]
    fn a_files_name_has_plain_letters_and_the_day() {
        assert_eq!(joined("Tình hình giải quyết theo cơ quan"), "TinhHinhGiaiQuyetTheoCoQuan");
        assert_eq!(joined("Độ phủ (tài khoản)"), "DoPhuTaiKhoan");
    }
}
