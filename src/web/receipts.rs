//! Where gateways tell what became of messages: `/receipts/{token}/{gateway}`. Neither session nor key; the token is the secret.
//!
//! Every call has the same answer, so that a forged one learns nothing and a gateway that repeats itself stops. Only when the
//! database does not answer is it asked to come again. The token stands in no log: a proxy should not log this address either.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::guard;
use crate::clock;
use crate::db::{DbError, deliveries};
use crate::domain::delivery::Gateway;
use crate::error::AppError;
use crate::startup::Parts;

pub const PATH: &str = "/receipts/{token}/{gateway}";

/// No gateway has more to say.
const BODY_BYTES: usize = 16 * 1024;
const BODY_DEADLINE: Duration = Duration::from_secs(10);

pub async fn receive(parts: web::Data<Parts>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let (status, says) = match take(&parts, &request, payload).await {
        Ok(()) => (StatusCode::OK, "OK\n"),
        Err(error) => {
            tracing::error!("a receipt could not be kept: {error}");
            (StatusCode::SERVICE_UNAVAILABLE, "later\n")
        }
    };
    HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(says)
}

async fn take(parts: &Parts, request: &HttpRequest, payload: web::Payload) -> Result<(), AppError> {
    let path = |name| request.match_info().get(name).unwrap_or_default();
    let Some((message, attempt)) = parts.receipt_key.read(path("token")) else { return Ok(()) };
    let Ok(body) = guard::read(payload.into_inner(), BODY_BYTES, BODY_DEADLINE).await else { return Ok(()) };
    let told = Gateway::from_code(path("gateway"))
        .and_then(|gateway| Some((gateway, parts.sms.as_ref()?.receipt(gateway, request.query_string(), &body)?)));
    let Some(told) = told else {
        tracing::warn!(message = message.0, "a receipt says nothing that is known");
        return Ok(());
    };
    // Most change nothing: a look does not queue behind those who write.
    let awaited = parts.read(move |conn| Ok(deliveries::awaits(conn, message, attempt, told.1)?)).await?;
    if awaited {
        // Not as a page writes: no count of a page changes.
        let db = parts.db.clone();
        web::block(move || {
            db.write(|conn| deliveries::receive(conn, message, attempt, told, clock::now()).map_err(DbError::from))
        })
        .await??;
    }
    Ok(())
}
