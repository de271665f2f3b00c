//! Unsubscribe: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/unsubscribe-operation>.

use super::{Operation, Outcome, outcome};
use crate::classify::About;
use crate::version::Version;
use crate::xml::{Element, Out};

#[derive(Clone, Debug)]
pub struct Unsubscribe {
    pub subscription: String,
}

impl Operation for Unsubscribe {
    const NAME: &'static str = "Unsubscribe";
    const ABOUT: About = About::Account;
    type Answer = Outcome<()>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:Unsubscribe", &[], |out| out.leaf("m:SubscriptionId", &self.subscription));
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcome(response, |_| Some(()))
    }
}
