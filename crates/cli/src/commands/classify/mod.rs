//! `newsdesk classify`: articles in, labelled articles out.

mod outputs;
mod settings;
mod to_file;

use super::minimum::Minimum;
use super::open_classifier;
use crate::arguments::Classify;
use crate::failure::{self, Usage, say};
use crate::mention;
use crate::output::corpus::{CorpusOutput, TableRows};
use anyhow::Result;
use newsdesk_data::{Format, ReadOptions, RowWriter, Source, create, expand, read as read_source, writer};
use newsdesk_model::Classifier;
use newsdesk_run::{Columns, Counts, Places, RunOptions, RunState, StreamOutput, run as run_corpus};
use outputs::{file_of_its_own, output_format, places, same_file};
pub use outputs::{place, refuse_overwriting};
pub use settings::Settings;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

/// What answers may take that are kept for texts that come again: a hundred thousand with the model inside.
const REMEMBERED_BYTES: usize = 40_000_000;
/// What an answer takes beside its scores.
const ANSWER_BYTES: usize = 320;

/// A corpus run with everything that it needs.
struct Job<'a> {
    options: &'a Classify,
    classifier: Classifier,
    sources: Vec<Source>,
    running: RunOptions,
    /// The least score of each head, where there is one.
    min_scores: Vec<Option<f32>>,
    columns: Columns,
}

pub fn run(options: Classify) -> Result<ExitCode> {
    let mut sources = expand(&inputs(&options)?)?;
    let places = file_of_its_own(&options).map(|file| places(&options, file)).transpose()?;
    if let Some(places) = places.as_ref().filter(|places| options.resume && places.journal().exists()) {
        // A run that was cut off while its files got their names may find them in the folder that it reads.
        let own = places.all();
        sources.retain(|source| !matches!(source, Source::File(path) if own.iter().any(|own| same_file(own, path))));
    }
    refuse_overwriting(options.output.as_deref(), options.rejects.as_deref(), &sources)?;
    for path in places.iter().flat_map(Places::all) {
        refuse_overwriting(Some(&path), None, &sources)?;
    }
    if options.resume && places.is_none() {
        let message = "Failed to go on: there is no output file to go on with";
        return Err(Usage::new(message, "`--resume` goes with `--output FILE`, as the run was begun with").into());
    }
    let format = output_format(&options)?;
    let scores = settings::scores(options.scores, options.top_k);
    let classifier = open_classifier(options.model.as_deref(), &options.running, options.precision, options.windows)?;
    let labels: usize = classifier.heads().iter().map(|head| head.labels.len()).sum();
    let classifier = classifier.remembering(REMEMBERED_BYTES / (ANSWER_BYTES + size_of::<f32>() * labels));
    let read = ReadOptions {
        mention: mention::for_model(&options.mention, classifier.manifest())?,
        ..options.columns.reading(options.format.map(Format::from))
    };
    let minimum = Minimum { scores: &options.least.min_score, precisions: &options.least.min_precision };
    let min_scores = minimum.resolve(classifier.manifest())?;
    let columns = Columns::new(classifier.heads(), scores, &options.prefix).with_min_scores(min_scores.clone());
    if let Some(first) = sources.first().filter(|source| is_plain_file(source)) {
        // An input that cannot be read at all must not cost the output of an earlier run.
        read_source(first, &read)?;
    }
    let (limit, sample, most_rejects) = (options.limit, options.sample, options.max_rejects);
    let near_repeats = options.near_duplicates;
    let running = RunOptions { read, limit, sample, near_repeats, most_rejects, ..RunOptions::default() };
    let job = Job { options: &options, classifier, sources, running, min_scores, columns };
    match (places, format) {
        (Some(places), Some(format)) => to_file::run(&job, places, format),
        _ => job.to_stream(format),
    }
}

impl Job<'_> {
    /// Runs into a pipe, a device or a terminal; a table where there is no format.
    fn to_stream(&self, format: Option<Format>) -> Result<ExitCode> {
        let options = self.options;
        let rows: Box<dyn RowWriter + Send> = match format {
            None => Box::new(TableRows::new(self.classifier.heads(), &options.prefix)),
            Some(format) => writer(format, create(options.output.as_deref().unwrap_or(Path::new("-")))?)?,
        };
        let rejects = options.rejects.as_deref().map(create).transpose()?;
        let to_terminal = options.output.is_none() && std::io::stdout().is_terminal();
        let bar = !options.quiet && !to_terminal && std::io::stderr().is_terminal();
        let mut output = CorpusOutput::new(StreamOutput::new(rows, rejects), bar, options.quiet);
        let mut state = RunState::start();
        let ran = run_corpus(&self.classifier, &self.sources, &self.running, &self.columns, &mut state, &mut output);
        // Also where a source broke: what was read of it is whole then. The first error is the one that counts.
        let finished = output.into_inner().finish();
        let ran = ran.and(finished).map_err(anyhow::Error::from);
        match options.output {
            // Whoever reads standard output may stop when he has enough; a file that cannot be written is an error.
            Some(_) => ran.map_err(failure::not_a_broken_pipe)?,
            None => ran?,
        }
        Ok(self.ended(&state.counts))
    }

    /// Says what was rejected, if anything was, and gives the exit code of a whole run.
    fn ended(&self, counts: &Counts) -> ExitCode {
        if counts.rejected == 0 {
            return ExitCode::SUCCESS;
        }
        if !self.options.quiet {
            say(&format!("articles labelled: {}, rows rejected: {}", counts.articles, counts.rejected));
        }
        ExitCode::from(1)
    }
}

/// Whether a source can be opened twice: what a pipe gave once is gone.
pub fn is_plain_file(source: &Source) -> bool {
    matches!(source, Source::File(path) if path.is_file())
}

/// The inputs as given, or standard input if something is piped into it.
fn inputs(options: &Classify) -> Result<Vec<String>> {
    if !options.inputs.is_empty() {
        return Ok(options.inputs.clone());
    }
    if std::io::stdin().is_terminal() {
        return Err(Usage::new("Failed to find articles: no files are given", "name files, or pipe articles in").into());
    }
    Ok(vec!["-".into()])
}
