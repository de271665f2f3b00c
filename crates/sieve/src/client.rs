//! One signed-in connection to a ManageSieve server, and its commands (RFC 5804 section 2).

use crate::classify::{Answer, Request, Status, classify};
use crate::tokens::Token;
use crate::vacation::Extensions;
use crate::wire::{Wire, push_string};
use parom_domain::{Code, Error, Result, Retry, Scope};
use parom_net::{Dialer, Secret, TlsClient, TlsMode, sasl};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// One server.
#[derive(Clone)]
pub struct Settings {
    pub host: Arc<str>,
    pub port: u16,
    pub tls: TlsMode,
    pub dialer: Dialer,
    /// `None` with [`TlsMode::None`] only.
    pub tls_client: Option<Arc<TlsClient>>,
    /// How long an answer may take.
    pub patience: Duration,
}

/// Who signs in, and whose scripts are meant.
#[derive(Clone, Debug)]
pub struct Login {
    pub user: String,
    /// The person whose scripts are meant, where the user is a service account (SASL authorization identity); else empty.
    pub authzid: String,
    pub password: Secret,
}

/// A script as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    /// The server runs it for each message. At most one is.
    pub active: bool,
}

/// So many lines may an answer have: no server keeps more scripts for one person.
const MOST_LINES: usize = 10_000;
/// A server that has not answered the sign-in so soon is nudged. Those that make a wrong password wait do so for two seconds.
const NUDGED_AFTER: Duration = Duration::from_secs(3);
/// What the answers to a nudge are known by (RFC 5804 section 2.13).
const NUDGE: &[u8] = b"NOOP \"parom\"\r\n";

pub struct Client {
    wire: Wire,
    host: Arc<str>,
    /// By names in capitals.
    capabilities: HashMap<String, String>,
}

impl Client {
    /// Connects and signs in.
    ///
    /// # Errors
    /// Those of dialling and of TLS; `NoTls`, `NoMechanism`, `SignInRefused`, `ServerUnavailable`, and `AnswerUnexpected` where
    /// the port belongs to another protocol.
    pub async fn open(settings: &Settings, login: &Login) -> Result<Client> {
        let Settings { host, port, tls, dialer, tls_client, patience } = settings;
        let mut stream = dialer.connect(host, *port).await?;
        if let (TlsMode::Implicit, Some(tls)) = (tls, tls_client) {
            stream = tls.upgrade(stream, host, *port).await?;
        }
        let wire = Wire::new(stream, host.clone(), *patience);
        let mut client = Client { wire, host: host.clone(), capabilities: HashMap::new() };
        client.greeted().await?;
        if let (TlsMode::StartTls, Some(tls)) = (tls, tls_client) {
            client = client.start_tls(tls, *port, *patience).await?;
        }
        let signed_in = client.sign_in(login, *tls).await;
        signed_in.map_err(|error| error.with("host", host).with("login", &login.user))?;
        Ok(client)
    }

    /// What its Sieve can do, for this person.
    #[must_use]
    pub fn extensions(&self) -> Extensions {
        Extensions::of(self.capabilities.get("SIEVE").map_or("", String::as_str))
    }

    /// CHECKSCRIPT came with version 1.0 of the protocol; older servers have HAVESPACE and PUTSCRIPT only.
    #[must_use]
    pub fn checks_scripts(&self) -> bool {
        self.capabilities.contains_key("VERSION")
    }

    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// # Errors
    /// A refusal, and what breaks a connection; so for all commands.
    pub async fn list(&mut self) -> Result<Vec<Listed>> {
        let lines = self.ask(Request::Look, "LISTSCRIPTS", &[], None).await?;
        let listed = lines.iter().map(|line| {
            let name = line.first().and_then(Token::text)?;
            let active =
                line.iter().any(|token| matches!(token, Token::Atom(atom) if atom.eq_ignore_ascii_case("ACTIVE")));
            Some(Listed { name, active })
        });
        listed.collect::<Option<_>>().ok_or_else(|| self.wire.nonsense("a list that is none"))
    }

    pub async fn get(&mut self, name: &str) -> Result<String> {
        let lines = self.ask(Request::Look, "GETSCRIPT", &[name], None).await?;
        let text = lines.iter().flatten().find_map(Token::text);
        text.ok_or_else(|| self.wire.nonsense("no script where one was asked for"))
    }

