//! The list of applications: any filter, any order, any page, over millions of rows.
//!
//! A page is read in two steps. First the ids, from an index that holds every filter column, so that skipping to page 2,000
//! touches no row; then the rows of that page. Searching by name walks the postings in `name_tokens` instead, newest first.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl::{exists, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::Conn;
use super::schema::{agencies, applications, messages, name_tokens, staff};
use crate::domain::application::{Kind, Status};
use crate::domain::dates::BirthDate;
use crate::domain::deadline::{self, DeadlineState};
use crate::domain::filter::{COUNT_CAP, Group, Sort, Term};
use crate::domain::ids::{AgencyId, ApplicationId};
use crate::domain::names;
use crate::domain::outbox::MessageState;
use crate::domain::permission::Scope;

/// A filter ready to be run.
#[derive(Clone, Debug)]
pub struct Query {
    pub scope: Scope,
    /// All must hold.
    pub terms: Vec<Term>,
    pub agency: Option<AgencyId>,
    pub kind: Option<Kind>,
    pub status: Option<Status>,
    pub deadline: Option<DeadlineState>,
    /// UTC, from this instant to before that one.
    pub from: Option<NaiveDateTime>,
    pub before: Option<NaiveDateTime>,
    pub sort: Sort,
    pub descending: bool,
    pub group: Option<Group>,
    pub now: NaiveDateTime,
}

/// A row of the list.
#[derive(Queryable)]
pub struct ListRow {
    pub id: ApplicationId,
    pub number: String,
    pub code: String,
    pub name: String,
    pub birth_date: BirthDate,
    pub phone: String,
    pub submitted_at: NaiveDateTime,
    pub due_at: NaiveDateTime,
    pub decided_at: Option<NaiveDateTime>,
    pub kind: Kind,
    pub status: Status,
    pub agency_name: String,
    pub officer: Option<String>,
}

/// How the words of a name are looked for.
enum NameSearch {
    /// In this order, side by side.
    Phrase(Vec<i64>),
    /// In any order; the rarest first.
    Words(Vec<i64>),
}

/// Adds the scope and every criterion to a boxed query over `applications`.
macro_rules! filtered {
    ($query:ident, $source:expr) => {{
        let soon = $query.now + TimeDelta::seconds(deadline::DUE_SOON_SECONDS);
        let mut q = $source;
        match $query.scope {
            Scope::Agency(agency) => q = q.filter(applications::agency_id.eq(agency)),
            Scope::Province(province) => q = q.filter(applications::province_id.eq(province)),
            Scope::Country => {}
            Scope::Nothing => q = q.filter(sql::<Bool>("1 = 0")),
        }
        if let Some(agency) = $query.agency {
            q = q.filter(applications::agency_id.eq(agency));
        }
        if let Some(kind) = $query.kind {
            q = q.filter(applications::kind.eq(kind));
        }
        if let Some(status) = $query.status {
            q = q.filter(applications::status.eq(status));
        }
        if let Some(from) = $query.from {
            q = q.filter(applications::submitted_at.ge(from));
        }
        if let Some(before) = $query.before {
            q = q.filter(applications::submitted_at.lt(before));
        }
        match $query.deadline {
            None => {}
            Some(DeadlineState::Late) => {
                q = q.filter(
                    applications::decided_at
                        .is_null()
                        .and(applications::due_at.lt($query.now))
                        .or(applications::decided_at.is_not_null().and(sql::<Bool>("decided_at > due_at"))),
                );
            }
            Some(DeadlineState::DueSoon) => {
                q = q
                    .filter(applications::decided_at.is_null())
                    .filter(applications::due_at.ge($query.now))
                    .filter(applications::due_at.lt(soon));
            }
            Some(DeadlineState::OnTime) => {
                q = q.filter(
                    applications::decided_at
                        .is_null()
                        .and(applications::due_at.ge(soon))
                        .or(applications::decided_at.is_not_null().and(sql::<Bool>("decided_at <= due_at"))),
                );
            }
        }
        for term in &$query.terms {
            match term {
                Term::Name(_) => {}
                Term::Numbers { numbers, serials } => {
                    q = match (numbers.is_empty(), serials.is_empty()) {
                        (false, true) => q.filter(applications::number.eq_any(numbers)),
                        (true, _) => q.filter(applications::serial.eq_any(serials)),
                        (false, false) => {
                            q.filter(applications::number.eq_any(numbers).or(applications::serial.eq_any(serials)))
                        }
                    };
                }
                Term::Person { code, phone, id_number } => {
                    q = match (code, phone, id_number) {
                        (Some(code), None, None) => q.filter(applications::code.eq(code)),
                        (None, Some(phone), None) => q.filter(applications::phone.eq(phone)),
                        (None, None, id_number) => q.filter(applications::id_number.eq(id_number.as_ref())),
                        (code, phone, id_number) => q.filter(
                            applications::code
                                .eq(code.as_deref().unwrap_or_default())
                                .or(applications::phone.eq(phone.as_deref().unwrap_or_default()))
                                .or(applications::id_number.eq(id_number.as_deref()).assume_not_null()),
                        ),
                    };
                }
            }
        }
        q
    }};
}

