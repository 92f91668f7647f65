//! *Tệp đã xuất*: a supervisor takes the list behind a figure out as a file. The worker writes it; its page says how far it is
//! and lets it be downloaded for a day, by whoever asked for it and still may. Reports are small and go out at once
//! ([`report::send`]).

pub mod download;
pub mod report;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::{Deserialize, Serialize};

use super::allowed::{Allowed, Export as MayExport};
use super::session::{Flash, TypedSession};
use super::show::thousands;
use super::{Chrome, Errors, Menu, address, page, see_other};
use crate::clock;
use crate::db::exports::{self, Export, NewExport};
use crate::domain::export::{AT_ONCE, ExportState, Format, Subject};
use crate::domain::ids::{ExportId, StaffId};
use crate::domain::report::{Figure, Period};
use crate::domain::{text, to_json};
use crate::error::AppError;
use crate::startup::Parts;

pub const PATH: &str = "/exports";

/// How many of the latest are shown.
const SHOWN: i64 = 100;

/// What the page of a list posts; the partial `reports/export_form.html` shows it as `export`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Form {
    /// The list's figure, as JSON.
    pub figure: String,
    pub format: String,
    pub full: String,
    pub reason: String,
}

impl Form {
    pub fn of(figure: &Figure) -> Self {
        Self { figure: to_json(figure), format: Format::Xlsx.code().to_owned(), ..Self::default() }
    }

    fn figure(&self) -> Result<Figure, AppError> {
        let figure: Figure = serde_json::from_str(&self.figure).map_err(|_| AppError::Malformed)?;
        let period = Period::between(figure.period.first(), figure.period.last()).map_err(|_| AppError::Malformed)?;
        let is_text = figure.reason.as_deref().is_none_or(|reason| text::line(reason, 2_000).is_ok());
        if is_text { Ok(Figure { period, ..figure }) } else { Err(AppError::Malformed) }
    }

    /// Why everything is shown in full, when it is.
    fn in_full(&self) -> Result<Option<String>, Errors> {
        if self.full.is_empty() {
            return Ok(None);
        }
        let reason = text::required_line(&self.reason, 300);
        reason.map(Some).map_err(|_| {
            let sentence = "Nêu lý do cần ghi đầy đủ, dài không quá 300 ký tự.";
            Errors::one("reason", text::FieldError::new(sentence))
        })
    }
}

#[derive(Template)]
#[template(path = "exports/form.html")]
struct FormPage {
    chrome: Chrome,
    title: String,
    period: String,
    refusal: Option<String>,
    export: Form,
    export_errors: Errors,
}

/// An export as its pages show it.
struct Row {
    it: Export,
    title: String,
    period: String,
    is_list: bool,
}

impl Row {
    fn of(it: Export) -> Self {
        let subject = it.subject();
        let (title, period) = subject.as_ref().map(|of| (of.title(), of.period())).unwrap_or_default();
        Self { is_list: matches!(subject, Some(Subject::List(_))), it, title, period }
    }
}

#[derive(Template)]
#[template(path = "exports/list.html")]
struct ListPage {
    chrome: Chrome,
    rows: Vec<Row>,
}

impl ListPage {
    fn is_some_at_work(&self) -> bool {
        self.rows.iter().any(|row| row.it.state.is_at_work())
    }
}

/// `GET /exports`
pub async fn get(
    person: Allowed<MayExport>,
    session: TypedSession,
    parts: web::Data<Parts>,
) -> Result<HttpResponse, AppError> {
    let id = person.id;
    let all = parts.read(move |conn| Ok(exports::of(conn, id, SHOWN)?)).await?;
    let chrome = Chrome::new(&person, &session, Menu::Exports);
    page(&ListPage { chrome, rows: all.into_iter().map(Row::of).collect() }, StatusCode::OK)
}

