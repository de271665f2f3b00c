//! Two Dovecots with mail on tmpfs, and the three tools set up to copy between them.

use super::corpus::{self, Shape};
use super::floor::{self, Mail, Pair};
use super::follow::Stands;
use super::measure::{self, Cost, Invocation};
use super::scenario::Kind;
use crate::live::dovecot::Options;
use crate::live::parom::{Parom, Settings};
use crate::live::relay::Relay;
use crate::live::tls::Validity;
use crate::live::{Address, Dovecot, PASSWORD, oracle};
use crate::{Result, failure, paths};
use parom_lab::proxy::Counters;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Parom,
    Mbsync,
    /// `doveadm sync`: it reads over IMAP and writes the target's storage itself.
    Doveadm,
    /// No tool: what the servers alone need ([`floor`]).
    Floor,
}

impl Tool {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Tool::Parom => "parom",
            Tool::Mbsync => "mbsync",
            Tool::Doveadm => "doveadm",
            Tool::Floor => "floor",
        }
    }
}

/// What surrounds the tools in a scenario.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub users: u64,
    pub shape: Shape,
    pub round_trip: Duration,
    pub tls: bool,
}

/// What lies between the tools and the servers, and how these differ from ordinary ones.
#[derive(Clone, Copy, Debug, Default)]
pub struct Surroundings {
    /// Bytes and turns are counted, also where there is no delay.
    pub counted: bool,
    /// Bytes per second of the line to each server, in each direction.
    pub line_bytes_per_s: Option<u64>,
    /// The servers offer COMPRESS=DEFLATE.
    pub compress: bool,
    /// Further lines for the configuration of the servers.
    pub servers: &'static str,
}

/// One of several installations of Parom side by side, with a copy of its own.
#[derive(Clone, Debug, Default)]
pub struct Variant {
    /// Empty for the only one.
    pub name: &'static str,
    /// Further lines for both sides in its configuration.
    pub sides: String,
}

/// The servers and where the tools keep what they remember.
pub struct Rig {
    setting: Setting,
    source: Dovecot,
    target: Dovecot,
    source_address: Address,
    target_address: Address,
    relays: Vec<Relay>,
    state: PathBuf,
    variant: Variant,
    pub corpus_bytes: u64,
    /// All mail in memory, once the floor has been asked for.
    mail: Vec<Mail>,
    stands: Stands,
}

/// So many processes of a tool that serves one mailbox at a time.
const PROCESSES: &str = "8";

impl Rig {
    /// Starts the servers and writes the mail. `state` lies on a real disk, because durable intents are measured too.
    pub fn build(setting: Setting, state: &Path) -> Result<Rig> {
        Rig::build_in(Surroundings::default(), setting, state)
    }

    /// The same in surroundings of its own.
    pub fn build_in(around: Surroundings, setting: Setting, state: &Path) -> Result<Rig> {
        let options = Options {
            tls: setting.tls.then_some(Validity::Now),
            below: Some(PathBuf::from("/dev/shm")),
            compress: around.compress,
            extra: around.servers.to_owned(),
            ..Options::default()
        };
        let source = Dovecot::start(options.clone())?;
        let target = Dovecot::start(options)?;
        let mut corpus_bytes = 0;
        for user in 0..setting.users {
            corpus_bytes += corpus::write(source.account(), &source.home(&name(user)), setting.shape, user + 1)?;
            // The source's own indexes are built before anything is measured, but not for thousands of tiny mailboxes.
            if setting.users <= 100 {
                oracle::run(&["stats", &oracle::address(&source.plain(), &name(user))])?;
            }
        }
        let mut relays = Vec::new();
        let mut reach = |server: &Dovecot| -> Result<Address> {
            let address = if setting.tls { server.implicit_tls() } else { server.plain() };
            if setting.round_trip.is_zero() && around.line_bytes_per_s.is_none() && !around.counted {
                return Ok(address);
            }
            let relay = Relay::start(&address, setting.round_trip)?;
            relay.proxy().change(|conditions| conditions.line_bytes_per_s = around.line_bytes_per_s);
            let reached = relay.address();
            relays.push(relay);
            Ok(reached)
        };
        let (source_address, target_address) = (reach(&source)?, reach(&target)?);
        let state = state.to_owned();
        Ok(Rig {
            setting,
            source,
            target,
            source_address,
            target_address,
            relays,
            state,
            variant: Variant::default(),
            corpus_bytes,
            mail: Vec::new(),
            stands: Stands::default(),
        })
    }

