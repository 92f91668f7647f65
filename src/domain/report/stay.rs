//! An application's time in one office's queue.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use serde::Deserialize;

use crate::domain::event::EventKind;
use crate::domain::ids::{AgencyId, StaffId};

text_enum! {
    /// How an application comes into a queue.
    pub enum Entered {
        Filed = "filed" => "Gửi mới",
        Reopened = "reopened" => "Mở lại",
        Moved = "moved" => "Chuyển đến",
    }
}

text_enum! {
    /// How it leaves it.
    pub enum Left {
        Approved = "approved" => "Đã duyệt",
        Rejected = "rejected" => "Từ chối",
        Expired = "expired" => "Quá hạn",
        Moved = "moved" => "Chuyển đi",
    }
}

impl Left {
    /// Whether an officer decided it.
    pub fn is_decision(self) -> bool {
        matches!(self, Self::Approved | Self::Rejected)
    }
}

/// All times are UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stay {
    pub agency: AgencyId,
    pub entered: (Entered, NaiveDateTime),
    pub left: Option<(Left, NaiveDateTime)>,
    /// Of a decision.
    pub staff: Option<StaffId>,
    pub reason: Option<String>,
    pub late: bool,
}

impl Stay {
    /// How long a decision took from the entry, in hours that have begun.
    pub fn hours(&self) -> Option<i32> {
        self.left.filter(|(left, _)| left.is_decision()).map(|(_, at)| hours(self.entered.1, at))
    }
}

/// In hours that have begun, none less than none.
pub fn hours(from: NaiveDateTime, to: NaiveDateTime) -> i32 {
    i32::try_from(((to - from).num_seconds().max(0) + 3599) / 3600).unwrap_or(i32::MAX)
}

/// An event of an application's history.
pub struct Happened<'a> {
    pub kind: EventKind,
    pub at: NaiveDateTime,
    pub staff: Option<StaffId>,
    pub before: Option<&'a str>,
    pub after: Option<&'a str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    agency: String,
    agency_id: Option<AgencyId>,
    reason: Option<String>,
    late: bool,
}

impl Said {
    fn of(json: Option<&str>) -> Self {
        json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }

    /// Histories of before this was counted name the office only.
    fn office(&self, named: &HashMap<String, AgencyId>) -> Option<AgencyId> {
        self.agency_id.or_else(|| named.get(&self.agency).copied())
    }
}

/// The stays that a history tells of, oldest first. `agency` is where the application is now, `late` whether its last decision
/// came after its deadline; earlier decisions say so themselves.
pub fn replay(history: &[Happened<'_>], agency: AgencyId, late: bool, named: &HashMap<String, AgencyId>) -> Vec<Stay> {
    let moves = history.iter().filter(|event| event.kind == EventKind::Moved);
    let mut here = moves.clone().find_map(|event| Said::of(event.before).office(named)).unwrap_or(agency);
    let mut stays: Vec<Stay> = Vec::new();
    let enter = |agency, entered, at| Stay {
        agency,
        entered: (entered, at),
        left: None,
        staff: None,
        reason: None,
        late: false,
    };
    for event in history {
        let left = match event.kind {
            EventKind::Submitted | EventKind::Entered | EventKind::Imported => {
                stays.push(enter(here, Entered::Filed, event.at));
                continue;
            }
            EventKind::Reopened => {
                stays.push(enter(here, Entered::Reopened, event.at));
                continue;
            }
            EventKind::Approved | EventKind::Changed => Left::Approved,
            EventKind::Rejected => Left::Rejected,
            EventKind::Expired => Left::Expired,
            EventKind::Moved => Left::Moved,
            _ => continue,
        };
        let said = Said::of(event.after);
        if let Some(stay) = stays.last_mut().filter(|stay| stay.left.is_none()) {
            stay.left = Some((left, event.at));
            if left.is_decision() {
                stay.staff = event.staff;
                stay.late = said.late;
            }
            if left == Left::Rejected {
                stay.reason = said.reason.clone();
            }
        }
        if left == Left::Moved {
            here = said.office(named).unwrap_or(agency);
            stays.push(enter(here, Entered::Moved, event.at));
        }
    }
    if let Some(last) = stays.last_mut().filter(|stay| stay.left.is_some_and(|(left, _)| left.is_decision())) {
        last.late |= late;
    }
    stays
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> NaiveDateTime {
        NaiveDateTime::default() + chrono::TimeDelta::hours(hour)
    }

    fn happened(
        kind: EventKind,
        hour: i64,
        before: Option<&'static str>,
        after: Option<&'static str>,
    ) -> Happened<'static> {
        Happened { kind, at: at(hour), staff: Some(StaffId(7)), before, after }
    }

    #[test]
    fn a_history_is_retold_as_stays() {
        let history = [
            happened(EventKind::Submitted, 0, None, None),
            happened(EventKind::Viewed, 1, None, None),
            happened(EventKind::AwaitingCode, 2, None, None),
            happened(EventKind::Rejected, 3, None, Some(r#"{"reason":"Ảnh mờ","late":true}"#)),
            happened(EventKind::Reopened, 5, None, Some(r#"{"reason":"Ảnh rõ"}"#)),
            happened(EventKind::Moved, 6, Some(r#"{"agency":"A"}"#), Some(r#"{"agency":"B","agency_id":2}"#)),
            happened(EventKind::Approved, 8, None, Some("{}")),
        ];
        let named = HashMap::from([("A".to_owned(), AgencyId(1))]);
        let stays = replay(&history, AgencyId(2), false, &named);
        let stay = |agency, entered, left, staff, reason: Option<&str>, late| Stay {
            agency: AgencyId(agency),
            entered,
            left: Some(left),
            staff,
            reason: reason.map(str::to_owned),
            late,
        };
        let officer = Some(StaffId(7));
        assert_eq!(
            stays,
            [
                stay(1, (Entered::Filed, at(0)), (Left::Rejected, at(3)), officer, Some("Ảnh mờ"), true),
                stay(1, (Entered::Reopened, at(5)), (Left::Moved, at(6)), None, None, false),
                stay(2, (Entered::Moved, at(6)), (Left::Approved, at(8)), officer, None, false),
            ]
        );
        assert_eq!(stays.iter().map(Stay::hours).collect::<Vec<_>>(), [Some(3), None, Some(2)]);
    }

    #[test]
    fn what_nobody_decided_still_waits() {
        let stays = replay(&[happened(EventKind::Imported, 0, None, None)], AgencyId(3), true, &HashMap::new());
        assert_eq!(stays.iter().map(|stay| (stay.left, stay.late)).collect::<Vec<_>>(), [(None, false)]);
    }

    #[test]
    fn an_hour_counts_when_it_has_begun() {
        let minutes = |minutes| hours(at(0), at(0) + chrono::TimeDelta::minutes(minutes));
        assert_eq!([0, 1, 60, 61, -5].map(minutes), [0, 1, 1, 2, 0]);
    }
}
