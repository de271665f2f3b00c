//! `ConvertId` ([MS-OXWSCVTID] 3.1.4.1): the same folder or item under the names that other interfaces have for it.
//!
//! An answer tells the mailbox by its primary address, whatever the request said of it: DavMail learns its own so.

use crate::ews::ids::Id;
use crate::ews::site::Call;
use crate::ews::soap::{Fault, Refusal, ill_formed, refuse, success};
use crate::ews::xml::{Element, m};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

const FORMATS: &[&str] = &["EwsLegacyId", "EwsId", "EntryId", "HexEntryId", "StoreId", "OwaId"];

/// So much of an id is its own; what follows is there for length.
const ENTRY_BYTES: usize = 32;

pub fn run(call: &mut Call<'_>, request: &Element) -> Result<Element, Fault> {
    let wanted = request.attribute("DestinationFormat").filter(|wanted| FORMATS.contains(wanted));
    let wanted = wanted.ok_or_else(|| ill_formed("The 'DestinationFormat' attribute is invalid."))?.to_owned();
    Ok(call.each(request.list("SourceIds"), |call, source| {
        let (mailbox, id) = read(source)?;
        let address = call.address_of(mailbox)?;
        let written = id.written(mailbox);
        let told = match wanted.as_str() {
            "EwsId" | "EwsLegacyId" => written,
            "OwaId" => URL_SAFE.encode(STANDARD.decode(written).unwrap_or_default()),
            "HexEntryId" => entry(&written).iter().map(|byte| format!("{byte:02X}")).collect(),
            _ => STANDARD.encode(entry(&written)),
        };
        let alternate = m("AlternateId")
            .set("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
            .set("xsi:type", "t:AlternateIdType")
            .set("Format", &wanted)
            .set("Id", told)
            .set("Mailbox", address);
        Ok(success("ConvertId").with(alternate))
    }))
}

fn entry(written: &str) -> Vec<u8> {
    let mut bytes = STANDARD.decode(written).unwrap_or_default();
    bytes.truncate(ENTRY_BYTES);
    bytes
}

fn read(source: &Element) -> Result<(u32, Id), Refusal> {
    let broken = || refuse("ErrorInvalidIdMalformed", "Id is malformed.");
    let text = source.attribute("Id").ok_or_else(broken)?;
    let bytes = match source.attribute("Format") {
        Some("HexEntryId") => {
            let pair = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
            (0..text.len()).step_by(2).map(pair).collect()
        }
        Some("OwaId") => URL_SAFE.decode(text).ok(),
        _ => STANDARD.decode(text).ok(),
    };
    Id::read(&STANDARD.encode(bytes.ok_or_else(broken)?)).ok_or_else(broken)
}
