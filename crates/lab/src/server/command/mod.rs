//! Finds the code for a command, and tells the client what else has happened when it is done.

mod append;
mod fetch;
mod folders;
mod idle;
mod list;
mod search;
mod select;
pub(super) mod sign_in;
mod store;
mod transfer;

use super::args::Args;
use super::session::{Answer, Failure, Session};

pub(super) async fn run(session: &mut Session, tag: &str, name: &str, args: Args) -> Answer {
    let answer = dispatch(session, tag, name, args).await;
    if matches!(answer, Err(Failure::Drop | Failure::Bye(_))) {
        return answer;
    }
    // Sequence numbers of a pipelined FETCH, STORE or SEARCH must not shift under the client; UIDs cannot.
    let expunges = !matches!(name, "FETCH" | "STORE" | "SEARCH");
    tell_news(session, expunges)?;
    answer
}

/// Sends what has happened in the selected folder.
fn tell_news(session: &mut Session, expunges: bool) -> Result<(), Failure> {
    let Session { selected: Some(selected), user: Some(user), out, enabled, manners, .. } = session else {
        return Ok(());
    };
    let mut store = user.mailbox.lock();
    if let Some(bye) = manners.interrupted() {
        return Err(Failure::Bye(bye));
    }
    let before = selected.exists();
    selected.sync(selected.folder_in(&mut store)?, expunges, *enabled, out);
    if selected.exists() > before
        && let Some(line) = manners.news(selected.exists())
    {
        out.line(&format!("* {line}"));
    }
    Ok(())
}

async fn dispatch(session: &mut Session, tag: &str, name: &str, mut args: Args) -> Answer {
    let on = session.extensions();
    let args = &mut args;
    match name {
        "CAPABILITY" => {
            let line = format!("* CAPABILITY {}", session.capability());
            session.out.line(&line);
            done("these are they")
        }
        "NOOP" => done("nothing done"),
        "LOGOUT" => {
            let Some(farewell) = session.manners.farewell() else {
                // Waits for the client to go.
                session.out.flush().await?;
                while session.input.line(&mut session.out).await?.is_some() {}
                return Err(Failure::Drop);
            };
            session.out.line(&format!("* BYE {farewell}"));
            session.over = true;
            done("signed out")
        }
        "ID" if on.id => {
            let line = format!("* ID {}", session.manners.id());
            session.out.line(&line);
            done("that is me")
        }
        "LOGIN" => sign_in::login(session, args),
        "AUTHENTICATE" => sign_in::authenticate(session, args).await,
        "ENABLE" if on.enable => enable(session, args),
        "NAMESPACE" if on.namespace => {
            session.mailbox()?;
            let line = format!("* NAMESPACE ((\"\" \"{}\")) NIL NIL", escaped(session.lab.delimiter));
            session.out.line(&line);
            done("one of your own")
        }
        "LIST" => list::list(session, args),
        "LSUB" => list::lsub(session, args),
        "STATUS" => folders::status(session, args),
        "CREATE" => folders::create(session, args),
        "DELETE" => folders::delete(session, args),
        "RENAME" => folders::rename(session, args),
        "SUBSCRIBE" => folders::subscribe(session, args, true),
        "UNSUBSCRIBE" => folders::subscribe(session, args, false),
        "SELECT" => select::select(session, args, false),
        "EXAMINE" => select::select(session, args, true),
        "APPEND" => append::append(session, args),
        "IDLE" if on.idle => idle::idle(session).await,
        "CHECK" => check(session),
        "CLOSE" => transfer::close(session, true),
        "UNSELECT" if on.unselect => transfer::close(session, false),
        "EXPUNGE" => transfer::expunge(session, None),
        "UID EXPUNGE" if on.uidplus => transfer::expunge(session, Some(args)),
        "FETCH" => fetch::fetch(session, args, false).await,
        "UID FETCH" => fetch::fetch(session, args, true).await,
        "STORE" => store::store(session, args, false),
        "UID STORE" => store::store(session, args, true),
        "SEARCH" => search::search(session, args, tag, false),
        "UID SEARCH" => search::search(session, args, tag, true),
        "COPY" => transfer::copy(session, args, false, false),
        "UID COPY" => transfer::copy(session, args, true, false),
        "MOVE" if on.r#move => transfer::copy(session, args, false, true),
        "UID MOVE" if on.r#move => transfer::copy(session, args, true, true),
        _ => Err(Failure::Bad(format!("unknown command {name}"))),
    }
}

fn check(session: &mut Session) -> Answer {
    let mailbox = session.mailbox()?;
    let updates = session.manners.check_updates_index();
    let selected = session.selected()?;
    if updates {
        selected.folder_in(&mut mailbox.lock())?.show_all();
        mailbox.ring();
    }
    done("checked")
}

fn done(text: &str) -> Answer {
    Ok(text.to_owned())
}

/// A delimiter inside quotes.
fn escaped(delimiter: char) -> String {
    if delimiter == '\\' || delimiter == '"' { format!("\\{delimiter}") } else { delimiter.to_string() }
}

/// ENABLE (RFC 5161) names only what it has newly turned on.
fn enable(session: &mut Session, args: &mut Args) -> Answer {
    session.mailbox()?;
    let on = session.extensions();
    let mut line = "* ENABLED".to_owned();
    while args.eat(b' ') {
        let name = args.word()?;
        let known = match name.as_str() {
            "CONDSTORE" if on.condstore => {
                session.enabled.condstore = true;
                true
            }
            "QRESYNC" if on.qresync && on.condstore => {
                session.enabled.condstore = true;
                session.enabled.qresync = true;
                true
            }
            "UTF8=ACCEPT" if on.utf8 => {
                session.enabled.utf8 = true;
                true
            }
            _ => false,
        };
        if known {
            line = format!("{line} {name}");
        }
    }
    args.end()?;
    session.out.line(&line);
    done("enabled")
}
