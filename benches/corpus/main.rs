//! Whole runs over corpora of any size, with the encoder and without it, to see whether anything but the encoder takes time.
//!
//!     cargo bench -p newsdesk --bench corpus -- FILES [--encoder-rows N]
//!
//! Each file is run through from file to file, in its own format, as `newsdesk classify -o` does it: without the encoder all of
//! it, with the encoder its first N rows (1,000 if not said). Rates are in articles per second on all processors.

#![expect(clippy::print_stdout, reason = "a bench says what it found")]

use newsdesk_data::{Format, Source};
use newsdesk_model::{Classifier, Options};
use newsdesk_run::{
    Beginning, Begun, Columns, FileOutput, Places, RunOptions, RunState, Scores, Start, run, usual_rejects,
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
        "file", "rows", "no encoder/s", "encoder/s", "ratio", "peak MB"
    );
    for file in files {
        let idle = Classifier::embedded_with(&Options::default())?.without_encoder();
        let (all, without) = rate(&idle, &file, None)?;
        drop(idle);
        let peak = peak_memory();
        let (_, with) = rate(&Classifier::embedded_with(&Options::default())?, &file, Some(rows))?;
        let (name, ratio) = (file.display().to_string(), without / with);
        println!("{name:<32} {all:>10} {without:>14.0} {with:>14.1} {ratio:>8.1} {peak:>10}");
    }
    Ok(())
}

/// Articles of a run over a file, and how many a second.
fn rate(classifier: &Classifier, file: &Path, limit: Option<u64>) -> Result<(u64, f64), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let format = Format::from_path(file).ok_or("its name says no format")?;
    let output = folder.path().join(file.file_name().ok_or("it has no name")?);
    let columns = Columns::new(classifier.heads(), Scores::Best, "");
    let options = RunOptions { limit, ..RunOptions::default() };
    let places =
        Places { rejects: usual_rejects(&output), rejects_always: false, save_every: Duration::from_secs(1), output };
    let beginning =
        Beginning { newsdesk: String::new(), settings: serde_json::Map::new(), inputs: vec![], started: String::new() };
    let Begun::At(start) = FileOutput::begin(places, format, beginning, false)? else {
        return Err("it is done".into());
    };
    let Start { mut output, mut state, .. } = *start;
    let since = Instant::now();
    run(classifier, &[Source::File(file.into())], &options, &columns, &mut state, &mut output)?;
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
