//! What the tests of the store share: a state in a folder of its own, and samples of everything it keeps.

use parom_domain::endpoint::Cursor;
use parom_domain::link::Link;
use parom_domain::state::{
    AccountId, Appending, Change, Deleted, FolderId, FolderOp, FolderPair, Held, Intent, Lease, Parked, PassSummary,
    Recent, Strays, Suspected, Work,
};
use parom_domain::{Both, Fingerprint, FolderPath, Marks, Role, Side, Uid};
use parom_store::{MasterKey, NewAccount, Store};
use std::path::PathBuf;

pub struct State {
    pub folder: tempfile::TempDir,
    pub store: Store,
}

impl State {
    pub async fn new() -> State {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("parom.db"), key()).await.unwrap();
        State { folder, store }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("parom.db")
    }

    /// A new account with the right to write it.
    pub async fn account(&self, address: &str) -> Lease {
        leased(&self.store, address).await
    }

    /// Closes the state and opens it again, as the next process would.
    pub async fn reopened(self) -> State {
        self.store.close().await;
        let store = Store::open(&self.path(), key()).await.unwrap();
        State { folder: self.folder, store }
    }
}

pub fn key() -> MasterKey {
    MasterKey::from_base64("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").unwrap()
}

pub fn new_account(address: &str) -> NewAccount {
    NewAccount {
        address: address.to_owned(),
        source_login: format!("CORP/{address}"),
        target_login: address.to_owned(),
        domain: "corp.example".to_owned(),
    }
}

pub async fn leased(store: &Store, address: &str) -> Lease {
    let account = store.add_account(new_account(address)).await.unwrap().unwrap();
    store.acquire(account.id, "test", 1000, 60_000).await.unwrap().unwrap()
}

pub fn uid(value: u32) -> Uid {
    Uid::new(value).unwrap()
}

pub fn cursor(validity: u32) -> Cursor {
    Cursor { validity, uidnext: 7, modseq: u64::MAX, exists: 3 }
}

pub fn pair(id: u32) -> FolderPair {
    let path = FolderPath::new(["Входящие", "a/b\\\"%*"]);
    FolderPair {
        id: FolderId(id),
        paths: Both::new(path.clone(), path),
        role: Some(Role::Archive),
        cursors: Both::new(Some(cursor(1)), None),
        mailbox_ids: Both::new(None, Some("F-1".to_owned())),
        subscribed: true,
        missing_since_ms: Both::new(Some(5), None),
        hides: Both::new(true, false),
    }
}

pub fn links(uids: std::ops::Range<u32>) -> Vec<Option<Link>> {
    let link = |at: u32| Link {
        uids: Both::new(Uid::new(at), Uid::new(at)),
        base: Marks::from_names(["\\Seen", "work"]),
        short: u64::from(at),
        size: at,
    };
    uids.map(|at| Some(link(at))).collect()
}

pub fn appending(origin: u32) -> Appending {
    Appending {
        origin: uid(origin),
        fingerprint: Fingerprint::from_bytes([7; 16]),
        len: 1 << 40,
        content: u64::MAX,
        marks: Marks::from_names(["\\Flagged", "$Forwarded"]),
    }
}

pub fn append(id: u64, folder: u32) -> Intent {
    let items = (1..65).map(appending).collect();
    let work = Work::Append { folder: FolderId(folder), into: Side::Target, validity: u32::MAX, floor: uid(9), items };
    Intent { id, at_ms: 1234, work }
}

pub fn create(id: u64) -> Intent {
    let op = FolderOp::Create { path: FolderPath::inbox().child("новая") };
    Intent { id, at_ms: 1235, work: Work::Folder { side: Side::Source, op } }
}

pub fn parked(folder: u32, at: u32) -> Parked {
    let args = vec![("answer".to_owned(), "NO [LIMIT] too large".to_owned())];
    Parked {
        folder: FolderId(folder),
        side: Side::Source,
        uid: uid(at),
        code: "message-refused".into(),
        args,
        since_ms: 5,
    }
}

pub fn suspected(folder: u32, at: u32) -> Suspected {
    Suspected { folder: FolderId(folder), side: Side::Target, uid: uid(at), since_ms: 6 }
}

pub fn held(key: &str) -> Held {
    let args = vec![("count".to_owned(), "51".to_owned())];
    Held { key: key.to_owned(), brake: "volume".to_owned(), args, since_ms: 8, released: false }
}

