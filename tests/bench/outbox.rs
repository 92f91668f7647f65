//! Measures the outbox: how many messages one worker brings to a gateway that answers after 20 ms, what other people notice of it
//! at the list, and how quickly the next messages are picked when a million wait. `tests/bench/run outbox` fills a database, starts
//! the server and calls it.
//!
//!     cargo bench --bench outbox -- DATABASE_URL HOST:PORT PID PROGRAM MESSAGES WAITING

// Each bench uses a part of it.
#[allow(dead_code)]
mod client;
#[allow(dead_code)]
mod others;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use chrono::TimeDelta;
use diesel::prelude::*;

use others::{Others, watch_others};
use tnhs::clock;
use tnhs::db::schema::{accounts, messages as stored, meta};
use tnhs::db::{Conn, DatabaseUrl, Db, DbError, messages};
use tnhs::domain::delivery::Lane;
use tnhs::domain::outbox::MessageChannel;
use tnhs::on_backend;

/// How long the gateway thinks.
const THINKS: Duration = Duration::from_millis(20);

/// How often idle and busy are measured, turn by turn, so that a noisy neighbour disturbs both.
const TURNS: usize = 5;
const TURN: Duration = Duration::from_secs(8);

fn main() -> anyhow::Result<()> {
    // cargo adds its own flag.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [url, address, pid, program, messages, waiting] = arguments.as_slice() else {
        bail!("usage: cargo bench --bench outbox -- DATABASE_URL HOST:PORT PID PROGRAM MESSAGES WAITING");
    };
    let (messages, waiting): (i64, i64) = (messages.parse()?, waiting.parse()?);
    let url = DatabaseUrl::parse(url).map_err(anyhow::Error::msg)?;
    let db = Db::open(&url, 4)?;
    println!("### {}, {messages} messages, a gateway that thinks for {} ms\n", url.backend(), THINKS.as_millis());
    let bench = Bench { db: &db, address, pid, program, gateway: Gateway::open()? };
    // A demonstration's messages may not reach a gateway; this one is our own.
    let flag: Vec<(String, String)> = db.write(|conn| {
        Ok::<_, DbError>(meta::table.filter(meta::key.eq("demo")).select((meta::key, meta::value)).load(conn)?)
    })?;
    db.write(|conn| Ok::<_, DbError>(diesel::delete(meta::table.filter(meta::key.eq("demo"))).execute(conn)?))?;
    let outcome = bench.run(messages, waiting);
    let rows: Vec<_> = flag.iter().map(|(key, value)| (meta::key.eq(key), meta::value.eq(value))).collect();
    db.write(|conn| {
        diesel::delete(stored::table.filter(stored::idempotency_key.like("bench-%"))).execute(conn)?;
        Ok::<_, DbError>(on_backend!(conn, c => diesel::insert_into(meta::table).values(&rows).execute(c))?)
    })?;
    outcome
}

struct Bench<'a> {
    db: &'a Db,
    address: &'a str,
    pid: &'a str,
    program: &'a str,
    gateway: Gateway,
}

