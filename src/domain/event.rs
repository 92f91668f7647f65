//! The history's vocabulary.

use super::account::AccountState;
use super::application::{PhotoKind, Status};
use super::change::Changeable;
use super::outbox::{MessageChannel, MessageKind};
use super::registry::Verdict;

text_enum! {
    pub enum EventKind {
        Submitted = "submitted" => "Gửi tờ khai",
        Entered = "entered" => "Nhập hồ sơ tại quầy",
        Imported = "imported" => "Nhập từ danh sách",
        Viewed = "viewed" => "Xem hồ sơ",
        Received = "received" => "Đã nhận hồ sơ giấy",
        PhotoReplaced = "photo_replaced" => "Thay ảnh",
        PhotoRestored = "photo_restored" => "Dùng lại ảnh cũ",
        Approved = "approved" => "Ghi nhận hợp lệ, cấp tài khoản",
        AwaitingCode = "awaiting_code" => "Ghi nhận hợp lệ, chờ cấp mã số",
        Rejected = "rejected" => "Ghi nhận không hợp lệ",
        RegistryAsked = "registry_asked" => "Kiểm tra lại với HGĐ: chưa có mã số",
        RegistryFound = "registry_found" => "Đã có mã số trên HGĐ, chuyển lại Chờ duyệt",
        Changed = "changed" => "Ghi nhận hợp lệ, cập nhật thông tin",
        Reopened = "reopened" => "Mở lại hồ sơ",
        Moved = "moved" => "Chuyển cơ quan",
        Reminded = "reminded" => "Nhắc đến nộp hồ sơ",
        Expired = "expired" => "Quá hạn, xóa tờ khai",
        Erased = "erased" => "Xóa dữ liệu cá nhân",
        /// In earlier histories only: the steps of a message are told with the message.
        MessageSent = "message_sent" => "Đã gửi tin",
        MessageFailed = "message_dead" => "Không gửi được tin",
        MessageResent = "message_resent" => "Gửi lại tin",
        MessageSettled = "message_settled" => "Đã xử lý tin không đến được",
        MessageTested = "message_tested" => "Gửi thử tin",
        TextChanged = "text_changed" => "Sửa mẫu tin",
        InvitationsConfirmed = "invitations_confirmed" => "Mời cài đặt VssID",
        InvitationsStopped = "invitations_stopped" => "Dừng mời cài đặt VssID",
        AccountViewed = "account_viewed" => "Xem tài khoản",
        AccountReceived = "account_received" => "Tiếp nhận tại cơ quan khác",
        AccountPasswordReset = "account_password_reset" => "Cấp lại mật khẩu",
        AccountContactChanged = "account_contact_changed" => "Đổi điện thoại, email",
        AccountLocked = "account_locked" => "Khóa tài khoản",
        AccountLockedByTries = "account_locked_by_tries" => "Tự khóa vì nhập sai mật khẩu",
        AccountUnlocked = "account_unlocked" => "Mở khóa tài khoản",
        AccountClosed = "account_closed" => "Hủy tài khoản",
        CitizenPasswordChanged = "citizen_password_changed" => "Chủ tài khoản đổi mật khẩu",
        CitizenPasswordExpired = "citizen_password_expired" => "Mật khẩu hết hạn",
        CitizenSignedIn = "citizen_signed_in" => "Đăng nhập trên thiết bị mới",
        OtpAsked = "otp_asked" => "Yêu cầu mã xác thực",
        SignedIn = "signed_in" => "Đăng nhập",
        SignInFailed = "sign_in_failed" => "Đăng nhập không thành công",
        SignedOut = "signed_out" => "Đăng xuất",
        PasswordChanged = "password_changed" => "Đổi mật khẩu",
        PasswordReset = "password_reset" => "Cấp lại mật khẩu cán bộ",
        AgencyAdded = "agency_added" => "Thêm cơ quan",
        StaffAdded = "staff_added" => "Thêm cán bộ",
        StaffLocked = "staff_locked" => "Khóa cán bộ",
        StaffUnlocked = "staff_unlocked" => "Mở khóa cán bộ",
        SessionsEnded = "sessions_ended" => "Kết thúc các phiên đăng nhập",
        HolidayAdded = "holiday_added" => "Thêm ngày nghỉ",
        HolidayRemoved = "holiday_removed" => "Bỏ ngày nghỉ",
        ApiKeyAdded = "api_key_added" => "Cấp khóa kết nối",
        ApiKeyRevoked = "api_key_revoked" => "Thu hồi khóa kết nối",
        ImportApplied = "import_applied" => "Nhập danh sách từ Excel",
        ImportRolledBack = "import_rolled_back" => "Hoàn tác lần nhập từ Excel",
        RegistryExported = "registry_exported" => "Xuất danh bạ HGĐ",
        TargetSet = "target_set" => "Đặt chỉ tiêu tài khoản",
        TargetRemoved = "target_removed" => "Bỏ chỉ tiêu tài khoản",
        Exported = "exported" => "Xuất báo cáo, danh sách hồ sơ",
    }
}

