//! LOGIN and AUTHENTICATE, for oneself or as one who may open every mailbox.

use crate::server::Lab;
use crate::server::args::Args;
use crate::server::manners::Claim;
use crate::server::session::{Answer, Failure, Session, Slot, User};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;

pub(super) fn login(session: &mut Session, args: &mut Args) -> Answer {
    args.space()?;
    let user = args.astring_utf8()?;
    args.space()?;
    let password = args.astring_utf8()?;
    args.end()?;
    sign_in(session, &Claim { mechanism: "LOGIN", authzid: "", user: &user, proves: &|known| known == password })
}

/// SASL, with the initial response in the command or after a continuation.
pub(super) async fn authenticate(session: &mut Session, args: &mut Args) -> Answer {
    args.space()?;
    let mechanism = args.word()?;
    if !session.manners.offers(&mechanism) {
        return Err("this mechanism is not offered".into());
    }
    let response = if session.extensions().sasl_ir && args.eat(b' ') {
        decoded(&args.astring()?)?
    } else {
        asked(session, "").await?
    };
    if mechanism == "PLAIN" { plain(session, response) } else { challenged(session, &response).await }
}

/// A mechanism in which the server has a question of its own.
async fn challenged(session: &mut Session, first: &[u8]) -> Answer {
    let challenge = session.manners.challenge(first)?;
    let answer = asked(session, &STANDARD.encode(challenge)).await?;
    if session.user.is_some() {
        return Err(Failure::Bad("signed in already".to_owned()));
    }
    let lab = Arc::clone(&session.lab);
    session.user = session.manners.answered(&lab, &answer)?;
    Ok(format!("[CAPABILITY {}] signed in", session.capability()))
}

/// The client's next line after this continuation.
async fn asked(session: &mut Session, challenge: &str) -> Result<Vec<u8>, Failure> {
    session.out.line(&format!("+ {challenge}"));
    session.out.flush().await?;
    decoded(&session.input.line(&mut session.out).await?.ok_or(Failure::Drop)?)
}

fn decoded(line: &[u8]) -> Result<Vec<u8>, Failure> {
    STANDARD.decode(line).map_err(|_| Failure::Bad("this is not base64".to_owned()))
}

/// RFC 4616.
fn plain(session: &mut Session, response: Vec<u8>) -> Answer {
    let plain = String::from_utf8(response).map_err(|_| Failure::Bad("this is not UTF-8".to_owned()))?;
    let mut parts = plain.split('\0');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(authzid), Some(user), Some(password), None) => {
            sign_in(session, &Claim { mechanism: "PLAIN", authzid, user, proves: &|known| known == password })
        }
        _ => Err(Failure::Bad("this is not SASL PLAIN".to_owned())),
    }
}

fn sign_in(session: &mut Session, claim: &Claim) -> Answer {
    if session.user.is_some() {
        return Err(Failure::Bad("signed in already".to_owned()));
    }
    let lab = Arc::clone(&session.lab);
    session.user = session.manners.sign_in(&lab, claim)?;
    Ok(format!("[CAPABILITY {}] signed in", session.capability()))
}

/// Signs in as the plain server does.
pub(in crate::server) fn plainly(lab: &Lab, claim: &Claim) -> Result<User, Failure> {
    let Claim { authzid, user, proves, .. } = *claim;
    let refused = || Failure::No("[AUTHENTICATIONFAILED] wrong name or password".to_owned());
    // Whose mailbox is meant, and who has to prove himself: `user*master` or an authzid name another one.
    let (owner, prover) = match user.split_once('*') {
        Some((owner, master)) => (owner, Some(master)),
        None if !authzid.is_empty() && authzid != user => (authzid, Some(user)),
        None => (user, None),
    };
    let account = lab.accounts.get(owner).ok_or_else(refused)?;
    let proven = match prover {
        Some(prover) => lab.master.as_ref().is_some_and(|(name, secret)| name == prover && proves(secret)),
        None => proves(&account.password),
    };
    if !proven {
        return Err(refused());
    }
    let limit = lab.switches().max_connections;
    let slot = Slot::take(&account.connections, limit).ok_or("[LIMIT] too many connections of this user")?;
    Ok(User::new(Arc::clone(&account.mailbox), slot))
}