    /// Will a script of so many bytes fit under this name?
    pub async fn have_space(&mut self, name: &str, bytes: usize) -> Result<()> {
        self.ask(Request::Write, "HAVESPACE", &[name], Some(bytes)).await.map(drop)
    }

    /// Stores a script, in place of one of that name. The server compiles it first, and refuses what does not compile.
    pub async fn put(&mut self, name: &str, script: &str) -> Result<()> {
        self.ask(Request::Write, "PUTSCRIPT", &[name, script], None).await.map(drop)
    }

    /// Lets the server compile a script, and stores nothing.
    pub async fn check(&mut self, script: &str) -> Result<()> {
        self.ask(Request::Write, "CHECKSCRIPT", &[script], None).await.map(drop)
    }

    /// Makes a script the one that is run; `None`: none is.
    pub async fn activate(&mut self, name: Option<&str>) -> Result<()> {
        self.ask(Request::Write, "SETACTIVE", &[name.unwrap_or_default()], None).await.map(drop)
    }

    /// Deletes a script that is not active. One that is missing is a success.
    pub async fn delete(&mut self, name: &str) -> Result<()> {
        let (_, answer) = self.exchange("DELETESCRIPT", &[name], None).await?;
        if answer.has_code("NONEXISTENT") {
            return Ok(());
        }
        self.checked(Request::Write, &answer)
    }

    /// Says goodbye. The server's answer is not waited for.
    pub async fn close(mut self) {
        let _ = self.wire.send(b"LOGOUT\r\n").await;
    }

    async fn greeted(&mut self) -> Result<()> {
        let (lines, answer) = self.answer().await?;
        self.checked(Request::SignIn, &answer)?;
        self.learn(&lines)
    }

    async fn start_tls(mut self, tls: &TlsClient, port: u16, patience: Duration) -> Result<Client> {
        let none = |host: &str| {
            Error::new(Code::NoTls, Scope::Server, Retry::WhenFixed)
                .with("host", host)
                .with("port", port)
                .with("detail", "the server does not offer STARTTLS")
        };
        if !self.capabilities.contains_key("STARTTLS") {
            return Err(none(&self.host));
        }
        let (_, answer) = self.exchange("STARTTLS", &[], None).await?;
        if answer.status != Status::Ok {
            return Err(none(&self.host));
        }
        let stream = tls.upgrade(self.wire.into_stream(), &self.host, port).await?;
        let wire = Wire::new(stream, self.host.clone(), patience);
        // What was said in the clear does not count; the server says it again by itself.
        let mut client = Client { wire, host: self.host, capabilities: HashMap::new() };
        client.greeted().await?;
        Ok(client)
    }

    async fn sign_in(&mut self, login: &Login, tls: TlsMode) -> Result<()> {
        let offered = self.capabilities.get("SASL").map_or("", String::as_str);
        if !offered.split_ascii_whitespace().any(|name| name.eq_ignore_ascii_case("PLAIN")) {
            return Err(Error::new(Code::NoMechanism, Scope::Server, Retry::WhenFixed).with("mechanism", "PLAIN"));
        }
        let message = sasl::plain(&login.authzid, &login.user, &login.password);
        let mut out = b"AUTHENTICATE \"PLAIN\" ".to_vec();
        push_string(&mut out, message.expose());
        out.extend_from_slice(b"\r\n");
        let out = Secret::new(out);
        self.wire.command = "AUTHENTICATE";
        self.wire.send(out.expose()).await?;
        // Dovecot 2.3.19, in one sign-in of twenty over implicit TLS, does not go on before something else comes. RFC 5804
        // knows STARTTLS only, and there it never happens.
        let may_nudge = tls == TlsMode::Implicit && self.checks_scripts();
        let answered = match may_nudge {
            true => timeout(NUDGED_AFTER, self.answer()).await.ok(),
            false => None,
        };
        let (_, answer) = match answered {
            Some(answered) => answered?,
            None => {
                if may_nudge {
                    self.wire.send(NUDGE).await?;
                }
                self.answer().await?
            }
        };
        self.checked(Request::SignIn, &answer)?;
        // What Sieve can do may differ from person to person.
        let (mut lines, mut answer) = self.exchange("CAPABILITY", &[], None).await?;
        // A nudge is answered too, by some servers twice.
        while answer.has_code("TAG") && lines.is_empty() {
            (lines, answer) = self.answer().await?;
        }
        self.checked(Request::SignIn, &answer)?;
        self.learn(&lines)
    }

