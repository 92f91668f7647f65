//! The outbox. A message is queued in the transaction of the act it tells of, leased by one worker at a time, and moves on as
//! `domain::delivery` says; each step is kept.

use chrono::NaiveDateTime;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Text, Timestamp};

use super::Conn;
use super::agencies::Agency;
use super::schema::{agencies, applications, message_steps, messages, staff};
use crate::domain::delivery::{Cause, Gateway, LEASE, Lane, MessageState, Next, by_day, may_resend};
use crate::domain::ids::{AccountId, AgencyId, ApplicationId, InvitationId, MessageId, OtpId, StaffId};
use crate::domain::outbox::{Draft, MessageChannel, MessageKind};
use crate::on_backend;

/// The condition of the index `messages_waiting`, to the letter.
const WAITING: &str = "state IN ('queued', 'sending', 'unknown')";

/// What messages tell of, and whose act it was.
#[derive(Clone, Copy)]
pub struct Occasion<'a> {
    pub application: ApplicationId,
    /// None when time or the citizen brought it about.
    pub staff: Option<StaffId>,
    /// Names the act: queueing its messages twice is refused.
    pub key: &'a str,
    pub at: NaiveDateTime,
}

/// Queues all that is told of one act.
pub fn queue_all(conn: &mut Conn, occasion: Occasion<'_>, drafts: &[Draft]) -> QueryResult<()> {
    for (at, draft) in drafts.iter().enumerate() {
        let same = |other: &&Draft| other.kind == draft.kind && other.channel == draft.channel;
        let nth = match drafts[..at].iter().filter(same).count() {
            0 => String::new(),
            // The old telephone besides the new.
            earlier => format!("-{}", earlier + 1),
        };
        let key = format!("{}-{}-{}{nth}", occasion.key, draft.kind.code(), draft.channel.code());
        queue(conn, Occasion { key: &key, ..occasion }, draft)?;
    }
    Ok(())
}

/// Queues one message, of which `occasion.key` is the idempotency key: the same for every attempt.
pub fn queue(conn: &mut Conn, occasion: Occasion<'_>, draft: &Draft) -> QueryResult<MessageId> {
    let (agency, province) = applications::table
        .find(occasion.application)
        .select((applications::agency_id, applications::province_id))
        .first(conn)?;
    let place = Place { application: Some(occasion.application), agency, province, root: None, invitation: None };
    insert(conn, &place, occasion.act(), draft)
}

impl<'a> Occasion<'a> {
    fn act(self) -> Act<'a> {
        Act { staff: self.staff, key: self.key, at: self.at }
    }
}

/// An occasion, whatever it is about.
#[derive(Clone, Copy)]
pub struct Act<'a> {
    pub staff: Option<StaffId>,
    pub key: &'a str,
    pub at: NaiveDateTime,
}

/// Where a message belongs.
pub struct Place {
    pub application: Option<ApplicationId>,
    pub agency: AgencyId,
    pub province: Option<AgencyId>,
    /// The first of those that this one is sent again as.
    pub root: Option<MessageId>,
    pub invitation: Option<InvitationId>,
}

/// As [`queue`], of something else than an application alone.
pub fn insert(conn: &mut Conn, place: &Place, occasion: Act<'_>, draft: &Draft) -> QueryResult<MessageId> {
    let lane = Lane::of(draft.kind);
    let id: MessageId = on_backend!(conn, c => diesel::insert_into(messages::table)
        .values((
            messages::idempotency_key.eq(occasion.key),
            messages::application_id.eq(place.application),
            messages::account_id.eq(draft.account),
            messages::otp_id.eq(draft.otp),
            messages::agency_id.eq(place.agency),
            messages::province_id.eq(place.province),
            messages::staff_id.eq(occasion.staff),
            messages::kind.eq(draft.kind),
            messages::channel.eq(draft.channel),
            messages::recipient.eq(&draft.recipient),
            messages::subject.eq(draft.subject.as_ref()),
            messages::body.eq(&draft.body),
            messages::html.eq(draft.html.as_ref()),
            messages::state.eq(MessageState::Queued),
            messages::attempts.eq(0),
            messages::lane.eq(lane as i32),
            messages::next_attempt_at.eq(if lane == Lane::Bulk { by_day(occasion.at) } else { occasion.at }),
            messages::created_at.eq(occasion.at),
            messages::root_id.eq(place.root),
            messages::invitation_id.eq(place.invitation),
        ))
        .returning(messages::id)
        .get_result(c))?;
    let queued =
        Step { message: id, at: occasion.at, state: MessageState::Queued, attempt: 0, gateway: None, cause: None };
    add_steps(conn, &[queued])?;
    Ok(id)
}

