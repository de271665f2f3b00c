//! Autodiscover, as plain XML ([MS-OXDSCLI]) and as SOAP ([MS-OXWSADISC] `GetUserSettings`).
//!
//! The service that is told is this one, by the name by which it was asked.

use super::http::{Reply, Request};
use super::site::Site;
use super::xml::Element;
use crate::exchange::Version;
use std::fmt::Write as _;

/// Where a question about an address is sent on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Elsewhere {
    /// By another address of the person, as after a move to another forest.
    Address(String),
    /// By another server of Autodiscover.
    Url(String),
    /// By HTTP itself: 302.
    Http(String),
}

const POX: &str = "/autodiscover/autodiscover.xml";
const SOAP: &str = "/autodiscover/autodiscover.svc";
const NAMESPACE: &str = "http://schemas.microsoft.com/exchange/2010/Autodiscover";
const RESPONSE: &str = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a";

pub fn is_asked(path: &str) -> bool {
    path.eq_ignore_ascii_case(POX) || path.eq_ignore_ascii_case(SOAP)
}

/// Answers who has signed in.
pub fn answer(site: &Site, request: &Request, path: &str) -> Reply {
    let state = site.state();
    if path.eq_ignore_ascii_case(SOAP) && !state.switches.knows_soap_autodiscover {
        return Reply::new(404, "The resource cannot be found.".to_owned());
    }
    let text = String::from_utf8_lossy(&request.body).into_owned();
    let Ok(asked) = Element::parse(&text) else {
        return Reply::new(500, "<html>Error</html>".to_owned());
    };
    let is_soap = path.eq_ignore_ascii_case(SOAP);
    let wanted = if is_soap { "Mailbox" } else { "EMailAddress" };
    let address = find(&asked, wanted).map(|element| element.text.trim().to_owned()).unwrap_or_default();
    let here = format!("http://{}/EWS/Exchange.asmx", request.header("host").unwrap_or("lab"));
    let place = state.at(&address).filter(|place| !place.user.has_no_mailbox);
    let to = state.elsewhere.iter().find(|(known, _)| known.eq_ignore_ascii_case(&address)).map(|(_, to)| to.clone());
    if let Some(Elsewhere::Http(url)) = &to {
        return Reply::new(302, String::new()).header("Location", url);
    }
    let body = match (is_soap, to, place) {
        (true, Some(Elsewhere::Address(other)), _) => soap(&state.version, &user("RedirectAddress", &other, "")),
        (true, Some(Elsewhere::Url(url) | Elsewhere::Http(url)), _) => {
            soap(&state.version, &user("RedirectUrl", &url, ""))
        }
        (true, None, None) => soap(&state.version, &user("InvalidUser", "", "")),
        (true, None, Some(_)) => {
            let group = "Default-First-Site-Name";
            let mut settings = String::new();
            for (name, value) in
                [("ExternalEwsUrl", &*here), ("InternalEwsUrl", &*here), ("GroupingInformation", group)]
            {
                let _ = write!(
                    settings,
                    "<UserSetting i:type=\"StringSetting\"><Name>{name}</Name><Value>{}</Value></UserSetting>",
                    safe(value)
                );
            }
            soap(&state.version, &user("NoError", "", &settings))
        }
        (false, Some(Elsewhere::Address(other)), _) => action("redirectAddr", "RedirectAddr", &other),
        (false, Some(Elsewhere::Url(url) | Elsewhere::Http(url)), _) => action("redirectUrl", "RedirectUrl", &url),
        (false, None, None) => {
            let error = "<Error Time=\"00:00:00.0000000\" Id=\"1\"><ErrorCode>500</ErrorCode><Message>The email address can't be \
                         found.</Message><DebugData /></Error>";
            pox(&format!("<Response>{error}</Response>"))
        }
        (false, None, Some(place)) => {
            let who = format!(
                "<User><DisplayName>{}</DisplayName><AutoDiscoverSMTPAddress>{}</AutoDiscoverSMTPAddress></User>",
                safe(&place.user.name),
                safe(&place.user.address)
            );
            let protocol =
                |kind: &str| format!("<Protocol><Type>{kind}</Type><EwsUrl>{}</EwsUrl></Protocol>", safe(&here));
            pox(&format!(
                "<Response xmlns=\"{RESPONSE}\">{who}<Account><AccountType>email</AccountType><Action>settings</Action>{}{}\
                 </Account></Response>",
                protocol("EXCH"),
                protocol("EXPR")
            ))
        }
    };
    Reply::new(200, body).header("Content-Type", "text/xml; charset=utf-8")
}

fn find<'a>(element: &'a Element, name: &str) -> Option<&'a Element> {
    if element.name == name { Some(element) } else { element.children.iter().find_map(|child| find(child, name)) }
}

fn safe(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn pox(inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><Autodiscover \
         xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006\">{inner}</Autodiscover>"
    )
}

fn action(action: &str, name: &str, value: &str) -> String {
    pox(&format!(
        "<Response xmlns=\"{RESPONSE}\"><Account><Action>{action}</Action><{name}>{}</{name}></Account></Response>",
        safe(value)
    ))
}

fn user(code: &str, target: &str, settings: &str) -> String {
    let target = if target.is_empty() {
        "<RedirectTarget i:nil=\"true\"/>".to_owned()
    } else {
        format!("<RedirectTarget>{}</RedirectTarget>", safe(target))
    };
    let message = if code == "NoError" { "No error." } else { "The user could not be served here." };
    format!(
        "<UserResponse><ErrorCode>{code}</ErrorCode><ErrorMessage>{message}</ErrorMessage>{target}<UserSettingErrors/>\
         <UserSettings>{settings}</UserSettings></UserResponse>"
    )
}

fn soap(version: &Version, user: &str) -> String {
    let [major, minor, build, revision] = super::version::build(*version);
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:a=\"{NAMESPACE}\"><s:Header><a:ServerVersionInfo>\
         <a:MajorVersion>{major}</a:MajorVersion><a:MinorVersion>{minor}</a:MinorVersion><a:MajorBuildNumber>{build}\
         </a:MajorBuildNumber><a:MinorBuildNumber>{revision}</a:MinorBuildNumber></a:ServerVersionInfo></s:Header><s:Body>\
         <GetUserSettingsResponseMessage xmlns=\"{NAMESPACE}\"><Response xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\">\
         <ErrorCode>NoError</ErrorCode><ErrorMessage/><UserResponses>{user}</UserResponses></Response>\
         </GetUserSettingsResponseMessage></s:Body></s:Envelope>"
    )
}
