//! A run of `classify` into a pipe, a device or a terminal. It cannot be resumed.

use super::job::{Job, exit_code};
use super::summary::Summary;
use crate::exit_code::ExitCode;
use crate::failure;
use crate::output::format::table_style;
use crate::output::reporting::ReportingOutput;
use crate::output::row_table::RowTable;
use anyhow::Result;
use newsdesk_data::{Format, RowWriter, create, writer};
use newsdesk_run::{RunState, StreamOutput, run_corpus};
use std::io::IsTerminal;
use std::path::Path;
use std::time::Instant;

/// Runs; without a format, rows are printed as a table.
///
/// # Errors
/// If an input cannot be read or the output cannot be written.
pub fn run(job: &Job, format: Option<Format>) -> Result<ExitCode> {
    let options = job.options;
    let rows: Box<dyn RowWriter + Send> = match format {
        None => Box::new(RowTable::new()),
        Some(format) => {
            let mut rows = writer(format, create(options.output.as_deref().unwrap_or(Path::new("-")))?)?;
            rows.set_style(table_style(&options.table, Some(format))?);
            rows
        }
    };
    let rejects = options.rejects.as_deref().map(create).transpose()?;
    let to_terminal = options.output.is_none() && std::io::stdout().is_terminal();
    let show_bar = !options.quiet && !to_terminal && std::io::stderr().is_terminal();
    let mut output = ReportingOutput::new(StreamOutput::new(rows, rejects), show_bar, options.quiet);
    let mut state = RunState::start();
    let clock = Instant::now();
    let ran = run_corpus(&job.classifier, &job.sources, &job.run_options, &job.columns, &mut state, &mut output);
    // After a failed read the output is still finished, so that the rows read until then are complete. The first error
    // is reported.
    let finished = output.into_inner().finish();
    let ran = ran.and(finished).map_err(anyhow::Error::from);
    match options.output {
        // A reader of standard output may stop early, as `head` does; a named output that breaks is an error.
        Some(_) => ran.map_err(failure::not_a_broken_pipe)?,
        None => ran?,
    }
    job.report_texts(&state.counts);
    job.report_rejects(&state.counts);
    let summary = Summary::new(job, &state.counts, Some(state.counts.articles), clock.elapsed().as_secs_f64());
    summary.report(job, format.is_none() && to_terminal)?;
    Ok(exit_code(&state.counts))
}
