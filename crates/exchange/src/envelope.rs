//! What goes around every request and answer: SOAP 1.1 with the headers of EWS.

use crate::version::{Feature, Version};
use crate::xml::{self, Broken, Element, Out};

pub const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";
pub const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";

/// A whole request around the element of an operation. Times are asked for in UTC, and converted by us.
#[must_use]
pub fn request(version: Version, impersonated: Option<&str>, body: impl FnOnce(&mut Out)) -> String {
    let mut out = Out::new();
    out.raw("<?xml version=\"1.0\" encoding=\"utf-8\"?>");
    out.within("s:Envelope", &[("xmlns:s", SOAP), ("xmlns:t", TYPES), ("xmlns:m", MESSAGES)], |out| {
        out.within("s:Header", &[], |out| {
            out.empty("t:RequestServerVersion", &[("Version", version.as_str())]);
            if let Some(address) = impersonated {
                out.within("t:ExchangeImpersonation", &[], |out| {
                    out.within("t:ConnectingSID", &[], |out| out.leaf("t:PrimarySmtpAddress", address));
                });
            }
            out.within("t:TimeZoneContext", &[], |out| out.empty("t:TimeZoneDefinition", &[("Id", "UTC")]));
            if version.knows(Feature::Precision) {
                out.leaf("t:DateTimePrecision", "Seconds");
            }
        });
        out.within("s:Body", &[], body);
    });
    out.finish()
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What the server said of its build.
    pub spoken: Option<Version>,
    pub body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The element in the SOAP body.
    Response(Element),
    Fault(Refusal),
}

/// Why the server did not do something: a fault about the request, or the response message of one item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// `ErrorServerBusy` and the like; empty where a fault names none.
    pub code: String,
    /// The server's words.
    pub text: String,
    /// How long it wants to be left alone.
    pub backoff_ms: Option<u64>,
}

/// Takes an answer apart.
///
/// # Errors
/// What is no XML. An XML document that is no SOAP envelope is malformed too.
pub fn answer(bytes: &[u8]) -> Result<Answer, Broken> {
    let root = xml::read(bytes)?;
    let spoken = root.child("Header").and_then(|header| header.child("ServerVersionInfo")).map(|info| {
        let number = |name: &str| info.attribute(name).and_then(|text| text.parse().ok()).unwrap_or(0);
        Version::of_build(number("MajorVersion"), number("MinorVersion"), number("MajorBuildNumber"))
    });
    // It may hold an attachment, and is not copied.
    let body = Some(root).filter(|root| root.name == "Envelope").and_then(|root| root.into_child("Body"));
    let content = body.and_then(|body| body.children.into_iter().next()).ok_or(Broken::Malformed)?;
    let body = if content.name == "Fault" { Body::Fault(fault(&content)) } else { Body::Response(content) };
    Ok(Answer { spoken, body })
}

fn fault(fault: &Element) -> Refusal {
    let detail = fault.child("detail");
    let code = detail.and_then(|detail| detail.text_of("ResponseCode"));
    // Without a detail the name stands behind the prefix of the faultcode: `a:ErrorSchemaValidation`.
    let named =
        fault.text_of("faultcode").and_then(|code| code.rsplit(':').next()).filter(|code| code.starts_with("Error"));
    let text = detail.and_then(|detail| detail.text_of("Message")).or_else(|| fault.text_of("faultstring"));
    Refusal {
        code: code.or(named).unwrap_or_default().trim().to_owned(),
        text: text.unwrap_or_default().trim().to_owned(),
        backoff_ms: detail.and_then(backoff),
    }
}

/// `MessageXml/Value Name="BackOffMilliseconds"`, in a fault or in a response message.
#[must_use]
pub fn backoff(around: &Element) -> Option<u64> {
    let values = around.descendant("MessageXml")?;
    let value = values.all("Value").find(|value| value.attribute("Name") == Some("BackOffMilliseconds"))?;
    value.text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_server_says_how_long() {
        let text = r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>
            <faultcode xmlns:a="t">a:ErrorServerBusy</faultcode><faultstring xml:lang="en-US">Busy.</faultstring>
            <detail><e:ResponseCode xmlns:e="x">ErrorServerBusy</e:ResponseCode><e:Message xmlns:e="x">The server cannot
            service this request right now.</e:Message><t:MessageXml xmlns:t="t"><t:Value
            Name="BackOffMilliseconds">297749</t:Value></t:MessageXml></detail></s:Fault></s:Body></s:Envelope>"#;
        let Body::Fault(fault) = answer(text.as_bytes()).unwrap().body else { panic!("no fault") };
        assert_eq!((fault.code.as_str(), fault.backoff_ms), ("ErrorServerBusy", Some(297_749)));
    }

    #[test]
    fn the_faultcode_names_what_has_no_detail() {
        let text = "<s:Envelope><s:Body><s:Fault><faultcode>a:ErrorInvalidServerVersion</faultcode></s:Fault></s:Body></s:Envelope>";
        let Body::Fault(fault) = answer(text.as_bytes()).unwrap().body else { panic!("no fault") };
        assert_eq!(fault.code, "ErrorInvalidServerVersion");
    }

    #[test]
    fn a_page_for_people_is_no_answer() {
        assert_eq!(answer(b"<html><body>Sign in</body></html>"), Err(Broken::Malformed));
    }

    #[test]
    fn the_server_tells_its_version() {
        let text = r#"<s:Envelope><s:Header><h:ServerVersionInfo MajorVersion="15" MinorVersion="0"
            MajorBuildNumber="1497" MinorBuildNumber="2" Version="V2_23"/></s:Header><s:Body><m:X/></s:Body></s:Envelope>"#;
        assert_eq!(answer(text.as_bytes()).unwrap().spoken, Some(Version::Exchange2013Sp1));
    }
}
