//! What a desk gives with an act on an account: why, what was checked, and where messages shall go (the guide, section 3,
//! "Desk acts on an account", each with a reason, an audit entry and a notice).

use super::account::{Account, AccountAct, DeskCheck};
use super::application::{Declaration, Guardian};
use super::event::EventKind;
use super::message;
use super::numbers::{Email, Phone};
use super::refusal::Refusal;
use super::text::FieldError;
use super::texts::{TextKey, Texts};

/// An act with what it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    ResetPassword,
    ChangeContact(Contact),
    Lock,
    Unlock,
    Close,
}

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    pub phone: Phone,
    pub email: Option<Email>,
}

impl Contact {
    /// Where somebody has declared that messages shall go.
    pub fn of(declaration: &Declaration) -> Self {
        Self { phone: declaration.notice_phone().clone(), email: declaration.notice_email().cloned() }
    }
}

/// What an officer asks for at the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub deed: Deed,
    pub reason: String,
    pub check: DeskCheck,
}

impl Deed {
    pub fn act(&self) -> AccountAct {
        match self {
            Self::ResetPassword => AccountAct::ResetPassword,
            Self::ChangeContact(_) => AccountAct::ChangeContact,
            Self::Lock => AccountAct::Lock,
            Self::Unlock => AccountAct::Unlock,
            Self::Close => AccountAct::Close,
        }
    }
}

impl AccountAct {
    /// What the history calls it.
    pub fn event(self) -> EventKind {
        match self {
            Self::ResetPassword => EventKind::AccountPasswordReset,
            Self::ChangeContact => EventKind::AccountContactChanged,
            Self::Lock => EventKind::AccountLocked,
            Self::Unlock => EventKind::AccountUnlocked,
            Self::Close => EventKind::AccountClosed,
        }
    }

    /// The reasons that are offered; the officer may write another.
    pub fn reasons(self) -> &'static [&'static str] {
        match self {
            Self::ResetPassword => &["Quên mật khẩu", "Không nhận được tin nhắn mật khẩu", "Nghi ngờ lộ mật khẩu"],
            Self::ChangeContact => {
                &["Đổi số điện thoại", "Mất điện thoại hoặc SIM", "Điện thoại hoặc email đã đăng ký bị sai"]
            }
            Self::Lock => {
                &["Chủ tài khoản yêu cầu", "Mất điện thoại hoặc SIM", "Nghi ngờ tài khoản bị người khác sử dụng"]
            }
            Self::Unlock => &["Chủ tài khoản yêu cầu", "Đã xác minh đúng chủ tài khoản"],
            Self::Close => &["Chủ tài khoản không dùng nữa", "Chủ tài khoản đã mất", "Gộp mã số BHXH"],
        }
    }

    /// Whether the citizen is told the reason.
    pub fn tells_reason(self) -> bool {
        self.told_in().is_some()
    }

    /// What is confirmed of the papers. Whoever died, or whose account is misused, does not come.
    pub fn papers_compared(self) -> &'static str {
        if self.tells_reason() {
            "Đã đối chiếu bản chính giấy tờ tùy thân, hoặc văn bản đề nghị"
        } else {
            "Đã đối chiếu bản chính giấy tờ tùy thân"
        }
    }

    /// What is confirmed of who asks.
    pub fn who_asks(self) -> &'static str {
        if self.tells_reason() {
            "Chủ tài khoản, người giám hộ hoặc người có thẩm quyền yêu cầu"
        } else {
            "Chủ tài khoản hoặc người giám hộ trực tiếp yêu cầu"
        }
    }

    /// The text message that tells the citizen the reason, for an act whose reason is told.
    pub fn told_in(self) -> Option<TextKey> {
        match self {
            Self::Lock => Some(TextKey::Locked),
            Self::Close => Some(TextKey::Closed),
            Self::ResetPassword | Self::ChangeContact | Self::Unlock => None,
        }
    }

    /// The reason of an act.
    ///
    /// # Errors
    /// As [`message::parse_reason`].
    pub fn parse_reason(self, raw: &str, texts: &Texts) -> Result<String, FieldError> {
        if raw.trim().is_empty() && !self.tells_reason() {
            return Err(FieldError::new("Chọn hoặc nhập lý do: lý do được lưu trong lịch sử tài khoản."));
        }
        message::parse_reason(raw, self.told_in().map(|key| (texts, key)))
    }
}

impl Account {
    pub fn contact(&self) -> Contact {
        Contact { phone: self.notice_phone().clone(), email: self.notice_email().cloned() }
    }

    /// Whether somebody else's account says where its messages go.
    ///
    /// # Errors
    /// The sentence for whoever wants to change that here.
    pub fn own_contact(&self) -> Result<(), Refusal> {
        if self.guardian.is_some() { Err(Refusal::ContactOfGuardian) } else { Ok(()) }
    }

    /// The holder with another place for messages: the guardian's for a ward whose guardian has no account.
    ///
    /// # Errors
    /// When nothing changes, or it is not for this account to say.
    pub fn with_contact(&self, contact: &Contact) -> Result<Declaration, Refusal> {
        self.own_contact()?;
        if *contact == self.contact() {
            return Err(Refusal::ContactUnchanged);
        }
        let (phone, email) = (contact.phone.clone(), contact.email.clone());
        let holder = self.holder.clone();
        Ok(match holder.guardian.clone() {
            Some(guardian) => Declaration { guardian: Some(Guardian { phone, email, ..guardian }), ..holder },
            None => Declaration { phone, email, ..holder },
        })
    }

    /// Whether these papers are the holder's: their number, or for a ward without any the guardian's code, or the guardian's
    /// telephone when no code was declared.
    pub fn is_proven_by(&self, papers: &str) -> bool {
        let proof = match (&self.holder.id_number, &self.holder.guardian) {
            (Some(id_number), _) => Some(id_number.as_str()),
            (None, Some(guardian)) => {
                Some(guardian.code.as_ref().map_or(guardian.phone.as_str(), |code| code.as_str()))
            }
            (None, None) => None,
        };
        proof == Some(papers)
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::segments;
    use super::super::notice;
    use super::*;

    #[test]
    fn every_offered_reason_is_accepted_and_what_is_told_is_short() {
        let texts = &Texts::default();
        for act in AccountAct::ALL {
            for reason in act.reasons() {
                assert_eq!(act.parse_reason(reason, texts).as_deref(), Ok(*reason));
                for sms in [
                    notice::locked(texts, "001099012345", reason).sms,
                    notice::closed(texts, "001099012345", reason).sms,
                ] {
                    assert_eq!(segments(&sms).parts, 1, "{sms}");
                }
            }
            assert!(act.parse_reason(" ", texts).is_err() && act.parse_reason("Xem http://x", texts).is_err());
        }
    }
}
