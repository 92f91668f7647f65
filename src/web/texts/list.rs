//! All texts: their channel, version, who changed them last and how many parts they have.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use crate::db::texts::{self, Version};
use crate::domain::message::segments;
use crate::domain::outbox::MessageChannel;
use crate::domain::texts::{Checked, Leaving, TextKey, Words};
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::allowed::{Allowed, ManageTexts};
use crate::web::session::TypedSession;
use crate::web::{Chrome, Menu, page};

struct Row {
    key: TextKey,
    words: Words,
    /// Of a text message, with sample data.
    parts: Option<usize>,
    /// None when nobody ever changed it.
    version: Option<Version>,
}

impl Row {
    fn of(key: TextKey, version: Option<Version>) -> Self {
        let words = version.as_ref().and_then(Version::words).unwrap_or_else(|| key.own());
        let parts = match Checked::of(key, words.subject.as_deref().unwrap_or_default(), &words.body).leaving {
            Leaving::Sms(text) => Some(segments(&text).parts),
            Leaving::Mail(_) => None,
        };
        Self { key, words, parts, version }
    }
}

#[derive(Template)]
#[template(path = "texts/list.html")]
struct ListPage {
    chrome: Chrome,
    channels: Vec<(MessageChannel, Vec<Row>)>,
}

/// `GET /texts`
pub async fn get(
    person: Allowed<ManageTexts>,
    session: TypedSession,
    parts: web::Data<Parts>,
) -> Result<HttpResponse, AppError> {
    let mut latest = parts.read(|conn| Ok(texts::latest(conn)?)).await?;
    let mut rows_of = |channel: MessageChannel| {
        let keys = TextKey::ALL.iter().copied().filter(|key| key.channel() == channel);
        let rows = keys.map(|key| {
            let at = latest.iter().position(|version| version.key == key);
            Row::of(key, at.map(|at| latest.swap_remove(at)))
        });
        rows.collect()
    };
    let channels = MessageChannel::ALL.iter().map(|channel| (*channel, rows_of(*channel))).collect();
    page(&ListPage { chrome: Chrome::new(&person, &session, Menu::Texts), channels }, StatusCode::OK)
}
