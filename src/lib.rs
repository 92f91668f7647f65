//! The back office in which Vietnam Social Security (BHXH) approves citizens' registrations for electronic transactions.
//!
//! # Where things are
//!
//! | room | what is in it | what it may see |
//! |---|---|---|
//! | [`domain`] | the rules of the work, pure: types that cannot hold nonsense, and the decisions | nothing else |
//! | [`db`] | all the SQL, one file per aggregate, for SQLite and PostgreSQL | `domain` |
//! | [`adapters`] | the outside world: SMS and mail gateways, photo store, spreadsheet reader, password hashing | `domain` |
//! | [`jobs`] | what happens without anybody pressing a button: the outbox, deadlines, re-checks, imports | `db`, `adapters`, `domain` |
//! | [`web`] | all the HTTP: `routes` is the whole URL table; one file per page | `db`, `adapters`, `domain`, what imports left |
//! | [`demo`] | a made-up province to try everything in | `db`, `adapters`, `domain` |
//! | [`config`], [`startup`], [`telemetry`], [`clock`], [`error`] | the environment, the parts, the log, the time, the one web error | |
//!
//! The same feature has the same file name in each layer. `tests/architecture.rs` keeps the arrows as they are.
//!
//! # What must always hold
//!
//! Each line is kept by a test.
//!
//! 1. A decision, its audit event, its account and its messages commit together or not at all.
//! 2. Every application stands in exactly one status; only [`domain::assessment`], and [`domain::deadline`] when nobody came,
//!    decide the next one; only the server's clock counts.
//! 3. Two officers on one application: the second sees who changed what, and keeps what they typed.
//! 4. A citizen's password is made at the moment of sending, held in memory, stored only as a hash. It goes by one channel:
//!    SMS; by e-mail only after the SMS failed for good. The other channel gets the notice without it.
//! 5. Sending is at-least-once with an idempotency key per message; a crash at any moment loses no message, and whichever
//!    password reached the citizen works until they choose their own or a desk makes it void.
//! 6. Permission is in the handler's signature ([`web::allowed`]); scope is in the query, never only in the template.
//! 7. Nothing from outside is trusted: it is parsed into private-field types at the edge.
//! 8. An import counts as a whole or not at all, whenever the process dies; what it wrote can be taken back as long as nothing
//!    later touched it.
//! 9. What waited, and entered a queue, is what left it and what waits, in every row of every report; the past does not change.
//! 10. Every officer's task works without JavaScript; scripts only make it quicker.

pub mod adapters;
pub mod clock;
pub mod config;
pub mod db;
pub mod demo;
pub mod domain;
pub mod error;
pub mod jobs;
pub mod startup;
pub mod telemetry;
pub mod web;
