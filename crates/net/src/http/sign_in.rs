//! Shows a server who asks: with every request, or once for each connection by NTLM ([MS-NTHT]).
//!
//! INVARIANT: a password that was refused is not shown a second time by the same client, in whatever way; and until it was
//! believed, only one request shows it. So one mistake is one refusal, and nobody is locked out by it.

use super::client::Shared;
use super::connection::Connection;
use super::identity::{Identity, basic, header};
use super::message::Request;
use super::url::Url;
use crate::Secret;
use crate::sasl::{HAS_NTLM, Ntlm};
use bytes::Bytes;
use http::header::WWW_AUTHENTICATE;
use http::response::Parts;
use http::{HeaderMap, StatusCode};
use hyper::body::Incoming;
use parom_domain::{Code, Error, Result, Retry, Scope};
use tokio::sync::Mutex;

/// What a client has learnt of its sign-in.
#[derive(Default)]
pub(super) struct Standing {
    known: Mutex<Known>,
}

#[derive(Clone, Copy, Default)]
enum Known {
    #[default]
    Nothing,
    /// What the server offers; no password was shown yet.
    Offered(Way),
    Believed(Way),
    Refused,
}

/// How the password is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Nobody asks for it.
    Not,
    Basic,
    /// By this word: Windows takes the bare messages of NTLM under `Negotiate` too.
    Ntlm(&'static str),
}

const NTLM: &str = "NTLM";
const NEGOTIATE: &str = "Negotiate";

type Answer = (Parts, Incoming);

/// What NTLM came to. The answer is `None` where the connection had met its end.
enum Heard {
    Answer(Option<Answer>),
    /// It was not taken up.
    NoChallenge {
        offers_basic: bool,
    },
}

