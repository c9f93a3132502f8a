//! A training run's network and optimiser: one step, one validation, and the model that comes out.

use crate::epoch::{dropout_seed, random};
use crate::error::Result;
use crate::examples::Example;
use crate::loss::{self, LossOptions};
use crate::optimizer::{AdamW, Gradient};
use crate::settings::{Freeze, Settings};
use candle_core::{Tensor, Var};
use newsdesk_data::LabelledSet;
use newsdesk_eval::{HeadReport, SetReport, measure};
use newsdesk_model::batch::Batch;
use newsdesk_model::encoder::graph::Dropout;
use newsdesk_model::encoder::{EncoderConfig, Variables, Weights};
use newsdesk_model::folder::Manifest;
use newsdesk_model::network::{Network, Parts, Pooling, TrainingNetwork};
use newsdesk_model::tokenize::TokenId;
use newsdesk_model::workers::parallel;
use newsdesk_model::{Classifier, Device, Head, Model, Options};
use rand::RngExt;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What one part of a step gives.
struct Part {
    loss: f32,
    /// Gradients of all variables but the word table.
    gradients: BTreeMap<String, Tensor>,
    /// Rows of the word table that occur, and their gradients `[words, width]`.
    words: Vec<TokenId>,
    word_rows: Tensor,
}

pub(crate) struct Run<'a> {
    base: &'a Model,
    pub(crate) heads: Vec<Head>,
    parts: Parts,
    settings: &'a Settings,
    loss: LossOptions,
    pub(crate) variables: Variables,
    /// What computes gradients on the processor; elsewhere, and for encoders that it does not know, the graph does.
    network: Option<TrainingNetwork>,
    /// Name of the word table among the variables.
    word_table: String,
    pub(crate) optimizer: AdamW,
    pub(crate) device: Device,
}

impl<'a> Run<'a> {
    /// A run that begins: the weights of `base`, the heads that it has, and new ones with these biases, by head and label.
    pub(crate) fn new(
        base: &'a Model,
        heads: Vec<Head>,
        biases: &[Vec<f32>],
        loss: LossOptions,
        settings: &'a Settings,
    ) -> Result<Self> {
        let pooling = base.manifest.pooling;
        let parts = Parts {
            encoder: base.parts.encoder.clone(),
            heads: heads.iter().map(|h| (format!("heads.{}", h.name), h.labels.len())).collect(),
            pooling,
        };
        let device = base.weights.device().clone();
        let mut variables = Variables::copy_of(&base.weights)?;
        // Old heads and, where it is not used, the pooler would be carried along untrained.
        let pooler =
            if parts.encoder.is_empty() { "pooler.".to_string() } else { format!("{}.pooler.", parts.encoder) };
        let is_encoder = |name: &str| name.starts_with(&parts.encoder) && !name.starts_with("heads.");
        variables.retain(|name| {
            is_encoder(name)
                && !name.starts_with("classifier.")
                && (pooling == Pooling::Pooler || !name.starts_with(&pooler))
        });
        let mut random = random(settings.seed, 254, 0, 0);
        for ((head, (prefix, labels)), biases) in heads.iter().zip(&parts.heads).zip(biases) {
            let width = base.config.hidden_size;
            let (weight, bias) = match kept_head(base, head) {
                Some(known) => (
                    base.weights.get_shaped(&[*labels, width], &format!("{known}.weight"))?,
                    base.weights.get_shaped(&[*labels], &format!("{known}.bias"))?,
                ),
                None => {
                    // Normal with deviation 0.02, as BERT's own weights begin; the sum of 12 uniform numbers is near enough.
                    let mut normal = || (0..12).map(|_| random.random::<f32>()).sum::<f32>() - 6.0;
                    let values: Vec<f32> = (0..labels * width).map(|_| 0.02 * normal()).collect();
                    (
                        Tensor::from_vec(values, (*labels, width), &device)?,
                        Tensor::from_slice(biases, *labels, &device)?,
                    )
                }
            };
            variables.insert(&format!("{prefix}.weight"), &weight)?;
            variables.insert(&format!("{prefix}.bias"), &bias)?;
        }
        // Fails here rather than in the first step if a tensor is missing.
        Network::new(&variables.weights(), &base.config, &parts)?;
        let dot = if parts.encoder.is_empty() { "" } else { "." };
        let word_table = format!("{}{dot}embeddings.word_embeddings.weight", parts.encoder);
        let Settings { freeze, layer_decay, head_rate_factor, .. } = *settings;
        let layers = base.config.num_hidden_layers;
        let rate_factor = |name: &str| rate_factor(name, layers, freeze, layer_decay, head_rate_factor);
        let optimizer = AdamW::new(&variables, settings, rate_factor)?;
        let network =
            if device.is_cpu() { TrainingNetwork::new(&base.config, &parts, freeze.levels(layers)) } else { None };
        Ok(Self { base, heads, parts, settings, loss, variables, network, word_table, optimizer, device })
    }

