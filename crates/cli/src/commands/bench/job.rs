//! A benchmark in progress: takes turns with the models and collects measurements round by round.

use super::measure::{Candidate, Config, Corpus, ScratchFolder, classify_in_process, latencies, load, load_average};
use super::record::Results;
use crate::arguments::Bench;
use crate::failure::say;
use crate::output::page::Evaluated;
use anyhow::Result;
use newsdesk_data::LabelledSet;
use newsdesk_eval::{SetReport, head_cases, predict};
use newsdesk_model::Options;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Number of rows in the warm-up pass, which fills the file cache and raises the CPU frequency.
const WARM_UP_ROWS: u64 = 64;

/// System load above which a note says that the machine was not idle.
const MAX_IDLE_LOAD: f64 = 0.5;

/// A benchmark with everything that it needs.
pub struct Job<'a> {
    pub options: &'a Bench,
    pub model_options: Options,
    pub candidates: Vec<Candidate>,
    pub configs: Vec<Config>,
    /// Data sets as `newsdesk classify` reads them, by candidate, then by data set.
    pub corpora: Vec<Vec<Corpus>>,
    /// Labelled data sets, by candidate, then by data set.
    pub sets: Vec<Vec<LabelledSet>>,
    /// Measurements, by configuration, then by data set.
    pub rounds: Vec<Vec<Rounds>>,
    /// Time of the start, as RFC 3339.
    pub started: String,
    pub notes: BTreeSet<String>,
    /// Set to end the benchmark after the current measurement.
    pub stop: Arc<AtomicBool>,
}

/// The measurements of a configuration on a data set. The lists have one entry per round.
#[derive(Default)]
pub struct Rounds {
    /// Articles that `newsdesk classify` labels in a pass.
    pub articles: u64,
    /// Tokens of the labelled articles.
    pub tokens: u64,
    /// Duration of the whole command, in seconds.
    pub wall_seconds: Vec<f64>,
    /// Duration without starting the process and loading the model, in seconds.
    pub steady_seconds: Vec<f64>,
    /// Peak memory of the command, in bytes.
    pub peak_memory: Vec<f64>,
    /// Time to load the model, in seconds.
    pub load_seconds: Vec<f64>,
    /// Latencies of single articles, in milliseconds.
    pub latencies: Vec<Vec<f64>>,
    /// Metrics of the predictions; computed once.
    pub evaluated: Option<Evaluated>,
}

impl Job<'_> {
    /// Runs all rounds. Results so far are saved after each turn.
    ///
    /// # Errors
    /// If a measurement fails, or the results cannot be written.
    pub fn measure(&mut self) -> Result<()> {
        let folder = ScratchFolder::new()?;
        if let Some(load) = load_average()
            && load > MAX_IDLE_LOAD
        {
            self.notes.insert(format!("the machine was not idle at the start: its load average was {load:.1}"));
        }
        for round in 0..usize::from(self.options.rounds) {
            let mut order: Vec<usize> = (0..self.configs.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for config in order {
                self.turn(round, config, folder.path())?;
                if self.stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                self.save_results(false, false)?;
            }
        }
        Ok(())
    }

    /// Takes all measurements of a configuration in a round.
    fn turn(&mut self, round: usize, config: usize, folder: &Path) -> Result<()> {
        let options = self.options;
        let (current, candidate) = (&self.configs[config], &self.candidates[self.configs[config].model]);
        if !options.quiet {
            say(&format!("round {} of {}: {}", round + 1, options.rounds, current.setting.name()));
        }
        for (index, corpus) in self.corpora[current.model].iter().enumerate() {
            let run = |limit| {
                classify_in_process(candidate, current, corpus, options.device, options.max_windows, limit, folder)
            };
            if round == 0 {
                run(Some(options.limit.unwrap_or(WARM_UP_ROWS).min(WARM_UP_ROWS)))?;
            }
            let pass = run(options.limit)?;
            let rounds = &mut self.rounds[config][index];
            rounds.articles = pass.articles;
            rounds.wall_seconds.push(pass.wall_seconds);
            rounds.steady_seconds.push(pass.steady_seconds);
            rounds.peak_memory.extend(pass.peak_memory_bytes.map(|bytes| bytes as f64));
            if self.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
        let (classifier, seconds) = load(candidate, current, &self.model_options)?;
        for (index, set) in self.sets[current.model].iter().enumerate() {
            let rounds = &mut self.rounds[config][index];
            rounds.load_seconds.push(seconds);
            let articles = set.articles.iter().take(options.latency_articles);
            let texts: Vec<String> = articles.map(|row| row.article.input()).collect();
            rounds.latencies.push(latencies(&classifier, &texts)?);
            if rounds.evaluated.is_none() {
                let predictions = predict(&classifier, set, &mut |_| {})?;
                rounds.tokens = predictions.iter().map(|prediction| prediction.tokens as u64).sum();
                let heads = &classifier.manifest().heads;
                let cases = head_cases(set, heads, &predictions)?;
                let mut report = SetReport::new(set, heads, &cases, &[]);
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

    /// Returns the results so far and writes them to `--output`, if that is given.
    ///
    /// `complete` says whether all rounds are done. Comparing the models takes time, so it is skipped between rounds.
    ///
    /// # Errors
    /// If the results cannot be written.
    pub fn save_results(&self, complete: bool, with_differences: bool) -> Result<Results> {
        let results = self.results(complete, with_differences);
        if let Some(path) = &self.options.output {
            results.write(path)?;
        }
        Ok(results)
    }
}
