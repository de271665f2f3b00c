//! TLS against servers with certificates of every kind, made on the spot.

#![allow(clippy::unwrap_used)]

use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{Ssl, SslAcceptor, SslMethod, SslVersion};
use openssl::x509::extension::SubjectAlternativeName;
use openssl::x509::{X509, X509NameBuilder};
use parom_domain::{Code, Result};
use parom_net::{AllowList, Dialer, MinTls, Stream, TlsClient, TlsPolicy, Trust};
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_openssl::SslStream;

struct Identity {
    certificate: X509,
    key: PKey<Private>,
}

/// A self-signed certificate for a name, valid from and to so many days from now.
fn identity(name: &str, from_days: i64, to_days: i64) -> Identity {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(&subject).unwrap();
    builder.set_pubkey(&key).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
    let day = |days: i64| Asn1Time::from_unix(now + days * 86_400).unwrap();
    builder.set_not_before(&day(from_days)).unwrap();
    builder.set_not_after(&day(to_days)).unwrap();
    let alternative = SubjectAlternativeName::new().dns(name).build(&builder.x509v3_context(None, None)).unwrap();
    builder.append_extension(alternative).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    Identity { certificate: builder.build(), key }
}

/// A server that greets once after its handshake; `max` limits what it speaks.
async fn server(identity: &Identity, max: Option<SslVersion>) -> u16 {
    let mut builder = SslAcceptor::mozilla_intermediate(SslMethod::tls_server()).unwrap();
    builder.set_certificate(&identity.certificate).unwrap();
    builder.set_private_key(&identity.key).unwrap();
    if max.is_some() {
        builder.set_security_level(0);
        builder.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
        builder.clear_options(openssl::ssl::SslOptions::NO_TLSV1 | openssl::ssl::SslOptions::NO_TLSV1_1);
        builder.set_min_proto_version(Some(SslVersion::TLS1)).unwrap();
        builder.set_max_proto_version(max).unwrap();
    }
    let acceptor = builder.build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let mut tls = SslStream::new(Ssl::new(acceptor.context()).unwrap(), tcp).unwrap();
            if Pin::new(&mut tls).accept().await.is_ok() {
                let _ = tls.write_all(b"hello").await;
            }
        }
    });
    port
}

async fn connect(port: u16, trust: Trust, policy: TlsPolicy) -> Result<Stream> {
    let dialer = Dialer::new(AllowList::of(["localhost"]), Duration::from_secs(20));
    let client = TlsClient::new(trust, policy, Duration::from_secs(20))?;
    let mut stream = client.upgrade(dialer.connect("localhost", port).await?, "localhost", port).await?;
    let mut greeting = [0; 5];
    stream.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"hello");
    Ok(stream)
}

async fn refusal(port: u16, trust: Trust) -> (Code, String) {
    let error = connect(port, trust, TlsPolicy::Modern).await.err().unwrap();
    (error.code(), error.arg("detail").unwrap_or_default().to_owned())
}

fn pem_file(identity: &Identity) -> (tempfile::TempDir, Trust) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, identity.certificate.to_pem().unwrap()).unwrap();
    (folder, Trust::CaFile(path))
}

fn pin(identity: &Identity) -> Trust {
    let digest = identity.certificate.digest(MessageDigest::sha256()).unwrap();
    let hex: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    Trust::pin(&hex.join(":")).unwrap()
}

#[tokio::test]
async fn a_certificate_is_believed_by_file_by_pin_or_blindly() {
    let good = identity("localhost", -1, 30);
    let port = server(&good, None).await;
    let (_folder, file) = pem_file(&good);
    for trust in [file, pin(&good), Trust::Insecure] {
        connect(port, trust, TlsPolicy::Modern).await.unwrap();
    }
    assert_eq!(refusal(port, Trust::System).await, (Code::CertificateRefused, "unknown issuer".to_owned()));
}

#[tokio::test]
async fn a_certificate_is_refused_with_its_reason() {
    let good = identity("localhost", -1, 30);
    for (bad, reason) in [
        (identity("localhost", -30, -1), "expired"),
        (identity("localhost", 1, 30), "not yet valid"),
        (identity("elsewhere.example", -1, 30), "wrong name"),
    ] {
        let port = server(&bad, None).await;
        let (_folder, file) = pem_file(&bad);
        assert_eq!(refusal(port, file).await, (Code::CertificateRefused, reason.to_owned()));
        assert_eq!(refusal(port, pin(&good)).await, (Code::CertificateRefused, "pin mismatch".to_owned()));
        // A pin stands for itself: neither name nor dates matter.
        connect(port, pin(&bad), TlsPolicy::Modern).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_told_from_one_that_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let _ = tcp.write_all(b"* OK IMAP4rev1 in the clear\r\n").await;
            // The client's first bytes are read, lest closing with unread data resets the connection.
            let _ = tcp.read(&mut [0; 1024]).await;
        }
    });
    assert_eq!(refusal(port, Trust::Insecure).await.0, Code::NoTls);
}

