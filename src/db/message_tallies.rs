//! Sums of what messages' steps add (`domain::report::messages`), by day and month, of each office and channel. Kept and read as
//! [`super::tallies`] are: a job tallies what is new, a report adds what is not tallied yet, both in one snapshot.

use std::collections::{BTreeMap, HashMap};

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Date, Nullable, Text};

use super::schema::{agencies, message_steps, message_tallies, messages, meta};
use super::tallies::within;
use super::{Conn, Db, DbError, one_row};
use crate::domain::dates::to_hanoi;
use crate::domain::delivery::MessageState;
use crate::domain::ids::{AgencyId, MessageId};
use crate::domain::outbox::MessageChannel;
use crate::domain::permission::Scope;
use crate::domain::report::messages::{Flow, Moves, on_step};
use crate::domain::report::{Grain, Level, Period, Stretch, first_of};
use crate::on_backend;

/// What a step adds, and where.
struct Added {
    step: i64,
    day: NaiveDate,
    agency: AgencyId,
    province: Option<AgencyId>,
    channel: MessageChannel,
    flow: Flow,
}

type Step = (i64, MessageId, NaiveDateTime, MessageState);

/// What no tally has yet of up to `limit` steps. Of a message whose steps were tallied in part, the earlier ones are read too:
/// what a step adds depends on them.
fn untallied(conn: &mut Conn, limit: i64) -> QueryResult<Vec<Added>> {
    let columns = (message_steps::id, message_steps::message_id, message_steps::at, message_steps::state);
    let new: Vec<Step> = message_steps::table
        .filter(diesel::dsl::sql::<Bool>("tallied = FALSE"))
        .order(message_steps::id)
        .limit(limit)
        .select(columns)
        .load(conn)?;
    let mut ids: Vec<MessageId> = new.iter().map(|(_, message, ..)| *message).collect();
    ids.sort_unstable_by_key(|id| id.0);
    ids.dedup();
    let mut homes: HashMap<MessageId, (AgencyId, Option<AgencyId>, MessageChannel)> = HashMap::new();
    let mut stories: HashMap<MessageId, Vec<(i64, MessageState)>> = HashMap::new();
    let made_in = diesel::dsl::sql::<BigInt>("COALESCE(messages.made_in, messages.agency_id)");
    for chunk in ids.chunks(10_000) {
        let known: Vec<(MessageId, AgencyId, Option<AgencyId>, MessageChannel)> = messages::table
            .inner_join(agencies::table.on(made_in.clone().eq(agencies::id)))
            .filter(messages::id.eq_any(chunk))
            .select((messages::id, agencies::id, agencies::province_id, messages::channel))
            .load(conn)?;
        homes.extend(known.into_iter().map(|(id, agency, province, channel)| (id, (agency, province, channel))));
        let told: Vec<Step> = message_steps::table
            .filter(message_steps::message_id.eq_any(chunk))
            .order((message_steps::message_id, message_steps::id))
            .select(columns)
            .load(conn)?;
        for (id, message, _, state) in told {
            stories.entry(message).or_default().push((id, state));
        }
    }
    let added = |(step, message, at, state): Step| {
        let (agency, province, channel) = *homes.get(&message)?;
        let story = stories.get(&message).map_or(&[][..], Vec::as_slice);
        let before: Vec<_> = story.iter().take_while(|(id, _)| *id < step).map(|(_, state)| *state).collect();
        Some(Added { step, day: to_hanoi(at).date(), agency, province, channel, flow: on_step(&before, state) })
    };
    Ok(new.into_iter().filter_map(added).collect())
}

/// How many steps one transaction tallies.
const BATCH: i64 = 2_000;

/// Tallies all that is new; returns how many steps. Blocks.
pub fn tally_all(db: &Db) -> Result<usize, DbError> {
    let mut all = 0;
    loop {
        let done = db.write(|conn| Ok::<_, DbError>(tally(conn, BATCH)?))?;
        all += done;
        if done == 0 {
            return Ok(all);
        }
    }
}

/// Adds up to `limit` steps to the tallies and marks them, in one transaction; returns how many. One process does so at a time.
pub fn tally(conn: &mut Conn, limit: i64) -> QueryResult<usize> {
    lock(conn)?;
    let new = untallied(conn, limit)?;
    let mut sums: BTreeMap<Key, Flow> = BTreeMap::new();
    for it in &new {
        for (level, start) in [(Level::Day, it.day), (Level::Month, first_of(Grain::Month, it.day))] {
            let key = (level.code(), start, it.agency, it.channel.code(), it.province);
            *sums.entry(key).or_default() += it.flow;
        }
    }
    add(conn, &sums)?;
    let steps: Vec<i64> = new.iter().map(|it| it.step).collect();
    let marked = message_steps::table.filter(message_steps::id.eq_any(steps));
    diesel::update(marked).set(message_steps::tallied.eq(true)).execute(conn)
}

type Key = (&'static str, NaiveDate, AgencyId, &'static str, Option<AgencyId>);

