//! What the coverage of an agency is measured by: the people of the registry, the accounts, the target. People are counted after
//! every change of the registry and kept by day ([`count`]), so that a day of the past keeps its answer.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable};

use super::schema::{agencies, meta, registry_counts};
use super::{Conn, Db, DbError, account_changes, one_row, targets};
use crate::domain::ids::AgencyId;
use crate::domain::permission::Scope;
use crate::domain::report::coverage::{Standing, Target};
use crate::on_backend;

/// How the agencies of a scope stood at the end of a day, where anything is known.
pub fn standings(conn: &mut Conn, scope: Scope, day: NaiveDate) -> QueryResult<HashMap<AgencyId, Standing>> {
    let mut standings: HashMap<AgencyId, Standing> = HashMap::new();
    for (agency, accounts) in account_changes::on(conn, scope, day)? {
        standings.entry(agency).or_default().accounts = accounts;
    }
    for (agency, people) in people(conn, scope, day)? {
        standings.entry(agency).or_default().people = people;
    }
    for (agency, targets) in targets::of(conn, scope)? {
        standings.entry(agency).or_default().target = Target::on(day, targets);
    }
    standings.retain(|_, standing| !standing.is_empty());
    Ok(standings)
}

/// How many people of the registry the agencies of a scope had at the end of a day.
fn people(conn: &mut Conn, scope: Scope, day: NaiveDate) -> QueryResult<HashMap<AgencyId, i64>> {
    let counted: Option<NaiveDate> = registry_counts::table
        .filter(registry_counts::day.le(day))
        .select(diesel::dsl::max(registry_counts::day))
        .first(conn)?;
    let Some(counted) = counted else { return Ok(HashMap::new()) };
    let all: Vec<(AgencyId, i64, Option<AgencyId>)> = registry_counts::table
        .inner_join(agencies::table)
        .filter(registry_counts::day.eq(counted))
        .select((registry_counts::agency_id, registry_counts::people, agencies::province_id))
        .load(conn)?;
    let within = all.into_iter().filter(|(agency, _, province)| scope.covers(*agency, *province));
    Ok(within.map(|(agency, people, _)| (agency, people)).collect())
}

/// Counts the people of each agency for this day, when the registry has changed since they were counted. Of the rows of one code
/// the latest counts; a list that belongs to nobody is the centre's. Blocks: of millions of people it takes a while, during which
/// nobody waits for it.
pub fn count_if_changed(db: &Db, day: NaiveDate) -> Result<bool, DbError> {
    let changed = |conn: &mut Conn| {
        let revision = super::meta::registry_revision(conn)?;
        let counted: String = meta::table.find("registry_counted").select(meta::value).first(conn)?;
        Ok::<_, DbError>((counted != revision.to_string()).then_some(revision))
    };
    if db.read(changed)?.is_none() {
        return Ok(false);
    }
    let counted = db.snapshot(|conn| match changed(conn)? {
        Some(revision) => Ok::<_, DbError>(Some((revision, count(conn)?))),
        None => Ok(None),
    })?;
    let Some((revision, people)) = counted else { return Ok(false) };
    db.write(|conn| {
        keep(conn, day, &people)?;
        let counted = diesel::update(meta::table.find("registry_counted")).set(meta::value.eq(revision.to_string()));
        Ok::<_, DbError>(one_row(counted.execute(conn)?)?)
    })?;
    Ok(true)
}

/// Counts the people of each agency as the registry is now.
pub fn count(conn: &mut Conn) -> QueryResult<HashMap<AgencyId, i64>> {
    #[derive(QueryableByName)]
    struct Counted {
        #[diesel(sql_type = Nullable<BigInt>)]
        agency_id: Option<AgencyId>,
        #[diesel(sql_type = BigInt)]
        people: i64,
    }
    let text = "SELECT c.agency_id AS agency_id, count(*) AS people FROM (\
         SELECT m.code, max(m.changeset_id) AS changeset_id FROM registry_members m \
         JOIN registry_changesets v ON v.id = m.changeset_id WHERE v.visible = TRUE GROUP BY m.code\
         ) AS latest JOIN registry_changesets c ON c.id = latest.changeset_id GROUP BY c.agency_id";
    let counted: Vec<Counted> = on_backend!(conn, c => sql_query(text).load(c))?;
    let centre: Option<AgencyId> = agencies::table
        .filter(agencies::parent_id.is_null())
        .order(agencies::id)
        .select(agencies::id)
        .first(conn)
        .optional()?;
    let mut people = HashMap::new();
    for Counted { agency_id, people: count } in counted {
        if let Some(agency) = agency_id.or(centre) {
            *people.entry(agency).or_default() += count;
        }
    }
    Ok(people)
}

/// Keeps what was counted as the day's answer. Who had people before and has none any more is kept with none.
pub fn keep(conn: &mut Conn, day: NaiveDate, people: &HashMap<AgencyId, i64>) -> QueryResult<()> {
    let known: Vec<AgencyId> = registry_counts::table.select(registry_counts::agency_id).distinct().load(conn)?;
    let gone = known.iter().filter(|agency| !people.contains_key(agency)).map(|agency| (agency, &0));
    let rows: Vec<_> = people
        .iter()
        .chain(gone)
        .map(|(agency, people)| {
            (registry_counts::day.eq(day), registry_counts::agency_id.eq(agency), registry_counts::people.eq(people))
        })
        .collect();
    diesel::delete(registry_counts::table.filter(registry_counts::day.eq(day))).execute(conn)?;
    on_backend!(conn, c => diesel::insert_into(registry_counts::table).values(&rows).execute(c))?;
    Ok(())
}
