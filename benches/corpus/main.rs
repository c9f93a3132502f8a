//! Measures complete corpus runs with and without the layers of the encoder, to show what the rest of the pipeline costs.
//!
//!     cargo bench -p newsdesk --bench corpus -- FILES [--encoder-rows N]
//!
//! Each file is classified from file to file, in its own format, as `newsdesk classify -o` does. The run without encoder layers
//! covers all rows; its model keeps only the embeddings, the mean of the token vectors, and the heads. The run with all layers
//! covers the first N rows (1,000 by default). Rates are in articles per second on all CPUs.

#![expect(clippy::print_stdout, reason = "a bench prints its results")]

use newsdesk_data::{Format, Source, TableStyle};
use newsdesk_model::network::Pooling;
use newsdesk_model::{Classifier, Device, Model, Options};
use newsdesk_run::{
    FileOutput, FileOutputOptions, OnInterrupted, OpenOutcome, OpenedOutput, OutputPaths, PredictionColumns,
    RunOptions, RunStart, RunState, Scores, default_rejects_path, run_corpus,
};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut files, mut rows) = (Vec::<PathBuf>::new(), 1000);
    // Cargo adds `--bench`.
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--encoder-rows" => rows = arguments.next().ok_or("--encoder-rows needs a number")?.parse()?,
            file => files.push(file.into()),
        }
    }
    if files.is_empty() {
        println!("name files of articles: cargo bench -p newsdesk --bench corpus -- FILES");
        return Ok(());
    }
    println!(
        "{:<32} {:>10} {:>14} {:>14} {:>8} {:>10}",
        "file", "rows", "no layers/s", "all layers/s", "ratio", "peak MB"
    );
    for file in files {
        let no_layers = without_layers()?;
        let (all, without) = rate(&no_layers, &file, None)?;
        drop(no_layers);
        let peak = peak_memory();
        let (_, with) = rate(&Classifier::embedded_with(&Options::default())?, &file, Some(rows))?;
        let (name, ratio) = (file.display().to_string(), without / with);
        println!("{name:<32} {all:>10} {without:>14.0} {with:>14.1} {ratio:>8.1} {peak:>10}");
    }
    Ok(())
}

/// Returns the built-in model without its encoder layers. All other stages, from the tokenizer to the heads, do their usual work.
fn without_layers() -> Result<Classifier, Box<dyn Error>> {
    let mut model = Model::embedded(&Device::Cpu)?;
    model.encoder.layers.clear();
    // Only the last layer selects first tokens, so the pooling of the built-in model needs a layer.
    model.network.pooling = Pooling::Mean;
    Ok(Classifier::new(model, &Options::default())?)
}

/// Returns the number of articles of a run over a file, and the articles per second.
fn rate(classifier: &Classifier, file: &Path, limit: Option<u64>) -> Result<(u64, f64), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let format = Format::from_path(file).ok_or("its name says no format")?;
    let output = folder.path().join(file.file_name().ok_or("it has no name")?);
    let columns = PredictionColumns::new(classifier.heads(), Scores::Best, "");
    let options = RunOptions { limit, ..RunOptions::default() };
    let paths = OutputPaths { rejects: default_rejects_path(&output), always_write_rejects: false, output };
    let start =
        RunStart { newsdesk: String::new(), settings: serde_json::Map::new(), inputs: vec![], started: String::new() };
    let output_options = FileOutputOptions {
        format,
        interrupted: OnInterrupted::Refuse,
        checkpoint_interval: Duration::from_secs(1),
        style: TableStyle::default(),
    };
    let OpenOutcome::Ready(opened) = FileOutput::open(paths, start, output_options)? else {
        return Err("it is done".into());
    };
    let OpenedOutput { mut output, mut state, .. } = *opened;
    let since = Instant::now();
    run_corpus(classifier, &[Source::File(file.into())], &options, &columns, &mut state, &mut output)?;
    output.save(&state)?;
    let took = since.elapsed().as_secs_f64();
    assert!(state != RunState::start(), "nothing was read");
    Ok((state.counts.articles, state.counts.articles as f64 / took))
}

/// The most memory that this process ever had, in MB; 0 where the system does not tell.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<u64>().ok())
        .map_or(0, |kilobytes| kilobytes / 1024)
}
