//! What can be done with an application, by whom, and in which status: one table for pages, acts and tests.

use super::application::{Kind, Status};
use super::permission::{Action, Role};
use super::refusal::Refusal;

text_enum! {
    pub enum ApplicationAct {
        Assess = "assess" => "Ghi nhận đánh giá",
        Recheck = "recheck" => "Kiểm tra lại với HGĐ",
        ReplacePhoto = "replace-photo" => "Thay ảnh",
        /// The person came with the signed form: the three working days begin, and the ten days end.
        Receive = "receive" => "Đã nhận hồ sơ giấy",
        Reopen = "reopen" => "Mở lại hồ sơ",
        Move = "move" => "Chuyển cơ quan",
    }
}

impl ApplicationAct {
    /// The permission that it takes.
    pub fn action(self) -> Action {
        match self {
            Self::Assess | Self::Recheck | Self::Receive => Action::Assess,
            Self::ReplacePhoto => Action::ReplacePhoto,
            Self::Reopen => Action::Reopen,
            Self::Move => Action::Move,
        }
    }

    /// Whether an application of this kind in this status lets it happen.
    ///
    /// # Errors
    /// The sentence for whoever tried.
    pub fn allowed_in(self, kind: Kind, status: Status) -> Result<(), Refusal> {
        match (self, status) {
            (Self::Assess | Self::ReplacePhoto, Status::Pending | Status::AwaitingCode) => Ok(()),
            (Self::Recheck, Status::AwaitingCode) => Ok(()),
            (Self::Receive, Status::Pending) => Ok(()),
            (Self::Receive, Status::AwaitingCode) => Err(Refusal::AlreadyReceived),
            (Self::Move, Status::Pending | Status::AwaitingCode) => Ok(()),
            (Self::Reopen, Status::Rejected) => Ok(()),
            (Self::Reopen, Status::Approved) if kind == Kind::New => Ok(()),
            (Self::Reopen, Status::Approved) => Err(Refusal::ChangeApplied),
            (Self::Reopen, other) => Err(Refusal::NotReopenable(other)),
            (Self::Move, other) => Err(Refusal::NotMovable(other)),
            (Self::Assess | Self::Recheck | Self::ReplacePhoto | Self::Receive, other) => Err(Refusal::NotOpen(other)),
        }
    }

    /// Whether this person may do it, and the application lets it happen: whether a page offers it.
    pub fn is_offered(self, role: Role, kind: Kind, status: Status) -> bool {
        role.may(self.action()) && self.allowed_in(kind, status).is_ok()
    }
}
