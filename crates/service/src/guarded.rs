//! An endpoint behind its side's gates: the first call asks before it connects, and what later calls meet is noted.

use crate::connections::Grant;
use crate::gate::SideGates;
use crate::paces::Paces;
use crate::ports::At;
use async_trait::async_trait;
use parom_domain::endpoint::{
    BodyStream, Cursor, Endpoint, Listing, LookAt, Looked, MarkChange, Marked, ReadFrom, Removed, Shifted, Snapshot,
    Stamp, Writer,
};
use parom_domain::{Code, Error, FolderPath, Result, Role, Uid, UidSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::time::Instant;

pub struct Guarded<'a> {
    pub at: At<'a>,
    pub endpoint: Arc<dyn Endpoint>,
    pub gates: SideGates,
    grant: &'a Grant,
    paces: &'a Paces,
    /// The server was called, and not only known to refuse.
    was_called: AtomicBool,
    was_held: AtomicBool,
}

impl<'a> Guarded<'a> {
    pub fn new(
        at: At<'a>,
        endpoint: Arc<dyn Endpoint>,
        gates: SideGates,
        grant: &'a Grant,
        paces: &'a Paces,
    ) -> Guarded<'a> {
        Guarded {
            at,
            endpoint,
            gates,
            grant,
            paces,
            was_called: AtomicBool::new(false),
            was_held: AtomicBool::new(false),
        }
    }

    pub fn was_called(&self) -> bool {
        self.was_called.load(Ordering::Relaxed)
    }

    /// A gate has kept us from calling it.
    pub fn was_held(&self) -> bool {
        self.was_held.load(Ordering::Relaxed)
    }

    async fn noted<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let result = call.await;
        self.note(&result);
        result.map_err(|error| self.named(error))
    }

    async fn all_noted<T>(&self, call: impl Future<Output = Vec<Result<T>>>) -> Vec<Result<T>> {
        let began = Instant::now();
        let results = call.await;
        let noted = results.into_iter().map(|result| {
            self.note(&result);
            self.answered(began, &result);
            result.map_err(|error| self.named(error))
        });
        noted.collect()
    }

    fn note<T>(&self, result: &Result<T>) {
        if let Err(error) = result {
            self.gates.note(error);
            self.slow_down(error);
        }
    }

    /// Of a call that has asked the server, whatever it was given.
    fn answered<T>(&self, began: Instant, result: &Result<T>) {
        if result.is_ok() {
            self.gates.went_well(began);
        }
    }

    fn slow_down(&self, error: &Error) {
        let slowed = self.grant.slow_down(&self.at.place.server, error, self.gates.throttles_one());
        if let Some((bound, speed)) = slowed {
            self.paces.slowed(bound, speed, error);
        }
    }

    /// A refused sign-in says where, and which password has to be set anew.
    fn named(&self, error: Error) -> Error {
        if error.code() != Code::SignInRefused {
            return error;
        }
        let error = error.with("side", self.at.side);
        match &self.at.place.credential {
            Some(credential) => error.with("credential", "secret").with("name", &credential.name),
            None => error,
        }
    }
}

#[async_trait]
impl Endpoint for Guarded<'_> {
    /// A pass begins with this call: it is the one that connects.
    async fn folders(&self) -> Result<Listing> {
        let call = async {
            self.was_called.store(true, Ordering::Relaxed);
            self.endpoint.folders().await
        };
        let listed = self.gates.through(call).await;
        if let Err(error) = &listed {
            self.was_held.store(!self.was_called(), Ordering::Relaxed);
            // What a gate remembers is no news.
            if self.was_called() {
                self.slow_down(error);
            }
        } else {
            self.grant.went_well();
        }
        listed.map_err(|error| self.named(error))
    }

    async fn identify(&self, folders: &[FolderPath]) -> Result<Vec<Option<String>>> {
        self.noted(self.endpoint.identify(folders)).await
    }

    async fn observe(&self, folder: &FolderPath, since: Option<&Cursor>) -> Result<Snapshot> {
        let began = Instant::now();
        let result = self.noted(self.endpoint.observe(folder, since)).await;
        self.answered(began, &result);
        result
    }

    async fn observe_all(&self, looks: &[LookAt]) -> Vec<Result<Looked>> {
        self.all_noted(self.endpoint.observe_all(looks)).await
    }

    async fn stamps(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<Vec<Stamp>> {
        self.noted(self.endpoint.stamps(folder, validity, uids)).await
    }

    async fn present(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<UidSet> {
        self.noted(self.endpoint.present(folder, validity, uids)).await
    }

    async fn sizes(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<Vec<(Uid, u64)>> {
        self.noted(self.endpoint.sizes(folder, validity, uids)).await
    }

    async fn asking_receipts(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<UidSet> {
        self.noted(self.endpoint.asking_receipts(folder, validity, uids)).await
    }

    async fn read_all(&self, wanted: Vec<ReadFrom>) -> Result<Box<dyn BodyStream>> {
        self.noted(self.endpoint.read_all(wanted)).await
    }

    async fn writer(&self) -> Result<Box<dyn Writer>> {
        self.noted(self.endpoint.writer()).await
    }

    async fn mark(&self, folder: &FolderPath, since: &Cursor, changes: &[MarkChange]) -> Result<Marked> {
        self.noted(self.endpoint.mark(folder, since, changes)).await
    }

    async fn shift(&self, from: (&FolderPath, u32), uids: &UidSet, to: (&FolderPath, u32)) -> Result<Vec<Shifted>> {
        self.noted(self.endpoint.shift(from, uids, to)).await
    }

    async fn expunge(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<Removed> {
        self.noted(self.endpoint.expunge(folder, validity, uids)).await
    }

    async fn create(&self, folder: &FolderPath, role: Option<Role>) -> Result<()> {
        self.noted(self.endpoint.create(folder, role)).await
    }

    async fn create_all(&self, folders: &[(FolderPath, Option<Role>)]) -> Vec<Result<()>> {
        self.all_noted(self.endpoint.create_all(folders)).await
    }

    async fn rename(&self, from: &FolderPath, to: &FolderPath) -> Result<()> {
        self.noted(self.endpoint.rename(from, to)).await
    }

    async fn remove(&self, folder: &FolderPath) -> Result<()> {
        self.noted(self.endpoint.remove(folder)).await
    }

    async fn subscribe(&self, folder: &FolderPath, subscribed: bool) -> Result<()> {
        self.noted(self.endpoint.subscribe(folder, subscribed)).await
    }

    async fn find(&self, folder: &FolderPath, validity: u32, floor: Uid) -> Result<Vec<Stamp>> {
        self.noted(self.endpoint.find(folder, validity, floor)).await
    }

    async fn warm(&self, lanes: usize) {
        self.endpoint.warm(lanes).await;
    }

    async fn wait(&self, folder: &FolderPath, limit_ms: u64) -> Result<()> {
        self.noted(self.endpoint.wait(folder, limit_ms)).await
    }

    async fn close(&self) {
        self.endpoint.close().await;
    }
}
