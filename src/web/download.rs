//! A file as an answer. It is read piece by piece: a workbook of a million rows takes no memory.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT_RANGES, CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, RANGE};
use actix_web::{HttpResponse, HttpResponseBuilder, web};
use futures_util::stream;

use crate::domain::export::Format;
use crate::error::AppError;

pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
pub const JSON: &str = "application/json";

/// How much is read at once.
const PIECE: usize = 64 * 1024;

pub fn content_type(format: Format) -> &'static str {
    match format {
        Format::Xlsx => XLSX,
        Format::Csv => "text/csv; charset=utf-8",
    }
}

/// The whole file under a name of plain letters, to be kept by the browser.
pub fn attachment(mut file: File, name: &str, content_type: &str) -> Result<HttpResponse, AppError> {
    let length = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    Ok(named(HttpResponse::Ok(), name, content_type).body(SizedStream::new(length, Box::pin(pieces(file, length)))))
}

/// As [`attachment`], for what is in memory.
pub fn bytes(bytes: Vec<u8>, name: &str, content_type: &str) -> HttpResponse {
    named(HttpResponse::Ok(), name, content_type).body(bytes)
}

/// As [`attachment`], of which a browser may ask for the rest when the line broke (RFC 9110, 14). `version` is of plain
/// letters, and another one for any other content.
pub fn resumable(
    mut file: File,
    name: &str,
    content_type: &str,
    version: &str,
    headers: &HeaderMap,
) -> Result<HttpResponse, AppError> {
    let length = file.seek(SeekFrom::End(0))?;
    let etag = format!("\"{version}\"");
    let asked = |header| headers.get(header).and_then(|value| value.to_str().ok());
    let is_same = asked(IF_RANGE).is_none_or(|of| of == etag);
    let range = asked(RANGE).filter(|_| is_same).map_or(Range::Whole, |range| parse_range(range, length));
    let (status, first, count) = match range {
        Range::Whole => (StatusCode::OK, 0, length),
        Range::Part(first, last) => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Range::Beyond => {
            let whole = (CONTENT_RANGE, format!("bytes */{length}"));
            return Ok(HttpResponse::RangeNotSatisfiable().insert_header(whole).finish());
        }
    };
    file.seek(SeekFrom::Start(first))?;
    let mut response = named(HttpResponse::build(status), name, content_type);
    response.insert_header((ETAG, etag)).insert_header((ACCEPT_RANGES, "bytes"));
    if let Range::Part(first, last) = range {
        response.insert_header((CONTENT_RANGE, format!("bytes {first}-{last}/{length}")));
    }
    Ok(response.body(SizedStream::new(count, Box::pin(pieces(file, count)))))
}

fn named(mut response: HttpResponseBuilder, name: &str, content_type: &str) -> HttpResponseBuilder {
    response
        .content_type(content_type)
        .insert_header(("content-disposition", format!("attachment; filename=\"{name}\"")));
    response
}

/// The next `left` bytes of a file.
fn pieces(file: File, left: u64) -> impl stream::Stream<Item = Result<web::Bytes, AppError>> {
    stream::try_unfold((file, left), |(file, left)| async move {
        let read = web::block(move || {
            let size = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            let (mut file, mut piece) = (file, vec![0; size]);
            let count = file.read(&mut piece)?;
            piece.truncate(count);
            Ok::<_, std::io::Error>((file, piece))
        });
        let (file, piece) = read.await.map_err(AppError::from)??;
        let left = left - piece.len() as u64;
        Ok((!piece.is_empty()).then(|| (web::Bytes::from(piece), (file, left))))
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    Whole,
    /// The first and the last byte.
    Part(u64, u64),
    Beyond,
}

/// One stretch of bytes. Several at once, or what nobody understands, get the whole file: that is allowed.
fn parse_range(header: &str, length: u64) -> Range {
    let Some((first, last)) = header.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else {
        return Range::Whole;
    };
    let end = length.checked_sub(1);
    let bounds = match (first.parse::<u64>().ok(), last.parse::<u64>().ok()) {
        (Some(first), Some(last)) if first <= last => Some((first, last)),
        (Some(first), None) if last.is_empty() => Some((first, u64::MAX)),
        (None, Some(count)) if first.is_empty() => {
            return match end {
                Some(end) if count > 0 => Range::Part(length.saturating_sub(count), end),
                _ => Range::Beyond,
            };
        }
        _ => None,
    };
    match (bounds, end) {
        (None, _) => Range::Whole,
        (Some((first, last)), Some(end)) if first <= end => Range::Part(first, last.min(end)),
        (Some(_), _) => Range::Beyond,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_one_stretch_within_the_file() {
        for (header, length, range) in [
            ("bytes=0-9", 100, Range::Part(0, 9)),
            ("bytes=90-", 100, Range::Part(90, 99)),
            ("bytes=90-500", 100, Range::Part(90, 99)),
            ("bytes=-10", 100, Range::Part(90, 99)),
            ("bytes=-500", 100, Range::Part(0, 99)),
            ("bytes=100-", 100, Range::Beyond),
            ("bytes=-0", 100, Range::Beyond),
            ("bytes=0-", 0, Range::Beyond),
            ("bytes=9-0", 100, Range::Whole),
            ("bytes=0-1,5-6", 100, Range::Whole),
            ("lines=0-1", 100, Range::Whole),
            ("bytes=", 100, Range::Whole),
        ] {
            assert_eq!(parse_range(header, length), range, "{header} of {length}");
        }
    }
}
