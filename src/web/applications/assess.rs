//! *Đánh giá hồ sơ* and *Ghi nhận* (PHỤ LỤC 02, section 1, steps 6 and 7).

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::NaiveDateTime;
use serde::Deserialize;

use super::detail::{self, Shown, list_key};
use super::loaded::load;
use super::within_scope;
use crate::clock;
use crate::db::decisions;
use crate::db::events::Stamp;
use crate::db::events::{self, NewEvent};
use crate::db::{Conn, applications, texts};
use crate::domain::act::ApplicationAct;
use crate::domain::application::{Application, Kind, Status};
use crate::domain::assessment::{Assessment, Checklist, Decision, Outcome, assess, recheck as ask_again};
use crate::domain::dates::show_time;
use crate::domain::event::EventKind;
use crate::domain::ids::{ApplicationId, StaffId};
use crate::domain::message::{self, parse_reason};
use crate::domain::permission::Actor;
use crate::domain::refusal::Refusal;
use crate::domain::registry::Verdict;
use crate::domain::text::FieldError;
use crate::domain::texts::{TextKey, Texts};
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::allowed::{Allowed, Assess};
use crate::web::preview::Preview;
use crate::web::session::{Flash, TypedSession};
use crate::web::{Errors, address, see_other};

/// The decision as it was entered.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    /// What the page showed when the officer decided.
    pub version: String,
    pub verdict: String,
    /// Of the account that a change of information is laid beside; empty for a new registration.
    pub account_version: String,
    /// Set by **Xác nhận**, after the question what will change.
    pub confirmed: String,
    pub outcome: String,
    pub id_compared: String,
    pub form_signed: String,
    pub photo_matches: String,
    pub name_compared: String,
    pub reason_choice: String,
    pub reason: String,
    /// The list to go back to.
    pub list: String,
}

impl Form {
    /// The reason picked from the list and what was written besides.
    pub fn typed_reason(&self) -> String {
        message::chosen_reason(&self.reason_choice, &self.reason)
    }

    /// The version of the application that the page showed; 0 for a form of no page.
    pub fn version(&self) -> i32 {
        self.version.parse().unwrap_or(0)
    }

    fn parse(&self, texts: &Texts) -> Result<Assessment, Errors> {
        match Outcome::from_code(&self.outcome) {
            None => Err(Errors::one("outcome", FieldError::new("Chọn Hồ sơ hợp lệ hoặc Hồ sơ không hợp lệ."))),
            Some(Outcome::Valid) => Ok(Assessment::Valid(Checklist {
                id_compared: !self.id_compared.is_empty(),
                form_signed: !self.form_signed.is_empty(),
                photo_matches: !self.photo_matches.is_empty(),
                name_compared: !self.name_compared.is_empty(),
            })),
            Some(Outcome::Invalid) => parse_reason(&self.typed_reason(), Some((texts, TextKey::Rejected)))
                .map(Assessment::Invalid)
                .map_err(|fault| Errors::one("reason", fault)),
        }
    }
}

/// A decision on its way to the database.
#[derive(Clone)]
struct Deciding {
    actor: Actor,
    id: ApplicationId,
    form: Form,
    assessment: Assessment,
    address: String,
    now: NaiveDateTime,
}

impl Deciding {
    fn record(&self, conn: &mut Conn) -> Result<Recorded, AppError> {
        let application = within_scope(conn, &self.actor, self.id)?;
        if application.version != self.form.version() {
            return self.changed(conn, &application);
        }
        let evidence = decisions::evidence(conn, application)?;
        // PostgreSQL shows each query what was committed before it: the account found above may be the very one that
        // somebody else's decision has just created, and then it is their decision that the officer must hear of.
        let application = within_scope(conn, &self.actor, self.id)?;
        if application.version != self.form.version() {
            return self.changed(conn, &application);
        }
        let verdict = evidence.verdict();
        if matches!(self.assessment, Assessment::Valid(_)) && Some(verdict) != Verdict::from_code(&self.form.verdict) {
            return Ok(Recorded::Changed(format!(
                "Dữ liệu trên hệ thống HGĐ vừa thay đổi, kết quả kiểm tra bây giờ là «{}». Hãy xem lại rồi ghi nhận.",
                verdict.label()
            )));
        }
        if matches!(self.assessment, Assessment::Valid(_)) && evidence.beside() != self.form.account_version {
            return Ok(Recorded::Changed(detail::ACCOUNT_MOVED.to_owned()));
        }
        let decision = match assess(&evidence, self.assessment.clone()) {
            Ok(decision) => decision,
            Err(refusal) => return Ok(Recorded::Refused(refusal.to_string())),
        };
        if matches!(decision, Decision::Update(_)) && self.form.confirmed.is_empty() {
            return Ok(Recorded::Asked);
        }
        let stamp = Stamp { staff: self.actor.id, at: self.now, address: Some(&self.address) };
        if decisions::record(conn, &evidence, &decision, stamp)? {
            return Ok(Recorded::Done(decision));
        }
        // PostgreSQL let us read while somebody else wrote.
        let application = within_scope(conn, &self.actor, self.id)?;
        self.changed(conn, &application)
    }

