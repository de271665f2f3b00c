//! Row 20: what Exchange sends in place of a message that it cannot convert.
//!
//! The shape is that of offlineimap #62 and MailKit #152: a sender without an address, the UID in a folded subject, and a
//! body that quotes the original's subject, sender and date. The version in the sender stayed 2010 in later products.

use super::version::Version;
use crate::server::dates;
use crate::server::message::field;
use crate::server::store::Message;
use bytes::Bytes;

pub(super) fn substitute(message: &Message, version: Version, owner: &str) -> Bytes {
    let original = |name: &str| {
        let value = String::from_utf8_lossy(field(&message.bytes, name).unwrap_or_default()).into_owned();
        value.replace("\r\n", "").replace('=', "=3D")
    };
    let sender = if version == Version::E2010 { "Microsoft Exchange Server 2010" } else { "Microsoft Exchange Server" };
    // Newer ones have a typographic apostrophe, as MailArchiver's detector knows.
    let apostrophe = if version == Version::E2010 { "'" } else { "=E2=80=99" };
    let charset = if version == Version::E2010 { "us-ascii" } else { "utf-8" };
    let text = format!(
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=\"{charset}\"\r\nFrom: {sender}\r\nTo: {owner}\r\n\
         Subject: Retrieval using the IMAP4 protocol failed for the following message:\r\n {uid}\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\n\
         The server couldn{apostrophe}t retrieve the following message:\r\n\r\n\
         Subject: \"{subject}\"\r\nFrom: \"{from}\"\r\nSent date: {date}\r\n\r\n\
         The message hasn{apostrophe}t been deleted. You might be able to view it using either Outlook =\r\n\
         or Outlook Web App. You can also contact the sender to find out what the message says.\r\n",
        uid = message.uid,
        subject = original("Subject"),
        from = original("From"),
        date = dates::to_wire(message.date).trim_start(),
    );
    text.into()
}
