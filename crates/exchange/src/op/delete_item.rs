//! DeleteItem: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/deleteitem-operation>.

use super::{ItemRef, Operation, Outcome, outcomes};
use crate::classify::About;
use crate::version::{Feature, Version};
use crate::xml::{Element, Out};

/// Moves items into the deleted ones, or takes occurrences out of their series, and cancels nothing.
#[derive(Clone, Debug)]
pub struct DeleteItem {
    pub items: Vec<ItemRef>,
}

impl Operation for DeleteItem {
    const NAME: &'static str = "DeleteItem";
    const ABOUT: About = About::Write;
    const IS_REPEATABLE: bool = false;
    type Answer = Vec<Outcome<()>>;

    fn write(&self, out: &mut Out, version: Version) {
        // INVARIANT: nobody is told of it, and the owner can take it back.
        let mut attributes = vec![("DeleteType", "MoveToDeletedItems"), ("SendMeetingCancellations", "SendToNone")];
        if version.knows(Feature::SuppressReadReceipts) {
            attributes.push(("SuppressReadReceipts", "true"));
        }
        out.within("m:DeleteItem", &attributes, |out| {
            out.within("m:ItemIds", &[], |out| self.items.iter().for_each(|item| item.write(out)));
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcomes(response, |_| Some(()))
    }
}
