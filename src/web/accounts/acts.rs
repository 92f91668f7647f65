//! What a desk does with an account: a new password, another telephone or e-mail address, locking, unlocking, closing.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::NaiveDateTime;
use serde::Deserialize;

use super::detail::{self, Shown};
use super::within_reach;
use crate::clock;
use crate::db::account_acts::{self, Done};
use crate::db::events::Stamp;
use crate::db::{Conn, accounts, events, texts};
use crate::domain::account::{Account, AccountAct, DeskCheck};
use crate::domain::dates::show_time;
use crate::domain::desk::{Contact, Deed, Order};
use crate::domain::event::EventKind;
use crate::domain::ids::AccountId;
use crate::domain::message::chosen_reason;
use crate::domain::numbers::{Email, Phone};
use crate::domain::permission::Actor;
use crate::domain::text::{self, FieldError};
use crate::domain::texts::Texts;
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::allowed::{ActOnAccount, Allowed};
use crate::web::applications::detail::list_key;
use crate::web::preview::Preview;
use crate::web::session::{Flash, TypedSession};
use crate::web::{Errors, address, see_other};

/// An act as it was entered.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    /// Which one, for a form that is handed back after signing in again.
    pub act: String,
    /// What the page showed.
    pub version: String,
    pub phone: String,
    pub email: String,
    pub reason_choice: String,
    pub reason: String,
    pub id_compared: String,
    pub asked_by_holder: String,
    /// That an account is closed for good.
    pub understood: String,
    /// The list to go back to.
    pub list: String,
}

impl Form {
    /// An empty form, with what is there to be changed.
    pub fn of(account: &Account) -> Self {
        let Contact { phone, email } = account.contact();
        let email = email.map(|email| email.to_string()).unwrap_or_default();
        Self { phone: phone.to_string(), email, ..Self::default() }
    }

    /// The version of the account that the page showed; 0 for a form of no page.
    pub fn version(&self) -> i32 {
        self.version.parse().unwrap_or(0)
    }

    /// What was typed without what was ticked.
    pub fn unchecked(self) -> Self {
        let none = String::new;
        Self { id_compared: none(), asked_by_holder: none(), understood: none(), ..self }
    }

    pub fn typed_reason(&self) -> String {
        chosen_reason(&self.reason_choice, &self.reason)
    }

    fn parse(&self, act: AccountAct, texts: &Texts) -> Result<Order, Errors> {
        let mut errors = Errors::default();
        let deed = match act {
            AccountAct::ResetPassword => Some(Deed::ResetPassword),
            AccountAct::ChangeContact => self.contact(&mut errors).map(Deed::ChangeContact),
            AccountAct::Lock => Some(Deed::Lock),
            AccountAct::Unlock => Some(Deed::Unlock),
            AccountAct::Close => Some(Deed::Close),
        };
        let reason = act.parse_reason(&self.typed_reason(), texts).map_err(|fault| errors.0.push(("reason", fault)));
        if act == AccountAct::Close && self.understood.is_empty() {
            let sentence = "Đánh dấu rằng bạn hiểu tài khoản đã hủy không dùng lại được.";
            errors.0.push(("understood", FieldError::new(sentence)));
        }
        let check =
            DeskCheck { id_compared: !self.id_compared.is_empty(), asked_by_holder: !self.asked_by_holder.is_empty() };
        match (deed, reason) {
            (Some(deed), Ok(reason)) if errors.is_empty() => Ok(Order { deed, reason, check }),
            _ => Err(errors),
        }
    }

    fn contact(&self, errors: &mut Errors) -> Option<Contact> {
        let phone = Phone::parse(&self.phone).map_err(|fault| errors.0.push(("phone", fault)));
        let email = match text::line(&self.email, 254) {
            Ok(None) => Ok(None),
            _ => Email::parse(&self.email).map(Some),
        };
        let email = email.map_err(|fault| errors.0.push(("email", fault)));
        Some(Contact { phone: phone.ok()?, email: email.ok()? })
    }
}

/// An act on its way to the database.
#[derive(Clone)]
struct Acting {
    actor: Actor,
    id: AccountId,
    version: i32,
    order: Order,
    address: String,
    now: NaiveDateTime,
}

/// What became of it.
enum Acted {
    /// With what to tell of it.
    Done(String),
    /// The same form was posted twice: the first time counted.
    Already,
    /// Somebody else was quicker.
    Changed(String),
}

impl Acting {
    fn record(&self, conn: &mut Conn) -> Result<Acted, AppError> {
        let account = within_reach(conn, &self.actor, self.id, self.now)?;
        if account.version != self.version {
            return self.changed(conn, &account);
        }
        let stamp = Stamp { staff: self.actor.id, at: self.now, address: Some(&self.address) };
        let done = account_acts::record(conn, &account, &self.order, stamp)?;
        let account = within_reach(conn, &self.actor, self.id, self.now)?;
        Ok(Acted::Done(success(conn, self.order.deed.act(), done, &account)?))
    }

