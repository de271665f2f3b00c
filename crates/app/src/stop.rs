//! Ctrl-C, SIGTERM and the end of the terminal: the first asks everything to end cleanly, the second ends the process at once.

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
        // Whoever started us under `nohup` wants us to outlive the terminal.
        hangup: if hangup_is_ignored() { None } else { Some(signal(SignalKind::hangup()).map_err(failed)?) },
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
    hangup: Option<Signal>,
}

impl Signals {
    async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }
}

/// As Linux tells it; elsewhere nobody is asked.
fn hangup_is_ignored() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hangup(&status))
}

/// SIGHUP is the first signal, so it is the lowest bit of the mask (proc_pid_status(5)).
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_hangup_is_known_by_the_mask_of_signals() {
        assert!(ignores_hangup("Name:\tparom\nSigIgn:\t0000000000001001\n"));
        assert!(!ignores_hangup("Name:\tparom\nSigIgn:\t0000000000001000\n"));
        assert!(!ignores_hangup("Name:\tparom\n"));
    }
}
