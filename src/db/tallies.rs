//! Sums of the stays by day and month, so that a report over a year and the whole country adds up some thousand rows. A job
//! tallies what is new ([`tally`]); what it has not come to yet is added when a report is read, so that every figure is exact
//! at every moment. A reader must see both in one snapshot ([`super::Db::snapshot`]).

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Date, Nullable, Text};

use super::schema::{meta, stays, tallies};
use super::{Conn, Db, DbError, one_row};
use crate::domain::application::Channel;
use crate::domain::ids::{AgencyId, StaffId};
use crate::domain::permission::Scope;
use crate::domain::report::{Balance, Counts, Entered, Grain, Left, Level, Period, Stretch, first_of};
use crate::on_backend;

/// What the sums are apart by, besides the office and the time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Facet {
    All,
    Channel,
    Staff,
}

impl Facet {
    fn code(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Channel => "channel",
            Self::Staff => "staff",
        }
    }
}

/// What a stay adds on one day: at its entry, or at its end.
struct Flow {
    day: NaiveDate,
    agency: AgencyId,
    province: Option<AgencyId>,
    channel: Channel,
    staff: Option<StaffId>,
    counts: Counts,
}

impl Flow {
    /// The facets that it has a part in, with its value in each.
    fn values(&self) -> impl Iterator<Item = (Facet, String)> {
        let staff = self.staff.map(|staff| (Facet::Staff, staff.to_string()));
        [(Facet::All, String::new()), (Facet::Channel, self.channel.code().to_owned())].into_iter().chain(staff)
    }
}

fn on_entry(entered: Entered) -> Counts {
    match entered {
        Entered::Filed => Counts { filed: 1, ..Counts::default() },
        Entered::Reopened => Counts { reopened: 1, ..Counts::default() },
        Entered::Moved => Counts { moved_in: 1, ..Counts::default() },
    }
}

fn on_leaving(left: Left, late: bool) -> Counts {
    let late = i64::from(late);
    match left {
        Left::Approved => Counts { approved: 1, late, ..Counts::default() },
        Left::Rejected => Counts { rejected: 1, late, ..Counts::default() },
        Left::Expired => Counts { expired: 1, ..Counts::default() },
        Left::Moved => Counts { moved_out: 1, ..Counts::default() },
    }
}

fn times(counts: Counts, by: i64) -> Counts {
    let Counts { filed, reopened, moved_in, moved_out, approved, rejected, expired, late } = counts;
    let [filed, reopened, moved_in, moved_out] = [filed, reopened, moved_in, moved_out].map(|count| count * by);
    let [approved, rejected, expired, late] = [approved, rejected, expired, late].map(|count| count * by);
    Counts { filed, reopened, moved_in, moved_out, approved, rejected, expired, late }
}

/// The columns of a flow at one end of a stay.
type End = (i64, NaiveDate, AgencyId, Option<AgencyId>, Channel);

/// What no tally has yet, in the order in which it came: the stays' ids, and what they add.
fn untallied(conn: &mut Conn, limit: i64) -> QueryResult<[Vec<(i64, Flow)>; 2]> {
    let entries: Vec<(End, Entered)> = stays::table
        .filter(diesel::dsl::sql::<Bool>("entered_tallied = FALSE"))
        .order(stays::id)
        .limit(limit)
        .select((
            (stays::id, stays::entered_day, stays::agency_id, stays::province_id, stays::channel),
            stays::entered_as,
        ))
        .load(conn)?;
    let ends: Vec<(End, Option<StaffId>, Left, Option<bool>)> = stays::table
        .filter(diesel::dsl::sql::<Bool>("left_day IS NOT NULL AND left_tallied = FALSE"))
        .order(stays::id)
        .limit(limit)
        .select((
            (stays::id, stays::left_day.assume_not_null(), stays::agency_id, stays::province_id, stays::channel),
            stays::staff_id,
            stays::left_as.assume_not_null(),
            stays::late,
        ))
        .load(conn)?;
    let flow = |(id, day, agency, province, channel): End, staff, counts| {
        (id, Flow { day, agency, province, channel, staff, counts })
    };
    let entries = entries.into_iter().map(|(end, entered)| flow(end, None, on_entry(entered)));
    let ends =
        ends.into_iter().map(|(end, staff, left, late)| flow(end, staff, on_leaving(left, late.unwrap_or_default())));
    Ok([entries.collect(), ends.collect()])
}

/// How many stays one transaction tallies: few enough that no officer waits for it.
const BATCH: i64 = 2_000;

/// Tallies all that is new; returns how much. A batch is one transaction with the marks of what is tallied, so that a process that
/// dies tallies nothing twice. Blocks.
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

