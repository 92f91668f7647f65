//! The history's vocabulary.

text_enum! {
    pub enum EventKind {
        Submitted = "submitted" => "Gửi tờ khai",
        Entered = "entered" => "Nhập hồ sơ tại quầy",
        Viewed = "viewed" => "Xem hồ sơ",
        PhotoReplaced = "photo_replaced" => "Thay ảnh",
        PhotoRestored = "photo_restored" => "Dùng lại ảnh cũ",
        Approved = "approved" => "Ghi nhận hợp lệ, cấp tài khoản",
        AwaitingCode = "awaiting_code" => "Ghi nhận hợp lệ, chờ cấp mã số",
        Rejected = "rejected" => "Ghi nhận không hợp lệ",
        RegistryAsked = "registry_asked" => "Kiểm tra lại với HGĐ: chưa có mã số",
        RegistryFound = "registry_found" => "Đã có mã số trên HGĐ, chuyển lại Chờ duyệt",
        Expired = "expired" => "Quá hạn, xóa tờ khai",
        MessageSent = "message_sent" => "Đã gửi tin",
        MessageDead = "message_dead" => "Không gửi được tin",
        SignedIn = "signed_in" => "Đăng nhập",
        SignInFailed = "sign_in_failed" => "Đăng nhập không thành công",
        SignedOut = "signed_out" => "Đăng xuất",
        PasswordChanged = "password_changed" => "Đổi mật khẩu",
        StaffAdded = "staff_added" => "Thêm cán bộ",
        StaffLocked = "staff_locked" => "Khóa cán bộ",
        StaffUnlocked = "staff_unlocked" => "Mở khóa cán bộ",
        SessionsEnded = "sessions_ended" => "Kết thúc các phiên đăng nhập",
        RegistryImported = "registry_imported" => "Nhập sổ HGĐ",
    }
}
