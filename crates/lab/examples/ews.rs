//! A simulated Exchange Web Services server to try a client on: `cargo run -p parom-lab --example ews -- 2016 8080`.

use parom_lab::ews::{Config, Ews, User};
use parom_lab::exchange::{Language, Version};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let year = arguments.next().unwrap_or_default();
    let version = Version::ALL.into_iter().find(|version| version.year() == year).unwrap_or(Version::E2016);
    let mut config = Config::new(version);
    // A stream of one minute lasts three seconds, so that a try is short.
    config.switches.minute = std::time::Duration::from_secs(3);
    config.port = arguments.next().and_then(|port| port.parse().ok()).unwrap_or(8080);
    config.users = vec![
        User::new("alice@corp.example", "Alice").speaking(Language::Russian).living_in("Russian Standard Time"),
        User::new("bob@corp.example", "Bob"),
        User::new("denied@corp.example", "Denied"),
    ];
    let ews = Ews::start(config).await?;
    ews.deny("denied@corp.example");
    // DavMail would try NTLM first.
    ews.gate(|gate| (gate.ntlm, gate.negotiate) = (false, false));
    println!("Exchange {} at {}, svc@corp.example with the password svc", version.year(), ews.url());
    tokio::signal::ctrl_c().await
}
