//! The imports so far, and the form that begins one.

use actix_multipart::form::tempfile::{TempFile, TempFileConfig};
use actix_multipart::form::text::Text;
use actix_multipart::form::{MultipartForm, MultipartFormConfig};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{PATH, largest_file};
use crate::clock;
use crate::config::private_folder;
use crate::db::agencies::{self, Agency};
use crate::db::imports::{self, Import, Listed, NewImport};
use crate::domain::ids::ImportId;
use crate::domain::text::{self, FieldError};
use crate::domain::workbook::Kind;
use crate::error::AppError;
use crate::jobs::import::folder::{Folder, sha256_of};
use crate::startup::Parts;
use crate::web::allowed::{self, Allowed};
use crate::web::session::TypedSession;
use crate::web::{Chrome, Errors, Menu, guard, page, see_other};

/// How many imports a page shows.
const PAGE: usize = 25;

/// What *Đọc thử* posts. Whatever else a client sends is refused.
#[derive(MultipartForm)]
#[multipart(deny_unknown_fields, duplicate_field = "deny")]
pub struct Upload {
    csrf: Text<String>,
    kind: Option<Text<String>>,
    /// The code of the agency whose people a list of the registry has.
    agency: Option<Text<String>>,
    file: TempFile,
}

/// Where an upload goes while it comes: beside the place where it stays, so that it need not be copied.
pub fn configure(resource: actix_web::Resource, parts: &Parts) -> actix_web::Resource {
    let folder = parts.config.data_dir.join("imports");
    if let Err(error) = private_folder(&folder) {
        tracing::error!("{}: {error}", folder.display());
    }
    resource
        .app_data(
            MultipartFormConfig::default()
                .total_limit(usize::MAX)
                .error_handler(|error, _| guard::upload_refusal(&error).into()),
        )
        .app_data(TempFileConfig::default().directory(folder))
}

#[derive(Template)]
#[template(path = "imports/list.html")]
struct ListPage {
    chrome: Chrome,
    imports: Vec<Listed>,
    before: Option<i64>,
    next: Option<ImportId>,
    kind: Option<Kind>,
    agencies: Vec<Agency>,
    /// The code of the chosen one.
    agency: String,
    hint: String,
    errors: Errors,
}

