//! `/messages/{id}`: one message, each step of it, and its words unless they are its recipient's alone.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::recipient;
use crate::clock;
use crate::db::message_list::{self, Told, Words};
use crate::domain::ids::MessageId;
use crate::domain::outbox::MessageKind;
use crate::domain::permission::Action;
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::allowed::{Allowed, SeeMessages};
use crate::web::session::TypedSession;
use crate::web::{Chrome, Menu, page};

#[derive(Template)]
#[template(path = "messages/detail.html")]
struct DetailPage {
    chrome: Chrome,
    told: Told,
    /// None when this person may not read them.
    words: Option<Words>,
    here: String,
}

impl DetailPage {
    fn here(&self) -> &str {
        &self.here
    }

    fn recipient(&self) -> String {
        recipient(&self.chrome, &self.told.message)
    }
}

/// `GET /messages/{id}`
pub async fn get(
    person: Allowed<SeeMessages>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let (id, actor, now) = (MessageId(path.into_inner()), person.clone(), clock::now());
    let (told, words) = parts
        .read(move |conn| {
            let told = message_list::find_for(conn, &actor, id, now)?.ok_or(AppError::NotFound)?;
            let kind = told.message.kind;
            // A notice may tell of a citizen what an admin has no business to know.
            let readable = !kind.is_secret() && (actor.may(Action::SeeApplications) || kind == MessageKind::Test);
            let words = if readable { Some(message_list::words(conn, id)?) } else { None };
            Ok((told, words))
        })
        .await?;
    let here = format!("/messages/{id}");
    page(&DetailPage { chrome: Chrome::new(&person, &session, Menu::Messages), told, words, here }, StatusCode::OK)
}
