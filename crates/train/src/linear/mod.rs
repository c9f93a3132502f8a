//! Labelled sets to a linear model, in seconds.
//!
//! The modules follow a run: [`rows`] makes features of the articles once, [`fit`] learns a head from them, epoch by epoch, and
//! here each epoch is measured on the validation sets and the best one kept. The same seed gives the same weights to the bit,
//! whatever the number of threads.

mod fit;
mod rows;

use crate::error::{Result, TrainError};
use crate::heads::{check_taught, union};
use crate::progress::Progress;
use fit::HeadFit;
use newsdesk_data::LabelledSet;
use newsdesk_eval::{SetReport, check_heads, head_data, measure};
use newsdesk_model::folder::{Manifest, TrainingRecord, WindowRecord};
use newsdesk_model::linear::{FeatureRecord, HeadTable, LinearTable};
use newsdesk_model::network::Pooling;
use newsdesk_model::{Classifier, Head, LinearModel, Options};
use rows::Rows;
use serde::Serialize;
use std::time::Instant;

/// The most epochs, and articles of a step.
const MOST: usize = 1 << 30;

/// The most weights of a model: 16 GiB while it is trained.
const MOST_WEIGHTS: usize = 1 << 32;

/// What decides how a linear model comes out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LinearSettings {
    /// What it looks at.
    pub features: FeatureRecord,
    /// Times that the rows are gone through.
    pub epochs: usize,
    /// Rate of the first step; it falls to zero.
    pub learning_rate: f64,
    /// Share of the probability that is wanted spread over all labels.
    pub label_smoothing: f64,
    /// Articles of a step.
    pub batch_size: usize,
    /// Ends after so many epochs without a better one; 0 for never.
    pub patience: usize,
    /// Seed of the order of the rows.
    pub seed: u64,
    /// Threads; changes nothing but the time.
    #[serde(skip)]
    pub threads: usize,
}

impl LinearSettings {
    /// Checks that the settings can be used.
    ///
    /// # Errors
    /// [`TrainError::Setting`] naming the first one that cannot.
    fn check(&self) -> Result<()> {
        let wrong = |setting, cause: String| Err(TrainError::Setting { setting, cause });
        if let Some((key, cause)) = self.features.fault() {
            let setting = match key {
                "linear.buckets" => "buckets",
                "linear.words" => "word-ngrams",
                _ => "char-ngrams",
            };
            return wrong(setting, cause);
        }
        for (setting, value) in [("epochs", self.epochs), ("batch-size", self.batch_size), ("patience", self.patience)]
        {
            if value > MOST {
                return wrong(setting, format!("{value} is more than {MOST}"));
            }
        }
        if !self.learning_rate.is_finite() || self.learning_rate <= 0.0 {
            return wrong("learning-rate", format!("{} is not above zero", self.learning_rate));
        }
        if !(0.0..1.0).contains(&self.label_smoothing) {
            return wrong("label-smoothing", format!("{} is not within 0..1", self.label_smoothing));
        }
        for (setting, value) in [("epochs", self.epochs), ("batch-size", self.batch_size)] {
            if value == 0 {
                return wrong(setting, "0 is not above zero".into());
            }
        }
        Ok(())
    }
}

/// The result of a run.
pub struct LinearTrained {
    /// The best epoch's model.
    pub model: LinearModel,
    /// The epoch that it comes from, from 1.
    pub best_epoch: usize,
    /// Its score on the validation data.
    pub score: f64,
    /// Seconds that the run took.
    pub elapsed: f64,
}

