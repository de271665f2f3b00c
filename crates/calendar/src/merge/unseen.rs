//! What Exchange has and could not give. Its reader says so in a line; of what stands there, its absence says nothing.
//!
//! Only Exchange's reader leaves anything out, and Exchange is the source: the same line on the target is what it was told.

use crate::event::{Attachment, Body, Details, Event};
use crate::ical::Line;
use crate::ical::values::escape;
use std::borrow::Cow;

/// Names the line that tells of an attachment that is on Exchange and was not carried; without a name of its own, of any.
pub const ATTACHMENT_LEFT_OUT: &str = "X-PAROM-ATTACHMENT-LEFT-OUT";
/// Names the line that tells that Exchange has a body, and could not give it.
pub const BODY_LEFT_OUT: &str = "X-PAROM-BODY-LEFT-OUT";

/// Is there a body that could not be read?
#[must_use]
pub fn hides_body(details: &Details) -> bool {
    details.body == Body::default() && details.extras.iter().any(|line| line.name == BODY_LEFT_OUT)
}

/// May this attachment, which is missing here, be one that could not be read?
#[must_use]
pub fn hides(details: &Details, attachment: &Attachment) -> bool {
    let is_missing = !details.attachments.iter().any(|other| is_same(other, attachment));
    let is_named = |line: &Line| line.value.is_empty() || line.value == escape(&attachment.name);
    is_missing && details.extras.iter().any(|line| line.name == ATTACHMENT_LEFT_OUT && is_named(line))
}

fn is_same(one: &Attachment, two: &Attachment) -> bool {
    one.name == two.name && one.content.hash() == two.content.hash()
}

/// The source with what it could not show: as both sides last agreed on it, else as the target has it.
pub(super) fn completed<'e>(source: &'e Event, base: Option<&Event>, target: &Event) -> Cow<'e, Event> {
    let is_partial = |details: &Details| {
        details.extras.iter().any(|line| line.name == BODY_LEFT_OUT || line.name == ATTACHMENT_LEFT_OUT)
    };
    if !source.all_details().any(is_partial) {
        return Cow::Borrowed(source);
    }
    let known = base.unwrap_or(target);
    let mut whole = source.clone();
    if let (Some(master), Some(known)) = (whole.master_mut(), known.master()) {
        complete(master, known);
    }
    for (original, details) in &mut whole.exceptions {
        if let Some(known) = known.exceptions.get(original).or(known.master()) {
            complete(details, known);
        }
    }
    Cow::Owned(whole)
}

fn complete(details: &mut Details, known: &Details) {
    if hides_body(details) {
        details.body = known.body.clone();
    }
    let hidden: Vec<Attachment> = known.attachments.iter().filter(|it| hides(details, it)).cloned().collect();
    details.attachments.extend(hidden);
}
