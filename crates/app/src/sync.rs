//! Many accounts, as the command line wants them: what the service tells becomes progress and an exit code.

use crate::calendars::{self, Calendars, Watch};
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::message::Message;
use crate::progress::{self, Phase, Progress, What, Work};
use crate::state;
use crate::wiring::{Factory, SharedLanes, SharedMailboxes, Wiring};
use parom_domain::Error;
use parom_engine::{AccountPlan, Event};
use parom_service::{AccountOutcome, Ending, Leases, Listener, Mode, Notice, Roster, Service, Settings, Stop};
use parom_store::{Account, Store};
use std::sync::Arc;
use std::time::Duration;

/// What a dry run would do to an account.
#[derive(Debug)]
pub struct Planned {
    pub account: Arc<str>,
    pub plan: AccountPlan,
    /// Why a brake would hold something back.
    pub held: Vec<Message>,
}

/// Works on the accounts for as long as the mode says. The plans are those of a dry run.
pub async fn run(
    config: &Config,
    store: &Store,
    roster: Roster,
    (mode, dry_run): (Mode, bool),
    progress: Arc<dyn Progress>,
    stop: Stop,
) -> Result<(Exit, Vec<Planned>), Failure> {
    let number = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
    let settings = Settings {
        mode,
        dry_run,
        owner: state::OWNER.to_owned(),
        accounts_at_once: number(config.limits.accounts_at_once),
        connections_per_account: number(config.limits.connections_per_account),
        body_budget_bytes: config.limits.body_budget_bytes,
    };
    let leases = Arc::new(Leases::default());
    // What mail needs over EWS goes to the server of the calendars.
    let lanes = SharedLanes::default();
    let calendars = match mode {
        Mode::Watch { .. } if !dry_run => watch(&lanes, config, store, &roster, (&progress, &stop)).await?,
        _ => None,
    };
    let known = store.accounts().await?;
    let named =
        |account: &Account| matches!(&roster, Roster::These(these) if these.iter().any(|it| it.id == account.id));
    let shared = SharedMailboxes::among(config, known.iter().filter(|account| account.enabled || named(account)));
    let wiring = Wiring::new(config, &lanes)?;
    let factory = Factory { wiring, config: config.clone(), store: store.clone(), shared };
    let service = Service::new(store.clone(), Arc::new(factory), Arc::new(Teller(progress)), stop, settings);
    let calendars = async {
        match calendars {
            Some(watch) => watch.run(leases.clone()).await,
            None => Ok(Vec::new()),
        }
    };
    let (outcomes, calendars) = tokio::join!(service.beside(leases.clone()).run(roster), calendars);
    let (outcomes, calendars) = (outcomes?, calendars?);
    let endings = outcomes.iter().map(|outcome| &outcome.ending).chain(calendars.iter().map(|(_, ending)| ending));
    let exit = Exit::together(endings.map(exit));
    let plans = outcomes.into_iter().filter_map(planned).collect();
    Ok((exit, plans))
}

/// The calendars of those whose calendars are to be carried.
async fn watch(
    lanes: &SharedLanes,
    config: &Config,
    store: &Store,
    roster: &Roster,
    (progress, stop): (&Arc<dyn Progress>, &Stop),
) -> Result<Option<Watch>, Failure> {
    let mut accounts = match roster {
        Roster::These(accounts) => accounts.clone(),
        Roster::Enabled => store.accounts().await?,
    };
    accounts.retain(|account| account.enabled || matches!(roster, Roster::These(_)));
    let linked = calendars::linked(config, store, accounts).await?;
    let calendars = Calendars::beside(lanes, config, store, progress.clone(), (stop.clone(), false))?;
    Ok(Watch::over(calendars, linked, true))
}

fn planned(outcome: AccountOutcome) -> Option<Planned> {
    match outcome.ending {
        Ending::Planned { plan, held } => {
            let held = held.iter().map(|error| about(error, None, &outcome.address)).collect();
            Some(Planned { account: outcome.address, plan, held })
        }
        _ => None,
    }
}

/// What the end of an account's work comes to for a script.
pub fn exit(ending: &Ending) -> Exit {
    match ending {
        Ending::InStep { .. } | Ending::Planned { .. } => Exit::Done,
        // What is only suspected yet is nothing to complain of.
        Ending::Unsettled { troubles, .. } => Exit::together(troubles.iter().map(|code| Exit::of(*code))),
        Ending::Held(_) => Exit::Held,
        Ending::Failed(error) => Exit::of(error.code()),
        Ending::Interrupted => Exit::Interrupted,
    }
}

/// Tells progress what the service tells.
struct Teller(Arc<dyn Progress>);

