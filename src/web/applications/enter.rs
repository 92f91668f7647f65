//! *Nhập hồ sơ*: a declaration (tờ khai mẫu 01) that a person brings to the counter, entered by the officer. Of somebody who
//! has an account it is a change of information: the form begins with what the account has.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::db::applications::{self, NewApplication};
use crate::db::events::{self, NewEvent};
use crate::db::{accounts, holidays};
use crate::domain::account::{Account, AccountState};
use crate::domain::application::{Channel, Kind, Sex};
use crate::domain::change;
use crate::domain::dates::{hanoi_year, to_hanoi};
use crate::domain::declaration::Typed;
use crate::domain::event::EventKind;
use crate::domain::ids::AccountId;
use crate::domain::places::{self, PROVINCES, RELATIONS};
use crate::domain::refusal::Refusal;
use crate::domain::text::FieldError;
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::allowed::{Allowed, EnterApplication};
use crate::web::session::{Flash, TypedSession};
use crate::web::{Chrome, Errors, Menu, address, page, see_other};

/// The declaration's own fields, and a key that makes posting the same form twice have one effect.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    once: String,
    /// That only pictures are to be changed, which are attached afterwards.
    pictures_only: String,
    #[serde(flatten)]
    typed: Typed,
}

#[derive(Template)]
#[template(path = "applications/enter.html")]
struct EnterPage {
    chrome: Chrome,
    /// Whose information is to be changed; None for a new registration.
    account: Option<Account>,
    once: String,
    pictures_only: bool,
    typed: Typed,
    errors: Errors,
    resumed: bool,
}

impl EnterPage {
    fn show(
        person: &Allowed<EnterApplication>,
        session: &TypedSession,
        account: Option<Account>,
        form: Form,
        errors: Errors,
        resumed: bool,
    ) -> Result<HttpResponse, AppError> {
        let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        let once = if form.once.is_empty() { format!("{:032x}", rand::random::<u128>()) } else { form.once };
        let chrome = Chrome::new(person, session, if account.is_some() { Menu::Accounts } else { Menu::Enter });
        let pictures_only = !form.pictures_only.is_empty();
        page(&EnterPage { chrome, account, once, pictures_only, typed: form.typed, errors, resumed }, status)
    }
}

pub async fn get(
    request: HttpRequest,
    person: Allowed<EnterApplication>,
    session: TypedSession,
) -> Result<HttpResponse, AppError> {
    let draft = session.take_draft::<Form>(request.path());
    let resumed = draft.is_some();
    let form = draft.map(|(form, _)| form).unwrap_or_default();
    EnterPage::show(&person, &session, None, form, Errors::default(), resumed)
}

pub async fn post(
    request: HttpRequest,
    person: Allowed<EnterApplication>,
    session: TypedSession,
    parts: web::Data<Parts>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    file(&request, &person, &session, &parts, None, form.into_inner()).await
}

/// The account, when this officer may act upon it and it can be changed.
async fn changeable(parts: &Parts, person: &Allowed<EnterApplication>, id: i64) -> Result<Account, AppError> {
    let (actor, now) = ((**person).clone(), clock::now());
    let account = parts.read(move |conn| Ok(accounts::find_for(conn, &actor, AccountId(id), now)?)).await?;
    match account.ok_or(AppError::NotFound)? {
        closed if closed.state == AccountState::Closed => Err(Refusal::AccountClosed.into()),
        account => Ok(account),
    }
}

/// `GET /accounts/{id}/change`
pub async fn get_change(
    request: HttpRequest,
    person: Allowed<EnterApplication>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let account = changeable(&parts, &person, path.into_inner()).await?;
    let draft = session.take_draft::<Form>(request.path());
    let resumed = draft.is_some();
    let form = draft.map_or_else(|| Form { typed: Typed::of(&account.holder), ..Form::default() }, |(form, _)| form);
    EnterPage::show(&person, &session, Some(account), form, Errors::default(), resumed)
}

