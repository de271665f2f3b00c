//! Secrets and accounts: kept, found again whatever the case, and readable nowhere but through the master key.

use crate::samples::*;
use parom_domain::state::AccountId;
use parom_domain::{Code, Side};
use parom_store::{MasterKey, Refusal, SignIn, Store};

const SECRET: &str = "correct horse battery staple";
const PASSWORD: &str = "Пароль-от-ящика-9000";

#[tokio::test]
async fn secrets_come_back_and_never_lie_open() {
    let state = State::new().await;
    let account = state.account("a@corp.example").await.account;
    state.store.set_secret("exchange", "first").await.unwrap();
    state.store.set_secret("exchange", SECRET).await.unwrap();
    state.store.set_secret("other", "x").await.unwrap();
    state.store.set_password(account, Side::Source, Some(PASSWORD)).await.unwrap();

    let state = state.reopened().await;
    let secret = state.store.secret("exchange").await.unwrap();
    assert_eq!(secret.expose(), SECRET);
    assert_eq!(format!("{secret:?}"), "Secret(..)");
    assert_eq!(state.store.password(account, Side::Source).await.unwrap().unwrap().expose(), PASSWORD);
    assert!(state.store.password(account, Side::Target).await.unwrap().is_none());
    assert_eq!(state.store.secret_names().await.unwrap(), ["exchange", "other"]);

    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(state.folder.path()).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let lies_open = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(!lies_open(SECRET) && !lies_open(PASSWORD));
    assert!(lies_open("exchange"), "names do, and the test can see it");

    assert!(state.store.remove_secret("exchange").await.unwrap());
    assert!(!state.store.remove_secret("exchange").await.unwrap());
    let error = state.store.secret("exchange").await.unwrap_err();
    assert_eq!((error.code(), error.arg("name")), (Code::SecretMissing, Some("exchange")));
    state.store.set_password(account, Side::Source, None).await.unwrap();
    assert!(state.store.password(account, Side::Source).await.unwrap().is_none());
}

#[tokio::test]
async fn another_master_key_opens_nothing() {
    let state = State::new().await;
    let account = state.account("a@corp.example").await.account;
    state.store.set_secret("exchange", SECRET).await.unwrap();
    state.store.set_password(account, Side::Source, Some(PASSWORD)).await.unwrap();
    state.store.close().await;
    let other = MasterKey::create(&state.folder.path().join("key")).unwrap();
    let store = Store::open(&state.path(), other).await.unwrap();
    for error in [store.secret("exchange").await.unwrap_err(), store.password(account, Side::Source).await.unwrap_err()]
    {
        assert_eq!(error.code(), Code::SecretUnreadable);
        assert!(!format!("{error:?}").contains(SECRET));
    }
}

#[tokio::test]
async fn a_sealed_value_moved_to_another_row_does_not_open() {
    let state = State::new().await;
    let first = state.account("a@corp.example").await.account;
    let second = state.account("b@corp.example").await.account;
    state.store.set_password(first, Side::Source, Some(PASSWORD)).await.unwrap();
    state.store.close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(state.path());
    let mut other = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let moved = sqlx::query("UPDATE password SET account = $1").bind(second.0).execute(&mut other).await.unwrap();
    assert_eq!(moved.rows_affected(), 1);
    sqlx::Connection::close(other).await.unwrap();
    let store = Store::open(&state.path(), key()).await.unwrap();
    assert_eq!(store.password(second, Side::Source).await.unwrap_err().code(), Code::SecretUnreadable);
}

#[tokio::test]
async fn accounts_are_found_whatever_the_case() {
    let state = State::new().await;
    let added = state.store.add_account(new_account("Иван.Petrov@Corp.example")).await.unwrap().unwrap();
    assert_eq!(state.store.add_account(new_account("иван.petrov@corp.EXAMPLE")).await.unwrap(), None);
    state.store.add_account(new_account("b@corp.example")).await.unwrap().unwrap();
    let found = state.store.account("ИВАН.PETROV@corp.example").await.unwrap();
    assert_eq!(found, added);
    assert_eq!(found.address, "Иван.Petrov@Corp.example", "as it was given");
    state.store.set_enabled(added.id, false).await.unwrap();
    let all = state.store.accounts().await.unwrap();
    assert_eq!(all.iter().map(|account| (account.id.0, account.enabled)).collect::<Vec<_>>(), [(2, true), (1, false)]);
    let error = state.store.account("nobody@corp.example").await.unwrap_err();
    assert_eq!((error.code(), error.arg("account")), (Code::AccountUnknown, Some("nobody@corp.example")));
    for error in [
        state.store.set_enabled(AccountId(9), true).await.unwrap_err(),
        state.store.remove_account(AccountId(9)).await.unwrap_err(),
        state.store.set_password(AccountId(9), Side::Source, Some("x")).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), Code::AccountUnknown);
    }
}