/// Lets one transaction at a time change the sums.
fn lock(conn: &mut Conn) -> QueryResult<()> {
    one_row(diesel::update(meta::table.find("tallies")).set(meta::value.eq("")).execute(conn)?)
}

/// Adds up to `limit` entries and as many ends to the tallies; returns how many. One process does so at a time.
pub fn tally(conn: &mut Conn, limit: i64) -> QueryResult<usize> {
    lock(conn)?;
    let [entries, ends] = untallied(conn, limit)?;
    let ids = |flows: &[(i64, Flow)]| flows.iter().map(|(id, _)| *id).collect::<Vec<_>>();
    for chunk in ids(&entries).chunks(10_000) {
        diesel::update(stays::table.filter(stays::id.eq_any(chunk)))
            .set(stays::entered_tallied.eq(true))
            .execute(conn)?;
    }
    for chunk in ids(&ends).chunks(10_000) {
        diesel::update(stays::table.filter(stays::id.eq_any(chunk))).set(stays::left_tallied.eq(true)).execute(conn)?;
    }
    let done = entries.len() + ends.len();
    add(conn, entries.iter().chain(&ends).map(|(_, flow)| flow), 1)?;
    Ok(done)
}

/// Takes back what is tallied of stays that are about to vanish with their application.
pub fn take_back(conn: &mut Conn, application: crate::domain::ids::ApplicationId) -> QueryResult<()> {
    lock(conn)?;
    let tallied: Vec<(End, Entered)> = stays::table
        .filter(stays::application_id.eq(application))
        .filter(stays::entered_tallied.eq(true))
        .select((
            (stays::id, stays::entered_day, stays::agency_id, stays::province_id, stays::channel),
            stays::entered_as,
        ))
        .load(conn)?;
    let flows: Vec<Flow> = tallied
        .into_iter()
        .map(|((_, day, agency, province, channel), entered)| Flow {
            day,
            agency,
            province,
            channel,
            staff: None,
            counts: on_entry(entered),
        })
        .collect();
    add(conn, flows.iter(), -1)
}

fn add<'a>(conn: &mut Conn, flows: impl Iterator<Item = &'a Flow>, sign: i64) -> QueryResult<()> {
    type Key = (&'static str, &'static str, NaiveDate, AgencyId, String);
    let mut sums: BTreeMap<Key, (Option<AgencyId>, Counts)> = BTreeMap::new();
    for flow in flows {
        for (facet, value) in flow.values() {
            for (level, start) in [(Level::Day, flow.day), (Level::Month, first_of(Grain::Month, flow.day))] {
                let key = (facet.code(), level.code(), start, flow.agency, value.clone());
                sums.entry(key).or_insert((flow.province, Counts::default())).1 += times(flow.counts, sign);
            }
        }
    }
    let sums: Vec<_> = sums.into_iter().collect();
    // 14 columns a row.
    for batch in sums.chunks(2_000) {
        let rows: Vec<_> = batch
            .iter()
            .map(|((facet, level, start, agency, value), (province, counts))| {
                (
                    tallies::facet.eq(*facet),
                    tallies::level.eq(*level),
                    tallies::start.eq(start),
                    tallies::agency_id.eq(agency),
                    tallies::value.eq(value),
                    tallies::province_id.eq(province),
                    tallies::filed.eq(counts.filed),
                    tallies::reopened.eq(counts.reopened),
                    tallies::moved_in.eq(counts.moved_in),
                    tallies::moved_out.eq(counts.moved_out),
                    tallies::approved.eq(counts.approved),
                    tallies::rejected.eq(counts.rejected),
                    tallies::expired.eq(counts.expired),
                    tallies::late.eq(counts.late),
                )
            })
            .collect();
        use diesel::upsert::excluded;
        on_backend!(conn, c => diesel::insert_into(tallies::table)
            .values(&rows)
            .on_conflict((tallies::facet, tallies::level, tallies::start, tallies::agency_id, tallies::value))
            .do_update()
            .set((
                tallies::filed.eq(tallies::filed + excluded(tallies::filed)),
                tallies::reopened.eq(tallies::reopened + excluded(tallies::reopened)),
                tallies::moved_in.eq(tallies::moved_in + excluded(tallies::moved_in)),
                tallies::moved_out.eq(tallies::moved_out + excluded(tallies::moved_out)),
                tallies::approved.eq(tallies::approved + excluded(tallies::approved)),
                tallies::rejected.eq(tallies::rejected + excluded(tallies::rejected)),
                tallies::expired.eq(tallies::expired + excluded(tallies::expired)),
                tallies::late.eq(tallies::late + excluded(tallies::late)),
            ))
            .execute(c))?;
    }
    Ok(())
}

