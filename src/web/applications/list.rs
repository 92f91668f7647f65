//! *Danh sách hồ sơ đăng ký giao dịch điện tử cá nhân* (PHỤ LỤC 02, section 1, steps 3 and 4). The filter is posted and kept
//! in the session under a short key, so that names and numbers stay out of addresses and logs.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use serde::Deserialize;

use super::detail::list_key;
use crate::clock;
use crate::db::agencies::{self, Agency};
use crate::db::list::{self, ListRow, Query};
use crate::db::message_list;
use crate::domain::application::{Kind, Status};
use crate::domain::dates::{from_hanoi, parse_date, show_date};
use crate::domain::deadline::{DeadlineState, time_left};
use crate::domain::filter::{COUNT_CAP, Filter, Group, PAGE_SIZES, Sort, Term};
use crate::domain::ids::AgencyId;
use crate::domain::permission::{Role, Scope};
use crate::domain::text;
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::allowed::{Allowed, SeeApplications};
use crate::web::session::{Flash, TypedSession};
use crate::web::{Chrome, Errors, Menu, page, see_other};

/// What *Tra cứu*, a column's head, a chip's cross and the page size post: the filter as it is on the page, and one wish.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    q: String,
    numbers: String,
    code: String,
    from: String,
    to: String,
    kind: String,
    status: String,
    deadline: String,
    agency: String,
    group: String,
    size: String,
    sort: String,
    descending: String,
    /// The head of a column that was pressed.
    sort_by: String,
    /// The criterion whose cross was pressed.
    without: String,
    clear: String,
    /// The counter of late ones was pressed.
    late: String,
}

impl Form {
    fn of(filter: &Filter) -> Self {
        let code = |code: Option<&'static str>| code.unwrap_or_default().to_owned();
        let date = |date: Option<NaiveDate>| date.map(show_date).unwrap_or_default();
        Self {
            q: filter.q.clone(),
            numbers: filter.numbers.clone(),
            code: filter.code.clone(),
            from: date(filter.from),
            to: date(filter.to),
            kind: code(filter.kind.map(Kind::code)),
            status: code(filter.status.map(Status::code)),
            deadline: code(filter.deadline.map(DeadlineState::code)),
            agency: filter.agency.map(|agency| agency.to_string()).unwrap_or_default(),
            group: code(filter.group.map(Group::code)),
            size: filter.size.to_string(),
            sort: filter.sort.code().to_owned(),
            descending: if filter.descending { "1".into() } else { String::new() },
            ..Self::default()
        }
    }

    fn parse(&self) -> Result<Filter, Errors> {
        let mut errors = Errors::default();
        if !self.clear.is_empty() {
            return Ok(Filter { size: parse_size(&self.size), ..Filter::default() });
        }
        let mut line = |field, typed: &str, max| {
            text::paragraph(typed, max)
                .map_err(|fault| errors.0.push((field, fault)))
                .ok()
                .flatten()
                .unwrap_or_default()
        };
        let (q, numbers, code) =
            (line("q", &self.q, 200), line("numbers", &self.numbers, 12_000), line("code", &self.code, 30));
        let mut date =
            |field, typed: &str| parse_date(typed).map_err(|fault| errors.0.push((field, fault))).ok().flatten();
        let (from, to) = (date("from", &self.from), date("to", &self.to));
        if let (Some(first), Some(last)) = (from, to)
            && first > last
        {
            errors.0.push(("to", text::FieldError::new("Đến ngày phải từ ngày bắt đầu trở đi.")));
        }
        let mut filter = Filter {
            q,
            numbers,
            code,
            from,
            to,
            kind: Kind::from_code(&self.kind),
            status: Status::from_code(&self.status),
            deadline: DeadlineState::from_code(&self.deadline),
            agency: self.agency.parse().ok().map(AgencyId),
            sort: Sort::from_code(&self.sort).unwrap_or(Sort::Queue),
            descending: !self.descending.is_empty(),
            size: parse_size(&self.size),
            group: Group::from_code(&self.group),
        };
        if let Some(column) = Sort::from_code(&self.sort_by) {
            filter.descending = filter.sort == column && !filter.descending && column != Sort::Queue;
            filter.sort = column;
        }
        if !self.late.is_empty() {
            filter.deadline = Some(DeadlineState::Late);
            filter.status = Some(Status::Pending);
        }
        // A criterion that is taken away cannot be wrong any more.
        filter = filter.without(&self.without);
        errors.0.retain(|(field, _)| *field != self.without);
        if let Err((field, fault)) = filter.terms() {
            errors.0.push((field, fault));
        }
        if errors.is_empty() { Ok(filter) } else { Err(errors) }
    }
}