/// Messages that must not leave any more are taken out of the queue, with a step in their story; the value is how many.
macro_rules! drop_messages {
    ($conn:expr, $which:expr, $now:expr) => {{
        use crate::domain::delivery::MessageState;
        let dropped: Vec<(crate::domain::ids::MessageId, i32)> = crate::on_backend!($conn, c => diesel::update(messages::table.filter($which))
            .set((messages::state.eq(MessageState::Dropped), messages::lease.eq(None::<String>)))
            .returning((messages::id, messages::attempts))
            .load(c))?;
        let step = |(message, attempt)| crate::db::messages::Step {
            message,
            at: $now,
            state: MessageState::Dropped,
            attempt,
            gateway: None,
            cause: None,
        };
        let count = dropped.len();
        crate::db::messages::add_steps($conn, &dropped.into_iter().map(step).collect::<Vec<_>>())?;
        count
    }};
}
pub(super) use drop_messages;

/// Something that happened to a message.
#[derive(Clone, Copy, Debug, Queryable)]
pub struct Step {
    pub message: MessageId,
    pub at: NaiveDateTime,
    pub state: MessageState,
    pub attempt: i32,
    pub gateway: Option<Gateway>,
    pub cause: Option<Cause>,
}

pub fn add_steps(conn: &mut Conn, steps: &[Step]) -> QueryResult<()> {
    if steps.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = steps
        .iter()
        .map(|step| {
            (
                message_steps::message_id.eq(step.message),
                message_steps::at.eq(step.at),
                message_steps::state.eq(step.state),
                message_steps::attempt.eq(step.attempt),
                message_steps::gateway.eq(step.gateway),
                message_steps::cause.eq(step.cause),
            )
        })
        .collect();
    on_backend!(conn, c => diesel::insert_into(message_steps::table).values(&rows).execute(c))?;
    Ok(())
}

/// A message that a worker has to itself.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = messages)]
pub struct Leased {
    pub id: MessageId,
    pub idempotency_key: String,
    pub application_id: Option<ApplicationId>,
    pub account_id: Option<AccountId>,
    pub otp_id: Option<OtpId>,
    pub staff_id: Option<StaffId>,
    pub invitation_id: Option<InvitationId>,
    pub kind: MessageKind,
    pub channel: MessageChannel,
    pub recipient: String,
    pub subject: Option<String>,
    pub body: String,
    pub html: Option<String>,
    /// Attempts begun, this one included.
    pub attempts: i32,
    pub created_at: NaiveDateTime,
}

/// Whether anything of the channel is due in any lane.
pub fn any_due(conn: &mut Conn, channel: MessageChannel, now: NaiveDateTime) -> QueryResult<bool> {
    for lane in Lane::ALL.into_iter().filter(|lane| lane.is_open(now)) {
        // In the order of the index: whether there is any at all may be answered by reading a whole table.
        let first = messages::table
            .filter(sql::<Bool>(WAITING))
            .filter(messages::channel.eq(channel))
            .filter(messages::lane.eq(lane as i32))
            .order(messages::next_attempt_at)
            .select(messages::next_attempt_at);
        if first.first::<NaiveDateTime>(conn).optional()?.is_some_and(|at| at <= now) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How many messages a worker takes at most, if there were only those of one lane, for each lane.
pub type Room = [usize; Lane::ALL.len()];

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = BigInt)]
    id: MessageId,
}

