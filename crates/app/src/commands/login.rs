//! `parom login find`: which form of login lets a service account into somebody's mailbox. Products and versions differ, and
//! each wrong attempt may bring the service account nearer to its lock-out: so it has to open its own mailbox first and in between,
//! and nothing is tried twice.

use crate::cli::{Login as Command, LoginFind};
use crate::config::{Config, MailDomain};
use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::i18n::Texts;
use crate::message::Message;
use crate::output;
use crate::state::{self, Access};
use crate::wiring::{self, HELD_MS};
use parom_domain::endpoint::Endpoint;
use parom_domain::{Code, FolderSeen, Side};
use parom_imap::{ImapEndpoint, Login, Mechanism, ServerSettings};
use parom_net::Secret;
use parom_store::{Account, Refusal, SignIn, Store};
use serde_json::json;
use std::sync::Arc;

/// After so many refusals the service account signs in to its own mailbox, which sets the directory's count of wrong
/// passwords back.
const REFUSALS: usize = 2;

/// A form of login, as the configuration writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Form {
    service_login: String,
    login: &'static str,
    authzid: &'static str,
}

impl Form {
    fn of(service_login: impl Into<String>, login: &'static str, authzid: &'static str) -> Form {
        Form { service_login: service_login.into(), login, authzid }
    }

    fn fill(&self, template: &str, mailbox: &str) -> String {
        template.replace("{service_login}", &self.service_login).replace("{source_login}", mailbox)
    }
}

/// The forms worth trying, the documented ones first ([MS-OXIMAP4] 2.2.2), then what the field found on single versions.
fn forms(args: &LoginFind) -> Vec<Form> {
    const SLASH: &str = "{service_login}/{source_login}";
    const BACKSLASH: &str = "{service_login}\\{source_login}";
    let svc = args.service_account.as_str();
    let mut forms = Vec::new();
    if let Some(domain) = &args.nt_domain {
        forms.push(Form::of(format!("{domain}/{svc}"), SLASH, ""));
        forms.push(Form::of(format!("{domain}\\{svc}"), BACKSLASH, ""));
    }
    if let Some(upn) = &args.service_upn {
        forms.push(Form::of(upn, SLASH, ""));
        forms.push(Form::of(upn, BACKSLASH, ""));
        forms.push(Form::of(upn, "{service_login}", "{source_login}"));
    }
    // Dovecot's and Cyrus's ways.
    forms.push(Form::of(svc, "{source_login}*{service_login}", ""));
    forms.push(Form::of(svc, "{service_login}", "{source_login}"));
    forms
}

/// The forms in which the service account opens its own mailbox.
fn own_forms(args: &LoginFind) -> Vec<Form> {
    let upn = args.service_upn.clone();
    let nt = args.nt_domain.as_ref().map(|domain| format!("{domain}\\{}", args.service_account));
    let mut forms: Vec<Form> = upn.into_iter().chain(nt).map(|name| Form::of(name, "{service_login}", "")).collect();
    if forms.is_empty() {
        forms.push(Form::of(&args.service_account, "{service_login}", ""));
    }
    forms
}

/// What became of a form.
#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    /// A mailbox, with these folders.
    Opened(Vec<FolderSeen>),
    /// The service account's own mailbox: the server does not heed for whom it signs in.
    Own,
    /// Refused now, or within the hour by an earlier run.
    Refused(String),
    /// The server has no way to sign in like that.
    NotOffered,
    /// Not tried: the service account itself is not let in.
    Left,
}

pub fn run(command: &Command, config: &Config, texts: &Texts) -> Result<Exit, Failure> {
    match command {
        Command::Find(args) => find(args, config, texts),
    }
}

fn find(args: &LoginFind, config: &Config, texts: &Texts) -> Result<Exit, Failure> {
    let tried = state::with(config, Access::Write, async |store| {
        let account = store.account(&args.address).await?;
        let domain = config
            .domain_of(&account.address)
            .ok_or_else(|| Failure::usage(Message::new("account-domain").with("account", account.address.clone())))?;
        try_all(args, config, store, &account, domain).await
    })?;
    let found = tried.iter().find(|(_, outcome)| matches!(outcome, Outcome::Opened(_))).map(|(form, _)| form);
    if args.json {
        output::print_json(tried.iter().map(|(form, outcome)| object(form, outcome)))?;
    } else {
        output::print(&told(args, &tried, found, texts))?;
    }
    Ok(if found.is_some() { Exit::Done } else { Exit::Server })
}

async fn try_all(
    args: &LoginFind,
    config: &Config,
    store: &Store,
    account: &Account,
    domain: &MailDomain,
) -> Result<Vec<(Form, Outcome)>, Failure> {
    let side = &domain.sides.source;
    let door = Door {
        store,
        account,
        server: wiring::server_name(side),
        settings: wiring::settings(config, side)?,
        password: wiring::password(store, domain, account, Side::Source).await?,
    };
    let mut tried: Vec<(Form, Outcome)> = Vec::new();
    // A password that does not open the service account's own mailbox opens no other, and is not tried on.
    let mut own = None;
    for form in own_forms(args) {
        let outcome = door.attempt(&form).await?;
        if let Outcome::Opened(folders) = outcome {
            own = Some((form, folders));
            break;
        }
        tried.push((form, outcome));
    }
    let mut refusals = 0;
    for form in forms(args) {
        let Some((home, its_folders)) = &own else {
            tried.push((form, Outcome::Left));
            continue;
        };
        let mut outcome = door.attempt(&form).await?;
        if !form.authzid.is_empty() && matches!(&outcome, Outcome::Opened(folders) if folders == its_folders) {
            outcome = Outcome::Own;
        }
        let found = matches!(outcome, Outcome::Opened(_));
        refusals += usize::from(matches!(outcome, Outcome::Refused(_)));
        tried.push((form, outcome));
        if found {
            break;
        }
        if refusals >= REFUSALS {
            refusals = 0;
            let again = door.attempt(home).await?;
            own = own.filter(|_| matches!(again, Outcome::Opened(_)));
        }
    }
    Ok(tried)
}

