//! *Gửi lại* and *Đã xử lý*, from wherever they stand: what a person does about a message.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use crate::clock;
use crate::db::events::Stamp;
use crate::db::{Conn, message_acts, message_list};
use crate::domain::ids::MessageId;
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::allowed::{Allowed, ResendMessage};
use crate::web::session::{Flash, TypedSession};
use crate::web::{address, see_other, sign_in};

#[derive(Deserialize)]
#[serde(default)]
pub struct Form {
    /// The page on which it was pressed.
    back: String,
}

impl Default for Form {
    fn default() -> Self {
        Self { back: "/messages".into() }
    }
}

/// `POST /messages/{id}/resend`
pub async fn post(
    request: HttpRequest,
    person: Allowed<ResendMessage>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let (id, actor, address, now) = (MessageId(path.into_inner()), person.clone(), address(&request), clock::now());
    let act = move |conn: &mut Conn| {
        let told = message_list::find_for(conn, &actor, id, now)?.ok_or(AppError::NotFound)?;
        let stamp = Stamp { staff: actor.id, at: now, address: Some(&address) };
        message_acts::resend(conn, &told, stamp)?;
        Ok(told.message.kind.has_password())
    };
    let outcome = match parts.write(act.clone()).await {
        // Somebody else was quicker: the second look says at what.
        Err(AppError::NotFound | AppError::Taken) => parts.write(act).await,
        outcome => outcome,
    };
    let flash = match outcome {
        Ok(has_password) => {
            let mut text = "Đã đưa tin vào hàng gửi lại.".to_owned();
            if has_password {
                text += " Mật khẩu mới được tạo khi gửi, không cán bộ nào xem được; mật khẩu đã gửi trước đó vẫn dùng được cho đến khi chủ tài khoản tự đặt mật khẩu.";
            }
            Flash { good: true, text, offers_next: false }
        }
        Err(AppError::Unprocessable(text)) => Flash { good: false, text, offers_next: false },
        Err(error) => return Err(error),
    };
    session.tell(&flash)?;
    Ok(see_other(sign_in::safe(&form.back)))
}

/// `POST /messages/{id}/settle`
pub async fn settle(
    request: HttpRequest,
    person: Allowed<ResendMessage>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let (id, actor, address, now) = (MessageId(path.into_inner()), person.clone(), address(&request), clock::now());
    let settled = parts
        .write(move |conn| {
            let told = message_list::find_for(conn, &actor, id, now)?.ok_or(AppError::NotFound)?;
            let stamp = Stamp { staff: actor.id, at: now, address: Some(&address) };
            Ok(message_acts::settle(conn, &told, stamp)?)
        })
        .await;
    let flash = match settled {
        Ok(()) => Flash { good: true, text: "Đã ghi nhận tin này được xử lý.".into(), offers_next: false },
        Err(AppError::Unprocessable(text)) => Flash { good: false, text, offers_next: false },
        Err(error) => return Err(error),
    };
    session.tell(&flash)?;
    Ok(see_other(sign_in::safe(&form.back)))
}

/// `GET` of the address to which the button posts: what a browser asks for again after signing in.
pub async fn back(path: web::Path<i64>) -> HttpResponse {
    see_other(&format!("/messages/{path}"))
}
