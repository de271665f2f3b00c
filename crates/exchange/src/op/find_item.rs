//! FindItem: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/finditem-operation>.

use super::{FolderRef, Operation, Outcome, outcome};
use crate::classify::About;
use crate::item::{ARTICLE, CLEAN_OBJECT_ID, ItemId};
use crate::version::Version;
use crate::xml::{Element, Out};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

/// Items of a folder.
#[derive(Clone, Debug)]
pub struct FindItem {
    pub folder: FolderRef,
    pub look: Look,
}

#[derive(Clone, Debug)]
pub enum Look {
    /// Those whose clean GlobalObjectId is one of these. (`calendar:UID` cannot be searched for.)
    ObjectIds(Vec<Vec<u8>>),
    /// Occurrences between two moments, at most two years apart. Shows no masters, and is therefore no listing.
    View(Timestamp, Timestamp),
    /// Those that IMAP calls by this UID (PidTagInternetArticleNumber).
    Article(u32),
    /// Those that came from the first moment on and before the second.
    Received(Timestamp, Timestamp),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemsFound {
    pub items: Vec<ItemId>,
    pub is_last: bool,
}

impl Operation for FindItem {
    const NAME: &'static str = "FindItem";
    const ABOUT: About = About::Calendar;
    type Answer = Outcome<ItemsFound>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:FindItem", &[("Traversal", "Shallow")], |out| {
            out.within("m:ItemShape", &[], |out| out.leaf("t:BaseShape", "IdOnly"));
            match &self.look {
                Look::ObjectIds(ids) => {
                    write_page(out);
                    out.within("m:Restriction", &[], |out| match ids.as_slice() {
                        [only] => write_equal(out, only),
                        several => out.within("t:Or", &[], |out| several.iter().for_each(|id| write_equal(out, id))),
                    });
                }
                Look::Article(uid) => {
                    write_page(out);
                    out.within("m:Restriction", &[], |out| {
                        write_test(out, "t:IsEqualTo", |out| ARTICLE.write(out), &uid.to_string());
                    });
                }
                Look::Received(from, to) => {
                    write_page(out);
                    out.within("m:Restriction", &[], |out| {
                        out.within("t:And", &[], |out| {
                            let received =
                                |out: &mut Out| out.empty("t:FieldURI", &[("FieldURI", "item:DateTimeReceived")]);
                            write_test(out, "t:IsGreaterThanOrEqualTo", received, &from.to_string());
                            write_test(out, "t:IsLessThan", received, &to.to_string());
                        });
                    });
                }
                Look::View(from, to) => {
                    let (from, to) = (from.to_string(), to.to_string());
                    out.empty("m:CalendarView", &[("StartDate", &*from), ("EndDate", &*to)]);
                }
            }
            out.within("m:ParentFolderIds", &[], |out| self.folder.write(out));
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, |message| {
            let root = message.child("RootFolder")?;
            let items = root.child("Items")?.children.iter().map(ItemId::of).collect::<Option<_>>()?;
            Some(ItemsFound { items, is_last: root.attribute("IncludesLastItemInRange") != Some("false") })
        })
    }
}

fn write_page(out: &mut Out) {
    let view = [("MaxEntriesReturned", "200"), ("Offset", "0"), ("BasePoint", "Beginning")];
    out.empty("m:IndexedPageItemView", &view);
}

fn write_test(out: &mut Out, test: &str, path: impl FnOnce(&mut Out), value: &str) {
    out.within(test, &[], |out| {
        path(out);
        out.within("t:FieldURIOrConstant", &[], |out| out.empty("t:Constant", &[("Value", value)]));
    });
}

fn write_equal(out: &mut Out, id: &[u8]) {
    out.within("t:IsEqualTo", &[], |out| {
        CLEAN_OBJECT_ID.write(out);
        out.within("t:FieldURIOrConstant", &[], |out| out.empty("t:Constant", &[("Value", &STANDARD.encode(id))]));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::testing::read;

    #[test]
    fn what_is_found_is_told_by_id() {
        let ask = FindItem { folder: FolderRef::Known("calendar"), look: Look::ObjectIds(vec![vec![4]]) };
        let answer = read(
            &ask,
            r#"<m:FindItemResponseMessage ResponseClass="Success"><m:RootFolder TotalItemsInView="1"
            IncludesLastItemInRange="true"><t:Items><t:CalendarItem><t:ItemId Id="A" ChangeKey="1"/></t:CalendarItem>
            </t:Items></m:RootFolder></m:FindItemResponseMessage>"#,
        )
        .unwrap();
        assert!(answer.is_last);
        assert_eq!(answer.items[0].id, "A");
    }
}
