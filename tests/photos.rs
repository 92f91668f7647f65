//! Thay ảnh: what may be attached, what is refused with a sentence, and that nothing is lost by it.

#![allow(clippy::unwrap_used)]

mod support;

use std::io::Cursor;

use image::{DynamicImage, ImageFormat};

use support::{Browser, Form, Page, TestApp, both_databases};
use tnhs::db::photos::Photo;
use tnhs::domain::application::{Application, PhotoKind, Status};
use tnhs::domain::event::EventKind;

fn picture(format: ImageFormat, colour: [u8; 3]) -> Vec<u8> {
    let drawn = DynamicImage::ImageRgb8(image::RgbImage::from_pixel(300, 400, image::Rgb(colour)));
    let mut bytes = Vec::new();
    drawn.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

/// A PNG whose head promises 20,000 × 20,000 pixels.
fn bomb() -> Vec<u8> {
    let mut png = picture(ImageFormat::Png, [0, 0, 0]);
    png[16..20].copy_from_slice(&20_000u32.to_be_bytes());
    png[20..24].copy_from_slice(&20_000u32.to_be_bytes());
    let crc = !png[12..29].iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    });
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    png
}

fn photos(app: &TestApp, application: &Application) -> Vec<Photo> {
    app.db(|conn| tnhs::db::photos::of_application(conn, application.id))
}

fn replace(officer: &Browser, application: &Application, name: &str, bytes: &[u8]) -> Page {
    let form = officer.open(application).form("Thay ảnh");
    officer.submit(form.attach("file", name, "image/jpeg", bytes))
}

/// The portrait that the page shows, as it is sent.
fn shown(officer: &Browser, application: &Application) -> Page {
    let page = officer.open(application);
    let portrait = page.select(".portrait > a > img")[0].attr("src").unwrap().to_owned();
    officer.get(&portrait).expect(200)
}

/// The average colour.
fn colour(jpeg: &[u8]) -> [u8; 3] {
    image::load_from_memory(jpeg)
        .unwrap()
        .resize_exact(1, 1, image::imageops::FilterType::Triangle)
        .to_rgb8()
        .get_pixel(0, 0)
        .0
}

/// A part of a body as a program may write it: name, file name and content.
type Part<'a> = (&'a str, Option<&'a str>, &'a [u8]);

