//! The connections of one account: at most so many, opened when needed, kept for the pass.

use crate::classify::Request;
use crate::command::{Command, WireName};
use crate::connection::{Connection, Direction, ignore};
use crate::settings::{Login, ServerSettings};
use crate::sign_in;
use futures_util::future::join_all;
use parom_domain::{Code, Error, Result};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Mutex as AsyncMutex, OwnedSemaphorePermit, Semaphore};

pub struct Pool {
    pub settings: Arc<ServerSettings>,
    login: Login,
    lanes: usize,
    free: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
    gate: AsyncMutex<Gate>,
}

/// What is known about the sign-in. The first one goes alone, so that a wrong password is tried once, whatever the
/// number of lanes: servers lock accounts after a few.
enum Gate {
    Untried,
    Good,
    Refused(Error),
}

impl Pool {
    /// Who signs in.
    pub fn user(&self) -> &str {
        &self.login.user
    }

    #[must_use]
    pub fn new(settings: Arc<ServerSettings>, login: Login, lanes: usize) -> Arc<Pool> {
        let lanes = lanes.max(1);
        Arc::new(Pool {
            settings,
            login,
            lanes,
            free: Arc::new(Semaphore::new(lanes)),
            idle: Mutex::default(),
            gate: AsyncMutex::new(Gate::Untried),
        })
    }

    /// Lends a connection, if possible one that has `folder` open. With a direction it carries bodies that way and no
    /// other from now on.
    ///
    /// # Errors
    /// Those of [`sign_in::open`].
    pub async fn lend(self: &Arc<Pool>, direction: Option<Direction>, folder: Option<&[u8]>) -> Result<Lent> {
        let permit = self.free.clone().acquire_owned().await.map_err(Error::internal)?;
        let (found, surplus) = self.pick(direction, folder);
        if let Some(surplus) = surplus {
            surplus.log_out().await;
        }
        let mut conn = match found {
            Some(conn) => conn,
            None => self.open().await?,
        };
        conn.direction = conn.direction.or(direction);
        Ok(Lent { conn: Some(conn), pool: self.clone(), _permit: permit })
    }

    /// Opens a connection beside the lanes, for IDLE. It does not come back.
    ///
    /// # Errors
    /// Those of [`sign_in::open`].
    pub async fn open(&self) -> Result<Connection> {
        let mut gate = self.gate.lock().await;
        match &*gate {
            Gate::Refused(error) => return Err(again(error)),
            Gate::Good => drop(gate),
            Gate::Untried => {
                let opened = sign_in::open(&self.settings, &self.login).await;
                match &opened {
                    Ok(_) => *gate = Gate::Good,
                    Err(error) if is_final(error) => *gate = Gate::Refused(again(error)),
                    Err(_) => {}
                }
                return opened;
            }
        }
        let opened = sign_in::open(&self.settings, &self.login).await;
        if let Err(error) = &opened
            && is_final(error)
        {
            *self.gate.lock().await = Gate::Refused(again(error));
        }
        opened
    }

    /// Opens connections side by side until `count` are there, each to be lent as soon as it is open. One that fails is not
    /// missed: whoever needs it will see why.
    pub async fn warm(self: &Arc<Pool>, count: usize) {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).len();
        let missing = count.min(self.lanes).saturating_sub(idle + self.in_use());
        let opening = (0..missing).map(|_| async {
            let permit = self.free.clone().acquire_owned().await.ok()?;
            let conn = self.open().await.ok()?;
            Some(Lent { conn: Some(conn), pool: self.clone(), _permit: permit })
        });
        join_all(opening.map(|opened| async { drop(opened.await) })).await;
    }

    fn in_use(&self) -> usize {
        self.lanes - self.free.available_permits().min(self.lanes)
    }

    /// Takes an idle connection out, for good.
    pub fn spare(&self) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Says good-bye on all idle connections.
    pub async fn close(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for conn in idle {
            conn.log_out().await;
        }
    }

    /// Names have changed: what idle connections have open may be called otherwise now.
    pub fn forget_selected(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.iter_mut().for_each(|conn| conn.selected = None);
    }

    /// No idle connection has this folder open afterwards. One that cannot leave it is given up.
    pub async fn leave_folder(self: &Arc<Pool>, name: &WireName) {
        let leaving = self.holding(name).into_iter().map(|mut conn| async move {
            if conn.leave_folder().await.is_ok() {
                // What was only sent along with a later command could come too late. A connection that breaks does not come back.
                let _ = conn.run(&[Command::new("NOOP", Request::Account)], &mut ignore).await;
            }
        });
        join_all(leaving).await;
    }

    /// Lends the idle connections that may have this folder open.
    fn holding(self: &Arc<Pool>, name: &WireName) -> Vec<Lent> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut holding = Vec::new();
        while let Some(at) = idle.iter().position(|conn| conn.may_hold(name))
            && let Ok(permit) = self.free.clone().try_acquire_owned()
        {
            holding.push(Lent { conn: Some(idle.swap_remove(at)), pool: self.clone(), _permit: permit });
        }
        holding
    }

    /// A fitting idle connection; without one, an idle one that must make room for the new.
    fn pick(&self, direction: Option<Direction>, folder: Option<&[u8]>) -> (Option<Connection>, Option<Connection>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |conn: &Connection| direction.is_none() || conn.direction.is_none() || conn.direction == direction;
        let open = |conn: &Connection| match (&conn.selected, folder) {
            (Some(selected), Some(folder)) => selected.name == folder,
            (selected, _) => selected.is_none(),
        };
        let best = (0..idle.len())
            .filter(|at| idle.get(*at).is_some_and(fits))
            // The folder matters most, then that a connection without a direction stays one.
            .max_by_key(|at| idle.get(*at).map(|conn| (open(conn), conn.direction == direction)));
        if let Some(at) = best {
            return (Some(idle.swap_remove(at)), None);
        }
        let full = idle.len() + self.in_use() > self.lanes;
        (None, if full { idle.pop() } else { None })
    }
}

/// A sign-in that would be refused again.
fn is_final(error: &Error) -> bool {
    matches!(error.code(), Code::SignInRefused | Code::NoMechanism | Code::NtlmLeftOut | Code::NtlmOwnMailbox)
}

/// The same error once more; the causes behind it are told once.
pub fn again(error: &Error) -> Error {
    let copy = Error::new(error.code(), error.scope(), error.retry());
    error.args().iter().fold(copy, |copy, (name, value)| copy.with(name, value))
}

/// A connection on loan. It goes back when dropped, unless answers are outstanding on it.
pub struct Lent {
    /// Always there until the drop.
    conn: Option<Connection>,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Lent {
    /// Gives the connection up: it will be closed, not lent again.
    pub fn discard(&mut self) {
        self.set_busy(true);
    }
}

impl Deref for Lent {
    type Target = Connection;

    #[allow(clippy::expect_used)]
    fn deref(&self) -> &Connection {
        self.conn.as_ref().expect("a connection on loan is there until it is dropped")
    }
}

impl DerefMut for Lent {
    #[allow(clippy::expect_used)]
    fn deref_mut(&mut self) -> &mut Connection {
        self.conn.as_mut().expect("a connection on loan is there until it is dropped")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take()
            && conn.is_reusable()
        {
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        }
    }
}
