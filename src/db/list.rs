//! The list of applications: any filter, any order, any page, over millions of rows.
//!
//! A page is read in two steps. First the ids, from an index that holds every filter column, so that skipping to page 2,000
//! touches no row; then the rows of that page. Searching by name walks the postings in `name_tokens` instead, newest first.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text, Timestamp};

use super::schema::{agencies, applications, name_tokens, staff};
use super::{Conn, Counted};
use crate::domain::application::{Kind, Status};
use crate::domain::dates::BirthDate;
use crate::domain::deadline::{self, DeadlineState};
use crate::domain::filter::{COUNT_CAP, Group, Sort, Term};
use crate::domain::ids::{AgencyId, ApplicationId};
use crate::domain::names;
use crate::domain::permission::Scope;
use crate::on_backend;

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
    pub birth_date: Option<BirthDate>,
    pub phone: String,
    pub submitted_at: NaiveDateTime,
    pub due_at: NaiveDateTime,
    pub decided_at: Option<NaiveDateTime>,
    pub kind: Kind,
    pub status: Status,
    pub agency_name: String,
    pub officer: Option<String>,
}

/// How a name is looked for.
struct NameSearch {
    /// All must be in the name: runs of syllables as they were typed, or single ones, the rarest first.
    tokens: Vec<i64>,
    way: Way,
}

