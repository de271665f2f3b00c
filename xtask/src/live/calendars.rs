//! Calendars on the lab's Exchange and on a CalDAV server, and the real binary between them, for storms and benchmarks.

use super::parom::{Parom, Settings};
use super::relay::Relay;
use super::{Address, PASSWORD, Radicale, Sogo};
use crate::{Result, failure};
use parom_lab::caldav::{self, CalDav, Person, Scheduling};
use parom_lab::ews::{self, Ews, Outlook, User};
use parom_lab::exchange::Version;
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Which server the target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The lab's own.
    Lab,
    Radicale,
    /// The one that mails people about events.
    Sogo,
}

/// A running target.
pub enum Target {
    Lab(CalDav),
    Radicale(Radicale),
    Sogo(Sogo),
}

impl Target {
    #[must_use]
    pub fn port(&self) -> u16 {
        match self {
            Target::Lab(dav) => dav.addr().port(),
            Target::Radicale(radicale) => radicale.port(),
            Target::Sogo(sogo) => sogo.port(),
        }
    }

    #[must_use]
    pub fn lab(&self) -> Option<&CalDav> {
        match self {
            Target::Lab(dav) => Some(dav),
            Target::Radicale(_) | Target::Sogo(_) => None,
        }
    }

    #[must_use]
    pub fn sogo(&self) -> Option<&Sogo> {
        match self {
            Target::Sogo(sogo) => Some(sogo),
            Target::Lab(_) | Target::Radicale(_) => None,
        }
    }
}

/// How the stage is set.
#[derive(Clone, Debug)]
pub struct Plot {
    pub people: usize,
    pub peer: Peer,
    /// Between Parom and the servers there are proxies that can break connections.
    pub relays: bool,
    pub accounts_at_once: usize,
    /// To each server.
    pub connections: usize,
}

pub struct Rig {
    pub parom: Parom,
    pub people: Vec<String>,
    /// Before the Exchange and before the target.
    pub relays: Option<[Relay; 2]>,
    pub ews: Ews,
    pub target: Target,
    // Last, so that the servers end before what they run on.
    runtime: Runtime,
}

impl Rig {
    /// Starts both servers with everybody on them, and tells Parom of everybody. Nothing is carried yet.
    pub fn build(folder: &Path, plot: &Plot) -> Result<Rig> {
        let runtime = Runtime::new()?;
        let people: Vec<String> = (0..plot.people).map(|at| format!("person{at:02}")).collect();
        let mut config = ews::Config::new(Version::E2016);
        config.users.extend(people.iter().map(|name| User::new(&address(name), name)));
        let ews = runtime.block_on(Ews::start(config))?;
        let target = match plot.peer {
            Peer::Lab => {
                let all = people.iter().map(|name| Person::new(name, PASSWORD));
                let mut config = all.fold(caldav::Config::plain(), caldav::Config::with);
                config.switches.scheduling = Scheduling::ByAgent;
                Target::Lab(runtime.block_on(CalDav::start(config))?)
            }
            Peer::Radicale => {
                let names: Vec<&str> = people.iter().map(String::as_str).collect();
                Target::Radicale(Radicale::start(&names)?)
            }
            Peer::Sogo => {
                let names: Vec<&str> = people.iter().map(String::as_str).collect();
                Target::Sogo(Sogo::start(&names)?)
            }
        };
        let ports = [ews.addr().port(), target.port()];
        let relay = |port: u16| Relay::start(&Address::plain(port), Duration::ZERO);
        let relays = if plot.relays { Some([relay(ports[0])?, relay(ports[1])?]) } else { None };
        let ports = relays.as_ref().map_or(ports, |relays| relays.each_ref().map(|relay| relay.address().port));
        let nowhere = Address::plain(1);
        let parom = Parom::new(folder, &Settings::new(nowhere.clone(), nowhere))?;
        std::fs::write(parom.config(), configuration(ports, plot))?;
        std::fs::write(folder.join("svc"), "svc")?;
        parom.run(&["secret", "set", "svc@corp.example", "--file", "svc"])?.ok()?;
        let rows: String = people.iter().map(|name| format!("{},{PASSWORD}\n", address(name))).collect();
        std::fs::write(folder.join("users.csv"), format!("email,target_password\n{rows}"))?;
        parom.run(&["import", "users.csv"])?.ok()?;
        Ok(Rig { parom, people, relays, ews, target, runtime })
    }

    #[must_use]
    pub fn outlook(&self, name: &str) -> Outlook {
        self.ews.outlook(&address(name))
    }

    /// Ends all connections to the target's server and starts it anew.
    pub fn restart_target(&self) -> Result<()> {
        let Some(dav) = self.target.lab() else { return Err(failure("only the lab's server is restarted")) };
        Ok(self.runtime.block_on(dav.restart())?)
    }
}

#[must_use]
pub fn address(name: &str) -> String {
    format!("{name}@corp.example")
}

fn configuration([ews, caldav]: [u16; 2], plot: &Plot) -> String {
    let Plot { accounts_at_once, connections, .. } = plot;
    let start = if plot.peer == Peer::Sogo { "SOGo/dav/" } else { "" };
    format!(
        "state = \"sqlite:parom.db\"\n[limits]\nlook_every_s = 1\naccounts_at_once = {accounts_at_once}\n\
         [[domain]]\nname = \"corp.example\"\ngrace_s = 1\n\
         [domain.source.imap]\nhost = \"127.0.0.1\"\nlogin = \"{{source_login}}\"\n\
         [domain.source.ews]\nurl = \"http://127.0.0.1:{ews}/EWS/Exchange.asmx\"\nlogin = \"{{service_login}}\"\n\
         service_login = \"svc@corp.example\"\npassword = \"secret:{{service_login}}\"\nmax_connections = {connections}\n\
         [domain.target.imap]\nhost = \"127.0.0.1\"\nlogin = \"{{target_login}}\"\n\
         [domain.target.caldav]\nurl = \"http://127.0.0.1:{caldav}/{start}\"\nlogin = \"{{target_login}}\"\n\
         max_connections = {connections}\n"
    )
}
