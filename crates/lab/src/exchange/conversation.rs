//! One connection to Exchange: every question of the protocol engine, and the quirk that answers it.

use super::folders::{self, TRASH};
use super::logins::{self, Verdict};
use super::quirks::{CopyUid, Denial};
use super::sight::{self, Sight};
use super::site::{Counters, Site};
use super::{acceptance, receipts, substitute, words};
use crate::server::Lab;
use crate::server::dates;
use crate::server::manners::{Asked, Claim, Limits, Manners, Opening, Reply, Shown, Sought, Spoken, Storing};
use crate::server::session::{Answer, Failure, Slot, User};
use crate::server::store::{Flags, Folder, Message, Refused, Store};
use parom_domain::FolderPath;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::time::Instant;

pub(super) struct Conversation {
    site: Arc<Site>,
    /// The back end's, when it was called directly.
    database: Option<String>,
    guest: Option<Guest>,
    /// Signed in, and connected to no mailbox (row 37).
    in_limbo: bool,
    refusals: u32,
    #[cfg(feature = "ntlm")]
    challenge: Option<super::ntlm::Challenge>,
    /// What is above came in while the folder was open (row 10).
    last_uid_at_opening: u32,
}

/// Who has signed in, by alias.
struct Guest {
    principal: String,
    /// Whose budget is used.
    account: String,
    /// How often the mailbox had moved then.
    moves: u64,
}

impl Conversation {
    pub fn new(site: Arc<Site>, database: Option<String>) -> Conversation {
        Conversation {
            site,
            database,
            guest: None,
            in_limbo: false,
            refusals: 0,
            #[cfg(feature = "ntlm")]
            challenge: None,
            last_uid_at_opening: u32::MAX,
        }
    }

    fn denied(&mut self, denial: Denial, claim: &Claim) -> Result<Option<User>, Failure> {
        Counters::add(&self.site.counters.refused_sign_ins);
        match denial {
            Denial::LoginFailed => Err(words::sign_in_failed(claim.mechanism)),
            Denial::ServerUnavailable => Err(Failure::No(words::UNAVAILABLE.to_owned())),
            Denial::NotConnected => {
                self.in_limbo = true;
                Ok(None)
            }
        }
    }

    fn note(&self, found: impl IntoIterator<Item = receipts::Receipt>) {
        if !self.site.quirks().suppress_read_receipts {
            self.site.receipts().extend(found);
        }
    }

    fn principal(&self) -> &str {
        self.guest.as_ref().map_or("", |guest| &guest.principal)
    }
}

impl Manners for Conversation {
    fn greeting(&self, _: &str) -> String {
        let host = self.database.as_deref().unwrap_or("cas1").to_lowercase();
        self.site.version.greeting(self.site.quirks().banner.as_deref(), &format!("{host}.corp.example"))
    }

    fn capability(&self, _: &[String], signed_in: bool) -> String {
        let quirks = self.site.quirks();
        self.site.version.capability(signed_in && quirks.capability_grows, quirks.announces_ntlm, quirks.needs_tls)
    }

    fn id(&self) -> String {
        format!("(\"name\" \"Microsoft.Exchange.Imap4.Imap4Server\" \"version\" \"{}\")", self.site.version.number())
    }

    fn limits(&self) -> Limits {
        let quirks = self.site.quirks();
        let patience = if self.guest.is_some() { quirks.idle_limit } else { quirks.sign_in_limit };
        Limits { command_bytes: quirks.command_bytes.unwrap_or(usize::MAX), patience }
    }

    fn weary(&self) -> String {
        words::WEARY.to_owned()
    }

    fn farewell(&self) -> Option<String> {
        (!self.site.quirks().hangs_at_logout).then(|| self.site.version.farewell())
    }

    fn offers(&self, mechanism: &str) -> bool {
        mechanism == "PLAIN" || mechanism == "NTLM" && cfg!(feature = "ntlm") && self.site.quirks().announces_ntlm
    }

