//! What is left of a declaration whose person did not come, once its personal data was erased: number, dates and agency.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::NaiveDate;

use crate::db::Conn;
use crate::db::events::{self, Event};
use crate::domain::application::Application;
use crate::domain::dates::to_hanoi;
use crate::domain::deadline::VISIT_DAYS;
use crate::domain::permission::Actor;
use crate::error::AppError;
use crate::web::session::TypedSession;
use crate::web::{Chrome, Menu, page};

/// How much of the history the page shows.
const EVENTS: i64 = 50;

/// An erased application and its history, which names staff only.
pub struct Tombstone {
    application: Application,
    events: Vec<Event>,
}

#[derive(Template)]
#[template(path = "applications/tombstone.html")]
struct TombstonePage<'a> {
    chrome: Chrome,
    app: &'a Application,
    erased_on: Option<NaiveDate>,
    events: &'a [Event],
    list: String,
}

impl Tombstone {
    pub fn load(conn: &mut Conn, application: Application) -> Result<Self, AppError> {
        Ok(Self { events: events::of_application(conn, application.id, EVENTS)?, application })
    }

    pub fn page(
        &self,
        actor: &Actor,
        session: &TypedSession,
        list: String,
        status: StatusCode,
    ) -> Result<HttpResponse, AppError> {
        let chrome = Chrome::new(actor, session, Menu::Applications);
        let app = &self.application;
        let erased_on = app.erased_at.map(|at| to_hanoi(at).date());
        page(&TombstonePage { chrome, app, erased_on, events: &self.events, list }, status)
    }
}
