//! Measures an import of a big workbook: how long calamine takes merely to stream its cells, how long the dry run takes,
//! how quickly it is applied by a running server, what that takes in memory, and what other people notice of it.
//! `tests/bench/run imports` fills a database, starts the server and calls it.
//!
//!     cargo bench --bench imports -- DATABASE_URL HOST:PORT PID PROGRAM DATA_DIR ROWS

// Each bench uses a part of it.
#[allow(dead_code)]
mod client;
#[allow(dead_code)]
mod others;

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use calamine::{Reader, Xlsx};
use rust_xlsxwriter::Workbook;

use others::{CLIENTS, Others, family_memory, watch_others};
use tnhs::clock;
use tnhs::db::imports::{self, Import, NewImport};
use tnhs::db::{DatabaseUrl, Db, DbError};
use tnhs::domain::ids::ImportId;
use tnhs::domain::import::ImportState;
use tnhs::domain::workbook::Kind;
use tnhs::jobs::import::folder::Folder;

fn main() -> anyhow::Result<()> {
    // cargo adds its own flag.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [url, address, pid, program, data_dir, rows] = arguments.as_slice() else {
        bail!("usage: cargo bench --bench imports -- DATABASE_URL HOST:PORT PID PROGRAM DATA_DIR ROWS");
    };
    let rows: u32 = rows.parse()?;
    let url = DatabaseUrl::parse(url).map_err(anyhow::Error::msg)?;
    let db = Db::open(&url, 2)?;
    let file = PathBuf::from(data_dir).join(format!("bench-{rows}.xlsx"));
    if !file.exists() {
        make(&file, rows)?;
    }
    println!("### {}, {rows} rows × 12 columns, {} MB\n", url.backend(), std::fs::metadata(&file)?.len() / 1_000_000);
    let mut streaming = Vec::new();
    let mut dry_runs = Vec::new();
    // Turn by turn, so that a noisy neighbour disturbs both.
    for _ in 0..3 {
        streaming.push(stream(&file)?);
        dry_runs.push(dry_run(program, &file)?);
    }
    let streamed = median(streaming);
    let (dry, memory) = dry_runs.iter().copied().min_by_key(|(took, _)| *took).context("no dry run")?;
    let middle = median(dry_runs.iter().map(|(took, _)| *took).collect());
    println!("| what | result |\n|---|--:|");
    println!("| calamine streams the cells | {:.2} s |", streamed.as_secs_f64());
    println!("| dry run, median of 3 (best) | {:.2} s ({:.2} s) |", middle.as_secs_f64(), dry.as_secs_f64());
    println!("| ratio | {:.2} |", middle.as_secs_f64() / streamed.as_secs_f64());
    println!("| memory of the dry run, both processes | {memory} MB |");

    let office = Office { address, db: &db, pid, data_dir: Path::new(data_dir), file: &file };
    office.import()
}

/// Vietnamese names in many variations, codes and numbers that nobody has.
fn make(file: &Path, rows: u32) -> anyhow::Result<()> {
    const HEADER: [&str; 12] = [
        "STT",
        "Mã số BHXH",
        "Họ và tên",
        "Ngày sinh",
        "Giới tính",
        "Số CCCD",
        "Số điện thoại",
        "Địa chỉ",
        "Mã hộ gia đình",
        "Mối quan hệ",
        "Email",
        "Ghi chú",
    ];
    let family = ["Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương"];
    let middle = ["Thị", "Văn", "Minh", "Ngọc", "Hữu", "Đức", "Quang", "Thanh", "Bích", "Khánh", "Xuân"];
    let given = ["Hạnh", "Sơn", "Thủy", "Đức", "Quỳnh", "An", "Bình", "Lan", "Hòa", "Mai", "Tuấn", "Phúc", "Vy"];
    let pick = |words: &[&'static str], number: u32| words[number as usize % words.len()];
    let mut workbook = Workbook::new();
    // As spreadsheet programs write them: texts in a table of their own.
    let sheet = workbook.add_worksheet_with_low_memory()?;
    for (column, label) in (0..).zip(HEADER) {
        sheet.write_string(0, column, label)?;
    }
    for row in 1..=rows {
        let spread = u64::from(row) * 7_368_787 % 99_999_989;
        let year = 1940 + row % 80;
        let woman = row % 2;
        sheet.write_number(row, 0, row)?;
        sheet.write_string(row, 1, format!("03{spread:08}"))?;
        let name = format!(
            "{} {} {} {}",
            pick(&family, row),
            pick(&middle, row / 5),
            pick(&middle, row / 7),
            pick(&given, row / 3)
        );
        sheet.write_string(row, 2, name)?;
        sheet.write_string(row, 3, format!("{:02}/{:02}/{year}", 1 + row % 28, 1 + row % 12))?;
        sheet.write_string(row, 4, if woman == 1 { "Nữ" } else { "Nam" })?;
        let century = if year < 2000 { woman } else { 2 + woman };
        sheet.write_string(row, 5, format!("001{century}{:02}{:06}", year % 100, spread % 1_000_000))?;
        sheet.write_string(row, 6, format!("0950{:06}", spread % 1_000_000))?;
        sheet.write_string(row, 7, format!("Số {} ngõ {} phố Thử Nghiệm", row % 500, row % 90))?;
        sheet.write_string(row, 8, format!("04{:08}", row / 4))?;
        sheet.write_string(row, 9, pick(&["Chủ hộ", "Vợ", "Con", "Chồng"], row))?;
        if row % 5 == 0 {
            sheet.write_string(row, 10, format!("nguoi.{row}@example.com"))?;
        }
        sheet.write_string(row, 11, "")?;
    }
    Ok(workbook.save(file)?)
}

fn stream(file: &Path) -> anyhow::Result<Duration> {
    let start = Instant::now();
    let mut workbook: Xlsx<_> = Xlsx::new(BufReader::new(File::open(file)?))?;
    let name = workbook.sheet_names().first().context("no sheet")?.clone();
    let mut cells = workbook.worksheet_cells_reader(&name)?;
    let mut count = 0_u64;
    while let Some(cell) = cells.next_cell()? {
        count += u64::from(std::hint::black_box(cell.get_position()).0 > 0);
    }
    ensure!(count > 0, "an empty sheet");
    Ok(start.elapsed())
}

/// A process of its own, and the one in which it reads.
fn dry_run(program: &str, file: &Path) -> anyhow::Result<(Duration, u64)> {
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(["import", "registry", "--dry-run", "--json"])
        .arg(file)
        .stdout(Stdio::null())
        .spawn()?;
    let mut most = 0;
    let status = loop {
        most = most.max(family_memory(&child.id().to_string()));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        thread::sleep(Duration::from_millis(10));
    };
    ensure!(status.success(), "the dry run ended with {status}");
    Ok((start.elapsed(), most))
}

/// A running server.
struct Office<'a> {
    address: &'a str,
    db: &'a Db,
    pid: &'a str,
    data_dir: &'a Path,
    file: &'a Path,
}

