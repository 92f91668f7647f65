//! The program's own words. Those of approval and rejection are the guide's (section 7, "Texts"), the others are in the same
//! style: **decided**, as long as no admin gives other words.

use super::TextKey;

/// The subject of a mail; a text message has none.
pub fn subject(key: TextKey) -> Option<&'static str> {
    Some(match key {
        TextKey::AcceptedMail => "Hồ sơ {so} đã được duyệt",
        TextKey::CredentialsMail => "Tài khoản giao dịch điện tử của hồ sơ {so}",
        TextKey::RejectedMail => "Hồ sơ {so} không được duyệt",
        TextKey::NewPasswordNoticeMail => "Tài khoản {tai_khoan} được cấp lại mật khẩu",
        TextKey::NewPasswordMail => "Mật khẩu mới của tài khoản {tai_khoan}",
        TextKey::InformationChangedMail | TextKey::InformationChanged608aMail => {
            "Tài khoản {tai_khoan} đã được cập nhật thông tin"
        }
        TextKey::ContactChangedMail => "Tài khoản {tai_khoan} đã đổi {noi_dung}",
        TextKey::LockedMail | TextKey::LockedByTriesMail => "Tài khoản {tai_khoan} đã bị khóa",
        TextKey::LockedForReviewMail => "Hồ sơ {so} đang được xét lại",
        TextKey::UnlockedMail => "Tài khoản {tai_khoan} đã được mở khóa",
        TextKey::ClosedMail => "Tài khoản {tai_khoan} đã được hủy",
        TextKey::PasswordExpiresMail => "Mật khẩu của tài khoản {tai_khoan} sắp hết hạn",
        TextKey::PasswordExpiredMail => "Mật khẩu của tài khoản {tai_khoan} đã hết hạn",
        TextKey::PasswordChangedMail => "Mật khẩu của tài khoản {tai_khoan} vừa được đổi",
        _ => return None,
    })
}

