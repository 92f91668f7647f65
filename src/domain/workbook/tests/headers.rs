use super::super::legacy::tests::{to_tcvn3, to_vni, to_windows_1258};
use super::*;

const PEOPLE: &str = "5500000001|Lê An|1990|Nam|0951234567\n5500000002|Lê Thị Ba|12/05/1991|Nữ|";

#[test]
fn a_header_stands_in_any_row() {
    let rows = format!("{}Mã số BHXH|Họ tên|Ngày sinh|Giới tính|SĐT\n{PEOPLE}", "Ghi chú: đọc kỹ\n|\n".repeat(60));
    let read = registry(&rows);
    assert_eq!(read.all(Field::Code), ["122:5500000001", "123:5500000002"]);
    assert_eq!(read.sheets[0].layout.header_rows, [121]);
    assert_eq!(read.columns(), "code=A name=B birth_date=C sex=D phone=E");
}

#[test]
fn two_rows_of_labels_are_one_header() {
    let read = registry(&format!(
        "THÔNG TIN THÀNH VIÊN (chủ hộ)\nMã số BHXH\\n|Họ  tên|Ngày sinh (năm)|Giới tính\\n|SĐT\nMasoBHXH|HoTen|NgaySinh|GioiTinh|DienThoai\n{PEOPLE}"
    ));
    assert_eq!(read.sheets[0].layout.header_rows, [2, 3]);
    assert_eq!(read.records.len(), 2);
    assert_eq!(read.columns(), "code=A name=B birth_date=C sex=D phone=E");
    let english = registry(&format!(
        "Mã số BHXH|Họ tên|Ngày sinh|Giới tính|SĐT\nSocial insurance No.|Full name|Date of birth|Sex|Phone\n{PEOPLE}"
    ));
    assert_eq!(english.sheets[0].layout.header_rows, [1, 2]);
    assert_eq!(english.records.len(), 2);
}

#[test]
fn a_header_can_have_numbers_and_come_with_its_groups_again() {
    let header = "Mã số BHXH|Họ tên|Ngày sinh|Giới tính|SĐT|#1|#2|#3";
    assert_eq!(registry(&format!("{header}\n{PEOPLE}")).records.len(), 2);
    let groups = "Người tham gia|||Liên hệ|\nMã số BHXH|Họ và tên|Ngày sinh|Điện thoại|Email";
    let read = list(
        Kind::Registry,
        &format!("{groups}\n5500000001|Lê An|1990||\n{groups}\n5500000002|Lê Ba|1990||\n|Lê Ca|1990||"),
    );
    let read = read.with_spans(&[span(1, 1, "AC"), span(1, 1, "DE"), span(4, 4, "AC"), span(4, 4, "DE")]).read();
    assert_eq!(read.sheets[0].layout.header_rows, [1, 2, 4, 5]);
    assert_eq!(read.all(Field::Code), ["3:5500000001", "6:5500000002"]);
    assert_eq!(read.refusals(), ["7:missing_code:code"]);
    // One heading for two kinds of numbers.
    let joined = registry("Họ tên|Mã số||Ngày sinh\n|BHXH|Hộ gia đình|\nLê An|5500000001|5575861754|1990");
    assert_eq!(joined.columns(), "code=B name=A birth_date=D household_code=C");
    let papers = registry("Họ tên|Mã số BHXH|CCCD||\n||Số|Ngày cấp|Nơi cấp\nLê An|5500000001|012345678|01/01/2020|HN");
    assert_eq!(papers.columns(), "code=B name=A id_number=C");
}

