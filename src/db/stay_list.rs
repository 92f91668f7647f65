//! The list behind a figure of a report: the stays that it counts, the newest first for a page, the oldest first for a file.
//! Both go on behind a row ([`Place`]), in the order of an index, so that no page is slower than the first.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Timestamp};

use super::Conn;
use super::schema::{agencies, applications, staff, stays};
use super::stays::Office;
use crate::domain::application::{Channel, Kind, Sex, Status};
use crate::domain::dates::{BirthDate, from_hanoi, to_hanoi};
use crate::domain::ids::{AgencyId, ApplicationId};
use crate::domain::permission::Scope;
use crate::domain::report::{Entered, Figure, Left, Measure};

/// A row's place in the list: the day by which it is counted, and its id.
pub type Place = (NaiveDate, i64);

/// Where a page begins.
#[derive(Clone, Copy, Debug)]
pub enum From {
    /// The newest first, older than this one.
    Before(Option<Place>),
    /// The oldest first, newer than this one.
    After(Option<Place>),
}

/// A stay and its application as it is today.
#[derive(Queryable)]
pub struct StayRow {
    pub stay: Stayed,
    pub application: Applied,
    /// The office in whose queue it was.
    pub agency: String,
    /// Who decided.
    pub officer: Option<String>,
}

#[derive(Queryable)]
pub struct Stayed {
    pub id: i64,
    pub entered_day: NaiveDate,
    pub entered_as: Entered,
    pub entered_at: NaiveDateTime,
    pub left_day: Option<NaiveDate>,
    pub left_as: Option<Left>,
    pub left_at: Option<NaiveDateTime>,
    /// Of a rejection.
    pub reason: Option<String>,
    /// Of a decision: after its deadline.
    pub late: Option<bool>,
}

/// Of somebody whose data was erased the texts are empty; so they are of an application that has gone on to where the reader sees
/// nothing.
#[derive(Queryable)]
pub struct Applied {
    pub id: ApplicationId,
    pub number: String,
    pub kind: Kind,
    pub status: Status,
    pub channel: Channel,
    pub code: String,
    pub name: String,
    pub birth_date: Option<BirthDate>,
    pub sex: Option<Sex>,
    pub id_number: Option<String>,
    pub phone: String,
    pub due_at: NaiveDateTime,
    pub erased_at: Option<NaiveDateTime>,
    /// Where it is now.
    office: Office,
}

impl Applied {
    /// Whether it has gone on to where the reader sees nothing.
    pub fn is_elsewhere(&self) -> bool {
        self.name.is_empty() && self.erased_at.is_none()
    }

    fn hide(&mut self) {
        for text in [&mut self.code, &mut self.name, &mut self.phone] {
            text.clear();
        }
        (self.birth_date, self.sex, self.id_number) = (None, None, None);
    }
}

impl StayRow {
    /// Where the list goes on behind this row.
    pub fn place(&self, measure: Measure) -> Place {
        let Stayed { id, entered_day, left_day, .. } = self.stay;
        (if by_leaving(measure) { left_day.unwrap_or(entered_day) } else { entered_day }, id)
    }
}

/// Whether stays are counted on the day on which they end.
fn by_leaving(measure: Measure) -> bool {
    match measure {
        Measure::Opening
        | Measure::Received
        | Measure::Filed
        | Measure::Reopened
        | Measure::MovedIn
        | Measure::Closing
        | Measure::DueToday
        | Measure::Overdue => false,
        Measure::MovedOut
        | Measure::Decided
        | Measure::Approved
        | Measure::Rejected
        | Measure::Expired
        | Measure::OnTime
        | Measure::Late => true,
    }
}

/// Whose application is undecided and was to be decided from one instant on, before another.
macro_rules! due {
    ($from:expr, $before:expr) => {
        sql::<Bool>("stays.application_id IN (SELECT id FROM applications WHERE decided_at IS NULL AND due_at >= ")
            .bind::<Timestamp, _>($from)
            .sql(" AND due_at < ")
            .bind::<Timestamp, _>($before)
            .sql(")")
    };
}

