//! Every request that can be built is valid by the schema that Microsoft has published.
//!
//! The schema is not ours to copy: it is read from `PAROM_DATA` (default `../shared/data` beside the checkout), and the
//! tests say that they are skipped where it is absent.
#![allow(clippy::unwrap_used)]

use parom_calendar::event::{Answer, Busy, Importance, Sensitivity};
use parom_calendar::pattern::{Days, Pattern, Position, Repeat, Stop};
use parom_domain::absence::Audience;
use parom_exchange::item::*;
use parom_exchange::oof::{OofSettings, OofState};
use parom_exchange::op::*;
use parom_exchange::{Version, envelope};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// Puts the pairs of schemas together, one file for each of the two namespaces: they include each other in circles, which
/// no validator follows.
fn schema(into: &Path) -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("PAROM_DATA").map_or(default, PathBuf::from).join("ews-schema");
    if !data.is_dir() {
        eprintln!("SKIPPED: no schema of EWS at {} (set PAROM_DATA)", data.display());
        return None;
    }
    if Command::new("xmllint").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "xmllint is missing: apt-get install libxml2-utils");
        eprintln!("SKIPPED: no xmllint (apt-get install libxml2-utils)");
        return None;
    }
    let mut files: Vec<PathBuf> = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let part = |words: &[&str]| -> String {
        let ours = |path: &&PathBuf| words.iter().any(|word| path.to_string_lossy().ends_with(word));
        files.iter().filter(ours).map(|path| inner(&fs::read_to_string(path).unwrap())).collect()
    };
    let whole = |namespace: &str, import: &str, body: &str| {
        format!(
            r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="{}" xmlns:m="{}" xmlns:tns="{namespace}"
            targetNamespace="{namespace}" elementFormDefault="qualified">{import}{body}</xs:schema>"#,
            envelope::TYPES,
            envelope::MESSAGES
        )
    };
    let import =
        |namespace: &str, file: &str| format!(r#"<xs:import namespace="{namespace}" schemaLocation="{file}"/>"#);
    let xml = "http://www.w3.org/XML/1998/namespace";
    // The published version of the header allows no other version than its own.
    let types = part(&["-types.xsd"]).replace(r#" fixed="Exchange2016""#, "") + OOF_TYPES;
    let attribute = r#"<xs:attribute name="lang" type="xs:language"/>"#;
    fs::write(into.join("xml.xsd"), whole(xml, "", attribute)).unwrap();
    fs::write(into.join("types.xsd"), whole(envelope::TYPES, &import(xml, "xml.xsd"), &types)).unwrap();
    let messages = part(&["-messages.xsd", "-message.xsd"]) + OOF_MESSAGES;
    fs::write(into.join("messages.xsd"), whole(envelope::MESSAGES, &import(envelope::TYPES, "types.xsd"), &messages))
        .unwrap();
    let soap = r###"<xs:element name="Envelope"><xs:complexType><xs:sequence>
        <xs:element name="Header"><xs:complexType><xs:sequence><xs:any namespace="##other" processContents="strict"
        maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element><xs:element name="Body"><xs:complexType>
        <xs:sequence><xs:any namespace="##other" processContents="strict"/></xs:sequence></xs:complexType></xs:element>
        </xs:sequence></xs:complexType></xs:element>"###;
    let imports = import(envelope::MESSAGES, "messages.xsd") + &import(envelope::TYPES, "types.xsd");
    fs::write(into.join("soap.xsd"), whole(envelope::SOAP, &imports, soap)).unwrap();
    Some(into.join("soap.xsd"))
}

/// [MS-OXWOOF] is not among the published files: its definitions, as its sections 2.2.4 and 3.1.4 tell them. Unlike in all other
/// operations, what stands in the request itself is of the types' namespace.
const OOF_TYPES: &str = r#"
    <xs:complexType name="OofOwner"><xs:sequence><xs:element name="Name" type="xs:string" minOccurs="0"/>
    <xs:element name="Address" type="xs:string"/><xs:element name="RoutingType" type="xs:string" minOccurs="0"/></xs:sequence>
    </xs:complexType><xs:element name="Mailbox" type="t:OofOwner"/>
    <xs:simpleType name="OofState"><xs:restriction base="xs:string"><xs:enumeration value="Disabled"/>
    <xs:enumeration value="Enabled"/><xs:enumeration value="Scheduled"/></xs:restriction></xs:simpleType>
    <xs:simpleType name="OofAudience"><xs:restriction base="xs:string"><xs:enumeration value="None"/>
    <xs:enumeration value="Known"/><xs:enumeration value="All"/></xs:restriction></xs:simpleType>
    <xs:complexType name="OofReply"><xs:sequence><xs:element name="Message" type="xs:string" minOccurs="0"/></xs:sequence>
    <xs:attribute name="lang" type="xs:language"/></xs:complexType>
    <xs:complexType name="OofSettingsTold"><xs:sequence><xs:element name="OofState" type="t:OofState"/>
    <xs:element name="ExternalAudience" type="t:OofAudience"/><xs:element name="Duration" minOccurs="0"><xs:complexType>
    <xs:sequence><xs:element name="StartTime" type="xs:dateTime"/><xs:element name="EndTime" type="xs:dateTime"/></xs:sequence>
    </xs:complexType></xs:element><xs:element name="InternalReply" type="t:OofReply" minOccurs="0"/>
    <xs:element name="ExternalReply" type="t:OofReply" minOccurs="0"/></xs:sequence></xs:complexType>
    <xs:element name="UserOofSettings" type="t:OofSettingsTold"/>"#;
const OOF_MESSAGES: &str = r#"
    <xs:element name="GetUserOofSettingsRequest"><xs:complexType><xs:sequence><xs:element ref="t:Mailbox"/></xs:sequence>
    </xs:complexType></xs:element><xs:element name="SetUserOofSettingsRequest"><xs:complexType><xs:sequence>
    <xs:element ref="t:Mailbox"/><xs:element ref="t:UserOofSettings"/></xs:sequence></xs:complexType></xs:element>"#;

/// A schema's definitions without what is around them, comments and inclusions.
fn inner(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<!--") {
        out.push_str(before);
        rest = after.split_once("-->").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    let begin = out.find("<xs:schema").and_then(|at| Some(at + out[at..].find('>')? + 1)).unwrap();
    let end = out.rfind("</xs:schema>").unwrap();
    let mut body = out[begin..end].to_owned();
    for word in ["<xs:include", "<xs:import"] {
        while let Some(at) = body.find(word) {
            let end = at + body[at..].find("/>").unwrap() + 2;
            body.replace_range(at..end, "");
        }
    }
    body
}

fn id(id: &str) -> ItemId {
    ItemId { id: id.into(), change_key: Some("DwAAABYA&\"<".into()) }
}

fn attendee(address: &str) -> AttendeeSeen {
    let mailbox = Mailbox { name: "Анна & Co".into(), address: address.into(), routing: "SMTP".into() };
    AttendeeSeen { mailbox, response: Answer::NeedsAction }
}

fn item(pattern: Option<Pattern>, stop: Stop) -> CalendarItem {
    let start = jiff::civil::date(2026, 3, 2);
    CalendarItem {
        subject: "Совещание <1> & \u{1} \"2\"".into(),
        sensitivity: Sensitivity::Personal,
        body: ItemBody::Html("<html><body>a &amp; b</body></html>".into()),
        categories: vec!["Red".into(), "Синий".into()],
        importance: Importance::High,
        reminder: Some(15),
        residue: Some("eJw=".into()),
        zones: Some("Europe/Volgograd".into()),
        uid: "1@example.org".into(),
        start: Some("2026-03-02T10:00:00Z".parse().unwrap()),
        end: Some("2026-03-02T11:00:00Z".parse().unwrap()),
        busy: Some(Busy::WorkingElsewhere),
        location: "Комната".into(),
        response_requested: true,
        required: vec![attendee("a@example.org")],
        optional: vec![attendee("b@example.org"), attendee("c@example.org")],
        resources: vec![attendee("room@example.org")],
        recurrence: pattern.map(|pattern| Repeat { pattern, start, stop }),
        start_zone: Some(ZoneSeen::known("Russian Standard Time")),
        end_zone: Some(ZoneSeen::known("UTC")),
        no_counter: true,
        ..CalendarItem::default()
    }
}

fn patterns() -> Vec<Pattern> {
    use jiff::civil::Weekday::{Friday, Monday, Sunday};
    let mut all = vec![
        Pattern::Daily { interval: 1 },
        Pattern::Weekly { interval: 2, days: vec![Monday, Friday], first_day: Sunday },
        Pattern::AbsoluteMonthly { interval: 1, day: 31 },
    ];
    all.extend((1..=12).map(|month| Pattern::AbsoluteYearly { month, day: 1 }));
    for days in [Days::One(Monday), Days::Any, Days::Working, Days::Weekend] {
        for position in [Position::First, Position::Second, Position::Third, Position::Fourth, Position::Last] {
            all.push(Pattern::RelativeMonthly { interval: 3, days, position });
            all.push(Pattern::RelativeYearly { month: 6, days, position });
        }
    }
    all
}

struct Requests {
    folder: PathBuf,
    files: Vec<PathBuf>,
}

impl Requests {
    /// As each version would be asked.
    fn add<O: Operation>(&mut self, operation: &O) {
        for version in Version::ALL {
            for impersonated in [None, Some("user@example.org")] {
                let text = envelope::request(version, impersonated, |out| operation.write(out, version));
                let file = self.folder.join(format!("{:04}-{}-{version}.xml", self.files.len(), O::NAME));
                fs::write(&file, text).unwrap();
                self.files.push(file);
            }
        }
    }
}

fn requests(folder: &Path) -> Vec<PathBuf> {
    let mut all = Requests { folder: folder.to_owned(), files: Vec::new() };
    let folders = || vec![FolderRef::Known("calendar"), FolderRef::Id("AAMk".into())];
    let calendar = || FolderRef::Known("calendar");
    all.add(&GetFolder { folders: folders() });
    all.add(&FindFolder { below: FolderRef::Known("msgfolderroot"), offset: 500 });
    for kind in [FolderKind::Calendar, FolderKind::Mail] {
        all.add(&CreateFolder { below: calendar(), name: "Дежурства 1/2".into(), kind });
    }
    all.add(&RenameFolder { id: "AAMk".into(), name: "Смета <2024/2025>".into() });
    all.add(&MoveFolder { id: "AAMk".into(), to: FolderRef::Known("msgfolderroot") });
    all.add(&DeleteFolder { id: "AAMk".into() });
    for state in [None, Some("H4sIAAA=".to_owned())] {
        all.add(&SyncFolderHierarchy { below: FolderRef::Known("msgfolderroot"), state: state.clone() });
        all.add(&SyncFolderItems { folder: FolderRef::Id("AAMk".into()), state });
    }
    let items = || vec![ItemRef::Item(id("A")), ItemRef::Occurrence { master: id("M"), index: 3 }];
    for shape in [Shape::Full, Shape::WithoutBody, Shape::WithoutAttachments, Shape::Bones, Shape::Outline] {
        all.add(&GetItem { items: items(), shape });
    }
    all.add(&FindItem { folder: calendar(), look: Look::ObjectIds(vec![vec![1, 2]]) });
    all.add(&FindItem { folder: calendar(), look: Look::ObjectIds(vec![vec![1, 2], vec![3]]) });
    let moment = "2026-03-02T10:00:00Z".parse().unwrap();
    all.add(&FindItem { folder: calendar(), look: Look::View(moment, moment) });
    all.add(&FindItem { folder: FolderRef::Id("AAMk".into()), look: Look::Article(17) });
    all.add(&FindItem { folder: FolderRef::Known("inbox"), look: Look::Received(moment, moment) });
    all.add(&ListMail { folder: FolderRef::Id("AAMk".into()), offset: 500 });
    all.add(&GetNumbers { items: vec![id("A"), id("B")] });
    all.add(&ExpungeMail { items: vec![id("A"), id("B")] });
    for mark in [None, Some(true), Some(false)] {
        all.add(&MarkMail { items: vec![id("A"), id("B")], read: mark, flagged: Some(mark.is_none()), answered: mark });
        let received = mark.map(|_| "2026-03-02T10:00:00Z".parse().unwrap());
        let (content, is_read) = ("Subject: a\r\n\r\nb".into(), mark.is_some());
        let folder = FolderRef::Id("AAMk".into());
        all.add(&CreateMail { folder, content, received, is_read, is_flagged: is_read, is_answered: is_read });
    }
    for with_content in [true, false] {
        all.add(&GetMime { items: vec![id("A"), id("B")], with_content });
    }
    for stop in [Stop::Never, Stop::After(10), Stop::On(jiff::civil::date(2027, 1, 1))] {
        for pattern in patterns() {
            all.add(&CreateItem { folder: calendar(), item: item(Some(pattern), stop) });
        }
    }
    let bare = CalendarItem { start: Some(moment), end: Some(moment), all_day: true, ..CalendarItem::default() };
    all.add(&CreateItem { folder: calendar(), item: bare.clone() });
    let full = Arc::new(item(Some(Pattern::Daily { interval: 1 }), Stop::Never));
    for changes in [changes(&bare, &full), changes(&full, &Arc::new(bare))] {
        assert!(changes.len() > 15);
        for item in items() {
            all.add(&UpdateItem { item, changes: changes.clone() });
        }
    }
    all.add(&DeleteItem { items: items() });
    all.add(&MoveItem { to: FolderRef::Id("B".into()), items: vec![id("A")] });
    let file = NewAttachment { name: "a.txt".into(), content_type: "text/plain".into(), content: Arc::from(&b"x"[..]) };
    all.add(&CreateAttachment { parent: id("A"), file });
    all.add(&GetAttachment { id: "F".into() });
    all.add(&DeleteAttachment { id: "F".into() });
    all.add(&GetServerTimeZones { ids: Vec::new(), in_full: false });
    all.add(&GetServerTimeZones { ids: vec!["Russian Standard Time".into()], in_full: true });
    all.add(&GetUserConfiguration::outlook_on_the_web());
    all.add(&GetUserConfiguration::categories());
    let ids = vec!["AAMk".to_owned(), "B".to_owned()];
    for (from, to) in
        [(IdFormat::Ews, IdFormat::HexEntry), (IdFormat::Entry, IdFormat::Owa), (IdFormat::Store, IdFormat::Ews)]
    {
        all.add(&ConvertId { ids: ids.clone(), from, to, mailbox: "anna@example.org".into() });
    }
    all.add(&ResolveNames { entry: "/o=Org/ou=X/cn=Recipients/cn=anna".into() });
    for how in [Delivery::Streamed, Delivery::Pulled { timeout_minutes: 30 }] {
        all.add(&Subscribe { folders: folders(), how });
    }
    all.add(&GetStreamingEvents { subscriptions: vec!["S".into(), "T".into()], minutes: 30 });
    all.add(&GetEvents { subscription: "S".into(), watermark: "W".into() });
    all.add(&Unsubscribe { subscription: "S".into() });
    all.add(&ExportItems { items: vec![id("A"), id("B")] });
    all.add(&UploadItems { folder: "AAMk".into(), data: "AAECAw==".into() });
    for response in [Response::Accept, Response::Tentative, Response::Decline] {
        all.add(&Respond { item: id("A"), response });
    }
    let mailbox = || "user@example.org".to_owned();
    all.add(&GetUserOofSettings { mailbox: mailbox() });
    for state in [OofState::Disabled, OofState::Enabled, OofState::Scheduled] {
        for audience in [Audience::Nobody, Audience::Known, Audience::Everybody] {
            let duration = (state == OofState::Scheduled).then_some((moment, moment));
            let (internal, external) = ("<p>Нет &amp; нет</p>".to_owned(), String::new());
            let settings = OofSettings { state, audience, duration, internal, external };
            all.add(&SetUserOofSettings { mailbox: mailbox(), settings });
        }
    }
    all.files
}

#[test]
fn every_request_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    let Some(schema) = schema(folder.path()) else { return };
    let requests = requests(folder.path());
    for some in requests.chunks(200) {
        let told =
            Command::new("xmllint").args(["--nonet", "--noout", "--schema"]).arg(&schema).args(some).output().unwrap();
        let words = String::from_utf8_lossy(&told.stderr);
        let wrong: Vec<&str> = words.lines().filter(|line| !line.ends_with(" validates")).take(10).collect();
        assert!(told.status.success(), "{}", wrong.join("\n"));
    }
}

