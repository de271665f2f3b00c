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
    type Answer = Outcome<Arc<[u8]>>;

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
                "FileAttachment" => attachment.child("Content"),
                _ => Some(attachment.descendant("MimeContent")?),
            };
            content.map_or_else(|| Some(Vec::new()), Element::octets).map(Into::into)
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
            read(&GetAttachment { id: "A".into() }, &message).unwrap().to_vec()
        };
        assert_eq!(of("<t:FileAttachment><t:Content>aGVs\r\nbG8=</t:Content></t:FileAttachment>"), b"hello");
        let item =
            "<t:ItemAttachment><t:Message><t:MimeContent>aGVsbG8=</t:MimeContent></t:Message></t:ItemAttachment>";
        assert_eq!(of(item), b"hello");
    }
}