fn parse_size(typed: &str) -> u32 {
    typed.parse().ok().filter(|size| PAGE_SIZES.contains(size)).unwrap_or(PAGE_SIZES[0])
}

/// The filter as the database runs it, within a scope. A filter that cannot be read any more finds nothing.
fn query(filter: &Filter, scope: Scope, now: NaiveDateTime) -> Query {
    let midnight = |date| from_hanoi(date, NaiveTime::MIN);
    Query {
        scope,
        terms: filter.terms().unwrap_or_else(|_| vec![Term::Numbers { numbers: Vec::new(), serials: Vec::new() }]),
        agency: filter.agency,
        kind: filter.kind,
        status: filter.status,
        deadline: filter.deadline,
        from: filter.from.map(midnight),
        before: filter.to.map(|to| midnight(to + TimeDelta::days(1))),
        sort: filter.sort,
        descending: filter.descending,
        group: filter.group,
        now,
    }
}

/// A row, with what the page says of its deadline.
struct Row {
    item: ListRow,
    deadline: DeadlineState,
    left: Option<String>,
    dead: bool,
    /// The head of the group that begins here.
    begins: Option<String>,
}

/// A criterion that is set, with a cross to take it away.
struct Chip {
    field: &'static str,
    label: String,
}

#[derive(Template)]
#[template(path = "applications/list.html")]
struct ListPage {
    chrome: Chrome,
    form: Form,
    filter: Filter,
    errors: Errors,
    chips: Vec<Chip>,
    agencies: Vec<Agency>,
    rows: Vec<Row>,
    key: String,
    number: u32,
    pages: Option<u32>,
    has_next: bool,
    found: i64,
    late: i64,
    /// How many messages of this person's own acts did not arrive.
    lost: i64,
}

impl ListPage {
    const COLUMNS: [Sort; 11] = [
        Sort::Number,
        Sort::Code,
        Sort::Name,
        Sort::Birth,
        Sort::Phone,
        Sort::Submitted,
        Sort::Due,
        Sort::Agency,
        Sort::Kind,
        Sort::Status,
        Sort::Officer,
    ];

    /// The office's name as a column has room for it.
    fn short_office(name: &str) -> String {
        name.replacen("Bảo hiểm xã hội", "BHXH", 1)
    }

    fn order(&self, column: &Sort) -> &'static str {
        match (self.filter.sort == *column, self.filter.descending) {
            (false, _) => "none",
            (true, false) => "ascending",
            (true, true) => "descending",
        }
    }

    fn stt(&self, index: &usize) -> usize {
        (self.number as usize - 1) * self.filter.size as usize + index + 1
    }
}

