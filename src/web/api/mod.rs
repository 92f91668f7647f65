//! The interface for other programs of the agency (the VssID app, the portal), under `/api`: JSON in, JSON out. No session, no
//! cookie: every call carries a key, and says nothing of a person in its address. Errors are
//! `application/problem+json` (RFC 9457) for everything below `/api`.

pub mod accounts;
pub mod call;
pub mod limits;
pub mod openapi;
pub mod problem;
pub mod proof;

use actix_web::middleware::from_fn;
use actix_web::web::{self, get, post};
use actix_web::{HttpResponse, Resource, Route, Scope};

use problem::Problem;

/// Everything under `/api`; it comes before the pages, which take every path.
pub fn scope() -> Scope {
    let accounts = web::scope("/v1/accounts")
        .service(only("/verify", post().to(accounts::verify), "POST"))
        .service(only("/otp", post().to(accounts::otp), "POST"))
        .service(only("/password", post().to(accounts::password), "POST"))
        .wrap(from_fn(accounts::answer_in_its_time))
        // A scope that is wrapped does not hand on what it has no path for.
        .default_service(web::to(nothing_here));
    web::scope("/api")
        .service(only("/openapi.json", get().to(openapi::get), "GET"))
        .service(accounts)
        .default_service(web::to(nothing_here))
}

async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(Problem::NotFound)
}

/// A path with one method.
fn only(path: &str, route: Route, method: &'static str) -> Resource {
    web::resource(path)
        .route(route)
        .default_service(web::to(move || async move { Err::<HttpResponse, _>(Problem::Method(method)) }))
}
