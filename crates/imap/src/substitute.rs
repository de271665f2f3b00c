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

/// Where this text stands in place of the message: the subject of that message, which it quotes.
#[must_use]
pub fn substituted_subject(message: &[u8], uid: Uid) -> Option<String> {
    if message.len() > LONGEST {
        return None;
    }
    let text = String::from_utf8_lossy(message);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let subject = subject(head)?;
    let number = subject.strip_prefix(SUBJECT)?.trim();
    let is_one = plain(body).contains(TEXT) && (number.is_empty() || number == uid.to_string());
    is_one.then(|| quoted_subject(body))
}

/// Are these the header fields of a text that stands in place of this message? Fields alone are no proof, so this only tells
/// which messages to look into.
#[must_use]
pub fn is_substituted(header: &[u8], uid: Uid) -> bool {
    let number = subject(&String::from_utf8_lossy(header));
    number.and_then(|subject| Some(subject.strip_prefix(SUBJECT)?.trim() == uid.to_string())).unwrap_or(false)
}

/// Empty where there is none.
fn quoted_subject(body: &str) -> String {
    let decoded = decoded(body);
    let line = decoded.lines().find_map(|line| line.strip_prefix("Subject:")).unwrap_or_default().trim();
    line.strip_prefix('"').and_then(|line| line.strip_suffix('"')).unwrap_or(line).to_owned()
}

/// Without quoted-printable's marks. What is none of them stays as it is.
fn decoded(body: &str) -> String {
    let mut bytes = Vec::with_capacity(body.len());
    let joined = body.replace("=\r\n", "");
    let mut parts = joined.split('=');
    bytes.extend(parts.next().unwrap_or_default().bytes());
    for part in parts {
        match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend(part.bytes().skip(2));
            }
            None => bytes.extend(std::iter::once(b'=').chain(part.bytes())),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
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

    fn is_substitute(message: &[u8], uid: Uid) -> bool {
        substituted_subject(message, uid).is_some()
    }

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
        let header = format!("From: Microsoft Exchange Server\r\nSubject: {subject}\r\n\r\n");
        assert!(is_substituted(header.as_bytes(), uid(17)) && !is_substituted(header.as_bytes(), uid(18)));
    }

    #[test]
    fn the_subject_of_the_message_is_quoted_in_the_text() {
        let quoted = |lines: &str| {
            let body = format!("The server couldn't retrieve the following message:\r\n\r\n{lines}From: \"Anna\"\r\n");
            let subject = "Retrieval using the IMAP4 protocol failed for the following message: 17";
            substituted_subject(&text(subject, &body), Uid::new(17).unwrap()).unwrap()
        };
        assert_eq!(quoted("Subject: \"Canceled: \"urgent\" meeting\"\r\n"), "Canceled: \"urgent\" meeting");
        assert_eq!(quoted("Subject: \"=D0=9F=D0=B8=D1=81=\r\n=D1=8C=D0=BC=D0=BE\"\r\n"), "Письмо");
        assert_eq!(quoted("Subject: \"=3D?utf-8?B?0J8=3D?=3D\"\r\n"), "=?utf-8?B?0J8=?=");
        assert_eq!(quoted("Subject: \"1 + 1 = 2 =\"\r\n"), "1 + 1 = 2 =");
        assert_eq!(quoted("Subject: \"\"\r\n"), "");
        assert_eq!(quoted(""), "");
    }
}
