//! From an HTTP request to its answer: who asks, as whom, may they, and which operation.

use super::gate::{Gate, SignIns, Visitor};
use super::http::{Body, Reply, Request};
use super::schema;
use super::soap::{self, Fault, Heard, Impersonation, Refusal, fault, refuse};
use super::store::{State, no_folder, no_item};
use super::version::Level;
use super::xml::Element;
use super::zones::Zone;
use super::{Exchange, Reaction, autodiscover, op};
use crate::ews::ids::{self, Id};
use crate::exchange::Ledger;
use crate::gauge::Gauge;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use tokio::time::Instant;

pub struct Site {
    state: Mutex<State>,
    ledger: Mutex<Ledger>,
    scripts: Mutex<VecDeque<(String, Reaction)>>,
    recorded: Mutex<Option<Vec<Exchange>>>,
    gate: Mutex<Gate>,
    sign_ins: Mutex<SignIns>,
    #[cfg(feature = "ntlm")]
    challenges: std::sync::atomic::AtomicU64,
    /// Open streams of each account.
    pub streams: Mutex<BTreeMap<String, usize>>,
    pub bell: watch::Sender<u64>,
    /// Cuts the streams that are open.
    pub scissors: watch::Sender<u64>,
    pub gauge: Gauge,
}

/// What the cookie says by which a client comes to the same server again.
const AFFINITY: &str = "lab-1";

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn now_s() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0))
}

/// One operation while it runs.
pub struct Call<'a> {
    pub state: &'a mut State,
    pub operation: String,
    /// Whose mailbox the caller works in, if any.
    pub mailbox: Option<u32>,
    /// Who signed in may open every mailbox.
    pub has_full_access: bool,
    pub level: Level,
    pub zone: Zone,
    pub now_s: i64,
    /// The batch stops after so many.
    pub stops_after: Option<usize>,
}

impl Site {
    pub fn new(state: State) -> Site {
        Site {
            state: Mutex::new(state),
            ledger: Mutex::default(),
            scripts: Mutex::default(),
            recorded: Mutex::default(),
            gate: Mutex::default(),
            sign_ins: Mutex::default(),
            #[cfg(feature = "ntlm")]
            challenges: std::sync::atomic::AtomicU64::new(1),
            streams: Mutex::default(),
            bell: watch::Sender::new(0),
            scissors: watch::Sender::new(0),
            gauge: Gauge::default(),
        }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Wakes whoever streams.
    pub fn ring(&self) {
        self.bell.send_modify(|count| *count += 1);
    }

    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    pub fn scripts(&self) -> MutexGuard<'_, VecDeque<(String, Reaction)>> {
        lock(&self.scripts)
    }

