//! *Mời cài đặt VssID*: a supervisor invites people who have never used their account, by a filter, knowing how many; the worker
//! queues a message for each of them once, whatever happens to it.

#![allow(clippy::unwrap_used)]

mod support;

use chrono::{NaiveDateTime, NaiveTime, TimeDelta};
use diesel::prelude::*;

use support::{Browser, Page, TestApp, both_databases, hanoi};
use tnhs::clock;
use tnhs::db::schema::{accounts, invitations as stored, messages};
use tnhs::domain::account::Account;
use tnhs::domain::dates::{from_hanoi, to_hanoi};
use tnhs::domain::delivery::MessageState;
use tnhs::domain::outbox::MessageKind;
use tnhs::domain::permission::Role;
use tnhs::jobs::invitations;

fn supervisor(app: &TestApp) -> Browser {
    app.sign_in(&app.employee(Role::Supervisor, &app.offices.hanoi))
}

/// Asks how many there are.
fn count(supervisor: &Browser, fields: &[(&str, &str)]) -> Page {
    let page = supervisor.get("/invitations").expect(200);
    let form = fields.iter().fold(page.form("Đếm số người"), |form, (name, value)| form.set(name, value));
    supervisor.submit(form).expect(200)
}

/// So many hours after midnight in Hanoi.
fn today(hours: i64) -> NaiveDateTime {
    from_hanoi(to_hanoi(clock::now()).date(), NaiveTime::MIN) + TimeDelta::hours(hours)
}

/// Lets the worker queue all invitations.
fn walk(app: &TestApp, now: NaiveDateTime) {
    while invitations::step(&app.parts, now).unwrap() > 0 {}
}

/// Where the latest invitations are stopped.
fn last_stop(app: &TestApp) -> String {
    let latest = stored::table.order(stored::id.desc()).select(stored::id);
    let id: tnhs::domain::ids::InvitationId = app.db(|conn| latest.first(conn));
    format!("/invitations/{id}/stop")
}

/// The invitations, as (account, state).
fn invited(app: &TestApp) -> Vec<(Option<tnhs::domain::ids::AccountId>, MessageState)> {
    app.db(|conn| {
        messages::table
            .filter(messages::kind.eq(MessageKind::Invitation))
            .order(messages::id)
            .select((messages::account_id, messages::state))
            .load(conn)
    })
}

fn signed_in(app: &TestApp, account: &Account) {
    app.db(|conn| {
        diesel::update(accounts::table.find(account.id)).set(accounts::last_sign_in_at.eq(clock::now())).execute(conn)
    });
}

