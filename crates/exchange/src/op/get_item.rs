//! GetItem: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getitem-operation>.

use super::{ItemRef, Operation, Outcome, outcomes};
use crate::classify::About;
use crate::item::{CalendarItem, write_paths};
use crate::version::Version;
use crate::xml::{Element, Out};

/// Items in full, or only what tells which they are. At most ten at a time: the server gives a batch one minute.
#[derive(Clone, Debug)]
pub struct GetItem {
    pub items: Vec<ItemRef>,
    pub shape: Shape,
}

/// How much of an item is asked for: what is corrupt often comes with less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    Full,
    WithoutBody,
    WithoutAttachments,
    /// Id, original start and the numbers of a series: to find occurrences, and the versions after a write.
    Bones,
    /// The same with what people know an event by.
    Outline,
}

impl Operation for GetItem {
    const NAME: &'static str = "GetItem";
    const ABOUT: About = About::Read;
    /// `None` for an item that is no calendar item.
    type Answer = Vec<Outcome<Option<CalendarItem>>>;

    fn write(&self, out: &mut Out, version: Version) {
        out.within("m:GetItem", &[], |out| {
            out.within("m:ItemShape", &[], |out| {
                out.leaf("t:BaseShape", "IdOnly");
                out.leaf("t:IncludeMimeContent", "false");
                // HTML where the item has it, else its text as it is.
                out.leaf("t:BodyType", "Best");
                out.within("t:AdditionalProperties", &[], |out| write_paths(out, self.shape, version));
            });
            out.within("m:ItemIds", &[], |out| self.items.iter().for_each(|item| item.write(out)));
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcomes(response, |message| {
            let item = message.child("Items")?.children.first()?;
            Some((item.name == "CalendarItem").then(|| CalendarItem::read(item)).flatten())
        })
    }
}
