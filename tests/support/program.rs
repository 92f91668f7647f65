//! The program as an administrator runs it: commands with an environment of their own, and a process that can be asked
//! to stop or killed.

use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tnhs::db::DatabaseUrl;

use super::{TestApp, TestDb};

/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program and what is in its environment: nothing but the variables that are set here.
pub struct Program {
    environment: Vec<(String, String)>,
    /// Scheme, host and port.
    pub url: String,
    folder: TempDir,
}

impl Program {
    /// On nothing yet: `DATABASE_URL` is to be set, everything else is a folder of its own.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listen = format!("127.0.0.1:{}", free_port());
        let of_folder = |name: &str| folder.path().join(name).display().to_string();
        let environment = [
            ("TNHS_DATA_DIR", of_folder("data")),
            ("TNHS_LISTEN", listen.clone()),
            ("TNHS_SMS_URL", format!("file:{}", of_folder("sms"))),
            ("TNHS_SMTP_URL", format!("file:{}", of_folder("mail"))),
        ];
        Self {
            environment: environment.map(|(name, value)| (name.to_owned(), value)).into(),
            url: format!("http://{listen}"),
            folder,
        }
    }

    pub fn on(database: &TestDb) -> Self {
        Self::new().set("DATABASE_URL", &database.url())
    }

    /// Beside the test's own server: the same database, the same folders, another port.
    pub fn beside(app: &TestApp) -> Self {
        let url = match &app.parts.config.database {
            DatabaseUrl::Sqlite(path) => format!("sqlite://{path}"),
            DatabaseUrl::Postgres(url) => url.clone(),
        };
        let of_folder = |name: &str| format!("file:{}", app.data_dir().join(name).display());
        Self::new()
            .set("DATABASE_URL", &url)
            .set("TNHS_DATA_DIR", &app.data_dir().display().to_string())
            .set("TNHS_SMS_URL", &of_folder("sms"))
            .set("TNHS_SMTP_URL", &of_folder("mail"))
            .set("TNHS_SECRET_KEY", &"test".repeat(16))
    }

    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self
    }

    /// A file in the program's own folder, which is also where it runs.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tnhs"));
        command.args(arguments).env_clear().current_dir(self.folder.path()).stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        let output = self.command(arguments).output().unwrap();
        Finished {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Starts a command that goes on until it is stopped. What it says is kept in files: a full pipe would hold it up.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let (stdout, stderr) = (self.file("stdout"), self.file("stderr"));
        let open = |path: &PathBuf| -> File { OpenOptions::new().create(true).append(true).open(path).unwrap() };
        let child = self.command(arguments).stdout(open(&stdout)).stderr(open(&stderr)).spawn().unwrap();
        Running { child, url: self.url.clone(), stdout, stderr }
    }

    /// Starts it and waits until it answers.
    pub fn serve(&self, arguments: &[&str]) -> Running {
        let mut running = self.start(arguments);
        running.wait_until_ready();
        running
    }
}

/// What a command left behind.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// The one line that says what went wrong, without the program's name.
    #[track_caller]
    pub fn complaint(&self) -> &str {
        let line = self.stderr.strip_prefix("tnhs: ").and_then(|line| line.strip_suffix('\n'));
        match line {
            Some(line) if !line.contains('\n') && !line.trim().is_empty() && self.stdout.is_empty() => line,
            _ => panic!("not one line on stderr and nothing else: {self:#?}"),
        }
    }
}

/// A process. Dropped, it is killed.
pub struct Running {
    child: Child,
    url: String,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Running {
    pub fn wait_until_ready(&mut self) {
        let agent = ureq::Agent::config_builder().proxy(None).timeout_global(Some(PATIENCE)).build().new_agent();
        let start = Instant::now();
        while agent.get(format!("{}/readyz", self.url)).call().is_err() {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("it ended with {status}:\n{}", self.stderr());
            }
            assert!(start.elapsed() < PATIENCE, "it does not answer:\n{}", self.stderr());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it has said so far, also in its earlier lives.
    pub fn stdout(&self) -> String {
        std::fs::read_to_string(&self.stdout).unwrap()
    }

    pub fn stderr(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap()
    }

    /// SIGKILL: it gets no chance to finish anything.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, as a service manager stops it.
    pub fn ask_to_stop(&self) {
        let asked = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.child.id())).status().unwrap();
        assert!(asked.success());
    }

    pub fn wait_for_end(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "it does not end:\n{}", self.stderr());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Asks it to stop and sees that it does so in order.
    pub fn stop(mut self) {
        self.ask_to_stop();
        let status = self.wait_for_end();
        assert!(status.success(), "{status}:\n{}", self.stderr());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that stays free while the program is down between two starts: outside of those that the system hands out to
/// other tests.
fn free_port() -> u16 {
    const FIRST: u16 = 12_000;
    const COUNT: u16 = 20_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(number < COUNT, "no port is free");
        let start = u16::try_from(std::process::id() * 61 % u32::from(COUNT)).unwrap();
        let port = FIRST + (start + number) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
