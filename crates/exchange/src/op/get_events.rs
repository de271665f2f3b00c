//! GetEvents: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getevents-operation>.

use super::{Operation, Outcome, outcome};
use crate::classify::About;
use crate::version::Version;
use crate::xml::{Element, Out};

/// What happened since a watermark.
#[derive(Clone, Debug)]
pub struct GetEvents {
    pub subscription: String,
    pub watermark: String,
}

/// That something happened, not what: ids and change keys in events are late, and a look tells better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsTold {
    pub any: bool,
    pub more: bool,
    /// Where the next question goes on.
    pub watermark: String,
}

impl Operation for GetEvents {
    const NAME: &'static str = "GetEvents";
    const ABOUT: About = About::Account;
    type Answer = Outcome<EventsTold>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:GetEvents", &[], |out| {
            out.leaf("m:SubscriptionId", &self.subscription);
            out.leaf("m:Watermark", &self.watermark);
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, |message| {
            let notification = message.child("Notification")?;
            let events = || notification.children.iter().filter(|child| child.name.ends_with("Event"));
            let last = events().rev().find_map(|event| event.text_of("Watermark"));
            Some(EventsTold {
                any: events().any(|event| event.name != "StatusEvent"),
                more: notification.flag("MoreEvents") == Some(true),
                watermark: last.unwrap_or(&self.watermark).trim().to_owned(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::testing::read;

    #[test]
    fn a_sign_of_life_is_no_event() {
        let ask = GetEvents { subscription: "S".into(), watermark: "W0".into() };
        let told = |event: &str| {
            let message = format!(
                r#"<m:GetEventsResponseMessage ResponseClass="Success"><m:Notification><t:SubscriptionId>S
                </t:SubscriptionId><t:MoreEvents>false</t:MoreEvents><t:{event}><t:Watermark>W1</t:Watermark></t:{event}>
                </m:Notification></m:GetEventsResponseMessage>"#
            );
            read(&ask, &message).unwrap()
        };
        assert!(!told("StatusEvent").any);
        assert!(told("ModifiedEvent").any);
        assert_eq!(told("StatusEvent").watermark, "W1");
    }
}
