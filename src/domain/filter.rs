//! What an officer asks of the list: the criteria of PHỤ LỤC 02 (step 4) and what officers had to script for themselves.
//! The filter is kept in the session under a short key, because much of it is personal data and must not stand in a URL.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::application::{Kind, Status};
use super::deadline::DeadlineState;
use super::ids::AgencyId;

text_enum! {
    /// The column that orders the list.
    pub enum Sort {
        /// The usual order: an officer sees what waits first, and all see the newest first.
        Queue = "queue" => "Chờ duyệt trước, mới nhất trước",
        Submitted = "submitted" => "Ngày gửi",
        Number = "number" => "Số hồ sơ",
        Code = "code" => "Mã số BHXH",
        Name = "name" => "Họ và tên",
        Birth = "birth" => "Ngày sinh",
        Phone = "phone" => "Điện thoại",
        Due = "due" => "Hạn",
        Agency = "agency" => "Cơ quan BHXH",
        Kind = "kind" => "Tình trạng",
        Status = "status" => "Trạng thái",
        Officer = "officer" => "Cán bộ",
    }
}

text_enum! {
    pub enum Group {
        Agency = "agency" => "Cơ quan BHXH",
        Officer = "officer" => "Cán bộ",
    }
}

/// Rows on a page.
pub const PAGE_SIZES: [u32; 4] = [25, 50, 100, 500];

/// How many results are counted exactly; beyond it a list says "more than".
pub const COUNT_CAP: u32 = 10_000;

/// A filter, already parsed. Its `Default` shows everything, in the usual order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// The quick-search box and the box *Số hồ sơ*, as they were typed.
    pub q: String,
    pub numbers: String,
    pub code: String,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    pub kind: Option<Kind>,
    pub status: Option<Status>,
    pub deadline: Option<DeadlineState>,
    pub agency: Option<AgencyId>,
    pub sort: Sort,
    pub descending: bool,
    pub size: u32,
    pub group: Option<Group>,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            q: String::new(),
            numbers: String::new(),
            code: String::new(),
            from: None,
            to: None,
            kind: None,
            status: None,
            deadline: None,
            agency: None,
            sort: Sort::Queue,
            descending: false,
            size: PAGE_SIZES[0],
            group: None,
        }
    }
}

impl Filter {
    /// The same without one criterion, named like its field: what a chip's cross does.
    pub fn without(mut self, field: &str) -> Self {
        match field {
            "q" => self.q.clear(),
            "numbers" => self.numbers.clear(),
            "code" => self.code.clear(),
            "from" => self.from = None,
            "to" => self.to = None,
            "kind" => self.kind = None,
            "status" => self.status = None,
            "deadline" => self.deadline = None,
            "agency" => self.agency = None,
            "group" => self.group = None,
            _ => {}
        }
        self
    }
}
