//! A call in a handler's signature: nobody gets there without a key for it, and what it carries has been read within its
//! limits. Everything is checked in this order: the key, what it opens, how often it calls, the media type, the body.

use std::marker::PhantomData;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::problem::Problem;
use crate::clock;
use crate::db::api_keys::{self, InUse, USE_NOTED_EVERY};
use crate::db::citizens::Stamp;
use crate::domain::api_key::ApiScope;
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::{address, guard};

/// The largest body, and how long it may take.
const BYTES: usize = 16 * 1024;
const DEADLINE: Duration = Duration::from_secs(30);

/// A scope as a type.
pub trait Opens {
    const SCOPE: ApiScope;
}

pub struct Accounts;

impl Opens for Accounts {
    const SCOPE: ApiScope = ApiScope::Accounts;
}

/// A call with a key that opens `S`.
pub struct Call<S, T> {
    pub body: T,
    pub stamp: Stamp,
    scope: PhantomData<S>,
}

impl<S: Opens, T: DeserializeOwned + 'static> FromRequest for Call<S, T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let stamp = Stamp { at: clock::now(), address: address(&request) };
            admit(&request, S::SCOPE, &stamp).await?;
            if request.content_type() != "application/json" {
                return Err(Problem::MediaType);
            }
            let body = guard::read(payload, BYTES, DEADLINE).await?;
            // Fields have names: the parser would take a list of values as well.
            if !body.trim_ascii_start().starts_with(b"{") {
                return Err(Problem::Malformed);
            }
            // The parser's own words may repeat what was sent, such as a password that is a number.
            let body = serde_json::from_slice(&body).map_err(|error| match error.classify() {
                Category::Data => Problem::Invalid(Vec::new()),
                Category::Io | Category::Syntax | Category::Eof => Problem::Malformed,
            })?;
            Ok(Self { body, stamp, scope: PhantomData })
        })
    }
}

/// Lets a call in whose key opens the scope.
async fn admit(request: &HttpRequest, scope: ApiScope, stamp: &Stamp) -> Result<(), Problem> {
    let parts = request.app_data::<web::Data<Parts>>().ok_or(AppError::NotFound)?;
    let key = bearer(request).ok_or(Problem::NoKey)?;
    let found = parts.read(move |conn| Ok(api_keys::find(conn, &key)?)).await?;
    let InUse { id, scopes, last_used_at } = found.ok_or(Problem::NoKey)?;
    if !scopes.contains(&scope) {
        return Err(Problem::NoScope);
    }
    parts.limits.key(id)?;
    let now = stamp.at;
    if last_used_at.is_none_or(|at| now - at >= USE_NOTED_EVERY) {
        parts.note(move |conn| Ok(api_keys::used(conn, id, now)?)).await?;
    }
    Ok(())
}

/// The key of `Authorization: Bearer …`; the scheme's name may be written in any case (RFC 9110, 11.1).
fn bearer(request: &HttpRequest) -> Option<String> {
    let (scheme, key) = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().to_owned())
}
