//! `newsdesk classify`: reads articles, adds predictions, writes labelled articles.

mod file_run;
mod job;
mod manifest;
mod settings;
mod stream_run;

use super::open::open_classifier;
use super::thresholds::min_scores;
use crate::arguments::Classify;
use crate::failure::Usage;
use crate::output::destination::{output_format, output_paths, refuse_overwriting, regular_file, same_file};
use crate::target;
use anyhow::Result;
use job::Job;
use newsdesk_data::{Format, ReadOptions, Source, expand, read as read_source};
use newsdesk_run::{OutputPaths, PredictionColumns, RunOptions};
pub use settings::Settings;
use std::io::IsTerminal;
use std::process::ExitCode;

/// Memory for cached predictions of duplicates, in bytes: 100,000 predictions of the built-in model.
const CACHE_BYTES: usize = 40_000_000;
/// Memory of a cached prediction apart from its scores, in bytes.
const PREDICTION_BYTES: usize = 320;

pub fn run(options: Classify) -> Result<ExitCode> {
    let mut sources = expand(&inputs(&options)?)?;
    let paths = regular_file(&options).map(|file| output_paths(&options, file)).transpose()?;
    if let Some(paths) = paths.as_ref().filter(|paths| options.resume && paths.journal().exists()) {
        // The folder with the inputs may hold files of the interrupted run that already got their final names.
        let own = paths.all();
        sources.retain(|source| !matches!(source, Source::File(path) if own.iter().any(|own| same_file(own, path))));
    }
    refuse_overwriting(options.output.as_deref(), options.rejects.as_deref(), &sources)?;
    for path in paths.iter().flat_map(OutputPaths::all) {
        refuse_overwriting(Some(&path), None, &sources)?;
    }
    if options.resume && paths.is_none() {
        let message = "cannot resume: there is no output file";
        return Err(
            Usage::new(message, "give `--resume` together with the `--output FILE` of the interrupted run").into()
        );
    }
    let format = output_format(&options)?;
    let scores = settings::scores(options.scores, options.top_k);
    let classifier = open_classifier(options.model.as_deref(), &options.compute, options.dtype, options.max_windows)?;
    let labels: usize = classifier.heads().iter().map(|head| head.labels.len()).sum();
    let classifier = classifier.with_prediction_cache(CACHE_BYTES / (PREDICTION_BYTES + size_of::<f32>() * labels));
    let read = ReadOptions {
        target_fields: target::for_model(&options.target, classifier.manifest())?,
        ..options.columns.reading(options.format.map(Format::from))
    };
    let min_scores = min_scores(&options.thresholds, classifier.manifest())?;
    let columns =
        PredictionColumns::new(classifier.heads(), scores, &options.prefix).with_min_scores(min_scores.clone());
    if let Some(first) = sources.first().filter(|source| super::is_regular_file(source)) {
        // Fails on an unreadable input before the output of an earlier run is replaced.
        read_source(first, &read)?;
    }
    let (limit, sample, reject_limit) = (options.limit, options.sample, options.max_rejects);
    let near_duplicates = options.near_duplicates;
    let run_options = RunOptions { read, limit, sample, near_duplicates, reject_limit, ..RunOptions::default() };
    let job = Job { options: &options, classifier, sources, run_options, min_scores, columns };
    match (paths, format) {
        (Some(paths), Some(format)) => file_run::run(&job, paths, format),
        _ => stream_run::run(&job, format),
    }
}

/// Returns the given inputs, or standard input if it is not a terminal.
fn inputs(options: &Classify) -> Result<Vec<String>> {
    if !options.inputs.is_empty() {
        return Ok(options.inputs.clone());
    }
    if std::io::stdin().is_terminal() {
        return Err(Usage::new(
            "cannot find articles: no files are given",
            "name files, or pipe articles to standard input",
        )
        .into());
    }
    Ok(vec!["-".into()])
}
