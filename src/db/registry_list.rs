//! The household registry as an admin looks through it: page by page, or all of it in order.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use super::registry::Row;
use super::schema::registry_members;
use super::{Conn, Counted};
use crate::domain::filter::COUNT_CAP;
use crate::domain::registry::{Member, Search};

/// Of each code the row that counts. A scalar subquery is asked row by row until the page is full.
const COUNTS: &str = "registry_members.changeset_id = (SELECT max(latest.changeset_id) FROM registry_members latest \
     JOIN registry_changesets ON registry_changesets.id = latest.changeset_id \
     WHERE latest.code = registry_members.code AND registry_changesets.visible)";

/// Where a page begins: at a row that another page has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    Start,
    After(i64),
    Before(i64),
}

/// How names are looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// By their beginning, which an index knows.
    Beginning,
    /// By words anywhere, for a name that nobody begins with: all names are read.
    Anywhere,
}

/// The people who are sought.
macro_rules! sought {
    ($search:expr, $way:expr, $select:expr) => {{
        let mut q = registry_members::table.filter(sql::<Bool>(COUNTS)).select($select).into_boxed();
        match ($search, $way) {
            (Search::Everybody, _) => {}
            (Search::Number(number), _) => {
                let id_number = registry_members::id_number.eq(number).assume_not_null();
                let household = registry_members::household_code.eq(number).assume_not_null();
                q = q.filter(registry_members::code.eq(number).or(id_number).or(household));
            }
            (Search::Name(name), Way::Beginning) => {
                q = q.filter(registry_members::name_folded.ge(name));
                q = q.filter(registry_members::name_folded.lt(format!("{name}\u{10FFFF}")));
            }
            (Search::Name(name), Way::Anywhere) => {
                q = q.filter(sql::<Bool>("' ' || name_folded LIKE ").bind::<Text, _>(format!("% {name}%")));
            }
        }
        q
    }};
}

fn way(conn: &mut Conn, search: &Search) -> QueryResult<Way> {
    let first = sought!(search, Way::Beginning, registry_members::id).limit(1).first::<i64>(conn).optional()?;
    Ok(if first.is_some() { Way::Beginning } else { Way::Anywhere })
}

/// How many people are found: exactly up to [`COUNT_CAP`]; one more means "more".
pub fn count(conn: &mut Conn, search: &Search) -> QueryResult<i64> {
    let way = way(conn, search)?;
    Counted(sought!(search, way, registry_members::id).limit(i64::from(COUNT_CAP) + 1)).get_result(conn)
}

/// A page of people with their rows' ids, in the order of names when a name is sought, else of codes.
pub fn page(conn: &mut Conn, search: &Search, from: From, limit: i64) -> QueryResult<Vec<(i64, Member)>> {
    let mut q = sought!(search, way(conn, search)?, (registry_members::id, Row::as_select())).limit(limit);
    let (at, backwards) = match from {
        From::Start => (None, false),
        From::After(id) => (Some(id), false),
        From::Before(id) => (Some(id), true),
    };
    let edge: Option<(i64, String, String)> = match at {
        None => None,
        Some(id) => registry_members::table
            .find(id)
            .select((registry_members::id, registry_members::code, registry_members::name_folded))
            .first(conn)
            .optional()?,
    };
    macro_rules! in_order {
        ($column:expr, $at:expr) => {
            q = match (edge, backwards) {
                (None, _) => q.order(($column.asc(), registry_members::id.asc())),
                // Said twice, so that an index leads to where it begins.
                (Some((id, code, name)), false) => {
                    let at = $at(code, name);
                    q.filter($column.ge(at.clone()))
                        .filter($column.gt(at).or(registry_members::id.gt(id)))
                        .order(($column.asc(), registry_members::id.asc()))
                }
                (Some((id, code, name)), true) => {
                    let at = $at(code, name);
                    q.filter($column.le(at.clone()))
                        .filter($column.lt(at).or(registry_members::id.lt(id)))
                        .order(($column.desc(), registry_members::id.desc()))
                }
            }
        };
    }
    match search {
        Search::Name(_) => in_order!(registry_members::name_folded, |_, name: String| name),
        _ => in_order!(registry_members::code, |code: String, _| code),
    }
    let rows: Vec<(i64, Row)> = q.load(conn)?;
    let mut people: Vec<_> = rows.into_iter().map(|(id, row)| (id, Member::from(row))).collect();
    if backwards {
        people.reverse();
    }
    Ok(people)
}
