//! TLS for outbound connections: whom to trust, what to refuse, and why a handshake failed, in words an admin can use.

use crate::Stream;
use openssl::hash::MessageDigest;
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode, SslVersion};
use openssl::x509::X509VerifyResult;
use parom_domain::{Code, Error, Result, Retry, Scope};
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::timeout;
use tokio_openssl::SslStream;

/// When a connection becomes a TLS connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// From the first byte (port 993).
    Implicit,
    /// After the protocol's own STARTTLS; refused where the server does not offer it.
    StartTls,
    /// Never: passwords travel in the clear. Only when the configuration asks for it.
    None,
}

/// Which certificate is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The system's certificate authorities.
    System,
    /// The authorities (or the server's own certificate) in this PEM file, and no others.
    CaFile(PathBuf),
    /// Exactly the certificate with this SHA-256 of its DER form, whatever its name and dates.
    Pin([u8; 32]),
    /// Any certificate. Whoever sits in between reads everything, so each use is logged as a warning.
    Insecure,
}

impl Trust {
    /// Reads a pin as `openssl x509 -fingerprint -sha256` prints it: 64 hex digits, colons allowed.
    #[must_use]
    pub fn pin(hex: &str) -> Option<Trust> {
        let digits: Vec<u8> = hex.bytes().filter(|byte| *byte != b':').collect();
        let mut pin = [0; 32];
        if digits.len() != 64 {
            return None;
        }
        for (to, pair) in pin.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| !pair.starts_with('+'))?;
            *to = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Trust::Pin(pin))
    }
}

/// Which versions and ciphers are good enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsPolicy {
    /// TLS 1.2 or later, the library's own ciphers.
    Modern,
    /// What servers of Exchange 2010's time can do: old versions and ciphers (OpenSSL security level 0).
    Legacy { min: MinTls },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinTls {
    V1_0,
    V1_1,
    V1_2,
}

/// Makes TLS connections of one policy and one trust. Cheap to share: the certificates are read once.
pub struct TlsClient {
    connector: SslConnector,
    trust: Trust,
    policy: TlsPolicy,
    handshake_within: Duration,
}

impl TlsClient {
    /// # Errors
    /// `CertificateRefused` when the CA file cannot be read: nothing could be trusted then.
    pub fn new(trust: Trust, policy: TlsPolicy, handshake_within: Duration) -> Result<TlsClient> {
        let broken = |error: openssl::error::ErrorStack| Error::internal("TLS cannot be set up").caused_by(error);
        let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(broken)?;
        // Without this every record costs two reads: one for its header, one for the rest.
        builder.set_read_ahead(true);
        match policy {
            TlsPolicy::Modern => builder.set_min_proto_version(Some(SslVersion::TLS1_2)).map_err(broken)?,
            TlsPolicy::Legacy { min } => {
                builder.set_security_level(0);
                builder.set_cipher_list("ALL:!aNULL:!eNULL:@SECLEVEL=0").map_err(broken)?;
                let min = match min {
                    MinTls::V1_0 => SslVersion::TLS1,
                    MinTls::V1_1 => SslVersion::TLS1_1,
                    MinTls::V1_2 => SslVersion::TLS1_2,
                };
                builder.set_min_proto_version(Some(min)).map_err(broken)?;
            }
        }
        match &trust {
            Trust::System => {}
            Trust::CaFile(path) => {
                // A fresh store: the system's authorities must not be trusted beside the file's.
                let store = openssl::x509::store::X509StoreBuilder::new().map_err(broken)?.build();
                builder.set_cert_store(store);
                builder.set_ca_file(path).map_err(|error| {
                    Error::new(Code::CertificateRefused, Scope::Server, Retry::WhenFixed)
                        .with("detail", format!("the CA file {} cannot be read", path.display()))
                        .caused_by(error)
                })?;
            }
            // The certificate is compared after the handshake, before a byte of ours is sent.
            Trust::Pin(_) | Trust::Insecure => builder.set_verify(SslVerifyMode::NONE),
        }
        Ok(TlsClient { connector: builder.build(), trust, policy, handshake_within })
    }