/// Adds the order. Every order ends in the id, so that pages neither repeat nor lose a row.
macro_rules! ordered {
    ($query:ident, $q:ident) => {{
        macro_rules! by {
            ($column:expr) => {
                if $query.descending {
                    $q = $q.then_order_by($column.desc()).then_order_by(applications::id.desc());
                } else {
                    $q = $q.then_order_by($column.asc()).then_order_by(applications::id.asc());
                }
            };
        }
        match $query.group {
            None => {}
            Some(Group::Agency) => $q = $q.then_order_by(applications::agency_id.asc()),
            // Where one database puts what nobody has decided first, the other puts it last.
            Some(Group::Officer) => {
                $q =
                    $q.then_order_by(sql::<Bool>("(decided_by IS NULL)")).then_order_by(applications::decided_by.asc());
            }
        }
        match $query.sort {
            Sort::Queue => {
                if matches!($query.scope, Scope::Agency(_)) && $query.status.is_none() {
                    $q = $q.then_order_by(sql::<Bool>("(status <> 'pending')").asc());
                }
                $q = $q.then_order_by(applications::submitted_at.desc()).then_order_by(applications::id.desc());
            }
            Sort::Submitted => by!(applications::submitted_at),
            Sort::Number => by!(applications::number),
            Sort::Code => by!(applications::code),
            Sort::Name => by!(applications::name_sort),
            Sort::Birth => by!(applications::birth_date),
            Sort::Phone => by!(applications::phone),
            Sort::Due => by!(applications::due_at),
            Sort::Agency => by!(applications::agency_id),
            Sort::Kind => by!(applications::kind),
            Sort::Status => by!(applications::status),
            Sort::Officer => {
                $q = $q.then_order_by(sql::<Bool>("(decided_by IS NULL)"));
                by!(applications::decided_by);
            }
        }
    }};
}

diesel::alias!(name_tokens as other_tokens: OtherTokens);

/// Restricts a boxed join of postings and applications to one name search.
macro_rules! named {
    ($query:ident, $q:ident, $search:expr) => {{
        let (NameSearch::Phrase(tokens) | NameSearch::Words(tokens)) = $search;
        match $query.scope {
            Scope::Agency(agency) => $q = $q.filter(name_tokens::agency_id.eq(agency)),
            Scope::Province(province) => $q = $q.filter(name_tokens::province_id.eq(province)),
            Scope::Country | Scope::Nothing => {}
        }
        if let Some((first, rest)) = tokens.split_first() {
            $q = $q.filter(name_tokens::token.eq(*first));
            for token in rest {
                $q = $q.filter(exists(
                    other_tokens
                        .filter(other_tokens.field(name_tokens::token).eq(*token))
                        .filter(other_tokens.field(name_tokens::application_id).eq(name_tokens::application_id)),
                ));
            }
        }
    }};
}

/// The ids of one page, in order.
fn page_ids(
    conn: &mut Conn,
    query: &Query,
    name: Option<&NameSearch>,
    limit: i64,
    offset: i64,
) -> QueryResult<Vec<ApplicationId>> {
    match name {
        None => {
            let mut q = filtered!(query, applications::table.select(applications::id).into_boxed());
            ordered!(query, q);
            q.limit(limit).offset(offset).load(conn)
        }
        Some(search) => {
            let mut q = filtered!(
                query,
                name_tokens::table.inner_join(applications::table).select(applications::id).into_boxed()
            );
            named!(query, q, search);
            if query.sort == Sort::Queue && query.group.is_none() {
                q = q.then_order_by(name_tokens::application_id.desc());
            } else {
                ordered!(query, q);
            }
            q.limit(limit).offset(offset).load(conn)
        }
    }
}

/// How many applications match, exactly up to [`COUNT_CAP`]; one more means "more".
fn count_matches(conn: &mut Conn, query: &Query, name: Option<&NameSearch>) -> QueryResult<i64> {
    let cap = i64::from(COUNT_CAP);
    let beyond: Option<ApplicationId> = match name {
        None => {
            let q = filtered!(query, applications::table.select(applications::id).into_boxed());
            q.limit(1).offset(cap).load(conn)?.pop()
        }
        Some(search) => {
            let mut q = filtered!(
                query,
                name_tokens::table.inner_join(applications::table).select(applications::id).into_boxed()
            );
            named!(query, q, search);
            q.limit(1).offset(cap).load(conn)?.pop()
        }
    };
    if beyond.is_some() {
        return Ok(cap + 1);
    }
    match name {
        None => filtered!(query, applications::table.select(diesel::dsl::count_star()).into_boxed()).get_result(conn),
        Some(search) => {
            let mut q = filtered!(
                query,
                name_tokens::table.inner_join(applications::table).select(diesel::dsl::count_star()).into_boxed()
            );
            named!(query, q, search);
            q.get_result(conn)
        }
    }
}

