//! `newsdesk bench`: compares models on labelled data sets by speed, latency, memory and accuracy.
//!
//! Throughput and peak memory are those of the command `newsdesk classify` in a process of its own. Load time, latency
//! and accuracy are measured in this process. In every round each model has one turn. The order alternates between
//! rounds, so that other load on the machine affects all models alike.

mod baseline;
mod front;
mod job;
mod measure;
mod page;
mod record;
mod results;
mod setup;
mod tables;

use super::INTERRUPTED;
use crate::arguments::Bench;
use crate::console;
use crate::exit_code::ExitCode;
use crate::failure::{Usage, say};
use crate::output::atomic;
use crate::output::terminal;
use crate::process;
use anyhow::Result;
use baseline::{Change, changes};
use job::Job;
use record::Results;
use serde::Serialize;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The JSON that `bench --json` prints.
#[derive(Serialize)]
struct Findings<'a> {
    #[serde(flatten)]
    results: &'a Results,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<Change>>,
}

pub fn run(options: &Bench) -> Result<ExitCode> {
    let baseline = options.baseline.as_deref().map(Results::open).transpose()?;
    if !options.tolerance.is_finite() || options.tolerance < 0.0 {
        let message = format!("cannot use `--tolerance {}`: it is not a percentage of at least 0", options.tolerance);
        return Err(Usage::new(message, "give a number of at least 0; the default is 10").into());
    }
    let mut job = Job::new(options)?;
    if let Some(baseline) = &baseline {
        job.check_in_common(baseline)?;
    }
    let stop = Arc::clone(&job.stop);
    // The first signal lets the current measurement finish. A second one ends the program; `--output` has the results
    // so far.
    process::on_interrupt(move || {
        if stop.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
    });
    let outcome = job.measure();
    let interrupted = job.stop.load(Ordering::Relaxed);
    if let Err(error) = outcome
        && !interrupted
    {
        job.save_results(false, true)?;
        return Err(error);
    }
    let results = job.save_results(!interrupted, true)?;
    let compared = baseline.map(|baseline| changes(&baseline, &results, options.tolerance / 100.0));
    let in_common = compared.as_ref().map(|(_, in_common)| *in_common);
    let changes = compared.map(|(changes, _)| changes);
    match options.json {
        true => {
            let findings = Findings { results: &results, changes: changes.clone() };
            console::print_pretty_json(&findings)?;
        }
        false => write!(terminal::stdout(), "{}", tables::tables(&results, changes.as_deref()))?,
    }
    if let Some(path) = &options.report {
        atomic::write(path, &page::page(&job, &results)?.html())?;
    }
    if interrupted {
        say("interrupted: the measurements so far are above, and in the file of `--output` if one was given");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    if in_common == Some(0) {
        let message = "cannot compare with the baseline: it measured other numbers of articles";
        return Err(Usage::new(message, "use the same `--limit`, or measure the earlier version again").into());
    }
    let got_worse = changes.iter().flatten().any(|change| change.worse);
    let rejected = results.results.iter().any(|measured| measured.rejected > 0);
    Ok(if got_worse || rejected { ExitCode::from(1) } else { ExitCode::SUCCESS })
}
