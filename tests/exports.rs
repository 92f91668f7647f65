//! A supervisor takes a list of applications out as a file: it is written in the background, downloaded for a day, numbered,
//! and told in the history.

#![allow(clippy::unwrap_used)]

mod support;

use std::io::Cursor;
use std::sync::atomic::AtomicBool;

use calamine::{Data, Reader, Xlsx};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use support::form::encoded;
use support::{Browser, Employee, Page, TestApp, both_databases};
use tnhs::clock;
use tnhs::db::schema::{events, exports, staff};
use tnhs::db::{DbError, exports as taken};
use tnhs::domain::application::Application;
use tnhs::domain::dates::to_hanoi;
use tnhs::domain::event::EventKind;
use tnhs::domain::export::{ExportState, KEPT};
use tnhs::domain::ids::ExportId;
use tnhs::domain::permission::Role;
use tnhs::domain::report::{Figure, Measure, Period, Span};
use tnhs::domain::to_json;
use tnhs::jobs::exports as job;

/// All that came in this year.
fn figure() -> Figure {
    let period = Period::of(Span::Year, to_hanoi(clock::now()).date());
    Figure { measure: Measure::Filed, period, agency: None, below: true, channel: None, staff: None, reason: None }
}

/// Presses *Xuất ra tệp* on the page of the list; returns what came of it.
fn asked(person: &Browser, figure: &Figure, format: &str, more: &str) -> Page {
    let page = person.get("/exports");
    let csrf = page.select("input[name=csrf]")[0].attr("value").unwrap().to_owned();
    let body = format!("csrf={csrf}&figure={}&format={format}{more}", encoded(&to_json(figure)));
    let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", person.base())];
    let page = person.send("POST", "/exports", &headers, body.into_bytes());
    if page.status == 303 { person.get(page.header("location").unwrap()) } else { page }
}

fn id_of(page: &Page) -> ExportId {
    ExportId(page.path().rsplit('/').next().unwrap().parse().unwrap())
}

fn work_at(app: &TestApp, now: NaiveDateTime) -> bool {
    job::step(&app.parts, now, &AtomicBool::new(false)).unwrap()
}

fn work(app: &TestApp) {
    while work_at(app, clock::now()) {}
}

fn state(app: &TestApp, id: ExportId) -> ExportState {
    app.db(|conn| exports::table.find(id).select(exports::state).first(conn))
}

fn files(app: &TestApp) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(app.data_dir().join("exports")) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// What the history says of exports.
fn told(app: &TestApp) -> Vec<serde_json::Value> {
    let all: Vec<Option<String>> = app.db(|conn| {
        let of = events::table.filter(events::kind.eq(EventKind::Exported)).order(events::id);
        of.select(events::after).load(conn)
    });
    all.into_iter().map(|json| serde_json::from_str(&json.unwrap()).unwrap()).collect()
}

/// The rows under the header, and all other texts.
fn read(bytes: Vec<u8>) -> (Vec<Vec<Data>>, String) {
    let mut book = Xlsx::new(Cursor::new(bytes)).unwrap();
    let range = book.worksheet_range("Danh sách").unwrap();
    let rows: Vec<_> = range.rows().map(<[Data]>::to_vec).collect();
    let header = rows.iter().position(|row| row[0] == Data::String("STT".into())).unwrap();
    let listed = rows[header + 1..].iter().take_while(|row| matches!(row[0], Data::Float(_))).cloned().collect();
    let words = rows.iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    (listed, words)
}

fn someone(app: &TestApp) -> (Employee, Browser, [Application; 3]) {
    let filed = [&app.offices.ba_dinh, &app.offices.dong_da, &app.offices.phu_xuan];
    let filed = filed.map(|office| app.declared(office, &app.citizen("Trần Thị Bích Ngọc")));
    let supervisor = app.employee(Role::Supervisor, &app.offices.hanoi);
    let browser = app.sign_in(&supervisor);
    (supervisor, browser, filed)
}