pub fn recent(folder: u32, at_ms: u64) -> Recent {
    let fingerprint = Fingerprint::from_bytes([9; 16]);
    Recent { folder: FolderId(folder), into: Side::Target, fingerprint, len: 77, content: 78, uid: None, at_ms }
}

pub fn strays(folder: u32, looks: u32) -> Strays {
    let looks = (0..looks).map(|at| (u64::MAX - u64::from(at), at)).collect();
    Strays { folder: FolderId(folder), side: Side::Target, at_ms: 43, looks }
}

pub fn deleted(at_ms: u64, messages: u32) -> Deleted {
    Deleted { at_ms, messages }
}

pub fn summary(carried: u64) -> PassSummary {
    let error = Some(("quota-full".to_owned(), vec![("host".to_owned(), "mail.example".to_owned())]));
    PassSummary { at_ms: 9, last_ok_ms: Some(8), parked: 1, carried, folders: 3, error }
}

/// One of each kind, in an order in which they may be committed to an account that has folder 1 already.
pub fn one_of_each() -> Vec<Change> {
    let (folder, side) = (FolderId(1), Side::Source);
    let all = vec![
        Change::PutFolder(pair(2)),
        Change::DropFolder(FolderId(2)),
        Change::PutLinks { folder, chunk: 3, links: links(1..20) },
        Change::PutLinks { folder, chunk: 0, links: Vec::new() },
        Change::SetCursor { folder, side, cursor: Some(cursor(99)) },
        Change::SetCursor { folder, side: Side::Target, cursor: Some(cursor(98)) },
        Change::OpenIntent(create(70)),
        Change::CloseIntent(1),
        Change::Park(parked(1, 400)),
        Change::Unpark { folder, side, uid: uid(1) },
        Change::Suspect(suspected(1, 500)),
        Change::Unsuspect { folder, side: Side::Target, uid: uid(1) },
        Change::Remember(vec![recent(1, 50)]),
        Change::ForgetRecent { before_ms: u64::MAX },
        Change::PutStrays(strays(1, 2)),
        Change::ForgetStrays,
        Change::PutStrays(strays(2, 1)),
        Change::CountDeleted(deleted(41, 7)),
        Change::ForgetDeleted { before_ms: 41 },
        Change::Hold(held("other")),
        Change::Unhold { key: "volume".to_owned() },
        Change::Summary(summary(55)),
    ];
    // A new kind of change does not get past this line without a sample above.
    for change in &all {
        match change {
            Change::PutFolder(_)
            | Change::DropFolder(_)
            | Change::PutLinks { .. }
            | Change::SetCursor { .. }
            | Change::OpenIntent(_)
            | Change::CloseIntent(_)
            | Change::Park(_)
            | Change::Unpark { .. }
            | Change::Suspect(_)
            | Change::Unsuspect { .. }
            | Change::Remember(_)
            | Change::ForgetRecent { .. }
            | Change::PutStrays(_)
            | Change::ForgetStrays
            | Change::CountDeleted(_)
            | Change::ForgetDeleted { .. }
            | Change::Hold(_)
            | Change::Unhold { .. }
            | Change::Summary(_) => {}
        }
    }
    all
}

/// Fills an account so that each change of [`one_of_each`] would be seen.
pub fn filled() -> Vec<Change> {
    vec![
        Change::PutFolder(pair(1)),
        Change::PutLinks { folder: FolderId(1), chunk: 0, links: links(1..513) },
        Change::OpenIntent(append(1, 1)),
        Change::Park(parked(1, 1)),
        Change::Suspect(suspected(1, 1)),
        Change::Remember(vec![recent(1, 40), recent(1, 40), recent(1, 41)]),
        Change::PutStrays(strays(1, 3)),
        Change::CountDeleted(deleted(40, 1)),
        Change::CountDeleted(deleted(41, 2)),
        Change::Hold(held("volume")),
        Change::Summary(summary(10)),
    ]
}

/// Everything of an account as text, to compare before and after.
pub async fn picture(store: &Store, account: AccountId) -> String {
    let state = store.load(account).await.unwrap();
    let mut links = Vec::new();
    for folder in &state.folders {
        links.push(store.links(account, folder.id).await.unwrap());
    }
    let summaries = store.summaries().await.unwrap();
    let summary = summaries.iter().find(|(of, _)| *of == account);
    format!("{state:#?}\n{links:#?}\n{summary:#?}")
}