    pub fn recorded(&self) -> MutexGuard<'_, Option<Vec<Exchange>>> {
        lock(&self.recorded)
    }

    pub fn gate(&self) -> MutexGuard<'_, Gate> {
        lock(&self.gate)
    }

    pub fn sign_ins(&self) -> MutexGuard<'_, SignIns> {
        lock(&self.sign_ins)
    }

    /// A challenge that no other connection was given. A real one cannot be foreseen; here nobody tries.
    #[cfg(feature = "ntlm")]
    pub fn nonce(&self) -> [u8; 8] {
        let count = self.challenges.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        count.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes()
    }

    pub async fn answer(self: Arc<Self>, request: Request, visitor: Arc<Visitor>) -> Reply {
        let path = request.path.split('?').next().unwrap_or_default();
        let discovers = autodiscover::is_asked(path);
        if !discovers && !path.eq_ignore_ascii_case("/ews/exchange.asmx") {
            return Reply::new(404, "The resource cannot be found.".to_owned());
        }
        let account = match self.admit(&request, &visitor) {
            Ok(account) => account,
            Err(refusal) => return refusal,
        };
        if discovers {
            *self.state().calls.entry("Autodiscover".to_owned()).or_default() += 1;
            return autodiscover::answer(&self, &request, path);
        }
        if request.method != "POST" {
            return Reply::new(200, "<html><body>Service</body></html>".to_owned()).header("Content-Type", "text/html");
        }
        let document = String::from_utf8_lossy(&request.body).into_owned();
        let document = document.trim_start_matches('\u{feff}');
        let (version, wants_affinity) = {
            let state = self.state();
            (state.version, state.switches.wants_affinity)
        };
        let goes_astray = |heard: &Heard| {
            let is_bound = matches!(heard.operation.name.as_str(), "GetStreamingEvents" | "GetEvents");
            wants_affinity && is_bound && !request.header("cookie").is_some_and(|all| all.contains(AFFINITY))
        };
        let mut reply = match soap::read(document, version) {
            Ok(heard) if goes_astray(&heard) => {
                self.say(document, Err(fault("ErrorProxyRequestNotAllowed", "The subscription is another server's.")))
            }
            Ok(heard) => self.clone().perform(&account, heard, document),
            Err(refused) => self.say(document, Err(refused)),
        };
        if let Some(id) = request.header("client-request-id") {
            reply = reply.header("request-id", id);
            if request.header("return-client-request-id") == Some("true") {
                reply = reply.header("client-request-id", id);
            }
        }
        let cookie =
            if version == crate::exchange::Version::E2010 { "exchangecookie" } else { "X-BackEndOverrideCookie" };
        if request.header("x-preferserveraffinity").is_some() {
            reply = reply.header("Set-Cookie", format!("{cookie}={AFFINITY}; path=/; HttpOnly"));
        }
        reply
    }

    fn perform(self: Arc<Self>, account: &str, heard: Heard, document: &str) -> Reply {
        let operation = heard.operation.name.clone();
        *self.state().calls.entry(operation.clone()).or_default() += 1;
        if let Some(backoff_ms) = self.busy(account) {
            return self.say(document, Err(server_busy(backoff_ms)));
        }
        let scripted = {
            let mut scripts = self.scripts();
            let at = scripts.iter().position(|(name, _)| *name == operation);
            at.and_then(|at| scripts.remove(at)).map(|(_, reaction)| reaction)
        };
        let (mut stops_after, mut loses_answer) = (None, false);
        match scripted {
            Some(Reaction::Busy { backoff_ms }) => return self.say(document, Err(server_busy(backoff_ms))),
            Some(Reaction::Fault(code)) => return self.say(document, Err(fault(code, "The request was refused."))),
            Some(Reaction::Status(status)) => {
                return Reply::new(status, "<html>Error</html>".to_owned()).header("Retry-After", 1);
            }
            Some(Reaction::Broken) => return Reply { status: 200, headers: Vec::new(), body: Body::Broken },
            Some(Reaction::BrokenAfter) => loses_answer = true,
            Some(Reaction::StopBatchAfter(count)) => stops_after = Some(count),
            None => {}
        }
        let result = self.in_person(account, heard.impersonation.as_ref()).and_then(|(mailbox, has_full_access)| {
            let level = heard.level;
            schema::check(&heard.operation, level)?;
            let (version, switches) = {
                let state = self.state();
                (state.version, state.switches)
            };
            schema::check_version(&heard.operation, version, switches.refuses_unknown_paths_whole)?;
            if operation == "GetStreamingEvents" {
                return op::subscribe::stream(&self, &heard.operation, account, document);
            }
            let mut state = self.state();
            let mut call = Call {
                state: &mut state,
                operation: operation.clone(),
                mailbox,
                has_full_access,
                level,
                zone: heard.zone,
                now_s: now_s(),
                stops_after,
            };
            op::run(&mut call, &heard.operation).map(Answer::Whole)
        });
        self.ring();
        if loses_answer {
            return Reply { status: 200, headers: Vec::new(), body: Body::Broken };
        }
        match result {
            Ok(Answer::Whole(body)) => self.say(document, Ok(body)),
            Ok(Answer::Stream(chunks)) => xml(Reply { status: 200, headers: Vec::new(), body: Body::Stream(chunks) }),
            Err(refused) => self.say(document, Err(refused)),
        }
    }

    fn busy(&self, account: &str) -> Option<u64> {
        let budget = self.state().switches.budget;
        let (mut ledger, now) = (self.ledger(), Instant::now());
        if let Some(backoff_ms) = ledger.backoff_ms(account, now) {
            return Some(backoff_ms);
        }
        if let Some(budget) = budget {
            ledger.charge(account, &budget, budget.command_ms, now);
        }
        None
    }

    /// Whose mailbox is meant, and whether all others are open too.
    fn in_person(&self, account: &str, wanted: Option<&Impersonation>) -> Result<(Option<u32>, bool), Fault> {
        let state = self.state();
        let service = state.service.as_ref().filter(|service| service.address == account);
        let full = service.is_some_and(|service| service.has_full_access);
        let Some(wanted) = wanted else {
            return Ok((state.at(account).map(|mailbox| mailbox.number), full));
        };
        let nobody = || fault("ErrorNonExistentMailbox", "No mailbox with such guid or SMTP address exists.");
        let mailbox = state.at(&wanted.name).ok_or_else(nobody)?;
        let is_primary = mailbox.user.address.eq_ignore_ascii_case(&wanted.name);
        if wanted.kind == "SID" {
            return Err(fault("ErrorInvalidSid", "The SID is invalid."));
        }
        if !is_primary && wanted.kind == "PrimarySmtpAddress" {
            let text = "The SMTP address for the mailbox isn't the primary one.";
            return Err(fault("ErrorNonPrimarySmtpAddress", text).with("Primary", &mailbox.user.address));
        }
        let is_denied = state.denied.iter().any(|address| mailbox.user.has(address));
        if (service.is_none() && account != mailbox.user.address) || is_denied {
            let text = "The account does not have permission to impersonate the requested user.";
            return Err(fault("ErrorImpersonateUserDenied", text));
        }
        if mailbox.user.has_no_mailbox {
            return Err(nobody());
        }
        Ok((Some(mailbox.number), false))
    }

    fn say(&self, request: &str, body: Result<Element, Fault>) -> Reply {
        let version = self.state().version;
        let (status, body) = match body {
            Ok(body) => (200, body),
            Err(refused) => (500, refused.body()),
        };
        let response = soap::envelope(version, body).document();
        self.keep(request, &response);
        xml(Reply::new(status, response))
    }

    /// Records what was said, if anybody wants it.
    pub fn keep(&self, request: &str, response: &str) {
        if let Some(recorded) = self.recorded().as_mut() {
            recorded.push(Exchange { request: request.to_owned(), response: response.to_owned() });
        }
    }
}

