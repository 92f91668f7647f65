//! How a text will leave, before anybody presses the button: one part of a page, for the reason that an officer types and for the
//! words that an admin gives. The script asks for the part alone while somebody types, so that the rules stand in one place.

use actix_web::http::StatusCode;
use actix_web::http::header::ACCEPT;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{page, show};
use crate::domain::message::{lost, parse_reason, segments};
use crate::domain::texts::{Checked, Leaving, Place, TextKey, Texts};
use crate::error::AppError;

/// What the script asks for.
const PART: &[u8] = b"text/x-preview";

pub struct Preview {
    /// Of a mail.
    pub subject: Option<String>,
    pub text: String,
    /// Of a text message: its length, its parts and what they cost.
    pub count: Option<String>,
    pub notes: Vec<String>,
    pub faults: Vec<String>,
}

#[derive(Template)]
#[template(path = "preview.html")]
struct Part {
    preview: Preview,
}

impl Preview {
    /// A text message with a reason as it was typed so far. `known` are its other values.
    pub fn of_reason(texts: &Texts, key: TextKey, known: &[(Place, &str)], reason: &str, price: Option<u32>) -> Self {
        let values: Vec<(Place, &str)> = known.iter().copied().chain([(Place::Reason, reason)]).collect();
        let text = texts.sms(key, &values);
        let lost: Vec<String> = lost(reason).iter().map(char::to_string).collect();
        let fault = parse_reason(reason, Some((texts, key))).err().filter(|_| !reason.is_empty());
        Self {
            subject: None,
            count: Some(count(&text, price)),
            text,
            notes: match lost.as_slice() {
                [] => Vec::new(),
                lost => vec![format!("Tin nhắn không có các ký tự này nên sẽ bỏ: {}", lost.join(" "))],
            },
            faults: fault.map(|fault| fault.0).into_iter().collect(),
        }
    }

    /// The words of a text, with sample data.
    pub fn of_text(checked: &Checked, price: Option<u32>) -> Self {
        let faults = checked.faults.iter().map(|(_, fault)| fault.0.clone()).collect();
        match &checked.leaving {
            Leaving::Mail(mail) => Self {
                subject: Some(mail.subject.clone()),
                text: mail.text.clone(),
                count: None,
                notes: Vec::new(),
                faults,
            },
            Leaving::Sms(text) => {
                let becomes = |foreign: &crate::domain::texts::Foreign| match foreign.becomes.as_str() {
                    "" => format!("{} bị bỏ", foreign.character),
                    becomes => format!("{} → {becomes}", foreign.character),
                };
                let all: Vec<String> = checked.foreign.iter().map(becomes).collect();
                let mut notes = Vec::new();
                if !all.is_empty() {
                    notes.push(format!("Bỏ dấu sẽ đổi: {}", all.join(", ")));
                }
                if checked.foreign.iter().any(|foreign| foreign.forces_ucs2) {
                    notes.push(
                        "Các ký tự này buộc tin nhắn dùng bảng mã UCS-2: một tin chỉ còn 70 ký tự thay vì 160, nhiều tin thì mỗi tin 67 \
                         thay vì 153."
                            .to_owned(),
                    );
                }
                Self { subject: None, text: text.clone(), count: Some(count(text, price)), notes, faults }
            }
        }
    }

    /// As a page shows it whose fields have their own faults beside them.
    pub fn without_faults(self) -> Self {
        Self { faults: Vec::new(), ..self }
    }

    /// Whether only the part is asked for, and not the page with it.
    pub fn is_asked_alone(request: &HttpRequest) -> bool {
        request.headers().get(ACCEPT).is_some_and(|accept| accept.as_bytes() == PART)
    }

    pub fn alone(self) -> Result<HttpResponse, AppError> {
        page(&Part { preview: self }, StatusCode::OK)
    }
}

fn count(text: &str, price: Option<u32>) -> String {
    let segments = segments(text);
    let mut count = format!("{} ký tự, {} tin, còn {} ký tự", segments.units, segments.parts, segments.left());
    if let Some(price) = price {
        let all = i64::from(price).saturating_mul(i64::try_from(segments.parts).unwrap_or(i64::MAX));
        count += &format!(", {} đồng", show::thousands(&all));
    }
    count
}
