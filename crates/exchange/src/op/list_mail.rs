//! FindItem for messages: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/finditem-operation>.

use super::{FolderRef, Operation, Outcome, outcome};
use crate::classify::About;
use crate::item::{ARTICLE, Extended, FLAG_STATUS, ItemId, LAST_VERB, moment};
use crate::version::Version;
use crate::xml::{Element, Out};
use jiff::Timestamp;

/// Everything in a folder of mail, with what IMAP would tell of it, a page at a time.
#[derive(Clone, Debug)]
pub struct ListMail {
    pub folder: FolderRef,
    pub offset: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailSeen {
    pub id: ItemId,
    /// A message; else an appointment, a contact or the like, of which nothing is asked.
    pub is_mail: bool,
    /// The UID that IMAP would tell; `None` where there is none.
    pub number: Option<u32>,
    pub bytes: u64,
    pub received: Option<Timestamp>,
    pub is_read: bool,
    pub is_draft: bool,
    pub is_flagged: bool,
    pub is_answered: bool,
    /// Somebody wants to be told when it is read.
    pub asks_receipt: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailPage {
    pub items: Vec<MailSeen>,
    /// How many there are in all.
    pub total: Option<usize>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<usize>,
}

/// The default of EWSFindCountLimit is 1000.
const PAGE: &str = "500";
const FIELDS: [&str; 5] =
    ["item:DateTimeReceived", "item:Size", "item:IsDraft", "message:IsRead", "message:IsReadReceiptRequested"];
const EXTENDED: [Extended; 3] = [ARTICLE, FLAG_STATUS, LAST_VERB];
const MAIL: [&str; 6] =
    ["Message", "MeetingMessage", "MeetingRequest", "MeetingResponse", "MeetingCancellation", "PostItem"];
/// PidTagFlagStatus.
const FLAGGED: &str = "2";
/// PidTagLastVerbExecuted: reply, reply to all.
const REPLIES: [&str; 2] = ["102", "103"];

impl Operation for ListMail {
    const NAME: &'static str = "FindItem";
    const ABOUT: About = About::MailFolder;
    type Answer = Outcome<MailPage>;

    fn write(&self, out: &mut Out, _: Version) {
        let offset = self.offset.to_string();
        out.within("m:FindItem", &[("Traversal", "Shallow")], |out| {
            out.within("m:ItemShape", &[], |out| {
                out.leaf("t:BaseShape", "IdOnly");
                out.within("t:AdditionalProperties", &[], |out| {
                    FIELDS.iter().for_each(|uri| out.empty("t:FieldURI", &[("FieldURI", uri)]));
                    EXTENDED.iter().for_each(|property| property.write(out));
                });
            });
            let view = [("MaxEntriesReturned", PAGE), ("Offset", &*offset), ("BasePoint", "Beginning")];
            out.empty("m:IndexedPageItemView", &view);
            out.within("m:ParentFolderIds", &[], |out| self.folder.write(out));
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, |message| {
            let root = message.child("RootFolder")?;
            // One that is not understood must not be missing: absence is evidence.
            let items: Vec<MailSeen> = root.child("Items")?.children.iter().map(seen).collect::<Option<_>>()?;
            let is_last = root.attribute("IncludesLastItemInRange") != Some("false") || items.is_empty();
            let told = root.attribute("IndexedPagingOffset").and_then(|text| text.parse().ok());
            let next = told.filter(|next| *next > self.offset).unwrap_or(self.offset + items.len());
            let total = root.attribute("TotalItemsInView").and_then(|text| text.parse().ok());
            Some(MailPage { items, total, next: (!is_last).then_some(next) })
        })
    }
}

fn seen(item: &Element) -> Option<MailSeen> {
    let flag = |name: &str| item.flag(name).unwrap_or(false);
    Some(MailSeen {
        id: ItemId::of(item)?,
        is_mail: MAIL.contains(&item.name.as_str()),
        number: ARTICLE.of(item).and_then(|text| text.parse().ok()),
        bytes: item.text_of("Size").and_then(|text| text.trim().parse().ok()).unwrap_or(0),
        received: item.text_of("DateTimeReceived").and_then(moment),
        // What has no such state is nothing unread.
        is_read: item.flag("IsRead").unwrap_or(true),
        is_draft: flag("IsDraft"),
        is_flagged: FLAG_STATUS.of(item) == Some(FLAGGED),
        is_answered: LAST_VERB.of(item).is_some_and(|verb| REPLIES.contains(&verb)),
        asks_receipt: flag("IsReadReceiptRequested"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::testing::read;

    fn page(items: &str) -> Outcome<MailPage> {
        let ask = ListMail { folder: FolderRef::Id("F".into()), offset: 0 };
        let told = format!(
            r#"<m:FindItemResponseMessage ResponseClass="Success"><m:RootFolder IndexedPagingOffset="2"
            TotalItemsInView="3" IncludesLastItemInRange="false"><t:Items>{items}</t:Items></m:RootFolder>
            </m:FindItemResponseMessage>"#
        );
        read(&ask, &told)
    }

    #[test]
    fn a_message_is_told_with_its_number_and_marks() {
        let page = page(
            r#"<t:Message><t:ItemId Id="A" ChangeKey="K"/><t:DateTimeReceived>2026-03-01T08:00:00Z</t:DateTimeReceived>
            <t:Size>1234</t:Size><t:IsDraft>false</t:IsDraft><t:ExtendedProperty><t:ExtendedFieldURI PropertyTag="0xe23"
            PropertyType="Integer"/><t:Value>17</t:Value></t:ExtendedProperty><t:ExtendedProperty><t:ExtendedFieldURI
            PropertyTag="0x1090" PropertyType="Integer"/><t:Value>2</t:Value></t:ExtendedProperty><t:ExtendedProperty>
            <t:ExtendedFieldURI PropertyTag="0x1081" PropertyType="Integer"/><t:Value>104</t:Value></t:ExtendedProperty>
            <t:IsReadReceiptRequested>true</t:IsReadReceiptRequested><t:IsRead>false</t:IsRead></t:Message>
            <t:Contact><t:ItemId Id="B"/></t:Contact>"#,
        )
        .unwrap();
        assert_eq!((page.total, page.next), (Some(3), Some(2)));
        let [mail, contact] = page.items.as_slice() else { panic!("two") };
        assert_eq!((mail.number, mail.bytes, mail.received.unwrap().as_second()), (Some(17), 1234, 1_772_352_000));
        assert!(mail.is_mail && mail.is_flagged && mail.asks_receipt && !mail.is_read && !mail.is_answered);
        assert!(!contact.is_mail && contact.number.is_none() && contact.is_read);
    }

    #[test]
    fn an_item_that_is_not_understood_is_not_passed_over() {
        assert!(page("<t:Message><t:Size>1</t:Size></t:Message>").is_err());
    }
}