    /// What to tell whoever acted on an older version than the one that is there.
    fn changed(&self, conn: &mut Conn, account: &Account) -> Result<Acted, AppError> {
        let kinds: Vec<EventKind> = AccountAct::ALL.iter().map(|act| act.event()).collect();
        let history = events::of_account(conn, self.id, 20)?;
        let last = history.iter().find(|event| kinds.contains(&event.kind));
        let same_content = match &self.order.deed {
            Deed::ChangeContact(contact) => *contact == account.contact(),
            _ => true,
        };
        Ok(match last {
            Some(last)
                if account.version == self.version + 1
                    && last.kind == self.order.deed.act().event()
                    && last.staff_id == Some(self.actor.id)
                    && same_content =>
            {
                Acted::Already
            }
            Some(last) if last.staff_id != Some(self.actor.id) => Acted::Changed(format!(
                "{} đã thực hiện «{}» lúc {}. Việc của bạn chưa được thực hiện; nội dung bạn nhập còn ở dưới.",
                last.staff_name.as_deref().unwrap_or("Hệ thống"),
                last.kind.label(),
                show_time(last.at)
            )),
            _ => Acted::Changed(detail::CHANGED.to_owned()),
        })
    }
}

/// `POST /accounts/{id}/acts/{act}`
pub async fn post(
    request: HttpRequest,
    person: Allowed<ActOnAccount>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<(i64, String)>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let (id, act) = path.into_inner();
    let (id, act) = (AccountId(id), AccountAct::from_code(&act).ok_or(AppError::NotFound)?);
    let form = form.into_inner();
    let list = list_key(&form.list);
    let texts = parts.read(|conn| Ok(texts::current(conn)?)).await?;
    let (errors, refusal, status) = match form.parse(act, &texts) {
        Err(errors) => (errors, None, StatusCode::UNPROCESSABLE_ENTITY),
        Ok(order) => {
            let acting = Acting {
                actor: person.clone(),
                id,
                version: form.version(),
                order,
                address: address(&request),
                now: clock::now(),
            };
            let again = acting.clone();
            let acted = match parts.write(move |conn| acting.record(conn)).await {
                // Somebody else may have been quicker, and PostgreSQL shows each query what was committed before it: the
                // second look says whether it is that.
                Err(AppError::NotFound | AppError::Unprocessable(_)) => {
                    parts.write(move |conn| again.record(conn)).await
                }
                acted => acted,
            };
            match acted {
                Ok(Acted::Done(text)) => return told(&session, id, &list, text),
                Ok(Acted::Already) => {
                    let text = format!("Đã thực hiện «{}» ở lần bấm trước, không làm lại", act.label());
                    return told(&session, id, &list, text);
                }
                Ok(Acted::Changed(sentence)) => (Errors::default(), Some(sentence), StatusCode::CONFLICT),
                Err(AppError::Unprocessable(sentence)) => {
                    (Errors::default(), Some(sentence), StatusCode::UNPROCESSABLE_ENTITY)
                }
                Err(error) => return Err(error),
            }
        }
    };
    let shown = Shown { list, tried: Some((act, form)), errors, refusal, status };
    detail::show(&request, &person, &session, &parts, id, shown).await
}

/// `POST /accounts/{id}/acts/{act}/preview`: what this act for this reason tells.
pub async fn preview(
    request: HttpRequest,
    person: Allowed<ActOnAccount>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<(i64, String)>,
    form: web::Form<Form>,
) -> Result<HttpResponse, AppError> {
    let (id, act) = path.into_inner();
    let (id, act) = (AccountId(id), AccountAct::from_code(&act).ok_or(AppError::NotFound)?);
    let form = form.into_inner();
    if !Preview::is_asked_alone(&request) {
        let shown = Shown { list: list_key(&form.list), tried: Some((act, form)), ..Shown::default() };
        return detail::show(&request, &person, &session, &parts, id, shown).await;
    }
    let (actor, now) = (person.clone(), clock::now());
    let (account, texts) =
        parts.read(move |conn| Ok((within_reach(conn, &actor, id, now)?, texts::current(conn)?))).await?;
    let preview = detail::telling(&account, act, &texts, &form.typed_reason(), parts.config.sms_price);
    preview.ok_or(AppError::NotFound)?.alone()
}

/// What to tell of an act that was done.
fn success(conn: &mut Conn, act: AccountAct, done: Done, account: &Account) -> Result<String, AppError> {
    let mut text = match act {
        AccountAct::ResetPassword => "Đã cấp lại mật khẩu, mật khẩu cũ không còn dùng được.".to_owned(),
        AccountAct::ChangeContact => "Đã đổi điện thoại, email; nơi nhận cũ và mới đều được báo.".to_owned(),
        AccountAct::Lock => "Đã khóa tài khoản.".to_owned(),
        AccountAct::Unlock => "Đã mở khóa tài khoản.".to_owned(),
        AccountAct::Close => "Đã hủy tài khoản.".to_owned(),
    };
    if done.new_password {
        text +=
            &format!(" Mật khẩu mới được gửi bằng tin nhắn đến {}; không cán bộ nào xem được.", account.notice_phone());
    }
    if act == AccountAct::ChangeContact {
        let (phones, emails) = accounts::sharing(conn, &account.holder)?;
        for (what, others) in [("Số điện thoại", phones), ("Email", emails)] {
            if others > 0 {
                text += &format!(" {what} này đang dùng cho {others} tài khoản khác.");
            }
        }
    }
    Ok(text)
}

fn told(session: &TypedSession, id: AccountId, list: &str, text: String) -> Result<HttpResponse, AppError> {
    session.tell(&Flash { good: true, text, offers_next: false })?;
    let list = if list.is_empty() { String::new() } else { format!("?list={list}") };
    Ok(see_other(&format!("/accounts/{id}{list}")))
}

/// `GET` of an address to which the page posts: what a browser asks for again after a refusal.
pub async fn back(path: web::Path<(i64, String)>) -> HttpResponse {
    see_other(&format!("/accounts/{}", path.into_inner().0))
}
