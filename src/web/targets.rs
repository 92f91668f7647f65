//! `/targets`, *Chỉ tiêu*: how many accounts each agency within reach shall have on a day. One sheet for each day: all its targets
//! are set, replaced and removed at once. Only what somebody changed on their sheet is written, so that two people who work on one
//! sheet do not undo each other's numbers.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{NaiveDate, NaiveDateTime};
use serde::{Deserialize, Serialize};

use super::allowed::{Allowed, SetTargets};
use super::session::{Flash, TypedSession};
use super::{Chrome, Errors, Menu, address, page, see_other};
use crate::clock;
use crate::db::agencies::{self, Agency};
use crate::db::events::{self, NewEvent};
use crate::db::{Conn, coverage, targets};
use crate::domain::dates::{parse_date, show_date, to_hanoi};
use crate::domain::event::EventKind;
use crate::domain::ids::{AgencyId, StaffId};
use crate::domain::permission::Scope;
use crate::domain::report::coverage::{Standing, Target, parse_accounts, parse_percent};
use crate::domain::report::{Period, Span};
use crate::domain::text::FieldError;
use crate::domain::to_json;
use crate::error::AppError;
use crate::startup::Parts;

pub const PATH: &str = "/targets";

/// An agency on the sheet.
struct Line {
    agency: Agency,
    standing: Standing,
    /// What stands in the field, and what was the target when the sheet was shown.
    typed: String,
    was: String,
    /// Who set it, and when.
    set: Option<(String, NaiveDateTime)>,
    /// Its targets for other days.
    others: Vec<Target>,
    fault: Option<String>,
}

#[derive(Template)]
#[template(path = "targets.html")]
struct TargetsPage {
    chrome: Chrome,
    /// The sheet's day, and as it was typed.
    until: NaiveDate,
    until_typed: String,
    percent: String,
    errors: Errors,
    /// Days that have a sheet.
    days: Vec<NaiveDate>,
    lines: Vec<Line>,
    /// The fields were filled and are not saved.
    is_filled: bool,
}

/// What is known of the agencies within reach.
struct Known {
    agencies: Vec<Agency>,
    standings: HashMap<AgencyId, Standing>,
    set: Vec<targets::Set>,
}

fn known(conn: &mut Conn, scope: Scope, today: NaiveDate) -> Result<Known, AppError> {
    Ok(Known {
        agencies: agencies::all(conn, scope)?,
        standings: coverage::standings(conn, scope, today)?,
        set: targets::all(conn, scope)?,
    })
}

impl Known {
    fn target(&self, agency: AgencyId, until: NaiveDate) -> Option<&targets::Set> {
        self.set.iter().find(|set| set.agency == agency && set.target.until == until)
    }

    fn days(&self) -> Vec<NaiveDate> {
        let mut days: Vec<NaiveDate> = self.set.iter().map(|set| set.target.until).collect();
        days.dedup();
        days
    }

