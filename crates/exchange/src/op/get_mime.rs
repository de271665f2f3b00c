//! GetItem for messages: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getitem-operation>.

use super::{Operation, Outcome, outcomes, write_id};
use crate::classify::About;
use crate::item::{ItemId, moment};
use crate::version::Version;
use crate::xml::{Element, Out};
use bytes::Bytes;
use jiff::Timestamp;

/// Messages as the server would have sent them (`MimeContent`), and what tells which they are. One at a time: each is in memory.
#[derive(Clone, Debug)]
pub struct GetMime {
    pub items: Vec<ItemId>,
    /// Without, only what tells which they are.
    pub with_content: bool,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Mime {
    pub subject: String,
    pub received: Option<Timestamp>,
    pub content: Bytes,
}

impl Operation for GetMime {
    const NAME: &'static str = "GetItem";
    const ABOUT: About = About::MailRead;
    type Answer = Vec<Outcome<Mime>>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:GetItem", &[], |out| {
            out.within("m:ItemShape", &[], |out| {
                out.leaf("t:BaseShape", "IdOnly");
                out.leaf("t:IncludeMimeContent", if self.with_content { "true" } else { "false" });
                out.within("t:AdditionalProperties", &[], |out| {
                    for uri in ["item:Subject", "item:DateTimeReceived"] {
                        out.empty("t:FieldURI", &[("FieldURI", uri)]);
                    }
                });
            });
            out.within("m:ItemIds", &[], |out| self.items.iter().for_each(|id| write_id(out, "t:ItemId", id)));
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcomes(response, |message| {
            let item = message.child("Items")?.children.first()?;
            let content = item.child("MimeContent").map_or_else(|| Some(Vec::new()), Element::octets)?;
            Some(Mime {
                subject: item.text_of("Subject").unwrap_or_default().to_owned(),
                received: item.text_of("DateTimeReceived").and_then(moment),
                content: content.into(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::testing::read;

    #[test]
    fn a_message_comes_as_its_bytes() {
        let ask = GetMime { items: Vec::new(), with_content: true };
        let mut answer = read(
            &ask,
            r#"<m:GetItemResponseMessage ResponseClass="Success"><m:Items><t:Message><t:MimeContent CharacterSet="UTF-8">
            U3ViamVj
            dDogYQ==</t:MimeContent><t:Subject>a</t:Subject><t:DateTimeReceived>2026-03-01T08:00:00Z</t:DateTimeReceived>
            </t:Message></m:Items></m:GetItemResponseMessage><m:GetItemResponseMessage ResponseClass="Error"><m:ResponseCode>
            ErrorItemNotFound</m:ResponseCode></m:GetItemResponseMessage>"#,
        );
        assert_eq!(answer.pop().unwrap().err().unwrap().code, "ErrorItemNotFound");
        let mime = answer.pop().unwrap().ok().unwrap();
        assert_eq!((&mime.content[..], mime.subject.as_str()), (&b"Subject: a"[..], "a"));
        assert_eq!(mime.received.unwrap().as_second(), 1_772_352_000);
    }
}
