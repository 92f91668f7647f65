//! Builds the parts and the server from a [`Config`]. Tests and commands build the same.
use std::sync::Arc;

use crate::adapters::hasher::Hasher;
use crate::adapters::mail::Mailer;
use crate::adapters::photos::PhotoStore;
use crate::adapters::sms::SmsGateway;
use crate::config::Config;
use crate::db::Db;

/// What handlers and jobs work with.
pub struct Parts {
    pub config: Config,
    pub db: Db,
    pub photos: PhotoStore,
    pub hasher: Hasher,
    /// None for commands that send nothing.
    pub sms: Option<SmsGateway>,
    pub mail: Option<Mailer>,
}

impl Parts {
    pub fn build(config: Config) -> anyhow::Result<Arc<Self>> {
        let db = Db::open(&config.database, config.pool_size)?;
        Ok(Arc::new(Self {
            photos: PhotoStore::new(config.data_dir.join("photos")),
            hasher: Hasher::new()?,
            sms: config.sms.as_ref().map(SmsGateway::new),
            mail: config.smtp.as_ref().map(Mailer::new).transpose()?,
            db,
            config,
        }))
    }
}
