//! Single measurements: the whole command in a process of its own, load time, and latency of single articles.

use super::record::Setting;
use crate::arguments::OpenArguments;
use crate::commands::open::open_any;
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
    /// Its folder; `None` for the built-in model.
    pub folder: Option<PathBuf>,
    /// Where on the hub it comes from: `ORG/NAME@COMMIT`.
    pub source: Option<String>,
    /// SHA-256 of its weights file.
    pub sha256: String,
    pub parameters: usize,
    /// How its folder is opened.
    pub opening: OpenArguments,
}

/// A model with one dtype and one number of threads.
pub struct Config {
    /// Index of the model among the candidates.
    pub model: usize,
    pub dtype: DtypeChoice,
    pub setting: Setting,
}

/// A data set as `newsdesk classify` reads it.
pub struct Corpus {
    pub files: Vec<OsString>,
    /// Options that name the columns of the text, the title and the target, and the encoding.
    pub column_options: Vec<OsString>,
}

/// The cost of a whole command.
pub struct Pass {
    pub articles: u64,
    /// Seconds from the start of the process to its end.
    pub wall_seconds: f64,
    /// Seconds of reading, classifying and writing, without starting the process and loading the model.
    pub steady_seconds: f64,
    pub peak_memory_bytes: Option<u64>,
}

/// Runs `newsdesk classify` on a corpus in a process of its own. The output is removed again.
///
/// # Errors
/// If the process cannot be started or fails.
pub fn classify_in_process(
    candidate: &Candidate,
    config: &Config,
    corpus: &Corpus,
    device: DeviceChoice,
    max_windows: Option<u32>,
    limit: Option<u64>,
    folder: &Path,
) -> Result<Pass> {
    let program = std::env::current_exe().context("cannot find the path of this program")?;
    let output = folder.join("labelled.jsonl");
    let mut command = Command::new(program);
    command.arg("classify").args(&corpus.files).args(&corpus.column_options).arg("--quiet").arg("-o").arg(&output);
    command.arg("--dtype").arg(config.dtype.to_string()).arg("--device").arg(device.to_string());
    command.arg("--threads").arg(config.setting.threads.to_string());
    if let Some(folder) = &candidate.folder {
        command.arg("--model").arg(folder);
    }
    if candidate.opening.allow_pickle {
        command.arg("--allow-pickle");
    }
    if let Some(activation) = candidate.opening.activation {
        command.arg("--activation").arg(activation.to_string());
    }
    for (option, number) in [("--max-windows", max_windows.map(u64::from)), ("--limit", limit)] {
        if let Some(number) = number {
            command.arg(option).arg(number.to_string());
        }
    }
    let started = Instant::now();
    let ended =
        command.stdin(Stdio::null()).stdout(Stdio::null()).output().context("cannot start `newsdesk classify`")?;
    let wall_seconds = started.elapsed().as_secs_f64();
    // Exit code 1 means that some rows were rejected.
    if !matches!(ended.status.code(), Some(0 | 1)) {
        let stderr = String::from_utf8_lossy(&ended.stderr);
        let message =
            format!("cannot measure {}: `newsdesk classify` ended with {}", config.setting.name(), ended.status);
        return Err(Usage::new(message, format!("fix what it reported: {}", stderr.trim())).into());
    }
    let manifest_path = folder.join("labelled.jsonl.manifest.json");
    let manifest = RunManifest::open(&manifest_path)?.context("cannot find the manifest of the measured run")?;
    for path in [output, manifest_path, folder.join("labelled.jsonl.rejects.jsonl")] {
        // A failure does not matter: the next pass replaces the files, and the folder is removed at the end.
        let _ = std::fs::remove_file(path);
    }
    Ok(Pass {
        articles: manifest.counts.articles,
        wall_seconds,
        steady_seconds: manifest.seconds.total,
        peak_memory_bytes: manifest.peak_memory_bytes,
    })
}

/// Opens a model and measures how long that takes, in seconds.
///
/// # Errors
/// If the model cannot be opened.
pub fn load(candidate: &Candidate, config: &Config, options: &Options) -> Result<(Classifier, f64)> {
    let options = Options { dtype: config.dtype, threads: Some(config.setting.threads), ..options.clone() };
    let started = Instant::now();
    let model = open_any(candidate.folder.as_deref(), &options.device.open()?, candidate.opening)?;
    let classifier = Classifier::new(model, &options)?;
    Ok((classifier, started.elapsed().as_secs_f64()))
}

/// Classifies each text alone, after a warm-up, and returns the latencies in milliseconds.
///
/// # Errors
/// If a text cannot be classified.
pub fn latencies(classifier: &Classifier, texts: &[String]) -> Result<Vec<f64>> {
    for text in texts.iter().take(5) {
        classifier.classify(&[text])?;
    }
    let latency = |text: &String| -> Result<f64> {
        let started = Instant::now();
        classifier.classify(&[text])?;
        Ok(started.elapsed().as_secs_f64() * 1e3)
    };
    texts.iter().map(latency).collect()
}

/// Returns the system's load average over the last minute; Linux only.
pub fn load_average() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// A temporary folder for the outputs of measured commands. It is removed when dropped.
pub struct ScratchFolder(PathBuf);

impl ScratchFolder {
    /// Creates the folder.
    ///
    /// # Errors
    /// If the system's folder for temporary files is not writable.
    pub fn new() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("newsdesk-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|error| {
            let message = format!("cannot create the folder `{}`: {error}", folder.display());
            Usage::new(message, "set `TMPDIR` to a folder that you may write to")
        })?;
        Ok(Self(folder))
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
