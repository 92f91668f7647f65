//! Text messages: the way out of the house. There is a main gateway and perhaps a backup; each is a folder or an HTTP provider.
//!
//! What the main gateway surely did not take goes to the backup within the same attempt. What it may have taken does not: the
//! citizen would have it twice. But every second attempt begins with the backup, so that a gateway that never answers holds
//! nobody up. A refusal for good is final: another gateway has the same telephone network behind it.

mod breaker;
pub mod http;
pub mod json;
pub mod kannel;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::pace::Pace;
use super::{Answer, outfile};
use crate::config::SmsUrl;
use crate::domain::delivery::{Gateway, Outcome, Receipt};
use breaker::Breaker;
use http::Http;

pub struct Sms<'a> {
    /// The same for every attempt at one message.
    pub key: &'a str,
    pub to: &'a str,
    /// GSM-7 text.
    pub text: &'a str,
    /// Where the gateway tells what became of it: each adds its own name and fields.
    pub receipts: &'a str,
    /// The first attempt is 1.
    pub attempt: i32,
}

/// The gateways, the main one first. A clone is the same route.
#[derive(Clone)]
pub struct SmsRoute(Arc<[Line]>);

struct Line {
    gateway: Gateway,
    driver: Driver,
    pace: Pace,
    breaker: Breaker,
}

enum Driver {
    Folder(PathBuf),
    Http(Box<Http>),
}

impl SmsRoute {
    /// `authorities`: as in the configuration.
    pub fn new(main: &SmsUrl, backup: Option<&SmsUrl>, authorities: Option<&[u8]>) -> Self {
        let main = Line::new(Gateway::Sms, main, authorities);
        let backup = backup.map(|url| Line::new(Gateway::SmsBackup, url, authorities));
        Self(std::iter::once(main).chain(backup).collect())
    }

    /// Makes one attempt. Blocks for at most the deadlines of the gateways, and until it is their turn.
    pub fn send(&self, sms: &Sms<'_>) -> Answer {
        self.send_at(sms, Instant::now())
    }

    /// As [`SmsRoute::send`]; `now` is what the breakers go by.
    pub fn send_at(&self, sms: &Sms<'_>, now: Instant) -> Answer {
        let mut lines: Vec<&Line> = self.0.iter().collect();
        if sms.attempt % 2 == 0 {
            lines.reverse();
        }
        let mut not_sent: Option<Answer> = None;
        for line in lines.iter().filter(|line| line.breaker.lets_through(now)) {
            let mut answer = line.send(sms, now);
            if !matches!(answer.outcome, Outcome::NotSent(_)) {
                return answer;
            }
            if let Some(first) = not_sent {
                answer.said = Some([first.said, answer.said].into_iter().flatten().collect::<Vec<_>>().join("; "));
            }
            not_sent = Some(answer);
        }
        // All of them fail: there is no better one to spare this one for.
        not_sent.unwrap_or_else(|| lines[0].send(sms, now))
    }

    /// How many messages would leave within this time: no more should be leased, they would only wait here.
    pub fn room(&self, within: Duration, now: Instant) -> usize {
        self.0.iter().find(|line| !line.breaker.is_shut(now)).unwrap_or(&self.0[0]).pace.room(within, now)
    }

    /// What a call to the receipts' address means that this gateway was given; None when it says nothing that is known.
    pub fn receipt(&self, gateway: Gateway, query: &str, body: &[u8]) -> Option<Receipt> {
        match &self.0.iter().find(|line| line.gateway == gateway)?.driver {
            Driver::Folder(_) => None,
            Driver::Http(http) => http.receipt(query, body),
        }
    }
}

impl Line {
    fn new(gateway: Gateway, url: &SmsUrl, authorities: Option<&[u8]>) -> Self {
        let (driver, rate) = match url {
            SmsUrl::Folder(folder) => (Driver::Folder(folder.clone()), None),
            SmsUrl::Http(provider) => (Driver::Http(Box::new(Http::new(provider, authorities))), provider.rate),
        };
        Self { gateway, driver, pace: Pace::new(rate, Instant::now()), breaker: Breaker::default() }
    }

    fn send(&self, sms: &Sms<'_>, now: Instant) -> Answer {
        std::thread::sleep(self.pace.take(Instant::now()));
        let answer = match &self.driver {
            Driver::Folder(folder) => {
                let text = format!("To: {}\n\n{}\n", sms.to, sms.text);
                outfile::deliver(self.gateway, folder, &format!("{}.txt", sms.key), text.as_bytes())
            }
            Driver::Http(http) => http.send(self.gateway, sms),
        };
        self.breaker.note(answer.outcome, now);
        answer
    }
}