/// Makes everything that reports count again from the history; returns how many stays there are. Blocks.
pub fn recount(db: &Db) -> Result<usize, DbError> {
    let stays = db.write(|conn| {
        // Before the stays: a worker that has read them would add them up although they are gone.
        lock(conn)?;
        let stays = super::stays::retell_all(conn)?;
        forget(conn)?;
        super::account_changes::forget(conn)?;
        super::message_tallies::forget(conn)?;
        Ok::<_, DbError>(stays)
    })?;
    tally_all(db)?;
    super::account_changes::tally_all(db)?;
    super::message_tallies::tally_all(db)?;
    Ok(stays)
}

/// Throws all tallies away; [`tally`] makes them again.
pub fn forget(conn: &mut Conn) -> QueryResult<()> {
    diesel::delete(tallies::table).execute(conn)?;
    let all = (stays::entered_tallied.eq(false), stays::left_tallied.eq(false));
    diesel::update(stays::table).set(all).execute(conn)?;
    Ok(())
}

/// What the sums are added up for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Agency,
    Start,
    Value,
}

#[derive(QueryableByName)]
struct Summed {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = BigInt)]
    filed: i64,
    #[diesel(sql_type = BigInt)]
    reopened: i64,
    #[diesel(sql_type = BigInt)]
    moved_in: i64,
    #[diesel(sql_type = BigInt)]
    moved_out: i64,
    #[diesel(sql_type = BigInt)]
    approved: i64,
    #[diesel(sql_type = BigInt)]
    rejected: i64,
    #[diesel(sql_type = BigInt)]
    expired: i64,
    #[diesel(sql_type = BigInt)]
    late: i64,
}

impl Summed {
    fn counts(&self) -> Counts {
        let Self { filed, reopened, moved_in, moved_out, approved, rejected, expired, late, .. } = *self;
        Counts { filed, reopened, moved_in, moved_out, approved, rejected, expired, late }
    }
}

/// The condition of a scope on a table that has `agency_id` and `province_id`, with $1 for the id it names.
pub(super) fn within(scope: Scope) -> (&'static str, Option<AgencyId>) {
    match scope {
        Scope::Agency(agency) => ("agency_id = $1", Some(agency)),
        Scope::Province(province) => ("province_id = $1", Some(province)),
        Scope::Country => ("($1 IS NULL)", None),
        Scope::Nothing => ("($1 IS NULL AND 1 = 0)", None),
    }
}

fn sum(
    conn: &mut Conn,
    scope: Scope,
    facet: Facet,
    by: By,
    stretches: &[Stretch],
) -> QueryResult<HashMap<String, Counts>> {
    let key = match by {
        By::Agency => "agency_id",
        By::Start => "start",
        By::Value => "value",
    };
    let (within, id) = within(scope);
    let mut sums: HashMap<String, Counts> = HashMap::new();
    for stretch in stretches {
        let text = format!(
            "SELECT CAST({key} AS TEXT) AS key, CAST(sum(filed) AS BIGINT) AS filed, \
             CAST(sum(reopened) AS BIGINT) AS reopened, CAST(sum(moved_in) AS BIGINT) AS moved_in, \
             CAST(sum(moved_out) AS BIGINT) AS moved_out, CAST(sum(approved) AS BIGINT) AS approved, \
             CAST(sum(rejected) AS BIGINT) AS rejected, CAST(sum(expired) AS BIGINT) AS expired, \
             CAST(sum(late) AS BIGINT) AS late FROM tallies \
             WHERE {within} AND facet = $2 AND level = $3 AND start >= $4 AND start < $5 GROUP BY {key}"
        );
        let rows: Vec<Summed> = on_backend!(conn, c => sql_query(&text)
            .bind::<Nullable<BigInt>, _>(id.map(|id| id.0))
            .bind::<Text, _>(facet.code())
            .bind::<Text, _>(stretch.level.code())
            .bind::<Date, _>(stretch.from)
            .bind::<Date, _>(stretch.before)
            .load(c))?;
        for row in rows {
            let counts = row.counts();
            *sums.entry(row.key).or_default() += counts;
        }
    }
    Ok(sums)
}

/// What is not tallied yet of a scope.
fn rest(conn: &mut Conn, scope: Scope) -> QueryResult<Vec<Flow>> {
    let [entries, ends] = untallied(conn, i64::MAX)?;
    let all = entries.into_iter().chain(ends).map(|(_, flow)| flow);
    Ok(all.filter(|flow| scope.covers(flow.agency, flow.province)).collect())
}