fn chips(filter: &Filter, agencies: &[Agency]) -> Vec<Chip> {
    let short = |typed: &str| {
        let line = typed.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.chars().count() > 40 { format!("{}…", line.chars().take(40).collect::<String>()) } else { line }
    };
    let agency = filter.agency.and_then(|id| agencies.iter().find(|agency| agency.id == id));
    [
        ("q", (!filter.q.is_empty()).then(|| format!("Tìm: {}", short(&filter.q)))),
        ("numbers", (!filter.numbers.is_empty()).then(|| format!("Số hồ sơ: {}", short(&filter.numbers)))),
        ("code", (!filter.code.is_empty()).then(|| format!("Mã số BHXH: {}", filter.code))),
        ("from", filter.from.map(|date| format!("Từ ngày: {}", show_date(date)))),
        ("to", filter.to.map(|date| format!("Đến ngày: {}", show_date(date)))),
        ("kind", filter.kind.map(|kind| format!("Tình trạng: {}", kind.label()))),
        ("status", filter.status.map(|status| format!("Trạng thái: {}", status.label()))),
        ("deadline", filter.deadline.map(|state| format!("Hạn: {}", state.label()))),
        ("agency", agency.map(|agency| format!("Cơ quan: {}", agency.name))),
        ("group", filter.group.map(|group| format!("Nhóm theo: {}", group.label()))),
    ]
    .into_iter()
    .filter_map(|(field, label)| Some(Chip { field, label: label? }))
    .collect()
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct At {
    list: String,
    /// As typed into the box *Trang*.
    page: String,
}

pub async fn get(
    person: Allowed<SeeApplications>,
    session: TypedSession,
    parts: web::Data<Parts>,
    at: web::Query<At>,
) -> Result<HttpResponse, AppError> {
    // A search that was posted when the session had ended.
    if let Some((form, _)) = session.take_draft::<Form>("/applications") {
        return search(person, session, parts, web::Form(form)).await;
    }
    // A key that this session does not know any more must not silently mean "everything".
    let known = session.filter(Some(at.list.as_str()).filter(|key| !key.is_empty()));
    if known.is_none() && !at.list.is_empty() {
        let text = "Điều kiện lọc của trang đó không còn; đây là danh sách như đã lọc gần nhất".to_owned();
        session.tell(&Flash { good: false, text, offers_next: false })?;
        return Ok(see_other("/applications"));
    }
    let (key, filter) = known.unwrap_or_default();
    show(
        &person,
        &session,
        &parts,
        Shown {
            form: Form::of(&filter),
            filter,
            key,
            number: at.page.trim().parse().unwrap_or(1),
            errors: Errors::default(),
        },
    )
    .await
}

struct Shown {
    form: Form,
    filter: Filter,
    key: String,
    number: u32,
    errors: Errors,
}

async fn show(
    person: &Allowed<SeeApplications>,
    session: &TypedSession,
    parts: &Parts,
    shown: Shown,
) -> Result<HttpResponse, AppError> {
    let Shown { form, filter, key, number, errors } = shown;
    let now = clock::now();
    let (scope, query) = (person.scope(), query(&filter, person.scope(), now));
    let number = number.clamp(1, 1_000_000);
    let (size, offset) = (i64::from(filter.size), i64::from(number - 1) * i64::from(filter.size));
    let counts_key = format!(
        "{scope:?} {:?}",
        Filter { sort: Sort::Queue, descending: false, group: None, size: 0, ..filter.clone() }
    );
    let counted = parts.counts.get(&counts_key);
    let actor = (**person).clone();
    let (mut items, dead, agencies, counted, lost) = parts
        .read(move |conn| {
            let items = list::page(conn, &query, size + 1, offset)?;
            let ids: Vec<_> = items.iter().map(|item| item.id).collect();
            let dead = message_list::with_dead_messages(conn, &ids)?;
            // An officer's scope is one office: there is nothing to choose from.
            let agencies = if matches!(scope, Scope::Agency(_)) { Vec::new() } else { agencies::all(conn, scope)? };
            let counted = match counted {
                Some(counted) => counted,
                None => (list::count(conn, &query)?, list::count_late(conn, scope, now)?),
            };
            let lost = message_list::count_trouble_of(conn, &actor)?;
            Ok((items, dead, agencies, counted, lost))
        })
        .await?;
    parts.counts.put(counts_key, counted);
    let (found, late) = counted;
    let has_next = items.len() as i64 > size;
    items.truncate(filter.size as usize);
    let mut group = None;
    let rows = items
        .into_iter()
        .map(|item| {
            let name = filter.group.map(|by| match by {
                Group::Agency => item.agency_name.clone(),
                Group::Officer => item.officer.clone().unwrap_or_else(|| "Chưa có cán bộ".into()),
            });
            let begins = if name == group { None } else { name.clone() };
            group = name;
            Row {
                deadline: DeadlineState::of(item.due_at, item.decided_at, now),
                left: time_left(item.status, item.due_at, now),
                dead: dead.contains(&item.id),
                begins,
                item,
            }
        })
        .collect();
    let pages = (found <= i64::from(COUNT_CAP)).then(|| (found as u32).div_ceil(filter.size).max(1));
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let chips = chips(&filter, &agencies);
    let chrome = Chrome::new(person, session, Menu::Applications);
    let listed = ListPage {
        chrome,
        form,
        filter,
        errors,
        chips,
        agencies,
        rows,
        key,
        number,
        pages,
        has_next,
        found,
        late,
        lost,
    };
    page(&listed, status)
}

/// `POST /applications/search`
pub async fn search(
    person: Allowed<SeeApplications>,
    session: TypedSession,
    parts: web::Data<Parts>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let form = form.into_inner();
    match form.parse() {
        Ok(filter) => {
            let key = session.remember_filter(filter)?;
            Ok(see_other(&format!("/applications?list={key}")))
        }
        Err(errors) => {
            let (key, filter) = session.filter(None).unwrap_or_default();
            show(&person, &session, &parts, Shown { form, filter, key, number: 1, errors }).await
        }
    }
}

/// `GET /applications/next`: the application that has waited longest in the queue of this person.
pub async fn next(
    person: Allowed<SeeApplications>,
    parts: web::Data<Parts>,
    at: web::Query<At>,
) -> Result<HttpResponse, AppError> {
    let filter = Filter { status: Some(Status::Pending), sort: Sort::Due, ..Filter::default() };
    let query = query(&filter, person.scope(), clock::now());
    let first = parts.read(move |conn| Ok(list::page(conn, &query, 1, 0)?)).await?;
    let list = if at.list.is_empty() { String::new() } else { format!("?list={}", list_key(&at.list)) };
    Ok(see_other(&match first.first() {
        Some(row) => format!("/applications/{}{list}", row.id),
        None => format!("/applications{list}"),
    }))
}