both_databases! {
    fn a_list_is_written_in_the_background_and_downloaded_with_its_number(app: TestApp) {
        let (_, supervisor, [first, second, elsewhere]) = someone(&app);
        let page = asked(&supervisor, &figure(), "xlsx", "").expect(200);
        let id = id_of(&page);
        assert!(page.has_text("Đang chờ đến lượt") && !page.has_link("Tải về"), "{page}");
        supervisor.get(&format!("/exports/{id}/file")).expect(404);
        assert!(told(&app).is_empty(), "nothing has left yet");
        work(&app);
        let page = supervisor.get(&format!("/exports/{id}")).expect(200);
        assert!(page.has_text("2 dòng"), "{page}");
        let file = supervisor.click(&page, "Tải về").expect(200);
        let day = to_hanoi(clock::now()).format("%Y%m%d");
        assert_eq!(file.header("content-disposition"), Some(format!("attachment; filename=\"DanhSachHoSo_{day}.xlsx\"").as_str()));
        let (rows, words) = read(file.bytes);
        let numbers: Vec<String> = rows.iter().map(|row| row[1].to_string()).collect();
        assert_eq!(numbers, [first.number.to_string(), second.number.to_string()]);
        assert!(!words.contains(&elsewhere.number.to_string()), "an office of another province");
        assert!(words.contains(&format!("Số xuất dữ liệu: {id}")) && words.contains("Tổng cộng: 2 dòng."), "{words}");
        // Masked, and whole numbers and dates for whoever computes.
        let code = first.declaration.code.to_string();
        assert_eq!(rows[0][2], Data::String(format!("******{}", &code[6..])));
        assert!(!words.contains(&code) && !words.contains(&first.declaration.phone.to_string()), "{words}");
        assert_eq!(calamine::DataType::as_date(&rows[0][4]).unwrap().to_string(), "1990-03-05");

        let events = told(&app);
        assert_eq!(events.len(), 1);
        assert_eq!((&events[0]["number"], &events[0]["rows"], &events[0]["in_full"]), (&id.0.into(), &2.into(), &false.into()));
        assert_eq!(events[0]["list"]["figure"]["measure"], "filed");
    }

    fn everything_is_shown_only_with_a_reason_which_the_history_keeps(app: TestApp) {
        let (_, supervisor, [first, ..]) = someone(&app);
        let page = asked(&supervisor, &figure(), "csv", "&full=1&reason=+").expect(422);
        assert!(page.text_of("#export-reason-about").contains("Nêu lý do"), "{page}");
        assert!(page.select("input[name=full][checked]").len() == 1, "what was ticked stays");
        let page = supervisor.submit(page.form("/exports").set("reason", "Đối chiếu với HGĐ"));
        let id = id_of(&page.expect(200));
        work(&app);
        let text = String::from_utf8(supervisor.get(&format!("/exports/{id}/file")).expect(200).bytes).unwrap();
        assert!(text.starts_with("\u{FEFF}STT;Số hồ sơ;Mã số BHXH;Họ và tên;"), "{text}");
        for number in [first.declaration.code.to_string(), first.declaration.phone.to_string()] {
            assert!(text.contains(&format!(";{number};")), "{text}");
        }
        assert!(text.contains("Lý do: Đối chiếu với HGĐ") && text.contains(&format!("Số xuất dữ liệu: {id}")));
        assert_eq!((&told(&app)[0]["in_full"], &told(&app)[0]["reason"]), (&true.into(), &"Đối chiếu với HGĐ".into()));
    }

    fn a_broken_download_goes_on_where_it_ended(app: TestApp) {
        let (_, supervisor, _) = someone(&app);
        let id = id_of(&asked(&supervisor, &figure(), "xlsx", ""));
        work(&app);
        let path = format!("/exports/{id}/file");
        let whole = supervisor.get(&path).expect(200);
        let (etag, length) = (whole.header("etag").unwrap().to_owned(), whole.bytes.len());
        let ask = |headers: &[(&str, &str)]| supervisor.send("GET", &path, headers, Vec::new());
        let rest = ask(&[("Range", "bytes=1000-"), ("If-Range", &etag)]).expect(206);
        assert_eq!(rest.header("content-range"), Some(format!("bytes 1000-{}/{length}", length - 1).as_str()));
        assert_eq!([&whole.bytes[..1000], &rest.bytes].concat(), whole.bytes);
        assert_eq!(ask(&[("Range", "bytes=10-19")]).expect(206).bytes, whole.bytes[10..20]);
        // Of another file the rest would be nonsense.
        assert_eq!(ask(&[("Range", "bytes=1000-"), ("If-Range", "\"older\"")]).expect(200).bytes, whole.bytes);
        let beyond = ask(&[("Range", "bytes=99999999-")]).expect(416);
        assert_eq!(beyond.header("content-range"), Some(format!("bytes */{length}").as_str()));
    }

    fn only_its_maker_has_it_and_only_while_they_may(app: TestApp) {
        let (employee, supervisor, _) = someone(&app);
        let id = id_of(&asked(&supervisor, &figure(), "xlsx", ""));
        work(&app);
        let own = [format!("/exports/{id}"), format!("/exports/{id}/file"), format!("/exports/{id}/progress")];
        let colleague = app.sign_in(&app.employee(Role::Supervisor, &app.offices.hanoi));
        let officer = app.officer(&app.offices.ba_dinh);
        for path in &own {
            colleague.get(path).expect(404);
            officer.get(path).expect(403);
        }
        assert!(!colleague.get("/exports").has_text("Danh sách hồ sơ:"));
        // They work for another province now.
        let hue = app.offices.hue.id;
        app.db(|conn| diesel::update(staff::table.find(employee.id)).set(staff::agency_id.eq(hue)).execute(conn));
        app.sign_in(&employee).get(&own[1]).expect(404);
    }

    fn a_list_is_not_written_for_somebody_who_sees_others_by_now(app: TestApp) {
        let (employee, supervisor, _) = someone(&app);
        let id = id_of(&asked(&supervisor, &figure(), "xlsx", ""));
        let hue = app.offices.hue.id;
        app.db(|conn| diesel::update(staff::table.find(employee.id)).set(staff::agency_id.eq(hue)).execute(conn));
        work(&app);
        assert_eq!((state(&app, id), files(&app).len(), told(&app).len()), (ExportState::Failed, 0, 0));
    }

    fn a_file_is_gone_after_a_day(app: TestApp) {
        let (_, supervisor, _) = someone(&app);
        let id = id_of(&asked(&supervisor, &figure(), "csv", ""));
        work(&app);
        job::sweep(&app.parts, clock::now() + KEPT - TimeDelta::minutes(1)).unwrap();
        assert_eq!((state(&app, id), files(&app).len()), (ExportState::Ready, 1));
        job::sweep(&app.parts, clock::now() + KEPT + TimeDelta::minutes(1)).unwrap();
        assert_eq!((state(&app, id), files(&app).len()), (ExportState::Removed, 0));
        supervisor.get(&format!("/exports/{id}/file")).expect(404);
        assert!(supervisor.get(&format!("/exports/{id}")).has_text("Tệp đã bị xóa sau 24 giờ"));
        // Nor can it be had when no worker came to remove it.
        let id = id_of(&asked(&supervisor, &figure(), "csv", ""));
        work(&app);
        let long_ago = clock::now() - KEPT;
        app.db(|conn| diesel::update(exports::table.find(id)).set(exports::at.eq(long_ago)).execute(conn));
        supervisor.get(&format!("/exports/{id}/file")).expect(404);
    }

    /// The process that writes it dies: what it wrote is offered to nobody, another one begins anew.
    fn a_list_that_a_process_died_over_is_written_again(app: TestApp) {
        let (_, supervisor, _) = someone(&app);
        let id = id_of(&asked(&supervisor, &figure(), "csv", ""));
        let now = clock::now();
        let claimed = app.parts.db.write(|conn| Ok::<_, DbError>(taken::claim(conn, "dead", now)?)).unwrap();
        assert_eq!(claimed.map(|it| it.id), Some(id));
        let part = job::path(app.data_dir(), id, "dead");
        std::fs::create_dir_all(part.parent().unwrap()).unwrap();
        std::fs::write(&part, "half").unwrap();
        assert!(!work_at(&app, now), "it may still be alive");
        supervisor.get(&format!("/exports/{id}/file")).expect(404);
        job::sweep(&app.parts, now).unwrap();
        assert!(part.exists(), "nor is its part taken away");
        let later = now + taken::LEASE + TimeDelta::seconds(1);
        assert!(work_at(&app, later));
        assert_eq!((state(&app, id), files(&app).len(), told(&app).len()), (ExportState::Ready, 1, 1));
        assert!(!part.exists());
        let text = String::from_utf8(supervisor.get(&format!("/exports/{id}/file")).expect(200).bytes).unwrap();
        assert!(text.contains("Số xuất dữ liệu"), "{text}");
        // Who was believed dead changes nothing any more.
        let alive = app.parts.db.write(|conn| Ok::<_, DbError>(taken::go_on(conn, id, "dead", (1, 2), now)?)).unwrap();
        assert!(!alive);
    }

    fn a_file_can_be_had_only_with_its_event(app: TestApp) {
        let (_, supervisor, _) = someone(&app);
        let id = id_of(&asked(&supervisor, &figure(), "csv", ""));
        app.dies_at("INSERT", "events", "NEW.kind = 'exported'");
        work(&app);
        assert_eq!((state(&app, id), files(&app).len(), told(&app).len()), (ExportState::Failed, 0, 0));
        supervisor.get(&format!("/exports/{id}/file")).expect(404);
    }

    fn an_export_over_which_processes_die_again_and_again_is_given_up(app: TestApp) {
        let (_, supervisor, _) = someone(&app);
        let id = id_of(&asked(&supervisor, &figure(), "csv", ""));
        let mut now = clock::now();
        for lease in ["one", "two", "three", "four"] {
            app.parts.db.write(|conn| Ok::<_, DbError>(taken::claim(conn, lease, now)?)).unwrap();
            now += taken::LEASE + TimeDelta::seconds(1);
        }
        assert_eq!(state(&app, id), ExportState::Failed);
        assert!(supervisor.get(&format!("/exports/{id}")).has_text("Không ghi được tệp"));
    }

    fn who_needs_it_no_more_stops_it(app: TestApp) {
        let (_, supervisor, _) = someone(&app);
        let page = asked(&supervisor, &figure(), "csv", "");
        let id = id_of(&page);
        let now = clock::now();
        app.parts.db.write(|conn| Ok::<_, DbError>(taken::claim(conn, "alive", now)?)).unwrap();
        let page = supervisor.submit(page.form("Dừng")).expect(200);
        assert!(page.told().contains("Đã dừng"), "{page}");
        let on = app.parts.db.write(|conn| Ok::<_, DbError>(taken::go_on(conn, id, "alive", (1, 2), now)?)).unwrap();
        assert!(!on, "the worker hears of it");
        work_at(&app, now + taken::LEASE + TimeDelta::seconds(1));
        assert_eq!((state(&app, id), told(&app).len()), (ExportState::Cancelled, 0));
    }

    fn one_person_has_three_in_the_making_at_most(app: TestApp) {
        let (_, supervisor, _) = someone(&app);
        for _ in 0..3 {
            asked(&supervisor, &figure(), "csv", "").expect(200);
        }
        let page = asked(&supervisor, &figure(), "csv", "").expect(409);
        assert!(page.has_text("Bạn đang có 3 tệp chờ ghi"), "{page}");
        work(&app);
        asked(&supervisor, &figure(), "csv", "").expect(200);
    }

    fn a_form_that_no_page_has_made_is_refused(app: TestApp) {
        let (_, supervisor, _) = someone(&app);
        let reason = Some("a\u{0}b".to_owned());
        asked(&supervisor, &Figure { reason, ..figure() }, "csv", "").expect(400);
        asked(&supervisor, &figure(), "pdf", "").expect(400);
        // Of another province there is nothing to see.
        let hue = Figure { agency: Some(app.offices.hue.id), ..figure() };
        let id = id_of(&asked(&supervisor, &hue, "csv", ""));
        work(&app);
        let rows: i64 = app.db(|conn| exports::table.find(id).select(exports::rows_done).first(conn));
        assert_eq!(rows, 0);
    }
}
