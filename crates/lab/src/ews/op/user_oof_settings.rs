//! `GetUserOofSettings` and `SetUserOofSettings` ([MS-OXWOOF] 3.1.4). They have one response message, in a place of its own,
//! and what stands in a request is of the types' namespace.

use crate::ews::oof::Oof;
use crate::ews::site::Call;
use crate::ews::soap::{Fault, Refusal, ill_formed, refuse};
use crate::ews::time;
use crate::ews::xml::{Element, Ns, m, mt, t, tt};

pub const REQUESTS: [&str; 2] = ["GetUserOofSettingsRequest", "SetUserOofSettingsRequest"];

/// What the schema would refuse.
pub fn check(request: &Element) -> Result<(), Fault> {
    let is_get = request.name == "GetUserOofSettingsRequest";
    let parts: &[&str] = if is_get { &["Mailbox"] } else { &["Mailbox", "UserOofSettings"] };
    in_order(request, parts, parts)?;
    for (name, order, required) in [
        ("Mailbox", &["Name", "Address", "RoutingType"][..], &["Address"][..]),
        (
            "UserOofSettings",
            &["OofState", "ExternalAudience", "Duration", "InternalReply", "ExternalReply"][..],
            &["OofState", "ExternalAudience"][..],
        ),
    ] {
        if let Some(part) = request.child(name) {
            in_order(part, order, required)?;
        }
    }
    let Some(settings) = request.child("UserOofSettings") else { return Ok(()) };
    for (name, words) in
        [("OofState", ["Disabled", "Enabled", "Scheduled"]), ("ExternalAudience", ["None", "Known", "All"])]
    {
        let text = settings.text_of(name).unwrap_or_default().trim();
        if !words.contains(&text) {
            return Err(ill_formed(&format!("The '{name}' element is invalid - The value '{text}' is invalid.")));
        }
    }
    if let Some(duration) = settings.child("Duration") {
        in_order(duration, &["StartTime", "EndTime"], &["StartTime", "EndTime"])?;
        if duration.children.iter().any(|part| time::parse(&part.text).is_none()) {
            return Err(ill_formed("The 'Duration' element is invalid."));
        }
    }
    for name in ["InternalReply", "ExternalReply"] {
        if let Some(reply) = settings.child(name) {
            in_order(reply, &["Message"], &[])?;
        }
    }
    Ok(())
}

fn in_order(element: &Element, order: &[&str], required: &[&str]) -> Result<(), Fault> {
    let name = &element.name;
    let mut rest = order.iter();
    for child in &element.children {
        if child.ns != Ns::Types || !rest.any(|known| *known == child.name) {
            return Err(ill_formed(&format!("The element '{name}' has invalid child element '{}'.", child.name)));
        }
    }
    match required.iter().find(|required| element.child(required).is_none()) {
        Some(missing) => Err(ill_formed(&format!("The element '{name}' lacks '{missing}'."))),
        None => Ok(()),
    }
}

pub fn get(call: &mut Call<'_>, request: &Element) -> Element {
    let told = owner(call, request).and_then(|mailbox| {
        let oof = call.state.oof(mailbox).ok_or_else(not_the_owner)?;
        Ok(vec![written(&oof, call), mt("AllowExternalOof", &oof.allowed)])
    });
    answer("GetUserOofSettings", told)
}

pub fn set(call: &mut Call<'_>, request: &Element) -> Element {
    let done = owner(call, request).and_then(|mailbox| {
        let mut oof = call.state.oof(mailbox).ok_or_else(not_the_owner)?;
        let settings =
            request.child("UserOofSettings").ok_or_else(|| refuse("ErrorInvalidUserOofSettings", "None."))?;
        let text = |name: &str| settings.text_of(name).unwrap_or_default().trim().to_owned();
        (oof.state, oof.audience) = (text("OofState"), text("ExternalAudience"));
        let moment = |name: &str| {
            let stamp = settings.child("Duration")?.text_of(name).and_then(time::parse)?;
            Some(call.zone.instant_of(stamp))
        };
        let duration = moment("StartTime").zip(moment("EndTime"));
        if oof.state == "Scheduled" && duration.is_none_or(|(from_s, until_s)| until_s <= from_s) {
            return Err(refuse("ErrorInvalidScheduledOofDuration", "The duration of the out of office is invalid."));
        }
        if let Some((from_s, until_s)) = duration {
            (oof.from_s, oof.until_s) = (from_s, until_s);
        }
        let reply =
            |name: &str| settings.child(name).map(|reply| reply.text_of("Message").unwrap_or_default().to_owned());
        oof.internal = reply("InternalReply").unwrap_or(oof.internal);
        oof.external = reply("ExternalReply").unwrap_or(oof.external);
        call.state.oofs.insert(mailbox, oof);
        Ok(Vec::new())
    });
    answer("SetUserOofSettings", done)
}

/// The mailbox that is named, if it is the caller's own or that of the person whom the caller stands for.
fn owner(call: &Call<'_>, request: &Element) -> Result<u32, Refusal> {
    let address = request.child("Mailbox").and_then(|mailbox| mailbox.text_of("Address")).unwrap_or_default().trim();
    let named = call.state.at(address).filter(|mailbox| !mailbox.user.has_no_mailbox).map(|mailbox| mailbox.number);
    named.filter(|number| call.mailbox == Some(*number)).ok_or_else(not_the_owner)
}

fn not_the_owner() -> Refusal {
    refuse("ErrorAccessDenied", "User is not mailbox owner.")
}

fn written(oof: &Oof, call: &Call<'_>) -> Element {
    let moment = |name: &str, at_s: i64| tt(name, call.zone.written(at_s));
    let reply = |name: &str, text: &str| t(name).with(tt("Message", text));
    t("OofSettings")
        .with(tt("OofState", &oof.state))
        .with(tt("ExternalAudience", &oof.audience))
        .with(t("Duration").with(moment("StartTime", oof.from_s)).with(moment("EndTime", oof.until_s)))
        .with(reply("InternalReply", &oof.internal))
        .with(reply("ExternalReply", &oof.external))
}

fn answer(operation: &str, told: Result<Vec<Element>, Refusal>) -> Element {
    let response = m(&format!("{operation}Response"));
    match told {
        Ok(parts) => {
            let message = m("ResponseMessage").set("ResponseClass", "Success").with(mt("ResponseCode", "NoError"));
            response.with(message).with_all(parts)
        }
        Err(refused) => {
            let mut message = refused.message(operation);
            message.name = "ResponseMessage".to_owned();
            response.with(message)
        }
    }
}
