//! Where the service is for one mailbox: Autodiscover, first as SOAP (2010 and later), then as plain XML.
//!
//! Microsoft, `Autodiscover for Exchange`: <https://learn.microsoft.com/exchange/client-developer/exchange-web-services/autodiscover-for-exchange>.
//!
//! INVARIANT: the password goes only to servers that the caller's client may reach: those of the allow list, and with TLS where the
//! first was asked with TLS. So the step that asks in the clear for a redirect is left out.

mod pox;
mod soap;

use crate::classify::{About, classify_status};
use crate::xml::MOST_BYTES;
use async_trait::async_trait;
use bytes::Bytes;
use parom_domain::{Code, Error, Result, Retry, Scope};
use parom_net::http::{Client, HeaderName, Method, Request, Url};
use std::time::Duration;

/// Redirects are followed so often, of either kind. Microsoft's own clients follow ten.
const MOST_HOPS: usize = 10;

/// Where the service of a mailbox is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub url: Url,
    /// The address that the mailbox has there: another than was asked for, where a redirect said so.
    pub address: String,
    /// Mailboxes of one group may share a stream of notifications (2010 SP2 and later).
    pub group: Option<String>,
}

/// What one answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Here {
        url: Url,
        group: Option<String>,
    },
    /// Ask about this address instead.
    Address(String),
    /// Ask there instead.
    Elsewhere(Url),
    /// The code and the words of the server.
    Refused {
        code: String,
        text: String,
    },
}

/// An answer as HTTP gives it.
pub struct Posted {
    pub status: u16,
    pub retry_after: Option<Duration>,
    /// Where a redirect of HTTP points.
    pub location: Option<Url>,
    pub body: Bytes,
}

