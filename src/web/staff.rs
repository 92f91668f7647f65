//! *Cán bộ*: an admin adds members of staff, locks and unlocks them, and ends their sessions.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::allowed::{Allowed, ManageStaff};
use super::session::{Flash, TypedSession};
use super::throttle::login_key;
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
use crate::domain::permission::Role;
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

/// A password to hand over, shown once.
struct Handed {
    login: String,
    name: String,
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
    handed: Vec<Handed>,
    /// How many were never given a password.
    without_password: usize,
}

async fn show(
    person: &Allowed<ManageStaff>,
    session: &TypedSession,
    parts: &Parts,
    (form, errors, handed): (Form, Errors, Vec<Handed>),
) -> Result<HttpResponse, AppError> {
    let scope = person.manages();
    let (people, agencies) =
        parts.read(move |conn| Ok((staff::all(conn, scope)?, agencies::all(conn, scope)?))).await?;
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let chrome = Chrome::new(person, session, Menu::Staff);
    let without_password = people.iter().filter(|person| !person.has_password).count();
    page(&StaffPage { chrome, people, agencies, form, errors, handed, without_password }, status)
}

pub async fn get(
    person: Allowed<ManageStaff>,
    session: TypedSession,
    parts: web::Data<Parts>,
) -> Result<HttpResponse, AppError> {
    show(&person, &session, &parts, (Form::default(), Errors::default(), Vec::new())).await
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
    let (code, scope) = (form.agency.clone(), person.manages());
    let agency = parts
        .read(move |conn| Ok(agencies::all(conn, scope)?.into_iter().find(|agency| agency.code == code)))
        .await?
        .ok_or_else(|| errors.0.push(("agency", FieldError::new("Chọn cơ quan BHXH."))));
    let (Ok(login), Ok(name), Ok(role), Ok(agency)) = (login, name, role, agency) else {
        return show(&person, &session, &parts, (form, errors, Vec::new())).await;
    };
    let password = new_password(&mut rand::rng());
    let hash = parts.hasher.hash(password.clone()).await?;
    let (address, now, by) = (address(&request), clock::now(), person.id);
    let handed = Handed { login: login.clone(), name: name.as_str().to_owned(), password };
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
        return show(&person, &session, &parts, (form, Errors::one("login", fault), Vec::new())).await;
    }
    show(&person, &session, &parts, (Form::default(), Errors::default(), vec![handed])).await
}

/// How many first passwords are made at once: each takes a moment, by design.
const AT_ONCE: usize = 50;

/// `POST /staff/first-passwords`: passwords for those who came with a list and have none, to be printed and handed over.
pub async fn first_passwords(
    request: HttpRequest,
    person: Allowed<ManageStaff>,
    session: TypedSession,
    parts: web::Data<Parts>,
) -> Result<HttpResponse, AppError> {
    let (scope, by, address) = (person.manages(), person.id, address(&request));
    let mut people = parts.read(move |conn| Ok(staff::all(conn, scope)?)).await?;
    people.retain(|person| !person.has_password);
    people.truncate(AT_ONCE);
    let mut made = Vec::new();
    for Listed { id, login, name, .. } in people {
        let password = new_password(&mut rand::rng());
        let hash = parts.hasher.hash(password.clone()).await?;
        made.push((id, hash, Handed { login, name, password }));
    }
    let handed = parts
        .write(move |conn| {
            let mut handed = Vec::new();
            for (id, hash, one) in made {
                // Another admin may have been quicker.
                if staff::set_first_password(conn, id, &hash)? {
                    record(conn, EventKind::PasswordReset, by, id, &address)?;
                    handed.push(one);
                }
            }
            Ok(handed)
        })
        .await?;
    show(&person, &session, &parts, (Form::default(), Errors::default(), handed)).await
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
            account: None,
            staff: Some(by),
            kind,
            at: clock::now(),
            address: Some(address),
            before: None,
            after: Some(to_json(&About { staff: about })),
        },
    )?)
}

/// What an admin can do with a member of staff.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Lock,
    Unlock,
    EndSessions,
    NewPassword,
}

impl Act {
    fn from_path(segment: &str) -> Option<Self> {
        match segment {
            "lock" => Some(Self::Lock),
            "unlock" => Some(Self::Unlock),
            "end-sessions" => Some(Self::EndSessions),
            "new-password" => Some(Self::NewPassword),
            _ => None,
        }
    }

    fn event(self) -> EventKind {
        match self {
            Self::Lock => EventKind::StaffLocked,
            Self::Unlock => EventKind::StaffUnlocked,
            Self::EndSessions => EventKind::SessionsEnded,
            Self::NewPassword => EventKind::PasswordReset,
        }
    }

    fn success(self) -> &'static str {
        match self {
            Self::Lock => "Đã khóa và kết thúc các phiên đăng nhập của cán bộ",
            Self::Unlock => "Đã mở khóa cán bộ",
            Self::EndSessions => "Đã kết thúc các phiên đăng nhập của cán bộ",
            Self::NewPassword => "Đã cấp mật khẩu mới",
        }
    }
}

/// `POST /staff/{id}/lock`, `/unlock`, `/end-sessions`, `/new-password`
pub async fn act(
    request: HttpRequest,
    person: Allowed<ManageStaff>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<(i64, String)>,
) -> Result<HttpResponse, AppError> {
    let (id, act) = path.into_inner();
    let act = Act::from_path(&act).ok_or(AppError::NotFound)?;
    let (id, by, scope) = (StaffId(id), person.id, person.manages());
    let (address, now) = (address(&request), clock::now());
    if id == by && act == Act::Lock {
        return Err(AppError::Unprocessable("Không thể tự khóa chính mình.".into()));
    }
    let password = new_password(&mut rand::rng());
    let hash = if act == Act::NewPassword { Some(parts.hasher.hash(password.clone()).await?) } else { None };
    let (login, name) = parts
        .write(move |conn| {
            let target =
                staff::all(conn, scope)?.into_iter().find(|target| target.id == id).ok_or(AppError::NotFound)?;
            match act {
                Act::Lock => staff::set_locked(conn, id, Some(now))?,
                Act::Unlock => staff::set_locked(conn, id, None)?,
                Act::EndSessions | Act::NewPassword => {}
            }
            if let Some(hash) = hash {
                staff::set_password(conn, id, &hash, true)?;
            }
            if matches!(act, Act::Unlock | Act::NewPassword) {
                staff::clear_failures(conn, &login_key(&target.login))?;
            }
            if act != Act::Unlock {
                sessions::delete_of(conn, id)?;
            }
            record(conn, act.event(), by, id, &address)?;
            Ok((target.login, target.name))
        })
        .await?;
    if act == Act::NewPassword {
        let handed = vec![Handed { login, name, password }];
        return show(&person, &session, &parts, (Form::default(), Errors::default(), handed)).await;
    }
    session.tell(&Flash { good: true, text: act.success().into(), offers_next: false })?;
    Ok(see_other("/staff"))
}