impl Listener for Teller {
    fn on(&self, account: &Arc<str>, notice: Notice<'_>) {
        let tell = |what: What| self.0.on(&progress::Event::new(account.clone(), what));
        match notice {
            // Whoever looks on need not know that nothing was tried.
            Notice::Waits { error, pause } => {
                tell(What::Ended(progress::Ending::Again {
                    why: about(error, None, account),
                    seconds: seconds(pause),
                }));
            }
            Notice::Began => {
                tell(What::Began);
                tell(What::Phase(Phase::Connecting));
            }
            Notice::Looking => tell(What::Phase(Phase::Observing)),
            Notice::Pass(Event::Planned { messages }) => {
                tell(What::Planned(Work { messages, ..Work::default() }));
                tell(What::Phase(Phase::Carrying));
            }
            Notice::Pass(event) => tell(what(event, account)),
            Notice::Trouble { folder, error } => {
                tell(What::Trouble { why: about(error, folder.map(ToString::to_string), account) });
            }
            Notice::Ended { ending, again } => tell(What::Ended(ended(ending, again, account))),
        }
    }
}

fn what(event: Event, account: &str) -> What {
    let changes = |changes| What::Did(Work { changes, ..Work::default() });
    match event {
        Event::Planned { messages } => What::Planned(Work { messages, ..Work::default() }),
        Event::Folder { path } => What::Folder { folder: path.to_string() },
        Event::Carried { bytes, .. } => What::Did(Work { messages: 1, bytes, ..Work::default() }),
        Event::Marked { count } | Event::Moved { count } | Event::Deleted { count } | Event::Stepped { count } => {
            changes(count)
        }
        Event::Parked { folder, parked } => {
            let folder = folder.to_string();
            let why = failure::parked(&parked, account, &folder);
            What::Parked { side: parked.side, folder, uid: parked.uid.get(), why }
        }
        Event::Hidden { side, folder } => {
            let folder = folder.to_string();
            let why = failure::hidden(side, account, &folder);
            What::Hidden { side, folder, why }
        }
        Event::Waiting { .. } => What::Phase(Phase::Recovering),
    }
}

fn ended(ending: &Ending, again: Option<Duration>, account: &str) -> progress::Ending {
    match ending {
        Ending::InStep { parked } => progress::Ending::InStep { parked: *parked },
        Ending::Unsettled { parked, .. } => progress::Ending::Unsettled { parked: *parked, goes_on: again.is_some() },
        Ending::Held(error) => progress::Ending::Held { why: about(error, None, account) },
        Ending::Planned { .. } => progress::Ending::Planned,
        Ending::Interrupted => progress::Ending::Interrupted,
        Ending::Failed(error) => {
            let why = about(error, None, account);
            match again {
                Some(pause) => progress::Ending::Again { why, seconds: seconds(pause) },
                None => progress::Ending::Failed { why },
            }
        }
    }
}

/// Whole ones, and not too few.
pub fn seconds(pause: Duration) -> u64 {
    pause.saturating_add(Duration::from_millis(999)).as_secs()
}

/// The sentence of an error, with what the error itself may not know.
pub fn about(error: &Error, folder: Option<String>, account: &str) -> Message {
    let mut args: Vec<(String, String)> =
        error.args().iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let more = [("account", Some(account.to_owned())), ("folder", folder)];
    for (name, value) in more.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        if !args.iter().any(|(known, _)| known == name) {
            args.push((name.to_owned(), value));
        }
    }
    failure::stored(error.code().as_str(), &args)
}

#[cfg(test)]
mod tests {
    use super::*;
    use parom_domain::{Code, Retry, Scope};

    #[test]
    fn the_end_of_an_account_has_its_exit_code() {
        let unsettled = |troubles| Ending::Unsettled { parked: 0, wake_at_ms: Some(1), soon: false, troubles };
        let failed = |code| Ending::Failed(Error::new(code, Scope::Account, Retry::Soon));
        let table = [
            (Ending::InStep { parked: 4 }, Exit::Done),
            (unsettled(vec![]), Exit::Done),
            (unsettled(vec![Code::FolderCannotOpen, Code::ListingIncomplete]), Exit::NotInStep),
            (Ending::Held(Error::internal("")), Exit::Held),
            (failed(Code::SignInRefused), Exit::Server),
            (failed(Code::ConnectionLost), Exit::Server),
            (failed(Code::StateFull), Exit::State),
            (failed(Code::LeaseLost), Exit::NotInStep),
            (failed(Code::AccountPasswordMissing), Exit::Usage),
            (failed(Code::Internal), Exit::Internal),
            (Ending::Interrupted, Exit::Interrupted),
        ];
        for (ending, wanted) in table {
            assert_eq!(exit(&ending), wanted, "{ending:?}");
        }
    }

    #[test]
    fn an_error_says_whose_it_is_and_keeps_what_it_knew() {
        let error = Error::new(Code::FolderGone, Scope::Folder, Retry::Soon).with("folder", "inner");
        let message = about(&error, Some("outer".to_owned()), "a@corp.example");
        assert!(message.args.contains(&("folder", "inner".into())));
    }
}
