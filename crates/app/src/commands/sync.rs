//! `parom sync`: brings accounts into step.

use super::parked::{accounts, nobody};
use super::plan;
use crate::cli::Sync as Args;
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::i18n::Texts;
use crate::output;
use crate::progress::{self, Style};
use crate::state::{self, Access};
use crate::stop;
use crate::sync;
use parom_service::{Mode, Roster};
use std::io::IsTerminal;
use std::sync::Arc;

pub fn run(args: &Args, config: &Config, texts: &Arc<Texts>) -> Result<Exit, Failure> {
    let style = Style::choose(args.json, std::io::stderr().is_terminal() && std::io::stdout().is_terminal());
    let mode = match (args.watch && !args.dry_run, args.until_settled) {
        (true, _) => Mode::Watch { every_ms: config.limits.look_every_s.saturating_mul(1000) },
        (false, true) => Mode::UntilSettled,
        (false, false) => Mode::Once,
    };
    let access = if args.dry_run { Access::Read } else { Access::Write };
    let ended = state::with_workers(config, access, async |store| {
        let chosen = accounts(store, &args.account).await?;
        if chosen.iter().all(|account| args.all && !account.enabled) {
            let nobody = nobody(&chosen);
            // A watch that ends without having watched anybody must not look like success.
            return if matches!(mode, Mode::Watch { .. }) { Err(Failure::usage(nobody)) } else { Ok(Err(nobody)) };
        }
        let roster = if args.all { Roster::Enabled } else { Roster::These(chosen) };
        let said = texts.clone();
        let stop = stop::listen(move || eprintln!("{}", said.text("stopping")))?;
        // The plan is the output of a dry run; progress would be in its way.
        let style = if args.dry_run { None } else { Some(style) };
        let progress = progress::show(style, texts.clone());
        let ended = sync::run(config, store, roster, (mode, args.dry_run), progress.clone(), stop).await;
        progress.finish();
        ended.map(Ok)
    })?;
    let (exit, plans) = match ended {
        Ok(ended) => ended,
        Err(nobody) => {
            output::print(&format!("{}\n", texts.explain(&nobody)))?;
            return Ok(Exit::Done);
        }
    };
    for planned in &plans {
        if args.json {
            output::print_json(plan::objects(planned, texts))?;
        } else {
            output::print(&plan::told(planned, texts))?;
        }
    }
    Ok(exit)
}