impl Office<'_> {
    fn import(&self) -> anyhow::Result<()> {
        let idle_memory = family_memory(self.pid);
        let idle = watch_others(self.address, self.pid, || {
            thread::sleep(Duration::from_secs(5));
            Ok(())
        })?;
        let id = self.file_it()?;
        let (reading, while_reading) = self.phase(id, ImportState::Reading)?;
        let import = self.state(id)?;
        ensure!(import.state == ImportState::Ready, "{:?}", import.state);
        let rows = import.counts.added + import.counts.changed;
        self.db.write(|conn| {
            let moved = imports::change_state(conn, id, ImportState::Ready, ImportState::Applying, clock::now());
            Ok::<_, DbError>(moved?)
        })?;
        let (applying, while_applying) = self.phase(id, ImportState::Applying)?;
        let (settling, while_settling) = self.phase(id, ImportState::Settling)?;
        ensure!(self.state(id)?.state == ImportState::Applied, "{:?}", self.state(id)?.state);

        let phase = |name: &str, others: &Others| {
            println!("| list pages of {CLIENTS} others, {name}, p50 / p99 / most | {} |", others.times());
        };
        println!("| dry run by the server, meanwhile others work | {:.2} s |", reading.as_secs_f64());
        let speed = rows as f64 / applying.as_secs_f64();
        println!("| applied, {rows} rows | {:.2} s, {speed:.0} rows/s |", applying.as_secs_f64());
        println!("| statistics and waiting applications after it | {:.2} s |", settling.as_secs_f64());
        let most = [&while_reading, &while_applying, &while_settling].map(|others| others.memory);
        println!("| memory of the server and its reader before | {idle_memory} MB |");
        println!("| and at the most: reading, applying, after it | {} / {} / {} MB |", most[0], most[1], most[2]);
        phase("idle", &idle);
        phase("reading", &while_reading);
        phase("applying", &while_applying);
        phase("after it", &while_settling);
        Ok(())
    }

    /// Files the workbook as a page would.
    fn file_it(&self) -> anyhow::Result<ImportId> {
        let new = NewImport {
            kind: Kind::Registry,
            file_name: "bench.xlsx",
            sha256: "0",
            bytes: 0,
            staff: None,
            office: None,
            of_agency: None,
            sheet: None,
            layouts: None,
            confirmed: false,
        };
        self.db.write(|conn| -> Result<ImportId, anyhow::Error> {
            let id = imports::insert(conn, &new, clock::now())?;
            let folder = Folder::of(self.data_dir, id);
            folder.create()?;
            std::fs::copy(self.file, folder.source())?;
            Ok(id)
        })
    }

    fn state(&self, id: ImportId) -> anyhow::Result<Import> {
        Ok(self.db.read(|conn| Ok::<_, DbError>(imports::get(conn, id)?))?)
    }

    /// Waits until an import leaves a state.
    fn phase(&self, id: ImportId, state: ImportState) -> anyhow::Result<(Duration, Others)> {
        let start = Instant::now();
        let mut took = Duration::ZERO;
        let others = watch_others(self.address, self.pid, || {
            while self.state(id)?.state == state {
                thread::sleep(Duration::from_millis(5));
            }
            took = start.elapsed();
            Ok(())
        })?;
        Ok((took, others))
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