impl Shared {
    /// The answer to a request, with whatever must be said before. `None`: the connection had met its end, and the request may
    /// go over another one.
    pub(super) async fn signed_in(
        &self,
        connection: &mut Connection,
        request: &Request,
        url: &Url,
    ) -> Result<Option<Answer>> {
        let (user, password) = match &self.identity {
            Identity::Anonymous | Identity::Basic { .. } | Identity::Bearer { .. } => {
                return self.once(connection, request, url, self.identity.authorization()?).await;
            }
            Identity::Ntlm { user, password } | Identity::Offered { user, password } => (user, password),
        };
        if connection.is_proved {
            let Some((head, body)) = self.once(connection, request, url, None).await? else { return Ok(None) };
            if head.status != StatusCode::UNAUTHORIZED {
                return Ok(Some((head, body)));
            }
            // Nothing was shown, so nothing was refused: IIS can be told to want each request proved
            // (authPersistSingleRequest).
            connection.is_proved = false;
            if !self.drain(body).await {
                return Ok(None);
            }
        }
        let mut known = self.standing.known.lock().await;
        let mut way = match *known {
            Known::Refused => return Err(refused(url, user)),
            Known::Offered(way) | Known::Believed(way) => way,
            Known::Nothing => match self.identity {
                Identity::Offered { .. } => {
                    let Some(way) = self.offered(connection, request, url).await? else { return Ok(None) };
                    *known = Known::Offered(way);
                    // Not every server keeps a connection on which it refused something.
                    if connection.sender.ready().await.is_err() {
                        return Ok(None);
                    }
                    way
                }
                _ => Way::Ntlm(NTLM),
            },
        };
        // Whoever comes after one that was believed need not wait for the others.
        let mut alone = (!matches!(*known, Known::Believed(_))).then_some(known);
        let answer = loop {
            match way {
                Way::Not => break self.once(connection, request, url, None).await?,
                Way::Basic => break self.once(connection, request, url, Some(basic(user, password)?)).await?,
                Way::Ntlm(word) => match self.by_ntlm(connection, request, url, (word, user, password)).await? {
                    Heard::Answer(answer) => break answer,
                    // Some offer NTLM and do not go into it. Nothing was shown yet, so nothing was refused.
                    Heard::NoChallenge { offers_basic } => match (&self.identity, alone.as_mut()) {
                        (Identity::Offered { .. }, Some(known)) if offers_basic => {
                            way = Way::Basic;
                            **known = Known::Offered(way);
                            if connection.sender.ready().await.is_err() {
                                return Ok(None);
                            }
                        }
                        _ => return Err(no_mechanism(url, NTLM)),
                    },
                },
            }
        };
        let Some((head, body)) = answer else { return Ok(None) };
        let learnt = match head.status {
            _ if way == Way::Not => Known::Nothing,
            StatusCode::UNAUTHORIZED => Known::Refused,
            // Somebody before the server may have said so.
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                return Ok(Some((head, body)));
            }
            _ => Known::Believed(way),
        };
        match alone {
            Some(mut known) => *known = learnt,
            None => *self.standing.known.lock().await = learnt,
        }
        Ok(Some((head, body)))
    }

    /// Asks as nobody, and without what is asked, to hear what is offered.
    async fn offered(&self, connection: &mut Connection, request: &Request, url: &Url) -> Result<Option<Way>> {
        let Some((head, body)) = self.once(connection, &bare(request), url, None).await? else { return Ok(None) };
        let way = match head.status {
            StatusCode::UNAUTHORIZED => choose(&head.headers, url)?,
            _ => Way::Not,
        };
        self.read_off(body, connection, url).await?;
        Ok(Some(way))
    }

    /// The conversation of [MS-NTHT] 3.1: NEGOTIATE_MESSAGE, the challenge in a 401, and then the request itself with the answer.
    async fn by_ntlm(
        &self,
        connection: &mut Connection,
        request: &Request,
        url: &Url,
        (word, user, password): (&'static str, &str, &Secret),
    ) -> Result<Heard> {
        let mut word = word;
        loop {
            let mut ntlm = Ntlm::new(user, password, connection.end_point.as_deref())
                .map_err(|error| error.with("host", &url.origin.host).with("login", user))?;
            let negotiate = ntlm.respond(b"").ok_or_else(|| Error::internal("NTLM does not begin"))?;
            let begun = self.once(connection, &bare(request), url, Some(header(word, &negotiate)?)).await?;
            let Some((head, body)) = begun else { return Ok(Heard::Answer(None)) };
            if head.status != StatusCode::UNAUTHORIZED {
                // What was asked has not been said yet: where nobody wants a proof, it can be now.
                if !head.status.is_success() {
                    return Ok(Heard::Answer(Some((head, body))));
                }
                self.read_off(body, connection, url).await?;
                return Ok(Heard::Answer(self.once(connection, request, url, None).await?));
            }
            let challenge = challenge(&head.headers, word);
            let has = |word: &str| offers(&head.headers).any(|it| it.eq_ignore_ascii_case(word));
            let (offers_other, offers_basic) = (word == NTLM && has(NEGOTIATE), has("Basic"));
            let is_read = self.drain(body).await;
            let Some(challenge) = challenge else {
                if offers_other && is_read {
                    word = NEGOTIATE;
                    continue;
                }
                if !is_read {
                    *connection = self.another(url).await?;
                }
                return Ok(Heard::NoChallenge { offers_basic });
            };
            let proof = ntlm.respond(challenge.as_bytes()).ok_or_else(|| {
                Error::new(Code::AnswerUnexpected, Scope::Server, Retry::Soon)
                    .with("host", &url.origin.host)
                    .with("answer", "a challenge that is not NTLM's")
            })?;
            let answer = self.once(connection, request, url, Some(header(word, &proof)?)).await?;
            let Some((head, body)) = answer else { return Ok(Heard::Answer(None)) };
            connection.is_proved = head.status != StatusCode::UNAUTHORIZED;
            return Ok(Heard::Answer(Some((head, body))));
        }
    }

    /// Reads what nobody wants, and takes another connection where that takes too long.
    async fn read_off(&self, body: Incoming, connection: &mut Connection, url: &Url) -> Result<()> {
        if !self.drain(body).await {
            *connection = self.another(url).await?;
        }
        Ok(())
    }
}

