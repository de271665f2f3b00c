//! A client of a few lines: says what it is told to by plain HTTP and gives back the whole answer as text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parom_lab::ews::Ews;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Said<'a> {
    pub version: &'a str,
    pub person: Option<&'a str>,
    /// Further headers of SOAP.
    pub headers: &'a str,
    pub login: &'a str,
}

impl Said<'_> {
    pub fn by(person: &str) -> Said<'_> {
        Said { version: "Exchange2010_SP2", person: Some(person), headers: "", login: "svc@corp.example:svc" }
    }

    pub async fn ask(&self, ews: &Ews, operation: &str) -> String {
        let person = self.person.map_or(String::new(), |person| {
            format!(
                "<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>{person}</t:PrimarySmtpAddress>\
                 </t:ConnectingSID></t:ExchangeImpersonation>"
            )
        });
        let body = format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\" \
             xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\"><s:Header>\
             <t:RequestServerVersion Version=\"{}\"/>{person}{}</s:Header><s:Body>{operation}</s:Body></s:Envelope>",
            self.version, self.headers
        );
        let login = STANDARD.encode(self.login);
        let request = format!(
            "POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: lab\r\nAuthorization: Basic {login}\r\nConnection: close\r\n\
             Content-Type: text/xml; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(ews.addr()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        answer
    }
}

/// What stands between two texts.
pub fn between<'a>(answer: &'a str, before: &str, after: &str) -> &'a str {
    let start = answer.find(before).unwrap_or_else(|| panic!("{before} is not in {answer}")) + before.len();
    answer[start..].split(after).next().unwrap()
}

/// The response codes, in order.
pub fn codes(answer: &str) -> Vec<&str> {
    let parts = answer.split("ResponseCode>").skip(1).step_by(2);
    parts.map(|part| part.split('<').next().unwrap()).collect()
}

pub fn create(inner: &str) -> String {
    format!(
        "<m:CreateItem SendMeetingInvitations=\"SendToNone\"><m:Items><t:CalendarItem>{inner}</t:CalendarItem></m:Items>\
         </m:CreateItem>"
    )
}

/// Reads one item with these paths.
pub fn get(id: &str, paths: &str) -> String {
    format!(
        "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:BodyType>HTML</t:BodyType><t:AdditionalProperties>\
         {paths}</t:AdditionalProperties></m:ItemShape><m:ItemIds><t:ItemId Id=\"{id}\"/></m:ItemIds></m:GetItem>"
    )
}

pub fn fields(names: &[&str]) -> String {
    names.iter().map(|name| format!("<t:FieldURI FieldURI=\"{name}\"/>")).collect()
}
