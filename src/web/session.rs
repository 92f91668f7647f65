//! Sessions: kept in the database, found by the hash of the cookie's key, ended by idleness, age, lock or an admin.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use actix_session::config::{CookieContentSecurity, PersistentSession};
use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_session::{Session, SessionExt, SessionMiddleware};
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Key, SameSite};
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use chrono::TimeDelta;
use rand::distr::{Alphanumeric, SampleString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock;
use crate::db::{Db, DbError, sessions};
use crate::domain::filter::Filter;
use crate::domain::ids::StaffId;
use crate::domain::permission::Actor;
use crate::error::AppError;
use crate::startup::Parts;

/// How many filters a session remembers, so that several tabs can each have their own.
const FILTERS: usize = 20;

/// A session's activity is noted at most this often, or four times in the time after which it ends: not every look at a page
/// has to be a write.
const TOUCH_EVERY: TimeDelta = TimeDelta::seconds(60);

const STAFF: &str = "staff";
const ACTOR: &str = "actor";
const CSRF: &str = "csrf";
const DRAFT: &str = "draft";
const FLASH: &str = "flash";

/// The session store over our own table.
pub struct DbSessions {
    db: Db,
    idle: TimeDelta,
    max: TimeDelta,
}

pub fn middleware(parts: &Arc<Parts>) -> SessionMiddleware<DbSessions> {
    let config = &parts.config;
    let store = DbSessions { db: parts.db.clone(), idle: config.session_idle, max: config.session_max };
    let max_age = Duration::seconds(config.session_max.num_seconds());
    SessionMiddleware::builder(store, Key::derive_from(&config.secret_key.0))
        // Browsers keep a `__Host-` cookie to this very host; it needs https.
        .cookie_name(if config.is_https() { "__Host-tnhs".into() } else { "tnhs".into() })
        .cookie_secure(config.is_https())
        .cookie_http_only(true)
        .cookie_same_site(SameSite::Lax)
        .cookie_content_security(CookieContentSecurity::Signed)
        .session_lifecycle(PersistentSession::default().session_ttl(max_age))
        .build()
}

/// What the table knows a session by.
pub fn key_hash(key: &str) -> String {
    Sha256::digest(key.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

type State = HashMap<String, String>;

fn encode(mut state: State) -> (Option<StaffId>, String) {
    state.remove(ACTOR);
    let staff = state.get(STAFF).and_then(|json| serde_json::from_str(json).ok());
    (staff, serde_json::to_string(&state).unwrap_or_default())
}

impl DbSessions {
    async fn run<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Db) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, anyhow::Error> {
        let db = self.db.clone();
        Ok(actix_web::web::block(move || f(&db)).await??)
    }
}

impl SessionStore for DbSessions {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        let (hash, idle, max) = (key_hash(key.as_ref()), self.idle, self.max);
        self.run(move |db| {
            let Some(session) = db.read(|conn| Ok::<_, DbError>(sessions::load(conn, &hash)?))? else {
                return Ok(None);
            };
            let now = clock::now();
            if session.locked || now - session.last_seen_at > idle || now - session.created_at > max {
                db.write(|conn| Ok::<_, DbError>(sessions::delete(conn, &hash)?))?;
                return Ok(None);
            }
            if now - session.last_seen_at > TOUCH_EVERY.min(idle / 4) {
                db.note(|conn| Ok::<_, DbError>(sessions::touch(conn, &hash, now)?))?;
            }
            let mut state: State = serde_json::from_str(&session.state).unwrap_or_default();
            if let Some(actor) = &session.actor {
                state.insert(ACTOR.into(), serde_json::to_string(actor).unwrap_or_default());
            }
            Ok(Some(state))
        })
        .await
        .map_err(LoadError::Other)
    }

    async fn save(&self, state: State, _ttl: &Duration) -> Result<SessionKey, SaveError> {
        let key = Alphanumeric.sample_string(&mut rand::rng(), 64);
        let hash = key_hash(&key);
        let (staff, json) = encode(state);
        self.run(move |db| {
            db.write(|conn| Ok::<_, DbError>(sessions::insert(conn, &hash, staff, &json, clock::now())?))
        })
        .await
        .map_err(SaveError::Other)?;
        key.try_into().map_err(|error| SaveError::Other(anyhow::anyhow!("{error}")))
    }

    async fn update(&self, key: SessionKey, state: State, _ttl: &Duration) -> Result<SessionKey, UpdateError> {
        let hash = key_hash(key.as_ref());
        let (staff, json) = encode(state);
        self.run(move |db| db.note(|conn| Ok::<_, DbError>(sessions::update(conn, &hash, staff, &json)?)))
            .await
            .map_err(UpdateError::Other)?;
        Ok(key)
    }

    async fn update_ttl(&self, _key: &SessionKey, _ttl: &Duration) -> Result<(), anyhow::Error> {
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        let hash = key_hash(key.as_ref());
        self.run(move |db| db.write(|conn| Ok::<_, DbError>(sessions::delete(conn, &hash)?))).await
    }
}

/// What somebody asked of a list. It is kept here, because much of it is personal data and must not stand in an address.
pub trait Remembered: Serialize + serde::de::DeserializeOwned + PartialEq {
    /// Which list.
    const LIST: &'static str;
}

impl Remembered for Filter {
    const LIST: &'static str = "lists";
}

/// A form that was posted when the session had ended, or that stood on a page where something else was done.
#[derive(Clone, Serialize, Deserialize)]
pub struct Draft {
    /// The page that shows this form.
    pub page: String,
    /// What was typed, by field.
    pub fields: BTreeMap<String, String>,
    /// Whether it was posted when the session had ended.
    pub expired: bool,
}

impl Draft {
    /// # Errors
    /// When the body is no urlencoded form.
    pub fn of(page: String, body: &str, expired: bool) -> Result<Self, AppError> {
        let fields = actix_web::web::Query::<BTreeMap<String, String>>::from_query(body);
        let mut fields = fields.map_err(|_| AppError::Malformed)?.into_inner();
        fields.remove("csrf");
        Ok(Self { page, fields, expired })
    }
}

/// What just happened, told once on the next page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    pub good: bool,
    pub text: String,
    /// Whether to offer the next application that waits.
    pub offers_next: bool,
}

