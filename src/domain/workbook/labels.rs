//! What a heading means, whatever its spelling.

use super::Field;
use super::kinds::Spec;
use crate::domain::spreadsheet::Cell;
use crate::domain::text::unaccented;

/// Longer texts are sentences.
const LONGEST: usize = 80;

/// What a heading says besides the field that it may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The surname and middle names, without the given name.
    Front,
    /// The given name, where the rest stands in another column.
    Back,
    Male,
    Female,
    Day,
    Month,
    /// A year, which without accents is also the word for a man.
    Year,
}

#[derive(Clone, Debug)]
pub struct Label {
    pub text: String,
    pub key: String,
    pub field: Option<(Field, u8)>,
}

/// The letter that remains of a character of Latin script without accents and case.
fn folded(c: char) -> Option<char> {
    Some(unaccented(c).to_ascii_lowercase()).filter(char::is_ascii_alphabetic)
}

/// A label without accents, case, spaces, digits, signs, and without what stands in brackets.
pub fn key(label: &str) -> String {
    let mut depth = 0;
    let mut key = String::new();
    for c in label.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            c if depth <= 0 => key.extend(folded(c)),
            _ => {}
        }
    }
    if key.is_empty() && depth == 0 { label.chars().filter_map(folded).collect() } else { key }
}

impl Label {
    pub fn read(spec: &Spec, text: &str) -> Option<Self> {
        if text.len() > 4 * LONGEST {
            return None;
        }
        let key = key(text);
        if key.is_empty() || key.len() > LONGEST {
            return None;
        }
        Some(Self { text: text.to_owned(), field: field_of(spec, &key), key })
    }

    pub fn part(&self) -> Option<Part> {
        part_of(&self.key)
    }

    /// Whether it says that the column is about somebody other than the person of the row.
    pub fn is_of_somebody_else(&self) -> bool {
        let others = ["chuho", "giamho", "nguoidaidien", "chame", "bome"];
        others.iter().any(|other| self.key.contains(other)) && !self.key.contains("quanhe")
    }
}

/// The field that a label names, and its rank.
pub fn field_of(spec: &Spec, key: &str) -> Option<(Field, u8)> {
    let known = spec.labels.iter().find(|labels| labels.match_key(key));
    known.map(|labels| (labels.field, labels.rank))
}

fn part_of(key: &str) -> Option<Part> {
    const FRONT: &[&str] = &[
        "ho",
        "hodem",
        "hovadem",
        "hotendem",
        "hovatendem",
        "holot",
        "hovalot",
        "hotenlot",
        "hovatenlot",
        "hochudem",
        "hovachudem",
        "hochulot",
        "hovachulot",
        "dem",
        "lot",
        "tendem",
        "tenlot",
        "chudem",
        "chulot",
        "surname",
        "lastname",
        "familyname",
        "middlename",
    ];
    match key {
        "ten" | "tengoi" | "firstname" | "givenname" => Some(Part::Back),
        "nam" | "namgioi" | "lanam" | "male" => Some(Part::Male),
        "nu" | "nugioi" | "lanu" | "female" => Some(Part::Female),
        "ngay" | "day" => Some(Part::Day),
        "thang" | "month" => Some(Part::Month),
        "year" => Some(Part::Year),
        key => FRONT.contains(&key).then_some(Part::Front),
    }
}

/// A row as a header would have it.
#[derive(Clone, Debug)]
pub struct HeadRow {
    pub number: u32,
    pub labels: Vec<Option<Label>>,
    /// The columns of cells that hold something other than a label.
    pub others: Vec<usize>,
}

impl HeadRow {
    pub fn read(spec: &Spec, number: u32, cells: &[Cell]) -> Self {
        let mut others = Vec::new();
        let label = |(column, cell): (usize, &Cell)| match cell {
            Cell::Text(text) if text.trim().is_empty() => None,
            Cell::Text(text) => {
                let label = Label::read(spec, text);
                others.extend(label.is_none().then_some(column));
                label
            }
            Cell::Empty => None,
            Cell::Number(_) | Cell::Date(_) | Cell::Bool(_) => {
                others.push(column);
                None
            }
        };
        let labels = cells.iter().enumerate().map(label).collect();
        Self { number, labels, others }
    }

    pub fn label(&self, column: usize) -> Option<&Label> {
        self.labels.get(column)?.as_ref()
    }

    pub fn filled(&self) -> impl Iterator<Item = (usize, &Label)> {
        self.labels.iter().enumerate().filter_map(|(column, label)| Some((column, label.as_ref()?)))
    }

    /// How many of its cells name a field, or a part of one.
    pub fn known(&self) -> usize {
        self.filled().filter(|(_, label)| label.field.is_some() || label.part().is_some()).count()
    }

