//! What can be typed: the commands and their arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tnhs::domain::agency;
use tnhs::domain::api_key::{self, ApiScope};
use tnhs::domain::names::Name;
use tnhs::domain::permission::Role;
use tnhs::domain::staff::parse_login;

/// The back office in which BHXH approves citizens' registrations for electronic transactions.
#[derive(Parser)]
#[command(name = "tnhs", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Serve the pages, and run the background jobs unless told not to
    Serve {
        /// Leave the background jobs to `tnhs worker`
        #[arg(long)]
        no_jobs: bool,
    },
    /// Run the background jobs alone
    Worker,
    /// Create the database's schema or bring it up to date
    Migrate,
    /// Fill a database with a made-up province and serve it
    Demo(DemoArgs),
    /// Agencies
    #[command(subcommand, arg_required_else_help = true)]
    Agency(AgencyCommand),
    /// Members of staff
    #[command(subcommand, arg_required_else_help = true)]
    Staff(StaffCommand),
    /// Keys with which other programs use the interface
    #[command(subcommand, arg_required_else_help = true)]
    ApiKey(ApiKeyCommand),
    /// Bring data in from a workbook
    #[command(subcommand, arg_required_else_help = true)]
    Import(ImportCommand),
    /// Make again from the history what reports count; whoever decides an application meanwhile waits
    Recount,
    /// Say whether the configuration and the database are in order
    Check,
    /// Read a workbook for another process of this program; what is written is not for people
    #[command(hide = true)]
    ReadWorkbook {
        /// The limits, in the order of their declaration
        #[arg(num_args = 5)]
        limits: Vec<u64>,
        #[arg(last = true)]
        file: PathBuf,
    },
}

#[derive(Args)]
pub struct DemoArgs {
    /// How many applications
    #[arg(long, default_value_t = 2_000)]
    pub applications: u32,
    /// How many people in the household registry
    #[arg(long, default_value_t = 20_000)]
    pub registry: u32,
    /// The same seed gives the same people
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Only fill the database
    #[arg(long)]
    pub no_serve: bool,
}

#[derive(Subcommand)]
pub enum AgencyCommand {
    /// Add an agency: first the centre, then its provinces, then their offices
    Add {
        /// 3 digits for the centre and a province, 5 for an office
        #[arg(long, value_parser = |raw: &str| agency::parse_code(raw).map_err(|fault| fault.0))]
        code: String,
        #[arg(long, value_parser = |raw: &str| agency::parse_name(raw).map_err(|fault| fault.0))]
        name: String,
        /// The code of the agency above; none for the centre
        #[arg(long)]
        parent: Option<String>,
        /// The two-digit code of the province, as in data/provinces.csv
        #[arg(long)]
        province: Option<String>,
    },
}

#[derive(Subcommand)]
pub enum StaffCommand {
    /// Add a member of staff; the password for the first sign-in is printed once
    Add {
        #[arg(long, value_parser = |raw: &str| parse_login(raw).map_err(|fault| fault.0))]
        login: String,
        /// Full name
        #[arg(long, value_parser = |raw: &str| Name::parse(raw).map_err(|fault| fault.0))]
        name: Name,
        #[arg(long, value_parser = parse_role)]
        role: Role,
        /// The code of their agency
        #[arg(long)]
        agency: String,
    },
}

#[derive(Subcommand)]
pub enum ApiKeyCommand {
    /// Add a key; it is printed once
    Add {
        /// The program that it is for
        #[arg(long, value_parser = |raw: &str| api_key::parse_name(raw).map_err(|fault| fault.0))]
        name: String,
        /// What it opens: accounts; may be given several times
        #[arg(long = "scope", required = true, value_parser = parse_scope)]
        scopes: Vec<ApiScope>,
    },
    /// Revoke a key: from now on it opens nothing
    #[command(group = clap::ArgGroup::new("which").required(true).args(["name", "id"]))]
    Revoke {
        #[arg(long)]
        name: Option<String>,
        /// The number that was printed with it
        #[arg(long)]
        id: Option<i64>,
    },
}

#[derive(Subcommand)]
pub enum ImportCommand {
    /// The household registry
    Registry(RegistryArgs),
    /// Agencies: import them before staff and applications, which name them
    Agencies(ImportArgs),
    /// Members of staff; their first passwords are handed out on the page Cán bộ
    Staff(ImportArgs),
    /// Declarations collected at a mobile desk or by an employer
    Applications(ImportArgs),
}

#[derive(Args)]
pub struct RegistryArgs {
    #[command(flatten)]
    pub args: ImportArgs,
    /// The code of the agency whose people these are, for the report on coverage; the centre when it is not given
    #[arg(long)]
    pub agency: Option<String>,
}

#[derive(Args)]
pub struct ImportArgs {
    /// .xlsx, .xls, .xlsb, .ods, .csv, or a table that a portal saved as .xls
    pub file: PathBuf,
    /// Say what would happen and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// A JSON file that says where headers and columns are: the `sheets` of --json
    #[arg(long)]
    pub mapping: Option<PathBuf>,
    /// Read only this sheet
    #[arg(long)]
    pub sheet: Option<String>,
    /// Write the rows that are not taken, with their reasons, to this .xlsx
    #[arg(long)]
    pub refused: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// With --json: also every row that is taken
    #[arg(long, requires = "json")]
    pub records: bool,
    /// Accept the conversion from a legacy encoding (TCVN3, VNI, Windows-1258)
    #[arg(long)]
    pub confirm_encoding: bool,
}

fn parse_role(code: &str) -> Result<Role, String> {
    Role::from_code(code).ok_or_else(|| "it must be officer, supervisor or admin".into())
}

fn parse_scope(code: &str) -> Result<ApiScope, String> {
    ApiScope::from_code(code).ok_or_else(|| "it must be accounts".into())
}
