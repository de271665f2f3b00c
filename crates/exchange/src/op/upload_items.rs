//! UploadItems: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/uploaditems-operation>.

use super::{Operation, Outcome, outcome};
use crate::classify::About;
use crate::item::ItemId;
use crate::version::Version;
use crate::xml::{Element, Out};
use std::sync::Arc;

/// Puts an exported item into a folder, as a new one: nothing that is there is touched, and nobody is told.
#[derive(Clone, Debug)]
pub struct UploadItems {
    /// The id of the folder: its known name is not taken here.
    pub folder: String,
    /// As `ExportItems` gave it.
    pub data: Arc<str>,
}

impl Operation for UploadItems {
    const NAME: &'static str = "UploadItems";
    const ABOUT: About = About::Write;
    const IS_REPEATABLE: bool = false;
    type Answer = Outcome<ItemId>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:UploadItems", &[], |out| {
            out.within("m:Items", &[], |out| {
                out.within("t:Item", &[("CreateAction", "CreateNew")], |out| {
                    out.empty("t:ParentFolderId", &[("Id", &self.folder)]);
                    out.leaf("t:Data", &self.data);
                });
            });
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, ItemId::of)
    }
}