#[test]
fn headings_over_groups_belong_to_the_header() {
    let rows = "DANH SÁCH NGƯỜI THAM GIA\n\
        STT|Thông tin cá nhân|||Mã số BHXH|Liên hệ|\n\
        |Họ và tên|Ngày sinh|Giới tính||Điện thoại|Email\n\
        1|Lê An|1990|Nam|5500000001|0951234567|a@example.com";
    let spans = [span(1, 1, "AG"), span(2, 3, "AA"), span(2, 2, "BD"), span(2, 3, "EE"), span(2, 2, "FG")];
    for list in [list(Kind::Registry, rows), list(Kind::Registry, rows).with_spans(&spans)] {
        let read = list.read();
        assert_eq!(read.columns(), "code=E name=B birth_date=C sex=D phone=F email=G");
        assert_eq!(read.sheets[0].layout.header_rows, [2, 3]);
        assert_eq!(read.all(Field::Code), ["4:5500000001"]);
    }
    let all_grouped = "Người tham gia||||Liên hệ|\nMã số BHXH|Họ và tên|Ngày sinh|Giới tính|Điện thoại|Email\n\
        5500000001|Lê An|1990|Nam|0951234567|a@example.com";
    let read = list(Kind::Registry, all_grouped).with_spans(&[span(1, 1, "AD"), span(1, 1, "EF")]).read();
    assert_eq!(read.sheets[0].layout.header_rows, [1, 2]);
}

#[test]
fn what_stands_right_above_a_header_need_not_belong_to_it() {
    for above in [
        "Đơn vị: BHXH cơ sở Mẫu|||Tháng 3",
        "BẢO HIỂM XÃ HỘI VIỆT NAM|||CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM|",
        "DANH SÁCH",
        "|||Mẫu số 01|",
        "Danh sách thôn Đoài|||Tháng ba|",
    ] {
        let rows = format!("{above}\nMã số BHXH|Họ tên|Ngày sinh|Giới tính|SĐT\n{PEOPLE}");
        for spans in [vec![span(1, 1, "AC")], Vec::new()] {
            let read = list(Kind::Registry, &rows).with_spans(&spans).read();
            assert_eq!(read.sheets[0].layout.header_rows, [2], "{above}");
            assert_eq!(read.records.len(), 2);
        }
    }
}

#[test]
fn columns_of_the_head_of_the_household_are_not_the_persons() {
    let read = registry(
        "STT|Chủ hộ|||Thành viên|||\n|Họ tên|CCCD|Điện thoại|Họ tên|Mã số BHXH|Ngày sinh|Điện thoại\n\
         1|Lê Chủ|012345678|0951234560|Lê An|5500000001|1990|0951234567",
    );
    assert_eq!(read.columns(), "code=F name=E birth_date=G phone=H");
    let read = registry(
        "Họ tên chủ hộ|Số CCCD chủ hộ|Họ tên thành viên|Mã số BHXH|Ngày sinh\nLê Chủ|012345678|Lê An|5500000001|1990",
    );
    assert_eq!(read.columns(), "code=D name=C birth_date=E");
}

#[test]
fn the_household_telephone_of_the_registration_sheet_is_not_the_persons() {
    let header = "HOTEN_CHUHO|MA_HO_GD|DIEN_THOAI|HOTEN_THANHVIEN|MA_SO_BHXH|SO_SO_BHXH|NGAY_SINH|CMND";
    let row = "Lê Chủ|5575861754|0951234560|Lê An|5500000001|123|1990|012345678";
    let with = registry(&format!("{header}|SDT\n{row}|0951234567"));
    assert_eq!(with.columns(), "code=E name=D birth_date=G id_number=H phone=I household_code=B");
    let without = registry(&format!("{header}\n{row}"));
    assert_eq!(without.columns(), "code=E name=D birth_date=G id_number=H household_code=B");
}

#[test]
fn a_table_of_codes_beside_the_list_is_not_part_of_it() {
    let read = registry(
        "Mã số BHXH|Họ tên|Ngày sinh|Giới tính|SĐT|Quan hệ||Mã quan hệ|Quan hệ\n\
         5500000001|Lê An|1990|Nam|0951234567|||00|Chủ hộ\n\
         |||||||01|Vợ\n\
         5500000002|Lê Ba|1990|Nam||Con||02|Chồng",
    );
    assert_eq!(read.all(Field::RelationCode), ["2:-", "4:08"]);
    assert!(read.refused.is_empty());
    let apart = registry("Mã số BHXH|Họ tên||Ngày sinh\n5500000001|Lê An||1990");
    assert_eq!(apart.all(Field::BirthDate), ["2:1990"], "a column apart counts where the table has none of its kind");
}

