//! The grammar of the command line. The words that people read come from the locale files (`help-...`).

use crate::i18n::Lang;
use clap::{ArgAction, ArgGroup, Args, Parser, Subcommand};
use std::path::PathBuf;

/// The configuration that is read when none is named.
pub const DEFAULT_CONFIG: &str = "./parom.toml";

// No doc comments below this line: clap would take them for help texts, and those have two languages.

#[derive(Debug, Parser)]
#[command(name = "parom", version, disable_help_subcommand = true, subcommand_required = true)]
pub struct Cli {
    #[arg(
        long,
        global = true,
        env = "PAROM_CONFIG",
        default_value = DEFAULT_CONFIG,
        value_name = "FILE",
        hide_env = true,
        hide_default_value = true
    )]
    pub config: PathBuf,
    // Read before clap runs (see `Lang::wanted`); declared here so that it is known and checked.
    #[arg(long, global = true, value_name = "LANG", hide_possible_values = true)]
    pub lang: Option<Lang>,
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Init(Init),
    #[command(subcommand)]
    Account(Account),
    Import(Import),
    Sync(Sync),
    #[command(subcommand)]
    Calendar(Calendar),
    #[command(subcommand)]
    Oof(Oof),
    Status(Status),
    Parked(Parked),
    Brakes(Brakes),
    Verify(Verify),
    #[command(subcommand)]
    Secret(Secret),
    #[command(subcommand)]
    Login(Login),
    #[cfg(feature = "demo")]
    Demo(Demo),
    #[command(hide = true)]
    Reference(Reference),
}

#[derive(Debug, Args)]
pub struct Init {
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Option<String>,
    #[arg(long, value_name = "HOST")]
    pub source_host: Option<String>,
    #[arg(long, value_name = "HOST")]
    pub target_host: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Account {
    Add(AccountAdd),
    List(AccountList),
    On(AccountName),
    Off(AccountName),
    Set(AccountSet),
    Remove(AccountName),
}

#[derive(Debug, Args)]
pub struct AccountAdd {
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    #[arg(long, value_name = "LOGIN")]
    pub source_login: Option<String>,
    #[arg(long, value_name = "LOGIN")]
    pub target_login: Option<String>,
    #[arg(long, value_name = "FILE")]
    pub source_password_file: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    pub target_password_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct AccountList {
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct AccountName {
    #[arg(value_name = "ADDRESS", required = true)]
    pub addresses: Vec<String>,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true).args(["priority", "database"]))]
pub struct AccountSet {
    #[command(flatten)]
    pub names: AccountName,
    #[arg(long, value_enum, value_name = "PRIORITY")]
    pub priority: Option<Priority>,
    #[arg(long, value_name = "NAME")]
    pub database: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Priority {
    High,
    Normal,
    Low,
}

#[derive(Debug, Args)]
pub struct Import {
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[arg(long)]
    pub dry_run: bool,
    #[arg(long)]
    pub without_bad_rows: bool,
    #[arg(long, value_name = "FILE")]
    pub vk_csv: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whom").required(true).args(["account", "all"]))]
pub struct Sync {
    #[arg(long, value_name = "ADDRESS")]
    pub account: Vec<String>,
    #[arg(long)]
    pub all: bool,
    #[arg(long, conflicts_with = "watch")]
    pub until_settled: bool,
    #[arg(long, conflicts_with = "dry_run")]
    pub watch: bool,
    #[arg(long)]
    pub dry_run: bool,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Calendar {
    Sync(CalendarSync),
    Subscribe(CalendarRun),
    Unsubscribe(CalendarWhom),
    Status(CalendarShow),
    Verify(CalendarShow),
    Plan(CalendarPlan),
    #[command(subcommand)]
    Archive(CalendarArchive),
}

#[derive(Debug, Subcommand)]
pub enum CalendarArchive {
    List(CalendarShow),
    Get(CalendarArchiveGet),
    Restore(CalendarArchiveItem),
}

#[derive(Debug, Args)]
pub struct CalendarArchiveItem {
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    #[arg(value_name = "NUMBER")]
    pub number: u64,
}

#[derive(Debug, Args)]
pub struct CalendarArchiveGet {
    #[command(flatten)]
    pub item: CalendarArchiveItem,
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whom").required(true).args(["accounts", "all"]))]
pub struct CalendarWhom {
    #[arg(value_name = "ADDRESS")]
    pub accounts: Vec<String>,
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, Args)]
pub struct CalendarSync {
    #[command(flatten)]
    pub run: CalendarRun,
    #[arg(long, conflicts_with_all = ["all", "dry_run"])]
    pub on: bool,
}

#[derive(Debug, Args)]
pub struct CalendarRun {
    #[command(flatten)]
    pub whom: CalendarWhom,
    #[arg(long, conflicts_with = "dry_run")]
    pub watch: bool,
    #[arg(long)]
    pub dry_run: bool,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whom").required(true).args(["accounts", "all"]))]
pub struct CalendarPlan {
    #[arg(value_name = "ADDRESS")]
    pub accounts: Vec<String>,
    #[arg(long)]
    pub all: bool,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct CalendarShow {
    #[arg(value_name = "ADDRESS")]
    pub accounts: Vec<String>,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Oof {
    Copy(OofCopy),
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whom").required(true).args(["accounts", "all"]))]
pub struct OofCopy {
    #[arg(value_name = "ADDRESS")]
    pub accounts: Vec<String>,
    #[arg(long)]
    pub all: bool,
    #[arg(long)]
    pub dry_run: bool,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Status {
    #[arg(long)]
    pub server: bool,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Parked {
    #[arg(long, value_name = "ADDRESS")]
    pub account: Vec<String>,
    #[arg(long)]
    pub retry: bool,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Brakes {
    #[arg(long)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Option<BrakesCommand>,
}

#[derive(Debug, Subcommand)]
pub enum BrakesCommand {
    Release(AccountName),
}

#[derive(Debug, Args)]
pub struct Verify {
    #[arg(value_name = "ADDRESS")]
    pub accounts: Vec<String>,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Secret {
    Set(SecretSet),
    List(SecretList),
    Remove(SecretName),
}

#[derive(Debug, Args)]
pub struct SecretSet {
    #[arg(value_name = "NAME")]
    pub name: String,
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct SecretList {
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct SecretName {
    #[arg(value_name = "NAME")]
    pub name: String,
}

#[derive(Debug, Subcommand)]
pub enum Login {
    Find(LoginFind),
}

#[derive(Debug, Args)]
pub struct LoginFind {
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    #[arg(long, value_name = "NAME")]
    pub service_account: String,
    #[arg(long, value_name = "DOMAIN")]
    pub nt_domain: Option<String>,
    #[arg(long, value_name = "LOGIN")]
    pub service_upn: Option<String>,
    #[arg(long)]
    pub json: bool,
}

#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub struct Demo {
    #[arg(long)]
    pub keep: bool,
}

#[derive(Debug, Args)]
pub struct Reference {
    #[arg(value_enum, value_name = "PAGE")]
    pub page: ReferencePage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ReferencePage {
    Config,
    Cli,
    Errors,
}
