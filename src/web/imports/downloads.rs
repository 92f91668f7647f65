//! What an import gives back: the rows that were not taken, to be corrected and brought in again, and the report of what
//! was found.

use std::fs::File;
use std::io::{BufWriter, Write};

use actix_web::{HttpResponse, web};

use super::find;
use crate::db::imports::Listed;
use crate::domain::ids::ImportId;
use crate::domain::import::ImportState;
use crate::error::AppError;
use crate::jobs::import::folder::Folder;
use crate::jobs::import::read::Found;
use crate::jobs::import::{ImportError, json, workbooks};
use crate::startup::Parts;
use crate::web::allowed::{self, Allowed};
use crate::web::download::{JSON, XLSX, attachment};

/// Makes a file of what was found, on a blocking thread. Nothing of it stays on the disk.
async fn make(
    person: Allowed<allowed::Import>,
    parts: web::Data<Parts>,
    id: ImportId,
    f: impl FnOnce(&Parts, &Listed, &Folder, &Found, &std::path::Path) -> Result<(), ImportError> + Send + 'static,
) -> Result<File, AppError> {
    let actor = person.clone();
    web::block(move || {
        let listed = parts.db.read(|conn| find(conn, &actor, id))?;
        let folder = Folder::of(&parts.config.data_dir, id);
        if !listed.0.has_files || listed.0.state == ImportState::Reading {
            return Err(AppError::NotFound);
        }
        let found: Found = folder.kept(Found::NAME)?.ok_or(AppError::NotFound)?;
        let file = folder.temporary()?;
        f(&parts, &listed, &folder, &found, file.path()).map_err(|error| AppError::Internal(error.into()))?;
        // Opened anew: what made it may have put another file in the place of this one.
        Ok(File::open(file.path())?)
    })
    .await?
}

/// `GET /imports/{id}/refused.xlsx`
pub async fn refused(
    person: Allowed<allowed::Import>,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let id = ImportId(path.into_inner());
    let file = make(person, parts, id, |parts, (import, _), folder, found, to| {
        let config = &parts.config;
        workbooks::refused(&config.program, &config.import_limits, folder, &import.file_name, found, to)
    });
    attachment(file.await?, &format!("DongBiTuChoi_{id}.xlsx"), XLSX)
}

/// `GET /imports/{id}/report.xlsx`
pub async fn report(
    person: Allowed<allowed::Import>,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let id = ImportId(path.into_inner());
    let file = make(person, parts, id, |_, listed, folder, found, to| workbooks::report(listed, folder, found, to));
    attachment(file.await?, &format!("BaoCaoNhap_{id}.xlsx"), XLSX)
}

/// `GET /imports/{id}/report.json`
pub async fn report_json(
    person: Allowed<allowed::Import>,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let id = ImportId(path.into_inner());
    let file = make(person, parts, id, |_, (import, _), folder, found, to| {
        let mut out = BufWriter::new(File::create(to)?);
        json::write(&mut out, import.kind, found, folder, true)?;
        Ok(out.flush()?)
    });
    attachment(file.await?, &format!("BaoCaoNhap_{id}.json"), JSON)
}
