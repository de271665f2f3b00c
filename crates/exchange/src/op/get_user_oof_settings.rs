//! GetUserOofSettings:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getuseroofsettings-operation>.

use super::{Operation, Outcome, lone};
use crate::classify::About;
use crate::oof::{OofSettings, audience};
use crate::version::Version;
use crate::xml::{Element, Out};
use parom_domain::absence::Audience;

/// The automatic replies of a mailbox. Only its owner may ask, or who impersonates the owner.
#[derive(Clone, Debug)]
pub struct GetUserOofSettings {
    /// The primary address.
    pub mailbox: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OofTold {
    pub settings: OofSettings,
    /// How far the policy of the mailbox lets replies go, whatever its owner has chosen.
    pub allowed: Audience,
}

impl Operation for GetUserOofSettings {
    const NAME: &'static str = "GetUserOofSettings";
    const ABOUT: About = About::Account;
    type Answer = Outcome<OofTold>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:GetUserOofSettingsRequest", &[], |out| write_owner(out, &self.mailbox));
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        if let Err(refusal) = lone(response)? {
            return Some(Err(refusal));
        }
        let settings = OofSettings::read(response.child("OofSettings")?)?;
        let allowed = response.text_of("AllowExternalOof").and_then(audience).unwrap_or(Audience::Everybody);
        Some(Ok(OofTold { settings, allowed }))
    }
}

/// `EmailAddress` of these two operations is not the `EmailAddressType` of all others.
pub(super) fn write_owner(out: &mut Out, address: &str) {
    out.within("t:Mailbox", &[], |out| out.leaf("t:Address", address));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::{Body, answer};
    use crate::oof::OofState;

    fn told(inner: &str) -> Option<Outcome<OofTold>> {
        let text = format!(
            "<s:Envelope xmlns:s='s' xmlns='m' xmlns:t='t'><s:Body><GetUserOofSettingsResponse>{inner}\
             </GetUserOofSettingsResponse></s:Body></s:Envelope>"
        );
        let Body::Response(element) = answer(text.as_bytes()).unwrap().body else { panic!("a fault") };
        GetUserOofSettings { mailbox: "a@example.org".into() }.read(&element)
    }

    #[test]
    fn settings_come_with_what_is_allowed() {
        let answer = told(
            r#"<ResponseMessage ResponseClass="Success"><ResponseCode>NoError</ResponseCode></ResponseMessage>
            <t:OofSettings><t:OofState>Scheduled</t:OofState><t:ExternalAudience>All</t:ExternalAudience><t:Duration>
            <t:StartTime>2026-03-01T08:00:00</t:StartTime><t:EndTime>2026-03-15T18:00:00+03:00</t:EndTime></t:Duration>
            <t:InternalReply xml:lang="ru-RU"><t:Message>&lt;p&gt;a&lt;/p&gt;</t:Message></t:InternalReply><t:ExternalReply>
            <t:Message/></t:ExternalReply></t:OofSettings><AllowExternalOof>Known</AllowExternalOof>"#,
        );
        let OofTold { settings, allowed } = answer.unwrap().unwrap();
        assert_eq!(
            (settings.state, settings.audience, allowed),
            (OofState::Scheduled, Audience::Everybody, Audience::Known)
        );
        assert_eq!((settings.internal.as_str(), settings.external.as_str()), ("<p>a</p>", ""));
        let (from, until) = settings.duration.unwrap();
        assert_eq!(
            (from.to_string(), until.to_string()),
            ("2026-03-01T08:00:00Z".into(), "2026-03-15T15:00:00Z".into())
        );
    }

    #[test]
    fn a_refusal_is_told() {
        let answer = told(
            r#"<ResponseMessage ResponseClass="Error"><MessageText>User is not mailbox owner.</MessageText>
            <ResponseCode>ErrorAccessDenied</ResponseCode></ResponseMessage>"#,
        );
        assert_eq!(answer.unwrap().unwrap_err().code, "ErrorAccessDenied");
        assert!(told("").is_none(), "no answer at all");
    }
}