#[test]
fn a_header_comes_again_on_each_page_or_for_another_table() {
    let header = "STT|Mã số BHXH|Họ tên|Ngày sinh";
    let read = registry(&format!(
        "{header}\n1|5500000001|Lê An|1990\n(1)|(2)|(3)|(4)\n{header}\n2|5500000002|Lê Ba|1991\n\
         Họ và tên|Năm sinh|Mã BHXH\nLê Ca|1992|5500000003"
    ));
    assert_eq!(read.all(Field::Code), ["2:5500000001", "5:5500000002", "7:5500000003"]);
    assert_eq!(read.all(Field::BirthDate), ["2:1990", "5:1991", "7:1992"]);
    assert_eq!(read.sheets[0].layout.header_rows, [1, 4, 6]);
}

#[test]
fn a_household_stands_above_its_table() {
    let table = "Stt|Họ và tên|Mã số BHXH|Năm sinh\nA|B|1|2\n1|NAME|CODE|1990\n|Cộng||1 người";
    let block = |name: &str, code: &str| table.replace("NAME", name).replace("CODE", code);
    let read = registry(&format!(
        "Họ và tên chủ hộ: Lê Chủ\nMã số hộ gia đình: 557586175  Điện thoại: 0951234567\n{}\n\
         Họ và tên chủ hộ: Lê Hai\n|Mã số hộ gia đình:|5575861755\n|Điện thoại:|0951234567\n{}\n\
         Họ và tên chủ hộ: Lê Ba\nMã số hộ gia đình: ………\n{}\n\
         Họ và tên chủ hộ: Lê Bốn\n{}\nMã hộ: HGD-77\n{}",
        block("Lê An", "5500000001"),
        block("Lê Ba", "5500000002"),
        block("Lê Ca", "5500000003"),
        block("Lê Da", "5500000004"),
        block("Lê E", "5500000005"),
    ));
    assert_eq!(read.all(Field::HouseholdCode), ["5:0557586175", "12:5575861755", "18:-", "23:-", "28:-"]);
    assert_eq!(read.warned(), ["5:restored_zero:household_code", "28:bad_household_code:household_code"]);
    assert!(read.refused.is_empty(), "{:?}", read.refusals());
    assert_eq!(read.columns(), "code=C name=B birth_date=D household_code=block");
    // With a column of its own the block is not needed.
    let column = registry("Mã hộ: 5575861754\nMã số BHXH|Họ tên|Năm sinh|Mã hộ\n5500000001|Lê An|1990|5575861755");
    assert_eq!(column.all(Field::HouseholdCode), ["3:5575861755"]);
}

#[test]
fn a_merged_cell_gives_its_value_to_every_row() {
    let rows = "STT|Mã hộ|Họ tên|Mã số BHXH|Năm sinh\n1|5575861754|Lê An|5500000001|1990\n||Lê Ba|5500000002|1991\n\
        ||Cộng||2\n2||Lê Ca|5500000003|1992";
    let read = list(Kind::Registry, rows).with_spans(&[span(2, 3, "BB"), span(2, 4, "AA")]).read();
    assert_eq!(read.all(Field::HouseholdCode), ["2:5575861754", "3:5575861754", "5:-"]);
    let apart = registry(rows);
    assert_eq!(apart.all(Field::HouseholdCode), ["2:5575861754", "3:-", "5:-"]);
}

#[test]
fn sheets_without_a_header_are_passed_over() {
    let read =
        list(Kind::Registry, "Hướng dẫn\nMã số BHXH|10 chữ số\nHọ và tên|ghi như giấy tờ\nNgày sinh|ngày/tháng/năm")
            .and_sheet("2", &format!("Mã số BHXH|Họ tên|Ngày sinh|Giới tính|SĐT\n{PEOPLE}"))
            .and_sheet("QuanHe", "Tên quan hệ|Mã\nChủ hộ|00")
            .and_sheet("Ten", "Tên|Mã số\nKinh|5500000009")
            .and_sheet("Trống", "Mã số BHXH|Họ tên")
            .read();
    assert_eq!(read.records.len(), 2);
    let with_data: Vec<&str> =
        read.sheets.iter().filter(|sheet| sheet.has_data).map(|sheet| sheet.layout.name.as_str()).collect();
    assert_eq!(with_data, ["2"]);
    assert_eq!(read.sheets[1].columns[0].samples, ["5500000001", "5500000002"]);
    assert_eq!(read.sheets[0].preview[1], (2, vec!["Mã số BHXH".to_owned(), "10 chữ số".to_owned()]));
}

