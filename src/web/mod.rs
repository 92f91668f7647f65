//! All the HTTP. `routes.rs` holds the whole URL table; each page is one file with its form, its template struct, its GET
//! and its POST. Nothing here decides anything about the work: that is `domain`'s, and no SQL is written here.

pub mod accounts;
pub mod allowed;
pub mod api;
pub mod api_keys;
pub mod applications;
pub mod assets;
pub mod chart;
pub mod counts;
pub mod download;
pub mod exports;
pub mod guard;
pub mod holidays;
pub mod imports;
pub mod invitations;
pub mod messages;
pub mod overview;
pub mod password;
pub mod preview;
pub mod receipts;
pub mod registry;
pub mod reports;
pub mod routes;
pub mod session;
pub mod sign_in;
pub mod staff;
pub mod subscriptions;
pub mod targets;
pub mod texts;
pub mod throttle;

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::domain::declaration::Faults;
use crate::domain::permission::{Action, Actor};
use crate::error::AppError;
use session::{Flash, TypedSession};

/// The frame around every page: who is here, the menu, what just happened.
pub struct Chrome {
    pub actor: Actor,
    pub csrf: String,
    pub flash: Option<Flash>,
    pub menu: Menu,
    pub asset: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Menu {
    Overview,
    Reports,
    Exports,
    Subscriptions,
    Targets,
    Applications,
    Enter,
    Accounts,
    Messages,
    Staff,
    Registry,
    Imports,
    Invitations,
    Holidays,
    Texts,
    ApiKeys,
    Password,
}

impl Chrome {
    pub fn new(actor: &Actor, session: &TypedSession, menu: Menu) -> Self {
        Self {
            actor: actor.clone(),
            csrf: session.csrf(),
            flash: session.take_flash(),
            menu,
            asset: assets::VERSION.as_str(),
        }
    }

    pub fn may(&self, action: Action) -> bool {
        self.actor.may(action)
    }
}

pub fn page(template: &impl Template, status: StatusCode) -> Result<HttpResponse, AppError> {
    Ok(HttpResponse::build(status).content_type("text/html; charset=utf-8").body(template.render()?))
}

pub fn see_other(to: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, to)).finish()
}

/// The network address a request comes from. Behind a reverse proxy on this machine it is the last one that the proxy added.
pub fn address(request: &HttpRequest) -> String {
    let peer = request.peer_addr().map(|peer| peer.ip());
    // Some proxies add to the line that came, some add a line: the last word of the last line is the proxy's own.
    if peer.is_some_and(|ip| ip.is_loopback())
        && let Some(forwarded) = request.headers().get_all("x-forwarded-for").last()
        && let Ok(forwarded) = forwarded.to_str()
        && let Some(last) = forwarded.rsplit(',').next().and_then(|ip| ip.trim().parse::<std::net::IpAddr>().ok())
    {
        return last.to_string();
    }
    peer.map(|ip| ip.to_string()).unwrap_or_default()
}

/// What is wrong with a form, for its template: the sentence beside a field, and how many there are.
#[derive(Default)]
pub struct Errors(pub Faults);

impl Errors {
    pub fn one(field: &'static str, fault: crate::domain::text::FieldError) -> Self {
        Self(vec![(field, fault)])
    }

    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, fault)| fault.0.as_str())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Dates, times and numbers as templates show them.
pub mod show {
    use chrono::{NaiveDate, NaiveDateTime, TimeDelta};

    use crate::domain::dates;
    use crate::domain::filter::COUNT_CAP;

    /// With a dot between thousands.
    pub fn thousands(number: &i64) -> String {
        let digits = number.to_string();
        let mut out = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push('.');
            }
            out.push(digit);
        }
        out
    }

    /// How long something took or lasts, in the two largest units.
    pub fn span(span: &TimeDelta) -> String {
        let seconds = span.num_seconds().max(0);
        match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
            (0, 0, 0) => "dưới 1 giây".to_owned(),
            (0, 0, seconds) => format!("{seconds} giây"),
            (0, minutes, 0) => format!("{minutes} phút"),
            (0, minutes, seconds) => format!("{minutes} phút {seconds} giây"),
            (hours, 0, _) => format!("{hours} giờ"),
            (hours, minutes, _) => format!("{hours} giờ {minutes} phút"),
        }
    }

    /// A count that is exact up to [`COUNT_CAP`].
    pub fn capped(count: &i64) -> String {
        let cap = i64::from(COUNT_CAP);
        if *count > cap { format!("hơn {}", thousands(&cap)) } else { thousands(count) }
    }

    pub fn date(date: &NaiveDate) -> String {
        dates::show_date(*date)
    }

    pub fn time(utc: &NaiveDateTime) -> String {
        dates::show_time(*utc)
    }

    pub fn hanoi(utc: &NaiveDateTime) -> NaiveDateTime {
        dates::to_hanoi(*utc)
    }
}
