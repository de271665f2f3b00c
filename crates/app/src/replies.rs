//! The automatic replies of many accounts, as the command line wants them: read at Exchange, said in Sieve, put on the target.

use crate::config::Config;
use crate::exit::Exit;
use crate::state;
use crate::wiring::{Door, ReplyWiring, SharedLanes};
use futures_util::{StreamExt, stream};
use parom_domain::absence::{Audience, AutoReply, Period};
use parom_domain::{Code, Error, Result, Side};
use parom_exchange::classify::{About, classify};
use parom_exchange::op::GetUserOofSettings;
use parom_service::{Gates, Stop};
use parom_sieve::{Client, Plan, decide, look, perform, try_out, withdraw};
use parom_store::{Account, Store};

/// What is to be done with replies, and with what.
pub struct Replies<'a> {
    pub config: &'a Config,
    pub store: &'a Store,
    pub stop: Stop,
    pub dry_run: bool,
    wiring: ReplyWiring,
    gates: Gates,
}

/// What became of the reply of one account.
#[derive(Debug)]
pub struct Carried {
    pub period: Option<Period>,
    /// Who outside the organisation gets a reply on the source.
    pub audience: Audience,
    pub done: Done,
    /// Where Exchange answers contacts: everybody is answered on the target, or nobody.
    pub answers_strangers: bool,
}

#[derive(Debug)]
pub enum Done {
    /// Nothing to carry, and nothing of ours on the target.
    Nothing,
    /// This was done, or would be. Without steps all was as it should be.
    Planned(Plan),
    Failed(Error),
    Interrupted,
}

impl Carried {
    /// What it comes to for a script.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match &self.done {
            Done::Nothing | Done::Planned(_) => Exit::Done,
            Done::Failed(error) => Exit::of(error.code()),
            Done::Interrupted => Exit::Interrupted,
        }
    }

    fn without_reply(done: Done) -> Carried {
        Carried { period: None, audience: Audience::Nobody, done, answers_strangers: false }
    }
}

impl<'a> Replies<'a> {
    pub fn new(config: &'a Config, store: &'a Store, stop: Stop, dry_run: bool) -> Result<Replies<'a>> {
        let wiring = ReplyWiring::new(config, &SharedLanes::default())?;
        Ok(Replies { config, store, stop, dry_run, wiring, gates: Gates::new(false) })
    }

    /// Brings the replies of all these accounts, in their order.
    pub async fn carry(&self, accounts: &[Account]) -> Vec<(String, Carried)> {
        let carried = stream::iter(accounts).map(async |account| (account.address.clone(), self.one(account).await));
        carried.buffered(self.wiring.at_once()).collect().await
    }

    async fn one(&self, account: &Account) -> Carried {
        if self.stop.is_asked() {
            return Carried::without_reply(Done::Interrupted);
        }
        let reply = match self.ask(account).await {
            Ok(reply) => reply,
            Err(error) => return Carried::without_reply(Done::Failed(error)),
        };
        let now_s = i64::try_from(state::now_ms() / 1000).unwrap_or(i64::MAX);
        let reply = reply.filter(|reply| !reply.is_over(now_s));
        let (done, answers_strangers) = tokio::select! {
            brought = self.bring(account, reply.as_ref()) => match brought {
                Ok(brought) => brought,
                Err(error) => (Done::Failed(error), false),
            },
            // What is under way may be repeated.
            () = self.stop.asked() => (Done::Interrupted, false),
        };
        match reply {
            Some(reply) => Carried { period: Some(reply.period), audience: reply.audience, done, answers_strangers },
            None => Carried::without_reply(done),
        }
    }

    /// What Exchange answers for this person; `None`: nothing.
    async fn ask(&self, account: &Account) -> Result<Option<AutoReply>> {
        let source = self.wiring.mailbox(self.config, self.store, account).await?;
        let client = &source.client;
        let asked = async {
            let told = client.ask(&GetUserOofSettings { mailbox: client.mailbox().to_owned() }).await?;
            told.map_err(|refusal| {
                let error = classify(About::Account, &refusal);
                error.with("host", client.host()).with("login", client.mailbox())
            })
        };
        match self.gates.of(&source.door.place).through(asked).await {
            Ok(told) => Ok(told.settings.auto_reply(told.allowed)),
            Err(error) => Err(self.refused(error, &source.door, Side::Source).await),
        }
    }

    async fn bring(&self, account: &Account, reply: Option<&AutoReply>) -> Result<(Done, bool)> {
        let target = match self.wiring.scripts(self.config, self.store, account).await {
            // Nothing of ours can be where nobody ever told us of a server.
            Err(error) if error.code() == Code::SieveNotConfigured && reply.is_none() => {
                return Ok((Done::Nothing, false));
            }
            target => target?,
        };
        let opened = self.gates.of(&target.door.place).through(Client::open(&target.settings, &target.login)).await;
        let mut client = match opened {
            Ok(client) => client,
            Err(error) => return Err(self.refused(error, &target.door, Side::Target).await),
        };
        let brought = async {
            let standing = look(&mut client).await?;
            let extensions = client.extensions();
            match decide(&standing, reply, &target.around, &extensions) {
                Ok(plan) => {
                    self.put_through(&mut client, &plan).await?;
                    let is_nothing = plan.script.is_none() && plan.steps.is_empty();
                    Ok(if is_nothing { Done::Nothing } else { Done::Planned(plan) })
                }
                // Somebody's own reply holds, and a script of ours beside it would break it.
                Err(error) if error.code() == Code::SieveScriptAnswers => {
                    self.put_through(&mut client, &withdraw(&standing)).await?;
                    Err(error)
                }
                Err(error) => Err(error),
            }
        };
        let done = brought.await.map_err(|error: Error| {
            error
                .with("host", &target.settings.host)
                .with("login", &target.login.user)
                .with("account", &account.address)
        });
        client.close().await;
        Ok((done?, target.around.answers_strangers))
    }

    async fn put_through(&self, client: &mut Client, plan: &Plan) -> Result<()> {
        if self.dry_run { try_out(client, plan).await } else { perform(client, plan).await }
    }

    /// A refused sign-in is remembered, so that no server locks anybody out, whichever run of ours asks next.
    async fn refused(&self, error: Error, door: &Door, side: Side) -> Error {
        if error.code() != Code::SignInRefused {
            return error;
        }
        if !self.dry_run {
            let concerns_all = self.gates.of(&door.place).is_password_in_doubt();
            door.refused(self.store, concerns_all, &error).await;
        }
        door.named(error).with("side", side)
    }
}