impl ListPage {
    fn short(import: &Import) -> &str {
        super::short(import)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct At {
    before: Option<i64>,
}

async fn show(
    person: &Allowed<allowed::Import>,
    session: &TypedSession,
    parts: &Parts,
    at: At,
    (kind, agency, errors, status): (Option<Kind>, Option<String>, Errors, StatusCode),
) -> Result<HttpResponse, AppError> {
    let (scope, before) = (person.manages(), at.before);
    let (mut imports, agencies) = parts
        .read(move |conn| {
            let imports = imports::page(conn, scope, before.map(ImportId), PAGE as i64 + 1)?;
            Ok((imports, agencies::all(conn, scope)?))
        })
        .await?;
    let more = imports.len() > PAGE;
    imports.truncate(PAGE);
    let next = imports.last().filter(|_| more).map(|(import, _)| import.id);
    let chrome = Chrome::new(person, session, Menu::Imports);
    let hint = format!("Excel (.xlsx, .xls, .xlsb), OpenDocument (.ods) hoặc CSV, tối đa {}", megabytes(parts));
    let own = || agencies.iter().find(|agency| agency.id == person.agency_id).map(|own| own.code.clone());
    let agency = agency.or_else(own).unwrap_or_default();
    page(&ListPage { chrome, imports, before, next, kind, agencies, agency, hint, errors }, status)
}

fn megabytes(parts: &Parts) -> String {
    format!("{} MB", largest_file(parts) / (1024 * 1024))
}

/// `GET /imports`
pub async fn get(
    person: Allowed<allowed::Import>,
    session: TypedSession,
    parts: web::Data<Parts>,
    at: web::Query<At>,
) -> Result<HttpResponse, AppError> {
    show(&person, &session, &parts, at.into_inner(), (None, None, Errors::default(), StatusCode::OK)).await
}

/// `POST /imports`
pub async fn post(
    person: Allowed<allowed::Import>,
    session: TypedSession,
    parts: web::Data<Parts>,
    upload: Result<MultipartForm<Upload>, actix_web::Error>,
) -> Result<HttpResponse, AppError> {
    let too_large = || {
        let sentence = format!("Tệp lớn hơn {}. Hãy chia thành nhiều tệp nhỏ hơn.", megabytes(&parts));
        (Errors::one("file", FieldError::new(sentence)), StatusCode::PAYLOAD_TOO_LARGE)
    };
    let upload = match upload {
        Ok(upload) => upload.into_inner(),
        Err(error) => match error.as_error::<AppError>() {
            Some(AppError::TooLarge) => {
                let (errors, status) = too_large();
                return show(&person, &session, &parts, At::default(), (None, None, errors, status)).await;
            }
            Some(AppError::Slow) => return Err(AppError::Slow),
            _ => return Err(AppError::Malformed),
        },
    };
    if !guard::same_token(&upload.csrf, &session.csrf()) {
        return Err(AppError::Foreign);
    }
    let kind = upload.kind.and_then(|code| Kind::from_code(&code));
    let code = upload.agency.map(|code| code.0).filter(|code| !code.is_empty());
    let (mut errors, mut status) = (Errors::default(), StatusCode::UNPROCESSABLE_ENTITY);
    if kind.is_none() {
        errors.0.push(("kind", FieldError::new("Chọn tệp là danh sách gì.")));
    }
    let name = upload.file.file_name.as_deref().map(file_name).unwrap_or_default();
    if name.is_empty() {
        errors.0.push(("file", FieldError::new("Chọn tệp bảng tính trước.")));
    } else if upload.file.size > largest_file(&parts) {
        (errors, status) = too_large();
    }
    // Of other lists each row says whose it is. Who says nothing means their own office.
    let of_agency = match (kind, code.clone()) {
        (Some(Kind::Registry), Some(code)) => {
            let scope = person.manages();
            let all = parts.read(move |conn| Ok(agencies::all(conn, scope)?)).await?;
            let chosen = all.into_iter().find(|agency| agency.code == code).map(|agency| agency.id);
            if chosen.is_none() {
                errors.0.push(("agency", FieldError::new("Chọn cơ quan có danh bạ này.")));
            }
            chosen
        }
        (Some(Kind::Registry), None) => Some(person.agency_id),
        _ => None,
    };
    let (Some(kind), true) = (kind, errors.is_empty()) else {
        return show(&person, &session, &parts, At::default(), (kind, code, errors, status)).await;
    };
    let (staff, office, now) = (person.id, (person.agency_id, person.province_id), clock::now());
    let (data_dir, bytes) = (parts.config.data_dir.clone(), i64::try_from(upload.file.size).unwrap_or(i64::MAX));
    let file = upload.file.file;
    let (file, sha256) = web::block(move || sha256_of(file.path()).map(|sha256| (file, sha256))).await??;
    let id = parts
        .write(move |conn| {
            let new = NewImport {
                kind,
                file_name: &name,
                sha256: &sha256,
                bytes,
                staff: Some(staff),
                office: Some(office),
                of_agency,
                sheet: None,
                layouts: None,
                confirmed: false,
            };
            let id = imports::insert(conn, &new, now)?;
            // The row and the file come together: the worker sees neither before the commit.
            let folder = Folder::of(&data_dir, id);
            folder.create()?;
            file.persist(folder.source()).map_err(|error| error.error)?;
            Ok(id)
        })
        .await?;
    Ok(see_other(&format!("{PATH}/{id}")))
}

/// The name without the folders that some browsers send along; only ever shown.
fn file_name(sent: &str) -> String {
    let name = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = name.chars().filter(|c| !c.is_control()).take(150).collect();
    match text::line(&clean, 200) {
        Ok(name) => name.unwrap_or_default(),
        // Some name it has; which one does not matter.
        Err(_) => "tệp không rõ tên".to_owned(),
    }
}