    fn learn(&mut self, lines: &[Vec<Token>]) -> Result<()> {
        self.capabilities.clear();
        for line in lines {
            let mut texts = line.iter().map(Token::text);
            let Some(Some(name)) = texts.next() else {
                return Err(self.wire.nonsense("no greeting of a ManageSieve server"));
            };
            self.capabilities.insert(name.to_ascii_uppercase(), texts.next().flatten().unwrap_or_default());
        }
        Ok(())
    }

    /// What a command is answered with, if it is not refused.
    async fn ask(
        &mut self,
        request: Request,
        command: &'static str,
        strings: &[&str],
        number: Option<usize>,
    ) -> Result<Vec<Vec<Token>>> {
        let (lines, answer) = self.exchange(command, strings, number).await?;
        self.checked(request, &answer)?;
        Ok(lines)
    }

    fn checked(&self, request: Request, answer: &Answer) -> Result<()> {
        match answer.status {
            Status::Ok => Ok(()),
            Status::No | Status::Bye => Err(classify(request, answer).with("host", &self.host)),
        }
    }

    async fn exchange(
        &mut self,
        command: &'static str,
        strings: &[&str],
        number: Option<usize>,
    ) -> Result<(Vec<Vec<Token>>, Answer)> {
        let mut out = command.as_bytes().to_vec();
        for text in strings {
            out.push(b' ');
            push_string(&mut out, text.as_bytes());
        }
        if let Some(number) = number {
            out.extend_from_slice(format!(" {number}").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        self.wire.command = command;
        self.wire.send(&out).await?;
        self.answer().await
    }

    /// The lines of an answer, and how it ends.
    async fn answer(&mut self) -> Result<(Vec<Vec<Token>>, Answer)> {
        let mut lines = Vec::new();
        loop {
            let line = self.wire.line().await?;
            if let Some(answer) = ending(&line) {
                return Ok((lines, answer));
            }
            // Only OK, NO and BYE begin with an atom.
            let is_data = matches!(line.first(), Some(Token::Text(_)));
            if !is_data || lines.len() >= MOST_LINES {
                return Err(self.wire.nonsense("no line of a ManageSieve server"));
            }
            lines.push(line);
        }
    }
}

/// `OK`, `NO` or `BYE`, a code in brackets, a text.
fn ending(line: &[Token]) -> Option<Answer> {
    let (first, mut rest) = line.split_first()?;
    let Token::Atom(first) = first else { return None };
    let status = match first.to_ascii_uppercase().as_str() {
        "OK" => Status::Ok,
        "NO" => Status::No,
        "BYE" => Status::Bye,
        _ => return None,
    };
    let mut code = String::new();
    if let [Token::Open, inner @ ..] = rest {
        let end = inner.iter().position(|token| *token == Token::Close).unwrap_or(inner.len());
        if let Some(Token::Atom(word)) = inner.first() {
            code = word.to_ascii_uppercase();
        }
        rest = inner.get(end + 1..).unwrap_or_default();
    }
    let text = rest.first().and_then(Token::text).unwrap_or_default();
    Some(Answer { status, code, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::cut;

    #[test]
    fn an_answer_ends_in_a_status_with_a_code_and_a_text() {
        let of = |line: &str| ending(&cut(line.as_bytes()).unwrap().unwrap().0);
        let answer = |status, code: &str, text: &str| Some(Answer { status, code: code.into(), text: text.into() });
        assert_eq!(of("OK\r\n"), answer(Status::Ok, "", ""));
        assert_eq!(of("ok \"Done.\"\r\n"), answer(Status::Ok, "", "Done."));
        assert_eq!(of("NO (QUOTA/MAXSIZE) {3}\r\nBig\r\n"), answer(Status::No, "QUOTA/MAXSIZE", "Big"));
        assert_eq!(of("OK (SASL \"cnNwYXV0aA==\")\r\n"), answer(Status::Ok, "SASL", ""));
        assert_eq!(of("BYE (TRYLATER) \"Later\"\r\n"), answer(Status::Bye, "TRYLATER", "Later"));
        assert_eq!(of("\"OK\" \"a script of this name\"\r\n"), None);
        assert_eq!(of("* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n"), None);
    }
}
