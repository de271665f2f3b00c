//! `GetUserConfiguration` ([MS-OXWSUSRCFG] 3.1.4.3): what clients keep in a folder for one another.
//!
//! The lab knows the options of Outlook on the web, of which the time zone is asked for, and the list of categories
//! ([MS-OXOCFG] 2.2.5.2).

use crate::ews::site::Call;
use crate::ews::soap::{Refusal, refuse, response, success};
use crate::ews::store::no_folder;
use crate::ews::xml::{Element, m, t, tt};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub fn run(call: &mut Call<'_>, request: &Element) -> Element {
    let message = told(call, request).unwrap_or_else(|refused| refused.message("GetUserConfiguration"));
    response("GetUserConfiguration", vec![message])
}

fn told(call: &Call<'_>, request: &Element) -> Result<Element, Refusal> {
    let wanted = request.child("UserConfigurationName").ok_or_else(no_folder)?;
    let (mailbox, folder) = call.folder(wanted.children.first().ok_or_else(no_folder)?)?;
    let place = call.state.mailbox(mailbox).ok_or_else(no_folder)?;
    let distinguished = place.folders.get(&folder).and_then(|folder| folder.distinguished);
    let properties = request.text_of("UserConfigurationProperties").unwrap_or_default();
    let asks = |name: &str| properties.split_whitespace().any(|word| word == name || word == "All");
    let mut configuration = t("UserConfiguration").with({
        let mut name = wanted.clone();
        name.ns = crate::ews::xml::Ns::Types;
        name
    });
    configuration.ns = crate::ews::xml::Ns::Messages;
    let user = &place.user;
    match (wanted.attribute("Name"), distinguished) {
        (Some("OWA.UserOptions"), Some("root")) if !user.zone.is_empty() => {
            if asks("Dictionary") {
                let dictionary = [("timezone", user.zone.as_str()), ("viewrowcount", "50")].map(|(key, value)| {
                    let side = |name: &str, text: &str| t(name).with(tt("Type", "String")).with(tt("Value", text));
                    t("DictionaryEntry").with(side("DictionaryKey", key)).with(side("DictionaryValue", value))
                });
                configuration.children.push(t("Dictionary").with_all(dictionary));
            }
        }
        (Some("CategoryList"), Some("calendar")) if !user.categories.is_empty() => {
            if asks("XmlData") {
                configuration.children.push(tt("XmlData", STANDARD.encode(categories(&user.categories))));
            }
        }
        _ => return Err(refuse("ErrorItemNotFound", "The specified object was not found in the store.")),
    }
    Ok(success("GetUserConfiguration").with(configuration))
}

/// Names and colours; the numbers of the colours are those of [MS-OXOCFG] 2.2.5.2.1.
fn categories(all: &[(String, i64)]) -> String {
    let list = m("categories").with_all(all.iter().enumerate().map(|(at, (name, color))| {
        m("category")
            .set("name", name)
            .set("color", color)
            .set("keyboardShortcut", 0)
            .set("usageCount", 1)
            .set("lastTimeUsed", "2024-01-01T00:00:00.000")
            .set("lastSessionUsed", 0)
            .set("renameOnFirstUse", 0)
            .set("guid", format!("{{00000000-0000-0000-0000-{at:012}}}"))
    }));
    // In the list's own namespace, without prefixes.
    let text = list.document().replace("<m:", "<").replace("</m:", "</");
    let start = text.find("<categories").unwrap_or(0);
    let rest = text.get(start..).and_then(|list| list.find('>').and_then(|at| list.get(at..))).unwrap_or_default();
    format!(
        "<?xml version=\"1.0\"?>\r\n<categories default=\"\" lastSavedSession=\"1\" \
         lastSavedTime=\"2024-01-01T00:00:00.000\" xmlns=\"CategoryList.xsd\"{rest}"
    )
}
