//! *Đăng ký thay đổi thông tin* (PHỤ LỤC 02, section 2): what a declaration changes in an account is shown, asked about,
//! confirmed, and told to the old and the new place.

#![allow(clippy::unwrap_used)]

mod support;

use support::{Form, Page, TestApp, both_databases, drawing, portrait};
use tnhs::db::registry;
use tnhs::domain::application::{Application, Guardian, Kind, PhotoKind, Sex, Status};
use tnhs::domain::change::Changeable;
use tnhs::domain::dates::BirthDate;
use tnhs::domain::event::EventKind;
use tnhs::domain::names::Name;
use tnhs::domain::numbers::{Email, IdNumber, Phone};
use tnhs::domain::outbox::{MessageChannel, MessageKind};
use tnhs::domain::permission::Role;
use tnhs::domain::refusal::Refusal;

fn phone(number: &str) -> Phone {
    Phone::parse(number).unwrap()
}

/// What the page says is changed: the words of each row.
fn rows(page: &Page) -> Vec<String> {
    page.texts_of("#changes ~ table tbody tr")
}

/// *Ghi nhận* of a valid change, as far as the question.
fn asked(page: &Page) -> Form {
    page.form("Xác nhận")
}

/// Who was told of a change, by channel.
fn told(app: &TestApp, application: &Application) -> Vec<(MessageChannel, String)> {
    let told = app.messages(application).into_iter();
    let told = told.filter(|message| message.kind == MessageKind::InformationChanged);
    told.map(|message| (message.channel, message.recipient)).collect()
}

/// What only those have whose messages go to a guardian.
const OF_WARDS: [Changeable; 3] = [Changeable::Guardian, Changeable::OwnPhone, Changeable::OwnEmail];

