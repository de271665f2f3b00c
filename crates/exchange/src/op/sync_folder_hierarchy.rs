//! SyncFolderHierarchy:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/syncfolderhierarchy-operation>.

use super::{Folder, FolderRef, Operation, Outcome, outcome, write_folder_shape};
use crate::classify::About;
use crate::version::Version;
use crate::xml::{Element, Out};

/// What changed among the folders below one since a state; everything without one.
#[derive(Clone, Debug)]
pub struct SyncFolderHierarchy {
    pub below: FolderRef,
    pub state: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderChanges {
    pub state: String,
    pub is_last: bool,
    pub changes: Vec<FolderChange>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FolderChange {
    /// New, or other than it was.
    Present(Folder),
    Gone(String),
}

impl Operation for SyncFolderHierarchy {
    const NAME: &'static str = "SyncFolderHierarchy";
    const ABOUT: About = About::Account;
    type Answer = Outcome<FolderChanges>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:SyncFolderHierarchy", &[], |out| {
            write_folder_shape(out);
            out.within("m:SyncFolderId", &[], |out| self.below.write(out));
            if let Some(state) = &self.state {
                out.leaf("m:SyncState", state);
            }
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, |message| {
            let changes = message.child("Changes").into_iter().flat_map(|changes| &changes.children);
            let changes = changes.filter_map(|change| match change.name.as_str() {
                "Delete" => Some(FolderChange::Gone(change.child("FolderId")?.attribute("Id")?.to_owned())),
                _ => change.children.first().and_then(Folder::read).map(FolderChange::Present),
            });
            Some(FolderChanges {
                state: message.text_of("SyncState")?.trim().to_owned(),
                is_last: message.flag("IncludesLastFolderInRange")?,
                changes: changes.collect(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::testing::read;

    #[test]
    fn folders_come_and_go() {
        let ask = SyncFolderHierarchy { below: FolderRef::Known("msgfolderroot"), state: None };
        let answer = read(
            &ask,
            r#"<m:SyncFolderHierarchyResponseMessage ResponseClass="Success"><m:SyncState>S1</m:SyncState>
            <m:IncludesLastFolderInRange>true</m:IncludesLastFolderInRange><m:Changes><t:Create><t:CalendarFolder>
            <t:FolderId Id="A"/></t:CalendarFolder></t:Create><t:Delete><t:FolderId Id="B"/></t:Delete></m:Changes>
            </m:SyncFolderHierarchyResponseMessage>"#,
        )
        .unwrap();
        assert_eq!((answer.state.as_str(), answer.is_last, answer.changes.len()), ("S1", true, 2));
        assert_eq!(answer.changes[1], FolderChange::Gone("B".into()));
    }
}
