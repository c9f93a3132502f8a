//! `newsdesk bench`: models side by side on labelled sets: speed, latency, memory and how right they are.
//!
//! Throughput is that of the command `newsdesk classify` as a user runs it, each time in a process of its own, whose peak memory is
//! known as well. In every round each model takes its turn, in one round from the first to the last and in the next one back,
//! so that whatever else the machine does meets them all alike. Loading, latencies and figures are measured in this process.

mod against;
mod measure;
mod page;
mod record;
mod results;
mod shown;

use super::classify::refuse_overwriting;
use super::named::{Named, open_all};
use super::{INTERRUPTED, instructions};
use crate::arguments::{Bench, Labelled};
use crate::failure::{Usage, say};
use crate::output::page::Evaluated;
use crate::output::whole;
use crate::sets::{SetSource, describe_rejects};
use against::changes;
use anyhow::Result;
use measure::{Candidate, Config, Corpus, load, load_average, pass, singles};
use newsdesk_data::{LabelledSet, Source};
use newsdesk_eval::{check_labelled, head_cases, predict, report_of};
use newsdesk_model::{AnyModel, Classifier, Dtype, DtypeChoice, Options, processors};
use record::{Measured, Results, Setting};
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

/// Rows of the pass that warms up: files come into memory, processors to their speed.
const WARM_UP: u64 = 64;

/// What is measured of a setting on a set, round by round.
#[derive(Default)]
struct Rounds {
    articles: u64,
    tokens: u64,
    wall: Vec<f64>,
    steady: Vec<f64>,
    memory: Vec<f64>,
    loads: Vec<f64>,
    singles: Vec<Vec<f64>>,
    evaluated: Option<Evaluated>,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Findings<'a> {
    #[serde(flatten)]
    results: &'a Results,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<against::Change>>,
}

/// A bench that is set up.
struct Job<'a> {
    options: &'a Bench,
    running: Options,
    candidates: Vec<Candidate>,
    configs: Vec<Config>,
    corpora: Vec<Corpus>,
    /// By candidate, then by set.
    sets: Vec<Vec<LabelledSet>>,
    /// By configuration, then by set.
    rounds: Vec<Vec<Rounds>>,
    started: String,
    notes: BTreeSet<String>,
    stop: Arc<AtomicBool>,
}

