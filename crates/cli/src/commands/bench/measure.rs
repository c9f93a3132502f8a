//! One measurement: a whole command as a user runs it, or single articles within this process.

use super::record::Setting;
use crate::failure::Usage;
use anyhow::{Context, Result};
use newsdesk_model::{Classifier, DeviceChoice, DtypeChoice, Options};
use newsdesk_run::RunManifest;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// A model that is measured.
pub struct Candidate {
    /// Its folder; `None` for the model inside.
    pub folder: Option<PathBuf>,
    /// Of its weights file.
    pub sha256: String,
    pub parameters: usize,
}

/// A model in one precision on one number of threads.
pub struct Config {
    /// Place of the model among the candidates.
    pub model: usize,
    pub precision: DtypeChoice,
    pub setting: Setting,
}

/// The articles of a set as `newsdesk classify` reads them.
pub struct Corpus {
    pub files: Vec<OsString>,
    /// Options that say where texts stand.
    pub reading: Vec<OsString>,
}

/// What a whole command took.
pub struct Pass {
    pub articles: u64,
    /// Seconds from its start to its end.
    pub wall: f64,
    /// Seconds of reading, labelling and writing.
    pub steady: f64,
    pub peak_memory_bytes: Option<u64>,
}

/// Runs `newsdesk classify` over a corpus in a process of its own, into a file that is removed again.
pub fn pass(
    candidate: &Candidate,
    config: &Config,
    corpus: &Corpus,
    device: DeviceChoice,
    windows: Option<u32>,
    limit: Option<u64>,
    folder: &Path,
) -> Result<Pass> {
    let program = std::env::current_exe().context("Failed to find this program, which is to be measured")?;
    let output = folder.join("labelled.jsonl");
    let mut command = Command::new(program);
    command.arg("classify").args(&corpus.files).args(&corpus.reading).arg("--quiet").arg("-o").arg(&output);
    command.arg("--precision").arg(config.precision.to_string()).arg("--device").arg(device.to_string());
    command.arg("--threads").arg(config.setting.threads.to_string());
    if let Some(folder) = &candidate.folder {
        command.arg("--model").arg(folder);
    }
    for (option, number) in [("--windows", windows.map(u64::from)), ("--limit", limit)] {
        if let Some(number) = number {
            command.arg(option).arg(number.to_string());
        }
    }
    let since = Instant::now();
    let ended = command.stdin(Stdio::null()).stdout(Stdio::null()).output().context("Failed to start the command")?;
    let wall = since.elapsed().as_secs_f64();
    // 1 says that some rows were rejected.
    if !matches!(ended.status.code(), Some(0 | 1)) {
        let said = String::from_utf8_lossy(&ended.stderr);
        let message =
            format!("Failed to measure {}: `newsdesk classify` ended with {}", config.setting.name(), ended.status);
        return Err(Usage::new(message, format!("it said: {}", said.trim())).into());
    }
    let manifest_path = folder.join("labelled.jsonl.manifest.json");
    let manifest = RunManifest::open(&manifest_path)?.context("Failed to find what the command tells of its run")?;
    for path in [output, manifest_path, folder.join("labelled.jsonl.rejects.jsonl")] {
        // The next pass writes them anew; the folder goes at the end.
        let _ = std::fs::remove_file(path);
    }
    Ok(Pass {
        articles: manifest.counts.articles,
        wall,
        steady: manifest.seconds.total,
        peak_memory_bytes: manifest.peak_memory_bytes,
    })
}

/// Opens a model, and says how many seconds that took.
pub fn load(candidate: &Candidate, config: &Config, options: &Options) -> Result<(Classifier, f64)> {
    let options = Options { dtype: config.precision, threads: Some(config.setting.threads), ..options.clone() };
    let since = Instant::now();
    let model = super::super::open_any(candidate.folder.as_deref(), &options.device.open()?)?;
    let classifier = Classifier::new(model, &options)?;
    Ok((classifier, since.elapsed().as_secs_f64()))
}

/// Milliseconds that each of these texts takes alone, after a few to warm up.
pub fn singles(classifier: &Classifier, texts: &[String]) -> Result<Vec<f64>> {
    for text in texts.iter().take(5) {
        classifier.classify(&[text])?;
    }
    let took = |text: &String| -> Result<f64> {
        let since = Instant::now();
        classifier.classify(&[text])?;
        Ok(since.elapsed().as_secs_f64() * 1e3)
    };
    texts.iter().map(took).collect()
}

/// The system's load over the last minute, where it tells.
pub fn load_average() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}
