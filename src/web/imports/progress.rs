//! How far the worker is with an import: on its page, and asked again by the page's script.

use actix_web::{HttpResponse, web};
use chrono::NaiveDateTime;
use serde::Serialize;

use crate::clock;
use crate::db::imports::Import;
use crate::domain::ids::ImportId;
use crate::domain::import::ImportState;
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::allowed::{self, Allowed};
use crate::web::show::thousands;

#[derive(Serialize)]
pub struct Progress {
    /// The page is another one in another state.
    pub state: &'static str,
    /// None when nobody knows how much there is.
    pub percent: Option<i64>,
    pub words: String,
}

impl Progress {
    pub fn of(import: &Import, now: NaiveDateTime) -> Self {
        let (done, verb) = match import.state {
            ImportState::Applying => (import.rows_written, "ghi"),
            _ => (import.rows_read, "đọc"),
        };
        let total = import.rows_total.max(done);
        let counted = matches!(import.state, ImportState::Reading | ImportState::Applying) && total > 0;
        let words = match import.state {
            _ if import.lease.is_none() => "Đang chờ đến lượt.".to_owned(),
            ImportState::Settling => "Danh sách đã được ghi. Đang tìm các hồ sơ chờ cấp mã số.".to_owned(),
            ImportState::RollingBack => "Đang đưa dữ liệu trở lại như trước.".to_owned(),
            _ if !counted => "Đang mở tệp.".to_owned(),
            _ => {
                let left = time_left(done, total, (now - import.at).num_seconds());
                format!("Đã {verb} {} trên {} dòng{left}.", thousands(&done), thousands(&total))
            }
        };
        Self { state: import.state.code(), percent: counted.then(|| done * 100 / total), words }
    }
}

/// What remains when it goes on as it went; nothing is said before that can be known.
fn time_left(done: i64, total: i64, seconds: i64) -> String {
    if done == 0 || done >= total || seconds < 2 {
        return String::new();
    }
    match seconds * (total - done) / done {
        left @ 0..60 => format!(", còn khoảng {} giây", left.max(1)),
        left => format!(", còn khoảng {} phút", (left + 30) / 60),
    }
}

/// `GET /imports/{id}/progress`
pub async fn get(
    person: Allowed<allowed::Import>,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let (id, actor) = (ImportId(path.into_inner()), person.clone());
    let (import, _) = parts.read(move |conn| super::find(conn, &actor, id)).await?;
    Ok(HttpResponse::Ok().json(Progress::of(&import, clock::now())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_told_once_it_can_be_known() {
        assert_eq!(time_left(0, 100, 10), "");
        assert_eq!(time_left(50, 100, 1), "");
        assert_eq!(time_left(50, 100, 10), ", còn khoảng 10 giây");
        assert_eq!(time_left(10, 100, 20), ", còn khoảng 3 phút");
        assert_eq!(time_left(100, 100, 20), "");
    }
}
