//! Mail: a folder, or an SMTP server through lettre.

use std::path::PathBuf;

use lettre::message::{Mailbox, MultiPart};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::{Answer, outfile};
use crate::config::SmtpUrl;
use crate::domain::delivery::{Cause, Gateway, Outcome, SEND_DEADLINE};

pub struct Mail<'a> {
    pub key: &'a str,
    pub to: &'a str,
    pub subject: &'a str,
    pub text: &'a str,
    pub html: &'a str,
}

#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one for the whole process")]
pub enum Mailer {
    Folder(PathBuf),
    Smtp { transport: AsyncSmtpTransport<Tokio1Executor>, from: Mailbox },
}

impl Mailer {
    /// Each mail has a connection of its own: lettre's pool needs a running runtime from its first to its last moment,
    /// and takes the process down without one.
    ///
    /// # Errors
    /// When lettre cannot read the URL.
    pub fn new(url: &SmtpUrl) -> anyhow::Result<Self> {
        Ok(match url {
            SmtpUrl::Folder(folder) => Self::Folder(folder.clone()),
            SmtpUrl::Smtp { url, from } => Self::Smtp {
                transport: AsyncSmtpTransport::<Tokio1Executor>::from_url(&url.0)
                    .map_err(|error| anyhow::anyhow!("TNHS_SMTP_URL: {error}"))?
                    .timeout(Some(SEND_DEADLINE))
                    .build(),
                from: from.parse()?,
            },
        })
    }

    /// Sends one mail, within [`SEND_DEADLINE`]: lettre's own timeout covers connecting only, and a half-sent banner would
    /// hang for ever.
    pub async fn send(&self, mail: &Mail<'_>) -> Answer {
        match self {
            Self::Folder(folder) => outfile::deliver(
                Gateway::Mail,
                folder,
                &format!("{}.txt", mail.key),
                &format!("To: {}\nSubject: {}\n\n{}\n", mail.to, mail.subject, mail.text),
            ),
            Self::Smtp { transport, from } => {
                let message = match compose(mail, from) {
                    Ok(message) => message,
                    Err(answer) => return answer,
                };
                match tokio::time::timeout(SEND_DEADLINE, transport.send(message)).await {
                    Err(_) => Answer::new(Outcome::MaybeSent(Cause::NoAnswer), "no answer in time"),
                    Ok(Ok(_)) => {
                        Answer { outcome: Outcome::Accepted { by: Gateway::Mail, receipt: false }, said: None }
                    }
                    Ok(Err(error)) => {
                        let outcome = if error.is_permanent() {
                            Outcome::Never(Cause::BadRecipient)
                        } else if error.is_transient() {
                            Outcome::NotSent(Cause::Busy)
                        } else {
                            // A refused connection, half an answer. Worth another try.
                            Outcome::MaybeSent(Cause::Unclear)
                        };
                        Answer::new(outcome, error.to_string())
                    }
                }
            }
        }
    }
}

fn compose(mail: &Mail<'_>, from: &Mailbox) -> Result<Message, Answer> {
    let never = |why: String| Answer::new(Outcome::Never(Cause::BadRecipient), why);
    let to: Mailbox = mail.to.parse().map_err(|_| never("not an e-mail address".into()))?;
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
        .multipart(MultiPart::alternative_plain_html(mail.text.to_owned(), mail.html.to_owned()))
        .map_err(|error| never(error.to_string()))
}
