//! Ctrl-C and SIGTERM: the first asks everything to end cleanly, the second ends the process at once.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::message::Message;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Tells whether somebody has asked to stop. Clones share it.
#[derive(Clone, Debug)]
pub struct Stop {
    asked: watch::Receiver<bool>,
}

impl Stop {
    /// Listens from now on, for as long as the runtime lives. `first` is called when stopping is asked for.
    pub fn listen(first: impl FnOnce() + Send + 'static) -> Result<Stop, Failure> {
        let failed = |error: std::io::Error| {
            Failure::new(Exit::Internal, Message::new("runtime-failed").with("detail", error.to_string()))
        };
        let mut signals = Signals {
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
        };
        let (ask, asked) = watch::channel(false);
        tokio::spawn(async move {
            signals.next().await;
            first();
            // Nobody may be left who could be asked.
            let _ = ask.send(true);
            signals.next().await;
            // A kill is survived at every step, so this one too.
            std::process::exit(i32::from(Exit::Interrupted.number()));
        });
        Ok(Stop { asked })
    }

    #[must_use]
    pub fn is_asked(&self) -> bool {
        *self.asked.borrow()
    }

    /// Waits until stopping is asked for.
    pub async fn asked(&self) {
        let mut asked = self.asked.clone();
        if asked.wait_for(|asked| *asked).await.is_err() {
            // The listener is gone with the runtime; so will this future be.
            std::future::pending::<()>().await;
        }
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
