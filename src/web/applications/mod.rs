//! The room of the desk officer: the list, one application, its assessment, its photos, entering one at the counter.

pub mod assess;
pub mod detail;
pub mod enter;
pub mod form;
pub mod list;
mod loaded;
pub mod photos;
pub mod supervise;
pub mod tombstone;

use actix_web::HttpRequest;

use crate::clock;
use crate::db::events::{self, NewEvent};
use crate::db::{Conn, applications};
use crate::domain::application::Application;
use crate::domain::event::EventKind;
use crate::domain::ids::ApplicationId;
use crate::domain::permission::Actor;
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::address;

/// The application, when this person may see it; otherwise nobody learns that it exists.
fn within_scope(conn: &mut Conn, actor: &Actor, id: ApplicationId) -> Result<Application, AppError> {
    applications::find(conn, actor.scope(), id)?.ok_or(AppError::NotFound)
}

/// Records that this person looked at an application.
async fn note_look(parts: &Parts, actor: &Actor, id: ApplicationId, request: &HttpRequest) -> Result<(), AppError> {
    let (by, address, now) = (actor.id, address(request), clock::now());
    parts
        .note(move |conn| {
            let event = NewEvent {
                application: Some(id),
                account: None,
                staff: Some(by),
                kind: EventKind::Viewed,
                at: now,
                address: Some(&address),
                before: None,
                after: None,
            };
            Ok(events::add(conn, &event)?)
        })
        .await
}
