//! *Đánh giá hồ sơ*: what an officer decides, what must hold before it counts, and what becomes of the application
//! (PHỤ LỤC 02, section 1, steps 6 and 7, and its notes).

use super::account::{Account, AccountState};
use super::act::ApplicationAct;
use super::application::{Application, Kind, PhotoKind, Status};
use super::change::{self, Change};
use super::refusal::Refusal;
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
    /// The kinds of the pictures that came with it.
    pub pictures: Vec<PhotoKind>,
    /// The account of the declared code, whatever its state.
    pub account: Option<Account>,
    /// Another mã số BHXH whose account has the same ID number.
    pub id_number_holder: Option<String>,
}

impl Evidence {
    pub fn verdict(&self) -> Verdict {
        Verdict::of(&self.application.declaration, self.member.as_ref())
    }

    /// The account that this very application was granted before it was reopened.
    pub fn own_account(&self) -> Option<&Account> {
        self.account.as_ref().filter(|account| account.application_id == self.application.id)
    }

    /// Whether the code has an account in use that another application was granted.
    fn has_foreign_account(&self) -> bool {
        self.own_account().is_none()
            && self.account.as_ref().is_some_and(|account| account.state != AccountState::Closed)
    }

    /// Which state of the account a change of information is laid beside; empty for a new registration.
    pub fn beside(&self) -> String {
        match (self.application.kind, &self.account) {
            (Kind::Change, Some(account)) => account.version.to_string(),
            _ => String::new(),
        }
    }

    /// What a change of information would change.
    pub fn changes(&self) -> Vec<Change> {
        match (&self.account, self.application.kind) {
            (Some(account), Kind::Change) => {
                change::between(&account.holder, &self.application.declaration, &self.pictures)
            }
            _ => Vec::new(),
        }
    }
}

/// What happens when the decision is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// An account is created, or the one that was closed or locked meanwhile is opened again, and its notices are queued.
    Approve,
    /// The account's holder is changed, and told so.
    Update(Vec<Change>),
    /// Assessed valid, but the registry has no such code.
    AwaitCode,
    Reject(String),
}

impl Decision {
    pub fn status(&self) -> Status {
        match self {
            Self::Approve | Self::Update(_) => Status::Approved,
            Self::AwaitCode => Status::AwaitingCode,
            Self::Reject(_) => Status::Rejected,
        }
    }

    /// The portal's words of success.
    pub fn success(&self) -> &'static str {
        match self {
            Self::Approve => "Đăng ký thành công",
            Self::Update(_) => "Cập nhật thông tin thành công",
            Self::AwaitCode => "Đã ghi nhận. Hồ sơ chuyển sang Chờ cấp mã số",
            Self::Reject(_) => "Từ chối duyệt thành công",
        }
    }
}

/// Decides. The same rule serves the page, which shows beforehand what stands in the way, and the act itself.
///
/// # Errors
/// The first thing that stands in the way.
pub fn assess(evidence: &Evidence, assessment: Assessment) -> Result<Decision, Refusal> {
    let application = &evidence.application;
    ApplicationAct::Assess.allowed_in(application.kind, application.status)?;
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
        _ if application.kind == Kind::Change => Ok(Decision::Update(evidence.changes())),
        _ => Ok(Decision::Approve),
    }
}

/// What no tick can remove: while it stands, *hợp lệ* is impossible, and the page says so before anybody tries.
pub fn obstacle(evidence: &Evidence) -> Option<Refusal> {
    if evidence.application.kind == Kind::Change {
        match &evidence.account {
            None => return Some(Refusal::NoAccount),
            Some(account) if account.state == AccountState::Closed => return Some(Refusal::AccountClosed),
            Some(_) => {}
        }
    }
    if let (Verdict::Close | Verdict::Different, Some(member)) = (evidence.verdict(), &evidence.member) {
        return Some(Refusal::NameDiffers(member.name.as_str().to_owned()));
    }
    let is_new = evidence.application.kind == Kind::New;
    if is_new && evidence.has_foreign_account() {
        return Some(Refusal::AccountExists);
    }
    // An account that was granted to this very application keeps what its holder has become.
    let is_granted = evidence.own_account().is_some_and(|own| own.state != AccountState::Closed);
    if let (Some(code), false) = (&evidence.id_number_holder, is_granted && is_new) {
        return Some(Refusal::IdNumberTaken(code.clone()));
    }
    if is_new && !evidence.pictures.contains(&PhotoKind::Portrait) {
        return Some(Refusal::NoPortrait);
    }
    if is_new
        && evidence.application.declaration.is_minor_without_papers()
        && !evidence.pictures.contains(&PhotoKind::BirthCertificate)
    {
        return Some(Refusal::NoBirthCertificate);
    }
    if !is_new && evidence.changes().is_empty() {
        return Some(Refusal::NothingChanges);
    }
    None
}

/// The reason offered to the officer when the application can only be refused.
pub fn suggested_reason(evidence: &Evidence) -> Option<String> {
    match obstacle(evidence)? {
        Refusal::NameDiffers(_) if evidence.application.kind == Kind::Change => Some(
            "Họ tên mới chưa có trên hệ thống quản lý mã số BHXH. Đề nghị làm thủ tục 608a trước, sau đó đăng ký lại."
                .into(),
        ),
        Refusal::NameDiffers(_) => Some(
            "Họ tên kê khai không trùng với dữ liệu của mã số BHXH. Đề nghị mang giấy tờ tùy thân đến cơ quan BHXH để đối chiếu \
             và kê khai lại."
                .into(),
        ),
        Refusal::NoAccount => {
            Some("Mã số BHXH chưa có tài khoản giao dịch điện tử. Đề nghị đăng ký mới trước khi thay đổi thông tin.".into())
        }
        Refusal::AccountClosed => {
            Some("Tài khoản giao dịch điện tử đã hủy. Đề nghị đăng ký mới.".into())
        }
        Refusal::NothingChanges => {
            Some("Thông tin kê khai trùng với thông tin đã đăng ký, không có nội dung thay đổi.".into())
        }
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
    let application = &evidence.application;
    ApplicationAct::Recheck.allowed_in(application.kind, application.status)?;
    Ok(evidence.member.is_some().then_some(Status::Pending))
}

/// A supervisor puts a decided application before its officer again. `acknowledged` is that the account, if there is one, is
/// locked meanwhile.
///
/// # Errors
/// When its status does not allow it, or the account is another application's by now.
pub fn reopen(evidence: &Evidence, acknowledged: bool) -> Result<(), Refusal> {
    let application = &evidence.application;
    ApplicationAct::Reopen.allowed_in(application.kind, application.status)?;
    if application.status == Status::Approved {
        if evidence.own_account().is_none() {
            return Err(Refusal::AccountOfAnother);
        }
        if !acknowledged {
            return Err(Refusal::NotAcknowledged);
        }
    }
    Ok(())
}
