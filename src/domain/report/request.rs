//! Which report, of what.

use serde::{Deserialize, Serialize};

use super::{Grain, Period};
use crate::domain::ids::AgencyId;

text_enum! {
    /// The reports that provinces make (the guide, section 8), besides the list of applications itself.
    pub enum Kind {
        Agencies = "agencies" => "Tình hình giải quyết theo cơ quan",
        Provinces = "provinces" => "Tình hình giải quyết theo tỉnh",
        Times = "times" => "Tình hình giải quyết theo thời gian",
        Officers = "officers" => "Tình hình giải quyết theo cán bộ",
        Reasons = "reasons" => "Lý do từ chối",
        Channels = "channels" => "Kênh kê khai",
        Messages = "messages" => "Tin nhắn",
        Coverage = "coverage" => "Độ bao phủ tài khoản",
    }
}

/// What somebody asks for. Kept with a subscription as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub kind: Kind,
    pub period: Period,
    /// An office alone, or a province with all below it; none for all that the reader sees.
    pub agency: Option<AgencyId>,
    /// How [`Kind`]s that follow the time cut the period.
    pub grain: Grain,
}

/// What stands over and under a report that is printed or sent (the guide, section 8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letterhead {
    /// The office that reports: the province's name, under `BẢO HIỂM XÃ HỘI VIỆT NAM`.
    pub office: String,
    /// Who made it, and when (UTC).
    pub made_by: String,
    pub made_at: chrono::NaiveDateTime,
    /// The number of the export, when it is one.
    pub number: Option<i64>,
}
