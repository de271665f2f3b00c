//! A simulated EWS server, a Radicale, and the accounts between them.

use crate::radicale::{PASSWORD, Radicale};
use parom_lab::ews::{Config, Event, EventId, Ews, Outlook, User};
use parom_lab::exchange::Version;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub struct Stage {
    pub ews: Ews,
    pub radicale: Radicale,
    folder: TempDir,
    // Last, so that the servers end before what they run on.
    _runtime: Runtime,
}

impl Stage {
    /// `None` where there is no Radicale to be tested against.
    pub fn of(users: &[&str]) -> Option<Stage> {
        Stage::with(users, |_| {})
    }

    /// The same, with an Exchange of other ways.
    pub fn with(users: &[&str], change: impl FnOnce(&mut Config)) -> Option<Stage> {
        let stage = Stage::empty(users, change)?;
        for name in users {
            let address = format!("{name}@corp.example");
            let added = stage.run(&["account", "add", &address, "--target-password-file", "pw"]);
            assert!(added.status.success(), "{}", told(&added));
        }
        Some(stage)
    }

    /// The same for many: they come by a table.
    pub fn crowd(users: &[&str]) -> Option<Stage> {
        let stage = Stage::empty(users, |_| {})?;
        let rows: String = users.iter().map(|name| format!("{name}@corp.example,{PASSWORD}\n")).collect();
        stage.write("users.csv", &format!("email,target_password\n{rows}"));
        let imported = stage.run(&["import", "users.csv"]);
        assert!(imported.status.success(), "{}", told(&imported));
        Some(stage)
    }

    fn empty(users: &[&str], change: impl FnOnce(&mut Config)) -> Option<Stage> {
        let folder = tempfile::Builder::new().prefix("parom-calendars-").tempdir().unwrap();
        let radicale = Radicale::start(folder.path(), users)?;
        let runtime = Runtime::new().unwrap();
        let mut config = Config::new(Version::E2016);
        config.users.extend(users.iter().map(|name| User::new(&format!("{name}@corp.example"), name)));
        change(&mut config);
        let ews = runtime.block_on(Ews::start(config)).unwrap();
        let stage = Stage { ews, radicale, folder, _runtime: runtime };
        stage.configure("");
        std::fs::write(stage.folder.path().join("svc"), "svc").unwrap();
        std::fs::write(stage.folder.path().join("pw"), PASSWORD).unwrap();
        assert!(stage.run(&["secret", "set", "svc@corp.example", "--file", "svc"]).status.success());
        Some(stage)
    }

    /// Says something else in the configuration.
    pub fn edit_configuration(&self, from: &str, to: &str) {
        let file = self.folder.path().join("parom.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{from} is not in it");
        std::fs::write(file, text.replacen(from, to, 1)).unwrap();
    }

    /// Writes a file where commands run.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    pub fn runtime(&self) -> &Runtime {
        &self._runtime
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the configuration, with further lines for the calendars.
    pub fn configure(&self, more: &str) {
        let text = format!(
            "[limits]\nlook_every_s = 1\n[[domain]]\nname = \"corp.example\"\ngrace_s = 1\n[domain.calendars]\n{more}\n\
             [domain.source.imap]\nhost = \"127.0.0.1\"\nlogin = \"{{source_login}}\"\n\
             [domain.source.ews]\nurl = \"{}\"\nlogin = \"{{service_login}}\"\nservice_login = \"svc@corp.example\"\n\
             password = \"secret:{{service_login}}\"\n\
             [domain.target.imap]\nhost = \"127.0.0.1\"\nlogin = \"{{target_login}}\"\n\
             [domain.target.caldav]\nurl = \"http://127.0.0.1:{}/\"\nlogin = \"{{target_login}}\"\n",
            self.ews.url(),
            self.radicale.port
        );
        std::fs::write(self.folder.path().join("parom.toml"), text).unwrap();
    }

