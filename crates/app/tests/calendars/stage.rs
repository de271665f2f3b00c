//! A simulated EWS server, a Radicale, and the accounts between them.

use crate::radicale::{PASSWORD, Radicale};
use parom_lab::ews::{Config, Event, EventId, Ews, Outlook, User};
use parom_lab::exchange::Version;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// An Exchange, a folder with a configuration, and the binary that runs in it.
pub struct Office {
    pub ews: Ews,
    /// Of the CalDAV server.
    port: u16,
    folder: TempDir,
    // Last, so that the servers end before what they run on.
    _runtime: Runtime,
}

/// An office that faces a Radicale.
pub struct Stage {
    pub radicale: Radicale,
    office: Office,
}

impl Deref for Stage {
    type Target = Office;

    fn deref(&self) -> &Office {
        &self.office
    }
}

impl Stage {
    /// `None` where there is no Radicale to be tested against.
    pub fn of(users: &[&str]) -> Option<Stage> {
        Stage::with(users, |_| {})
    }

    /// The same, with an Exchange of other ways.
    pub fn with(users: &[&str], change: impl FnOnce(&mut Config)) -> Option<Stage> {
        let stage = Stage::empty(users, |port| port, change)?;
        users.iter().for_each(|name| stage.employ(name));
        Some(stage)
    }

    /// The binary finds the Radicale behind another port.
    pub fn behind(users: &[&str], front: impl FnOnce(u16) -> u16) -> Option<Stage> {
        let stage = Stage::empty(users, front, |_| {})?;
        users.iter().for_each(|name| stage.employ(name));
        Some(stage)
    }

    /// Many accounts: they come by a table.
    pub fn crowd(users: &[&str]) -> Option<Stage> {
        let stage = Stage::empty(users, |port| port, |_| {})?;
        let rows: String = users.iter().map(|name| format!("{name}@corp.example,{PASSWORD}\n")).collect();
        stage.write("users.csv", &format!("email,target_password\n{rows}"));
        let imported = stage.run(&["import", "users.csv"]);
        assert!(imported.status.success(), "{}", told(&imported));
        Some(stage)
    }

    fn empty(users: &[&str], front: impl FnOnce(u16) -> u16, change: impl FnOnce(&mut Config)) -> Option<Stage> {
        let folder = tempfile::Builder::new().prefix("parom-calendars-").tempdir().unwrap();
        let radicale = Radicale::start(folder.path(), users)?;
        let port = front(radicale.port);
        Some(Stage { radicale, office: Office::empty(folder, port, users, change) })
    }
}

impl Office {
    /// Everybody has a mailbox, and an account that signs in to the CalDAV server by name.
    pub fn open(folder: TempDir, port: u16, users: &[&str]) -> Office {
        let office = Office::empty(folder, port, users, |_| {});
        users.iter().for_each(|name| office.employ(name));
        office
    }

    /// Everybody has a mailbox, and nobody an account.
    fn empty(folder: TempDir, port: u16, users: &[&str], change: impl FnOnce(&mut Config)) -> Office {
        let runtime = Runtime::new().unwrap();
        let mut config = Config::new(Version::E2016);
        config.users.extend(users.iter().map(|name| User::new(&format!("{name}@corp.example"), name)));
        change(&mut config);
        let ews = runtime.block_on(Ews::start(config)).unwrap();
        let office = Office { ews, port, folder, _runtime: runtime };
        office.configure("");
        office.write("svc", "svc");
        office.write("pw", PASSWORD);
        assert!(office.run(&["secret", "set", "svc@corp.example", "--file", "svc"]).status.success());
        office
    }

    /// Gives somebody an account, whether there is a mailbox or not.
    pub fn employ(&self, name: &str) {
        let address = format!("{name}@corp.example");
        let added = self.run(&["account", "add", &address, "--target-password-file", "pw"]);
        assert!(added.status.success(), "{}", told(&added));
    }

