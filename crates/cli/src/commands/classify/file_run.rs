//! A run of `classify` into a file. It can be interrupted at any time and resumed, and ends with a manifest.

use super::job::{Job, exit_code};
use super::manifest::{manifest, model_record, timestamp};
use super::settings::Settings;
use super::summary::Summary;
use crate::commands::INTERRUPTED;
use crate::exit_code::ExitCode;
use crate::failure::{Usage, say};
use crate::output::count::counted;
use crate::output::format::table_style;
use crate::output::reporting::ReportingOutput;
use crate::output::total::Total;
use crate::process;
use anyhow::Result;
use indicatif::HumanCount;
use newsdesk_data::{Amount, Format, HtmlMode};
use newsdesk_run::{
    FileOutput, FileOutputOptions, InputFile, OnInterrupted, OpenOutcome, OpenedOutput, OutputPaths,
    ROWS_PER_CHECKPOINT, RunError, RunManifest, RunOutcome, RunStart, run_corpus,
};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Runs, or resumes an interrupted run.
///
/// # Errors
/// If the run cannot be resumed, an input cannot be read, or the output cannot be written.
pub fn run(job: &mut Job, paths: OutputPaths, format: Format) -> Result<ExitCode> {
    let options = job.options;
    let model = model_record(job)?;
    let now = RunStart {
        newsdesk: env!("CARGO_PKG_VERSION").into(),
        settings: Settings::new(job, &model, format)?.to_map()?,
        inputs: job.sources.iter().map(InputFile::of).collect(),
        started: timestamp(),
    };
    if options.resume && !paths.is_begun() && paths.output.exists() {
        return already_complete(job, &paths, &now);
    }
    let output_options = FileOutputOptions {
        format,
        interrupted: match (options.resume, options.overwrite.overwrite) {
            (true, _) => OnInterrupted::Resume,
            (false, true) => OnInterrupted::StartAgain,
            (false, false) => OnInterrupted::Refuse,
        },
        checkpoint_interval: Duration::from_secs(options.checkpoint_interval),
        style: table_style(&options.table, Some(format))?,
    };
    let OpenedOutput { mut output, mut state, start, resumed, damaged } =
        match FileOutput::open(paths.clone(), now, output_options)? {
            OpenOutcome::Ready(opened) => *opened,
            OpenOutcome::Complete(state) => {
                job.report_files(&paths, &state.counts);
                if let Some(manifest) = RunManifest::open(&paths.manifest())? {
                    Summary::of_finished(job, &manifest).report(job, false)?;
                }
                return Ok(exit_code(&state.counts));
            }
        };
    if Settings::is_without_html(&start.settings) {
        // An older version read texts as they are, and its run continues that way.
        job.run_options.read.html = HtmlMode::Keep;
    }
    if let Some(file) = damaged.filter(|_| !options.quiet) {
        let file = file.display();
        say(&format!("warning: `{file}` is not as the run wrote it: its last rows are labelled again"));
    }
    if resumed > 0 && !options.quiet {
        say(&match state.rows {
            0 => "no rows were saved yet: starting from the first row".to_owned(),
            rows => format!("resuming after {}", counted(HumanCount(rows), "row")),
        });
    }
    stop_on_interrupt(job);
    let (clock, articles_before) = (Instant::now(), state.counts.articles);
    let amounts = job.sources.iter().map(|source| Amount::of(source, &job.run_options.read));
    let (done, total) = (Arc::clone(&job.run_options.done), Total::new(amounts, options.limit));
    let mut reporting = ReportingOutput::of_run(output, done, total, options.quiet);
    let ran = run_corpus(&job.classifier, &job.sources, &job.run_options, &job.columns, &mut state, &mut reporting);
    output = reporting.into_inner();
    match ran {
        Ok(outcome) if outcome.interrupted => {
            let kept = output.save(&state)?;
            let saved = counted(HumanCount(kept), "row");
            let why = match output.can_end_anywhere() {
                false if kept < state.rows => {
                    format!(
                        " of {} (this output is saved only after every {ROWS_PER_CHECKPOINT} rows)",
                        HumanCount(state.rows)
                    )
                }
                _ => String::new(),
            };
            say(&format!("interrupted after {saved}{why}; resume with the same command and `--resume`"));
            Ok(ExitCode::from(INTERRUPTED))
        }
        Ok(outcome) => {
            warn_of_changed_inputs(job, &start.inputs, &outcome);
            let manifest = manifest(job, start, model, &state, clock.elapsed(), outcome, resumed);
            let articles = state.counts.articles - articles_before;
            let manifest = RunManifest { articles_since_start: Some(articles), ..manifest };
            output.finish(&state, &manifest)?;
            job.report_texts(&state.counts);
            job.report_files(&paths, &state.counts);
            Summary::new(job, &state.counts, Some(articles), manifest.seconds.total).report(job, false)?;
            Ok(exit_code(&state.counts))
        }
        Err(error) if state.rows == 0 && resumed == 0 => {
            // There is no progress to keep.
            output.discard()?;
            Err(error.into())
        }
        Err(error) => {
            // If this fails as well, the run can be resumed from the last checkpoint.
            if let Ok(kept) = output.save(&state)
                && !options.quiet
            {
                let kept = counted(HumanCount(kept), "row");
                say(&format!("{kept} kept; resume with the same inputs and `--resume`"));
            }
            Err(error.into())
        }
    }
}

/// Handles `--resume` if there is an output without a journal: its manifest must be that of a finished run with the
/// same settings.
fn already_complete(job: &Job, paths: &OutputPaths, now: &RunStart) -> Result<ExitCode> {
    let name = paths.output.display();
    let Some(manifest) = RunManifest::open(&paths.manifest())? else {
        let message = format!("cannot resume: `{name}` exists, but has neither a journal nor a manifest");
        return Err(Usage::new(message, "choose another output, or replace it with `--overwrite`").into());
    };
    let changes = manifest.start.changes(now);
    if !changes.is_empty() {
        return Err(RunError::Changed { output: paths.output.clone(), changes }.into());
    }
    if !job.options.quiet {
        say(&format!("`{name}` is already complete: nothing to resume"));
    }
    Summary::of_finished(job, &manifest).report(job, false)?;
    Ok(exit_code(&manifest.counts))
}

/// Stops the run after the next row on SIGINT (Ctrl-C), SIGTERM or SIGHUP. A second signal ends the program at once.
fn stop_on_interrupt(job: &Job) {
    let stop = Arc::clone(&job.run_options.stop);
    process::on_interrupt(move || {
        if stop.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
    });
}

/// Warns of inputs whose size changed between the start of the run and the time they were read.
fn warn_of_changed_inputs(job: &Job, before: &[InputFile], outcome: &RunOutcome) {
    for (input, read) in before.iter().filter_map(|before| {
        let read = outcome.inputs.iter().find(|read| read.file == before.file)?;
        Some((before, read))
    }) {
        if let Some(bytes) = input.bytes.filter(|bytes| *bytes != read.bytes)
            && !job.options.quiet
        {
            let (file, read) = (&read.file, read.bytes);
            say(&format!("warning: `{file}` had {bytes} bytes when the run started and {read} when it was read"));
        }
    }
}