    pub(crate) fn restore(&mut self, variables: &Weights, moments: &Weights, steps: i32) -> Result<()> {
        for (name, variable) in self.variables.iter() {
            variable.set(&variables.get_shaped(variable.dims(), name)?)?;
        }
        self.optimizer.restore(moments, steps)
    }

    /// One step of the optimiser; returns the mean loss per article.
    pub(crate) fn step(&mut self, batch: &[&Example], epoch: usize, number: usize, rate: f64) -> Result<f32> {
        let (loss, norm) = match self.network.take() {
            Some(mut network) => {
                let done = self.step_on_processor(&mut network, batch, epoch, number, rate);
                self.network = Some(network);
                done?
            }
            None => self.step_by_graph(batch, epoch, number, rate)?,
        };
        // A gradient that is no number tells of a loss that is about to be none.
        Ok(if norm.is_finite() { loss } else { norm })
    }

    /// Loss and length of the gradient of a step whose gradients are our own.
    fn step_on_processor(
        &mut self,
        network: &mut TrainingNetwork,
        batch: &[&Example],
        epoch: usize,
        number: usize,
        rate: f64,
    ) -> Result<(f32, f32)> {
        let windows: Vec<&[TokenId]> = batch.iter().map(|example| example.tokens.as_slice()).collect();
        let seed = dropout_seed(self.settings.seed, epoch, number, 0);
        let share = |chunk: Range<usize>, logits: &[Tensor]| -> Result<Option<Tensor>> {
            let Some(loss) = loss::sum(&self.heads, logits, &batch[chunk], &self.loss)? else { return Ok(None) };
            Ok(Some((loss / batch.len() as f64)?))
        };
        let threads = self.settings.threads;
        let (loss, found) = network.gradients(&self.variables, &windows, Some(seed), threads, share)?;
        let top = found.top.iter().map(|(name, values)| (name.as_str(), values.as_slice()));
        let all = found.encoder.iter().copied().chain(top);
        let gradients = all.map(|(name, values)| (name, Gradient::Values(values))).collect();
        Ok((loss, self.optimizer.step(&gradients, rate)?))
    }

