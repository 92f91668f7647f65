//! A citizen's account for electronic transactions. Its name is the mã số BHXH, one account per code.

use rand::seq::IndexedRandom;
use rand::{CryptoRng, RngExt};

use super::ids::AccountId;

text_enum! {
    pub enum AccountState {
        Active = "active" => "Đang hoạt động",
        Locked = "locked" => "Đã khóa",
        Closed = "closed" => "Đã hủy",
    }
}

/// An account as a detail page shows it: never a password, and no way to one.
#[derive(Clone, Debug)]
pub struct Account {
    pub id: AccountId,
    pub code: String,
    pub state: AccountState,
    /// Whether a password has left for the citizen.
    pub has_password: bool,
    pub created_at: chrono::NaiveDateTime,
}

/// Characters that cannot be taken for each other when read from a small screen or over the telephone, all in GSM-7.
const LOWER: &[u8] = b"abcdefghjkmnpqrstuvwxyz";
const UPPER: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
const DIGITS: &[u8] = b"23456789";

/// A first password: 12 characters (about 67 bits), with at least one of each class, made at the moment of sending.
pub fn new_password(rng: &mut impl CryptoRng) -> String {
    let mut password: Vec<u8> = [LOWER, UPPER, DIGITS]
        .iter()
        .chain(std::iter::repeat_n(&[LOWER, UPPER, DIGITS].concat().as_slice(), 9))
        .filter_map(|class| class.choose(rng).copied())
        .collect();
    for last in (1..password.len()).rev() {
        password.swap(last, rng.random_range(0..=last));
    }
    password.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_twelve_readable_characters_of_every_class_and_is_never_the_same() {
        let mut rng = rand::rng();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..1_000 {
            let password = new_password(&mut rng);
            assert_eq!(password.len(), 12);
            for class in [LOWER, UPPER, DIGITS] {
                assert!(password.bytes().any(|c| class.contains(&c)));
            }
            assert!(!password.contains(['0', 'O', '1', 'l', 'I', 'o', 'i']));
            assert!(seen.insert(password));
        }
    }
}