/// Narrows a boxed query over stays and their applications to what a figure counts.
macro_rules! counted {
    ($conn:expr, $query:expr, $scope:expr, $figure:expr, $now:expr) => {{
        let (figure, now): (&Figure, NaiveDateTime) = ($figure, $now);
        let (first, last) = (figure.period.first(), figure.period.last());
        let mut query = $query;
        match $scope {
            Scope::Agency(agency) => query = query.filter(stays::agency_id.eq(agency)),
            Scope::Province(province) => query = query.filter(stays::province_id.eq(province)),
            Scope::Country => {}
            Scope::Nothing => query = query.filter(stays::id.lt(0)),
        }
        if let Some(channel) = figure.channel {
            query = query.filter(stays::channel.eq(channel));
        }
        if let Some(staff) = figure.staff {
            query = query.filter(stays::staff_id.eq(staff));
        }
        if let Some(reason) = &figure.reason {
            let spellings = super::report_parts::spellings($conn, $scope, figure.period, reason)?;
            query = query.filter(stays::reason.assume_not_null().eq_any(spellings));
        }
        // Compared with a NULL nothing is true, neither for what still waits.
        let left_day = stays::left_day.assume_not_null();
        let left_as = stays::left_as.assume_not_null();
        let late = stays::late.assume_not_null();
        let entered_within = stays::entered_day.between(first, last);
        let waited =
            |before: NaiveDate| stays::entered_day.lt(before).and(stays::left_day.is_null().or(left_day.ge(before)));
        let next = last + TimeDelta::days(1);
        let left_within = left_day.between(first, last);
        match figure.measure {
            Measure::Opening => query.filter(waited(first)),
            Measure::Closing => query.filter(waited(next)),
            // Those that came and went on in the same period are none of this office's.
            Measure::Received => {
                let moved_within = stays::left_as.is_not_null().and(left_as.eq(Left::Moved)).and(left_within);
                let stayed = stays::left_as.is_null().or(left_as.ne(Left::Moved)).or(left_day.gt(last));
                query.filter(entered_within.and(stayed).or(stays::entered_day.lt(first).and(moved_within)))
            }
            Measure::Filed => query.filter(entered_within).filter(stays::entered_as.eq(Entered::Filed)),
            Measure::Reopened => query.filter(entered_within).filter(stays::entered_as.eq(Entered::Reopened)),
            Measure::MovedIn => query.filter(entered_within).filter(stays::entered_as.eq(Entered::Moved)),
            Measure::MovedOut => query.filter(left_within).filter(left_as.eq(Left::Moved)),
            Measure::Approved => query.filter(left_within).filter(left_as.eq(Left::Approved)),
            Measure::Rejected => query.filter(left_within).filter(left_as.eq(Left::Rejected)),
            Measure::Expired => query.filter(left_within).filter(left_as.eq(Left::Expired)),
            Measure::Decided => query.filter(left_within).filter(stays::late.is_not_null()),
            Measure::OnTime => query.filter(left_within).filter(late.eq(false)),
            Measure::Late => query.filter(left_within).filter(late.eq(true)),
            Measure::DueToday => {
                let tomorrow = from_hanoi(to_hanoi(now).date() + TimeDelta::days(1), NaiveTime::MIN);
                query.filter(stays::left_day.is_null()).filter(due!(now, tomorrow))
            }
            Measure::Overdue => query.filter(stays::left_day.is_null()).filter(due!(NaiveDateTime::default(), now)),
        }
    }};
}

/// The figure. Of what was received, what was moved away is taken off, as [`crate::domain::report::Counts::received`] does.
pub fn count(conn: &mut Conn, scope: Scope, figure: &Figure, now: NaiveDateTime) -> QueryResult<i64> {
    let Some(scope) = part(conn, scope, figure)? else { return Ok(0) };
    let all: i64 = counted!(conn, stays::table.count().into_boxed(), scope, figure, now).get_result(conn)?;
    if figure.measure != Measure::Received {
        return Ok(all);
    }
    let went = counted!(conn, stays::table.count().into_boxed(), scope, figure, now);
    let went: i64 = went.filter(stays::entered_day.lt(figure.period.first())).get_result(conn)?;
    Ok(all - 2 * went)
}

/// A page of the list, or a piece of a file.
pub fn page(
    conn: &mut Conn,
    scope: Scope,
    figure: &Figure,
    now: NaiveDateTime,
    from: From,
    limit: i64,
) -> QueryResult<Vec<StayRow>> {
    let Some(within) = part(conn, scope, figure)? else { return Ok(Vec::new()) };
    let all = stays::table
        .inner_join(applications::table)
        .inner_join(agencies::table)
        .left_join(staff::table.on(stays::staff_id.eq(staff::id.nullable())))
        .select((
            (
                stays::id,
                stays::entered_day,
                stays::entered_as,
                stays::entered_at,
                stays::left_day,
                stays::left_as,
                stays::left_at,
                stays::reason,
                stays::late,
            ),
            (
                applications::id,
                applications::number,
                applications::kind,
                applications::status,
                applications::channel,
                applications::code,
                applications::name,
                applications::birth_date,
                applications::sex,
                applications::id_number,
                applications::phone,
                applications::due_at,
                applications::erased_at,
                (applications::agency_id, applications::province_id),
            ),
            agencies::name,
            staff::name.nullable(),
        ))
        .limit(limit)
        .into_boxed();
    let query = counted!(conn, all, within, figure, now);
    // Not "earlier, or of the same day and before": a database answers that without the index.
    macro_rules! from {
        ($day:expr) => {
            match from {
                From::Before(place) => {
                    let query = query.order(($day.desc(), stays::id.desc()));
                    match place {
                        Some((day, id)) => {
                            query.filter($day.le(day)).filter($day.lt(day).or(stays::id.lt(id))).load(conn)
                        }
                        None => query.load(conn),
                    }
                }
                From::After(place) => {
                    let query = query.order(($day.asc(), stays::id.asc()));
                    match place {
                        Some((day, id)) => {
                            query.filter($day.ge(day)).filter($day.gt(day).or(stays::id.gt(id))).load(conn)
                        }
                        None => query.load(conn),
                    }
                }
            }
        };
    }
    let rows: QueryResult<Vec<StayRow>> =
        if by_leaving(figure.measure) { from!(stays::left_day.assume_not_null()) } else { from!(stays::entered_day) };
    let mut rows = rows?;
    for application in rows.iter_mut().map(|row| &mut row.application) {
        let (agency, province) = application.office;
        // It counts here, but whose it is by now only those may see who have it.
        if !scope.covers(agency, province) {
            application.hide();
        }
    }
    Ok(rows)
}

/// The part of the reader's scope that a figure is of; none when it is not within it.
fn part(conn: &mut Conn, scope: Scope, figure: &Figure) -> QueryResult<Option<Scope>> {
    let Some(id) = figure.agency else { return Ok(Some(scope)) };
    let province = agencies::table.find(id).select(agencies::province_id).first::<Option<AgencyId>>(conn).optional()?;
    let part = province.and_then(|province| scope.part(id, province));
    Ok(if figure.below { part } else { part.map(|_| Scope::Agency(id)) })
}
