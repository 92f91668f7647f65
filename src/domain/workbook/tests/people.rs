use super::*;

#[test]
fn a_row_is_about_somebody_when_its_code_has_digits_or_its_name_comes_with_something_that_can_be_read() {
    let read = registry(
        "Mã số BHXH|Họ tên|Ngày sinh|Giới tính|CCCD|Quan hệ|SĐT\n\
         5500000001|||||\n\
         |Lê An|1990|||\n\
         |Lê An||Nam||\n\
         |Lê An|||012345678|\n\
         |Lê An||||Con|\n\
         |Lê An|||||0951234567\n\
         |Thành viên khác trong hộ|||||\n\
         |Lê An|không rõ|?|12|Bạn|1\n\
         |||||Con|0951234567\n\
         chưa có|Lê An|1990|||\n\
         chưa có||||\n\
         ghi 10 chữ số|ghi chữ in hoa|dd/mm/yyyy||\n\
         551234|Lê An|||",
    );
    assert_eq!(
        read.refusals(),
        [
            "2:missing_name:name",
            "3:missing_code:code",
            "4:missing_code:code",
            "5:missing_code:code",
            "6:missing_code:code",
            "7:missing_code:code",
            "11:bad_code:code",
            "14:bad_code:code",
        ]
    );
    assert!(read.records.is_empty() && read.warnings.is_empty());
}

#[test]
fn totals_numbers_of_columns_signatures_and_instructions_are_passed_over() {
    let read = registry(
        "STT|Họ tên|Mã số BHXH|Ngày sinh|Giới tính\n\
         (1)|(2)|(3)|(4)|(5)\n\
         [1]|[2]|[3a]|[3b]|[4=1+2]\n\
         A|B|1|2|3\n\
         I|Người tham gia|||\n\
         1|Lê An|5500000001|1990|Nam\n\
         2|Tống Văn Cường|5500000002|1990|Nam\n\
         3|Tong Van Cuong|5500000003|1990|Nam\n\
         Cộng||12|1990|Nam\n\
         |Tổng cộng: 3 người|3||\n\
         |CỘNG|#3|1990|\n\
         Tong cong|||1990|Nam\n\
         Tổng số|5500000009|5500000009|1990|Nam\n\
         |\n\
         ||Hà Nội, ngày 12 tháng 3 năm 2026||\n\
         ||Trang 1/3||\n\
         |Người lập biểu||Thủ trưởng đơn vị|\n\
         |Đỗ Thị Lập|||\n\
         MA_SO_BHXH: mã số BHXH của thành viên, gồm 10 chữ số\n\
         #00|Chủ hộ|#12||",
    );
    assert_eq!(read.all(Field::Code), ["6:5500000001", "7:5500000002", "8:5500000003"]);
    assert!(read.refused.is_empty(), "{:?}", read.refusals());
}

#[test]
fn formulas_and_errors_that_give_nothing_are_empty() {
    let read = registry(
        "Mã số BHXH|Họ tên|Ngày sinh|Giới tính|CCCD\n\
         5500000001|Lê An|#N/A|…|---\n\
         #REF!|Lê An|1990||\n\
         \u{A0}|Lê An|1990|. . .|/\n\
         ||||",
    );
    assert_eq!(read.all(Field::Code), ["2:5500000001"]);
    assert_eq!(read.warned(), ["2:missing_birth_date:birth_date"]);
    assert_eq!(read.refusals(), ["3:missing_code:code", "4:missing_code:code"]);
}

#[test]
fn the_first_thing_wrong_refuses_the_row_and_a_refused_row_has_no_warnings() {
    let read = registry(
        "Mã số BHXH|Họ tên|Ngày sinh|CCCD\n\
         12||31/02/1990|5\n\
         551234||31/02/1990|5\n\
         5500000001||31/02/1990|5\n\
         5500000001|Lê An|31/02/1990|5\n\
         500000001|Lê An|1990|5",
    );
    assert_eq!(
        read.refusals(),
        ["3:bad_code:code", "4:missing_name:name", "5:bad_date:birth_date"],
        "two digits in the column of codes are no code, where nothing else can be read"
    );
    assert_eq!(read.warned(), ["6:restored_zero:code", "6:bad_id_number:id_number"]);
}

#[test]
fn several_columns_of_one_field_give_the_leftmost_filled_cell() {
    let read = registry(
        "Mã số BHXH|Họ tên|Mối quan hệ|Mã quan hệ|Ngày sinh\n\
         5500000001|Lê An|Vợ|02|1990\n\
         5500000002|Lê Ba|…|02|1990\n\
         5500000003|Lê Ca|Bạn|02|1990",
    );
    assert_eq!(read.all(Field::RelationCode), ["2:01", "3:02", "4:-"]);
    assert_eq!(read.warned(), ["4:bad_relation:relation_code"]);
    assert_eq!(read.sheets[0].layout.columns[&Field::RelationCode], "C,D");
}

