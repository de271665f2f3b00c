//! An account on one IMAP server, as the engine sees it.

use crate::append::Appender;
use crate::change;
use crate::classify::{Answer, Request, already_exists, missing};
use crate::command::{Command, WireName};
use crate::connection::{Connection, Direction, ignore};
use crate::folders;
use crate::identify;
use crate::idle::Bell;
use crate::names::SharedNames;
use crate::observe;
use crate::pool::{Lent, Pool, again};
use crate::quirks::{Extensions, Quirks};
use crate::read::Bodies;
use crate::select::ensure_open;
use crate::settings::{Login, ServerSettings};
use crate::stamps;
use async_trait::async_trait;
use parom_domain::endpoint::{
    BodyStream, Cursor, Endpoint, Listing, LookAt, Looked, MarkChange, Marked, ReadFrom, Removed, Shifted, Snapshot,
    Stamp, Writer,
};
use parom_domain::{Code, Error, FolderPath, Result, Retry, Role, Scope, Uid, UidSet};
use std::sync::Arc;

/// Speaks IMAP for one account, over at most `lanes` connections and one more for [`Endpoint::wait`].
pub struct ImapEndpoint {
    pool: Arc<Pool>,
    names: SharedNames,
    bell: Bell,
}

impl ImapEndpoint {
    /// Does nothing yet: the first call connects.
    #[must_use]
    pub fn new(settings: Arc<ServerSettings>, login: Login, lanes: usize) -> ImapEndpoint {
        ImapEndpoint { pool: Pool::new(settings, login, lanes), names: SharedNames::default(), bell: Bell::default() }
    }

    /// The wire name of a folder, exactly as the server listed it.
    async fn name(&self, folder: &FolderPath) -> Result<WireName> {
        let mut name = self.names.with(|names| names.name(folder));
        if name.is_none() {
            self.folders().await?;
            name = self.names.with(|names| names.name(folder));
        }
        let name = name.ok_or_else(|| Error::internal("names without a listing"))?;
        name.map_err(|refused| refused.with("host", &self.pool.settings.host))
    }

    /// A name for each folder, or why it can have none. What concerns them all is an error of all.
    async fn names_of(&self, folders: Vec<&FolderPath>) -> Result<Vec<Result<WireName>>> {
        let mut names = Vec::with_capacity(folders.len());
        for folder in folders {
            names.push(match self.name(folder).await {
                Err(error) if error.scope() > Scope::Folder => return Err(error),
                name => name,
            });
        }
        Ok(names)
    }

    /// What the server is taken for, which takes a sign-in to know.
    ///
    /// # Errors
    /// Those of connecting and signing in.
    pub async fn profile(&self) -> Result<Profile> {
        let conn = self.pool.lend(None, None).await?;
        let offered = Extensions::offered(&conn.caps);
        Ok(Profile { quirks: conn.quirks.clone(), offered, used: conn.ext })
    }

    /// A connection for work on existing messages of a folder, which is open on it.
    async fn open(&self, folder: &FolderPath, validity: u32) -> Result<Lent> {
        let name = self.name(folder).await?;
        let mut conn = self.pool.lend(None, Some(&name)).await?;
        ensure_open(&mut conn, &name, validity).await?;
        Ok(conn)
    }

    /// A connection for work on folders. Several servers do not delete or rename what is open on it (Courier 5.0), or end the
    /// other connections that have it open (pymap 0.36): it is open on none that is at hand.
    async fn aside(&self, name: &WireName) -> Result<Lent> {
        let mut conn = self.pool.lend(None, None).await?;
        if conn.may_hold(name) {
            conn.leave_folder().await?;
        }
        self.pool.leave_folder(name).await;
        Ok(conn)
    }
}

/// How a server is treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub quirks: Quirks,
    pub offered: Extensions,
    pub used: Extensions,
}

/// Adds what every error about a folder should say.
trait About<T> {
    fn about(self, folder: &FolderPath) -> Result<T>;
}

impl<T> About<T> for Result<T> {
    fn about(self, folder: &FolderPath) -> Result<T> {
        self.map_err(|error| error.with("folder", folder))
    }
}

