//! *Ngày nghỉ*: the days on which offices are closed, by year. An admin of the centre adds and removes them, for the whole
//! country; the deadlines of applications that wait follow at once.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{Datelike, NaiveDate};
use serde::Deserialize;

use super::allowed::{Allowed, ManageHolidays};
use super::session::{Flash, TypedSession};
use super::{Chrome, Errors, Menu, address, page, see_other};
use crate::clock;
use crate::db::Conn;
use crate::db::events::{self, NewEvent};
use crate::db::holidays;
use crate::domain::dates::{show_date, to_hanoi};
use crate::domain::event::EventKind;
use crate::domain::holiday::{Holiday, missing_year};
use crate::domain::text::FieldError;
use crate::domain::to_json;
use crate::error::AppError;
use crate::startup::Parts;

/// So many deadlines follow in the transaction of the change; a worker moves the others, if there are any.
const AT_ONCE: i64 = 200;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Form {
    day: String,
    name: String,
}

struct Year {
    year: i32,
    days: Vec<Holiday>,
}

#[derive(Template)]
#[template(path = "holidays.html")]
struct HolidaysPage {
    chrome: Chrome,
    /// The latest first.
    years: Vec<Year>,
    /// The year that has no days yet although it is time.
    missing: Option<i32>,
    may_change: bool,
    form: Form,
    errors: Errors,
}

fn today() -> NaiveDate {
    to_hanoi(clock::now()).date()
}

async fn show(
    person: &Allowed<ManageHolidays>,
    session: &TypedSession,
    parts: &Parts,
    (form, errors): (Form, Errors),
) -> Result<HttpResponse, AppError> {
    let all = parts.read(|conn| Ok(holidays::all(conn)?)).await?;
    let missing = missing_year(&all, today());
    let mut years: Vec<Year> = Vec::new();
    for holiday in all {
        match years.last_mut() {
            Some(last) if last.year == holiday.day.year() => last.days.push(holiday),
            _ => years.push(Year { year: holiday.day.year(), days: vec![holiday] }),
        }
    }
    years.reverse();
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let chrome = Chrome::new(person, session, Menu::Holidays);
    let may_change = person.keeps_holidays();
    page(&HolidaysPage { chrome, years, missing, may_change, form, errors }, status)
}

/// `GET /holidays`
pub async fn get(
    person: Allowed<ManageHolidays>,
    session: TypedSession,
    parts: web::Data<Parts>,
) -> Result<HttpResponse, AppError> {
    show(&person, &session, &parts, (Form::default(), Errors::default())).await
}

/// `POST /holidays`
pub async fn post(
    request: HttpRequest,
    person: Allowed<ManageHolidays>,
    session: TypedSession,
    parts: web::Data<Parts>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let changing = Changing::by(&person, &request)?;
    let form = form.into_inner();
    let holiday = match Holiday::parse(&form.day, &form.name, today()) {
        Ok(holiday) => holiday,
        Err(faults) => return show(&person, &session, &parts, (form, Errors(faults))).await,
    };
    let day = show_date(holiday.day);
    let moved = parts
        .write(move |conn| match holidays::add(conn, &holiday)? {
            true => Ok(Some(changing.follow(conn, EventKind::HolidayAdded, &holiday)?)),
            false => Ok(None),
        })
        .await?;
    let Some(moved) = moved else {
        let fault = FieldError::new(format!("Ngày {day} đã có trong danh sách."));
        return show(&person, &session, &parts, (form, Errors::one("day", fault))).await;
    };
    done(&session, &format!("Đã thêm ngày nghỉ {day}"), moved)
}

#[derive(Deserialize)]
pub struct Which {
    day: NaiveDate,
}

/// `POST /holidays/remove`
pub async fn remove(
    request: HttpRequest,
    person: Allowed<ManageHolidays>,
    session: TypedSession,
    parts: web::Data<Parts>,
    which: web::Form<Which>,
) -> Result<HttpResponse, AppError> {
    let changing = Changing::by(&person, &request)?;
    let day = which.day;
    let moved = parts
        .write(move |conn| match holidays::remove(conn, day)? {
            Some(holiday) => changing.follow(conn, EventKind::HolidayRemoved, &holiday),
            // Somebody else was quicker, or it is the same click again.
            None => Ok(0),
        })
        .await?;
    done(&session, &format!("Đã bỏ ngày nghỉ {}", show_date(day)), moved)
}

/// Somebody who may change the days, and from where.
struct Changing {
    by: crate::domain::ids::StaffId,
    address: String,
}

impl Changing {
    fn by(person: &Allowed<ManageHolidays>, request: &HttpRequest) -> Result<Self, AppError> {
        if !person.keeps_holidays() {
            return Err(AppError::Forbidden);
        }
        Ok(Self { by: person.id, address: address(request) })
    }

    /// Records a change, and lets the deadlines follow that it touches. Returns how many moved.
    fn follow(&self, conn: &mut Conn, kind: EventKind, holiday: &Holiday) -> Result<usize, AppError> {
        let event = NewEvent {
            application: None,
            account: None,
            staff: Some(self.by),
            kind,
            at: clock::now(),
            address: Some(&self.address),
            before: None,
            after: Some(to_json(holiday)),
        };
        events::add(conn, &event)?;
        let touched = holidays::waiting_around(conn, holiday.day, AT_ONCE)?;
        Ok(holidays::follow(conn, &touched)?)
    }
}

fn done(session: &TypedSession, what: &str, moved: usize) -> Result<HttpResponse, AppError> {
    let text = match moved {
        0 => what.to_owned(),
        _ => format!("{what}. Hạn giải quyết của các hồ sơ đang chờ được tính lại"),
    };
    session.tell(&Flash { good: true, text, offers_next: false })?;
    Ok(see_other("/holidays"))
}
