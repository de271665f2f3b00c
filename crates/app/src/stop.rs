//! Ctrl-C and SIGTERM: the first asks everything to end cleanly, the second ends the process at once.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::message::Message;
use parom_service::Stop;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens from now on, for as long as the runtime lives. `first` is called when stopping is asked for.
pub fn listen(first: impl FnOnce() + Send + 'static) -> Result<Stop, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Internal, Message::new("runtime-failed").with("detail", error.to_string()))
    };
    let mut signals = Signals {
        interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
        terminate: signal(SignalKind::terminate()).map_err(failed)?,
    };
    let (switch, stop) = Stop::new();
    tokio::spawn(async move {
        signals.next().await;
        first();
        switch.stop();
        signals.next().await;
        // A kill is survived at every step, so this one too.
        std::process::exit(i32::from(Exit::Interrupted.number()));
    });
    Ok(stop)
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
