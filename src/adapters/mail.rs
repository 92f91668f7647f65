//! Mail: a folder, or an SMTP server through lettre.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use lettre::Message;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::time::timeout_at;

use super::pace::Pace;
use super::{Answer, outfile};
use crate::config::{SmtpServer, SmtpTls, SmtpUrl};
use crate::domain::delivery::{Cause, Gateway, Outcome};

pub struct Mail<'a> {
    /// The same for every attempt at one mail.
    pub key: &'a str,
    pub to: &'a str,
    pub subject: &'a str,
    pub text: &'a str,
    pub html: &'a str,
    pub attached: Option<Attached<'a>>,
}

/// A file that goes with a mail.
pub struct Attached<'a> {
    /// Of plain letters.
    pub name: &'a str,
    pub media: &'a str,
    pub bytes: &'a [u8],
}

/// A clone is the same mailer.
#[derive(Clone)]
pub enum Mailer {
    Folder(PathBuf),
    Smtp(Arc<Smtp>),
}

/// A server. Each mail has a connection of its own.
pub struct Smtp {
    server: SmtpServer,
    from: Mailbox,
    tls: TlsParameters,
    pace: Pace,
}

impl Mailer {
    /// `authorities`: as in the configuration.
    ///
    /// # Errors
    /// When the server's name cannot be one in a certificate.
    pub fn new(url: &SmtpUrl, authorities: Option<&[u8]>) -> anyhow::Result<Self> {
        Ok(match url {
            SmtpUrl::Folder(folder) => Self::Folder(folder.clone()),
            SmtpUrl::Smtp(server) => Self::Smtp(Arc::new(Smtp {
                from: server.from.parse()?,
                tls: tls(&server.host, authorities).context("TNHS_SMTP_URL")?,
                pace: Pace::new(server.rate, Instant::now()),
                server: server.clone(),
            })),
        })
    }

    /// Sends one mail, within the server's deadline once it is its turn.
    pub async fn send(&self, mail: &Mail<'_>) -> Answer {
        match self {
            Self::Folder(folder) => {
                if let Some(Attached { name, bytes, .. }) = &mail.attached {
                    let kept = outfile::deliver(Gateway::Mail, folder, &format!("{}-{name}", mail.key), bytes);
                    if kept.said.is_some() {
                        return kept;
                    }
                }
                let content = format!("To: {}\nSubject: {}\n\n{}\n", mail.to, mail.subject, mail.text);
                outfile::deliver(Gateway::Mail, folder, &format!("{}.txt", mail.key), content.as_bytes())
            }
            Self::Smtp(smtp) => match compose(mail, &smtp.from) {
                Ok(message) => smtp.send(&message).await,
                Err(answer) => answer,
            },
        }
    }

    /// How many mails would leave within this time: no more should be leased, they would only wait here.
    pub fn room(&self, within: Duration, now: Instant) -> usize {
        match self {
            Self::Folder(_) => usize::MAX,
            Self::Smtp(smtp) => smtp.pace.room(within, now),
        }
    }
}

fn tls(host: &str, authorities: Option<&[u8]>) -> Result<TlsParameters, Error> {
    let mut tls = TlsParameters::builder(host.to_owned());
    if let Some(pem) = authorities {
        tls = tls.certificate_store(CertificateStore::None).add_root_certificate(Certificate::from_pem(pem)?);
    }
    tls.build()
}