    /// Turns a plain connection into a TLS connection with `host`, which the certificate must name.
    ///
    /// # Errors
    /// `NoTls`, `TlsFailed`, `CertificateRefused` (with the reason in `detail`).
    pub async fn upgrade(&self, stream: Stream, host: &str, port: u16) -> Result<Stream> {
        let fail = |code: Code, detail: String| {
            let retry = if code == Code::TlsFailed { Retry::Soon } else { Retry::WhenFixed };
            Error::new(code, Scope::Server, retry).with("host", host).with("port", port).with("detail", detail)
        };
        let Stream::Plain(tcp) = stream else {
            return Err(Error::internal("TLS inside TLS was asked for"));
        };
        if self.trust == Trust::Insecure {
            tracing::warn!(host, port, "the server's certificate is not checked (trust = \"insecure\")");
        }
        let mut config = self.connector.configure().map_err(|error| fail(Code::TlsFailed, error.to_string()))?;
        config.set_verify_hostname(!matches!(self.trust, Trust::Pin(_) | Trust::Insecure));
        let ssl = config.into_ssl(host).map_err(|error| fail(Code::TlsFailed, error.to_string()))?;
        let mut tls = SslStream::new(ssl, tcp).map_err(|error| fail(Code::TlsFailed, error.to_string()))?;
        let outcome = timeout(self.handshake_within, Pin::new(&mut tls).connect())
            .await
            .map_err(|_| fail(Code::TlsFailed, format!("no answer within {} s", self.handshake_within.as_secs())))?;
        if let Err(error) = outcome {
            let verdict = tls.ssl().verify_result();
            return Err(if verdict != X509VerifyResult::OK {
                fail(Code::CertificateRefused, reason(verdict))
            } else if speaks_no_tls(&error) {
                fail(Code::NoTls, "the server speaks no TLS on this port".to_owned())
            } else {
                fail(Code::TlsFailed, error.to_string())
            });
        }
        self.warn_of_weakness(host, port, tls.ssl());
        if let Trust::Pin(pin) = &self.trust {
            let digest = tls.ssl().peer_certificate().and_then(|it| it.digest(MessageDigest::sha256()).ok());
            if digest.as_deref() != Some(pin.as_slice()) {
                return Err(fail(Code::CertificateRefused, "pin mismatch".to_owned()));
            }
        }
        Ok(Stream::Tls(Box::new(tls)))
    }
}

impl TlsClient {
    /// A policy that allows what others can read is told at each use, with what it came to.
    fn warn_of_weakness(&self, host: &str, port: u16, ssl: &openssl::ssl::SslRef) {
        if let TlsPolicy::Legacy { .. } = self.policy {
            let cipher = ssl.current_cipher().map_or("none", |cipher| cipher.name());
            let version = ssl.version_str();
            tracing::warn!(host, port, version, cipher, "old TLS is allowed here (tls_policy is not \"modern\")");
        }
    }
}

/// The reasons an admin meets in practice get fixed words; `app` has a sentence for each.
fn reason(verdict: X509VerifyResult) -> String {
    // The numbers are OpenSSL's X509_V_ERR_*, stable since 0.9.8 and 1.1.0.
    match verdict.as_raw() {
        9 => "not yet valid".to_owned(),
        10 => "expired".to_owned(),
        2 | 18..=21 => "unknown issuer".to_owned(),
        62 | 64 => "wrong name".to_owned(),
        _ => verdict.error_string().to_owned(),
    }
}

/// A server that answers a ClientHello in the clear makes OpenSSL complain about the record it believes to read.
fn speaks_no_tls(error: &openssl::ssl::Error) -> bool {
    let signs = ["wrong version number", "packet length too long", "http request", "unknown protocol"];
    error.ssl_error().is_some_and(|stack| {
        stack.errors().iter().any(|error| error.reason().is_some_and(|reason| signs.contains(&reason)))
    })
}