/// `POST /accounts/{id}/change`
pub async fn post_change(
    request: HttpRequest,
    person: Allowed<EnterApplication>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let account = changeable(&parts, &person, path.into_inner()).await?;
    let mut form = form.into_inner();
    // Whose it is was said by opening the page.
    account.code().clone_into(&mut form.typed.code);
    file(&request, &person, &session, &parts, Some(account), form).await
}

/// Files what was typed, once.
async fn file(
    request: &HttpRequest,
    person: &Allowed<EnterApplication>,
    session: &TypedSession,
    parts: &Parts,
    account: Option<Account>,
    form: Form,
) -> Result<HttpResponse, AppError> {
    let now = clock::now();
    let declaration = match form.typed.parse(to_hanoi(now).date()) {
        Ok(declaration) => declaration,
        Err(faults) => return EnterPage::show(person, session, account, form, Errors(faults), false),
    };
    if let Some(holder) = account.as_ref().map(|account| &account.holder)
        && form.pictures_only.is_empty()
        && change::between(holder, &declaration, &[]).is_empty()
    {
        let sentence = "Chưa có thông tin nào thay đổi. Hãy sửa ít nhất một mục, hoặc đánh dấu «Chỉ đổi ảnh».";
        let errors = Errors::one("pictures_only", FieldError::new(sentence));
        return EnterPage::show(person, session, account, form, errors, false);
    }
    let once: String = form.once.chars().filter(char::is_ascii_alphanumeric).take(32).collect();
    if once.len() != 32 {
        return Err(AppError::Malformed);
    }
    let (actor, address, key) = ((**person).clone(), address(request), once.clone());
    let (kind, account) = match account {
        Some(account) => (Kind::Change, Some(account.id)),
        None => (Kind::New, None),
    };
    let filed = parts
        .write(move |conn| {
            let new = NewApplication {
                agency_id: actor.agency_id,
                kind,
                channel: Channel::Counter,
                declaration: &declaration,
                submitted_at: now,
                received_at: Some(now),
                due_at: holidays::calendar(conn)?.due_at(now, Some(now)),
                entered_by: Some(actor.id),
                year: hanoi_year(now),
                request_key: Some(&key),
            };
            let (id, number) = applications::insert(conn, &new)?;
            let event = NewEvent {
                application: Some(id),
                account,
                staff: Some(actor.id),
                kind: EventKind::Entered,
                at: now,
                address: Some(&address),
                before: None,
                after: None,
            };
            events::add(conn, &event)?;
            let next = match kind {
                Kind::New => "rồi đính kèm ảnh chân dung",
                Kind::Change => "đính kèm ảnh mới nếu đổi ảnh, rồi ghi nhận",
            };
            Ok((id, format!("Đã nhập hồ sơ số {number}. Hãy in tờ khai để người đăng ký ký tên, {next}")))
        })
        .await;
    let (id, text) = match filed {
        Ok(filed) => filed,
        Err(AppError::Taken) => {
            let by = person.id;
            let id =
                parts.read(move |conn| Ok(applications::by_request(conn, &once, by)?)).await?.ok_or(AppError::Taken)?;
            (id, "Hồ sơ này đã được nhập trước đó; không tạo thêm hồ sơ mới".to_owned())
        }
        Err(error) => return Err(error),
    };
    session.tell(&Flash { good: true, text, offers_next: false })?;
    Ok(see_other(&format!("/applications/{id}")))
}

/// A commune, for the suggestions of the form.
#[derive(Serialize)]
struct Suggestion {
    name: &'static str,
}

/// `GET /places/{province}`: the communes of a province, for the form's suggestions.
pub async fn communes(_: Allowed<EnterApplication>, path: web::Path<String>) -> Result<HttpResponse, AppError> {
    places::province_name(&path).ok_or(AppError::NotFound)?;
    let names: Vec<Suggestion> = places::communes_of(&path).map(|commune| Suggestion { name: commune.name }).collect();
    Ok(HttpResponse::Ok().insert_header(("cache-control", "private, max-age=86400")).json(names))
}
