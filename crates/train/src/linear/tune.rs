//! Searches for the settings of a linear model with the best score on the validation sets, within a given time.
//!
//! The first try has the settings that the search starts with. Some presets follow, then random changes of the best settings so
//! far. The order of the tries depends on the data and the seed; only their number depends on the time.

use super::run::{LinearTrained, Trainer};
use super::settings::LinearSettings;
use super::space::{Dimension, presets};
use crate::error::{Result, TrainError};
use crate::random::random;
use crate::stop::Stop;
use newsdesk_data::LabelledSet;
use rand::RngExt;
use std::time::{Duration, Instant};

/// The purpose of the random numbers for changes of settings.
const PURPOSE: u64 = 78;

/// The share of the dimensions that a change touches.
const CHANGED: f64 = 0.3;

/// How often a change is drawn again if its settings were tried before. Then the search ends.
const DRAWS: usize = 200;

/// What a search may change, and for how long.
pub struct Search<'a> {
    /// The settings of the first try.
    pub first: LinearSettings,
    /// What the search may change.
    pub free: &'a [Dimension],
    /// How long new epochs may start. The first try always ends.
    pub time: Duration,
    /// Ends the search early.
    pub stop: &'a Stop,
}

/// A try of a search.
pub struct Try<'a> {
    /// Its number, from 1.
    pub number: usize,
    /// Its settings.
    pub settings: &'a LinearSettings,
    /// Its score on the validation sets, in the best epoch.
    pub score: f64,
    /// That epoch, from 1.
    pub best_epoch: usize,
    /// Its time in seconds.
    pub elapsed: f64,
    /// Whether it is the best so far.
    pub best: bool,
}

/// The result of a search.
pub struct Tuned {
    /// The best model. Training with `settings` gives the same one.
    pub trained: LinearTrained,
    /// Its settings.
    pub settings: LinearSettings,
    /// The number of tries that ended.
    pub tries: usize,
    /// The number of combinations of settings, if the search ended because it had tried all that it found.
    pub combinations: Option<usize>,
}

/// Trains linear models with several settings, and returns the one with the best score on the validation sets.
///
/// # Errors
/// If the settings of the first try or the data cannot be used, or [`TrainError::Interrupted`] if the search is stopped
/// before its first try ends.
pub fn tune_linear(
    training: &[LabelledSet],
    validation: &[LabelledSet],
    search: &Search,
    progress: &mut dyn FnMut(Try),
) -> Result<Tuned> {
    let since = Instant::now();
    let mut trainer = Trainer::new(training, validation)?;
    let labels = trainer.heads.iter().map(|head| head.labels.len()).sum();
    let mut plan = Plan::new(search, labels);
    let mut best: Option<(LinearTrained, LinearSettings)> = None;
    let (mut tries, mut is_cut_short) = (0, false);
    while let Some(settings) = plan.next(best.as_ref().map(|(_, settings)| settings)) {
        let is_first = best.is_none();
        let mut goes_on = || !search.stop.is_requested() && (is_first || since.elapsed() < search.time);
        if !goes_on() {
            is_cut_short = true;
            break;
        }
        let Some(trained) = trained(&mut trainer, &settings, is_first, &mut goes_on)? else { continue };
        tries += 1;
        let is_best = best.as_ref().is_none_or(|(best, _)| trained.score > best.score);
        let LinearTrained { score, best_epoch, elapsed, .. } = trained;
        // From now on there is a model to keep. The report comes after this, because an interrupt may follow it at once.
        search.stop.follow(true);
        progress(Try { number: tries, settings: &settings, score, best_epoch, elapsed, best: is_best });
        if is_best {
            best = Some((trained, settings));
        }
    }
    search.stop.follow(false);
    let (trained, settings) = best.ok_or(TrainError::Interrupted)?;
    let combinations = (!is_cut_short).then_some(plan.tried.len());
    Ok(Tuned { trained, settings, tries, combinations })
}

/// Trains with these settings. `None` if it was cut short, or if a later try cannot be trained: such settings are no result.
fn trained(
    trainer: &mut Trainer,
    settings: &LinearSettings,
    is_first: bool,
    goes_on: &mut dyn FnMut() -> bool,
) -> Result<Option<LinearTrained>> {
    match trainer.train(settings, goes_on, &mut |_| {}) {
        Err(TrainError::LinearDiverged { .. }) if !is_first => Ok(None),
        trained => trained,
    }
}

