//! Stays of applications in the queues of offices: what every report counts (`domain::report`). Each is written in the
//! transaction of the event that begins or ends it.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::connection::SimpleConnection;
use diesel::dsl;
use diesel::prelude::*;

use super::schema::{agencies, applications, events, stays};
use super::{Conn, one_row};
use crate::domain::application::{Application, Channel};
use crate::domain::dates::to_hanoi;
use crate::domain::event::EventKind;
use crate::domain::ids::{AgencyId, ApplicationId, StaffId};
use crate::domain::report::{Entered, Happened, Left, hours, replay};
use crate::on_backend;

/// The office whose queue it is, and its province.
pub type Office = (AgencyId, Option<AgencyId>);

/// An application enters a queue.
pub fn enter(
    conn: &mut Conn,
    id: ApplicationId,
    (agency, province): Office,
    channel: Channel,
    entered: Entered,
    at: NaiveDateTime,
) -> QueryResult<()> {
    diesel::insert_into(stays::table)
        .values((
            stays::application_id.eq(id),
            stays::agency_id.eq(agency),
            stays::province_id.eq(province),
            stays::channel.eq(channel),
            stays::entered_as.eq(entered),
            stays::entered_at.eq(at),
            stays::entered_day.eq(to_hanoi(at).date()),
        ))
        .execute(conn)?;
    Ok(())
}

/// What is known of a decision that ends a stay.
pub struct Decided<'a> {
    pub staff: StaffId,
    pub reason: Option<&'a str>,
    /// After its deadline.
    pub late: bool,
}

/// An application leaves the queue in which it waits.
pub fn leave(
    conn: &mut Conn,
    id: ApplicationId,
    left: Left,
    at: NaiveDateTime,
    decided: Option<&Decided<'_>>,
) -> QueryResult<()> {
    let open = stays::table.filter(stays::application_id.eq(id)).filter(stays::left_day.is_null());
    let entered_at: NaiveDateTime = open.select(stays::entered_at).first(conn)?;
    let changed = diesel::update(open)
        .set((
            stays::left_as.eq(left),
            stays::left_at.eq(at),
            stays::left_day.eq(to_hanoi(at).date()),
            stays::staff_id.eq(decided.map(|it| it.staff)),
            stays::reason.eq(decided.and_then(|it| it.reason)),
            stays::late.eq(decided.map(|it| it.late)),
            stays::hours.eq(decided.map(|_| hours(entered_at, at))),
        ))
        .execute(conn)?;
    one_row(changed)
}

/// A decided application waits again, where it was.
pub fn reopen(conn: &mut Conn, application: &Application, at: NaiveDateTime) -> QueryResult<()> {
    let office = office(conn, application.id)?;
    enter(conn, application.id, office, application.channel, Entered::Reopened, at)
}

/// A waiting application goes to another office, in which it is by now.
pub fn hand_over(conn: &mut Conn, application: &Application, at: NaiveDateTime) -> QueryResult<()> {
    leave(conn, application.id, Left::Moved, at, None)?;
    let office = office(conn, application.id)?;
    enter(conn, application.id, office, application.channel, Entered::Moved, at)
}

fn office(conn: &mut Conn, id: ApplicationId) -> QueryResult<Office> {
    applications::table.find(id).select((applications::agency_id, applications::province_id)).first(conn)
}

/// The kinds of event that begin or end a stay.
const COUNTED: [EventKind; 9] = [
    EventKind::Submitted,
    EventKind::Entered,
    EventKind::Imported,
    EventKind::Reopened,
    EventKind::Moved,
    EventKind::Approved,
    EventKind::Changed,
    EventKind::Rejected,
    EventKind::Expired,
];

/// How many applications are retold at once.
const BATCH: i64 = 2_000;

