//! Paths to properties: `FieldURI`, `ExtendedFieldURI`, `IndexedFieldURI`.

use super::draft::known_to;
use super::fields::{self, Field};
use super::item::Key;
use super::soap::{Refusal, refuse};
use super::version::Level;
use super::xml::{Element, t};

#[derive(Clone, Debug)]
pub enum Path {
    Field(&'static Field),
    /// The key, and the path as the client spells it.
    Extended(Key, Element),
    /// Of a folder, by name.
    Folder(&'static str),
    /// Of other kinds of items: may be asked for, as in Deleted Items, and is never there.
    Foreign,
}

/// The sets that have names ([MS-OXWSXPROP] 2.1.7).
const SETS: &[(&str, &str)] = &[
    ("Meeting", "6ed8da90-450b-101b-98da-00aa003f1305"),
    ("Appointment", "00062002-0000-0000-c000-000000000046"),
    ("Common", "00062008-0000-0000-c000-000000000046"),
    ("PublicStrings", "00020329-0000-0000-c000-000000000046"),
    ("Address", "00062004-0000-0000-c000-000000000046"),
    ("InternetHeaders", "00020386-0000-0000-c000-000000000046"),
    ("CalendarAssistant", "11000e07-b51b-40d6-af21-caa85edab1d0"),
    ("UnifiedMessaging", "4442858e-a9e3-4e80-b900-317a210cc15b"),
    ("Task", "00062003-0000-0000-c000-000000000046"),
    ("Sharing", "00062040-0000-0000-c000-000000000046"),
];

const FOREIGN: &[&str] = &[
    "message:",
    "contacts:",
    "task:",
    "meeting:",
    "meetingRequest:",
    "postitem:",
    "distributionlist:",
    "conversation:",
    "persona:",
];

pub fn uri(field: &Field) -> Element {
    t("FieldURI").set("FieldURI", format!("{}:{}", field.set, field.name))
}

pub fn read(path: &Element, level: Level) -> Result<Path, Refusal> {
    let invalid = || refuse("ErrorInvalidPropertyRequest", "The request is invalid for this property.").at(path);
    match path.name.as_str() {
        "FieldURI" => {
            let uri = path.attribute("FieldURI").unwrap_or_default();
            if let Some(field) = fields::by_uri(uri) {
                known_to(field, level)?;
                return Ok(Path::Field(field));
            }
            if FOREIGN.iter().any(|set| uri.starts_with(set)) {
                return Ok(Path::Foreign);
            }
            let name = uri.strip_prefix("folder:").ok_or_else(invalid)?;
            let known = fields::FOLDER_FIELDS.iter().find(|(known, _)| *known == name);
            known.filter(|(_, since)| *since <= level).map(|(name, _)| Path::Folder(name)).ok_or_else(invalid)
        }
        "ExtendedFieldURI" => {
            let text = "The extended property attribute combination is invalid.";
            let key = key(path).ok_or_else(|| refuse("ErrorInvalidExtendedProperty", text).at(path))?;
            Ok(Path::Extended(key, path.clone()))
        }
        "IndexedFieldURI" => Ok(Path::Foreign),
        _ => Err(invalid()),
    }
}

/// `None` for a combination of attributes that names nothing.
pub fn key(path: &Element) -> Option<Key> {
    let kind = path.attribute("PropertyType")?.to_owned();
    if let Some(tag) = path.attribute("PropertyTag") {
        let tag = match tag.strip_prefix("0x").or_else(|| tag.strip_prefix("0X")) {
            Some(hex) => u16::from_str_radix(hex, 16).ok()?,
            None => tag.parse().ok()?,
        };
        return Some(Key { set: "tag".to_owned(), id: tag.to_string(), kind });
    }
    let set = match (path.attribute("DistinguishedPropertySetId"), path.attribute("PropertySetId")) {
        (Some(name), None) => SETS.iter().find(|(known, _)| *known == name)?.1.to_owned(),
        (None, Some(guid)) => guid.trim_matches(['{', '}']).to_lowercase(),
        _ => return None,
    };
    let id = match (path.attribute("PropertyId"), path.attribute("PropertyName")) {
        (Some(id), None) => id.trim().parse::<i64>().ok()?.to_string(),
        (None, Some(name)) => format!("'{name}"),
        _ => return None,
    };
    Some(Key { set, id, kind })
}

/// Is it this property of a named set?
pub fn is(key: &Key, set: &str, id: i64) -> bool {
    let guid = SETS.iter().find(|(known, _)| *known == set).map(|(_, guid)| *guid);
    guid == Some(key.set.as_str()) && key.id == id.to_string()
}

/// The field that says the same as a property that has one: `PidTagSubject`, `PidTagBody`, `PidNameKeywords`
/// ([MS-OXPROPS]).
pub fn named(key: &Key) -> Option<&'static str> {
    let tag = |tag: u32| key.set == "tag" && key.id == tag.to_string() && key.kind == "String";
    if is_named(key, "PublicStrings") && key.id == "'Keywords" && key.kind == "StringArray" {
        return Some("Categories");
    }
    if tag(0x0037) { Some("Subject") } else { tag(0x1000).then_some("Body") }
}

/// Is it of this set?
pub fn is_named(key: &Key, set: &str) -> bool {
    SETS.iter().any(|(known, guid)| *known == set && *guid == key.set)
}