#[test]
fn a_card_number_serves_where_there_is_no_code() {
    let cards = registry("Họ tên|Số thẻ BHYT|Ngày sinh\nLê An|GD4790123456789|1990\nLê Ba|HT 3 79 0123456788|1990");
    assert_eq!(cards.all(Field::Code), ["2:0123456789", "3:0123456788"]);
    let both = registry("Họ tên|Số thẻ BHYT|Mã số BHXH|Ngày sinh\nLê An|GD4790123456789||1990");
    assert_eq!(both.refusals(), ["2:missing_code:code"]);
}

#[test]
fn the_birth_year_beside_a_birth_date_is_a_mark() {
    let read = registry(
        "HOTEN_THANHVIEN|MA_SO_BHXH|NGAY_SINH|NAM_SINH\n\
         Lê An|5500000001|05/12/1979|x\n\
         Lê Ba|5500000002|05/12/1979|\n\
         Lê Ca|5500000003|1980|X\n\
         Lê Da|5500000004||x\n\
         Lê Đa|5500000005||1981\n\
         Lê E|5500000006|05/12/1979|1979",
    );
    assert_eq!(read.all(Field::BirthDate), ["2:1979", "3:1979-12-05", "4:1980", "5:-", "6:1981", "7:1979-12-05"]);
    assert_eq!(read.warned(), ["5:missing_birth_date:birth_date"]);
    assert!(read.columns().contains("only_year=D"));
    let alone = registry("Họ tên|Mã số BHXH|Năm sinh\nLê An|5500000001|#1979");
    assert_eq!(alone.all(Field::BirthDate), ["2:1979"]);
}

#[test]
fn x_is_a_woman_and_blank_a_man_only_where_the_column_holds_nothing_else() {
    let crosses = registry(
        "Mã số BHXH|Họ tên|Ngày sinh|GIOI_TINH|Quan hệ|CCCD\n\
         5500000001|Lê An|1990||Vợ|\n\
         5500000002|Lê Ba|1990|x|Chồng|001099012345\n\
         5500000003|Lê Ca|1990|X|Vợ|001190012345\n\
         |Mục II|||",
    );
    assert_eq!(crosses.all(Field::Sex), ["2:male", "3:female", "4:female"]);
    assert_eq!(
        crosses.warned(),
        ["2:relation_sex:relation_code", "3:id_mismatch:id_number", "3:relation_sex:relation_code"]
    );
    let words = registry(
        "Mã số BHXH|Họ tên|Ngày sinh|GIOI_TINH\n\
         5500000001|Lê An|1990|\n5500000002|Lê Ba|1990|x\n5500000003|Lê Ca|1990|Nữ",
    );
    assert_eq!(words.all(Field::Sex), ["2:-", "3:-", "4:female"]);
    assert_eq!(words.warned(), ["3:bad_sex:sex"]);
    let blank = registry("Mã số BHXH|Họ tên|Ngày sinh|GIOI_TINH\n5500000001|Lê An|1990|");
    assert_eq!(blank.all(Field::Sex), ["2:-"]);
}

#[test]
fn a_sheet_of_men_is_read_as_the_sheets_beside_it_are_written() {
    let rows = "Mã số BHXH|Họ tên|Ngày sinh|GIOI_TINH\n5500000001|Lê An|1990|\n5500000002|Lê Ba|1990|";
    let crosses = "Mã số BHXH|Họ tên|Ngày sinh|GIOI_TINH\n5500000003|Lê Ca|1990|x";
    let words = "Mã số BHXH|Họ tên|Ngày sinh|GIOI_TINH\n5500000003|Lê Ca|1990|Nữ";
    let beside = |other| list(Kind::Registry, rows).and_sheet("2", other).read().all(Field::Sex);
    assert_eq!(beside(crosses), ["2:male", "3:male", "2:female"]);
    assert_eq!(beside(words), ["2:-", "3:-", "2:female"]);
}

#[test]
fn a_name_with_a_cross_is_somebody() {
    let read = registry("Mã số BHXH|Họ tên|Ngày sinh|GIOI_TINH\n5500000001|Lê An|1990|x\n|Lê Ba||x");
    assert_eq!(read.refusals(), ["3:missing_code:code"]);
}

#[test]
fn two_columns_for_the_sexes() {
    let spans = [span(1, 1, "CD"), span(1, 2, "AA"), span(1, 2, "BB")];
    let rows = "Mã số BHXH|Họ tên|Giới tính||Ngày sinh\n||Nam|Nữ|\n\
         5500000001|Lê An|x||1990\n5500000002|Lê Ba||x|1990\n5500000003|Lê Ca||1|1990\n\
         5500000004|Lê Da|||1990\n5500000005|Lê E|x|x|1990\n5500000006|Lê Ga|Nam||1990\n5500000007|Lê Ha|0|1|1990";
    for list in [list(Kind::Registry, rows), list(Kind::Registry, rows).with_spans(&spans)] {
        let read = list.read();
        assert_eq!(read.all(Field::Sex), ["3:male", "4:female", "5:female", "6:-", "7:-", "8:male", "9:female"]);
        assert_eq!(read.warned(), ["7:bad_sex:sex"]);
        assert_eq!(read.sheets[0].layout.header_rows, [1, 2]);
        assert_eq!(read.sheets[0].layout.columns[&Field::Sex], "C,D");
    }
    // Old lists have the birth year in the column of the sex.
    let years =
        registry("Mã số BHXH|Họ tên|Năm sinh||CCCD\n||Nam|Nữ|\n5500000001|Lê An|1990||\n5500000002|Lê Ba||12/05/1991|");
    assert_eq!(years.all(Field::Sex), ["3:male", "4:female"]);
    assert_eq!(years.all(Field::BirthDate), ["3:1990", "4:1991-05-12"]);
}

