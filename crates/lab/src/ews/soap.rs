//! The SOAP envelope: headers of a request, and how Exchange words what it refuses.

use super::version::Level;
use super::xml::{Element, Ns, m, mt, t, tt};
use super::zones::Zone;
use crate::exchange::Version;

/// A whole request is refused.
#[derive(Clone, Debug)]
pub struct Fault {
    pub code: &'static str,
    pub text: String,
    pub values: Vec<(&'static str, String)>,
}

/// One part of a request is refused, the others are answered.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub code: &'static str,
    pub text: String,
    /// The path at fault.
    pub path: Option<Box<Element>>,
    pub values: Vec<(&'static str, String)>,
}

pub fn refuse(code: &'static str, text: &str) -> Refusal {
    Refusal { code, text: text.to_owned(), path: None, values: Vec::new() }
}

impl Refusal {
    pub fn at(mut self, path: &Element) -> Refusal {
        self.path = Some(Box::new(path.clone()));
        self
    }

    pub fn message(&self, operation: &str) -> Element {
        let mut message = m(&format!("{operation}ResponseMessage"))
            .set("ResponseClass", "Error")
            .with(mt("MessageText", &self.text))
            .with(mt("ResponseCode", self.code))
            .with(mt("DescriptiveLinkKey", 0));
        let mut details = m("MessageXml");
        details.children.extend(self.path.as_deref().cloned());
        details.children.extend(self.values.iter().map(|(name, value)| tt("Value", value).set("Name", name)));
        if !details.children.is_empty() {
            message.children.push(details);
        }
        // What there would have been is said to be none.
        let list = match operation {
            "CreateItem" | "GetItem" | "UpdateItem" | "MoveItem" | "CopyItem" => Some("Items"),
            "GetFolder" | "CreateFolder" => Some("Folders"),
            "CreateAttachment" | "GetAttachment" => Some("Attachments"),
            _ => None,
        };
        message.children.extend(list.map(m));
        message
    }
}

pub fn fault(code: &'static str, text: &str) -> Fault {
    Fault { code, text: text.to_owned(), values: Vec::new() }
}

/// The request does not fit the schema.
pub fn ill_formed(text: &str) -> Fault {
    let text = format!("The request failed schema validation: {text}");
    fault("ErrorSchemaValidation", &text)
}

impl Fault {
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Fault {
        self.values.push((name, value.to_string()));
        self
    }

    pub fn body(&self) -> Element {
        let mut detail = Element::new(Ns::None, "detail")
            .with(Element::new(Ns::Errors, "ResponseCode").says(self.code))
            .with(Element::new(Ns::Errors, "Message").says(&self.text));
        if !self.values.is_empty() {
            let values = self.values.iter().map(|(name, value)| tt("Value", value).set("Name", name));
            detail.children.push(t("MessageXml").with_all(values));
        }
        Element::new(Ns::Soap, "Fault")
            .with(
                Element::new(Ns::None, "faultcode").says(format!("a:{}", self.code)).set("xmlns:a", super::xml::TYPES),
            )
            .with(Element::new(Ns::None, "faultstring").says(&self.text).set("xml:lang", "en-US"))
            .with(detail)
    }
}

pub fn success(operation: &str) -> Element {
    m(&format!("{operation}ResponseMessage")).set("ResponseClass", "Success").with(mt("ResponseCode", "NoError"))
}

/// The response of an operation, of its messages.
pub fn response(operation: &str, messages: Vec<Element>) -> Element {
    m(&format!("{operation}Response")).with(m("ResponseMessages").with_all(messages))
}

pub fn envelope(version: Version, body: Element) -> Element {
    let [major, minor, build, revision] = super::version::build(version);
    let info = t("ServerVersionInfo")
        .set("MajorVersion", major)
        .set("MinorVersion", minor)
        .set("MajorBuildNumber", build)
        .set("MinorBuildNumber", revision)
        .set("Version", super::version::schema_name(version));
    Element::new(Ns::Soap, "Envelope")
        .with(Element::new(Ns::Soap, "Header").with(info))
        .with(Element::new(Ns::Soap, "Body").with(body))
}

/// Whom a request wants to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impersonation {
    /// `PrimarySmtpAddress`, `SmtpAddress`, `PrincipalName` or `SID`.
    pub kind: String,
    pub name: String,
}

pub struct Heard {
    pub level: Level,
    pub zone: Zone,
    pub impersonation: Option<Impersonation>,
    pub operation: Element,
}

pub fn read(document: &str, server: Version) -> Result<Heard, Fault> {
    let envelope = Element::parse(document).map_err(|text| ill_formed(&text))?;
    if envelope.ns != Ns::Soap || envelope.name != "Envelope" {
        return Err(ill_formed("The root element is not a SOAP 1.1 envelope."));
    }
    let headers = envelope.list("Header");
    let header = |name: &str| headers.iter().find(|header| header.name == name && header.ns == Ns::Types);
    let level = match header("RequestServerVersion").and_then(|header| header.attribute("Version")) {
        None => Level::V2007,
        Some(name) => Level::read(name, server)
            .ok_or_else(|| fault("ErrorInvalidServerVersion", "The specified server version is invalid."))?,
    };
    let zone = match header("TimeZoneContext").and_then(|context| context.child("TimeZoneDefinition")) {
        None => Zone::utc(),
        Some(definition) => {
            Zone::read(definition).ok_or_else(|| fault("ErrorTimeZone", "The specified time zone isn't valid."))?
        }
    };
    let impersonation = match header("ExchangeImpersonation") {
        None => None,
        Some(header) => {
            let who = header.child("ConnectingSID").and_then(|sid| sid.children.first());
            let who = who.ok_or_else(|| ill_formed("ConnectingSID has incomplete content."))?;
            Some(Impersonation { kind: who.name.clone(), name: who.text.trim().to_owned() })
        }
    };
    let operation = envelope.list("Body").first().filter(|operation| operation.ns == Ns::Messages);
    let operation = operation
        .cloned()
        .ok_or_else(|| fault("ErrorInvalidRequest", "The request is invalid: its body holds no known operation."))?;
    Ok(Heard { level, zone, impersonation, operation })
}
