//! `parom verify`: compares both sides of accounts and tells every difference.

use super::parked::{accounts, nobody};
use crate::cli::Verify as Args;
use crate::config::{Config, PasswordFrom};
use crate::exit::Exit;
use crate::failure::{Failure, side_key};
use crate::i18n::Texts;
use crate::message::Message;
use crate::output;
use crate::progress::{self, Event, Phase, Progress, Style, What};
use crate::state::{self, Access};
use crate::stop;
use crate::verify::{Cause, Difference, Step, Verdict, verify};
use crate::wiring::{self, SharedLanes, Wiring};
use futures_util::{StreamExt, stream};
use parom_domain::state::{FolderId, FolderPair, Parked};
use parom_domain::{Both, Code, Error, Marks, Role, Side, Uid};
use parom_service::{Budget, Gates, keep_pauses};
use parom_store::{Account, Store};
use serde_json::{Value as Json, json};
use std::collections::HashSet;
use std::io::IsTerminal;
use std::sync::Arc;

/// Folders are compared one after the other, so one connection to each side is enough.
const LANES: usize = 1;
/// So many differences of an account are told to a person; JSON has all.
const TOLD: usize = 20;

pub fn run(args: &Args, config: &Config, texts: &Arc<Texts>) -> Result<Exit, Failure> {
    let wiring = Wiring::new(config, &SharedLanes::default())?;
    // The verdicts are the output; how far it is interests only who watches.
    let bars =
        (!args.json && std::io::stderr().is_terminal()).then(|| progress::show(Some(Style::Bars), texts.clone()));
    let (compared, nobody) = state::with_workers(config, Access::Read, async |store| {
        let stop = stop::listen(|| {})?;
        let mut chosen = accounts(store, &args.accounts).await?;
        let nobody = nobody(&chosen);
        chosen.retain(|account| !args.accounts.is_empty() || account.enabled);
        let permits = Budget::new(config.limits.body_budget_bytes);
        let gates = Gates::new(false);
        keep_pauses(&store.paces().await?, &gates);
        let (wiring, bars, stop, permits, gates) = (&wiring, bars.as_ref(), &stop, &permits, &gates);
        let compared = stream::iter(chosen).map(async |account| {
            // Nothing is written anywhere, so it may end at any moment.
            let verdict = tokio::select! {
                verdict = one(wiring, config, store, gates, &account, permits, bars) => verdict,
                () = stop.asked() => Err(Failure::new(Exit::Interrupted, Message::new("verify-stopped"))),
            };
            (account, verdict)
        });
        let mut compared: Vec<_> = compared.buffered(at_once(config)).collect().await;
        // That the others were not compared either is told once.
        let interrupted = |(_, verdict): &(_, Result<_, Failure>)| {
            verdict.as_ref().is_err_and(|failure| failure.exit == Exit::Interrupted)
        };
        if let Some(first) = compared.iter().position(interrupted) {
            compared.truncate(first + 1);
        }
        Ok((compared, nobody))
    })?;
    if let Some(bars) = bars {
        bars.finish();
    }
    if compared.is_empty() {
        output::print(&format!("{}\n", texts.explain(&nobody)))?;
    }
    let mut exits = Vec::new();
    for (account, verdict) in compared {
        exits.push(match &verdict {
            Ok(verdict) if verdict.differences.is_empty() => Exit::Done,
            Ok(_) => Exit::Differences,
            Err(failure) => failure.exit,
        });
        match (verdict, args.json) {
            (verdict, true) => output::print_json(objects(&account, &verdict, texts))?,
            (Ok(verdict), false) => output::print(&told(&account, &verdict, texts))?,
            (Err(failure), false) => output::print(&format!("{}: {}\n", account.address, failure.explain(texts)))?,
        }
    }
    Ok(together(exits))
}

