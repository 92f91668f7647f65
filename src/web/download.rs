//! A file as an answer. It is read piece by piece: a workbook of a million rows takes no memory.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use actix_web::body::SizedStream;
use actix_web::{HttpResponse, web};
use futures_util::stream;

use crate::error::AppError;

pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
pub const JSON: &str = "application/json";

/// How much is read at once.
const PIECE: usize = 64 * 1024;

/// The whole file under a name of plain letters, to be kept by the browser.
pub fn attachment(mut file: File, name: &str, content_type: &str) -> Result<HttpResponse, AppError> {
    let length = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    let pieces = stream::try_unfold(file, |file| async {
        let read = web::block(move || {
            let (mut file, mut piece) = (file, vec![0; PIECE]);
            let count = file.read(&mut piece)?;
            piece.truncate(count);
            Ok::<_, std::io::Error>((file, piece))
        });
        let (file, piece) = read.await.map_err(AppError::from)??;
        Ok::<_, AppError>((!piece.is_empty()).then(|| (web::Bytes::from(piece), file)))
    });
    Ok(HttpResponse::Ok()
        .content_type(content_type)
        .insert_header(("content-disposition", format!("attachment; filename=\"{name}\"")))
        .body(SizedStream::new(length, Box::pin(pieces))))
}
