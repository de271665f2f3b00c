//! GetUserConfiguration:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getuserconfiguration-operation>.

use super::{FolderRef, Operation, Outcome, outcome};
use crate::classify::About;
use crate::version::Version;
use crate::xml::{self, Element, Out};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Settings that a client keeps in a folder, as pairs of names and values or as a document.
#[derive(Clone, Debug)]
pub struct GetUserConfiguration {
    pub folder: FolderRef,
    pub name: &'static str,
    /// The part that is asked for: `Dictionary` or `XmlData`.
    part: &'static str,
}

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    pub pairs: Vec<(String, String)>,
    pub document: Vec<u8>,
}

/// A category of the mailbox and the number of its colour; -1 is none ([MS-OXOCFG] 2.2.5.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    pub name: String,
    pub color: i32,
}

impl GetUserConfiguration {
    /// What Outlook on the web keeps; `timezone` among it, a Windows id.
    #[must_use]
    pub fn outlook_on_the_web() -> GetUserConfiguration {
        GetUserConfiguration { folder: FolderRef::Known("root"), name: "OWA.UserOptions", part: "Dictionary" }
    }

    /// The categories with their colours; see [`Configuration::categories`].
    #[must_use]
    pub fn categories() -> GetUserConfiguration {
        GetUserConfiguration { folder: FolderRef::Known("calendar"), name: "CategoryList", part: "XmlData" }
    }
}

impl Configuration {
    /// The list that the document is; empty where it is another.
    #[must_use]
    pub fn categories(&self) -> Vec<Category> {
        let Ok(list) = xml::read(&self.document) else { return Vec::new() };
        let categories = list.all("category").filter_map(|category| {
            let color = category.attribute("color").and_then(|text| text.trim().parse().ok()).unwrap_or(-1);
            Some(Category { name: category.attribute("name")?.to_owned(), color })
        });
        categories.collect()
    }
}

impl Operation for GetUserConfiguration {
    const NAME: &'static str = "GetUserConfiguration";
    const ABOUT: About = About::Account;
    /// Who has never kept any has none: a refusal, `ErrorItemNotFound`.
    type Answer = Outcome<Configuration>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:GetUserConfiguration", &[], |out| {
            out.within("m:UserConfigurationName", &[("Name", self.name)], |out| self.folder.write(out));
            out.leaf("m:UserConfigurationProperties", self.part);
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, |message| {
            let configuration = message.child("UserConfiguration")?;
            let entries = configuration.child("Dictionary").into_iter().flat_map(|dictionary| &dictionary.children);
            let value = |entry: &Element, name: &str| entry.child(name)?.text_of("Value").map(ToOwned::to_owned);
            let pairs =
                entries.filter_map(|entry| Some((value(entry, "DictionaryKey")?, value(entry, "DictionaryValue")?)));
            let packed: String = configuration.text_of("XmlData").unwrap_or_default().split_whitespace().collect();
            Some(Configuration { pairs: pairs.collect(), document: STANDARD.decode(packed).ok()? })
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
        assert_eq!(answer.unwrap().pairs, [("timezone".to_owned(), "Russian Standard Time".to_owned())]);
    }

    #[test]
    fn categories_have_names_and_colours() {
        let list = STANDARD.encode(
            "\u{feff}<?xml version=\"1.0\"?>\r\n<categories default=\"\" xmlns=\"CategoryList.xsd\"><category name=\"Важно\" \
             color=\"0\"/><category name=\"Plain\" color=\"-1\"/></categories>",
        );
        let message = format!(
            r#"<m:X ResponseClass="Success"><m:UserConfiguration><t:XmlData>{list}</t:XmlData></m:UserConfiguration></m:X>"#
        );
        let told = read(&GetUserConfiguration::categories(), &message).unwrap().categories();
        let expected = [("Важно", 0), ("Plain", -1)];
        assert_eq!(told, expected.map(|(name, color)| Category { name: name.to_owned(), color }));
        assert_eq!(Configuration::default().categories(), []);
    }
}
