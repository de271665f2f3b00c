//! An Exchange, a plain target, and what a test does with them.

#[cfg(feature = "ntlm")]
use crate::front::Front;
use parom_domain::InternalDate;
use parom_lab::exchange::{ExchangeConfig, ExchangeServer, Language, Person, Version};
use parom_lab::server::{Config, Hands, LabServer};
use std::collections::BTreeMap;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// An Exchange with a Russian mailbox behind a service account, a plain target, and the account between them.
pub struct Stage {
    folder: TempDir,
    pub exchange: ExchangeServer,
    pub target: LabServer,
    // Last, so that the servers end before what they run on.
    _runtime: Runtime,
}

pub const DATE: InternalDate = InternalDate { unix_s: 1_700_000_000, offset_min: 180 };

impl Stage {
    pub fn new(version: Version) -> Stage {
        Stage::of(version, &["anna".to_owned()])
    }

    pub fn of(version: Version, names: &[String]) -> Stage {
        let runtime = Runtime::new().unwrap();
        let mut people = ExchangeConfig::new(version).with(Person::new("svc")).with(Person::new("svc2"));
        people.people.extend(names.iter().map(|name| Person::new(name).speaking(Language::Russian)));
        let exchange = runtime.block_on(ExchangeServer::start(people)).unwrap();
        exchange.grant_all("svc");
        exchange.grant_all("svc2");
        let accounts = names.iter().map(|name| (name.clone(), "pass".to_owned())).collect();
        let target = runtime.block_on(LabServer::start(Config { accounts, ..Config::default() })).unwrap();
        let stage = Stage { folder: tempfile::tempdir().unwrap(), exchange, target, _runtime: runtime };
        stage.configure("");
        std::fs::write(stage.folder.path().join("pw"), "pass").unwrap();
        std::fs::write(stage.folder.path().join("svc"), "svc").unwrap();
        let rows: String = names.iter().map(|name| format!("{name}@corp.example,pass\n")).collect();
        std::fs::write(stage.folder.path().join("users.csv"), format!("email,target_password\n{rows}")).unwrap();
        assert!(stage.run(&["import", "users.csv"]).status.success());
        assert!(stage.run(&["secret", "set", "svc", "--file", "svc"]).status.success());
        stage
    }

    /// Writes the configuration, with further lines for the domain.
    pub fn configure(&self, more: &str) {
        self.write(more, "held", ("{service_login}/{source_login}", "CORP/svc", ""));
    }

