//! DeleteItem for messages: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/deleteitem-operation>.

use super::{Operation, Outcome, outcomes, write_id};
use crate::classify::About;
use crate::item::ItemId;
use crate::version::{Feature, Version};
use crate::xml::{Element, Out};

/// Removes messages as an EXPUNGE over IMAP does: out of all folders, where their owner can still recover them for a while.
#[derive(Clone, Debug)]
pub struct ExpungeMail {
    pub items: Vec<ItemId>,
}

impl Operation for ExpungeMail {
    const NAME: &'static str = "DeleteItem";
    const ABOUT: About = About::MailWrite;
    const IS_REPEATABLE: bool = false;
    type Answer = Vec<Outcome<()>>;

    fn write(&self, out: &mut Out, version: Version) {
        // INVARIANT: nobody is told of it.
        let mut attributes = vec![("DeleteType", "SoftDelete"), ("SendMeetingCancellations", "SendToNone")];
        if version.knows(Feature::SuppressReadReceipts) {
            attributes.push(("SuppressReadReceipts", "true"));
        }
        out.within("m:DeleteItem", &attributes, |out| {
            out.within("m:ItemIds", &[], |out| self.items.iter().for_each(|id| write_id(out, "t:ItemId", id)));
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcomes(response, |_| Some(()))
    }
}
