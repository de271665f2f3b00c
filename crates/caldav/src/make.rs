//! A new calendar.

use crate::agenda::CalDavAgenda;
use crate::classify::Asked;
use crate::request::{Made, mkcalendar};
use parom_domain::agenda::CalendarSeen;
use parom_domain::{Code, Error, Result, Retry, Scope};

/// So many paths are tried for a calendar.
const MOST_PATHS: u32 = 8;

impl CalDavAgenda {
    /// A calendar of that name that we made before is given again: the call may be repeated.
    pub(crate) async fn make(&self, name: &str) -> Result<CalendarSeen> {
        let way = self.way().await?;
        let refused =
            |answer: &str| Error::new(Code::CalendarRefused, Scope::Folder, Retry::WhenFixed).with("answer", answer);
        if !way.quirks.makes_calendars {
            return Err(refused("the server lets nobody but its owner make a calendar"));
        }
        let home = way.homes.first().ok_or_else(|| refused("there is no calendar home"))?;
        for turn in 0..MOST_PATHS {
            let place = format!("{home}{}/", path_of(name, turn));
            match mkcalendar(&self.dav, &place, name).await? {
                Made::Now | Made::Before => {}
                Made::Refused(refusal) => return Err(self.refusal(Asked::Make, &refusal)),
            }
            // What is there now is told by the list, not by the answer: 405 may mean that it is there, and that it cannot be made.
            let (calendars, _) = self.list().await?;
            match calendars.into_iter().find(|it| *it.id.0 == *place) {
                Some(made) if made.name == name => return Ok(made),
                Some(_) => {}
                None => return Err(refused("the server made no calendar")),
            }
        }
        Err(refused("all paths for the calendar are taken"))
    }
}

/// The path of a calendar, always the same for its name. Names may hold anything and may be changed, so they are not in it.
fn path_of(name: &str, turn: u32) -> String {
    let hash = blake3::hash(name.as_bytes()).to_hex();
    let hash = hash.get(..16).unwrap_or_default();
    if turn == 0 { format!("parom-{hash}") } else { format!("parom-{hash}-{turn}") }
}
