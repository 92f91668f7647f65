//! A declaration and where it stands.

use chrono::{NaiveDate, NaiveDateTime};

use super::dates::BirthDate;
use super::ids::{AgencyId, ApplicationId, StaffId};
use super::names::Name;
use super::numbers::{ApplicationNumber, Email, IdNumber, Phone, SocialCode};

text_enum! {
    /// *Trạng thái*: where an application stands. It stands in exactly one; [`super::assessment`] decides the next, and
    /// [`super::deadline`] when nobody came.
    pub enum Status {
        Pending = "pending" => "Chờ duyệt",
        AwaitingCode = "awaiting_code" => "Chờ cấp mã số",
        Approved = "approved" => "Đã duyệt",
        Rejected = "rejected" => "Từ chối",
        Expired = "expired" => "Quá hạn",
    }
}

impl Status {
    /// Whether an officer still has something to decide.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::AwaitingCode)
    }
}

text_enum! {
    /// *Tình trạng*: what is asked for.
    pub enum Kind {
        New = "new" => "Đăng ký mới",
        Change = "change" => "Đăng ký thay đổi thông tin",
    }
}

text_enum! {
    /// How the declaration reached the office.
    pub enum Channel {
        Portal = "portal" => "Cổng dịch vụ công",
        App = "app" => "Ứng dụng VssID",
        Counter = "counter" => "Tại quầy",
        /// Collected on paper away from the office, and brought in as a list.
        MobileDesk = "mobile_desk" => "Điểm lưu động",
    }
}

text_enum! {
    pub enum Sex {
        Male = "male" => "Nam",
        Female = "female" => "Nữ",
    }
}

text_enum! {
    pub enum PhotoKind {
        Portrait = "portrait" => "Ảnh chân dung",
        IdFront = "id_front" => "Giấy tờ mặt trước",
        IdBack = "id_back" => "Giấy tờ mặt sau",
        BirthCertificate = "birth_certificate" => "Giấy khai sinh",
    }
}

impl PhotoKind {
    /// What shows who a person is, besides their face.
    pub const PAPERS: [Self; 3] = [Self::IdFront, Self::IdBack, Self::BirthCertificate];
}

/// Who declares for a minor; notices go to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guardian {
    pub name: Name,
    pub code: Option<SocialCode>,
    pub phone: Phone,
    pub email: Option<Email>,
    /// A code of `data/household_relations.csv`.
    pub relation: Option<String>,
}

/// What a citizen declares: tờ khai mẫu 01.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    pub code: SocialCode,
    pub name: Name,
    /// This and the sex may be lacking in declarations that were collected on paper.
    pub birth_date: Option<BirthDate>,
    pub sex: Option<Sex>,
    /// None only for a minor with a guardian.
    pub id_number: Option<IdNumber>,
    pub id_issued_on: Option<NaiveDate>,
    pub id_issued_by: Option<String>,
    pub phone: Phone,
    pub email: Option<Email>,
    pub address: Option<String>,
    pub province_code: Option<String>,
    pub commune_code: Option<String>,
    pub guardian: Option<Guardian>,
}

impl Declaration {
    /// What is left of one when its personal data was erased.
    pub fn erased() -> Self {
        Self {
            code: SocialCode::from_stored(String::new()),
            name: Name::from_stored(String::new()),
            birth_date: None,
            sex: None,
            id_number: None,
            id_issued_on: None,
            id_issued_by: None,
            phone: Phone::from_stored(String::new()),
            email: None,
            address: None,
            province_code: None,
            commune_code: None,
            guardian: None,
        }
    }

    /// Where notices go: the guardian's telephone for a minor, else the applicant's own.
    pub fn notice_phone(&self) -> &Phone {
        self.guardian.as_ref().map_or(&self.phone, |guardian| &guardian.phone)
    }

    /// Where mail goes: as for the telephone. A guardian without an address gets none.
    pub fn notice_email(&self) -> Option<&Email> {
        match &self.guardian {
            Some(guardian) => guardian.email.as_ref(),
            None => self.email.as_ref(),
        }
    }

    /// Whether a birth certificate stands in for an ID: the person need not come (the guide, section 3, "Minors without an ID").
    pub fn is_minor_without_papers(&self) -> bool {
        self.guardian.is_some() && self.id_number.is_none()
    }

    /// Whether a 12-digit code, which is the personal ID number, is another than the declared one of 12 digits.
    pub fn has_two_personal_numbers(&self) -> bool {
        let code = self.code.as_str();
        self.id_number.as_ref().is_some_and(|id| code.len() == 12 && id.as_str().len() == 12 && id.as_str() != code)
    }
}

/// An application as it stands.
#[derive(Clone, Debug)]
pub struct Application {
    pub id: ApplicationId,
    pub agency_id: AgencyId,
    pub agency_name: String,
    pub number: ApplicationNumber,
    pub kind: Kind,
    pub status: Status,
    pub channel: Channel,
    pub declaration: Declaration,
    /// All times are UTC.
    pub submitted_at: NaiveDateTime,
    pub received_at: Option<NaiveDateTime>,
    pub due_at: NaiveDateTime,
    pub decided_at: Option<NaiveDateTime>,
    pub decided_by: Option<StaffId>,
    pub decided_by_name: Option<String>,
    pub reason: Option<String>,
    /// When personal data was erased; only number, dates and agency are left.
    pub erased_at: Option<NaiveDateTime>,
    /// Rises by one with every change; a form that was made from an older version is refused.
    pub version: i32,
}
