//! The log: on stderr, so that stdout holds nothing but what was asked for.

use tracing_subscriber::EnvFilter;

/// By itself only that TLS is weaker than it should be: all else that a person has to know is told in sentences. `-v` tells
/// what happens, `-vv` everything. PAROM_LOG, in the syntax of `tracing`, outweighs both.
pub fn start(verbose: u8) {
    let level = match verbose {
        0 => "off,parom_net::tls=warn",
        1 => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("PAROM_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).compact();
    // It fails only when a log was started before, and then there is one.
    let _ = subscriber.try_init();
}