/// How many accounts are compared at once: each takes one connection to either side.
fn at_once(config: &Config) -> usize {
    let sides = config.domains.iter().flat_map(|domain| [&domain.sides.source, &domain.sides.target]);
    let allowances = sides.map(|side| side.pacing.now());
    let allowed = allowances.flat_map(|now| [now.connections, now.per_login, now.per_database]);
    let allowed = allowed.chain([config.limits.accounts_at_once]).min();
    allowed.map_or(1, |allowed| usize::try_from(allowed).unwrap_or(usize::MAX)).max(1)
}

/// A difference that was found is the answer to the question, whatever else could not be compared.
fn together(exits: Vec<Exit>) -> Exit {
    if exits.contains(&Exit::Interrupted) {
        return Exit::Interrupted;
    }
    if exits.contains(&Exit::Differences) { Exit::Differences } else { Exit::together(exits) }
}

async fn one(
    wiring: &Wiring,
    config: &Config,
    store: &Store,
    gates: &Gates,
    account: &Account,
    permits: &Budget,
    shown: Option<&Arc<dyn Progress>>,
) -> Result<Verdict, Failure> {
    let endpoint = async |side: Side| {
        let endpoint = wiring.signed_in(config, store, gates, (account, side), LANES).await;
        let endpoint = endpoint.map_err(|error| error.with("account", &account.address))?;
        Ok::<_, Error>(wiring.rescued(config, store, (account, side), endpoint).await)
    };
    let endpoints = Both::new(endpoint(Side::Source).await?, endpoint(Side::Target).await?);
    let address: Arc<str> = account.address.as_str().into();
    let tell = |what: What| {
        if let Some(shown) = shown {
            shown.on(&Event::new(address.clone(), what));
        }
    };
    let told = |step: Step| {
        tell(match step {
            Step::Planned(work) => What::Planned(work),
            Step::Did(work) => What::Did(work),
        });
    };
    tell(What::Phase(Phase::Observing));
    let leave_out = |folders: &[_], roles: &[_]| match config.domain_of(&account.address) {
        Some(domain) => wiring::excluded(domain, folders, roles),
        None => vec![false; folders.len()],
    };
    let verdict = verify(Both::new(&*endpoints.source, &*endpoints.target), leave_out, permits, &told).await;
    tokio::join!(endpoints.source.close(), endpoints.target.close());
    let mut verdict = verdict.map_err(|error| named(error, config, account))?;
    // The state is no evidence, but it may name the cause of what the servers have shown.
    let known = store.load(account.id).await?;
    let binned = binned(store, account, &known.folders).await?;
    verdict.set_apart(|side, folder, validity, uid| {
        let is_here = |pair: &&FolderPair| {
            pair.paths[side].as_ref() == Some(folder)
                && pair.cursors[side].is_none_or(|cursor| cursor.validity == validity)
        };
        let pair = known.folders.iter().find(is_here)?;
        let is_it = |parked: &&Parked| (parked.folder, parked.side, parked.uid) == (pair.id, side, uid);
        let parked = known.parked.iter().find(is_it).map(|_| Cause::Parked);
        parked.or_else(|| binned.contains(&(pair.id, side, uid)).then_some(Cause::Deleted))
    });
    Ok(verdict)
}

/// What deletions on the other side have left in a trash: messages there that have no other end. In any other folder a
/// message without one is a difference like all.
async fn binned(
    store: &Store,
    account: &Account,
    folders: &[FolderPair],
) -> Result<HashSet<(FolderId, Side, Uid)>, Failure> {
    let mut binned = HashSet::new();
    for pair in folders.iter().filter(|pair| pair.role == Some(Role::Trash)) {
        let links = store.links(account.id, pair.id).await?;
        for link in links.into_iter().flat_map(|(_, links)| links).flatten() {
            if let (Some(uid), None) | (None, Some(uid)) = (link.uids.source, link.uids.target) {
                let side = if link.uids.source.is_some() { Side::Source } else { Side::Target };
                binned.insert((pair.id, side, uid));
            }
        }
    }
    Ok(binned)
}