impl Smtp {
    /// Until the server knows us and listens, nothing has left. What ends between the first word about the mail and the answer to
    /// its last line without an answer may have left: a server may have read that line and been cut off.
    async fn send(&self, message: &Message) -> Answer {
        tokio::time::sleep(self.pace.take(Instant::now())).await;
        let end = tokio::time::Instant::now() + self.server.deadline;
        // lettre's own timeout covers connecting only, and a half-sent banner would hang for ever.
        let mut connection = match timeout_at(end, self.connect()).await {
            Err(_) => return Answer::new(Outcome::NotSent(Cause::NoAnswer), "no answer in time before the mail"),
            Ok(Err(error)) => return Answer::new(Outcome::NotSent(why_not_connected(&error)), error.to_string()),
            Ok(Ok(connection)) => connection,
        };
        let answer = match timeout_at(end, connection.send(message.envelope(), &message.formatted())).await {
            Err(_) => return Answer::new(Outcome::MaybeSent(Cause::NoAnswer), "no answer in time"),
            Ok(Err(error)) => return Answer::new(outcome_of(&error), error.to_string()),
            Ok(Ok(_)) => Answer { outcome: Outcome::Accepted { by: Gateway::Mail, receipt: false }, said: None },
        };
        // The server has it, whether it says goodbye or not.
        let _ = timeout_at(end, connection.abort()).await;
        answer
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let SmtpServer { host, port, tls, deadline, credentials, .. } = &self.server;
        let hello = ClientId::default();
        let wrapper = (*tls == SmtpTls::Wrapped).then(|| self.tls.clone());
        let address = (host.as_str(), *port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, Some(*deadline), &hello, wrapper, None).await?;
        if *tls == SmtpTls::Required || (*tls == SmtpTls::Opportunistic && connection.can_starttls()) {
            connection.starttls(self.tls.clone(), &hello).await?;
        }
        if let Some((user, password)) = credentials {
            let credentials = Credentials::new(user.clone(), password.0.clone());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await?;
        }
        Ok(connection)
    }
}

fn code(error: &Error) -> Option<u16> {
    error.status().map(u16::from)
}

/// RFC 4954, 6 and 4.7.0: authentication is missing, refused, or wants another way.
const AUTH_CODES: [u16; 4] = [530, 534, 535, 538];

fn why_not_connected(error: &Error) -> Cause {
    match code(error) {
        Some(code) if AUTH_CODES.contains(&code) => Cause::Denied,
        Some(_) => Cause::Busy,
        None => Cause::Unreachable,
    }
}

/// What an answer to a mail means (RFC 5321, 4.2; RFC 3463 for the longer codes in the text).
fn outcome_of(error: &Error) -> Outcome {
    match code(error) {
        Some(code) if AUTH_CODES.contains(&code) => Outcome::NotSent(Cause::Denied),
        Some(400..=499) => Outcome::NotSent(Cause::Busy),
        // 5.7.x: not the mailbox, but a policy.
        Some(550 | 551 | 553 | 556) if !error.to_string().contains("5.7.") => Outcome::Never(Cause::BadRecipient),
        Some(_) => Outcome::Never(Cause::Refused),
        // The address has letters for which the server has no words.
        None if error.is_client() => Outcome::Never(Cause::BadRecipient),
        None => Outcome::MaybeSent(Cause::NoAnswer),
    }
}

fn compose(mail: &Mail<'_>, from: &Mailbox) -> Result<Message, Answer> {
    let never = |why: String| Answer::new(Outcome::Never(Cause::BadRecipient), why);
    let to: Mailbox = mail.to.parse().map_err(|_| never("not an e-mail address".into()))?;
    let words = MultiPart::alternative_plain_html(mail.text.to_owned(), mail.html.to_owned());
    let body = match &mail.attached {
        None => words,
        Some(Attached { name, media, bytes }) => {
            let media = ContentType::parse(media).map_err(|error| never(error.to_string()))?;
            let file = Attachment::new((*name).to_owned()).body(bytes.to_vec(), media);
            MultiPart::mixed().multipart(words).singlepart(file)
        }
    };
    Message::builder()
        .from(from.clone())
        .to(to)
        .subject(mail.subject)
        .message_id(Some(format!("<{}@{}>", mail.key, from.email.domain())))
        .header(lettre::message::header::MIME_VERSION_1_0)
        .raw_header(lettre::message::header::HeaderValue::new(
            lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".into(),
        ))
        .multipart(body)
        .map_err(|error| never(error.to_string()))
}
