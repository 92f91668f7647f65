//! Measures *Tổng quan*, the reports and an export over a whole country: a year of 700 offices. `tests/bench/run reports` makes the
//! database, starts the server and calls it, first to fill and then to measure.
//!
//!     cargo bench --bench reports -- fill DATABASE_URL APPLICATIONS
//!     cargo bench --bench reports -- DATABASE_URL HOST:PORT PID

#[allow(dead_code)]
mod client;
mod country;
#[allow(dead_code)]
mod others;

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use chrono::TimeDelta;

use client::Client;
use others::{Others, family_memory, watch_others};
use tnhs::clock;
use tnhs::db::{DatabaseUrl, Db};
use tnhs::demo::SIGN_INS;
use tnhs::domain::dates::to_hanoi;
use tnhs::domain::permission::Role;
use tnhs::domain::report::{Figure, Kind, Measure, Period};
use tnhs::domain::to_json;

/// How often each page is asked for.
const TIMES: usize = 100;
/// Sees the whole country.
const CENTRE: &str = "giamsat.000";

fn main() -> anyhow::Result<()> {
    // cargo adds its own flag.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.as_slice() {
        [fill, url, count] if fill == "fill" => {
            let start = Instant::now();
            let url = DatabaseUrl::parse(url).map_err(anyhow::Error::msg)?;
            let count = country::fill(&Db::open(&url, 2)?, count.parse()?, clock::now())?;
            println!("{count} applications of a country, after {:.0} s", start.elapsed().as_secs_f64());
            Ok(())
        }
        [url, address, pid] => measure(url, address, pid),
        _ => bail!("usage: cargo bench --bench reports -- [fill] DATABASE_URL HOST:PORT PID"),
    }
}

fn supervisor(address: &str) -> anyhow::Result<Client> {
    let of_role = SIGN_INS.iter().find(|who| who.role == Role::Supervisor).context("no supervisor")?;
    Client::sign_in(address, CENTRE, of_role.password)
}

fn measure(url: &str, address: &str, pid: &str) -> anyhow::Result<()> {
    let backend = url.split(':').next().unwrap_or_default();
    println!("### {backend}\n\n| page | KB | p50 | p99 | longest |\n|---|--:|--:|--:|--:|");
    let mut client = supervisor(address)?;
    let today = to_hanoi(clock::now()).date();
    let first = today - TimeDelta::days(364);
    let year = format!("span=between&first={first}&last={today}");
    let mut pages = vec![("Tổng quan".to_owned(), "/overview".to_owned())];
    for kind in Kind::ALL {
        pages.push((format!("a year, {}", kind.label()), format!("/reports/{}?{year}", kind.code())));
    }
    for grain in ["day", "week", "month"] {
        pages.push((format!("a year by {grain}"), format!("/reports/times?{year}&grain={grain}")));
    }
    pages.push((
        "the list behind a year's approvals".into(),
        format!("/reports/applications?measure=approved&{year}&below=1"),
    ));
    for (name, path) in pages {
        let (mut times, mut bytes) = (Others::default(), 0);
        let begun = Instant::now();
        let times_each = if path == "/overview" { 3 * TIMES } else { TIMES };
        for _ in 0..times_each {
            let start = Instant::now();
            let answer = client.get(&path)?;
            times.times.push(start.elapsed());
            ensure!(answer.status == 200, "{path} was answered with {}", answer.status);
            bytes = answer.body.len();
            if begun.elapsed() > Duration::from_secs(30) {
                break;
            }
        }
        times.times.sort_unstable();
        println!(
            "| {name} | {:.0} | {:.0} ms | {:.0} ms | {:.0} ms |",
            bytes as f64 / 1024.0,
            times.at(0.5),
            times.at(0.99),
            times.at(1.0)
        );
    }
    println!();
    for format in ["xlsx", "csv"] {
        export(
            address,
            pid,
            &mut client,
            format,
            Period::between(first, today).map_err(|fault| anyhow::anyhow!("{fault:?}"))?,
        )?;
    }
    Ok(())
}

/// All that was filed in the year, as a file.
fn export(address: &str, pid: &str, client: &mut Client, format: &str, period: Period) -> anyhow::Result<()> {
    let idle = watch_others(address, pid, || {
        std::thread::sleep(Duration::from_secs(8));
        Ok(())
    })?;
    let before = family_memory(pid);
    let figure =
        Figure { measure: Measure::Filed, period, agency: None, below: true, channel: None, staff: None, reason: None };
    let fields = [("figure", to_json(&figure)), ("format", format.to_owned())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut took = Duration::ZERO;
    let mut rows = 0_u64;
    let busy = watch_others(address, pid, || {
        // The server closes a connection that nobody uses.
        *client = supervisor(address)?;
        let start = Instant::now();
        let answer = client.post("/exports", &fields)?;
        ensure!(answer.status == 303, "an export was answered with {}", answer.status);
        let place = answer.location.context("an export that leads nowhere")?;
        loop {
            std::thread::sleep(Duration::from_millis(200));
            let page = String::from_utf8_lossy(&client.get(&place)?.body).into_owned();
            if page.contains("/file\"") {
                took = start.elapsed();
                let said = page.split("<p class=\"lead\"><b>").nth(1).and_then(|rest| rest.split('<').next());
                rows = said.unwrap_or_default().replace('.', "").parse()?;
                return Ok(());
            }
            ensure!(start.elapsed() < Duration::from_secs(600), "the export takes too long");
        }
    })?;
    println!(
        "- .{format}: {rows} rows in {:.1} s, {:.0} rows/s; memory {} MB more at most; others' list p50 / p99 / longest idle {}, meanwhile {} \
         (p99 {:.2} times)\n",
        took.as_secs_f64(),
        rows as f64 / took.as_secs_f64(),
        busy.memory.saturating_sub(before),
        idle.times(),
        busy.times(),
        busy.at(0.99) / idle.at(0.99),
    );
    Ok(())
}
