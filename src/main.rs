//! The commands. Each reads the environment (see `.env.example`), does one thing, and says in one line what went wrong.

mod cli;

use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Parser;
use cli::{AgencyCommand, ApiKeyCommand, Cli, Command, DemoArgs, ImportArgs, ImportCommand, StaffCommand};
use tnhs::adapters::hasher::hash_now;
use tnhs::adapters::spreadsheet;
use tnhs::config::{Config, ConfigError, SmsUrl, SmtpUrl};
use tnhs::db::api_keys::{self, By};
use tnhs::db::events::{self, NewEvent};
use tnhs::db::staff::NewStaff;
use tnhs::db::{Db, DbError, agencies, messages, meta, staff, tallies};
use tnhs::domain::account::new_password;
use tnhs::domain::api_key::{ApiScope, new_key};
use tnhs::domain::event::EventKind;
use tnhs::domain::ids::ApiKeyId;
use tnhs::domain::names::Name;
use tnhs::domain::permission::{Role, Scope};
use tnhs::domain::{places, to_json, workbook};
use tnhs::jobs::import::console;
use tnhs::startup::{Parts, server};
use tnhs::{clock, demo, jobs, telemetry};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// The C library's allocator keeps what a password's hash took, 19 MiB, for every thread that ever made one: half a gigabyte
/// after some hundred sign-ins. This one gives it back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Wrong use: the command line or the environment.
const WRONG_USE: u8 = 2;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error)
            if !error.use_stderr()
                || error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand =>
        {
            error.exit()
        }
        Err(error) => {
            let text = error.to_string();
            let sentence =
                text.split("\n\n").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
            eprintln!("tnhs: {}; see tnhs --help", sentence.trim_start_matches("error: "));
            return ExitCode::from(WRONG_USE);
        }
    };
    match run(cli.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tnhs: {}", in_one_line(&error));
            ExitCode::from(if error.is::<ConfigError>() { WRONG_USE } else { 1 })
        }
    }
}

/// What went wrong and why. PostgreSQL answers in several lines, and some errors repeat what caused them.
fn in_one_line(error: &anyhow::Error) -> String {
    let mut sentence = String::new();
    for cause in error.chain().map(ToString::to_string) {
        let words = cause.split_whitespace().collect::<Vec<_>>().join(" ");
        if sentence.is_empty() {
            sentence = words;
        } else if !sentence.contains(&words) {
            sentence = format!("{sentence}: {words}");
        }
    }
    sentence
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    // Before anything else: it has no environment, and needs none.
    if let Command::ReadWorkbook { limits, file } = command {
        let limits = <[u64; 5]>::try_from(limits).unwrap_or_default();
        let limits = spreadsheet::Limits::from_numbers(limits);
        spreadsheet::hand_over(&file, &limits, &mut std::io::stdout().lock())?;
        return Ok(ExitCode::SUCCESS);
    }
    let config = Config::from_env()?;
    telemetry::init(config.log);
    match command {
        Command::Serve { no_jobs } => {
            if !no_jobs {
                config.require_gateways()?;
            }
            let parts = Parts::build(config)?;
            require_schema(&parts.db)?;
            keep_made_up_people_here(&parts)?;
            serve(parts, !no_jobs, &[])
        }
        Command::Worker => {
            config.require_gateways()?;
            let parts = Parts::build(config)?;
            require_schema(&parts.db)?;
            keep_made_up_people_here(&parts)?;
            worker(parts)
        }
        Command::Migrate => {
            let db = Db::open(&config.database, 1)?;
            println!("{} migrations run on {}", db.migrate()?, config.database.backend());
            Ok(())
        }
        Command::Demo(args) => run_demo(config, &args),
        Command::Agency(AgencyCommand::Add { code, name, parent, province }) => {
            add_agency(&open(&config)?, &code, &name, parent.as_deref(), province.as_deref())
        }
        Command::Staff(StaffCommand::Add { login, name, role, agency }) => {
            add_staff(&open(&config)?, &login, &name, role, &agency)
        }
        Command::ApiKey(ApiKeyCommand::Add { name, scopes }) => add_api_key(&open(&config)?, &name, &scopes),
        Command::ApiKey(ApiKeyCommand::Revoke { name, id }) => revoke_api_key(&open(&config)?, name.as_deref(), id),
        Command::Import(command) => return import(config, command),
        Command::Recount => {
            println!("{} stays counted", tallies::recount(&open(&config)?)?);
            Ok(())
        }
        Command::Check => check(&config),
        // Done above.
        Command::ReadWorkbook { .. } => Ok(()),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn open(config: &Config) -> anyhow::Result<Db> {
    let db = Db::open(&config.database, 2)?;
    require_schema(&db)?;
    Ok(db)
}

fn require_schema(db: &Db) -> anyhow::Result<()> {
    if db.needs_migration()? {
        bail!("the database's schema is missing or older than this program; run: tnhs migrate");
    }
    Ok(())
}

/// A demonstration's messages may not reach a real gateway.
fn keep_made_up_people_here(parts: &Parts) -> anyhow::Result<()> {
    if parts.config.reaches_people() && parts.db.read(|conn| Ok::<_, DbError>(meta::is_demo(conn)?))? {
        bail!(
            "this database holds made-up people: their messages may only go into a folder (TNHS_SMS_URL, TNHS_SMS_BACKUP_URL, \
             TNHS_SMTP_URL)"
        );
    }
    Ok(())
}

/// Serves until SIGINT or SIGTERM, then finishes what is under way.
fn serve(parts: Arc<Parts>, with_jobs: bool, say: &[String]) -> anyhow::Result<()> {
    let listen = parts.config.listen;
    let listener = TcpListener::bind(listen).with_context(|| format!("TNHS_LISTEN: cannot listen on {listen}"))?;
    actix_web::rt::System::new().block_on(async {
        let server = server(Arc::clone(&parts), listener)?;
        let handle = server.handle();
        let (stop, stopped) = watch::channel(false);
        let jobs = with_jobs.then(|| tokio::spawn(jobs::run(Arc::clone(&parts), stopped)));
        println!("{}", parts.config.base_url);
        for line in say {
            println!("{line}");
        }
        tracing::info!("serving on {listen}, {}", parts.config.database.backend());
        let serving = tokio::spawn(server);
        asked_to_stop().await?;
        tracing::info!("stopping");
        // Nobody is left to hear: a receiver that is gone has stopped already.
        let _ = stop.send(true);
        handle.stop(true).await;
        if let Some(jobs) = jobs {
            jobs.await?;
        }
        Ok(serving.await??)
    })
}

fn worker(parts: Arc<Parts>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let (stop, stopped) = watch::channel(false);
        let jobs = tokio::spawn(jobs::run(parts, stopped));
        tracing::info!("working");
        asked_to_stop().await?;
        tracing::info!("stopping");
        let _ = stop.send(true);
        Ok(jobs.await?)
    })
}

