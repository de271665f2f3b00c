//! What an endpoint must be told: where the server is, how to trust it, how patient to be, and who signs in.

use crate::quirks::Overrides;
use parom_domain::Result;
use parom_net::{Dialer, Rate, Secret, TlsClient, TlsMode, TlsPolicy, Trust};
use std::sync::Arc;
use std::time::Duration;

/// How long nothing may move on a connection before it is given up. Progress renews it, so that a large message over a
/// slow line is no timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// From the greeting to the end of the sign-in.
    pub sign_in: Duration,
    pub command: Duration,
}

impl Default for Deadlines {
    fn default() -> Deadlines {
        Deadlines { sign_in: Duration::from_secs(60), command: Duration::from_secs(180) }
    }
}

/// One server, shared by all accounts on it.
pub struct ServerSettings {
    pub host: Arc<str>,
    pub port: u16,
    pub tls: TlsMode,
    pub deadlines: Deadlines,
    pub overrides: Overrides,
    /// What all connections to the server may take together; `None`: whatever the line carries.
    pub rate: Option<Arc<Rate>>,
    pub(crate) dialer: Dialer,
    pub(crate) tls_client: Option<TlsClient>,
}

impl ServerSettings {
    /// Reads the certificates to trust, once for all connections.
    ///
    /// # Errors
    /// `CertificateRefused` when the CA file cannot be read.
    pub fn new(
        host: &str,
        port: u16,
        tls: TlsMode,
        trust: Trust,
        policy: TlsPolicy,
        dialer: Dialer,
    ) -> Result<ServerSettings> {
        let tls_client = match tls {
            TlsMode::None => None,
            TlsMode::Implicit | TlsMode::StartTls => {
                let client = TlsClient::new(trust, policy, dialer.connect_within());
                Some(client.map_err(|error| error.with("host", host).with("port", port))?)
            }
        };
        Ok(ServerSettings {
            host: host.into(),
            port,
            tls,
            deadlines: Deadlines::default(),
            overrides: Overrides::default(),
            rate: None,
            dialer,
            tls_client,
        })
    }
}

/// How to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// SASL PLAIN where offered, else LOGIN, and NTLM where a server has nothing else.
    Auto,
    /// SASL PLAIN (RFC 4616), the only one with an authorization identity.
    Plain,
    /// The LOGIN command.
    Login,
    /// The password is an OAuth token.
    XOAuth2,
    /// NTLM, tied to the TLS connection. Opens the own mailbox of the one who signs in and no other.
    Ntlm,
}

/// Who signs in, and as whom.
#[derive(Clone, Debug)]
pub struct Login {
    pub user: String,
    /// The mailbox to open, when it is not the user's own (SASL authorization identity); else empty.
    pub authzid: String,
    pub password: Secret,
    pub mechanism: Mechanism,
}
