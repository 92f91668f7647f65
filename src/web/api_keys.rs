//! *Khóa kết nối*: an admin of the centre hands out the keys with which other programs use the interface, and takes them back.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::allowed::{Allowed, ManageApiKeys};
use super::session::{Flash, TypedSession};
use super::{Chrome, Errors, Menu, address, page, see_other};
use crate::clock;
use crate::db::api_keys::{self, By, Listed};
use crate::domain::api_key::{ApiScope, new_key, parse_name};
use crate::domain::ids::ApiKeyId;
use crate::domain::text::FieldError;
use crate::error::AppError;
use crate::startup::Parts;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Form {
    name: String,
    /// Whether it opens the accounts.
    accounts: Option<String>,
}

impl Form {
    fn scopes(&self) -> Vec<ApiScope> {
        self.accounts.iter().map(|_| ApiScope::Accounts).collect()
    }
}

/// A key to hand over, shown once.
struct Handed {
    name: String,
    key: String,
}

#[derive(Template)]
#[template(path = "api_keys.html")]
struct KeysPage {
    chrome: Chrome,
    keys: Vec<Listed>,
    form: Form,
    errors: Errors,
    handed: Option<Handed>,
}

async fn show(
    person: &Allowed<ManageApiKeys>,
    session: &TypedSession,
    parts: &Parts,
    (form, errors, handed): (Form, Errors, Option<Handed>),
) -> Result<HttpResponse, AppError> {
    let keys = parts.read(|conn| Ok(api_keys::all(conn)?)).await?;
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let chrome = Chrome::new(person, session, Menu::ApiKeys);
    page(&KeysPage { chrome, keys, form, errors, handed }, status)
}

pub async fn get(
    person: Allowed<ManageApiKeys>,
    session: TypedSession,
    parts: web::Data<Parts>,
) -> Result<HttpResponse, AppError> {
    show(&person, &session, &parts, (Form::default(), Errors::default(), None)).await
}

pub async fn post(
    request: HttpRequest,
    person: Allowed<ManageApiKeys>,
    session: TypedSession,
    parts: web::Data<Parts>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let form = form.into_inner();
    let mut errors = Errors::default();
    let name = parse_name(&form.name).map_err(|fault| errors.0.push(("name", fault)));
    let scopes = form.scopes();
    if scopes.is_empty() {
        errors.0.push(("scopes", FieldError::new("Chọn ít nhất một việc mà khóa được dùng.")));
    }
    let (Ok(name), true) = (name, errors.is_empty()) else {
        return show(&person, &session, &parts, (form, errors, None)).await;
    };
    let key = new_key(&mut rand::rng());
    let handed = Handed { name: name.clone(), key: key.clone() };
    let (address, at, staff) = (address(&request), clock::now(), Some(person.id));
    let added = parts
        .write(move |conn| {
            let by = By { staff, at, address: Some(&address) };
            Ok(api_keys::add(conn, &name, &scopes, &key, by)?)
        })
        .await?;
    if added.is_none() {
        let fault = FieldError::new("Đã có khóa đang dùng với tên này. Hãy chọn tên khác hoặc thu hồi khóa đó.");
        return show(&person, &session, &parts, (form, Errors::one("name", fault), None)).await;
    }
    show(&person, &session, &parts, (Form::default(), Errors::default(), Some(handed))).await
}

/// `POST /api-keys/{id}/revoke`; of one that is revoked already it says the same.
pub async fn revoke(
    request: HttpRequest,
    person: Allowed<ManageApiKeys>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let id = ApiKeyId(path.into_inner());
    let (address, at, staff) = (address(&request), clock::now(), Some(person.id));
    parts
        .write(move |conn| {
            if !api_keys::all(conn)?.iter().any(|known| known.id == id) {
                return Err(AppError::NotFound);
            }
            Ok(api_keys::revoke(conn, id, By { staff, at, address: Some(&address) })?)
        })
        .await?;
    session.tell(&Flash { good: true, text: "Đã thu hồi khóa kết nối".into(), offers_next: false })?;
    Ok(see_other("/api-keys"))
}