/// The session, with names and types for what is in it.
#[derive(Clone)]
pub struct TypedSession(Session);

impl TypedSession {
    pub fn of(request: &HttpRequest) -> Self {
        Self(request.get_session())
    }

    /// The signed-in person, as the database knew them when this request came in.
    pub fn actor(&self) -> Option<Actor> {
        self.0.get(ACTOR).ok().flatten()
    }

    /// Starts a signed-in session under a new key.
    pub fn sign_in(&self, staff: StaffId) -> Result<(), AppError> {
        self.0.clear();
        self.0.renew();
        self.0.insert(STAFF, staff)?;
        self.0.insert(CSRF, Alphanumeric.sample_string(&mut rand::rng(), 43))?;
        Ok(())
    }

    pub fn sign_out(&self) {
        self.0.purge();
    }

    /// The token that every form of this session carries.
    pub fn csrf(&self) -> String {
        self.0.get(CSRF).ok().flatten().unwrap_or_default()
    }

    fn filters<F: Remembered>(&self) -> Vec<(String, F)> {
        self.0.get(F::LIST).ok().flatten().unwrap_or_default()
    }

    /// The filter under this key, or the one used last.
    pub fn filter<F: Remembered>(&self, key: Option<&str>) -> Option<(String, F)> {
        let filters = self.filters();
        match key {
            Some(key) => filters.into_iter().find(|(known, _)| known == key),
            None => filters.into_iter().next(),
        }
    }

    /// Remembers a filter as the one used last; returns its key.
    pub fn remember_filter<F: Remembered>(&self, filter: F) -> Result<String, AppError> {
        let mut filters = self.filters();
        filters.retain(|(_, known)| *known != filter);
        let key = Alphanumeric.sample_string(&mut rand::rng(), 8);
        filters.insert(0, (key.clone(), filter));
        filters.truncate(FILTERS);
        self.0.insert(F::LIST, filters)?;
        Ok(key)
    }

    pub fn tell(&self, flash: &Flash) -> Result<(), AppError> {
        Ok(self.0.insert(FLASH, flash)?)
    }

    pub fn take_flash(&self) -> Option<Flash> {
        let flash = self.0.get(FLASH).ok().flatten();
        if flash.is_some() {
            self.0.remove(FLASH);
        }
        flash
    }

    /// Whose session this is.
    pub fn staff(&self) -> Option<StaffId> {
        self.0.get(STAFF).ok().flatten()
    }

    pub fn keep_draft(&self, draft: &Draft) -> Result<(), AppError> {
        Ok(self.0.insert(DRAFT, draft)?)
    }

    /// Takes the draft kept for this page, if any.
    pub fn take_draft<T: serde::de::DeserializeOwned>(&self, page: &str) -> Option<(T, bool)> {
        let draft: Draft = self.0.get(DRAFT).ok().flatten()?;
        if draft.page != page {
            return None;
        }
        self.0.remove(DRAFT);
        let fields = serde_json::to_value(draft.fields).ok()?;
        Some((serde_json::from_value(fields).ok()?, draft.expired))
    }
}

impl FromRequest for TypedSession {
    type Error = AppError;
    type Future = std::future::Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Ok(Self::of(request)))
    }
}