#[test]
fn a_person_can_say_where_the_columns_are() {
    let rows = "danh sách\nkhóa|ai|khi nào|đệm\n5500000001|Lê Thị|1990|An";
    assert_eq!(registry(rows).fault, Some(FileFault::NoHeader));
    let columns = |pairs: &[(Field, &str)]| pairs.iter().map(|(field, place)| (*field, (*place).to_owned())).collect();
    let correct = |header_rows: &[u32], pairs: &[(Field, &str)]| {
        let layout = Layout { name: "1".into(), header_rows: header_rows.to_vec(), columns: columns(pairs) };
        List { corrections: vec![layout], ..list(Kind::Registry, rows) }.read()
    };
    let read = correct(&[2], &[(Field::Code, "A"), (Field::Name, "B,D"), (Field::BirthDate, "c")]);
    assert_eq!(read.fault, None);
    assert_eq!(read.all(Field::Name), ["3:Lê Thị An"]);
    assert_eq!(read.all(Field::BirthDate), ["3:1990"]);
    assert_eq!(read.sheets[0].layout.header_rows, [2]);
    assert_eq!(read.sheets[0].columns[2].label, "khi nào");
    assert_eq!(correct(&[], &[(Field::Code, "A"), (Field::Name, "B")]).records.len(), 1);
    assert_eq!(correct(&[2], &[(Field::Code, "A")]).fault, Some(FileFault::NoHeader));
    assert_eq!(correct(&[3], &[(Field::Code, "A"), (Field::Name, "B")]).fault, Some(FileFault::NoRows));
}

#[test]
fn old_encodings_are_recognised_and_must_be_confirmed() {
    let rows = "DANH SÁCH HỘ GIA ĐÌNH\nMã số BHXH|Họ và tên|Ngày sinh|Giới tính|Quan hệ với chủ hộ|Địa chỉ\n\
        5500000001|Nguyễn Thị Hòa|12/05/1990|Nữ|Vợ|Thôn Đoài\n5500000002|Trần Văn Đức|1991|Nam|Con rể|Xã Tú Lệ\n\
        5500000003|LƯƠNG THỊ HƯỜNG|1991|Nữ|Mẹ|Số 5";
    let plain = registry(rows);
    assert_eq!((plain.encoding, plain.needs_confirmation), (None, false));
    assert_eq!(plain.records.len(), 3);
    let lines = |encode: fn(&str) -> String| rows.lines().map(encode).collect::<Vec<_>>().join("\n");
    for (bytes, text, encoding) in [
        (Bytes::Workbook, lines(to_tcvn3), Encoding::Tcvn3),
        (Bytes::Single, lines(to_tcvn3), Encoding::Tcvn3),
        (Bytes::Workbook, lines(to_vni), Encoding::Vni),
        (Bytes::Utf8, lines(to_vni), Encoding::Vni),
        (Bytes::Single, lines(to_windows_1258), Encoding::Windows1258),
    ] {
        let read = List { bytes, ..list(Kind::Registry, &text) }.read();
        assert_eq!((read.encoding, read.needs_confirmation), (Some(encoding), true));
        assert_eq!(read.records, plain.records, "{encoding:?}");
        assert_eq!(read.sheets[0].layout, plain.sheets[0].layout);
        assert!(read.conversions.contains(&(to_line(encoding, "Trần Văn Đức"), "Trần Văn Đức".into())));
    }
    for (bytes, encoding) in [(Bytes::Utf8, Encoding::Utf8), (Bytes::Utf16, Encoding::Utf16)] {
        let read = List { bytes, ..list(Kind::Registry, rows) }.read();
        assert_eq!((read.encoding, read.needs_confirmation), (Some(encoding), false));
    }
}

