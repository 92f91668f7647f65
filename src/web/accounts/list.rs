//! `/accounts`: who is looked for is posted and kept in the session under a short key, as the other lists do it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::{Deserialize, Serialize};

use super::receive;
use crate::db::account_list::{self, AccountRow, Query};
use crate::db::registry_list::From;
use crate::domain::account::AccountState;
use crate::domain::account_search::Sought;
use crate::domain::filter::PAGE_SIZES;
use crate::domain::permission::Action;
use crate::domain::text;
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::allowed::{Allowed, Permission, SeeAccounts};
use crate::web::session::{Remembered, TypedSession};
use crate::web::{Chrome, Errors, Menu, page, see_other};

/// What was asked of the list.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    q: String,
    state: Option<AccountState>,
    size: u32,
}

impl Default for Filter {
    fn default() -> Self {
        Self { q: String::new(), state: None, size: PAGE_SIZES[0] }
    }
}

impl Remembered for Filter {
    const LIST: &'static str = "accounts";
}

#[derive(Template)]
#[template(path = "accounts/list.html")]
struct ListPage {
    chrome: Chrome,
    filter: Filter,
    key: String,
    rows: Vec<AccountRow>,
    found: i64,
    previous: Option<i64>,
    next: Option<i64>,
    receiving: receive::Form,
    errors: Errors,
    /// Why somebody could not be received.
    refusal: Option<String>,
}

impl ListPage {
    /// What leads back to this list.
    fn list_query(&self) -> String {
        if self.key.is_empty() { String::new() } else { format!("?list={}", self.key) }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct At {
    list: String,
    /// The account behind or before which the page begins.
    after: Option<i64>,
    before: Option<i64>,
}

/// `GET /accounts`
pub async fn get(
    person: Allowed<SeeAccounts>,
    session: TypedSession,
    parts: web::Data<Parts>,
    at: web::Query<At>,
) -> Result<HttpResponse, AppError> {
    show(&person, &session, &parts, Shown { at: at.into_inner(), ..Shown::default() }).await
}

/// What the page shows besides the first of all accounts.
pub(super) struct Shown {
    pub at: At,
    pub receiving: receive::Form,
    pub errors: Errors,
    pub refusal: Option<String>,
    pub status: StatusCode,
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            at: At::default(),
            receiving: receive::Form::default(),
            errors: Errors::default(),
            refusal: None,
            status: StatusCode::OK,
        }
    }
}

pub(super) async fn show<P: Permission>(
    person: &Allowed<P>,
    session: &TypedSession,
    parts: &Parts,
    shown: Shown,
) -> Result<HttpResponse, AppError> {
    let Shown { at, receiving, errors, refusal, status } = shown;
    // Without a key the page begins anew: who was looked for last is nobody's business who comes by the menu.
    let (key, filter) = match at.list.as_str() {
        "" => Default::default(),
        key => match session.filter::<Filter>(Some(key)) {
            Some(known) => known,
            None => return Ok(see_other("/accounts")),
        },
    };
    let query = Query { scope: person.scope(), sought: Sought::parse(&filter.q), state: filter.state };
    let from = match (at.after, at.before) {
        (Some(id), _) => From::After(id),
        (None, Some(id)) => From::Before(id),
        (None, None) => From::Start,
    };
    let size = filter.size as usize;
    let (mut rows, found) = parts
        .read(move |conn| {
            let found = account_list::look(conn, &query)?;
            Ok((account_list::page(conn, &query, &found, from, size as i64 + 1)?, found.count))
        })
        .await?;
    let more = rows.len() > size;
    match from {
        From::Before(_) if more => drop(rows.remove(0)),
        _ => rows.truncate(size),
    }
    let (has_previous, has_next) = match from {
        From::Start => (false, more),
        From::After(_) => (true, more),
        From::Before(_) => (more, true),
    };
    let previous = rows.first().filter(|_| has_previous).map(|row| row.id.0);
    let next = rows.last().filter(|_| has_next).map(|row| row.id.0);
    let chrome = Chrome::new(person, session, Menu::Accounts);
    page(&ListPage { chrome, filter, key, rows, found, previous, next, receiving, errors, refusal }, status)
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Form {
    q: String,
    state: String,
    size: String,
}

/// `POST /accounts/search`
pub async fn search(
    _person: Allowed<SeeAccounts>,
    session: TypedSession,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let filter = Filter {
        // Nothing that is typed is wrong; what no text may hold finds nobody.
        q: text::line(&form.q, 200).unwrap_or_else(|_| Some("?".into())).unwrap_or_default(),
        state: AccountState::from_code(&form.state),
        size: form.size.parse().ok().filter(|size| PAGE_SIZES.contains(size)).unwrap_or(PAGE_SIZES[0]),
    };
    if filter == Filter::default() {
        return Ok(see_other("/accounts"));
    }
    let key = session.remember_filter(filter)?;
    Ok(see_other(&format!("/accounts?list={key}")))
}
