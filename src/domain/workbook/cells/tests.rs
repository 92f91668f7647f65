use super::*;
use proptest::prelude::*;

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 24).unwrap()
}

fn texts(read: fn(&str) -> Read, cases: &[(&str, &str)]) {
    for (raw, expected) in cases {
        assert_eq!(read(raw).unwrap().text, *expected, "{raw:?}");
    }
}

fn refused(read: fn(&str) -> Read, cases: &[&str]) {
    for raw in cases {
        assert!(read(raw).is_err(), "{raw:?}");
    }
}

fn restored(read: fn(&str) -> Read, cases: &[(&str, &str)]) {
    texts(read, cases);
    for (raw, _) in cases {
        assert!(read(raw).unwrap().restored, "{raw:?}");
    }
}

#[test]
fn text_is_composed_and_single_spaced_and_otherwise_as_written() {
    for (raw, text) in [
        ("  Nguyễn   Mai Ngọc ", "Nguyễn Mai Ngọc"),
        ("Trần\u{A0}Thế Thuận\u{A0}", "Trần Thế Thuận"),
        ("Phạm\nThành\r\nHoàng\t", "Phạm Thành Hoàng"),
        ("\u{FEFF}Nguyễn \u{200B}Quang L\u{AD}âm", "Nguyễn Quang Lâm"),
        ("Ðoàn Trọng ðạt", "Đoàn Trọng đạt"),
        ("Nguye\u{302}\u{303}n Hu\u{31B}\u{303}u", "Nguyễn Hữu"),
        ("Trịnh Viết Hoà", "Trịnh Viết Hoà"),
        ("H’Bia Ksor", "H’Bia Ksor"),
        ("\u{202A}Lê\u{3000}An\u{202C}", "Lê An"),
        ("A\u{200B}\u{301}nh", "Ánh"),
    ] {
        assert_eq!(name(raw).unwrap().text, text, "{raw:?}");
    }
    assert!(!name("Lê An").unwrap().repaired);
    assert!(name("Lê  An").unwrap().repaired);
    refused(name, &["123", "--", "Lê \u{FFFD}n"]);
}

#[test]
fn a_code_has_ten_or_twelve_digits_or_lost_its_zero() {
    texts(
        social_code,
        &[
            ("0123456789", "0123456789"),
            ("001099012345", "001099012345"),
            ("2124462249.0", "2124462249"),
            ("'5926785544", "5926785544"),
            ("’5926785544", "5926785544"),
            ("6352 448 252", "6352448252"),
            ("6352.448.252", "6352448252"),
            ("6352-448-252", "6352448252"),
            ("\u{A0}6352448252\u{200B}", "6352448252"),
            ("6.146355731E+09", "6146355731"),
            ("6,146355731e+09", "6146355731"),
            ("6.146355731E9", "6146355731"),
            ("GD4790123456789", "0123456789"),
            ("gd 4 79 01 2345 6789", "0123456789"),
            ("DN-4-79-0123456789", "0123456789"),
        ],
    );
    restored(
        social_code,
        &[
            ("123456789", "0123456789"),
            ("123456789.0", "0123456789"),
            ("12345678901", "012345678901"),
            ("9.87453775E+08", "0987453775"),
        ],
    );
    refused(
        social_code,
        &[
            "5512345678901",
            "551234",
            "12345678",
            "5.51235E+09",
            "3.95806E+09",
            "chưa có",
            "55A1234567",
            "7912-34",
            "G14790123456789",
            "(0123)456789",
            "1E99",
            "479012345678901",
            "GDX790123456789",
        ],
    );
    assert!(!social_code("2124462249.0").unwrap().restored);
}

