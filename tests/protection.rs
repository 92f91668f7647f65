//! What protects every page: tokens and origins of forms, the headers of each answer, addresses without personal data.

#![allow(clippy::unwrap_used)]

mod support;

use support::{TestApp, both_databases};
use tnhs::domain::application::Status;

both_databases! {
    fn a_form_counts_only_with_this_sessions_token_and_from_our_own_pages(app: TestApp) {
        let browser = app.officer(&app.offices.ba_dinh);
        let other = app.officer(&app.offices.ba_dinh);
        let application = app.ready("Trần Thị Bích Ngọc");
        let page = browser.open(&application);
        let foreign = other.open(&application).form("Ghi nhận").value("csrf").to_owned();
        for form in [page.valid().without("csrf"), page.valid().forge("csrf", ""), page.valid().forge("csrf", "x"),
            page.valid().forge("csrf", &foreign)]
        {
            assert!(browser.submit(form).expect(403).has_text("chưa có gì được ghi nhận"));
        }
        let photo = page.form("Thay ảnh").attach("file", "a.jpg", "image/jpeg", support::portrait());
        assert_eq!(browser.submit(photo.clone().forge("csrf", &foreign)).status, 403);

        let (media, body) = page.valid().body();
        let action = page.valid().action;
        let post = |headers: &[(&str, &str)]| {
            let headers: Vec<_> = std::iter::once(("Content-Type", media)).chain(headers.iter().copied()).collect();
            browser.send("POST", &action, &headers, body.clone()).status
        };
        assert_eq!(post(&[("Origin", "https://example.com")]), 403);
        assert_eq!(post(&[("Origin", "null")]), 403);
        assert_eq!(post(&[("Origin", &app.url.replace("127.0.0.1", "127.0.0.1.example.com"))]), 403);
        assert_eq!(post(&[("Referer", "https://example.com/")]), 403);
        assert_eq!(post(&[]), 403, "a browser says where a form comes from");
        let sign_in = browser.send("POST", "/sign-in", &[("Content-Type", media), ("Origin", "https://example.com")],
            b"login=a&password=b".to_vec());
        assert_eq!(sign_in.status, 403, "nobody is signed in as somebody else from another site");
        for method in ["PUT", "DELETE", "PATCH"] {
            assert_eq!(browser.send(method, &action, &[("Origin", &app.url)], Vec::new()).status, 405);
        }
        assert_eq!((app.application(application.id).version, app.status(&application)), (1, Status::Pending));
        assert_eq!(post(&[("Referer", &format!("{}/applications", app.url))]), 303, "where Origin is missing");
    }

    fn every_answer_carries_the_headers_that_protect_it(app: TestApp) {
        let browser = app.officer(&app.offices.ba_dinh);
        let application = app.ready("Trần Thị Bích Ngọc");
        let form = browser.open(&application).valid();
        let photo = browser.open(&application).form("Thay ảnh").attach("file", "a", "image/jpeg", &[0; 11 << 20]);
        let answers = [
            browser.get("/applications").expect(200),
            app.browser().get("/sign-in").expect(200),
            app.browser().send("GET", "/applications", &[], Vec::new()).expect(303),
            browser.submit(form.clone().without("csrf")).expect(403),
            browser.get("/nowhere").expect(404),
            browser.get("/applications/999").expect(404),
            browser.get("/applications/abc").expect(404),
            browser.get("/applications?list=a&list=b").expect(400),
            browser.send("PUT", "/applications", &[], Vec::new()).expect(405),
            browser.submit(form.forge("reason", &"a".repeat(70_000))).expect(413),
            browser.submit(photo).expect(413),
        ];
        for page in answers {
            for (header, value) in [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"),
                ("referrer-policy", "same-origin"), ("cache-control", "no-store")]
            {
                assert_eq!(page.header(header), Some(value), "{header} of {page}");
            }
            let policy = page.header("content-security-policy").unwrap();
            for rule in ["default-src 'none'", "script-src 'self'", "form-action 'self'", "frame-ancestors 'none'"] {
                assert!(policy.contains(rule) && !policy.contains("unsafe"), "{policy}");
            }
        }
        let styles = browser.get("/applications").select("link[rel=stylesheet]")[0].attr("href").unwrap().to_owned();
        let styles = browser.get(&styles).expect(200);
        assert_eq!(styles.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(app.browser().get("/healthz").expect(200).html, "ok\n");
        assert_eq!(app.browser().get("/readyz").expect(200).html, "ready\n");
    }

    fn no_address_holds_what_is_known_of_a_person(app: TestApp) {
        let browser = app.officer(&app.offices.ba_dinh);
        let application = app.ready("Trần Thị Bích Ngọc");
        let known = &application.declaration;
        let secrets = [known.code.as_str(), known.phone.as_str(), "Ngọc", "ngoc", "Ng%E1%BB%8Dc", "01/01/1990"];
        let list = browser.get("/applications");
        let search = list.form("Tra cứu").set("q", "Trần Thị Bích Ngọc").set("code", known.code.as_str());
        assert_eq!(search.method, "post");
        let list = browser.submit(search).expect(200);
        assert_eq!(list.texts_of("td.name").len(), 1);
        let detail = browser.click(&list, application.number.as_str()).expect(200);
        let decided = browser.submit(detail.valid()).expect(200);
        for page in [list, detail, decided] {
            let mut addresses = vec![page.url.clone()];
            for (element, attribute) in [("a", "href"), ("form", "action"), ("button", "formaction"), ("img", "src")] {
                let there = page.select(element).into_iter().filter_map(|e| e.attr(attribute).map(str::to_owned));
                addresses.extend(there.collect::<Vec<_>>());
            }
            for address in addresses {
                assert!(secrets.iter().all(|secret| !address.contains(secret)), "{address}");
            }
        }
    }
}
