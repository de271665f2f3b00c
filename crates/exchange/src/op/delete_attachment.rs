//! DeleteAttachment:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/deleteattachment-operation>.

use super::{Operation, Outcome, outcome};
use crate::classify::About;
use crate::item::ItemId;
use crate::version::Version;
use crate::xml::{Element, Out};

/// Takes one attachment from its item.
#[derive(Clone, Debug)]
pub struct DeleteAttachment {
    pub id: String,
}

impl Operation for DeleteAttachment {
    const NAME: &'static str = "DeleteAttachment";
    const ABOUT: About = About::Write;
    const IS_REPEATABLE: bool = false;
    /// The item with its new change key.
    type Answer = Outcome<ItemId>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:DeleteAttachment", &[], |out| {
            out.within("m:AttachmentIds", &[], |out| out.empty("t:AttachmentId", &[("Id", &self.id)]));
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, |message| {
            let root = message.child("RootItemId")?;
            Some(ItemId {
                id: root.attribute("RootItemId")?.to_owned(),
                change_key: root.attribute("RootItemChangeKey").map(ToOwned::to_owned),
            })
        })
    }
}
