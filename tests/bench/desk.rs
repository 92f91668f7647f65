//! Measures the pages of a running server and, in this process, the queries behind them on the same database. It prints
//! one table in Markdown; `tests/bench/run` fills the databases, starts the servers and calls it.
//!
//!     cargo bench --bench desk -- DATABASE_URL HOST:PORT PID [PART OF A PAGE'S NAME]
//!
//! Every search is posted, as browsers post it; what is timed is the page that it leads to. `cold` is the first look at a
//! result, which counts it; `warm` the second, whose count the server still remembers.

mod client;
mod work;

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use client::Client;
use tnhs::db::{DatabaseUrl, Db};
use work::{Ask, Case, Desk, OFFICER};

/// How often each page is asked for, by one client and by each of many, unless it takes too long.
const TIMES: usize = 300;
const TIMES_EACH: usize = 60;
const CLIENTS: usize = 16;
const LONGEST: Duration = Duration::from_secs(10);

fn main() -> anyhow::Result<()> {
    // cargo adds its own flag.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let (url, address, pid, part) = match arguments.as_slice() {
        [url, address, pid] => (url, address, pid, ""),
        [url, address, pid, part] => (url, address, pid, part.as_str()),
        _ => anyhow::bail!("usage: cargo bench --bench desk -- DATABASE_URL HOST:PORT PID [PART OF A PAGE'S NAME]"),
    };
    let url = DatabaseUrl::parse(url).map_err(anyhow::Error::msg)?;
    let db = Db::open(&url, 2)?;
    let mut desk = Desk::new(&db)?;
    println!("### {}, {} applications\n", url.backend(), desk.applications);
    println!("RSS before: {}\n", memory(pid)?);
    println!(
        "| page | KB | query p50 / p99 | count p50 / p99 | cold p50 / p99 | warm p50 / p99 | {CLIENTS} clients p50 / p99 | req/s |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    for case in desk.cases()?.iter().filter(|case| case.name.contains(part)) {
        lists(&db, address, case)?;
    }
    if part.is_empty() || part == "one" {
        details(&db, address, &desk)?;
        approvals(&db, address, &mut desk)?;
        sign_ins(&db, address)?;
    }
    println!("\nRSS after: {}\n", memory(pid)?);
    Ok(())
}

/// A row of the table; an empty measurement was not taken.
#[derive(Default)]
struct Row {
    bytes: usize,
    query: Times,
    count: Times,
    cold: Times,
    warm: Times,
    many: Times,
    per_second: f64,
}

#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    fn time<T>(&mut self, what: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        let start = Instant::now();
        let value = what()?;
        self.0.push(start.elapsed());
        Ok(value)
    }

    fn show(&mut self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        self.0.sort_unstable();
        let at = |part: f64| self.0[((self.0.len() - 1) as f64 * part).round() as usize].as_secs_f64() * 1000.0;
        format!("{:.2} / {:.2}", at(0.5), at(0.99))
    }
}

impl Row {
    fn print(mut self, name: &str) {
        println!(
            "| {name} | {:.0} | {} | {} | {} | {} | {} | {} |",
            self.bytes as f64 / 1024.0,
            self.query.show(),
            self.count.show(),
            self.cold.show(),
            self.warm.show(),
            self.many.show(),
            if self.per_second > 0.0 { format!("{:.0}", self.per_second) } else { String::new() }
        );
    }
}

/// Posts the search, if there is one to post, and returns where its page is.
fn search(client: &mut Client, ask: &Ask) -> anyhow::Result<String> {
    let page = ask.page;
    if ask.fields.is_empty() {
        return Ok(format!("/applications?page={page}"));
    }
    let fields: Vec<(&str, &str)> = ask.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = client.post("/applications/search", &fields)?;
    ensure!(answer.status == 303, "a search was answered with {}", answer.status);
    Ok(format!("{}&page={page}", answer.location.context("a search that leads nowhere")?))
}

fn lists(db: &Db, address: &str, case: &Case) -> anyhow::Result<()> {
    let mut row = Row::default();
    let start = Instant::now();
    for ask in case.asks.iter().cycle().take(TIMES).take_while(|_| start.elapsed() < LONGEST) {
        row.query.time(|| work::rows(db, ask))?;
        row.count.time(|| work::count(db, ask))?;
    }
    let who = case.who;
    let mut client = Client::sign_in(address, who.login, who.password)?;
    let fixed = case.asks.len() == 1;
    let start = Instant::now();
    for ask in case.asks.iter().cycle().take(TIMES).take_while(|_| start.elapsed() < LONGEST * 2) {
        let path = search(&mut client, ask)?;
        if fixed {
            // Any write lets the server forget its counts.
            Client::sign_in(address, OFFICER.login, OFFICER.password)?;
        }
        let answer = row.cold.time(|| client.get(&path))?;
        ensure!(answer.status == 200, "{path} was answered with {}", answer.status);
        row.bytes = row.bytes.max(answer.body.len());
        row.warm.time(|| client.get(&path))?;
    }
    let start = Instant::now();
    let all = at_once(|number| {
        let mut client = Client::sign_in(address, who.login, who.password)?;
        let mut times = Times::default();
        let asks = case.asks.iter().cycle().skip(number * case.asks.len() / CLIENTS);
        // The same page again and again shows how many of them the server can give.
        let fixed = if fixed { Some(search(&mut client, &case.asks[0])?) } else { None };
        let most = if fixed.is_some() { TIMES_EACH * 5 } else { TIMES_EACH };
        for ask in asks.take(most).take_while(|_| start.elapsed() < LONGEST) {
            let path = match &fixed {
                Some(path) => path.clone(),
                None => search(&mut client, ask)?,
            };
            times.time(|| client.get(&path))?;
        }
        Ok(times)
    })?;
    if fixed {
        // Signing in took its time, too.
        let busiest = all.iter().map(|times| times.0.iter().sum::<Duration>()).max().unwrap_or(start.elapsed());
        let answers: usize = all.iter().map(|times| times.0.len()).sum();
        row.per_second = answers as f64 / busiest.as_secs_f64();
    }
    row.many.0 = all.into_iter().flat_map(|times| times.0).collect();
    row.print(&case.name);
    Ok(())
}

