//! `Subscribe`, `Unsubscribe`, `GetEvents` and `GetStreamingEvents` ([MS-OXWSNTIF], [MS-OXWSPSNTIF]).

use crate::ews::notify::{Kind, Subscription, no_subscription, read_watermark, watermark};
use crate::ews::site::{Answer, Call, Site, lock};
use crate::ews::soap::{self, Fault, Refusal, fault, refuse, response, success};
use crate::ews::version::Level;
use crate::ews::xml::{Element, m, mt, t, tt};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

pub fn run(call: &mut Call<'_>, request: &Element) -> Element {
    let message = subscribe(call, request).unwrap_or_else(|refused| refused.message("Subscribe"));
    response("Subscribe", vec![message])
}

fn subscribe(call: &mut Call<'_>, request: &Element) -> Result<Element, Refusal> {
    let invalid = || refuse("ErrorInvalidSubscriptionRequest", "The subscription request is invalid.");
    let wanted = request.children.first().ok_or_else(invalid)?;
    let is_streaming = match wanted.name.as_str() {
        "PullSubscriptionRequest" => false,
        "StreamingSubscriptionRequest" if call.level >= Level::V2010Sp1 => true,
        _ => return Err(invalid()),
    };
    let kinds: Vec<Kind> = wanted.list("EventTypes").iter().filter_map(|kind| Kind::read(kind.text.trim())).collect();
    let is_all = wanted.attribute("SubscribeToAllFolders") == Some("true");
    let (mut mailbox, mut folders) = (call.mailbox, Vec::new());
    for id in wanted.list("FolderIds") {
        let (owner, folder) = call.folder(id)?;
        if call.mailbox.is_some_and(|own| own != owner) || mailbox.is_some_and(|known| known != owner) {
            let text = "Subscriptions are not supported for delegate user access.";
            return Err(refuse("ErrorSubscriptionDelegateAccessNotSupported", text));
        }
        mailbox = Some(owner);
        folders.push(folder);
    }
    if is_all != folders.is_empty() {
        return Err(invalid());
    }
    let mailbox = mailbox.ok_or_else(invalid)?;
    let now = call.state.mailbox(mailbox).ok_or_else(invalid)?.events.len();
    let position = match wanted.text_of("Watermark").filter(|mark| !mark.is_empty()) {
        Some(mark) => read_watermark(mark, mailbox).filter(|position| *position <= now).ok_or_else(bad_watermark)?,
        None => now,
    };
    let number = call.state.number();
    // A real id names its server.
    let id = STANDARD.encode([&b"\x0clab.exchange"[..], &number.to_le_bytes(), &[0x5A; 24]].concat());
    let folders = (!is_all).then_some(folders);
    let subscription = Subscription { mailbox, folders, kinds, is_streaming, position };
    call.state.subscriptions.insert(id.clone(), subscription);
    let message = success("Subscribe").with(mt("SubscriptionId", id));
    Ok(if is_streaming { message } else { message.with(mt("Watermark", watermark(mailbox, position))) })
}

fn bad_watermark() -> Refusal {
    refuse("ErrorInvalidWatermark", "The watermark used for creating this subscription was not found.")
}

pub fn end(call: &mut Call<'_>, request: &Element) -> Element {
    let id = request.text_of("SubscriptionId").unwrap_or_default().trim();
    let message = match call.state.subscription(id).is_some() {
        true => {
            call.state.subscriptions.remove(id);
            success("Unsubscribe")
        }
        false => no_subscription().message("Unsubscribe"),
    };
    response("Unsubscribe", vec![message])
}

pub fn get_events(call: &mut Call<'_>, request: &Element) -> Element {
    let message = pull(call, request).unwrap_or_else(|refused| refused.message("GetEvents"));
    response("GetEvents", vec![message])
}

fn pull(call: &Call<'_>, request: &Element) -> Result<Element, Refusal> {
    let id = request.text_of("SubscriptionId").unwrap_or_default().trim();
    let subscription = call.state.subscription(id).filter(|known| !known.is_streaming).ok_or_else(no_subscription)?;
    let mark = request.text_of("Watermark").unwrap_or_default();
    let mailbox = call.state.mailbox(subscription.mailbox).ok_or_else(no_subscription)?;
    let from = read_watermark(mark, subscription.mailbox).ok_or_else(bad_watermark)?;
    let (mut news, to) = subscription.news(mailbox, from, true, 50);
    if news.is_empty() {
        news.push(t("StatusEvent").with(tt("Watermark", watermark(subscription.mailbox, to))));
    }
    let notification = t("Notification")
        .with(tt("SubscriptionId", id))
        .with(tt("PreviousWatermark", mark.trim()))
        .with(tt("MoreEvents", to < mailbox.events.len()))
        .with_all(news);
    Ok(success("GetEvents").with(Element { ns: crate::ews::xml::Ns::Messages, ..notification }))
}

