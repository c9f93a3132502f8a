//! A run into a file: it can be interrupted at any moment and gone on with, and tells of itself in a manifest.

use super::{Job, Settings};
use crate::commands::INTERRUPTED;
use crate::failure::{Usage, say};
use crate::output::corpus::CorpusOutput;
use anyhow::Result;
use newsdesk_data::Format;
use newsdesk_model::device_name;
use newsdesk_run::{
    Beginning, Begun, FileOutput, InputFile, MachineRecord, ModelRecord, Outcome, Places, RunError, RunManifest,
    RunState, Seconds, Start, run as run_corpus,
};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

pub fn run(job: &Job, places: Places, format: Format) -> Result<ExitCode> {
    let options = job.options;
    let model = job.model()?;
    let now = Beginning {
        newsdesk: env!("CARGO_PKG_VERSION").into(),
        settings: Settings::of(job, &model, format)?.by_name()?,
        inputs: job.sources.iter().map(InputFile::of).collect(),
        started: now(),
    };
    if options.resume && !places.journal().exists() && places.output.exists() {
        return job.already_complete(&places, &now);
    }
    let mut beginning = now.clone();
    let Start { mut output, mut state, started, resumed } =
        match FileOutput::begin(places, format, now, options.resume)? {
            Begun::At(start) => *start,
            Begun::Complete(state) => return Ok(job.ended(&state.counts)),
        };
    beginning.started = started;
    if resumed > 0 && !options.quiet {
        say(&format!("going on after {} rows", state.rows));
    }
    job.stop_on_interrupt();
    let since = Instant::now();
    let all = beginning.inputs.iter().map(|input| input.bytes).sum::<Option<u64>>().filter(|_| options.limit.is_none());
    let mut telling = CorpusOutput::of_run(output, Arc::clone(&job.running.bytes), all, options.quiet);
    let ran = run_corpus(&job.classifier, &job.sources, &job.running, &job.columns, &mut state, &mut telling);
    output = telling.into_inner();
    match ran {
        Ok(outcome) if outcome.interrupted => {
            let kept = output.save(&state)?;
            say(&format!("interrupted after {kept} rows: the same command with `--resume` goes on"));
            Ok(ExitCode::from(INTERRUPTED))
        }
        Ok(outcome) => {
            job.compare(&beginning.inputs, &outcome);
            let manifest = job.manifest(beginning, model, &state, since, outcome, resumed);
            output.finish(&state, &manifest)?;
            Ok(job.ended(&state.counts))
        }
        Err(error) if state == RunState::start() && resumed == 0 => {
            // Nothing was done that the next start would have to heed.
            output.discard()?;
            Err(error.into())
        }
        Err(error) => {
            // If even that fails, the last checkpoint stands.
            if let Ok(kept) = output.save(&state)
                && !options.quiet
            {
                say(&format!("{kept} rows are kept: with the same inputs, `--resume` goes on"));
            }
            Err(error.into())
        }
    }
}

impl Job<'_> {
    /// There is an output and no journal: it must be what this run would give, as its manifest tells.
    fn already_complete(&self, places: &Places, now: &Beginning) -> Result<ExitCode> {
        let name = places.output.display();
        let Some(manifest) = RunManifest::open(&places.manifest())? else {
            let message = format!("Failed to go on: `{name}` is there, and nothing tells of a run that made it");
            return Err(Usage::new(message, "remove it, or leave out `--resume` to write it anew").into());
        };
        let changes = manifest.beginning.changes(now);
        if !changes.is_empty() {
            return Err(RunError::Changed { output: places.output.clone(), changes }.into());
        }
        if !self.options.quiet {
            say(&format!("`{name}` is complete: there is nothing to go on with"));
        }
        Ok(self.ended(&manifest.counts))
    }

    /// What is told of a run that is over.
    fn manifest(
        &self,
        beginning: Beginning,
        model: ModelRecord,
        state: &RunState,
        since: Instant,
        outcome: Outcome,
        resumed: u64,
    ) -> RunManifest {
        let machine = MachineRecord {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            device: device_name(self.classifier.device()),
            threads: self.classifier.threads(),
        };
        let seconds = self.seconds(since, &outcome);
        let counts = state.counts.clone();
        RunManifest {
            beginning,
            model,
            machine,
            read: outcome.inputs,
            counts,
            finished: now(),
            resumed,
            seconds,
            peak_memory_bytes: peak_memory(),
        }
    }

    /// What labels the articles.
    fn model(&self) -> Result<ModelRecord> {
        let classifier = &self.classifier;
        let on_processor = classifier.device().is_cpu();
        Ok(ModelRecord {
            name: classifier.manifest().name.clone(),
            sha256: classifier.model().sha256()?,
            precision: classifier.dtype().to_string(),
            instructions: match on_processor {
                true => classifier.instructions().to_string(),
                false => device_name(classifier.device()),
            },
        })
    }

    /// Ctrl-C, or a friendly kill, ends the run after the next row; a second one ends the program at once.
    fn stop_on_interrupt(&self) {
        let stop = Arc::clone(&self.running.stop);
        // Whoever has the program ignore such signals, as `nohup` does, gets what he wants; a run can be cut off anyway.
        let _ = ctrlc::try_set_handler(move || {
            if stop.swap(true, Ordering::Relaxed) {
                std::process::exit(INTERRUPTED.into());
            }
        });
    }

    /// Says which inputs are no longer what they were when the run began.
    fn compare(&self, before: &[InputFile], outcome: &Outcome) {
        for (input, read) in before.iter().filter_map(|before| {
            let read = outcome.inputs.iter().find(|read| read.file == before.file)?;
            Some((before, read))
        }) {
            if let Some(bytes) = input.bytes.filter(|bytes| *bytes != read.bytes)
                && !self.options.quiet
            {
                let (file, read) = (&read.file, read.bytes);
                say(&format!("warning: `{file}` had {bytes} bytes when the run began, and {read} when it was read"));
            }
        }
    }

    fn seconds(&self, since: Instant, outcome: &Outcome) -> Seconds {
        let times = self.classifier.times();
        let round = |time: Duration| (time.as_secs_f64() * 1e6).round() / 1e6;
        Seconds {
            total: round(since.elapsed()),
            reading: round(outcome.reading),
            tokenising: round(times.tokenising),
            encoding: round(times.encoding),
            writing: round(outcome.writing),
        }
    }
}

/// The most memory that this process took so far; Linux alone tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}
