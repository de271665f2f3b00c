//! Who is let in: by Basic, by NTLM once for each connection ([MS-NTHT]), by bearer tokens (RFC 6750).

use super::http::{Reply, Request};
use super::site::{Site, lock};
use crate::exchange::ExtendedProtection;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// What is offered and taken. NTLM is offered without being taken where the lab was built without its feature `ntlm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    pub basic: bool,
    /// NTLM under its own name.
    pub ntlm: bool,
    /// The bare messages of NTLM under the name of Negotiate.
    pub negotiate: bool,
    /// Tokens and the addresses of those whom they let in. Where there is none, Bearer is not offered.
    pub tokens: BTreeMap<String, String>,
    /// Whether NTLM has to name the TLS connection in front of the lab.
    pub protection: ExtendedProtection,
    /// NTLM counts for one request and not for the connection (IIS: authPersistSingleRequest).
    pub proves_each_request: bool,
    /// A connection on which something was refused is closed.
    pub closes_refused: bool,
}

impl Default for Gate {
    fn default() -> Gate {
        Gate {
            basic: true,
            ntlm: true,
            negotiate: true,
            tokens: BTreeMap::new(),
            protection: ExtendedProtection::None,
            proves_each_request: false,
            closes_refused: false,
        }
    }
}

/// How often people came in, and how often they did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignIns {
    /// Passwords, proofs and tokens that were right.
    pub believed: u64,
    /// Those that were wrong: what an account is locked for.
    pub refused: u64,
    /// Connections that NTLM was begun on.
    pub challenged: u64,
}

/// One connection, as far as NTLM goes.
#[derive(Default)]
pub struct Visitor {
    /// The address of who is on it.
    proved: Mutex<Option<String>>,
    #[cfg(feature = "ntlm")]
    challenge: Mutex<Option<crate::exchange::ntlm::Challenge>>,
}

impl Site {
    /// The address of who asks, or what is answered to one who may not.
    pub fn admit(&self, request: &Request, visitor: &Visitor) -> Result<String, Reply> {
        let gate = self.gate().clone();
        let Some(given) = request.header("authorization") else {
            let proved = lock(&visitor.proved).clone();
            return proved.ok_or_else(|| gate.offer());
        };
        let (scheme, secret) = given.split_once(' ').unwrap_or((given, ""));
        let secret = secret.trim();
        let admitted = match scheme.to_ascii_lowercase().as_str() {
            "basic" if gate.basic => self.by_password(secret),
            "bearer" => gate.tokens.get(secret).cloned(),
            "ntlm" if gate.ntlm => return self.by_ntlm(&gate, visitor, "NTLM", secret),
            "negotiate" if gate.negotiate => return self.by_ntlm(&gate, visitor, "Negotiate", secret),
            // No password of a kind that counts.
            _ => return Err(gate.offer()),
        };
        self.count(admitted.is_some());
        admitted.ok_or_else(|| gate.offer())
    }

    fn count(&self, is_believed: bool) {
        let mut counts = self.sign_ins();
        match is_believed {
            true => counts.believed += 1,
            false => counts.refused += 1,
        }
    }

    fn by_password(&self, secret: &str) -> Option<String> {
        let pair = String::from_utf8(STANDARD.decode(secret).ok()?).ok()?;
        let (name, password) = pair.split_once(':')?;
        self.known(name, |known| known == password)
    }

    /// The address of one with this name who can prove it. `CORP\name`, the alias and every address do.
    fn known(&self, name: &str, mut proves: impl FnMut(&str) -> bool) -> Option<String> {
        let name = name.rsplit('\\').next().unwrap_or(name);
        let state = self.state();
        let users = state.mailboxes.iter().map(|mailbox| &mailbox.user).chain(&state.service);
        let mut fitting = users.filter(|user| {
            user.has(name) || user.address.split('@').next().is_some_and(|alias| alias.eq_ignore_ascii_case(name))
        });
        fitting.find(|user| proves(&user.password)).map(|user| user.address.clone())
    }

    #[cfg(feature = "ntlm")]
    fn by_ntlm(&self, gate: &Gate, visitor: &Visitor, scheme: &'static str, secret: &str) -> Result<String, Reply> {
        use crate::exchange::ntlm::{Binding, Challenge, named};
        let Ok(message) = STANDARD.decode(secret) else { return Err(gate.offer()) };
        if let Some(challenge) = Challenge::new(&message, "CORP", "CAS1", self.nonce(), crate::server::dates::now()) {
            self.sign_ins().challenged += 1;
            let told = format!("{scheme} {}", STANDARD.encode(challenge.message()));
            *lock(&visitor.challenge) = Some(challenge);
            return Err(Reply::new(401, String::new()).header("WWW-Authenticate", told));
        }
        let challenge = lock(&visitor.challenge).take();
        let (Some(challenge), Some(named)) = (challenge, named(&message)) else { return Err(gate.offer()) };
        let binding = Binding::of(&gate.protection);
        let admitted = self.known(&named.spelled(), |known| challenge.check(&message, known, binding).is_ok());
        self.count(admitted.is_some());
        if !gate.proves_each_request {
            lock(&visitor.proved).clone_from(&admitted);
        }
        admitted.ok_or_else(|| gate.offer())
    }

    #[cfg(not(feature = "ntlm"))]
    fn by_ntlm(&self, gate: &Gate, _: &Visitor, _: &'static str, _: &str) -> Result<String, Reply> {
        Err(gate.offer())
    }
}

impl Gate {
    /// 401, in the order in which IIS tells it.
    fn offer(&self) -> Reply {
        let offered = [
            (self.negotiate, "Negotiate"),
            (self.ntlm, "NTLM"),
            (self.basic, "Basic realm=\"exchange\""),
            (!self.tokens.is_empty(), "Bearer client_id=\"00000002-0000-0ff1-ce00-000000000000\""),
        ];
        let told = offered.into_iter().filter(|(is_offered, _)| *is_offered);
        let reply =
            told.fold(Reply::new(401, String::new()), |reply, (_, word)| reply.header("WWW-Authenticate", word));
        if self.closes_refused { reply.header("Connection", "close") } else { reply }
    }
}
