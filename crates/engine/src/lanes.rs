//! Folders side by side: so many at once as the endpoints have connections for, and no more than the work is worth.

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

/// Splits work into at most `most` runs of neighbours of about the same weight, each worth the connection that it takes:
/// signing in costs a server as much as work of the weight `worth`. Returns how many each holds.
#[must_use]
pub fn split(weights: &[u64], worth: u64, most: usize) -> Vec<usize> {
    let total: u64 = weights.iter().sum();
    let wanted = usize::try_from(total / worth.max(1)).unwrap_or(usize::MAX).clamp(1, most.max(1));
    let share = total.div_ceil(wanted as u64);
    let mut counts = Vec::new();
    let (mut count, mut weight) = (0, 0);
    for next in weights {
        if count > 0 && weight + next > share && counts.len() + 1 < wanted {
            counts.push(count);
            (count, weight) = (0, 0);
        }
        count += 1;
        weight += next;
    }
    counts.extend((count > 0).then_some(count));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_work_takes_one_lane_and_much_takes_all() {
        assert_eq!(split(&[], 10, 3), [0; 0]);
        assert_eq!(split(&[0; 20], 10, 3), [20]);
        assert_eq!(split(&[1; 20], 20, 12), [20]);
        assert_eq!(split(&[10; 20], 20, 3), [6, 6, 8]);
        assert_eq!(split(&[2000, 0, 5, 7], 20, 3), [1, 3]);
        assert_eq!(split(&[1, 2000, 2000], 20, 2), [2, 1]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_left_out(weights in proptest::collection::vec(0u64..10_000, 0..60), worth in 0u64..5000, most in 0usize..9) {
            let counts = split(&weights, worth, most);
            proptest::prop_assert_eq!(counts.iter().sum::<usize>(), weights.len());
            proptest::prop_assert!(counts.len() <= most.max(1) && counts.iter().all(|count| *count > 0));
        }
    }
}
