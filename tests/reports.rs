//! Reports as a supervisor reads them, against plain counts of what was done: over the histories of applications and the steps of
//! messages, never over what reports themselves are made from.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use support::{Browser, Page, TestApp, both_databases, filing};
use tnhs::clock;
use tnhs::db::agencies::Agency;
use tnhs::db::applications::NewApplication;
use tnhs::db::messages::{Step, add_steps};
use tnhs::db::schema::{applications, events, message_steps, messages};
use tnhs::db::{message_tallies, tallies};
use tnhs::domain::application::{Application, Channel};
use tnhs::domain::dates::to_hanoi;
use tnhs::domain::delivery::MessageState;
use tnhs::domain::event::EventKind;
use tnhs::domain::ids::{AgencyId, MessageId};
use tnhs::domain::permission::Role;
use tnhs::domain::report::Kind;

/// An office at work: five weeks ago some declared, today some are decided, one is moved, one is opened again.
struct Work {
    supervisor: Browser,
    approved: Application,
    waiting: Application,
}

fn today() -> NaiveDate {
    to_hanoi(clock::now()).date()
}

fn supervisor(app: &TestApp, office: &Agency) -> Browser {
    app.sign_in(&app.employee(Role::Supervisor, office))
}

/// Received at a desk, so that nothing removes it.
fn received(app: &TestApp, office: &Agency, channel: Channel, at: NaiveDateTime) -> Application {
    let person = app.citizen("Trần Thị Bích Ngọc");
    app.registered(&person);
    let new = NewApplication {
        channel,
        received_at: Some(at),
        due_at: at + TimeDelta::days(3),
        ..filing(office, &person, at)
    };
    let application = app.filed(&new);
    app.add_photo(application.id, tnhs::domain::application::PhotoKind::Portrait, support::portrait());
    application
}

fn reopen(supervisor: &Browser, application: &Application) {
    let form =
        supervisor.open(application).form("Mở lại").set("reopen_reason", "Xem lại giấy tờ").check("acknowledged");
    supervisor.submit(form).expect(200);
}

fn hand_over(supervisor: &Browser, application: &Application, to: &Agency) {
    let form =
        supervisor.open(application).form("Chuyển").set("agency", &to.code).set("move_reason", "Đúng nơi cư trú");
    supervisor.submit(form).expect(200);
}

fn work(app: &TestApp) -> Work {
    let (now, offices) = (clock::now(), &app.offices);
    let (ago, yesterday) = (now - TimeDelta::days(35), now - TimeDelta::days(1));
    let officer = app.officer(&offices.ba_dinh);
    let supervisor = supervisor(app, &offices.hanoi);
    let [approved, late, moved, waiting] = [yesterday, ago, ago, ago]
        .map(|at| received(app, &offices.ba_dinh, if at == ago { Channel::Portal } else { Channel::Counter }, at));
    received(app, &offices.dong_da, Channel::App, yesterday);
    received(app, &offices.phu_xuan, Channel::Portal, ago);
    // Nobody came.
    app.declared_at(&offices.ba_dinh, &app.citizen("Lê Văn Sơn"), ago);
    app.sweep(now).expire().unwrap();
    for application in [&approved, &late] {
        officer.submit(officer.open(application).valid()).expect(200);
    }
    for reason in ["Ảnh bị mờ", "ảnh bị mờ.", "ANH BI  MO", "Thiếu chữ ký"] {
        let rejected = received(app, &offices.ba_dinh, Channel::Portal, yesterday);
        officer.submit(officer.open(&rejected).invalid(reason)).expect(200);
    }
    hand_over(&supervisor, &moved, &offices.dong_da);
    reopen(&supervisor, &late);
    Work { supervisor, approved, waiting }
}

/// The rows of a report with *Tổng cộng*, as they are read.
fn rows(page: &Page) -> Vec<Vec<String>> {
    let columns = page.texts_of("table.figures thead th").len();
    let cells = page.texts_of("table.figures td");
    cells.chunks(columns).map(<[String]>::to_vec).collect()
}

