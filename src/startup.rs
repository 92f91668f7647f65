//! Builds the parts and the server from a [`Config`]. Tests and commands build the same.

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};

use crate::adapters::hasher::Hasher;
use crate::adapters::mail::Mailer;
use crate::adapters::photos::PhotoStore;
use crate::adapters::sms::SmsRoute;
use crate::config::Config;
use crate::db::{Conn, Db};
use crate::domain::ids::MessageId;
use crate::domain::receipt::ReceiptKey;
use crate::error::AppError;
use crate::web::api::limits::Limits;
use crate::web::counts::Counts;
use crate::web::overview::Paces;
use crate::web::{guard, routes};

/// What handlers and jobs work with.
pub struct Parts {
    pub config: Config,
    pub db: Db,
    pub photos: PhotoStore,
    pub hasher: Hasher,
    pub counts: Counts,
    pub limits: Limits,
    pub paces: Paces,
    /// Names attempts at messages, for the gateways that tell what became of them.
    pub receipt_key: ReceiptKey,
    /// None for commands that send nothing.
    pub sms: Option<SmsRoute>,
    pub mail: Option<Mailer>,
}

impl Parts {
    /// # Errors
    /// When the database cannot be opened or a gateway's address cannot be read.
    pub fn build(config: Config) -> anyhow::Result<Arc<Self>> {
        let db = Db::open(&config.database, config.pool_size)?;
        let authorities = config.authorities.as_deref();
        Ok(Arc::new(Self {
            photos: PhotoStore::new(config.data_dir.join("photos")),
            hasher: Hasher::new()?,
            counts: Counts::default(),
            limits: Limits::new(config.api_per_minute),
            paces: Paces::default(),
            sms: config.sms.as_ref().map(|main| SmsRoute::new(main, config.sms_backup.as_ref(), authorities)),
            mail: config.smtp.as_ref().map(|url| Mailer::new(url, authorities)).transpose()?,
            receipt_key: ReceiptKey::new(&config.secret_key.0),
            db,
            config,
        }))
    }

    /// Where a gateway tells what became of an attempt at a message.
    pub fn receipts_at(&self, message: MessageId, attempt: i32) -> String {
        format!("{}/receipts/{}", self.config.receipts_url, self.receipt_key.token(message, attempt))
    }

    /// [`Db::read`] on a blocking thread.
    pub async fn read<T, F>(&self, f: F) -> Result<T, AppError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, AppError> + Send + 'static,
    {
        let db = self.db.clone();
        web::block(move || db.read(f)).await?
    }

    /// [`Db::snapshot`] on a blocking thread.
    pub async fn snapshot<T, F>(&self, f: F) -> Result<T, AppError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, AppError> + Send + 'static,
    {
        let db = self.db.clone();
        web::block(move || db.snapshot(f)).await?
    }

    /// [`Db::note`] on a blocking thread.
    pub async fn note<T, F>(&self, f: F) -> Result<T, AppError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, AppError> + Send + 'static,
    {
        let db = self.db.clone();
        web::block(move || db.note(f)).await?
    }

    /// [`Db::write`] on a blocking thread.
    pub async fn write<T, F>(&self, f: F) -> Result<T, AppError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, AppError> + Send + 'static,
    {
        let db = self.db.clone();
        let outcome = web::block(move || db.write(f)).await?;
        self.counts.forget();
        outcome
    }
}

/// The HTTP server on an open socket.
///
/// # Errors
/// When the socket cannot be used.
pub fn server(parts: Arc<Parts>, listener: TcpListener) -> std::io::Result<Server> {
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let blocking = usize::try_from(parts.config.pool_size).unwrap_or(8).max(4);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::from(Arc::clone(&parts)))
            .wrap(actix_web::middleware::from_fn(guard::surround))
            .configure(|app| routes::routes(app, &parts))
    })
    .workers(workers)
    .worker_max_blocking_threads(blocking.div_ceil(workers).max(2) + 2)
    .client_request_timeout(std::time::Duration::from_secs(10))
    // Service managers begin to kill after ten seconds.
    .shutdown_timeout(8)
    // Whoever runs the server decides what ends it.
    .disable_signals()
    .listen(listener)?
    .run();
    Ok(server)
}
