use super::*;
use proptest::prelude::*;

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 24).unwrap()
}

fn cell(text: &str) -> Cell {
    if text.is_empty() { Cell::Empty } else { Cell::Text(text.into()) }
}

/// Reads rows of texts, the cells separated by `|`.
fn read(rows: &[&str]) -> Result<Contents, ListError> {
    let mut reader = Reader::new(today());
    for (number, row) in (1..).zip(rows) {
        let cells: Vec<Cell> = row.split('|').map(str::trim).map(cell).collect();
        if reader.row(number, &cells).is_break() {
            break;
        }
    }
    reader.finish()
}

fn refused(contents: &Contents) -> Vec<(u32, &str)> {
    contents.refused.iter().map(|refused| (refused.row, refused.column.as_str())).collect()
}

#[test]
fn labels_are_known_by_meaning() {
    for (label, field) in [
        ("Mã số BHXH", Field::Code),
        ("ma_so_bhxh", Field::Code),
        ("MasoBHXH\n(10 số)", Field::Code),
        ("Ho  ten", Field::Name),
        ("Họ, tên", Field::Name),
        ("Ngày, tháng, năm sinh", Field::BirthDate),
        ("GIOI_TINH", Field::Sex),
        ("Số CMND/CCCD/Hộ chiếu", Field::IdNumber),
        ("socmnd", Field::IdNumber),
        ("Số định danh", Field::IdNumber),
        ("SĐT", Field::Phone),
        ("Mã hộ gia đình", Field::HouseholdCode),
        ("Mối quan hệ với chủ hộ", Field::RelationCode),
    ] {
        assert_eq!(field_of(label), Some((field, false)), "{label}");
    }
    for other in ["STT", "SoCCCD_CH", "SO_SO_BHXH", "HOTEN_CHUHO", "Ghi chú", "", "()", "Tên thôn"] {
        assert_eq!(field_of(other), None, "{other}");
    }
}

#[test]
fn a_second_best_label_counts_where_there_is_no_better_one() {
    let list =
        read(&["Số thẻ BHYT | Họ tên | Năm sinh | Số giấy tờ", "GD4799912345678 | Lê An | 1990 | 012345678"]).unwrap();
    let member = &list.members[0];
    assert_eq!((member.code.as_str(), member.birth_date.as_ref().unwrap().as_str()), ("9912345678", "1990"));
    assert!(member.id_number.is_some());
    let list = read(&["Số giấy tờ | CMND | Mã số BHXH | Họ tên", "012345678 | | 9912345678 | Lê An"]).unwrap();
    assert_eq!(list.members[0].id_number, None);
}

#[test]
fn rows_that_are_about_nobody_are_passed_over() {
    let list = read(&[
        "DANH SÁCH THÀNH VIÊN HỘ GIA ĐÌNH",
        "TT | Họ tên | Mã số BHXH | Giới tính",
        "(1) | (2) | (3) | (4)",
        "I | Tổ dân phố 1 | |",
        "1 | Tống Thị Cúc | 9900000001 | Nữ",
        "Cộng | | 1 |",
        " | Tổng cộng: 1 người | 1 |",
        " | Họ tên | Mã số BHXH | Giới tính",
        " | Người lập | … |",
    ])
    .unwrap();
    assert_eq!(list.members.len(), 1);
    assert_eq!(list.refused, []);
}

#[test]
fn a_row_that_does_not_say_who_is_meant_is_refused_with_its_place() {
    let list = read(&[
        "ma so | ghi chu",
        "mã số bhxh | ho ten | ngay sinh | sdt",
        " | Lê An | 1990 |",
        "551234 | Lê Bình | 1990 |",
        "9900000001 | | 1990 |",
        "9900000002 | Lê Cường | 05/25/1990 |",
        "9900000003 | Lê Dung | | 1234",
    ])
    .unwrap();
    assert_eq!(refused(&list), [(3, "mã số bhxh"), (4, "mã số bhxh"), (5, "ho ten"), (6, "ngay sinh")]);
    assert_eq!(list.refused[3].value, "05/25/1990");
    assert_eq!(list.refused[1].reason, "Mã số BHXH có 10 hoặc 12 chữ số; đang có 6.");
    assert_eq!(list.members.len(), 1);
    assert_eq!((list.members[0].phone.as_ref(), list.ignored[0].value.as_str()), (None, "1234"));
}

