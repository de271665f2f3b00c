//! CreateItem for messages: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/createitem-operation-email-message>.

use super::{FolderRef, Operation, Outcome, first_id, outcome};
use crate::classify::About;
use crate::item::{DELIVERED, FLAG_ICON, FLAG_STATUS, ItemId, LAST_VERB, MESSAGE_FLAGS};
use crate::version::Version;
use crate::xml::{Element, Out};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use std::fmt;

/// Puts one message into a folder as it is, and sends nothing.
#[derive(Clone)]
pub struct CreateMail {
    pub folder: FolderRef,
    pub content: Bytes,
    pub received: Option<Timestamp>,
    pub is_read: bool,
    pub is_flagged: bool,
    pub is_answered: bool,
}

impl fmt::Debug for CreateMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CreateMail({} octets)", self.content.len())
    }
}

impl Operation for CreateMail {
    const NAME: &'static str = "CreateItem";
    const ABOUT: About = About::MailWrite;
    const IS_REPEATABLE: bool = false;
    type Answer = Outcome<ItemId>;

    fn write(&self, out: &mut Out, _: Version) {
        // INVARIANT: it is saved, and goes to nobody.
        out.within("m:CreateItem", &[("MessageDisposition", "SaveOnly")], |out| {
            out.within("m:SavedItemFolderId", &[], |out| self.folder.write(out));
            out.within("m:Items", &[], |out| {
                out.within("t:Message", &[], |out| {
                    out.leaf("t:MimeContent", &STANDARD.encode(&self.content));
                    // Can be said only of a new message: without it would be a draft of the owner's own.
                    MESSAGE_FLAGS.write_value(out, if self.is_read { "1" } else { "0" });
                    if let Some(received) = self.received {
                        DELIVERED.write_value(out, &received.to_string());
                    }
                    if self.is_flagged {
                        FLAG_STATUS.write_value(out, "2");
                        FLAG_ICON.write_value(out, "6");
                    }
                    if self.is_answered {
                        LAST_VERB.write_value(out, "102");
                    }
                });
            });
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, first_id)
    }
}