async fn asked_to_stop() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn run_demo(mut config: Config, args: &DemoArgs) -> anyhow::Result<()> {
    // Whatever gateway the environment names: made-up people have no telephones.
    config.sms = Some(SmsUrl::Folder(config.data_dir.join("sms")));
    config.sms_backup = None;
    config.smtp = Some(SmtpUrl::Folder(config.data_dir.join("mail")));
    let parts = Parts::build(config)?;
    // Asked before anything is migrated: a database that was never migrated has no tables to answer with, and holds nothing.
    if !parts.db.is_new()? && !parts.db.read(|conn| Ok::<_, DbError>(meta::is_demo(conn)? || meta::is_empty(conn)?))? {
        bail!("this database holds real data; the demo needs an empty one (DATABASE_URL) or its own");
    }
    parts.db.migrate()?;
    let size = demo::Size { applications: args.applications, registry: args.registry, seed: args.seed };
    demo::fill(&parts.db, &parts.photos, &size, clock::now())?;
    if args.no_serve {
        return Ok(());
    }
    let say: Vec<String> =
        demo::SIGN_INS.iter().map(|who| format!("{} {} {}", who.role.code(), who.login, who.password)).collect();
    serve(parts, true, &say)
}

fn add_agency(db: &Db, code: &str, name: &str, parent: Option<&str>, province: Option<&str>) -> anyhow::Result<()> {
    if let Some(code) = province
        && places::province_name(code).is_none()
    {
        bail!("--province: there is no province with the code {code}");
    }
    db.write(|conn| -> Result<anyhow::Result<()>, DbError> {
        let above = match parent {
            None => None,
            Some(parent) => match agencies::find_by_code(conn, parent)? {
                Some(above) => Some(above),
                None => return Ok(Err(anyhow::anyhow!("--parent: there is no agency with the code {parent}"))),
            },
        };
        if agencies::find_by_code(conn, code)?.is_some() {
            return Ok(Err(anyhow::anyhow!("--code: {code} is taken")));
        }
        if above.is_none() && !agencies::all(conn, Scope::Country)?.is_empty() {
            return Ok(Err(anyhow::anyhow!("--parent: only the first agency, the centre, has none")));
        }
        agencies::insert(conn, code, name, above.as_ref(), province)?;
        let event = NewEvent {
            application: None,
            account: None,
            staff: None,
            kind: EventKind::AgencyAdded,
            at: clock::now(),
            address: None,
            before: None,
            after: Some(to_json(&serde_json::json!({ "agency": code }))),
        };
        Ok(Ok(events::add(conn, &event)?))
    })??;
    println!("{code} {name}");
    Ok(())
}

