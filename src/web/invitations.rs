//! *Mời cài đặt VssID*: a supervisor chooses whom, is told how many they are and what it costs, and confirms that number. The
//! worker does the rest; it can be stopped.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::allowed::{Allowed, Invite};
use super::session::{Flash, TypedSession};
use super::{Chrome, Errors, Menu, address, page, see_other};
use crate::clock;
use crate::db::agencies::{self, Agency};
use crate::db::events::Stamp;
use crate::db::invitations::{self, Confirmed, Shown};
use crate::db::texts;
use crate::domain::delivery::{MessageState, by_day};
use crate::domain::ids::InvitationId;
use crate::domain::invitation::Invited;
use crate::domain::message::{Segments, segments};
use crate::domain::texts::{Place, TextKey, fill_sms};
use crate::error::AppError;
use crate::startup::Parts;

const PATH: &str = "/invitations";

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Form {
    agency: String,
    from: String,
    to: String,
    /// How many somebody was told there are, when they confirm.
    found: String,
}

/// What is asked before anybody is invited.
struct Question {
    found: i64,
    text: String,
    segments: Segments,
    /// In đồng, when the price of a part is known.
    cost: Option<i64>,
    /// It was another number when it was confirmed.
    moved: bool,
}

struct Row {
    it: Shown,
    agency: Option<String>,
    states: Vec<(MessageState, i64)>,
}

impl Row {
    fn can_be_stopped(&self) -> bool {
        let waits = self.states.iter().any(|(state, _)| state.is_waiting());
        !self.it.stopped && (self.it.ended_at.is_none() || waits)
    }
}

#[derive(Template)]
#[template(path = "invitations.html")]
struct InvitationsPage {
    chrome: Chrome,
    agencies: Vec<Agency>,
    rows: Vec<Row>,
    form: Form,
    errors: Errors,
    question: Option<Question>,
    refusal: Option<&'static str>,
}

/// `GET /invitations`
pub async fn get(
    person: Allowed<Invite>,
    session: TypedSession,
    parts: web::Data<Parts>,
) -> Result<HttpResponse, AppError> {
    show(&person, &session, &parts, Form::default(), Outcome::Nothing).await
}

/// What pressing a button led to, when it is not another page.
enum Outcome {
    Nothing,
    Asked(Question),
    Faulty(Errors),
    Refused(&'static str),
}

async fn show(
    person: &Allowed<Invite>,
    session: &TypedSession,
    parts: &Parts,
    form: Form,
    outcome: Outcome,
) -> Result<HttpResponse, AppError> {
    let scope = person.scope();
    let (agencies, shown, states) = parts
        .read(move |conn| {
            let shown = invitations::shown(conn, scope, None)?;
            let ids: Vec<InvitationId> = shown.iter().map(|it| it.id).collect();
            Ok((agencies::all(conn, scope)?, shown, invitations::states(conn, &ids)?))
        })
        .await?;
    let rows = shown.into_iter().map(|it| Row {
        agency: it
            .invited()
            .and_then(|invited| invited.agency)
            .and_then(|id| agencies.iter().find(|agency| agency.id == id).map(|agency| agency.name.clone())),
        states: states.iter().filter(|(of, ..)| *of == it.id).map(|(_, state, count)| (*state, *count)).collect(),
        it,
    });
    let rows = rows.collect();
    let (question, errors, refusal, status) = match outcome {
        Outcome::Nothing => (None, Errors::default(), None, StatusCode::OK),
        Outcome::Asked(question) => (Some(question), Errors::default(), None, StatusCode::OK),
        Outcome::Faulty(errors) => (None, errors, None, StatusCode::UNPROCESSABLE_ENTITY),
        Outcome::Refused(sentence) => (None, Errors::default(), Some(sentence), StatusCode::CONFLICT),
    };
    let chrome = Chrome::new(person, session, Menu::Invitations);
    page(&InvitationsPage { chrome, agencies, rows, form, errors, question, refusal }, status)
}

/// `POST /invitations`: the first time it asks, with the number that it asked about it invites.
pub async fn post(
    request: HttpRequest,
    person: Allowed<Invite>,
    session: TypedSession,
    parts: web::Data<Parts>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    const RUNNING: &str = "Lời mời trước của bạn còn đang được xếp hàng. Hãy chờ xong hoặc dừng lại trước.";
    let form = form.into_inner();
    let invited = match Invited::parse(person.scope(), &form.agency, &form.from, &form.to) {
        Ok(invited) => invited,
        Err(faults) => return show(&person, &session, &parts, form, Outcome::Faulty(Errors(faults))).await,
    };
    let now = clock::now();
    let confirmed: Option<i64> = form.found.parse().ok();
    let (staff, address) = (person.id, address(&request));
    let office = (person.agency_id, person.province_id);
    let (found, text, begun) = parts
        .write(move |conn| {
            let found = invitations::count(conn, &invited, now)?;
            let text = texts::current(conn)?.words(TextKey::Invitation).body;
            if found == 0 || confirmed != Some(found) {
                return Ok((found, text, None));
            }
            let stamp = Stamp { staff, at: now, address: Some(&address) };
            let new = Confirmed { invited: &invited, body: &text, found, office };
            let begun = invitations::confirm(conn, &new, stamp)?;
            Ok((found, text, Some(begun)))
        })
        .await?;
    match begun {
        Some(Some(_)) => {
            let first = match by_day(now) {
                at if at == now => "đi ngay, cho đến 20 giờ".to_owned(),
                at => format!("bắt đầu đi lúc {}", super::show::time(&at)),
            };
            let text = format!("Đang mời {} người. Tin nhắn {first}", super::show::thousands(&found));
            session.tell(&Flash { good: true, text, offers_next: false })?;
            Ok(see_other(PATH))
        }
        Some(None) => show(&person, &session, &parts, form, Outcome::Refused(RUNNING)).await,
        None => {
            let example = fill_sms(&text, &[(Place::Account, Place::Account.sample())]);
            let segments = segments(&example);
            let parts_of_all = found.saturating_mul(i64::try_from(segments.parts).unwrap_or(i64::MAX));
            let question = Question {
                found,
                text: example,
                segments,
                cost: parts.config.sms_price.map(|price| parts_of_all.saturating_mul(price.into())),
                moved: confirmed.is_some(),
            };
            show(&person, &session, &parts, form, Outcome::Asked(question)).await
        }
    }
}

/// `POST /invitations/{id}/stop`
pub async fn stop(
    request: HttpRequest,
    person: Allowed<Invite>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let (id, scope, staff, address) = (InvitationId(path.into_inner()), person.scope(), person.id, address(&request));
    let stopped = parts
        .write(move |conn| {
            let stamp = Stamp { staff, at: clock::now(), address: Some(&address) };
            if invitations::shown(conn, scope, Some(id))?.is_empty() {
                return Err(AppError::NotFound);
            }
            Ok(invitations::stop(conn, id, stamp)?)
        })
        .await?;
    let text = if stopped {
        "Đã dừng. Tin chưa gửi sẽ không gửi nữa"
    } else {
        "Lời mời này đã được dừng trước đó"
    };
    session.tell(&Flash { good: stopped, text: text.into(), offers_next: false })?;
    Ok(see_other(PATH))
}