/// Opens a stream of documents.
pub fn stream(site: &Arc<Site>, request: &Element, account: &str, asked: &str) -> Result<Answer, Fault> {
    let ids: Vec<String> = request.list("SubscriptionIds").iter().map(|id| id.text.trim().to_owned()).collect();
    let minutes: u32 = request.text_of("ConnectionTimeout").and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    if !(1..=30).contains(&minutes) {
        return Err(soap::ill_formed("The 'ConnectionTimeout' element is invalid."));
    }
    let (version, switches, lost) = {
        let state = site.state();
        let is_lost = |id: &&String| state.subscription(id).is_none_or(|known| !known.is_streaming);
        let lost: Vec<String> = ids.iter().filter(is_lost).cloned().collect();
        (state.version, state.switches, lost)
    };
    if ids.len() > switches.stream_limit {
        return Err(fault("ErrorInvalidRequest", "Too many subscriptions for one connection."));
    }
    let (keeper, asked) = (Arc::clone(site), asked.to_owned());
    let document = move |message: Element| {
        let document = soap::envelope(version, response("GetStreamingEvents", vec![message])).document();
        keeper.keep(&asked, &document);
        document
    };
    if !lost.is_empty() {
        // One that is bad silences the good ones (exchangelib).
        let ids = m("ErrorSubscriptionIds").with_all(lost.iter().map(|id| tt("SubscriptionId", id)));
        let message = no_subscription().message("GetStreamingEvents").with(ids).with(mt("ConnectionStatus", "Closed"));
        return Ok(Answer::Whole(response("GetStreamingEvents", vec![message])));
    }
    let open = Open::new(site, account);
    if open.count > switches.hanging_limit {
        let text = "You have exceeded the available concurrent connections for your account. Try again once your other \
                    requests have completed.";
        return Err(fault("ErrorExceededConnectionCount", text));
    }
    let (sender, receiver) = mpsc::channel(16);
    let site = Arc::clone(site);
    let mut bell = site.bell.subscribe();
    let mut scissors = site.scissors.subscribe();
    let ends = Instant::now() + switches.minute * minutes;
    let first = document(success("GetStreamingEvents").with(mt("ConnectionStatus", "OK")));
    tokio::spawn(async move {
        let _open = open;
        if sender.send(first).await.is_err() {
            return;
        }
        let mut beat = Instant::now() + switches.heartbeat;
        while Instant::now() < ends {
            let (notifications, lost): (Vec<Element>, bool) = {
                let mut state = site.state();
                let lost = ids.iter().any(|id| state.subscription(id).is_none());
                (ids.iter().filter_map(|id| state.stream(id)).collect(), lost)
            };
            if lost {
                break;
            }
            let message = if !notifications.is_empty() {
                Some(success("GetStreamingEvents").with(m("Notifications").with_all(notifications)))
            } else if Instant::now() >= beat {
                beat = Instant::now() + switches.heartbeat;
                Some(success("GetStreamingEvents").with(mt("ConnectionStatus", "OK")))
            } else {
                None
            };
            if let Some(message) = message {
                if sender.send(document(message)).await.is_err() {
                    return;
                }
                continue;
            }
            let wake = beat.min(ends);
            tokio::select! {
                () = sleep_until(wake) => {}
                changed = bell.changed() => if changed.is_err() { return },
                _ = scissors.changed() => return,
                () = sender.closed() => return,
            }
        }
        let last = document(success("GetStreamingEvents").with(mt("ConnectionStatus", "Closed")));
        for piece in [last, String::new()] {
            let _ = timeout(switches.heartbeat, sender.send(piece)).await;
        }
    });
    Ok(Answer::Stream(receiver))
}

/// Counts a stream as long as it lives.
struct Open {
    site: Arc<Site>,
    account: String,
    count: usize,
}

impl Open {
    fn new(site: &Arc<Site>, account: &str) -> Open {
        let mut streams = lock(&site.streams);
        let count = streams.entry(account.to_owned()).or_default();
        *count += 1;
        let count = *count;
        drop(streams);
        Open { site: Arc::clone(site), account: account.to_owned(), count }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(count) = lock(&self.site.streams).get_mut(&self.account) {
            *count = count.saturating_sub(1);
        }
    }
}
