//! Mail that is shared with another server: what is written over EWS is written there, and what that would send is trapped.

use crate::said::{Said, between, codes, fields};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parom_domain::{FolderPath, InternalDate};
use parom_lab::ews::{Config, Ews, OutgoingKind, User};
use parom_lab::exchange::Version;
use parom_lab::server::{self, Hands, LabServer};
use std::sync::Arc;

const ALICE: &str = "alice@corp.example";
const DATE: InternalDate = InternalDate { unix_s: 1_700_000_000, offset_min: 0 };

fn path(names: &[&str]) -> FolderPath {
    FolderPath::new(names.iter().copied()).unwrap()
}

fn letter(subject: &str, asks: bool) -> Vec<u8> {
    let asked = if asks { "Disposition-Notification-To: boss@corp.example\r\n" } else { "" };
    format!("{asked}From: bob@corp.example\r\nSubject: {subject}\r\n\r\ntext\r\n").into_bytes()
}

/// The mailbox of another server, which this one shows as Alice's. The server must outlive what is asked.
pub async fn share(ews: &Ews) -> (LabServer, Hands) {
    let accounts = vec![("alice".to_owned(), "pass".to_owned())];
    let mail = LabServer::start(server::Config { accounts, ..server::Config::default() }).await.unwrap();
    let hands = mail.mailbox("alice").unwrap();
    let shared = hands.clone();
    ews.share_mail(Arc::new(move |address| (address == ALICE).then(|| shared.clone())));
    (mail, hands)
}

async fn ask(ews: &Ews, operation: &str) -> String {
    Said::by(ALICE).ask(ews, operation).await
}

/// The id of the folder with this name.
async fn folder(ews: &Ews, name: &str) -> String {
    let all = ask(
        ews,
        &format!(
            "<m:FindFolder Traversal=\"Deep\"><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>{}\
             </t:AdditionalProperties></m:FolderShape><m:ParentFolderIds><t:DistinguishedFolderId Id=\"msgfolderroot\"/>\
             </m:ParentFolderIds></m:FindFolder>",
            fields(&["folder:DisplayName"])
        ),
    )
    .await;
    let before = all.split(&format!("<t:DisplayName>{name}<")).next().unwrap();
    before.rsplit("<t:FolderId Id=\"").next().unwrap().split('"').next().unwrap().to_owned()
}

async fn listed(ews: &Ews, folder: &str) -> String {
    let shape = fields(&["item:DateTimeReceived", "item:Size", "item:IsDraft", "message:IsRead"])
        + "<t:ExtendedFieldURI PropertyTag=\"0x0E23\" PropertyType=\"Integer\"/>\
           <t:ExtendedFieldURI PropertyTag=\"0x1090\" PropertyType=\"Integer\"/>";
    ask(
        ews,
        &format!(
            "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>{shape}\
             </t:AdditionalProperties></m:ItemShape><m:IndexedPageItemView MaxEntriesReturned=\"2\" Offset=\"0\" \
             BasePoint=\"Beginning\"/><m:ParentFolderIds><t:FolderId Id=\"{folder}\"/></m:ParentFolderIds></m:FindItem>"
        ),
    )
    .await
}

fn ids(answer: &str) -> Vec<String> {
    let parts = answer.split("<t:ItemId Id=\"").skip(1);
    parts.map(|part| part.split('"').next().unwrap().to_owned()).collect()
}

fn update(id: &str, silent: bool) -> String {
    let silent = if silent { "SuppressReadReceipts=\"true\"" } else { "" };
    format!(
        "<m:UpdateItem ConflictResolution=\"AlwaysOverwrite\" MessageDisposition=\"SaveOnly\" {silent}><m:ItemChanges>\
         <t:ItemChange><t:ItemId Id=\"{id}\"/><t:Updates><t:SetItemField><t:FieldURI FieldURI=\"message:IsRead\"/><t:Message>\
         <t:IsRead>true</t:IsRead></t:Message></t:SetItemField><t:SetItemField><t:ExtendedFieldURI PropertyTag=\"0x1090\" \
         PropertyType=\"Integer\"/><t:Message><t:ExtendedProperty><t:ExtendedFieldURI PropertyTag=\"0x1090\" \
         PropertyType=\"Integer\"/><t:Value>2</t:Value></t:ExtendedProperty></t:Message></t:SetItemField></t:Updates>\
         </t:ItemChange></m:ItemChanges></m:UpdateItem>"
    )
}

