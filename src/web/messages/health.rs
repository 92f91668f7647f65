//! `/messages/health`: *Sức khỏe hàng đợi*, and *Gửi thử* for an admin.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::NaiveDateTime;
use serde::Deserialize;

use crate::clock;
use crate::db::events::Stamp;
use crate::db::{message_acts, queue_health};
use crate::domain::numbers::{Email, Phone};
use crate::domain::outbox::MessageChannel;
use crate::domain::permission::Action;
use crate::domain::queue_health::Health;
use crate::domain::text::FieldError;
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::allowed::{Allowed, Permission, SeeQueue, TestGateway};
use crate::web::session::TypedSession;
use crate::web::{Chrome, Errors, Menu, address, page, see_other};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Form {
    channel: String,
    to: String,
}

impl Form {
    fn parse(&self) -> Result<(MessageChannel, String), Errors> {
        let wrong = |fault: FieldError| Errors::one("to", fault);
        match MessageChannel::from_code(&self.channel) {
            Some(channel @ MessageChannel::Sms) => {
                Ok((channel, Phone::parse(&self.to).map_err(wrong)?.as_str().to_owned()))
            }
            Some(channel @ MessageChannel::Email) => {
                Ok((channel, Email::parse(&self.to).map_err(wrong)?.as_str().to_owned()))
            }
            None => Err(Errors::one("channel", FieldError::new("Chọn kênh gửi."))),
        }
    }
}

#[derive(Template)]
#[template(path = "messages/health.html")]
struct HealthPage {
    chrome: Chrome,
    health: Health,
    troubles: Vec<String>,
    now: NaiveDateTime,
    form: Form,
    errors: Errors,
    /// Why no trial was sent.
    refusal: Option<String>,
}

impl HealthPage {
    /// So many in so many minutes, each minute.
    fn a_minute(count: &i64, minutes: i64) -> String {
        let tenths = count * 10 / minutes;
        format!("{},{}", crate::web::show::thousands(&(tenths / 10)), tenths % 10)
    }

    /// For how long the one that is due has waited.
    fn overdue(&self, since: &NaiveDateTime) -> String {
        crate::web::show::span(&(self.now - *since))
    }
}

async fn show<P: Permission>(
    person: &Allowed<P>,
    session: &TypedSession,
    parts: &Parts,
    (form, errors, refusal): (Form, Errors, Option<String>),
) -> Result<HttpResponse, AppError> {
    let now = clock::now();
    let health = parts.read(move |conn| Ok(queue_health::health(conn, now)?)).await?;
    let wrong = !errors.is_empty() || refusal.is_some();
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let chrome = Chrome::new(person, session, Menu::Messages);
    page(&HealthPage { chrome, troubles: health.troubles(now), health, now, form, errors, refusal }, status)
}

pub async fn get(
    person: Allowed<SeeQueue>,
    session: TypedSession,
    parts: web::Data<Parts>,
) -> Result<HttpResponse, AppError> {
    show(&person, &session, &parts, (Form::default(), Errors::default(), None)).await
}

/// `POST /messages/test`
pub async fn test(
    request: HttpRequest,
    person: Allowed<TestGateway>,
    session: TypedSession,
    parts: web::Data<Parts>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let form = form.into_inner();
    let (channel, to) = match form.parse() {
        Ok(parsed) => parsed,
        Err(errors) => return show(&person, &session, &parts, (form, errors, None)).await,
    };
    let (actor, address, now) = (person.clone(), address(&request), clock::now());
    let act = move |conn: &mut crate::db::Conn| {
        let stamp = Stamp { staff: actor.id, at: now, address: Some(&address) };
        Ok(message_acts::test(conn, &actor, channel, &to, stamp)?)
    };
    match parts.write(act).await {
        // There it is followed on its way.
        Ok(id) => Ok(see_other(&format!("/messages/{id}"))),
        Err(AppError::Unprocessable(sentence)) => {
            show(&person, &session, &parts, (form, Errors::default(), Some(sentence))).await
        }
        Err(error) => Err(error),
    }
}

/// `GET` of the address to which the form posts.
pub async fn back() -> HttpResponse {
    see_other("/messages/health")
}