fn add(conn: &mut Conn, sums: &BTreeMap<Key, Flow>) -> QueryResult<()> {
    use diesel::upsert::excluded;
    use message_tallies as t;
    let rows: Vec<_> = sums
        .iter()
        .map(|((level, start, agency, channel, province), flow)| {
            (
                t::level.eq(*level),
                t::start.eq(start),
                t::agency_id.eq(agency),
                t::channel.eq(*channel),
                t::province_id.eq(province),
                t::made.eq(flow.made),
                t::sent.eq(flow.sent),
                t::failed.eq(flow.failed),
                t::dropped.eq(flow.dropped),
                t::delivered.eq(flow.delivered),
                t::undelivered.eq(flow.undelivered),
                t::no_receipt.eq(flow.no_receipt),
                t::pending.eq(flow.pending),
            )
        })
        .collect();
    // 13 columns a row.
    for batch in rows.chunks(2_000) {
        on_backend!(conn, c => diesel::insert_into(t::table)
            .values(batch)
            .on_conflict((t::level, t::start, t::agency_id, t::channel))
            .do_update()
            .set((
                t::made.eq(t::made + excluded(t::made)),
                t::sent.eq(t::sent + excluded(t::sent)),
                t::failed.eq(t::failed + excluded(t::failed)),
                t::dropped.eq(t::dropped + excluded(t::dropped)),
                t::delivered.eq(t::delivered + excluded(t::delivered)),
                t::undelivered.eq(t::undelivered + excluded(t::undelivered)),
                t::no_receipt.eq(t::no_receipt + excluded(t::no_receipt)),
                t::pending.eq(t::pending + excluded(t::pending)),
            ))
            .execute(c))?;
    }
    Ok(())
}

/// Lets one transaction at a time change the sums.
fn lock(conn: &mut Conn) -> QueryResult<()> {
    one_row(diesel::update(meta::table.find("message_tallies")).set(meta::value.eq("")).execute(conn)?)
}

/// Throws all tallies away; [`tally`] makes them again.
pub fn forget(conn: &mut Conn) -> QueryResult<()> {
    lock(conn)?;
    diesel::delete(message_tallies::table).execute(conn)?;
    diesel::update(message_steps::table).set(message_steps::tallied.eq(false)).execute(conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Summed {
    #[diesel(sql_type = BigInt)]
    agency: AgencyId,
    #[diesel(sql_type = Text)]
    channel: MessageChannel,
    #[diesel(sql_type = BigInt)]
    made: i64,
    #[diesel(sql_type = BigInt)]
    sent: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
    #[diesel(sql_type = BigInt)]
    dropped: i64,
    #[diesel(sql_type = BigInt)]
    delivered: i64,
    #[diesel(sql_type = BigInt)]
    undelivered: i64,
    #[diesel(sql_type = BigInt)]
    no_receipt: i64,
    #[diesel(sql_type = BigInt)]
    pending: i64,
}

fn sum(conn: &mut Conn, scope: Scope, stretch: &Stretch) -> QueryResult<Vec<Summed>> {
    let (within, id) = within(scope);
    let sums = ["made", "sent", "failed", "dropped", "delivered", "undelivered", "no_receipt", "pending"]
        .map(|column| format!("CAST(sum({column}) AS BIGINT) AS {column}"));
    let text = format!(
        "SELECT agency_id AS agency, channel, {} FROM message_tallies \
         WHERE {within} AND level = $2 AND start >= $3 AND start < $4 GROUP BY agency_id, channel",
        sums.join(", ")
    );
    on_backend!(conn, c => sql_query(&text)
        .bind::<Nullable<BigInt>, _>(id.map(|id| id.0))
        .bind::<Text, _>(stretch.level.code())
        .bind::<Date, _>(stretch.from)
        .bind::<Date, _>(stretch.before)
        .load(c))
}

impl Summed {
    fn flow(&self) -> Flow {
        let Self { made, sent, failed, dropped, delivered, undelivered, no_receipt, pending, .. } = *self;
        Flow { made, sent, failed, dropped, delivered, undelivered, no_receipt, pending }
    }
}

/// What each office and channel of a scope did in a period, and what was on its way before it.
pub fn by_agency(
    conn: &mut Conn,
    scope: Scope,
    period: Period,
) -> QueryResult<HashMap<(AgencyId, MessageChannel), Moves>> {
    let mut moves: HashMap<_, Moves> = HashMap::new();
    for stretch in period.stretches_before() {
        for row in sum(conn, scope, &stretch)? {
            moves.entry((row.agency, row.channel)).or_default().open(&row.flow());
        }
    }
    for stretch in period.stretches() {
        for row in sum(conn, scope, &stretch)? {
            moves.entry((row.agency, row.channel)).or_default().flow += row.flow();
        }
    }
    let rest = untallied(conn, i64::MAX)?;
    for it in rest.iter().filter(|it| scope.covers(it.agency, it.province)) {
        let moves = moves.entry((it.agency, it.channel)).or_default();
        if it.day < period.first() {
            moves.open(&it.flow);
        } else if period.contains(it.day) {
            moves.flow += it.flow;
        }
    }
    moves.retain(|_, moves| !moves.is_empty());
    Ok(moves)
}
