//! Subscribe, for pull notifications:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/subscribe-operation>.

use super::{FolderRef, Operation, Outcome, outcome};
use crate::classify::About;
use crate::version::Version;
use crate::xml::{Element, Out};

/// Asks the server to remember what happens in folders.
#[derive(Clone, Debug)]
pub struct Subscribe {
    pub folders: Vec<FolderRef>,
    /// How long it remembers when nobody asks, 1..=1440.
    pub timeout_minutes: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribed {
    pub id: String,
    pub watermark: Option<String>,
}

impl Operation for Subscribe {
    const NAME: &'static str = "Subscribe";
    const ABOUT: About = About::Account;
    const IS_REPEATABLE: bool = false;
    type Answer = Outcome<Subscribed>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:Subscribe", &[], |out| {
            out.within("m:PullSubscriptionRequest", &[], |out| {
                out.within("t:FolderIds", &[], |out| self.folders.iter().for_each(|folder| folder.write(out)));
                out.within("t:EventTypes", &[], |out| {
                    for kind in ["CreatedEvent", "ModifiedEvent", "DeletedEvent", "MovedEvent", "CopiedEvent"] {
                        out.leaf("t:EventType", kind);
                    }
                });
                out.leaf("t:Timeout", &self.timeout_minutes.clamp(1, 1440).to_string());
            });
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, |message| {
            Some(Subscribed {
                id: message.text_of("SubscriptionId")?.trim().to_owned(),
                watermark: message.text_of("Watermark").map(|text| text.trim().to_owned()),
            })
        })
    }
}