/// The same request with nothing in it.
fn bare(request: &Request) -> Request {
    Request { body: Bytes::new(), ..request.clone() }
}

/// The schemes that an answer names (RFC 9110 section 11.6.1), in one header or in several.
fn offers(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    parts(headers).map(|part| part.split(' ').next().unwrap_or_default())
}

fn parts(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// What the server answers to NEGOTIATE_MESSAGE.
fn challenge(headers: &HeaderMap, word: &str) -> Option<String> {
    let mut found = parts(headers).filter_map(|part| part.split_once(' '));
    found.find(|(scheme, _)| scheme.eq_ignore_ascii_case(word)).map(|(_, message)| message.trim().to_owned())
}

/// Basic, as IMAP takes PLAIN, where TLS protects it; in the clear NTLM comes first, which does not show the password. Where
/// nobody takes it up, Basic is what remains.
fn choose(headers: &HeaderMap, url: &Url) -> Result<Way> {
    let has = |word: &str| offers(headers).any(|offered| offered.eq_ignore_ascii_case(word));
    let ntlm = [NTLM, NEGOTIATE].into_iter().find(|word| has(word));
    match (has("Basic"), ntlm) {
        (true, _) if url.origin.tls => Ok(Way::Basic),
        (_, Some(word)) if HAS_NTLM => Ok(Way::Ntlm(word)),
        (true, _) => Ok(Way::Basic),
        (false, Some(_)) => {
            Err(Error::new(Code::NtlmLeftOut, Scope::Server, Retry::WhenFixed).with("host", &url.origin.host))
        }
        (false, None) => Err(no_mechanism(url, "Basic, NTLM")),
    }
}

fn no_mechanism(url: &Url, mechanism: &str) -> Error {
    Error::new(Code::NoMechanism, Scope::Server, Retry::WhenFixed)
        .with("host", &url.origin.host)
        .with("port", url.origin.port)
        .with("mechanism", mechanism)
}

fn refused(url: &Url, user: &str) -> Error {
    Error::new(Code::SignInRefused, Scope::Credential, Retry::WhenFixed)
        .with("host", &url.origin.host)
        .with("login", user)
        .with("answer", "HTTP 401")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn chosen(told: &[&'static str], url: &str) -> Result<Way> {
        let mut headers = HeaderMap::new();
        for value in told {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(value));
        }
        choose(&headers, &Url::parse(url).unwrap())
    }

    #[test]
    fn the_way_is_chosen_by_what_is_offered() {
        let (clear, tls) = ("http://a/", "https://a/");
        let basic = "Basic realm=\"x, y\"";
        assert_eq!(chosen(&["Negotiate", "NTLM", basic], tls).unwrap(), Way::Basic);
        assert_eq!(chosen(&[basic], clear).unwrap(), Way::Basic);
        assert_eq!(chosen(&["bearer, basic realm=\"x\""], tls).unwrap(), Way::Basic);
        let ntlm = |told: &[&'static str], url| chosen(told, url).map_err(|error| error.code());
        let expected = |way| if HAS_NTLM { Ok(way) } else { Err(Code::NtlmLeftOut) };
        assert_eq!(ntlm(&["Negotiate", "NTLM"], tls), expected(Way::Ntlm(NTLM)));
        assert_eq!(ntlm(&["Negotiate"], tls), expected(Way::Ntlm(NEGOTIATE)));
        assert_eq!(ntlm(&[basic, "NTLM"], clear).ok(), Some(if HAS_NTLM { Way::Ntlm(NTLM) } else { Way::Basic }));
        assert_eq!(chosen(&["Bearer"], tls).unwrap_err().code(), Code::NoMechanism);
        assert_eq!(chosen(&[], tls).unwrap_err().code(), Code::NoMechanism);
    }

    #[test]
    fn a_challenge_is_what_stands_behind_its_own_word() {
        let mut headers = HeaderMap::new();
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Negotiate"));
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("ntlm TlRM=="));
        assert_eq!(challenge(&headers, NTLM).as_deref(), Some("TlRM=="));
        assert_eq!(challenge(&headers, NEGOTIATE), None);
    }
}
