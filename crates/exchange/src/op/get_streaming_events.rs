//! GetStreamingEvents:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getstreamingevents-operation>.
//!
//! Its answer is a sequence of documents in one body. Each is read like an answer of its own.

use super::Operation;
use crate::classify::About;
use crate::envelope::{Refusal, backoff};
use crate::version::Version;
use crate::xml::{Element, Out};

/// Opens a stream of what happens in the mailboxes of these subscriptions.
#[derive(Clone, Debug)]
pub struct GetStreamingEvents {
    /// At most 200.
    pub subscriptions: Vec<String>,
    /// After so many minutes the server ends the stream, 1..=30.
    pub minutes: u32,
}

/// What one document of a stream says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Streamed {
    /// Subscriptions in whose folders something happened.
    pub stirred: Vec<String>,
    /// Subscriptions that the server does not know (any more). One of them keeps all others of the stream silent.
    pub lost: Vec<String>,
    /// This was the last document.
    pub closed: bool,
    pub refusal: Option<Refusal>,
}

impl Operation for GetStreamingEvents {
    const NAME: &'static str = "GetStreamingEvents";
    const ABOUT: About = About::Account;
    type Answer = Streamed;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:GetStreamingEvents", &[], |out| {
            out.within("m:SubscriptionIds", &[], |out| {
                self.subscriptions.iter().for_each(|id| out.leaf("t:SubscriptionId", id));
            });
            out.leaf("m:ConnectionTimeout", &self.minutes.clamp(1, 30).to_string());
        });
    }

    fn read(&self, response: &Element) -> Option<Streamed> {
        let mut told = Streamed::default();
        for message in &response.child("ResponseMessages")?.children {
            let notifications = message.child("Notifications").into_iter().flat_map(|all| all.all("Notification"));
            for notification in notifications {
                // `StatusEvent` is a sign of life.
                let happened = |event: &&Element| event.name.ends_with("Event") && event.name != "StatusEvent";
                if let Some(id) = notification.text_of("SubscriptionId")
                    && notification.children.iter().any(|child| happened(&child))
                {
                    told.stirred.push(id.trim().to_owned());
                }
            }
            // Called so by the schema, and `ErrorSubscriptionId` by some texts of the documentation.
            let lost = message.child("ErrorSubscriptionIds").into_iter().flat_map(|all| &all.children);
            told.lost.extend(lost.map(|id| id.text.trim().to_owned()));
            told.closed |= message.text_of("ConnectionStatus").is_some_and(|status| status.trim() == "Closed");
            if message.attribute("ResponseClass") == Some("Error") {
                told.refusal = Some(Refusal {
                    code: message.text_of("ResponseCode").unwrap_or_default().trim().to_owned(),
                    text: message.text_of("MessageText").unwrap_or_default().trim().to_owned(),
                    backoff_ms: backoff(message),
                });
            }
        }
        Some(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::testing::read;

    fn told(messages: &str) -> Streamed {
        read(&GetStreamingEvents { subscriptions: vec!["A".into()], minutes: 30 }, messages)
    }

    #[test]
    fn what_happened_is_told_by_subscription_and_signs_of_life_are_nothing() {
        let notification = |id: &str, event: &str| {
            format!("<m:Notification><t:SubscriptionId>{id}</t:SubscriptionId><t:{event}/></m:Notification>")
        };
        let message = format!(
            "<m:GetStreamingEventsResponseMessage ResponseClass='Success'><m:ResponseCode>NoError</m:ResponseCode>\
             <m:Notifications>{}{}</m:Notifications></m:GetStreamingEventsResponseMessage>",
            notification("A", "ModifiedEvent"),
            notification("B", "StatusEvent")
        );
        assert_eq!(told(&message), Streamed { stirred: vec!["A".into()], ..Streamed::default() });
        let alive = "<m:X ResponseClass='Success'><m:ConnectionStatus>OK</m:ConnectionStatus></m:X>";
        assert_eq!(told(alive), Streamed::default());
    }

    #[test]
    fn a_refusal_names_the_subscriptions_that_are_lost() {
        let message = "<m:X ResponseClass='Error'><m:MessageText>No.</m:MessageText><m:ResponseCode>ErrorSubscriptionNotFound\
             </m:ResponseCode><m:ErrorSubscriptionIds><t:SubscriptionId>B</t:SubscriptionId></m:ErrorSubscriptionIds>\
             <m:ConnectionStatus>Closed</m:ConnectionStatus></m:X>";
        let told = told(message);
        assert_eq!((told.lost, told.closed), (vec!["B".to_owned()], true));
        assert_eq!(told.refusal.unwrap().code, "ErrorSubscriptionNotFound");
    }
}