/// The server, and the password that is to open it.
struct Door<'a> {
    store: &'a Store,
    account: &'a Account,
    server: String,
    settings: Arc<ServerSettings>,
    password: Secret,
}

impl Door<'_> {
    /// Tries a form once. What was refused within the hour is not tried again.
    async fn attempt(&self, form: &Form) -> Result<Outcome, Failure> {
        let mailbox = &self.account.source_login;
        let (user, authzid) = (form.fill(form.login, mailbox), form.fill(form.authzid, mailbox));
        let login = wiring::login_name(&user, &authzid);
        let sign_in = SignIn { account: self.account.id, server: self.server.clone(), login, secret: None };
        let since_ms = state::now_ms().saturating_sub(HELD_MS);
        if let Some(known) = self.store.refusal(&sign_in, self.password.expose(), since_ms).await? {
            return Ok(Outcome::Refused(known.answer));
        }
        let password = Secret::new(self.password.expose());
        let endpoint =
            ImapEndpoint::new(self.settings.clone(), Login { user, authzid, password, mechanism: Mechanism::Auto }, 1);
        let opened = endpoint.folders().await;
        endpoint.close().await;
        match opened {
            Ok(listing) => Ok(Outcome::Opened(listing.folders)),
            Err(error) if error.code() == Code::SignInRefused => {
                let answer = error.arg("answer").unwrap_or_default().to_owned();
                let refusal = Refusal { at_ms: state::now_ms(), answer: answer.clone() };
                self.store.note_refusal(&sign_in, self.password.expose(), false, refusal).await?;
                Ok(Outcome::Refused(answer))
            }
            // By NTLM nobody opens the mailbox of another.
            Err(error) if matches!(error.code(), Code::NoMechanism | Code::NtlmLeftOut | Code::NtlmOwnMailbox) => {
                Ok(Outcome::NotOffered)
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn object(form: &Form, outcome: &Outcome) -> serde_json::Value {
    let (name, answer) = match outcome {
        Outcome::Opened(_) => ("opened", None),
        Outcome::Own => ("own-mailbox", None),
        Outcome::Refused(answer) => ("refused", Some(answer)),
        Outcome::NotOffered => ("not-offered", None),
        Outcome::Left => ("later", None),
    };
    json!({
        "login": form.login,
        "service_login": form.service_login,
        "authzid": form.authzid,
        "outcome": name,
        "answer": answer,
    })
}

fn told(args: &LoginFind, tried: &[(Form, Outcome)], found: Option<&Form>, texts: &Texts) -> String {
    let mut text = String::new();
    for (form, outcome) in tried {
        let shown = if form.authzid.is_empty() {
            form.login.to_owned()
        } else {
            format!("{} (authzid {})", form.login, form.authzid)
        };
        let (key, answer) = match outcome {
            Outcome::Opened(_) => ("login-opened", String::new()),
            Outcome::Own => ("login-own", String::new()),
            Outcome::Refused(answer) => ("login-refused", answer.clone()),
            Outcome::NotOffered => ("login-unknown", String::new()),
            Outcome::Left => ("login-later", String::new()),
        };
        let line = Message::new(key).with("form", shown).with("service", form.service_login.clone());
        text.push_str(&format!("{}\n", texts.say(&line.with("answer", failure::inner(&answer)))));
    }
    let about = |key: &str| Message::new(key).with("account", args.address.clone());
    match found {
        Some(form) => {
            text.push_str(&format!("{}\n", texts.say(&about("login-found"))));
            // Literal strings, because of the backslashes.
            text.push_str(&format!("\n    login = '{}'\n    service_login = '{}'\n", form.login, form.service_login));
            if !form.authzid.is_empty() {
                text.push_str(&format!("    authzid = '{}'\n", form.authzid));
            }
        }
        None if tried.iter().any(|(_, outcome)| matches!(outcome, Outcome::Left)) => {
            text.push_str(&format!("{}\n", texts.explain(&about("login-self"))));
        }
        None => text.push_str(&format!("{}\n", texts.explain(&about("login-none")))),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_forms_come_first_and_each_is_tried_once() {
        let args = LoginFind {
            address: "anna@corp.example".to_owned(),
            service_account: "svc".to_owned(),
            nt_domain: Some("CORP".to_owned()),
            service_upn: Some("svc@corp.example".to_owned()),
            json: false,
        };
        let logins: Vec<String> = forms(&args).iter().map(|form| form.fill(form.login, "anna")).collect();
        let expected = [
            "CORP/svc/anna",
            "CORP\\svc\\anna",
            "svc@corp.example/anna",
            "svc@corp.example\\anna",
            "svc@corp.example",
            "anna*svc",
            "svc",
        ];
        assert_eq!(logins, expected);
    }
}