    /// What to tell whoever decided on an older version than the one that is there.
    fn changed(&self, conn: &mut Conn, application: &Application) -> Result<Recorded, AppError> {
        let mine = application.decided_by == Some(self.actor.id);
        let same = match (application.status, &self.assessment) {
            (Status::Approved, Assessment::Valid(_)) => mine,
            // Nobody has decided one that waits for its code; its history knows who sent it there.
            (Status::AwaitingCode, Assessment::Valid(_)) => {
                let history = events::of_application(conn, self.id, 10)?;
                let last = history.iter().find(|event| event.kind != EventKind::Viewed);
                last.is_some_and(|e| e.kind == EventKind::AwaitingCode && e.staff_id == Some(self.actor.id))
            }
            (Status::Rejected, Assessment::Invalid(reason)) => mine && application.reason.as_ref() == Some(reason),
            _ => false,
        };
        if same && application.version == self.form.version() + 1 {
            return Ok(Recorded::Already(application.kind, application.status));
        }
        Ok(Recorded::Changed(match (&application.decided_by_name, application.decided_at) {
            (Some(name), Some(at)) => format!(
                "{name} đã ghi nhận hồ sơ này là «{}» lúc {}. Đánh giá của bạn chưa được ghi nhận; nội dung bạn nhập còn ở dưới.",
                application.status.label(),
                show_time(at)
            ),
            _ => detail::CHANGED.to_owned(),
        }))
    }
}

impl Deciding {
    /// What to tell of an application that is not this person's to see: that a supervisor has just moved it, with what was
    /// entered, when it was theirs until then.
    fn out_of_sight(&self, conn: &mut Conn) -> Result<AppError, AppError> {
        let Some((from, to, at)) = events::last_move(conn, self.id)? else { return Ok(AppError::NotFound) };
        if from != self.actor.agency_name {
            return Ok(AppError::NotFound);
        }
        let entered = match &self.assessment {
            Assessment::Valid(_) => Outcome::Valid.label().to_owned(),
            Assessment::Invalid(reason) => format!("{}, lý do: {reason}", Outcome::Invalid.label()),
        };
        Ok(AppError::Unprocessable(format!(
            "Hồ sơ đã được chuyển đến {to} lúc {} nên đánh giá của bạn chưa được ghi nhận. Bạn đã nhập: {entered}.",
            show_time(at)
        )))
    }
}

/// What became of an attempt to record a decision.
enum Recorded {
    Done(Decision),
    /// A change of information is recorded only after it was confirmed.
    Asked,
    /// The same form was posted twice: the first time counted.
    Already(Kind, Status),
    Refused(String),
    /// Somebody else was quicker, or something that bears on the decision changed.
    Changed(String),
}

pub async fn post(
    request: HttpRequest,
    person: Allowed<Assess>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let (id, form) = (ApplicationId(path.into_inner()), form.into_inner());
    let texts = parts.read(|conn| Ok(texts::current(conn)?)).await?;
    let assessment = match form.parse(&texts) {
        Ok(assessment) => assessment,
        Err(errors) => {
            let shown = Shown {
                list: form.list.clone(),
                form: Some(form),
                errors,
                status: StatusCode::UNPROCESSABLE_ENTITY,
                ..Shown::default()
            };
            return detail::show(&request, &person, &session, &parts, id, shown).await;
        }
    };
    let deciding = Deciding {
        actor: person.clone(),
        id,
        form: form.clone(),
        assessment,
        address: address(&request),
        now: clock::now(),
    };
    let (again, lost) = (deciding.clone(), deciding.clone());
    let recorded = match parts.write(move |conn| deciding.record(conn)).await {
        Err(AppError::Unprocessable(sentence)) => Recorded::Refused(sentence),
        // Somebody else just created or changed the account of this code: the second look says so.
        Err(AppError::Taken | AppError::NotFound) => match parts.write(move |conn| again.record(conn)).await {
            Err(AppError::NotFound) => return Err(parts.read(move |conn| lost.out_of_sight(conn)).await?),
            other => other?,
        },
        other => other?,
    };
    let (refusal, asked, status) = match recorded {
        Recorded::Done(decision) => return done(&session, id, &form, decision.success()),
        Recorded::Already(kind, status) => return done(&session, id, &form, success_of(kind, status)),
        Recorded::Asked => (None, true, StatusCode::OK),
        Recorded::Refused(sentence) => (Some(sentence), false, StatusCode::UNPROCESSABLE_ENTITY),
        Recorded::Changed(sentence) => (Some(sentence), false, StatusCode::CONFLICT),
    };
    let shown = Shown { list: form.list.clone(), form: Some(form), refusal, asked, status, ..Shown::default() };
    detail::show(&request, &person, &session, &parts, id, shown).await
}