    /// Loss and length of the gradient of a step through candle.
    fn step_by_graph(&mut self, batch: &[&Example], epoch: usize, number: usize, rate: f64) -> Result<(f32, f32)> {
        let parts: Vec<&[&Example]> = batch.chunks(self.settings.micro_batch).collect();
        let seed = |part| dropout_seed(self.settings.seed, epoch, number, part);
        let results =
            parallel(parts.len(), self.settings.threads, |part| self.gradients(parts[part], batch.len(), seed(part)))?;
        let mut total = 0.0;
        let mut sums: BTreeMap<String, Tensor> = BTreeMap::new();
        let (mut words, mut word_rows) = (Vec::new(), Vec::new());
        for part in results.into_iter().flatten() {
            total += part.loss;
            words.extend(part.words);
            word_rows.push(part.word_rows);
            for (name, gradient) in part.gradients {
                match sums.get_mut(&name) {
                    None => {
                        sums.insert(name, gradient);
                    }
                    Some(sum) => *sum = (&*sum + gradient)?,
                }
            }
        }
        if !word_rows.is_empty() {
            let table = self.variables.get(&self.word_table)?;
            let words = Tensor::from_vec(words, word_rows.iter().map(|w| w.dims()[0]).sum::<usize>(), &self.device)?;
            let gradient = table.zeros_like()?.index_add(&words, &Tensor::cat(&word_rows, 0)?, 0)?;
            sums.insert(self.word_table.clone(), gradient);
        }
        let gradients = sums.iter().map(|(name, sum)| (name.as_str(), Gradient::Tensor(sum.clone()))).collect();
        Ok((total, self.optimizer.step(&gradients, rate)?))
    }

    /// Loss and gradients of one part of a step, as shares of the whole step's; `None` if nothing in it has a target.
    ///
    /// The word table is most of the weights, and a batch touches a few hundred of its rows. So the network is built on
    /// just those rows: the same numbers, without a gradient as large as the table for each part.
    fn gradients(&self, examples: &[&Example], step_rows: usize, seed: u64) -> Result<Option<Part>> {
        let config = &self.base.config;
        let words: Vec<TokenId> =
            examples.iter().flat_map(|e| &e.tokens).copied().chain([config.pad_token_id]).collect();
        let words: Vec<TokenId> = words.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let place = |token: &TokenId| words.binary_search(token).map_or(0, |i| i as TokenId);
        let windows: Vec<Vec<TokenId>> = examples.iter().map(|e| e.tokens.iter().map(place).collect()).collect();
        let windows: Vec<&[TokenId]> = windows.iter().map(Vec::as_slice).collect();
        let batch = Batch::new(&windows, place(&config.pad_token_id), &self.device)?;

        let table = self.variables.get(&self.word_table)?;
        let rows = table.index_select(&Tensor::from_slice(&words, words.len(), &self.device)?, 0)?;
        let rows = Var::from_tensor(&rows.detach())?; // [words, width]
        let weights = self.variables.weights().with(&self.word_table, rows.as_tensor().clone());
        let config = EncoderConfig { vocab_size: words.len(), ..config.clone() };
        let network = Network::new(&weights, &config, &self.parts)?;

        let mut dropout = Dropout::new(config.hidden_dropout_prob, config.attention_probs_dropout_prob, seed);
        let logits = network.forward(&batch, Some(&mut dropout))?;
        let Some(loss) = loss::sum(&self.heads, &logits, examples, &self.loss)? else { return Ok(None) };
        let loss = (loss / step_rows as f64)?;
        let mut store = loss.backward()?;
        let gradient = |(name, var): (&str, &Var)| store.remove(var).map(|g| (name.to_string(), g));
        let gradients = self.variables.iter().filter_map(gradient).collect();
        let word_rows = store.remove(&rows).map_or_else(|| rows.zeros_like(), Ok)?;
        Ok(Some(Part { loss: loss.to_scalar::<f32>()?, gradients, words, word_rows }))
    }

    /// The model with these weights.
    pub(crate) fn model(&self, weights: Weights) -> Model {
        Model {
            weights,
            parts: self.parts.clone(),
            manifest: Manifest {
                heads: self.heads.clone(),
                window: self.settings.window.clone(),
                training: None,
                averaged: vec![],
                scores: vec![],
                certificates: vec![],
                calibrations: vec![],
                ..self.base.manifest.clone()
            },
            ..self.base.clone()
        }
    }

