//! *Tổng quan*: every figure against a plain count, whom it is for, and where its figures lead.

#![allow(clippy::unwrap_used)]

mod support;

use chrono::{NaiveDateTime, NaiveTime, TimeDelta};
use diesel::prelude::*;
use support::{Browser, Page, TestApp, both_databases};
use tnhs::clock;
use tnhs::db::agencies::Agency;
use tnhs::db::decisions;
use tnhs::db::events::Stamp;
use tnhs::db::schema::{applications, events, messages};
use tnhs::domain::application::Application;
use tnhs::domain::assessment::Decision;
use tnhs::domain::dates::{from_hanoi, show_date, to_hanoi};
use tnhs::domain::delivery::MessageState;
use tnhs::domain::event::EventKind;
use tnhs::domain::permission::Role;
use tnhs::domain::report::overview::weeks;

fn supervisor(app: &TestApp, office: &Agency) -> Browser {
    app.sign_in(&app.employee(Role::Supervisor, office))
}

/// The figures of this moment: what waits, is due, is late, was decided, did not arrive.
fn tiles(page: &Page) -> Vec<String> {
    page.texts_of(".tiles b")
}

/// The rows of a chart's table, cell by cell.
fn table(page: &Page, id: &str) -> Vec<Vec<String>> {
    let row = |row: &scraper::ElementRef<'_>| {
        row.select(&support::browser::selector("td")).map(support::browser::words_of).collect()
    };
    page.select(&format!("#{id} tbody tr")).iter().map(row).collect()
}

fn declared(app: &TestApp, office: &Agency, at: NaiveDateTime) -> Application {
    let person = app.citizen("Trần Thị Bích Ngọc");
    app.registered(&person);
    app.declared_at(office, &person, at)
}

fn decided(app: &TestApp, application: &Application, decision: &Decision, at: NaiveDateTime) {
    let staff = app.employee(Role::Officer, &app.offices.ba_dinh).id;
    let application = app.application(application.id);
    let done = app.db(|conn| {
        let evidence = decisions::evidence(conn, application)?;
        Ok(decisions::record(conn, &evidence, decision, Stamp { staff, at, address: None }).unwrap())
    });
    assert!(done);
}

fn due(app: &TestApp, application: &Application, at: NaiveDateTime) {
    app.db(|conn| {
        diesel::update(applications::table.find(application.id)).set(applications::due_at.eq(at)).execute(conn)
    });
}

fn rejected() -> Decision {
    Decision::Reject("Ảnh bị mờ".into())
}

