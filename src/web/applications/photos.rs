//! The photos of an application: looking at one, replacing the portrait by attaching a file (a scanner's file too, as
//! PHỤ LỤC 02 notes), putting an earlier one back.

use actix_multipart::form::bytes::Bytes;
use actix_multipart::form::text::Text;
use actix_multipart::form::{MultipartForm, MultipartFormConfig};
use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::NaiveDateTime;
use serde::Serialize;

use super::assess;
use super::detail::{self, Shown, list_key};
use super::within_scope;
use crate::adapters::photos::PhotoError;
use crate::clock;
use crate::db::events::{self, NewEvent};
use crate::db::{Conn, applications, photos};
use crate::domain::act::ApplicationAct;
use crate::domain::application::{Application, Kind, PhotoKind};
use crate::domain::event::EventKind;
use crate::domain::ids::{ApplicationId, PhotoId, StaffId};
use crate::domain::text::FieldError;
use crate::domain::to_json;
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::allowed::{Allowed, ReplacePhoto, SeeApplications};
use crate::web::session::{Draft, Flash, TypedSession};
use crate::web::{Errors, address, guard, see_other};

/// What *Thay ảnh* posts. Whatever else a client sends is refused.
#[derive(MultipartForm)]
#[multipart(deny_unknown_fields, duplicate_field = "deny")]
pub struct Upload {
    csrf: Text<String>,
    kind: Text<String>,
    list: Option<Text<String>>,
    /// What was typed into the decision on the same page, urlencoded.
    draft: Option<Text<String>>,
    #[multipart(limit = "10 MiB")]
    file: Bytes,
}

/// Limits on uploads, and errors as ours.
pub fn config() -> MultipartFormConfig {
    MultipartFormConfig::default()
        .total_limit(guard::UPLOAD_BYTES)
        .memory_limit(guard::UPLOAD_BYTES)
        .error_handler(|error, _| guard::upload_refusal(&error).into())
}

/// `GET /applications/{id}/photos/{photo}`
pub async fn get(
    person: Allowed<SeeApplications>,
    parts: web::Data<Parts>,
    path: web::Path<(i64, i64)>,
) -> Result<HttpResponse, AppError> {
    let (id, photo) = path.into_inner();
    let (id, photo, actor) = (ApplicationId(id), PhotoId(photo), person.clone());
    let store = parts.photos.clone();
    let jpeg = parts
        .read(move |conn| {
            let application = within_scope(conn, &actor, id)?;
            let mut photos = photos::of_application(conn, id)?;
            if application.kind == Kind::Change {
                // The account's present ones stand beside those that came with the change.
                photos.extend(photos::of_account(conn, &application.declaration.code)?);
            }
            let photo = photos.iter().find(|known| known.id == photo).ok_or(AppError::NotFound)?;
            Ok(store.load(&photo.sha256)?)
        })
        .await?;
    Ok(as_answer(jpeg))
}

/// A photo never changes under its id; browsers of this person may keep it while they work.
pub fn as_answer(jpeg: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("image/jpeg")
        .insert_header((CACHE_CONTROL, "private, max-age=600"))
        .insert_header(("content-disposition", "inline; filename=\"anh.jpg\""))
        .body(jpeg)
}

