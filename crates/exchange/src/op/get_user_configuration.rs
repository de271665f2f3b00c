//! GetUserConfiguration:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getuserconfiguration-operation>.

use super::{FolderRef, Operation, Outcome, outcome};
use crate::classify::About;
use crate::version::Version;
use crate::xml::{Element, Out};

/// Settings that a client keeps in a folder, as pairs of names and values.
#[derive(Clone, Debug)]
pub struct GetUserConfiguration {
    pub folder: FolderRef,
    pub name: &'static str,
}

impl GetUserConfiguration {
    /// What Outlook on the web keeps; `timezone` among it, a Windows id.
    #[must_use]
    pub fn outlook_on_the_web() -> GetUserConfiguration {
        GetUserConfiguration { folder: FolderRef::Known("root"), name: "OWA.UserOptions" }
    }
}

impl Operation for GetUserConfiguration {
    const NAME: &'static str = "GetUserConfiguration";
    const ABOUT: About = About::Account;
    /// Who has never kept any has none: a refusal, `ErrorItemNotFound`.
    type Answer = Outcome<Vec<(String, String)>>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:GetUserConfiguration", &[], |out| {
            out.within("m:UserConfigurationName", &[("Name", self.name)], |out| self.folder.write(out));
            out.leaf("m:UserConfigurationProperties", "Dictionary");
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, |message| {
            let configuration = message.child("UserConfiguration")?;
            let entries = configuration.child("Dictionary").into_iter().flat_map(|dictionary| &dictionary.children);
            let value = |entry: &Element, name: &str| entry.child(name)?.text_of("Value").map(ToOwned::to_owned);
            let pairs =
                entries.filter_map(|entry| Some((value(entry, "DictionaryKey")?, value(entry, "DictionaryValue")?)));
            Some(pairs.collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::testing::read;

    #[test]
    fn settings_are_pairs() {
        let answer = read(
            &GetUserConfiguration::outlook_on_the_web(),
            r#"<m:X ResponseClass="Success"><m:UserConfiguration><t:Dictionary><t:DictionaryEntry><t:DictionaryKey>
            <t:Type>String</t:Type><t:Value>timezone</t:Value></t:DictionaryKey><t:DictionaryValue><t:Type>String</t:Type>
            <t:Value>Russian Standard Time</t:Value></t:DictionaryValue></t:DictionaryEntry><t:DictionaryEntry>
            <t:DictionaryKey><t:Type>String</t:Type><t:Value>empty</t:Value></t:DictionaryKey><t:DictionaryValue/>
            </t:DictionaryEntry></t:Dictionary></m:UserConfiguration></m:X>"#,
        );
        assert_eq!(answer.unwrap(), [("timezone".to_owned(), "Russian Standard Time".to_owned())]);
    }
}
