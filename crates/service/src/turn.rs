//! Waiting in the queue, where servers ask for pauses meanwhile.

use crate::connections::{Grant, Waiting};
use crate::stop::Stop;
use std::time::Duration;
use tokio::sync::watch;

/// What ends a wait for a turn.
pub enum Step {
    Granted(Grant),
    Stopped,
    /// A pause is over, or a gate has closed or opened: whoever waits thinks again, and keeps the place.
    Moved,
}

/// Waits for a turn while a server wants to be left alone for `pause`, or none does. `changes` tells of gates from the moment
/// on at which the pause was asked about.
pub async fn step(stop: &Stop, waiting: &mut Waiting, pause: Duration, changes: &mut watch::Receiver<()>) -> Step {
    let is_over = async {
        if pause.is_zero() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(pause).await;
    };
    tokio::select! {
        biased;
        () = stop.asked() => Step::Stopped,
        grant = waiting.granted() => Step::Granted(grant),
        () = is_over => Step::Moved,
        _ = changes.changed() => Step::Moved,
    }
}
