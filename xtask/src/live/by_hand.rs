//! `cargo xtask live start ...`: a server for hand use, until Enter is pressed.

use super::tls::Validity;
use super::{Address, Cyrus, Dovecot, Layout, MASTER, MASTER_PASSWORD, PASSWORD, Radicale, dovecot};
use crate::{Result, failure};

pub fn run(words: &[&str]) -> Result<()> {
    match words {
        ["start", "dovecot", options @ ..] => {
            let server = Dovecot::start(dovecot_options(options)?)?;
            announce(&server.plain());
            if let Some(certificate) = server.certificate() {
                announce(&server.implicit_tls());
                println!("certificate {}", certificate.certificate.display());
            }
            println!("configuration {}", server.config().display());
            wait_for_enter()
        }
        ["start", "cyrus"] => {
            let server = Cyrus::start()?;
            announce(&server.plain());
            wait_for_enter()
        }
        ["start", "radicale", users @ ..] => {
            let server = Radicale::start(users)?;
            println!("{} for {}, password {PASSWORD}", server.url(), users.join(", "));
            wait_for_enter()
        }
        _ => Err(failure(
            "usage: cargo xtask live start dovecot [--layout maildir|sdbox] [--tls] | cyrus | radicale USER...",
        )),
    }
}

fn dovecot_options(words: &[&str]) -> Result<dovecot::Options> {
    let mut options = dovecot::Options::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--tls" => options.tls = Some(Validity::Now),
            "--special" => options.special_folders = true,
            "--layout" => {
                options.layout = match words.next() {
                    Some(&"maildir") => Layout::Maildir,
                    Some(&"sdbox") => Layout::Sdbox,
                    _ => return Err(failure("--layout is maildir or sdbox")),
                }
            }
            other => return Err(failure(format!("unknown option {other}"))),
        }
    }
    Ok(options)
}

fn announce(address: &Address) {
    let Address { host, port, tls } = address;
    let how = if *tls { "implicit TLS" } else { "plain" };
    println!(
        "listening on {host}:{port} ({how}); any user, password {PASSWORD}; service {MASTER}, password {MASTER_PASSWORD}"
    );
}

fn wait_for_enter() -> Result<()> {
    println!("press Enter to stop");
    std::io::stdin().read_line(&mut String::new())?;
    Ok(())
}
