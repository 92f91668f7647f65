//! Why something cannot be done, as a sentence for whoever tried: what is wrong and what to do instead.

use chrono::NaiveDateTime;

use super::application::Status;
use super::dates::show_time;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    // Applications.
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
        "Người dưới 18 tuổi chưa có giấy tờ tùy thân cần ảnh giấy khai sinh. Đính kèm ảnh trước khi ghi nhận hồ sơ hợp lệ."
    )]
    NoBirthCertificate,
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
    #[error("Hồ sơ giấy đã được ghi nhận là đã nhận.")]
    AlreadyReceived,
    // Changes of information.
    #[error("Mã số BHXH này chưa có tài khoản nên không có thông tin để thay đổi. Hãy chọn không hợp lệ.")]
    NoAccount,
    #[error(
        "Thông tin kê khai trùng với thông tin của tài khoản: không có gì để cập nhật. Nếu đổi ảnh, hãy đính kèm ảnh mới; nếu không, hãy chọn không hợp lệ."
    )]
    NothingChanges,
    // Reopening and moving.
    #[error("Hồ sơ đang ở trạng thái {}: chỉ mở lại được hồ sơ đã bị từ chối hoặc đã duyệt.", .0.label())]
    NotReopenable(Status),
    #[error(
        "Thông tin đã được cập nhật vào tài khoản nên không mở lại được. Nếu cần sửa, hãy lập hồ sơ thay đổi thông tin mới."
    )]
    ChangeApplied,
    #[error("Tài khoản của mã số này thuộc một hồ sơ khác được duyệt sau. Hãy xử lý tại hồ sơ đó.")]
    AccountOfAnother,
    #[error("Hồ sơ đã được cấp tài khoản. Đánh dấu xác nhận rằng tài khoản sẽ bị khóa trong khi xét lại.")]
    NotAcknowledged,
    #[error("Hồ sơ đang ở trạng thái {}: chỉ chuyển được hồ sơ còn chờ xử lý.", .0.label())]
    NotMovable(Status),
    #[error("Hồ sơ đang ở chính cơ quan này. Hãy chọn cơ quan khác.")]
    AlreadyThere,
    // Accounts.
    #[error("Tài khoản đã hủy. Người dân đăng ký mới nếu muốn dùng lại.")]
    AccountClosed,
    #[error("Tài khoản đang bị khóa. Hãy mở khóa trước.")]
    AccountLocked,
    #[error("Tài khoản không bị khóa.")]
    AccountNotLocked,
    #[error("Hồ sơ cấp tài khoản này đang được xét lại nên tài khoản tạm khóa. Hãy xử lý hồ sơ đó trước.")]
    AccountUnderReview,
    #[error("Đánh dấu đủ các mục đã kiểm tra trước khi thực hiện.")]
    DeskCheck,
    #[error("Vừa thực hiện việc này. Làm lại được từ {}.", show_time(*.0))]
    TooSoon(NaiveDateTime),
    #[error("Đã thực hiện việc này 5 lần trong 24 giờ. Làm lại được từ {}.", show_time(*.0))]
    TooOften(NaiveDateTime),
    #[error("Một tin nhắn có mật khẩu của tài khoản này đang được gửi đi. Hãy thử lại sau ít phút.")]
    PasswordOnItsWay,
    #[error("Điện thoại và email không khác thông tin hiện có.")]
    ContactUnchanged,
    #[error("Tin nhắn của người này gửi cho người giám hộ. Hãy đổi trên tài khoản của người giám hộ.")]
    ContactOfGuardian,
    // Messages.
    #[error("Tin này còn đang được gửi. Máy chủ tự gửi lại khi cần; hãy chờ kết quả.")]
    MessageOnItsWay,
    #[error("Mã xác thực chỉ có hiệu lực vài phút. Chủ tài khoản hãy yêu cầu mã mới.")]
    OtpIsAskedAnew,
    #[error("Tin loại này không gửi lại được.")]
    NotSentAgain,
    #[error("Tin này đã được gửi lại hoặc đã được xử lý. Hãy xem tin mới nhất cùng nội dung.")]
    AlreadySettled,
    #[error("Tin này không có gì cần xử lý.")]
    NothingToSettle,
    #[error("Không còn nơi nhận của tin này (đã xóa hoặc tài khoản không có email) nên không gửi lại được.")]
    RecipientGone,
    #[error("Đã gửi thử 5 tin trong 5 phút. Gửi thử tiếp được từ {}.", show_time(*.0))]
    TestedTooOften(NaiveDateTime),
    #[error("Chủ tài khoản đã tự đặt mật khẩu nên không gửi lại được mật khẩu đầu. Nếu quên, hãy cấp lại mật khẩu.")]
    PasswordChosen,
}