/// The order of the tries.
struct Plan<'a> {
    search: &'a Search<'a>,
    /// Labels of all heads.
    labels: usize,
    /// The presets that are left, the next one last.
    presets: Vec<LinearSettings>,
    tried: Vec<LinearSettings>,
}

impl<'a> Plan<'a> {
    fn new(search: &'a Search<'a>, labels: usize) -> Self {
        let preset = |preset: &LinearSettings| {
            let mut settings = search.first.clone();
            search.free.iter().for_each(|dimension| dimension.copy(&mut settings, preset));
            settings
        };
        Self { search, labels, presets: presets(&search.first).iter().rev().map(preset).collect(), tried: vec![] }
    }

    /// Returns the next settings; `None` if there are none left. `best` are the best so far.
    fn next(&mut self, best: Option<&LinearSettings>) -> Option<LinearSettings> {
        let next = match best {
            None if self.tried.is_empty() => self.search.first.clone(),
            None => return None,
            Some(best) => self.preset().or_else(|| self.change(best))?,
        };
        self.tried.push(next.clone());
        Some(next)
    }

    /// Returns the next preset that was not tried.
    fn preset(&mut self) -> Option<LinearSettings> {
        while let Some(preset) = self.presets.pop() {
            if !self.tried.contains(&preset) {
                return Some(preset);
            }
        }
        None
    }

    /// Returns a change of the best settings that was not tried.
    fn change(&self, best: &LinearSettings) -> Option<LinearSettings> {
        let free = self.search.free;
        let draw = |draw| {
            let mut random = random(self.search.first.seed, PURPOSE, self.tried.len(), draw);
            let mut changed = best.clone();
            let chosen = free.get(random.random_range(0..free.len().max(1)))?;
            for dimension in free {
                if dimension == chosen || random.random_bool(CHANGED) {
                    dimension.vary(&mut changed, self.labels, &mut random);
                }
            }
            (!self.tried.contains(&changed)).then_some(changed)
        };
        (0..DRAWS).find_map(draw)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::settings::ClassWeights;
    use newsdesk_model::linear::FeatureRecord;

    fn first() -> LinearSettings {
        LinearSettings {
            features: FeatureRecord { buckets: 1 << 18, words: 2, characters: Some([5, 5]) },
            epochs: 5,
            learning_rate: 0.5,
            label_smoothing: 0.0,
            class_weights: ClassWeights::Equal,
            batch_size: 128,
            patience: 0,
            seed: 3,
            threads: 1,
        }
    }

    /// The settings of a search's first tries, if the first one stays the best.
    fn tries(free: &[Dimension], count: usize) -> Vec<LinearSettings> {
        let stop = Stop::default();
        let search = Search { first: first(), free, time: Duration::ZERO, stop: &stop };
        let mut plan = Plan::new(&search, 4);
        let mut tries = vec![plan.next(None).unwrap()];
        while tries.len() < count
            && let Some(next) = plan.next(Some(&tries[0]))
        {
            tries.push(next);
        }
        tries
    }

    #[test]
    fn tries_differ_begin_with_the_first_settings_and_have_one_order() {
        let tries = tries(&Dimension::ALL, 60);
        assert_eq!((tries.len(), &tries[0]), (60, &first()));
        assert!((1..60).all(|i| !tries[..i].contains(&tries[i])));
        assert_eq!(tries, self::tries(&Dimension::ALL, 60));
        tries.iter().for_each(|settings| settings.check().unwrap());
    }

    #[test]
    fn settings_that_are_not_free_stay_and_a_small_search_ends() {
        let tries = tries(&[Dimension::Epochs, Dimension::ClassWeights], 100);
        assert!((6..100).contains(&tries.len()), "{}", tries.len());
        for settings in &tries {
            let others = LinearSettings { epochs: 5, class_weights: ClassWeights::Equal, ..settings.clone() };
            assert_eq!(others, first());
        }
        assert_eq!(self::tries(&[], 100).len(), 1);
    }
}
