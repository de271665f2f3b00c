//! GetAttachment: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getattachment-operation>.

use super::{Operation, Outcome, outcome};
use crate::classify::About;
use crate::version::Version;
use crate::xml::{Element, Out};
use std::sync::Arc;

/// The content of one attachment: of a file its bytes, of an item its MIME text.
#[derive(Clone, Debug)]
pub struct GetAttachment {
    pub id: String,
}

impl Operation for GetAttachment {
    const NAME: &'static str = "GetAttachment";
    const ABOUT: About = About::Read;
    /// `None`: the server has no bytes for it. Items of some kinds have no MIME text.
    type Answer = Outcome<Option<Arc<[u8]>>>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:GetAttachment", &[], |out| {
            out.within("m:AttachmentShape", &[], |out| out.leaf("t:IncludeMimeContent", "true"));
            out.within("m:AttachmentIds", &[], |out| out.empty("t:AttachmentId", &[("Id", &self.id)]));
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, |message| {
            let attachment = message.child("Attachments")?.children.first()?;
            let content = match attachment.name.as_str() {
                // An empty file.
                "FileAttachment" => attachment.child("Content").map_or_else(|| Some(Vec::new()), Element::octets)?,
                _ => match attachment.descendant("MimeContent") {
                    Some(content) => content.octets()?,
                    None => return Some(None),
                },
            };
            Some(Some(content.into()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::testing::read;

    #[test]
    fn files_and_items_have_bytes() {
        let of = |attachment: &str| {
            let message = format!(
                r#"<m:GetAttachmentResponseMessage ResponseClass="Success"><m:Attachments>{attachment}</m:Attachments>
                </m:GetAttachmentResponseMessage>"#
            );
            read(&GetAttachment { id: "A".into() }, &message).unwrap().map(|bytes| bytes.to_vec())
        };
        assert_eq!(
            of("<t:FileAttachment><t:Content>aGVs\r\nbG8=</t:Content></t:FileAttachment>"),
            Some(b"hello".to_vec())
        );
        assert_eq!(of("<t:FileAttachment><t:Name>a</t:Name></t:FileAttachment>"), Some(Vec::new()));
        let item =
            "<t:ItemAttachment><t:Message><t:MimeContent>aGVsbG8=</t:MimeContent></t:Message></t:ItemAttachment>";
        assert_eq!(of(item), Some(b"hello".to_vec()));
        assert_eq!(of("<t:ItemAttachment><t:Contact><t:Subject>a</t:Subject></t:Contact></t:ItemAttachment>"), None);
    }
}
