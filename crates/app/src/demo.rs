//! `parom demo`: everything shown with a simulated Exchange and another mail and calendar server in this process, a company
//! that does not exist, and real processes.
//!
//! Nothing here is staged: the numbers are counted, Parom runs as the processes that a user would start, one of them is
//! killed in the middle of a message, and the end is compared with what the two servers hold, without Parom's code.

mod calendars;
mod child;
mod company;
mod desk;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::i18n::Texts;
use crate::message::{Message, Value};
use crate::{output, state, stop};
use calendars::{Calendars, Edit as CalendarEdit};
use child::Child;
use company::{Company, Edit, address, password};
use desk::Desk;
use parom_domain::Side;
use parom_service::Stop;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// For so long the Exchange cuts Parom off.
const THROTTLE: Duration = Duration::from_secs(4);
/// Deletions are believed after a second look, so that several passes are needed; by then all must have crossed.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn run(keep: bool, texts: &Arc<Texts>) -> Result<Exit, Failure> {
    let runtime = state::runtime()?;
    let exit = runtime.block_on(async {
        let stop = stop::listen(|| {})?;
        let show = Show { texts: texts.clone(), began: Instant::now() };
        tokio::select! {
            exit = show.play(keep, &stop) => exit,
            () = stop.asked(), if !keep => Ok(Exit::Interrupted),
        }
    });
    // The servers hold nothing that anybody needs.
    runtime.shutdown_background();
    exit
}

struct Show {
    texts: Arc<Texts>,
    began: Instant,
}

impl Show {
    async fn play(&self, keep: bool, stop: &Stop) -> Result<Exit, Failure> {
        self.say(&Message::new("demo-start"))?;
        let company = Company::start().await?;
        let (messages, bytes) = company.size(Side::Source);
        self.say(
            &Message::new("demo-company")
                .with("accounts", company.accounts().len())
                .with("messages", messages)
                .with("bytes", Value::Bytes(bytes))
                .with("year", company.year())
                .with("source", company.addr(Side::Source).to_string())
                .with("target", company.addr(Side::Target).to_string()),
        )?;
        let calendars = Calendars::start(company.version()).await?;
        let desk = Desk::set_up(&company, &calendars, &self.texts).await?;
        let mut good = self.first_copy(&company, &desk).await?;
        good &= self.crossing(&company, &desk).await?;
        good &= self.killed(&company, &desk).await?;
        good &= self.verified(&company, &desk).await?;
        good &= self.calendars(&calendars, &desk).await?;
        let key = if good { "demo-good" } else { "demo-bad" };
        let (messages, _) = company.size(Side::Target);
        let elapsed = Value::Elapsed(self.began.elapsed());
        let events = calendars.size(Side::Target);
        self.say(&Message::new(key).with("elapsed", elapsed).with("messages", messages).with("events", events))?;
        if keep {
            self.say(&kept(&company, &calendars, &desk)?)?;
            stop.asked().await;
        }
        Ok(if good { Exit::Done } else { Exit::Differences })
    }

    /// Copies everything, and throttles Parom when half of it has arrived.
    async fn first_copy(&self, company: &Company, desk: &Desk) -> Result<bool, Failure> {
        self.title("demo-copy")?;
        let began = Instant::now();
        let (_, bytes) = company.size(Side::Source);
        let halfway = company.halt_after(bytes / 2);
        let mut child = Child::start(desk, &self.texts, &["sync", "--all", "--until-settled"])?;
        // Nothing may be said before the end, or it would get between the bars.
        let (throttled_at, code) = tokio::select! {
            Ok(held) = halfway => {
                let (messages, _) = company.size(Side::Target);
                company.throttle(THROTTLE);
                drop(held);
                (Some(messages), child.wait().await?)
            }
            code = child.wait() => (None, code?),
        };
        company.all_clear();
        let refused = company.throttled();
        let throttled = throttled_at.filter(|_| refused > 0);
        let told = match throttled {
            Some(messages) => Message::new("demo-throttled").with("messages", messages),
            None => Message::new("demo-not-throttled"),
        };
        self.say(&told.with("wait", Value::Seconds(THROTTLE.as_secs())).with("count", refused))?;
        let (messages, bytes) = company.size(Side::Target);
        let done = Message::new("demo-copied")
            .with("messages", messages)
            .with("bytes", Value::Bytes(bytes))
            .with("elapsed", Value::Elapsed(began.elapsed()));
        self.say(&done)?;
        let same = self.compare(company)?;
        self.say(&Message::new("demo-parked"))?;
        let parked = Child::start(desk, &self.texts, &["parked"])?.wait().await?;
        Ok(same && throttled.is_some() && code == Some(0) && parked == Some(0))
    }