    /// Says something else in the configuration.
    pub fn edit_configuration(&self, from: &str, to: &str) {
        let file = self.folder.path().join("parom.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{from} is not in it");
        std::fs::write(file, text.replace(from, to)).unwrap();
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
            self.port
        );
        std::fs::write(self.folder.path().join("parom.toml"), text).unwrap();
    }

    /// The service account's password on Exchange, as Parom is told it.
    #[cfg(feature = "ntlm")]
    pub fn seal(&self, password: &str) {
        self.write("svc", password);
        let sealed = self.run(&["secret", "set", "svc@corp.example", "--file", "svc"]);
        assert!(sealed.status.success(), "{}", told(&sealed));
    }

    /// Tells the configuration what the target is.
    pub fn target_is(&self, product: &str) {
        let file = self.folder.path().join("parom.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        // The target's section is the last one.
        std::fs::write(file, format!("{text}product = \"{product}\"\n")).unwrap();
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

    #[cfg(feature = "ntlm")]
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

    /// What is put aside, as JSON.
    pub fn parked(&self) -> Vec<serde_json::Value> {
        let done = self.run(&["parked", "--json"]);
        assert!(done.status.success(), "{}", told(&done));
        String::from_utf8(done.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What is put aside of the event with this UID: the code and the sentence.
    pub fn parked_for(&self, uid: &str) -> (String, String) {
        let all = self.parked();
        // Of what cannot be read at all only the name of the file is known.
        let is_it = |one: &&serde_json::Value| {
            one["uid"] == uid || one["text"].as_str().is_some_and(|text| text.contains(&format!("{uid}.ics")))
        };
        let one = all.iter().find(is_it).unwrap_or_else(|| panic!("{uid}: {all:#?}"));
        (one["code"].as_str().unwrap().to_owned(), one["text"].as_str().unwrap().to_owned())
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

    /// Runs again until it is so, because deletions wait for their grace.
    pub fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(120);
        while !is_so() {
            assert!(Instant::now() < deadline, "never came: {what}");
            self.calendar(&["sync", "--all"]);
        }
    }

    /// Runs until there is nothing to do.
    pub fn settle(&self) {
        self.until("a run with nothing to do", || self.calendar(&["sync", "--all"]).contains("no changes"));
    }
}

impl Stage {
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

    /// Nobody was written to, and both sides say the same.
    pub fn check(&self) {
        self.check_but(0);
    }

    /// The same, but for so many events that one side cannot show as the other does.
    pub fn check_but(&self, explained: u64) {
        self.settle();
        assert_eq!(self.ews.outgoing(), [], "mail went out");
        let (source, target) = self.titles();
        assert_eq!(source, target);
        assert!(source.values().all(|count| *count == 1), "{source:?}");
        let verdict = self.json(&["verify", "anna@corp.example", "--json"]);
        assert_eq!((&verdict["differences"], &verdict["explained"]), (&0.into(), &explained.into()), "{verdict}");
    }
}

/// What a phone stores: an event of this UID with these lines.
pub fn phone(uid: &str, lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//phone//EN\nBEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260101T000000Z\n{}\n\
         END:VEVENT\nEND:VCALENDAR\n",
        lines.trim()
    )
}

/// Every line is in the text, as a line of its own.
pub fn has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|known| known == *line), "no line {line} in\n{text}");
    }
}

/// No line of the text has this in it.
pub fn has_no(text: &str, words: &[&str]) {
    for word in words {
        assert!(!text.contains(word), "{word} in\n{text}");
    }
}

/// An appointment in March 2026.
pub fn at(title: &str, day: u32, hour: u32) -> Event {
    Event::at(title, &format!("2026-03-{day:02}T{hour:02}:00:00"), &format!("2026-03-{day:02}T{hour:02}:30:00"))
}

/// What the independent client says (`phone.py`).
pub fn python(args: &[&str]) -> String {
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/calendars/phone.py");
    // Debian's own: its packages are not seen by others.
    let output = Command::new("/usr/bin/python3").arg(script).args(args).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    String::from_utf8(output.stdout).unwrap()
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
