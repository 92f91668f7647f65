//! One text: its words, what they look like with sample data, and the earlier versions, each of which can be used again.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::db::Conn;
use crate::db::events::{self, NewEvent};
use crate::db::texts::{self, Version};
use crate::domain::dates::show_time;
use crate::domain::event::EventKind;
use crate::domain::ids::StaffId;
use crate::domain::message::sms_text;
use crate::domain::outbox::MessageChannel;
use crate::domain::text::FieldError;
use crate::domain::texts::{Checked, MAIL_MAX, Place, SMS_MAX, SUBJECT_MAX, TextKey, Words};
use crate::domain::to_json;
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::allowed::{Allowed, ManageTexts};
use crate::web::preview::Preview;
use crate::web::session::{Flash, TypedSession};
use crate::web::{Chrome, Errors, Menu, address, page, see_other};

/// How many earlier versions the page shows.
const VERSIONS: i64 = 50;

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    /// What the page showed; 0 is the program's own words that nobody ever changed.
    version: String,
    subject: String,
    body: String,
}

impl Form {
    fn of(version: i32, words: Words) -> Self {
        Self { version: version.to_string(), subject: words.subject.unwrap_or_default(), body: words.body }
    }

    fn check(&self, key: TextKey) -> Checked {
        Checked::of(key, &self.subject, &self.body)
    }
}

#[derive(Template)]
#[template(path = "texts/edit.html")]
struct EditPage {
    chrome: Chrome,
    key: TextKey,
    places: Vec<Place>,
    own: Words,
    /// The latest first.
    versions: Vec<Version>,
    form: Form,
    preview: Preview,
    errors: Errors,
    refusal: Option<String>,
}

impl EditPage {
    fn is_sms(&self) -> bool {
        self.key.channel() == MessageChannel::Sms
    }

    /// Whether the program's own words are in force.
    fn is_own(&self) -> bool {
        self.versions.first().is_none_or(|latest| latest.words().is_none())
    }
}

/// The text that an address names.
fn key_of(path: &web::Path<String>) -> Result<TextKey, AppError> {
    TextKey::from_code(path).ok_or(AppError::NotFound)
}

fn version_of(latest: Option<&Version>) -> i32 {
    latest.map_or(0, |latest| latest.version)
}

fn words_of(key: TextKey, latest: Option<&Version>) -> Words {
    latest.and_then(Version::words).unwrap_or_else(|| key.own())
}

/// The page: with what was typed, or with the words in force.
async fn show(
    (person, session, parts): (&Allowed<ManageTexts>, &TypedSession, &Parts),
    key: TextKey,
    (form, mut refusal): (Option<Form>, Option<String>),
    mut status: StatusCode,
) -> Result<HttpResponse, AppError> {
    let versions = parts.read(move |conn| Ok(texts::versions(conn, key, VERSIONS)?)).await?;
    let latest = versions.first();
    let mut form = form.unwrap_or_else(|| Form::of(version_of(latest), words_of(key, latest)));
    let checked = form.check(key);
    let mut errors = Errors::default();
    let mut preview = Preview::of_text(&checked, parts.config.sms_price);
    if status == StatusCode::UNPROCESSABLE_ENTITY {
        errors = beside_fields(checked);
        preview = preview.without_faults();
    }
    if let Some(latest) = latest.filter(|latest| latest.version.to_string() != form.version) {
        status = StatusCode::CONFLICT;
        refusal = Some(format!(
            "{} đã sửa mẫu này lúc {} thành «{}». Nội dung bạn nhập chưa được lưu và còn ở dưới; hãy xem lại rồi lưu.",
            latest.staff_name,
            show_time(latest.at),
            words_of(key, Some(latest)).body
        ));
        form.version = latest.version.to_string();
    }
    let page_data = EditPage {
        chrome: Chrome::new(person, session, Menu::Texts),
        key,
        places: key.places(),
        own: key.own(),
        versions,
        form,
        preview,
        errors,
        refusal,
    };
    page(&page_data, status)
}

/// One sentence for each field, with all that is wrong with it.
fn beside_fields(checked: Checked) -> Errors {
    let mut errors = Errors::default();
    for field in ["subject", "body"] {
        let faults: Vec<String> =
            checked.faults.iter().filter(|(of, _)| *of == field).map(|(_, fault)| fault.0.clone()).collect();
        if !faults.is_empty() {
            errors.0.push((field, FieldError::new(faults.join(" "))));
        }
    }
    errors
}

/// `GET /texts/{key}`
pub async fn get(
    request: HttpRequest,
    person: Allowed<ManageTexts>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<String>,
) -> Result<HttpResponse, AppError> {
    let (form, expired) =
        session.take_draft::<Form>(request.path()).map_or((None, false), |(form, expired)| (Some(form), expired));
    let refusal = expired
        .then(|| "Phiên trước đã kết thúc khi bạn gửi. Nội dung đã nhập được giữ lại, hãy xem lại rồi lưu.".to_owned());
    show((&person, &session, &parts), key_of(&path)?, (form, refusal), StatusCode::OK).await
}

