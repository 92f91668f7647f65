//! *Danh bạ HGĐ*: an admin looks people up in the household registry and takes it out as a workbook. What is looked for is
//! posted and kept in the session under a short key, as the list of applications does it.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::{Deserialize, Serialize};

use super::allowed::{Allowed, ManageRegistry};
use super::session::{Remembered, TypedSession};
use super::{Chrome, Menu, address, download, page, see_other};
use crate::adapters::registry_export::RegistryBook;
use crate::clock;
use crate::db::events::{self, NewEvent};
use crate::db::registry_list::{self, From};
use crate::domain::dates::to_hanoi;
use crate::domain::event::EventKind;
use crate::domain::registry::{Member, Search};
use crate::domain::{text, to_json};
use crate::error::AppError;
use crate::startup::Parts;

/// How many people a page shows.
const PAGE: usize = 50;
/// How many are read at once for the workbook.
const BATCH: i64 = 5_000;

/// What the search box holds.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sought {
    q: String,
}

impl Remembered for Sought {
    const LIST: &'static str = "registry";
}

#[derive(Template)]
#[template(path = "registry.html")]
struct RegistryPage {
    chrome: Chrome,
    q: String,
    key: String,
    people: Vec<(i64, Member)>,
    found: i64,
    previous: Option<i64>,
    next: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct At {
    list: String,
    /// The row, by its id, behind or before which the page begins.
    after: Option<i64>,
    before: Option<i64>,
}

/// `GET /registry`
pub async fn get(
    person: Allowed<ManageRegistry>,
    session: TypedSession,
    parts: web::Data<Parts>,
    at: web::Query<At>,
) -> Result<HttpResponse, AppError> {
    let known = session.filter::<Sought>(Some(at.list.as_str()).filter(|key| !key.is_empty()));
    if known.is_none() && !at.list.is_empty() {
        return Ok(see_other("/registry"));
    }
    // Without a key the page begins anew: who was looked for last is nobody's business who comes by the menu.
    let (key, Sought { q }) = if at.list.is_empty() { Default::default() } else { known.unwrap_or_default() };
    let search = Search::parse(&q);
    let from = match (at.after, at.before) {
        (Some(id), _) => From::After(id),
        (None, Some(id)) => From::Before(id),
        (None, None) => From::Start,
    };
    let (mut people, found) = parts
        .read(move |conn| {
            let found = registry_list::look(conn, &search)?;
            Ok((registry_list::page(conn, &search, &found, from, PAGE as i64 + 1)?, found.count))
        })
        .await?;
    let more = people.len() > PAGE;
    match from {
        From::Before(_) if more => drop(people.remove(0)),
        _ => people.truncate(PAGE),
    }
    let (has_previous, has_next) = match from {
        From::Start => (false, more),
        From::After(_) => (true, more),
        From::Before(_) => (more, true),
    };
    let previous = people.first().filter(|_| has_previous).map(|(id, _)| *id);
    let next = people.last().filter(|_| has_next).map(|(id, _)| *id);
    let chrome = Chrome::new(&person, &session, Menu::Registry);
    let listed = RegistryPage { chrome, q, key, people, found, previous, next };
    page(&listed, actix_web::http::StatusCode::OK)
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Form {
    q: String,
}

/// `POST /registry/search`
pub async fn search(
    _person: Allowed<ManageRegistry>,
    session: TypedSession,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    // Nothing that is typed is wrong; what no text may hold finds nobody.
    let q = text::line(&form.q, 200).unwrap_or_else(|_| Some("?".into())).unwrap_or_default();
    if q.is_empty() {
        return Ok(see_other("/registry"));
    }
    let key = session.remember_filter(Sought { q })?;
    Ok(see_other(&format!("/registry?list={key}")))
}

/// `POST /registry/export`: the people of the page's search as a workbook.
pub async fn export(
    request: HttpRequest,
    person: Allowed<ManageRegistry>,
    session: TypedSession,
    parts: web::Data<Parts>,
    at: web::Form<At>,
) -> Result<HttpResponse, AppError> {
    let sought = match at.list.as_str() {
        "" => Sought::default(),
        key => session.filter(Some(key)).map(|(_, sought)| sought).ok_or(AppError::NotFound)?,
    };
    let everybody = sought == Sought::default();
    let (db, folder) = (parts.db.clone(), parts.config.data_dir.clone());
    let (file, people) = web::block(move || write(&db, &folder, &Search::parse(&sought.q))).await??;
    let (address, now, by) = (address(&request), clock::now(), person.id);
    parts
        .write(move |conn| {
            let event = NewEvent {
                application: None,
                account: None,
                staff: Some(by),
                kind: EventKind::RegistryExported,
                at: now,
                address: Some(&address),
                before: None,
                // Neither names nor codes.
                after: Some(to_json(&Exported { people, everybody })),
            };
            Ok(events::add(conn, &event)?)
        })
        .await?;
    download::attachment(file, &format!("DanhBaHGD_{}.xlsx", to_hanoi(now).format("%Y%m%d")), download::XLSX)
}

#[derive(Serialize)]
struct Exported {
    people: u64,
    everybody: bool,
}

/// Writes the workbook into a file without a name, which is gone when nobody reads it any more. Blocks.
fn write(db: &crate::db::Db, folder: &std::path::Path, search: &Search) -> Result<(std::fs::File, u64), AppError> {
    let mut book = RegistryBook::new(folder)?;
    let people = db.snapshot(|conn| -> Result<u64, AppError> {
        let found = registry_list::look(conn, search)?;
        let (mut from, mut people) = (From::Start, 0);
        loop {
            let batch = registry_list::page(conn, search, &found, from, BATCH)?;
            let Some((last, _)) = batch.last() else { return Ok(people) };
            from = From::After(*last);
            people += batch.len() as u64;
            for (_, member) in &batch {
                book.add(member)?;
            }
        }
    })?;
    let mut file = tempfile::tempfile_in(folder)?;
    book.save(&mut file)?;
    Ok((file, people))
}
