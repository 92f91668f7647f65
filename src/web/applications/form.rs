//! Tờ khai mẫu 01, to be printed and signed.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::detail::just_looked;
use super::{note_look, within_scope};
use crate::clock;
use crate::db::events;
use crate::domain::application::{Application, Kind};
use crate::domain::ids::ApplicationId;
use crate::domain::places;
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::allowed::{Allowed, SeeApplications};
use crate::web::{assets, page};

#[derive(Template)]
#[template(path = "applications/form.html")]
struct FormPage {
    app: Application,
    commune: Option<&'static str>,
    province: Option<&'static str>,
    asset: &'static str,
}

/// `GET /applications/{id}/form`
pub async fn get(
    request: HttpRequest,
    person: Allowed<SeeApplications>,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let (id, actor) = (ApplicationId(path.into_inner()), person.clone());
    let (app, latest) =
        parts.read(move |conn| Ok((within_scope(conn, &actor, id)?, events::of_application(conn, id, 1)?))).await?;
    if app.erased_at.is_some() {
        return Err(AppError::NotFound);
    }
    if !just_looked(&latest, &person, clock::now()) {
        note_look(&parts, &person, id, &request).await?;
    }
    let commune = app.declaration.commune_code.as_deref().and_then(places::commune_name);
    let province = app.declaration.province_code.as_deref().and_then(places::province_name);
    page(&FormPage { app, commune, province, asset: assets::VERSION.as_str() }, StatusCode::OK)
}