    /// Whether a cell of the row names the field.
    pub fn says(spec: &Spec, field: Field, cells: &[Cell]) -> bool {
        let labels = || spec.labels.iter().filter(|labels| labels.field == field);
        cells.iter().any(|cell| match cell {
            Cell::Text(text) if text.len() <= 4 * LONGEST => {
                let key = key(text);
                key.len() <= LONGEST && labels().any(|labels| labels.match_key(&key))
            }
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::workbook::Kind;

    fn found(kind: Kind, text: &str) -> Option<(Field, u8)> {
        Label::read(Spec::of(kind), text)?.field
    }

    #[test]
    fn labels_count_by_meaning() {
        for (field, labels) in [
            (
                Field::Code,
                "Mã số BHXH;MasoBHXH;MA_SO_BHXH;ma so bhxh;Mã BHXH;Số BHXH;Mã số bảo hiểm xã hội;MÃ SỐ\nBHXH (*);\
                 Mã số BHXH/Số ĐDCN;Mã định danh BHXH;Mã số BHXH người tham gia;M\u{61}\u{303} s\u{f4}\u{301} BHXH",
            ),
            (
                Field::Name,
                "Họ tên;Họ và tên;Họ tên thành viên;HOTEN_THANHVIEN;Họ tên  Thành viên\n;Tên người tham gia;\
                 Họ và tên khai sinh;Họ, chữ đệm và tên;HoTen;ho va ten (chữ in hoa);Họ và tên/Full name",
            ),
            (
                Field::BirthDate,
                "Ngày sinh;NgaySinh;Ngày tháng năm sinh;Ngày, tháng, năm sinh;NTNS;NGAY_SINH;Sinh ngày;\
                 Ngày sinh (tháng/năm hoặc năm sinh);Date of birth",
            ),
            (Field::Sex, "Giới tính;GioiTinh;Phái;Nam/Nữ;GIOI_TINH;Giới tính (Nam/Nữ)"),
            (
                Field::IdNumber,
                "CMND;Số CMND;CCCD;Số CCCD;Số định danh;Số CMND/CCCD/Hộ chiếu;socmnd;Căn cước công dân;\
                 Số CMND/ CCCD/\nHộ chiếu;Số giấy tờ tùy thân;Mã số định danh cá nhân;CCCD (12 số);Số thẻ căn cước",
            ),
            (Field::Phone, "Điện thoại;Số điện thoại;SĐT;sdt;SĐT liên hệ;Di động;Số ĐT;Phone;Điện thoại di động"),
            (
                Field::HouseholdCode,
                "Mã số hộ gia đình;Mã hộ gia đình;MA_HO_GD;Mã hộ;Maso_HoGiadinh;Mã số hộ  gia đình;Mã HGĐ;Mã số hộ",
            ),
            (
                Field::RelationCode,
                "Mối quan hệ;Mã quan hệ;Quan hệ;QUANHE_VOI_CHUHO;Mối quan hệ với chủ hộ;TenMoiQuanHe;MQH;\
                 Quan hệ với chủ hộ",
            ),
            (Field::Email, "Email;E-mail;Thư điện tử;Địa chỉ email;Hộp thư điện tử"),
            (Field::Address, "địa chỉ;Địa chỉ liên hệ;Nơi ở;Chỗ ở hiện nay"),
        ] {
            for label in labels.split(';') {
                assert_eq!(found(Kind::Registry, label), Some((field, 0)), "{label}");
            }
        }
        for (field, labels) in [
            (Field::Code, "Mã cơ quan;Mã cơ quan BHXH;Mã đơn vị"),
            (Field::Name, "Tên cơ quan;Tên cơ quan BHXH;Tên đơn vị"),
            (Field::ParentCode, "Mã cơ quan\ncấp trên;Mã cấp trên;Cơ quan BHXH cấp trên;Trực thuộc;Cơ quan quản lý"),
            (Field::ProvinceCode, "Mã tỉnh;Mã tỉnh/TP"),
            (Field::ValidFrom, "Hiệu lực từ;Từ ngày;Hiệu lực từ ngày;Ngày hiệu lực"),
        ] {
            for label in labels.split(';') {
                assert_eq!(found(Kind::Agencies, label), Some((field, 0)), "{label}");
            }
        }
        for (field, labels) in [
            (Field::Login, "Tên đăng nhập;Tài khoản;Tên tài khoản;Username"),
            (Field::Name, "Họ và tên;Họ tên cán bộ"),
            (Field::Role, "Vai trò;Quyền;Nhóm quyền"),
            (Field::AgencyCode, "Cơ quan BHXH;Mã cơ quan;Đơn vị công tác;Tên cơ quan BHXH"),
            (Field::Email, "Email;Thư điện tử"),
        ] {
            for label in labels.split(';') {
                assert_eq!(found(Kind::Staff, label), Some((field, 0)), "{label}");
            }
        }
    }

    #[test]
    fn what_only_looks_like_it_does_not_count() {
        for label in "STT;Số giấy tờ;SoCCCD_CH;Số CCCD/ĐDCN  chủ hộ;HOTEN_CHUHO;Họ tên chủ hộ;Mã tỉnh;Mã xã;Mã thôn;\
            Mã KCB;Loại giấy tờ;LOẠI GIẤY TỜ;Ngày cấp CCCD;Nơi cấp;Điện thoại chủ hộ;Điện thoại bàn;Số sổ hộ khẩu;\
            Họ tên cha;Người tham gia (0: Không\n1: Có);Địa chỉ hộ khẩu;Địa chỉ thường trú;Địa chỉ đăng ký khai sinh;\
            Quốc tịch;Dân tộc;Ghi chú;Nơi đăng ký khai sinh;Mã số thuế;ID Lao động lấy ở Sheet Dữ Liệu;\
            HOTEN_THANHVIEN: họ và tên từng thành viên trong hộ;Mã;Tên cơ quan;SO_SO_HK/SO_TAM_TRU;Ngày khai sinh"
            .split(';')
        {
            assert_eq!(found(Kind::Registry, label), None, "{label}");
        }
        assert_eq!(found(Kind::Registry, "SO_SO_BHXH"), Some((Field::Code, 2)));
        assert_eq!(found(Kind::Registry, "Số thẻ BHYT"), Some((Field::Code, 1)));
        assert_eq!(found(Kind::Agencies, "Tên tỉnh"), Some((Field::ProvinceCode, 1)));
        assert_eq!(found(Kind::Agencies, "Mã huyện"), None);
    }
}
