//! *Tiếp nhận tài khoản của cơ quan khác*: a citizen is never sent elsewhere. An officer who has the person's code and papers
//! before them may act on the account for some hours, whichever office it belongs to; the history says that they did.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{NaiveDateTime, TimeDelta};
use serde::Deserialize;

use super::list::{self, Shown};
use crate::clock;
use crate::db::{Conn, accounts, staff};
use crate::domain::account::{RECEIVE_TRIES, RECEIVE_WAIT, RECEIVED_FOR};
use crate::domain::dates::show_time;
use crate::domain::event::EventKind;
use crate::domain::ids::AccountId;
use crate::domain::numbers::{IdNumber, Phone, SocialCode};
use crate::domain::permission::Actor;
use crate::domain::text::FieldError;
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::allowed::{ActOnAccount, Allowed};
use crate::web::session::{Flash, TypedSession};
use crate::web::{Errors, address, see_other, throttle};

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    pub code: String,
    /// The number of the person's papers, or for a ward without any the guardian's code.
    pub papers: String,
}

impl Form {
    fn parse(&self) -> Result<(SocialCode, String), Errors> {
        let papers = IdNumber::parse(&self.papers).map(|id_number| id_number.to_string());
        let guardian = SocialCode::parse(&self.papers).map(|code| code.to_string());
        let guardian =
            guardian.or_else(|fault| Phone::parse(&self.papers).map(|phone| phone.to_string()).map_err(|_| fault));
        match (SocialCode::parse(&self.code), papers.or_else(|fault| guardian.map_err(|_| fault))) {
            (Ok(code), Ok(papers)) => Ok((code, papers)),
            (code, papers) => Err(Errors(
                [("code", code.err()), ("papers", papers.err())]
                    .into_iter()
                    .filter_map(|(field, fault): (_, Option<FieldError>)| Some((field, fault?)))
                    .collect(),
            )),
        }
    }
}

/// The same whatever is wrong: nobody learns from it which codes have accounts.
const WRONG: &str =
    "Không có tài khoản nào khớp cả mã số BHXH và số giấy tờ này. Hãy kiểm tra lại hai số trên giấy tờ.";

enum Received {
    Yes(AccountId),
    No,
    Wait(TimeDelta),
}

/// Counts the try before it is looked at, and takes it back when it was right, so that many at once are not one.
fn receive(
    conn: &mut Conn,
    actor: &Actor,
    (code, papers): &(SocialCode, String),
    address: &str,
    now: NaiveDateTime,
) -> Result<Received, AppError> {
    let key = throttle::receive_key(actor.id);
    if let Some((failures, last_at)) = staff::failures(conn, &key)? {
        let wait = last_at + RECEIVE_WAIT - now;
        if wait <= TimeDelta::zero() {
            staff::clear_failures(conn, &key)?;
        } else if failures >= RECEIVE_TRIES {
            return Ok(Received::Wait(wait));
        }
    }
    staff::add_failure(conn, &key, now)?;
    // Others at the same moment may have passed the same look.
    if staff::failures(conn, &key)?.is_some_and(|(failures, _)| failures > RECEIVE_TRIES) {
        staff::take_back_failure(conn, &key)?;
        return Ok(Received::Wait(RECEIVE_WAIT));
    }
    let account = accounts::of_code(conn, code.as_str())?.filter(|account| account.is_proven_by(papers));
    let Some(account) = account else { return Ok(Received::No) };
    staff::take_back_failure(conn, &key)?;
    if accounts::find_for(conn, actor, account.id, now)?.is_none() {
        super::note(conn, EventKind::AccountReceived, account.id, actor.id, address, now)?;
    }
    Ok(Received::Yes(account.id))
}

/// `POST /accounts/receive`
pub async fn post(
    request: HttpRequest,
    person: Allowed<ActOnAccount>,
    session: TypedSession,
    parts: web::Data<Parts>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let form = form.into_inner();
    let asked = match form.parse() {
        Ok(asked) => asked,
        Err(errors) => {
            let shown = Shown { receiving: form, errors, status: StatusCode::UNPROCESSABLE_ENTITY, ..Shown::default() };
            return list::show(&person, &session, &parts, shown).await;
        }
    };
    let (actor, address, now) = (person.clone(), address(&request), clock::now());
    let (refusal, status) = match parts.write(move |conn| receive(conn, &actor, &asked, &address, now)).await? {
        Received::Yes(id) => {
            let text = format!("Đã tiếp nhận tài khoản; mở được đến {}", show_time(now + RECEIVED_FOR));
            session.tell(&Flash { good: true, text, offers_next: false })?;
            return Ok(see_other(&format!("/accounts/{id}")));
        }
        Received::No => (WRONG.to_owned(), StatusCode::UNPROCESSABLE_ENTITY),
        Received::Wait(wait) => (throttle::sentence(wait), StatusCode::TOO_MANY_REQUESTS),
    };
    let shown = Shown { receiving: form, refusal: Some(refusal), status, ..Shown::default() };
    list::show(&person, &session, &parts, shown).await
}

/// `GET` of an address to which the page posts: what a browser asks for again after a refusal.
pub async fn back() -> HttpResponse {
    see_other("/accounts")
}
