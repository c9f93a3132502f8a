//! `newsdesk classify`: articles in, labelled articles out.

use super::minimum::Minimum;
use super::open_classifier;
use crate::arguments::{Classify, OutputFormat};
use crate::failure::{self, Usage, say};
use crate::mention;
use crate::output::corpus::{CorpusOutput, TableRows};
use anyhow::Result;
use newsdesk_data::{Format, ReadOptions, RowWriter, Source, create, expand, read as read_source, writer};
use newsdesk_model::Classifier;
use newsdesk_run::{Columns, Scores, run as run_corpus};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub fn run(options: Classify) -> Result<ExitCode> {
    let sources = expand(&inputs(&options)?)?;
    refuse_overwriting(options.output.as_deref(), options.rejects.as_deref(), &sources)?;
    let format = output_format(&options)?;
    let scores = match (options.scores, options.top_k) {
        (true, _) => Scores::All,
        (false, Some(count)) => Scores::Top(count.into()),
        (false, None) => Scores::Best,
    };
    let classifier = open_classifier(options.model.as_deref(), &options.running, options.precision, options.windows)?;
    let read = ReadOptions {
        mention: mention::for_model(&options.mention, &classifier.model().manifest)?,
        ..options.columns.reading(options.format.map(Format::from))
    };
    let minimum = Minimum { scores: &options.least.min_score, precisions: &options.least.min_precision };
    let min_scores = minimum.resolve(&classifier.model().manifest)?;
    let columns = Columns::new(classifier.heads(), scores, &options.prefix).with_min_scores(min_scores);
    if let Some(first @ Source::File(_)) = sources.first() {
        // An input that cannot be read at all must not cost the output of an earlier run.
        read_source(first, &read)?;
    }
    let rows = rows(&options, format, &classifier)?;
    let rejects = options.rejects.as_deref().map(create).transpose()?;
    let to_terminal = options.output.is_none() && std::io::stdout().is_terminal();
    let bar = !options.quiet && !to_terminal && std::io::stderr().is_terminal();
    let mut output = CorpusOutput::new(rows, rejects, bar, options.quiet);
    let counts = run_corpus(&classifier, &sources, &read, &columns, &mut output);
    let counts = counts.map_err(anyhow::Error::from).and_then(|counts| Ok(output.finish().map(|()| counts)?));
    let counts = match options.output {
        // Whoever reads standard output may stop when he has enough; a file that cannot be written is an error.
        Some(_) => counts.map_err(failure::not_a_broken_pipe)?,
        None => counts?,
    };
    if counts.rejected == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    if !options.quiet {
        say(&format!("articles labelled: {}, rows rejected: {}", counts.articles, counts.rejected));
    }
    Ok(ExitCode::from(1))
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

/// An output that is one of the inputs would be emptied before it is read.
pub(super) fn refuse_overwriting(output: Option<&Path>, rejects: Option<&Path>, sources: &[Source]) -> Result<()> {
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    let into_itself = |source: &&Source| matches!(source, Source::File(path) if is_standard_output(path));
    if let Some(source) = sources.iter().find(into_itself) {
        let message =
            format!("Failed to write to standard output: it goes into `{}`, one of the inputs", source.name());
        return Err(Usage::new(message, "send it to a file outside of the folder").into());
    }
    for output in output.into_iter().chain(rejects) {
        if sources.iter().any(|source| matches!(source, Source::File(path) if same(path, output))) {
            let message = format!("Failed to write `{}`: it is one of the inputs", output.display());
            return Err(Usage::new(message, "choose another file for the output").into());
        }
    }
    let rows = output.unwrap_or(Path::new("-"));
    if rejects.is_some_and(|rejects| place(rejects) == place(rows)) {
        return Err(Usage::new("Failed to write: rows and rejects have one file", "choose two files").into());
    }
    Ok(())
}

/// Whether a file is what standard output was redirected to.
#[cfg(unix)]
fn is_standard_output(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &Path| std::fs::metadata(path).ok().filter(|m| m.is_file()).map(|m| (m.dev(), m.ino()));
    identity(path).is_some_and(|file| identity(Path::new("/dev/stdout")) == Some(file))
}

#[cfg(not(unix))]
fn is_standard_output(_: &Path) -> bool {
    false
}

/// A path with its folder resolved, so that two names of one file that is yet to be made are the same.
fn place(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (path.canonicalize(), folder.canonicalize(), path.file_name()) {
        (Ok(whole), _, _) => whole,
        (_, Ok(folder), Some(name)) => folder.join(name),
        _ => path.into(),
    }
}

/// The format of the output; `None` for a table.
fn output_format(options: &Classify) -> Result<Option<Format>> {
    let path = options.output.as_deref().filter(|path| *path != Path::new("-"));
    let asked = if options.json { Some(OutputFormat::Jsonl) } else { options.output_format };
    match (asked, path) {
        (Some(OutputFormat::Jsonl), _) => Ok(Some(Format::JsonLines)),
        (Some(OutputFormat::Csv), _) => Ok(Some(Format::Csv)),
        (Some(OutputFormat::Tsv), _) => Ok(Some(Format::Tsv)),
        (Some(OutputFormat::Table), None) => Ok(None),
        (Some(OutputFormat::Table), Some(_)) => {
            Err(Usage::new("Failed to write a table into a file", "use `--output-format jsonl`, `csv` or `tsv`").into())
        }
        (None, None) if options.output.is_none() && std::io::stdout().is_terminal() => Ok(None),
        (None, None) => Ok(Some(Format::JsonLines)),
        (None, Some(path)) => match Format::from_path(path) {
            Some(format) if format != Format::Text => Ok(Some(format)),
            _ => {
                let message = format!("Failed to choose a format for `{}`", path.display());
                let hint = "end its name in .jsonl, .csv or .tsv (and .gz or .zst), or give `--output-format`";
                Err(Usage::new(message, hint).into())
            }
        },
    }
}

fn rows(options: &Classify, format: Option<Format>, classifier: &Classifier) -> Result<Box<dyn RowWriter + Send>> {
    match format {
        None => Ok(Box::new(TableRows::new(classifier.heads(), &options.prefix))),
        Some(format) => {
            let path = options.output.as_deref().unwrap_or(Path::new("-"));
            Ok(writer(format, create(path)?)?)
        }
    }
}