#[test]
fn papers_household_and_telephone() {
    texts(
        id_number,
        &[
            ("012345678", "012345678"),
            ("016075727498", "016075727498"),
            ("C0656496", "C0656496"),
            ("c0656496", "C0656496"),
            ("AB1234", "AB1234"),
            ("N12345678901", "N12345678901"),
            ("016.075.727.498", "016075727498"),
        ],
    );
    restored(
        id_number,
        &[
            ("12345678", "012345678"),
            ("1075727498", "001075727498"),
            ("71091047870.0", "071091047870"),
            ("18173635000", "018173635000"),
        ],
    );
    refused(id_number, &["12345", "0131900", "ABCDEFG", "A1234", "AB12345678901", "không có", "1234567890123"]);

    texts(household_code, &[("5575861754", "5575861754"), ("5575 861 754", "5575861754")]);
    restored(household_code, &[("575861754", "0575861754")]);
    refused(household_code, &["HGD-77", "12345678", "557586175412"]);

    texts(
        phone,
        &[
            ("0951234567", "0951234567"),
            ("951234567", "0951234567"),
            ("951234567.0", "0951234567"),
            ("+84 95 035 4362", "0950354362"),
            ("+84950354362", "0950354362"),
            ("(+84) 0950354362", "0950354362"),
            ("0955.505.036", "0955505036"),
            ("0951-505-036", "0951505036"),
            ("'0951505036", "0951505036"),
            ("0351505036", "0351505036"),
        ],
    );
    refused(
        phone,
        &[
            "0951 234",
            "024 3825 1234",
            "12345678901234",
            "0151234567",
            "0951 2345",
            "0951234567/0951234568",
            "09512345678",
        ],
    );
    texts(email, &[(" truongthihongcuc@Example.COM ", "truongthihongcuc@example.com")]);
    refused(email, &["khong co", "khong-co", "a@b", "a@example.com; b@example.com"]);
}

#[test]
fn sex_relation_role_and_province() {
    for (raw, expected) in [
        ("Nam", Sex::Male),
        ("nam", Sex::Male),
        ("NAM.", Sex::Male),
        ("1", Sex::Male),
        ("1.0", Sex::Male),
        ("Nữ", Sex::Female),
        ("NỮ", Sex::Female),
        ("nu", Sex::Female),
        ("NU\u{31B}\u{303}", Sex::Female),
        (" N\u{1EEF} ", Sex::Female),
        ("0", Sex::Female),
    ] {
        assert_eq!(sex(raw).unwrap(), expected, "{raw:?}");
    }
    for wrong in ["?", "2", "x", "khác", "10", "Nam Nữ"] {
        assert!(sex(wrong).is_err(), "{wrong}");
    }
    for (raw, is) in [("x", true), (" X ", true), ("×", true), ("xx", false), ("Nữ", false), ("", false)] {
        assert_eq!(is_mark(raw), is, "{raw:?}");
    }
    texts(
        relation_code,
        &[
            ("0", "00"),
            ("00", "00"),
            ("8", "08"),
            ("8.0", "08"),
            ("Chủ hộ", "00"),
            ("CHỦ  HỘ", "00"),
            ("Con dể", "20"),
            ("CON DỂ", "20"),
            ("Con rể", "20"),
            ("con re", "20"),
            ("99", "22"),
            ("22", "22"),
            ("Khác", "22"),
            ("08 - Con", "08"),
        ],
    );
    refused(relation_code, &["Bạn", "23", "con đẻ", "100", "?"]);
    for (_, name) in RELATIONS.iter() {
        assert_eq!(relation_code(&folded(name)), relation_code(name));
    }
    texts(
        role,
        &[
            ("CÁN BỘ", "officer"),
            ("officer", "officer"),
            ("Giám sát", "supervisor"),
            ("Admin", "admin"),
            ("Quản trị", "admin"),
        ],
    );
    refused(role, &["Thủ quỹ", "cán sự"]);
    texts(login, &[(" DAT.ND ", "dat.nd")]);
    texts(province_code, &[("1", "01"), ("01", "01"), ("4.0", "04"), ("Thành phố Hà Nội", "01"), ("cao bang", "04")]);
    texts(agency_code, &[("001", "001"), ("00101", "00101"), ("'00101", "00101")]);
    refused(agency_code, &["0014", "14", "1", "001011", "00A"]);
}

