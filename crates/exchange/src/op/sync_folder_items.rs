//! SyncFolderItems:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/syncfolderitems-operation>.

use super::{FolderRef, Operation, Outcome, outcome};
use crate::classify::About;
use crate::item::ItemId;
use crate::version::Version;
use crate::xml::{Element, Out};

/// What changed in a folder since a state; everything without one. Knows series only: what changes in an occurrence is a
/// change of its master.
#[derive(Clone, Debug)]
pub struct SyncFolderItems {
    pub folder: FolderRef,
    pub state: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    pub state: String,
    pub is_last: bool,
    pub changes: Vec<Change>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// New, or other than it was.
    Present {
        id: ItemId,
        class: String,
    },
    Gone(String),
}

/// The most that may be asked for.
const MOST: &str = "512";

impl Operation for SyncFolderItems {
    const NAME: &'static str = "SyncFolderItems";
    const ABOUT: About = About::Calendar;
    type Answer = Outcome<Changes>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:SyncFolderItems", &[], |out| {
            out.within("m:ItemShape", &[], |out| {
                out.leaf("t:BaseShape", "IdOnly");
                out.within("t:AdditionalProperties", &[], |out| {
                    out.empty("t:FieldURI", &[("FieldURI", "item:ItemClass")]);
                });
            });
            out.within("m:SyncFolderId", &[], |out| self.folder.write(out));
            if let Some(state) = &self.state {
                out.leaf("m:SyncState", state);
            }
            out.leaf("m:MaxChangesReturned", MOST);
            out.leaf("m:SyncScope", "NormalItems");
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, |message| {
            let changes = message.child("Changes").into_iter().flat_map(|changes| &changes.children);
            let changes = changes.map(|change| match change.name.as_str() {
                "Delete" => Some(Change::Gone(change.child("ItemId")?.attribute("Id")?.to_owned())),
                "ReadFlagChange" => {
                    let id = change.child("ItemId").and_then(ItemId::read)?;
                    Some(Change::Present { id, class: String::new() })
                }
                _ => {
                    let item = change.children.first()?;
                    let class = item.text_of("ItemClass").unwrap_or_default().to_owned();
                    Some(Change::Present { id: ItemId::of(item)?, class })
                }
            });
            Some(Changes {
                state: message.text_of("SyncState")?.trim().to_owned(),
                is_last: message.flag("IncludesLastItemInRange")?,
                // INVARIANT: a change that cannot be read fails the look. Nobody may take its absence for evidence.
                changes: changes.collect::<Option<_>>()?,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::testing::read;

    fn ask() -> SyncFolderItems {
        SyncFolderItems { folder: FolderRef::Known("calendar"), state: None }
    }

    #[test]
    fn items_come_and_go() {
        let answer = read(
            &ask(),
            r#"<m:SyncFolderItemsResponseMessage ResponseClass="Success"><m:SyncState>H4s=</m:SyncState>
            <m:IncludesLastItemInRange>false</m:IncludesLastItemInRange><m:Changes><t:Create><t:CalendarItem>
            <t:ItemId Id="A" ChangeKey="1"/><t:ItemClass>IPM.Appointment</t:ItemClass></t:CalendarItem></t:Create>
            <t:Delete><t:ItemId Id="B" ChangeKey="2"/></t:Delete></m:Changes></m:SyncFolderItemsResponseMessage>"#,
        )
        .unwrap();
        assert!(!answer.is_last);
        let id = ItemId { id: "A".into(), change_key: Some("1".into()) };
        let expected = [Change::Present { id, class: "IPM.Appointment".into() }, Change::Gone("B".into())];
        assert_eq!(answer.changes, expected);
    }

    #[test]
    fn a_change_without_an_id_is_no_answer() {
        let answer = read(
            &ask(),
            r#"<m:X ResponseClass="Success"><m:SyncState>S</m:SyncState><m:IncludesLastItemInRange>true
            </m:IncludesLastItemInRange><m:Changes><t:Create><t:CalendarItem/></t:Create></m:Changes></m:X>"#,
        );
        assert!(answer.is_err());
    }
}
