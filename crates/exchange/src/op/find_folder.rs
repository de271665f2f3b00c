//! FindFolder: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/findfolder-operation>.

use super::{Folder, FolderRef, Operation, Outcome, outcome, write_folder_shape};
use crate::classify::About;
use crate::version::Version;
use crate::xml::{Element, Out};

/// All folders below one, however deep, a page at a time.
#[derive(Clone, Debug)]
pub struct FindFolder {
    pub below: FolderRef,
    pub offset: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoldersFound {
    pub folders: Vec<Folder>,
    /// How many there are in all.
    pub total: Option<usize>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<usize>,
}

/// The default of EWSFindCountLimit is 1000.
const PAGE: &str = "500";

impl Operation for FindFolder {
    const NAME: &'static str = "FindFolder";
    const ABOUT: About = About::Account;
    type Answer = Outcome<FoldersFound>;

    fn write(&self, out: &mut Out, _: Version) {
        let offset = self.offset.to_string();
        out.within("m:FindFolder", &[("Traversal", "Deep")], |out| {
            write_folder_shape(out);
            let view = [("MaxEntriesReturned", PAGE), ("Offset", &*offset), ("BasePoint", "Beginning")];
            out.empty("m:IndexedPageFolderView", &view);
            out.within("m:ParentFolderIds", &[], |out| self.below.write(out));
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, |message| {
            let root = message.child("RootFolder")?;
            let folders: Vec<Folder> = root.child("Folders")?.children.iter().filter_map(Folder::read).collect();
            let is_last = root.attribute("IncludesLastItemInRange") != Some("false") || folders.is_empty();
            let told = root.attribute("IndexedPagingOffset").and_then(|text| text.parse().ok());
            let next = told.filter(|next| *next > self.offset).unwrap_or(self.offset + folders.len());
            let total = root.attribute("TotalItemsInView").and_then(|text| text.parse().ok());
            Some(FoldersFound { folders, total, next: (!is_last).then_some(next) })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::testing::read;

    #[test]
    fn pages_go_on_until_the_last() {
        let page = |last: &str| {
            let ask = FindFolder { below: FolderRef::Known("msgfolderroot"), offset: 500 };
            let answer = read(
                &ask,
                &format!(
                    r#"<m:FindFolderResponseMessage ResponseClass="Success"><m:RootFolder IndexedPagingOffset="501"
                    TotalItemsInView="2" IncludesLastItemInRange="{last}"><t:Folders><t:CalendarFolder><t:FolderId Id="A"/>
                    <t:FolderClass>IPF.Appointment.Birthday</t:FolderClass></t:CalendarFolder></t:Folders></m:RootFolder>
                    </m:FindFolderResponseMessage>"#
                ),
            );
            answer.unwrap()
        };
        assert_eq!(page("false").next, Some(501));
        assert_eq!(page("true").next, None);
        assert!(page("true").folders[0].is_calendar());
    }
}
