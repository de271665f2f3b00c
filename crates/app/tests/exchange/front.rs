//! TLS in front of the simulated Exchange, which has none of its own.

use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslAcceptor, SslMethod, SslOptions, SslVersion};
use openssl::x509::{X509, X509NameBuilder};
use std::net::SocketAddr;
use std::pin::Pin;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_openssl::SslStream;

pub struct Front {
    pub port: u16,
    certificate: X509,
    _runtime: Runtime,
}

impl Front {
    /// Passes on what comes to the server at `inner`, with a certificate of its own that is signed with SHA-384.
    pub fn before(inner: SocketAddr) -> Front {
        Front::speaking(inner, None)
    }

    /// The same; with `most` nothing newer than this version, as an old Windows.
    pub fn speaking(inner: SocketAddr, most: Option<SslVersion>) -> Front {
        let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&curve).unwrap()).unwrap();
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", "127.0.0.1").unwrap();
        let name = name.build();
        let mut builder = X509::builder().unwrap();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(&name).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
        builder.sign(&key, MessageDigest::sha384()).unwrap();
        let certificate = builder.build();
        let mut acceptor = SslAcceptor::mozilla_intermediate(SslMethod::tls_server()).unwrap();
        acceptor.set_certificate(&certificate).unwrap();
        acceptor.set_private_key(&key).unwrap();
        if most.is_some() {
            acceptor.set_security_level(0);
            acceptor.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
            acceptor.clear_options(SslOptions::NO_TLSV1 | SslOptions::NO_TLSV1_1);
            acceptor.set_min_proto_version(Some(SslVersion::TLS1)).unwrap();
            acceptor.set_max_proto_version(most).unwrap();
        }
        let acceptor = acceptor.build();
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        runtime.spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let mut tls = SslStream::new(Ssl::new(acceptor.context()).unwrap(), tcp).unwrap();
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(inner).await?;
                    if Pin::new(&mut tls).accept().await.is_ok() {
                        copy_bidirectional(&mut tls, &mut server).await?;
                    }
                    std::io::Result::Ok(())
                });
            }
        });
        Front { port, certificate, _runtime: runtime }
    }

    /// As the configuration pins it.
    pub fn pin(&self) -> String {
        let digest = self.certificate.digest(MessageDigest::sha256()).unwrap();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// `tls-server-end-point` as the server behind it knows it.
    pub fn end_point(&self) -> Vec<u8> {
        let hash = self.certificate.digest(MessageDigest::sha384()).unwrap();
        [b"tls-server-end-point:", &hash[..]].concat()
    }
}
