//! Who may use the interface: keys, what they open, how often, and how the interface answers whoever does it wrong.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeSet;

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde_json::{Value, json};

use support::api::{Answer, Client, OWN, PHONE};
use support::{Browser, Program, TestApp, TestDb, both_databases};
use tnhs::clock;
use tnhs::db::schema::{api_keys, events};
use tnhs::domain::api_key::ApiScope;
use tnhs::domain::event::EventKind;
use tnhs::domain::permission::Role;

const VERIFY: &str = "/api/v1/accounts/verify";
const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A call that is good but for its key.
fn with_key(client: &Client, authorization: &[(&str, &str)]) -> Answer {
    let body = json!({ "account": "0100000001", "password": OWN, "device": PHONE }).to_string();
    client.send("POST", VERIFY, &[authorization, &[JSON]].concat(), body.into_bytes())
}

/// Whether this key gets as far as the password.
fn opens(client: &Client, key: &str) -> bool {
    let answer = with_key(client, &[("Authorization", &format!("Bearer {key}"))]);
    assert!(matches!(answer.says(), "wrong-password" | "no-key"), "{}", answer.body);
    answer.says() == "wrong-password"
}

fn admin_of_the_centre(app: &TestApp) -> Browser {
    app.sign_in(&app.employee(Role::Admin, &app.offices.centre))
}

fn key_events(app: &TestApp) -> Vec<(EventKind, bool)> {
    app.db(|conn| {
        events::table
            .filter(events::kind.eq_any([EventKind::ApiKeyAdded, EventKind::ApiKeyRevoked]))
            .order(events::id)
            .select((events::kind, events::staff_id.is_not_null()))
            .load(conn)
    })
}

fn stored_text(app: &TestApp) -> String {
    let rows: Vec<(String, String, String)> =
        app.db(|conn| api_keys::table.select((api_keys::name, api_keys::key_hash, api_keys::scopes)).load(conn));
    format!("{rows:?}")
}

