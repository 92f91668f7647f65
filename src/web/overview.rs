//! `/overview`, *Tổng quan*: where the work stands, for a supervisor who opens it every morning. Every figure leads to the list
//! that it counts.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use super::allowed::{Allowed, SeeReports};
use super::chart::{self, Drawn, Shape};
use super::reports::figure::address;
use super::session::TypedSession;
use super::{Chrome, Menu, page};
use crate::clock;
use crate::db::message_list::{self, Query};
use crate::db::{Conn, overview as db, reports, tallies};
use crate::domain::dates::{from_hanoi, to_hanoi};
use crate::domain::message_list::Standing;
use crate::domain::permission::{Actor, Scope};
use crate::domain::report::overview::{self, Waiting, figure};
use crate::domain::report::pace::Pace;
use crate::domain::report::{Counts, Grain, Kind, Measure, Period, Request, Span, Table};
use crate::error::AppError;
use crate::startup::Parts;

/// How long decisions took in weeks that are over: nothing changes them any more, and counting twelve weeks of the country anew
/// for every reader would take longer than all else on the page.
#[derive(Default)]
pub struct Paces(Mutex<HashMap<(Scope, NaiveDate), Option<Pace>>>);

impl Paces {
    /// How many weeks are remembered.
    const CAPACITY: usize = 20_000;

    fn of(&self, conn: &mut Conn, scope: Scope, week: Period, today: NaiveDate) -> Result<Option<Pace>, AppError> {
        let key = (scope, week.first());
        if let Some(pace) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(*pace);
        }
        let pace = Pace::of(db::hours(conn, scope, week)?);
        // Not in its last hours: what was decided before midnight may be written a moment after it.
        if week.last() + TimeDelta::days(1) < today {
            let mut paces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if paces.len() >= Self::CAPACITY {
                paces.clear();
            }
            paces.insert(key, pace);
        }
        Ok(pace)
    }
}

/// A figure of this moment.
struct Tile {
    class: &'static str,
    count: String,
    label: &'static str,
    address: String,
}

/// A chart with its table.
struct Panel {
    id: &'static str,
    drawn: Option<Drawn>,
    table: Table,
    /// A report that says more.
    more: String,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    chrome: Chrome,
    at: NaiveDateTime,
    tiles: Vec<Tile>,
    panels: Vec<Panel>,
}

/// What the page is made of.
struct Seen {
    waiting: Waiting,
    decided_today: i64,
    failures: i64,
    tables: [Table; 4],
}

/// `GET /overview`
pub async fn get(
    person: Allowed<SeeReports>,
    session: TypedSession,
    parts: web::Data<Parts>,
) -> Result<HttpResponse, AppError> {
    let now = clock::now();
    let today = Period::of(Span::Day, to_hanoi(now).date());
    let (actor, at_work) = (Actor::clone(&person), parts.clone());
    let seen = parts.snapshot(move |conn| look(conn, &at_work.paces, &actor, now, today)).await?;
    let of = |measure| address(&figure(measure, today));
    let tile = |class, count: i64, label, address| Tile { class, count: super::show::capped(&count), label, address };
    let exact = |class, count: i64, label, measure| Tile {
        class,
        count: super::show::thousands(&count),
        label,
        address: of(measure),
    };
    let Waiting { all, due_today, overdue } = seen.waiting;
    let tiles = vec![
        exact("changed", all, "Hồ sơ đang chờ", Measure::Closing),
        exact("warned", due_today, "Còn phải giải quyết hôm nay", Measure::DueToday),
        exact("refused", overdue, "Đang chờ, đã muộn", Measure::Overdue),
        exact("added", seen.decided_today, "Đã giải quyết hôm nay", Measure::Decided),
        tile("refused", seen.failures, "Tin không đến được, cần xử lý", "/messages/trouble".to_owned()),
    ];
    let span = |kind: Kind, period: Period| {
        format!("/reports/{}?span=between&first={}&last={}", kind.code(), period.first(), period.last())
    };
    let days = overview::days(today.first()).unwrap_or(today);
    let weeks = overview::weeks(today.first());
    let since = weeks.first().map_or(today, |week| Period::between(week.first(), today.last()).unwrap_or(today));
    let [per_day, waiting, pace, coverage] = seen.tables;
    let panel = |id, shape, table: Table, more| Panel {
        id,
        drawn: table.chart.as_ref().map(|chart| chart::draw(chart, shape, id)),
        table,
        more,
    };
    let panels = vec![
        panel("per-day", Shape::Lines, per_day, span(Kind::Agencies, days)),
        panel("pace", Shape::Lines, pace, span(Kind::Agencies, since)),
        panel("waiting", Shape::Bars, waiting, span(Kind::Agencies, today)),
        panel("coverage", Shape::Bars, coverage, span(Kind::Coverage, today)),
    ];
    let chrome = Chrome::new(&person, &session, Menu::Overview);
    page(&OverviewPage { chrome, at: now, tiles, panels }, StatusCode::OK)
}

fn look(conn: &mut Conn, paces: &Paces, actor: &Actor, now: NaiveDateTime, today: Period) -> Result<Seen, AppError> {
    let (scope, day) = (actor.scope(), today.first());
    let tomorrow = from_hanoi(day + TimeDelta::days(1), NaiveTime::MIN);
    let offices = reports::offices(conn, scope)?;
    let waiting = db::waiting(conn, scope, now, tomorrow)?;
    let days: Vec<(Period, Counts)> = match overview::days(day) {
        Some(days) => tallies::flows(conn, scope, days, Grain::Day)?,
        None => Vec::new(),
    };
    let mut weeks = Vec::new();
    for week in overview::weeks(day) {
        weeks.push((week, paces.of(conn, scope, week, day)?));
    }
    let failures = Query {
        scope: actor.sees_messages_of(),
        standing: Some(Standing::Trouble),
        channel: None,
        kind: None,
        agency: None,
        from: None,
        before: None,
        of: None,
    };
    let request = Request { kind: Kind::Coverage, period: today, agency: None, grain: Grain::Day };
    // The report has every office.
    let mut coverage = overview::as_charted(reports::table(conn, scope, &request)?.unwrap_or_default());
    coverage.title = "Độ bao phủ tài khoản so với chỉ tiêu".into();
    coverage.notes.clear();
    Ok(Seen {
        waiting: waiting.values().copied().sum(),
        decided_today: days.last().map_or(0, |(_, counts)| counts.decided()),
        failures: message_list::count_trouble(conn, &failures)?,
        tables: [
            overview::per_day(&days),
            overview::waiting(today, &offices, &waiting),
            overview::pace(&weeks),
            coverage,
        ],
    })
}