both_databases! {
    fn a_change_of_the_telephone_is_asked_about_confirmed_and_told_to_both(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let first = app.approved(&officer, "Trần Thị Bích Ngọc");
        let old = first.declaration.phone.to_string();
        let change = app.change_declared(&first, |declared| declared.phone = phone("0912345678"));

        let page = officer.open(&change);
        assert_eq!(rows(&page), [format!("Điện thoại {old} 0912345678")]);
        let question = officer.submit(page.valid()).expect(200);
        assert!(question.text_of("form.question h3").contains("Cập nhật 1 thông tin"), "{question}");
        assert!(question.text_of("form.question li").contains(&format!("{old} → 0912345678")));
        assert_eq!((app.status(&change), app.account_of(&first).holder.phone), (Status::Pending, phone(&old)));

        let done = officer.submit(asked(&question)).expect(200);
        assert!(done.told().to_lowercase().contains("cập nhật thông tin thành công"), "{done}");
        assert_eq!((app.status(&change), app.account_of(&first).holder.phone), (Status::Approved, phone("0912345678")));
        let email = first.declaration.email.as_ref().unwrap().to_string();
        assert_eq!(
            told(&app, &change),
            [(MessageChannel::Sms, "0912345678".to_owned()), (MessageChannel::Email, email), (MessageChannel::Sms, old.clone())]
        );
        assert!(done.history()[0].contains(&format!("Điện thoại: {old} → 0912345678")), "{:?}", done.history());
        assert_eq!(rows(&done), [format!("Điện thoại {old} 0912345678")], "what was changed stays to be read");
    }

    fn going_back_from_the_question_loses_nothing_and_changes_nothing(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let first = app.approved(&officer, "Lê Văn Sơn");
        let change = app.change_declared(&first, |declared| declared.email = None);
        let question = officer.submit(officer.open(&change).valid()).expect(200);
        let page = officer.submit(question.form("Quay lại")).expect(200);
        assert_eq!(page.select("input[name=photo_matches][checked]").len(), 1);
        assert_eq!(app.status(&change), Status::Pending);
        officer.submit(asked(&officer.submit(page.form("Ghi nhận")).expect(200))).expect(200);
        assert_eq!(app.account_of(&first).holder.email, None);
    }

    fn each_thing_that_can_be_changed_is_a_row_of_its_own(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let first = app.approved(&officer, "Trần Thị Bích Ngọc");
        let change = app.change_declared(&first, |declared| {
            declared.name = Name::parse("Trần Thị Bích Ngân").unwrap();
            declared.sex = Some(Sex::Male);
            declared.birth_date = BirthDate::parse("06/03/1990", tnhs::clock::now().date()).ok();
            declared.id_number = IdNumber::parse("001090999999").ok();
            declared.id_issued_by = Some("Cục Cảnh sát QLHC về TTXH".into());
            declared.phone = phone("0912345678");
            declared.email = Email::parse("moi@example.vn").ok();
            declared.address = Some("Số 2 phố Thử Nghiệm".into());
        });
        app.add_photo(change.id, PhotoKind::Portrait, &drawing(300, 400, [90, 60, 40]));
        app.add_photo(change.id, PhotoKind::IdFront, portrait());
        // The registry knows the new name by procedure 608a.
        let mut member = app.db(|conn| registry::find(conn, &change.declaration.code)).unwrap();
        member.name = change.declaration.name.clone();
        app.register(&member);

        let page = officer.open(&change);
        let fields: Vec<String> = page.texts_of("#changes ~ table tbody th");
        let all: Vec<&str> = Changeable::ALL.iter().filter(|f| !OF_WARDS.contains(f)).map(|f| f.label()).collect();
        assert_eq!(fields, all);
        assert!(page.has_text("608a"), "{page}");
        officer.submit(asked(&officer.submit(page.valid()).expect(200))).expect(200);
        assert_eq!(app.account_of(&first).holder, change.declaration);
        let photos = app.db(|conn| tnhs::db::photos::of_account(conn, &change.declaration.code));
        let of_change = app.db(|conn| tnhs::db::photos::of_application(conn, change.id));
        assert!(of_change.iter().all(|photo| photos.iter().any(|known| known.sha256 == photo.sha256)));
        // Both names lead to the account's application.
        for name in ["bich ngoc", "bich ngan"] {
            let search = officer.get("/applications").form("Tra cứu").set("q", name).set("kind", "new");
            assert_eq!(officer.submit(search).texts_of("td.name").len(), 1, "{name}");
        }
    }

    fn a_new_name_that_the_registry_does_not_know_cannot_be_approved(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let first = app.approved(&officer, "Trần Thị Bích Ngọc");
        let change = app.change_declared(&first, |declared| declared.name = Name::parse("Trần Thị Bích Ngân").unwrap());
        let page = officer.open(&change);
        assert!(page.has_text("608a") && page.has_text("họ tên là «Trần Thị Bích Ngọc»"), "{page}");
        assert_eq!(page.select("input[name=outcome][value=valid][disabled]").len(), 1);
        // The telephone of a page that does not offer it.
        let forged = page.form("Ghi nhận").forge("outcome", "valid").forge("confirmed", "1");
        let forged = ["id_compared", "form_signed", "photo_matches"].iter().fold(forged, |form, tick| form.check(tick));
        officer.submit(forged).expect(422);
        assert_eq!(app.account_of(&first).holder.name.as_str(), "Trần Thị Bích Ngọc");
    }

    fn a_change_of_an_account_that_moved_meanwhile_is_shown_again(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let first = app.approved(&officer, "Trần Thị Bích Ngọc");
        let change = app.change_declared(&first, |declared| declared.address = Some("Số 9".into()));
        let other = app.change_declared(&first, |declared| declared.phone = phone("0912345678"));
        let question = officer.submit(officer.open(&change).valid()).expect(200);
        officer.submit(asked(&officer.submit(officer.open(&other).valid()).expect(200))).expect(200);

        let page = officer.submit(asked(&question)).expect(409);
        assert!(page.told().contains("Tài khoản đã có thay đổi"), "{page}");
        // It would put the old telephone back: that is now one of the changes, for the officer to see.
        assert_eq!(page.texts_of("#changes ~ table tbody th"), ["Điện thoại", "Địa chỉ liên hệ"]);
        assert!(page.has_text("sau khi hồ sơ này được gửi"), "{page}");
        assert_eq!((app.status(&change), app.account_of(&first).holder.phone), (Status::Pending, phone("0912345678")));
        officer.submit(asked(&officer.submit(page.form("Ghi nhận")).expect(200))).expect(200);
        assert_eq!(app.account_of(&first).holder.address.as_deref(), Some("Số 9"));
    }

    /// The first password went to the wrong telephone, or was about to: it opens nothing any more.
    fn who_has_never_signed_in_gets_a_new_password_at_the_new_telephone(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let first = app.approved(&officer, "Trần Thị Bích Ngọc");
        app.outbox_drain();
        let change = app.change_declared(&first, |declared| declared.phone = phone("0912345678"));
        let question = officer.submit(officer.open(&change).valid()).expect(200);
        assert!(question.text_of("form.question").contains("mật khẩu mới được gửi đến 0912345678"), "{question}");
        officer.submit(asked(&question)).expect(200);
        assert!(!app.account_of(&first).has_password, "the one that was sent is void");
        app.outbox_drain();
        let passwords: Vec<String> = app.sms().into_iter().filter(|sms| sms.contains("Mat khau")).collect();
        assert_eq!(passwords.len(), 2, "{passwords:?}");
        assert!(passwords[1].starts_with("To: 0912345678\n") && passwords[1].contains("Mat khau moi"), "{passwords:?}");
        assert!(app.account_of(&first).has_password);
    }

    fn the_same_confirmation_twice_is_one_change(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let first = app.approved(&officer, "Trần Thị Bích Ngọc");
        let change = app.change_declared(&first, |declared| declared.phone = phone("0912345678"));
        let question = officer.submit(officer.open(&change).valid()).expect(200);
        officer.submit(asked(&question)).expect(200);
        let again = officer.submit(asked(&question)).expect(200);
        assert!(again.told().contains("Cập nhật thông tin thành công"), "{again}");
        assert_eq!(app.events_of(change.id, EventKind::Changed), 1);
        assert_eq!(told(&app, &change).len(), 3);
    }

    fn what_stands_in_the_way_of_a_change_is_said(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let first = app.approved(&officer, "Trần Thị Bích Ngọc");
        let same = app.change_declared(&first, |_| {});
        assert!(app.forced_change(&officer, &same).contains(&Refusal::NothingChanges.to_string()));
        app.add_photo(same.id, PhotoKind::Portrait, &drawing(300, 400, [90, 60, 40]));
        assert_eq!(officer.open(&same).texts_of("#changes ~ table tbody th"), ["Ảnh chân dung"]);

        let person = app.citizen("Phạm Quốc Khánh");
        app.registered(&person);
        let new = tnhs::db::applications::NewApplication { kind: Kind::Change,
            ..support::filing(&app.offices.ba_dinh, &person, tnhs::clock::now()) };
        let (id, _) = app.db(|conn| tnhs::db::applications::insert(conn, &new));
        let stranger = app.application(id);
        assert!(app.forced_change(&officer, &stranger).contains(&Refusal::NoAccount.to_string()));

        let taken = app.change_declared(&first, |declared| declared.id_number = IdNumber::parse("001190888888").ok());
        let mut holder = app.citizen("Hồ Thị Phúc");
        holder.id_number = IdNumber::parse("001190888888").ok();
        app.registered(&holder);
        let other = app.declared(&app.offices.ba_dinh, &holder);
        officer.submit(officer.open(&other).valid()).expect(200);
        assert!(app.forced_change(&officer, &taken).contains(holder.code.as_str()));
    }

    fn a_rejected_change_is_told_with_its_reason_and_changes_nothing(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let first = app.approved(&officer, "Trần Thị Bích Ngọc");
        let change = app.change_declared(&first, |declared| declared.phone = phone("0912345678"));
        let page = officer.submit(officer.open(&change).invalid("Người đến không phải chủ tài khoản")).expect(200);
        assert!(page.told().to_lowercase().contains("từ chối duyệt thành công"), "{page}");
        assert_eq!(app.account_of(&first).holder.phone, first.declaration.phone);
        assert_eq!(app.messages(&change)[0].kind, MessageKind::Rejected);
    }

    fn an_officer_enters_a_change_at_the_counter_on_a_form_that_begins_with_the_account(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let first = app.approved(&officer, "Trần Thị Bích Ngọc");
        let id = app.account_of(&first).id;
        let page = officer.get(&format!("/accounts/{id}/change")).expect(200);
        let form = page.form("Ghi nhận");
        assert_eq!(form.value("phone"), first.declaration.phone.as_str());
        let wrong = officer.submit(form.clone().set("phone", "12")).expect(422);
        assert!(wrong.fault("phone").is_some() && wrong.form("Ghi nhận").value("phone") == "12");
        let same = officer.submit(form.clone()).expect(422);
        assert!(same.fault("pictures_only").unwrap().contains("Chưa có thông tin nào thay đổi"), "{same}");
        let pictures = officer.submit(same.form("Ghi nhận").check("pictures_only")).expect(200);
        assert!(pictures.path().starts_with("/applications/"), "{}", pictures.path());
        let form = officer.get(&format!("/accounts/{id}/change")).form("Ghi nhận");
        let page = officer.submit(form.set("phone", "0912345678").set("address", "Số 9")).expect(200);
        assert!(page.path().starts_with("/applications/"), "{}", page.path());
        assert_eq!(page.texts_of("#changes ~ table tbody th"), ["Điện thoại", "Địa chỉ liên hệ"]);
        officer.submit(asked(&officer.submit(page.valid()).expect(200))).expect(200);
        assert_eq!(app.account_of(&first).holder.phone, phone("0912345678"));

        // Another office's account is not this officer's, and a supervisor enters nothing.
        let elsewhere = app.officer(&app.offices.dong_da);
        elsewhere.get(&format!("/accounts/{id}/change")).expect(404);
        let supervisor = app.sign_in(&app.employee(Role::Supervisor, &app.offices.hanoi));
        supervisor.get(&format!("/accounts/{id}/change")).expect(403);
    }

    fn a_childs_account_follows_its_guardian(app: TestApp) {
        let officer = app.officer(&app.offices.ba_dinh);
        let parent = app.approved(&officer, "Trần Văn An");
        let mut child = app.citizen("Trần Thị Bích Ngọc");
        child.birth_date = BirthDate::parse("05/03/2018", tnhs::clock::now().date()).ok();
        child.id_number = None;
        child.guardian = Some(Guardian {
            name: parent.declaration.name.clone(),
            code: Some(parent.declaration.code.clone()),
            phone: phone("0987654321"),
            email: None,
            relation: None,
        });
        app.registered(&child);
        let application = app.declared(&app.offices.ba_dinh, &child);
        assert!(app.forced(&officer, &application).contains("giấy khai sinh"));
        app.add_photo(application.id, PhotoKind::BirthCertificate, portrait());
        let page = officer.open(&application);
        assert!(page.has_text("Điện thoại người giám hộ khác với số của tài khoản người giám hộ"), "{page}");
        officer.submit(page.valid()).expect(200);
        let account = app.account_of(&application);
        assert_eq!(account.notice_phone(), &parent.declaration.phone, "the guardian's own account says where");

        // The guardian moves to another number, and the child's messages follow.
        let change = app.change_declared(&parent, |declared| declared.phone = phone("0912345678"));
        officer.submit(asked(&officer.submit(officer.open(&change).valid()).expect(200))).expect(200);
        assert_eq!(app.account_of(&application).notice_phone(), &phone("0912345678"));

        // What is the child's own is a change like another, though no message goes there.
        let own = app.change_declared(&application, |declared| declared.phone = phone("0933444555"));
        let page = officer.open(&own);
        assert_eq!(page.texts_of("#changes ~ table tbody th"), ["Điện thoại riêng"]);
        officer.submit(asked(&officer.submit(page.valid()).expect(200))).expect(200);
        child.phone = phone("0933444555");

        // Grown up, the child stands alone.
        let grown = app.change_declared(&application, |declared| {
            declared.guardian = None;
            declared.id_number = IdNumber::parse("001318777777").ok();
        });
        let page = officer.open(&grown);
        assert!(page.texts_of("#changes ~ table tbody th").contains(&"Người giám hộ".to_owned()), "{page}");
        officer.submit(asked(&officer.submit(page.valid()).expect(200))).expect(200);
        assert_eq!(app.account_of(&application).notice_phone(), &child.phone);
        assert!(told(&app, &grown).contains(&(MessageChannel::Sms, "0912345678".into())), "the old place is told");
    }
}
