//! The address of the list behind a figure. It names offices, staff, days and codes; of a rejection's reason, which may speak of a
//! person, only a mark by which the list finds it again.

use chrono::NaiveDate;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::domain::application::Channel;
use crate::domain::ids::{AgencyId, StaffId};
use crate::domain::report::{Figure, Measure, Period};

/// Where the lists are.
pub const PATH: &str = "/reports/applications";

/// The address of the list that a figure counts.
pub fn address(figure: &Figure) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("measure", figure.measure.code());
    query.append_pair("first", &figure.period.first().to_string());
    query.append_pair("last", &figure.period.last().to_string());
    let given = [
        ("agency", figure.agency.map(|agency| agency.to_string())),
        ("below", figure.below.then(|| "1".to_owned())),
        ("channel", figure.channel.map(|channel| channel.code().to_owned())),
        ("staff", figure.staff.map(|staff| staff.to_string())),
        ("reason", figure.reason.as_deref().map(mark)),
    ];
    for (key, value) in given {
        if let Some(value) = value {
            query.append_pair(key, &value);
        }
    }
    format!("{PATH}?{}", query.finish())
}

/// What stands for a reason in an address.
pub fn mark(reason: &str) -> String {
    Sha256::digest(reason).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The query of such an address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Query {
    pub measure: String,
    pub first: String,
    pub last: String,
    pub agency: String,
    pub below: String,
    pub channel: String,
    pub staff: String,
    /// The reason's [`mark`].
    pub reason: String,
}

impl Query {
    /// The figure, without its reason, which `self.reason` is the mark of. None when the address was not made here: what it names
    /// must not silently mean everything.
    pub fn figure(&self) -> Option<Figure> {
        let day = |text: &str| text.parse::<NaiveDate>().ok();
        Some(Figure {
            measure: Measure::from_code(&self.measure)?,
            period: Period::between(day(&self.first)?, day(&self.last)?).ok()?,
            agency: given(&self.agency, |id| id.parse().ok().map(AgencyId))?,
            below: given(&self.below, |said| (said == "1").then_some(()))?.is_some(),
            channel: given(&self.channel, Channel::from_code)?,
            staff: given(&self.staff, |id| id.parse().ok().map(StaffId))?,
            reason: None,
        })
    }
}

/// What a parameter says: nothing when it is not there, and no answer at all when it says nothing that there is.
fn given<T>(text: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    if text.is_empty() { Some(None) } else { read(text).map(Some) }
}

#[cfg(test)]
mod tests {
    use actix_web::web;
    use proptest::option::of;
    use proptest::prelude::*;

    use super::*;

    fn read(address: &str) -> Query {
        let query = address.strip_prefix("/reports/applications?").unwrap();
        web::Query::<Query>::from_query(query).unwrap().into_inner()
    }

    prop_compose! {
        fn figures()(
            measure in prop::sample::select(Measure::ALL),
            (first, days) in (0_u64..40_000, 0_u64..3_000),
            (agency, below) in (of(1_i64..), any::<bool>()),
            channel in of(prop::sample::select(Channel::ALL)),
            staff in of(1_i64..),
            reason in of("\\PC{0,80}"),
        ) -> Figure {
            let first = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap() + chrono::Days::new(first);
            Figure {
                measure,
                period: Period::between(first, first + chrono::Days::new(days)).unwrap(),
                agency: agency.map(AgencyId),
                below,
                channel,
                staff: staff.map(StaffId),
                reason,
            }
        }
    }

    proptest! {
        #[test]
        fn the_address_of_a_figure_leads_back_to_it(figure in figures()) {
            let query = read(&address(&figure));
            prop_assert_eq!(query.reason.clone(), figure.reason.as_deref().map(mark).unwrap_or_default());
            prop_assert_eq!(query.figure(), Some(Figure { reason: None, ..figure }));
        }
    }

    #[test]
    fn what_an_address_says_wrongly_does_not_mean_everything() {
        let good = "/reports/applications?measure=received&first=2026-11-01&last=2026-11-30";
        assert!(read(good).figure().is_some());
        for more in ["&agency=x", "&below=2", "&channel=pigeon", "&staff=-"] {
            assert_eq!(read(&format!("{good}{more}")).figure(), None, "{more}");
        }
        assert_eq!(read("/reports/applications?measure=received&first=2026-11-30&last=2026-11-01").figure(), None);
        assert_eq!(read("/reports/applications?").figure(), None);
    }

    #[test]
    fn no_word_of_a_reason_stands_in_an_address() {
        let period = Period::of(crate::domain::report::Span::Day, NaiveDate::default() + chrono::Days::new(15_000));
        let reason = Some("Chị Hoa nộp ảnh của người khác".to_owned());
        let figure = Figure {
            measure: Measure::Rejected,
            period,
            agency: None,
            below: false,
            channel: None,
            staff: None,
            reason,
        };
        assert!(!address(&figure).contains("Hoa"));
    }
}
