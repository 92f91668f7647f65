//! What a call that is refused is told: `application/problem+json` (RFC 9457). `type` is for programs, `title` and `errors` are
//! Vietnamese sentences that may be shown.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::domain::account::LockCause;
use crate::domain::citizen::advice;
use crate::domain::declaration::Faults;
use crate::error::AppError;

#[derive(Debug, thiserror::Error)]
#[error("{}", self.words().2)]
pub enum Problem {
    /// No JSON object.
    Malformed,
    /// No key, or none that opens anything.
    NoKey,
    /// A key for something else.
    NoScope,
    /// No such account, another password, a closed account: nobody learns which.
    WrongPassword,
    Locked(Option<LockCause>),
    /// Wrong digits, run out, used, for something else: nobody learns which.
    WrongOtp,
    NotFound,
    /// With the method that there is.
    Method(&'static str),
    MediaType,
    TooLarge,
    Slow,
    Invalid(Faults),
    TooMany(Duration),
    Busy,
    /// With the number under which the log tells more.
    Internal(String),
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Malformed => Self::Malformed,
            AppError::TooLarge => Self::TooLarge,
            AppError::Slow => Self::Slow,
            AppError::Busy => Self::Busy,
            other => {
                let incident = format!("{:08x}", rand::random::<u32>());
                match other {
                    AppError::Internal(error) => tracing::error!(incident, "{error:#}"),
                    other => tracing::error!(incident, "{other}"),
                }
                Self::Internal(incident)
            }
        }
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        AppError::from(error).into()
    }
}

impl Problem {
    /// The status, the last word of the type, and the title.
    fn words(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed => {
                (StatusCode::BAD_REQUEST, "malformed", "Nội dung gửi lên không phải đối tượng JSON đọc được")
            }
            Self::NoKey => (StatusCode::UNAUTHORIZED, "no-key", "Thiếu khóa kết nối hoặc khóa không dùng được"),
            Self::NoScope => (StatusCode::FORBIDDEN, "no-scope", "Khóa kết nối không được dùng cho việc này"),
            Self::WrongPassword => (StatusCode::UNAUTHORIZED, "wrong-password", "Tài khoản hoặc mật khẩu không đúng"),
            Self::Locked(_) => (StatusCode::FORBIDDEN, "account-locked", "Tài khoản đang bị khóa"),
            Self::WrongOtp => {
                (StatusCode::UNPROCESSABLE_ENTITY, "wrong-otp", "Mã xác thực không đúng hoặc không còn hiệu lực")
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "Không có địa chỉ này"),
            Self::Method(_) => (StatusCode::METHOD_NOT_ALLOWED, "method", "Địa chỉ này không nhận phương thức đó"),
            Self::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "Chỉ nhận application/json"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Nội dung gửi lên quá lớn"),
            Self::Slow => (StatusCode::REQUEST_TIMEOUT, "too-slow", "Nội dung gửi lên đến quá chậm"),
            Self::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid", "Có nội dung chưa đúng"),
            Self::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "too-many", "Yêu cầu quá nhiều lần"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", "Hệ thống đang bận, hãy thử lại sau vài giây"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Hệ thống gặp lỗi"),
        }
    }

    /// What to do, where the title does not say it.
    fn detail(&self) -> Option<String> {
        match self {
            Self::Locked(cause) => Some(advice(*cause).to_owned()),
            Self::TooMany(wait) => Some(format!("Hãy thử lại sau {} giây.", seconds(*wait))),
            Self::Internal(incident) => Some(format!("Mã sự cố: {incident}")),
            _ => None,
        }
    }
}

/// Whole seconds, after which the wait is surely over.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + 1
}

/// What is wrong, for a program and for a person (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Body {
    /// Which problem it is; it does not change with the wording.
    #[schema(example = "urn:tnhs:wrong-password")]
    r#type: String,
    /// In Vietnamese, to be shown.
    title: &'static str,
    status: u16,
    /// In Vietnamese: what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// By the name of a field that is wrong: what is wrong with it, in Vietnamese.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    errors: BTreeMap<&'static str, String>,
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.words().0
    }

    fn error_response(&self) -> HttpResponse {
        let (status, code, title) = self.words();
        let errors = match self {
            Self::Invalid(faults) => faults.iter().map(|(field, fault)| (*field, fault.0.clone())).collect(),
            Self::WrongOtp => BTreeMap::from([("otp", format!("{title}."))]),
            _ => BTreeMap::new(),
        };
        let body =
            Body { r#type: format!("urn:tnhs:{code}"), title, status: status.as_u16(), detail: self.detail(), errors };
        let mut response = HttpResponse::build(status);
        match self {
            Self::NoKey => response.insert_header((header::WWW_AUTHENTICATE, "Bearer")),
            Self::Method(allowed) => response.insert_header((header::ALLOW, *allowed)),
            Self::TooMany(wait) => response.insert_header((header::RETRY_AFTER, seconds(*wait))),
            Self::Busy => response.insert_header((header::RETRY_AFTER, 1)),
            _ => &mut response,
        };
        response.content_type("application/problem+json").json(body)
    }
}

/// What any call may be refused with, for the description of the interface.
#[derive(IntoResponses)]
pub enum Refused {
    /// The body is no JSON object.
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(Body),
    /// `urn:tnhs:no-key`, with `WWW-Authenticate: Bearer`: the key is missing, unknown or revoked. `urn:tnhs:wrong-password`: one and
    /// the same answer for an unknown account, a wrong password, a closed account and an account without a password.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(Body),
    /// `urn:tnhs:no-scope`: the key is for something else. `urn:tnhs:account-locked`: the password is right and the account is
    /// locked; `detail` says what to do.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Body),
    /// The body came too slowly.
    #[response(status = 408, content_type = "application/problem+json")]
    Slow(Body),
    /// The body is larger than 16 KB.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Body),
    /// The body is not `application/json`.
    #[response(status = 415, content_type = "application/problem+json")]
    MediaType(Body),
    /// `urn:tnhs:invalid`: a field is missing, unknown or wrong. `urn:tnhs:wrong-otp`: the one-time password is wrong, used, run
    /// out, or for another account, purpose or device.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(Body),
    /// Too many calls of this key or for this account, or too many one-time passwords.
    #[response(status = 429, content_type = "application/problem+json",
        headers(("Retry-After" = i32, description = "Seconds to wait")))]
    TooMany(Body),
    #[response(status = 500, content_type = "application/problem+json", description = "A fault of the server")]
    Internal(Body),
    /// Too many passwords wait to be compared.
    #[response(status = 503, content_type = "application/problem+json",
        headers(("Retry-After" = i32, description = "Seconds to wait")))]
    Busy(Body),
}