#[derive(Clone, Copy)]
enum Way {
    /// The name is all that is asked: the postings alone answer.
    Postings,
    /// The postings are walked, and each application asked for the other criteria.
    PostingsFirst,
    /// Few applications meet the other criteria: each is asked for the name.
    CriteriaFirst,
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
            if status.is_open() {
                // It says nothing new, but the indexes of the undecided ones can be used.
                q = q.filter(applications::decided_at.is_null());
            }
        }
        if let Some(from) = $query.from {
            q = q.filter(applications::submitted_at.ge(from));
        }
        if let Some(before) = $query.before {
            q = q.filter(applications::submitted_at.lt(before));
        }
        // Stated as a condition on one expression, not as "decided and … or not decided and …": a database answers that from
        // two indexes and then reads every row.
        match $query.deadline {
            None => {}
            Some(DeadlineState::Late) if $query.status.is_some_and(Status::is_open) => {
                q = q.filter(applications::due_at.lt($query.now));
            }
            Some(DeadlineState::Late) => {
                q = q.filter(
                    sql::<Bool>("coalesce(decided_at, ").bind::<Timestamp, _>($query.now).sql(") > due_at"),
                );
            }
            Some(DeadlineState::DueSoon) => {
                if $query.status.is_none() {
                    q = q.filter(applications::status.eq_any([Status::Pending, Status::AwaitingCode]));
                }
                q = q
                    .filter(applications::decided_at.is_null())
                    .filter(applications::due_at.ge($query.now))
                    .filter(applications::due_at.lt(soon));
            }
            Some(DeadlineState::OnTime) => {
                q = q.filter(sql::<Bool>("coalesce(decided_at, ").bind::<Timestamp, _>(soon).sql(") <= due_at"));
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
                        // A dash is what nobody has; erased ones are empty. With NULL SQLite would not trust these indexes.
                        (code, phone, id_number) => q.filter(
                            applications::code
                                .eq(code.as_deref().unwrap_or("-"))
                                .or(applications::phone.eq(phone.as_deref().unwrap_or("-")))
                                .or(applications::id_number
.eq(id_number.as_deref().unwrap_or("-"))
.assume_not_null()),
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
                // Whoever looks for a name wants that person, waiting or not.
                let named = $query.terms.iter().any(|term| matches!(term, Term::Name(_)));
                if matches!($query.scope, Scope::Agency(_)) && $query.status.is_none() && !named {
                    $q = $q.then_order_by(sql::<Bool>("(status <> 'pending')").asc());
                }
                $q = $q.then_order_by(applications::submitted_at.desc()).then_order_by(applications::id.desc());
            }
            Sort::Submitted => by!(applications::submitted_at),
            Sort::Number => by!(applications::number),
            Sort::Code => by!(applications::code),
            Sort::Name => by!(applications::name_sort),
            Sort::Birth => by!(sql::<Text>("coalesce(birth_date, '9')")), // The unknown last, on both databases.
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

/// Adds to a boxed query that the application `$id` has each of the tokens. A scalar subquery is asked row by row until the
/// page is full; EXISTS would let PostgreSQL collect all postings of a common word first.
macro_rules! has_tokens {
    ($q:ident, $tokens:expr, $id:expr) => {
        for token in $tokens {
            $q = $q.filter(
                other_tokens
                    .filter(other_tokens.field(name_tokens::token).eq(*token))
                    .filter(other_tokens.field(name_tokens::application_id).eq($id))
                    .select(other_tokens.field(name_tokens::token))
                    .single_value()
                    .is_not_null(),
            );
        }
    };
}

/// Restricts a boxed query over the postings to one name search.
macro_rules! named {
    ($query:ident, $q:ident, $search:expr) => {{
        match $query.scope {
            Scope::Agency(agency) => $q = $q.filter(name_tokens::agency_id.eq(agency)),
            Scope::Province(province) => $q = $q.filter(name_tokens::province_id.eq(province)),
            Scope::Country => {}
            Scope::Nothing => $q = $q.filter(sql::<Bool>("1 = 0")),
        }
        if let Some((first, rest)) = $search.tokens.split_first() {
            $q = $q.filter(name_tokens::token.eq(*first));
            has_tokens!($q, rest, name_tokens::application_id);
        }
    }};
}

/// A boxed query over `applications` whose rows meet the criteria and, where each is asked for it, have the name.
macro_rules! criteria_first {
    ($query:ident, $name:expr) => {{
        let tokens = $name.map_or(&[] as &[i64], |search| &search.tokens);
        let mut q = filtered!($query, applications::table.select(applications::id).into_boxed());
        has_tokens!(q, tokens, applications::id);
        q
    }};
}

macro_rules! postings_first {
    ($query:ident, $search:expr) => {{
        let mut q =
            filtered!($query, name_tokens::table.inner_join(applications::table).select(applications::id).into_boxed());
        named!($query, q, $search);
        q
    }};
}

macro_rules! postings_alone {
    ($query:ident, $search:expr) => {{
        let mut q = name_tokens::table.select(name_tokens::application_id).into_boxed();
        named!($query, q, $search);
        q
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
    let newest_first = query.sort == Sort::Queue && query.group.is_none(); // Ids rise with time.
    match name.map(|search| (search, search.way)) {
        None | Some((_, Way::CriteriaFirst)) => {
            let mut q = criteria_first!(query, name);
            ordered!(query, q);
            q.limit(limit).offset(offset).load(conn)
        }
        Some((search, Way::Postings)) if newest_first => {
            let q = postings_alone!(query, search).order(name_tokens::application_id.desc());
            q.limit(limit).offset(offset).load(conn)
        }
        Some((search, _)) => {
            let mut q = postings_first!(query, search);
            if newest_first {
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
    let limit = i64::from(COUNT_CAP) + 1;
    match name.map(|search| (search, search.way)) {
        None | Some((_, Way::CriteriaFirst)) => Counted(criteria_first!(query, name).limit(limit)).get_result(conn),
        Some((search, Way::Postings)) => Counted(postings_alone!(query, search).limit(limit)).get_result(conn),
        Some((search, Way::PostingsFirst)) => Counted(postings_first!(query, search).limit(limit)).get_result(conn),
    }
}

impl Query {
    fn has_criteria_besides_a_name(&self) -> bool {
        let Self { agency, kind, status, deadline, from, before, terms, .. } = self;
        (agency.is_some() || kind.is_some() || status.is_some() || deadline.is_some())
            || (from.is_some() || before.is_some())
            || terms.iter().any(|term| !matches!(term, Term::Name(_)))
    }
}

/// Looks for the names in a filter: as they were typed, and only where `run` finds nothing so, word by word.
fn search_names<T>(
    conn: &mut Conn,
    query: &Query,
    mut run: impl FnMut(&mut Conn, Option<&NameSearch>) -> QueryResult<Option<T>>,
) -> QueryResult<Option<T>> {
    let mut tokens = Vec::new();
    let mut words = Vec::new();
    for term in &query.terms {
        if let Term::Name(name) = term {
            tokens.extend(names::query_runs(name));
            words.extend(names::query_singles(name));
        }
    }
    if tokens.is_empty() {
        return run(conn, None);
    }
    let criteria = if query.has_criteria_besides_a_name() { Some(count_matches(conn, query, None)?) } else { None };
    // Which way is the shorter one: from the first token's postings, or from what meets the other criteria.
    let way = |conn: &mut Conn, tokens: &[i64]| -> QueryResult<Way> {
        Ok(match criteria {
            None => Way::Postings,
            Some(few) if few <= i64::from(COUNT_CAP) && postings(conn, tokens[0], few)? >= few => Way::CriteriaFirst,
            Some(_) => Way::PostingsFirst,
        })
    };
    let search = NameSearch { way: way(conn, &tokens)?, tokens };
    let found = run(conn, Some(&search))?;
    if found.is_some() || words.len() < 2 {
        return Ok(found);
    }
    // Walking the rarest word's postings and asking for the others is quick; the other way round is not.
    let rarity = |token| Ok((postings(conn, token, 20_000)?, token));
    let mut by_rarity = words.into_iter().map(rarity).collect::<QueryResult<Vec<_>>>()?;
    by_rarity.sort_unstable();
    let tokens: Vec<_> = by_rarity.into_iter().map(|(_, token)| token).collect();
    let search = NameSearch { way: way(conn, &tokens)?, tokens };
    run(conn, Some(&search))
}

/// How many names have the token, up to a limit.
pub(super) fn postings(conn: &mut Conn, token: i64, limit: i64) -> QueryResult<i64> {
    let all = name_tokens::table.filter(name_tokens::token.eq(token)).select(name_tokens::application_id);
    Counted(all.limit(limit)).get_result(conn)
}

/// Reads one page, newest first unless another order is asked for.
pub fn page(conn: &mut Conn, query: &Query, limit: i64, offset: i64) -> QueryResult<Vec<ListRow>> {
    let ids = search_names(conn, query, |conn, name| {
        let ids = page_ids(conn, query, name, limit, offset)?;
        // A later page of what is found may be empty.
        let found = !ids.is_empty() || (offset > 0 && !page_ids(conn, query, name, 1, 0)?.is_empty());
        Ok(found.then_some(ids))
    })?;
    rows(conn, &ids.unwrap_or_default())
}

fn rows(conn: &mut Conn, ids: &[ApplicationId]) -> QueryResult<Vec<ListRow>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // Of each backend's own: on PostgreSQL the ids are then one parameter, and the statement stays prepared.
    let mut rows: Vec<ListRow> = on_backend!(conn, c => applications::table
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
        .load(c))?;
    let place: std::collections::HashMap<ApplicationId, usize> =
        ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    rows.sort_by_key(|row| place.get(&row.id).copied());
    Ok(rows)
}

/// How many applications match a filter (up to [`COUNT_CAP`] + 1).
pub fn count(conn: &mut Conn, query: &Query) -> QueryResult<i64> {
    let found = search_names(conn, query, |conn, name| {
        let count = count_matches(conn, query, name)?;
        Ok((count > 0).then_some(count))
    })?;
    Ok(found.unwrap_or_default())
}

/// How many applications of a scope wait for a decision and are late (up to [`COUNT_CAP`] + 1).
pub fn count_late(conn: &mut Conn, scope: Scope, now: NaiveDateTime) -> QueryResult<i64> {
    let late = Query {
        scope,
        terms: Vec::new(),
        agency: None,
        kind: None,
        status: Some(Status::Pending),
        deadline: Some(DeadlineState::Late),
        from: None,
        before: None,
        sort: Sort::Queue,
        descending: false,
        group: None,
        now,
    };
    count_matches(conn, &late, None)
}
