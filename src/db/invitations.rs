//! Invitations to install VssID: who is invited by what filter, and the walk over the accounts that queues a message for each.

use chrono::{NaiveDateTime, NaiveTime};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::events::{NewEvent, Stamp};
use super::messages::{self as outbox, Act, Place};
use super::schema::{accounts, agencies, invitations, messages, staff};
use super::{Conn, events, one_row};
use crate::domain::dates::from_hanoi;
use crate::domain::delivery::MessageState;
use crate::domain::event::EventKind;
use crate::domain::ids::{AccountId, AgencyId, InvitationId, StaffId};
use crate::domain::invitation::{Invited, invited_long_ago};
use crate::domain::outbox::invitation;
use crate::domain::permission::Scope;
use crate::domain::to_json;
use crate::on_backend;

/// The condition of the index `accounts_without_sign_in`, to the letter: nobody has ever used the account. Minors are not
/// invited, their guardians sign in with their own.
const UNUSED: &str =
    "state = 'active' AND last_sign_in_at IS NULL AND must_change_password = TRUE AND guardian_name IS NULL";

/// The accounts that a filter means.
macro_rules! meant {
    ($query:expr, $invited:expr, $now:expr) => {{
        let invited: &Invited = $invited;
        let mut q = $query.filter(sql::<Bool>(UNUSED)).into_boxed();
        q = match invited.scope {
            Scope::Agency(agency) => q.filter(accounts::agency_id.eq(agency)),
            Scope::Province(province) => q.filter(accounts::province_id.eq(province)),
            Scope::Country => q,
            Scope::Nothing => q.filter(sql::<Bool>("1 = 0")),
        };
        if let Some(agency) = invited.agency {
            q = q.filter(accounts::agency_id.eq(agency));
        }
        if let Some(from) = invited.from {
            q = q.filter(accounts::created_at.ge(from_hanoi(from, NaiveTime::MIN)));
        }
        if let Some(day_after) = invited.to.and_then(|to| to.succ_opt()) {
            q = q.filter(accounts::created_at.lt(from_hanoi(day_after, NaiveTime::MIN)));
        }
        q.filter(accounts::invited_at.is_null().or(accounts::invited_at.assume_not_null().le(invited_long_ago($now))))
    }};
}

/// How many would be invited now.
pub fn count(conn: &mut Conn, invited: &Invited, now: NaiveDateTime) -> QueryResult<i64> {
    meant!(accounts::table, invited, now).count().get_result(conn)
}

/// Invitations that were confirmed.
pub struct Confirmed<'a> {
    pub invited: &'a Invited,
    /// Holds the placeholder of the account.
    pub body: &'a str,
    pub found: i64,
    /// The office of whoever invites.
    pub office: (AgencyId, Option<AgencyId>),
}

/// Begins to invite. None, and nothing is written, while earlier ones of the same person are still being queued.
pub fn confirm(conn: &mut Conn, new: &Confirmed<'_>, stamp: Stamp<'_>) -> QueryResult<Option<InvitationId>> {
    let id: Option<InvitationId> = on_backend!(conn, c => diesel::insert_into(invitations::table)
        .values((
            invitations::staff_id.eq(stamp.staff),
            invitations::agency_id.eq(new.office.0),
            invitations::province_id.eq(new.office.1),
            invitations::filter.eq(to_json(new.invited)),
            invitations::body.eq(new.body),
            invitations::found.eq(new.found),
            invitations::created_at.eq(stamp.at),
        ))
        .on_conflict_do_nothing()
        .returning(invitations::id)
        .get_result(c)
        .optional())?;
    if let Some(id) = id {
        note(conn, EventKind::InvitationsConfirmed, id, Some(new), stamp)?;
    }
    Ok(id)
}

/// Invites nobody any more; what waits to be sent does not leave. False when somebody else had stopped it.
pub fn stop(conn: &mut Conn, id: InvitationId, stamp: Stamp<'_>) -> QueryResult<bool> {
    let running = invitations::table.filter(invitations::id.eq(id)).filter(invitations::stopped_by.is_null());
    if diesel::update(running).set(invitations::stopped_by.eq(stamp.staff)).execute(conn)? == 0 {
        return Ok(false);
    }
    let walk = invitations::table.filter(invitations::id.eq(id)).filter(invitations::ended_at.is_null());
    diesel::update(walk).set(invitations::ended_at.eq(stamp.at)).execute(conn)?;
    note(conn, EventKind::InvitationsStopped, id, None, stamp)?;
    Ok(true)
}

fn note(
    conn: &mut Conn,
    kind: EventKind,
    id: InvitationId,
    new: Option<&Confirmed<'_>>,
    stamp: Stamp<'_>,
) -> QueryResult<()> {
    #[derive(serde::Serialize)]
    struct About<'a> {
        invitation: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        filter: Option<&'a Invited>,
        #[serde(skip_serializing_if = "Option::is_none")]
        found: Option<i64>,
    }
    let about = About { invitation: id.0, filter: new.map(|new| new.invited), found: new.map(|new| new.found) };
    events::add(
        conn,
        &NewEvent {
            application: None,
            account: None,
            staff: Some(stamp.staff),
            kind,
            at: stamp.at,
            address: stamp.address,
            before: None,
            after: Some(to_json(&about)),
        },
    )
}

/// Whether an invitation may still leave.
pub fn is_wanted(conn: &mut Conn, id: InvitationId, account: AccountId) -> QueryResult<bool> {
    let stopped: bool = invitations::table.find(id).select(invitations::stopped_by.is_not_null()).first(conn)?;
    let unused = accounts::table.filter(accounts::id.eq(account)).filter(sql::<Bool>(UNUSED));
    Ok(!stopped && diesel::select(diesel::dsl::exists(unused)).get_result(conn)?)
}