#[track_caller]
fn row(page: &Page, name: &str) -> Vec<i64> {
    let rows = rows(page);
    let row = rows.iter().find(|row| row[1] == name).unwrap_or_else(|| panic!("no «{name}» on\n{page}"));
    numbers(row)
}

/// The whole numbers of a row behind its name.
fn numbers(row: &[String]) -> Vec<i64> {
    row[2..].iter().filter_map(|cell| cell.replace('.', "").parse().ok()).collect()
}

fn report(browser: &Browser, kind: Kind, first: NaiveDate, last: NaiveDate) -> Page {
    browser.get(&format!("/reports/{}?span=between&first={first}&last={last}", kind.code()))
}

fn this_period() -> (NaiveDate, NaiveDate) {
    (today() - TimeDelta::days(6), today())
}

/// How often something happened to applications that are in an office now, in the last week.
fn happened(app: &TestApp, office: Option<AgencyId>, kinds: &[EventKind]) -> i64 {
    let all: Vec<(AgencyId, EventKind, NaiveDateTime)> = app.db(|conn| {
        events::table
            .inner_join(applications::table.on(events::application_id.eq(applications::id.nullable())))
            .select((applications::agency_id, events::kind, events::at))
            .load(conn)
    });
    let (first, last) = this_period();
    let within = |at: NaiveDateTime| (first..=last).contains(&to_hanoi(at).date());
    let counts = |(agency, kind, at): &&(AgencyId, EventKind, NaiveDateTime)| {
        office.is_none_or(|office| office == *agency) && kinds.contains(kind) && within(*at)
    };
    all.iter().filter(counts).count() as i64
}

/// How many declared at offices in which their applications are now, in the last week.
fn declared(app: &TestApp, office: AgencyId) -> i64 {
    let all: Vec<NaiveDateTime> = app.db(|conn| {
        applications::table.filter(applications::agency_id.eq(office)).select(applications::submitted_at).load(conn)
    });
    let (first, last) = this_period();
    all.into_iter().filter(|at| (first..=last).contains(&to_hanoi(*at).date())).count() as i64
}

/// All pages of the list that a figure leads to, and how many rows they have.
fn listed(browser: &Browser, address: &str) -> (i64, i64) {
    let mut page = browser.get(address).expect(200);
    let count = page.text_of("#count").replace('.', "").parse().unwrap();
    let mut rows = 0;
    loop {
        rows += page.select("table.list tbody tr").len() as i64;
        if !page.has_link("Trang sau ›") {
            return (count, rows);
        }
        page = browser.click(&page, "Trang sau ›").expect(200);
    }
}

