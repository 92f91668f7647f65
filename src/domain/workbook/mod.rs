//! Lists that reach the office as spreadsheets: what a list is of, what its columns mean, what a row says, and why one
//! is not taken. Nothing here opens a file: rows come from `adapters::spreadsheet`, in the order of the file.
//!
//! A list is read in two passes. The first ([`Reader`]) finds the header and turns rows into [`Line`]s, one at a time,
//! so that a list of a million rows needs no more memory than its codes. The second ([`Judge`]) knows the whole list: who
//! stands in it twice, and what a column means that holds nothing but x.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

mod block;
mod cells;
mod duplicates;
mod header;
mod judge;
mod kinds;
mod labels;
mod legacy;
pub mod merge;
mod offices;
mod reader;
pub mod report;
mod rows;
mod sheet;
mod spans;
mod syllables;
#[cfg(test)]
mod tests;

pub use header::letters;
pub use judge::Judge;
pub use legacy::in_unicode;
pub use offices::Offices;
pub use reader::{Reader, Reading, Request};
pub use rows::{Entry, Line};
pub use sheet::{ColumnSeen, SheetRead};

text_enum! {
    /// What a list is of.
    pub enum Kind {
        Registry = "registry" => "Danh bạ hộ gia đình",
        Agencies = "agencies" => "Cơ quan BHXH",
        Staff = "staff" => "Cán bộ",
        Applications = "applications" => "Hồ sơ đăng ký",
    }
}

impl Kind {
    /// What a row is known by.
    pub fn key(self) -> Field {
        kinds::Spec::of(self).key
    }

    /// What a column can carry.
    pub fn fields(self) -> impl Iterator<Item = Field> {
        Field::ALL.iter().copied().filter(move |field| kinds::Spec::of(self).has_column(*field))
    }
}

text_enum! {
    /// What a column carries.
    #[derive(PartialOrd, Ord)]
    pub enum Field {
        Code = "code" => "Mã số",
        Login = "login" => "Tên đăng nhập",
        Name = "name" => "Họ và tên",
        BirthDate = "birth_date" => "Ngày sinh",
        OnlyYear = "only_year" => "Chỉ biết năm sinh (x)",
        Sex = "sex" => "Giới tính",
        IdNumber = "id_number" => "Số CMND/CCCD/Hộ chiếu",
        Phone = "phone" => "Điện thoại",
        Email = "email" => "Email",
        Address = "address" => "Địa chỉ",
        HouseholdCode = "household_code" => "Mã hộ gia đình",
        RelationCode = "relation_code" => "Quan hệ với chủ hộ",
        Role = "role" => "Vai trò",
        AgencyCode = "agency_code" => "Cơ quan BHXH",
        ParentCode = "parent_code" => "Mã cơ quan cấp trên",
        ProvinceCode = "province_code" => "Mã tỉnh",
        ValidFrom = "valid_from" => "Hiệu lực từ",
    }
}

text_enum! {
    /// Why a row is not taken: the first that applies, in this order.
    pub enum RefusedClass {
        MissingCode = "missing_code" => "Thiếu mã số",
        MissingLogin = "missing_login" => "Thiếu tên đăng nhập",
        BadCode = "bad_code" => "Mã số sai",
        MissingName = "missing_name" => "Thiếu họ tên",
        BadRole = "bad_role" => "Vai trò sai",
        BadDate = "bad_date" => "Ngày sai",
        MissingIdNumber = "missing_id_number" => "Thiếu số giấy tờ",
        BadIdNumber = "bad_id_number" => "Số giấy tờ sai",
        MissingPhone = "missing_phone" => "Thiếu điện thoại",
        BadPhone = "bad_phone" => "Điện thoại sai",
        UnknownAgency = "unknown_agency" => "Không có cơ quan này",
        DuplicateSame = "duplicate_same" => "Trùng dòng trước",
        DuplicateConflict = "duplicate_conflict" => "Trùng mã, khác người",
        AlreadyDeclared = "already_declared" => "Đã có hồ sơ khác",
    }
}