#[test]
fn dates_are_read_day_first_and_as_far_as_they_are_known() {
    let read = |raw: &str| birth_date(&Cell::Text(raw.into()), raw, false, today()).map(|value| value.text);
    for (raw, stored) in [
        ("26/07/1969", "1969-07-26"),
        ("6/9/1975", "1975-09-06"),
        ("23-02-1993", "1993-02-23"),
        ("23.02.1993", "1993-02-23"),
        ("3 - 2 - 1993", "1993-02-03"),
        ("3 / 2 / 1993", "1993-02-03"),
        ("1990-05-12", "1990-05-12"),
        ("1990/05/12", "1990-05-12"),
        ("1990/5/2", "1990-05-02"),
        ("19661125", "1966-11-25"),
        ("1990-05-12T00:00:00", "1990-05-12"),
        ("1990-05-12 00:00:00", "1990-05-12"),
        ("12/05/1990 0:00:00.000 SA", "1990-05-12"),
        ("12/05/1990 12:00:00 AM", "1990-05-12"),
        ("09/1965", "1965-09"),
        ("4/1939", "1939-04"),
        ("2011", "2011"),
        ("2011.0", "2011"),
        ("'26/07/1969", "1969-07-26"),
        ("00/00/1975", "1975"),
        ("0/0/1945", "1945"),
        ("00/05/1975", "1975-05"),
        ("24/11/2026", "2026-11-24"),
        ("29/02/2000", "2000-02-29"),
        ("01/01/1900", "1900-01-01"),
    ] {
        assert_eq!(read(raw).as_deref(), Ok(stored), "{raw}");
    }
    for wrong in [
        "05/25/1990",
        "12/05/75",
        "75",
        "12/08/2099",
        "25/11/2026",
        "31/02/1985",
        "31/04/1990",
        "29/02/1990",
        "15/13/1990",
        "00/00/0000",
        "05/00/1975",
        "không rõ",
        "năm 1975",
        "33005",
        "1899",
        "31/12/1899",
        "13/1990",
        "12/5/1990/1",
        "12/05/1990x",
        "1/1/19900",
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    let date = NaiveDate::from_ymd_opt(1967, 6, 12).unwrap().and_hms_opt(13, 5, 0).unwrap();
    assert_eq!(birth_date(&Cell::Date(date), "", false, today()).unwrap().text, "1967-06-12");
    let old = NaiveDate::from_ymd_opt(1899, 12, 31).unwrap().and_hms_opt(0, 0, 0).unwrap();
    assert!(birth_date(&Cell::Date(old), "", false, today()).is_err());
    assert_eq!(birth_date(&Cell::Number(19_730_517.0), "19730517", false, today()).unwrap().text, "1973-05-17");
    assert_eq!(birth_date(&Cell::Empty, "05/12/1979", true, today()).unwrap().text, "1979");
    assert!(birth_date(&Cell::Empty, "12/05/75", true, today()).is_err());

    let from = |raw: &str| valid_from(&Cell::Text(raw.into()), raw, today()).map(|value| value.text);
    for (raw, day) in [("01/07/2025", "2025-07-01"), ("20250701", "2025-07-01"), ("01/01/2027", "2027-01-01")] {
        assert_eq!(from(raw).as_deref(), Ok(day), "{raw}");
    }
    for wrong in ["31/06/2025", "01/07/25", "12/08/2099", "?"] {
        assert!(from(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    /// Nothing that stands in a cell makes a reader stumble, and what was read once reads the same again.
    #[test]
    fn what_was_read_is_read_unchanged_again(raw in "\\PC{0,20}|[0-9 .E+/-]{0,16}|[a-zÀ-ỹ ]{0,20}") {
        let again = |read: fn(&str) -> Read| {
            if let Ok(value) = read(&raw) {
                let second = read(&value.text).map(|value| value.text);
                prop_assert_eq!(second.as_deref(), Ok(value.text.as_str()));
            }
            Ok(())
        };
        for read in [social_code, id_number, household_code, phone, email, name, relation_code, role, login] {
            again(read)?;
        }
        again(|raw| birth_date(&Cell::Text(raw.into()), raw, false, today()))?;
        prop_assert_eq!(repaired(&repaired(&raw)).into_owned(), repaired(&raw).into_owned());
    }
}