#[async_trait]
impl Endpoint for ImapEndpoint {
    async fn folders(&self) -> Result<Listing> {
        let mut conn = self.pool.lend(None, None).await?;
        let known = self.names.with(|names| names.namespace.clone());
        let listed = folders::list(&mut conn, known).await;
        // Exchange lets in whom it then connects to nothing: that is a refused sign-in too.
        let named = |error: Error| match error.code() {
            Code::SignInRefused => error.with("login", self.pool.user()),
            _ => error,
        };
        let (listing, names) = listed.map_err(named)?;
        self.names.replace(names);
        Ok(listing)
    }

    async fn identify(&self, folders: &[FolderPath]) -> Result<Vec<Option<String>>> {
        if folders.is_empty() || self.names.with(|names| names.ids_when_opened) != Some(true) {
            return Ok(vec![None; folders.len()]);
        }
        let names = self.names_of(folders.iter().collect()).await?;
        let mut conn = self.pool.lend(None, None).await?;
        let nameable: Vec<WireName> = names.iter().flatten().cloned().collect();
        let mut ids = identify::identify(&mut conn, &nameable).await?.into_iter();
        Ok(names.into_iter().map(|name| name.ok().and_then(|_| ids.next().flatten())).collect())
    }

    async fn observe(&self, folder: &FolderPath, since: Option<&Cursor>) -> Result<Snapshot> {
        let look = LookAt { folder: folder.clone(), since: since.copied(), ask: UidSet::new() };
        let mut looked = self.observe_all(&[look]).await;
        looked.pop().unwrap_or_else(|| Err(Error::internal("a look without a result"))).map(|looked| looked.snapshot)
    }

    async fn observe_all(&self, looks: &[LookAt]) -> Vec<Result<Looked>> {
        match self.observe_in_one_flight(looks).await {
            Ok(results) => results,
            Err(error) => each_fails(error, looks.len()),
        }
    }