fn add_staff(db: &Db, login: &str, name: &Name, role: Role, agency: &str) -> anyhow::Result<()> {
    let password = new_password(&mut rand::rng());
    let hash = hash_now(&password)?;
    db.write(|conn| -> Result<anyhow::Result<()>, DbError> {
        let Some(agency) = agencies::find_by_code(conn, agency)? else {
            return Ok(Err(anyhow::anyhow!("--agency: there is no agency with the code {agency}")));
        };
        if staff::credentials(conn, login)?.is_some() {
            return Ok(Err(anyhow::anyhow!("--login: {login} is taken")));
        }
        let new = NewStaff {
            login,
            name: name.as_str(),
            role,
            agency_id: agency.id,
            password_hash: &hash,
            must_change_password: true,
        };
        let id = staff::insert(conn, &new, clock::now())?;
        let event = NewEvent {
            application: None,
            account: None,
            staff: None,
            kind: EventKind::StaffAdded,
            at: clock::now(),
            address: None,
            before: None,
            after: Some(to_json(&serde_json::json!({ "staff": id }))),
        };
        Ok(Ok(events::add(conn, &event)?))
    })??;
    println!("{} {login} {password}", role.code());
    Ok(())
}

fn add_api_key(db: &Db, name: &str, scopes: &[ApiScope]) -> anyhow::Result<()> {
    let key = new_key(&mut rand::rng());
    let by = By { staff: None, at: clock::now(), address: None };
    let added = db.write(|conn| Ok::<_, DbError>(api_keys::add(conn, name, scopes, &key, by)?))?;
    let id = added.with_context(|| format!("--name: a key in use is called {name}"))?;
    println!("{id} {key}");
    Ok(())
}

fn revoke_api_key(db: &Db, name: Option<&str>, id: Option<i64>) -> anyhow::Result<()> {
    let by = By { staff: None, at: clock::now(), address: None };
    let revoked = db.write(|conn| {
        let id = match name {
            Some(name) => api_keys::named(conn, name)?,
            None => id.map(ApiKeyId),
        };
        Ok::<_, DbError>(match id {
            Some(id) => api_keys::revoke(conn, id, by)?.then_some(id),
            None => None,
        })
    })?;
    let id = revoked.context("there is no such key in use")?;
    println!("{id} revoked");
    Ok(())
}

fn import(config: Config, command: ImportCommand) -> anyhow::Result<ExitCode> {
    let (kind, args, agency) = match command {
        ImportCommand::Registry(registry) => (workbook::Kind::Registry, registry.args, registry.agency),
        ImportCommand::Agencies(args) => (workbook::Kind::Agencies, args, None),
        ImportCommand::Staff(args) => (workbook::Kind::Staff, args, None),
        ImportCommand::Applications(args) => (workbook::Kind::Applications, args, None),
    };
    let ImportArgs { file, dry_run, mapping, sheet, refused, json, records, confirm_encoding } = args;
    let options =
        console::Options { kind, file, agency, dry_run, mapping, sheet, refused, json, records, confirm_encoding };
    let parts = Parts::build(config)?;
    require_schema(&parts.db)?;
    let went_through = console::run(&parts, &options)?;
    Ok(if went_through { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check(config: &Config) -> anyhow::Result<()> {
    println!("listen     {} ({})", config.listen, config.base_url);
    println!("data       {}", config.data_dir.display());
    let gateway = |set: bool, name: &str| if set { "configured".to_owned() } else { format!("not set ({name})") };
    println!("sms        {}", gateway(config.sms.is_some(), "TNHS_SMS_URL"));
    println!("sms backup {}", gateway(config.sms_backup.is_some(), "TNHS_SMS_BACKUP_URL"));
    println!("mail       {}", gateway(config.smtp.is_some(), "TNHS_SMTP_URL"));
    println!("database   {}", config.database.backend());
    let db = open(config)?;
    let (demo, empty, waiting) =
        db.read(|conn| Ok::<_, DbError>((meta::is_demo(conn)?, meta::is_empty(conn)?, messages::waiting(conn)?)))?;
    let holds = match (demo, empty) {
        (true, _) => "made-up people",
        (false, true) => "nothing yet",
        (false, false) => "real data",
    };
    println!("holds      {holds}, {waiting} messages wait to be sent");
    println!("in order");
    Ok(())
}
