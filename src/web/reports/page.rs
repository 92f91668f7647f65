//! `/reports`: which report, of which time and office; `/reports/{kind}`: the report, to be read, printed and followed to the lists
//! behind its figures. What was asked for stands in the address, so that it can be kept and sent on: an office, days and codes.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{NaiveDate, TimeDelta};
use serde::Deserialize;

use crate::clock;
use crate::db::agencies::{self, Agency};
use crate::db::reports;
use crate::domain::dates::{parse_date, show_date, to_hanoi};
use crate::domain::export::Format;
use crate::domain::ids::AgencyId;
use crate::domain::permission::{Action, Actor};
use crate::domain::report::{Grain, Kind, Letterhead, Period, Request, Span, Table};
use crate::domain::text::FieldError;
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::allowed::{Allowed, Export, SeeReports};
use crate::web::chart::{self, Drawn, Shape};
use crate::web::session::TypedSession;
use crate::web::{Chrome, Errors, Menu, exports, page, see_other};

/// Where a report is chosen.
pub const PATH: &str = "/reports";

/// The form, and the query of a report's address. Days may be typed as people write them or stand as in an address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Query {
    /// Of the form only: a report's address has it in its path.
    kind: String,
    span: String,
    first: String,
    last: String,
    agency: String,
    grain: String,
}

impl Query {
    /// The request, as far as the query says; what it leaves out is this month, by day, all that the reader sees.
    pub fn request(&self, kind: Kind, today: NaiveDate) -> Result<Request, Errors> {
        let mut errors = Errors::default();
        let span = self.span();
        let first = day("first", &self.first, &mut errors).unwrap_or(today);
        // Only a period between two days has a last day of its own; without one it is as good as the first.
        let last = if span == Span::Between { day("last", &self.last, &mut errors).unwrap_or(first) } else { first };
        let period = match span {
            Span::Between => Period::between(first, last).map_err(|fault| errors.0.push(("last", fault))).ok(),
            // Only days that a report can be about.
            _ => Period::between(first, first)
                .map(|_| Period::of(span, first))
                .map_err(|fault| errors.0.push(("first", fault)))
                .ok(),
        };
        let agency = match self.agency.as_str() {
            "" => None,
            id => match id.parse() {
                Ok(id) => Some(AgencyId(id)),
                Err(_) => {
                    errors.0.push(("agency", FieldError::new("Chọn cơ quan trong danh sách.")));
                    None
                }
            },
        };
        match period {
            Some(period) if errors.is_empty() => Ok(Request { kind, period, agency, grain: self.grain() }),
            _ => Err(errors),
        }
    }

    pub fn span(&self) -> Span {
        Span::from_code(&self.span).unwrap_or(Span::Month)
    }

    fn grain(&self) -> Grain {
        Grain::from_code(&self.grain).unwrap_or(Grain::Day)
    }
}

/// A day that is typed or stands in an address; none when nothing does.
fn day(field: &'static str, text: &str, errors: &mut Errors) -> Option<NaiveDate> {
    if let Ok(day) = text.parse() {
        return Some(day);
    }
    parse_date(text).map_err(|fault| errors.0.push((field, fault))).ok().flatten()
}

/// The query of a report's address.
pub fn query(span: Span, request: &Request) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("span", span.code());
    query.append_pair("first", &request.period.first().to_string());
    query.append_pair("last", &request.period.last().to_string());
    if let Some(agency) = request.agency {
        query.append_pair("agency", &agency.to_string());
    }
    if request.kind == Kind::Times {
        query.append_pair("grain", request.grain.code());
    }
    query.finish()
}

/// Where a report is.
pub fn address(span: Span, request: &Request) -> String {
    format!("{PATH}/{}?{}", request.kind.code(), query(span, request))
}

/// The periods before and after, as long as this one.
fn neighbours(span: Span, period: Period) -> [Option<Period>; 2] {
    let (before, after) = (period.first() - TimeDelta::days(1), period.last() + TimeDelta::days(1));
    let days = period.last() - period.first();
    match span {
        Span::Between => [Period::between(before - days, before).ok(), Period::between(after, after + days).ok()],
        _ => [before, after].map(|day| Period::between(day, day).ok().map(|_| Period::of(span, day))),
    }
}

