//! The log: on stderr, so that stdout holds nothing but what was asked for.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// By itself only that TLS is weaker than it should be: all else that a person has to know is told in sentences. `-v` tells
/// what happens, `-vv` everything. PAROM_LOG outweighs both: a level, or levels by module (`info,parom_imap=trace`).
pub fn start(verbose: u8) {
    let asked = std::env::var("PAROM_LOG").ok().and_then(|said| said.parse().ok());
    let targets: Targets = asked.unwrap_or_else(|| match verbose {
        0 => Targets::new().with_target("parom_net::tls", LevelFilter::WARN),
        1 => Targets::new().with_default(LevelFilter::INFO),
        _ => Targets::new().with_default(LevelFilter::DEBUG),
    });
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).compact();
    // It fails only when a log was started before, and then there is one.
    let _ = tracing_subscriber::registry().with(lines).with(targets).try_init();
}
