//! Variables, network and optimizer of a run: one step, one validation, and the model with its current weights.

use crate::error::Result;
use crate::examples::Example;
use crate::graph_gradients::GraphGradients;
use crate::initial_weights::{initial_variables, network_spec};
use crate::learning_rate::variable_factor;
use crate::loss::{LossOptions, total_loss};
use crate::optimizer::{AdamW, Gradient};
use crate::random::dropout_seed;
use crate::settings::{Quantise, Settings};
use crate::vocabulary::Vocabulary;
use candle_core::Tensor;
use newsdesk_data::LabelledSet;
use newsdesk_eval::{HeadReport, SetReport, evaluate_until};
use newsdesk_model::architecture::EncoderSpec;
use newsdesk_model::checkpoint::{Variables, Weights};
use newsdesk_model::folder::Manifest;
use newsdesk_model::network::{Network, NetworkSpec, Rounding, TrainingNetwork, rounded_weights};
use newsdesk_model::tokenize::TokenId;
use newsdesk_model::{Classifier, Device, Dtype, DtypeChoice, Head, Model, Options};
use std::ops::{ControlFlow, Range};

/// The state of a run that changes with every step.
pub(crate) struct Session<'a> {
    base: &'a Model,
    /// The tokens of the examples, whose rows of the word table are trained.
    vocabulary: Vocabulary,
    /// The encoder of the base with this vocabulary.
    encoder: EncoderSpec,
    pub(crate) heads: Vec<Head>,
    spec: NetworkSpec,
    settings: &'a Settings,
    loss: LossOptions,
    pub(crate) variables: Variables,
    /// Computes gradients on the CPU. `None` on other devices and for encoders that it does not support: there candle does.
    network: Option<TrainingNetwork>,
    pub(crate) optimizer: AdamW,
    pub(crate) device: Device,
}

impl<'a> Session<'a> {
    /// Starts with the weights of `base`. `biases` are those of new heads, by head and label. `teachers` are used if the settings
    /// compare encoders.
    ///
    /// # Errors
    /// If a tensor of a model is missing or has another shape, or the device fails.
    pub(crate) fn new(
        base: &'a Model,
        teachers: &[Model],
        vocabulary: Vocabulary,
        heads: Vec<Head>,
        biases: &[Vec<f32>],
        loss: LossOptions,
        settings: &'a Settings,
    ) -> Result<Self> {
        let spec = network_spec(base, &heads);
        let device = base.weights.device().clone();
        let variables = initial_variables(base, &vocabulary, &heads, &spec, biases, settings.seed)?;
        let encoder = vocabulary.encoder(&base.encoder);
        // Fails here rather than in the first step if a tensor is missing.
        Network::new(&variables.weights(), &encoder, &spec)?;
        let layers = base.encoder.distinct_layers();
        let optimizer = AdamW::new(&variables, settings, |name| variable_factor(name, layers, settings))?;
        let frozen = settings.freeze.levels(layers);
        let rounding = settings.quantise.map_or(Rounding::Nothing, |Quantise::Int8| Rounding::Int8);
        let network = if device.is_cpu() { TrainingNetwork::new(&encoder, &spec, frozen, rounding) } else { None };
        let losses = settings.distillation.and_then(|distillation| distillation.encoder_losses());
        let network = match (network, losses, teachers) {
            (Some(network), Some(losses), [teacher]) => {
                let (encoder, weights) = (vocabulary.encoder(&teacher.encoder), vocabulary.reduce(teacher)?);
                Some(network.with_teacher(&encoder, weights, losses, settings.threads)?)
            }
            (network, ..) => network,
        };
        Ok(Self { base, vocabulary, encoder, heads, spec, settings, loss, variables, network, optimizer, device })
    }

    /// Returns weights of a checkpoint as this version stores them.
    ///
    /// # Errors
    /// If the device fails.
    pub(crate) fn of_older_version(&self, found: &Weights) -> Result<Weights> {
        self.vocabulary.of_older_version(found, self.base)
    }

    /// Restores the variables and the optimizer's moments of a checkpoint after this number of steps.
    ///
    /// # Errors
    /// If a tensor is missing or has another shape.
    pub(crate) fn restore(&mut self, variables: &Weights, moments: &Weights, steps: i32) -> Result<()> {
        for (name, variable) in self.variables.iter() {
            variable.set(&variables.get_shaped(variable.dims(), name)?)?;
        }
        self.optimizer.restore(moments, steps)
    }