/// Says everything that the lab takes about mail.
pub async fn say_all(ews: &Ews, hands: &Hands) {
    let (sums, below) = (path(&["Смета 2024/2025"]), path(&["Смета 2024/2025", "Ниже"]));
    hands.add(&sums, letter("one", false), &[], DATE).unwrap();
    hands.create(&below, None).unwrap();
    let folder_id = folder(ews, "Смета 2024/2025").await;
    let made = ask(
        ews,
        &format!(
            "<m:CreateItem MessageDisposition=\"SaveOnly\"><m:SavedItemFolderId><t:FolderId Id=\"{folder_id}\"/>\
             </m:SavedItemFolderId><m:Items><t:Message><t:MimeContent>{}</t:MimeContent><t:ExtendedProperty>\
             <t:ExtendedFieldURI PropertyTag=\"0x0E07\" PropertyType=\"Integer\"/><t:Value>0</t:Value></t:ExtendedProperty>\
             <t:ExtendedProperty><t:ExtendedFieldURI PropertyTag=\"0x0E06\" PropertyType=\"SystemTime\"/>\
             <t:Value>2023-11-14T22:13:20Z</t:Value></t:ExtendedProperty></t:Message></m:Items></m:CreateItem>",
            STANDARD.encode(letter("two", true))
        ),
    )
    .await;
    assert_eq!(codes(&made), ["NoError"], "{made}");
    let stored = hands.messages(&sums);
    assert_eq!((stored.len(), stored[1].date.unix_s, stored[1].flags.len()), (2, DATE.unix_s, 0));
    assert_eq!(&stored[1].bytes[..], letter("two", true));

    let told = listed(ews, &folder_id).await;
    for (before, value) in [
        ("PropertyTag=\"0x0E23\" PropertyType=\"Integer\"/><t:Value>", "1"),
        ("<t:IsRead>", "false"),
        ("TotalItemsInView=\"", "2"),
        ("<t:DateTimeReceived>", "2023-11-14T22:13:20Z"),
    ] {
        assert_eq!(between(&told, before, if before.ends_with('"') { "\"" } else { "<" }), value, "{before}");
    }
    let [one, two] = ids(&told).try_into().unwrap();
    let marked = ask(ews, &update(&two, true)).await;
    assert_eq!(codes(&marked), ["NoError"], "{marked}");
    assert_eq!(hands.messages(&sums)[1].flags, ["\\Flagged", "\\Seen"]);

    // A folder has its id under whatever name, and is the same one in the other server.
    let other = folder(ews, "Ниже").await;
    let renamed = ask(
        ews,
        &format!(
            "<m:UpdateFolder><m:FolderChanges><t:FolderChange><t:FolderId Id=\"{other}\"/><t:Updates><t:SetFolderField>\
             <t:FieldURI FieldURI=\"folder:DisplayName\"/><t:Folder><t:DisplayName>Под ней</t:DisplayName></t:Folder>\
             </t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>"
        ),
    )
    .await;
    assert_eq!(codes(&renamed), ["NoError"], "{renamed}");
    assert!(hands.folders().contains(&sums.child("Под ней")));
    let moved = ask(
        ews,
        &format!(
            "<m:MoveFolder><m:ToFolderId><t:DistinguishedFolderId Id=\"msgfolderroot\"/></m:ToFolderId><m:FolderIds>\
             <t:FolderId Id=\"{other}\"/></m:FolderIds></m:MoveFolder>"
        ),
    )
    .await;
    assert_eq!(codes(&moved), ["NoError"], "{moved}");
    assert_eq!(folder(ews, "Под ней").await, other);
    let moved = ask(
        ews,
        &format!(
            "<m:MoveItem><m:ToFolderId><t:FolderId Id=\"{other}\"/></m:ToFolderId><m:ItemIds><t:ItemId Id=\"{one}\"/>\
             </m:ItemIds></m:MoveItem>"
        ),
    )
    .await;
    assert_eq!(codes(&moved), ["NoError"], "{moved}");
    assert_eq!((hands.messages(&sums).len(), hands.messages(&path(&["Под ней"])).len()), (1, 1));
    assert_ne!(ids(&moved), [one], "an item that is moved is another one");
    let deleted = ask(
        ews,
        &format!(
            "<m:DeleteItem DeleteType=\"SoftDelete\"><m:ItemIds><t:ItemId Id=\"{two}\"/></m:ItemIds></m:DeleteItem>"
        ),
    )
    .await;
    assert_eq!(codes(&deleted), ["NoError"], "{deleted}");
    assert!(hands.messages(&sums).is_empty());
    let folders = format!("<m:FolderIds><t:FolderId Id=\"{folder_id}\"/></m:FolderIds>");
    let deleted = ask(ews, &format!("<m:DeleteFolder DeleteType=\"SoftDelete\">{folders}</m:DeleteFolder>")).await;
    assert_eq!(codes(&deleted), ["NoError"], "{deleted}");
    assert!(!hands.folders().contains(&sums));
}

#[tokio::test]
async fn what_is_written_to_mail_changes_the_mailbox_that_is_shared() {
    let ews = Ews::start(Config::new(Version::E2016).with(User::new(ALICE, "Alice"))).await.unwrap();
    let (_mail, hands) = share(&ews).await;
    say_all(&ews, &hands).await;
    assert!(ews.outgoing().is_empty());
}

#[tokio::test]
async fn a_receipt_that_nobody_forbids_is_trapped() {
    let ews = Ews::start(Config::new(Version::E2016).with(User::new(ALICE, "Alice"))).await.unwrap();
    let (_mail, hands) = share(&ews).await;
    let place = path(&["a/b"]);
    for subject in ["read", "deleted", "silent"] {
        hands.add(&place, letter(subject, true), &[], DATE).unwrap();
    }
    let folder_id = folder(&ews, "a/b").await;
    let [read, deleted] = ids(&listed(&ews, &folder_id).await).try_into().unwrap();
    ask(&ews, &update(&read, false)).await;
    let items = format!("<m:ItemIds><t:ItemId Id=\"{deleted}\"/></m:ItemIds>");
    ask(&ews, &format!("<m:DeleteItem DeleteType=\"HardDelete\">{items}</m:DeleteItem>")).await;
    let silent = ids(&listed(&ews, &folder_id).await).pop().unwrap();
    ask(&ews, &update(&silent, true)).await;
    let sent: Vec<(OutgoingKind, String)> = ews.outgoing().into_iter().map(|sent| (sent.kind, sent.subject)).collect();
    assert_eq!(sent, ["read", "deleted"].map(|subject| (OutgoingKind::Message, subject.to_owned())));
}
