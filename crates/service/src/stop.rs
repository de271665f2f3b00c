//! The wish that everything should end cleanly, as it reaches whoever works.

use tokio::sync::watch;

/// Tells whether somebody has asked to stop. Clones share it.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

/// Asks to stop.
#[derive(Debug)]
pub struct StopSwitch(watch::Sender<bool>);

impl Stop {
    #[must_use]
    pub fn new() -> (StopSwitch, Stop) {
        let (switch, asked) = watch::channel(false);
        (StopSwitch(switch), Stop(asked))
    }

    #[must_use]
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until stopping is asked for.
    pub async fn asked(&self) {
        let mut asked = self.0.clone();
        if asked.wait_for(|asked| *asked).await.is_err() {
            // Nobody is left who could ask.
            std::future::pending::<()>().await;
        }
    }
}

impl StopSwitch {
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}
