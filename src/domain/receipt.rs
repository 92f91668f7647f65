//! The secret by which a gateway tells what became of a message: a name of the attempt that only the server can make, so that
//! nothing of it needs to be kept. Whoever forges one has to guess 128 bits.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::ids::MessageId;

/// What the server signs with, for receipts alone.
#[derive(Clone)]
pub struct ReceiptKey(Hmac<Sha256>);

impl ReceiptKey {
    pub fn new(secret: &[u8]) -> Self {
        let mut of_house = keyed(secret);
        of_house.update(b"receipts of messages");
        Self(keyed(&of_house.finalize().into_bytes()))
    }

    /// `NUMBER-ATTEMPT-SECRET`, for a URL.
    pub fn token(&self, message: MessageId, attempt: i32) -> String {
        let secret: String = self.sign(message, attempt).finalize().into_bytes()[..16].iter().map(hex).collect();
        format!("{message}-{attempt}-{secret}")
    }

    /// Which attempt at which message a token names, when it is one of ours.
    pub fn read(&self, token: &str) -> Option<(MessageId, i32)> {
        let mut parts = token.split('-');
        let (message, attempt, secret) = (parts.next()?, parts.next()?, parts.next()?);
        let (message, attempt) = (MessageId(message.parse().ok()?), attempt.parse().ok()?);
        let bytes = (0..32).step_by(2).map(|at| u8::from_str_radix(secret.get(at..at + 2)?, 16).ok());
        let bytes = bytes.collect::<Option<Vec<u8>>>()?;
        // The whole token again: `1-01-…` is not another name of `1-1-…`.
        let ours = self.sign(message, attempt).verify_truncated_left(&bytes).is_ok();
        (ours && self.token(message, attempt) == token).then_some((message, attempt))
    }

    fn sign(&self, message: MessageId, attempt: i32) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(format!("{message}-{attempt}").as_bytes());
        mac
    }
}

fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    // HMAC takes a key of any length.
    Hmac::new_from_slice(secret).unwrap_or_else(|_| unreachable!())
}

fn hex(byte: &u8) -> String {
    format!("{byte:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_server_names_an_attempt() {
        let (ours, other) = (ReceiptKey::new(b"one"), ReceiptKey::new(b"another"));
        let token = ours.token(MessageId(41), 2);
        assert_eq!(ours.read(&token), Some((MessageId(41), 2)));
        assert_eq!(other.read(&token), None);
        let secret = token.rsplit('-').next().unwrap();
        assert_eq!(secret.len(), 32);
        for forged in [
            format!("42-2-{secret}"),
            format!("41-3-{secret}"),
            format!("41-02-{secret}"),
            format!("41-2-{}", "0".repeat(32)),
            format!("41-2-{}", &secret[..30]),
            format!("41-2-{}", secret.to_uppercase()),
            format!("{token}-1"),
            String::new(),
            "é-é-é".into(),
        ] {
            assert_eq!(ours.read(&forged), None, "{forged}");
        }
    }
}