    #[cfg(feature = "ntlm")]
    fn challenge(&mut self, negotiate: &[u8]) -> Result<Vec<u8>, Failure> {
        let domain = self.site.directory().domain.clone();
        self.challenge = super::ntlm::Challenge::new(negotiate, &domain, "CAS1", self.site.nonce(), dates::now());
        let message = self.challenge.as_ref().map(|challenge| challenge.message().to_vec());
        message.ok_or_else(|| words::sign_in_failed("NTLM"))
    }

    #[cfg(feature = "ntlm")]
    fn answered(&mut self, lab: &Lab, answer: &[u8]) -> Result<Option<User>, Failure> {
        let failed = || words::sign_in_failed("NTLM");
        let challenge = self.challenge.take().ok_or_else(failed)?;
        let named = super::ntlm::named(answer).ok_or_else(failed)?;
        let protection = self.site.quirks().extended_protection.clone();
        let proves = |known: &str| match challenge.check(answer, known, super::ntlm::Binding::of(&protection)) {
            Ok(()) => true,
            Err(flaw) => {
                tracing::debug!(?flaw, "NTLM was refused");
                false
            }
        };
        let user = named.spelled();
        self.sign_in(lab, &Claim { mechanism: "NTLM", authzid: "", user: &user, proves: &proves })
    }

    fn sign_in(&mut self, _: &Lab, claim: &Claim) -> Result<Option<User>, Failure> {
        let quirks = self.site.quirks().clone();
        if quirks.needs_tls {
            return Err(Failure::Bad(words::INVALID_STATE.to_owned()));
        }
        let verdict = logins::judge(&mut self.site.directory(), &quirks, claim, self.database.as_deref());
        let (principal, delegate) = match verdict {
            Verdict::In { principal, delegate } => (principal, delegate),
            Verdict::Denied(denial) => return self.denied(denial, claim),
        };
        let account = logins::charged(quirks.charged, &delegate, &principal).to_owned();
        if let Some(wait) = self.site.ledger().backoff_ms(&account, Instant::now()) {
            return Err(Failure::Bad(words::throttled(wait)));
        }
        let admitted = {
            let directory = self.site.directory();
            let is_full = quirks.connections.is_some_and(|limit| directory.connections() >= limit);
            let counted = directory.get(&account).map(|member| Arc::clone(&member.connections));
            let slot = counted.filter(|_| !is_full).and_then(|count| {
                let slot = Slot::take(&count, quirks.connections_per_user)?;
                let now = count.load(Ordering::Relaxed) as u64;
                self.site.counters.most_connections.fetch_max(now, Ordering::Relaxed);
                Some(slot)
            });
            let member = directory.get(&principal);
            slot.zip(member).map(|(slot, member)| (User::new(Arc::clone(&member.mailbox), slot), member.moves))
        };
        let Some((user, moves)) = admitted else { return self.denied(quirks.over_the_cap, claim) };
        Counters::add(&self.site.counters.sign_ins);
        self.site.directory().count_sign_in(&delegate, &principal);
        self.guest = Some(Guest { principal, account, moves });
        Ok(Some(user))
    }

    fn before(&mut self, spoken: &Spoken) -> Result<(), Failure> {
        if matches!(spoken.command, "CAPABILITY" | "LOGOUT") {
            return Ok(());
        }
        if self.in_limbo {
            return Err(Failure::Bad(words::NOT_CONNECTED.to_owned()));
        }
        let Some(guest) = &self.guest else { return Ok(()) };
        if let Some(bye) = self.interrupted() {
            return Err(Failure::Bye(bye));
        }
        self.site.charge(&guest.account, 1, 0);
        match self.site.ledger().backoff_ms(&guest.account, Instant::now()) {
            Some(wait) => Err(Failure::Bad(words::throttled(wait))),
            None => Ok(()),
        }
    }

    /// The mailbox has moved to another database.
    fn interrupted(&self) -> Option<String> {
        let guest = self.guest.as_ref()?;
        let moves = self.site.directory().get(&guest.principal).map_or(0, |member| member.moves);
        (moves != guest.moves).then(|| words::CLOSED.to_owned())
    }

