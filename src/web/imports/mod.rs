//! *Nhập từ Excel*: an admin brings a list in. The file is read for trial, the page shows what would happen and how the
//! file was understood, the admin corrects that, and only then lets it count; afterwards it can be taken back. What each
//! step does is the worker's: these pages move an import from state to state and show where it stands.

pub mod acts;
pub mod columns;
pub mod detail;
pub mod downloads;
pub mod list;
pub mod progress;
pub mod rollback;

use actix_web::web;

use crate::db::Conn;
use crate::db::imports::{self, Import, Listed};
use crate::domain::ids::ImportId;
use crate::domain::permission::Actor;
use crate::error::AppError;
use crate::startup::Parts;

pub const PATH: &str = "/imports";

/// The largest body of an upload: a file, with the form around it.
pub fn upload_limit(parts: Option<&web::Data<Parts>>) -> usize {
    parts.map_or(0, |parts| largest_file(parts) + super::guard::FORM_BYTES)
}

fn largest_file(parts: &Parts) -> usize {
    usize::try_from(parts.config.import_limits.file_bytes).unwrap_or(usize::MAX / 2)
}

/// The import, when it is one of those that this person sees: an admin's reach is that of their own office.
fn find(conn: &mut Conn, actor: &Actor, id: ImportId) -> Result<Listed, AppError> {
    imports::find(conn, actor.manages(), id)?.ok_or(AppError::NotFound)
}

/// Enough of a file's hash to tell two files apart.
fn short(import: &Import) -> &str {
    import.sha256.get(..8).unwrap_or_default()
}

/// The moment at which an import came to where it stands. Forms carry it back, so that nobody decides on what they have
/// not seen.
fn seen(import: &Import) -> String {
    import.at.and_utc().timestamp_millis().to_string()
}