both_databases! {
    fn a_report_counts_what_was_done(app: TestApp) {
        let work = work(&app);
        let (first, last) = this_period();
        let office = &app.offices.ba_dinh;
        let of = |kind| happened(&app, Some(office.id), &[kind]);
        let page = report(&work.supervisor, Kind::Agencies, first, last).expect(200);
        // Four declared earlier, of which one was moved away by now; one of those was approved and opened again.
        let (opening, moved, reopened) = (4, 1, of(EventKind::Reopened));
        let (approved, rejected, expired) = (of(EventKind::Approved), of(EventKind::Rejected), of(EventKind::Expired));
        let entered = declared(&app, office.id) + reopened - moved;
        assert_eq!((approved, rejected, expired, reopened), (2, 4, 1, 1), "the work itself");
        let closing = opening + entered - approved - rejected - expired;
        let shown = row(&page, &office.name);
        assert_eq!(shown, [opening, entered, approved, rejected, expired, closing, approved + rejected - 1, 1]);
        assert_eq!(closing, 2, "who waits and whose case was opened again");
        assert_eq!(row(&page, &app.offices.dong_da.name), [0, 2, 0, 0, 0, 2, 0, 0]);
        assert_eq!(row(&page, "Tổng cộng"), [4, 7, 2, 4, 1, 4, 5, 1], "what moved within the province cancels out");
        assert!(!page.has_text(&app.offices.phu_xuan.name), "another province's");
        // Cut by days it adds up to the same, and each day goes on where the day before ended.
        let days = report(&work.supervisor, Kind::Times, first, last).expect(200);
        assert_eq!(row(&days, "Tổng cộng"), row(&page, "Tổng cộng"));
        let each: Vec<_> = rows(&days).iter().map(|row| numbers(row)).collect();
        assert_eq!(each.len(), 7 + 1);
        for pair in each[..7].windows(2) {
            assert_eq!(pair[0][5], pair[1][0]);
        }
        for row in &each {
            assert_eq!(row[0] + row[1], row[2] + row[3] + row[4] + row[5], "the identity");
        }
        let officers = report(&work.supervisor, Kind::Officers, first, last).expect(200);
        let total = numbers(&rows(&officers).pop().unwrap());
        assert_eq!(total[..5], [6, 2, 4, 5, 1]);
        let channels = report(&work.supervisor, Kind::Channels, first, last).expect(200);
        let row = |channel: Channel| row(&channels, channel.label());
        assert_eq!(row(Channel::Portal), [4, 1, 4, 1, 4, 1], "four came this week, all were rejected");
        assert_eq!(row(Channel::App), [1, 0, 0, 0, 0, 0]);
        assert_eq!(row(Channel::Counter), [1, 1, 0, 0, 1, 0]);
        assert_eq!(row(Channel::MobileDesk), [0; 6]);
    }

    fn reasons_that_differ_only_in_how_they_are_written_are_one(app: TestApp) {
        let work = work(&app);
        let (first, last) = this_period();
        let page = report(&work.supervisor, Kind::Reasons, first, last).expect(200);
        let shown: Vec<_> = rows(&page).into_iter().map(|row| (row[1].to_lowercase(), row[2].clone(), row[3].clone())).collect();
        let row = |name: &str, count: &str, share: &str| (name.to_owned(), count.to_owned(), share.to_owned());
        assert_eq!(shown[1..], [row("thiếu chữ ký", "1", "25,0 %"), row("tổng cộng", "4", "100,0 %")]);
        assert_eq!(shown[0].1, "3");
        let links = page.select("table.figures tbody a");
        let address = links[0].attr("href").unwrap();
        assert_eq!(listed(&work.supervisor, address), (3, 3), "all spellings are in the list");
        assert!(!address.contains("nh+b") && !address.contains("mo"), "no word of a reason in an address: {address}");
    }

    fn every_figure_of_every_report_is_the_number_of_its_list(app: TestApp) {
        let work = work(&app);
        let centre = supervisor(&app, &app.offices.centre);
        let mut followed = BTreeSet::new();
        for (browser, who) in [(&work.supervisor, "Hà Nội"), (&centre, "Việt Nam")] {
            for kind in Kind::ALL {
                for (first, last) in [this_period(), (today() - TimeDelta::days(40), today() - TimeDelta::days(20))] {
                    let page = report(browser, *kind, first, last).expect(200);
                    for link in page.select("table.figures td a") {
                        let address = link.attr("href").unwrap();
                        let figure: i64 = support::browser::words_of(link).replace('.', "").parse().unwrap();
                        if !followed.insert(format!("{who} {address}")) {
                            continue;
                        }
                        let (count, rows) = listed(browser, address);
                        assert_eq!(count, figure, "{who} {kind:?} {address}");
                        // Of what was received, what moved on is listed too and taken off.
                        if !address.contains("measure=received") {
                            assert_eq!(rows, figure, "{who} {kind:?} {address}");
                        }
                    }
                }
            }
        }
        assert!(followed.len() > 100, "{}", followed.len());
    }

    fn a_report_of_the_past_stays_as_it_is_whatever_happens_later(app: TestApp) {
        let work = work(&app);
        let (first, last) = (today() - TimeDelta::days(60), today() - TimeDelta::days(1));
        let all = || -> Vec<_> {
            Kind::ALL.iter().map(|kind| rows(&report(&work.supervisor, *kind, first, last).expect(200))).collect()
        };
        let before = all();
        assert!(before[0].len() > 1);
        let officer = app.officer(&app.offices.ba_dinh);
        officer.submit(officer.open(&work.waiting).invalid("Thiếu giấy tờ")).expect(200);
        reopen(&work.supervisor, &work.approved);
        hand_over(&work.supervisor, &work.approved, &app.offices.dong_da);
        received(&app, &app.offices.ba_dinh, Channel::App, clock::now());
        app.outbox_drain();
        assert_eq!(all(), before);
        tallies::tally_all(&app.parts.db).unwrap();
        message_tallies::tally_all(&app.parts.db).unwrap();
        assert_eq!(all(), before, "also when it is read from the tallies");
    }

    fn another_provinces_supervisor_finds_nothing_and_officers_and_admins_may_not_look(app: TestApp) {
        let work = work(&app);
        let (first, last) = this_period();
        let page = report(&work.supervisor, Kind::Agencies, first, last).expect(200);
        let figure = page.select("table.figures tbody a")[0].attr("href").unwrap().to_owned();
        let hue = supervisor(&app, &app.offices.hue);
        let of_ba_dinh = format!("/reports/agencies?agency={}", app.offices.ba_dinh.id);
        for address in [of_ba_dinh.as_str(), &figure, "/reports/nothing", "/reports/applications?measure=filed"] {
            hue.get(address).expect(404);
        }
        let page = report(&hue, Kind::Agencies, first, last).expect(200);
        assert_eq!(rows(&page).len(), 2, "their own office and the total\n{page}");
        let officer = report(&work.supervisor, Kind::Officers, first, last).expect(200);
        let figure = officer.select("table.figures tbody a")[0].attr("href").unwrap().to_owned();
        hue.get(&figure).expect(404);
        let own = supervisor(&app, &app.offices.dong_da);
        let page = report(&own, Kind::Agencies, first, last).expect(200);
        assert_eq!(row(&page, "Tổng cộng"), row(&page, &app.offices.dong_da.name), "an office's supervisor sees the office");
        for role in [Role::Officer, Role::Admin] {
            let browser = app.sign_in(&app.employee(role, &app.offices.hanoi));
            for address in ["/reports", "/reports/agencies", &figure] {
                browser.get(address).expect(403);
            }
        }
    }

    fn what_is_typed_wrongly_is_told_beside_it_and_stays(app: TestApp) {
        let browser = supervisor(&app, &app.offices.hanoi);
        let page = browser.get("/reports").expect(200);
        let form = page.form("Xem báo cáo").set("kind", "times").set("span", "between").set("grain", "week");
        let wrong = browser.submit(form.clone().set("first", "31/02/2026").set("last", "05/03/2026")).expect(422);
        assert!(wrong.fault("first").is_some());
        let kept = wrong.form("Xem báo cáo");
        assert_eq!((kept.value("first"), kept.value("last"), kept.value("kind")), ("31/02/2026", "05/03/2026", "times"));
        let wrong = browser.submit(form.clone().set("first", "05/03/2026").set("last", "01/03/2026")).expect(422);
        assert!(wrong.fault("last").is_some());
        let page = browser.submit(form.set("first", "01/03/2026").set("last", "10/03/2026")).expect(200);
        assert_eq!(page.url, "/reports/times?span=between&first=2026-03-01&last=2026-03-10&grain=week");
        assert!(page.has_text("Từ ngày 01/03/2026 đến ngày 10/03/2026"));
        let names: Vec<_> = rows(&page).into_iter().map(|row| row[1].clone()).collect();
        assert_eq!(names, ["01/03/2026", "02/03 – 08/03/2026", "09/03 – 10/03/2026", "Tổng cộng"]);
        let before = browser.click(&page, "‹ Kỳ trước").expect(200);
        assert!(before.has_text("Từ ngày 19/02/2026 đến ngày 28/02/2026"));
    }

    fn a_report_has_the_official_head_and_foot(app: TestApp) {
        let person = app.employee(Role::Supervisor, &app.offices.ba_dinh);
        let browser = app.sign_in(&person);
        let page = browser.get("/reports/agencies?span=month&first=2026-03-05").expect(200);
        let words = page.text_of("article.report header");
        assert_eq!(
            words,
            "BẢO HIỂM XÃ HỘI VIỆT NAM BẢO HIỂM XÃ HỘI THÀNH PHỐ HÀ NỘI CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM Độc lập - Tự do - Hạnh phúc"
        );
        let foot = page.text_of("article.report footer");
        assert!(foot.contains("NGƯỜI LẬP") && foot.contains(&person.name) && foot.contains("GIÁM ĐỐC"), "{foot}");
        assert!(page.has_text("Từ ngày 01/03/2026 đến ngày 31/03/2026"));
        let centre = supervisor(&app, &app.offices.centre).get("/reports/provinces").expect(200);
        assert_eq!(centre.text_of(".letterhead .from"), "BẢO HIỂM XÃ HỘI VIỆT NAM");
    }

    fn a_province_stands_above_its_offices_for_the_country(app: TestApp) {
        work(&app);
        let (first, last) = this_period();
        let page = report(&supervisor(&app, &app.offices.centre), Kind::Provinces, first, last).expect(200);
        let names: Vec<_> = rows(&page).into_iter().map(|row| row[1].clone()).collect();
        let o = &app.offices;
        assert_eq!(
            names,
            [&o.hanoi.name, &o.ba_dinh.name, &o.dong_da.name, &o.hue.name, &o.phu_xuan.name, "Tổng cộng"].map(String::from)
        );
        let (hanoi, hue, total) = (row(&page, &o.hanoi.name), row(&page, &o.hue.name), row(&page, "Tổng cộng"));
        let sum: Vec<_> = hanoi.iter().zip(&hue).map(|(a, b)| a + b).collect();
        assert_eq!(total, sum);
    }

    fn messages_are_counted_from_their_steps_once_in_each_column(app: TestApp) {
        use MessageState::{Accepted, Delivered, Dropped, Expired, Failed, Queued, Undelivered, Unknown};
        const STORIES: [&[MessageState]; 9] = [
            &[],
            &[Unknown, Queued],
            &[Accepted],
            &[Unknown, Accepted, Delivered],
            &[Accepted, Expired, Delivered],
            &[Accepted, Undelivered],
            &[Failed],
            &[Failed, Delivered],
            &[Dropped],
        ];
        let work = work(&app);
        let all: Vec<MessageId> = app.db(|conn| messages::table.order(messages::id).select(messages::id).load(conn));
        assert!(all.len() >= STORIES.len(), "{}", all.len());
        // Each goes on from where it is today, one step a day.
        for (nth, message) in all.iter().enumerate() {
            for (state, days) in STORIES[nth % STORIES.len()].iter().zip(0..) {
                let at = clock::now() + TimeDelta::days(days);
                let step = Step { message: *message, at, state: *state, attempt: 1, gateway: None, cause: None };
                app.db(|conn| add_steps(conn, &[step]));
                // Somewhere in the middle the job has come by.
                if nth % 2 == 0 {
                    app.db(|conn| message_tallies::tally(conn, 3));
                }
            }
        }
        let until = today() + TimeDelta::days(4);
        for (first, last) in [(today(), today()), (today(), until), (today() + TimeDelta::days(1), until), (until, until)] {
            let page = report(&work.supervisor, Kind::Messages, first, last).expect(200);
            let shown = rows(&page).pop().map(|row| numbers(&row[1..])).unwrap();
            assert_eq!(shown, plain_count(&app, first, last), "{first} {last}\n{page}");
            assert_eq!(shown[0] + shown[1], shown[2] + shown[3] + shown[4] + shown[5], "what waits and what left");
        }
        let shown = || rows(&report(&work.supervisor, Kind::Messages, today(), until));
        let before = shown();
        message_tallies::tally_all(&app.parts.db).unwrap();
        assert_eq!(shown(), before, "tallied");
        app.db(message_tallies::forget);
        assert_eq!(shown(), before, "forgotten");
        message_tallies::tally_all(&app.parts.db).unwrap();
        assert_eq!(shown(), before, "made again");
    }

    fn a_message_is_counted_with_the_office_that_made_it_also_when_its_case_moves_on(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let approved = app.approved(&officer, "Trần Thị Bích Ngọc");
        let supervisor = supervisor(&app, &app.offices.hanoi);
        let of = |office: &Agency| {
            let page = supervisor.get("/reports/messages?span=day").expect(200);
            let rows = rows(&page).into_iter().filter(|row| row[1] == office.name);
            rows.map(|row| numbers(&row[1..])[1]).sum::<i64>()
        };
        let made = of(&app.offices.ba_dinh);
        assert!(made > 0);
        reopen(&supervisor, &approved);
        let made_by_then = of(&app.offices.ba_dinh);
        message_tallies::tally_all(&app.parts.db).unwrap();
        hand_over(&supervisor, &approved, &app.offices.dong_da);
        assert!(made_by_then >= made);
        assert_eq!((of(&app.offices.ba_dinh), of(&app.offices.dong_da)), (made_by_then, 0));
        app.outbox_drain();
        assert_eq!((of(&app.offices.ba_dinh), of(&app.offices.dong_da)), (made_by_then, 0), "its later steps too");
    }
}

