//! What reports count, against plain counts over the histories: random work in four offices over ten weeks.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use support::work::Work;
use support::{Program, TestApp, both_databases, hanoi};
use tnhs::db::schema::{events, stays, tallies as sums};
use tnhs::db::stay_list::{self, From};
use tnhs::db::{DbError, stays as told, tallies};
use tnhs::domain::application::Channel;
use tnhs::domain::dates::to_hanoi;
use tnhs::domain::event::EventKind;
use tnhs::domain::ids::{AgencyId, ApplicationId, StaffId};
use tnhs::domain::permission::Scope;
use tnhs::domain::report::{Balance, Counts, Figure, Grain, Measure, Period};

/// One thing that an application did on a day, in an office.
struct Entry {
    day: NaiveDate,
    agency: AgencyId,
    channel: Channel,
    staff: Option<StaffId>,
    counts: Counts,
}

/// The histories, read plainly: no stay, no tally.
fn ledger(app: &TestApp) -> Vec<Entry> {
    type Happened = (i64, EventKind, NaiveDateTime, Option<StaffId>, Option<String>, Option<String>);
    let rows: Vec<Happened> = app.db(|conn| {
        events::table
            .filter(events::application_id.is_not_null())
            .order(events::id)
            .select((
                events::application_id.assume_not_null(),
                events::kind,
                events::at,
                events::staff_id,
                events::before,
                events::after,
            ))
            .load(conn)
    });
    let said = |json: &Option<String>, key: &str| {
        let json: serde_json::Value = serde_json::from_str(json.as_deref().unwrap_or("null")).unwrap();
        json.get(key).cloned()
    };
    let office = |json: &Option<String>| AgencyId(said(json, "agency_id").unwrap().as_i64().unwrap());
    let mut entries = Vec::new();
    // Where it was filed: where it is, or from where it first was moved.
    let mut here: BTreeMap<i64, AgencyId> = BTreeMap::new();
    let mut channels: BTreeMap<i64, Channel> = BTreeMap::new();
    for id in rows.iter().map(|row| row.0).collect::<BTreeSet<_>>() {
        let application = app.application(ApplicationId(id));
        let first_move = rows.iter().find(|row| row.0 == id && row.1 == EventKind::Moved);
        here.insert(id, first_move.map_or(application.agency_id, |row| office(&row.4)));
        channels.insert(id, application.channel);
    }
    for (application, kind, at, staff, before, after) in &rows {
        let late = i64::from(said(after, "late") == Some(true.into()));
        let none = Counts::default();
        let staff = staff.filter(|_| matches!(kind, EventKind::Approved | EventKind::Rejected));
        let mut add = |agency, counts| {
            let (day, channel) = (to_hanoi(*at).date(), channels[application]);
            entries.push(Entry { day, agency, channel, staff, counts });
        };
        let agency = here[application];
        match kind {
            EventKind::Submitted => add(agency, Counts { filed: 1, ..none }),
            EventKind::Reopened => add(agency, Counts { reopened: 1, ..none }),
            EventKind::Approved => add(agency, Counts { approved: 1, late, ..none }),
            EventKind::Rejected => add(agency, Counts { rejected: 1, late, ..none }),
            EventKind::Expired => add(agency, Counts { expired: 1, ..none }),
            EventKind::Moved => {
                add(office(before), Counts { moved_out: 1, ..none });
                add(office(after), Counts { moved_in: 1, ..none });
                here.insert(*application, office(after));
            }
            _ => {}
        }
    }
    entries
}

