//! Where a person's calendars are (RFC 6764, RFC 5397, RFC 4791 section 6.2.1), and which there are.

use crate::agenda::{CalDavAgenda, Facts};
use crate::classify::Asked;
use crate::href;
use crate::multistatus::{Member, Multistatus};
use crate::quirks::{Quirks, Signs};
use crate::request::{Depth, Features, Properties, options, propfind};
use crate::silence::{Watch, plain};
use crate::xml::{Broken, Element, Ns};
use parom_domain::agenda::{AgendaAbilities, CalendarId, CalendarSeen, Token};
use parom_domain::{Code, Error, Result, Retry, Scope};
use parom_net::http::{Head, Url};
use std::collections::BTreeMap;

/// What holds for all calendars of a person.
#[derive(Clone, Debug)]
pub struct Way {
    /// Collections in which calendars are.
    pub homes: Vec<String>,
    /// Where invitations come in.
    inbox: Option<String>,
    pub quirks: Quirks,
    pub watch: Watch,
}

impl CalDavAgenda {
    pub(crate) async fn discover(&self) -> Result<Way> {
        let start = self.settings.start_of(&self.dav.owner);
        let (mut url, mut member) = match self.itself(&start).await {
            // Who has no well-known place may still know the way at the root.
            Err(error) if self.settings.start.is_empty() && tells_of_no_place(&error) => self.itself("/").await?,
            other => other?,
        };
        let mut homes = self.places(&url, &member, "calendar-home-set");
        if homes.is_empty() && !self.settings.names_owner() && !is_calendar(&member) {
            let principal = member.property(Ns::Dav, "current-user-principal");
            if principal.is_some_and(|it| it.has(Ns::Dav, "unauthenticated")) {
                return Err(Error::new(Code::SignInRefused, Scope::Credential, Retry::WhenFixed)
                    .with("host", &self.dav.host)
                    .with("login", &self.dav.owner)
                    .with("answer", "the server took nobody for the one who asks"));
            }
            let principal = principal.and_then(|it| self.hrefs(&url, it).into_iter().next());
            if let Some(principal) = principal {
                (url, member) = self.itself(&principal).await?;
                homes = self.places(&url, &member, "calendar-home-set");
            }
            if homes.is_empty() && self.settings.start.is_empty() {
                return Err(Error::new(Code::MailboxMissing, Scope::Account, Retry::WhenFixed)
                    .with("host", &self.dav.host)
                    .with("login", &self.dav.owner)
                    .with("answer", "the server tells no calendar home"));
            }
        }
        if homes.is_empty() {
            homes.extend(href::place(&self.dav.client.origin(), &url, &url.path));
        }
        let homes: Vec<String> = homes.into_iter().map(href::collection).collect();
        let first = homes.first().cloned().unwrap_or_default();
        let features = options(&self.dav, &first).await?;
        let quirks = self.quirks(&first, &features);
        let mut addresses = addresses_of(&member);
        // A calendar home does not tell them on SOGo. Whose it is does (RFC 3744 section 5.1).
        let owner = member.property(Ns::Dav, "owner").and_then(|it| self.hrefs(&url, it).into_iter().next());
        if let Some(owner) = owner.filter(|_| addresses.is_empty()) {
            match self.itself(&owner).await {
                Ok((_, owner)) => addresses = addresses_of(&owner),
                Err(error) if tells_of_no_place(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let watch = Watch {
            schedules: features.has("calendar-auto-schedule") || features.has("calendar-schedule"),
            silence: quirks.silence,
            mails_answers: quirks.mails_answers,
            addresses,
        };
        let inbox = self.places(&url, &member, "schedule-inbox-URL").into_iter().next();
        tracing::debug!(host = self.dav.host, product = quirks.product.as_str(), "found the calendar home");
        Ok(Way { homes, inbox, quirks, watch })
    }

    fn quirks(&self, home: &str, features: &Features) -> Quirks {
        self.settings.overrides.quirks(&Signs {
            host: &self.dav.host,
            path: home,
            server: &features.server,
            dav: &features.dav,
            sabre: features.sabre,
            davical: features.davical,
        })
    }

    /// The properties of one resource, and where it was in the end.
    async fn itself(&self, at: &str) -> Result<(Url, Member)> {
        let (head, all) = propfind(&self.dav, Asked::Home, at, Depth::Itself, Properties::WAY).await?;
        let member = self.own(&head, all).ok_or_else(|| self.dav.unexpected(Asked::Home, Broken("an empty list")))?;
        Ok((head.url, member))
    }

    /// What an answer of depth 0 says about the resource that was asked.
    pub(crate) fn own(&self, head: &Head, all: Multistatus) -> Option<Member> {
        let origin = self.dav.client.origin();
        let own = href::place(&origin, &head.url, &head.url.path).map(href::collection);
        let mut members = all.members;
        let at = members.iter().position(|it| href::place(&origin, &head.url, &it.href).map(href::collection) == own);
        // Some servers call it by another name; there is only one.
        if members.is_empty() { None } else { Some(members.swap_remove(at.unwrap_or(0))) }
    }

    fn places(&self, at: &Url, member: &Member, property: &str) -> Vec<String> {
        member.property(Ns::CalDav, property).map(|it| self.hrefs(at, it)).unwrap_or_default()
    }

    fn hrefs(&self, at: &Url, property: &Element) -> Vec<String> {
        let origin = self.dav.client.origin();
        property.all(Ns::Dav, "href").filter_map(|it| href::place(&origin, at, it.trimmed())).collect()
    }

    /// All calendars of the person that hold events.
    pub(crate) async fn list(&self) -> Result<(Vec<CalendarSeen>, AgendaAbilities)> {
        let way = self.way().await?;
        let mut calendars: Vec<CalendarSeen> = Vec::new();
        let mut abilities = AgendaAbilities {
            makes_calendars: way.quirks.makes_calendars,
            // Moves are told apart from copies by nobody yet.
            moves: false,
            tells_changes: false,
            batch_items: way.quirks.batch_items,
            max_bytes: None,
            unique_uids: way.quirks.unique_uids,
            writes_in_steps: false,
        };
        let mut marks = Marks::default();
        for home in &way.homes {
            let members = self.members(home).await.inspect_err(|_| self.forget_way())?;
            for (id, member) in members {
                if &*id.0 == home.as_str() {
                    abilities.makes_calendars &= may_write(&member);
                }
                if !is_calendar(&member) || !is_own(&member) || !holds_events(&member) {
                    continue;
                }
                marks.add(&id, &member, &way.quirks);
                let facts = facts(&id, &member);
                abilities.tells_changes |= facts.offers_sync && way.quirks.sync_tokens;
                let smallest = abilities.max_bytes.into_iter().chain(facts.max_bytes).min();
                abilities.max_bytes = smallest;
                let seen =
                    CalendarSeen { id, name: facts.name.clone(), is_default: false, writable: may_write(&member) };
                self.learn(&seen.id, facts);
                calendars.push(seen);
            }
        }
        self.learn_sign(marks.sign());
        calendars.sort_by(|one, two| one.id.cmp(&two.id));
        calendars.dedup_by(|one, two| one.id == two.id);
        let default = self.default_of(&way, &calendars).await?;
        for calendar in &mut calendars {
            calendar.is_default = Some(&calendar.id) == default.as_ref();
        }
        Ok((calendars, abilities))
    }

    /// Everything in a home, the home itself included.
    async fn members(&self, home: &str) -> Result<Vec<(CalendarId, Member)>> {
        let (head, all) = propfind(&self.dav, Asked::Home, home, Depth::Members, Properties::CALENDAR).await?;
        // The home is in its own listing; what lacks even that is no listing.
        if all.members.is_empty() {
            return Err(self.dav.unexpected(Asked::Home, Broken("an empty list")));
        }
        let origin = self.dav.client.origin();
        let mut members = Vec::new();
        for member in all.members {
            // A calendar whose properties only did not come this time must not look as if it were gone.
            if member.is_troubled() || member.status == Some(507) {
                return Err(self.dav.unexpected(Asked::Home, Broken("a list that is not complete")));
            }
            if let Some(place) = href::place(&origin, &head.url, &member.href) {
                members.push((CalendarId(href::collection(place).into()), member));
            }
        }
        Ok(members)
    }

    /// The calendar into which the server puts invitations (RFC 6638 section 9.2); where it does not tell, the one whose name
    /// says so, else the first.
    async fn default_of(&self, way: &Way, calendars: &[CalendarSeen]) -> Result<Option<CalendarId>> {
        if let Some(inbox) = &way.inbox {
            match propfind(&self.dav, Asked::Home, inbox, Depth::Itself, Properties::INBOX).await {
                Ok((head, all)) => {
                    let member = self.own(&head, all).unwrap_or_default();
                    let told = self.places(&head.url, &member, "schedule-default-calendar-URL").into_iter().next();
                    let told = told.map(|place| CalendarId(href::collection(place).into()));
                    if let Some(told) = told.filter(|told| calendars.iter().any(|it| it.id == *told)) {
                        return Ok(Some(told));
                    }
                }
                // An inbox that cannot be seen tells nothing; a server that is down must not change the default.
                Err(error) if matches!(error.code(), Code::ImpersonationDenied | Code::MailboxMissing) => {}
                Err(error) => return Err(error),
            }
        }
        let usual = ["default", "calendar", "personal", "events", "home"];
        let named = usual
            .iter()
            .find_map(|name| calendars.iter().find(|it| it.writable && href::last(&it.id.0).to_lowercase() == *name));
        let first = || calendars.iter().find(|it| it.writable).or(calendars.first());
        Ok(named.or_else(first).map(|it| it.id.clone()))
    }

    /// What is known of a calendar, asked for if need be.
    pub(crate) async fn facts(&self, calendar: &CalendarId) -> Result<Facts> {
        if let Some(facts) = self.facts_at_hand(calendar) {
            return Ok(facts);
        }
        let (head, all) = propfind(&self.dav, Asked::Look, &calendar.0, Depth::Itself, Properties::CALENDAR).await?;
        let member = self.own(&head, all).ok_or_else(|| self.dav.unexpected(Asked::Look, Broken("an empty list")))?;
        let facts = facts(calendar, &member);
        self.learn(calendar, facts.clone());
        Ok(facts)
    }
}

/// Where each calendar of a listing stands: one look at all of them that shows whether anything has changed.
#[derive(Default)]
struct Marks {
    all: BTreeMap<CalendarId, String>,
    /// One of them does not tell.
    is_blind: bool,
}

impl Marks {
    fn add(&mut self, id: &CalendarId, member: &Member, quirks: &Quirks) {
        let token = member.text(Ns::Dav, "sync-token").filter(|_| quirks.sync_tokens);
        let ctag = member.text(Ns::CalendarServer, "getctag").filter(|_| quirks.ctags);
        self.is_blind |= token.or(ctag).is_none();
        self.all.insert(id.clone(), format!("{}\n{}", token.unwrap_or_default(), ctag.unwrap_or_default()));
    }

    /// `None` where nothing can be concluded from its being the same.
    fn sign(&self) -> Option<Token> {
        let mut hash = blake3::Hasher::new();
        for (id, mark) in &self.all {
            hash.update(format!("{}\n{mark}\n", id.0).as_bytes());
        }
        (!self.is_blind).then(|| Token(hash.finalize().to_hex().as_str().into()))
    }
}

/// The addresses of a calendars' owner (RFC 6638 section 2.4.1), as they are compared.
fn addresses_of(member: &Member) -> Vec<String> {
    let set = member.property(Ns::CalDav, "calendar-user-address-set");
    let all = set.into_iter().flat_map(|set| set.all(Ns::Dav, "href"));
    all.map(|it| plain(&it.text)).filter(|it| it.contains('@')).collect()
}

fn tells_of_no_place(error: &Error) -> bool {
    matches!(error.code(), Code::MailboxMissing | Code::ImpersonationDenied | Code::AnswerUnexpected)
}

fn facts(id: &CalendarId, member: &Member) -> Facts {
    let reports = member.property(Ns::Dav, "supported-report-set");
    let reports = reports.into_iter().flat_map(|set| set.all(Ns::Dav, "supported-report"));
    let offers = reports.flat_map(|it| it.all(Ns::Dav, "report")).any(|it| it.has(Ns::Dav, "sync-collection"));
    Facts {
        name: member.text(Ns::Dav, "displayname").map_or_else(|| href::last(&id.0), str::to_owned),
        // RFC 6578 section 4: who has a token has the report, whether it is in the set or not.
        offers_sync: offers || member.text(Ns::Dav, "sync-token").is_some(),
        max_bytes: member.text(Ns::CalDav, "max-resource-size").and_then(|bytes| bytes.parse().ok()),
    }
}

pub fn is_calendar(member: &Member) -> bool {
    member.property(Ns::Dav, "resourcetype").is_some_and(|kind| kind.has(Ns::CalDav, "calendar"))
}

/// Somebody else's that was shared, or one that is fetched from elsewhere, is carried with its own owner or not at all.
fn is_own(member: &Member) -> bool {
    let kind = member.property(Ns::Dav, "resourcetype");
    !kind.is_some_and(|kind| kind.has(Ns::CalendarServer, "shared") || kind.has(Ns::CalendarServer, "subscribed"))
}

fn holds_events(member: &Member) -> bool {
    let Some(set) = member.property(Ns::CalDav, "supported-calendar-component-set") else { return true };
    let mut components = set.all(Ns::CalDav, "comp").filter_map(|it| it.attribute("name")).peekable();
    components.peek().is_none() || components.any(|name| name.eq_ignore_ascii_case("VEVENT"))
}

/// RFC 3744 section 5.4; who does not tell allows it.
fn may_write(member: &Member) -> bool {
    let Some(set) = member.property(Ns::Dav, "current-user-privilege-set") else { return true };
    let mut names = set.all(Ns::Dav, "privilege").flat_map(|it| &it.children).map(|it| it.name.as_str());
    names.any(|name| matches!(name, "all" | "write" | "bind" | "write-content"))
}
