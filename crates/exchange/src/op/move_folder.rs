//! MoveFolder: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/movefolder-operation>.

use super::{FolderRef, Operation, Outcome, outcome};
use crate::classify::About;
use crate::version::Version;
use crate::xml::{Element, Out};

/// Puts a folder with all that is below it into another one. Its id stays.
#[derive(Clone, Debug)]
pub struct MoveFolder {
    pub id: String,
    pub to: FolderRef,
}

impl Operation for MoveFolder {
    const NAME: &'static str = "MoveFolder";
    const ABOUT: About = About::MailFolder;
    const IS_REPEATABLE: bool = false;
    type Answer = Outcome<()>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:MoveFolder", &[], |out| {
            out.within("m:ToFolderId", &[], |out| self.to.write(out));
            out.within("m:FolderIds", &[], |out| FolderRef::Id(self.id.clone()).write(out));
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, |_| Some(()))
    }
}
