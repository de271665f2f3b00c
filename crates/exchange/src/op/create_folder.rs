//! CreateFolder: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/createfolder-operation>.

use super::{FolderRef, Operation, Outcome, outcome};
use crate::classify::About;
use crate::version::Version;
use crate::xml::{Element, Out};

/// Makes one folder.
#[derive(Clone, Debug)]
pub struct CreateFolder {
    pub below: FolderRef,
    pub name: String,
    pub kind: FolderKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderKind {
    Calendar,
    Mail,
}

impl Operation for CreateFolder {
    const NAME: &'static str = "CreateFolder";
    const ABOUT: About = About::Account;
    const IS_REPEATABLE: bool = false;
    /// The id of the new folder.
    type Answer = Outcome<String>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:CreateFolder", &[], |out| {
            out.within("m:ParentFolderId", &[], |out| self.below.write(out));
            out.within("m:Folders", &[], |out| {
                let (element, class) = match self.kind {
                    FolderKind::Calendar => ("t:CalendarFolder", "IPF.Appointment"),
                    FolderKind::Mail => ("t:Folder", "IPF.Note"),
                };
                out.within(element, &[], |out| {
                    out.leaf("t:FolderClass", class);
                    out.leaf("t:DisplayName", &self.name);
                });
            });
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, |message| {
            let folder = message.child("Folders")?.children.first()?;
            folder.child("FolderId")?.attribute("Id").map(ToOwned::to_owned)
        })
    }
}