/// Opening and period of each office of a scope in which anything was counted.
pub fn by_agency(conn: &mut Conn, scope: Scope, period: Period) -> QueryResult<HashMap<AgencyId, Balance>> {
    let mut balances: HashMap<AgencyId, Balance> = HashMap::new();
    let id = |key: &str| AgencyId(key.parse().unwrap_or_default());
    for (key, counts) in sum(conn, scope, Facet::All, By::Agency, &period.stretches_before())? {
        balances.entry(id(&key)).or_default().opening += counts.growth();
    }
    for (key, counts) in sum(conn, scope, Facet::All, By::Agency, &period.stretches())? {
        balances.entry(id(&key)).or_default().counts += counts;
    }
    for flow in rest(conn, scope)? {
        let balance = balances.entry(flow.agency).or_default();
        if flow.day < period.first() {
            balance.opening += flow.counts.growth();
        } else if period.contains(flow.day) {
            balance.counts += flow.counts;
        }
    }
    balances.retain(|_, balance| !balance.is_empty());
    Ok(balances)
}

/// What waited in a scope before the period.
fn opening(conn: &mut Conn, scope: Scope, period: Period) -> QueryResult<i64> {
    let mut opening = 0;
    for counts in sum(conn, scope, Facet::All, By::Value, &period.stretches_before())?.values() {
        opening += counts.growth();
    }
    for flow in rest(conn, scope)?.iter().filter(|flow| flow.day < period.first()) {
        opening += flow.counts.growth();
    }
    Ok(opening)
}

/// The days, weeks or months of a period, each with what entered and left.
pub fn flows(conn: &mut Conn, scope: Scope, period: Period, grain: Grain) -> QueryResult<Vec<(Period, Counts)>> {
    // Whole months need no days.
    let stretches = match grain {
        Grain::Month => period.stretches(),
        Grain::Day | Grain::Week => {
            let before = period.last() + chrono::TimeDelta::days(1);
            vec![Stretch { level: Level::Day, from: period.first(), before }]
        }
    };
    let pieces = period.pieces(grain);
    let mut counts = vec![Counts::default(); pieces.len()];
    let place = |day: NaiveDate| pieces.partition_point(|piece| piece.last() < day);
    for (key, sum) in sum(conn, scope, Facet::All, By::Start, &stretches)? {
        if let Some(counts) = key.parse().ok().and_then(|start| counts.get_mut(place(start))) {
            *counts += sum;
        }
    }
    for flow in rest(conn, scope)?.iter().filter(|flow| period.contains(flow.day)) {
        if let Some(counts) = counts.get_mut(place(flow.day)) {
            *counts += flow.counts;
        }
    }
    Ok(pieces.into_iter().zip(counts).collect())
}

/// The same, each with what waited before it.
pub fn by_piece(conn: &mut Conn, scope: Scope, period: Period, grain: Grain) -> QueryResult<Vec<(Period, Balance)>> {
    let flows = flows(conn, scope, period, grain)?;
    let mut opening = opening(conn, scope, period)?;
    let balance = |(piece, counts): (Period, Counts)| {
        let balance = Balance { opening, counts };
        opening = balance.closing();
        (piece, balance)
    };
    Ok(flows.into_iter().map(balance).collect())
}

fn by_value(conn: &mut Conn, scope: Scope, period: Period, facet: Facet) -> QueryResult<HashMap<String, Counts>> {
    let mut sums = sum(conn, scope, facet, By::Value, &period.stretches())?;
    for flow in rest(conn, scope)?.iter().filter(|flow| period.contains(flow.day)) {
        for (_, value) in flow.values().filter(|(of, _)| *of == facet) {
            *sums.entry(value).or_default() += flow.counts;
        }
    }
    sums.retain(|_, counts| !counts.is_empty());
    Ok(sums)
}

/// By how the declarations came.
pub fn by_channel(conn: &mut Conn, scope: Scope, period: Period) -> QueryResult<HashMap<Channel, Counts>> {
    let sums = by_value(conn, scope, period, Facet::Channel)?;
    Ok(sums.into_iter().filter_map(|(code, counts)| Some((Channel::from_code(&code)?, counts))).collect())
}

/// What each member of staff decided.
pub fn by_staff(conn: &mut Conn, scope: Scope, period: Period) -> QueryResult<HashMap<StaffId, Counts>> {
    let sums = by_value(conn, scope, period, Facet::Staff)?;
    Ok(sums.into_iter().filter_map(|(id, counts)| Some((StaffId(id.parse().ok()?), counts))).collect())
}