fn success_of(kind: Kind, status: Status) -> &'static str {
    match status {
        Status::Approved if kind == Kind::Change => Decision::Update(Vec::new()).success(),
        Status::Approved => Decision::Approve.success(),
        Status::Rejected => Decision::Reject(String::new()).success(),
        _ => Decision::AwaitCode.success(),
    }
}

fn done(session: &TypedSession, id: ApplicationId, form: &Form, text: &str) -> Result<HttpResponse, AppError> {
    session.tell(&Flash { good: true, text: text.into(), offers_next: true })?;
    Ok(see_other(&format!("/applications/{id}?list={}", list_key(&form.list))))
}

/// `POST /applications/{id}/recheck`: asks the registry again for one that waits for its code.
pub async fn recheck(
    request: HttpRequest,
    person: Allowed<Assess>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let id = ApplicationId(path.into_inner());
    let (actor, address, now) = (person.clone(), address(&request), clock::now());
    let answer = parts
        .write(move |conn| {
            let application = within_scope(conn, &actor, id)?;
            let evidence = decisions::evidence(conn, application)?;
            let next = match ask_again(&evidence) {
                Ok(next) => next,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let kind = match next {
                Some(status) => {
                    if applications::set_status(conn, id, evidence.application.version, status, None)? == 0 {
                        return Ok(Ok(None));
                    }
                    EventKind::RegistryFound
                }
                None => EventKind::RegistryAsked,
            };
            events::add(conn, &asked(id, kind, &actor.id, &address, now))?;
            Ok(Ok(Some(next)))
        })
        .await?;
    let (good, text) = match answer {
        Ok(Some(Some(_))) => (true, "Đã có mã số trên hệ thống HGĐ. Hồ sơ trở lại Chờ duyệt".to_owned()),
        Ok(Some(None)) => (false, "Hệ thống HGĐ vẫn chưa có mã số này. Hồ sơ tiếp tục ở Chờ cấp mã số".to_owned()),
        Ok(None) => (false, "Hồ sơ vừa được người khác thay đổi. Hãy xem lại".to_owned()),
        Err(refusal) => (false, refusal.to_string()),
    };
    session.tell(&Flash { good, text, offers_next: false })?;
    Ok(see_other(&format!("/applications/{id}?list={}", list_key(&form.list))))
}

/// `POST /applications/{id}/receive`: the person came with the signed form.
pub async fn receive(
    request: HttpRequest,
    person: Allowed<Assess>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let id = ApplicationId(path.into_inner());
    let (actor, address, now) = (person.clone(), address(&request), clock::now());
    parts
        .write(move |conn| {
            let application = within_scope(conn, &actor, id)?;
            ApplicationAct::Receive.allowed_in(application.kind, application.status)?;
            if application.received_at.is_some() {
                return Err(Refusal::AlreadyReceived.into());
            }
            // Whoever has the page open, or removes what nobody came for, is told that it changed.
            if applications::touch(conn, id, application.version)? == 0 {
                return Err(AppError::Taken);
            }
            decisions::receive(conn, &application, now)?;
            Ok(events::add(conn, &asked(id, EventKind::Received, &actor.id, &address, now))?)
        })
        .await?;
    let text = "Đã ghi nhận là đã nhận hồ sơ giấy; hạn xử lý là ba ngày làm việc".to_owned();
    session.tell(&Flash { good: true, text, offers_next: false })?;
    Ok(see_other(&format!("/applications/{id}?list={}", list_key(&form.list))))
}

fn asked<'a>(
    id: ApplicationId,
    kind: EventKind,
    by: &StaffId,
    address: &'a str,
    at: chrono::NaiveDateTime,
) -> NewEvent<'a> {
    NewEvent {
        application: Some(id),
        account: None,
        staff: Some(*by),
        kind,
        at,
        address: Some(address),
        before: None,
        after: None,
    }
}

/// `POST /applications/{id}/preview`: what a rejection for this reason tells, by itself for the script, or the page again with it.
pub async fn preview(
    request: HttpRequest,
    person: Allowed<Assess>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let (id, form) = (ApplicationId(path.into_inner()), form.into_inner());
    if !Preview::is_asked_alone(&request) {
        let shown = Shown { list: form.list.clone(), form: Some(form), ..Shown::default() };
        return detail::show(&request, &person, &session, &parts, id, shown).await;
    }
    let actor = person.clone();
    let loaded = parts.read(move |conn| load(conn, &actor, id)).await?.map_err(|_| AppError::NotFound)?;
    detail::rejection(&loaded, &form.typed_reason(), parts.config.sms_price).alone()
}
