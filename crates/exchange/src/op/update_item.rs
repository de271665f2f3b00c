//! UpdateItem for calendar items:
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/updateitem-operation-calendar-item>.

use super::{ItemRef, Operation, Outcome, first_id, outcome};
use crate::classify::About;
use crate::item::{FieldChange, ItemId};
use crate::version::{Feature, Version};
use crate::xml::{Element, Out};

/// Changes one item, of which we know the version, and tells nobody.
#[derive(Clone, Debug)]
pub struct UpdateItem {
    pub item: ItemRef,
    pub changes: Vec<FieldChange>,
}

/// INVARIANT: nobody is told of an update.
pub(super) fn silently(resolution: &'static str, version: Version) -> Vec<(&'static str, &'static str)> {
    let mut attributes = vec![
        ("ConflictResolution", resolution),
        ("MessageDisposition", "SaveOnly"),
        ("SendMeetingInvitationsOrCancellations", "SendToNone"),
    ];
    if version.knows(Feature::SuppressReadReceipts) {
        attributes.push(("SuppressReadReceipts", "true"));
    }
    attributes
}

impl Operation for UpdateItem {
    const NAME: &'static str = "UpdateItem";
    const ABOUT: About = About::Write;
    const IS_REPEATABLE: bool = false;
    type Answer = Outcome<ItemId>;

    fn write(&self, out: &mut Out, version: Version) {
        // INVARIANT: what somebody else has changed in between is not overwritten.
        out.within("m:UpdateItem", &silently("NeverOverwrite", version), |out| {
            out.within("m:ItemChanges", &[], |out| {
                out.within("t:ItemChange", &[], |out| {
                    self.item.write(out);
                    out.within("t:Updates", &[], |out| {
                        self.changes.iter().for_each(|change| change.write(out, version))
                    });
                });
            });
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, first_id)
    }
}
