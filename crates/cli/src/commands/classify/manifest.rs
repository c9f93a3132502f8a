//! The manifest of a finished run: what ran, on what, and how long it took.

use super::job::Job;
use crate::commands::open::hub_source;
use anyhow::Result;
use newsdesk_model::device_name;
use newsdesk_run::{MachineRecord, ModelRecord, RunManifest, RunOutcome, RunStart, RunState, Seconds};
use std::time::{Duration, SystemTime};

/// Returns the manifest of a finished run that took `elapsed` since its last start.
pub fn manifest(
    job: &Job,
    start: RunStart,
    model: ModelRecord,
    state: &RunState,
    elapsed: Duration,
    outcome: RunOutcome,
    resumed: u64,
) -> RunManifest {
    let machine = MachineRecord {
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        device: device_name(job.classifier.device()),
        threads: job.classifier.threads(),
    };
    let seconds = seconds(job, elapsed, &outcome);
    let counts = state.counts.clone();
    RunManifest {
        start,
        model,
        machine,
        read: outcome.inputs,
        // They are known when the files are complete.
        output: None,
        rejects: None,
        counts,
        columns: state.names.clone(),
        finished: timestamp(),
        resumed,
        articles_since_start: None,
        seconds,
        peak_memory_bytes: peak_memory(),
    }
}

/// Returns the model and the arithmetic that the run uses.
///
/// # Errors
/// If the hash of the weights cannot be computed.
pub fn model_record(job: &Job) -> Result<ModelRecord> {
    let classifier = &job.classifier;
    Ok(ModelRecord {
        name: classifier.manifest().name.clone(),
        source: hub_source(job.options.model.as_deref(), job.options.opening)?,
        sha256: classifier.model().sha256()?,
        dtype: classifier.dtype().to_string(),
        instructions: match classifier.device().is_cpu() {
            true => classifier.instructions().to_string(),
            false => device_name(classifier.device()),
        },
    })
}

/// Returns the current time as RFC 3339, in whole seconds.
pub fn timestamp() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

fn seconds(job: &Job, elapsed: Duration, outcome: &RunOutcome) -> Seconds {
    let times = job.classifier.times();
    let round = |time: Duration| (time.as_secs_f64() * 1e6).round() / 1e6;
    Seconds {
        total: round(elapsed),
        reading: round(outcome.reading),
        tokenising: round(times.tokenising),
        encoding: round(times.encoding),
        writing: round(outcome.writing),
    }
}

/// Returns the peak memory of this process, in bytes; Linux only.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
