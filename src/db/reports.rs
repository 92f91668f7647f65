//! A report as a table: what `domain::report` makes of what the tallies hold. Read within one snapshot
//! ([`super::Db::snapshot`]).

use diesel::QueryResult;

use super::agencies::Agency;
use super::coverage::standings;
use super::{Conn, agencies, message_tallies, report_parts, tallies};
use crate::domain::outbox::MessageChannel;
use crate::domain::permission::{Actor, Scope};
use crate::domain::report::agencies::{Office, by_agency, by_province};
use crate::domain::report::channels::by_channel;
use crate::domain::report::coverage::coverage;
use crate::domain::report::messages::{Moves, by_message};
use crate::domain::report::officers::by_officer;
use crate::domain::report::reasons::by_reason;
use crate::domain::report::times::by_time;
use crate::domain::report::{Kind, Period, Request, Table};

/// The report, of as much as `scope` allows. None when the agency that is asked for is not within it.
pub fn table(conn: &mut Conn, scope: Scope, request: &Request) -> QueryResult<Option<Table>> {
    let Some((scope, whose)) = narrowed(conn, scope, request)? else { return Ok(None) };
    let period = request.period;
    let mut table = match request.kind {
        Kind::Agencies => by_agency(request, &offices(conn, scope)?, &tallies::by_agency(conn, scope, period)?),
        Kind::Provinces => by_province(request, &offices(conn, scope)?, &tallies::by_agency(conn, scope, period)?),
        Kind::Times => by_time(request, &tallies::by_piece(conn, scope, period, request.grain)?),
        Kind::Officers => by_officer(request, &report_parts::officers(conn, scope, period)?),
        Kind::Reasons => by_reason(request, &report_parts::reasons(conn, scope, period)?),
        Kind::Channels => by_channel(request, &tallies::by_channel(conn, scope, period)?),
        Kind::Messages => by_message(&messages(conn, scope, period)?),
        Kind::Coverage => coverage(request, &offices(conn, scope)?, &standings(conn, scope, period.last())?),
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

/// Each office of a scope by its channels, those without a message left out.
fn messages(conn: &mut Conn, scope: Scope, period: Period) -> QueryResult<Vec<(String, MessageChannel, Moves)>> {
    let moves = message_tallies::by_agency(conn, scope, period)?;
    let row = |office: &Agency, channel: &MessageChannel| {
        let moves = moves.get(&(office.id, *channel))?;
        Some((office.name.clone(), *channel, *moves))
    };
    let offices = agencies::all(conn, scope)?;
    Ok(offices.iter().flat_map(|it| MessageChannel::ALL.iter().filter_map(move |channel| row(it, channel))).collect())
}

/// Under whose name somebody reports (the guide, section 8): the province's.
pub fn reporting_office(conn: &mut Conn, person: &Actor) -> QueryResult<String> {
    match person.province_id {
        Some(province) if province != person.agency_id => Ok(agencies::find(conn, province)?.name),
        _ => Ok(person.agency_name.clone()),
    }
}