/// Makes the stays of all applications behind `after` that have none from the history; returns how many.
pub fn retell(conn: &mut Conn, mut after: ApplicationId) -> QueryResult<usize> {
    let offices: Vec<(AgencyId, Option<AgencyId>, String)> =
        agencies::table.select((agencies::id, agencies::province_id, agencies::name)).load(conn)?;
    let provinces: HashMap<_, _> = offices.iter().map(|(id, province, _)| (*id, *province)).collect();
    let named: HashMap<_, _> = offices.into_iter().map(|(id, _, name)| (name, id)).collect();
    let mut made = 0;
    loop {
        let batch: Vec<Current> = applications::table
            .filter(applications::id.gt(after))
            .filter(dsl::not(dsl::exists(stays::table.filter(stays::application_id.eq(applications::id)))))
            .order(applications::id)
            .limit(BATCH)
            .select(Current::as_select())
            .load(conn)?;
        let Some(last) = batch.last() else { return Ok(made) };
        let history: Vec<Told> = events::table
            .filter(events::application_id.gt(after).and(events::application_id.le(last.id)))
            .filter(events::kind.eq_any(COUNTED))
            .order((events::application_id, events::id))
            .select((
                events::application_id.assume_not_null(),
                events::kind,
                events::at,
                events::staff_id,
                events::before,
                events::after,
            ))
            .load(conn)?;
        after = last.id;
        let mut history = history.as_slice();
        for rows in batch.chunks(400) {
            let mut made_of_them = Vec::new();
            for application in rows {
                // Of one that has stays already, between these.
                let others = history.iter().take_while(|event| event.0.0 < application.id.0).count();
                history = &history[others..];
                let own = history.iter().take_while(|event| event.0 == application.id).count();
                let (own, rest) = history.split_at(own);
                history = rest;
                let late = application.decided_at.is_some_and(|at| at > application.due_at);
                let told: Vec<_> = own.iter().map(happened).collect();
                let stays = replay(&told, application.agency_id, late, &named);
                made_of_them.extend(stays.into_iter().map(|stay| (application, stay)));
            }
            let values: Vec<_> = made_of_them
                .iter()
                .map(|(application, stay)| {
                    let ((entered_as, entered_at), hours) = (stay.entered, stay.hours());
                    (
                        stays::application_id.eq(application.id),
                        stays::agency_id.eq(stay.agency),
                        stays::province_id.eq(provinces.get(&stay.agency).copied().flatten()),
                        stays::channel.eq(application.channel),
                        stays::entered_as.eq(entered_as),
                        stays::entered_at.eq(entered_at),
                        stays::entered_day.eq(to_hanoi(entered_at).date()),
                        stays::left_as.eq(stay.left.map(|(left, _)| left)),
                        stays::left_at.eq(stay.left.map(|(_, at)| at)),
                        stays::left_day.eq(stay.left.map(|(_, at)| to_hanoi(at).date())),
                        stays::staff_id.eq(stay.staff),
                        stays::reason.eq(stay.reason.as_ref()),
                        stays::late.eq(hours.map(|_| stay.late)),
                        stays::hours.eq(hours),
                    )
                })
                .collect();
            made += values.len();
            on_backend!(conn, c => diesel::insert_into(stays::table).values(&values).execute(c))?;
        }
    }
}

/// An application as it stands.
#[derive(Queryable, Selectable)]
#[diesel(table_name = applications)]
struct Current {
    id: ApplicationId,
    agency_id: AgencyId,
    channel: Channel,
    due_at: NaiveDateTime,
    decided_at: Option<NaiveDateTime>,
}

type Told = (ApplicationId, EventKind, NaiveDateTime, Option<StaffId>, Option<String>, Option<String>);

fn happened((_, kind, at, staff, before, after): &Told) -> Happened<'_> {
    Happened { kind: *kind, at: *at, staff: *staff, before: before.as_deref(), after: after.as_deref() }
}

/// Throws the stays away and makes them again from the history; returns how many. Whoever decides meanwhile waits.
pub fn retell_all(conn: &mut Conn) -> QueryResult<usize> {
    if let Conn::Postgres(c) = conn {
        c.batch_execute("LOCK TABLE stays IN EXCLUSIVE MODE")?;
    }
    diesel::delete(stays::table).execute(conn)?;
    retell(conn, ApplicationId(0))
}

/// Makes the stays of applications that have none: of a database that was made before stays were kept, also when a migration was
/// killed over it and work went on.
pub fn retell_if_never(conn: &mut Conn) -> QueryResult<usize> {
    retell(conn, ApplicationId(0))
}