#[test]
fn a_name_in_two_columns_is_joined() {
    for header in ["Họ và tên đệm|Tên", "Họ đệm|Tên", "Họ|Tên", "HO_DEM|TEN", "Họ lót|Tên", "Họ và tên\\nđệm|Tên"]
    {
        let read = registry(&format!(
            "STT|{header}|Mã số BHXH|Ngày sinh\n1|Nguyễn Thị |Hoa|5500000001|1990\n2||Ba|5500000002|1990"
        ));
        assert_eq!(read.all(Field::Name), ["2:Nguyễn Thị Hoa", "3:Ba"], "{header}");
        assert_eq!(read.sheets[0].layout.columns[&Field::Name], "B,C");
    }
    let rows = "STT|Họ và tên||Mã số BHXH|Ngày sinh\n1|Nguyễn Thị|Hoa|5500000001|1990";
    assert_eq!(
        list(Kind::Registry, rows).with_spans(&[span(1, 1, "BC")]).read().all(Field::Name),
        ["2:Nguyễn Thị Hoa"]
    );
    let levels = "STT|Họ và tên||Mã số BHXH|Ngày sinh\n|Họ đệm|Tên||\n1|Nguyễn Thị|Hoa|5500000001|1990";
    let read = registry(levels);
    assert_eq!(read.all(Field::Name), ["3:Nguyễn Thị Hoa"]);
    assert_eq!(read.sheets[0].layout.header_rows, [1, 2]);
    // A whole name beside its parts needs no joining.
    let whole = registry("Họ và tên|Họ|Tên|Mã số BHXH|Ngày sinh\nLê Thị Hoa|Lê Thị|Hoa|5500000001|1990");
    assert_eq!(whole.all(Field::Name), ["2:Lê Thị Hoa"]);
}

#[test]
fn a_birth_date_in_three_columns_is_joined() {
    let read = registry(
        "Họ tên|Mã số BHXH|Ngày sinh||\n||Ngày|Tháng|Năm\nLê An|5500000001|#12|#5|#1990\nLê Ba|5500000002|||#1991",
    );
    assert_eq!(read.all(Field::BirthDate), ["3:1990-05-12", "4:1991"]);
}

#[test]
fn a_number_of_twelve_digits_warns_of_what_it_says_otherwise() {
    let read = registry(
        "Mã số BHXH|Họ tên|Ngày sinh|Giới tính|CCCD\n\
         5500000001|Lê An|1990|Nam|001090012345\n\
         5500000002|Lê Ba|1991|Nam|001090012345\n\
         5500000003|Lê Ca|1990|Nữ|001090012345\n\
         5500000004|Lê Da||Nữ|001190012345\n\
         5500000005|Lê E|2005||001205012345\n\
         5500000006|Lê Ga|1990|Nữ|1090012345\n\
         5500000007|Lê Ha|1990|Nữ|012345678",
    );
    assert_eq!(
        read.warned(),
        [
            "3:id_mismatch:id_number",
            "4:id_mismatch:id_number",
            "5:missing_birth_date:birth_date",
            "7:restored_zero:id_number",
            "7:id_mismatch:id_number"
        ]
    );
}

#[test]
fn what_cannot_be_read_is_left_empty_with_a_warning() {
    let read = registry(
        "Mã số BHXH|Họ tên|Ngày sinh|Giới tính|CCCD|SĐT|Mã hộ|Quan hệ|Email\n\
         5500000001|Lê An|1990|?|12345|0951 234|HGD-77|Bạn|khong-co\n\
         5500000002|Lê Ba|1990|Nam|12345678|951234567|575861754|99|An@Example.com",
    );
    let fields =
        ["sex:sex", "id_number:id_number", "relation:relation_code", "household_code:household_code", "phone:phone"];
    let mut expected: Vec<String> = fields.iter().map(|field| format!("2:bad_{field}")).collect();
    expected.push("2:bad_email:email".into());
    expected.extend(["3:restored_zero:id_number".into(), "3:restored_zero:household_code".into()]);
    assert_eq!(read.warned(), expected);
    assert_eq!(read.all(Field::HouseholdCode), ["2:-", "3:0575861754"]);
    assert_eq!(read.all(Field::Email), ["2:-", "3:an@example.com"]);
    assert_eq!(read.warnings[1].value.as_deref(), Some("12345"));
}

#[test]
fn silent_repairs_are_counted() {
    let read = registry("Mã số BHXH|Họ tên|Ngày sinh|SĐT\n5500000001.0|Lê  An|1990|951234567\n5500000002|Lê Ba|1990|");
    assert_eq!(read.repaired, 3);
}