/// The searches to try for the names in a filter, the strictest first.
fn name_searches(conn: &mut Conn, query: &Query) -> QueryResult<Vec<NameSearch>> {
    let mut phrase = Vec::new();
    let mut words = Vec::new();
    for term in &query.terms {
        if let Term::Name(name) = term {
            phrase.extend(names::query_runs(name));
            words.extend(names::query_singles(name));
        }
    }
    if phrase.is_empty() {
        return Ok(Vec::new());
    }
    let mut searches = vec![NameSearch::Phrase(phrase)];
    if words.len() > 1 {
        // Walking the rarest word's postings and asking for the others is quick; the other way round is not.
        let mut by_rarity = Vec::with_capacity(words.len());
        for token in words {
            let postings: Vec<ApplicationId> = name_tokens::table
                .filter(name_tokens::token.eq(token))
                .select(name_tokens::application_id)
                .limit(2_000)
                .load(conn)?;
            by_rarity.push((postings.len(), token));
        }
        by_rarity.sort_unstable();
        searches.push(NameSearch::Words(by_rarity.into_iter().map(|(_, token)| token).collect()));
    }
    Ok(searches)
}

/// Reads one page, newest first unless another order is asked for.
pub fn page(conn: &mut Conn, query: &Query, limit: i64, offset: i64) -> QueryResult<Vec<ListRow>> {
    let mut ids = Vec::new();
    let searches = name_searches(conn, query)?;
    if searches.is_empty() {
        ids = page_ids(conn, query, None, limit, offset)?;
    }
    for search in &searches {
        ids = page_ids(conn, query, Some(search), limit, offset)?;
        // A later page of a phrase that is found may be empty; only a phrase found nowhere is looked for word by word.
        if !ids.is_empty() || (offset > 0 && !page_ids(conn, query, Some(search), 1, 0)?.is_empty()) {
            break;
        }
    }
    rows(conn, &ids)
}

fn rows(conn: &mut Conn, ids: &[ApplicationId]) -> QueryResult<Vec<ListRow>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows: Vec<ListRow> = applications::table
        .inner_join(agencies::table)
        .left_join(staff::table.on(applications::decided_by.eq(staff::id.nullable())))
        .filter(applications::id.eq_any(ids))
        .select((
            applications::id,
            applications::number,
            applications::code,
            applications::name,
            applications::birth_date,
            applications::phone,
            applications::submitted_at,
            applications::due_at,
            applications::decided_at,
            applications::kind,
            applications::status,
            agencies::name,
            staff::name.nullable(),
        ))
        .load(conn)?;
    let place: std::collections::HashMap<ApplicationId, usize> =
        ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    rows.sort_by_key(|row| place.get(&row.id).copied());
    Ok(rows)
}

/// How many applications match a filter (up to [`COUNT_CAP`] + 1).
pub fn count(conn: &mut Conn, query: &Query) -> QueryResult<i64> {
    let searches = name_searches(conn, query)?;
    if searches.is_empty() {
        return count_matches(conn, query, None);
    }
    for search in &searches {
        let found = count_matches(conn, query, Some(search))?;
        if found > 0 {
            return Ok(found);
        }
    }
    Ok(0)
}

/// How many applications of a scope wait for a decision and are late (up to [`COUNT_CAP`] + 1).
pub fn count_late(conn: &mut Conn, scope: Scope, now: NaiveDateTime) -> QueryResult<i64> {
    let open = applications::table
        .filter(applications::decided_at.is_null())
        .filter(applications::status.eq(Status::Pending))
        .filter(applications::due_at.lt(now))
        .select(applications::id)
        .limit(i64::from(COUNT_CAP) + 1);
    let late: Vec<ApplicationId> = match scope {
        Scope::Agency(agency) => open.filter(applications::agency_id.eq(agency)).load(conn)?,
        Scope::Province(province) => open.filter(applications::province_id.eq(province)).load(conn)?,
        Scope::Country => open.load(conn)?,
        Scope::Nothing => Vec::new(),
    };
    i64::try_from(late.len()).map_err(|error| diesel::result::Error::DeserializationError(error.into()))
}

/// Which of these applications have a message that could not be sent.
pub fn with_dead_messages(conn: &mut Conn, ids: &[ApplicationId]) -> QueryResult<Vec<ApplicationId>> {
    messages::table
        .filter(messages::application_id.eq_any(ids))
        .filter(messages::state.eq(MessageState::Dead))
        .select(messages::application_id)
        .distinct()
        .load(conn)
}