/// Learns a linear model of the heads that `sets` teach. The epoch is kept whose mean over `validation`'s sets and heads of
/// macro-F1 is highest (accuracy for heads that are measured as sets).
///
/// # Errors
/// If the settings or the data cannot be used.
pub fn train_linear(
    sets: &[LabelledSet],
    validation: &[LabelledSet],
    settings: &LinearSettings,
    progress: &mut dyn FnMut(Progress),
) -> Result<LinearTrained> {
    let since = Instant::now();
    settings.check()?;
    let heads = union(sets)?;
    check_taught(sets, validation, &heads)?;
    let weights = settings.features.buckets as usize * heads.iter().map(width).sum::<usize>();
    if weights > MOST_WEIGHTS {
        let cause = format!(
            "{} for so many labels make {weights} weights, more than {MOST_WEIGHTS}",
            settings.features.buckets
        );
        return Err(TrainError::Setting { setting: "buckets", cause });
    }
    validation.iter().try_for_each(|set| check_heads(set, &heads))?;
    let rows = Rows::read(sets, settings.features, settings.threads);
    let borrowed: Vec<&LabelledSet> = sets.iter().collect();
    let fits = heads.iter().enumerate().map(|(number, head)| {
        let parts = head_data(&borrowed, &heads, number)?;
        Ok(HeadFit::new(head, &rows, &parts))
    });
    let mut fits: Vec<HeadFit> = fits.collect::<Result<_>>()?;
    let described = sets.iter().map(|set| {
        let rows = set.articles.len();
        format!("{} {}: {rows} of {rows} rows", set.name, set.split)
    });
    let mut manifest = Manifest {
        version: 1,
        name: "linear".into(),
        pooling: Pooling::Mean,
        window: WindowRecord::WHOLE,
        linear: Some(settings.features),
        mention: None,
        heads: heads.clone(),
        training: Some(TrainingRecord {
            base: "nothing".into(),
            sets: described.collect(),
            teachers: vec![],
            best_epoch: 0,
            newsdesk: env!("CARGO_PKG_VERSION").into(),
            settings: serde_json::to_value(settings).unwrap_or_default(),
        }),
        averaged: vec![],
        scores: vec![],
        certificates: vec![],
        calibrations: vec![],
    };
    let mut best: Option<(LinearModel, usize, f64)> = None;
    for epoch in 1..=settings.epochs {
        fits.iter_mut().try_for_each(|fit| fit.epoch(&rows, epoch, settings))?;
        let tables: Vec<HeadTable> = fits.iter().map(HeadFit::table).collect();
        if let Some(training) = &mut manifest.training {
            training.best_epoch = epoch;
        }
        // Measured as it would be stored.
        let model = LinearModel::new(manifest.clone(), LinearTable::new(&rows.rarity, &tables))?;
        let (reports, score) = validate(&model, validation, settings.threads)?;
        let is_best = best.as_ref().is_none_or(|(.., best)| score > *best);
        progress(Progress::Epoch { epoch, reports: &reports, score, best: is_best });
        if is_best {
            best = Some((model, epoch, score));
        }
        let best_epoch = best.as_ref().map_or(epoch, |(_, best, _)| *best);
        if settings.patience > 0 && epoch - best_epoch >= settings.patience {
            progress(Progress::Stopped { best_epoch });
            break;
        }
    }
    match best {
        Some((model, best_epoch, score)) if score.is_finite() => {
            Ok(LinearTrained { model, best_epoch, score, elapsed: since.elapsed().as_secs_f64() })
        }
        _ => Err(TrainError::Data {
            cause: "no epoch reached a score that is a number".into(),
            hint: "is there validation data for each head?".into(),
        }),
    }
}

fn validate(model: &LinearModel, validation: &[LabelledSet], threads: usize) -> Result<(Vec<SetReport>, f64)> {
    let classifier = Classifier::new(model.clone(), &Options { threads: Some(threads), ..Options::default() })?;
    let reports = validation.iter().map(|set| measure(&classifier, set, &mut |_| {}));
    let reports: Vec<SetReport> = reports.collect::<newsdesk_eval::Result<_>>()?;
    let scores: Vec<f64> = reports.iter().flat_map(|report| report.heads.iter().map(|head| head.score())).collect();
    Ok((reports, scores.iter().sum::<f64>() / scores.len() as f64))
}

/// Labels of a head.
fn width(head: &Head) -> usize {
    head.labels.len()
}
