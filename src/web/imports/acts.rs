//! What a person does with an import: corrects how it was understood, lets it count, lets go of it. Each form says what was
//! seen; when the import has moved on since, nothing happens and the page says so.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::columns::{self, Typed};
use super::detail::{self, Shown};
use super::{PATH, find, seen};
use crate::clock;
use crate::db::Conn;
use crate::db::imports::{self, Import};
use crate::domain::ids::ImportId;
use crate::domain::import::ImportState;
use crate::domain::to_json;
use crate::error::AppError;
use crate::jobs::import::folder::Folder;
use crate::jobs::import::read::Found;
use crate::jobs::import::remembered;
use crate::startup::Parts;
use crate::web::allowed::{self, Allowed};
use crate::web::see_other;
use crate::web::session::TypedSession;

const MOVED_ON: &str =
    "Lần nhập này vừa chuyển sang bước khác, nên việc bạn bấm chưa được làm. Hãy xem lại rồi bấm lại nếu cần.";

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Form {
    seen: String,
    confirmed: String,
}

/// What came of an act.
enum Done {
    Yes,
    /// The import is no longer what the form spoke of.
    MovedOn,
    Unconfirmed,
}

/// The import's page after an act, or again with what stood in the way.
async fn answer(
    person: &Allowed<allowed::Import>,
    session: &TypedSession,
    parts: &web::Data<Parts>,
    id: ImportId,
    done: Done,
) -> Result<HttpResponse, AppError> {
    let shown = match done {
        Done::Yes => return Ok(see_other(&format!("{PATH}/{id}"))),
        Done::MovedOn => Shown { refusal: Some(MOVED_ON.to_owned()), ..Shown::default() },
        Done::Unconfirmed => Shown { unconfirmed: true, ..Shown::default() },
    };
    detail::show(person, session, parts, id, shown).await
}

/// Moves an import on if it still is what was seen.
async fn act(
    person: Allowed<allowed::Import>,
    session: TypedSession,
    parts: web::Data<Parts>,
    id: ImportId,
    was_seen: String,
    f: impl FnOnce(&mut Conn, &Import) -> Result<Done, AppError> + Send + 'static,
) -> Result<HttpResponse, AppError> {
    let actor = person.clone();
    let done = parts
        .write(move |conn| {
            let (import, _) = find(conn, &actor, id)?;
            if seen(&import) != was_seen {
                return Ok(Done::MovedOn);
            }
            let done = f(conn, &import)?;
            if matches!(done, Done::Yes) {
                // The history says who pressed, not who brought the file.
                imports::acted(conn, id, actor.id)?;
            }
            Ok(done)
        })
        .await?;
    answer(&person, &session, &parts, id, done).await
}

/// From one state to another, if it still stands in the first.
fn moved(conn: &mut Conn, import: &Import, to: ImportState) -> Result<Done, AppError> {
    let moved = imports::change_state(conn, import.id, import.state, to, clock::now())?;
    Ok(if moved { Done::Yes } else { Done::MovedOn })
}

/// `POST /imports/{id}/apply`: *Nhập*
pub async fn apply(
    person: Allowed<allowed::Import>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let Form { seen, confirmed } = form.into_inner();
    act(person, session, parts, ImportId(path.into_inner()), seen, move |conn, import| {
        if !import.state.may_apply() || !import.has_files {
            return Ok(Done::MovedOn);
        }
        if import.needs_confirmation && !import.confirmed {
            if confirmed.is_empty() {
                return Ok(Done::Unconfirmed);
            }
            imports::confirm_encoding(conn, import.id)?;
        }
        moved(conn, import, ImportState::Applying)
    })
    .await
}

/// `POST /imports/{id}/cancel`: *Dừng* what the worker does, or *Bỏ* what waits for a decision.
pub async fn cancel(
    person: Allowed<allowed::Import>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let Form { seen, .. } = form.into_inner();
    act(person, session, parts, ImportId(path.into_inner()), seen, |conn, import| {
        if !import.state.may_stop() {
            return Ok(Done::MovedOn);
        }
        if import.state.is_at_work() {
            imports::ask_to_stop(conn, import.id)?;
            return Ok(Done::Yes);
        }
        moved(conn, import, ImportState::Cancelled)
    })
    .await
}

/// `POST /imports/{id}/rollback`: *Hoàn tác*, after the question
pub async fn roll_back(
    person: Allowed<allowed::Import>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let Form { seen, .. } = form.into_inner();
    act(person, session, parts, ImportId(path.into_inner()), seen, |conn, import| {
        if import.state.may_roll_back() { moved(conn, import, ImportState::RollingBack) } else { Ok(Done::MovedOn) }
    })
    .await
}

/// `POST /imports/{id}/read`: once more, as it was understood before, what broke or was let go of
pub async fn read(
    person: Allowed<allowed::Import>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let Form { seen, .. } = form.into_inner();
    act(person, session, parts, ImportId(path.into_inner()), seen, |conn, import| {
        if !import.state.may_read_again() || !import.has_files {
            return Ok(Done::MovedOn);
        }
        let layouts = import.layouts.as_deref();
        let moved = imports::read_again(conn, import.id, import.state, layouts, clock::now())?;
        Ok(if moved { Done::Yes } else { Done::MovedOn })
    })
    .await
}

/// `POST /imports/{id}/layout`: *Đọc lại với cách hiểu này*, or as the program understands it by itself
pub async fn layout(
    person: Allowed<allowed::Import>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
    typed: web::Form<Typed>,
) -> Result<HttpResponse, AppError> {
    let (id, typed) = (ImportId(path.into_inner()), typed.into_inner());
    let (actor, data_dir) = (person.clone(), parts.config.data_dir.clone());
    let (import, found) = parts
        .read(move |conn| {
            let (import, _) = find(conn, &actor, id)?;
            let found: Option<Found> = Folder::of(&data_dir, id).kept(Found::NAME)?;
            Ok((import, found))
        })
        .await?;
    let Some(found) = found.filter(|_| import.state.may_read_again() && import.has_files) else {
        return answer(&person, &session, &parts, id, Done::MovedOn).await;
    };
    let layouts = if typed.contains_key("own") {
        None
    } else {
        match columns::parse(import.kind, &found.sheets, &typed) {
            Ok(layouts) => Some(layouts),
            Err(faults) => {
                let shown = Shown { typed: Some((typed, faults)), ..Shown::default() };
                return detail::show(&person, &session, &parts, id, shown).await;
            }
        }
    };
    let was_seen = typed.get("seen").cloned().unwrap_or_default();
    let scope = person.manages();
    act(person, session, parts, id, was_seen, move |conn, import| {
        let now = clock::now();
        let json = layouts.as_ref().map(to_json);
        if !imports::read_again(conn, import.id, import.state, json.as_deref(), now)? {
            return Ok(Done::MovedOn);
        }
        match &layouts {
            Some(layouts) => remembered::keep(conn, (import.kind, scope), &found.sheets, layouts, now)?,
            None => remembered::forget(conn, import.kind, scope, &found.sheets)?,
        }
        Ok(Done::Yes)
    })
    .await
}

/// `GET` of an address to which the page posts: what a browser asks for again after a refusal.
pub async fn back(path: web::Path<i64>) -> HttpResponse {
    see_other(&format!("{PATH}/{}", path.into_inner()))
}
