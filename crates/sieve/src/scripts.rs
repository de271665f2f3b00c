//! What is to be done with a person's scripts, so that ours gives the reply and everything else stays as it was.
//!
//! Ours has a name of its own. Where nothing else is active it becomes the active one. Where a script of the person's own is,
//! ours becomes the active one and includes that script (RFC 6609): not a byte of it is changed, and it goes on doing what it
//! does. When the reply is over, that script is the active one again, and ours is gone.

use crate::client::{Client, Listed};
use crate::language::required;
use crate::vacation::{Around, Extensions, before, is_ours, script, would_answer};
use parom_domain::absence::AutoReply;
use parom_domain::{Code, Error, Result, Retry, Scope};
use std::collections::BTreeMap;

/// The name of our script.
pub const NAME: &str = "parom-oof";

/// What is on the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub listed: Vec<Listed>,
    /// The texts that matter: that of our name, the person's own, and what that may include.
    pub texts: BTreeMap<String, String>,
}

/// What is to be done, in this order. Nothing, where all is as it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The script that gives the reply; `None`: none is to be given.
    pub script: Option<String>,
    /// The person's own script that runs beside it, or runs again.
    pub own: Option<String>,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Our script is written, in place of what was under its name.
    Write,
    /// This one is run from now on; `None`: none is.
    Activate(Option<String>),
    /// Our script is deleted.
    Delete,
}

/// More scripts of one person are not read: nobody has them.
const MOST_READ: usize = 50;

/// Actions that go with no reply of ours for the same message (RFC 5230 sections 4.7 and 5429 section 2): the server would
/// fail the whole script.
const CONFLICTS: [&str; 4] = ["vacation", "vacation-seconds", "reject", "ereject"];

impl Standing {
    fn active(&self) -> Option<&str> {
        self.listed.iter().find(|listed| listed.active).map(|listed| listed.name.as_str())
    }

