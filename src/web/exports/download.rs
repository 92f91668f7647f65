//! The file itself.

use std::fs::File;
use std::io::ErrorKind;

use actix_web::{HttpRequest, HttpResponse, web};

use super::own;
use crate::clock;
use crate::domain::dates::to_hanoi;
use crate::domain::export::ExportState;
use crate::error::AppError;
use crate::jobs::exports::{may_have, path};
use crate::startup::Parts;
use crate::web::allowed::{Allowed, Export as MayExport};
use crate::web::download::{content_type, resumable};

/// `GET /exports/{id}/file`, whole or from where a line broke.
pub async fn get(
    request: HttpRequest,
    person: Allowed<MayExport>,
    parts: web::Data<Parts>,
    id: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let export = own(&parts, person.id, id.into_inner()).await?;
    let lease = export.lease.clone().filter(|_| export.state == ExportState::Ready).ok_or(AppError::NotFound)?;
    if !may_have(&person, &export) || export.kept_until() <= clock::now() {
        return Err(AppError::NotFound);
    }
    let at = path(&parts.config.data_dir, export.id, &lease);
    let opened = web::block(move || File::open(at)).await?;
    let file =
        opened.map_err(|error| if error.kind() == ErrorKind::NotFound { AppError::NotFound } else { error.into() })?;
    let subject = export.subject().ok_or(AppError::NotFound)?;
    let name = subject.file_name(to_hanoi(export.created_at).date(), export.format);
    resumable(file, &name, content_type(export.format), &lease, request.headers())
}