#[test]
fn the_same_person_twice_is_kept_once_and_different_people_under_one_code_not_at_all() {
    let list = read(&[
        "mã số bhxh | họ tên | ngày sinh | điện thoại",
        "9900000001 | Trần Thị Hoà | 1990 | 1",
        "9900000002 | Lê Quỳnh Loan | | 2",
        "9900000001 | TRẦN THỊ HÒA | 05/1990 | 3",
        "9900000002 | Le Quynh Loan | |",
        "9900000003 | Lê An | 1990 |",
        "9900000003 | Lê An | 05/1990 |",
        "9900000003 | Lê An | 06/1990 |",
    ])
    .unwrap();
    assert_eq!(list.members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>(), ["Trần Thị Hoà"]);
    assert_eq!(list.refused.iter().map(|refused| refused.row).collect::<Vec<_>>(), [3, 4, 5, 6, 7, 8]);
    assert_eq!(list.refused[1].reason, "Người này đã có ở dòng 2; dòng đó được giữ, dòng này bỏ qua.");
    assert!(list.refused[0].reason.starts_with("Các dòng 3, 5 có cùng mã số"));
    assert_eq!(list.refused[0].value, "9900000002");
    assert_eq!(list.ignored.iter().map(|ignored| ignored.row).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_file_without_a_header_or_without_people_says_so() {
    assert_eq!(read(&["họ tên | ghi chú", "Lê An | x"]), Err(ListError::NoHeader));
    let late: Vec<&str> = std::iter::repeat_n("x", HEADER_WITHIN).chain(["mã số bhxh | họ tên"]).collect();
    assert_eq!(read(&late), Err(ListError::NoHeader));
    assert_eq!(read(&["mã số bhxh | họ tên", " | "]), Err(ListError::NoRows));
}

#[test]
fn what_a_list_does_not_say_stays_known() {
    let known = read(&[
        "mã số bhxh | họ tên | ngày sinh | giới tính | cccd | sdt | mã hộ | quan hệ",
        "9900000001 | Lê Thị Hà | 05/03/1990 | Nữ | 012345678 | 0951234567 | 9900000000 | Vợ",
    ])
    .unwrap()
    .members
    .remove(0);
    let with = |rows: &[&str]| merged(read(rows).unwrap().members.remove(0), &known);
    assert_eq!(with(&["mã số bhxh | họ tên", "9900000001 | Lê Thị Hà"]), known);
    assert_eq!(with(&["mã số bhxh | họ tên | ngày sinh | sdt", "9900000001 | Le Thi Ha | 1990 |"]), known);
    let changed = with(&["mã số bhxh | họ tên | ngày sinh", "9900000001 | Lê Thị Hạ | 1991"]);
    assert_eq!((changed.name.as_str(), changed.birth_date.unwrap().as_str()), ("Lê Thị Hạ", "1991"));
}

proptest! {
    #[test]
    fn no_cell_makes_the_reader_fall(text in "\\PC{0,30}|[0-9.,Ee+' /-]{0,24}", at in 0usize..8) {
        let mut cells = vec![cell("9900000001"), cell("Lê An"), cell("1990"), cell("Nam")];
        cells.resize(8, Cell::Empty);
        cells[at] = cell(&text);
        let header =
            ["mã số bhxh", "họ tên", "ngày sinh", "giới tính", "cccd", "sdt", "mã hộ", "quan hệ"].map(cell);
        let mut reader = Reader::new(today());
        prop_assert!(reader.row(1, &header).is_continue());
        prop_assert!(reader.row(2, &cells).is_continue());
        if let Ok(contents) = reader.finish() {
            prop_assert_eq!(contents.members.len() + contents.refused.len(), 1);
        }
    }
}