    /// From here on this installation of Parom is meant.
    pub fn take(&mut self, variant: Variant) {
        self.variant = variant;
    }

    /// What has passed between the tools and the servers so far.
    #[must_use]
    pub fn traffic(&self) -> Vec<Counters> {
        self.relays.iter().map(|relay| relay.proxy().counters()).collect()
    }

    #[must_use]
    pub fn messages(&self) -> u64 {
        self.setting.users * self.setting.shape.messages
    }

    /// Empties the target of this tool and makes the tool forget everything.
    pub fn start_over(&self, tool: Tool) -> Result<()> {
        for user in 0..self.setting.users {
            self.target.wipe(&self.own(tool, user))?;
        }
        let folder = self.folder(tool);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        match tool {
            Tool::Parom => self.set_up_parom(),
            Tool::Mbsync => self.set_up_mbsync(),
            Tool::Doveadm | Tool::Floor => Ok(()),
        }
    }

    /// Runs the tool once: its target comes into step with the source.
    pub fn run(&self, tool: Tool) -> Result<Cost> {
        measure::run(&self.invocation(tool)?)
    }

    /// What the servers alone need for that.
    pub fn floor(&mut self, kind: Kind) -> Result<Cost> {
        // Taken out and put back: what they are copied to is borrowed meanwhile.
        let mut mail = std::mem::take(&mut self.mail);
        let pairs: Vec<Pair<'_>> = (0..self.setting.users)
            .map(|user| Pair {
                source: (&self.source_address, name(user)),
                target: (&self.target_address, self.own(Tool::Floor, user)),
            })
            .collect();
        if kind == Kind::Again && self.stands.are_known() {
            return self.stands.follow(&pairs);
        }
        if mail.is_empty() {
            mail = pairs.iter().map(|pair| floor::read(pair.source.0, &pair.source.1)).collect::<Result<_>>()?;
        }
        let cost = floor::copy(&pairs, &mail)?;
        if kind == Kind::Again {
            self.stands.follow(&pairs)?;
        }
        self.mail = mail;
        Ok(cost)
    }

    /// Can the floor be measured here? It speaks plain IMAP, and knows no round trips to save.
    #[must_use]
    pub fn has_floor(&self) -> bool {
        let Setting { round_trip, tls, shape, .. } = self.setting;
        round_trip.is_zero() && !tls && shape.messages > 1
    }

    /// The command that brings the target of this tool in step with the source.
    pub fn invocation(&self, tool: Tool) -> Result<Invocation> {
        match tool {
            Tool::Parom => {
                let parom = paths::parom().ok_or_else(|| failure("parom is not built"))?;
                let config = self.folder(tool).join("parom.toml");
                let arguments = ["--config".into(), config.into_os_string(), "sync".into(), "--all".into()];
                Ok(Invocation::new(parom, &self.folder(tool), arguments))
            }
            Tool::Mbsync => {
                let one = format!("mbsync -q -a -c '{}/{{}}.rc'", self.folder(tool).display());
                self.for_each_user(&one, tool)
            }
            Tool::Doveadm => {
                let mut invocation = self.for_each_user(&self.doveadm_sync(), tool)?;
                invocation.account = Some(self.target.account().clone());
                invocation.folder = PathBuf::from("/");
                Ok(invocation)
            }
            Tool::Floor => Err(failure("the floor is no command")),
        }
    }

    /// One shell line for each user, side by side when there are many.
    fn for_each_user(&self, one: &str, tool: Tool) -> Result<Invocation> {
        let shell = paths::program("sh").ok_or_else(|| failure("there is no sh"))?;
        let line = if self.setting.users == 1 {
            format!("exec {}", one.replace("{}", &name(0)))
        } else {
            let users: Vec<String> = (0..self.setting.users).map(name).collect();
            format!("printf '%s\\n' {} | xargs -P {PROCESSES} -I '{{}}' {one}", users.join(" "))
        };
        Ok(Invocation::new(shell, &self.folder(tool), ["-c".to_owned(), line]))
    }