/// An error with whose it is, and for a refused sign-in with the password that has to be set anew.
fn named(error: Error, config: &Config, account: &Account) -> Error {
    let error = error.with("account", &account.address);
    let sides = config.domain_of(&account.address).map(|domain| [&domain.sides.source, &domain.sides.target]);
    let refusing = sides.into_iter().flatten().find(|side| error.arg("host") == Some(side.host.as_str()));
    match refusing.map(|side| &side.password) {
        Some(PasswordFrom::Secret(name)) if error.code() == Code::SignInRefused => {
            error.with("credential", "secret").with("name", name)
        }
        _ => error,
    }
}

fn told(account: &Account, verdict: &Verdict, texts: &Texts) -> String {
    let key = if verdict.differences.is_empty() { "verify-equal" } else { "verify-differs" };
    let head = Message::new(key)
        .with("account", account.address.clone())
        .with("equal", verdict.equal)
        .with("folders", verdict.folders)
        .with("count", verdict.differences.len())
        .with("parked", verdict.count(Cause::Parked))
        .with("deleted", verdict.count(Cause::Deleted));
    let mut text = format!("{}\n", texts.say(&head));
    for difference in verdict.differences.iter().take(TOLD) {
        text.push_str(&format!("    {}\n", texts.say(&message(difference))));
    }
    if let Some(more) = verdict.differences.len().checked_sub(TOLD).filter(|more| *more > 0) {
        text.push_str(&format!("    {}\n", texts.say(&Message::new("verify-more").with("count", more))));
    }
    for cause in [Cause::Parked, Cause::Deleted] {
        let key = match cause {
            Cause::Parked => "verify-parked",
            Cause::Deleted => "verify-deleted",
        };
        let of_it = verdict.explained.iter().filter(|(one, _)| *one == cause);
        for (_, difference) in of_it.take(TOLD) {
            let told = Message::new(key).with("difference", message(difference));
            text.push_str(&format!("    {}\n", texts.say(&told)));
        }
    }
    text
}

fn message(difference: &Difference) -> Message {
    let named = |key: &str, side: Side, folder: &dyn std::fmt::Display| {
        Message::new(key).with("side", Message::new(side_key(side))).with("folder", folder.to_string())
    };
    match difference {
        Difference::FolderMissing { side, folder, messages } => {
            let key = match side {
                Side::Source => "verify-folder-missing-source",
                Side::Target => "verify-folder-missing-target",
            };
            named(key, *side, folder).with("count", *messages)
        }
        Difference::Missing { side, folder, uid } => {
            let key = match side {
                Side::Source => "verify-missing-source",
                Side::Target => "verify-missing-target",
            };
            named(key, *side, folder).with("uid", uid.to_string())
        }
        Difference::Doubled { side, folder, uid } => {
            let key = match side {
                Side::Source => "verify-doubled-source",
                Side::Target => "verify-doubled-target",
            };
            named(key, *side, folder).with("uid", uid.to_string())
        }
        Difference::Unreadable { side, folder, uid } => {
            named("verify-unreadable", *side, folder).with("uid", uid.to_string())
        }
        Difference::Substituted { side, folder, uid } => {
            named("verify-substituted", *side, folder).with("uid", uid.to_string())
        }
        Difference::Altered { folder, uids, bytes } | Difference::LineEnds { folder, uids, bytes } => {
            let key = match difference {
                Difference::LineEnds { .. } => "verify-line-ends",
                _ => "verify-altered",
            };
            named(key, Side::Source, folder)
                .with("uid", uids.source.to_string())
                .with("uid_target", uids.target.to_string())
                .with("source", bytes.source)
                .with("target", bytes.target)
        }
        Difference::Marks { folder, uids, only } => named("verify-marks", Side::Source, folder)
            .with("uid", uids.source.to_string())
            .with("uid_target", uids.target.to_string())
            .with("source", names(&only.source))
            .with("target", names(&only.target)),
        Difference::Date { folder, uids, dates } => named("verify-date", Side::Source, folder)
            .with("uid", uids.source.to_string())
            .with("uid_target", uids.target.to_string())
            .with("source", dates.source.to_string())
            .with("target", dates.target.to_string()),
    }
}