fn xml(reply: Reply) -> Reply {
    reply
        .header("Content-Type", "text/xml; charset=utf-8")
        .header("X-FEServer", "LAB")
        .header("Server", "Microsoft-IIS/8.5")
}

pub enum Answer {
    Whole(Element),
    Stream(tokio::sync::mpsc::Receiver<String>),
}

pub fn server_busy(backoff_ms: u64) -> Fault {
    let text = "The server cannot service this request right now. Try again later.";
    fault("ErrorServerBusy", text).with("BackOffMilliseconds", backoff_ms)
}

/// An item that a request names, or one occurrence of it.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    pub mailbox: u32,
    pub number: u64,
    /// The local day of an occurrence.
    pub day: Option<i64>,
    /// The change key that was given.
    pub change: Option<u64>,
}

impl Call<'_> {
    pub fn may_open(&self, mailbox: u32) -> bool {
        self.has_full_access || self.mailbox == Some(mailbox)
    }

    /// `FolderId` or `DistinguishedFolderId`.
    pub fn folder(&self, element: &Element) -> Result<(u32, u64), Refusal> {
        let id = element.attribute("Id").unwrap_or_default();
        if element.name == "FolderId" {
            let broken = || refuse("ErrorInvalidIdMalformed", "Id is malformed.");
            let (mailbox, Id::Folder(number)) = Id::read(id).ok_or_else(broken)? else { return Err(broken()) };
            let known = self.state.mailbox(mailbox).filter(|_| self.may_open(mailbox)).ok_or_else(no_folder)?;
            known.folders.get(&number).ok_or_else(no_folder)?;
            return Ok((mailbox, number));
        }
        let number = match element.child("Mailbox").and_then(|mailbox| mailbox.text_of("EmailAddress")) {
            Some(address) => {
                let nobody = || refuse("ErrorNonExistentMailbox", "The SMTP address has no mailbox associated with it.");
                let mailbox = self.state.at(address.trim()).filter(|mailbox| !mailbox.user.has_no_mailbox);
                let mailbox = mailbox.ok_or_else(nobody)?;
                if !self.may_open(mailbox.number) {
                    return Err(refuse("ErrorAccessDenied", "Access is denied. Check credentials and try again."));
                }
                mailbox.number
            }
            None => self.mailbox.ok_or_else(|| {
                let text = "When making a request as an account that does not have a mailbox, you must specify the mailbox \
                            primary SMTP address for any distinguished folder Ids.";
                refuse("ErrorMissingEmailAddress", text)
            })?,
        };
        let mailbox = self.state.mailbox(number).ok_or_else(no_folder)?;
        mailbox.standard(id).map(|folder| (number, folder.number)).ok_or_else(no_folder)
    }

    /// The primary address of a mailbox that the caller may open.
    pub fn address_of(&self, mailbox: u32) -> Result<String, Refusal> {
        let known = self.state.mailbox(mailbox).filter(|_| self.may_open(mailbox)).ok_or_else(no_item)?;
        Ok(known.user.address.clone())
    }

    /// `ItemId`, `OccurrenceItemId` or `RecurringMasterItemId`; it is there, and the occurrence is too.
    pub fn item(&self, element: &Element) -> Result<Named, Refusal> {
        let broken = || refuse("ErrorInvalidIdMalformed", "Id is malformed.");
        let attribute = match element.name.as_str() {
            "OccurrenceItemId" => "RecurringMasterId",
            "RecurringMasterItemId" => "OccurrenceId",
            _ => "Id",
        };
        let (mailbox, id) = Id::read(element.attribute(attribute).unwrap_or_default()).ok_or_else(broken)?;
        if !self.may_open(mailbox) {
            return Err(no_item());
        }
        let (number, day) = match id {
            Id::Item(number) => (number, None),
            Id::Occurrence(number, day) => (number, Some(day)),
            Id::Folder(_) | Id::Attachment(_) => {
                return Err(refuse("ErrorCannotUseFolderIdForItemId", "Id must be an item's."));
            }
        };
        let item = self.state.item(mailbox, number).ok_or_else(no_item)?;
        let change = match element.attribute("ChangeKey") {
            None | Some("") => None,
            Some(text) => {
                let invalid = || refuse("ErrorInvalidChangeKey", "The change key is invalid.");
                Some(ids::read_change_key(text).ok_or_else(invalid)?)
            }
        };
        let named = |day: Option<i64>| Named { mailbox, number, day, change };
        match element.name.as_str() {
            "OccurrenceItemId" => {
                let not_series = || {
                    refuse("ErrorCalendarCannotUseIdForOccurrenceId", "The Id can't be used as a recurring master's.")
                };
                if day.is_some() || item.series.is_none() {
                    return Err(not_series());
                }
                let out_of_range = || {
                    let text = "Occurrence index is out of recurrence range.";
                    refuse("ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange", text)
                };
                let index = element.attribute("InstanceIndex").and_then(|index| index.trim().parse::<usize>().ok());
                let index = index.filter(|index| *index > 0).ok_or_else(out_of_range)?;
                let occurrence = item.occurrences().nth(index - 1).ok_or_else(out_of_range)?;
                if occurrence.is_deleted {
                    return Err(is_deleted());
                }
                Ok(named(Some(occurrence.day)))
            }
            "RecurringMasterItemId" => {
                let text = "The Id can't be used as an occurrence's.";
                day.ok_or_else(|| refuse("ErrorCalendarCannotUseIdForRecurringMasterId", text))?;
                Ok(named(None))
            }
            _ => match day {
                Some(day) if item.occurrence(day).is_none() => Err(is_deleted()),
                day => Ok(named(day)),
            },
        }
    }

    /// Performs each of a batch, until it stops.
    pub fn each(
        &mut self,
        batch: &[Element],
        mut perform: impl FnMut(&mut Self, &Element) -> Result<Element, Refusal>,
    ) -> Element {
        let operation = self.operation.clone();
        let mut messages = Vec::new();
        for (at, element) in batch.iter().enumerate() {
            if self.stops_after.is_some_and(|count| at >= count) {
                let text = "The batch was stopped because of an earlier error.";
                let mut message = refuse("ErrorBatchProcessingStopped", text).message(&operation);
                message.attributes = vec![("ResponseClass".to_owned(), "Warning".to_owned())];
                messages.push(message);
                continue;
            }
            messages.push(perform(self, element).unwrap_or_else(|refused| refused.message(&operation)));
        }
        soap::response(&operation, messages)
    }
}

fn is_deleted() -> Refusal {
    let text = "Occurrence with this index was previously deleted from the recurrence.";
    refuse("ErrorCalendarOccurrenceIsDeletedFromRecurrence", text)
}