pub fn run(options: &Bench) -> Result<ExitCode> {
    let before = options.against.as_deref().map(Results::open).transpose()?;
    if !options.tolerance.is_finite() || options.tolerance < 0.0 {
        let message = format!("Failed to use `--tolerance {}`: it is no percentage", options.tolerance);
        return Err(Usage::new(message, "it is a number from 0 on; the default is 10").into());
    }
    let mut job = Job::new(options)?;
    if let Some(before) = &before {
        job.check_in_common(before)?;
    }
    let stop = Arc::clone(&job.stop);
    // A turn ends where its figures are whole; whoever cannot wait for that asks again, and has what is in `--output`.
    let _ = ctrlc::try_set_handler(move || {
        if stop.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
    });
    let outcome = job.measure();
    let interrupted = job.stop.load(Ordering::Relaxed);
    if let Err(error) = outcome
        && !interrupted
    {
        job.keep(false, true)?;
        return Err(error);
    }
    let results = job.keep(!interrupted, true)?;
    let compared = before.map(|before| changes(&before, &results, options.tolerance / 100.0));
    let in_common = compared.as_ref().map(|(_, in_common)| *in_common);
    let changes = compared.map(|(changes, _)| changes);
    let mut out = std::io::stdout();
    match options.json {
        true => {
            let findings = Findings { results: &results, changes: changes.clone() };
            writeln!(out, "{}", serde_json::to_string_pretty(&findings)?)?;
        }
        false => write!(out, "{}", shown::shown(&results, changes.as_deref()))?,
    }
    if let Some(path) = &options.report {
        whole::write(path, &page::page(&job, &results)?.html())?;
    }
    if interrupted {
        say("interrupted: what was measured so far is above, and in `--output` if it was given");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    if in_common == Some(0) {
        let message = "Failed to compare: the earlier results are those of other numbers of articles";
        return Err(Usage::new(message, "give the same `--limit`, or measure the earlier version again").into());
    }
    let got_worse = changes.iter().flatten().any(|change| change.worse);
    let rejected = results.results.iter().any(|of| of.rejected > 0);
    Ok(if got_worse || rejected { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

impl<'a> Job<'a> {
    /// Opens all models and reads all sets: what cannot be measured is known before the first measurement.
    fn new(options: &'a Bench) -> Result<Self> {
        let running = Options {
            device: options.device,
            windows: options.windows.map(|n| n as usize),
            instructions: instructions()?,
            ..Options::default()
        };
        let sources = options.data.iter().map(|argument| SetSource::find(argument)).collect::<Result<Vec<_>>>()?;
        if sources.iter().any(SetSource::is_standard_input) {
            let message = "Failed to bench on standard input: its articles are read again and again";
            return Err(Usage::new(message, "write them into a file first").into());
        }
        let (mut candidates, mut sets, mut configs) = (vec![], vec![], vec![]);
        let threads: Vec<usize> = match options.threads.as_slice() {
            [] => vec![processors()],
            given => given.iter().copied().map(usize::from).collect(),
        };
        let inputs = sources.iter().map(|source| source.files(&options.labelled, &options.split));
        let inputs: Vec<Source> = inputs.collect::<Result<Vec<_>>>()?.concat();
        // A baseline may be replaced by newer results, but not by a page.
        if let (Some(page), Some(before)) = (&options.report, &options.against) {
            refuse_overwriting(Some(page), None, &[Source::File(before.clone())])?;
        }
        for path in options.output.iter().chain(&options.report) {
            refuse_overwriting(Some(path), None, &inputs)?;
            whole::check(path)?;
        }
        for (number, Named { name, folder, model }) in
            open_all(&options.models, &options.device.open()?)?.into_iter().enumerate()
        {
            let manifest = model.manifest();
            let labelled = for_model(&options.labelled, manifest.heads.len());
            let load = |source: &SetSource| -> Result<LabelledSet> {
                let mut set = source.load(&labelled, &options.split, manifest)?;
                if let Some(limit) = options.limit {
                    set.articles.truncate(limit as usize);
                }
                if number == 0 && !options.quiet {
                    describe_rejects(&set.rejects).iter().for_each(|line| say(line));
                }
                check_labelled(&set, &manifest.heads)?;
                Ok(set)
            };
            sets.push(sources.iter().map(load).collect::<Result<Vec<_>>>()?);
            for &threads in &threads {
                for precision in precisions(&options.precisions, &model) {
                    let choice = Options { dtype: precision, threads: Some(threads), ..running.clone() };
                    let precision_name = Classifier::new(model.clone(), &choice)?.dtype().to_string();
                    let setting = Setting { model: name.clone(), precision: precision_name, threads };
                    if !configs.iter().any(|known: &Config| known.setting == setting) {
                        configs.push(Config { model: number, precision, setting });
                    }
                }
            }
            candidates.push(Candidate { folder, sha256: model.sha256()?, parameters: model.parameters() });
        }
        let corpora = sources.iter().map(|source| corpus(source, options)).collect::<Result<Vec<_>>>()?;
        let rounds = configs.iter().map(|_| corpora.iter().map(|_| Rounds::default()).collect()).collect();
        let started = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let (notes, stop) = (BTreeSet::new(), Arc::default());
        Ok(Self { options, running, candidates, configs, corpora, sets, rounds, started, notes, stop })
    }

    /// Checks that an earlier run measured something that this one will measure as well.
    fn check_in_common(&self, before: &Results) -> Result<()> {
        let is_here = |old: &Measured| {
            let set = |set: &LabelledSet| set.name == old.set && set.split == old.split;
            self.configs.iter().any(|config| config.setting == old.setting && self.sets[config.model].iter().any(set))
        };
        match before.results.iter().any(is_here) {
            true => Ok(()),
            false => {
                let message =
                    "Failed to compare: the earlier results have no model, setting and set in common with these";
                Err(Usage::new(message, "measure the same models, `--precisions`, `--threads` and `--data`").into())
            }
        }
    }

    fn measure(&mut self) -> Result<()> {
        let folder = ScratchFolder::new()?;
        if let Some(load) = load_average()
            && load > 0.5
        {
            self.notes.insert(format!("the machine was not idle at the start: its load was {load:.1}"));
        }
        for round in 0..usize::from(self.options.rounds) {
            let mut order: Vec<usize> = (0..self.configs.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for config in order {
                self.turn(round, config, &folder.0)?;
                if self.stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                self.keep(false, false)?;
            }
        }
        Ok(())
    }

    /// All that is measured of a setting in a round.
    fn turn(&mut self, round: usize, config: usize, folder: &Path) -> Result<()> {
        let options = self.options;
        let (of, candidate) = (&self.configs[config], &self.candidates[self.configs[config].model]);
        if !options.quiet {
            say(&format!("round {} of {}: {}", round + 1, options.rounds, of.setting.name()));
        }
        for (number, corpus) in self.corpora.iter().enumerate() {
            let run = |limit| pass(candidate, of, corpus, options.device, options.windows, limit, folder);
            if round == 0 {
                run(Some(options.limit.unwrap_or(WARM_UP).min(WARM_UP)))?;
            }
            let took = run(options.limit)?;
            let rounds = &mut self.rounds[config][number];
            rounds.articles = took.articles;
            rounds.wall.push(took.wall);
            rounds.steady.push(took.steady);
            rounds.memory.extend(took.peak_memory_bytes.map(|bytes| bytes as f64));
            if self.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
        let (classifier, seconds) = load(candidate, of, &self.running)?;
        for (number, set) in self.sets[of.model].iter().enumerate() {
            let rounds = &mut self.rounds[config][number];
            rounds.loads.push(seconds);
            let texts: Vec<String> = set.articles.iter().take(options.singles).map(|row| row.article.input()).collect();
            rounds.singles.push(singles(&classifier, &texts)?);
            if rounds.evaluated.is_none() {
                let predictions = predict(&classifier, set, &mut |_| {})?;
                rounds.tokens = predictions.iter().map(|prediction| prediction.tokens as u64).sum();
                let heads = &classifier.manifest().heads;
                let cases = head_cases(set, heads, &predictions)?;
                let mut report = report_of(set, heads, &cases, &[]);
                for (head, cases) in report.heads.iter_mut().zip(&cases) {
                    head.intervals = Some(cases.intervals());
                }
                rounds.evaluated = Some(Evaluated { report, cases });
            }
            if self.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// What is known so far, with the differences between models or, while there is more to measure, without; kept in a file if that
    /// is asked for.
    fn keep(&self, complete: bool, with_differences: bool) -> Result<Results> {
        let results = self.results(complete, with_differences);
        if let Some(path) = &self.options.output {
            results.write(path)?;
        }
        Ok(results)
    }
}

/// How labelled files are read for a model: `--head` is for models with several.
fn for_model(labelled: &Labelled, heads: usize) -> Labelled {
    let head = labelled.head.clone().filter(|_| heads > 1);
    Labelled { head, ..labelled.clone() }
}

/// The precisions to measure of a model; a linear one has only one.
fn precisions(asked: &[DtypeChoice], model: &AnyModel) -> Vec<DtypeChoice> {
    match model {
        AnyModel::Encoder(_) => asked.to_vec(),
        AnyModel::Linear(_) => vec![DtypeChoice::Exactly(Dtype::F32)],
    }
}

/// A set as `newsdesk classify` reads it.
fn corpus(source: &SetSource, options: &Bench) -> Result<Corpus> {
    let mut reading = vec![];
    let mut option = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            reading.extend([name.into(), value.into()]);
        }
    };
    let files = match source {
        SetSource::Recipe(recipe) => {
            option("--text-field", recipe.fields.text.clone());
            option("--title-field", recipe.fields.title.clone());
            vec![recipe.split_file(&options.labelled.data_root, &options.split)?.into()]
        }
        SetSource::Plain(arguments) => {
            let columns = &options.labelled.columns;
            option("--text-field", columns.text_field.clone());
            option("--title-field", columns.title_field.clone());
            option("--encoding", columns.encoding.map(|encoding| encoding.to_string()));
            arguments.iter().map(Into::into).collect()
        }
    };
    Ok(Corpus { files, reading })
}

/// A folder for outputs that nobody wants, which goes when it is no longer needed.
struct ScratchFolder(PathBuf);

impl ScratchFolder {
    fn new() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("newsdesk-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|error| {
            let message = format!("Failed to make the folder `{}`: {error}", folder.display());
            Usage::new(message, "set `TMPDIR` to a folder that you may write to")
        })?;
        Ok(Self(folder))
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