    /// Takes one step with this learning rate, and returns the mean loss per article and the norm of the gradient before
    /// clipping. If the norm is not finite, no variable is changed.
    ///
    /// # Errors
    /// If the device fails.
    pub(crate) fn step(&mut self, batch: &[&Example], epoch: usize, step: usize, rate: f64) -> Result<(f32, f32)> {
        match &mut self.network {
            Some(network) => {
                let windows: Vec<&[TokenId]> = batch.iter().map(|example| example.tokens.as_slice()).collect();
                let seed = dropout_seed(self.settings.seed, epoch, step, 0);
                let part_of_loss = |chunk: Range<usize>, logits: &[Tensor]| -> Result<Option<Tensor>> {
                    let loss = total_loss(&self.heads, logits, &batch[chunk], &self.loss)?;
                    let Some(loss) = loss else { return Ok(None) };
                    Ok(Some((loss / batch.len() as f64)?))
                };
                let threads = self.settings.threads;
                let (loss, found) = network.gradients(&self.variables, &windows, Some(seed), threads, part_of_loss)?;
                let heads = found.heads.iter().map(|(name, values)| (name.as_str(), values.as_slice()));
                let all = found.encoder.iter().copied().chain(heads);
                let gradients = all.map(|(name, values)| (name, Gradient::Values(values))).collect();
                Ok((loss, self.optimizer.step(&gradients, rate)?))
            }
            None => {
                let graph = GraphGradients {
                    encoder: &self.encoder,
                    spec: &self.spec,
                    heads: &self.heads,
                    variables: &self.variables,
                    loss: &self.loss,
                    settings: self.settings,
                    device: &self.device,
                };
                let (loss, sums) = graph.of_step(batch, epoch, step)?;
                let gradients = sums.iter().map(|(name, sum)| (name.as_str(), Gradient::Tensor(sum.clone()))).collect();
                Ok((loss, self.optimizer.step(&gradients, rate)?))
            }
        }
    }

    /// Returns the model with these weights, which are values of the variables.
    ///
    /// # Errors
    /// If the device fails.
    pub(crate) fn model(&self, weights: &Weights) -> Result<Model> {
        let all = self.vocabulary.restore(weights, self.base)?;
        Ok(Model {
            weights: match self.settings.quantise {
                Some(Quantise::Int8) => rounded_weights(&self.base.encoder, &all)?,
                None => all,
            },
            network: self.spec.clone(),
            manifest: Manifest {
                heads: self.heads.clone(),
                window: self.settings.window(),
                training: None,
                averaged: vec![],
                scores: vec![],
                certificates: vec![],
                calibrations: vec![],
                ..self.base.manifest.clone()
            },
            ..self.base.clone()
        })
    }

    /// Evaluates weights on the validation sets. Returns the metrics, and the mean over data sets and heads of the score by
    /// which epochs are compared. `progress` receives the number of articles done so far; `None` if it ends the validation.
    ///
    /// # Errors
    /// If a data set does not match the heads, or classifying fails.
    pub(crate) fn validate(
        &self,
        weights: &Weights,
        sets: &[LabelledSet],
        progress: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Option<(Vec<SetReport>, f64)>> {
        // The first window of each article is enough to compare epochs. It has the length that the finished model uses.
        let mut options = Options { threads: Some(self.settings.threads), max_windows: Some(1), ..Options::default() };
        if let Some(Quantise::Int8) = self.settings.quantise {
            options.dtype = DtypeChoice::Exactly(Dtype::Int8);
        }
        let classifier = Classifier::new(self.model(weights)?, &options)?;
        let (mut reports, mut before) = (Vec::new(), 0);
        for set in sets.iter().filter(|set| !set.articles.is_empty()) {
            let report = evaluate_until(&classifier, set, &mut |done| progress(before + done))?;
            let Some(report) = report else { return Ok(None) };
            reports.push(report);
            before += set.articles.len();
        }
        let measured = reports.iter().flat_map(|set| &set.heads).filter(|head| head.report.cases > 0);
        let scores: Vec<f64> = measured.map(HeadReport::score).collect();
        let score = scores.iter().sum::<f64>() / scores.len() as f64;
        Ok(Some((reports, score)))
    }
}
