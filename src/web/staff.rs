//! *Cán bộ*: an admin adds members of staff, locks and unlocks them, and ends their sessions.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::allowed::{Allowed, ManageStaff};
use super::session::{Flash, TypedSession};
use super::{Chrome, Errors, Menu, address, page, see_other};
use crate::clock;
use crate::db::agencies::{self, Agency};
use crate::db::events::{self, NewEvent};
use crate::db::staff::{self, Listed, NewStaff};
use crate::db::{Conn, sessions};
use crate::domain::account::new_password;
use crate::domain::event::EventKind;
use crate::domain::ids::StaffId;
use crate::domain::names::Name;
use crate::domain::permission::{Role, Scope};
use crate::domain::staff::parse_login;
use crate::domain::text::FieldError;
use crate::domain::to_json;
use crate::error::AppError;
use crate::startup::Parts;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Form {
    login: String,
    name: String,
    role: String,
    agency: String,
}

/// A new member's first password, shown once to hand it over.
struct Added {
    login: String,
    password: String,
}

#[derive(Template)]
#[template(path = "staff.html")]
struct StaffPage {
    chrome: Chrome,
    people: Vec<Listed>,
    agencies: Vec<Agency>,
    form: Form,
    errors: Errors,
    added: Option<Added>,
}

async fn show(
    person: &Allowed<ManageStaff>,
    session: &TypedSession,
    parts: &Parts,
    (form, errors, added): (Form, Errors, Option<Added>),
) -> Result<HttpResponse, AppError> {
    let (people, agencies) = parts.read(|conn| Ok((staff::all(conn)?, agencies::all(conn, Scope::Country)?))).await?;
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let chrome = Chrome::new(person, session, Menu::Staff);
    page(&StaffPage { chrome, people, agencies, form, errors, added }, status)
}

pub async fn get(
    person: Allowed<ManageStaff>,
    session: TypedSession,
    parts: web::Data<Parts>,
) -> Result<HttpResponse, AppError> {
    show(&person, &session, &parts, (Form::default(), Errors::default(), None)).await
}

pub async fn post(
    request: HttpRequest,
    person: Allowed<ManageStaff>,
    session: TypedSession,
    parts: web::Data<Parts>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let form = form.into_inner();
    let mut errors = Errors::default();
    let login = parse_login(&form.login).map_err(|fault| errors.0.push(("login", fault)));
    let name = Name::parse(&form.name).map_err(|fault| errors.0.push(("name", fault)));
    let role = Role::from_code(&form.role).ok_or_else(|| {
        errors.0.push(("role", FieldError::new("Chọn vai trò.")));
    });
    let code = form.agency.clone();
    let agency = parts.read(move |conn| Ok(agencies::find_by_code(conn, &code)?)).await?.ok_or_else(|| {
        errors.0.push(("agency", FieldError::new("Chọn cơ quan BHXH.")));
    });
    let (Ok(login), Ok(name), Ok(role), Ok(agency)) = (login, name, role, agency) else {
        return show(&person, &session, &parts, (form, errors, None)).await;
    };
    let password = new_password(&mut rand::rng());
    let hash = parts.hasher.hash(password.clone()).await?;
    let (address, now, by, new_login) = (address(&request), clock::now(), person.id, login.clone());
    let added = parts
        .write(move |conn| {
            if staff::credentials(conn, &login)?.is_some() {
                return Ok(false);
            }
            let new = NewStaff {
                login: &login,
                name: name.as_str(),
                role,
                agency_id: agency.id,
                password_hash: &hash,
                must_change_password: true,
            };
            let id = staff::insert(conn, &new, now)?;
            record(conn, EventKind::StaffAdded, by, id, &address)?;
            Ok(true)
        })
        .await?;
    if !added {
        let fault = FieldError::new("Tên đăng nhập này đã có người dùng. Hãy chọn tên khác.");
        return show(&person, &session, &parts, (form, Errors::one("login", fault), None)).await;
    }
    show(&person, &session, &parts, (Form::default(), Errors::default(), Some(Added { login: new_login, password })))
        .await
}

/// Whom an admin acted upon.
#[derive(serde::Serialize)]
struct About {
    staff: StaffId,
}

fn record(conn: &mut Conn, kind: EventKind, by: StaffId, about: StaffId, address: &str) -> Result<(), AppError> {
    Ok(events::add(
        conn,
        &NewEvent {
            application: None,
            staff: Some(by),
            kind,
            at: clock::now(),
            address: Some(address),
            before: None,
            after: Some(to_json(&About { staff: about })),
        },
    )?)
}

/// `POST /staff/{id}/lock`, `/unlock`, `/end-sessions`
pub async fn act(
    request: HttpRequest,
    person: Allowed<ManageStaff>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<(i64, String)>,
) -> Result<HttpResponse, AppError> {
    let (id, act) = path.into_inner();
    let (id, by, address, now) = (StaffId(id), person.id, address(&request), clock::now());
    let (kind, text) = match act.as_str() {
        "lock" if id == by => return Err(AppError::Unprocessable("Không thể tự khóa chính mình.".into())),
        "lock" => (EventKind::StaffLocked, "Đã khóa và kết thúc các phiên đăng nhập của cán bộ"),
        "unlock" => (EventKind::StaffUnlocked, "Đã mở khóa cán bộ"),
        "end-sessions" => (EventKind::SessionsEnded, "Đã kết thúc các phiên đăng nhập của cán bộ"),
        _ => return Err(AppError::NotFound),
    };
    parts
        .write(move |conn| {
            match kind {
                EventKind::StaffLocked => staff::set_locked(conn, id, Some(now))?,
                EventKind::StaffUnlocked => staff::set_locked(conn, id, None)?,
                _ => {}
            }
            if kind != EventKind::StaffUnlocked {
                sessions::delete_of(conn, id)?;
            }
            record(conn, kind, by, id, &address)
        })
        .await?;
    session.tell(&Flash { good: true, text: text.into(), offers_next: false })?;
    Ok(see_other("/staff"))
}
