//! *Đăng nhập*: a name and a password, the same answer and the same time for unknown names, a delay that grows with wrong
//! passwords, and a form that was under way when the session ended handed back after signing in.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{NaiveDateTime, TimeDelta};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::session::{Draft, TypedSession};
use super::{address, assets, page, see_other};
use crate::clock;
use crate::db::events::NewEvent;
use crate::db::{events, staff};
use crate::domain::event::EventKind;
use crate::domain::ids::StaffId;
use crate::domain::permission::Action;
use crate::domain::staff::{FORGET_AFTER, delay};
use crate::error::AppError;
use crate::startup::Parts;

pub const PATH: &str = "/sign-in";

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Form {
    login: String,
    password: String,
    /// Where to go afterwards.
    next: String,
    /// A form that was posted when the session had ended: its page, and its fields as they were posted.
    page: String,
    draft: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    form: &'a Form,
    error: Option<String>,
    asset: &'static str,
}

impl SignInPage<'_> {
    fn show(form: &Form, error: Option<String>, status: StatusCode) -> Result<HttpResponse, AppError> {
        page(&SignInPage { form, error, asset: assets::VERSION.as_str() }, status)
    }
}

/// The address that asks for a sign-in and then goes on to `next`.
pub fn url(next: &str) -> String {
    match askama::filters::urlencode_strict(next) {
        Ok(next) => format!("{PATH}?next={next}"),
        Err(_) => PATH.to_owned(),
    }
}

/// A path on this server, or the start page. Browsers drop tabs and line ends from an address and read `\` as `/`, so
/// that `/<tab>/host` would lead elsewhere; our own addresses hold none of that, nor a letter beyond ASCII.
fn safe(next: &str) -> &str {
    let plain = next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if plain && next.starts_with('/') && !next.starts_with("//") { next } else { "/" }
}

/// The page whose form is posted to this path.
pub fn page_of(path: &str) -> String {
    let parent = |suffix: &str| path.strip_suffix(suffix);
    if let Some((page, _)) = path.split_once("/photos") {
        return page.to_owned();
    }
    if path.starts_with("/staff") {
        return "/staff".into();
    }
    let page = parent("/assessment")
        .or_else(|| parent("/preview"))
        .or_else(|| parent("/recheck"))
        .or_else(|| parent("/search"));
    match page {
        Some(page) => page.to_owned(),
        None if path == "/sign-out" => "/".into(),
        None => path.to_owned(),
    }
}

/// The sign-in page for a form that was posted when the session had ended. What was typed travels in the page.
pub fn resume(page: &str, body: &[u8]) -> Result<HttpResponse, AppError> {
    let form = Form {
        next: page.to_owned(),
        page: page.to_owned(),
        draft: String::from_utf8_lossy(body).into_owned(),
        ..Form::default()
    };
    SignInPage::show(&form, None, StatusCode::UNAUTHORIZED)
}

#[derive(Deserialize)]
pub struct Next {
    #[serde(default)]
    next: String,
}

pub async fn home(session: TypedSession) -> HttpResponse {
    see_other(match session.actor() {
        Some(actor) if actor.role.may(Action::SeeApplications) => "/applications",
        Some(_) => "/staff",
        None => PATH,
    })
}

pub async fn get(session: TypedSession, query: web::Query<Next>) -> Result<HttpResponse, AppError> {
    if session.actor().is_some() {
        return Ok(see_other(safe(&query.next)));
    }
    let form = Form { next: query.into_inner().next, ..Form::default() };
    SignInPage::show(&form, None, StatusCode::OK)
}

/// What failures are counted by: a table of names that were tried would be a table of names.
fn counter(kind: &str, value: &str) -> String {
    Sha256::digest(format!("{kind}:{value}").as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

enum Known {
    /// Too early: so long to wait.
    Wait(TimeDelta),
    Person(Option<(StaffId, String)>),
}

pub async fn post(
    request: HttpRequest,
    session: TypedSession,
    parts: web::Data<Parts>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let now = clock::now();
    let login = form.login.trim().to_lowercase();
    let address = address(&request);
    let counters = [(counter("login", &login), false), (counter("address", &address), true)];

    let (asked, keys) = (login.clone(), counters.clone());
    let known = parts
        .read(move |conn| {
            for (key, of_address) in &keys {
                if let Some((failures, last_at)) = staff::failures(conn, key)? {
                    let wait = last_at + delay(failures, *of_address) - now;
                    if last_at + FORGET_AFTER > now && wait > TimeDelta::zero() {
                        return Ok(Known::Wait(wait));
                    }
                }
            }
            // A text that PostgreSQL would refuse is nobody's name.
            if asked.is_empty() || asked.contains('\0') {
                return Ok(Known::Person(None));
            }
            let person = staff::credentials(conn, &asked)?.filter(|person| person.locked_at.is_none());
            Ok(Known::Person(person.map(|person| (person.id, person.password_hash))))
        })
        .await?;
    let person = match known {
        Known::Person(person) => person,
        Known::Wait(wait) => {
            let seconds = wait.num_seconds() + 1;
            let sentence = format!("Đã nhập sai nhiều lần. Hãy đợi {seconds} giây rồi thử lại.");
            return SignInPage::show(&form, Some(sentence), StatusCode::TOO_MANY_REQUESTS);
        }
    };
    let (id, hash) = person.unzip();
    let right = parts.hasher.verify(form.password.clone(), hash).await?;
    let Some(id) = id.filter(|_| right) else {
        fail(&parts, counters.map(|(key, _)| key), id, address, now).await?;
        let sentence =
            "Tên đăng nhập hoặc mật khẩu không đúng. Kiểm tra phím Caps Lock và bộ gõ tiếng Việt rồi thử lại.";
        return SignInPage::show(&form, Some(sentence.into()), StatusCode::UNAUTHORIZED);
    };
    let [(by_login, _), _] = counters;
    parts
        .write(move |conn| {
            staff::clear_failures(conn, &by_login)?;
            staff::signed_in(conn, id, now)?;
            Ok(events::add(conn, &event(EventKind::SignedIn, Some(id), &address, now))?)
        })
        .await?;
    session.sign_in(id)?;
    let form = form.into_inner();
    if !form.draft.is_empty() && form.page.starts_with('/') {
        session.keep_draft(&Draft { page: form.page, body: form.draft, expired: true })?;
    }
    Ok(see_other(match safe(&form.next) {
        PATH => "/",
        next => next,
    }))
}

async fn fail(
    parts: &Parts,
    keys: [String; 2],
    id: Option<StaffId>,
    address: String,
    now: NaiveDateTime,
) -> Result<(), AppError> {
    parts
        .write(move |conn| {
            for key in &keys {
                staff::add_failure(conn, key, now, now - FORGET_AFTER)?;
            }
            Ok(events::add(conn, &event(EventKind::SignInFailed, id, &address, now))?)
        })
        .await
}

fn event(kind: EventKind, staff: Option<StaffId>, address: &str, at: NaiveDateTime) -> NewEvent<'_> {
    NewEvent { application: None, staff, kind, at, address: Some(address), before: None, after: None }
}

pub async fn sign_out(
    request: HttpRequest,
    session: TypedSession,
    parts: web::Data<Parts>,
) -> Result<HttpResponse, AppError> {
    if let Some(id) = session.staff() {
        let (address, now) = (address(&request), clock::now());
        parts.write(move |conn| Ok(events::add(conn, &event(EventKind::SignedOut, Some(id), &address, now))?)).await?;
    }
    session.sign_out();
    Ok(see_other(PATH))
}
