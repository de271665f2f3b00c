//! Opens a connection: greeting, TLS, sign-in, and the extensions that are to be used.

use crate::capability::Capabilities;
use crate::classify::{Answer, Request, classify};
use crate::command::Command;
use crate::connection::{Connection, ignore};
use crate::deflate::Deflated;
use crate::quirks::{Product, Quirks};
use crate::response::{Response, Status};
use crate::settings::{Login, Mechanism, ServerSettings};
use crate::wire::Wire;
use parom_domain::{Code, Error, Result, Retry, Scope};
use parom_net::{Paced, TlsMode, sasl};

/// Connects and signs in. On return, ENABLE is on its way with the next command.
///
/// # Errors
/// Those of dialling and of TLS; `SignInRefused`, `NoMechanism`, `NtlmLeftOut`, `NtlmOwnMailbox`, `NoTls`,
/// `ServerUnavailable`.
pub async fn open(settings: &ServerSettings, login: &Login) -> Result<Connection> {
    let (host, port) = (&settings.host, settings.port);
    let mut stream = settings.dialer.connect(host, port).await?;
    if let (TlsMode::Implicit, Some(tls)) = (settings.tls, &settings.tls_client) {
        stream = tls.upgrade(stream, host, port).await?;
    }
    let mut end_point = stream.end_point();
    let wire = Wire::new(Box::new(stream), host.clone(), settings.deadlines.sign_in);
    let (mut conn, signed_in) = greet(wire, settings).await?;
    if let (TlsMode::StartTls, Some(tls)) = (settings.tls, &settings.tls_client) {
        (conn, end_point) = start_tls(conn, tls, settings, signed_in).await?;
    }
    if !signed_in {
        let asked = std::time::Instant::now();
        let authenticated = authenticate(&mut conn, login, end_point.as_deref()).await;
        authenticated.map_err(|error| error.with("host", host).with("login", &login.user))?;
        conn.round_trip = asked.elapsed();
    }
    conn.signed_in = true;
    if let Some(mut quirks) = Quirks::of_capabilities(&conn.caps).filter(|_| conn.quirks.product == Product::Other) {
        settings.overrides.apply(&mut quirks);
        conn.quirks = quirks;
        conn.learn(conn.caps.clone());
    }
    if let Some(rate) = &settings.rate {
        conn.wire = conn.wire.rewrap(|io| Box::new(Paced::new(io, rate.clone())))?;
    }
    if conn.ext.compress {
        conn = compress(conn).await?;
    }
    enable(&mut conn);
    conn.wire.set_patience(settings.deadlines.command);
    Ok(conn)
}

/// Reads the greeting. The flag says that the server already knows who we are (PREAUTH).
async fn greet(mut wire: Wire, settings: &ServerSettings) -> Result<(Connection, bool)> {
    wire.command = "greeting";
    wire.next().await?;
    let host = settings.host.clone();
    let Some(Response::Untagged(condition)) = Response::parse(wire.response()) else {
        return Err(wire.nonsense("no greeting of an IMAP server").widened(Scope::Server));
    };
    let signed_in = match condition.status {
        Status::Ok => false,
        Status::Preauth => true,
        _ => return Err(classify(Request::SignIn, &Answer::of(&condition)).with("host", host)),
    };
    let mut quirks = Quirks::of_greeting(&String::from_utf8_lossy(condition.text));
    settings.overrides.apply(&mut quirks);
    let caps = condition.code("CAPABILITY").map(Capabilities::parse);
    let mut conn = Connection::new(wire, host, quirks);
    match caps {
        // What was said before STARTTLS does not count.
        _ if settings.tls == TlsMode::StartTls => {}
        Some(caps) => conn.learn(caps),
        None => ask_capabilities(&mut conn).await?,
    }
    Ok((conn, signed_in))
}

/// Also tells what the new connection can be recognised by, see [`parom_net::Stream::end_point`].
async fn start_tls(
    mut conn: Connection,
    tls: &parom_net::TlsClient,
    settings: &ServerSettings,
    signed_in: bool,
) -> Result<(Connection, Option<Vec<u8>>)> {
    let (host, port) = (&settings.host, settings.port);
    let none = || {
        Error::new(Code::NoTls, Scope::Server, Retry::WhenFixed)
            .with("host", host)
            .with("port", port)
            .with("detail", "the server does not offer STARTTLS")
    };
    // A server that is signed in to from the start cannot be asked for TLS any more (RFC 3501 section 6.2.1).
    if signed_in {
        return Err(none());
    }
    let answers = conn.run(&[Command::new("STARTTLS", Request::SignIn)], &mut ignore).await?;
    if !answers.first().is_some_and(Answer::is_ok) {
        return Err(none());
    }
    let stream = tls.upgrade(conn.wire.into_stream()?, host, port).await?;
    let end_point = stream.end_point();
    let wire = Wire::new(Box::new(stream), host.clone(), settings.deadlines.sign_in);
    let mut conn = Connection::new(wire, host.clone(), conn.quirks);
    ask_capabilities(&mut conn).await?;
    Ok((conn, end_point))
}

async fn ask_capabilities(conn: &mut Connection) -> Result<()> {
    let mut caps = None;
    conn.done(Command::new("CAPABILITY", Request::Account), &mut |_, response| {
        note_capabilities(response, &mut caps);
        Ok(())
    })
    .await?;
    conn.learn(caps.unwrap_or_default());
    Ok(())
}

fn note_capabilities(response: &Response<'_>, caps: &mut Option<Capabilities>) {
    let words = response.data("CAPABILITY").or_else(|| match response {
        Response::Untagged(condition) => condition.code("CAPABILITY"),
        _ => None,
    });
    if let Some(words) = words {
        *caps = Some(Capabilities::parse(words));
    }
}