    fn doveadm_sync(&self) -> String {
        let Address { host, port, tls } = &self.source_address;
        let ssl = if *tls { "-o imapc_ssl=imaps -o imapc_ssl_verify=no" } else { "" };
        format!(
            "doveadm -c '{}' -o imapc_host={host} -o imapc_port={port} {ssl} -o imapc_user={{}} \
             -o imapc_password={PASSWORD} -o 'imapc_features=rfc822.size fetch-headers' -o mail_prefetch_count=50 \
             sync -1 -R -u {{}}-doveadm imapc:",
            self.target.config().display()
        )
    }

    fn set_up_parom(&self) -> Result<()> {
        let mut settings = Settings::new(self.source_address.clone(), self.target_address.clone());
        if let Some(certificate) = self.source.certificate() {
            settings.source.trust = certificate.certificate.display().to_string();
        }
        if let Some(certificate) = self.target.certificate() {
            settings.target.trust = certificate.certificate.display().to_string();
        }
        for side in [&mut settings.source, &mut settings.target] {
            side.extra.push_str(&self.variant.sides);
        }
        let parom = Parom::new(&self.folder(Tool::Parom), &settings)?;
        for user in 0..self.setting.users {
            parom.add(&name(user), &name(user), &self.own(Tool::Parom, user))?;
        }
        Ok(())
    }

    fn set_up_mbsync(&self) -> Result<()> {
        let folder = self.folder(Tool::Mbsync);
        for user in 0..self.setting.users {
            let state = folder.join(name(user));
            fs::create_dir_all(&state)?;
            let mut text = String::new();
            for (store, server, address, login) in [
                ("far", &self.source, &self.source_address, name(user)),
                ("near", &self.target, &self.target_address, self.own(Tool::Mbsync, user)),
            ] {
                let Address { port, .. } = address;
                // Of the certificate's names mbsync 1.4 compares DNS names only, not addresses.
                let host = if address.tls { "localhost" } else { &address.host };
                let tls = match server.certificate() {
                    Some(made) => format!("SSLType IMAPS\nCertificateFile {}\n", made.certificate.display()),
                    None => "SSLType None\n".to_owned(),
                };
                let _ = write!(
                    text,
                    "IMAPAccount {store}\nHost {host}\nPort {port}\nUser {login}\nPass {PASSWORD}\n{tls}\n\
                     IMAPStore {store}\nAccount {store}\n\n"
                );
            }
            let _ = write!(
                text,
                "Channel all\nFar :far:\nNear :near:\nPatterns *\nSync All\nCreate Both\nExpunge Both\n\
                 CopyArrivalDate yes\nSyncState {}/\n",
                state.display()
            );
            fs::write(folder.join(format!("{}.rc", name(user))), text)?;
        }
        Ok(())
    }

    /// New messages (1 %) and changed flags (5 %) on the source, in every folder.
    pub fn churn(&self, seed: usize) -> Result<()> {
        for user in 0..self.setting.users {
            let address = oracle::address(&self.source.plain(), &name(user));
            oracle::run(&["churn", &address, "--seed", &seed.to_string()])?;
        }
        Ok(())
    }

    /// Some messages of the source go into other folders.
    pub fn shift(&self, seed: usize, count: usize) -> Result<()> {
        for user in 0..self.setting.users {
            let address = oracle::address(&self.source.plain(), &name(user));
            let (seed, count) = (seed.to_string(), count.to_string());
            oracle::run(&["edit", &address, "--seed", &seed, "--count", &count, "--ops", "move"])?;
        }
        Ok(())
    }

    /// Are the copies of Parom equal to the source, message by message?
    pub fn check(&self) -> Result<()> {
        for user in 0..self.setting.users {
            let source = oracle::address(&self.source.plain(), &name(user));
            let target = oracle::address(&self.target.plain(), &self.own(Tool::Parom, user));
            oracle::run(&["compare", &source, &target])?;
        }
        Ok(())
    }

    fn folder(&self, tool: Tool) -> PathBuf {
        self.state.join(format!("{}{}", tool.name(), self.variant.name))
    }

    /// Each tool has targets of its own, so that none finds another's work.
    fn own(&self, tool: Tool, user: u64) -> String {
        format!("user{user}-{}{}", tool.name(), self.variant.name)
    }
}

fn name(user: u64) -> String {
    format!("user{user}")
}
