//! `newsdesk classify`: reads articles, adds predictions, writes labelled articles.

mod file_run;
mod job;
mod languages;
mod manifest;
mod settings;
mod stream_run;
mod summary;

use super::open::open_classifier;
use super::thresholds::min_scores;
use crate::arguments::Classify;
use crate::exit_code::ExitCode;
use crate::failure::Usage;
use crate::output::atomic::check_writable;
use crate::output::destination::{
    output_format, output_paths, refuse_existing, refuse_overwriting, regular_file, resolved, same_file,
};
use crate::output::format::table_style;
use crate::sources::expand;
use crate::target;
use anyhow::Result;
use job::Job;
use newsdesk_data::{Format, Notes, ReadOptions, Source, read as read_source};
use newsdesk_model::folder::Manifest;
use newsdesk_run::{OutputPaths, PredictionColumns, RunOptions};
pub use settings::Settings;
use std::io::IsTerminal;
use summary::is_summary_of;

/// Memory for cached predictions of duplicates, in bytes: 100,000 predictions of the built-in model.
const CACHE_BYTES: usize = 40_000_000;
/// Memory of a cached prediction apart from its scores, in bytes.
const PREDICTION_BYTES: usize = 320;

pub fn run(options: Classify) -> Result<ExitCode> {
    let mut sources = sources(&options)?;
    let paths = regular_file(&options).map(|file| output_paths(&options, file)).transpose()?;
    if let Some(paths) = paths.as_ref().filter(|_| options.resume) {
        // The folder with the inputs may hold files of the run that already have their final names.
        let own = paths.all();
        sources.retain(|source| !matches!(source, Source::File(path) if own.iter().any(|own| same_file(own, path))));
    }
    check_outputs(&options, paths.as_ref(), &sources)?;
    let format = output_format(&options)?;
    table_style(&options.table, format)?;
    let selected = options.select.as_deref().map(selected_columns).transpose()?;
    let scores = settings::scores(options.scores, options.top_k);
    let classifier = open_classifier(
        options.model.as_deref(),
        options.opening,
        options.zero_shot.zero_shot().as_ref(),
        &options.compute,
        options.dtype,
        options.max_windows,
    )?;
    let labels: usize = classifier.heads().iter().map(|head| head.labels.len()).sum();
    let classifier = classifier.with_prediction_cache(CACHE_BYTES / (PREDICTION_BYTES + size_of::<f32>() * labels));
    let read = read_options(&options, classifier.manifest())?;
    let min_scores = min_scores(&options.thresholds, classifier.manifest())?;
    let columns =
        PredictionColumns::new(classifier.heads(), scores, &options.prefix).with_min_scores(min_scores.clone());
    if let Some(first) = sources.first().filter(|source| super::is_regular_file(source)) {
        // Fails on an unreadable input before the output of an earlier run is replaced.
        read_source(first, &read)?;
    }
    let (limit, sample, reject_limit) = (options.limit, options.sample, options.max_rejects);
    let (language_column, only_languages) = (options.language, options.only_language.clone());
    let detect_languages =
        language_column || !only_languages.is_empty() || !languages::languages_of(classifier.manifest()).is_empty();
    let run_options = RunOptions {
        read,
        limit,
        sample,
        columns: selected,
        overwrite_columns: options.overwrite_columns,
        near_duplicates: options.near_duplicates,
        detect_languages,
        language_column,
        only_languages,
        reject_limit,
        ..RunOptions::default()
    };
    let mut job = Job { options: &options, classifier, sources, run_options, min_scores, columns };
    match (paths, format) {
        (Some(paths), Some(format)) => file_run::run(&mut job, paths, format),
        _ => stream_run::run(&job, format),
    }
}

/// Refuses outputs that would replace a file, unless the options allow it.
///
/// # Errors
/// If a file of the run is one of the inputs or exists already, or if there is no output to resume.
fn check_outputs(options: &Classify, paths: Option<&OutputPaths>, sources: &[Source]) -> Result<()> {
    if options.resume && paths.is_none() {
        let hint = "give `--resume` together with the `--output FILE` of the interrupted run";
        return Err(Usage::new("cannot resume: there is no output file", hint).into());
    }
    refuse_overwriting(options.output.as_deref(), options.rejects.as_deref(), sources)?;
    for path in paths.iter().flat_map(|paths| paths.all()) {
        refuse_overwriting(Some(&path), None, sources)?;
    }
    match paths {
        // An interrupted run may have replaced some of the files already.
        Some(paths) if paths.is_begun() => {}
        // `--resume` of a complete output writes nothing.
        Some(paths) if options.resume && paths.output.exists() => {}
        Some(paths) => refuse_existing([&paths.output, &paths.rejects], options.overwrite)?,
        None => refuse_existing(&options.rejects, options.overwrite)?,
    }
    check_summary(options, paths, sources)
}

/// Returns how the articles are read.
///
/// # Errors
/// If the model needs a target that the options do not name.
fn read_options(options: &Classify, manifest: &Manifest) -> Result<ReadOptions> {
    let mut read = options.columns.reading(options.format.map(Format::from));
    // A text from the command line has no column that names a target.
    if options.text.is_empty() {
        read.target_fields = target::for_model(&options.target, manifest)?;
    }
    if options.quiet {
        read.notes = Notes::default();
    }
    Ok(read)
}

/// Returns the given texts or inputs, or standard input if it is not a terminal.
fn sources(options: &Classify) -> Result<Vec<Source>> {
    if !options.text.is_empty() {
        if options.text.iter().any(|text| text.trim().is_empty()) {
            return Err(Usage::new("cannot label the text: it is blank", "write the words after `--text`").into());
        }
        return Ok(vec![Source::of_texts(&options.text)]);
    }
    if !options.inputs.is_empty() {
        return expand(&options.inputs);
    }
    if std::io::stdin().is_terminal() {
        return Err(Usage::new(
            "cannot find articles: no files are given",
            "name files, pipe articles to standard input, or give one text with `--text`",
        )
        .into());
    }
    expand(&["-".into()])
}

/// Checks that the file of `--summary` can be written, and that it is no other file of the run and no file to keep.
fn check_summary(options: &Classify, paths: Option<&OutputPaths>, sources: &[Source]) -> Result<()> {
    let Some(summary) = &options.summary else { return Ok(()) };
    refuse_overwriting(Some(summary), None, sources)?;
    let others = paths.iter().flat_map(|paths| paths.all());
    if others.chain(options.rejects.clone()).any(|other| resolved(&other) == resolved(summary)) {
        let message = format!("cannot write the summary to `{}`: it is another file of the run", summary.display());
        return Err(Usage::new(message, "name a file of its own with `--summary FILE`").into());
    }
    // A run that is resumed, or was complete, may write its own summary again.
    let is_own = options.resume && paths.is_some_and(|paths| is_summary_of(summary, paths));
    if !is_own {
        refuse_existing([summary], options.overwrite)?;
    }
    check_writable(summary)
}

/// Returns the names of the selected columns.
///
/// # Errors
/// If a name occurs twice.
fn selected_columns(names: &str) -> Result<Vec<String>> {
    let names: Vec<String> = match names {
        "" => vec![],
        names => names.split(',').map(str::to_owned).collect::<Vec<_>>(),
    };
    let is_repeated =
        |(index, name): &(usize, &String)| names[..*index].iter().any(|other| other.trim() == name.trim());
    match names.iter().enumerate().find(is_repeated) {
        None => Ok(names),
        Some((_, name)) => {
            let message = format!("cannot select the columns: `{}` is named twice", name.trim());
            Err(Usage::new(message, "name each column once in `--columns`").into())
        }
    }
}
