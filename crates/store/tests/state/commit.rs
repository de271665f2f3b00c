//! Commits: what comes back, what a lost lease stops, and how many share one wait for the disk.

use crate::samples::*;
use parom_domain::state::{Change, FolderId, Lease, PassSummary};
use parom_domain::{Both, Code, Side};
use parom_store::FolderCounts;

#[tokio::test]
async fn what_is_committed_comes_back_after_a_restart() {
    let state = State::new().await;
    let lease = state.account("a@corp.example").await;
    state.store.commit(&lease, filled()).await.unwrap();
    let before = picture(&state.store, lease.account).await;

    let state = state.reopened().await;
    assert_eq!(picture(&state.store, lease.account).await, before);
    let loaded = state.store.load(lease.account).await.unwrap();
    assert_eq!(loaded.folders, [pair(1)]);
    assert_eq!(loaded.intents, [append(1, 1)]);
    assert_eq!(loaded.parked, [parked(1, 1)]);
    assert_eq!(loaded.suspected, [suspected(1, 1)]);
    assert_eq!(loaded.held, [held("volume")]);
    assert_eq!(loaded.recent, [recent(1, 40), recent(1, 40), recent(1, 41)]);
    assert_eq!(loaded.strays, [strays(1, 3)]);
    assert_eq!(loaded.deleted, [deleted(40, 1), deleted(41, 2)]);
    assert_eq!(state.store.links(lease.account, FolderId(1)).await.unwrap(), [(0, links(1..513))]);
    assert_eq!(state.store.summaries().await.unwrap(), [(lease.account, summary(10))]);
    let counts =
        FolderCounts { linked: 512, known: Both::new(512, 512), parked: Both::new(1, 0), suspected: Both::new(0, 1) };
    assert_eq!(state.store.folder_counts(lease.account).await.unwrap(), [(FolderId(1), counts)]);
}

#[tokio::test]
async fn every_change_does_what_it_says() {
    let state = State::new().await;
    let lease = state.account("a@corp.example").await;
    state.store.commit(&lease, filled()).await.unwrap();
    state.store.commit(&lease, one_of_each()).await.unwrap();

    let mut folder = pair(1);
    folder.cursors = Both::new(Some(cursor(99)), Some(cursor(98)));
    let loaded = state.store.load(lease.account).await.unwrap();
    assert_eq!(loaded.folders, [folder]);
    assert_eq!(loaded.intents, [create(70)]);
    assert_eq!(loaded.parked, [parked(1, 400)]);
    assert_eq!(loaded.suspected, [suspected(1, 500)]);
    assert_eq!(loaded.held, [held("other")]);
    assert_eq!(loaded.recent, []);
    assert_eq!(loaded.strays, [strays(2, 1)]);
    assert_eq!(loaded.deleted, [deleted(41, 9)], "what is deleted in one moment adds up");
    assert_eq!(state.store.links(lease.account, FolderId(1)).await.unwrap(), [(3, links(1..20))]);
    assert_eq!(state.store.summaries().await.unwrap(), [(lease.account, summary(55))]);
    let forget = Change::SetCursor { folder: FolderId(1), side: Side::Source, cursor: None };
    state.store.commit(&lease, vec![forget]).await.unwrap();
    assert_eq!(state.store.load(lease.account).await.unwrap().folders[0].cursors.source, None);
}

#[tokio::test]
async fn a_pass_that_left_something_open_forgets_not_when_all_was_well() {
    let state = State::new().await;
    let lease = state.account("a@corp.example").await;
    for (last_ok_ms, kept) in [(None, None), (Some(8), Some(8)), (None, Some(8)), (Some(9), Some(9))] {
        let put = PassSummary { last_ok_ms, ..summary(1) };
        state.store.commit(&lease, vec![Change::Summary(put)]).await.unwrap();
        assert_eq!(state.store.summaries().await.unwrap()[0].1.last_ok_ms, kept);
    }
}

#[tokio::test]
async fn a_dropped_folder_takes_what_is_in_it_along() {
    let state = State::new().await;
    let lease = state.account("a@corp.example").await;
    state.store.commit(&lease, filled()).await.unwrap();
    state.store.commit(&lease, vec![Change::DropFolder(FolderId(1))]).await.unwrap();
    let loaded = state.store.load(lease.account).await.unwrap();
    assert!(loaded.folders.is_empty() && loaded.parked.is_empty() && loaded.suspected.is_empty());
    assert_eq!(loaded.intents, [append(1, 1)]);
    assert_eq!(state.store.links(lease.account, FolderId(1)).await.unwrap(), []);
    assert_eq!(state.store.folder_counts(lease.account).await.unwrap(), []);
}

#[tokio::test]
async fn what_was_remembered_is_forgotten_to_the_millisecond() {
    let state = State::new().await;
    let lease = state.account("a@corp.example").await;
    state.store.commit(&lease, filled()).await.unwrap();
    state.store.commit(&lease, vec![Change::ForgetRecent { before_ms: 41 }]).await.unwrap();
    assert_eq!(state.store.load(lease.account).await.unwrap().recent, [recent(1, 41)]);
}

