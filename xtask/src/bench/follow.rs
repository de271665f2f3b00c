//! What a second run costs the servers alone: a client that knows beforehand where every folder stood and asks for nothing
//! else. Each mailbox is signed in to once on either side and listed once; a folder that changed is opened once on either
//! side, its new mail is fetched and appended, its flags are set. Nothing is checked and nothing written down.

use super::floor::{Client, Pair, both, for_each};
use super::measure::Cost;
use crate::live::Address;
use crate::{Result, failure};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

/// Where a folder stood: UIDNEXT, HIGHESTMODSEQ and UIDVALIDITY.
type Stand = (u64, u64, u64);

/// Where the folders of each source stood at the end of the last run.
#[derive(Default)]
pub struct Stands(Mutex<HashMap<String, BTreeMap<String, Stand>>>);

impl Stands {
    pub fn are_known(&self) -> bool {
        !self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Brings each target in step with its source, the messages of which have the same UIDs.
    pub fn follow(&self, pairs: &[Pair<'_>]) -> Result<Cost> {
        for_each(pairs, |pair| {
            let (mut source, mut target) = (None, None);
            let sign_in = |(server, user): &(&Address, String)| -> Result<(Client, BTreeMap<String, Stand>)> {
                let mut client = Client::connect(server, user)?;
                let stands = list(&mut client)?;
                Ok((client, stands))
            };
            both(
                || sign_in(&pair.source).map(|signed_in| source = Some(signed_in)),
                || sign_in(&pair.target).map(|signed_in| target = Some(signed_in)),
            )?;
            let (Some((mut source, stands)), Some((mut target, _))) = (source, target) else {
                return Err(failure("nobody signed in"));
            };
            let before = self.lock().insert(pair.source.1.clone(), stands.clone()).unwrap_or_default();
            for (folder, now) in &stands {
                match before.get(folder) {
                    Some(then) if then != now => carry(&mut source, &mut target, folder, *then)?,
                    _ => {}
                }
            }
            Ok(())
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, BTreeMap<String, Stand>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn list(client: &mut Client) -> Result<BTreeMap<String, Stand>> {
    let mut stands = BTreeMap::new();
    let what = "LIST \"\" \"*\" RETURN (SUBSCRIBED STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))";
    client.command(what, |line, _| {
        if let Some((name, numbers)) = line.strip_prefix("* STATUS ").and_then(|rest| rest.split_once(" (")) {
            let number = |key: &str| {
                let rest = numbers.split_once(key).map_or("", |(_, rest)| rest);
                rest.trim_start().split([' ', ')']).next().and_then(|text| text.parse().ok()).unwrap_or(0)
            };
            let stand = (number("UIDNEXT"), number("HIGHESTMODSEQ"), number("UIDVALIDITY"));
            stands.insert(name.trim_matches('"').to_owned(), stand);
        }
    })?;
    Ok(stands)
}

/// Brings one folder of the target in step.
fn carry(source: &mut Client, target: &mut Client, folder: &str, (uidnext, modseq, validity): Stand) -> Result<()> {
    let mut changed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut arrived = Vec::new();
    source.command("ENABLE QRESYNC", |_, _| ())?;
    source.command(&format!("SELECT \"{folder}\" (QRESYNC ({validity} {modseq}))"), |line, _| {
        let uid = line.split_once("UID ").and_then(|(_, rest)| rest.split([' ', ')']).next());
        let flags = line.split_once("FLAGS (").and_then(|(_, rest)| rest.split(')').next());
        if let (true, Some(uid), Some(flags)) = (line.contains(" FETCH ("), uid, flags) {
            let flags = flags.replace("\\Recent", "");
            match uid.parse::<u64>() {
                Ok(number) if number >= uidnext => arrived.push((uid.to_owned(), flags)),
                _ => changed.entry(flags).or_default().push(uid.to_owned()),
            }
        }
    })?;
    if !arrived.is_empty() {
        let uids: Vec<&str> = arrived.iter().map(|(uid, _)| uid.as_str()).collect();
        let (mut bodies, mut body) = (Vec::new(), Vec::new());
        let fetch = format!("UID FETCH {} (UID BODY.PEEK[])", uids.join(","));
        source.command_with_literals(&fetch, &mut body, |body| bodies.push(body.to_vec()))?;
        for ((_, flags), body) in arrived.iter().zip(bodies) {
            target.append(folder, flags.trim(), &body)?;
        }
    }
    if !changed.is_empty() {
        target.command(&format!("SELECT \"{folder}\""), |_, _| ())?;
        for (flags, uids) in changed {
            target.command(&format!("UID STORE {} FLAGS.SILENT ({})", uids.join(","), flags.trim()), |_, _| ())?;
        }
    }
    Ok(())
}
