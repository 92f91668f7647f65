//! One figure of a report, as the list of what it counts.

use super::Period;
use crate::domain::application::Channel;
use crate::domain::ids::{AgencyId, StaffId};

text_enum! {
    /// What is counted.
    pub enum Measure {
        Opening = "opening" => "Tồn đầu kỳ",
        Received = "received" => "Tiếp nhận trong kỳ",
        Filed = "filed" => "Gửi mới",
        Reopened = "reopened" => "Mở lại",
        MovedIn = "moved_in" => "Chuyển đến",
        MovedOut = "moved_out" => "Chuyển đi",
        Decided = "decided" => "Đã giải quyết",
        Approved = "approved" => "Đã duyệt",
        Rejected = "rejected" => "Từ chối",
        Expired = "expired" => "Quá hạn",
        OnTime = "on_time" => "Đúng hạn",
        Late = "late" => "Muộn",
        Closing = "closing" => "Tồn cuối kỳ",
        /// Of those that wait now: due today, and past their deadline.
        DueToday = "due_today" => "Đến hạn hôm nay",
        Overdue = "overdue" => "Đang chờ quá hạn giải quyết",
    }
}

/// What a list of stays shows. Within an office, a province or the country as the reader's scope allows.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Figure {
    pub measure: Measure,
    pub period: Period,
    /// An office alone, unless `below` says that it is a province with all below it; none for all that the reader sees.
    pub agency: Option<AgencyId>,
    pub below: bool,
    pub channel: Option<Channel>,
    /// Who decided.
    pub staff: Option<StaffId>,
    /// The rejection's reason; its other spellings count too (`super::reasons`).
    pub reason: Option<String>,
}