#[tokio::test]
async fn old_versions_need_the_legacy_policy() {
    let good = identity("localhost", -1, 30);
    let port = server(&good, Some(SslVersion::TLS1_1)).await;
    assert_eq!(refusal(port, pin(&good)).await.0, Code::TlsFailed);
    connect(port, pin(&good), TlsPolicy::Legacy { min: MinTls::V1_0 }).await.unwrap();
}

/// `openssl s_server` limited to what an old server speaks. It ends with the test.
struct Openssl {
    child: std::process::Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Openssl {
    fn start(identity: &Identity, limits: &[&str]) -> Openssl {
        let folder = tempfile::tempdir().unwrap();
        let (key, certificate) = (folder.path().join("key.pem"), folder.path().join("cert.pem"));
        std::fs::write(&key, identity.key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        std::fs::write(&certificate, identity.certificate.to_pem().unwrap()).unwrap();
        let mut child = std::process::Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-key"])
            .arg(&key)
            .arg("-cert")
            .arg(&certificate)
            .args(limits)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        let accept = lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("ACCEPT")).unwrap();
        let port = accept.rsplit(':').next().unwrap().trim().parse().unwrap();
        // Somebody has to read what it goes on saying.
        std::thread::spawn(move || lines.for_each(drop));
        Openssl { child, port, _folder: folder }
    }

    /// The version and the cipher that a connection came to.
    async fn negotiate(&self, trust: Trust, policy: TlsPolicy) -> Result<(String, String)> {
        let dialer = Dialer::new(AllowList::of(["localhost"]), Duration::from_secs(20));
        let client = TlsClient::new(trust, policy, Duration::from_secs(20))?;
        let stream = dialer.connect("localhost", self.port).await?;
        let Stream::Tls(tls) = client.upgrade(stream, "localhost", self.port).await? else { panic!("no TLS") };
        let cipher = tls.ssl().current_cipher().unwrap().name().to_owned();
        Ok((tls.ssl().version_str().to_owned(), cipher))
    }
}

impl Drop for Openssl {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn servers_of_exchanges_time_are_reached_by_the_policy_that_allows_them_and_by_no_other() {
    let good = identity("localhost", -1, 30);
    let (v1_0, v1_1, v1_2) = (MinTls::V1_0, MinTls::V1_1, MinTls::V1_2);
    let old = "ALL:@SECLEVEL=0";
    for (limits, version, cipher, lowest, modern) in [
        (&["-tls1", "-cipher", old][..], "TLSv1", "", &[v1_0][..], false),
        (&["-tls1_1", "-cipher", old], "TLSv1.1", "", &[v1_0, v1_1], false),
        (
            &["-tls1_2", "-cipher", "ECDHE-RSA-AES256-SHA384:@SECLEVEL=0"],
            "TLSv1.2",
            "ECDHE-RSA-AES256-SHA384",
            &[v1_0, v1_1, v1_2],
            true,
        ),
        (&["-tls1_2", "-cipher", "AES256-SHA:@SECLEVEL=0"], "TLSv1.2", "AES256-SHA", &[v1_0, v1_1, v1_2], true),
    ] {
        let server = Openssl::start(&good, limits);
        for min in [v1_0, v1_1, v1_2] {
            let came_to = server.negotiate(pin(&good), TlsPolicy::Legacy { min }).await;
            match lowest.contains(&min) {
                true => {
                    let (spoken, suite) = came_to.unwrap();
                    assert_eq!(
                        (spoken.as_str(), suite.contains(cipher)),
                        (version, true),
                        "{limits:?} {min:?} {suite}"
                    );
                }
                false => assert_eq!(came_to.unwrap_err().code(), Code::TlsFailed, "{limits:?} {min:?}"),
            }
        }
        let came_to = server.negotiate(pin(&good), TlsPolicy::Modern).await;
        assert_eq!(came_to.is_ok(), modern, "{limits:?}: {came_to:?}");
    }
}

#[test]
fn a_pin_is_64_hex_digits() {
    assert!(Trust::pin(&"a".repeat(64)).is_some() && Trust::pin(&"AB:".repeat(32)).is_some());
    for wrong in ["", "abc", &"g".repeat(64), &"+a".repeat(32), &"a".repeat(66)] {
        assert!(Trust::pin(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn a_ca_file_that_is_missing_is_said_so() {
    let trust = Trust::CaFile("/nowhere/ca.pem".into());
    let error = TlsClient::new(trust, TlsPolicy::Modern, Duration::from_secs(1)).err().unwrap();
    assert_eq!(error.code(), Code::CertificateRefused);
}