/// `POST /exports`
pub async fn post(
    request: HttpRequest,
    person: Allowed<MayExport>,
    session: TypedSession,
    parts: web::Data<Parts>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let form = form.into_inner();
    let subject = Subject::List(form.figure()?);
    let format = Format::from_code(&form.format).ok_or(AppError::Malformed)?;
    let (title, period) = (subject.title(), subject.period());
    let again = |export_errors: Errors, refusal: Option<String>, export: Form| {
        let status = if refusal.is_some() { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
        let chrome = Chrome::new(&person, &session, Menu::Exports);
        page(&FormPage { chrome, title, period, refusal, export, export_errors }, status)
    };
    let in_full = match form.in_full() {
        Ok(in_full) => in_full,
        Err(errors) => return again(errors, None, form),
    };
    let (staff, scope, address) = (person.id, person.scope(), address(&request));
    let queued = parts
        .write(move |conn| {
            let (in_full, address) = (in_full.as_deref(), Some(address.as_str()));
            let new = NewExport { staff, scope, subject: &subject, format, in_full, address };
            Ok(exports::queue(conn, &new, clock::now())?)
        })
        .await?;
    match queued {
        Some(id) => Ok(see_other(&format!("{PATH}/{id}"))),
        None => {
            let sentence = format!("Bạn đang có {AT_ONCE} tệp chờ ghi. Hãy đợi xong hoặc dừng bớt rồi xuất tiếp.");
            again(Errors::default(), Some(sentence), form)
        }
    }
}

#[derive(Template)]
#[template(path = "exports/detail.html")]
struct DetailPage {
    chrome: Chrome,
    row: Row,
    progress: Progress,
}

impl DetailPage {
    fn size(&self) -> String {
        match self.row.it.bytes {
            bytes @ 0..1_000_000 => format!("{} KB", thousands(&(bytes / 1_000).max(1))),
            bytes => format!("{} MB", thousands(&(bytes / 1_000_000))),
        }
    }
}

async fn own(parts: &Parts, staff: StaffId, id: i64) -> Result<Export, AppError> {
    parts.read(move |conn| exports::find(conn, staff, ExportId(id))?.ok_or(AppError::NotFound)).await
}

/// `GET /exports/{id}`
pub async fn detail(
    person: Allowed<MayExport>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let export = own(&parts, person.id, path.into_inner()).await?;
    let progress = Progress::of(&export);
    let chrome = Chrome::new(&person, &session, Menu::Exports);
    page(&DetailPage { chrome, row: Row::of(export), progress }, StatusCode::OK)
}

/// How far the worker is: on the page, and asked again by its script.
#[derive(Serialize)]
struct Progress {
    /// The page is another one in another state.
    state: &'static str,
    /// None when nobody knows how much there is.
    percent: Option<i64>,
    words: String,
}

impl Progress {
    fn of(export: &Export) -> Self {
        let (done, total) = (export.rows_done, export.rows_total.max(export.rows_done));
        let words = match export.state {
            ExportState::Queued => "Đang chờ đến lượt.".to_owned(),
            _ if total == 0 => "Đang đếm hồ sơ.".to_owned(),
            _ if done == total => "Đã đọc hết, đang nén và lưu tệp.".to_owned(),
            _ => format!("Đã ghi {} trên {} dòng.", thousands(&done), thousands(&total)),
        };
        let percent = (export.state == ExportState::Writing && total > 0).then(|| done * 100 / total);
        Self { state: export.state.code(), percent, words }
    }
}

/// `GET /exports/{id}/progress`
pub async fn progress(
    person: Allowed<MayExport>,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    Ok(HttpResponse::Ok().json(Progress::of(&own(&parts, person.id, path.into_inner()).await?)))
}

/// `POST /exports/{id}/cancel`
pub async fn cancel(
    person: Allowed<MayExport>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let export = own(&parts, person.id, path.into_inner()).await?;
    let (staff, id) = (person.id, export.id);
    let cancelled = parts.write(move |conn| Ok(exports::cancel(conn, staff, id, clock::now())?)).await?;
    let text = if cancelled {
        "Đã dừng; không có tệp nào được giữ lại"
    } else {
        "Tệp này không còn đang ghi"
    };
    session.tell(&Flash { good: cancelled, text: text.into(), offers_next: false })?;
    Ok(see_other(&format!("{PATH}/{id}")))
}

/// `GET` of an address to which the page posts.
pub async fn back(path: web::Path<i64>) -> HttpResponse {
    see_other(&format!("{PATH}/{}", path.into_inner()))
}
