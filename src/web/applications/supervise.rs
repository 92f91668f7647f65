//! What a supervisor does with an application: *Mở lại* puts a decided one before its officer again, *Chuyển cơ quan* gives a
//! waiting one to another agency (the guide, section 3, "Who sees what"). Both with a reason that stays in the history.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::detail::{self, Shown, list_key};
use super::loaded::load;
use super::within_scope;
use crate::clock;
use crate::db::decisions;
use crate::db::events::Stamp;
use crate::db::{Conn, agencies, texts};
use crate::domain::act::ApplicationAct;
use crate::domain::application::Declaration;
use crate::domain::assessment;
use crate::domain::ids::ApplicationId;
use crate::domain::message::{REASON_MAX, parse_reason};
use crate::domain::names;
use crate::domain::permission::Actor;
use crate::domain::refusal::Refusal;
use crate::domain::text::{self, FieldError};
use crate::domain::texts::TextKey;
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::allowed::{Allowed, Move, Reopen};
use crate::web::preview::Preview;
use crate::web::session::{Flash, TypedSession};
use crate::web::{Errors, address, see_other};

/// Either of the two forms as it was entered.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    pub version: String,
    pub reopen_reason: String,
    /// That the account is locked while the application is decided anew.
    pub acknowledged: String,
    pub move_reason: String,
    /// The code of the agency to move to.
    pub agency: String,
    pub list: String,
}

