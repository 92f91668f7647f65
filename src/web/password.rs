//! *Đổi mật khẩu*: one's own. A password that was given by an admin must be changed before anything else.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::allowed::{Allowed, ChangeOwnPassword};
use super::session::{Flash, TypedSession};
use super::throttle::{self, Try};
use super::{Chrome, Errors, Menu, address, page, see_other};
use crate::clock;
use crate::db::events::NewEvent;
use crate::db::{events, sessions, staff};
use crate::domain::event::EventKind;
use crate::domain::staff::check_password;
use crate::domain::text::FieldError;
use crate::error::AppError;
use crate::startup::Parts;

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordPage {
    chrome: Chrome,
    errors: Errors,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Form {
    current: String,
    new: String,
    again: String,
}

pub async fn get(person: Allowed<ChangeOwnPassword>, session: TypedSession) -> Result<HttpResponse, AppError> {
    let chrome = Chrome::new(&person, &session, Menu::Password);
    page(&PasswordPage { chrome, errors: Errors::default() }, StatusCode::OK)
}

pub async fn post(
    request: HttpRequest,
    person: Allowed<ChangeOwnPassword>,
    session: TypedSession,
    parts: web::Data<Parts>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let id = person.id;
    let (login, hash) = parts.read(move |conn| Ok(staff::login_and_hash(conn, id)?)).await?;
    let (address, now) = (address(&request), clock::now());
    let attempt = match Try::begin(&parts, &login, &address, now).await? {
        Ok(attempt) => attempt,
        Err(wait) => {
            let errors = Errors::one("current", FieldError::new(throttle::sentence(wait)));
            let chrome = Chrome::new(&person, &session, Menu::Password);
            return page(&PasswordPage { chrome, errors }, StatusCode::TOO_MANY_REQUESTS);
        }
    };
    let right = parts.hasher.verify(form.current.clone(), Some(hash)).await?;
    if right {
        attempt.succeed(&parts).await?;
    }
    let error = if !right {
        Some(("current", FieldError::new("Mật khẩu hiện tại không đúng.")))
    } else if let Err(fault) = check_password(&form.new, &login) {
        Some(("new", fault))
    } else if form.new == form.current {
        Some(("new", FieldError::new("Mật khẩu mới phải khác mật khẩu hiện tại.")))
    } else if form.new != form.again {
        Some(("again", FieldError::new("Hai lần nhập mật khẩu mới không giống nhau. Hãy nhập lại.")))
    } else {
        None
    };
    if let Some((field, fault)) = error {
        let chrome = Chrome::new(&person, &session, Menu::Password);
        return page(&PasswordPage { chrome, errors: Errors::one(field, fault) }, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let hash = parts.hasher.hash(form.into_inner().new).await?;
    parts
        .write(move |conn| {
            staff::set_password(conn, id, &hash, false)?;
            // Whoever else was signed in with the old password is signed out; this person continues in a new session.
            sessions::delete_of(conn, id)?;
            Ok(events::add(
                conn,
                &NewEvent {
                    application: None,
                    account: None,
                    staff: Some(id),
                    kind: EventKind::PasswordChanged,
                    at: now,
                    address: Some(&address),
                    before: None,
                    after: None,
                },
            )?)
        })
        .await?;
    session.sign_in(id)?;
    session.tell(&Flash { good: true, text: "Đổi mật khẩu thành công".into(), offers_next: false })?;
    Ok(see_other("/"))
}
