//! CreateAttachment:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/createattachment-operation>.

use super::{Operation, Outcome, outcome, write_id};
use crate::classify::About;
use crate::item::ItemId;
use crate::version::Version;
use crate::xml::{Element, Out};
use std::sync::Arc;

/// Adds one file to an item.
#[derive(Clone, Debug)]
pub struct CreateAttachment {
    pub parent: ItemId,
    pub file: NewAttachment,
}

#[derive(Clone, PartialEq, Eq)]
pub struct NewAttachment {
    pub name: String,
    pub content_type: String,
    pub content: Arc<[u8]>,
}

impl std::fmt::Debug for NewAttachment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewAttachment({} octets)", self.content.len())
    }
}

/// How the item was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    pub attachment: String,
    /// The item with its new change key: the next write begins there.
    pub root: ItemId,
}

impl Operation for CreateAttachment {
    const NAME: &'static str = "CreateAttachment";
    const ABOUT: About = About::Write;
    const IS_REPEATABLE: bool = false;
    type Answer = Outcome<Attached>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:CreateAttachment", &[], |out| {
            write_id(out, "m:ParentItemId", &self.parent);
            out.within("m:Attachments", &[], |out| {
                out.within("t:FileAttachment", &[], |out| {
                    out.leaf("t:Name", &self.file.name);
                    if !self.file.content_type.is_empty() {
                        out.leaf("t:ContentType", &self.file.content_type);
                    }
                    out.octets("t:Content", &self.file.content);
                });
            });
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, |message| {
            let id = message.child("Attachments")?.children.first()?.child("AttachmentId")?;
            let root = ItemId {
                id: id.attribute("RootItemId").unwrap_or(&self.parent.id).to_owned(),
                change_key: id.attribute("RootItemChangeKey").map(ToOwned::to_owned),
            };
            Some(Attached { attachment: id.attribute("Id")?.to_owned(), root })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::testing::read;

    #[test]
    fn the_next_write_begins_at_the_new_change_key() {
        let file = NewAttachment { name: "a".into(), content_type: String::new(), content: Arc::from(&b"x"[..]) };
        let ask = CreateAttachment { parent: ItemId { id: "P".into(), change_key: Some("1".into()) }, file };
        let answer = read(
            &ask,
            r#"<m:CreateAttachmentResponseMessage ResponseClass="Success"><m:Attachments><t:FileAttachment>
            <t:AttachmentId Id="F" RootItemId="P" RootItemChangeKey="2"/></t:FileAttachment></m:Attachments>
            </m:CreateAttachmentResponseMessage>"#,
        );
        assert_eq!(answer.unwrap().root, ItemId { id: "P".into(), change_key: Some("2".into()) });
    }
}