text_enum! {
    /// What to look at in a row that is taken.
    pub enum WarningClass {
        RestoredZero = "restored_zero" => "Đã thêm lại số 0 ở đầu",
        MissingBirthDate = "missing_birth_date" => "Không có ngày sinh",
        BadSex = "bad_sex" => "Không đọc được giới tính, để trống",
        BadIdNumber = "bad_id_number" => "Không đọc được số giấy tờ, để trống",
        BadPhone = "bad_phone" => "Không đọc được điện thoại, để trống",
        BadHouseholdCode = "bad_household_code" => "Không đọc được mã hộ, để trống",
        BadRelation = "bad_relation" => "Không đọc được quan hệ, để trống",
        BadEmail = "bad_email" => "Không đọc được email, để trống",
        IdMismatch = "id_mismatch" => "Số định danh không khớp giới tính hoặc năm sinh",
        RelationSex = "relation_sex" => "Quan hệ không khớp giới tính",
        DuplicateDiffers = "duplicate_differs" => "Dòng trùng ghi khác; giữ giá trị của dòng này",
    }
}

text_enum! {
    /// Why a whole file is not taken; the words say what to do.
    pub enum FileFault {
        EmptyFile = "empty_file" => "Tệp rỗng (0 byte). Hãy lưu lại bảng tính rồi tải lên lần nữa.",
        NotASpreadsheet = "not_a_spreadsheet" => "Tệp không phải bảng tính hoặc đã bị hỏng. Hãy mở bằng Excel hoặc LibreOffice rồi lưu lại dạng .xlsx.",
        Protected = "protected" => "Tệp có mật khẩu mở. Hãy mở bằng Excel, bỏ mật khẩu, lưu lại rồi tải lên.",
        TooLarge = "too_large" => "Tệp vượt quá giới hạn về dung lượng, số dòng hoặc số ô. Hãy chia thành nhiều tệp nhỏ hơn.",
        NoHeader = "no_header" => "Không trang nào có dòng tiêu đề ghi tên cột mã số và họ tên. Hãy thêm dòng tiêu đề, hoặc chỉ ra dòng và cột ở bên dưới.",
        NoRows = "no_rows" => "Có dòng tiêu đề nhưng bên dưới không có ai. Hãy kiểm tra lại tệp.",
    }
}

text_enum! {
    /// How the letters of a file are written down.
    pub enum Encoding {
        Utf8 = "utf-8" => "UTF-8",
        Utf16 = "utf-16" => "UTF-16",
        Windows1258 = "windows-1258" => "Windows-1258",
        Tcvn3 = "tcvn3" => "TCVN3 (ABC)",
        Vni = "vni" => "VNI",
    }
}

/// How many bits of the text of a file are certain before its letters are looked at. Workbooks are always Unicode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bytes {
    /// Not a text file.
    Workbook,
    Utf8,
    Utf16,
    /// Neither: each byte was handed over as the Windows-1252 character of its number (undefined ones as U+0080 to U+009F).
    Single,
}

/// A row of a sheet of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Which of the sheets that were handed over, from 0.
    pub sheet: u16,
    /// As spreadsheet programs count, from 1.
    pub row: u32,
}

/// A merged area: rows from 1, columns from 0, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub first_row: u32,
    pub last_row: u32,
    pub first_column: u16,
    pub last_column: u16,
}

/// Where a sheet has its header and its columns: as recognised, or as a person corrected it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    pub name: String,
    pub header_rows: Vec<u32>,
    /// The letters of each field's columns (`M,N` when several share it), or `block` for a value above the table.
    pub columns: BTreeMap<Field, String>,
}

/// What a row says: repaired, checked text by field. Dates are `1990-05-12`, `1990-05` or `1990`; sex, role and kind are
/// the stored words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Values(Vec<(Field, String)>);

impl Values {
    pub fn get(&self, field: Field) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == field).map(|(_, value)| value.as_str())
    }

    pub fn iter(&self) -> impl Iterator<Item = (Field, &str)> {
        self.0.iter().map(|(field, value)| (*field, value.as_str()))
    }

    /// Whether both say the same, in whatever order.
    pub fn agree(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.iter().all(|(field, value)| other.get(field) == Some(value))
    }

    pub fn set(&mut self, field: Field, value: String) {
        match self.0.iter_mut().find(|(known, _)| *known == field) {
            Some((_, old)) => *old = value,
            None => self.0.push((field, value)),
        }
    }
}

/// A row that is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub place: Place,
    pub values: Values,
}

/// A row that is not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    pub place: Place,
    pub class: RefusedClass,
    pub field: Field,
    /// What the cell holds.
    pub value: Option<String>,
    /// The rows of the same code.
    pub other_rows: Vec<Place>,
    /// What is wrong and what to do, in a sentence.
    pub reason: String,
}

/// Something to look at in a row that is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    pub place: Place,
    pub class: WarningClass,
    pub field: Field,
    pub value: Option<String>,
}
