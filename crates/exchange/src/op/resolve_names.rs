//! ResolveNames: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/resolvenames-operation>.

use super::{Operation, Outcome, outcome};
use crate::classify::About;
use crate::item::Mailbox;
use crate::version::Version;
use crate::xml::{Element, Out};

/// Who in the directory has this address, name, or legacy address (`/o=.../cn=...`).
#[derive(Clone, Debug)]
pub struct ResolveNames {
    pub entry: String,
}

impl Operation for ResolveNames {
    const NAME: &'static str = "ResolveNames";
    const ABOUT: About = About::Account;
    /// Everybody it may be. Nobody is a refusal, `ErrorNameResolutionNoResults`.
    type Answer = Outcome<Vec<Mailbox>>;

    fn write(&self, out: &mut Out, _: Version) {
        let attributes = [("ReturnFullContactData", "false"), ("SearchScope", "ActiveDirectory")];
        out.within("m:ResolveNames", &attributes, |out| out.leaf("m:UnresolvedEntry", &self.entry));
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, |message| {
            let all = message.child("ResolutionSet")?.all("Resolution");
            Some(all.filter_map(|resolution| resolution.child("Mailbox").map(Mailbox::read)).collect())
        })
    }
}
