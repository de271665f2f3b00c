//! 200 mailboxes behind one service account of the simulated Exchange, which bears 16 connections and has a budget: how fast
//! they cross, how that compares with any fixed number of connections, and whether all get their turn.

use crate::live::Address;
use crate::live::parom::{Parom, Settings};
use crate::{Result, failure};
use parom_lab::exchange::{Budget, ExchangeConfig, ExchangeServer, Person, Tally, Version};
use parom_lab::server::{Config, LabServer};
use parom_lab::{FolderPath, InternalDate};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

pub const KEY: &str = "fleet";
const TITLE: &str = "200 mailboxes behind one service account";
const PEOPLE: usize = 200;
const MESSAGES: usize = 20;
/// Connections to be tried one after the other. The last one is the server's own limit.
const SWEEP: [usize; 4] = [2, 4, 8, 16];
const CAP: usize = 16;
/// How long everybody is kept in step, to see whose turn it is how often.
const WATCH: Duration = Duration::from_secs(30);

/// Less than the first copy takes, and regained at a rate at which the server could go on for ever.
const BUDGET: Budget = Budget {
    burst_ms: 12_000,
    recharge_ms_per_hour: 4 * 3_600_000,
    cutoff_ms: 2_000,
    command_ms: 40,
    mebibyte_ms: 100,
    longest_backoff_ms: 300_000,
};

struct Fleet {
    exchange: ExchangeServer,
    target: LabServer,
    parom: Parom,
    _runtime: Runtime,
}

/// Returns the section of the report.
pub fn run(state: &Path, machine: &str) -> Result<String> {
    let mut text = format!("## {TITLE}\n\n`cargo xtask bench {KEY}` on {machine}\n\n");
    text.push_str("The simulated Exchange bears 16 connections of the account and 4 s of its own time in a second. First copies of ");
    let _ = write!(text, "{MESSAGES} messages each, with so many connections at most:\n\n");
    text.push_str(
        "| connections | wall, s | throttled | refused sign-ins | most connections |\n|---|---|---|---|---|\n",
    );
    let mut best = f64::MAX;
    let mut adaptive = f64::MAX;
    for (at, connections) in SWEEP.iter().enumerate() {
        let fleet = Fleet::build(&state.join(format!("fleet-{at}")), *connections)?;
        let began = Instant::now();
        fleet.parom.settle()?;
        let wall_s = began.elapsed().as_secs_f64();
        let tally = fleet.exchange.tally();
        best = best.min(wall_s);
        let Tally { throttled, refused_sign_ins, most_connections, .. } = tally;
        let _ =
            writeln!(text, "| {connections} | {wall_s:.1} | {throttled} | {refused_sign_ins} | {most_connections} |");
        println!("{connections} connections: {wall_s:.1} s, {tally:?}");
        if *connections == CAP {
            adaptive = wall_s;
            let openings = fleet.watched()?;
            let least = openings.iter().copied().min().unwrap_or(0);
            let most = openings.iter().copied().max().unwrap_or(0);
            let _ = write!(
                text,
                "\nKept in step for {} s with new mail for everybody: each mailbox was opened {least} to {most} times; fairness \
                 (Jain) {:.3}, where 1 is the same for all.\n",
                WATCH.as_secs(),
                fairness(&openings)
            );
            let tally = fleet.exchange.tally();
            let _ = write!(
                text,
                "\n- refused sign-ins: {}, bar 0: {}\n",
                tally.refused_sign_ins,
                met(tally.refused_sign_ins == 0)
            );
            let _ = writeln!(
                text,
                "- mailboxes that had no turn: {}, bar 0: {}",
                openings.iter().filter(|count| **count == 0).count(),
                met(least > 0)
            );
        }
    }
    let ratio = adaptive / best;
    let _ = writeln!(
        text,
        "- wall time at the limit, of the best number of connections: {ratio:.2}, bar 1.15: {}",
        met(ratio <= 1.15)
    );
    Ok(text)
}

fn met(is_met: bool) -> &'static str {
    if is_met { "met" } else { "MISSED" }
}

/// How evenly something is shared: 1 where all have the same, 1/n where one has everything.
fn fairness(shares: &[u64]) -> f64 {
    let sum: f64 = shares.iter().map(|share| *share as f64).sum();
    let squares: f64 = shares.iter().map(|share| (*share as f64).powi(2)).sum();
    if squares == 0.0 { 1.0 } else { sum * sum / (shares.len() as f64 * squares) }
}

fn name(at: usize) -> String {
    format!("person{at:03}")
}