/// `POST /applications/{id}/photos`
pub async fn post(
    request: HttpRequest,
    person: Allowed<ReplacePhoto>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
    upload: Result<MultipartForm<Upload>, actix_web::Error>,
) -> Result<HttpResponse, AppError> {
    let id = ApplicationId(path.into_inner());
    let upload = match upload {
        Ok(upload) => upload.into_inner(),
        Err(error) => {
            return Err(match error.as_response_error().status_code() {
                StatusCode::PAYLOAD_TOO_LARGE => AppError::TooLarge,
                _ => AppError::Malformed,
            });
        }
    };
    if !guard::same_token(&upload.csrf, &session.csrf()) {
        return Err(AppError::Foreign);
    }
    let page = format!("/applications/{id}");
    let draft = upload.draft.map(Text::into_inner).unwrap_or_default();
    let list = list_key(upload.list.as_deref().map_or("", String::as_str));
    let kind = PhotoKind::from_code(&upload.kind).ok_or(AppError::Malformed)?;
    let kept = if upload.file.data.is_empty() {
        Err(FieldError::new("Chọn tệp ảnh trước."))
    } else {
        match parts.photos.add(upload.file.data.to_vec()).await {
            Ok(sha256) => Ok(sha256),
            Err(PhotoError::Io(error)) => return Err(error.into()),
            Err(error) => Err(FieldError::new(error.to_string())),
        }
    };
    let sha256 = match kept {
        Ok(sha256) => sha256,
        Err(fault) => {
            let form = web::Query::<assess::Form>::from_query(&draft).ok().map(web::Query::into_inner);
            let shown = Shown {
                list,
                form: form.filter(|_| !draft.is_empty()),
                errors: Errors::one(if kind == PhotoKind::Portrait { "photo" } else { "paper" }, fault),
                status: StatusCode::UNPROCESSABLE_ENTITY,
                ..Shown::default()
            };
            return detail::show(&request, &person, &session, &parts, id, shown).await;
        }
    };
    let (actor, address, now) = (person.clone(), address(&request), clock::now());
    let version = parts
        .write(move |conn| {
            let application = open_application(conn, &actor, id)?;
            let before = photos::replace(conn, id, kind, &sha256, Some(actor.id), now)?;
            let change = Change { event: EventKind::PhotoReplaced, kind, before, after: sha256 };
            record(conn, &application, actor.id, &address, now, change)?;
            Ok(application.version)
        })
        .await?;
    if !draft.is_empty() {
        let mut draft = Draft::of(page.clone(), &draft, false)?;
        // What this officer changed is no news to them; but that this photo is the person's they have yet to say.
        if draft.fields.get("version") == Some(&version.to_string()) {
            draft.fields.insert("version".into(), (version + 1).to_string());
            draft.fields.remove("photo_matches");
        }
        session.keep_draft(&draft)?;
    }
    session.tell(&Flash {
        good: true,
        text: "Đã thay ảnh. Ảnh cũ được giữ lại ở phần Ảnh trước đây".into(),
        offers_next: false,
    })?;
    Ok(see_other(&format!("{page}?list={list}")))
}

/// `POST /applications/{id}/photos/{photo}/restore`
pub async fn restore(
    request: HttpRequest,
    person: Allowed<ReplacePhoto>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<(i64, i64)>,
    form: web::Form<detail::At>,
) -> Result<HttpResponse, AppError> {
    let (id, photo) = path.into_inner();
    let (id, photo) = (ApplicationId(id), PhotoId(photo));
    let (actor, address, now) = (person.clone(), address(&request), clock::now());
    parts
        .write(move |conn| {
            let application = open_application(conn, &actor, id)?;
            let (kind, before, after) = photos::restore(conn, id, photo)?;
            let change = Change { event: EventKind::PhotoRestored, kind, before, after };
            record(conn, &application, actor.id, &address, now, change)
        })
        .await?;
    session.tell(&Flash { good: true, text: "Đã dùng lại ảnh cũ".into(), offers_next: false })?;
    Ok(see_other(&format!("/applications/{id}?list={}", list_key(&form.list))))
}

fn open_application(
    conn: &mut Conn,
    actor: &crate::domain::permission::Actor,
    id: ApplicationId,
) -> Result<Application, AppError> {
    let application = within_scope(conn, actor, id)?;
    ApplicationAct::ReplacePhoto.allowed_in(application.kind, application.status)?;
    Ok(application)
}

struct Change {
    event: EventKind,
    kind: PhotoKind,
    before: Option<String>,
    after: String,
}

#[derive(Serialize)]
struct Picture<'a> {
    photo: PhotoKind,
    sha256: &'a str,
}

fn record(
    conn: &mut Conn,
    application: &Application,
    by: StaffId,
    address: &str,
    at: NaiveDateTime,
    change: Change,
) -> Result<(), AppError> {
    // Whoever decides on the page with the photo before is told that it changed.
    if applications::touch(conn, application.id, application.version)? == 0 {
        return Err(AppError::Taken);
    }
    let json = |sha256: &str| to_json(&Picture { photo: change.kind, sha256 });
    Ok(events::add(
        conn,
        &NewEvent {
            application: Some(application.id),
            account: None,
            staff: Some(by),
            kind: change.event,
            at,
            address: Some(address),
            before: change.before.as_deref().map(json),
            after: Some(json(&change.after)),
        },
    )?)
}