/// What a plain count finds of some entries in a period.
fn balance<'a>(entries: impl Iterator<Item = &'a Entry>, period: Period) -> Balance {
    let mut balance = Balance::default();
    for entry in entries {
        if entry.day < period.first() {
            balance.opening += entry.counts.growth();
        } else if entry.day <= period.last() {
            balance.counts += entry.counts;
        }
    }
    balance
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn period(first: &str, last: &str) -> Period {
    Period::between(day(first), day(last)).unwrap()
}

fn periods() -> [Period; 6] {
    [
        period("2026-01-01", "2026-12-31"),
        period("2026-02-01", "2026-02-28"),
        period("2026-01-20", "2026-02-10"),
        period("2026-02-09", "2026-02-09"),
        period("2026-01-15", "2026-03-20"),
        period("2025-01-01", "2025-12-31"),
    ]
}

/// Each scope, with whether it covers an office.
fn scopes(app: &TestApp) -> [(Scope, Vec<AgencyId>); 3] {
    let offices = &app.offices;
    let hanoi = vec![offices.hanoi.id, offices.ba_dinh.id, offices.dong_da.id];
    let all = hanoi.iter().copied().chain([offices.centre.id, offices.hue.id, offices.phu_xuan.id]).collect();
    [
        (Scope::Country, all),
        (Scope::Province(offices.hanoi.id), hanoi),
        (Scope::Agency(offices.dong_da.id), vec![offices.dong_da.id]),
    ]
}

/// Compares every figure with the plain count.
fn compare(app: &TestApp, entries: &[Entry]) {
    let snapshot = &app.parts.db;
    for (scope, offices) in scopes(app) {
        let within: Vec<&Entry> = entries.iter().filter(|entry| offices.contains(&entry.agency)).collect();
        let of =
            |keep: &dyn Fn(&Entry) -> bool, period| balance(within.iter().copied().filter(|entry| keep(entry)), period);
        for period in periods() {
            snapshot
                .snapshot(|conn| {
                    let by_agency = tallies::by_agency(conn, scope, period)?;
                    for office in &offices {
                        let expected = of(&|entry| entry.agency == *office, period);
                        assert_eq!(
                            by_agency.get(office).copied().unwrap_or_default(),
                            expected,
                            "{scope:?} {period:?}"
                        );
                        let Balance { opening, counts } = expected;
                        let leaving = counts.decided() + counts.expired + expected.closing();
                        assert_eq!(opening + counts.received(), leaving);
                        assert!(opening >= 0 && expected.closing() >= 0);
                    }
                    assert_eq!(by_agency.len(), by_agency.keys().filter(|id| offices.contains(id)).count());
                    for grain in Grain::ALL {
                        let pieces = tallies::by_piece(conn, scope, period, *grain)?;
                        assert_eq!(pieces.len(), period.pieces(*grain).len());
                        for (piece, found) in pieces {
                            assert_eq!(found, of(&|_| true, piece), "{scope:?} {piece:?}");
                        }
                    }
                    let channels = tallies::by_channel(conn, scope, period)?;
                    for channel in Channel::ALL {
                        let expected = of(&|entry| entry.channel == *channel, period).counts;
                        assert_eq!(channels.get(channel).copied().unwrap_or_default(), expected);
                    }
                    let staff = tallies::by_staff(conn, scope, period)?;
                    let all: BTreeSet<StaffId> = within.iter().filter_map(|entry| entry.staff).collect();
                    for one in all {
                        let expected = of(&|entry| entry.staff == Some(one), period).counts;
                        assert_eq!(staff.get(&one).copied().unwrap_or_default(), expected);
                    }
                    Ok::<_, DbError>(())
                })
                .unwrap();
        }
    }
}

/// The applications that a list shows, read page by page in both directions, with what each row counts.
fn listed(app: &TestApp, scope: Scope, figure: &Figure) -> (i64, Vec<i64>) {
    let (count, pages): (i64, [Vec<stay_list::StayRow>; 2]) = app.db(|conn| {
        let now = hanoi("01/06/2026 00:00");
        let count = stay_list::count(conn, scope, figure, now)?;
        let mut all = [Vec::new(), Vec::new()];
        for (rows, newest_first) in all.iter_mut().zip([true, false]) {
            loop {
                let last: Option<&stay_list::StayRow> = rows.last();
                let place = last.map(|row| row.place(figure.measure));
                let from = if newest_first { From::Before(place) } else { From::After(place) };
                let page = stay_list::page(conn, scope, figure, now, from, 7)?;
                if page.is_empty() {
                    break;
                }
                rows.extend(page);
            }
        }
        Ok((count, all))
    });
    let [newest_first, oldest_first] = pages.map(|rows| rows.iter().map(|row| row.stay.id).collect::<Vec<_>>());
    assert_eq!(newest_first.iter().rev().copied().collect::<Vec<_>>(), oldest_first);
    (count, newest_first)
}

both_databases! {
    fn every_figure_is_what_a_plain_count_of_the_history_finds(app: TestApp) {
        let mut work = Work::begin(&app, 20_260_102);
        // Nothing is tallied, then something, then all.
        work.go_on(60);
        compare(&app, &ledger(&app));
        app.db(|conn| tallies::tally(conn, 25));
        work.go_on(60);
        app.db(|conn| tallies::tally(conn, 40));
        compare(&app, &ledger(&app));
        tallies::tally_all(&app.parts.db).unwrap();
        let before = ledger(&app);
        compare(&app, &before);
        let kinds: Counts = before.iter().map(|entry| entry.counts).sum();
        let Counts { filed, reopened, moved_in, moved_out, approved, rejected, expired, late } = kinds;
        assert!([filed, reopened, moved_in, moved_out, approved, rejected, expired, late].iter().all(|count| *count > 2), "{kinds:?}");

        // More work does not change what was.
        let past = period("2026-01-01", "2026-01-31");
        let read = || app.parts.db.snapshot(|conn| Ok::<_, DbError>(tallies::by_agency(conn, Scope::Country, past)?)).unwrap();
        let was = read();
        assert!(work.now > hanoi("01/02/2026 00:00"));
        work.go_on(40);
        assert_eq!(read(), was);
        compare(&app, &ledger(&app));
    }

    fn the_list_behind_a_figure_has_as_many_rows_as_it_says(app: TestApp) {
        let mut work = Work::begin(&app, 7);
        work.go_on(130);
        let (entries, offices) = (ledger(&app), &app.offices);
        for (scope, agency, below, covers) in [
            (Scope::Country, None, true, vec![offices.hue.id, offices.ba_dinh.id, offices.dong_da.id, offices.phu_xuan.id]),
            (Scope::Country, Some(offices.hanoi.id), true, vec![offices.ba_dinh.id, offices.dong_da.id]),
            (Scope::Country, Some(offices.hue.id), false, vec![offices.hue.id]),
            (Scope::Province(offices.hanoi.id), Some(offices.dong_da.id), false, vec![offices.dong_da.id]),
            (Scope::Province(offices.hanoi.id), Some(offices.hue.id), false, vec![]),
        ] {
            let within = || entries.iter().filter(|entry| covers.contains(&entry.agency));
            for period in periods() {
                let expected = balance(within(), period);
                let Balance { opening, counts } = expected;
                for (measure, expected) in [
                    (Measure::Opening, opening),
                    (Measure::Received, counts.received()),
                    (Measure::Filed, counts.filed),
                    (Measure::Reopened, counts.reopened),
                    (Measure::MovedIn, counts.moved_in),
                    (Measure::MovedOut, counts.moved_out),
                    (Measure::Decided, counts.decided()),
                    (Measure::Approved, counts.approved),
                    (Measure::Rejected, counts.rejected),
                    (Measure::Expired, counts.expired),
                    (Measure::OnTime, counts.on_time()),
                    (Measure::Late, counts.late),
                    (Measure::Closing, expected.closing()),
                ] {
                    let figure = Figure { measure, period, agency, below, channel: None, staff: None, reason: None };
                    let (count, rows) = listed(&app, scope, &figure);
                    assert_eq!(count, expected, "{measure:?} {agency:?} {period:?}");
                    let distinct: BTreeSet<_> = rows.iter().collect();
                    assert_eq!(distinct.len(), rows.len());
                    if measure != Measure::Received {
                        assert_eq!(i64::try_from(rows.len()).unwrap(), expected, "{measure:?} {agency:?} {period:?}");
                    }
                }
                for channel in Channel::ALL {
                    let of = balance(within().filter(|entry| entry.channel == *channel), period).counts.rejected;
                    let figure = Figure {
                        measure: Measure::Rejected,
                        period,
                        agency,
                        below,
                        channel: Some(*channel),
                        staff: None,
                        reason: None,
                    };
                    assert_eq!(listed(&app, scope, &figure).0, of);
                }
            }
        }
    }

    fn stays_and_tallies_are_made_again_from_the_history(app: TestApp) {
        let mut work = Work::begin(&app, 11);
        work.go_on(120);
        tallies::tally_all(&app.parts.db).unwrap();
        let read = || app.db(|conn| {
            let order = (stays::application_id, stays::entered_at);
            type Row = (ApplicationId, AgencyId, Option<AgencyId>, String, NaiveDateTime, NaiveDate, Option<String>);
            type End = (Option<NaiveDateTime>, Option<NaiveDate>, Option<StaffId>, Option<String>, Option<bool>, Option<i32>);
            let rows: Vec<(Row, End)> = stays::table
                .order(order)
                .select((
                    (
                        stays::application_id,
                        stays::agency_id,
                        stays::province_id,
                        stays::entered_as,
                        stays::entered_at,
                        stays::entered_day,
                        stays::left_as,
                    ),
                    (stays::left_at, stays::left_day, stays::staff_id, stays::reason, stays::late, stays::hours),
                ))
                .load(conn)?;
            type Key = (String, String, NaiveDate, AgencyId, String);
            type Counted = (i64, i64, i64, i64, i64, i64, i64, i64);
            let rows_of_sums: Vec<(Key, Counted)> = sums::table
                .order((sums::facet, sums::level, sums::start, sums::agency_id, sums::value))
                .select((
                    (sums::facet, sums::level, sums::start, sums::agency_id, sums::value),
                    (
                        sums::filed,
                        sums::reopened,
                        sums::moved_in,
                        sums::moved_out,
                        sums::approved,
                        sums::rejected,
                        sums::expired,
                        sums::late,
                    ),
                ))
                .load(conn)?;
            Ok((rows, rows_of_sums))
        });
        let (was, tallied) = read();
        assert!(was.len() > 60 && tallied.len() > 60);
        app.db(tallies::forget);
        tallies::tally_all(&app.parts.db).unwrap();
        assert_eq!(read().1, tallied);
        // Wrong in every way.
        app.db(|conn| {
            diesel::delete(stays::table.filter(stays::left_day.is_null())).execute(conn)?;
            diesel::update(stays::table).set(stays::late.eq(true)).execute(conn)?;
            diesel::update(sums::table).set(sums::filed.eq(1_000)).execute(conn)
        });
        assert_ne!(read().0, was);
        let recounted = Program::beside(&app).run(&["recount"]).expect(0);
        assert_eq!(recounted.stdout, format!("{} stays counted\n", was.len()));
        assert_eq!((read().0 == was, read().1 == tallied), (true, true));
        app.db(|conn| diesel::delete(stays::table).execute(conn));
        app.db(tallies::forget);
        assert_eq!(app.db(told::retell_if_never), was.len());
        assert_eq!(app.db(told::retell_if_never), 0);
        tallies::tally_all(&app.parts.db).unwrap();
        let again = read();
        assert_eq!(again.0, was);
        assert_eq!(again.1, tallied);
    }
}