/// The columns of the report of messages for all there are, counted by going through each message's story.
fn plain_count(app: &TestApp, first: NaiveDate, last: NaiveDate) -> Vec<i64> {
    use MessageState::{Accepted, Delivered, Dropped, Expired, Failed, Undelivered};
    let steps: Vec<(MessageId, NaiveDateTime, MessageState)> = app.db(|conn| {
        let columns = (message_steps::message_id, message_steps::at, message_steps::state);
        message_steps::table.order(message_steps::id).select(columns).load(conn)
    });
    let within = |day: NaiveDate| (first..=last).contains(&day);
    let mut counts = vec![0; 10];
    for id in steps.iter().map(|(id, ..)| id.0).collect::<BTreeSet<_>>() {
        let story: Vec<_> =
            steps.iter().filter(|step| step.0.0 == id).map(|(_, at, state)| (to_hanoi(*at).date(), *state)).collect();
        let made = story[0].0;
        let end = story.iter().find(|(_, state)| !state.is_waiting()).copied();
        let waits_at_the_end_of = |day: NaiveDate| made <= day && end.is_none_or(|(ended, _)| ended > day);
        let ended_as = |states: &[MessageState]| end.is_some_and(|(day, state)| within(day) && states.contains(&state));
        let once = |state| story.iter().find(|step| step.1 == state).is_some_and(|(day, _)| within(*day));
        let last_known = story.iter().rev().find(|(day, _)| *day <= last).map(|(_, state)| *state);
        let facts = [
            waits_at_the_end_of(first - TimeDelta::days(1)),
            within(made),
            ended_as(&[Accepted, Delivered, Undelivered, Expired]),
            ended_as(&[Failed]),
            ended_as(&[Dropped]),
            waits_at_the_end_of(last),
            once(Delivered),
            once(Undelivered),
            once(Expired),
            last_known == Some(Accepted),
        ];
        counts.iter_mut().zip(facts).for_each(|(count, fact)| *count += i64::from(fact));
    }
    counts
}