#[tokio::test]
async fn a_lost_lease_stops_every_kind_of_change() {
    let state = State::new().await;
    let lost = state.account("a@corp.example").await;
    state.store.commit(&lost, filled()).await.unwrap();
    let held = state.store.acquire(lost.account, "test", 2000, 60_000).await.unwrap().unwrap();
    assert_eq!(held.epoch, lost.epoch + 1);
    let before = picture(&state.store, lost.account).await;
    for change in one_of_each() {
        let error = state.store.commit(&lost, vec![change.clone()]).await.unwrap_err();
        assert_eq!(error.code(), Code::LeaseLost, "{change:?}");
        assert_eq!(picture(&state.store, lost.account).await, before, "{change:?}");
    }
    assert_eq!(state.store.renew(lost, 2000, 5).await.unwrap_err().code(), Code::LeaseLost);
    state.store.release(lost).await.unwrap();
    assert_eq!(state.store.acquire(lost.account, "other", 2000, 5).await.unwrap(), None, "still held");
    // The changes themselves are sound: whoever has the lease may make them.
    for change in one_of_each() {
        state.store.commit(&held, vec![change]).await.unwrap();
    }
}

#[tokio::test]
async fn a_commit_that_fails_late_leaves_nothing() {
    let state = State::new().await;
    let lease = state.account("a@corp.example").await;
    state.store.commit(&lease, filled()).await.unwrap();
    let before = picture(&state.store, lease.account).await;
    let mut changes = one_of_each();
    // Links of a folder that is not there: a defect of the caller, met by the last statement.
    changes.push(Change::PutLinks { folder: FolderId(77), chunk: 0, links: links(1..3) });
    let error = state.store.commit(&lease, changes).await.unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    assert_eq!(picture(&state.store, lease.account).await, before);
}

#[tokio::test]
async fn leases_go_to_one_owner_at_a_time() {
    let state = State::new().await;
    let first = state.account("a@corp.example").await;
    let account = first.account;
    assert_eq!(state.store.acquire(account, "other", 60_999, 10).await.unwrap(), None, "until 61,000");
    state.store.renew(first, 61_000, 1000).await.unwrap();
    assert_eq!(state.store.acquire(account, "other", 61_999, 10).await.unwrap(), None, "renewed until 62,000");
    let second = state.store.acquire(account, "other", 62_000, 10).await.unwrap();
    assert_eq!(second, Some(Lease { account, epoch: first.epoch + 1 }), "expired");
    assert_eq!(state.store.renew(first, 62_000, 1000).await.unwrap_err().code(), Code::LeaseLost);
    state.store.release(second.unwrap()).await.unwrap();
    let third = state.store.acquire(account, "test", 62_001, 10).await.unwrap();
    assert_eq!(third, Some(Lease { account, epoch: first.epoch + 2 }), "released");
    let unknown = parom_domain::state::AccountId(99);
    assert_eq!(state.store.acquire(unknown, "test", 0, 10).await.unwrap_err().code(), Code::AccountUnknown);
}

#[tokio::test]
async fn commits_that_wait_share_a_transaction_and_fail_alone() {
    let state = State::new().await;
    let mut leases = Vec::new();
    for at in 0..60 {
        leases.push(state.account(&format!("{at}@corp.example")).await);
    }
    for lost in leases.iter_mut().step_by(10) {
        state.store.acquire(lost.account, "test", 2000, 60_000).await.unwrap().unwrap();
    }
    let before = state.store.transactions();
    // On one thread nothing reaches the writer before all have asked.
    let asked: Vec<_> = leases
        .iter()
        .map(|lease| {
            let (store, lease) = (state.store.clone(), *lease);
            tokio::spawn(async move { store.commit(&lease, filled()).await })
        })
        .collect();
    for (at, answer) in asked.into_iter().enumerate() {
        match answer.await.unwrap() {
            Ok(()) => assert!(at % 10 != 0, "account {at} has lost its lease"),
            Err(error) => assert!(at % 10 == 0 && error.code() == Code::LeaseLost, "account {at}: {error}"),
        }
    }
    for (at, lease) in leases.iter().enumerate() {
        let loaded = state.store.load(lease.account).await.unwrap();
        assert_eq!(loaded.folders.len(), usize::from(at % 10 != 0), "account {at}");
    }
    let shared = state.store.transactions() - before;
    assert!(shared <= 3, "60 commits took {shared} transactions");
}

#[tokio::test]
async fn at_rest_nothing_is_written() {
    let state = State::new().await;
    let lease = state.account("a@corp.example").await;
    state.store.commit(&lease, filled()).await.unwrap();
    let before = state.store.transactions();
    state.store.commit(&lease, Vec::new()).await.unwrap();
    picture(&state.store, lease.account).await;
    state.store.folder_counts(lease.account).await.unwrap();
    state.store.accounts().await.unwrap();
    assert_eq!(state.store.transactions(), before);
}