#[test]
fn the_schema_finds_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let Some(schema) = schema(folder.path()) else { return };
    let request = envelope::request(Version::NEWEST, None, |out| {
        DeleteItem { items: vec![ItemRef::Item(id("A"))] }.write(out, Version::NEWEST);
    });
    let wrong = request.replace("SendToNone", "SendToSome");
    assert_ne!(wrong, request);
    let file = folder.path().join("wrong.xml");
    fs::write(&file, wrong).unwrap();
    let told =
        Command::new("xmllint").args(["--nonet", "--noout", "--schema"]).arg(&schema).arg(&file).output().unwrap();
    assert!(!told.status.success());
}

/// INVARIANT of the crate: whatever is asked for, nobody is written to.
#[test]
fn nothing_is_ever_sent() {
    let folder = tempfile::tempdir().unwrap();
    for file in requests(folder.path()) {
        let text = fs::read_to_string(&file).unwrap();
        let allowed = [
            "SendToNone",
            "SendMeetingInvitations=",
            "SendMeetingInvitationsOrCancellations=",
            "SendMeetingCancellations=",
            "SaveOnly",
        ];
        let rest = allowed.iter().fold(text.clone(), |text, word| text.replace(word, ""));
        assert!(!rest.contains("Send"), "{}: {text}", file.display());
        for (element, attribute) in [
            ("<m:UpdateItem ", "SendMeetingInvitationsOrCancellations=\"SendToNone\""),
            ("<m:DeleteItem ", "SendMeetingCancellations=\"SendToNone\""),
        ] {
            assert!(!text.contains(element) || text.contains(attribute), "{}", file.display());
        }
        if text.contains("<m:CreateItem ") {
            assert!(
                text.contains("SendMeetingInvitations=\"SendToNone\"")
                    || text.contains("MessageDisposition=\"SaveOnly\"")
            );
        }
    }
}
