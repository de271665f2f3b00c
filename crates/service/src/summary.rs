//! The short account of passes that `parom status` shows. It is written when it says something new: an idle pass writes
//! nothing.

use parom_domain::Error;
use parom_domain::state::PassSummary;
use parom_engine::Report;

/// The summary that a finished pass leaves, and whether it still has to be written: the engine has written it when the
/// pass did something.
#[must_use]
pub fn after_report(last: &PassSummary, report: &Report, did: bool, now_ms: u64) -> (PassSummary, bool) {
    let trouble = report.trouble.first().map(|(_, error)| stored(error));
    let is_written = did || trouble.is_some();
    // What is left: the first look at an account that has nothing to do, the end of trouble, and that something is open now
    // or is so no longer.
    let is_news = last.at_ms == 0 || last.error.is_some() || last.is_ok() != report.settled;
    if !is_written && !is_news {
        return (last.clone(), false);
    }
    let fresh = PassSummary {
        at_ms: now_ms,
        last_ok_ms: if report.settled { Some(now_ms) } else { last.last_ok_ms },
        parked: report.parked,
        carried: report.carried.source.saturating_add(report.carried.target),
        folders: report.folders,
        error: trouble,
    };
    (fresh, !is_written)
}

/// The summary that a failed pass leaves; `None` when it is the same failure once more.
#[must_use]
pub fn after_error(last: &PassSummary, error: &Error, now_ms: u64) -> Option<PassSummary> {
    let error = Some(stored(error));
    (last.error != error).then(|| PassSummary { at_ms: now_ms, error, carried: 0, ..last.clone() })
}

/// Code and arguments, as the state keeps them.
fn stored(error: &Error) -> (String, Vec<(String, String)>) {
    let args = error.args().iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    (error.code().as_str().to_owned(), args)
}

#[cfg(test)]
mod tests {
    use super::*;
    use parom_domain::{Code, Retry, Scope};

    fn error() -> Error {
        Error::new(Code::ConnectionLost, Scope::Account, Retry::Soon).with("host", "h")
    }

    #[test]
    fn an_idle_pass_writes_nothing_but_the_first_time() {
        let idle = Report { folders: 3, settled: true, ..Report::default() };
        let (first, write) = after_report(&PassSummary::default(), &idle, false, 5);
        assert_eq!((first.at_ms, first.last_ok_ms, write), (5, Some(5), true));
        let (second, write) = after_report(&first, &idle, false, 9);
        assert_eq!((second, write), (first, false));
    }

    #[test]
    fn the_same_failure_is_written_once_and_its_end_too() {
        let good = PassSummary { at_ms: 1, last_ok_ms: Some(1), folders: 7, ..PassSummary::default() };
        let failed = after_error(&good, &error(), 2).unwrap();
        assert_eq!((failed.folders, failed.last_ok_ms, failed.is_ok()), (7, Some(1), false));
        assert_eq!(after_error(&failed, &error(), 3), None);
        let well = Report { settled: true, ..Report::default() };
        let (well, write) = after_report(&failed, &well, false, 4);
        assert_eq!((well.is_ok(), well.last_ok_ms, write), (true, Some(4), true));
    }

    #[test]
    fn what_is_still_open_is_written_once_and_its_end_too() {
        let good = PassSummary { at_ms: 1, last_ok_ms: Some(1), ..PassSummary::default() };
        let (open, write) = after_report(&good, &Report::default(), false, 2);
        assert_eq!((open.is_ok(), open.last_ok_ms, write), (false, Some(1), true));
        assert_eq!(after_report(&open, &Report::default(), false, 3), (open.clone(), false));
        let settled = Report { settled: true, ..Report::default() };
        let (closed, write) = after_report(&open, &settled, false, 4);
        assert_eq!((closed.is_ok(), write), (true, true));
    }
}
