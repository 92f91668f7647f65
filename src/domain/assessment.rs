//! *Đánh giá hồ sơ*: what an officer decides, what must hold before it counts, and what becomes of the application
//! (PHỤ LỤC 02, section 1, steps 6 and 7, and its notes).

use super::application::{Application, Kind, Status};
use super::registry::{Member, Verdict};

/// What the officer confirms before *hợp lệ*: an incomplete file must never be approved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checklist {
    pub id_compared: bool,
    pub form_signed: bool,
    pub photo_matches: bool,
    /// Asked only when the name equals the registry's without diacritics.
    pub name_compared: bool,
}

text_enum! {
    pub enum Outcome {
        Valid = "valid" => "Hồ sơ hợp lệ",
        Invalid = "invalid" => "Hồ sơ không hợp lệ",
    }
}

/// The officer's decision as it was entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assessment {
    Valid(Checklist),
    /// With the reason, which the citizen is told.
    Invalid(String),
}

/// All that bears on a decision, read in the same transaction that writes it.
#[derive(Clone, Debug)]
pub struct Evidence {
    pub application: Application,
    /// Who holds the declared code.
    pub member: Option<Member>,
    pub has_portrait: bool,
    /// Whether the declared code has an account already.
    pub account_exists: bool,
    /// Another mã số BHXH whose account has the same ID number.
    pub id_number_holder: Option<String>,
}

impl Evidence {
    pub fn verdict(&self) -> Verdict {
        Verdict::of(&self.application.declaration, self.member.as_ref())
    }
}

/// What happens when the decision is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// An account is created and its notices are queued.
    Approve,
    /// Assessed valid, but the registry has no such code.
    AwaitCode,
    Reject(String),
}

impl Decision {
    pub fn status(&self) -> Status {
        match self {
            Self::Approve => Status::Approved,
            Self::AwaitCode => Status::AwaitingCode,
            Self::Reject(_) => Status::Rejected,
        }
    }

    /// The portal's words of success.
    pub fn success(&self) -> &'static str {
        match self {
            Self::Approve => "Đăng ký thành công",
            Self::AwaitCode => "Đã ghi nhận. Hồ sơ chuyển sang Chờ cấp mã số",
            Self::Reject(_) => "Từ chối duyệt thành công",
        }
    }
}

/// Why a decision cannot be recorded: a sentence for the officer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("Hồ sơ đang ở trạng thái {}, không còn chờ đánh giá.", .0.label())]
    NotOpen(Status),
    #[error("Đánh dấu đủ ba mục đã kiểm tra trước khi ghi nhận hồ sơ hợp lệ.")]
    Checklist,
    #[error(
        "Họ tên chỉ khác dấu so với hệ thống HGĐ. Đối chiếu với giấy tờ rồi đánh dấu «Đã đối chiếu họ tên với giấy tờ»."
    )]
    NameNotCompared,
    #[error(
        "Mã số BHXH có trên hệ thống HGĐ nhưng họ tên là «{0}». Không thể duyệt; hãy chọn không hợp lệ, lý do đã được điền sẵn."
    )]
    NameDiffers(String),
    #[error("Hồ sơ chưa có ảnh chân dung. Đính kèm ảnh trước khi ghi nhận hồ sơ hợp lệ.")]
    NoPortrait,
    #[error(
        "Mã số BHXH này đã có tài khoản giao dịch điện tử. Không thể cấp tài khoản thứ hai; hãy chọn không hợp lệ."
    )]
    AccountExists,
    #[error(
        "Số giấy tờ này đã được dùng cho tài khoản của mã số BHXH {0}. Một số giấy tờ không thể có hai mã số; hãy chọn không hợp lệ."
    )]
    IdNumberTaken(String),
    #[error("Mã số này vẫn chưa có trên hệ thống HGĐ; hồ sơ tiếp tục ở Chờ cấp mã số.")]
    StillNoCode,
    #[error("Hồ sơ thay đổi thông tin chưa thể duyệt tại đây.")]
    ChangeOfInformation,
}

/// Decides. The same rule serves the page, which shows beforehand what stands in the way, and the act itself.
///
/// # Errors
/// The first thing that stands in the way.
pub fn assess(evidence: &Evidence, assessment: Assessment) -> Result<Decision, Refusal> {
    let application = &evidence.application;
    if !application.status.is_open() {
        return Err(Refusal::NotOpen(application.status));
    }
    let checklist = match assessment {
        Assessment::Invalid(reason) => return Ok(Decision::Reject(reason)),
        Assessment::Valid(checklist) => checklist,
    };
    if let Some(obstacle) = obstacle(evidence) {
        return Err(obstacle);
    }
    if !(checklist.id_compared && checklist.form_signed && checklist.photo_matches) {
        return Err(Refusal::Checklist);
    }
    match evidence.verdict() {
        Verdict::Missing if application.status == Status::AwaitingCode => Err(Refusal::StillNoCode),
        Verdict::Missing => Ok(Decision::AwaitCode),
        Verdict::Unaccented if !checklist.name_compared => Err(Refusal::NameNotCompared),
        _ => Ok(Decision::Approve),
    }
}

/// What no tick can remove: while it stands, *hợp lệ* is impossible, and the page says so before anybody tries.
pub fn obstacle(evidence: &Evidence) -> Option<Refusal> {
    if evidence.application.kind == Kind::Change {
        return Some(Refusal::ChangeOfInformation);
    }
    if let (Verdict::Close | Verdict::Different, Some(member)) = (evidence.verdict(), &evidence.member) {
        return Some(Refusal::NameDiffers(member.name.as_str().to_owned()));
    }
    if evidence.account_exists {
        return Some(Refusal::AccountExists);
    }
    if let Some(code) = &evidence.id_number_holder {
        return Some(Refusal::IdNumberTaken(code.clone()));
    }
    if !evidence.has_portrait {
        return Some(Refusal::NoPortrait);
    }
    None
}

/// The reason offered to the officer when the application can only be refused.
pub fn suggested_reason(evidence: &Evidence) -> Option<String> {
    match obstacle(evidence)? {
        Refusal::NameDiffers(_) => Some(
            "Họ tên kê khai không trùng với dữ liệu của mã số BHXH. Đề nghị mang giấy tờ tùy thân đến cơ quan BHXH để đối chiếu \
             và kê khai lại."
                .into(),
        ),
        Refusal::AccountExists => {
            Some("Mã số BHXH đã có tài khoản giao dịch điện tử. Nếu quên mật khẩu, đề nghị yêu cầu cấp lại mật khẩu.".into())
        }
        Refusal::IdNumberTaken(_) => Some(
            "Số giấy tờ đã được dùng cho một mã số BHXH khác. Đề nghị mang giấy tờ tùy thân đến cơ quan BHXH để gộp mã số.".into(),
        ),
        _ => None,
    }
}

/// After the registry changed, or on the officer's demand: an application that waited for its code goes back before its
/// officer once the code is there.
pub fn recheck(evidence: &Evidence) -> Result<Option<Status>, Refusal> {
    match evidence.application.status {
        Status::AwaitingCode if evidence.member.is_some() => Ok(Some(Status::Pending)),
        Status::AwaitingCode => Ok(None),
        other => Err(Refusal::NotOpen(other)),
    }
}