/// Runs one piece of work in as many threads as there are clients.
fn at_once<T: Send>(work: impl Fn(usize) -> anyhow::Result<T> + Sync) -> anyhow::Result<Vec<T>> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CLIENTS)
            .map(|number| {
                scope.spawn({
                    let work = &work;
                    move || work(number)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow::anyhow!("a client panicked"))?).collect()
    })
}

fn details(db: &Db, address: &str, desk: &Desk) -> anyhow::Result<()> {
    let mut row = Row::default();
    let mut client = Client::sign_in(address, OFFICER.login, OFFICER.password)?;
    for id in desk.seen.iter().take(TIMES) {
        row.query.time(|| work::detail(db, desk.officer, *id))?;
        let path = format!("/applications/{id}");
        // The first look is written into the history, the second is the same look.
        row.cold.time(|| client.get(&path))?;
        let answer = row.warm.time(|| client.get(&path))?;
        ensure!(answer.status == 200, "{path} was answered with {}", answer.status);
        row.bytes = row.bytes.max(answer.body.len());
    }
    let all = at_once(|number| {
        let mut client = Client::sign_in(address, OFFICER.login, OFFICER.password)?;
        let mut times = Times::default();
        for id in desk.seen.iter().skip(TIMES + number * TIMES_EACH).take(TIMES_EACH) {
            times.time(|| client.get(&format!("/applications/{id}")))?;
        }
        Ok(times)
    })?;
    row.many.0 = all.into_iter().flat_map(|times| times.0).collect();
    row.print("detail page (cold: first look, recorded; 16 clients: likewise)");
    Ok(())
}

fn approvals(db: &Db, address: &str, desk: &mut Desk) -> anyhow::Result<()> {
    let waiting = work::approvable(db, desk.officer, TIMES * 2 + CLIENTS * TIMES_EACH)?;
    let (direct, rest) = waiting.split_at(TIMES);
    let (alone, together) = rest.split_at(TIMES);
    let mut row = Row::default();
    for pending in direct {
        row.query.time(|| work::approve(db, desk.officer, desk.officer_id, pending))?;
    }
    let send = |client: &mut Client, pending: &work::Pending| {
        let version = pending.version.to_string();
        let fields = [
            ("version", version.as_str()),
            ("verdict", pending.verdict),
            ("outcome", "valid"),
            ("id_compared", "1"),
            ("form_signed", "1"),
            ("photo_matches", "1"),
        ];
        let answer = client.post(&format!("/applications/{}/assessment", pending.id), &fields)?;
        ensure!(answer.status == 303, "an approval was answered with {}", answer.status);
        Ok(())
    };
    let mut client = Client::sign_in(address, OFFICER.login, OFFICER.password)?;
    for pending in alone {
        row.cold.time(|| send(&mut client, pending))?;
    }
    let all = at_once(|number| {
        let mut client = Client::sign_in(address, OFFICER.login, OFFICER.password)?;
        let mut times = Times::default();
        for pending in together.iter().skip(number * TIMES_EACH).take(TIMES_EACH) {
            times.time(|| send(&mut client, pending))?;
        }
        Ok(times)
    })?;
    row.many.0 = all.into_iter().flat_map(|times| times.0).collect();
    row.print("approval");
    Ok(())
}

fn sign_ins(db: &Db, address: &str) -> anyhow::Result<()> {
    let mut row = Row::default();
    for _ in 0..50 {
        row.query.time(|| work::sign_in(db))?;
        row.cold.time(|| Client::sign_in(address, OFFICER.login, OFFICER.password))?;
    }
    let all = at_once(|_| {
        let mut times = Times::default();
        for _ in 0..5 {
            times.time(|| Client::sign_in(address, OFFICER.login, OFFICER.password))?;
        }
        Ok(times)
    })?;
    row.many.0 = all.into_iter().flat_map(|times| times.0).collect();
    row.print("signing in (with the next page; query: the password's hash alone)");
    Ok(())
}

/// Resident memory of the server, now and at its highest.
fn memory(pid: &str) -> anyhow::Result<String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<u64>().map(|kilobytes| kilobytes / 1024)
    };
    Ok(format!("{} MB, at most {} MB", of("VmRSS:")?, of("VmHWM:")?))
}