    /// Figures per validation set and head, and their mean. `progress` is told how many articles are done.
    pub(crate) fn validate(
        &self,
        weights: &Weights,
        sets: &[LabelledSet],
        progress: &mut dyn FnMut(usize),
    ) -> Result<(Vec<SetReport>, f64)> {
        // Whole windows as in use, but of each article only the first, which tells epochs apart as well.
        let options = Options { threads: Some(self.settings.threads), windows: Some(1), ..Options::default() };
        let classifier = Classifier::new(self.model(weights.clone()), &options)?;
        let (mut reports, mut before) = (Vec::new(), 0);
        for set in sets.iter().filter(|set| !set.articles.is_empty()) {
            reports.push(measure(&classifier, set, &mut |done| progress(before + done))?);
            before += set.articles.len();
        }
        let measured = reports.iter().flat_map(|set| &set.heads).filter(|head| head.report.cases > 0);
        let figures: Vec<f64> = measured.map(HeadReport::score).collect();
        let score = figures.iter().sum::<f64>() / figures.len() as f64;
        Ok((reports, score))
    }
}

/// Whether training from a base goes on with what the base knows of a head; otherwise the head begins anew.
pub fn keeps_head(base: &Model, head: &Head) -> bool {
    kept_head(base, head).is_some()
}

/// The name under which the base keeps the weights of a head with the same name, activation and labels, if it has one.
fn kept_head<'a>(base: &'a Model, head: &Head) -> Option<&'a str> {
    let same = |known: &Head| {
        let labels = || known.labels.iter().zip(&head.labels);
        known.name == head.name
            && known.activation == head.activation
            && known.labels.len() == head.labels.len()
            && labels().all(|(known, label)| known.name == label.name && known.code == label.code)
    };
    // Another pooling gives a head other vectors than it knows.
    let place = base.manifest.heads.iter().position(same).filter(|_| base.parts.pooling == base.manifest.pooling)?;
    base.parts.heads.get(place).map(|(prefix, _)| prefix.as_str())
}

/// How many times the learning rate a variable learns with, by its name; zero where it is frozen.
fn rate_factor(name: &str, layers: usize, freeze: Freeze, layer_decay: f64, head_rate_factor: f64) -> f64 {
    if name.starts_with("heads.") {
        return head_rate_factor;
    }
    // Embeddings are level 0, the layers follow, then what is above them.
    let level = match name.split_once("encoder.layer.") {
        Some((_, rest)) => rest.split('.').next().and_then(|number| number.parse::<usize>().ok()).map_or(0, |n| n + 1),
        None if name.contains("embeddings.") => 0,
        None => layers + 1,
    };
    if level < freeze.levels(layers) { 0.0 } else { layer_decay.powi((layers + 1).saturating_sub(level) as i32) }
}

#[cfg(test)]
mod tests {
    use super::{Freeze, rate_factor};

    const NAMES: [&str; 5] = [
        "bert.embeddings.word_embeddings.weight",
        "bert.encoder.layer.0.output.dense.bias",
        "bert.encoder.layer.11.output.dense.bias",
        "bert.pooler.dense.weight",
        "heads.topic.weight",
    ];

    fn factors(freeze: Freeze) -> [f64; 5] {
        NAMES.map(|name| rate_factor(name, 12, freeze, 0.5, 10.0))
    }

    #[test]
    fn rates_fall_with_depth_and_what_is_frozen_has_none() {
        let [half, low] = [0.5, 0.5f64.powi(12)];
        assert_eq!(factors(Freeze::Nothing), [0.5 * low, low, half, 1.0, 10.0]);
        assert_eq!(factors(Freeze::Embeddings), [0.0, low, half, 1.0, 10.0]);
        assert_eq!(factors(Freeze::Layers(1)), [0.0, 0.0, half, 1.0, 10.0]);
        assert_eq!(factors(Freeze::Layers(12)), [0.0, 0.0, 0.0, 1.0, 10.0]);
        assert_eq!(factors(Freeze::Encoder), [0.0, 0.0, 0.0, 1.0, 10.0]);
    }
}
