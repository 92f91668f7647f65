//! The keys with which other programs of the agency use the interface. A key is shown once; only its hash is kept.

use rand::CryptoRng;
use rand::distr::{Alphanumeric, SampleString};

use super::citizen::sha256_hex;
use super::text::{self, FieldError};

text_enum! {
    /// What a key opens.
    pub enum ApiScope {
        Accounts = "accounts" => "Đăng nhập và mật khẩu của người dân",
    }
}

/// What a key begins with, so that one that lies around is recognised for what it is.
const PREFIX: &str = "tnhs_";

/// 43 characters of 62 hold 256 bits.
const LENGTH: usize = 43;

pub fn new_key(rng: &mut impl CryptoRng) -> String {
    format!("{PREFIX}{}", Alphanumeric.sample_string(rng, LENGTH))
}

/// What is kept of a key. It is as random as a hash: one that is slow or salted would add nothing.
pub fn key_hash(key: &str) -> String {
    sha256_hex(key)
}

/// Whom a key was given to.
///
/// # Errors
/// Nothing, more than 80 characters, or characters that nobody types.
pub fn parse_name(raw: &str) -> Result<String, FieldError> {
    text::required_line(raw, 80)
}

/// As a column holds them: separated by spaces.
pub fn join_scopes(scopes: &[ApiScope]) -> String {
    scopes.iter().map(|scope| scope.code()).collect::<Vec<_>>().join(" ")
}

/// Reads back what [`join_scopes`] wrote; a word that this program does not know opens nothing.
pub fn split_scopes(stored: &str) -> Vec<ApiScope> {
    stored.split(' ').filter_map(ApiScope::from_code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_48_characters_and_never_the_same() {
        let (one, other) = (new_key(&mut rand::rng()), new_key(&mut rand::rng()));
        assert!(one.len() == 48 && one.starts_with("tnhs_") && one != other);
        assert_ne!(key_hash(&one), key_hash(&other));
    }

    #[test]
    fn scopes_are_read_back_and_unknown_ones_open_nothing() {
        assert_eq!(split_scopes(&join_scopes(ApiScope::ALL)), ApiScope::ALL);
        assert_eq!(split_scopes("everything accounts"), [ApiScope::Accounts]);
        assert_eq!(split_scopes(""), []);
    }
}
