use super::*;

fn others(read: &Outcome) -> Vec<String> {
    let rows = |refused: &Refused| {
        let others = refused.other_rows.iter().map(|place| format!("{}!{}", place.sheet, place.row));
        format!("{}→{}", refused.place.row, others.collect::<Vec<_>>().join(","))
    };
    read.refused.iter().map(rows).collect()
}

#[test]
fn the_same_person_again_is_refused_and_the_first_row_kept_as_it_stands() {
    let read = registry(
        "Mã số BHXH|Họ tên|Ngày sinh|Giới tính|SĐT|Mã hộ|CCCD|Quan hệ\n\
         5500000001|Trần Thị Hoà|1990||0951234567||012345678|Con\n\
         5500000001|TRẦN  THỊ HÒA|12/05/1990|Nữ|0951234568|5500000009|012345678|Con\n\
         500000002|Lê An|1990|Nam||||\n\
         0500000002|Lê An|1990||||012345678|Chủ hộ\n\
         5500000001|trần thị hòa||||||Cháu",
    );
    assert_eq!(read.refusals(), ["3:duplicate_same:code", "5:duplicate_same:code", "6:duplicate_same:code"]);
    assert_eq!(others(&read), ["3→0!2", "5→0!4", "6→0!2"]);
    assert_eq!(read.all(Field::BirthDate), ["2:1990", "4:1990"]);
    assert_eq!(read.all(Field::Sex), ["2:-", "4:male"], "nothing is merged into the first row");
    let expected = ["2:duplicate_differs:phone", "2:duplicate_differs:relation_code", "4:restored_zero:code"];
    assert_eq!(read.warned(), expected);
    assert_eq!(read.refused[1].value.as_deref(), Some("0500000002"));
}

#[test]
fn rows_that_contradict_each_other_are_all_refused() {
    let read = registry(
        "Mã số BHXH|Họ tên|Ngày sinh|Giới tính\n\
         5500000001|Lê An|1990|Nam\n\
         5500000001|Lê An|1991|Nam\n\
         5500000002|Lê Ba|1990|Nam\n\
         5500000002|Lê Ba|1990|Nữ\n\
         5500000003|Lê Quỳnh|1990|Nam\n\
         5500000003|Le Quynh|1990|Nam\n\
         5500000004|Lê Da|1990|\n\
         5500000004|Lê Da|05/1990|\n\
         5500000004|Lê Da|06/1990|\n\
         5500000005|Lê E||\n\
         5500000005|Lê E|1990|Nữ\n\
         5500000005|Lê E|1990|Nam\n\
         5500000006|Lê Ga|1990|\n\
         5500000006|Lê Ga|x|",
    );
    let conflicts: Vec<u32> = read
        .refused
        .iter()
        .filter(|row| row.class == RefusedClass::DuplicateConflict)
        .map(|row| row.place.row)
        .collect();
    assert_eq!(conflicts, (2..=13).collect::<Vec<u32>>());
    assert_eq!(others(&read)[6..9], ["8→0!9,0!10", "9→0!8,0!10", "10→0!8,0!9"]);
    assert_eq!(read.all(Field::Code), ["14:5500000006"], "a row with something else against it is no duplicate");
    assert_eq!(read.refusals().last().unwrap(), "15:bad_date:birth_date");
}

#[test]
fn a_cross_is_compared_as_the_sex_it_turns_out_to_be() {
    let read = registry(
        "Mã số BHXH|Họ tên|Ngày sinh|GIOI_TINH\n\
         5500000001|Lê An|1990|x\n5500000001|Lê An|1990|\n5500000002|Lê Ba|1990|x\n5500000002|Lê Ba|1990|x",
    );
    assert_eq!(read.refusals(), ["2:duplicate_conflict:code", "3:duplicate_conflict:code", "5:duplicate_same:code"]);
}

#[test]
fn duplicates_count_over_all_sheets() {
    let rows = "Mã số BHXH|Họ tên|Ngày sinh\n5500000001|Lê An|1990\n5500000002|Lê Ba|1990";
    let read = list(Kind::Registry, rows)
        .and_sheet(
            "2",
            "Họ tên|Ngày sinh|Mã số BHXH\n\nLê An|1990|5500000001\nLê Bo|1990|5500000002\nLê Ca|1990|5500000003",
        )
        .read();
    assert_eq!(read.refusals(), ["3:duplicate_conflict:code", "3:duplicate_same:code", "4:duplicate_conflict:code"]);
    assert_eq!(others(&read), ["3→1!4", "3→0!2", "4→0!3"]);
    let only = List {
        only: Some("2".into()),
        ..list(Kind::Registry, rows).and_sheet("2", "Họ tên|Mã số BHXH|Năm sinh\nLê An|5500000001|1990")
    };
    let read = only.read();
    assert_eq!(read.records.len(), 1);
    assert_eq!(read.sheets.len(), 2);
}

#[test]
fn codes_that_only_look_alike_are_two() {
    let read = registry("Mã số BHXH|Họ tên|Ngày sinh\n0123456789|Lê An|1990\n000123456789|Lê Ba|1990");
    assert_eq!(read.records.len(), 2);
}
