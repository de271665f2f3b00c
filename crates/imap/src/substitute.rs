//! Exchange's substitute messages: another text in place of a message that it cannot convert.
//!
//! Subject and text have to agree, and the UID in the subject has to be the message's own: a person may have kept such a
//! text as a message. The sender tells nothing, it changes from version to version. Texts as in offlineimap #62 and in
//! MailArchiver's `ProviderPlaceholderDetector`; servers of other languages may have other texts (unproven).

use parom_domain::Uid;

const SUBJECT: &str = "retrieval using the imap4 protocol failed for the following message:";
const TEXT: &str = "the server couldn't retrieve the following message:";
/// A substitute quotes three fields of the original, no more.
const LONGEST: usize = 16 * 1024;

/// Is this text one in place of the message?
#[must_use]
pub fn is_substitute(message: &[u8], uid: Uid) -> bool {
    if message.len() > LONGEST {
        return false;
    }
    let text = String::from_utf8_lossy(message);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let Some(subject) = subject(head) else { return false };
    let Some(number) = subject.strip_prefix(SUBJECT) else { return false };
    let number = number.trim();
    plain(body).contains(TEXT) && (number.is_empty() || number == uid.to_string())
}

/// The subject on one line, in small letters.
fn subject(head: &str) -> Option<String> {
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ").to_lowercase();
    let value = unfolded.lines().find_map(|line| line.strip_prefix("subject:"))?;
    Some(value.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The text without quoted-printable's marks, with plain apostrophes, in small letters.
fn plain(body: &str) -> String {
    let joined = body.replace("=\r\n", "").replace("=E2=80=99", "'").replace("=92", "'").replace('\u{2019}', "'");
    joined.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(subject: &str, body: &str) -> Vec<u8> {
        format!("From: Microsoft Exchange Server 2010\r\nSubject: {subject}\r\n\r\n{body}\r\n").into_bytes()
    }

    #[test]
    fn subject_and_text_have_to_agree_and_the_number_has_to_be_the_messages_own() {
        let uid = |number| Uid::new(number).unwrap();
        let subject = "Retrieval using the IMAP4 protocol failed for the following message:\r\n 17";
        for body in [
            "The server couldn't retrieve the following message:",
            "The server couldn\u{2019}t retrieve the\r\nfollowing message:",
            "The server couldn=E2=80=99t retrieve the follow=\r\ning message:",
        ] {
            assert!(is_substitute(&text(subject, body), uid(17)), "{body}");
            assert!(!is_substitute(&text(subject, body), uid(18)), "kept by a person");
            assert!(!is_substitute(&text(&format!("FW: {subject}"), body), uid(17)));
        }
        assert!(!is_substitute(&text(subject, "Look at this subject!"), uid(17)));
        assert!(!is_substitute(&text("Hello", "The server couldn't retrieve the following message:"), uid(17)));
        assert!(!is_substitute(b"", uid(1)));
    }
}