    /// Changes what stands in the configuration.
    pub fn reconfigure(&self, from: &str, to: &str) {
        let file = self.folder.path().join("parom.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        std::fs::write(file, text.replace(from, to)).unwrap();
    }

    /// The service account's password on Exchange, as Parom is told it.
    pub fn seal(&self, password: &str) {
        std::fs::write(self.folder.path().join("svc"), password).unwrap();
        let sealed = self.run(&["secret", "set", "svc@corp.example", "--file", "svc"]);
        assert!(sealed.status.success(), "{}", told(&sealed));
    }

    /// Lets Anna open her own mailbox.
    pub fn sign_in_themselves(&self, password: &str) {
        let file = self.folder.path().join("parom.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let service =
            "login = \"{service_login}\"\nservice_login = \"svc@corp.example\"\npassword = \"secret:{service_login}\"";
        assert!(text.contains(service));
        std::fs::write(file, text.replace(service, "login = \"{address}\"")).unwrap();
        self.give_password(password);
    }

    /// Anna's password on Exchange, as Parom is told it.
    pub fn give_password(&self, password: &str) {
        std::fs::write(self.folder.path().join("own"), password).unwrap();
        let given = self.run(&["account", "add", "anna@corp.example", "--source-password-file", "own"]);
        assert!(given.status.success(), "{}", told(&given));
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parom"));
        command.args(["--lang", "en"]).args(args).current_dir(self.folder.path());
        command.env_remove("PAROM_CONFIG").env_remove("PAROM_MASTER_KEY").stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub fn run_with(&self, args: &[&str], environment: &[(&str, &str)]) -> Output {
        self.command(args).envs(environment.iter().copied()).output().unwrap()
    }

    /// Runs what must succeed.
    pub fn calendar(&self, args: &[&str]) -> String {
        let done = self.run(&[&["calendar"], args].concat());
        assert!(done.status.success(), "parom calendar {}: {}", args.join(" "), told(&done));
        told(&done)
    }

    /// The last object that a command printed as JSON.
    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        let text = self.calendar(args);
        serde_json::from_str(text.lines().last().unwrap()).unwrap()
    }

    /// A run that goes on while the test does something else.
    pub fn begin(&self, args: &[&str]) -> Child {
        self.start(&[&["calendar"], args].concat())
    }

    /// The same for any command.
    pub fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        let log = std::fs::File::create(self.folder.path().join("run.log")).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
    }

    /// What that run said.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("run.log")).unwrap()
    }

    pub fn outlook(&self) -> Outlook {
        self.ews.outlook("anna@corp.example")
    }

    /// The writes that Exchange was asked for.
    pub fn source_writes(&self) -> u64 {
        let writes = ["CreateItem", "UpdateItem", "DeleteItem", "MoveItem", "CreateFolder", "CreateAttachment"];
        let calls = self.ews.calls();
        writes.iter().filter_map(|name| calls.get(*name)).sum()
    }

    /// How often each title is on each side.
    pub fn titles(&self) -> (BTreeMap<String, usize>, BTreeMap<String, usize>) {
        let (mut source, mut target) = (BTreeMap::new(), BTreeMap::new());
        for (_, event) in self.outlook().events() {
            *source.entry(event.subject).or_default() += 1;
        }
        for text in self.radicale.events("anna").into_values() {
            let title = text.lines().find_map(|line| line.strip_prefix("SUMMARY:")).unwrap_or_default();
            *target.entry(title.to_owned()).or_default() += 1;
        }
        (source, target)
    }

    /// Runs again until it is so, because deletions wait for their grace.
    pub fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !is_so() {
            assert!(Instant::now() < deadline, "never came: {what}");
            self.calendar(&["sync", "--all"]);
        }
    }

    /// Nobody was written to, and both sides say the same.
    pub fn check(&self) {
        self.check_but(0);
    }

    /// The same, but for so many events that one side cannot show as the other does.
    pub fn check_but(&self, explained: u64) {
        self.until("a run with nothing to do", || self.calendar(&["sync", "--all"]).contains("no changes"));
        assert_eq!(self.ews.outgoing(), [], "mail went out");
        let (source, target) = self.titles();
        assert_eq!(source, target);
        assert!(source.values().all(|count| *count == 1), "{source:?}");
        let verdict = self.json(&["verify", "anna@corp.example", "--json"]);
        assert_eq!((&verdict["differences"], &verdict["explained"]), (&0.into(), &explained.into()), "{verdict}");
    }
}

/// An appointment in March 2026.
pub fn at(title: &str, day: u32, hour: u32) -> Event {
    Event::at(title, &format!("2026-03-{day:02}T{hour:02}:00:00"), &format!("2026-03-{day:02}T{hour:02}:30:00"))
}

/// The only event of Outlook with this title.
pub fn in_outlook(outlook: &Outlook, title: &str) -> (EventId, Event) {
    let mut found: Vec<_> = outlook.events().into_iter().filter(|(_, event)| event.subject == title).collect();
    assert_eq!(found.len(), 1, "{title}: {found:#?}");
    found.remove(0)
}

pub fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
