//! Password hashing: Argon2id with 19 MiB, two passes, one lane (OWASP's minimum), as many at once as there are cores.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

/// How many passwords may wait to be compared.
const QUEUE: usize = 64;

/// Too many passwords wait already.
#[derive(Debug, thiserror::Error)]
#[error("too many sign-ins at once")]
pub struct Busy;

#[derive(Clone)]
pub struct Hasher {
    permits: Arc<Semaphore>,
    /// Who may wait for those permits: a crowd that guesses must not keep everybody else waiting for minutes.
    queue: Arc<Semaphore>,
    /// Compared against when the name is unknown, so that the answer takes as long.
    dummy: Arc<str>,
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19 * 1024, 2, 1, None).unwrap_or_default())
}

/// Hashes at once, for commands and jobs that already run on a thread of their own.
///
/// # Errors
/// Only when the system has no randomness to give.
pub fn hash_now(password: &str) -> anyhow::Result<String> {
    Ok(argon2()
        .hash_password(password.as_bytes())
        .map_err(|error| anyhow::anyhow!("hashing failed: {error}"))?
        .to_string())
}

impl Hasher {
    pub fn new() -> anyhow::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Ok(Self {
            permits: Arc::new(Semaphore::new(cores)),
            queue: Arc::new(Semaphore::new(QUEUE)),
            dummy: hash_now("nobody has this password")?.into(),
        })
    }

    /// # Errors
    /// When hashing fails or the server is stopping.
    pub async fn hash(&self, password: String) -> anyhow::Result<String> {
        let _permit = self.permits.acquire().await?;
        tokio::task::spawn_blocking(move || hash_now(&password)).await?
    }

    /// Whether the password belongs to one of the hashes, one on each line; with none it takes as long and is false.
    ///
    /// # Errors
    /// [`Busy`], or when the server is stopping.
    pub async fn verify(&self, password: String, hash: Option<String>) -> anyhow::Result<bool> {
        let _place = self.queue.try_acquire().map_err(|_| Busy)?;
        let _permit = self.permits.acquire().await?;
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy.to_string());
        tokio::task::spawn_blocking(move || {
            let matches = |hash: &str| {
                PasswordHash::new(hash).is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok())
            };
            // Each line is looked at, whichever is the right one.
            Ok(hash.lines().fold(false, |any, hash| matches(hash) | any) && known)
        })
        .await?
    }
}
