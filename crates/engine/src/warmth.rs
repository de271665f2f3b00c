//! Opens connections ahead of need, beside the work: over a distance a sign-in is several round trips.

use futures_util::StreamExt;
use futures_util::future::join;
use futures_util::stream::FuturesUnordered;
use parom_domain::Both;
use parom_domain::endpoint::Endpoint;
use std::future::pending;
use tokio::sync::mpsc;

/// Where wishes for connections are left.
pub struct Warmth(mpsc::UnboundedSender<usize>);

impl Warmth {
    /// So many lanes will be wanted soon on both sides. Nobody waits for it.
    pub fn wish(&self, lanes: usize) {
        // Nobody listens only when the pass is over.
        let _ = self.0.send(lanes);
    }
}

/// The wishes of one pass, and the work on them. That never ends: it is dropped with the pass.
pub fn beside<'a>(
    sides: Both<&'a dyn Endpoint>,
) -> (Warmth, impl Future<Output = std::convert::Infallible> + Send + 'a) {
    let (wishes, mut heard) = mpsc::unbounded_channel();
    let work = async move {
        let mut opening = FuturesUnordered::new();
        loop {
            tokio::select! {
                wish = heard.recv() => match wish {
                    Some(lanes) => opening.push(join(sides.source.warm(lanes), sides.target.warm(lanes))),
                    None => pending().await,
                },
                Some(_) = opening.next() => {}
            }
        }
    };
    (Warmth(wishes), work)
}