/// Carries a question to any server of the allow list, signed in.
#[async_trait]
pub trait Post: Send + Sync {
    /// # Errors
    /// What keeps the question from being answered at all. Every status is an answer.
    async fn post(&self, url: &Url, headers: &[(&'static str, &str)], body: String) -> Result<Posted>;
}

#[async_trait]
impl Post for Client {
    async fn post(&self, url: &Url, headers: &[(&'static str, &str)], body: String) -> Result<Posted> {
        let mut request =
            Request::new(Method::POST, url.to_string()).at_most(MOST_BYTES as u64).body(body).repeatable();
        for (name, value) in headers {
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| Error::internal("a header without a name"))?;
            request = request.with(name, value)?;
        }
        let response = self.send(request).await?;
        Ok(Posted {
            status: response.status().as_u16(),
            retry_after: response.head.retry_after(),
            location: response.head.redirect(),
            body: response.body,
        })
    }
}

/// The servers to ask about an address when nobody named one: `autodiscover.` and the domain itself.
#[must_use]
pub fn usual_places(domain: &str) -> Vec<Url> {
    let places = [format!("https://autodiscover.{domain}/"), format!("https://{domain}/")];
    places.iter().filter_map(|place| Url::parse(place)).collect()
}

/// Asks the places one after the other; the first that answers is believed, whatever it says.
///
/// # Errors
/// `MailboxMissing` where the server does not know the address; `SignInRefused` and the like; what kept the last place from being
/// asked, where none could.
pub async fn find(post: &dyn Post, places: &[Url], address: &str) -> Result<Found> {
    let mut last = None;
    for place in places {
        match chase(post, place, address).await {
            Err(error) if is_nobody(error.code()) => last = last.or(Some(error)),
            told => return told,
        }
    }
    Err(last.unwrap_or_else(|| Error::internal("autodiscover without a place to ask")))
}

/// There is no server, or one that knows nothing of Autodiscover.
#[must_use]
pub fn is_nobody(code: Code) -> bool {
    matches!(code, Code::HostNotFound | Code::HostNotAllowed | Code::CannotConnect | Code::AnswerUnexpected)
}

async fn chase(post: &dyn Post, place: &Url, address: &str) -> Result<Found> {
    let (mut place, mut address) = (place.clone(), address.to_owned());
    let mut seen: Vec<(Url, String)> = Vec::new();
    for _ in 0..=MOST_HOPS {
        if seen.contains(&(place.clone(), address.clone())) {
            break;
        }
        seen.push((place.clone(), address.clone()));
        match ask(post, &place, &address).await? {
            Told::Here { url, group } => return Ok(Found { url, address, group }),
            Told::Address(other) => {
                // Another domain has a server of its own, and this one does not know it.
                let domain = |address: &str| address.rsplit_once('@').map(|(_, domain)| domain.to_ascii_lowercase());
                let (old, new) = (domain(&address), domain(&other));
                let new = new.ok_or_else(|| strange(&place, "a redirect to no address"))?;
                if Some(&new) != old.as_ref() {
                    let scheme = if place.origin.tls { "https" } else { "http" };
                    let next = Url::parse(&format!("{scheme}://autodiscover.{new}/"));
                    place = next.ok_or_else(|| strange(&place, "a redirect to no domain"))?;
                }
                address = other;
            }
            Told::Elsewhere(next) => {
                if place.origin.tls && !next.origin.tls {
                    return Err(strange(&place, &format!("a redirect to {}", next.origin)));
                }
                place = next;
            }
            Told::Refused { code, text } => {
                let error = Error::new(Code::MailboxMissing, Scope::Account, Retry::WhenFixed);
                return Err(error
                    .with("host", &place.origin.host)
                    .with("login", &address)
                    .with("answer", format!("{code} {text}").trim()));
            }
        }
    }
    Err(strange(&place, "redirects without end"))
}

fn strange(place: &Url, answer: &str) -> Error {
    Error::new(Code::AnswerUnexpected, Scope::Server, Retry::WhenFixed)
        .with("host", &place.origin.host)
        .with("answer", answer)
}

/// SOAP knows more and any mailbox that the login may ask about; where it is not there, plain XML is.
async fn ask(post: &dyn Post, place: &Url, address: &str) -> Result<Told> {
    match once(post, place, address, &soap::DIALECT).await {
        Err(error) if error.code() == Code::AnswerUnexpected => once(post, place, address, &pox::DIALECT).await,
        told => told,
    }
}

/// One of the two ways to ask.
struct Dialect {
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    write: fn(&Url, &str) -> String,
    read: fn(&[u8]) -> Option<Told>,
}

async fn once(post: &dyn Post, place: &Url, address: &str, dialect: &Dialect) -> Result<Told> {
    let url = place.join(dialect.path).ok_or_else(|| Error::internal("a path that no URL can have"))?;
    let reply = post.post(&url, dialect.headers, (dialect.write)(&url, address)).await?;
    if let Some(next) = reply.location {
        return Ok(Told::Elsewhere(next));
    }
    let told = || (dialect.read)(&reply.body);
    match reply.status {
        200 => told().ok_or_else(|| strange(&url, "no answer to Autodiscover")),
        status => Err(classify_status(About::Account, status, reply.retry_after)
            .with("host", &url.origin.host)
            .with("login", address)
            .with("command", "Autodiscover")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::sync::Mutex;

    /// Answers by URL and address, and remembers what was asked.
    #[derive(Default)]
    struct Book {
        answers: HashMap<(String, &'static str), (u16, Option<&'static str>, String)>,
        asked: Mutex<Vec<String>>,
    }

    impl Book {
        fn says(mut self, url: &str, about: &'static str, answer: String) -> Book {
            self.answers.insert((url.to_owned(), about), (200, None, answer));
            self
        }

        fn points(mut self, url: &str, about: &'static str, to: &'static str) -> Book {
            self.answers.insert((url.to_owned(), about), (302, Some(to), String::new()));
            self
        }
    }

    #[async_trait]
    impl Post for Book {
        async fn post(&self, url: &Url, _: &[(&'static str, &str)], body: String) -> Result<Posted> {
            self.asked.lock().unwrap().push(url.to_string());
            let found = self.answers.iter().find(|((at, about), _)| *at == url.to_string() && body.contains(about));
            let (status, location, answer) = found.map_or((404, None, String::new()), |(_, answer)| answer.clone());
            let location = location.and_then(Url::parse);
            Ok(Posted { status, retry_after: None, location, body: answer.into() })
        }
    }

    const ANNA: &str = "anna@old.example";

    fn ews(host: &str) -> String {
        format!(
            "<Autodiscover xmlns='r'><Response xmlns='o'><Account><Action>settings</Action><Protocol><Type>EXCH</Type>\
             <EwsUrl>https://inner.{host}/EWS/Exchange.asmx</EwsUrl></Protocol><Protocol><Type>EXPR</Type><EwsUrl>https://{host}\
             /EWS/Exchange.asmx</EwsUrl></Protocol></Account></Response></Autodiscover>"
        )
    }

    fn action(action: &str, name: &str, value: &str) -> String {
        format!(
            "<Autodiscover><Response><Account><Action>{action}</Action><{name}>{value}</{name}></Account></Response>\
             </Autodiscover>"
        )
    }

    fn pox(host: &str) -> String {
        format!("https://{host}/autodiscover/autodiscover.xml")
    }

    #[tokio::test]
    async fn redirects_lead_to_the_service() {
        let book = Book::default()
            .points(&pox("autodiscover.old.example"), ANNA, "https://mail.old.example/autodiscover/autodiscover.xml")
            .says(&pox("mail.old.example"), ANNA, action("redirectAddr", "RedirectAddr", "anna@new.example"))
            .says(
                &pox("autodiscover.new.example"),
                "anna@new",
                action("redirectUrl", "RedirectUrl", &pox("cas.new.example")),
            )
            .says(&pox("cas.new.example"), "anna@new", ews("cas.new.example"));
        let found = find(&book, &usual_places("old.example"), ANNA).await.unwrap();
        assert_eq!(found.url.to_string(), "https://cas.new.example/EWS/Exchange.asmx");
        assert_eq!(found.address, "anna@new.example");
        // SOAP was asked first, everywhere.
        let asked = book.asked.lock().unwrap();
        assert!(asked.iter().step_by(2).all(|url| url.ends_with("autodiscover.svc")), "{asked:?}");
    }

    #[tokio::test]
    async fn the_domain_itself_is_asked_where_its_host_knows_nothing() {
        let book = Book::default().says(&pox("old.example"), ANNA, ews("mail.old.example"));
        let found = find(&book, &usual_places("old.example"), ANNA).await.unwrap();
        assert_eq!(found.url.origin.host.as_ref(), "mail.old.example");
    }

    #[tokio::test]
    async fn redirects_end() {
        let (a, b) = (pox("autodiscover.old.example"), pox("b.example"));
        let circle = Book::default().says(&a, ANNA, action("redirectUrl", "RedirectUrl", &b)).says(
            &b,
            ANNA,
            action("redirectUrl", "RedirectUrl", &a),
        );
        let error = find(&circle, &usual_places("old.example")[..1], ANNA).await.unwrap_err();
        assert_eq!(error.code(), Code::AnswerUnexpected);
        assert!(circle.asked.lock().unwrap().len() < 8);
        let clear =
            Book::default().says(&a, ANNA, action("redirectUrl", "RedirectUrl", "http://autodiscover.old.example/"));
        let error = find(&clear, &usual_places("old.example")[..1], ANNA).await.unwrap_err();
        assert_eq!(error.arg("answer"), Some("a redirect to http://autodiscover.old.example"));
        assert!(clear.asked.lock().unwrap().iter().all(|url| url.starts_with("https://")));
    }

    #[tokio::test]
    async fn who_is_not_known_is_missing() {
        let unknown = "<Autodiscover><Response><Error Time='1' Id='2'><ErrorCode>500</ErrorCode><Message>The email address can't \
                       be found.</Message></Error></Response></Autodiscover>";
        let book = Book::default().says(&pox("autodiscover.old.example"), ANNA, unknown.to_owned());
        let error = find(&book, &usual_places("old.example"), ANNA).await.unwrap_err();
        assert_eq!(error.code(), Code::MailboxMissing);
    }
}
