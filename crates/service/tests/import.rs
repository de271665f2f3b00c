//! The import of people against a real state.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use parom_domain::Side;
use parom_service::import::{
    Column, Columns, Deed, Domain, Fault, Planned, Preview, Provisioner, VkCsv, preview, read_rows, read_table,
};
use parom_store::{MasterKey, Store};
use tempfile::TempDir;

struct Desk {
    folder: TempDir,
    store: Store,
}

impl Desk {
    async fn new() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let key = MasterKey::create(&folder.path().join("parom.key")).unwrap();
        let store = Store::open(&folder.path().join("parom.db"), key).await.unwrap();
        Desk { folder, store }
    }

    async fn preview(&self, text: &str) -> Preview {
        let table = read_table(text.as_bytes()).unwrap();
        let columns = Columns::of(&table.head).unwrap();
        let domains = [Domain { name: "corp.example".into(), takes_service_login: true }];
        preview(Some(&self.store), read_rows(&table, &columns, &domains)).await.unwrap()
    }

    async fn import(&self, text: &str) -> Preview {
        let seen = self.preview(text).await;
        self.store.import(seen.planned.iter().filter_map(Planned::write).collect(), |_| {}).await.unwrap();
        seen
    }
}

fn deeds(preview: &Preview) -> Vec<Deed> {
    preview.planned.iter().map(|planned| planned.deed.clone()).collect()
}

#[tokio::test]
async fn importing_again_updates_and_never_doubles() {
    let desk = Desk::new().await;
    let table = "email,firstname,wave,collector_login,collector_username,collector_password\n\
                 anna@corp.example,Анна,1,anna.i,svc,password-1\n\
                 boris@corp.example,Борис,2,,,\n";
    assert_eq!(deeds(&desk.import(table).await), [Deed::Create, Deed::Create]);
    assert_eq!(deeds(&desk.import(table).await), [Deed::Unchanged, Deed::Unchanged]);
    let accounts = desk.store.accounts().await.unwrap();
    assert_eq!(accounts.len(), 2);
    assert_eq!((accounts[0].source_login.as_str(), accounts[0].service_login.as_deref()), ("anna.i", Some("svc")));
    assert_eq!(desk.store.password(accounts[0].id, Side::Source).await.unwrap().unwrap().expose(), "password-1");

    // An empty cell says nothing; what is said changes only what it says.
    let later = "email,firstname,wave,collector_username,collector_password,criticality\n\
                 ANNA@corp.example,,3,svc2,password-2,1\n\
                 boris@corp.example,,,,,\n";
    let changed = vec![Column::CollectorUsername, Column::CollectorPassword, Column::Wave, Column::Criticality];
    assert_eq!(deeds(&desk.import(later).await), [Deed::Update(changed), Deed::Unchanged]);
    let people = desk.store.people().await.unwrap();
    assert_eq!((people[0].first_name.as_deref(), people[0].wave.as_deref()), (Some("Анна"), Some("3")));
    assert_eq!(people[0].criticality, Some(1));
    let accounts = desk.store.accounts().await.unwrap();
    assert_eq!((accounts.len(), accounts[0].service_login.as_deref()), (2, Some("svc2")));
}

#[tokio::test]
async fn a_table_does_not_change_whose_mail_an_account_carries() {
    let desk = Desk::new().await;
    desk.import("email,collector_login\nanna@corp.example,anna.i\n").await;
    let seen = desk.import("email,collector_login\nanna@corp.example,boris\n").await;
    let other = Fault::OtherLogins { source: "anna.i".into(), target: "anna".into() };
    assert_eq!(seen.faults, [(2, vec![other])]);
    assert_eq!(desk.store.accounts().await.unwrap()[0].source_login, "anna.i");
}

#[tokio::test]
async fn who_has_the_messenger_only_gets_no_collector() {
    let desk = Desk::new().await;
    let seen = desk.import("email,only_myteam\nanna@corp.example,true\n").await;
    assert!(!seen.planned[0].collects);
    assert_eq!(desk.store.accounts().await.unwrap(), []);
    assert_eq!(deeds(&desk.import("email,only_myteam\nanna@corp.example,true\n").await), [Deed::Unchanged]);
    // Once mail is wanted, the account is made.
    desk.import("email,only_myteam\nanna@corp.example,false\n").await;
    assert_eq!(desk.store.accounts().await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_table_for_vk_holds_what_was_said_and_a_password_for_everybody() {
    let desk = Desk::new().await;
    let seen = desk
        .import("email;lastname;groups;password\nanna@corp.example;=SUM(1);\"one \"\"two three\"\"\";own-password\nboris@corp.example;;;\n")
        .await;
    let file = desk.folder.path().join("vk.csv");
    VkCsv { file: file.clone() }.provision(&seen.planned).unwrap();
    let mut reader = csv::Reader::from_path(&file).unwrap();
    assert_eq!(reader.headers().unwrap().get(1), Some("password:"));
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!((&rows[0][0], &rows[0][1]), ("anna@corp.example", "own-password"));
    // Another system loads it: nothing is neutralised.
    assert_eq!((&rows[0][3], &rows[0][4]), ("=SUM(1)", "one \"two three\""));
    assert_eq!(rows[1][1].len(), 16);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn fifty_thousand_rows_are_imported() {
    let desk = Desk::new().await;
    let mut text = String::from("email;firstname;collector_login;collector_username;collector_password\n");
    for at in 0..50_000 {
        text.push_str(&format!("person{at}@corp.example;Имя{at};p{at};svc{};password-{at}\n", at % 4));
    }
    let seen = desk.import(&text).await;
    assert_eq!((seen.planned.len(), seen.faults.len()), (50_000, 0));
    assert_eq!(desk.store.accounts().await.unwrap().len(), 50_000);
    assert!(deeds(&desk.preview(&text).await).iter().all(|deed| *deed == Deed::Unchanged));
}
