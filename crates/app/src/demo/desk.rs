//! The admin's desk in the demo: a folder with configuration, key and state.

use super::calendars::Calendars;
use super::child::Child;
use super::company::{Company, DOMAIN, SERVICE, address, password};
use super::failed;
use crate::failure::Failure;
use crate::i18n::Texts;
use parom_domain::Side;
use parom_store::MasterKey;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub struct Desk {
    folder: TempDir,
}

impl Desk {
    /// Writes the configuration and adds all accounts, by the commands that an admin would give.
    pub async fn set_up(company: &Company, calendars: &Calendars, texts: &Texts) -> Result<Desk, Failure> {
        let desk = Desk { folder: TempDir::with_prefix("parom-demo-").map_err(failed)? };
        std::fs::write(desk.config(), configuration(company, calendars)).map_err(failed)?;
        MasterKey::create(&desk.folder().join("parom.key"))?;
        let secret = desk.write("service", SERVICE.1)?;
        desk.parom(texts, &["secret", "set", SERVICE.0, "--file", &secret]).await?;
        for name in company.accounts() {
            let file = desk.write(name, &password(name))?;
            desk.parom(texts, &["account", "add", &address(name), "--target-password-file", &file]).await?;
        }
        Ok(desk)
    }

    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder().join("parom.toml")
    }

    fn write(&self, name: &str, text: &str) -> Result<String, Failure> {
        let path = self.folder().join(name);
        std::fs::write(&path, text).map_err(failed)?;
        Ok(path.display().to_string())
    }

    async fn parom(&self, texts: &Texts, args: &[&str]) -> Result<(), Failure> {
        match Child::silently(self, texts, args).await? {
            Some(0) => Ok(()),
            code => Err(failed(format!("parom {} -> {code:?}", args.join(" ")))),
        }
    }
}

fn configuration(company: &Company, calendars: &Calendars) -> String {
    let side = |side: Side, login: &str, password: &str| {
        let addr = company.addr(side);
        format!(
            "[domain.{side}.imap]\nhost = \"{}\"\nport = {}\ntls = \"none\"\nlogin = \"{login}\"\npassword = \"{password}\"\n",
            addr.ip(),
            addr.port()
        )
    };
    // All mail is carried, and what is deleted for good here is deleted for good there, so that the comparison at the end
    // needs no exceptions. This Exchange's index is a fifth of a second behind, and nobody wants to wait for more.
    let folders = r#"["contacts", "calendar", "tasks", "journal", "notes", "outbox", "sync-issues"]"#;
    format!(
        "state = \"sqlite:parom.db\"\n[[domain]]\nname = \"{DOMAIN}\"\ngrace_s = 1\ndeletions = \"expunge\"\nexclude_folders = {folders}\n\
         {}service_login = \"CORP/{}\"\nquirks = {{ index_lag_s = 1, recovery_grace_s = 1 }}\n\
         [domain.source.ews]\nurl = \"{}\"\nlogin = \"{{service_login}}\"\nservice_login = \"{}@{DOMAIN}\"\npassword = \"secret:{}\"\n\
         {}[domain.target.caldav]\nurl = \"{}\"\nlogin = \"{{target_login}}\"\n",
        side(Side::Source, "{service_login}/{source_login}", &format!("secret:{}", SERVICE.0)),
        SERVICE.0,
        calendars.url(Side::Source),
        SERVICE.0,
        SERVICE.0,
        side(Side::Target, "{target_login}", "account"),
        calendars.url(Side::Target),
    )
}