/// The periods that are asked for most, each with the address of its report, and whether it is the one that is shown.
fn often(of: &Request, is_shown: bool, today: NaiveDate) -> Vec<(&'static str, String, bool)> {
    let last_month = Period::before(Span::Month, today).first();
    let last_week = Period::before(Span::Week, today).first();
    let days = [
        ("Hôm nay", Span::Day, today),
        ("Tuần này", Span::Week, today),
        ("Tuần trước", Span::Week, last_week),
        ("Tháng này", Span::Month, today),
        ("Tháng trước", Span::Month, last_month),
        ("Quý này", Span::Quarter, today),
        ("Năm nay", Span::Year, today),
    ];
    let link = |(name, span, day)| {
        let period = Period::of(span, day);
        (name, address(span, &Request { period, ..of.clone() }), is_shown && period == of.period)
    };
    days.map(link).into()
}

#[derive(Template)]
#[template(path = "reports/page.html")]
struct ReportPage {
    chrome: Chrome,
    form: Query,
    errors: Errors,
    kind: Kind,
    agencies: Vec<Agency>,
    /// Periods to choose with one press.
    often: Vec<(&'static str, String, bool)>,
    report: Option<Report>,
}

/// The report on its page.
struct Report {
    table: Table,
    drawn: Option<Drawn>,
    head: Letterhead,
    /// The period is not over: what it counts may still grow.
    goes_on: bool,
    /// What its files' addresses end with.
    query: String,
    /// The addresses of the same report of the periods before and after.
    before: Option<String>,
    after: Option<String>,
}

impl ReportPage {
    /// The office of the head in capitals, when it is another than the one above it.
    fn office(head: &Letterhead) -> Option<String> {
        let name = head.office.to_uppercase();
        (name != "BẢO HIỂM XÃ HỘI VIỆT NAM").then_some(name)
    }
}

/// `GET /reports`: the form alone; sent, it leads to its report.
pub async fn choose(
    person: Allowed<SeeReports>,
    session: TypedSession,
    parts: web::Data<Parts>,
    asked: web::Query<Query>,
) -> Result<HttpResponse, AppError> {
    let (mut form, today) = (asked.into_inner(), to_hanoi(clock::now()).date());
    let errors = match Kind::from_code(&form.kind) {
        Some(kind) => match form.request(kind, today) {
            Ok(request) => return Ok(see_other(&address(form.span(), &request))),
            Err(errors) => errors,
        },
        None => Errors::default(),
    };
    let kind = Kind::from_code(&form.kind).unwrap_or(Kind::Agencies);
    let usual = this_month(kind, today);
    if form.kind.is_empty() {
        form = shown(form.span(), &usual);
    }
    let scope = person.scope();
    let agencies = parts.read(move |conn| Ok(agencies::all(conn, scope)?)).await?;
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let chrome = Chrome::new(&person, &session, Menu::Reports);
    page(&ReportPage { chrome, form, errors, kind, agencies, often: often(&usual, false, today), report: None }, status)
}

/// What is asked for most.
fn this_month(kind: Kind, today: NaiveDate) -> Request {
    Request { kind, period: Period::of(Span::Month, today), agency: None, grain: Grain::Day }
}

/// The form as a person fills it in for this report.
fn shown(span: Span, request: &Request) -> Query {
    Query {
        kind: request.kind.code().into(),
        span: span.code().into(),
        first: show_date(request.period.first()),
        last: show_date(request.period.last()),
        agency: request.agency.map(|agency| agency.to_string()).unwrap_or_default(),
        grain: request.grain.code().into(),
    }
}

/// `GET /reports/{kind}`
pub async fn get(
    person: Allowed<SeeReports>,
    session: TypedSession,
    parts: web::Data<Parts>,
    kind: web::Path<String>,
    asked: web::Query<Query>,
) -> Result<HttpResponse, AppError> {
    let kind = Kind::from_code(&kind).ok_or(AppError::NotFound)?;
    let (asked, now) = (asked.into_inner(), clock::now());
    let scope = person.scope();
    let chrome = Chrome::new(&person, &session, Menu::Reports);
    let today = to_hanoi(now).date();
    let request = match asked.request(kind, today) {
        Ok(request) => request,
        Err(errors) => {
            let agencies = parts.read(move |conn| Ok(agencies::all(conn, scope)?)).await?;
            let form = Query { kind: kind.code().into(), ..asked };
            let often = often(&this_month(kind, today), false, today);
            let wrong = ReportPage { chrome, form, errors, kind, agencies, often, report: None };
            return page(&wrong, StatusCode::UNPROCESSABLE_ENTITY);
        }
    };
    let (reader, of) = (Actor::clone(&person), request.clone());
    let (agencies, table, head) = parts
        .snapshot(move |conn| {
            let table = reports::table(conn, scope, &of)?.ok_or(AppError::NotFound)?;
            let office = reports::reporting_office(conn, &reader)?;
            let head = Letterhead { office, made_by: reader.name, made_at: now, number: None };
            Ok((agencies::all(conn, scope)?, table, head))
        })
        .await?;
    let drawn = table.chart.as_ref().map(|chart| chart::draw(chart, Shape::of(chart), "chart"));
    let [before, after] = neighbours(asked.span(), request.period)
        .map(|period| period.map(|period| address(asked.span(), &Request { period, ..request.clone() })));
    let form = shown(asked.span(), &request);
    let (often, goes_on) = (often(&request, true, today), today <= request.period.last());
    let query = query(asked.span(), &request);
    let report = Some(Report { table, drawn, head, goes_on, query, before, after });
    page(&ReportPage { chrome, form, errors: Errors::default(), kind, agencies, often, report }, StatusCode::OK)
}

/// `GET /reports/{kind}.xlsx`, `/reports/{kind}.csv`: the report as a file.
pub async fn file(
    sent: HttpRequest,
    person: Allowed<Export>,
    parts: web::Data<Parts>,
    path: web::Path<(String, String)>,
    asked: web::Query<Query>,
) -> Result<HttpResponse, AppError> {
    let kind = Kind::from_code(&path.0).ok_or(AppError::NotFound)?;
    let format = Format::from_code(&path.1).ok_or(AppError::NotFound)?;
    let request = asked.request(kind, to_hanoi(clock::now()).date()).map_err(|_| AppError::Malformed)?;
    exports::report::send(&sent, &person, parts, request, format).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Result<Request, Errors> {
        let today = NaiveDate::from_ymd_opt(2026, 11, 24).unwrap();
        web::Query::<Query>::from_query(query).unwrap().request(Kind::Times, today)
    }

    #[test]
    fn the_address_of_a_report_leads_back_to_it() {
        for span in Span::ALL {
            for grain in Grain::ALL {
                let day = NaiveDate::from_ymd_opt(2026, 2, 28).unwrap();
                let period = Period::of(*span, day);
                let request = Request { kind: Kind::Times, period, agency: Some(AgencyId(7)), grain: *grain };
                assert_eq!(asked(&query(*span, &request)).ok(), Some(request));
            }
        }
    }

    #[test]
    fn days_are_read_as_people_write_them_and_nothing_means_this_month() {
        let period = |query| asked(query).map(|it| (it.period.first().to_string(), it.period.last().to_string())).ok();
        let of = |first: &str, last: &str| Some((first.to_owned(), last.to_owned()));
        assert_eq!(period(""), of("2026-11-01", "2026-11-30"));
        assert_eq!(period("span=quarter&first=5/2/2026"), of("2026-01-01", "2026-03-31"));
        assert_eq!(period("span=between&first=01/02/2026&last=03/02/2026"), of("2026-02-01", "2026-02-03"));
        for wrong in ["first=31/02/2026", "span=between&first=03/02/2026&last=01/02/2026", "first=1/1/1900", "agency=x"]
        {
            assert!(asked(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_period_before_a_month_is_a_month_and_before_three_days_three_days() {
        let between = |first: &str, last: &str| Period::between(first.parse().unwrap(), last.parse().unwrap()).unwrap();
        let march = between("2026-03-01", "2026-03-31");
        let [before, after] = neighbours(Span::Month, march);
        assert_eq!(
            (before, after),
            (Some(between("2026-02-01", "2026-02-28")), Some(between("2026-04-01", "2026-04-30")))
        );
        let [before, after] = neighbours(Span::Between, between("2026-03-01", "2026-03-03"));
        assert_eq!(
            (before, after),
            (Some(between("2026-02-26", "2026-02-28")), Some(between("2026-03-04", "2026-03-06")))
        );
        assert_eq!(neighbours(Span::Year, between("2000-01-01", "2000-12-31"))[0], None);
    }
}
