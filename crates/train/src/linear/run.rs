//! Trains one linear model: checked data, features, epochs, and the model of the best one.

use super::features::FeatureRows;
use super::fit::HeadFit;
use super::settings::LinearSettings;
use crate::class_weights::{given, of_counts};
use crate::error::{Remedy, Result, TrainError};
use crate::heads::{check_data, merge_heads};
use crate::log::differing_settings;
use crate::progress::Progress;
use crate::sampling::SetSample;
use crate::settings::ClassWeights;
use newsdesk_data::LabelledSet;
use newsdesk_eval::{SetReport, check_heads, evaluate, head_data};
use newsdesk_model::folder::{Manifest, TrainingRecord, WindowRecord};
use newsdesk_model::linear::{FeatureRecord, HeadTable, LinearTable};
use newsdesk_model::network::Pooling;
use newsdesk_model::{Classifier, Head, LinearModel, Options};
use std::time::Instant;

/// The largest number of weights of a model: about 6 GiB during training.
const MAX_WEIGHTS: usize = 1 << 29;

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

/// Checked data sets, and the features of the training articles as the last run computed them.
pub(super) struct Trainer<'a> {
    training: &'a [LabelledSet],
    validation: &'a [LabelledSet],
    pub(super) heads: Vec<Head>,
    features: Option<(FeatureRecord, FeatureRows)>,
}

impl<'a> Trainer<'a> {
    /// Checks the data sets.
    ///
    /// # Errors
    /// If they cannot be used together.
    pub(super) fn new(training: &'a [LabelledSet], validation: &'a [LabelledSet]) -> Result<Self> {
        let heads = merge_heads(training)?;
        check_data(training, validation, &heads)?;
        validation.iter().try_for_each(|set| check_heads(set, &heads))?;
        Ok(Self { training, validation, heads, features: None })
    }

