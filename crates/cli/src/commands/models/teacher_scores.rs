//! `newsdesk models teacher-scores`: writes a teacher's scores of many texts to a file.

use crate::arguments::TeacherScores;
use crate::commands::open::open_encoder;
use crate::data_sets::{DataSetSource, describe, load_unlabelled};
use crate::exit_code::ExitCode;
use crate::failure::say;
use crate::output::count::counted;
use crate::output::destination::refuse_existing;
use crate::output::progress::progress_bar;
use crate::threads;
use anyhow::{Context, Result};
use newsdesk_data::LabelledSet;
use newsdesk_files::{check_writable, write_atomic};
use newsdesk_model::Device;
use newsdesk_train as train;

pub fn run(options: &TeacherScores) -> Result<ExitCode> {
    refuse_existing([&options.output], options.overwrite)?;
    let cannot_write = || format!("cannot write `{}`", options.output.display());
    check_writable(&options.output).with_context(cannot_write)?;
    let model = open_encoder(options.model.as_deref(), &Device::Cpu, options.opening)?;
    let sets = load(options)?;
    if !options.quiet {
        sets.iter().for_each(describe);
    }
    let articles = sets.iter().map(|set| set.articles.len()).sum();
    let bar = progress_bar(model.manifest.name.clone(), articles, options.quiet);
    let mut progress = |done: usize, texts: usize| {
        bar.set_length(texts as u64);
        bar.set_position(done as u64);
    };
    let max_length = options.max_length.unwrap_or(model.manifest.window.length);
    let threads = threads::count(options.threads);
    let scores = train::TeacherScores::compute(&model, &sets, max_length, options.dtype, threads, &mut progress)?;
    bar.finish_and_clear();
    scores.to_bytes().and_then(|bytes| write_atomic(&options.output, &bytes)).with_context(cannot_write)?;
    if !options.quiet {
        say(&format!("wrote {}: {}", options.output.display(), counted(scores.texts(), "text")));
    }
    let rejected = sets.iter().any(|set| !set.rejects.is_empty());
    Ok(if rejected { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Reads all articles.
fn load(options: &TeacherScores) -> Result<Vec<LabelledSet>> {
    let sources = DataSetSource::find_all(&options.data)?;
    let labelled = sources.iter().map(|source| source.load_to_train(&options.data_set, &options.split, None));
    let mut sets: Vec<LabelledSet> = labelled.collect::<Result<_>>()?;
    if !options.unlabelled.is_empty() {
        sets.push(load_unlabelled(&options.unlabelled, &options.data_set)?);
    }
    Ok(sets)
}
