//! Asks folders for their permanent ids (RFC 8474 section 4.2), one by one, where a listing is not to be believed about them.

use crate::classify::Request;
use crate::command::{Command, WireName};
use crate::folders::object_id;
use crate::pool::Lent;
use crate::response::Response;
use parom_domain::Result;

/// One answer for each name; `None` for a folder that cannot be opened or has no id. Nothing is changed by it, and all
/// folders are asked in one flight where the server bears it.
///
/// # Errors
/// Those of the connection.
pub async fn identify(conn: &mut Lent, names: &[WireName]) -> Result<Vec<Option<String>>> {
    let literals = conn.literals();
    let examine = |name: &WireName| Command::new("EXAMINE", Request::Open).string(name, literals);
    let commands: Vec<Command> = names.iter().map(examine).collect();
    let at_once = if conn.quirks.pipelines_select { commands.len().max(1) } else { 1 };
    conn.selected = None;
    let mut ids = Vec::with_capacity(names.len());
    for flight in commands.chunks(at_once) {
        let mut told: Vec<Option<String>> = vec![None; flight.len()];
        let answers = conn
            .run(flight, &mut |at, response| {
                if let Response::Untagged(condition) = response
                    && let Some(id) = condition.code("MAILBOXID")
                    && let Some(slot) = told.get_mut(at)
                {
                    *slot = object_id(id);
                }
                Ok(())
            })
            .await?;
        ids.extend(told.into_iter().zip(answers).map(|(id, answer)| id.filter(|_| answer.is_ok())));
    }
    // Nothing stays open that somebody may want to rename or delete.
    if conn.ext.unselect {
        conn.push_silent(&Command::new("UNSELECT", Request::Account));
    }
    Ok(ids)
}