    /// Trains a model. `None` if `goes_on` returned false before an epoch.
    ///
    /// # Errors
    /// If the settings cannot be used, or a score is not finite.
    pub(super) fn train(
        &mut self,
        settings: &LinearSettings,
        goes_on: &mut dyn FnMut() -> bool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<LinearTrained>> {
        let since = Instant::now();
        settings.check()?;
        check_size(settings, &self.heads)?;
        let features = match self.features.take() {
            Some((record, features)) if record == settings.features => features,
            _ => FeatureRows::read(self.training, settings.features, settings.threads),
        };
        let best = self.epochs(&features, settings, goes_on, progress);
        self.features = Some((settings.features, features));
        let Some((model, best_epoch, score)) = best? else { return Ok(None) };
        Ok(Some(LinearTrained { model, best_epoch, score, elapsed: since.elapsed().as_secs_f64() }))
    }

    /// Trains all epochs. Returns the model of the best epoch, that epoch and its score.
    fn epochs(
        &self,
        features: &FeatureRows,
        settings: &LinearSettings,
        goes_on: &mut dyn FnMut() -> bool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<(LinearModel, usize, f64)>> {
        let mut fits = self.fits(features, settings)?;
        let mut manifest = manifest(self.training, settings, self.heads.clone());
        let mut best: Option<(LinearModel, usize, f64)> = None;
        for epoch in 1..=settings.epochs {
            if !goes_on() {
                return Ok(None);
            }
            fits.iter_mut().try_for_each(|fit| fit.epoch(features, epoch, settings))?;
            let tables: Vec<HeadTable> = fits.iter().map(HeadFit::table).collect();
            if let Some(training) = &mut manifest.training {
                training.best_epoch = epoch;
            }
            // Evaluated with the weights as they would be stored.
            let model = LinearModel::new(manifest.clone(), LinearTable::new(&features.idf, &tables))?;
            let (reports, score) = validate(&model, self.validation, settings.threads)?;
            let is_best = best.as_ref().is_none_or(|(.., best)| score > *best);
            progress(Progress::Epoch { epoch, reports: &reports, score, best: is_best });
            if is_best {
                best = Some((model, epoch, score));
            }
            let best_epoch = best.as_ref().map_or(epoch, |(_, best, _)| *best);
            if settings.patience > 0 && epoch - best_epoch >= settings.patience && epoch < settings.epochs {
                progress(Progress::StoppedEarly { best_epoch });
                break;
            }
        }
        match best {
            Some((.., score)) if score.is_finite() => Ok(best),
            _ => {
                let cause = "no epoch reached a finite score".into();
                Err(TrainError::Data { cause, remedy: Remedy::AddValidationData })
            }
        }
    }

    /// Returns the initial state of each head.
    fn fits(&self, features: &FeatureRows, settings: &LinearSettings) -> Result<Vec<HeadFit>> {
        let sets: Vec<&LabelledSet> = self.training.iter().collect();
        let fit = |(index, head)| Ok(HeadFit::new(head, features, &head_data(&sets, &self.heads, index)?));
        let mut fits: Vec<HeadFit> = self.heads.iter().enumerate().map(fit).collect::<Result<_>>()?;
        match &settings.class_weights {
            ClassWeights::Equal => {}
            ClassWeights::Balanced => fits.iter_mut().for_each(|fit| fit.weigh(of_counts(&fit.counts()))),
            ClassWeights::Given(weights) => {
                fits.iter_mut().zip(given(&self.heads, weights)?).for_each(|(fit, weights)| fit.weigh(weights));
            }
        }
        Ok(fits)
    }
}

/// Checks that the weights of all heads fit into memory.
fn check_size(settings: &LinearSettings, heads: &[Head]) -> Result<()> {
    let buckets = settings.features.buckets;
    let labels = heads.iter().map(|head| head.labels.len()).sum::<usize>();
    if buckets as usize * labels <= MAX_WEIGHTS {
        return Ok(());
    }
    let most = 1 << (MAX_WEIGHTS / labels).max(1).ilog2();
    let cause = format!("{buckets} buckets for each of {labels} labels need too much memory; use at most {most}");
    Err(TrainError::Setting { setting: "features.buckets", cause })
}

/// Returns the manifest of the model, with the best epoch still open.
fn manifest(training: &[LabelledSet], settings: &LinearSettings, heads: Vec<Head>) -> Manifest {
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
            sets: descriptions(training),
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

/// Returns how a linear model differs from the one that these training sets and settings give, as far as its manifest tells. Each
/// difference is one clause.
pub fn linear_differences(found: &Manifest, training: &[LabelledSet], settings: &LinearSettings) -> Vec<String> {
    let Some(found) = found.training.as_ref().filter(|_| found.linear.is_some()) else {
        return vec!["it is no linear model with a record of its training".into()];
    };
    let mut clauses = vec![];
    let sets = [&found.sets, &descriptions(training)].map(|sets| sets.join(", "));
    if sets[0] != sets[1] {
        clauses.push(format!("training: {} there, {} here", sets[0], sets[1]));
    }
    let mut there = found.settings.clone();
    if let Some(there) = there.as_object_mut() {
        // Earlier versions had no class weights for linear models.
        there.entry("class_weights").or_insert("equal".into());
    }
    clauses.extend(differing_settings(&there, &serde_json::to_value(settings).unwrap_or_default()));
    clauses
}

/// Returns a line for each training set, with its rows.
fn descriptions(training: &[LabelledSet]) -> Vec<String> {
    training.iter().map(|set| SetSample::new(set.articles.len(), 0, 1.0).description(set)).collect()
}

/// Evaluates the model on the validation sets. Returns the metrics, and their mean score over data sets and heads.
fn validate(model: &LinearModel, validation: &[LabelledSet], threads: usize) -> Result<(Vec<SetReport>, f64)> {
    let classifier = Classifier::new(model.clone(), &Options { threads: Some(threads), ..Options::default() })?;
    let reports = validation.iter().map(|set| evaluate(&classifier, set, &mut |_| {}));
    let reports: Vec<SetReport> = reports.collect::<newsdesk_eval::Result<_>>()?;
    let scores: Vec<f64> = reports.iter().flat_map(|report| report.heads.iter().map(|head| head.score())).collect();
    Ok((reports, scores.iter().sum::<f64>() / scores.len() as f64))
}
