//! One-time passwords: for whom, for what, how long, how often, and once.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::Barrier;
use std::thread;

use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::{Value, json};

use support::api::{OWN, PHONE, TABLET};
use support::{TestApp, both_databases};
use tnhs::clock;
use tnhs::db::citizens::{self, Stamp};
use tnhs::db::credentials;
use tnhs::db::schema::{accounts, otps};
use tnhs::domain::account::OtpPurpose;
use tnhs::domain::application::Guardian;
use tnhs::domain::citizen::Device;
use tnhs::domain::event::EventKind;
use tnhs::domain::ids::OtpId;
use tnhs::domain::names::Name;
use tnhs::domain::numbers::Phone;
use tnhs::domain::outbox::MessageKind;

const NEW: &str = "Mật khẩu mới hẳn";

/// Some digits that are not these.
fn other_than(digits: &str) -> String {
    if digits == "000000" { "111111".into() } else { "000000".into() }
}

fn used(app: &TestApp, id: OtpId) -> bool {
    app.db(|conn| otps::table.find(id).filter(otps::used_at.is_not_null()).count().get_result::<i64>(conn)) == 1
}

both_databases! {
    fn it_is_used_once(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        client.verify(&citizen, OWN, PHONE).expect(200);
        let first = app.otp(&client, &citizen, "device", Some(TABLET));
        assert!(client.verify_with(&citizen, TABLET, &first).expect(200).json["ended_device"].as_bool().unwrap());
        assert!(used(&app, first.0));
        // The phone is back in, without another one-time password.
        let phone = Device::parse(PHONE).unwrap();
        app.db(|conn| credentials::sign_in(conn, citizen.account, &phone, clock::now()));
        let replayed = client.verify_with(&citizen, TABLET, &first).expect(422);
        assert_eq!((replayed.says(), replayed.faults()), ("wrong-otp", vec!["otp"]));
        assert_eq!(client.verify(&citizen, OWN, PHONE).expect(200).says(), "signed_in", "the phone is still in");
    }

    fn of_two_uses_at_once_one_wins(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        let (id, _) = app.otp(&client, &citizen, "password", None);
        let uses: Vec<bool> = thread::scope(|scope| {
            let one = || app.db(|conn| {
                credentials::use_otp(conn, (id, citizen.account), OtpPurpose::Password, clock::now())
            });
            let all: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(uses.iter().filter(|won| **won).count(), 1);
    }

    fn of_two_changes_at_once_one_counts(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        let otp = app.otp(&client, &citizen, "password", None);
        let passwords = ["Mật khẩu của người một", "Mật khẩu của người hai"];
        let won = thread::scope(|scope| {
            let changes = passwords.map(|new| {
                let (client, citizen, otp) = (&client, &citizen, &otp);
                scope.spawn(move || client.change(citizen, new, otp, None).status == 200)
            });
            changes.map(|change| change.join().unwrap())
        });
        assert!(won[0] != won[1], "{won:?}");
        for (password, won) in passwords.iter().zip(won) {
            assert_eq!(client.verify(&citizen, password, PHONE).status == 200, won);
        }
        let changed = app.happened(&citizen).iter().filter(|kind| **kind == EventKind::CitizenPasswordChanged).count();
        assert_eq!(changed, 1);
    }

    fn it_is_good_for_one_purpose_one_device_and_one_account(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        client.verify(&citizen, OWN, PHONE).expect(200);
        let another = "a third device of the same one";
        let for_tablet = app.otp(&client, &citizen, "device", Some(TABLET));
        client.verify_with(&citizen, another, &for_tablet).expect(422);
        client.change(&citizen, NEW, &for_tablet, Some(TABLET)).expect(422);
        client.change(&citizen, NEW, &for_tablet, None).expect(422);
        let neighbour = app.settled_citizen("Lê Văn Ba");
        client.verify(&neighbour, OWN, PHONE).expect(200);
        client.verify_with(&neighbour, TABLET, &for_tablet).expect(422);
        client.verify_with(&citizen, TABLET, &for_tablet).expect(200);

        let for_change = app.otp(&client, &citizen, "password", Some(TABLET));
        client.verify_with(&citizen, another, &for_change).expect(422);
        client.change(&citizen, NEW, &for_change, None).expect(422);
        client.change(&citizen, NEW, &for_change, Some(PHONE)).expect(422);
        client.change(&citizen, NEW, &for_change, Some(TABLET)).expect(200);
        assert_eq!(client.verify(&citizen, NEW, TABLET).expect(200).says(), "signed_in");
    }

    fn it_runs_out_after_five_minutes(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        let otp = app.otp(&client, &citizen, "password", None);
        let expires_at = |left: TimeDelta| app.db(|conn| {
            diesel::update(otps::table).set(otps::expires_at.eq(clock::now() + left)).execute(conn)
        });
        let life: chrono::NaiveDateTime = app.db(|conn| otps::table.find(otp.0).select(otps::expires_at).first(conn));
        assert!((life - clock::now() - TimeDelta::minutes(5)).abs() < TimeDelta::minutes(1), "{life}");
        expires_at(TimeDelta::milliseconds(-1));
        client.change(&citizen, NEW, &otp, None).expect(422);
        expires_at(TimeDelta::minutes(1));
        client.change(&citizen, NEW, &otp, None).expect(200);
    }

    fn one_that_ran_out_before_it_was_sent_is_not_sent(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        client.ask_otp(&citizen, "password", None).expect(202);
        app.outbox_drain_at(clock::now() + TimeDelta::minutes(6));
        assert!(!app.sms().iter().any(|sms| sms.contains("Ma xac thuc")), "{:?}", app.sms());
    }

    fn a_newer_one_makes_the_older_void(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        let older = app.otp(&client, &citizen, "password", None);
        let newer = app.otp(&client, &citizen, "password", None);
        client.change(&citizen, NEW, &older, None).expect(422);
        client.change(&citizen, NEW, &newer, None).expect(200);
    }

    fn five_wrong_tries_make_it_void_and_four_do_not(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        let wrong = |(id, digits): &(OtpId, String)| (*id, other_than(digits));
        let otp = app.otp(&client, &citizen, "password", None);
        for _ in 0..5 {
            client.change(&citizen, NEW, &wrong(&otp), None).expect(422);
        }
        client.change(&citizen, NEW, &otp, None).expect(422);
        let otp = app.otp(&client, &citizen, "password", None);
        for _ in 0..4 {
            client.change(&citizen, NEW, &wrong(&otp), None).expect(422);
        }
        client.change(&citizen, NEW, &otp, None).expect(200);
        let tries: i32 = app.db(|conn| accounts::table.select(accounts::failed_tries).first(conn));
        assert_eq!(tries, 0, "the password was right each time");
    }

    fn of_many_tries_at_once_five_are_judged(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        let (id, _) = app.otp(&client, &citizen, "password", None);
        let judged: Vec<bool> = thread::scope(|scope| {
            let one = || {
                let (of, purpose) = ((id, citizen.account), OtpPurpose::Password);
                app.db(|conn| credentials::count_otp_try(conn, of, purpose, None, clock::now())).is_some()
            };
            let all: Vec<_> = (0..20).map(|_| scope.spawn(one)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(judged.iter().filter(|judged| **judged).count(), 5);
    }

    fn it_comes_once_a_minute_and_five_times_an_hour(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        let ask = || client.ask_otp(&citizen, "password", None);
        let asked_ago = |ago: TimeDelta| app.db(|conn| {
            diesel::update(otps::table).set(otps::created_at.eq(clock::now() - ago)).execute(conn)
        });
        let wait = || ask().expect(429).header("retry-after").unwrap().parse::<u32>().unwrap();
        ask().expect(202);
        assert!((50..=61).contains(&wait()));
        for _ in 0..4 {
            asked_ago(TimeDelta::seconds(61));
            ask().expect(202);
        }
        asked_ago(TimeDelta::minutes(2));
        assert!((57 * 60..=58 * 60 + 1).contains(&wait()));
        asked_ago(TimeDelta::minutes(61));
        ask().expect(202);
    }

    fn of_those_who_ask_at_once_one_gets_it(app: TestApp) {
        let citizen = app.settled_citizen("Trần Thị Bích Ngọc");
        let hashes = app.hashes(&citizen);
        for race in 1..=10 {
            let stamp = Stamp { at: clock::now(), address: "127.0.0.1".into() };
            let start = Barrier::new(4);
            let ask = || {
                start.wait();
                app.db(|conn| {
                    let account = citizens::proven(conn, citizen.account, &hashes)?.unwrap();
                    Ok(citizens::ask_otp(conn, &account, OtpPurpose::Password, None, &stamp)?.is_ok())
                })
            };
            let asked: Vec<bool> = thread::scope(|scope| {
                let all: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
                all.into_iter().map(|one| one.join().unwrap()).collect()
            });
            assert_eq!(asked.iter().filter(|asked| **asked).count(), 1, "race {race}");
            assert_eq!(app.told(&citizen, MessageKind::Otp), race);
            app.otps_were_asked_long_ago();
        }
    }

    fn a_childs_goes_to_the_guardian(app: TestApp) {
        let client = app.client();
        let mut child = app.citizen("Trần Gia Bảo");
        child.guardian = Some(Guardian {
            name: Name::parse("Trần Văn Hùng").unwrap(),
            code: None,
            phone: Phone::parse("0911222333").unwrap(),
            email: None,
            relation: None,
        });
        let citizen = app.approved_citizen(&child);
        assert_eq!(client.ask_otp(&citizen, "password", None).expect(202).json["sent_to"], "******2333");
        app.outbox_drain();
        let sms = app.sms().pop().unwrap();
        assert!(sms.starts_with("To: 0911222333\n") && sms.contains("Ma xac thuc"), "{sms}");
    }

    fn its_digits_are_kept_as_a_hash_only(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        let (id, digits) = app.otp(&client, &citizen, "password", None);
        let hash: Option<String> = app.db(|conn| otps::table.find(id).select(otps::hashes).first(conn));
        assert!(hash.unwrap().starts_with("$argon2id$"));
        let bodies: Vec<String> = app.db(|conn| {
            tnhs::db::schema::messages::table.select(tnhs::db::schema::messages::body).load(conn)
        });
        assert!(bodies.iter().all(|body| !body.contains(&digits)));
    }

    fn what_cannot_be_read_is_said_beside_its_field(app: TestApp) {
        let (client, citizen) = (app.client(), app.settled_citizen("Trần Thị Bích Ngọc"));
        let good: [(&str, Value); 3] = [
            ("verify", json!({ "account": citizen.code, "password": OWN, "device": PHONE, "otp": "123456", "otp_id": 1 })),
            ("otp", json!({ "account": citizen.code, "password": OWN, "purpose": "device", "device": PHONE })),
            ("password", json!({ "account": citizen.code, "password": OWN, "new_password": NEW, "otp": "123456",
                "otp_id": 1, "device": PHONE })),
        ];
        let naughty = ["", "\0", "a\0b", "\u{FFFD}", "\u{202E}1234567890", "\u{7}", "\u{FFFE}", "' OR 1=1 --", "{mat_khau}",
            "😀", "Nguyễn", "\u{200B}", &"9".repeat(10_000)];
        // What is sent, the status, and the field that is wrong.
        let mut cases: Vec<(&str, Value, u16, Option<String>)> = Vec::new();
        for (what, body) in good {
            for field in body.as_object().unwrap().keys() {
                let with = |value: Value| {
                    let mut body = body.clone();
                    body[field] = value;
                    body
                };
                let is_password = field.ends_with("password");
                // A picture or a tag may well be part of a password, a number is no text.
                let is_wrong = |text: &&str| !is_password || text.contains(|c: char| c.is_control() || c == '\u{FFFD}');
                for text in naughty.into_iter().filter(|text| field != "otp_id" && is_wrong(text)) {
                    cases.push((what, with(text.into()), 422, Some(field.clone())));
                }
                for wrong in [json!(true), json!([]), json!({}), json!(1.5)] {
                    cases.push((what, with(wrong), 422, None));
                }
                cases.push((what, with("x".repeat(20_000).into()), 413, None));
                let mut without = body.clone();
                without.as_object_mut().unwrap().remove(field);
                if (what, field.as_str()) != ("password", "device") {
                    cases.push((what, without, 422, Some(field.clone())));
                }
            }
            let mut more = body.clone();
            more["admin"] = true.into();
            cases.push((what, more, 422, None));
        }
        let check = |(what, body, status, field): &(&str, Value, u16, Option<String>)| {
            let answer = client.call(what, body).expect(*status);
            assert_eq!(answer.says(), if *status == 422 { "invalid" } else { "too-large" });
            assert_eq!(answer.faults(), field.iter().map(String::as_str).collect::<Vec<_>>(), "{what} {body}");
        };
        thread::scope(|scope| {
            for share in cases.chunks(cases.len() / 16) {
                scope.spawn(|| share.iter().for_each(check));
            }
        });
        let tries: i32 = app.db(|conn| accounts::table.find(citizen.account)
            .select(accounts::failed_tries).first(conn));
        assert_eq!(tries, 0, "none of these was a try");
    }
}
