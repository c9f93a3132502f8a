//! Trains linear models, in seconds.
//!
//! [`features`] computes the features of all articles once. [`fit`] trains a head on them, epoch by epoch. Each epoch is
//! evaluated on the validation sets, and the best one kept. The same seed gives bit-identical weights for any number of
//! threads.

mod features;
mod fit;
mod settings;

use crate::error::{Remedy, Result, TrainError};
use crate::heads::{check_data, merge_heads};
use crate::progress::Progress;
use crate::sampling::SetSample;
use features::FeatureRows;
use fit::HeadFit;
use newsdesk_data::LabelledSet;
use newsdesk_eval::{SetReport, check_heads, evaluate, head_data};
use newsdesk_model::folder::{Manifest, TrainingRecord, WindowRecord};
use newsdesk_model::linear::{HeadTable, LinearTable};
use newsdesk_model::network::Pooling;
use newsdesk_model::{Classifier, Head, LinearModel, Options};
pub use settings::LinearSettings;
use std::time::Instant;

/// The largest number of weights of a model: 16 GiB during training.
const MAX_WEIGHTS: usize = 1 << 32;

/// The result of training a linear model.
pub struct LinearTrained {
    /// The model of the best epoch.
    pub model: LinearModel,
    /// The best epoch, from 1.
    pub best_epoch: usize,
    /// Its score on the validation sets.
    pub score: f64,
    /// Seconds of training.
    pub elapsed: f64,
}

/// Trains a linear model with the heads of the training sets.
///
/// The model of the best epoch is kept: the one with the highest mean of macro-F1 over the heads of the validation sets
/// (accuracy for data sets with labels of their own).
///
/// # Errors
/// If the settings or the data cannot be used, or a score is no longer finite.
pub fn train_linear(
    training: &[LabelledSet],
    validation: &[LabelledSet],
    settings: &LinearSettings,
    progress: &mut dyn FnMut(Progress),
) -> Result<LinearTrained> {
    let since = Instant::now();
    settings.check()?;
    let heads = merge_heads(training)?;
    check_data(training, validation, &heads)?;
    check_size(settings, &heads)?;
    validation.iter().try_for_each(|set| check_heads(set, &heads))?;
    let features = FeatureRows::read(training, settings.features, settings.threads);
    let borrowed: Vec<&LabelledSet> = training.iter().collect();
    let fits = heads.iter().enumerate().map(|(index, head)| {
        let data = head_data(&borrowed, &heads, index)?;
        Ok(HeadFit::new(head, &features, &data))
    });
    let mut fits: Vec<HeadFit> = fits.collect::<Result<_>>()?;
    let mut manifest = manifest(training, settings, heads);
    let mut best: Option<(LinearModel, usize, f64)> = None;
    for epoch in 1..=settings.epochs {
        fits.iter_mut().try_for_each(|fit| fit.epoch(&features, epoch, settings))?;
        let tables: Vec<HeadTable> = fits.iter().map(HeadFit::table).collect();
        if let Some(training) = &mut manifest.training {
            training.best_epoch = epoch;
        }
        // Evaluated with the weights as they would be stored.
        let model = LinearModel::new(manifest.clone(), LinearTable::new(&features.idf, &tables))?;
        let (reports, score) = validate(&model, validation, settings.threads)?;
        let is_best = best.as_ref().is_none_or(|(.., best)| score > *best);
        progress(Progress::Epoch { epoch, reports: &reports, score, best: is_best });
        if is_best {
            best = Some((model, epoch, score));
        }
        let best_epoch = best.as_ref().map_or(epoch, |(_, best, _)| *best);
        if settings.patience > 0 && epoch - best_epoch >= settings.patience {
            progress(Progress::StoppedEarly { best_epoch });
            break;
        }
    }
    match best {
        Some((model, best_epoch, score)) if score.is_finite() => {
            Ok(LinearTrained { model, best_epoch, score, elapsed: since.elapsed().as_secs_f64() })
        }
        _ => {
            let cause = "no epoch reached a finite score".into();
            Err(TrainError::Data { cause, remedy: Remedy::AddValidationData })
        }
    }
}

/// Checks that the weights of all heads fit into memory.
fn check_size(settings: &LinearSettings, heads: &[Head]) -> Result<()> {
    let buckets = settings.features.buckets;
    let weights = buckets as usize * heads.iter().map(|head| head.labels.len()).sum::<usize>();
    if weights <= MAX_WEIGHTS {
        return Ok(());
    }
    let cause = format!("{buckets} for all labels are {weights} weights, more than {MAX_WEIGHTS}");
    Err(TrainError::Setting { setting: "features.buckets", cause })
}

/// Returns the manifest of the model, with the best epoch still open.
fn manifest(training: &[LabelledSet], settings: &LinearSettings, heads: Vec<Head>) -> Manifest {
    let description = |set: &LabelledSet| SetSample::new(set.articles.len(), 0, 1.0).description(set);
    Manifest {
        version: 1,
        name: "linear".into(),
        languages: vec![],
        pooling: Pooling::Mean,
        window: WindowRecord::WHOLE,
        linear: Some(settings.features),
        target: None,
        heads,
        training: Some(TrainingRecord {
            base: "nothing".into(),
            sets: training.iter().map(description).collect(),
            teachers: vec![],
            best_epoch: 0,
            newsdesk: env!("CARGO_PKG_VERSION").into(),
            settings: serde_json::to_value(settings).unwrap_or_default(),
        }),
        averaged: vec![],
        scores: vec![],
        certificates: vec![],
        calibrations: vec![],
    }
}

/// Evaluates the model on the validation sets. Returns the metrics, and their mean score over data sets and heads.
fn validate(model: &LinearModel, validation: &[LabelledSet], threads: usize) -> Result<(Vec<SetReport>, f64)> {
    let classifier = Classifier::new(model.clone(), &Options { threads: Some(threads), ..Options::default() })?;
    let reports = validation.iter().map(|set| evaluate(&classifier, set, &mut |_| {}));
    let reports: Vec<SetReport> = reports.collect::<newsdesk_eval::Result<_>>()?;
    let scores: Vec<f64> = reports.iter().flat_map(|report| report.heads.iter().map(|head| head.score())).collect();
    Ok((reports, scores.iter().sum::<f64>() / scores.len() as f64))
}
