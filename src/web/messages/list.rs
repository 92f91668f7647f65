//! `/messages`: what did not arrive first, then the rest, the newest first. The filter is posted and kept in the session under a
//! short key, as the list of applications does it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{NaiveDate, NaiveTime, TimeDelta};
use serde::Deserialize;

use super::recipient;
use crate::db::agencies::{self, Agency};
use crate::db::message_list::{self, Part, Query};
use crate::db::messages::Shown;
use crate::db::registry_list::From;
use crate::domain::dates::{from_hanoi, parse_date, show_date};
use crate::domain::filter::PAGE_SIZES;
use crate::domain::ids::AgencyId;
use crate::domain::message_list::{Filter, Standing};
use crate::domain::outbox::{MessageChannel, MessageKind};
use crate::domain::permission::{Action, Actor, Scope};
use crate::domain::text::FieldError;
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::allowed::{Allowed, SeeMessages};
use crate::web::session::{Flash, Remembered, TypedSession};
use crate::web::{Chrome, Errors, Menu, page, see_other};

/// How many of those that did not arrive stand above the list.
const TROUBLES: i64 = 10;

impl Remembered for Filter {
    const LIST: &'static str = "messages";
}

/// What *Tra cứu*, a chip's cross and the page size post: the filter as it is on the page, and one wish.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    standing: String,
    channel: String,
    kind: String,
    agency: String,
    from: String,
    to: String,
    mine: String,
    size: String,
    /// *Xem tất cả* of what did not arrive.
    trouble: String,
    /// The criterion whose cross was pressed.
    without: String,
    clear: String,
}

impl Form {
    fn of(filter: &Filter) -> Self {
        let code = |code: Option<&'static str>| code.unwrap_or_default().to_owned();
        let date = |date: Option<NaiveDate>| date.map(show_date).unwrap_or_default();
        Self {
            standing: code(filter.standing.map(Standing::code)),
            channel: code(filter.channel.map(MessageChannel::code)),
            kind: code(filter.kind.map(MessageKind::code)),
            agency: filter.agency.map(|agency| agency.to_string()).unwrap_or_default(),
            from: date(filter.from),
            to: date(filter.to),
            mine: if filter.mine { "1".into() } else { String::new() },
            size: filter.size.to_string(),
            ..Self::default()
        }
    }

    fn parse(&self) -> Result<Filter, Errors> {
        let size = self.size.parse().ok().filter(|size| PAGE_SIZES.contains(size)).unwrap_or(PAGE_SIZES[0]);
        if !self.clear.is_empty() {
            return Ok(Filter { size, ..Filter::default() });
        }
        // A criterion that is taken away cannot be wrong any more.
        let typed = |field: &str, value: &str| if self.without == field { String::new() } else { value.to_owned() };
        let mut errors = Errors::default();
        let mut date =
            |field, typed: &str| parse_date(typed).map_err(|fault| errors.0.push((field, fault))).ok().flatten();
        let (from, to) = (date("from", &typed("from", &self.from)), date("to", &typed("to", &self.to)));
        if let (Some(first), Some(last)) = (from, to)
            && first > last
        {
            errors.0.push(("to", FieldError::new("Đến ngày phải từ ngày bắt đầu trở đi.")));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Filter {
            standing: if self.trouble.is_empty() {
                Standing::from_code(&typed("standing", &self.standing))
            } else {
                Some(Standing::Trouble)
            },
            channel: MessageChannel::from_code(&typed("channel", &self.channel)),
            kind: MessageKind::from_code(&typed("kind", &self.kind)),
            agency: typed("agency", &self.agency).parse().ok().map(AgencyId),
            from,
            to,
            mine: !typed("mine", &self.mine).is_empty(),
            size,
        })
    }
}

/// The filter as the database runs it for this person.
fn query(filter: &Filter, actor: &Actor) -> Query {
    let midnight = |date| from_hanoi(date, NaiveTime::MIN);
    Query {
        scope: actor.sees_messages_of(),
        standing: filter.standing,
        channel: filter.channel,
        kind: filter.kind,
        agency: filter.agency,
        from: filter.from.map(midnight),
        before: filter.to.map(|to| midnight(to + TimeDelta::days(1))),
        of: filter.mine.then_some(actor.id),
    }
}

#[derive(Template)]
#[template(path = "messages/list.html")]
struct ListPage {
    chrome: Chrome,
    form: Form,
    errors: Errors,
    /// Criteria that are set: their fields, and words for them.
    chips: Vec<(&'static str, String)>,
    agencies: Vec<Agency>,
    filter: Filter,
    key: String,
    /// What did not arrive, above the first page of everything.
    troubles: Vec<Shown>,
    trouble_count: i64,
    rows: Vec<Shown>,
    previous: Option<i64>,
    next: Option<i64>,
    /// The address of this very page.
    here: String,
}

impl ListPage {
    fn here(&self) -> &str {
        &self.here
    }

