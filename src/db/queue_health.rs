//! The figures of `domain::queue_health`. None of them looks at more than what waits, an hour of what was taken or a day of what
//! failed, each through an index of its own.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl::{max, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamp};

use super::schema::{message_steps, messages};
use super::{Conn, Counted};
use crate::domain::delivery::{Cause, Gateway, Lane};
use crate::domain::filter::COUNT_CAP;
use crate::domain::ids::MessageId;
use crate::domain::outbox::MessageChannel;
use crate::domain::queue_health::{Failures, Health, Taken, Waiting, percentile};
use crate::on_backend;

const DAY: TimeDelta = TimeDelta::hours(24);
const HOUR: TimeDelta = TimeDelta::hours(1);

/// How long messages wait is told from so many that were taken last.
const SAMPLE: i64 = 1_000;

pub fn health(conn: &mut Conn, now: NaiveDateTime) -> QueryResult<Health> {
    let waiting = Lane::ALL.into_iter().map(|lane| waiting(conn, lane, now)).collect::<QueryResult<_>>()?;
    let taken: Vec<Taken> =
        Gateway::ALL.iter().map(|gateway| taken(conn, *gateway, now)).collect::<QueryResult<_>>()?;
    let mut since_taken = Vec::new();
    for (channel, gateways) in
        [(MessageChannel::Sms, &[Gateway::Sms, Gateway::SmsBackup][..]), (MessageChannel::Email, &[Gateway::Mail])]
    {
        let of_channel = taken.iter().filter(|taken| gateways.contains(&taken.gateway));
        let since = of_channel.filter_map(|taken| taken.last).max().unwrap_or(now - DAY);
        since_taken.extend(failures(conn, since)?.into_iter().filter(|failures| failures.channel == channel));
    }
    Ok(Health {
        waiting,
        taken,
        failures: failures(conn, now - DAY)?,
        since_taken,
        without_receipt: without_receipt(conn)?,
        waits: waits(conn, now)?,
    })
}

fn waiting(conn: &mut Conn, lane: Lane, now: NaiveDateTime) -> QueryResult<Waiting> {
    // The condition of the index `messages_waiting`, to the letter.
    let waits = || {
        messages::table
            .filter(sql::<Bool>("state IN ('queued', 'sending', 'unknown')"))
            .filter(messages::lane.eq(lane as i32))
    };
    let count = Counted(waits().select(messages::id).limit(i64::from(COUNT_CAP) + 1)).get_result(conn)?;
    let due_since = waits()
        .filter(messages::next_attempt_at.le(now))
        .order((messages::next_attempt_at, messages::id))
        .select(messages::next_attempt_at)
        .first(conn)
        .optional()?;
    Ok(Waiting { lane, count, due_since })
}

/// The steps by which a gateway took a message since then: the condition of its index, to the letter.
macro_rules! accepted {
    ($gateway:expr, $since:expr) => {
        message_steps::table
            .filter(sql::<Bool>("state = 'accepted'"))
            .filter(message_steps::gateway.eq($gateway).assume_not_null())
            .filter(message_steps::at.gt($since))
    };
}

fn taken(conn: &mut Conn, gateway: Gateway, now: NaiveDateTime) -> QueryResult<Taken> {
    let mut within = |window: TimeDelta| accepted!(gateway, now - window).count().get_result(conn);
    let (in_5, in_60) = (within(TimeDelta::minutes(5))?, within(HOUR)?);
    let last = accepted!(gateway, now - DAY).select(max(message_steps::at)).first(conn)?;
    Ok(Taken { gateway, in_5, in_60, last })
}

#[derive(QueryableByName)]
struct Failed {
    #[diesel(sql_type = Text)]
    channel: MessageChannel,
    #[diesel(sql_type = Nullable<Text>)]
    gateway: Option<Gateway>,
    #[diesel(sql_type = Text)]
    cause: Cause,
    #[diesel(sql_type = BigInt)]
    attempts: i64,
    #[diesel(sql_type = BigInt)]
    for_good: i64,
    #[diesel(sql_type = Timestamp)]
    first: NaiveDateTime,
    #[diesel(sql_type = Timestamp)]
    last: NaiveDateTime,
}

/// Failed attempts since then, the most frequent first.
fn failures(conn: &mut Conn, since: NaiveDateTime) -> QueryResult<Vec<Failures>> {
    let all: Vec<Failed> = on_backend!(conn, c => diesel::sql_query(
        "SELECT m.channel, s.gateway, s.cause, COUNT(*) AS attempts, \
         SUM(CASE WHEN s.state IN ('failed', 'undelivered') THEN 1 ELSE 0 END) AS for_good, MIN(s.at) AS first, MAX(s.at) AS last \
         FROM message_steps s JOIN messages m ON m.id = s.message_id WHERE s.cause IS NOT NULL AND s.at > $1 \
         GROUP BY m.channel, s.gateway, s.cause ORDER BY attempts DESC, s.cause"
    )
        .bind::<Timestamp, _>(since)
        .load(c))?;
    let failures = |Failed { channel, gateway, cause, attempts, for_good, first, last }| Failures {
        channel,
        gateway,
        cause,
        attempts,
        for_good,
        first,
        last,
    };
    Ok(all.into_iter().map(failures).collect())
}

/// Taken by a gateway whose receipt is awaited (up to [`COUNT_CAP`] + 1).
fn without_receipt(conn: &mut Conn) -> QueryResult<i64> {
    let awaited = messages::table
        .filter(sql::<Bool>("state = 'accepted' AND receipt_due_at IS NOT NULL"))
        .select(messages::id)
        .limit(i64::from(COUNT_CAP) + 1);
    Counted(awaited).get_result(conn)
}

/// From being queued to being taken: half of them were no slower, and nine of ten. What waits for the day does not count.
fn waits(conn: &mut Conn, now: NaiveDateTime) -> QueryResult<Option<(TimeDelta, TimeDelta)>> {
    let mut latest: Vec<(NaiveDateTime, MessageId)> = Vec::new();
    for gateway in Gateway::ALL {
        latest.extend(
            accepted!(*gateway, now - HOUR)
                .order((message_steps::at.desc(), message_steps::message_id.desc()))
                .limit(SAMPLE)
                .select((message_steps::at, message_steps::message_id))
                .load::<(NaiveDateTime, MessageId)>(conn)?,
        );
    }
    let ids: Vec<MessageId> = latest.iter().map(|(_, id)| *id).collect();
    let queued: std::collections::HashMap<MessageId, NaiveDateTime> = on_backend!(conn, c => messages::table
        .filter(messages::id.eq_any(&ids))
        .filter(messages::lane.ne(Lane::Bulk as i32))
        .select((messages::id, messages::created_at))
        .load(c))?
    .into_iter()
    .collect();
    let mut waits: Vec<TimeDelta> = latest.iter().filter_map(|(at, id)| Some(*at - *queued.get(id)?)).collect();
    waits.sort_unstable();
    Ok(percentile(&waits, 50).zip(percentile(&waits, 90)))
}
