//! The room of the desk officer: the list, one application, its assessment, its photos, entering one at the counter.

pub mod assess;
pub mod detail;
pub mod enter;
pub mod form;
pub mod list;
pub mod photos;

use crate::db::{Conn, applications};
use crate::domain::application::Application;
use crate::domain::ids::ApplicationId;
use crate::domain::permission::Actor;
use crate::error::AppError;

/// The application, when this person may see it; otherwise nobody learns that it exists.
fn within_scope(conn: &mut Conn, actor: &Actor, id: ApplicationId) -> Result<Application, AppError> {
    applications::find(conn, actor.scope(), id)?.ok_or(AppError::NotFound)
}