    /// Lets two service accounts share the work, with further lines for the source.
    pub fn share(&self, more: &str) {
        self.configure("");
        for login in ["svc", "svc2"] {
            std::fs::write(self.folder.path().join("pw"), login).unwrap();
            assert!(self.run(&["secret", "set", login, "--file", "pw"]).status.success());
        }
        let file = self.folder.path().join("parom.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text.replace("login = '{service_login}/", "login = 'CORP/{service_login}/");
        let text = text.replace("service_login = 'CORP/svc'", &format!("service_logins = ['svc', 'svc2']\n{more}"));
        let text = text.replace("secret:svc", "secret:{service_login}");
        std::fs::write(file, text).unwrap();
    }

    /// Further lines for the source, or others than there are.
    pub fn tune(&self, more: &str) {
        let file = self.folder.path().join("parom.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, text.replace("service_login = ", &format!("{more}\nservice_login = "))).unwrap();
    }

    /// What `parom status --json` says of things that go slowly.
    pub fn paces(&self) -> Vec<serde_json::Value> {
        let status = self.run(&["status", "--json"]);
        let lines = String::from_utf8(status.stdout).unwrap();
        let lines = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.filter(|line| line.get("kind").is_some()).collect()
    }

    /// Signs in to the Exchange like this from now on.
    pub fn sign_in_as(&self, login: &str, service_login: &str, authzid: &str) {
        self.write("", "held", (login, service_login, authzid));
    }

    /// Gives the service account another password.
    pub fn seal(&self, password: &str) {
        std::fs::write(self.folder.path().join("svc"), password).unwrap();
        assert!(self.run(&["secret", "set", "svc", "--file", "svc"]).status.success());
    }

    /// The same, where the admin of the Exchange has stopped its receipts.
    pub fn suppress_receipts(&self, more: &str) {
        self.write(more, "suppressed", ("{service_login}/{source_login}", "CORP/svc", ""));
    }

    /// Opens the own mailbox by NTLM from now on, over TLS where there is some in front of the Exchange.
    #[cfg(feature = "ntlm")]
    pub fn sign_in_by_ntlm(&self, login: &str, front: Option<&Front>) {
        let reached = match front {
            Some(front) => format!("port = {}\ntrust = \"pin:{}\"\n", front.port, front.pin()),
            None => self.in_the_clear(),
        };
        self.lay("", &format!("{reached}login = '{login}'\nsasl = \"ntlm\"\n"));
    }

    /// Tells Parom of an EWS for the same mailboxes, and of a service account that may act for everybody there.
    pub fn reach_over_ews(&self, url: &str) {
        std::fs::write(self.folder.path().join("pw"), "svc").unwrap();
        assert!(self.run(&["secret", "set", "svc@corp.example", "--file", "pw"]).status.success());
        let file = self.folder.path().join("parom.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let ews = format!(
            "[domain.source.ews]\nurl = \"{url}\"\nlogin = \"{{service_login}}\"\nservice_login = \"svc@corp.example\"\n\
             password = \"secret:{{service_login}}\"\n"
        );
        std::fs::write(file, text + &ews).unwrap();
    }

    /// Loses the state, but not the passwords and the people.
    pub fn forget(&self) {
        let passwords = [("svc", "svc"), ("svc@corp.example", "svc")];
        for name in ["parom.db", "parom.db-wal", "parom.db-shm"] {
            let _ = std::fs::remove_file(self.folder.path().join(name));
        }
        assert!(self.run(&["import", "users.csv"]).status.success());
        for (name, password) in passwords {
            std::fs::write(self.folder.path().join("pw"), password).unwrap();
            assert!(self.run(&["secret", "set", name, "--file", "pw"]).status.success());
        }
    }

    fn in_the_clear(&self) -> String {
        format!("port = {}\ntls = \"none\"\n", self.exchange.addr().port())
    }

    fn write(&self, more: &str, receipts: &str, (login, service_login, authzid): (&str, &str, &str)) {
        let reached = self.in_the_clear();
        let login = format!("login = '{login}'\nservice_login = '{service_login}'\nauthzid = '{authzid}'\n");
        self.lay(more, &format!("{reached}{login}read_receipts = \"{receipts}\"\n"));
    }

    /// Writes the configuration, with further lines for the domain and for the Exchange.
    fn lay(&self, more: &str, exchange: &str) {
        let text = format!(
            "[[domain]]\nname = \"corp.example\"\ngrace_s = 0\n{more}\n\
             [domain.source.imap]\nhost = \"127.0.0.1\"\npassword = \"secret:svc\"\n\
             quirks = {{ index_lag_s = 1, recovery_grace_s = 1 }}\n{exchange}\
             [domain.target.imap]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nlogin = '{{target_login}}'\n",
            self.target.addr().port()
        );
        std::fs::write(self.folder.path().join("parom.toml"), text).unwrap();
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.run_with(args, &[])
    }

    /// With these variables of the environment.
    pub fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parom"));
        command.args(["--lang", "en"]).args(args).current_dir(self.folder.path()).envs(variables.iter().copied());
        command.env_remove("PAROM_CONFIG").env_remove("PAROM_MASTER_KEY").stdin(Stdio::null()).output().unwrap()
    }

    pub fn hands(&self) -> (Hands, Hands) {
        (self.exchange.mailbox("anna").unwrap(), self.target.mailbox("anna").unwrap())
    }

    /// Both sides come into step, and then an idle run changes nothing.
    pub fn settle(&self) {
        let synced = self.sync();
        assert!(synced.status.success(), "{}", told(&synced));
        let (here, there) = self.hands();
        let before = (here.changes(), there.changes());
        let again = self.sync();
        assert!(again.status.success(), "{}", told(&again));
        assert_eq!((here.changes(), there.changes()), before, "an idle run writes: {}", told(&again));
        assert_eq!(self.exchange.tally().byes_for_errors, 0, "ten refused commands");
    }

    /// A run that goes on while the test does something else.
    pub fn begin(&self) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parom"));
        command.args(["--lang", "en", "sync", "--all", "--until-settled"]).current_dir(self.folder.path());
        command.env_remove("PAROM_CONFIG").env_remove("PAROM_MASTER_KEY").stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// A watch that runs until it is stopped.
    pub fn watch(&self) -> Watch {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parom"));
        command.args(["--lang", "en", "sync", "--all", "--watch"]).current_dir(self.folder.path());
        command.env_remove("PAROM_CONFIG").env_remove("PAROM_MASTER_KEY").stdin(Stdio::null());
        Watch(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    pub fn sync(&self) -> Output {
        self.run(&["sync", "--all", "--until-settled"])
    }

    /// How often each token is in each folder of a side; folders without mail are left out.
    pub fn tokens(&self, hands: &Hands) -> BTreeMap<String, BTreeMap<String, usize>> {
        let mut all: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
        for (path, messages) in hands.snapshot() {
            for message in messages {
                *all.entry(path.to_string()).or_default().entry(token(&message.bytes)).or_default() += 1;
            }
        }
        all
    }
}

pub struct Watch(Child);

impl Watch {
    /// Asks it to stop, as Ctrl-C does, and waits for its end.
    pub fn stop(self) -> Output {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        self.0.wait_with_output().unwrap()
    }
}

/// The subject.
pub fn token(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let subject = text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or("?");
    subject.trim().to_owned()
}

pub fn mail(token: &str) -> Vec<u8> {
    format!(
        "From: anna@corp.example\r\nTo: boris@corp.example\r\nMessage-ID: <{token}@corp.example>\r\n\
         Date: Tue, 14 Nov 2023 22:13:20 +0300\r\nSubject: {token}\r\n\r\nThe text of {token}.\r\n"
    )
    .into_bytes()
}

pub fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
