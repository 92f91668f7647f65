//! `/reports/applications`: the list behind a figure. It shows the same number, says what it is of, and each row opens its
//! application.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{Datelike, NaiveDate, NaiveDateTime};
use serde::Deserialize;

use super::cells;
use super::figure::{self, mark};
use crate::clock;
use crate::db::stay_list::{self, From, Place, StayRow};
use crate::db::{Conn, agencies, report_parts};
use crate::domain::permission::{Action, Scope};
use crate::domain::report::{Cell, Figure, Grain, Kind, Measure, Request, Span};
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::allowed::{Allowed, SeeReports};
use crate::web::exports::Form;
use crate::web::session::TypedSession;
use crate::web::{Chrome, Errors, Menu, page};

/// Rows on a page.
const SIZE: usize = 50;

/// Where a page begins: behind or before a row of this day and id.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct At {
    day: Option<NaiveDate>,
    /// Older ones follow this row.
    after: Option<i64>,
    /// Newer ones stand before this row.
    before: Option<i64>,
}

#[derive(Template)]
#[template(path = "reports/list.html")]
struct ListPage {
    chrome: Chrome,
    figure: Figure,
    count: i64,
    /// Of those received that went to another office instead.
    went: i64,
    /// What the list is of.
    chips: Vec<String>,
    rows: Vec<StayRow>,
    address: String,
    /// The report of which the figure is one.
    report: String,
    export: Form,
    export_errors: Errors,
    previous: Option<Place>,
    next: Option<Place>,
}

impl ListPage {
    fn counted(&self) -> String {
        cells::words(&Cell::Count(self.count))
    }
}

/// `GET /reports/applications?measure=&first=&last=&…`
pub async fn get(
    person: Allowed<SeeReports>,
    session: TypedSession,
    parts: web::Data<Parts>,
    asked: web::Query<figure::Query>,
    at: web::Query<At>,
) -> Result<HttpResponse, AppError> {
    let figure = asked.figure().ok_or(AppError::NotFound)?;
    let (scope, now, reason, at) = (person.scope(), clock::now(), asked.reason.clone(), at.into_inner());
    let (figure, chips, count, went, listed) = parts
        .snapshot(move |conn| {
            let figure = Figure { reason: reason_of(conn, scope, &figure, &reason)?, ..figure };
            let count = stay_list::count(conn, scope, &figure, now)?;
            let chips = chips(conn, scope, &figure, count)?;
            let went = went(conn, scope, &figure, now, count)?;
            let listed = listed(conn, scope, &figure, now, &at)?;
            Ok((figure, chips, count, went, listed))
        })
        .await?;
    let Listed { rows, has_previous, has_next } = listed;
    let listed = ListPage {
        chrome: Chrome::new(&person, &session, Menu::Reports),
        previous: rows.first().filter(|_| has_previous).map(|row| row.place(figure.measure)),
        next: rows.last().filter(|_| has_next).map(|row| row.place(figure.measure)),
        address: figure::address(&figure),
        report: report(&figure),
        export: Form::of(&figure),
        export_errors: Errors::default(),
        figure,
        count,
        went,
        chips,
        rows,
    };
    page(&listed, StatusCode::OK)
}

/// The address of a report that has the figure.
fn report(figure: &Figure) -> String {
    let kind = match figure {
        Figure { reason: Some(_), .. } => Kind::Reasons,
        Figure { staff: Some(_), .. } => Kind::Officers,
        Figure { channel: Some(_), .. } => Kind::Channels,
        _ => Kind::Agencies,
    };
    let Figure { period, agency, .. } = *figure;
    super::page::address(Span::Between, &Request { kind, period, agency, grain: Grain::Day })
}

/// A page of the list, and whether others stand before and behind it.
struct Listed {
    rows: Vec<StayRow>,
    has_previous: bool,
    has_next: bool,
}

fn listed(conn: &mut Conn, scope: Scope, figure: &Figure, now: NaiveDateTime, at: &At) -> Result<Listed, AppError> {
    // PostgreSQL does not know every day that can be written in an address.
    let day = at.day.filter(|day| (1900..2300).contains(&day.year()));
    let place = |id: Option<i64>| day.zip(id);
    let back = place(at.before);
    let from = back.map_or(From::Before(place(at.after)), |place| From::After(Some(place)));
    let mut rows = stay_list::page(conn, scope, figure, now, from, SIZE as i64 + 1)?;
    let more = rows.len() > SIZE;
    rows.truncate(SIZE);
    if back.is_some() {
        rows.reverse();
        return Ok(Listed { rows, has_previous: more, has_next: true });
    }
    Ok(Listed { rows, has_previous: place(at.after).is_some(), has_next: more })
}

/// The reason that a mark stands for.
fn reason_of(conn: &mut Conn, scope: Scope, figure: &Figure, marked: &str) -> Result<Option<String>, AppError> {
    if marked.is_empty() {
        return Ok(None);
    }
    let written = report_parts::reasons(conn, scope, figure.period)?;
    let found = written.into_iter().map(|(reason, _)| reason).find(|reason| mark(reason) == marked);
    found.map(Some).ok_or(AppError::NotFound)
}

/// How many of those received moved on: they stand in the list and are taken off.
fn went(conn: &mut Conn, scope: Scope, figure: &Figure, now: NaiveDateTime, count: i64) -> Result<i64, AppError> {
    if figure.measure != Measure::Received {
        return Ok(0);
    }
    let entered = [Measure::Filed, Measure::Reopened, Measure::MovedIn];
    let mut all = 0;
    for measure in entered {
        all += stay_list::count(conn, scope, &Figure { measure, ..figure.clone() }, now)?;
    }
    Ok(all - count)
}

/// In words what the list is of.
///
/// # Errors
/// [`AppError::NotFound`] when it names an office that the reader does not see, or somebody who is nothing to them.
fn chips(conn: &mut Conn, scope: Scope, figure: &Figure, count: i64) -> Result<Vec<String>, AppError> {
    let mut chips = vec![figure.period.title()];
    if let Some(id) = figure.agency {
        let agency = agencies::all(conn, scope)?.into_iter().find(|it| it.id == id).ok_or(AppError::NotFound)?;
        let below = if figure.below { " và các cơ quan trực thuộc" } else { "" };
        chips.push(format!("{}{below}", agency.name));
    }
    chips.extend(figure.channel.map(|channel| format!("Kênh: {}", channel.label())));
    if let Some(id) = figure.staff {
        let (name, agency, province) = report_parts::officer(conn, id)?;
        if count == 0 && !scope.covers(agency, province) {
            return Err(AppError::NotFound);
        }
        chips.push(format!("Cán bộ: {name}"));
    }
    chips.extend(figure.reason.as_ref().map(|reason| format!("Lý do: {reason}")));
    Ok(chips)
}