/// Leases messages of the channel that are due, or whose worker has died, under the name `lease`: the urgent ones first, the
/// longest due first among equals. Several workers do not wait for each other.
pub fn lease(
    conn: &mut Conn,
    lease: &str,
    channel: MessageChannel,
    room: Room,
    now: NaiveDateTime,
) -> QueryResult<Vec<Leased>> {
    let skip = match conn {
        // One writes at a time.
        Conn::Sqlite(_) => "",
        Conn::Postgres(_) => "FOR UPDATE SKIP LOCKED",
    };
    let mut ids: Vec<MessageId> = Vec::new();
    for (lane, room) in Lane::ALL.into_iter().zip(room) {
        let left = room.saturating_sub(ids.len());
        if left == 0 || !lane.is_open(now) {
            continue;
        }
        let taken: Vec<Taken> = on_backend!(conn, c => diesel::sql_query(format!(
            "UPDATE messages SET state = 'sending', lease = $1, attempts = attempts + 1, next_attempt_at = $2 WHERE id IN (\
             SELECT id FROM messages WHERE {WAITING} AND channel = $3 AND lane = $4 AND next_attempt_at <= $5 \
             ORDER BY next_attempt_at, id LIMIT $6 {skip}) RETURNING id"
        ))
            .bind::<Text, _>(lease)
            .bind::<Timestamp, _>(now + LEASE)
            .bind::<Text, _>(channel)
            .bind::<Integer, _>(lane as i32)
            .bind::<Timestamp, _>(now)
            .bind::<BigInt, _>(i64::try_from(left).unwrap_or(i64::MAX))
            .load(c))?;
        ids.extend(taken.into_iter().map(|taken| taken.id));
    }
    let leased = messages::table.filter(messages::id.eq_any(&ids)).order((messages::lane, messages::id));
    on_backend!(conn, c => leased.select(Leased::as_select()).load(c))
}

/// Whether this worker still has the message to itself.
pub fn holds(conn: &mut Conn, message: &Leased, lease: &str) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(held!(message, lease))).get_result(conn)
}

/// A message while this worker has it for this very attempt.
macro_rules! held {
    ($message:expr, $lease:expr) => {
        messages::table
            .find($message.id)
            .filter(messages::lease.eq($lease))
            .filter(messages::attempts.eq($message.attempts))
            .filter(messages::state.eq(MessageState::Sending))
    };
}
use held;

/// Sends a message elsewhere than it was meant to go when it was queued.
pub fn readdress(conn: &mut Conn, id: MessageId, to: &str) -> QueryResult<()> {
    diesel::update(messages::table.find(id)).set(messages::recipient.eq(to)).execute(conn)?;
    Ok(())
}

/// Puts a leased message into its next state. False when the lease was lost to another worker, or a receipt was quicker.
pub fn settle(
    conn: &mut Conn,
    message: &Leased,
    lease: &str,
    next: &Next,
    said: Option<&str>,
    now: NaiveDateTime,
) -> QueryResult<bool> {
    let changed = diesel::update(held!(message, lease))
        .set((
            messages::state.eq(next.state),
            messages::lease.eq(None::<String>),
            messages::next_attempt_at.eq(next.at),
            messages::sent_at.eq((next.state == MessageState::Accepted).then_some(now)),
            messages::gateway.eq(next.gateway),
            messages::receipt_due_at.eq(next.receipt_due),
            messages::cause.eq(next.cause),
            messages::last_error.eq(said),
        ))
        .execute(conn)?;
    if changed != 1 {
        return Ok(false);
    }
    let step = Step {
        message: message.id,
        at: now,
        state: next.state,
        attempt: message.attempts,
        gateway: next.gateway,
        cause: next.cause,
    };
    add_steps(conn, &[step])?;
    Ok(true)
}

