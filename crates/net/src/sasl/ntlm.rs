//! The client's side of NTLM ([MS-NLMP], [MS-OXIMAP4] 2.2.1.1), by the crate `sspi`, which nothing else of ours knows.

use super::WindowsAccount;
use crate::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parom_domain::{Code, Error, Result, Retry, Scope};
use sspi::{
    AuthIdentityBuffers, BufferType, ClientRequestFlags, DataRepresentation, SecurityBuffer, Sspi as _, SspiImpl as _,
};
use tracing::subscriber::{NoSubscriber, with_default};

/// One sign-in by NTLMv2.
pub struct Ntlm {
    context: sspi::Ntlm,
    account: Option<AuthIdentityBuffers>,
    /// NEGOTIATE_MESSAGE has been made.
    has_begun: bool,
}

impl Ntlm {
    /// `binding` ties the sign-in to its TLS connection, see [`crate::Stream::end_point`].
    ///
    /// # Errors
    /// `NtlmOwnMailbox` for a login that names a delegate and a mailbox.
    pub fn new(login: &str, password: &Secret, binding: Option<&[u8]>) -> Result<Ntlm> {
        let account = WindowsAccount::parse(login)
            .ok_or_else(|| Error::new(Code::NtlmOwnMailbox, Scope::Account, Retry::WhenFixed).with("login", login))?;
        let password = std::str::from_utf8(password.expose())
            .map_err(|error| Error::internal("a password that is not UTF-8 was kept").caused_by(error))?;
        let mut context = sspi::Ntlm::new();
        if let Some(binding) = binding {
            context.set_channel_bindings(binding);
        }
        let account = AuthIdentityBuffers::from_utf8(account.user, account.domain, password);
        Ok(Ntlm { context, account: Some(account), has_begun: false })
    }

    /// The answer to the server's challenge, both in base64. The first one says nothing that matters, and is answered with
    /// NEGOTIATE_MESSAGE; the second one is CHALLENGE_MESSAGE. `None` for what is no such message, and for a third one.
    pub fn respond(&mut self, challenge: &[u8]) -> Option<Secret> {
        let challenge = if self.has_begun { STANDARD.decode(challenge).ok()? } else { Vec::new() };
        self.has_begun = true;
        // At its lowest levels the crate logs the messages themselves, from which a password can be guessed at leisure.
        let message = with_default(NoSubscriber::default(), || self.step(challenge));
        message.map(|message| Secret::new(STANDARD.encode(message.expose())))
    }

    fn step(&mut self, challenge: Vec<u8>) -> Option<Secret> {
        let mut input = [SecurityBuffer::new(challenge, BufferType::Token)];
        let mut output = [SecurityBuffer::new(Vec::new(), BufferType::Token)];
        let mut step = self
            .context
            .initialize_security_context()
            .with_credentials_handle(&mut self.account)
            // Neither signing nor sealing: IMAP has no layer for them, and TLS does both.
            .with_context_requirements(ClientRequestFlags::empty())
            .with_target_data_representation(DataRepresentation::Native)
            .with_input(&mut input)
            .with_output(&mut output);
        self.context.initialize_security_context_impl(&mut step).ok()?.resolve_to_result().ok()?;
        let [token] = output;
        Some(Secret::new(token.buffer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> Ntlm {
        let mut ntlm = Ntlm::new("CORP\\anna", &"sesame".into(), None).unwrap();
        let negotiate = ntlm.respond(b"").unwrap();
        assert!(STANDARD.decode(negotiate.expose()).unwrap().starts_with(b"NTLMSSP\0\x01"));
        ntlm
    }

    #[test]
    fn what_is_no_challenge_is_not_answered() {
        // CHALLENGE_MESSAGE of [MS-NLMP] 4.2.4.3.
        let good = "TlRMTVNTUAACAAAADAAMADgAAAAzgoriASNFZ4mrze8AAAAAAAAAACQAJABEAAAABgBwFwAAAA9TAGUAcgB2AGUAcgACAAwARABvAG0AYQBp\
                    AG4AAQAMAFMAZQByAHYAZQByAAAAAAA=";
        let mut ntlm = begun();
        assert!(ntlm.respond(good.as_bytes()).is_some() && ntlm.respond(good.as_bytes()).is_none());
        let whole = STANDARD.decode(good).unwrap();
        for short in 0..whole.len() {
            let cut = STANDARD.encode(whole.get(..short).unwrap());
            assert!(begun().respond(cut.as_bytes()).is_none(), "{short} bytes");
        }
        for garbage in ["", "!", "TlRMTVNTUAA=", "TlRMTVNTUAADAAAA"] {
            assert!(begun().respond(garbage.as_bytes()).is_none(), "{garbage}");
        }
    }

    #[test]
    fn a_delegate_cannot_use_it() {
        let error = Ntlm::new("CORP/svc/anna", &"sesame".into(), None).err().unwrap();
        assert_eq!((error.code(), error.arg("login")), (Code::NtlmOwnMailbox, Some("CORP/svc/anna")));
    }
}
