//! NTLM where it was not built in: nobody gets further than being told so.

use crate::Secret;
use parom_domain::{Code, Error, Result, Retry, Scope};
use std::convert::Infallible;

pub struct Ntlm(Infallible);

impl Ntlm {
    /// # Errors
    /// `NtlmLeftOut`, always.
    pub fn new(_login: &str, _password: &Secret, _binding: Option<&[u8]>) -> Result<Ntlm> {
        Err(Error::new(Code::NtlmLeftOut, Scope::Server, Retry::WhenFixed))
    }

    /// Cannot be called, for want of a value.
    pub fn respond(&mut self, _challenge: &[u8]) -> Option<Secret> {
        match self.0 {}
    }
}
