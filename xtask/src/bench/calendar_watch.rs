//! Calendars of many mailboxes kept in step by one process: what it weighs, what it costs while nothing happens, and how soon
//! a change of Exchange is on the other side.

use crate::live::Address;
use crate::live::parom::{Parom, Settings};
use crate::live::radicale::Radicale;
use crate::{Result, failure, live};
use parom_lab::ews::{Config, Event, Ews, User};
use parom_lab::exchange::Version;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

pub const KEY: &str = "calendar-watch";
pub const MAILBOXES: usize = 1000;
/// Changes whose way is timed, one after the other.
const CHANGES: usize = 100;
/// How long nothing happens.
const IDLE: Duration = Duration::from_secs(120);
const MOST_MB: f64 = 200.0;
const MOST_CPU_PERCENT: f64 = 5.0;
const MOST_LATENCY_S: f64 = 5.0;
/// What takes longer than this never comes.
const PATIENCE: Duration = Duration::from_secs(120);

struct Scene {
    ews: Ews,
    radicale: Radicale,
    watch: Child,
    mailboxes: usize,
    _runtime: Runtime,
}

/// Returns the section of the report.
pub fn run(mailboxes: usize, state: &Path, machine: &str) -> Result<String> {
    println!("{mailboxes} calendars, watched");
    let began = Instant::now();
    let scene = Scene::build(mailboxes, &state.join(KEY))?;
    scene.until_calm()?;
    let settled_s = began.elapsed().as_secs_f64();
    println!("in step and subscribed after {settled_s:.0} s");
    let cpu_before = scene.cpu_s()?;
    let idle = Instant::now();
    std::thread::sleep(IDLE.min(Duration::from_secs(mailboxes as u64)));
    let cpu_percent = (scene.cpu_s()? - cpu_before) * 100.0 / idle.elapsed().as_secs_f64();
    let memory_mb = scene.memory_mb("VmRSS:")?;
    let mut latencies = scene.latencies()?;
    latencies.sort_by(f64::total_cmp);
    let at = |percent: usize| latencies.get((latencies.len() * percent / 100).min(latencies.len() - 1)).copied();
    let (median, p95) = (at(50).unwrap_or(f64::NAN), at(95).unwrap_or(f64::NAN));
    let peak_mb = scene.memory_mb("VmHWM:")?;
    let met = |value: f64, bar: f64| if value <= bar { "met" } else { "MISSED" };
    let mut text =
        format!("## Calendars of {mailboxes} mailboxes, watched\n\n`cargo xtask bench {KEY}` on {machine}\n\n");
    let _ = write!(
        text,
        "Between the simulated Exchange 2016 and Radicale; {} subscriptions on {} streams, in step after {settled_s:.0} s.\n\n\
         - memory while nothing happens, MB: {memory_mb:.1} (at most {peak_mb:.1}), bar {MOST_MB}: {}\n\
         - CPU while nothing happens, % of a core: {cpu_percent:.2}, bar {MOST_CPU_PERCENT}: {}\n\
         - a change of Exchange is on the other side after, s: {median:.2} (median), {p95:.2} (95 of 100), bar {MOST_LATENCY_S}: \
         {}\n",
        scene.ews.subscriptions(),
        scene.ews.streams(),
        met(memory_mb, MOST_MB),
        met(cpu_percent, MOST_CPU_PERCENT),
        met(p95, MOST_LATENCY_S)
    );
    Ok(text)
}

fn name(at: usize) -> String {
    format!("u{at:04}")
}

fn address(at: usize) -> String {
    format!("{}@corp.example", name(at))
}