impl Bench<'_> {
    fn run(&self, messages: i64, waiting: i64) -> anyhow::Result<()> {
        println!("| what | result |\n|---|--:|");
        self.queue("warm", 500, "reminder", 0)?;
        self.send(500, "")?;
        self.queue("plain", messages, "reminder", 0)?;
        let took = self.send(messages, "")?;
        println!("| one worker, as fast as it can | {:.0} messages/s |", messages as f64 / took.as_secs_f64());
        let passwords = messages.min(1_000);
        self.queue("passwords", passwords, "new_password", 0)?;
        let took = self.send(passwords, "")?;
        println!(
            "| one worker, each with a password that is hashed | {:.0} messages/s |",
            passwords as f64 / took.as_secs_f64()
        );
        self.beside_others()?;
        self.pick(waiting)
    }

    /// What others notice of 300 messages a second.
    fn beside_others(&self) -> anyhow::Result<()> {
        let (mut idle, mut busy) = (Others::default(), Others::default());
        for turn in 0..TURNS {
            idle.add(watch_others(self.address, self.pid, || {
                thread::sleep(TURN);
                Ok(())
            })?);
            let count = i64::try_from(TURN.as_secs() * 300 + 300)?;
            self.queue(&format!("others-{turn}"), count, "reminder", 0)?;
            let before = self.gateway.count();
            let worker = self.worker("&rate=300")?;
            thread::sleep(Duration::from_secs(1));
            busy.add(watch_others(self.address, self.pid, || {
                thread::sleep(TURN - Duration::from_secs(1));
                Ok(())
            })?);
            let sent = self.gateway.count() - before;
            self.wait_until_sent(0)?;
            worker.stop()?;
            println!("| turn {}: sent beside others | {:.0} messages/s |", turn + 1, sent as f64 / TURN.as_secs_f64());
        }
        println!("| list pages of {} others, idle: p50 / p99 / most | {} |", others::CLIENTS, idle.times());
        println!("| the same beside 300 messages/s | {} |", busy.times());
        println!("| p99 busy to idle | {:.2} |", busy.at(0.99) / idle.at(0.99));
        Ok(())
    }

    /// How long it takes to lease what is next when so many wait: half of them due, the others later.
    fn pick(&self, waiting: i64) -> anyhow::Result<()> {
        let start = Instant::now();
        self.queue("due", waiting / 2, "reminder", 0)?;
        self.queue("later", waiting - waiting / 2, "reminder", 24 * 3600)?;
        self.db.analyze()?;
        println!("| {waiting} messages queued for that | {:.0} s |", start.elapsed().as_secs_f64());
        let mut looks = Vec::new();
        let mut leases = Vec::new();
        for turn in 0..300 {
            let now = clock::now();
            let start = Instant::now();
            ensure!(
                self.db.read(|conn| Ok::<_, DbError>(messages::any_due(conn, MessageChannel::Sms, now)?))?,
                "none due"
            );
            looks.push(start.elapsed());
            let (start, lease) = (Instant::now(), format!("bench {turn}"));
            let leased = self.db.write(|conn| {
                Ok::<_, DbError>(messages::lease(conn, &lease, MessageChannel::Sms, [48; Lane::ALL.len()], now)?)
            })?;
            leases.push(start.elapsed());
            ensure!(leased.len() == 48, "{} leased", leased.len());
        }
        for (what, times) in [("look whether one is due", looks), ("lease a batch of 48, with its commit", leases)] {
            let mut sorted = Others::default();
            sorted.add(Others { times, memory: 0 });
            let times = sorted;
            println!("| {waiting} wait: {what}, p50 / p99 / most | {} |", times.times());
        }
        Ok(())
    }

    /// Queues so many text messages about accounts, due in so many seconds.
    fn queue(&self, name: &str, count: i64, kind: &str, due_in: i64) -> anyhow::Result<()> {
        let lane = if kind == "invitation" { Lane::Bulk } else { Lane::Usual } as i32;
        let now = clock::now();
        let (now, due) =
            (now.format("%Y-%m-%d %H:%M:%S%.6f"), (now + TimeDelta::seconds(due_in)).format("%Y-%m-%d %H:%M:%S%.6f"));
        let series = |conn: &Conn| match conn {
            Conn::Sqlite(_) => format!(
                "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i FROM n)"
            ),
            Conn::Postgres(_) => format!("(SELECT i FROM generate_series(1, {count}) i)"),
        };
        self.db.write(|conn| {
            let first: (i64, i64) = accounts::table
                .filter(accounts::must_change_password.eq(true))
                .filter(accounts::state.eq("active"))
                .select((diesel::dsl::sql::<diesel::sql_types::BigInt>("COALESCE(MIN(id), 0)"), diesel::dsl::sql::<diesel::sql_types::BigInt>("COUNT(*)")))
                .first(conn)?;
            let series = series(conn);
            let sql = format!(
                "INSERT INTO messages (idempotency_key, application_id, account_id, kind, channel, recipient, body, state, attempts, \
                 next_attempt_at, created_at, agency_id, province_id, lane, settled) \
                 SELECT 'bench-{name}-' || n.i, a.application_id, a.id, '{kind}', 'sms', a.phone, \
                 'BHXH VN: Tin nhan thu so ' || n.i || ', mat khau {{mat_khau}}.', 'queued', 0, '{due}', '{now}', a.agency_id, a.province_id, {lane}, FALSE \
                 FROM {series} n JOIN (SELECT *, ROW_NUMBER() OVER (ORDER BY id) AS nth FROM accounts WHERE must_change_password = TRUE AND state = 'active') a \
                 ON a.nth = 1 + n.i % {}",
                first.1
            );
            Ok::<_, DbError>(on_backend!(conn, c => diesel::sql_query(&sql).execute(c))?)
        })?;
        Ok(())
    }

    /// Lets one worker send all, and returns how long that took from the first arrival to the last being settled.
    fn send(&self, count: i64, query: &str) -> anyhow::Result<Duration> {
        let before = self.gateway.count();
        let worker = self.worker(query)?;
        while self.gateway.count() == before {
            thread::sleep(Duration::from_millis(1));
        }
        let start = Instant::now();
        self.wait_until_sent(0)?;
        let took = start.elapsed();
        worker.stop()?;
        ensure!(self.gateway.count() - before == usize::try_from(count)?, "{} came", self.gateway.count() - before);
        Ok(took)
    }

    /// Waits until at most so many wait.
    fn wait_until_sent(&self, left: i64) -> anyhow::Result<()> {
        let start = Instant::now();
        while self.db.read(|conn| Ok::<_, DbError>(messages::waiting(conn)?))? > left {
            ensure!(start.elapsed() < Duration::from_secs(300), "it does not end");
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn worker(&self, query: &str) -> anyhow::Result<Worker> {
        let url = format!("kannel+http://bench:bench@{}?from=BHXH{query}", self.gateway.address);
        Ok(Worker(
            Command::new(self.program)
                .arg("worker")
                .env("TNHS_SMS_URL", url)
                .env("TNHS_LOG", "error")
                .stdout(Stdio::null())
                .spawn()?,
        ))
    }
}

struct Worker(Child);

impl Worker {
    fn stop(mut self) -> anyhow::Result<()> {
        Command::new("kill").arg(self.0.id().to_string()).status()?;
        ensure!(self.0.wait()?.success(), "the worker failed");
        Ok(())
    }
}

/// Kannel's interface, with connections that stay open.
struct Gateway {
    address: String,
    got: Arc<AtomicUsize>,
}

impl Gateway {
    fn open() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, got) = (listener.local_addr()?.to_string(), Arc::new(AtomicUsize::new(0)));
        let counter = Arc::clone(&got);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counter = Arc::clone(&counter);
                thread::spawn(move || serve(stream, &counter));
            }
        });
        Ok(Self { address, got })
    }

    fn count(&self) -> usize {
        self.got.load(Ordering::Relaxed)
    }
}

/// Until the connection ends.
fn serve(stream: TcpStream, got: &AtomicUsize) -> anyhow::Result<()> {
    const SAYS: &str = "0: Accepted for delivery";
    stream.set_nodelay(true)?;
    let mut answers = stream.try_clone()?;
    let mut requests = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            ensure!(requests.read_line(&mut line)? > 0, "closed");
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().context("no length")?;
            }
        }
        requests.read_exact(&mut vec![0; length])?;
        thread::sleep(THINKS);
        got.fetch_add(1, Ordering::Relaxed);
        write!(answers, "HTTP/1.1 202 Accepted\r\nContent-Length: {}\r\n\r\n{SAYS}", SAYS.len())?;
    }
}