/// The invitations whose walk has not ended, and where it is.
pub fn open(conn: &mut Conn) -> QueryResult<Vec<(InvitationId, AccountId)>> {
    invitations::table
        .filter(invitations::ended_at.is_null())
        .order(invitations::id)
        .select((invitations::id, invitations::after_account))
        .load(conn)
}

/// Queues the messages of the next `limit` accounts behind `after`, all or none, and returns how many there were: none is the
/// end. None when another worker has gone on from there, or a person stopped it.
pub fn go_on(
    conn: &mut Conn,
    (id, after): (InvitationId, AccountId),
    limit: i64,
    now: NaiveDateTime,
) -> QueryResult<Option<usize>> {
    let here = invitations::table
        .filter(invitations::id.eq(id))
        .filter(invitations::after_account.eq(after))
        .filter(invitations::ended_at.is_null());
    // The walk is this transaction's until it ends.
    if diesel::update(here).set(invitations::after_account.eq(after)).execute(conn)? == 0 {
        return Ok(None);
    }
    let (filter, body, staff): (String, String, StaffId) = invitations::table
        .find(id)
        .select((invitations::filter, invitations::body, invitations::staff_id))
        .first(conn)?;
    let invited: Invited =
        serde_json::from_str(&filter).map_err(|error| diesel::result::Error::DeserializationError(error.into()))?;
    let next: Vec<AccountId> = meant!(accounts::table, &invited, now)
        .filter(accounts::id.gt(after))
        .order(accounts::id)
        .limit(limit)
        .select(accounts::id)
        .load(conn)?;
    let Some(last) = next.last().copied() else {
        diesel::update(here).set(invitations::ended_at.eq(now)).execute(conn)?;
        return Ok(Some(0));
    };
    // Invitations of several people may walk over the same accounts: whoever marks one invites it.
    let marked = accounts::table
        .filter(accounts::id.eq_any(&next))
        .filter(accounts::invited_at.is_null().or(accounts::invited_at.assume_not_null().le(invited_long_ago(now))));
    let mut mine: Vec<AccountId> = on_backend!(conn, c => diesel::update(marked)
        .set(accounts::invited_at.eq(now))
        .returning(accounts::id)
        .get_results(c))?;
    mine.sort_unstable();
    for account in &mine {
        let Some(account) = super::accounts::find(conn, Scope::Country, *account)? else { continue };
        let (agency, province) =
            accounts::table.find(account.id).select((accounts::agency_id, accounts::province_id)).first(conn)?;
        let key = format!("invitation-{id}-{}", account.id);
        let application = account.application_id;
        let place = Place { application: Some(application), agency, province, root: None, invitation: Some(id) };
        let occasion = Act { staff: Some(staff), key: &key, at: now };
        outbox::insert(conn, &place, occasion, &invitation(&account, &body))?;
    }
    let queued = i64::try_from(mine.len()).unwrap_or(i64::MAX);
    let set = (invitations::after_account.eq(last), invitations::queued.eq(invitations::queued + queued));
    one_row(diesel::update(here).set(set).execute(conn)?)?;
    Ok(Some(next.len()))
}

/// Invitations as a page shows them.
#[derive(Queryable)]
pub struct Shown {
    pub id: InvitationId,
    pub staff_name: String,
    pub agency_name: String,
    filter: String,
    pub found: i64,
    pub queued: i64,
    pub created_at: NaiveDateTime,
    pub ended_at: Option<NaiveDateTime>,
    pub stopped: bool,
}

impl Shown {
    /// Whom, as far as it can still be read.
    pub fn invited(&self) -> Option<Invited> {
        serde_json::from_str(&self.filter).ok()
    }
}

/// The latest twenty that somebody within the scope began, newest first, or one of them.
pub fn shown(conn: &mut Conn, scope: Scope, one: Option<InvitationId>) -> QueryResult<Vec<Shown>> {
    let mut q = invitations::table
        .inner_join(staff::table.on(staff::id.eq(invitations::staff_id)))
        .inner_join(agencies::table.on(agencies::id.eq(invitations::agency_id)))
        .order(invitations::id.desc())
        .limit(20)
        .select((
            invitations::id,
            staff::name,
            agencies::name,
            invitations::filter,
            invitations::found,
            invitations::queued,
            invitations::created_at,
            invitations::ended_at,
            invitations::stopped_by.is_not_null(),
        ))
        .into_boxed();
    q = match scope {
        Scope::Agency(agency) => q.filter(invitations::agency_id.eq(agency)),
        Scope::Province(province) => q.filter(invitations::province_id.eq(province)),
        Scope::Country => q,
        Scope::Nothing => q.filter(sql::<Bool>("1 = 0")),
    };
    if let Some(id) = one {
        q = q.filter(invitations::id.eq(id));
    }
    q.load(conn)
}

/// How many messages of each state some invitations have.
pub fn states(conn: &mut Conn, ids: &[InvitationId]) -> QueryResult<Vec<(InvitationId, MessageState, i64)>> {
    on_backend!(conn, c => messages::table
        .filter(messages::invitation_id.eq_any(ids))
        .filter(messages::invitation_id.is_not_null())
        .group_by((messages::invitation_id, messages::state))
        .select((messages::invitation_id.assume_not_null(), messages::state, diesel::dsl::count_star()))
        .load(c))
}