    fn recipient(&self, message: &Shown) -> String {
        recipient(&self.chrome, message)
    }
}

fn chips(filter: &Filter, agencies: &[Agency]) -> Vec<(&'static str, String)> {
    let agency = filter.agency.and_then(|id| agencies.iter().find(|agency| agency.id == id));
    [
        ("standing", filter.standing.map(|standing| format!("Tình trạng: {}", standing.label()))),
        ("channel", filter.channel.map(|channel| format!("Kênh: {}", channel.label()))),
        ("kind", filter.kind.map(|kind| format!("Nội dung: {}", kind.label()))),
        ("agency", agency.map(|agency| format!("Cơ quan: {}", agency.name))),
        ("from", filter.from.map(|date| format!("Từ ngày: {}", show_date(date)))),
        ("to", filter.to.map(|date| format!("Đến ngày: {}", show_date(date)))),
        ("mine", filter.mine.then(|| "Tin do tôi gửi".to_owned())),
    ]
    .into_iter()
    .filter_map(|(field, label)| Some((field, label?)))
    .collect()
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct At {
    list: String,
    /// The message behind or before which the page begins.
    after: Option<i64>,
    before: Option<i64>,
}

/// `GET /messages`
pub async fn get(
    person: Allowed<SeeMessages>,
    session: TypedSession,
    parts: web::Data<Parts>,
    at: web::Query<At>,
) -> Result<HttpResponse, AppError> {
    let known = session.filter::<Filter>(Some(at.list.as_str()).filter(|key| !key.is_empty()));
    // A key that this session does not know any more must not silently mean "everything".
    if known.is_none() && !at.list.is_empty() {
        let text = "Điều kiện lọc của trang đó không còn; đây là danh sách như đã lọc gần nhất".to_owned();
        session.tell(&Flash { good: false, text, offers_next: false })?;
        return Ok(see_other("/messages"));
    }
    let (key, filter) = known.unwrap_or_default();
    show(&person, &session, &parts, (Form::of(&filter), filter, Errors::default()), (key, at.into_inner())).await
}

async fn show(
    person: &Allowed<SeeMessages>,
    session: &TypedSession,
    parts: &Parts,
    (form, filter, errors): (Form, Filter, Errors),
    (key, at): (String, At),
) -> Result<HttpResponse, AppError> {
    let (from, edge) = match (at.after, at.before) {
        (Some(id), _) => (From::After(id), format!("&after={id}")),
        (None, Some(id)) => (From::Before(id), format!("&before={id}")),
        (None, None) => (From::Start, String::new()),
    };
    let (query, scope, size) = (query(&filter, person), person.sees_messages_of(), filter.size as usize);
    let (mut rows, troubles, trouble_count, agencies) = parts
        .read(move |conn| {
            // Those of one state are asked for as they are; of all, what did not arrive stands above the rest.
            let part = if query.standing.is_none() { Part::Rest } else { Part::All };
            let rows = message_list::page(conn, &query, part, from, size as i64 + 1)?;
            let (troubles, count) = if query.standing == Some(Standing::Trouble) {
                (Vec::new(), message_list::count_trouble(conn, &query)?)
            } else if query.standing.is_none() && from == From::Start {
                let troubles = message_list::page(conn, &query, Part::Trouble, From::Start, TROUBLES)?;
                (troubles, message_list::count_trouble(conn, &query)?)
            } else {
                (Vec::new(), 0)
            };
            // An officer's scope is one office: there is nothing to choose from.
            let agencies = if matches!(scope, Scope::Agency(_)) { Vec::new() } else { agencies::all(conn, scope)? };
            Ok((rows, troubles, count, agencies))
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
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let listed = ListPage {
        chrome: Chrome::new(person, session, Menu::Messages),
        chips: chips(&filter, &agencies),
        previous: rows.first().filter(|_| has_previous).map(|row| row.id.0),
        next: rows.last().filter(|_| has_next).map(|row| row.id.0),
        here: format!("/messages?list={key}{edge}"),
        form,
        errors,
        agencies,
        filter,
        key,
        troubles,
        trouble_count,
        rows,
    };
    page(&listed, status)
}

/// `POST /messages/search`
pub async fn search(
    person: Allowed<SeeMessages>,
    session: TypedSession,
    parts: web::Data<Parts>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let form = form.into_inner();
    match form.parse() {
        Ok(filter) => remember(&session, filter),
        Err(errors) => {
            let (key, filter) = session.filter::<Filter>(None).unwrap_or_default();
            show(&person, &session, &parts, (form, filter, errors), (key, At::default())).await
        }
    }
}

/// `GET /messages/mine`: what did not arrive of one's own, to which the list of applications points.
pub async fn mine(_person: Allowed<SeeMessages>, session: TypedSession) -> Result<HttpResponse, AppError> {
    remember(&session, Filter { standing: Some(Standing::Trouble), mine: true, ..Filter::default() })
}

/// `GET /messages/trouble`: what did not arrive and nobody has settled, to which *Tổng quan* points.
pub async fn trouble(_person: Allowed<SeeMessages>, session: TypedSession) -> Result<HttpResponse, AppError> {
    remember(&session, Filter { standing: Some(Standing::Trouble), ..Filter::default() })
}

fn remember(session: &TypedSession, filter: Filter) -> Result<HttpResponse, AppError> {
    let key = session.remember_filter(filter)?;
    Ok(see_other(&format!("/messages?list={key}")))
}
