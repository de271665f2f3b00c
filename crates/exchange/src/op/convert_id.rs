//! ConvertId: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/convertid-operation>.

use super::{Operation, Outcome, outcomes};
use crate::classify::About;
use crate::version::Version;
use crate::xml::{Element, Out};

/// How an id is written. An entry id stays when the mailbox is changed, and is what Outlook and MAPI programs know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdFormat {
    Ews,
    /// An entry id in base64.
    Entry,
    /// An entry id in hexadecimal, as Outlook's programs write it.
    HexEntry,
    Store,
    /// As addresses of Outlook on the web have it.
    Owa,
}

impl IdFormat {
    fn as_str(self) -> &'static str {
        match self {
            IdFormat::Ews => "EwsId",
            IdFormat::Entry => "EntryId",
            IdFormat::HexEntry => "HexEntryId",
            IdFormat::Store => "StoreId",
            IdFormat::Owa => "OwaId",
        }
    }
}

/// The same folders or items under the names of another interface.
#[derive(Clone, Debug)]
pub struct ConvertId {
    pub ids: Vec<String>,
    pub from: IdFormat,
    pub to: IdFormat,
    /// The primary address of the mailbox that holds them.
    pub mailbox: String,
}

/// An id, and whose mailbox the server found it in: its primary address, whatever the question said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    pub id: String,
    pub mailbox: String,
}

impl Operation for ConvertId {
    const NAME: &'static str = "ConvertId";
    const ABOUT: About = About::Account;
    type Answer = Vec<Outcome<Converted>>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:ConvertId", &[("DestinationFormat", self.to.as_str())], |out| {
            out.within("m:SourceIds", &[], |out| {
                for id in &self.ids {
                    let attributes =
                        [("Format", self.from.as_str()), ("Id", id.as_str()), ("Mailbox", self.mailbox.as_str())];
                    out.empty("t:AlternateId", &attributes);
                }
            });
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcomes(response, |message| {
            let told = message.child("AlternateId")?;
            let text = |name: &str| told.attribute(name).map(ToOwned::to_owned);
            Some(Converted { id: text("Id")?, mailbox: text("Mailbox").unwrap_or_default() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::testing::read;

    #[test]
    fn each_id_has_its_own_answer() {
        let ask = ConvertId {
            ids: vec!["A".into(), "B".into()],
            from: IdFormat::Ews,
            to: IdFormat::HexEntry,
            mailbox: "anna@example.org".into(),
        };
        let answer = read(
            &ask,
            r#"<m:X ResponseClass="Success"><m:AlternateId xsi:type="t:AlternateIdType" xmlns:xsi="x" Format="HexEntryId"
            Id="00" Mailbox="anna@example.org"/></m:X><m:X ResponseClass="Error"><m:ResponseCode>ErrorInvalidIdMalformed
            </m:ResponseCode></m:X>"#,
        );
        assert_eq!(answer[0].as_ref().unwrap().id, "00");
        assert_eq!(answer[1].as_ref().unwrap_err().code, "ErrorInvalidIdMalformed");
    }
}