/// `POST /texts/{key}/preview`: what the words look like, by itself for the script, or the page again with it.
pub async fn preview(
    request: HttpRequest,
    person: Allowed<ManageTexts>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<String>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let key = key_of(&path)?;
    if Preview::is_asked_alone(&request) {
        return Preview::of_text(&form.check(key), parts.config.sms_price).alone();
    }
    show((&person, &session, &parts), key, (Some(form.into_inner()), None), StatusCode::OK).await
}

/// `POST /texts/{key}/fold`: the page again, with the words without diacritics. Nothing is saved.
pub async fn fold(
    person: Allowed<ManageTexts>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<String>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let form = form.into_inner();
    let form = Form { body: sms_text(&form.body), ..form };
    show((&person, &session, &parts), key_of(&path)?, (Some(form), None), StatusCode::OK).await
}

/// `POST /texts/{key}`
pub async fn post(
    request: HttpRequest,
    person: Allowed<ManageTexts>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<String>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    save(&request, (&person, &session, &parts), key_of(&path)?, form.into_inner()).await
}

#[derive(Deserialize)]
pub struct Again {
    /// What the page showed.
    version: i32,
    /// Which version to use again; 0 is the program's own words.
    again: i32,
}

/// `POST /texts/{key}/again`: an earlier version becomes the newest.
pub async fn again(
    request: HttpRequest,
    person: Allowed<ManageTexts>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<String>,
    form: web::Form<Again>,
) -> Result<HttpResponse, AppError> {
    let key = key_of(&path)?;
    let Again { version, again } = form.into_inner();
    let words = if again == 0 {
        key.own()
    } else {
        let versions = parts.read(move |conn| Ok(texts::versions(conn, key, VERSIONS)?)).await?;
        words_of(key, Some(versions.iter().find(|earlier| earlier.version == again).ok_or(AppError::NotFound)?))
    };
    save(&request, (&person, &session, &parts), key, Form::of(version, words)).await
}

/// `GET` of an address to which the page posts: what a browser asks for again after a refusal.
pub async fn back(path: web::Path<String>) -> Result<HttpResponse, AppError> {
    Ok(see_other(&format!("/texts/{}", key_of(&path)?.code())))
}

/// What became of new words.
enum Saved {
    Done,
    /// They are in force already.
    Same,
    /// Somebody else was quicker.
    Changed,
}

async fn save(
    request: &HttpRequest,
    (person, session, parts): (&Allowed<ManageTexts>, &TypedSession, &Parts),
    key: TextKey,
    form: Form,
) -> Result<HttpResponse, AppError> {
    let checked = form.check(key);
    if !checked.faults.is_empty() {
        return show((person, session, parts), key, (Some(form), None), StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let (by, address, shown) = (person.id, address(request), form.version.clone());
    let saved = parts.write(move |conn| record(conn, (key, &shown), &checked.words, by, &address)).await;
    let text = match saved {
        Ok(Saved::Done) => format!("Đã lưu mẫu «{}». Tin tạo từ bây giờ dùng nội dung mới", key.label()),
        Ok(Saved::Same) => "Mẫu đang dùng đúng nội dung này, không có gì thay đổi".to_owned(),
        // Two saved at the same moment.
        Ok(Saved::Changed) | Err(AppError::Taken) => {
            return show((person, session, parts), key, (Some(form), None), StatusCode::CONFLICT).await;
        }
        Err(error) => return Err(error),
    };
    session.tell(&Flash { good: true, text, offers_next: false })?;
    Ok(see_other(&format!("/texts/{}", key.code())))
}

/// What the history says of a text.
#[derive(Serialize)]
struct Recorded<'a> {
    text: TextKey,
    version: i32,
    #[serde(flatten)]
    words: &'a Words,
}

fn record(
    conn: &mut Conn,
    (key, shown): (TextKey, &str),
    words: &Words,
    by: StaffId,
    address: &str,
) -> Result<Saved, AppError> {
    let latest = texts::versions(conn, key, 1)?.pop();
    let in_force = words_of(key, latest.as_ref());
    if in_force == *words {
        return Ok(Saved::Same);
    }
    let before = version_of(latest.as_ref());
    if before.to_string() != shown {
        return Ok(Saved::Changed);
    }
    let now = clock::now();
    texts::add(conn, (key, before), Some(words).filter(|words| **words != key.own()), by, now)?;
    let recorded = |version, words| Some(to_json(&Recorded { text: key, version, words }));
    let event = NewEvent {
        application: None,
        account: None,
        staff: Some(by),
        kind: EventKind::TextChanged,
        at: now,
        address: Some(address),
        before: recorded(before, &in_force),
        after: recorded(before + 1, words),
    };
    events::add(conn, &event)?;
    Ok(Saved::Done)
}