/// Why nothing was done.
enum Obstacle {
    Refused(Refusal),
    /// Somebody else changed the application since the page was opened.
    Changed,
    Field(&'static str, FieldError),
}

/// Shows the page again with what stood in the way, or goes on with a word of success.
async fn answer(
    (request, actor, session, parts): (&HttpRequest, &Actor, &TypedSession, &Parts),
    id: ApplicationId,
    form: Form,
    outcome: Result<String, Obstacle>,
) -> Result<HttpResponse, AppError> {
    let mut shown = Shown { list: form.list.clone(), status: StatusCode::UNPROCESSABLE_ENTITY, ..Shown::default() };
    match outcome {
        Ok(text) => {
            session.tell(&Flash { good: true, text, offers_next: false })?;
            return Ok(see_other(&format!("/applications/{id}?list={}", list_key(&form.list))));
        }
        Err(Obstacle::Refused(refusal)) => shown.refusal = Some(refusal.to_string()),
        Err(Obstacle::Changed) => {
            shown.status = StatusCode::CONFLICT;
            shown.refusal = Some(CHANGED.to_owned());
        }
        Err(Obstacle::Field(field, fault)) => shown.errors = Errors::one(field, fault),
    }
    shown.supervision = form;
    detail::show(request, actor, session, parts, id, shown).await
}

const CHANGED: &str =
    "Hồ sơ đã có thay đổi sau khi bạn mở nên chưa thực hiện gì. Hãy xem lại; nội dung bạn nhập còn ở bên dưới.";

/// `POST /applications/{id}/reopen`
pub async fn reopen(
    request: HttpRequest,
    person: Allowed<Reopen>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let (id, form) = (ApplicationId(path.into_inner()), form.into_inner());
    let texts = parts.read(|conn| Ok(texts::current(conn)?)).await?;
    let outcome = match parse_reason(&form.reopen_reason, Some((&texts, TextKey::LockedForReview))) {
        Err(fault) => Err(Obstacle::Field("reopen_reason", fault)),
        Ok(reason) => {
            let (actor, address, now) = (person.clone(), address(&request), clock::now());
            let (version, acknowledged) = (form.version.clone(), !form.acknowledged.is_empty());
            let act = move |conn: &mut Conn| {
                let application = within_scope(conn, &actor, id)?;
                let is_current = application.version.to_string() == version;
                let evidence = decisions::evidence(conn, application)?;
                if let Err(refusal) = assessment::reopen(&evidence, acknowledged) {
                    return Ok(Err(Obstacle::Refused(refusal)));
                }
                let stamp = Stamp { staff: actor.id, at: now, address: Some(&address) };
                if !is_current || !decisions::reopen(conn, &evidence, &reason, stamp)? {
                    return Ok(Err(Obstacle::Changed));
                }
                Ok(Ok("Đã mở lại hồ sơ. Hồ sơ trở lại Chờ duyệt".to_owned()))
            };
            match parts.write(act.clone()).await {
                // The account was just changed by somebody else: the second look knows it as it is.
                Err(AppError::NotFound) => parts.write(act).await?,
                other => other?,
            }
        }
    };
    answer((&request, &person, &session, &parts), id, form, outcome).await
}

/// `POST /applications/{id}/reopen/preview`: what opening it again for this reason tells.
pub async fn preview(
    request: HttpRequest,
    person: Allowed<Reopen>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let (id, form) = (ApplicationId(path.into_inner()), form.into_inner());
    if !Preview::is_asked_alone(&request) {
        let shown = Shown { list: form.list.clone(), supervision: form, ..Shown::default() };
        return detail::show(&request, &person, &session, &parts, id, shown).await;
    }
    let actor = person.clone();
    let loaded = parts.read(move |conn| load(conn, &actor, id)).await?.map_err(|_| AppError::NotFound)?;
    detail::reopening(&loaded, &form.reopen_reason, parts.config.sms_price).alone()
}

/// `POST /applications/{id}/move`: the number keeps its origin, the queue changes.
pub async fn hand_over(
    request: HttpRequest,
    person: Allowed<Move>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let (id, form) = (ApplicationId(path.into_inner()), form.into_inner());
    let outcome = match move_reason(&form.move_reason) {
        Err(fault) => Err(Obstacle::Field("move_reason", fault)),
        Ok(reason) => {
            let (actor, address, now) = (person.clone(), address(&request), clock::now());
            let (version, code) = (form.version.clone(), form.agency.clone());
            parts
                .write(move |conn| {
                    let application = within_scope(conn, &actor, id)?;
                    if let Err(refusal) = ApplicationAct::Move.allowed_in(application.kind, application.status) {
                        return Ok(Err(Obstacle::Refused(refusal)));
                    }
                    if tells_of(&application.declaration, &reason) {
                        let sentence =
                            "Lý do được giữ lâu dài: không ghi họ tên, số điện thoại hay số giấy tờ của người đăng ký.";
                        return Ok(Err(Obstacle::Field("move_reason", FieldError::new(sentence))));
                    }
                    let within_reach = agencies::all(conn, actor.scope())?;
                    let Some(to) = within_reach.iter().find(|agency| agency.code == code) else {
                        return Ok(Err(Obstacle::Field("agency", FieldError::new("Chọn cơ quan nhận hồ sơ."))));
                    };
                    if to.id == application.agency_id {
                        return Ok(Err(Obstacle::Refused(Refusal::AlreadyThere)));
                    }
                    let stamp = Stamp { staff: actor.id, at: now, address: Some(&address) };
                    if application.version.to_string() != version
                        || !decisions::hand_over(conn, &application, to, &reason, stamp)?
                    {
                        return Ok(Err(Obstacle::Changed));
                    }
                    Ok(Ok(format!("Đã chuyển hồ sơ đến {}", to.name)))
                })
                .await?
        }
    };
    answer((&request, &person, &session, &parts), id, form, outcome).await
}

/// Whether a text names the person: it stays in the history when everything else of a removed declaration is erased.
fn tells_of(declaration: &Declaration, text: &str) -> bool {
    let has_number = text.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() >= 6);
    has_number || names::folded(text).contains(&declaration.name.folded())
}

/// Why it is moved: for colleagues only, no citizen is told.
fn move_reason(raw: &str) -> Result<String, FieldError> {
    text::line(&raw.replace(['\r', '\n'], " "), REASON_MAX)?
        .ok_or_else(|| FieldError::new("Nhập lý do chuyển để cơ quan nhận biết cần làm gì."))
}
