//! The one web error: what a handler gives up with, and the page that says so. User mistakes beside a field are not here,
//! they are shown on the form; a fault of ours is logged once, with a number that the page shows, and without internals.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use askama::Template;
use diesel::result::DatabaseErrorKind;

use crate::adapters::hasher::Busy;
use crate::db::DbError;
use crate::db::account_acts::Stopped;
use crate::domain::refusal::Refusal;

#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Nobody is signed in. After signing in they continue at `next`.
    #[error("not signed in")]
    SignInFirst { next: String },
    #[error("the password must be changed first")]
    ChangePasswordFirst,
    #[error("not allowed")]
    Forbidden,
    /// Unknown, or outside the person's scope: nobody learns which.
    #[error("not found")]
    NotFound,
    #[error("method not allowed")]
    Method,
    /// Somebody else just wrote what may exist only once.
    #[error("taken")]
    Taken,
    #[error("malformed request")]
    Malformed,
    /// The form does not come from a page of this session.
    #[error("foreign form")]
    Foreign,
    #[error("the request's body came too slowly")]
    Slow,
    /// Too many sign-ins at once.
    #[error("busy")]
    Busy,
    #[error("too large")]
    TooLarge,
    /// An upload or act that cannot be used: a sentence for the officer.
    #[error("{0}")]
    Unprocessable(String),
    #[error(transparent)]
    Internal(anyhow::Error),
}

impl From<anyhow::Error> for AppError {
    fn from(error: anyhow::Error) -> Self {
        if error.is::<Busy>() { Self::Busy } else { Self::Internal(error) }
    }
}

impl From<Refusal> for AppError {
    fn from(refusal: Refusal) -> Self {
        Self::Unprocessable(refusal.to_string())
    }
}

impl From<Stopped> for AppError {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Refused(refusal) => refusal.into(),
            Stopped::Database(error) => error.into(),
        }
    }
}

impl From<DbError> for AppError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Query(diesel::result::Error::NotFound) => Self::NotFound,
            DbError::Query(diesel::result::Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Self::Taken,
            other => Self::Internal(other.into()),
        }
    }
}

impl From<diesel::result::Error> for AppError {
    fn from(error: diesel::result::Error) -> Self {
        DbError::from(error).into()
    }
}

macro_rules! internal {
    ($($source:ty),+ $(,)?) => {$(
        impl From<$source> for AppError {
            fn from(error: $source) -> Self {
                Self::Internal(anyhow::Error::msg(error.to_string()))
            }
        }
    )+};
}

internal!(
    actix_web::error::BlockingError,
    actix_session::SessionInsertError,
    actix_session::SessionGetError,
    askama::Error,
    std::io::Error,
    rust_xlsxwriter::XlsxError,
    crate::adapters::report_file::FileError,
);

/// A page that stands alone: it needs no session and no database.
#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    title: &'a str,
    sentence: &'a str,
    incident: Option<String>,
    asset: &'static str,
}

impl AppError {
    /// The title, and what to do.
    fn words(&self) -> (&'static str, String) {
        let (title, sentence) = match self {
            Self::SignInFirst { .. } | Self::ChangePasswordFirst => ("Cần đăng nhập", "Hãy đăng nhập để tiếp tục."),
            Self::Forbidden => (
                "Không có quyền",
                "Tài khoản của bạn không được làm việc này. Nếu cần, hãy liên hệ quản trị của cơ quan.",
            ),
            Self::NotFound => (
                "Không tìm thấy",
                "Trang hoặc hồ sơ này không có, hoặc không thuộc phạm vi của bạn. Hãy kiểm tra lại đường dẫn hoặc tra cứu trong danh sách.",
            ),
            Self::Method => ("Không dùng được cách này", "Hãy mở trang từ danh sách và thực hiện lại."),
            Self::Taken => (
                "Vừa có thay đổi",
                "Người khác vừa ghi cùng dữ liệu này. Hãy quay lại trang trước, tải lại rồi thử lại.",
            ),
            Self::Malformed => (
                "Yêu cầu không đọc được",
                "Biểu mẫu gửi lên bị thiếu hoặc sai. Hãy quay lại trang trước, tải lại rồi gửi lại.",
            ),
            Self::Foreign => (
                "Biểu mẫu đã cũ",
                "Trang này được mở từ phiên làm việc trước hoặc từ một địa chỉ khác nên chưa có gì được ghi nhận. Hãy quay lại trang trước, tải lại rồi gửi lại.",
            ),
            Self::Slow => ("Gửi quá chậm", "Đường truyền quá chậm nên chưa có gì được ghi nhận. Hãy thử lại."),
            Self::Busy => ("Hệ thống đang bận", "Nhiều người đang đăng nhập cùng lúc. Hãy thử lại sau vài giây."),
            Self::TooLarge => (
                "Tệp quá lớn",
                "Nội dung gửi lên lớn hơn giới hạn (ảnh tối đa 10 MB). Chưa có gì thay đổi. Hãy giảm kích thước rồi gửi lại.",
            ),
            Self::Unprocessable(sentence) => ("Chưa thực hiện được", sentence.as_str()),
            Self::Internal(_) => (
                "Hệ thống gặp lỗi",
                "Chưa có gì được ghi nhận. Hãy thử lại sau ít phút; nếu vẫn lỗi, báo cho quản trị mã bên dưới.",
            ),
        };
        (title, sentence.to_owned())
    }
}

impl ResponseError for AppError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::SignInFirst { .. } | Self::ChangePasswordFirst => StatusCode::SEE_OTHER,
            Self::Forbidden | Self::Foreign => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Taken => StatusCode::CONFLICT,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unprocessable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::SignInFirst { next } => {
                let to = crate::web::sign_in::url(next);
                return HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish();
            }
            Self::ChangePasswordFirst => {
                return HttpResponse::SeeOther().insert_header((header::LOCATION, "/password")).finish();
            }
            _ => {}
        }
        let incident = if let Self::Internal(error) = self {
            let incident = format!("{:08x}", rand::random::<u32>());
            tracing::error!(incident, "{error:#}");
            Some(incident)
        } else {
            None
        };
        let (title, sentence) = self.words();
        let page = ErrorPage { title, sentence: &sentence, incident, asset: crate::web::assets::VERSION.as_str() };
        let body = page.render().unwrap_or_else(|_| sentence.clone());
        let mut response = HttpResponse::build(self.status_code()).content_type("text/html; charset=utf-8").body(body);
        // An error of a middleware passes by the one that adds these.
        crate::web::guard::add_headers(response.headers_mut(), false);
        response
    }
}