fn parts(form: &Form, added: &[Part]) -> Vec<u8> {
    let mut body = Vec::new();
    let own = [("csrf", form.value("csrf")), ("kind", form.value("kind"))];
    let own = own.map(|(name, value)| (name, None, value.as_bytes()));
    for (name, file, content) in own.iter().filter(|(own, ..)| added.iter().all(|(n, ..)| n != own)).chain(added) {
        let file = file.map(|file| format!("; filename=\"{file}\"\r\nContent-Type: image/jpeg")).unwrap_or_default();
        body.extend(format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").bytes());
        body.extend(*content);
        body.extend(b"\r\n");
    }
    body.extend(b"--xyz--\r\n");
    body
}

fn send(officer: &Browser, app: &TestApp, form: &Form, body: Vec<u8>) -> Page {
    let headers = [("Content-Type", "multipart/form-data; boundary=xyz"), ("Origin", &app.url)];
    officer.send("POST", &form.action, &headers, body)
}

both_databases! {
    fn a_portrait_is_replaced_by_jpeg_png_or_webp_and_the_old_one_stays(app: TestApp) {
        let application = app.ready("Trần Thị Bích Ngọc");
        let officer = app.officer(&app.offices.ba_dinh);
        let old = shown(&officer, &application).bytes;
        let formats = [(ImageFormat::Jpeg, [200, 10, 10]), (ImageFormat::Png, [10, 200, 10]),
            (ImageFormat::WebP, [10, 10, 200])];
        for (count, (format, drawn)) in formats.into_iter().enumerate() {
            let page = replace(&officer, &application, "anh.bin", &picture(format, drawn)).expect(200);
            assert!(page.told().contains("Đã thay ảnh"), "{format:?}: {page}");
            let new = shown(&officer, &application);
            assert_eq!(new.header("content-type"), Some("image/jpeg"));
            let differs = colour(&new.bytes).iter().zip(drawn).any(|(a, b)| a.abs_diff(b) > 12);
            assert!(!differs, "{format:?}: {:?} is not {drawn:?}", colour(&new.bytes));
            assert_eq!(officer.open(&application).select(".earlier li").len(), count + 1);
        }
        let all = photos(&app, &application);
        assert_eq!((all.len(), all.iter().filter(|photo| photo.current).count()), (4, 1));
        assert_eq!(app.events_of(application.id, EventKind::PhotoReplaced), 3);

        let page = officer.open(&application);
        let oldest = all.last().unwrap().id;
        let restore = page.form(&format!("/applications/{}/photos/{oldest}/restore", application.id));
        let page = officer.submit(restore).expect(200);
        assert!(page.told().contains("Đã dùng lại ảnh cũ"), "{page}");
        assert_eq!(shown(&officer, &application).bytes, old, "the first one is shown again");
        assert_eq!(photos(&app, &application).len(), 4, "and none is lost");
        assert!(officer.open(&application).history().iter().any(|event| event.contains("Dùng lại ảnh cũ")));
    }

    fn the_first_portrait_can_be_attached_at_the_desk(app: TestApp) {
        let application =
            app.declared_without_portrait(&app.offices.ba_dinh, &app.citizen("Lê Thị Hồng"), tnhs::clock::now());
        let officer = app.officer(&app.offices.ba_dinh);
        assert!(officer.open(&application).text_of(".portrait").contains("Chưa có ảnh"));
        replace(&officer, &application, "a.jpg", support::portrait()).expect(200);
        assert!(shown(&officer, &application).bytes.starts_with(&[0xFF, 0xD8]));
    }

    fn what_is_no_usable_picture_is_refused_beside_the_field(app: TestApp) {
        let application = app.ready("Trần Thị Bích Ngọc");
        let officer = app.officer(&app.offices.ba_dinh);
        let jpeg = picture(ImageFormat::Jpeg, [9, 9, 9]);
        let files: [(&[u8], &str); 6] = [
            (b"", "Chọn tệp ảnh"),
            (b"MZ this is a program", "không phải ảnh"),
            (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "không phải ảnh"),
            (&jpeg[..jpeg.len() / 8], "bị hỏng"),
            (&bomb(), "50 megapixel"),
            (&support::drawing(40, 60, [1, 2, 3]), "quá nhỏ"),
        ];
        for (bytes, words) in files {
            let page = replace(&officer, &application, "anh.jpg", bytes).expect(422);
            let fault = page.fault("photo").unwrap_or_else(|| panic!("nothing beside the field on\n{page}"));
            assert!(fault.contains(words), "«{words}» is not in «{fault}»");
        }
        assert_eq!((photos(&app, &application).len(), app.application(application.id).version), (1, 1));
    }

    fn what_is_too_large_is_refused_with_a_page_that_says_so(app: TestApp) {
        let application = app.ready("Trần Thị Bích Ngọc");
        let officer = app.officer(&app.offices.ba_dinh);
        // Larger as a file, and larger as a whole.
        for bytes in [(10 << 20) + 1, 12 << 20] {
            let page = replace(&officer, &application, "anh.jpg", &vec![0; bytes]).expect(413);
            assert!(page.has_text("ảnh tối đa 10 MB"), "{page}");
        }
        assert_eq!(photos(&app, &application).len(), 1);
        // Ten megabytes that are no picture are refused for that.
        replace(&officer, &application, "anh.jpg", &vec![0; 10 << 20]).expect(422);
    }

    fn a_field_twice_or_one_that_nobody_asked_for_is_refused(app: TestApp) {
        let application = app.ready("Trần Thị Bích Ngọc");
        let officer = app.officer(&app.offices.ba_dinh);
        let form = officer.open(&application).form("Thay ảnh");
        let jpeg = picture(ImageFormat::Jpeg, [200, 10, 10]);
        let file = ("file", Some("a.jpg"), jpeg.as_slice());
        let token = form.value("csrf").as_bytes();
        let bodies: [&[Part]; 7] = [
            &[file, file],
            &[file, ("csrf", None, token), ("csrf", None, b"x")],
            &[file, ("status", None, b"approved")],
            &[file, ("more", Some("b.jpg"), &jpeg)],
            &[file, ("kind", None, b"selfie")],
            &[file, ("kind", None, b"\xFF\xFE")],
            &[],
        ];
        for added in bodies {
            let page = send(&officer, &app, &form, parts(&form, added)).expect(400);
            assert!(page.has_text("Biểu mẫu gửi lên bị thiếu hoặc sai"), "{page}");
        }
        send(&officer, &app, &form, b"no parts at all".to_vec()).expect(400);
        send(&officer, &app, &form, parts(&form, &[file])[..200].to_vec()).expect(400);
        assert_eq!(photos(&app, &application).len(), 1);
        send(&officer, &app, &form, parts(&form, &[file])).expect(303);
        assert_eq!(photos(&app, &application).len(), 2, "the same body without the fault is taken");
    }

    fn a_file_name_leads_nowhere(app: TestApp) {
        let application = app.ready("Trần Thị Bích Ngọc");
        let officer = app.officer(&app.offices.ba_dinh);
        let before = files(app.data_dir());
        let jpeg = picture(ImageFormat::Jpeg, [200, 10, 10]);
        for name in ["../../../../tmp/x.jpg", "/etc/passwd", "..\\..\\x.jpg", "a.php%00.jpg", "CON", "ảnh thẻ.jpg",
            &"n".repeat(5_000)]
        {
            let page = replace(&officer, &application, name, &jpeg);
            assert!(matches!(page.status, 200 | 400), "{name}: {page}");
        }
        let new: Vec<_> = files(app.data_dir()).into_iter().filter(|file| !before.contains(file)).collect();
        assert_eq!(new.len(), 1, "the same picture is kept once, under our own name: {new:?}");
        let name = new[0].rsplit('/').next().unwrap();
        assert!(name.len() == 68 && name.ends_with(".jpg") && new[0].contains("/photos/"), "{name}");
    }

    fn after_the_decision_no_photo_changes(app: TestApp) {
        let application = app.ready("Trần Thị Bích Ngọc");
        let officer = app.officer(&app.offices.ba_dinh);
        replace(&officer, &application, "a.jpg", &picture(ImageFormat::Jpeg, [200, 10, 10])).expect(200);
        let page = officer.open(&application);
        let upload = page.form("Thay ảnh").attach("file", "a.jpg", "image/jpeg", support::portrait());
        let oldest = photos(&app, &application).last().unwrap().id;
        let restore = page.form(&format!("/applications/{}/photos/{oldest}/restore", application.id));
        let page = officer.submit(page.valid()).expect(200);
        assert!(!page.has_button("Thay ảnh") && page.select(".earlier button").is_empty(), "{page}");
        let before = photos(&app, &application).iter().map(|photo| (photo.id, photo.current)).collect::<Vec<_>>();
        for form in [upload, restore] {
            let page = officer.submit(form).expect(422);
            assert!(page.has_text("Đã duyệt"), "{page}");
        }
        let after = photos(&app, &application).iter().map(|photo| (photo.id, photo.current)).collect::<Vec<_>>();
        assert_eq!((after, app.status(&application)), (before, Status::Approved));
    }

    /// A script sends along what stands in the decision on the same page.
    fn what_was_typed_into_the_decision_survives_a_photo(app: TestApp) {
        let application = app.ready("Trần Thị Bích Ngọc");
        let officer = app.officer(&app.offices.ba_dinh);
        for (file, status) in [(support::portrait(), 200), (&b"no picture"[..], 422)] {
            let page = officer.open(&application);
            let typed = page.form("Ghi nhận").set("reason", "Chữ ký khác; giấy tờ & tờ khai").check("form_signed");
            let typed = typed.check("photo_matches");
            let upload = page.form("Thay ảnh").forge("draft", &typed.urlencoded());
            let page = officer.submit(upload.attach("file", "a.jpg", "image/jpeg", file)).expect(status);
            let form = page.form("Ghi nhận");
            assert_eq!(form.value("reason"), "Chữ ký khác; giấy tờ & tờ khai");
            assert_eq!((form.value("form_signed"), form.value("id_compared")), ("1", ""));
            let matches = if status == 200 { "" } else { "1" };
            assert_eq!(form.value("photo_matches"), matches, "another photo is to be compared anew");
            assert!(page.texts_of("p.flash.bad").is_empty(), "{page}");
        }
        // The decision then counts for the photo that is shown.
        let form = officer.open(&application).form("Ghi nhận").set("outcome", "invalid");
        officer.submit(form.set("reason", "Chữ ký khác")).expect(200);
        assert_eq!(app.status(&application), Status::Rejected);
    }

    fn the_papers_have_their_own_places(app: TestApp) {
        let application = app.ready("Trần Thị Bích Ngọc");
        app.add_photo(application.id, PhotoKind::IdFront, support::portrait());
        let officer = app.officer(&app.offices.ba_dinh);
        let page = officer.open(&application);
        assert_eq!(page.texts_of(".papers figcaption"), ["Giấy tờ mặt trước"]);
        assert_eq!(page.select(".earlier").len(), 0, "a photo of the papers is no earlier portrait");
        let scan = page.form("Thay ảnh").forge("kind", "id_back");
        let page = officer.submit(scan.attach("file", "a.png", "image/png", &picture(ImageFormat::Png, [1, 2, 3])));
        assert_eq!(page.expect(200).texts_of(".papers figcaption"), ["Giấy tờ mặt trước", "Giấy tờ mặt sau"]);
    }
}

/// Every file below a folder, but for the database's own.
fn files(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path.display().to_string());
        }
    }
    found
}