fn to_line(encoding: Encoding, text: &str) -> String {
    match encoding {
        Encoding::Tcvn3 => to_tcvn3(text),
        Encoding::Vni => to_vni(text),
        _ => to_windows_1258(text),
    }
}

#[test]
fn only_the_columns_in_an_old_font_are_converted() {
    let name = |text: &str| to_tcvn3(text);
    let rows = format!(
        "Mã số BHXH|Họ và tên|Ngày sinh|Địa chỉ|Ghi chú\n5500000001|{}|1990|Xã Tú Lệ|Tú\n5500000002|{}|1991|Hà Trì|\n5500000003|{}|1992|Tú Trì|",
        name("Nguyễn Thị Hòa"),
        name("Vũ Tú"),
        name("Lê Hà"),
    );
    let read = registry(&rows);
    assert_eq!(read.encoding, Some(Encoding::Tcvn3));
    assert_eq!(read.all(Field::Name), ["2:Nguyễn Thị Hòa", "3:Vũ Tú", "4:Lê Hà"]);
    assert_eq!(read.all(Field::Address), ["2:Xã Tú Lệ", "3:Hà Trì", "4:Tú Trì"]);
}

#[test]
fn headings_over_numbers_are_converted_though_nothing_tells_their_font() {
    for (encode, encoding) in [(to_tcvn3 as fn(&str) -> String, Encoding::Tcvn3), (to_vni, Encoding::Vni)] {
        let head = encode("Mã số BHXH|Họ và tên|Ngày sinh|Số CCCD|Giới tính");
        let read = registry(&format!(
            "{head}\n5500000001|{}|1990|016190123456|Nữ\n5500000002|{}|1991||Nữ",
            encode("Nguyễn Thị Hòa"),
            encode("Trần Thị Thủy")
        ));
        assert_eq!(read.encoding, Some(encoding));
        assert_eq!(
            read.columns(),
            registry("Mã số BHXH|Họ và tên|Ngày sinh|Số CCCD|Giới tính\n5500000001|A B|1990").columns()
        );
        assert_eq!(read.all(Field::Sex), ["2:female", "3:female"]);
    }
}

#[test]
fn lines_of_a_form_are_no_header_of_the_list_below() {
    let read = registry(
        "Họ và tên người kê khai: …………|||Mã số BHXH: …………\nHọ và tên:|…………|Mã số BHXH:|…………\n\n\
         STT|Mã số BHXH|Họ và tên|Ngày sinh\n1|5500000001|Lê Thị An|1990\n\nHọ và tên:|…………|Mã số BHXH:|…………",
    );
    assert_eq!(read.columns(), "code=B name=C birth_date=D");
    assert_eq!(read.sheets[0].layout.header_rows, [4]);
    assert_eq!(read.sheets[0].columns[1].label, "Mã số BHXH");
    assert_eq!(read.all(Field::Name), ["5:Lê Thị An"]);
    let empty = registry("Họ và tên:|…………|Mã số BHXH:|…………\n\nSTT|Mã số BHXH|Họ và tên");
    assert_eq!(empty.fault, Some(FileFault::NoRows));
}

#[test]
fn a_first_person_whose_values_are_labels_too_is_no_header() {
    let read = registry(
        "Mã số BHXH|Họ và tên|Giới tính|Loại giấy tờ|Ghi chú\n5500000001|Lê Thị An|Nữ|CCCD|Email\n\
         5500000002|Lê Thị Ba|Nữ|CMND|Địa chỉ",
    );
    assert_eq!(read.sheets[0].layout.header_rows, [1]);
    assert_eq!(read.all(Field::Name), ["2:Lê Thị An", "3:Lê Thị Ba"]);
    assert_eq!(read.columns(), "code=A name=B sex=C");
}

#[test]
fn a_list_without_accents_is_no_old_encoding() {
    let read =
        List { bytes: Bytes::Utf8, ..list(Kind::Registry, "ma so bhxh|ho ten|ngay sinh\n5500000001|Le Van Tu|1990") }
            .read();
    assert_eq!((read.encoding, read.needs_confirmation), (Some(Encoding::Utf8), false));
    assert_eq!(read.records.len(), 1);
}
