//! AcceptItem, TentativelyAcceptItem and DeclineItem, which are created:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/acceptitem>.

use super::{Operation, Outcome, outcome, write_id};
use crate::classify::About;
use crate::item::ItemId;
use crate::version::Version;
use crate::xml::{Element, Out};

/// Notes in the owner's calendar what the owner answers, and sends the answer to nobody. The item may come back under another
/// id; a declined one goes to the deleted ones.
#[derive(Clone, Debug)]
pub struct Respond {
    pub item: ItemId,
    pub response: Response,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    Accept,
    Tentative,
    Decline,
}

impl Operation for Respond {
    const NAME: &'static str = "CreateItem";
    const ABOUT: About = About::Write;
    const IS_REPEATABLE: bool = false;
    type Answer = Outcome<()>;

    fn write(&self, out: &mut Out, _: Version) {
        let name = match self.response {
            Response::Accept => "t:AcceptItem",
            Response::Tentative => "t:TentativelyAcceptItem",
            Response::Decline => "t:DeclineItem",
        };
        // INVARIANT: no answer is mailed.
        out.within("m:CreateItem", &[("MessageDisposition", "SaveOnly")], |out| {
            out.within("m:Items", &[], |out| {
                out.within(name, &[], |out| write_id(out, "t:ReferenceItemId", &self.item));
            });
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, |_| Some(()))
    }
}