impl Scene {
    fn build(mailboxes: usize, folder: &Path) -> Result<Scene> {
        let runtime = Runtime::new()?;
        let mut config = Config::new(Version::E2016);
        config.users.extend((0..mailboxes).map(|at| User::new(&address(at), &name(at))));
        let ews = runtime.block_on(Ews::start(config))?;
        for at in 0..mailboxes {
            add(&ews, at, "First", 1)?;
        }
        let names: Vec<String> = (0..mailboxes).map(name).collect();
        let radicale = Radicale::start(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
        let nowhere = || Address { host: "127.0.0.1".to_owned(), port: 1, tls: false };
        let parom = Parom::new(folder, &Settings::new(nowhere(), nowhere()))?;
        let text = format!(
            "[[domain]]\nname = \"corp.example\"\n[domain.calendars]\nmode = \"subscribe\"\n\
             [domain.source.imap]\nhost = \"127.0.0.1\"\nlogin = \"{{source_login}}\"\n\
             [domain.source.ews]\nurl = \"{}\"\nlogin = \"{{service_login}}\"\nservice_login = \"svc@corp.example\"\n\
             password = \"secret:{{service_login}}\"\n\
             [domain.target.imap]\nhost = \"127.0.0.1\"\nlogin = \"{{target_login}}\"\n\
             [domain.target.caldav]\nurl = \"{}\"\nlogin = \"{{target_login}}\"\n",
            ews.url(),
            radicale.url()
        );
        std::fs::write(parom.config(), text)?;
        std::fs::write(folder.join("svc"), "svc")?;
        parom.run(&["secret", "set", "svc@corp.example", "--file", "svc"])?.ok()?;
        let rows: String = (0..mailboxes).map(|at| format!("{},{}\n", address(at), live::PASSWORD)).collect();
        std::fs::write(folder.join("users.csv"), format!("email,target_password\n{rows}"))?;
        parom.run(&["import", "users.csv"])?.ok()?;
        let mut watch = parom.command(&["calendar", "subscribe", "--all", "--watch"]);
        let watch = watch.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Scene { ews, radicale, watch, mailboxes, _runtime: runtime })
    }

    /// All are in step and told of, and nothing is under way any more.
    fn until_calm(&self) -> Result<()> {
        // Radicale takes some ten requests for a first transfer, one at a time.
        let deadline = Instant::now() + PATIENCE + Duration::from_secs(self.mailboxes as u64);
        let mut rests = (0, Instant::now());
        while self.ews.subscriptions() < self.mailboxes || rests.1.elapsed() < Duration::from_secs(8) {
            if Instant::now() > deadline {
                let there = self.ews.subscriptions();
                return Err(failure(format!("{there} of {} mailboxes are subscribed", self.mailboxes)));
            }
            let looks = self.ews.count("SyncFolderItems");
            if looks != rests.0 {
                rests = (looks, Instant::now());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// One change after the other, in mailboxes here and there.
    fn latencies(&self) -> Result<Vec<f64>> {
        let changes = CHANGES.min(self.mailboxes * 2);
        let mut latencies = Vec::new();
        for change in 0..changes {
            let at = change * 7919 % self.mailboxes;
            let there = self.radicale.events(&name(at));
            add(&self.ews, at, &format!("Change {change}"), 2 + change as u32 % 26)?;
            let began = Instant::now();
            while self.radicale.events(&name(at)) <= there {
                if began.elapsed() > PATIENCE {
                    return Err(failure(format!("the change of {} never came", address(at))));
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            latencies.push(began.elapsed().as_secs_f64());
        }
        Ok(latencies)
    }

    fn memory_mb(&self, line: &str) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.watch.id()))?;
        let kib = status.lines().find_map(|it| it.strip_prefix(line)).and_then(|rest| rest.split_whitespace().next());
        let kib: f64 = kib.and_then(|kib| kib.parse().ok()).ok_or_else(|| failure("the watch has ended"))?;
        Ok(kib / 1024.0)
    }

    /// User and system time until now (proc(5), `stat`), in ticks of 10 ms.
    fn cpu_s(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.watch.id()))?;
        let (_, rest) = stat.rsplit_once(')').ok_or_else(|| failure("the watch has ended"))?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(f64::NAN);
        Ok((ticks(11) + ticks(12)) / 100.0)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-INT", &self.watch.id().to_string()]).status();
        let _ = self.watch.wait();
    }
}

fn add(ews: &Ews, at: usize, title: &str, day: u32) -> Result<()> {
    let when = |time: &str| format!("2026-03-{day:02}T{time}:00");
    let added = ews.outlook(&address(at)).add(&Event::at(title, &when("12:00"), &when("13:00")));
    added.map(drop).map_err(|refused| failure(format!("{}: {refused:?}", address(at))))
}
