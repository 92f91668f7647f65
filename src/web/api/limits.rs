//! How many calls there may be. These limits guard this process; what guards an account is counted in the database, for
//! all processes.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use sha2::{Digest, Sha256};

use super::problem::Problem;
use crate::domain::ids::ApiKeyId;
use crate::domain::numbers::SocialCode;

/// How many calls a minute may be about one account (20), whichever it is and whether there is one.
const PER_ACCOUNT: NonZeroU32 = NonZeroU32::MIN.saturating_add(19);

/// After so many calls those are forgotten who have not called for long.
const SWEEP_EVERY: u32 = 10_000;

pub struct Limits {
    keys: DefaultKeyedRateLimiter<ApiKeyId>,
    /// By a hash: this is no list of accounts.
    accounts: DefaultKeyedRateLimiter<[u8; 32]>,
    calls: AtomicU32,
}

impl Limits {
    pub fn new(per_key: NonZeroU32) -> Self {
        Self {
            keys: RateLimiter::keyed(Quota::per_minute(per_key)),
            accounts: RateLimiter::keyed(Quota::per_minute(PER_ACCOUNT)),
            calls: AtomicU32::new(0),
        }
    }

    /// One more call with this key.
    pub fn key(&self, id: ApiKeyId) -> Result<(), Problem> {
        if self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(SWEEP_EVERY) {
            self.accounts.retain_recent();
            self.accounts.shrink_to_fit();
        }
        check(&self.keys, &id)
    }

    /// One more call about this account.
    pub fn account(&self, code: &SocialCode) -> Result<(), Problem> {
        check(&self.accounts, &Sha256::digest(code.as_str().as_bytes()).into())
    }
}

fn check<K: Clone + Eq + Hash>(limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<(), Problem> {
    limiter.check_key(key).map_err(|until| Problem::TooMany(until.wait_time_from(DefaultClock::default().now())))
}
