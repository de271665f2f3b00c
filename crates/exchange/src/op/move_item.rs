//! MoveItem: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/moveitem-operation>.

use super::{FolderRef, ItemRef, Operation, Outcome, first_id, outcomes};
use crate::classify::About;
use crate::item::ItemId;
use crate::version::Version;
use crate::xml::{Element, Out};

/// Moves items to another calendar of the mailbox, where they get new ids. Occurrences cannot be moved.
#[derive(Clone, Debug)]
pub struct MoveItem {
    pub to: FolderRef,
    pub items: Vec<ItemId>,
}

impl Operation for MoveItem {
    const NAME: &'static str = "MoveItem";
    const ABOUT: About = About::Write;
    const IS_REPEATABLE: bool = false;
    type Answer = Vec<Outcome<ItemId>>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:MoveItem", &[], |out| {
            out.within("m:ToFolderId", &[], |out| self.to.write(out));
            out.within("m:ItemIds", &[], |out| {
                self.items.iter().for_each(|item| ItemRef::Item(item.clone()).write(out));
            });
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcomes(response, first_id)
    }
}