pub fn body(key: TextKey) -> &'static str {
    match key {
        TextKey::Approved => {
            "BHXH VN: Ho so {so} da duoc duyet. Tai khoan: {tai_khoan}/Mat khau: {mat_khau}. Vui long doi mat khau khi dang nhap \
             lan dau."
        }
        TextKey::Rejected => {
            "BHXH VN: Ho so {so} khong duoc duyet. Ly do: {ly_do}. Lien he 19009068 hoac co quan BHXH gan nhat."
        }
        TextKey::Reminder => {
            "BHXH VN: Ho so {so} het han luc {han}. Ong/ba mang to khai da ky va giay to tuy than den co quan BHXH truoc luc do. \
             Hoi dap 19009068."
        }
        TextKey::NewPassword => {
            "BHXH VN: Mat khau moi cua tai khoan {tai_khoan}: {mat_khau}. Mat khau cu khong con dung duoc. Vui long doi mat khau khi \
             dang nhap."
        }
        TextKey::InformationChanged => {
            "BHXH VN: Tai khoan {tai_khoan} da duoc cap nhat theo ho so {so}: {noi_dung}. Neu khong phai ong/ba yeu cau, goi ngay \
             19009068."
        }
        TextKey::ContactChanged => {
            "BHXH VN: Da doi {noi_dung} nhan tin cua tai khoan {tai_khoan}. Neu khong phai ong/ba yeu cau, goi ngay 19009068."
        }
        TextKey::Locked => {
            "BHXH VN: Tai khoan {tai_khoan} da bi khoa. Ly do: {ly_do}. Can ho tro, goi 19009068 hoac den co quan BHXH gan nhat."
        }
        TextKey::LockedByTries => {
            "BHXH VN: Tai khoan {tai_khoan} da bi khoa vi nhap sai mat khau 5 lan. Den co quan BHXH gan nhat de duoc cap lai mat khau. \
             Neu khong phai ong/ba yeu cau, goi ngay 19009068."
        }
        TextKey::LockedForReview => {
            "BHXH VN: Ho so {so} dang duoc xet lai, tai khoan {tai_khoan} tam khoa. Ly do: {ly_do}. Can ho tro, goi 19009068."
        }
        TextKey::Unlocked => {
            "BHXH VN: Tai khoan {tai_khoan} da duoc mo khoa va dung lai duoc. Neu khong phai ong/ba yeu cau, goi ngay 19009068."
        }
        TextKey::Closed => {
            "BHXH VN: Tai khoan {tai_khoan} da duoc huy. Ly do: {ly_do}. Neu khong phai ong/ba yeu cau, goi ngay 19009068."
        }
        TextKey::PasswordExpires => {
            "BHXH VN: Mat khau tai khoan {tai_khoan} het han luc {han}. Vui long doi mat khau truoc luc do."
        }
        TextKey::PasswordExpired => {
            "BHXH VN: Mat khau tai khoan {tai_khoan} da het han. Vui long doi mat khau khi dang nhap. Can ho tro, goi 19009068."
        }
        TextKey::PasswordChanged => {
            "BHXH VN: Mat khau tai khoan {tai_khoan} vua duoc doi. Neu khong phai ong/ba yeu cau, goi ngay 19009068."
        }
        TextKey::Otp => {
            "BHXH VN: Ma xac thuc {otp} de {muc_dich} cua tai khoan {tai_khoan}, co hieu luc 5 phut. Tuyet doi khong dua ma nay cho bat \
             ky ai."
        }
        TextKey::Invitation => {
            "BHXH VN: Moi ong/ba cai dat ung dung VssID tu kho ung dung tren dien thoai va dang nhap bang tai khoan {tai_khoan}. Can \
             ho tro, goi 19009068."
        }
        TextKey::AcceptedMail => {
            "Hồ sơ đăng ký giao dịch điện tử số {so} đã được duyệt.\n\n\
             Tên tài khoản và mật khẩu được gửi bằng tin nhắn đến số điện thoại đã đăng ký. Vui lòng đổi mật khẩu khi đăng nhập lần đầu."
        }
        TextKey::CredentialsMail => {
            "Hồ sơ đăng ký giao dịch điện tử số {so} đã được duyệt. Tin nhắn đến số điện thoại đã đăng ký không gửi được.\n\n\
             Tên tài khoản: {tai_khoan}\nMật khẩu: {mat_khau}\n\n\
             Vui lòng đổi mật khẩu khi đăng nhập lần đầu."
        }
        TextKey::RejectedMail => {
            "Hồ sơ đăng ký giao dịch điện tử số {so} không được duyệt.\n\n\
             Lý do: {ly_do}\n\n\
             Ông/Bà có thể hoàn thiện thông tin và kê khai lại, hoặc đến cơ quan BHXH gần nhất để được hướng dẫn."
        }
        TextKey::NewPasswordNoticeMail => {
            "Tài khoản giao dịch điện tử {tai_khoan} đã được cấp lại mật khẩu tại cơ quan BHXH; mật khẩu cũ không còn dùng được.\n\n\
             Mật khẩu mới được gửi bằng tin nhắn đến số điện thoại đã đăng ký. Vui lòng đổi mật khẩu khi đăng nhập.\n\n\
             Nếu không phải Ông/Bà yêu cầu, hãy gọi ngay 19009068 hoặc đến cơ quan BHXH gần nhất."
        }
        TextKey::NewPasswordMail => {
            "Tin nhắn đến số điện thoại đã đăng ký không gửi được.\n\n\
             Tên tài khoản: {tai_khoan}\nMật khẩu mới: {mat_khau}\n\n\
             Mật khẩu cũ không còn dùng được. Vui lòng đổi mật khẩu khi đăng nhập."
        }
        TextKey::InformationChangedMail => {
            "Thông tin của tài khoản giao dịch điện tử {tai_khoan} đã được cập nhật theo hồ sơ số {so}: {noi_dung}.\n\n\
             Nếu không phải Ông/Bà yêu cầu, hãy gọi ngay 19009068 hoặc đến cơ quan BHXH gần nhất."
        }
        TextKey::InformationChanged608aMail => {
            "Thông tin của tài khoản giao dịch điện tử {tai_khoan} đã được cập nhật theo hồ sơ số {so}: {noi_dung}.\n\n\
             Thay đổi họ tên, giới tính hoặc ngày sinh cần thêm thủ tục 608a để điều chỉnh trên sổ BHXH, thẻ BHYT.\n\n\
             Nếu không phải Ông/Bà yêu cầu, hãy gọi ngay 19009068 hoặc đến cơ quan BHXH gần nhất."
        }
        TextKey::ContactChangedMail => {
            "Đã đổi {noi_dung} nhận tin của tài khoản giao dịch điện tử {tai_khoan}.\n\n\
             Nếu không phải Ông/Bà yêu cầu, hãy gọi ngay 19009068 hoặc đến cơ quan BHXH gần nhất."
        }
        TextKey::LockedMail => "Tài khoản giao dịch điện tử {tai_khoan} đã bị khóa.\n\nLý do: {ly_do}",
        TextKey::LockedByTriesMail => {
            "Tài khoản giao dịch điện tử {tai_khoan} đã bị khóa vì nhập sai mật khẩu 5 lần liên tiếp.\n\n\
             Hãy đến cơ quan BHXH gần nhất để được mở khóa hoặc cấp lại mật khẩu.\n\n\
             Nếu không phải Ông/Bà yêu cầu, hãy gọi ngay 19009068 hoặc đến cơ quan BHXH gần nhất."
        }
        TextKey::LockedForReviewMail => {
            "Hồ sơ đăng ký giao dịch điện tử số {so} đang được xét lại; tài khoản {tai_khoan} tạm khóa cho đến khi có kết quả.\n\n\
             Lý do: {ly_do}"
        }
        TextKey::UnlockedMail => {
            "Tài khoản giao dịch điện tử {tai_khoan} đã được mở khóa và dùng lại được.\n\n\
             Nếu không phải Ông/Bà yêu cầu, hãy gọi ngay 19009068 hoặc đến cơ quan BHXH gần nhất."
        }
        TextKey::ClosedMail => {
            "Tài khoản giao dịch điện tử {tai_khoan} đã được hủy.\n\n\
             Lý do: {ly_do}\n\n\
             Nếu không phải Ông/Bà yêu cầu, hãy gọi ngay 19009068 hoặc đến cơ quan BHXH gần nhất."
        }
        TextKey::PasswordExpiresMail => {
            "Mật khẩu của tài khoản giao dịch điện tử {tai_khoan} hết hạn lúc {han}.\n\n\
             Vui lòng đăng nhập và đổi mật khẩu trước lúc đó."
        }
        TextKey::PasswordExpiredMail => {
            "Mật khẩu của tài khoản giao dịch điện tử {tai_khoan} đã hết hạn.\n\n\
             Vui lòng đổi mật khẩu khi đăng nhập. Nếu không nhớ mật khẩu cũ, hãy đến cơ quan BHXH gần nhất."
        }
        TextKey::PasswordChangedMail => {
            "Mật khẩu của tài khoản giao dịch điện tử {tai_khoan} vừa được đổi.\n\n\
             Nếu không phải Ông/Bà yêu cầu, hãy gọi ngay 19009068 hoặc đến cơ quan BHXH gần nhất."
        }
    }
}