/// Every reference in the document leads somewhere in it.
fn walk_references(document: &Value, at: &Value, found: &mut usize) {
    match at {
        Value::Object(fields) => {
            if let Some(to) = fields.get("$ref").and_then(Value::as_str) {
                assert!(document.pointer(to.strip_prefix('#').unwrap()).is_some(), "{to} leads nowhere");
                *found += 1;
            }
            fields.values().for_each(|value| walk_references(document, value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| walk_references(document, value, found)),
        _ => {}
    }
}

both_databases! {
    fn without_a_key_that_is_in_use_nothing_opens(app: TestApp) {
        let client = app.client();
        let bearer = |key: &str| format!("Bearer {key}");
        for authorization in ["", "Bearer", "Bearer ", "Bearer tnhs_unknown", "Basic dG5oczp0bmhz", &client.key,
            &bearer(&client.key[..47]), &bearer(&client.key.to_uppercase())]
        {
            let answer = with_key(&client, &[("Authorization", authorization)]);
            assert_eq!((answer.status, answer.says()), (401, "no-key"), "{authorization:?}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
        assert_eq!(with_key(&client, &[]).says(), "no-key");
        // Before anything else is told.
        assert_eq!(client.send("POST", VERIFY, &[], b"no JSON".to_vec()).says(), "no-key");
        assert!(opens(&client, &client.key));
        assert_eq!(with_key(&client, &[("Authorization", &format!("bearer {}", client.key))]).says(), "wrong-password");
    }

    fn a_key_opens_what_it_is_for(app: TestApp) {
        let client = app.client();
        let key = app.api_key("Báo cáo", &[]);
        let answer = with_key(&client, &[("Authorization", &format!("Bearer {key}"))]);
        assert_eq!((answer.status, answer.says()), (403, "no-scope"));
    }

    fn an_admin_of_the_centre_hands_out_a_key_that_is_shown_once_and_takes_it_back(app: TestApp) {
        let (client, admin) = (app.client(), admin_of_the_centre(&app));
        let form = || admin.get("/api-keys").form("Cấp khóa");
        for (form, field) in [
            (form().check("accounts"), "name"),
            (form().set("name", "Cổng dịch vụ"), "scopes"),
            (form().set("name", "Cổng\u{202E}").check("accounts"), "name"),
            (form().set("name", &"dài ".repeat(30)).check("accounts"), "name"),
            (form().set("name", "VssID").check("accounts"), "name"),
        ] {
            let typed = form.value("name").to_owned();
            let page = admin.submit(form).expect(422);
            assert!(page.fault(field).is_some(), "{field} of «{typed}»: {page}");
            assert_eq!(page.form("Cấp khóa").value("name"), typed, "what was typed is lost");
        }
        let page = admin.submit(form().set("name", "Cổng dịch vụ").check("accounts")).expect(200);
        let key = page.text_of("code.secret");
        assert!(key.len() == 48 && key.starts_with("tnhs_"), "{key}");
        let page = admin.get("/api-keys");
        assert!(!page.html.contains(&key), "it is shown once");
        assert!(!stored_text(&app).contains(&key[5..]), "it is kept as a hash");
        assert!(page.has_text("Cổng dịch vụ") && page.has_text("Đăng nhập và mật khẩu của người dân"), "{page}");
        assert!(page.texts_of("td[data-label='Dùng gần nhất']").iter().all(|used| used == "Chưa"), "{page}");

        assert!(opens(&client, &key));
        assert_ne!(admin.get("/api-keys").texts_of("td[data-label='Dùng gần nhất']")[0], "Chưa");
        let revoke = admin.get("/api-keys").form("Thu hồi Cổng dịch vụ");
        assert!(admin.submit(revoke.clone()).expect(200).told().contains("Đã thu hồi"));
        assert!(!opens(&client, &key) && opens(&client, &client.key), "that one and no other");
        admin.submit(revoke).expect(200);
        assert!(!admin.get("/api-keys").has_button("Thu hồi Cổng dịch vụ"));
        use EventKind::{ApiKeyAdded, ApiKeyRevoked};
        assert_eq!(key_events(&app), [(ApiKeyAdded, false), (ApiKeyAdded, true), (ApiKeyRevoked, true)]);
        // The name is free again.
        admin.submit(form().set("name", "Cổng dịch vụ").check("accounts")).expect(200);
    }

    fn nobody_else_sees_or_hands_out_keys(app: TestApp) {
        let centre = admin_of_the_centre(&app);
        assert!(centre.get("/staff").has_link("Khóa kết nối"));
        let key = app.api_key("VssID", &[ApiScope::Accounts]);
        let form = centre.get("/api-keys").form("Cấp khóa").set("name", "Cổng dịch vụ").check("accounts");
        let revoke = centre.get("/api-keys").form("Thu hồi VssID");
        let province = app.sign_in(&app.employee(Role::Admin, &app.offices.hanoi));
        let page = province.get("/staff").expect(200);
        assert!(!page.has_link("Khóa kết nối"));
        let csrf = page.form("Thêm cán bộ").value("csrf").to_owned();
        assert_eq!(province.get("/api-keys").status, 403);
        for form in [form, revoke] {
            assert_eq!(province.submit_only(&form.forge("csrf", &csrf)).status, 403);
        }
        for role in [Role::Officer, Role::Supervisor] {
            let person = app.sign_in(&app.employee(role, &app.offices.centre));
            assert_eq!(person.get("/api-keys").status, 403);
        }
        assert!(opens(&app.client_with(&key), &key));
        assert_eq!(key_events(&app), [(EventKind::ApiKeyAdded, false)]);
    }

    fn a_key_comes_and_goes_by_command(app: TestApp) {
        let (client, program) = (app.client(), Program::beside(&app));
        let add = |name: &str| program.run(&["api-key", "add", "--name", name, "--scope", "accounts"]);
        let added = add("Cổng dịch vụ").expect(0);
        let [id, key] = added.stdout.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{added:#?}") };
        assert!(opens(&client, key) && !added.stderr.contains(key), "{added:#?}");
        assert!(add("Cổng dịch vụ").expect(1).complaint().contains("Cổng dịch vụ"));
        assert_eq!(program.run(&["api-key", "revoke", "--id", id]).expect(0).stdout, format!("{id} revoked\n"));
        assert!(!opens(&client, key));
        assert!(program.run(&["api-key", "revoke", "--id", id]).expect(1).complaint().contains("no such key"));
        assert!(opens(&client, &client.key));
        program.run(&["api-key", "revoke", "--name", "VssID"]).expect(0);
        assert!(!opens(&client, &client.key));
        for wrong in [&["add", "--name", "X"][..], &["add", "--name", "X", "--scope", "all"], &["revoke"],
            &["add", "--name", "", "--scope", "accounts"], &["revoke", "--name", "X", "--id", "1"]]
        {
            program.run(&[&["api-key"], wrong].concat()).expect(2).complaint();
        }
    }

    fn that_a_key_is_used_is_noted_once_a_minute(app: TestApp) {
        let client = app.client();
        let last_use = || -> Option<NaiveDateTime> {
            app.db(|conn| api_keys::table.select(api_keys::last_used_at).first(conn))
        };
        assert_eq!(last_use(), None);
        assert!(opens(&client, &client.key));
        let first = last_use().unwrap();
        let used_ago = |seconds: i64| {
            let at = first - TimeDelta::seconds(seconds);
            app.db(|conn| diesel::update(api_keys::table).set(api_keys::last_used_at.eq(at)).execute(conn));
            assert!(opens(&client, &client.key));
            last_use().unwrap() == at
        };
        assert!(used_ago(30), "half a minute is not worth a write");
        assert!(!used_ago(61));
        assert!(clock::now() - last_use().unwrap() < TimeDelta::minutes(1));
    }

    fn a_key_that_calls_too_often_waits(database: TestDb) {
        let app = database.serve(&[("TNHS_API_PER_MINUTE", "3")]);
        let client = app.client();
        for _ in 0..3 {
            assert!(opens(&client, &client.key));
        }
        let refused = with_key(&client, &[("Authorization", &format!("Bearer {}", client.key))]);
        assert_eq!((refused.status, refused.says()), (429, "too-many"));
        let wait: u32 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=21).contains(&wait), "{wait}");
        let other = app.api_key("Cổng dịch vụ", &[ApiScope::Accounts]);
        assert!(opens(&client, &other), "each has its own");
    }

    fn calls_about_one_account_are_limited_whether_or_not_it_exists(app: TestApp) {
        let client = app.client();
        let about = |code: &str| {
            client.call("verify", &json!({ "account": code, "password": OWN, "device": PHONE })).status
        };
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let calls: Vec<_> = (0..24).map(|_| scope.spawn(|| about("0199999999"))).collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });
        let judged = statuses.iter().filter(|status| **status == 401).count();
        assert!((20..=22).contains(&judged) && statuses.iter().all(|s| matches!(s, 401 | 429)), "{statuses:?}");
        assert_eq!(about("0199999998"), 401, "others are not");
    }

    fn whatever_goes_wrong_below_api_is_told_as_json(app: TestApp) {
        let client = app.client();
        let bearer = format!("Bearer {}", client.key);
        let key = ("Authorization", bearer.as_str());
        let officer = app.officer(&app.offices.ba_dinh);
        let body = || json!({ "account": "0100000001", "password": OWN, "device": PHONE }).to_string().into_bytes();
        let send = |method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>| {
            client.send(method, path, headers, body)
        };
        let form = ("Content-Type", "application/x-www-form-urlencoded");
        for (answer, status, says) in [
            (send("GET", "/api", &[key], vec![]), 404, "not-found"),
            (send("GET", "/api/", &[key], vec![]), 404, "not-found"),
            (send("POST", "/api/v1/accounts", &[key, JSON], body()), 404, "not-found"),
            (send("POST", "/api/v1/accounts/verify/", &[key, JSON], body()), 404, "not-found"),
            (send("POST", "/api/v2/accounts/verify", &[key, JSON], body()), 404, "not-found"),
            (send("GET", VERIFY, &[key], vec![]), 405, "method"),
            (send("PUT", VERIFY, &[key, JSON], body()), 405, "method"),
            (send("DELETE", "/api/v1/accounts/otp", &[key], vec![]), 405, "method"),
            (send("POST", "/api/openapi.json", &[key], vec![]), 405, "method"),
            (send("POST", VERIFY, &[key], body()), 415, "media-type"),
            (send("POST", VERIFY, &[key, form], body()), 415, "media-type"),
            (send("POST", VERIFY, &[key, ("Content-Type", "text/json")], body()), 415, "media-type"),
            (send("POST", VERIFY, &[key, JSON], vec![b' '; 17_000]), 413, "too-large"),
            (send("POST", VERIFY, &[key, JSON], vec![]), 400, "malformed"),
            (send("POST", VERIFY, &[key, JSON], b"{\"account\":".to_vec()), 400, "malformed"),
            (send("POST", VERIFY, &[key, JSON], b"{\"account\":\"\xFF\"}".to_vec()), 400, "malformed"),
            (send("POST", VERIFY, &[key, JSON], b"{\"account\":\"\\uD800\"}".to_vec()), 400, "malformed"),
            (send("POST", VERIFY, &[key, JSON], "{\"otp\":".repeat(1_000).into_bytes()), 422, "invalid"),
            (send("POST", VERIFY, &[key, JSON], b"[]".to_vec()), 400, "malformed"),
            (send("POST", VERIFY, &[key, JSON], json!(["0100000001", OWN, PHONE, null, null]).to_string().into_bytes()),
                400, "malformed"),
            (send("POST", VERIFY, &[key, JSON], b"null".to_vec()), 400, "malformed"),
            (send("POST", VERIFY, &[key, JSON], b"{}".to_vec()), 422, "invalid"),
            (send("POST", VERIFY, &[key, JSON], b"{\"otp\":1,\"otp\":2}".to_vec()), 422, "invalid"),
            (send("POST", VERIFY, &[key, ("Content-Type", "application/json; charset=utf-8")], body()), 401, "wrong-password"),
        ] {
            assert_eq!((answer.status, answer.says()), (status, says), "{} {}", answer.url, answer.body);
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.body);
            assert_eq!(answer.json["status"], status, "{}", answer.body);
            assert!(!answer.json["title"].as_str().unwrap().is_empty());
            assert_eq!(answer.header("allow").is_some(), status == 405);
            assert_eq!(answer.header("set-cookie"), None);
            assert_eq!((answer.header("cache-control"), answer.header("x-content-type-options")),
                (Some("no-store"), Some("nosniff")));
        }
        // An officer's session opens nothing here, and a key opens no page.
        assert_eq!(officer.send("POST", VERIFY, &[JSON], body()).expect(401).header("content-type"),
            Some("application/problem+json"));
        assert_eq!(app.browser().send("GET", "/applications", &[key], vec![]).status, 303);
        assert!(app.browser().get("/apis").expect(404).has_text("Không tìm thấy"), "that is a page's");
    }

    fn the_description_is_whole(app: TestApp) {
        let page = app.browser().send("GET", "/api/openapi.json", &[], Vec::new()).expect(200);
        assert_eq!(page.header("content-type"), Some("application/json"));
        let document: Value = serde_json::from_str(&page.html).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
        let mut references = 0;
        walk_references(&document, &document, &mut references);
        assert!(references > 6, "{references}");
        let paths: BTreeSet<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(paths, BTreeSet::from([VERIFY, "/api/v1/accounts/otp", "/api/v1/accounts/password"]));
        assert_eq!(document["security"], json!([{ "key": [] }]));
        assert_eq!(document["components"]["securitySchemes"]["key"]["scheme"], "bearer");
        for (path, operations) in document["paths"].as_object().unwrap() {
            let operation = &operations["post"];
            assert!(operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].is_string(), "{path}");
            let statuses: BTreeSet<&str> = operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
            let good = if path.ends_with("otp") { "202" } else { "200" };
            let all = [good, "400", "401", "403", "408", "413", "415", "422", "429", "500", "503"];
            assert_eq!(statuses, BTreeSet::from(all), "{path}");
            for (status, response) in operation["responses"].as_object().unwrap() {
                let media = if status == good { "application/json" } else { "application/problem+json" };
                assert!(response["content"][media]["schema"]["$ref"].is_string(), "{path} {status}");
                assert!(!response["description"].as_str().unwrap().is_empty(), "{path} {status}");
            }
        }
        let required = |name: &str| -> BTreeSet<String> {
            serde_json::from_value(document["components"]["schemas"][name]["required"].clone()).unwrap()
        };
        assert_eq!(required("Verify"), ["account", "password", "device"].map(String::from).into());
        assert_eq!(required("AskOtp"), ["account", "password", "purpose"].map(String::from).into());
        assert_eq!(required("ChangePassword"),
            ["account", "password", "new_password", "otp", "otp_id"].map(String::from).into());
    }
}
