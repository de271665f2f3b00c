//! ExportItems: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/exportitems-operation>.

use super::{Operation, Outcome, outcomes, write_id};
use crate::classify::About;
use crate::item::ItemId;
use crate::version::Version;
use crate::xml::{Element, Out};
use std::sync::Arc;

/// Items as Exchange keeps them, each in base64: a stream of properties that only Exchange can read ([MS-OXCFXICS]). From
/// 2010 SP1 on. A series comes with its exceptions.
#[derive(Clone, Debug)]
pub struct ExportItems {
    pub items: Vec<ItemId>,
}

impl Operation for ExportItems {
    const NAME: &'static str = "ExportItems";
    const ABOUT: About = About::Read;
    type Answer = Vec<Outcome<Arc<str>>>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:ExportItems", &[], |out| {
            out.within("m:ItemIds", &[], |out| self.items.iter().for_each(|item| write_id(out, "t:ItemId", item)));
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcomes(response, |message| {
            let data: String = message.text_of("Data")?.chars().filter(|c| !c.is_whitespace()).collect();
            (!data.is_empty()).then(|| data.into())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::testing::read;

    #[test]
    fn what_is_exported_is_one_line() {
        let message = |data: &str| {
            format!(
                r#"<m:ExportItemsResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>
                <m:ItemId Id="A"/>{data}</m:ExportItemsResponseMessage>"#
            )
        };
        let asked = ExportItems { items: Vec::new() };
        let told = read(&asked, &(message("<m:Data>AAEC\r\nAw==</m:Data>") + &message("")));
        assert_eq!(told[0].as_deref().ok(), Some("AAECAw=="));
        assert!(told[1].is_err());
    }
}