#[tokio::test]
async fn a_removed_account_leaves_nothing_and_its_number_is_not_reused() {
    let state = State::new().await;
    let lease = state.account("a@corp.example").await;
    state.store.commit(&lease, filled()).await.unwrap();
    state.store.set_password(lease.account, Side::Source, Some(PASSWORD)).await.unwrap();
    state.store.remove_account(lease.account).await.unwrap();
    let again = state.account("a@corp.example").await;
    assert_ne!(again.account, lease.account);
    assert_eq!(state.store.commit(&lease, filled()).await.unwrap_err().code(), Code::LeaseLost);
    assert!(state.store.load(lease.account).await.unwrap().folders.is_empty());
    assert!(state.store.password(lease.account, Side::Source).await.unwrap().is_none());
    assert!(state.store.parked(None).await.unwrap().is_empty());
    assert!(state.store.summaries().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_brake_is_released_by_its_key() {
    let state = State::new().await;
    let lease = state.account("a@corp.example").await;
    state.store.commit(&lease, filled()).await.unwrap();
    assert!(!state.store.release_brake(lease.account, "other", 7).await.unwrap());
    assert!(state.store.release_brake(lease.account, "volume", 7).await.unwrap());
    let held = state.store.held(None).await.unwrap();
    assert_eq!(held.len(), 1);
    assert!(held[0].0 == lease.account && held[0].1.released && held[0].1.since_ms == 7);
}

#[tokio::test]
async fn a_refusal_is_remembered_with_the_password_that_was_refused() {
    let state = State::new().await;
    let accounts = [state.account("a@corp.example").await.account, state.account("b@corp.example").await.account];
    let third = state.account("c@corp.example").await.account;
    let sign_in = |account, login: &str, secret: Option<&str>| SignIn {
        account,
        server: "mail:993".to_owned(),
        login: login.to_owned(),
        secret: secret.map(str::to_owned),
    };
    let store = &state.store;
    let refusal = |at_ms| Refusal { at_ms, answer: "NO".to_owned() };
    let own = sign_in(accounts[0], "a", None);
    store.note_refusal(&own, b"wrong", false, refusal(5)).await.unwrap();
    assert_eq!(store.refusal(&own, b"wrong", 5).await.unwrap(), Some(refusal(5)));
    assert_eq!(store.refusal(&own, b"wrong", 6).await.unwrap(), None, "it is too old");
    assert_eq!(store.refusal(&own, b"right", 0).await.unwrap(), None);
    assert_eq!(store.refusal(&sign_in(third, "c", None), b"wrong", 0).await.unwrap(), None);
    // One that serves many is wrong once two logins were refused with it, unless it has opened some mailbox.
    let other = sign_in(third, "c", Some("svc"));
    store.note_refusal(&sign_in(accounts[0], "a", Some("svc")), b"wrong", true, refusal(7)).await.unwrap();
    assert_eq!(store.refusal(&other, b"wrong", 0).await.unwrap(), None);
    store.note_refusal(&sign_in(accounts[1], "b", Some("svc")), b"wrong", false, refusal(8)).await.unwrap();
    assert_eq!(store.refusal(&other, b"wrong", 0).await.unwrap(), None);
    store.note_refusal(&sign_in(accounts[1], "b", Some("svc")), b"wrong", true, refusal(9)).await.unwrap();
    assert_eq!(store.refusal(&other, b"wrong", 0).await.unwrap(), Some(refusal(9)));
    // A person has done something about it.
    store.set_secret("svc", "wrong").await.unwrap();
    assert_eq!(store.refusal(&other, b"wrong", 0).await.unwrap(), None);
    for mend in 0..2 {
        store.note_refusal(&own, b"wrong", false, refusal(10)).await.unwrap();
        match mend {
            0 => store.forget_refusals(accounts[0], Vec::new()).await.unwrap(),
            _ => store.set_password(accounts[0], Side::Source, Some("wrong")).await.unwrap(),
        }
        assert_eq!(store.refusal(&own, b"wrong", 0).await.unwrap(), None);
    }
    let nobody = sign_in(AccountId(99), "x", None);
    assert_eq!(store.note_refusal(&nobody, b"x", false, refusal(1)).await.unwrap_err().code(), Code::AccountUnknown);
}