both_databases! {
    fn the_figures_of_this_moment_are_those_of_a_plain_count(app: TestApp) {
        let (now, offices) = (clock::now(), &app.offices);
        let tomorrow = from_hanoi(to_hanoi(now).date() + TimeDelta::days(1), NaiveTime::MIN);
        let waits: Vec<Application> =
            [&offices.ba_dinh, &offices.ba_dinh, &offices.ba_dinh, &offices.dong_da, &offices.phu_xuan, &offices.ba_dinh]
                .map(|office| declared(&app, office, now - TimeDelta::hours(3)))
                .into();
        due(&app, &waits[0], tomorrow - TimeDelta::milliseconds(1));
        due(&app, &waits[1], now - TimeDelta::milliseconds(1));
        due(&app, &waits[3], now - TimeDelta::days(2));
        due(&app, &waits[4], now - TimeDelta::days(2));
        due(&app, &waits[2], tomorrow);
        for office in [&offices.ba_dinh, &offices.dong_da, &offices.phu_xuan] {
            let (one, two) = (declared(&app, office, now - TimeDelta::hours(2)), declared(&app, office, now));
            decided(&app, &one, &Decision::Approve, now);
            decided(&app, &two, &rejected(), now);
        }
        let long_ago = declared(&app, &offices.ba_dinh, now - TimeDelta::days(5));
        decided(&app, &long_ago, &Decision::Approve, now - TimeDelta::days(4));
        // A message of Ba Đình and one of Phú Xuân do not arrive; another one is settled.
        app.db(|conn| {
            let all: Vec<(i64, i64)> = messages::table
                .order(messages::id)
                .select((messages::id, messages::agency_id))
                .load(conn)?;
            let of = |office: &Agency| all.iter().filter(|row| row.1 == office.id.0).map(|row| row.0).collect::<Vec<_>>();
            for (id, settled) in [(of(&offices.ba_dinh)[0], false), (of(&offices.ba_dinh)[1], true), (of(&offices.phu_xuan)[0], false)] {
                diesel::update(messages::table.filter(messages::id.eq(id)))
                    .set((messages::state.eq(MessageState::Failed), messages::settled.eq(settled)))
                    .execute(conn)?;
            }
            Ok(())
        });

        let plain = |province: &Agency| -> Vec<String> {
            type Row = (i64, Option<i64>, NaiveDateTime, Option<NaiveDateTime>);
            let all: Vec<Row> = app.db(|conn| applications::table
                .select((applications::id, applications::province_id, applications::due_at, applications::decided_at))
                .load(conn));
            let mine: Vec<&Row> = all.iter().filter(|row| row.1 == Some(province.id.0)).collect();
            let open: Vec<NaiveDateTime> = mine.iter().filter(|row| row.3.is_none()).map(|row| row.2).collect();
            let told: Vec<(Option<i64>, EventKind, NaiveDateTime)> =
                app.db(|conn| events::table.select((events::application_id, events::kind, events::at)).load(conn));
            let decided = told.iter().filter(|(id, kind, at)| {
                matches!(kind, EventKind::Approved | EventKind::Rejected)
                    && to_hanoi(*at).date() == to_hanoi(now).date()
                    && mine.iter().any(|row| Some(row.0) == *id)
            });
            [
                open.len(),
                open.iter().filter(|due| **due >= now && **due < tomorrow).count(),
                open.iter().filter(|due| **due < now).count(),
                decided.count(),
                1,
            ]
            .map(|count| count.to_string())
            .into()
        };
        let hanoi = supervisor(&app, &offices.hanoi);
        let page = hanoi.get("/").expect(200);
        assert_eq!(page.path(), "/overview");
        assert_eq!(tiles(&page), ["5", "1", "2", "4", "1"]);
        assert_eq!(tiles(&page), plain(&offices.hanoi));
        assert_eq!(tiles(&supervisor(&app, &offices.hue).get("/overview")), plain(&offices.hue));
        assert_eq!(tiles(&supervisor(&app, &offices.centre).get("/overview"))[..4], ["6", "1", "3", "6"]);

        // The same before and after the worker has added up.
        tnhs::jobs::tallies::tally(&app.parts.db).unwrap();
        let page = hanoi.get("/overview").expect(200);
        assert_eq!(tiles(&page), plain(&offices.hanoi));

        let waiting = table(&page, "waiting");
        assert_eq!(waiting, [
            ["Bảo hiểm xã hội cơ sở Ba Đình", "4", "1", "1"],
            ["Bảo hiểm xã hội cơ sở Đống Đa", "1", "0", "1"],
        ]);
        assert_eq!(page.texts_of("#waiting tfoot td")[1..], ["5", "1", "2"]);
        let day = &table(&page, "per-day")[0];
        let today = to_hanoi(now).date();
        let filed: Vec<(Option<i64>, NaiveDateTime)> =
            app.db(|conn| applications::table.select((applications::province_id, applications::submitted_at)).load(conn));
        let filed = filed.iter().filter(|it| it.0 == Some(offices.hanoi.id.0) && to_hanoi(it.1).date() == today).count();
        assert_eq!(day[..], [show_date(today), filed.to_string(), "2".into(), "2".into()]);

        let failures = hanoi.get(&page.link("1 Tin không đến được, cần xử lý")).expect(200);
        assert!(failures.has_text("Cần xử lý: 1 tin không đến được người nhận"), "{failures}");
    }

    fn how_long_decisions_took_is_told_by_week(app: TestApp) {
        let today = to_hanoi(clock::now()).date();
        let last_week = weeks(today)[10];
        let monday = from_hanoi(last_week.first(), NaiveTime::from_hms_opt(8, 0, 0).unwrap());
        let slips = [1, 24, 24, 30, 36, 47, 48, 60, 72, 96];
        for hours in slips {
            let application = declared(&app, &app.offices.ba_dinh, monday);
            decided(&app, &application, &Decision::Approve, monday + TimeDelta::hours(hours));
        }
        // Of another province, and of another week.
        let elsewhere = declared(&app, &app.offices.phu_xuan, monday);
        decided(&app, &elsewhere, &Decision::Approve, monday + TimeDelta::hours(90));
        let before = declared(&app, &app.offices.ba_dinh, monday - TimeDelta::days(7));
        decided(&app, &before, &Decision::Approve, monday - TimeDelta::days(6));
        let supervisor = supervisor(&app, &app.offices.hanoi);
        // The second time it is remembered.
        for _ in 0..2 {
            let rows = table(&supervisor.get("/overview"), "pace");
            assert_eq!(rows.len(), 12);
            // The fifth of ten, and the ninth: 36 and 72 hours.
            assert_eq!(rows[1][1..], ["10", "1,5", "3,0"], "{rows:?}");
            assert_eq!(rows[2][1..], ["1", "1,0", "1,0"]);
            assert_eq!(rows[3][1..], ["0", "", ""]);
        }
    }

    fn every_figure_leads_to_its_list_and_every_chart_has_a_name_and_a_table(app: TestApp) {
        let application = declared(&app, &app.offices.ba_dinh, clock::now());
        decided(&app, &application, &Decision::Approve, clock::now());
        declared(&app, &app.offices.ba_dinh, clock::now());
        let page = supervisor(&app, &app.offices.hanoi).get("/overview").expect(200);
        let day = to_hanoi(clock::now()).date();
        assert_eq!(
            page.link("1 Hồ sơ đang chờ"),
            format!("/reports/applications?measure=closing&first={day}&last={day}&below=1")
        );
        let figures = page.select("tbody td.count");
        assert!(figures.len() > 90);
        for figure in figures.iter().filter(|it| it.text().any(|text| text.chars().any(|c| c.is_ascii_digit()))) {
            let within = support::browser::selector("a");
            let leads = figure.select(&within).next().and_then(|link| link.value().attr("href"));
            let is_figure = figure.inner_html().contains(',') || leads.is_some_and(|to| to.starts_with("/reports/applications?measure="));
            assert!(is_figure || page.select("#coverage td").contains(figure), "{}", figure.html());
        }
        let charts = page.select("figure > svg");
        assert_eq!(charts.len(), 4);
        for chart in charts {
            assert_eq!(chart.value().attr("role"), Some("img"));
            let title = chart.select(&support::browser::selector("title")).next().unwrap();
            assert!(chart.value().attr("aria-labelledby").unwrap().contains(title.value().attr("id").unwrap()));
            assert!(!chart.html().contains("style="));
        }
    }

    fn tong_quan_is_a_supervisors(app: TestApp) {
        for (role, home) in [(Role::Officer, "/applications"), (Role::Admin, "/staff")] {
            let somebody = app.sign_in(&app.employee(role, &app.offices.hanoi));
            assert_eq!(somebody.get("/").path(), home);
            somebody.get("/overview").expect(403);
        }
        declared(&app, &app.offices.ba_dinh, clock::now());
        let elsewhere = supervisor(&app, &app.offices.hue).get("/overview").expect(200);
        assert!(tiles(&elsewhere).iter().all(|figure| figure == "0"), "{elsewhere}");
        assert!(!elsewhere.has_text("Ba Đình"));
        let own = supervisor(&app, &app.offices.dong_da).get("/overview").expect(200);
        assert!(tiles(&own).iter().all(|figure| figure == "0"));
    }
}
