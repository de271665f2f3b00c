//! GetServerTimeZones:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getservertimezones-operation>.

use super::{Operation, Outcome, outcome};
use crate::classify::About;
use crate::item::ZoneSeen;
use crate::version::Version;
use crate::xml::{Element, Out};

/// The zones that the server knows.
#[derive(Clone, Debug)]
pub struct GetServerTimeZones {
    /// Empty: all.
    pub ids: Vec<String>,
    /// With their rules, not by their ids alone.
    pub in_full: bool,
}

impl Operation for GetServerTimeZones {
    const NAME: &'static str = "GetServerTimeZones";
    const ABOUT: About = About::Account;
    type Answer = Outcome<Vec<ZoneSeen>>;

    fn write(&self, out: &mut Out, _: Version) {
        let in_full = if self.in_full { "true" } else { "false" };
        out.within("m:GetServerTimeZones", &[("ReturnFullTimeZoneData", in_full)], |out| {
            if !self.ids.is_empty() {
                out.within("m:Ids", &[], |out| self.ids.iter().for_each(|id| out.leaf("t:Id", id)));
            }
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, |message| {
            Some(message.child("TimeZoneDefinitions")?.all("TimeZoneDefinition").map(ZoneSeen::read).collect())
        })
    }
}