    async fn crossing(&self, company: &Company, desk: &Desk) -> Result<bool, Failure> {
        self.title("demo-crossing")?;
        let edits = company.edit()?;
        for edit in &edits {
            self.say(&told(edit))?;
        }
        let code = Child::start(desk, &self.texts, &["sync", "--all", "--until-settled"])?.wait().await?;
        let mut good = code == Some(0);
        for edit in &edits {
            let crossed = company.has_crossed(edit);
            good &= crossed;
            let key = if crossed { "demo-crossed" } else { "demo-not-crossed" };
            self.say(&Message::new(key).with("edit", told(edit)))?;
        }
        Ok(self.compare(company)? && good)
    }

    /// Kills Parom at a byte in the middle of a message on its way into the target, and starts it again.
    async fn killed(&self, company: &Company, desk: &Desk) -> Result<bool, Failure> {
        self.title("demo-kill")?;
        let new = company.more_mail()?;
        self.say(&Message::new("demo-more").with("messages", new))?;
        let reached = company.halt_after(company.newest_bytes(new) / 2);
        let mut child = Child::start(desk, &self.texts, &["sync", "--all"])?;
        let killed = tokio::select! {
            Ok(held) = reached => {
                child.kill().await?;
                drop(held);
                true
            }
            _ = child.wait() => false,
        };
        company.all_clear();
        let (messages, _) = company.size(Side::Target);
        let key = if killed { "demo-killed" } else { "demo-not-killed" };
        self.say(&Message::new(key).with("messages", messages))?;
        let code = Child::start(desk, &self.texts, &["sync", "--all", "--until-settled"])?.wait().await?;
        Ok(self.compare(company)? && killed && code == Some(0))
    }

    async fn verified(&self, company: &Company, desk: &Desk) -> Result<bool, Failure> {
        self.title("demo-verify")?;
        let code = Child::start(desk, &self.texts, &["verify"])?.wait().await?;
        Child::start(desk, &self.texts, &["status"])?.wait().await?;
        let before = company.changes();
        let idle = Child::silently(desk, &self.texts, &["sync", "--all"]).await?;
        let untouched = company.changes() == before;
        self.say(&Message::new(if untouched { "demo-idle" } else { "demo-not-idle" }))?;
        Ok(code == Some(0) && idle == Some(0) && untouched)
    }

    /// Carries the calendars of some, lets people plan on both sides, and shows that nobody was written to.
    async fn calendars(&self, calendars: &Calendars, desk: &Desk) -> Result<bool, Failure> {
        self.title("demo-calendars")?;
        let accounts = calendars.accounts();
        let (series, invited) = calendars.kinds();
        let planned = Message::new("demo-planned")
            .with("accounts", accounts.len())
            .with("events", calendars.size(Side::Source))
            .with("series", series)
            .with("invited", invited)
            .with("source", calendars.url(Side::Source))
            .with("target", calendars.url(Side::Target));
        self.say(&planned)?;
        let mut subscribe = vec!["calendar", "subscribe"];
        subscribe.extend(accounts.iter().map(String::as_str));
        let mut good = Child::start(desk, &self.texts, &subscribe)?.wait().await? == Some(0);
        good &= self.compare_calendars(calendars)?;
        for edit in CalendarEdit::ALL {
            calendars.edit(edit)?;
            self.say(&edit.told())?;
        }
        let sync = ["calendar", "sync", "--all"];
        good &= Child::start(desk, &self.texts, &sync)?.wait().await? == Some(0);
        let untouched = self.settled(calendars, desk, &sync).await?;
        for edit in CalendarEdit::ALL {
            let crossed = calendars.has_crossed(edit);
            good &= crossed;
            let key = if crossed { "demo-crossed" } else { "demo-not-crossed" };
            self.say(&Message::new(key).with("edit", edit.told()))?;
        }
        self.say(&Message::new(if untouched { "demo-idle" } else { "demo-not-idle" }))?;
        good &= untouched;
        good &= self.compare_calendars(calendars)?;
        good &= Child::start(desk, &self.texts, &["calendar", "verify"])?.wait().await? == Some(0);
        let letters = calendars.letters();
        let key = if letters == 0 { "demo-nobody-written-to" } else { "demo-written-to" };
        self.say(&Message::new(key).with("count", letters).with("invited", calendars.kinds().1))?;
        Ok(good && letters == 0)
    }

