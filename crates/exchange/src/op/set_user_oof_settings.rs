//! SetUserOofSettings:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/setuseroofsettings-operation>.

use super::get_user_oof_settings::write_owner;
use super::{Operation, Outcome, lone};
use crate::classify::About;
use crate::oof::OofSettings;
use crate::version::Version;
use crate::xml::{Element, Out};

/// Replaces the automatic replies of a mailbox. A state of Scheduled needs a duration.
#[derive(Clone, Debug)]
pub struct SetUserOofSettings {
    /// The primary address.
    pub mailbox: String,
    pub settings: OofSettings,
}

impl Operation for SetUserOofSettings {
    const NAME: &'static str = "SetUserOofSettings";
    const ABOUT: About = About::Account;
    type Answer = Outcome<()>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:SetUserOofSettingsRequest", &[], |out| {
            write_owner(out, &self.mailbox);
            self.settings.write(out);
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        lone(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oof::OofState;
    use crate::xml;
    use parom_domain::absence::Audience;

    #[test]
    fn what_is_written_is_what_is_read() {
        for audience in [Audience::Nobody, Audience::Known, Audience::Everybody] {
            for state in [OofState::Disabled, OofState::Enabled, OofState::Scheduled] {
                let time = |text: &str| text.parse().unwrap();
                let settings = OofSettings {
                    state,
                    audience,
                    duration: Some((time("2026-03-01T08:00:00Z"), time("2026-03-15T15:00:00Z"))),
                    internal: "<p>Нет на месте &amp; \"далеко\"</p>".into(),
                    external: "a\n.\nb".into(),
                };
                let mut out = Out::new();
                let asked = SetUserOofSettings { mailbox: "a@example.org".into(), settings: settings.clone() };
                asked.write(&mut out, Version::NEWEST);
                let element = xml::read(out.finish().as_bytes()).unwrap();
                assert_eq!(OofSettings::read(element.child("UserOofSettings").unwrap()), Some(settings));
            }
        }
    }
}