    fn after(&mut self, spoken: &Spoken, answer: Answer) -> Reply {
        let failure = match answer {
            Ok(text) => return Reply { answer: Ok(words::completed(spoken, &text)), bye: None },
            Err(failure) => failure,
        };
        let is_missing = matches!(&failure, Failure::No(text) if text.starts_with("[NONEXISTENT"));
        let quirks = self.site.quirks();
        if spoken.command == "STATUS" && is_missing && quirks.missing_status_drops {
            return Reply { answer: Err(Failure::Drop), bye: None };
        }
        let failure = if spoken.scripted { failure } else { words::refused(spoken, failure) };
        let (Failure::No(text) | Failure::Bad(text)) = &failure else {
            return Reply { answer: Err(failure), bye: None };
        };
        self.refusals += 1;
        let is_throttled = text.starts_with("Request is throttled");
        let too_many = quirks.errors_before_bye.is_some_and(|limit| self.refusals >= limit);
        if is_throttled {
            Counters::add(&self.site.counters.throttled);
        } else if too_many {
            Counters::add(&self.site.counters.byes_for_errors);
        }
        let bye = (is_throttled || too_many).then(|| words::CLOSED.to_owned());
        Reply { answer: Err(failure), bye }
    }

    fn resolve(&self, path: FolderPath, store: &Store) -> FolderPath {
        if self.site.quirks().folds_case { folders::ignoring_case(path, store) } else { path }
    }

    fn root(&self, delimiter: &str) -> String {
        format!("(\\Noselect \\HasChildren) \"{delimiter}\" \"\"")
    }

    /// As an atom where it can be one, and as a literal where it has a backslash ([MS-STANXIMAP], LIST).
    fn spelled(&self, quoted: String) -> String {
        let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(&quoted);
        let name = inner.replace("\\\"", "\"").replace("\\\\", "\\");
        let is_atom = |c: char| c.is_ascii_graphic() && !"(){%*\"\\]".contains(c);
        if name.contains('\\') {
            format!("{{{}}}\r\n{name}", name.len())
        } else if !name.is_empty() && name.chars().all(is_atom) {
            name
        } else {
            quoted
        }
    }

    fn lists(&self, path: &FolderPath, folder: Option<&Folder>) -> bool {
        folders::lists(&self.site.quirks(), path, folder)
    }

    fn marks_unread(&self) -> bool {
        true
    }

    fn may_name(&self, path: &FolderPath) -> Result<(), Refused> {
        let quirks = self.site.quirks();
        let is_reserved = quirks.reserved_names.iter().any(|name| name.eq_ignore_ascii_case(path.name()));
        if is_reserved { Err("Folder name is reserved") } else { Ok(()) }
    }

    fn may_open(&self, path: &FolderPath) -> Result<(), Failure> {
        let kills = self.site.quirks().trailing_space_kills && path.name().ends_with(' ');
        if kills { Err(Failure::Drop) } else { Ok(()) }
    }

    fn opening(&mut self, opening: &Opening) -> Vec<String> {
        self.last_uid_at_opening = opening.last_uid;
        let unseen = opening.first_unseen.map(|seq| format!("OK [UNSEEN {seq}] Is the first unseen message"));
        let before = [
            format!("{} EXISTS", opening.exists),
            "0 RECENT".to_owned(),
            "FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)".to_owned(),
            format!("OK [PERMANENTFLAGS {}] Permanent flags", opening.permanent),
        ];
        let after = [
            format!("OK [UIDVALIDITY {}] UIDVALIDITY value", opening.validity),
            format!("OK [UIDNEXT {}] The next unique identifier value", opening.uidnext),
        ];
        before.into_iter().chain(unseen).chain(after).collect()
    }

    fn news(&self, exists: usize) -> Option<String> {
        self.site.quirks().wild_numbers.then(|| format!("{} FETCH (FLAGS ())", exists + 1))
    }

    fn shown(&mut self, message: &Message, asked: &Asked) -> Shown {
        let quirks = self.site.quirks().clone();
        let (bytes, size) = match sight::of(message, asked, &quirks) {
            Sight::Nothing => return Shown::Not,
            Sight::Substitute { size } => {
                Counters::add(&self.site.counters.substitutes);
                (substitute::substitute(message, self.site.version, self.principal()), size)
            }
            Sight::Rendered { bytes, size } => (bytes, size),
        };
        if let Some(guest) = self.guest.as_ref().filter(|_| asked.body) {
            self.site.charge(&guest.account, 0, bytes.len());
        }
        Shown::As { bytes, size }
    }