    /// Runs until everything has crossed and a run writes nothing any more: what is deleted is believed gone after a second
    /// look only. Says whether it came to that.
    async fn settled(&self, calendars: &Calendars, desk: &Desk, sync: &[&str]) -> Result<bool, Failure> {
        let began = Instant::now();
        loop {
            let before = calendars.writes();
            let code = Child::silently(desk, &self.texts, sync).await?;
            let untouched =
                calendars.writes() == before && CalendarEdit::ALL.iter().all(|it| calendars.has_crossed(*it));
            if code != Some(0) || untouched || began.elapsed() > PATIENCE {
                return Ok(untouched && code == Some(0));
            }
        }
    }

    fn compare_calendars(&self, calendars: &Calendars) -> Result<bool, Failure> {
        let compared = calendars.compare();
        let key = if compared.differences == 0 { "demo-events-same" } else { "demo-events-different" };
        self.say(&Message::new(key).with("events", compared.equal).with("count", compared.differences))?;
        Ok(compared.differences == 0 && compared.equal > 0)
    }

    /// Compares what the servers hold, without Parom and without IMAP. One message, no more and no less, cannot be shown.
    fn compare(&self, company: &Company) -> Result<bool, Failure> {
        let compared = company.compare();
        let good = compared.differences == 0 && compared.unshown == 1;
        let message = Message::new(if good { "demo-same" } else { "demo-different" });
        let message = message.with("messages", compared.equal).with("count", compared.differences);
        self.say(&message.with("unshown", compared.unshown))?;
        Ok(good)
    }

    fn title(&self, key: &str) -> Result<(), Failure> {
        output::print(&format!("\n== {}\n", self.texts.text(key)))
    }

    fn say(&self, message: &Message) -> Result<(), Failure> {
        output::print(&format!("{}\n", self.texts.say(message)))
    }
}

fn told(edit: &Edit) -> Message {
    let key = match edit.side() {
        Side::Source => "side-source",
        Side::Target => "side-target",
    };
    Message::new(edit.key()).with("side", Message::new(key)).with("account", edit.account())
}

/// How to sign in to the servers that go on running, and how to try Parom with them.
fn kept(company: &Company, calendars: &Calendars, desk: &Desk) -> Result<Message, Failure> {
    let name = company.accounts().first().copied().unwrap_or_default();
    let parom = std::env::current_exe().map_err(failed)?;
    let command = format!("{} --config {}", parom.display(), desk.config().display());
    Ok(Message::new("demo-kept")
        .with("source", company.addr(Side::Source).to_string())
        .with("target", company.addr(Side::Target).to_string())
        .with("name", name)
        .with("password", password(name))
        .with("account", address(name))
        .with("ews", calendars.url(Side::Source))
        .with("caldav", calendars.url(Side::Target))
        .with("parom", command))
}

/// What went wrong with the stage itself.
fn failed(detail: impl ToString) -> Failure {
    Failure::new(Exit::Internal, Message::new("demo-failed").with("detail", detail.to_string()))
}
