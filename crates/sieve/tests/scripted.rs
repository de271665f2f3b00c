//! A server that says word for word what a script tells: what Dovecot does not do, others do.

#![allow(clippy::unwrap_used)]

use parom_domain::{Code, Scope};
use parom_net::{AllowList, Dialer, Secret, TlsMode};
use parom_sieve::{Client, Listed, Login, Settings};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const GREETING: &str = "\"IMPLEMENTATION\" \"Test\"\r\n\"SIEVE\" \"vacation\"\r\n\"SASL\" \"LOGIN PLAIN\"\r\nOK\r\n";
/// `\0user\0pass`.
const SIGN_IN: (&str, &str) = ("AUTHENTICATE \"PLAIN\" \"AHVzZXIAcGFzcw==\"\r\n", "OK\r\n");
const CAPABILITY: (&str, &str) = (
    "CAPABILITY\r\n",
    "{5}\r\nSIEVE {20}\r\nvacation date inclu\r\n\"VERSION\" \"1.0\"\r\nOK (TAG {1}\r\nx) \"Done.\"\r\n",
);

/// Says the greeting, then an answer to each thing that it wants to hear, then closes.
async fn serve(greeting: &'static str, script: Vec<(&'static str, &'static str)>) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(greeting.as_bytes()).await.unwrap();
        for (wanted, answer) in script {
            let mut heard = vec![0; wanted.len()];
            stream.read_exact(&mut heard).await.unwrap();
            assert_eq!(String::from_utf8_lossy(&heard), wanted);
            // Byte by byte: nothing may depend on how it is cut.
            for byte in answer.as_bytes() {
                stream.write_all(&[*byte]).await.unwrap();
            }
        }
    });
    (port, task)
}

fn settings(port: u16, tls: TlsMode) -> Settings {
    let dialer = Dialer::new(AllowList::of(["127.0.0.1"]), Duration::from_secs(20));
    Settings { host: "127.0.0.1".into(), port, tls, dialer, tls_client: None, patience: Duration::from_secs(20) }
}

fn login() -> Login {
    Login { user: "user".into(), authzid: String::new(), password: Secret::from("pass") }
}

async fn refused(greeting: &'static str, script: Vec<(&'static str, &'static str)>) -> (Code, Scope, String) {
    let (port, task) = serve(greeting, script).await;
    let error = Client::open(&settings(port, TlsMode::None), &login()).await.err().unwrap();
    task.await.unwrap();
    (error.code(), error.scope(), error.to_string())
}

#[tokio::test]
async fn every_command_is_said_and_every_answer_understood() {
    let script = vec![
        SIGN_IN,
        CAPABILITY,
        ("LISTSCRIPTS\r\n", "\"a \\\"b\\\"\"\r\n{4}\r\nc\r\nd ACTIVE\r\nOK \"Done.\"\r\n"),
        ("GETSCRIPT \"a \\\"b\\\"\"\r\n", "{9}\r\nkeep;\r\n\"\"\r\nOK\r\n"),
        ("HAVESPACE \"x\" 12\r\n", "OK\r\n"),
        ("CHECKSCRIPT {7+}\r\nkeep;\r\n\r\n", "OK (WARNINGS) \"a warning\"\r\n"),
        ("PUTSCRIPT \"x\" {7+}\r\nkeep;\r\n\r\n", "NO (QUOTA/MAXSIZE) {8}\r\ntoo\r\nbig\r\n"),
        ("SETACTIVE \"\"\r\n", "OK\r\n"),
        ("DELETESCRIPT \"x\"\r\n", "NO (NONEXISTENT) \"gone\"\r\n"),
        // The client does not wait for an answer.
        ("LOGOUT\r\n", ""),
    ];
    let (port, task) = serve(GREETING, script).await;
    let mut client = Client::open(&settings(port, TlsMode::None), &login()).await.unwrap();
    assert!(client.extensions().has("date") && !client.extensions().has("include") && client.checks_scripts());
    let listed = |name: &str, active| Listed { name: name.into(), active };
    assert_eq!(client.list().await.unwrap(), [listed("a \"b\"", false), listed("c\r\nd", true)]);
    assert_eq!(client.get("a \"b\"").await.unwrap(), "keep;\r\n\"\"");
    client.have_space("x", 12).await.unwrap();
    client.check("keep;\r\n").await.unwrap();
    let error = client.put("x", "keep;\r\n").await.unwrap_err();
    assert_eq!(
        (error.code(), error.arg("answer"), error.arg("host")),
        (Code::SieveScriptRefused, Some("too big"), Some("127.0.0.1"))
    );
    client.activate(None).await.unwrap();
    client.delete("x").await.unwrap();
    client.close().await;
    task.await.unwrap();
}

#[tokio::test]
async fn what_is_no_server_of_scripts_is_told_as_that() {
    for greeting in [
        "* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n",
        "220 mail.example ESMTP\r\n",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "\"SIEVE\" \"a\r\n",
        "{99999999}\r\n",
        "\u{16}\u{3}\u{1}",
    ] {
        let (code, scope, said) = refused(greeting, vec![]).await;
        assert_eq!((code, scope), (Code::AnswerUnexpected, Scope::Server), "{greeting:?}: {said}");
    }
    assert_eq!(refused("", vec![]).await.0, Code::ConnectionLost);
    assert_eq!(refused("BYE (TRYLATER) \"Too many\"\r\n", vec![]).await.0, Code::ServerUnavailable);
}

#[tokio::test]
async fn a_sign_in_that_is_not_possible_or_refused_is_told_apart() {
    let (code, scope, said) = refused(GREETING, vec![(SIGN_IN.0, "NO \"Authentication failed.\"\r\n")]).await;
    assert_eq!((code, scope), (Code::SignInRefused, Scope::Credential));
    assert!(said.contains("Authentication failed.") && said.contains("user") && !said.contains("pass\""), "{said}");
    assert_eq!(
        refused(GREETING, vec![(SIGN_IN.0, "NO (ENCRYPT-NEEDED) \"TLS first\"\r\n")]).await.0,
        Code::NoMechanism
    );
    assert_eq!(refused("\"SASL\" \"\"\r\n\"STARTTLS\"\r\nOK\r\n", vec![]).await.0, Code::NoMechanism);
}

#[tokio::test]
async fn no_password_goes_out_where_tls_is_wanted_and_not_offered() {
    let tls = parom_net::TlsClient::new(parom_net::Trust::System, parom_net::TlsPolicy::Modern, Duration::from_secs(5));
    let tls_client = Some(std::sync::Arc::new(tls.unwrap()));
    for script in [(GREETING, vec![]), ("\"STARTTLS\"\r\nOK\r\n", vec![("STARTTLS\r\n", "NO \"not now\"\r\n")])] {
        let (port, task) = serve(script.0, script.1).await;
        let settings = Settings { tls_client: tls_client.clone(), ..settings(port, TlsMode::StartTls) };
        assert_eq!(Client::open(&settings, &login()).await.err().unwrap().code(), Code::NoTls);
        task.await.unwrap();
    }
}
