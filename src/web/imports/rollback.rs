//! The question before an import is taken back: what will happen, and what will stay because something later touched it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{PATH, find, seen};
use crate::db::imports::Import;
use crate::domain::ids::ImportId;
use crate::error::AppError;
use crate::jobs::import::apply::would_keep;
use crate::startup::Parts;
use crate::web::allowed::{self, Allowed};
use crate::web::session::TypedSession;
use crate::web::{Chrome, Menu, page, see_other};

/// How many of the rows that stay are named.
const NAMED: usize = 50;

#[derive(Template)]
#[template(path = "imports/rollback.html")]
struct RollbackPage {
    chrome: Chrome,
    import: Import,
    kept: i64,
    keys: Vec<String>,
    seen: String,
}

impl RollbackPage {
    /// Whether there are more rows that stay than are named.
    fn names_some(&self) -> bool {
        usize::try_from(self.kept).is_ok_and(|kept| kept > self.keys.len())
    }
}

/// `GET /imports/{id}/rollback`
pub async fn get(
    person: Allowed<allowed::Import>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let (id, actor, db) = (ImportId(path.into_inner()), person.clone(), parts.db.clone());
    let asked = web::block(move || {
        let (import, _) = db.read(|conn| find(conn, &actor, id))?;
        let kept = if import.state.may_roll_back() { Some(would_keep(&db, &import, NAMED)?) } else { None };
        Ok::<_, AppError>((import, kept))
    });
    let (import, kept) = asked.await??;
    let Some((kept, keys)) = kept else {
        return Ok(see_other(&format!("{PATH}/{id}")));
    };
    let (chrome, seen) = (Chrome::new(&person, &session, Menu::Imports), seen(&import));
    page(&RollbackPage { chrome, import, kept, keys, seen }, StatusCode::OK)
}
