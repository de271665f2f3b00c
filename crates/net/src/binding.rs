//! What ties a sign-in to the TLS connection that it goes over, so that nobody in between can pass it on to the server.

use crate::Stream;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::x509::X509Ref;

impl Stream {
    /// The channel binding `tls-server-end-point` with its name in front, as GSS-API and NTLM want it (RFC 5929 section 4.1).
    /// `None` without TLS, and for a certificate whose signature names no hash (RSA-PSS, Ed25519): the RFC defines none there.
    #[must_use]
    pub fn end_point(&self) -> Option<Vec<u8>> {
        let Stream::Tls(tls) = self else { return None };
        let hash = end_point(tls.ssl().peer_certificate()?.as_ref())?;
        Some([b"tls-server-end-point:", hash.as_slice()].concat())
    }
}

/// The certificate's hash by the algorithm of its own signature, SHA-256 standing in for what is broken.
fn end_point(certificate: &X509Ref) -> Option<Vec<u8>> {
    let signed_by = certificate.signature_algorithm().object().nid().signature_algorithms()?;
    let digest = match signed_by.digest {
        Nid::MD5 | Nid::SHA1 => MessageDigest::sha256(),
        other => MessageDigest::from_nid(other)?,
    };
    certificate.digest(digest).ok().map(|hash| hash.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::hash::hash;
    use openssl::pkey::{PKey, Private};
    use openssl::rsa::Rsa;
    use openssl::x509::X509;

    fn signed(key: &PKey<Private>, digest: MessageDigest) -> X509 {
        let mut builder = X509::builder().unwrap();
        builder.set_pubkey(key).unwrap();
        builder.sign(key, digest).unwrap();
        builder.build()
    }

    #[test]
    fn the_hash_is_that_of_the_signature_or_a_better_one() {
        let rsa = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let ec = PKey::from_ec_key(EcKey::generate(&curve).unwrap()).unwrap();
        let (md5, sha1) = (MessageDigest::md5(), MessageDigest::sha1());
        let (sha256, sha384, sha512) = (MessageDigest::sha256(), MessageDigest::sha384(), MessageDigest::sha512());
        for (key, signature, expected) in [
            (&rsa, md5, sha256),
            (&rsa, sha1, sha256),
            (&rsa, sha256, sha256),
            (&rsa, sha384, sha384),
            (&rsa, sha512, sha512),
            (&ec, sha384, sha384),
        ] {
            let certificate = signed(key, signature);
            let whole = hash(expected, &certificate.to_der().unwrap()).unwrap();
            assert_eq!(end_point(&certificate).unwrap(), whole.to_vec(), "{:?}", signature.type_());
        }
        let edwards = PKey::generate_ed25519().unwrap();
        assert_eq!(end_point(&signed(&edwards, MessageDigest::null())), None);
    }
}