    async fn stamps(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<Vec<Stamp>> {
        let mut conn = self.open(folder, validity).await.about(folder)?;
        stamps::stamps(&mut conn, uids).await.about(folder)
    }

    async fn present(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<UidSet> {
        let mut conn = self.open(folder, validity).await.about(folder)?;
        stamps::present(&mut conn, uids).await.about(folder)
    }

    async fn sizes(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<Vec<(Uid, u64)>> {
        let mut conn = self.open(folder, validity).await.about(folder)?;
        stamps::sizes(&mut conn, uids).await.about(folder)
    }

    async fn asking_receipts(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<UidSet> {
        let mut conn = self.open(folder, validity).await.about(folder)?;
        stamps::asking_receipts(&mut conn, uids).await.about(folder)
    }

    async fn read_all(&self, wanted: Vec<ReadFrom>) -> Result<Box<dyn BodyStream>> {
        let mut names = Vec::with_capacity(wanted.len());
        for from in &wanted {
            names.push(self.name(&from.folder).await?);
        }
        let conn = self.pool.lend(Some(Direction::Out), names.first().map(|name| &name[..])).await?;
        Ok(Box::new(Bodies::start(conn, names, &wanted).await?))
    }

    async fn writer(&self) -> Result<Box<dyn Writer>> {
        if self.names.with(|_| ()).is_none() {
            self.folders().await?;
        }
        let conn = self.pool.lend(Some(Direction::In), None).await?;
        Ok(Box::new(Appender::new(conn, self.names.clone())))
    }

    async fn mark(&self, folder: &FolderPath, since: &Cursor, changes: &[MarkChange]) -> Result<Marked> {
        let name = self.name(folder).await?;
        let mut conn = self.pool.lend(None, Some(&name)).await?;
        if since.modseq > 0 {
            // Opened anew, so that it is known where the folder stands.
            conn.selected = None;
        }
        ensure_open(&mut conn, &name, since.validity).await.about(folder)?;
        let mut marked = change::mark(&mut conn, since, changes).await.about(folder)?;
        let results = std::mem::take(&mut marked.results).into_iter().map(|result| result.about(folder)).collect();
        Ok(Marked { results, ..marked })
    }

    async fn shift(
        &self,
        (from, validity): (&FolderPath, u32),
        uids: &UidSet,
        (to, to_validity): (&FolderPath, u32),
    ) -> Result<Vec<Shifted>> {
        let to = self.name(to).await?;
        let mut conn = self.open(from, validity).await.about(from)?;
        change::shift(&mut conn, uids, &to, to_validity).await.about(from)
    }

    async fn expunge(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<Removed> {
        let mut conn = self.open(folder, validity).await.about(folder)?;
        change::expunge(&mut conn, uids).await.about(folder)
    }

    async fn create(&self, folder: &FolderPath, role: Option<Role>) -> Result<()> {
        let name = self.name(folder).await?;
        let mut conn = self.aside(&name).await?;
        let plain = Command::new("CREATE", Request::Create).string(&name, conn.literals());
        let attribute = role.and_then(attribute).filter(|_| conn.ext.create_special_use);
        if let Some(attribute) = attribute {
            let command = plain.clone().raw(&format!("(USE ({attribute}))"));
            let answers = conn.run(&[command], &mut ignore).await.about(folder)?;
            if answers.iter().any(already_exists) {
                return is_shown(&mut conn, &name).await.about(folder);
            }
            if answers.iter().all(Answer::is_ok) {
                return Ok(());
            }
            // The role may be taken or not be possible here; the folder is what matters.
        }
        let answers = conn.run(&[plain], &mut ignore).await.about(folder)?;
        match answers.into_iter().next() {
            Some(answer) if already_exists(&answer) => is_shown(&mut conn, &name).await.about(folder),
            answer => conn.checked(Request::Create, answer).map(drop).about(folder),
        }
    }

    /// All in one flight. Where a server does not take the role, which it seldom says in advance, the folder is made
    /// without it.
    async fn create_all(&self, folders: &[(FolderPath, Option<Role>)]) -> Vec<Result<()>> {
        let made = match self.create_in_one_flight(folders).await {
            Ok(made) => made,
            Err(error) => return each_fails(error, folders.len()),
        };
        let mut results = Vec::with_capacity(folders.len());
        for ((folder, role), made) in folders.iter().zip(made) {
            results.push(match (made, role) {
                (Err(_), Some(_)) => self.create(folder, None).await,
                (made, _) => made,
            });
        }
        results
    }

    async fn rename(&self, from: &FolderPath, to: &FolderPath) -> Result<()> {
        let (old, new) = (self.name(from).await?, self.name(to).await?);
        let mut conn = self.aside(&old).await?;
        let literals = conn.literals();
        let command = Command::new("RENAME", Request::Folder).string(&old, literals).string(&new, literals);
        conn.done(command, &mut ignore).await.about(from)?;
        self.forget(from);
        self.forget(to);
        Ok(())
    }

    async fn remove(&self, folder: &FolderPath) -> Result<()> {
        let name = self.name(folder).await?;
        let mut conn = self.aside(&name).await?;
        let command = Command::new("DELETE", Request::Folder).string(&name, conn.literals());
        let answers = conn.run(&[command], &mut ignore).await.about(folder)?;
        match answers.into_iter().next() {
            Some(answer) if missing(&answer) => {}
            answer => {
                conn.checked(Request::Folder, answer).about(folder)?;
            }
        }
        self.forget(folder);
        Ok(())
    }

    async fn subscribe(&self, folder: &FolderPath, subscribed: bool) -> Result<()> {
        let name = self.name(folder).await?;
        let mut conn = self.pool.lend(None, None).await?;
        let verb = if subscribed { "SUBSCRIBE" } else { "UNSUBSCRIBE" };
        let command = Command::new(verb, Request::Folder).string(&name, conn.literals());
        conn.done(command, &mut ignore).await.about(folder).map(drop)
    }

    async fn find(&self, folder: &FolderPath, validity: u32, floor: Uid) -> Result<Vec<Stamp>> {
        let name = self.name(folder).await?;
        let mut conn = self.pool.lend(None, Some(&name)).await?;
        // Opened anew, so that whatever the server has committed by now is seen.
        conn.selected = None;
        ensure_open(&mut conn, &name, validity).await.about(folder)?;
        change::catch_up(&mut conn);
        stamps::stamps_from(&mut conn, floor).await.about(folder)
    }

    async fn warm(&self, lanes: usize) {
        self.pool.warm(lanes).await;
    }

    async fn wait(&self, folder: &FolderPath, limit_ms: u64) -> Result<()> {
        let name = self.name(folder).await?;
        self.bell.wait(&self.pool, &name, limit_ms).await.about(folder)
    }

    async fn close(&self) {
        self.bell.close().await;
        self.pool.close().await;
    }
}

impl ImapEndpoint {
    async fn observe_in_one_flight(&self, looks: &[LookAt]) -> Result<Vec<Result<Looked>>> {
        let named = self.names_of(looks.iter().map(|look| &look.folder).collect()).await?;
        let (names, nameable) = nameable(&named, looks);
        let mut conn = self.pool.lend(None, names.first().map(|name| &name[..])).await?;
        let mut results = observe::observe_all(&mut conn, &names, &nameable).await.into_iter();
        let results = named.into_iter().zip(looks).map(|(name, look)| {
            let name = name?;
            let result = results.next().unwrap_or_else(|| Err(Error::internal("a look without a result")));
            let looked = result.about(&look.folder)?;
            self.names.with(|names| names.set_validity(&name, looked.snapshot.cursor.validity));
            Ok(looked)
        });
        Ok(results.collect())
    }

    async fn create_in_one_flight(&self, folders: &[(FolderPath, Option<Role>)]) -> Result<Vec<Result<()>>> {
        let named = self.names_of(folders.iter().map(|(folder, _)| folder).collect()).await?;
        let (names, nameable) = nameable(&named, folders);
        let mut conn = self.pool.lend(None, None).await?;
        let literals = conn.literals();
        let commands: Vec<Command> = names
            .iter()
            .zip(nameable)
            .map(|(name, (_, role))| {
                let plain = Command::new("CREATE", Request::Create).string(name, literals);
                match role.and_then(attribute).filter(|_| conn.ext.create_special_use) {
                    Some(attribute) => plain.raw(&format!("(USE ({attribute}))")),
                    None => plain,
                }
            })
            .collect();
        let mut answers = conn.run(&commands, &mut ignore).await?.into_iter();
        let mut results = Vec::with_capacity(folders.len());
        for (name, (folder, _)) in named.into_iter().zip(folders) {
            let made = match name {
                Ok(name) => match answers.next() {
                    Some(answer) if already_exists(&answer) => is_shown(&mut conn, &name).await,
                    answer => conn.checked(Request::Create, answer).map(drop),
                },
                Err(refused) => Err(refused),
            };
            results.push(made.about(folder));
        }
        Ok(results)
    }

    /// A folder has another name now, or none: nothing that was known about it holds.
    fn forget(&self, folder: &FolderPath) {
        self.names.with(|names| names.forget(folder));
        self.pool.forget_selected();
    }
}

/// The names there are, and what is wanted of them.
fn nameable<T: Clone>(named: &[Result<WireName>], wanted: &[T]) -> (Vec<WireName>, Vec<T>) {
    named.iter().zip(wanted).filter_map(|(name, wanted)| Some((name.as_ref().ok()?.clone(), wanted.clone()))).unzip()
}

/// What is there already is as good as made, unless the account may not even know of it (RFC 4314 section 6, without the right
/// `l`): then it would be made again and again, and vanish each time.
async fn is_shown(conn: &mut Connection, name: &WireName) -> Result<()> {
    match folders::validity(conn, name).await {
        Err(gone) if gone.code() == Code::FolderGone => {
            let answer = format!("CREATE says that it exists, and STATUS: {}", gone.arg("answer").unwrap_or_default());
            let hidden = Error::new(Code::FolderCannotOpen, Scope::Folder, Retry::WhenFixed).with("answer", answer);
            Err(hidden.with("host", gone.arg("host").unwrap_or_default()))
        }
        Err(error) if error.scope() > Scope::Folder => Err(error),
        _ => Ok(()),
    }
}

/// One failure for all of them; the first tells why.
fn each_fails<T>(error: Error, count: usize) -> Vec<Result<T>> {
    let rest = (1..count).map(|_| Err(again(&error))).collect::<Vec<_>>();
    std::iter::once(Err(error)).chain(rest).take(count).collect()
}

fn attribute(role: Role) -> Option<&'static str> {
    match role {
        Role::Sent => Some("\\Sent"),
        Role::Drafts => Some("\\Drafts"),
        Role::Trash => Some("\\Trash"),
        Role::Junk => Some("\\Junk"),
        Role::Archive => Some("\\Archive"),
        _ => None,
    }
}
