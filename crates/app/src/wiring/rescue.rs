//! The other way to messages of Exchange that IMAP does not show, where the configuration knows EWS.

use super::Door;
use super::replies::ReplyWiring;
use crate::config::Config;
use async_trait::async_trait;
use bytes::Bytes;
use parom_domain::endpoint::{BodyRescue, Endpoint, Veiled};
use parom_domain::{Code, Error, Result, Retry, Scope, Side};
use parom_engine::Rescued;
use parom_exchange::{HttpTransport, MailRescue};
use parom_store::{Account, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The mail of one mailbox over EWS. Nothing is connected before a message is missed.
struct OverEws {
    mail: MailRescue<HttpTransport>,
    door: Door,
    store: Store,
    /// The sign-in was refused: it is not tried again.
    is_closed: AtomicBool,
}

/// The side, with the other way where there is one. What keeps it from being opened is no reason not to go the first way.
pub(super) async fn rescued(
    wiring: &ReplyWiring,
    (config, store): (&Config, &Store),
    account: &Account,
    side: Side,
    endpoint: Arc<dyn Endpoint>,
) -> Arc<dyn Endpoint> {
    if side == Side::Target || config.domain_of(&account.address).is_none_or(|domain| domain.calendars.ews.is_none()) {
        return endpoint;
    }
    match wiring.mailbox(config, store, account).await {
        Ok(mailbox) => {
            let mail = MailRescue::new(mailbox.client);
            let over_ews =
                OverEws { mail, door: mailbox.door, store: store.clone(), is_closed: AtomicBool::new(false) };
            Arc::new(Rescued::new(endpoint, Arc::new(over_ews)))
        }
        Err(error) => {
            tracing::warn!(account = %account.address, error = ?error, "what IMAP does not show cannot be fetched over EWS");
            endpoint
        }
    }
}

#[async_trait]
impl BodyRescue for OverEws {
    async fn rescue(&self, wanted: &Veiled) -> Result<Option<Bytes>> {
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(Error::new(Code::SignInHeld, Scope::Item, Retry::WhenFixed));
        }
        let rescued = self.mail.rescue(wanted).await;
        if let Err(error) = &rescued
            && error.code() == Code::SignInRefused
        {
            self.is_closed.store(true, Ordering::Relaxed);
            self.door.refused(&self.store, self.door.place.credential.is_some(), error).await;
        }
        rescued
    }
}
