//! A report as a table: what `domain::report` makes of what the tallies hold. Read within one snapshot
//! ([`super::Db::snapshot`]).

use diesel::QueryResult;

use super::agencies::Agency;
use super::coverage::standings;
use super::{Conn, agencies, tallies};
use crate::domain::permission::Scope;
use crate::domain::report::agencies::{Office, by_agency};
use crate::domain::report::coverage::coverage;
use crate::domain::report::{Kind, Request, Table};

/// The report, of as much as `scope` allows. None when the agency that is asked for is not within it.
pub fn table(conn: &mut Conn, scope: Scope, request: &Request) -> QueryResult<Option<Table>> {
    let Some((scope, whose)) = narrowed(conn, scope, request)? else { return Ok(None) };
    let mut table = match request.kind {
        Kind::Agencies => by_agency(request, &offices(conn, scope)?, &tallies::by_agency(conn, scope, request.period)?),
        Kind::Coverage => coverage(request, &offices(conn, scope)?, &standings(conn, scope, request.period.last())?),
    };
    if table.subtitles.is_empty() {
        table.subtitles.push(request.period.title());
    }
    table.subtitles.extend(whose.map(|agency| agency.name));
    Ok(Some(table))
}

/// The part of a scope that a request is about, and the agency that it names.
fn narrowed(conn: &mut Conn, scope: Scope, request: &Request) -> QueryResult<Option<(Scope, Option<Agency>)>> {
    let Some(id) = request.agency else { return Ok(Some((scope, None))) };
    let within = agencies::all(conn, scope)?;
    let Some(agency) = within.into_iter().find(|agency| agency.id == id) else { return Ok(None) };
    Ok(scope.part(agency.id, agency.province_id).map(|part| (part, Some(agency))))
}

/// The offices of a scope, each province with its own behind it.
pub fn offices(conn: &mut Conn, scope: Scope) -> QueryResult<Vec<Office>> {
    let all = agencies::all(conn, scope)?;
    Ok(all.into_iter().map(|it| Office { id: it.id, name: it.name, province_id: it.province_id }).collect())
}