/// What the history says besides the kind of an event: one phrase for each fact in "before" and "after".
pub fn describe(before: Option<&str>, after: Option<&str>) -> Vec<String> {
    let read = |json: Option<&str>| -> serde_json::Map<String, serde_json::Value> {
        json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    };
    let (before, after) = (read(before), read(after));
    let text = |map: &serde_json::Map<String, serde_json::Value>, key: &str| {
        map.get(key).and_then(|value| value.as_str()).map(str::to_owned)
    };
    let label = |code: String| Status::from_code(&code).map_or(code.clone(), |status| status.label().to_owned());
    let mut facts = Vec::new();
    match (text(&before, "status").map(label), text(&after, "status").map(label)) {
        (Some(old), Some(new)) if old != new => facts.push(format!("Trạng thái: {old} → {new}")),
        _ => {}
    }
    let state = |map| text(map, "state").and_then(|code| AccountState::from_code(&code)).map(AccountState::label);
    match (state(&before), state(&after)) {
        (Some(old), Some(new)) if old != new => facts.push(format!("Tình trạng: {old} → {new}")),
        _ => {}
    }
    if let Some(verdict) = text(&after, "verdict").and_then(|code| Verdict::from_code(&code)) {
        facts.push(format!("Kiểm tra HGĐ: {}", verdict.label()));
    }
    if let Some(agencies) = text(&before, "agency").zip(text(&after, "agency")) {
        facts.push(format!("Từ {} đến {}", agencies.0, agencies.1));
    }
    for change in after.get("changes").and_then(|value| value.as_array()).into_iter().flatten() {
        let said = |key: &str| change.get(key).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
        let field = said("field").and_then(Changeable::from_code).map(Changeable::label).unwrap_or_default();
        facts.push(match (said("old"), said("new")) {
            (None, None) => format!("{field}: đã thay"),
            (old, new) => format!("{field}: {} → {}", old.unwrap_or("(không có)"), new.unwrap_or("(không có)")),
        });
    }
    if let Some(reason) = text(&after, "reason") {
        facts.push(format!("Lý do: {reason}"));
    }
    if let Some(photo) = text(&after, "photo").and_then(|code| PhotoKind::from_code(&code)) {
        facts.push(photo.label().to_owned());
    }
    let kind = text(&after, "kind").and_then(|code| MessageKind::from_code(&code));
    let channel = text(&after, "channel").and_then(|code| MessageChannel::from_code(&code));
    if let (Some(kind), Some(channel)) = (kind, channel) {
        facts.push(format!("{} qua {}", kind.label(), channel.label()));
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_speaks_in_the_words_of_the_screen() {
        let facts = describe(
            Some(r#"{"status":"pending"}"#),
            Some(r#"{"status":"rejected","verdict":"close","reason":"Ảnh mờ"}"#),
        );
        assert_eq!(facts, ["Trạng thái: Chờ duyệt → Từ chối", "Kiểm tra HGĐ: Gần giống", "Lý do: Ảnh mờ"]);
        assert_eq!(
            describe(None, Some(r#"{"kind":"credentials","channel":"sms"}"#)),
            ["Tài khoản và mật khẩu qua SMS"]
        );
        assert_eq!(describe(None, None), Vec::<String>::new());
    }
}
