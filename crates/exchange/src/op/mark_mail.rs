//! UpdateItem for messages: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/updateitem-operation>.

use super::update_item::silently;
use super::{Operation, Outcome, outcomes, write_id};
use crate::classify::About;
use crate::item::{Extended, FLAG_ICON, FLAG_STATUS, ItemId, LAST_VERB};
use crate::version::Version;
use crate::xml::{Element, Out};

/// Sets or takes away the same marks on messages. What is `None` stays as it is.
#[derive(Clone, Debug)]
pub struct MarkMail {
    pub items: Vec<ItemId>,
    pub read: Option<bool>,
    pub flagged: Option<bool>,
    pub answered: Option<bool>,
}

impl Operation for MarkMail {
    const NAME: &'static str = "UpdateItem";
    const ABOUT: About = About::MailWrite;
    type Answer = Vec<Outcome<()>>;

    fn write(&self, out: &mut Out, version: Version) {
        // A mark is set whatever else was changed meanwhile.
        out.within("m:UpdateItem", &silently("AlwaysOverwrite", version), |out| {
            out.within("m:ItemChanges", &[], |out| {
                for id in &self.items {
                    out.within("t:ItemChange", &[], |out| {
                        let id = ItemId { id: id.id.clone(), change_key: None };
                        write_id(out, "t:ItemId", &id);
                        out.within("t:Updates", &[], |out| self.write_updates(out));
                    });
                }
            });
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcomes(response, |_| Some(()))
    }
}

impl MarkMail {
    fn write_updates(&self, out: &mut Out) {
        if let Some(read) = self.read {
            out.within("t:SetItemField", &[], |out| {
                out.empty("t:FieldURI", &[("FieldURI", "message:IsRead")]);
                out.within("t:Message", &[], |out| out.leaf("t:IsRead", if read { "true" } else { "false" }));
            });
        }
        let marks =
            [(self.flagged, FLAG_STATUS, "2"), (self.flagged, FLAG_ICON, "6"), (self.answered, LAST_VERB, "102")];
        for (said, property, value) in marks {
            match said {
                Some(true) => write_set(out, property, value),
                Some(false) => out.within("t:DeleteItemField", &[], |out| property.write(out)),
                None => {}
            }
        }
    }
}

fn write_set(out: &mut Out, property: Extended, value: &str) {
    out.within("t:SetItemField", &[], |out| {
        property.write(out);
        out.within("t:Message", &[], |out| property.write_value(out, value));
    });
}
