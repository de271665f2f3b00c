//! Row 28: the trap that counts the receipts which Exchange would have sent to people because of an IMAP client.
//!
//! A message asks for them with `Disposition-Notification-To`. Who marks it as read sends "read"; who deletes it unread
//! sends "not read" (imapsync's FAQ.Exchange and FAQ.Flags). `ImapSuppressReadReceipt` stops both, and `$MDNSent` says
//! that the client has seen to it. What other clients do is their owner's doing and not counted.

use crate::server::message::field;
use crate::server::store::{Flags, Message};

/// A receipt that would have gone out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Whose mailbox, by alias.
    pub mailbox: String,
    pub kind: ReceiptKind,
    /// Who would have got it, as the message says.
    pub to: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptKind {
    Read,
    NotRead,
}

/// Who waits for a receipt of this message, which had these flags so far.
fn awaited(message: &Message, flags: &Flags) -> Option<String> {
    let is_open = !message.notes.receipted && !flags.has("\\Seen") && !flags.has("$MDNSent");
    let to = field(&message.bytes, "Disposition-Notification-To").filter(|_| is_open)?;
    Some(String::from_utf8_lossy(to).into_owned())
}

/// The receipt because of marks that were set.
pub(super) fn at_marking(mailbox: &str, before: &Flags, message: &mut Message) -> Option<Receipt> {
    let to = awaited(message, before).filter(|_| message.flags.has("\\Seen") && !message.flags.has("$MDNSent"))?;
    message.notes.receipted = true;
    Some(Receipt { mailbox: mailbox.to_owned(), kind: ReceiptKind::Read, to })
}

/// The receipts because these were deleted.
pub(super) fn at_deletion<'a>(mailbox: &'a str, gone: &'a [Message]) -> impl Iterator<Item = Receipt> + 'a {
    let awaited = gone.iter().filter_map(|message| awaited(message, &message.flags));
    awaited.map(|to| Receipt { mailbox: mailbox.to_owned(), kind: ReceiptKind::NotRead, to })
}
