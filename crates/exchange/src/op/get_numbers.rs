//! GetItem for the numbers of messages: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getitem-operation>.

use super::{Operation, Outcome, outcomes, write_id};
use crate::classify::About;
use crate::item::{ARTICLE, ItemId};
use crate::version::Version;
use crate::xml::{Element, Out};

/// By which UIDs IMAP would know these items; `None` where there is none.
#[derive(Clone, Debug)]
pub struct GetNumbers {
    pub items: Vec<ItemId>,
}

impl Operation for GetNumbers {
    const NAME: &'static str = "GetItem";
    const ABOUT: About = About::MailFolder;
    type Answer = Vec<Outcome<Option<u32>>>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:GetItem", &[], |out| {
            out.within("m:ItemShape", &[], |out| {
                out.leaf("t:BaseShape", "IdOnly");
                out.within("t:AdditionalProperties", &[], |out| ARTICLE.write(out));
            });
            out.within("m:ItemIds", &[], |out| self.items.iter().for_each(|id| write_id(out, "t:ItemId", id)));
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcomes(response, |message| {
            let item = message.child("Items")?.children.first()?;
            Some(ARTICLE.of(item).and_then(|text| text.parse().ok()))
        })
    }
}
