//! IDLE (RFC 2177): tells news as they come, until the client says DONE.

use crate::server::session::{Answer, Failure, Session};

pub(super) async fn idle(session: &mut Session) -> Answer {
    let mailbox = session.mailbox()?;
    let mut changes = mailbox.changes();
    let patience = session.manners.limits().patience;
    let weary = async move {
        match patience {
            Some(patience) => tokio::time::sleep(patience).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(weary);
    session.out.line("+ idling");
    loop {
        super::tell_news(session, true)?;
        // Flushed here, so that the reading below, which may be abandoned at any time, has nothing to write.
        session.out.flush().await?;
        tokio::select! {
            line = session.input.line(&mut session.out) => {
                let line = line?.ok_or(Failure::Drop)?;
                return match line.eq_ignore_ascii_case(b"DONE") {
                    true => Ok("no longer idle".to_owned()),
                    false => Err(Failure::Bad("expected DONE".to_owned())),
                };
            }
            () = &mut weary => return Err(Failure::Bye(session.manners.weary())),
            changed = changes.changed() => {
                // The mailbox outlives its sessions.
                changed.map_err(|_| Failure::Drop)?;
            }
        }
    }
}
