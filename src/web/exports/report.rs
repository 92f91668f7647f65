//! A report as a file, at once.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::adapters::report_file;
use crate::clock;
use crate::db::exports::{self, NewExport};
use crate::db::reports;
use crate::domain::dates::to_hanoi;
use crate::domain::export::{Format, Subject};
use crate::domain::permission::Actor;
use crate::domain::report::{Letterhead, Request};
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::address;
use crate::web::download::{bytes, content_type};

/// The report as a numbered file that stands in the history. Not found when its agency is not within what the person sees.
pub async fn send(
    request: &HttpRequest,
    person: &Actor,
    parts: web::Data<Parts>,
    asked: Request,
    format: Format,
) -> Result<HttpResponse, AppError> {
    let (person, address, now) = (person.clone(), address(request), clock::now());
    let made = web::block(move || {
        let scope = person.scope();
        let (table, office) = parts.db.snapshot(|conn| -> Result<_, AppError> {
            let table = reports::table(conn, scope, &asked)?.ok_or(AppError::NotFound)?;
            Ok((table, reports::reporting_office(conn, &person)?))
        })?;
        let subject = Subject::Report(asked);
        let rows = i64::try_from(table.rows.len()).unwrap_or(i64::MAX);
        let number = parts.db.write(|conn| -> Result<_, AppError> {
            let address = Some(address.as_str());
            let new = NewExport { staff: person.id, scope, subject: &subject, format, in_full: None, address };
            Ok(exports::sent(conn, &new, rows, now)?)
        })?;
        let head = Letterhead { office, made_by: person.name, made_at: now, number: Some(number.0) };
        let file = report_file::report(&table, &head, format)?;
        Ok::<_, AppError>((file, subject.file_name(to_hanoi(now).date(), format)))
    });
    let (file, name) = made.await??;
    Ok(bytes(file, &name, content_type(format)))
}
