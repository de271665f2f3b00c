//! `cargo xtask long`: what shows the same as CI, but more of it than CI has time for.

use crate::{Result, failure, paths};
use std::process::Command;

/// A suite: tests of xtask that are marked `#[ignore]`.
struct Suite {
    name: &'static str,
    binary: &'static str,
    filter: &'static str,
    shows: &'static str,
}

const SUITES: &[Suite] = &[
    Suite {
        name: "kills",
        binary: "crashes",
        filter: "a_hundred_kills",
        shows: "kill -9 at 100 points of copying and of carrying edits",
    },
    Suite { name: "cuts", binary: "crashes", filter: "a_hundred_cuts", shows: "the connection reset at 100 points" },
    Suite {
        name: "big-folder",
        binary: "two_way",
        filter: "two_hundred_thousand_messages",
        shows: "200,000 messages in one folder, both ways",
    },
    Suite {
        name: "storm",
        binary: "two_way",
        filter: "rounds_of_edits",
        shows: "many rounds of random edits on both sides",
    },
    Suite {
        name: "exchange-storm",
        binary: "exchange_storm",
        filter: "ten_thousand_edits",
        shows: "10,000 edits, 200 faults and 20 kills between the worst Exchange and Dovecot, then Cyrus",
    },
    Suite {
        name: "calendar-storm",
        binary: "calendar_storm",
        filter: "fifty_accounts_and_ten_thousand_edits_with_the_labs_server",
        shows: "50 calendars, 10,000 edits, 200 faults and 20 kills between Exchange and the lab's CalDAV",
    },
    Suite {
        name: "calendar-storm-radicale",
        binary: "calendar_storm",
        filter: "fifty_accounts_and_ten_thousand_edits_with_radicale",
        shows: "the same between Exchange and Radicale",
    },
    Suite {
        name: "sogo",
        binary: "sogo",
        filter: "nobody_is_mailed",
        shows: "invitations between Exchange and a SOGo that mails people, with a trap for its mails",
    },
    Suite {
        name: "large-events",
        binary: "large_calendars",
        filter: "events_of_fifty_megabytes",
        shows: "events of 50 MB from Exchange and from a phone, with limits on either side, and what they take of memory",
    },
    Suite {
        name: "large-calendar",
        binary: "large_calendars",
        filter: "ten_thousand_events",
        shows: "calendars of 10,000 events both ways, an idle pass over them, and a few changes",
    },
];

pub fn run(words: &[&str]) -> Result<()> {
    let wanted: Vec<&Suite> = match words {
        ["all"] => SUITES.iter().collect(),
        [] => return Err(failure(usage())),
        names => {
            let found = names.iter().map(|name| SUITES.iter().find(|suite| suite.name == *name));
            found.collect::<Option<_>>().ok_or_else(|| failure(usage()))?
        }
    };
    for suite in wanted {
        println!("== {}: {}", suite.name, suite.shows);
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["test", "--package", "xtask", "--test", suite.binary, "--", "--ignored", "--nocapture"]);
        let status = command.arg(suite.filter).current_dir(paths::root()).status()?;
        if !status.success() {
            return Err(failure(format!("long suite {} failed", suite.name)));
        }
    }
    Ok(())
}

fn usage() -> String {
    let mut text = "cargo xtask long all | <suite>...\n".to_owned();
    for Suite { name, shows, .. } in SUITES {
        text.push_str(&format!("  {name:24} {shows}\n"));
    }
    text
}
