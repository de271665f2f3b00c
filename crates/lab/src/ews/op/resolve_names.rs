//! `ResolveNames` ([MS-OXWSRSLNM] 3.1.4.1), from the directory of this site.

use crate::ews::show::legacy_dn;
use crate::ews::site::Call;
use crate::ews::soap::{refuse, response, success};
use crate::ews::xml::{Element, m, t, tt};

pub fn run(call: &mut Call<'_>, request: &Element) -> Element {
    let wanted = request.text_of("UnresolvedEntry").unwrap_or_default().trim();
    let wanted = wanted.strip_prefix("smtp:").or_else(|| wanted.strip_prefix("EX:")).unwrap_or(wanted).to_lowercase();
    let users = call.state.mailboxes.iter().map(|mailbox| &mailbox.user);
    let found: Vec<Element> = users
        .filter(|user| {
            user.address.to_lowercase().starts_with(&wanted)
                || user.has(&wanted)
                || user.name.to_lowercase().split(' ').any(|word| word.starts_with(&wanted))
                || legacy_dn(&user.address).to_lowercase() == wanted
        })
        .map(|user| {
            let mailbox = t("Mailbox")
                .with(tt("Name", &user.name))
                .with(tt("EmailAddress", &user.address))
                .with(tt("RoutingType", "SMTP"))
                .with(tt("MailboxType", "Mailbox"));
            t("Resolution").with(mailbox)
        })
        .collect();
    let set = |found: Vec<Element>| {
        m("ResolutionSet").set("TotalItemsInView", found.len()).set("IncludesLastItemInRange", true).with_all(found)
    };
    let message = match found.len() {
        0 => refuse("ErrorNameResolutionNoResults", "No results were found.").message("ResolveNames"),
        1 => success("ResolveNames").with(set(found)),
        _ => {
            let text = "Multiple results were found.";
            let mut message = refuse("ErrorNameResolutionMultipleResults", text).message("ResolveNames");
            message.attributes = vec![("ResponseClass".to_owned(), "Warning".to_owned())];
            message.with(set(found))
        }
    };
    response("ResolveNames", vec![message])
}
