//! Events, subscriptions, and what each has still to hear ([MS-OXWSNTIF], [MS-OXWSPSNTIF]).

use super::ids::{Id, change_key};
use super::soap::{Refusal, refuse};
use super::store::{Mailbox, State};
use super::time;
use super::xml::{Element, t, tt};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Created,
    Modified,
    Deleted,
    Moved,
    Copied,
}

#[derive(Clone, Debug)]
pub struct Event {
    pub kind: Kind,
    pub what: Id,
    /// Where it is, or was.
    pub folder: u64,
    /// What it was before a move, and where.
    pub old: Option<(Id, u64)>,
    pub change: u64,
    pub at_s: i64,
}

impl Kind {
    pub fn element(self) -> &'static str {
        match self {
            Kind::Created => "CreatedEvent",
            Kind::Modified => "ModifiedEvent",
            Kind::Deleted => "DeletedEvent",
            Kind::Moved => "MovedEvent",
            Kind::Copied => "CopiedEvent",
        }
    }

    pub fn read(name: &str) -> Option<Kind> {
        let all = [Kind::Created, Kind::Modified, Kind::Deleted, Kind::Moved, Kind::Copied];
        all.into_iter().find(|kind| kind.element() == name)
    }
}

#[derive(Clone, Debug)]
pub struct Subscription {
    pub mailbox: u32,
    /// None for all.
    pub folders: Option<Vec<u64>>,
    pub kinds: Vec<Kind>,
    pub is_streaming: bool,
    /// How many events of the mailbox were told.
    pub position: usize,
}

pub fn watermark(mailbox: u32, position: usize) -> String {
    let mut bytes = vec![1, 0, 0, 0];
    bytes.extend(mailbox.to_le_bytes());
    bytes.extend((position as u64).to_le_bytes());
    bytes.extend([0x5A; 8]);
    STANDARD.encode(bytes)
}

pub fn read_watermark(text: &str, mailbox: u32) -> Option<usize> {
    let bytes = STANDARD.decode(text.trim()).ok()?;
    if bytes.get(4..8)? != mailbox.to_le_bytes() || bytes.len() != 24 {
        return None;
    }
    usize::try_from(u64::from_le_bytes(bytes.get(8..16)?.try_into().ok()?)).ok()
}

impl Subscription {
    fn wants(&self, event: &Event) -> bool {
        let in_scope = |folder: u64| self.folders.as_ref().is_none_or(|folders| folders.contains(&folder));
        let folders = [Some(event.folder), event.old.map(|(_, folder)| folder)];
        let is_own = matches!(event.what, Id::Folder(number) if in_scope(number));
        self.kinds.contains(&event.kind) && (is_own || folders.into_iter().flatten().any(in_scope))
    }

    /// The elements of what is new, each with its watermark.
    pub fn news(&self, mailbox: &Mailbox, from: usize, with_watermarks: bool, most: usize) -> (Vec<Element>, usize) {
        let mut news = Vec::new();
        let mut position = from;
        for event in mailbox.events.iter().skip(from) {
            position += 1;
            if !self.wants(event) {
                continue;
            }
            let mut element = t(event.kind.element());
            if with_watermarks {
                element = element.with(tt("Watermark", watermark(mailbox.number, position)));
            }
            element = element.with(tt("TimeStamp", time::written_utc(event.at_s)));
            let id = |name: &str, id: Id| {
                let name = format!("{name}{}", if matches!(id, Id::Folder(_)) { "FolderId" } else { "ItemId" });
                t(&name).set("Id", id.written(mailbox.number)).set("ChangeKey", change_key(event.change))
            };
            element = element.with(id("", event.what)).with(mailbox.folder_id("ParentFolderId", event.folder));
            if let Some((old, folder)) = event.old {
                element = element.with(id("Old", old)).with(mailbox.folder_id("OldParentFolderId", folder));
            }
            news.push(element);
            if news.len() >= most {
                break;
            }
        }
        (news, position)
    }
}

pub fn no_subscription() -> Refusal {
    refuse("ErrorSubscriptionNotFound", "The specified subscription was not found.")
}

impl State {
    pub fn subscription(&self, id: &str) -> Option<&Subscription> {
        if self.switches.forgets_subscriptions { None } else { self.subscriptions.get(id.trim()) }
    }

    /// The notifications of a streaming subscription since the last, if any.
    pub fn stream(&mut self, id: &str) -> Option<Element> {
        let subscription = self.subscription(id)?.clone();
        let mailbox = self.mailbox(subscription.mailbox)?;
        let (news, position) = subscription.news(mailbox, subscription.position, false, usize::MAX);
        let notification = t("Notification").with(tt("SubscriptionId", id.trim())).with_all(news);
        if let Some(kept) = self.subscriptions.get_mut(id.trim()) {
            kept.position = position;
        }
        (notification.children.len() > 1).then_some(notification)
    }
}
