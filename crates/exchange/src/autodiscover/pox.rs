//! Plain XML, as Outlook asks:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/pox-autodiscover-web-service-reference-for-exchange>.

use super::{Dialect, Told};
use crate::xml::{self, Element, Out};
use parom_net::http::Url;

pub(super) const DIALECT: Dialect = Dialect {
    path: "/autodiscover/autodiscover.xml",
    headers: &[("Content-Type", "text/xml; charset=utf-8"), ("Accept", "text/xml")],
    write,
    read,
};

const REQUEST: &str = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006";
const RESPONSE: &str = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a";

fn write(_: &Url, address: &str) -> String {
    let mut out = Out::new();
    out.raw("<?xml version=\"1.0\" encoding=\"utf-8\"?>");
    out.within("Autodiscover", &[("xmlns", REQUEST)], |out| {
        out.within("Request", &[], |out| {
            out.leaf("EMailAddress", address);
            out.leaf("AcceptableResponseSchema", RESPONSE);
        });
    });
    out.finish()
}

fn read(bytes: &[u8]) -> Option<Told> {
    let root = xml::read(bytes).ok()?;
    let response = root.child("Response").filter(|_| root.name == "Autodiscover")?;
    if let Some(error) = response.child("Error") {
        let text = |name: &str| error.text_of(name).unwrap_or_default().trim().to_owned();
        return Some(Told::Refused { code: text("ErrorCode"), text: text("Message") });
    }
    let account = response.child("Account")?;
    let text = |name: &str| account.text_of(name).map(str::trim);
    match text("Action")?.to_ascii_lowercase().as_str() {
        "redirectaddr" => Some(Told::Address(text("RedirectAddr")?.to_owned())),
        "redirecturl" => Some(Told::Elsewhere(Url::parse(text("RedirectUrl")?)?)),
        "settings" => {
            let of = |kind: &str| -> Option<Url> {
                let is = |protocol: &&Element| protocol.text_of("Type").is_some_and(|known| known.trim() == kind);
                Url::parse(account.all("Protocol").find(is)?.text_of("EwsUrl")?)
            };
            // From outside the network first: it is that name which certificates have.
            Some(Told::Here { url: of("EXPR").or_else(|| of("EXCH")).or_else(|| of("WEB"))?, group: None })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_what_outlook_asks() {
        let url = Url::parse("https://a.example/").unwrap();
        let root = xml::read(write(&url, "o'neil&co@example.org").as_bytes()).unwrap();
        assert_eq!(root.attribute("xmlns"), Some(REQUEST));
        assert_eq!(root.child("Request").unwrap().text_of("EMailAddress"), Some("o'neil&co@example.org"));
        assert_eq!(read(b"<html/>"), None);
    }
}
