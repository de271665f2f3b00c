//! DeleteFolder: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/deletefolder-operation>.

use super::{FolderRef, Operation, Outcome, outcome};
use crate::classify::About;
use crate::version::Version;
use crate::xml::{Element, Out};

/// Removes a folder with all that is in it, as DELETE over IMAP does; its owner can still recover it for a while.
#[derive(Clone, Debug)]
pub struct DeleteFolder {
    pub id: String,
}

impl Operation for DeleteFolder {
    const NAME: &'static str = "DeleteFolder";
    const ABOUT: About = About::MailFolder;
    const IS_REPEATABLE: bool = false;
    type Answer = Outcome<()>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:DeleteFolder", &[("DeleteType", "SoftDelete")], |out| {
            out.within("m:FolderIds", &[], |out| FolderRef::Id(self.id.clone()).write(out));
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, |_| Some(()))
    }
}
