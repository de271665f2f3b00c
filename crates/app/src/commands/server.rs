//! `parom status --server`: what each server is taken for, and how it is treated for that. Takes one sign-in to each, as the
//! first account that is on.

use crate::config::{Config, ImapSide, MailDomain};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::i18n::Texts;
use crate::message::Message;
use crate::output;
use crate::state::{self, Access};
use crate::wiring::{SharedLanes, Wiring, server_name};
use parom_domain::Side;
use parom_domain::endpoint::Endpoint;
use parom_imap::{Profile, QuirkValue};
use parom_service::{Gates, keep_pauses};
use serde_json::{Value as Json, json};

/// A server, as one account of a domain sees it.
struct Seen<'c> {
    domain: &'c MailDomain,
    side: Side,
    profile: Profile,
}

pub fn run(json: bool, config: &Config, texts: &Texts) -> Result<Exit, Failure> {
    let seen = state::with(config, Access::Read, async |store| {
        let wiring = Wiring::new(config, &SharedLanes::default())?;
        let gates = Gates::new(false);
        keep_pauses(&store.paces().await?, &gates);
        let accounts = store.accounts().await?;
        let mut seen = Vec::new();
        for domain in &config.domains {
            let Some(account) = accounts.iter().find(|account| account.enabled && account.domain == domain.name) else {
                continue;
            };
            for side in Side::ALL {
                let endpoint = wiring.signed_in(config, store, &gates, (account, side), 1).await;
                let endpoint = endpoint.map_err(|error| error.with("account", &account.address))?;
                let profile = endpoint.profile().await;
                endpoint.close().await;
                let profile = profile.map_err(|error| error.with("account", &account.address))?;
                seen.push(Seen { domain, side, profile });
            }
        }
        Ok(seen)
    })?;
    if json {
        output::print_json(seen.iter().map(object))?;
    } else if seen.is_empty() {
        output::print(&format!("{}\n", texts.explain(&Message::new("account-none"))))?;
    } else {
        output::print(&seen.iter().map(|seen| told(seen, texts)).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(Exit::Done)
}

impl Seen<'_> {
    fn settings(&self) -> &ImapSide {
        &self.domain.sides[self.side]
    }

    /// Does the configuration say so, and not what was found out?
    fn is_configured(&self, quirk: &str) -> bool {
        self.settings().quirks.contains_key(quirk)
            || quirk == "keeps_bytes" && self.settings().keeps_bytes.is_some()
            || quirk == "sends_receipts" && self.settings().receipts_are_suppressed
    }

    /// Extensions that the server offers and that are left alone.
    fn unused(&self) -> Vec<&'static str> {
        let used = self.profile.used.names_on();
        self.profile.offered.names_on().into_iter().filter(|name| !used.contains(name)).collect()
    }
}

fn object(seen: &Seen<'_>) -> Json {
    let value = |value| match value {
        QuirkValue::Flag(on) => json!(on),
        QuirkValue::Number(number) => json!(number),
    };
    let quirks = seen.profile.quirks.values();
    let quirks: serde_json::Map<String, Json> =
        quirks.into_iter().map(|(name, v)| (name.to_owned(), value(v))).collect();
    json!({
        "domain": seen.domain.name,
        "side": seen.side.as_str(),
        "server": server_name(seen.settings()),
        "product": seen.profile.quirks.product.as_str(),
        "used": seen.profile.used.names_on(),
        "unused": seen.unused(),
        "quirks": quirks,
        "configured": seen.profile.quirks.values().iter().map(|(name, _)| *name).filter(|name| seen.is_configured(name)).collect::<Vec<_>>(),
    })
}

fn told(seen: &Seen<'_>, texts: &Texts) -> String {
    let head = Message::new("server-head")
        .with("domain", seen.domain.name.clone())
        .with("side", seen.side.as_str())
        .with("server", server_name(seen.settings()))
        .with("product", seen.profile.quirks.product.as_str());
    let list = |names: Vec<&str>| if names.is_empty() { "-".to_owned() } else { names.join(", ") };
    let used = Message::new("server-used").with("names", list(seen.profile.used.names_on()));
    let unused = Message::new("server-unused").with("names", list(seen.unused()));
    let mut text = [&head, &used, &unused].map(|line| format!("{}\n", texts.say(line))).concat();
    for (name, value) in seen.profile.quirks.values() {
        let value = match value {
            QuirkValue::Flag(true) => texts.text("word-yes"),
            QuirkValue::Flag(false) => texts.text("word-no"),
            QuirkValue::Number(number) => number.to_string(),
        };
        let from =
            if seen.is_configured(name) { format!("  {}", texts.text("server-configured")) } else { String::new() };
        text.push_str(&format!("  {name} = {value}{from}\n"));
    }
    text
}
