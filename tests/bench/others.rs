//! What other people notice of the work that is measured: some of them look at the list all the while.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::client::Client;
use tnhs::demo::SIGN_INS;
use tnhs::domain::permission::Role;

/// How many people look at the list, and how long each thinks between two looks.
pub const CLIENTS: usize = 4;
const THINKS: Duration = Duration::from_millis(50);

/// What a process and its children hold at this moment, in MB.
pub fn family_memory(pid: &str) -> u64 {
    let resident = |pid: &str| -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
        line.split_whitespace().next().and_then(|kb| kb.parse().ok()).unwrap_or(0)
    };
    let mut total = resident(pid);
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return 0 };
    for thread in threads.flatten() {
        let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        total += children.split_whitespace().map(resident).sum::<u64>();
    }
    total / 1024
}

/// What others at the list notice until `until` returns.
pub fn watch_others(address: &str, pid: &str, until: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Others> {
    let officer = SIGN_INS.iter().find(|who| who.role == Role::Officer).context("no officer")?;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(Client::sign_in(address, officer.login, officer.password)?);
    }
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut most = 0;
            while !over.load(Ordering::Relaxed) {
                most = most.max(family_memory(pid));
                thread::sleep(Duration::from_millis(20));
            }
            most
        });
        let over = &over;
        let looking: Vec<_> = clients
            .into_iter()
            .map(|mut client| {
                scope.spawn(move || -> anyhow::Result<Vec<Duration>> {
                    let mut times = Vec::new();
                    while !over.load(Ordering::Relaxed) {
                        let start = Instant::now();
                        ensure!(client.get("/applications")?.status == 200, "the list failed");
                        times.push(start.elapsed());
                        thread::sleep(THINKS);
                    }
                    Ok(times)
                })
            })
            .collect();
        let outcome = until();
        over.store(true, Ordering::Relaxed);
        let mut others = Others { times: Vec::new(), memory: 0 };
        for looking in looking {
            others.times.extend(looking.join().map_err(|_| anyhow::anyhow!("a client panicked"))??);
        }
        others.memory = watching.join().map_err(|_| anyhow::anyhow!("nobody watched"))?;
        others.times.sort_unstable();
        outcome.map(|()| others)
    })
}

#[derive(Default)]
pub struct Others {
    /// Sorted.
    pub times: Vec<Duration>,
    /// MB.
    pub memory: u64,
}

impl Others {
    /// These and those.
    pub fn add(&mut self, more: Self) {
        self.times.extend(more.times);
        self.times.sort_unstable();
        self.memory = self.memory.max(more.memory);
    }

    /// Milliseconds within which this part of the looks was answered.
    pub fn at(&self, part: f64) -> f64 {
        let index = ((self.times.len() as f64 * part) as usize).min(self.times.len().saturating_sub(1));
        self.times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    }

    pub fn times(&self) -> String {
        format!("{:.1} / {:.1} / {:.1} ms of {}", self.at(0.5), self.at(0.99), self.at(1.0), self.times.len())
    }
}