    /// The sheet as it stands.
    fn lines(self, until: NaiveDate) -> Vec<Line> {
        let line = |agency: &Agency| {
            let set = self.target(agency.id, until);
            let number = set.map(|set| set.target.accounts.to_string()).unwrap_or_default();
            let others = self.set.iter().filter(|it| it.agency == agency.id && it.target.until != until);
            Line {
                standing: self.standings.get(&agency.id).copied().unwrap_or_default(),
                typed: number.clone(),
                was: number,
                set: set.map(|set| (set.by.clone(), set.at)),
                others: others.map(|set| set.target).collect(),
                fault: None,
                agency: agency.clone(),
            }
        };
        self.agencies.iter().map(line).collect()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct At {
    until: String,
}

/// `GET /targets`
pub async fn get(
    person: Allowed<SetTargets>,
    session: TypedSession,
    parts: web::Data<Parts>,
    at: web::Query<At>,
) -> Result<HttpResponse, AppError> {
    let (scope, today) = (person.sets_targets_of(), to_hanoi(clock::now()).date());
    let known = parts.read(move |conn| known(conn, scope, today)).await?;
    let (asked, errors) = match parse_until(&at.until) {
        Ok(asked) => (asked, Errors::default()),
        Err(fault) => (None, Errors::one("until", fault)),
    };
    let days = known.days();
    // The next sheet there is; a first one is the year's.
    let next = days.iter().find(|day| **day >= today).copied();
    let until = asked.or(next).unwrap_or_else(|| Period::of(Span::Year, today).last());
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let sheet = TargetsPage {
        chrome: Chrome::new(&person, &session, Menu::Targets),
        until,
        until_typed: if errors.is_empty() { show_date(until) } else { at.into_inner().until },
        percent: String::new(),
        errors,
        days,
        lines: known.lines(until),
        is_filled: false,
    };
    page(&sheet, status)
}

/// A day that a report can be about.
fn parse_until(typed: &str) -> Result<Option<NaiveDate>, FieldError> {
    let Some(day) = parse_date(typed)? else { return Ok(None) };
    Period::between(day, day).map(|_| Some(day))
}

/// What the sheet posts: `until`, `percent`, the button, and for each agency what is typed (`a` and its id) and what was the target
/// (`w` and its id).
type Posted = Vec<(String, String)>;

/// `POST /targets`: *Lưu*, or *Điền* with the share of the people.
pub async fn post(
    request: HttpRequest,
    person: Allowed<SetTargets>,
    session: TypedSession,
    parts: web::Data<Parts>,
    form: web::Form<Posted>,
) -> Result<HttpResponse, AppError> {
    let fields: HashMap<String, String> = form.into_inner().into_iter().collect();
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let Ok(Some(until)) = parse_until(field("until")) else { return Err(AppError::Malformed) };
    let (scope, now) = (person.sets_targets_of(), clock::now());
    let today = to_hanoi(now).date();
    let known = parts.read(move |conn| known(conn, scope, today)).await?;
    let days = known.days();
    let (mut errors, fills) = (Errors::default(), !field("fill").is_empty());
    let percent = if fills {
        parse_percent(field("percent")).map_err(|fault| errors.0.push(("percent", fault))).ok()
    } else {
        None
    };
    let mut lines = known.lines(until);
    let mut wishes = Vec::new();
    for line in &mut lines {
        let id = line.agency.id;
        let (typed, was) = (field(&format!("a{id}")), field(&format!("w{id}")));
        line.typed = typed.to_owned();
        if let Some(percent) = percent
            && line.standing.people > 0
        {
            line.typed = Target::share(line.standing.people, percent).to_string();
        }
        match (parse_accounts(&line.typed), parse_accounts(was)) {
            (Ok(wish), Ok(was)) if wish != was => wishes.push(Wish { agency: id, was, wish }),
            (Ok(_), Ok(_)) => {}
            (Err(fault), _) | (_, Err(fault)) => line.fault = Some(fault.0),
        }
        // Whoever has seen an older sheet and saves it once more is asked again.
        was.clone_into(&mut line.was);
    }
    let is_wrong = !errors.is_empty() || lines.iter().any(|line| line.fault.is_some());
    let mut overtaken = Vec::new();
    if !fills && !is_wrong {
        let stamp = (person.id, now, address(&request));
        match parts.write(move |conn| save(conn, scope, until, &wishes, &stamp)).await? {
            Ok(changed) => {
                let text = match changed {
                    0 => "Không có chỉ tiêu nào thay đổi".to_owned(),
                    changed => format!("Đã lưu chỉ tiêu đến {} của {changed} cơ quan", show_date(until)),
                };
                session.tell(&Flash { good: changed > 0, text, offers_next: false })?;
                return Ok(see_other(&format!("{PATH}?until={until}")));
            }
            Err(others) => overtaken = others,
        }
    }
    for line in &mut lines {
        if let Some((_, now)) = overtaken.iter().find(|(agency, _)| *agency == line.agency.id) {
            line.was = now.map(|accounts| accounts.to_string()).unwrap_or_default();
            let now = now.map_or("bỏ trống".to_owned(), |accounts| super::show::thousands(&accounts));
            line.fault = Some(format!("Người khác vừa sửa thành {now}. Bấm Lưu lần nữa nếu vẫn muốn đổi."));
        }
    }
    let is_wrong = is_wrong || !overtaken.is_empty();
    let status = if is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let sheet = TargetsPage {
        chrome: Chrome::new(&person, &session, Menu::Targets),
        until,
        until_typed: show_date(until),
        percent: field("percent").to_owned(),
        errors,
        days,
        lines,
        is_filled: percent.is_some(),
    };
    page(&sheet, status)
}

struct Wish {
    agency: AgencyId,
    was: Option<i64>,
    wish: Option<i64>,
}

/// Agencies whose target somebody else changed meanwhile, with what it is now.
type Overtaken = Vec<(AgencyId, Option<i64>)>;

/// A target in the history.
#[derive(Serialize)]
struct Recorded {
    agency: AgencyId,
    until: NaiveDate,
    accounts: Option<i64>,
}

/// Writes what was changed, all of it or nothing; returns how many targets.
fn save(
    conn: &mut Conn,
    scope: Scope,
    until: NaiveDate,
    wishes: &[Wish],
    (by, at, address): &(StaffId, NaiveDateTime, String),
) -> Result<Result<usize, Overtaken>, AppError> {
    targets::lock(conn)?;
    let now: HashMap<AgencyId, i64> = targets::all(conn, scope)?
        .into_iter()
        .filter(|set| set.target.until == until)
        .map(|set| (set.agency, set.target.accounts))
        .collect();
    let is = |wish: &Wish| now.get(&wish.agency).copied();
    let overtaken: Overtaken = wishes
        .iter()
        .filter(|wish| is(wish) != wish.was && is(wish) != wish.wish)
        .map(|wish| (wish.agency, is(wish)))
        .collect();
    if !overtaken.is_empty() {
        return Ok(Err(overtaken));
    }
    for wish in wishes {
        targets::put(conn, (wish.agency, until), wish.wish, (*by, *at))?;
        let recorded = |accounts| to_json(&Recorded { agency: wish.agency, until, accounts });
        events::add(
            conn,
            &NewEvent {
                application: None,
                account: None,
                staff: Some(*by),
                kind: if wish.wish.is_some() { EventKind::TargetSet } else { EventKind::TargetRemoved },
                at: *at,
                address: Some(address),
                before: Some(recorded(wish.was)),
                after: Some(recorded(wish.wish)),
            },
        )?;
    }
    Ok(Ok(wishes.len()))
}
