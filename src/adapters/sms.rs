//! Text messages: a folder, or an HTTP gateway with Kannel's interface.
//!
//! Kannel is asked by POST with headers, so that neither texts nor passwords stand in a URL (Kannel user's guide, "Sending
//! SMS through smsbox"); 202 means accepted or queued.

use std::path::PathBuf;

use ureq::http::StatusCode;

use super::{Answer, outfile};
use crate::config::{Secret, SmsUrl};
use crate::domain::delivery::{Cause, Gateway, Outcome, SEND_DEADLINE};

pub struct Sms<'a> {
    /// The same for every attempt at one message.
    pub key: &'a str,
    pub to: &'a str,
    /// GSM-7 text.
    pub text: &'a str,
    /// Where the gateway tells what became of it: each driver adds its own name and fields.
    pub receipts: &'a str,
    /// The first attempt is 1.
    pub attempt: i32,
}

#[derive(Clone)]
pub enum SmsGateway {
    Folder(PathBuf),
    Kannel { agent: ureq::Agent, endpoint: String, user: String, password: Secret<String>, from: String },
}

impl SmsGateway {
    pub fn new(url: &SmsUrl) -> Self {
        match url {
            SmsUrl::Folder(folder) => Self::Folder(folder.clone()),
            SmsUrl::Kannel { endpoint, user, password, from } => Self::Kannel {
                agent: ureq::Agent::config_builder()
                    .timeout_global(Some(SEND_DEADLINE))
                    .http_status_as_error(false)
                    .max_redirects(0)
                    // A proxy that the environment names for something else must not see a password.
                    .proxy(None)
                    .build()
                    .new_agent(),
                endpoint: endpoint.clone(),
                user: user.clone(),
                password: password.clone(),
                from: from.clone(),
            },
        }
    }

    /// Sends one message. Blocks for at most [`SEND_DEADLINE`].
    pub fn send(&self, sms: &Sms<'_>) -> Answer {
        match self {
            Self::Folder(folder) => {
                let text = format!("To: {}\n\n{}\n", sms.to, sms.text);
                outfile::deliver(Gateway::Sms, folder, &format!("{}.txt", sms.key), &text)
            }
            Self::Kannel { agent, endpoint, user, password, from } => {
                let answer = agent
                    .post(endpoint)
                    .header("Content-Type", "text/plain; charset=UTF-8")
                    .header("X-Kannel-Username", user)
                    .header("X-Kannel-Password", &password.0)
                    .header("X-Kannel-From", from)
                    .header("X-Kannel-To", sms.to)
                    .header("X-Kannel-Coding", "0")
                    .header("X-Kannel-Charset", "UTF-8")
                    .send(sms.text);
                let mut answer = match answer {
                    Ok(answer) => answer,
                    Err(error) if never_connected(&error) => {
                        return Answer::new(Outcome::NotSent(Cause::Unreachable), error.to_string());
                    }
                    Err(error) => return Answer::new(Outcome::MaybeSent(Cause::NoAnswer), error.to_string()),
                };
                let status = answer.status();
                if status == StatusCode::ACCEPTED {
                    return Answer { outcome: Outcome::Accepted { by: Gateway::Sms, receipt: false }, said: None };
                }
                let body = answer.body_mut().with_config().limit(500).read_to_string().unwrap_or_default();
                let said = format!("gateway answered {}: {}", status.as_u16(), body.trim());
                Answer::new(
                    match status {
                        StatusCode::BAD_REQUEST => Outcome::Never(Cause::BadRecipient),
                        StatusCode::FORBIDDEN => Outcome::NotSent(Cause::Denied),
                        _ => Outcome::NotSent(Cause::Busy),
                    },
                    said,
                )
            }
        }
    }
}

/// Whether nothing of the request can have reached the gateway.
fn never_connected(error: &ureq::Error) -> bool {
    use std::io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
    match error {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => true,
        ureq::Error::Io(error) => matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable),
        _ => false,
    }
}
