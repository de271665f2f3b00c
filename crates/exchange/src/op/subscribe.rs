//! Subscribe, for streaming and for pull notifications:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/subscribe-operation>.

use super::{FolderRef, Operation, Outcome, outcome};
use crate::classify::About;
use crate::version::Version;
use crate::xml::{Element, Out};

/// Asks the server to remember what happens in folders.
#[derive(Clone, Debug)]
pub struct Subscribe {
    pub folders: Vec<FolderRef>,
    pub how: Delivery,
}

/// How what happened is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// By GetStreamingEvents, which 2010 SP1 and later know.
    Streamed,
    /// By GetEvents. The server remembers for so many minutes when nobody asks, 1..=1440.
    Pulled { timeout_minutes: u32 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribed {
    pub id: String,
    /// Where GetEvents begins. None for streams.
    pub watermark: Option<String>,
}

impl Operation for Subscribe {
    const NAME: &'static str = "Subscribe";
    const ABOUT: About = About::Account;
    const IS_REPEATABLE: bool = false;
    type Answer = Outcome<Subscribed>;

    fn write(&self, out: &mut Out, _: Version) {
        let request = match self.how {
            Delivery::Streamed => "m:StreamingSubscriptionRequest",
            Delivery::Pulled { .. } => "m:PullSubscriptionRequest",
        };
        out.within("m:Subscribe", &[], |out| {
            out.within(request, &[], |out| {
                out.within("t:FolderIds", &[], |out| self.folders.iter().for_each(|folder| folder.write(out)));
                out.within("t:EventTypes", &[], |out| {
                    for kind in ["CreatedEvent", "ModifiedEvent", "DeletedEvent", "MovedEvent", "CopiedEvent"] {
                        out.leaf("t:EventType", kind);
                    }
                });
                if let Delivery::Pulled { timeout_minutes } = self.how {
                    out.leaf("t:Timeout", &timeout_minutes.clamp(1, 1440).to_string());
                }
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
