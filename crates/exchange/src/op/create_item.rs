//! CreateItem for calendar items:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/createitem-operation-calendar-item>.

use super::{FolderRef, Operation, Outcome, first_id, outcome};
use crate::classify::About;
use crate::item::{CalendarItem, ItemId, write_new};
use crate::version::Version;
use crate::xml::{Element, Out};

/// Creates one item and tells nobody.
#[derive(Clone, Debug)]
pub struct CreateItem {
    pub folder: FolderRef,
    pub item: CalendarItem,
}

impl Operation for CreateItem {
    const NAME: &'static str = "CreateItem";
    const ABOUT: About = About::Write;
    const IS_REPEATABLE: bool = false;
    type Answer = Outcome<ItemId>;

    fn write(&self, out: &mut Out, version: Version) {
        // INVARIANT: nobody is invited.
        out.within("m:CreateItem", &[("SendMeetingInvitations", "SendToNone")], |out| {
            out.within("m:SavedItemFolderId", &[], |out| self.folder.write(out));
            out.within("m:Items", &[], |out| write_new(out, &self.item, version));
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, first_id)
    }
}
