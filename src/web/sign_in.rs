//! *Đăng nhập*: a name and a password, the same answer and the same time for unknown names, a delay that grows with wrong
//! passwords, and a form that was under way when the session ended handed back after signing in.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::NaiveDateTime;
use serde::Deserialize;

use super::session::{Draft, TypedSession};
use super::throttle::{self, Try};
use super::{address, assets, page, see_other};
use crate::clock;
use crate::db::events::NewEvent;
use crate::db::{events, staff};
use crate::domain::event::EventKind;
use crate::domain::ids::StaffId;
use crate::domain::permission::Action;
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

/// A path on this server, or the start page. Browsers drop tabs and line breaks from an address and read `\` as `/`: only
/// plain printable characters pass.
pub fn safe(next: &str) -> &str {
    let local = next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if local { next } else { "/" }
}

/// The page whose form is posted to this path.
pub fn page_of(path: &str) -> String {
    let path = path.strip_suffix("/preview").unwrap_or(path);
    if let Some((page, _)) = path.split_once("/photos").or_else(|| path.split_once("/acts/")) {
        return page.to_owned();
    }
    let acts = [
        "/assessment",
        "/fold",
        "/recheck",
        "/reopen",
        "/move",
        "/search",
        "/receive",
        "/export",
        "/read",
        "/layout",
        "/apply",
        "/cancel",
        "/rollback",
        "/resend",
    ];
    match acts.iter().find_map(|act| path.strip_suffix(act)) {
        Some(page) => page.to_owned(),
        None if path == "/messages/test" => "/messages/health".into(),
        None if path.starts_with("/staff") => "/staff".into(),
        None if path.starts_with("/holidays") => "/holidays".into(),
        None if path.starts_with("/api-keys") => "/api-keys".into(),
        None if path == "/sign-out" => "/".into(),
        None => path.to_owned(),
    }
}

/// Whether what was typed on this page is handed back after signing in. Not so for passwords.
pub fn keeps_drafts(page: &str) -> bool {
    page == "/applications" || ["/applications/", "/accounts/", "/texts/"].iter().any(|pages| page.starts_with(pages))
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
        Some(actor) if actor.may(Action::SeeReports) => "/overview",
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

pub async fn post(
    request: HttpRequest,
    session: TypedSession,
    parts: web::Data<Parts>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let now = clock::now();
    let login = form.login.trim().to_lowercase();
    let address = address(&request);
    let attempt = match Try::begin(&parts, &login, &address, now).await? {
        Ok(attempt) => attempt,
        Err(wait) => {
            return SignInPage::show(&form, Some(throttle::sentence(wait)), StatusCode::TOO_MANY_REQUESTS);
        }
    };
    let person = parts
        .read(move |conn| {
            // A text that PostgreSQL would refuse is nobody's name.
            if login.is_empty() || login.contains('\0') {
                return Ok(None);
            }
            // Nor is that of somebody who has been given no password yet.
            Ok(staff::credentials(conn, &login)?
                .filter(|person| person.locked_at.is_none() && !person.password_hash.is_empty()))
        })
        .await?;
    let (id, hash) = person.map(|person| (person.id, person.password_hash)).unzip();
    let right = parts.hasher.verify(form.password.clone(), hash.clone()).await?;
    let signed_in = parts
        .write(move |conn| {
            // The password may have been changed, or the person locked, while it was being compared.
            let unchanged = match id.filter(|_| right) {
                Some(id) => staff::is_current(conn, id, hash.as_deref().unwrap_or_default())?.then_some(id),
                None => None,
            };
            let kind = if unchanged.is_some() { EventKind::SignedIn } else { EventKind::SignInFailed };
            if let Some(id) = unchanged {
                staff::signed_in(conn, id, now)?;
            }
            events::add(conn, &event(kind, id, &address, now))?;
            Ok(unchanged)
        })
        .await?;
    let Some(id) = signed_in else {
        let sentence =
            "Tên đăng nhập hoặc mật khẩu không đúng. Kiểm tra phím Caps Lock và bộ gõ tiếng Việt rồi thử lại.";
        return SignInPage::show(&form, Some(sentence.into()), StatusCode::UNAUTHORIZED);
    };
    attempt.succeed(&parts).await?;
    session.sign_in(id)?;
    let form = form.into_inner();
    if !form.draft.is_empty() && keeps_drafts(&form.page) {
        session.keep_draft(&Draft::of(form.page, &form.draft, true)?)?;
    }
    Ok(see_other(match safe(&form.next) {
        PATH => "/",
        next => next,
    }))
}

fn event(kind: EventKind, staff: Option<StaffId>, address: &str, at: NaiveDateTime) -> NewEvent<'_> {
    NewEvent { application: None, account: None, staff, kind, at, address: Some(address), before: None, after: None }
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