fn names(marks: &Marks) -> String {
    let names: Vec<&str> = marks.names().collect();
    if names.is_empty() { "—".to_owned() } else { names.join(" ") }
}

/// One object for each difference, and a last one for the account.
fn objects(account: &Account, verdict: &Result<Verdict, Failure>, texts: &Texts) -> Vec<Json> {
    let verdict = match verdict {
        Ok(verdict) => verdict,
        Err(failure) => {
            let code = failure.messages.first().map(|message| message.key.trim_start_matches("error-").to_owned());
            return vec![json!({ "account": account.address, "code": code, "text": failure.explain(texts) })];
        }
    };
    let object = |difference, cause| object(account, difference, cause, texts);
    let differences = verdict.differences.iter().map(|difference| object(difference, None));
    let explained = verdict.explained.iter().map(|(cause, difference)| object(difference, Some(*cause)));
    let mut objects: Vec<Json> = differences.chain(explained).collect();
    objects.push(json!({
        "account": account.address,
        "folders": verdict.folders,
        "equal": verdict.equal,
        "source_messages": verdict.messages.source,
        "target_messages": verdict.messages.target,
        "differences": verdict.differences.len(),
        "parked": verdict.count(Cause::Parked),
        "deleted": verdict.count(Cause::Deleted),
    }));
    objects
}

fn object(account: &Account, difference: &Difference, cause: Option<Cause>, texts: &Texts) -> Json {
    let (kind, folder, side) = match difference {
        Difference::FolderMissing { side, folder, .. } => ("folder-missing", folder, Some(*side)),
        Difference::Missing { side, folder, .. } => ("missing", folder, Some(*side)),
        Difference::Doubled { side, folder, .. } => ("doubled", folder, Some(*side)),
        Difference::Unreadable { side, folder, .. } => ("unreadable", folder, Some(*side)),
        Difference::Substituted { side, folder, .. } => ("substituted", folder, Some(*side)),
        Difference::Altered { folder, .. } => ("altered", folder, None),
        Difference::LineEnds { folder, .. } => ("line-ends", folder, None),
        Difference::Marks { folder, .. } => ("marks", folder, None),
        Difference::Date { folder, .. } => ("date", folder, None),
    };
    let messages = match difference {
        Difference::FolderMissing { messages, .. } => Some(*messages),
        _ => None,
    };
    let bytes = match difference {
        Difference::Altered { bytes, .. } | Difference::LineEnds { bytes, .. } => Some(bytes),
        _ => None,
    };
    let (source_uid, target_uid) = match difference {
        Difference::Altered { uids, .. }
        | Difference::LineEnds { uids, .. }
        | Difference::Marks { uids, .. }
        | Difference::Date { uids, .. } => (Some(uids.source.get()), Some(uids.target.get())),
        one => {
            let on = |wanted: Side| one.message().filter(|(side, ..)| *side == wanted).map(|(.., uid)| uid.get());
            (on(Side::Source), on(Side::Target))
        }
    };
    json!({
        "account": account.address,
        "difference": kind,
        "folder": folder.to_string(),
        "side": side.map(Side::as_str),
        "source_uid": source_uid,
        "target_uid": target_uid,
        "source_bytes": bytes.map(|bytes| bytes.source),
        "target_bytes": bytes.map(|bytes| bytes.target),
        "messages": messages,
        "parked": cause == Some(Cause::Parked),
        "deleted": cause == Some(Cause::Deleted),
        "text": texts.say(&message(difference)),
    })
}
