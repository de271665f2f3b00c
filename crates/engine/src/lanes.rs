//! Folders side by side: so many at once as the endpoints have connections for.

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;

/// Runs all jobs, at most `lanes` of them at a time, in the order given; results come in the order of completion.
pub async fn side_by_side<T>(lanes: usize, jobs: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    let mut results = Vec::with_capacity(jobs.len());
    let mut waiting = jobs.into_iter();
    let mut running: FuturesUnordered<BoxFuture<'_, T>> = waiting.by_ref().take(lanes.max(1)).collect();
    while let Some(result) = running.next().await {
        results.push(result);
        running.extend(waiting.next());
    }
    results
}