    fn has(&self, name: &str) -> bool {
        self.listed.iter().any(|listed| listed.name == name)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// The person's own script that is run, directly or beside ours.
    fn own(&self) -> Option<String> {
        match self.active() {
            Some(NAME) => self.text(NAME).and_then(before).filter(|name| self.has(name)),
            active => active.map(str::to_owned),
        }
    }
}

/// Looks at the scripts of the person who is signed in.
///
/// # Errors
/// Those of the client.
pub async fn look(client: &mut Client) -> Result<Standing> {
    let mut standing = Standing { listed: client.list().await?, texts: BTreeMap::new() };
    if standing.has(NAME) {
        let text = client.get(NAME).await?;
        standing.texts.insert(NAME.to_owned(), text);
    }
    let Some(own) = standing.own() else { return Ok(standing) };
    let text = client.get(&own).await?;
    let includes = required(&text).contains("include");
    standing.texts.insert(own, text);
    if includes {
        let others: Vec<String> = standing.listed.iter().map(|listed| listed.name.clone()).collect();
        for name in others.into_iter().take(MOST_READ) {
            if standing.text(&name).is_none() {
                let text = client.get(&name).await?;
                standing.texts.insert(name, text);
            }
        }
    }
    Ok(standing)
}

/// What has to be done so that the reply is given; `None`: so that none of ours is.
///
/// # Errors
/// `SieveExtensionMissing`, `SieveScriptInTheWay`, `SieveScriptAnswers`, `SieveNameTaken`: then nothing may be done.
pub fn decide(
    standing: &Standing,
    reply: Option<&AutoReply>,
    around: &Around,
    extensions: &Extensions,
) -> Result<Plan> {
    let Some(reply) = reply.filter(|reply| would_answer(reply, around)) else { return Ok(withdraw(standing)) };
    let ours = standing.text(NAME);
    let refused = |code: Code| Error::new(code, Scope::Account, Retry::WhenFixed);
    if ours.is_some_and(|text| !is_ours(text)) {
        return Err(refused(Code::SieveNameTaken).with("name", NAME));
    }
    let own = standing.own();
    if let Some(own) = &own {
        if !extensions.has("include") {
            return Err(refused(Code::SieveScriptInTheWay).with("name", own));
        }
        if let Some((name, action)) = conflict(standing) {
            return Err(refused(Code::SieveScriptAnswers).with("name", name).with("what", action));
        }
    }
    let wanted = script(reply, around, extensions, own.as_deref())
        .map_err(|lacking| refused(Code::SieveExtensionMissing).with("what", lacking))?;
    let mut steps = Vec::new();
    if !ours.is_some_and(|ours| is_same(ours, &wanted)) {
        steps.push(Step::Write);
    }
    if standing.active() != Some(NAME) {
        steps.push(Step::Activate(Some(NAME.to_owned())));
    }
    Ok(Plan { script: Some(wanted), own, steps })
}

/// What has to be done so that nothing of ours is left. What is not ours is left alone, whatever its name.
#[must_use]
pub fn withdraw(standing: &Standing) -> Plan {
    if !standing.text(NAME).is_some_and(is_ours) {
        return Plan::default();
    }
    let own = standing.own();
    let mut steps = vec![Step::Delete];
    if standing.active() == Some(NAME) {
        steps.insert(0, Step::Activate(own.clone()));
    }
    Plan { script: None, own, steps }
}

/// A script of the person's own with an action that goes with no reply of ours.
fn conflict(standing: &Standing) -> Option<(&str, &'static str)> {
    let own = standing.texts.iter().filter(|(name, _)| *name != NAME);
    own.map(|(name, text)| (name, required(text))).find_map(|(name, required)| {
        Some((name.as_str(), CONFLICTS.into_iter().find(|word| required.contains(*word))?))
    })
}

/// Servers may store other line ends than they were given.
fn is_same(one: &str, other: &str) -> bool {
    one.lines().map(str::trim_end).eq(other.lines().map(str::trim_end))
}

/// Does what the plan says. Each step may be repeated: after a break the next look sees what is left to do.
///
/// # Errors
/// `SieveScriptRefused`, and those of the client.
pub async fn perform(client: &mut Client, plan: &Plan) -> Result<()> {
    for step in &plan.steps {
        match step {
            Step::Write => {
                let script = plan.script.as_deref().unwrap_or_default();
                client.have_space(NAME, script.len()).await?;
                client.put(NAME, script).await?;
            }
            Step::Activate(name) => client.activate(name.as_deref()).await?,
            Step::Delete => client.delete(NAME).await?,
        }
    }
    Ok(())
}

/// Asks whether the server would take what the plan would write, and writes nothing.
///
/// # Errors
/// As for [`perform`].
pub async fn try_out(client: &mut Client, plan: &Plan) -> Result<()> {
    let Some(script) = plan.script.as_deref().filter(|_| plan.steps.contains(&Step::Write)) else { return Ok(()) };
    client.have_space(NAME, script.len()).await?;
    if client.checks_scripts() { client.check(script).await } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parom_domain::absence::{Audience, Period};

    fn reply() -> AutoReply {
        let inside = Some("Away.".to_owned());
        AutoReply { period: Period::Open, inside, outside: None, audience: Audience::Nobody }
    }

    fn around() -> Around {
        let own = |text: &str| vec![text.to_owned()];
        Around { addresses: own("anna@corp.example"), domains: own("corp.example"), answers_strangers: false }
    }

    /// A server with these scripts, of which the one with a star is active.
    #[derive(Clone)]
    struct Server {
        scripts: BTreeMap<String, String>,
        active: Option<String>,
        extensions: Extensions,
    }

    impl Server {
        fn of(scripts: &[(&str, &str)]) -> Server {
            let name = |name: &str| name.trim_start_matches('*').to_owned();
            Server {
                scripts: scripts.iter().map(|(key, text)| (name(key), (*text).to_owned())).collect(),
                active: scripts.iter().find(|(key, _)| key.starts_with('*')).map(|(key, _)| name(key)),
                extensions: Extensions::of("vacation include fileinto"),
            }
        }

        fn standing(&self) -> Standing {
            let listed = self
                .scripts
                .keys()
                .map(|name| Listed { name: name.clone(), active: self.active.as_ref() == Some(name) });
            Standing { listed: listed.collect(), texts: self.scripts.clone() }
        }

        fn plan(&self, reply: Option<&AutoReply>) -> Result<Plan> {
            decide(&self.standing(), reply, &around(), &self.extensions)
        }

        fn step(&mut self, plan: &Plan, step: &Step) {
            match step {
                Step::Write => drop(self.scripts.insert(NAME.to_owned(), plan.script.clone().unwrap())),
                Step::Activate(name) => {
                    assert!(name.as_ref().is_none_or(|name| self.scripts.contains_key(name)));
                    self.active.clone_from(name);
                }
                Step::Delete => {
                    assert_ne!(self.active.as_deref(), Some(NAME), "an active script cannot be deleted");
                    self.scripts.remove(NAME);
                }
            }
        }

        /// Does the first so many steps, then looks anew, as after a crash.
        fn settle(&mut self, reply: Option<&AutoReply>, first: usize) {
            let plan = self.plan(reply).unwrap();
            plan.steps.iter().take(first).for_each(|step| self.step(&plan, step));
            let plan = self.plan(reply).unwrap();
            plan.steps.iter().for_each(|step| self.step(&plan, step));
            assert_eq!(self.plan(reply).unwrap().steps, [], "the second run has nothing to do");
        }
    }

    const FILTER: &str = "require \"fileinto\";\r\nif header :contains \"subject\" \"x\" { fileinto \"X\"; stop; }\r\n";

    #[test]
    fn whatever_breaks_on_the_way_the_reply_comes_and_goes_and_the_rest_is_as_before() {
        for scripts in [&[][..], &[("old", FILTER)], &[("*mine", FILTER)], &[("*mine", FILTER), ("other", "keep;")]] {
            for first in 0..4 {
                for last in 0..4 {
                    let mut server = Server::of(scripts);
                    let before = server.clone();
                    server.settle(Some(&reply()), first);
                    assert_eq!(server.active.as_deref(), Some(NAME));
                    let text = &server.scripts[NAME];
                    assert_eq!(
                        text.contains("include :personal :optional \"mine\";"),
                        before.active.is_some(),
                        "{text}"
                    );
                    for (name, text) in &before.scripts {
                        assert_eq!(server.scripts.get(name), Some(text));
                    }
                    server.settle(None, last);
                    assert_eq!((&server.scripts, &server.active), (&before.scripts, &before.active));
                }
            }
        }
    }

    #[test]
    fn another_text_is_written_in_place_and_keeps_the_persons_own() {
        let mut server = Server::of(&[("*mine", FILTER)]);
        server.settle(Some(&reply()), 9);
        let other = AutoReply { inside: Some("Still away.".into()), ..reply() };
        assert_eq!(server.plan(Some(&other)).unwrap().steps, [Step::Write]);
        server.settle(Some(&other), 9);
        assert!(server.scripts[NAME].contains("Still away.") && server.scripts[NAME].contains("\"mine\""));
    }

    #[test]
    fn what_the_person_does_meanwhile_counts() {
        let mut server = Server::of(&[("*mine", FILTER), ("new", FILTER)]);
        server.settle(Some(&reply()), 9);
        // Another script is made the active one: it is included from now on, and stays when the reply is over.
        let mut chosen = server.clone();
        chosen.active = Some("new".to_owned());
        let mut off = chosen.clone();
        off.settle(None, 9);
        assert_eq!(off.active.as_deref(), Some("new"));
        chosen.settle(Some(&reply()), 9);
        assert!(chosen.scripts[NAME].contains("\"new\"") && !chosen.scripts[NAME].contains("\"mine\""));
        // The included one is deleted.
        server.scripts.remove("mine");
        server.settle(Some(&reply()), 9);
        assert!(!server.scripts[NAME].contains("include"));
        server.settle(None, 9);
        assert_eq!(server.active, None);
    }

    #[test]
    fn what_would_harm_somebodys_own_script_is_refused_with_its_name() {
        let code = |server: &Server| {
            server.plan(Some(&reply())).map_err(|error| (error.code(), error.arg("name").map(str::to_owned)))
        };
        let own = |name: &str| Some(name.to_owned());
        let mut server = Server::of(&[("*mine", FILTER)]);
        server.extensions = Extensions::of("vacation fileinto");
        assert_eq!(code(&server), Err((Code::SieveScriptInTheWay, own("mine"))));
        assert_eq!(server.plan(None).unwrap(), Plan::default());
        for word in CONFLICTS {
            let server = Server::of(&[("*mine", &format!("require \"{word}\";"))]);
            assert_eq!(code(&server), Err((Code::SieveScriptAnswers, own("mine"))), "{word}");
            // One that nothing runs is in nobody's way.
            assert!(code(&Server::of(&[("mine", &format!("require \"{word}\";"))])).is_ok());
        }
        // Somebody writes a reply of their own while ours is on: theirs holds, and ours goes.
        let mut server = Server::of(&[("*mine", FILTER)]);
        server.settle(Some(&reply()), 9);
        server.scripts.insert("mine".into(), "require \"vacation\"; vacation \"Own.\";".into());
        assert_eq!(code(&server), Err((Code::SieveScriptAnswers, own("mine"))));
        let plan = withdraw(&server.standing());
        plan.steps.iter().for_each(|step| server.step(&plan, step));
        assert_eq!((server.active.as_deref(), server.scripts.len()), (Some("mine"), 1));
        let taken = Server::of(&[(NAME, FILTER)]);
        assert_eq!(code(&taken), Err((Code::SieveNameTaken, own(NAME))));
        assert_eq!(taken.plan(None).unwrap(), Plan::default());
    }

    #[test]
    fn who_would_get_no_reply_needs_no_script() {
        let known =
            AutoReply { inside: None, outside: Some("a".into()), audience: Audience::Known, period: Period::Open };
        assert_eq!(Server::of(&[]).plan(Some(&known)).unwrap(), Plan::default());
    }
}
