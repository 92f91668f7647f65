//! *Báo cáo qua e-mail*: a supervisor has a report of the week or month before sent to their own address, by the worker.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::allowed::{Allowed, SeeReports};
use super::session::{Flash, TypedSession};
use super::{Chrome, Errors, Menu, page, see_other};
use crate::clock;
use crate::db::agencies::{self, Agency};
use crate::db::subscriptions::{self, Subscription};
use crate::domain::ids::{AgencyId, SubscriptionId};
use crate::domain::report::Kind;
use crate::domain::subscription::{Every, MOST, Schedule, WEEKDAYS};
use crate::domain::text::FieldError;
use crate::error::AppError;
use crate::startup::Parts;

const PATH: &str = "/subscriptions";

#[derive(Deserialize)]
#[serde(default)]
pub struct Form {
    kind: String,
    agency: String,
    every: String,
    /// Of the week and of the month: the one that is not meant is not read.
    weekday: String,
    day: String,
    time: String,
}

impl Default for Form {
    /// Mondays at seven, as most offices meet.
    fn default() -> Self {
        let [kind, agency] = [String::new(), String::new()];
        Self {
            kind,
            agency,
            every: Every::Week.code().into(),
            weekday: "1".into(),
            day: "1".into(),
            time: "07:00".into(),
        }
    }
}

#[derive(Template)]
#[template(path = "subscriptions.html")]
struct SubscriptionsPage {
    chrome: Chrome,
    address: Option<String>,
    agencies: Vec<Agency>,
    rows: Vec<(Subscription, Option<String>)>,
    form: Form,
    errors: Errors,
}

/// `GET /subscriptions`
pub async fn get(
    person: Allowed<SeeReports>,
    session: TypedSession,
    parts: web::Data<Parts>,
) -> Result<HttpResponse, AppError> {
    show(&person, &session, &parts, Form::default(), Errors::default()).await
}

async fn show(
    person: &Allowed<SeeReports>,
    session: &TypedSession,
    parts: &Parts,
    form: Form,
    errors: Errors,
) -> Result<HttpResponse, AppError> {
    let (id, scope) = (person.id, person.scope());
    let (address, agencies, rows) = parts
        .read(move |conn| {
            let address = subscriptions::address(conn, id)?;
            Ok((address, agencies::all(conn, scope)?, subscriptions::of(conn, id)?))
        })
        .await?;
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let chrome = Chrome::new(person, session, Menu::Subscriptions);
    page(&SubscriptionsPage { chrome, address, agencies, rows, form, errors }, status)
}

/// `POST /subscriptions`
pub async fn post(
    person: Allowed<SeeReports>,
    session: TypedSession,
    parts: web::Data<Parts>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let form = form.into_inner();
    let kind = Kind::from_code(&form.kind).ok_or(AppError::Malformed)?;
    let every = Every::from_code(&form.every).ok_or(AppError::Malformed)?;
    let day = if every == Every::Week { &form.weekday } else { &form.day };
    let schedule = match Schedule::parse(every, day, &form.time) {
        Ok(schedule) => schedule,
        Err((field, fault)) => return show(&person, &session, &parts, form, Errors::one(field, fault)).await,
    };
    let agency = match form.agency.as_str() {
        "" => None,
        id => Some(AgencyId(id.parse().map_err(|_| AppError::Malformed)?)),
    };
    let (id, scope) = (person.id, person.scope());
    let added = parts
        .write(move |conn| {
            if subscriptions::address(conn, id)?.is_none() {
                return Err(AppError::Unprocessable("Bạn chưa có địa chỉ e-mail.".into()));
            }
            // Of an agency that they do not see nothing would ever be sent.
            if let Some(agency) = agency
                && !agencies::all(conn, scope)?.iter().any(|it| it.id == agency)
            {
                return Err(AppError::NotFound);
            }
            Ok(subscriptions::add(conn, id, kind, agency, &schedule, clock::now())?)
        })
        .await?;
    if !added {
        let fault = FieldError::new(format!("Mỗi người nhận tối đa {MOST} báo cáo. Hãy dừng bớt rồi thêm."));
        return show(&person, &session, &parts, form, Errors::one("kind", fault)).await;
    }
    let first = super::show::time(&schedule.after(clock::now()));
    let text = format!("Đã đăng ký. Báo cáo đầu tiên được gửi lúc {first}");
    session.tell(&Flash { good: true, text, offers_next: false })?;
    Ok(see_other(PATH))
}

/// `POST /subscriptions/{id}/stop`
pub async fn stop(
    person: Allowed<SeeReports>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let (staff, id) = (person.id, SubscriptionId(path.into_inner()));
    let stopped = parts.write(move |conn| Ok(subscriptions::stop(conn, staff, id, clock::now())?)).await?;
    if !stopped {
        return Err(AppError::NotFound);
    }
    session.tell(&Flash {
        good: true, text: "Đã dừng. Báo cáo này không được gửi nữa".into(), offers_next: false
    })?;
    Ok(see_other(PATH))
}
