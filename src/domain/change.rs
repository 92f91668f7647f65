//! *Đăng ký thay đổi thông tin* (PHỤ LỤC 02, section 2; the guide, section 3, "Changeable"): what a declaration would change
//! in an account, each change by itself.

use super::application::{Declaration, PhotoKind, Sex};
use super::dates::{BirthDate, show_date};
use super::places;

text_enum! {
    /// What of an account can be changed.
    pub enum Changeable {
        Name = "name" => "Họ và tên",
        Sex = "sex" => "Giới tính",
        BirthDate = "birth_date" => "Ngày sinh",
        IdNumber = "id_number" => "Số giấy tờ",
        IdIssued = "id_issued" => "Ngày và nơi cấp giấy tờ",
        Phone = "phone" => "Điện thoại",
        Email = "email" => "Email",
        Address = "address" => "Địa chỉ liên hệ",
        Guardian = "guardian" => "Người giám hộ",
        /// Of a ward, whose messages go to the guardian.
        OwnPhone = "own_phone" => "Điện thoại riêng",
        OwnEmail = "own_email" => "Email riêng",
        Portrait = "portrait" => "Ảnh chân dung",
        Papers = "papers" => "Ảnh giấy tờ",
    }
}

impl Changeable {
    pub fn of_picture(kind: PhotoKind) -> Self {
        if kind == PhotoKind::Portrait { Self::Portrait } else { Self::Papers }
    }

    /// Whether the registry has to be corrected as well, by procedure 608a.
    pub fn needs_608a(self) -> bool {
        matches!(self, Self::Name | Self::Sex | Self::BirthDate)
    }
}

/// One thing that becomes another. A picture has no words: both sides are empty.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Change {
    pub field: Changeable,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub old: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub new: String,
}

/// The words of what a declaration says of a field; empty for what it does not say.
pub fn words(declaration: &Declaration, field: Changeable) -> String {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    match field {
        Changeable::Name => declaration.name.as_str().to_owned(),
        Changeable::Sex => text(declaration.sex.map(Sex::label)),
        Changeable::BirthDate => declaration.birth_date.as_ref().map(BirthDate::to_string).unwrap_or_default(),
        Changeable::IdNumber => text(declaration.id_number.as_ref().map(|id| id.as_str())),
        Changeable::IdIssued => joined([declaration.id_issued_on.map(show_date), declaration.id_issued_by.clone()]),
        Changeable::Phone => declaration.notice_phone().as_str().to_owned(),
        Changeable::Email => text(declaration.notice_email().map(|email| email.as_str())),
        Changeable::Address => joined([
            declaration.address.clone(),
            declaration.commune_code.as_deref().and_then(places::commune_name).map(str::to_owned),
            declaration.province_code.as_deref().and_then(places::province_name).map(str::to_owned),
        ]),
        Changeable::Guardian => declaration.guardian.as_ref().map_or_else(String::new, |guardian| {
            joined([
                Some(guardian.name.as_str().to_owned()),
                guardian.code.as_ref().map(|code| code.to_string()),
                guardian.relation.as_deref().and_then(places::relation_name).map(str::to_owned),
            ])
        }),
        Changeable::OwnPhone => declaration.phone.as_str().to_owned(),
        Changeable::OwnEmail => text(declaration.email.as_ref().map(|email| email.as_str())),
        Changeable::Portrait | Changeable::Papers => String::new(),
    }
}

fn joined<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What is different between two declarations of one code, in the order of the form, and which pictures came with the later.
pub fn between(old: &Declaration, new: &Declaration, pictures: &[PhotoKind]) -> Vec<Change> {
    // Of whoever is no ward the own contact is the one that messages go to.
    let of_ward = |field: &Changeable| matches!(field, Changeable::OwnPhone | Changeable::OwnEmail);
    let are_wards = old.guardian.is_some() && new.guardian.is_some();
    let differs = |field: &Changeable| words(old, *field) != words(new, *field) && (are_wards || !of_ward(field));
    let mut changes: Vec<Change> = Changeable::ALL
        .iter()
        .filter(|field| differs(field))
        .map(|field| Change { field: *field, old: words(old, *field), new: words(new, *field) })
        .collect();
    for field in [Changeable::Portrait, Changeable::Papers] {
        if pictures.iter().any(|kind| Changeable::of_picture(*kind) == field) {
            changes.push(Change { field, old: String::new(), new: String::new() });
        }
    }
    changes
}