/// An application moved to another office, and what was told of it with it; reports count it where it was made.
pub fn follow(conn: &mut Conn, application: ApplicationId, agency: &Agency) -> QueryResult<()> {
    let first = messages::application_id.eq(application).and(messages::made_in.is_null());
    diesel::update(messages::table.filter(first))
        .set(messages::made_in.eq(messages::agency_id.nullable()))
        .execute(conn)?;
    diesel::update(messages::table.filter(messages::application_id.eq(application)))
        .set((messages::agency_id.eq(agency.id), messages::province_id.eq(agency.province_id)))
        .execute(conn)?;
    Ok(())
}

/// A message as a page shows it: not its text, which may be shown only to its recipient.
#[derive(Queryable)]
pub struct Shown {
    pub id: MessageId,
    pub application_id: Option<ApplicationId>,
    pub account_id: Option<AccountId>,
    pub application_number: Option<String>,
    pub agency_name: String,
    /// Whose act it tells of.
    pub staff_name: Option<String>,
    pub settled: bool,
    pub kind: MessageKind,
    pub channel: MessageChannel,
    pub recipient: String,
    pub state: MessageState,
    pub attempts: i32,
    pub created_at: NaiveDateTime,
    pub sent_at: Option<NaiveDateTime>,
    pub delivered_at: Option<NaiveDateTime>,
    pub next_attempt_at: NaiveDateTime,
    pub cause: Option<Cause>,
}

impl Shown {
    /// Whether to offer that it is sent again; how often that was done already is asked when it is.
    pub fn is_offered_again(&self) -> bool {
        let possible = may_resend(self.kind, self.state, &[], self.created_at).is_ok();
        possible && !self.settled && !self.recipient.is_empty()
    }

    /// When it is tried next, of one that waits for a time that was not its first.
    pub fn next_try(&self) -> Option<&NaiveDateTime> {
        let waits = self.state.is_waiting() && self.state != MessageState::Sending;
        Some(&self.next_attempt_at).filter(|at| waits && **at > self.created_at)
    }

    /// It did not arrive, for good, and a person can do something about it.
    pub fn is_trouble(&self) -> bool {
        self.state.is_trouble() && self.is_offered_again()
    }
}

/// The messages with what [`Shown`] has of other tables.
#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn with_names() -> _ {
    messages::table
        .inner_join(agencies::table)
        .left_join(applications::table)
        .left_join(staff::table.on(messages::staff_id.eq(staff::id.nullable())))
}

/// The columns of [`Shown`].
macro_rules! shown {
    () => {
        (
            messages::id,
            messages::application_id,
            messages::account_id,
            applications::number.nullable(),
            agencies::name,
            staff::name.nullable(),
            messages::settled,
            messages::kind,
            messages::channel,
            messages::recipient,
            messages::state,
            messages::attempts,
            messages::created_at,
            messages::sent_at,
            messages::delivered_at,
            messages::next_attempt_at,
            messages::cause,
        )
    };
}
pub(super) use shown;

pub fn of_application(conn: &mut Conn, id: ApplicationId) -> QueryResult<Vec<Shown>> {
    with_names().filter(messages::application_id.eq(id)).order(messages::id).select(shown!()).load(conn)
}

/// The latest messages about an account, newest first.
pub fn of_account(conn: &mut Conn, id: AccountId, limit: i64) -> QueryResult<Vec<Shown>> {
    with_names().filter(messages::account_id.eq(id)).order(messages::id.desc()).limit(limit).select(shown!()).load(conn)
}

/// How many messages still wait to be sent.
pub fn waiting(conn: &mut Conn) -> QueryResult<i64> {
    messages::table.filter(sql::<Bool>(WAITING)).count().get_result(conn)
}
