//! `GET /api/openapi.json`: the description of the interface, made from the code.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{accounts, problem};

/// For sign-in of citizens by the app and the portal. Every call carries a key that an administrator of the centre hands out.
#[derive(OpenApi)]
#[openapi(
    info(title = "tnhs", license(name = "MIT", identifier = "MIT")),
    paths(accounts::verify, accounts::otp, accounts::password),
    components(schemas(problem::Body)),
    modifiers(&Key)
)]
struct Description;

struct Key;

impl Modify for Key {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        openapi.components.get_or_insert_default().security_schemes.insert("key".into(), scheme.into());
        openapi.security = Some(vec![SecurityRequirement::new("key", Vec::<String>::new())]);
    }
}

static JSON: LazyLock<String> = LazyLock::new(|| Description::openapi().to_json().unwrap_or_default());

pub async fn get() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(JSON.as_str())
}