fn mail(token: &str) -> Vec<u8> {
    let line = "The text of a message that is neither long nor short, once more.\r\n";
    format!(
        "From: anna@corp.example\r\nTo: boris@corp.example\r\nMessage-ID: <{token}@corp.example>\r\n\
         Date: Tue, 14 Nov 2023 22:13:20 +0300\r\nSubject: {token}\r\n\r\n{}",
        line.repeat(60)
    )
    .into_bytes()
}

impl Fleet {
    fn build(folder: &Path, connections: usize) -> Result<Fleet> {
        let runtime = Runtime::new()?;
        let people = (0..PEOPLE).map(name);
        let config =
            people.clone().fold(ExchangeConfig::new(Version::E2016).with(Person::new("svc")), |config, name| {
                config.with(Person::new(&name))
            });
        let exchange = runtime.block_on(ExchangeServer::start(config))?;
        exchange.grant_all("svc");
        exchange.switch(|quirks| (quirks.connections_per_user, quirks.budget) = (Some(CAP), Some(BUDGET)));
        let accounts = people.clone().map(|name| (name, "pass".to_owned())).collect();
        let target = runtime.block_on(LabServer::start(Config { accounts, ..Config::default() }))?;
        let address = |port| Address { host: "127.0.0.1".to_owned(), port, tls: false };
        let settings = Settings::new(address(exchange.addr().port()), address(target.addr().port()));
        let parom = Parom::new(folder, &settings)?;
        let side = |name: &str, port: u16, login: &str, password: &str| {
            format!(
                "[domain.{name}.imap]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nlogin = '{login}'\npassword = \"{password}\"\n"
            )
        };
        let text = format!(
            "[limits]\naccounts_at_once = 100\nlook_every_s = 5\n[[domain]]\nname = \"corp.example\"\ngrace_s = 0\n\
             {}service_login = 'CORP/svc'\nmax_connections = {connections}\nquirks = {{ index_lag_s = 1, recovery_grace_s = 1 }}\n\
             read_receipts = \"suppressed\"\n{}max_connections = 100\n",
            side("source", exchange.addr().port(), "{service_login}/{source_login}", "secret:svc"),
            side("target", target.addr().port(), "{target_login}", "account")
        );
        std::fs::write(parom.config(), text)?;
        std::fs::write(folder.join("svc"), "svc")?;
        parom.run(&["secret", "set", "svc", "--file", "svc"])?.ok()?;
        let rows: String = people.map(|name| format!("{name}@corp.example,pass\n")).collect();
        std::fs::write(folder.join("users.csv"), format!("email,target_password\n{rows}"))?;
        parom.run(&["import", "users.csv"])?.ok()?;
        let fleet = Fleet { exchange, target, parom, _runtime: runtime };
        for at in 0..MESSAGES {
            fleet.add(&format!("first{at}"))?;
        }
        Ok(fleet)
    }

    /// One message more for everybody.
    fn add(&self, token: &str) -> Result<()> {
        let date = InternalDate { unix_s: 1_700_000_000, offset_min: 180 };
        for name in (0..PEOPLE).map(name) {
            let hands = self.exchange.mailbox(&name).ok_or_else(|| failure("a mailbox that is not there"))?;
            hands.add(&FolderPath::inbox(), mail(&format!("{name}-{token}")), &["\\Seen"], date)?;
        }
        Ok(())
    }

    /// How often each mailbox was opened while all were kept in step. Everybody's mail has to have crossed in the end.
    fn watched(&self) -> Result<Vec<u64>> {
        let openings = || (0..PEOPLE).map(|at| self.exchange.openings(&name(at))).collect::<Vec<_>>();
        let before = openings();
        let mut watch = self.parom.command(&["sync", "--all", "--watch"]);
        let mut watch = watch.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        self.add("watched")?;
        std::thread::sleep(WATCH);
        let after = openings();
        let stopped = Command::new("kill").args(["-INT", &watch.id().to_string()]).status()?;
        watch.wait()?;
        if !stopped.success() {
            return Err(failure("the watch could not be stopped"));
        }
        self.parom.settle()?;
        for name in (0..PEOPLE).map(name) {
            let hands = self.target.mailbox(&name).ok_or_else(|| failure("a mailbox that is not there"))?;
            let there: usize = hands.snapshot().values().map(Vec::len).sum();
            if there != MESSAGES + 1 {
                return Err(failure(format!("{name} has {there} messages on the target, not {}", MESSAGES + 1)));
            }
        }
        Ok(after.iter().zip(&before).map(|(after, before)| after - before).collect())
    }
}
