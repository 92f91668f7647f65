//! What every request passes: deadlines and limits on its body, the check that a form comes from our own page, and the
//! headers that every answer carries.

use std::io::ErrorKind;
use std::time::Duration;

use actix_multipart::MultipartError;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use super::session::TypedSession;
use super::{imports, sign_in};
use crate::adapters::photos::MAX_BYTES;
use crate::error::AppError;
use crate::startup::Parts;

/// The largest form that is no upload.
pub const FORM_BYTES: usize = 64 * 1024;
/// The largest upload, with the form around it.
pub const UPLOAD_BYTES: usize = MAX_BYTES + FORM_BYTES;
/// How much more than its limit a body may have before the connection is cut.
const DROPPED_BYTES: usize = 40 * 1024 * 1024;
/// How long a form's body may take, and an upload's.
const FORM_DEADLINE: Duration = Duration::from_secs(30);
const UPLOAD_DEADLINE: Duration = Duration::from_secs(120);
/// A list of a province, from an office with a slow line.
const FILE_DEADLINE: Duration = Duration::from_secs(15 * 60);

/// Outermost: headers on every answer.
pub async fn surround(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let https = request.app_data::<web::Data<Parts>>().is_some_and(|parts| parts.config.is_https());
    match next.call(request).await {
        Ok(response) => {
            let mut response = response.map_into_boxed_body();
            add_headers(response.headers_mut(), https);
            Ok(response)
        }
        // An error of a middleware, such as a database that does not answer: its words are not for the page.
        Err(error) if error.as_error::<AppError>().is_none() => {
            Err(AppError::Internal(anyhow::Error::msg(error.to_string())).into())
        }
        Err(error) => Err(error),
    }
}

