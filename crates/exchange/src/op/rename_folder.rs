//! UpdateFolder: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/updatefolder-operation>.

use super::{FolderRef, Operation, Outcome, outcome};
use crate::classify::About;
use crate::version::Version;
use crate::xml::{Element, Out};

/// Gives a folder another name. Its id stays.
#[derive(Clone, Debug)]
pub struct RenameFolder {
    pub id: String,
    pub name: String,
}

impl Operation for RenameFolder {
    const NAME: &'static str = "UpdateFolder";
    const ABOUT: About = About::MailFolder;
    const IS_REPEATABLE: bool = false;
    type Answer = Outcome<()>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:UpdateFolder", &[], |out| {
            out.within("m:FolderChanges", &[], |out| {
                out.within("t:FolderChange", &[], |out| {
                    FolderRef::Id(self.id.clone()).write(out);
                    out.within("t:Updates", &[], |out| {
                        out.within("t:SetFolderField", &[], |out| {
                            out.empty("t:FieldURI", &[("FieldURI", "folder:DisplayName")]);
                            out.within("t:Folder", &[], |out| out.leaf("t:DisplayName", &self.name));
                        });
                    });
                });
            });
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, |_| Some(()))
    }
}
