//! *Mời cài đặt VssID* (letter 777/CNTT-PM of 15/05/2021): people whose account was approved and who have never signed in are told
//! by SMS how to, without a link. A supervisor invites them by a filter, once a month at most (**decided**).

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use serde::{Deserialize, Serialize};

use super::dates::{parse_date, show_date};
use super::declaration::Faults;
use super::ids::AgencyId;
use super::permission::Scope;
use super::text::FieldError;

/// Whoever was invited is not invited again for so long.
pub const INVITE_AGAIN: TimeDelta = TimeDelta::days(30);

/// Whom somebody invites.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// Of whoever invites, as it was then.
    pub scope: Scope,
    pub agency: Option<AgencyId>,
    /// The day of the approval.
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
}

impl Invited {
    /// # Errors
    /// By field: not a day, or an end before its beginning.
    pub fn parse(scope: Scope, agency: &str, from: &str, to: &str) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let mut day = |field: &'static str, raw: &str| {
            parse_date(raw).map_err(|fault| faults.push((field, fault))).ok().flatten()
        };
        let (from, to) = (day("from", from), day("to", to));
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            faults.push(("to", FieldError::new("Đến ngày không được trước Từ ngày.")));
        }
        if faults.is_empty() {
            Ok(Self { scope, agency: agency.trim().parse().ok().map(AgencyId), from, to })
        } else {
            Err(faults)
        }
    }

    /// The days in words.
    pub fn days(&self) -> String {
        match (self.from, self.to) {
            (None, None) => "mọi ngày duyệt".into(),
            (Some(from), None) => format!("duyệt từ {}", show_date(from)),
            (None, Some(to)) => format!("duyệt đến {}", show_date(to)),
            (Some(from), Some(to)) => format!("duyệt từ {} đến {}", show_date(from), show_date(to)),
        }
    }
}

/// Invited at or before this, somebody may be invited again.
pub fn invited_long_ago(now: NaiveDateTime) -> NaiveDateTime {
    now - INVITE_AGAIN
}