    fn numbered(&self, seq: usize, uid: u32) -> usize {
        let is_wild = self.site.quirks().wild_numbers && uid > self.last_uid_at_opening;
        if is_wild { seq + 1 } else { seq }
    }

    fn appending(&mut self, message: &mut Message, flags: &[String]) -> Result<Vec<String>, Failure> {
        let quirks = self.site.quirks();
        acceptance::accept(&message.bytes, &quirks)?;
        if quirks.append_date_is_now {
            message.date = dates::now();
        }
        message.notes.flag_is_shallow = quirks.appended_flag_is_shallow && message.flags.has("\\Flagged");
        Ok(warnings(quirks.keyword_warnings, flags))
    }

    fn storing(&mut self, storing: &Storing) -> Result<Vec<String>, Failure> {
        let quirks = self.site.quirks();
        if quirks.silent_store_fails && storing.by_uid && storing.silent && storing.replaces {
            return Err(Failure::Bad(words::ARGUMENT_ERROR.to_owned()));
        }
        Ok(warnings(quirks.keyword_warnings, storing.names))
    }

    fn stored(&mut self, before: &Flags, message: &mut Message, named: &Flags) {
        if named.has("\\Flagged") {
            message.notes.flag_is_shallow = false;
        }
        let receipt = receipts::at_marking(self.principal(), before, message);
        self.note(receipt);
    }

    fn removed(&mut self, gone: &[Message]) {
        self.note(receipts::at_deletion(self.principal(), gone));
    }

    /// Into the deleted items is a deletion to Exchange.
    fn moved(&mut self, moved: &mut [Message], class: &str) {
        if class == TRASH {
            self.note(receipts::at_deletion(self.principal(), moved));
            moved.iter_mut().for_each(|message| message.notes.receipted = true);
        }
    }

    fn may_move(&self) -> Result<(), Failure> {
        let fails = self.site.quirks().move_fails;
        if fails { Err(Failure::Bad(words::ARGUMENT_ERROR.to_owned())) } else { Ok(()) }
    }

    fn copies_at_most(&self) -> usize {
        self.site.quirks().bulk_copy_breaks.unwrap_or(usize::MAX)
    }

    fn copy_code(&self, validity: u32, old: &str, new: &str) -> Option<String> {
        let empty = Some(format!("[COPYUID {validity}  ]"));
        match self.site.quirks().copyuid {
            CopyUid::AlwaysEmpty => empty,
            CopyUid::EmptyForNothing if old.is_empty() => empty,
            _ => (!old.is_empty()).then(|| format!("[COPYUID {validity} {old} {new}]")),
        }
    }

    fn check_updates_index(&self) -> bool {
        true
    }

    fn charsets(&self) -> &'static [&'static str] {
        if self.site.quirks().search_is_narrow { &["US-ASCII"] } else { &["US-ASCII", "UTF-8"] }
    }

    fn searching(&mut self, sought: &Sought) -> Result<(), Failure> {
        let is_strange = |name: &&str| !name.eq_ignore_ascii_case("$MDNSent");
        let refused = self.site.quirks().search_is_narrow && sought.keywords.iter().any(is_strange);
        if refused { Err(Failure::Bad(words::ARGUMENT_ERROR.to_owned())) } else { Ok(()) }
    }

    fn finds_by_header(&self, uid: u32) -> bool {
        !(self.site.quirks().header_search_misses && uid.is_multiple_of(2))
    }
}

/// Row 6.
fn warnings(on: bool, names: &[String]) -> Vec<String> {
    let is_keyword = |name: &&String| !name.starts_with('\\') && !name.eq_ignore_ascii_case("$MDNSent");
    let keywords = names.iter().filter(is_keyword).filter(|_| on);
    keywords.map(|_| words::KEYWORDS.to_owned()).collect()
}