async fn authenticate(conn: &mut Connection, login: &Login, end_point: Option<&[u8]>) -> Result<()> {
    let Login { user, authzid, password, .. } = login;
    let mut caps = None;
    let mut note = |_, response: &Response<'_>| {
        note_capabilities(response, &mut caps);
        Ok(())
    };
    let answer = match choose(conn, login)? {
        Chosen::Plain => {
            conn.run(&[initial(conn, "PLAIN", &sasl::plain(authzid, user, password))], &mut note).await?.pop()
        }
        Chosen::XOAuth2 => {
            conn.run(&[initial(conn, "XOAUTH2", &sasl::xoauth2(user, password))], &mut note).await?.pop()
        }
        Chosen::Login => {
            let literals = conn.literals();
            let command = Command::new("LOGIN", Request::SignIn).string(user.as_bytes(), literals);
            conn.run(&[command.string(password.expose(), literals)], &mut note).await?.pop()
        }
        Chosen::Ntlm => {
            let mut ntlm = sasl::Ntlm::new(user, password, end_point)?;
            let command = Command::new("AUTHENTICATE", Request::SignIn).raw("NTLM");
            // The conversation of [MS-OXIMAP4] 2.2.1 begins with the server's `+`, SASL-IR or not.
            Some(conn.converse(&command, &mut |challenge| ntlm.respond(challenge), &mut note).await?)
        }
    };
    let answer = conn.checked(Request::SignIn, answer)?;
    // Before the sign-in servers tell only a part; after it, most tell along with their OK.
    let told = answer.code.as_bytes();
    if let Some(words) = told.get(..11).filter(|word| word.eq_ignore_ascii_case(b"CAPABILITY ")).and(told.get(11..)) {
        caps = Some(Capabilities::parse(crate::tokens::Tokens::new(words)));
    }
    match caps {
        Some(caps) => conn.learn(caps),
        None => ask_capabilities(conn).await?,
    }
    Ok(())
}

/// A mechanism that the server offers and the login fits.
#[derive(Clone, Copy)]
enum Chosen {
    Plain,
    Login,
    XOAuth2,
    Ntlm,
}

fn choose(conn: &Connection, login: &Login) -> Result<Chosen> {
    let offers = |mechanism| conn.caps.sasl(mechanism);
    let may_log_in = !conn.caps.has("LOGINDISABLED");
    let for_another = !login.authzid.is_empty();
    let chosen = match login.mechanism {
        Mechanism::Plain => Chosen::Plain,
        Mechanism::Login => Chosen::Login,
        Mechanism::XOAuth2 => Chosen::XOAuth2,
        Mechanism::Ntlm => Chosen::Ntlm,
        Mechanism::Auto if offers("PLAIN") || for_another => Chosen::Plain,
        Mechanism::Auto if !may_log_in && offers("NTLM") => Chosen::Ntlm,
        Mechanism::Auto => Chosen::Login,
    };
    let (name, fits) = match chosen {
        Chosen::Ntlm if for_another => {
            return Err(Error::new(Code::NtlmOwnMailbox, Scope::Account, Retry::WhenFixed));
        }
        // Only PLAIN can carry an authorization identity.
        Chosen::Login if for_another => ("PLAIN", false),
        Chosen::Login => ("LOGIN", may_log_in),
        Chosen::Plain => ("PLAIN", offers("PLAIN")),
        Chosen::XOAuth2 => ("XOAUTH2", offers("XOAUTH2")),
        Chosen::Ntlm => ("NTLM", offers("NTLM")),
    };
    if fits {
        return Ok(chosen);
    }
    Err(Error::new(Code::NoMechanism, Scope::Server, Retry::WhenFixed).with("mechanism", name))
}

/// AUTHENTICATE with all that is to be said, at once where the server takes that (RFC 4959).
fn initial(conn: &Connection, name: &str, message: &parom_net::Secret) -> Command {
    let command = Command::new("AUTHENTICATE", Request::SignIn).raw(name);
    match std::str::from_utf8(message.expose()) {
        Ok(message) if conn.ext.sasl_ir => command.raw(message),
        _ => command.after_wait(message.expose()),
    }
}

async fn compress(mut conn: Connection) -> Result<Connection> {
    let command = Command::new("COMPRESS", Request::Account).raw("DEFLATE");
    let answers = conn.run(&[command], &mut ignore).await?;
    if answers.first().is_some_and(Answer::is_ok) {
        conn.wire = conn.wire.rewrap(|io| Box::new(Deflated::new(io)))?;
    }
    Ok(conn)
}

/// Asks for the extensions that change what the server says. The answer is not waited for: a server that offers them
/// enables them, and a SELECT that uses them fails by itself if not. ID goes along, so that the server's admin can see in
/// its log who comes so often.
fn enable(conn: &mut Connection) {
    if conn.ext.id {
        let version = env!("CARGO_PKG_VERSION");
        let fields = format!("(\"name\" \"Parom\" \"version\" \"{version}\")");
        conn.push_silent(&Command::new("ID", Request::Account).raw(&fields));
    }
    let mut wanted = Vec::new();
    if conn.ext.qresync {
        wanted.push("QRESYNC");
    }
    if conn.ext.utf8_accept {
        wanted.push("UTF8=ACCEPT");
    }
    if conn.ext.enable && !wanted.is_empty() {
        conn.push_silent(&Command::new("ENABLE", Request::Account).raw(&wanted.join(" ")));
    }
}