pub fn add_headers(headers: &mut HeaderMap, https: bool) {
    const ALWAYS: [(&str, &str); 7] = [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        // Not no-referrer: with that, browsers send `Origin: null` with our own forms.
        ("referrer-policy", "same-origin"),
        ("permissions-policy", "camera=(self), microphone=(), geolocation=(), payment=(), usb=()"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "content-security-policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; \
             connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
    ];
    for (name, value) in ALWAYS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if https {
        let value = HeaderValue::from_static("max-age=31536000");
        headers.insert(HeaderName::from_static("strict-transport-security"), value);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Behind the session: a form must come from a page of this session. One that was posted after the session ended is handed
/// to the sign-in page with everything that was typed.
pub async fn screen(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    if *request.method() != Method::POST {
        return Err(AppError::Method.into());
    }
    if !is_own_origin(&request) {
        return Err(AppError::Foreign.into());
    }
    let session = TypedSession::of(request.request());
    let signed_in = session.actor().is_some();
    if request.content_type() == "multipart/form-data" {
        if !signed_in {
            // Nothing of a stranger's upload is kept, but it is read: the answer is shown only then.
            let _ = read(request.take_payload(), 0, UPLOAD_DEADLINE).await;
            return Err(AppError::SignInFirst { next: sign_in::page_of(request.path()) }.into());
        }
        // The only uploads; elsewhere nobody would look for the token, which stands in one of the parts.
        if request.path() == imports::PATH {
            // Too large to be held in memory: it goes to the disk as it comes.
            let limit = imports::upload_limit(request.app_data::<web::Data<Parts>>());
            let body = within(request.take_payload(), limit, FILE_DEADLINE);
            request.set_payload(Payload::Stream { payload: Box::pin(body) });
        } else if request.path().ends_with("/photos") {
            let body = read(request.take_payload(), UPLOAD_BYTES, UPLOAD_DEADLINE).await?;
            request.set_payload(Payload::from(body));
        } else {
            return Err(AppError::Malformed.into());
        }
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let body = read(request.take_payload(), FORM_BYTES, FORM_DEADLINE).await?;
    if request.path() == sign_in::PATH {
        // Signing in changes nothing that another site could want, and there may be no session yet.
    } else if !signed_in {
        let next = sign_in::page_of(request.path());
        if !sign_in::keeps_drafts(&next) {
            return Err(AppError::SignInFirst { next }.into());
        }
        let response = sign_in::resume(&next, &body)?;
        return Ok(request.into_response(response));
    } else if !has_token(&body, &session.csrf()) {
        return Err(AppError::Foreign.into());
    }
    request.set_payload(Payload::from(body));
    Ok(next.call(request).await?.map_into_boxed_body())
}

pub(super) async fn read(payload: Payload, limit: usize, deadline: Duration) -> Result<web::Bytes, AppError> {
    let chunks = within(payload, limit, deadline);
    let body = chunks.try_fold(web::BytesMut::new(), |mut body, chunk| async move {
        body.extend_from_slice(&chunk);
        Ok(body)
    });
    Ok(body.await.map_err(|error| refusal(&error))?.freeze())
}

/// A body within a limit and a deadline: actix has neither. Of one that is too large the rest is read and dropped, up to a
/// point, because a browser shows our answer only once it has sent everything.
fn within(
    payload: Payload,
    limit: usize,
    deadline: Duration,
) -> impl Stream<Item = Result<web::Bytes, PayloadError>> + 'static {
    let end = Instant::now() + deadline;
    stream::try_unfold((payload, 0), move |(mut payload, mut total)| async move {
        loop {
            let next = tokio::time::timeout_at(end, payload.next()).await;
            let next = next.map_err(|_| PayloadError::Incomplete(Some(ErrorKind::TimedOut.into())))?;
            let Some(chunk) = next.transpose()? else {
                return if total <= limit { Ok(None) } else { Err(PayloadError::Overflow) };
            };
            total += chunk.len();
            if total <= limit {
                return Ok(Some((chunk, (payload, total))));
            }
            if total > limit + DROPPED_BYTES {
                return Err(PayloadError::Overflow);
            }
        }
    })
}

/// As `refusal`, of an upload.
pub fn upload_refusal(error: &MultipartError) -> AppError {
    match error {
        MultipartError::Payload(error) => refusal(error),
        MultipartError::Field { source, .. } => source.as_error().map_or(AppError::Malformed, upload_refusal),
        _ => AppError::Malformed,
    }
}

/// What is told of a body that could not be read.
fn refusal(error: &PayloadError) -> AppError {
    match error {
        PayloadError::Overflow => AppError::TooLarge,
        PayloadError::Incomplete(Some(error)) if error.kind() == ErrorKind::TimedOut => AppError::Slow,
        _ => AppError::Malformed,
    }
}

#[derive(serde::Deserialize)]
struct Token {
    csrf: String,
}

fn has_token(body: &[u8], expected: &str) -> bool {
    std::str::from_utf8(body)
        .ok()
        .and_then(|body| web::Query::<Token>::from_query(body).ok())
        .is_some_and(|token| same_token(&token.csrf, expected))
}

/// Compares in a time that does not tell how much is right.
pub fn same_token(given: &str, expected: &str) -> bool {
    !expected.is_empty()
        && given.len() == expected.len()
        && given.bytes().zip(expected.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// Whether the browser says that the form was on a page of this very server: by `Origin`, or where that is missing by
/// `Referer`. A request that says neither is refused. Without TLS an office may reach the server under several names: then
/// the name it was asked by counts too.
fn is_own_origin(request: &ServiceRequest) -> bool {
    let text = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let Some(from) = text(header::ORIGIN).or_else(|| text(header::REFERER)) else {
        return false;
    };
    let Some(parts) = request.app_data::<web::Data<Parts>>() else {
        return false;
    };
    // Scheme and authority: all of an Origin, the beginning of a Referer.
    let origin = from.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let asked = || text(header::HOST).map(|host| format!("http://{host}"));
    origin == parts.config.base_url || (!parts.config.is_https() && Some(origin) == asked())
}

/// `GET /healthz`: the process answers.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the database answers too, and its schema is this program's.
pub async fn readyz(parts: web::Data<Parts>) -> (String, StatusCode) {
    let db = parts.db.clone();
    match web::block(move || db.needs_migration()).await {
        Ok(Ok(false)) => ("ready\n".into(), StatusCode::OK),
        Ok(Ok(true)) => ("the database schema is older than this program\n".into(), StatusCode::SERVICE_UNAVAILABLE),
        _ => ("the database does not answer\n".into(), StatusCode::SERVICE_UNAVAILABLE),
    }
}
