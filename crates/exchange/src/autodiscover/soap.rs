//! `GetUserSettings` of the SOAP service:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getusersettings-operation-soap>.

use super::{Dialect, Told};
use crate::envelope::SOAP;
use crate::xml::{self, Element, Out};
use parom_net::http::Url;

pub(super) const DIALECT: Dialect = Dialect {
    path: "/autodiscover/autodiscover.svc",
    headers: &[
        ("Content-Type", "text/xml; charset=utf-8"),
        ("Accept", "text/xml"),
        ("SOAPAction", "\"http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings\""),
    ],
    write,
    read,
};

const NAMESPACE: &str = "http://schemas.microsoft.com/exchange/2010/Autodiscover";
const ADDRESSING: &str = "http://www.w3.org/2005/08/addressing";
const SETTINGS: [&str; 3] = ["ExternalEwsUrl", "InternalEwsUrl", "GroupingInformation"];

fn write(url: &Url, address: &str) -> String {
    let mut out = Out::new();
    out.raw("<?xml version=\"1.0\" encoding=\"utf-8\"?>");
    out.within("s:Envelope", &[("xmlns:s", SOAP), ("xmlns:a", NAMESPACE), ("xmlns:w", ADDRESSING)], |out| {
        out.within("s:Header", &[], |out| {
            out.leaf("a:RequestedServerVersion", "Exchange2010_SP2");
            out.leaf("w:Action", &format!("{NAMESPACE}/Autodiscover/GetUserSettings"));
            out.leaf("w:To", &url.to_string());
        });
        out.within("s:Body", &[], |out| {
            out.within("a:GetUserSettingsRequestMessage", &[], |out| {
                out.within("a:Request", &[], |out| {
                    out.within("a:Users", &[], |out| out.within("a:User", &[], |out| out.leaf("a:Mailbox", address)));
                    out.within("a:RequestedSettings", &[], |out| {
                        SETTINGS.iter().for_each(|setting| out.leaf("a:Setting", setting));
                    });
                });
            });
        });
    });
    out.finish()
}

fn read(bytes: &[u8]) -> Option<Told> {
    let root = xml::read(bytes).ok()?;
    let response = root.child("Body")?.child("GetUserSettingsResponseMessage")?.child("Response")?;
    let text = |element: &Element, name: &str| element.text_of(name).unwrap_or_default().trim().to_owned();
    let refused =
        |element: &Element| Told::Refused { code: text(element, "ErrorCode"), text: text(element, "ErrorMessage") };
    if text(response, "ErrorCode") != "NoError" {
        return Some(refused(response));
    }
    let user = response.child("UserResponses")?.child("UserResponse")?;
    match text(user, "ErrorCode").as_str() {
        "NoError" => {
            let setting = |name: &str| {
                let named = |setting: &&Element| setting.text_of("Name").is_some_and(|known| known.trim() == name);
                let setting = user.child("UserSettings")?.all("UserSetting").find(named)?;
                setting.text_of("Value").map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
            };
            let url = |name: &str| setting(name).and_then(|text| Url::parse(&text));
            let url = url("ExternalEwsUrl").or_else(|| url("InternalEwsUrl"))?;
            Some(Told::Here { url, group: setting("GroupingInformation") })
        }
        "RedirectAddress" => Some(Told::Address(text(user, "RedirectTarget"))),
        "RedirectUrl" => Some(Told::Elsewhere(Url::parse(&text(user, "RedirectTarget"))?)),
        _ => Some(refused(user)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(user: &str) -> Option<Told> {
        let text = format!(
            "<s:Envelope xmlns:s='s'><s:Body><GetUserSettingsResponseMessage xmlns='a'><Response><ErrorCode>NoError</ErrorCode>\
             <ErrorMessage/><UserResponses><UserResponse>{user}</UserResponse></UserResponses></Response>\
             </GetUserSettingsResponseMessage></s:Body></s:Envelope>"
        );
        read(text.as_bytes())
    }

    #[test]
    fn each_answer_says_one_thing() {
        let setting = |name: &str, value: &str| {
            format!(
                "<UserSetting i:type='StringSetting' xmlns:i='i'><Name>{name}</Name><Value>{value}</Value></UserSetting>"
            )
        };
        let all = setting("InternalEwsUrl", "https://in.example/EWS/Exchange.asmx")
            + &setting("GroupingInformation", "Site-1");
        let here = answer(&format!("<ErrorCode>NoError</ErrorCode><UserSettings>{all}</UserSettings>"));
        let url = Url::parse("https://in.example/EWS/Exchange.asmx").unwrap();
        assert_eq!(here, Some(Told::Here { url, group: Some("Site-1".to_owned()) }));
        let moved = answer("<ErrorCode>RedirectAddress</ErrorCode><RedirectTarget>a@b.example</RedirectTarget>");
        assert_eq!(moved, Some(Told::Address("a@b.example".to_owned())));
        let unknown = answer("<ErrorCode>InvalidUser</ErrorCode><ErrorMessage>Who?</ErrorMessage>");
        assert_eq!(unknown, Some(Told::Refused { code: "InvalidUser".to_owned(), text: "Who?".to_owned() }));
        assert_eq!(answer("<ErrorCode>NoError</ErrorCode><UserSettings/>"), None);
    }
}