both_databases! {
    fn those_who_never_signed_in_are_counted_confirmed_and_told_without_a_link(app: TestApp) {
        let (mai, lan) = (app.holder("Nguyễn Thị Mai"), app.holder("Trần Thị Lan"));
        let used = app.holder("Lê Văn Dùng");
        signed_in(&app, &used);
        app.holder_at(&app.offices.ba_dinh, &app.child(&mai.holder, true));
        app.holder_at(&app.offices.phu_xuan, &app.citizen("Phạm Thị Huế"));
        app.declared(&app.offices.ba_dinh, &app.citizen("Đỗ Văn Chờ"));
        app.outbox_drain();
        let before = app.sms().len();
        let supervisor = supervisor(&app);
        let page = count(&supervisor, &[]);
        assert!(page.has_text("Mời 2 người?"), "neither the one who uses it, the child, nor another province: {page}");
        assert!(page.text_of(".sms").contains("VssID") && !page.text_of(".sms").contains("http"), "{page}");
        assert!(page.has_text("1 tin cho mỗi người"));
        assert!(invited(&app).is_empty(), "nothing yet");

        let page = supervisor.submit(page.form("Gửi 2 lời mời")).expect(200);
        assert!(page.told().contains("Đang mời 2 người"), "{page}");
        let noon = today(12);
        walk(&app, noon);
        let ids: Vec<_> = invited(&app).into_iter().map(|(id, _)| id.unwrap()).collect();
        assert_eq!(ids, [mai.id, lan.id]);
        app.outbox_drain_at(noon);
        let texts = app.sms()[before..].concat();
        for account in [&mai, &lan] {
            assert!(texts.contains(&format!("To: {}", account.holder.phone)) && texts.contains(account.code()), "{texts}");
        }
        let page = supervisor.get("/invitations");
        assert!(page.has_text("Đã gửi: 2"), "{page}");
        assert!(count(&supervisor, &[]).has_text("Không có ai để mời"), "nobody is invited twice in a month");
    }

    fn the_filter_means_an_office_and_the_days_of_approval(app: TestApp) {
        let mai = app.holder("Nguyễn Thị Mai");
        let lan = app.holder_at(&app.offices.dong_da, &app.citizen("Trần Thị Lan"));
        let approved_at = |account: &Account, at: &str| {
            let at = hanoi(at);
            app.db(|conn| diesel::update(accounts::table.find(account.id)).set(accounts::created_at.eq(at)).execute(conn));
        };
        approved_at(&mai, "10/11/2026 23:59");
        approved_at(&lan, "11/11/2026 00:00");
        let supervisor = supervisor(&app);
        let dong_da = app.offices.dong_da.id.to_string();
        assert!(count(&supervisor, &[("agency", &dong_da)]).has_text("Mời 1 người?"));
        assert!(count(&supervisor, &[("to", "10/11/2026")]).has_text("Mời 1 người?"));
        assert!(count(&supervisor, &[("from", "11/11/2026")]).has_text("Mời 1 người?"));
        assert!(count(&supervisor, &[("from", "10/11/2026"), ("to", "11/11/2026")]).has_text("Mời 2 người?"));
        assert!(count(&supervisor, &[("from", "12/11/2026")]).has_text("Không có ai để mời"));
        let form = supervisor.get("/invitations").form("Đếm số người").set("from", "12/11/2026").set("to", "11/11/2026");
        let page = supervisor.submit(form).expect(422);
        assert_eq!(page.fault("to").unwrap(), "Đến ngày không được trước Từ ngày.");
        assert_eq!(page.form("Đếm số người").value("from"), "12/11/2026", "what was typed stays");
        let phu_xuan = app.offices.phu_xuan.id.to_string();
        app.holder_at(&app.offices.phu_xuan, &app.citizen("Phạm Thị Huế"));
        let form = supervisor.get("/invitations").form("Đếm số người").forge("agency", &phu_xuan);
        assert!(supervisor.submit(form).expect(200).has_text("Không có ai để mời"), "not an office of theirs");
    }

    fn when_the_number_has_changed_it_asks_again(app: TestApp) {
        app.holder("Nguyễn Thị Mai");
        let supervisor = supervisor(&app);
        let page = count(&supervisor, &[]);
        app.holder("Trần Thị Lan");
        let page = supervisor.submit(page.form("Gửi 1 lời mời")).expect(200);
        assert!(page.has_text("Số người vừa thay đổi") && page.has_text("Mời 2 người?"), "{page}");
        walk(&app, clock::now());
        assert!(invited(&app).is_empty());
    }

    fn pressed_twice_it_invites_once(app: TestApp) {
        app.holder("Nguyễn Thị Mai");
        let supervisor = supervisor(&app);
        let page = count(&supervisor, &[]);
        let form = page.form("Gửi 1 lời mời");
        supervisor.submit(form.clone()).expect(200);
        let page = supervisor.submit(form).expect(409);
        assert!(page.has_text("còn đang được xếp hàng"), "{page}");
        walk(&app, clock::now());
        assert_eq!(invited(&app).len(), 1);
    }

    fn workers_beside_each_other_and_one_that_dies_invite_each_once(app: TestApp) {
        for _ in 0..7 {
            app.holder("Nguyễn Thị Mai");
        }
        let supervisor = supervisor(&app);
        supervisor.submit(count(&supervisor, &[]).form("Gửi 7 lời mời")).expect(200);
        let now = clock::now();
        let walk_of = |limit: i64| {
            let open = app.db(tnhs::db::invitations::open);
            open.into_iter().map(|walk| app.db(|conn| tnhs::db::invitations::go_on(conn, walk, limit, now))).collect::<Vec<_>>()
        };
        let stale = app.db(tnhs::db::invitations::open)[0];
        assert_eq!(walk_of(3), [Some(3)]);
        assert_eq!(app.db(|conn| tnhs::db::invitations::go_on(conn, stale, 3, now)), None, "another worker was there");
        // Dies between the messages and the place in the walk.
        app.dies_at("UPDATE", "accounts", "NEW.invited_at IS NOT NULL");
        assert!(invitations::step(&app.parts, now).is_err());
        app.starts_again("accounts");
        assert_eq!(invited(&app).len(), 3, "a batch is whole or not there");
        walk(&app, now);
        assert_eq!(invited(&app).len(), 7);
        let mut ids: Vec<_> = invited(&app).into_iter().map(|(id, _)| id).collect();
        ids.dedup();
        assert_eq!(ids.len(), 7, "each once");
        let (queued, ended): (i64, Option<NaiveDateTime>) =
            app.db(|conn| stored::table.select((stored::queued, stored::ended_at)).first(conn));
        assert!(queued == 7 && ended.is_some());
    }

    fn a_backlog_stops_at_eight_in_the_evening_and_goes_on_in_the_morning(app: TestApp) {
        app.holder("Nguyễn Thị Mai");
        app.outbox_drain();
        let before = app.sms().len();
        let supervisor = supervisor(&app);
        supervisor.submit(count(&supervisor, &[]).form("Gửi 1 lời mời")).expect(200);
        walk(&app, today(19));
        app.outbox_drain_at(today(21));
        assert_eq!(app.sms().len(), before, "it was queued by day, and it is night");
        app.outbox_drain_at(today(32));
        assert_eq!(app.sms().len(), before + 1);
    }

    fn two_supervisors_who_invite_the_same_people_invite_each_once(app: TestApp) {
        app.holder("Nguyễn Thị Mai");
        app.holder("Trần Thị Lan");
        let all = [supervisor(&app), app.sign_in(&app.employee(Role::Supervisor, &app.offices.centre))];
        for one in &all {
            one.submit(count(one, &[]).form("Gửi 2 lời mời")).expect(200);
        }
        walk(&app, today(12));
        assert_eq!(invited(&app).len(), 2);
    }

    fn what_was_stopped_leaves_no_more_and_nobody_is_invited_who_signed_in_meanwhile(app: TestApp) {
        let mai = app.holder("Nguyễn Thị Mai");
        let lan = app.holder("Trần Thị Lan");
        app.outbox_drain();
        let before = app.sms().len();
        let supervisor = supervisor(&app);
        supervisor.submit(count(&supervisor, &[]).form("Gửi 2 lời mời")).expect(200);
        let (night, morning) = (today(22), today(32));
        walk(&app, night);
        app.outbox_drain_at(night + TimeDelta::hours(1));
        assert!(invited(&app).iter().all(|(_, state)| *state == MessageState::Queued), "nobody is woken at night");
        signed_in(&app, &mai);
        app.outbox_drain_at(morning);
        let states = invited(&app);
        assert_eq!(states, [(Some(mai.id), MessageState::Dropped), (Some(lan.id), MessageState::Accepted)]);
        assert_eq!(app.sms().len(), before + 1);

        app.holder("Lê Thị Cúc");
        app.outbox_drain();
        let before = app.sms().len();
        supervisor.submit(count(&supervisor, &[]).form("Gửi 1 lời mời")).expect(200);
        walk(&app, night);
        let page = supervisor.get("/invitations");
        let page = supervisor.submit(page.form(&last_stop(&app))).expect(200);
        assert!(page.told().contains("Đã dừng"), "{page}");
        app.outbox_drain_at(morning);
        assert_eq!(invited(&app).last().unwrap().1, MessageState::Dropped);
        assert_eq!(app.sms().len(), before);
    }

    fn only_a_supervisor_invites_and_only_their_own_are_theirs_to_stop(app: TestApp) {
        app.holder("Nguyễn Thị Mai");
        for role in [Role::Officer, Role::Admin] {
            let other = app.sign_in(&app.employee(role, &app.offices.hanoi));
            other.get("/invitations").expect(403);
        }
        let here = supervisor(&app);
        here.submit(count(&here, &[]).form("Gửi 1 lời mời")).expect(200);
        let elsewhere = app.sign_in(&app.employee(Role::Supervisor, &app.offices.hue));
        let page = elsewhere.get("/invitations");
        assert!(!page.has_button("Dừng") && !page.has_text("Các lần mời"), "{page}");
        let form = here.get("/invitations").form(&last_stop(&app)).forge("csrf", page.form("Đếm số người").value("csrf"));
        elsewhere.submit(form).expect(404);
    }
}
