//! Signing in to servers that misbehave, word for word as written down here.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod peer;

use parom_domain::Code;
use parom_domain::endpoint::Endpoint;
use parom_imap::Mechanism;
use parom_net::TlsMode;
use peer::*;
use std::time::Duration;

#[tokio::test]
async fn bytes_behind_the_answer_to_starttls_are_refused() {
    let script = vec![("STARTTLS", "$ OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n")];
    let peer = Peer::start(vec![(GREETING, script)]).await;
    let endpoint = peer.endpoint_with(TlsMode::StartTls, Mechanism::Auto, Duration::from_secs(30));
    assert_eq!(endpoint.folders().await.err().unwrap().code(), Code::ProtocolError);
    peer.finished().await;
}

#[tokio::test]
async fn a_server_without_starttls_gets_no_password() {
    let peer = Peer::start(vec![(GREETING, vec![("STARTTLS", "$ BAD what\r\n")])]).await;
    let endpoint = peer.endpoint_with(TlsMode::StartTls, Mechanism::Auto, Duration::from_secs(30));
    assert_eq!(endpoint.folders().await.err().unwrap().code(), Code::NoTls);
    peer.finished().await;
}

#[tokio::test]
async fn a_refused_token_is_told_after_the_empty_line_that_the_server_waits_for() {
    let greeting = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] ready\r\n";
    let script = vec![("AUTHENTICATE XOAUTH2 ", "+ eyJzdGF0dXMiOiI0MDAifQ==\r\n"), ("", "a1 NO refused\r\n")];
    let peer = Peer::start(vec![(greeting, script)]).await;
    let endpoint = peer.endpoint_with(TlsMode::None, Mechanism::XOAuth2, Duration::from_secs(30));
    assert_eq!(endpoint.folders().await.err().unwrap().code(), Code::SignInRefused);
    peer.finished().await;
}

/// CHALLENGE_MESSAGE of [MS-NLMP] 4.2.4.3.
#[cfg(feature = "ntlm")]
const CHALLENGE: &str = "+ TlRMTVNTUAACAAAADAAMADgAAAAzgoriASNFZ4mrze8AAAAAAAAAACQAJABEAAAABgBwFwAAAA9TAGUAcgB2AGUAcgACAAwARABvAG0AYQBpAG4AAQAMAFMAZQByAHYAZQByAAAAAAA=\r\n";
const ONLY_NTLM: &str = "* OK [CAPABILITY IMAP4rev1 SASL-IR LOGINDISABLED AUTH=NTLM AUTH=GSSAPI] ready\r\n";

/// The base64 of NTLM's messages begins like this: with NTLMSSP and the number of the message.
#[cfg(feature = "ntlm")]
const MESSAGES: [&str; 2] = ["TlRMTVNTUAABAAAA", "TlRMTVNTUAADAAAA"];

fn by(peer: &Peer, mechanism: Mechanism) -> parom_imap::ImapEndpoint {
    peer.endpoint_with(TlsMode::None, mechanism, Duration::from_secs(30))
}

#[cfg(feature = "ntlm")]
#[tokio::test]
async fn ntlm_is_asked_for_by_name_or_where_a_server_has_nothing_else() {
    let all = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=NTLM] ready\r\n";
    for (greeting, mechanism) in [(ONLY_NTLM, Mechanism::Auto), (ONLY_NTLM, Mechanism::Ntlm), (all, Mechanism::Ntlm)] {
        let welcome = (MESSAGES[1], "a1 OK [CAPABILITY IMAP4rev1] in\r\n");
        let script = vec![("AUTHENTICATE NTLM", "+\r\n"), (MESSAGES[0], CHALLENGE), welcome, LIST, LSUB];
        let peer = Peer::start(vec![(greeting, script)]).await;
        let endpoint = by(&peer, mechanism);
        endpoint.folders().await.unwrap();
        endpoint.close().await;
        peer.finished().await;
    }
    // With PLAIN or LOGIN at hand nobody chooses it.
    let login = "* OK [CAPABILITY IMAP4rev1 AUTH=NTLM] ready\r\n";
    for (greeting, command) in [(all, "AUTHENTICATE PLAIN "), (login, "LOGIN ")] {
        let peer = Peer::start(vec![(greeting, vec![(command, "$ NO refused\r\n")])]).await;
        assert_eq!(by(&peer, Mechanism::Auto).folders().await.err().unwrap().code(), Code::SignInRefused);
        peer.finished().await;
    }
}

#[cfg(feature = "ntlm")]
#[tokio::test]
async fn a_challenge_that_is_none_ends_the_sign_in_with_a_sentence() {
    for garbage in ["+ hello\r\n", "+\r\n", "+ TlRMTVNTUAACAAAA\r\n", "+ TlRMTVNTUAABAAAAB4IIAAAAAAAAAAAA\r\n"] {
        let script = vec![("AUTHENTICATE NTLM", "+ ready\r\n"), (MESSAGES[0], garbage)];
        let peer = Peer::start(vec![(ONLY_NTLM, script)]).await;
        let error = by(&peer, Mechanism::Ntlm).folders().await.err().unwrap();
        let told = (error.code(), error.arg("host"), error.arg("detail"));
        let expected = (Code::ProtocolError, Some("127.0.0.1"), Some("a challenge that cannot be understood"));
        assert_eq!(told, expected, "{garbage}");
        peer.finished().await;
    }
    // One challenge too many.
    let script = vec![("AUTHENTICATE NTLM", "+\r\n"), (MESSAGES[0], CHALLENGE), (MESSAGES[1], CHALLENGE)];
    let peer = Peer::start(vec![(ONLY_NTLM, script)]).await;
    assert_eq!(by(&peer, Mechanism::Ntlm).folders().await.err().unwrap().code(), Code::ProtocolError);
    peer.finished().await;
}

#[cfg(feature = "ntlm")]
#[tokio::test]
async fn ntlm_that_is_refused_before_it_begins_is_a_refusal() {
    let peer = Peer::start(vec![(ONLY_NTLM, vec![("AUTHENTICATE NTLM", "$ NO AUTHENTICATE failed.\r\n")])]).await;
    let error = by(&peer, Mechanism::Ntlm).folders().await.err().unwrap();
    assert_eq!((error.code(), error.arg("answer")), (Code::SignInRefused, Some("AUTHENTICATE failed.")));
    peer.finished().await;
}

#[tokio::test]
async fn ntlm_that_is_not_offered_is_not_tried() {
    let peer = Peer::start(vec![(GREETING, vec![])]).await;
    let error = by(&peer, Mechanism::Ntlm).folders().await.err().unwrap();
    assert_eq!((error.code(), error.arg("mechanism")), (Code::NoMechanism, Some("NTLM")));
    peer.finished().await;
}

#[cfg(not(feature = "ntlm"))]
#[tokio::test]
async fn a_server_with_nothing_but_ntlm_is_told_where_that_was_left_out() {
    let peer = Peer::start(vec![(ONLY_NTLM, vec![])]).await;
    let error = by(&peer, Mechanism::Auto).folders().await.err().unwrap();
    assert_eq!((error.code(), error.arg("host")), (Code::NtlmLeftOut, Some("127.0.0.1")));
    peer.finished().await;
}
