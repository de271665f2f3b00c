//! Between items of Exchange and events: pure, and inverse of each other. What an event says beyond what Exchange can hold
//! goes along as a residue and comes back from it.

mod from_ews;
mod html;
mod instance;
mod residue;
mod to_ews;
mod zones;

pub(crate) use from_ews::label;
pub use from_ews::{Trouble, from_ews};
pub use html::html_to_text;
pub(crate) use instance::stand_in;
pub use to_ews::{Draft, NoPlace, to_ews};

use crate::version::Version;
use parom_calendar::Zone;
use parom_calendar::event::Person;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Whose calendar it is.
#[derive(Clone, Debug)]
pub struct Context {
    /// All addresses of the owner, the primary one first.
    pub owner: Vec<String>,
    /// The zone in which the owner lives; UTC where nobody knows. Whole days begin at its midnight.
    pub home: Option<Zone>,
    pub version: Version,
    /// The zones that the server knows; all, where it has not been asked.
    pub server_zones: Option<Arc<BTreeSet<String>>>,
}

impl Context {
    fn is_owner(&self, person: &Person) -> bool {
        self.owner.iter().any(|address| address.eq_ignore_ascii_case(&person.address))
    }
}

pub use parom_calendar::merge::{ATTACHMENT_LEFT_OUT, BODY_LEFT_OUT};

/// Text in the normal form: `\n` ends a line, other control characters are not there.
fn clean(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|c| matches!(c, '\n' | '\t') || !c.is_control())
        .collect()
}
