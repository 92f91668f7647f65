use super::*;

#[test]
fn agencies_name_each_other_in_any_order() {
    let read = list(
        Kind::Agencies,
        "DANH MỤC\nSTT|Mã cơ quan|Tên cơ quan BHXH|Mã cơ quan\\ncấp trên|Mã tỉnh|Hiệu lực từ\n\
         1|00201|BHXH  cơ sở Mẫu|#2|#1|01/07/2025\n\
         2|002|Bảo hiểm xã hội tỉnh Mẫu|000|04|\n\
         3|00202|BHXH cơ sở Hai|BHXH tỉnh Mẫu|04|20250701\n\
         4|00203|BHXH cơ sở Ba|999|04|\n\
         5|00204|BHXH cơ sở Bốn|00203|04|\n\
         6|00205|BHXH cơ sở Năm|00206|04|31/06/2025\n\
         7|0014|BHXH cơ sở Sáu|001|04|\n\
         8||BHXH cơ sở Bảy|001|04|\n\
         9|00208||001|04|\n\
         10|00209|BHXH cơ sở Chín|00209|04|\n\
         11|00210|BHXH cơ sở Mười|002 - BHXH tỉnh Mẫu||\n\
         12|002|Bảo hiểm xã hội tỉnh Mẫu|000|04|\n\
         ||Tổng cộng: 12|||",
    )
    .read();
    assert_eq!(read.all(Field::ParentCode), ["3:002", "4:000", "5:002", "13:002"]);
    assert_eq!(read.all(Field::ProvinceCode), ["3:01", "4:04", "5:04", "13:-"]);
    assert_eq!(read.all(Field::ValidFrom), ["3:2025-07-01", "4:-", "5:2025-07-01", "13:-"]);
    assert_eq!(
        read.refusals(),
        [
            "6:unknown_agency:parent_code",
            "7:unknown_agency:parent_code",
            "8:bad_date:valid_from",
            "9:bad_code:code",
            "10:missing_code:code",
            "11:missing_name:name",
            "12:unknown_agency:parent_code",
            "14:duplicate_same:code",
        ]
    );
    assert!(read.warnings.is_empty());
    assert_eq!(read.sheets[0].layout.header_rows, [2]);
}

#[test]
fn below_an_agency_that_is_told_of_in_two_ways_nobody_stands() {
    let read = list(
        Kind::Agencies,
        "Mã|Tên cơ quan|Mã cấp trên\n002|BHXH tỉnh Một|000\n002|BHXH tỉnh Hai|000\n00201|BHXH cơ sở Một|002",
    )
    .read();
    assert_eq!(
        read.refusals(),
        ["2:duplicate_conflict:code", "3:duplicate_conflict:code", "4:unknown_agency:parent_code"]
    );
}

#[test]
fn sheets_of_codes_are_no_agencies() {
    let read = list(Kind::Agencies, "Mã|Tên cơ quan\n002|BHXH tỉnh Một")
        .and_sheet("Tinh", "Tên tỉnh|Mã tỉnh\nThành phố Hà Nội|01")
        .and_sheet("Xa", "Khóa|Tên xã|Mã xã|Mã tỉnh\nBa Đình01|Ba Đình|00004|01")
        .and_sheet("QuanHe", "Tên quan hệ|Mã\nChủ hộ|00")
        .and_sheet("Ten", "Tên|Mã\nKinh|001")
        .read();
    assert_eq!(read.all(Field::Code), ["2:002"]);
    assert!(read.refused.is_empty());
}

#[test]
fn staff_are_told_apart_by_their_login() {
    let read = list(
        Kind::Staff,
        "STT|Họ và tên|Tài khoản|Quyền|Cơ quan BHXH|Thư điện tử\n\
         1|Lê An| AN.LE |CÁN BỘ|BHXH cơ sở Tây Hồ|An@Example.org\n\
         2|Lê Ba|ba.le|Thủ quỹ|00103|\n\
         3|Lê Ca|ca.le|Giám sát|00999|\n\
         4||da.le|officer|00103|\n\
         5|Lê E||officer|00103|\n\
         6|Lê Ga|lê gà|officer|00103|\n\
         7|Lê An|an.le|officer|001|\n\
         8|Lê Ha|ha.le|Quản trị|#103|sai\n\
         9|Lê Hi|ha.le|Quản trị|#103|\n\
         10|Lê Ka|ka.le||00103|\n\
         11|Lê La|la.le|officer||\n\
         Người lập||Giám đốc||",
    )
    .read();
    assert_eq!(read.all(Field::Login), ["2:an.le"]);
    assert_eq!(read.all(Field::AgencyCode), ["2:00103"]);
    assert_eq!(read.all(Field::Email), ["2:an@example.org"]);
    assert_eq!(
        read.refusals(),
        [
            "3:bad_role:role",
            "4:unknown_agency:agency_code",
            "5:missing_name:name",
            "6:missing_login:login",
            "7:bad_code:login",
            "8:duplicate_same:login",
            "9:duplicate_conflict:login",
            "10:duplicate_conflict:login",
            "11:bad_role:role",
            "12:unknown_agency:agency_code",
        ]
    );
    assert_eq!(read.warned(), ["2:duplicate_differs:agency_code"]);
}

#[test]
fn applications_need_papers_a_telephone_and_an_agency() {
    let read = list(
        Kind::Applications,
        "Họ tên|Mã số BHXH|Ngày sinh|Giới tính|Số CCCD|Điện thoại|Email|Địa chỉ|Cơ quan BHXH\n\
         Lê An|5500000001|1990|Nam|055090294230|0951234567||Số 1  Lê Lợi|00103 - BHXH cơ sở Tây Hồ\n\
         Lê Ba|5500000002|1990|Nam||0951234567|||00103\n\
         Lê Ca|5500000003|1990|Nam|1234|0951234567|||00103\n\
         Lê Da|5500000004|1990|Nam|055090294230||||00103\n\
         Lê E|5500000005|1990|Nam|055090294230|0951 2345|||00103\n\
         Lê Ga|5500000006|1990|Nam|055090294230|0951234567|||00130\n\
         Lê Ha|5500000007||?|12345678|951234567|khong co||103",
    )
    .read();
    assert_eq!(read.all(Field::AgencyCode), ["2:00103", "8:00103"]);
    assert_eq!(read.all(Field::Address), ["2:Số 1 Lê Lợi", "8:-"]);
    assert_eq!(
        read.refusals(),
        [
            "3:missing_id_number:id_number",
            "4:bad_id_number:id_number",
            "5:missing_phone:phone",
            "6:bad_phone:phone",
            "7:unknown_agency:agency_code",
        ]
    );
    assert_eq!(
        read.warned(),
        ["8:missing_birth_date:birth_date", "8:bad_sex:sex", "8:restored_zero:id_number", "8:bad_email:email"]
    );
}
