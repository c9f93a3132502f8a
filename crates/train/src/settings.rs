//! How a model is trained.

use crate::error::{Result, TrainError};
use newsdesk_model::folder::WindowRecord;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most epochs of a run.
const MOST_EPOCHS: usize = 1_000_000;

/// The most rows that an epoch draws, 4 GiB of their places.
pub(crate) const MOST_ROWS: usize = 1 << 28;

/// How the learning rate falls after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// In a straight line to zero.
    #[default]
    Linear,
    /// Along half a cosine to zero.
    Cosine,
}

/// What is not trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Freeze {
    /// Everything is trained.
    #[default]
    Nothing,
    /// The embeddings keep their weights.
    Embeddings,
    /// The embeddings and so many layers, from the first, keep theirs.
    Layers(usize),
    /// Only the heads are trained, and the pooler where there is one.
    Encoder,
}

impl Freeze {
    /// Levels of an encoder with so many layers that are not trained: the embeddings are the first one, the layers follow.
    pub(crate) fn levels(self, layers: usize) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Embeddings => 1,
            Self::Layers(count) => count + 1,
            Self::Encoder => layers + 1,
        }
    }
}

/// How much a row counts by its label.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassWeights {
    /// All rows count the same.
    #[default]
    Equal,
    /// Every label counts the same: a row's weight is the number of rows divided by that of its label's rows and that of
    /// labels, rows counted as often as an epoch takes them.
    Auto,
    /// Weights of labels by name; 1 for those that are not named.
    Given(BTreeMap<String, f64>),
}

/// How much is learned from teachers, and how.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Distillation {
    /// Share of a head's loss that comes from the teachers, 0 to 1; the rest comes from the labels. Heads that no teacher
    /// has learn from labels alone.
    pub weight: f64,
    /// What logits are divided by on both sides, so that labels that a teacher thinks improbable are learned from as well.
    pub temperature: f64,
    /// Whether teachers speak about all rows, also for heads for which a row has no label.
    pub fills: bool,
}

/// Everything that decides the result of a training run besides data and base model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Times that the training rows are gone through.
    pub epochs: usize,
    /// Largest learning rate, reached after the warm-up.
    pub learning_rate: f64,
    /// Heads learn this many times faster than the encoder: new ones start from nothing.
    pub head_rate_factor: f64,
    /// Share of all steps in which the learning rate rises from zero; it falls to zero over the rest.
    pub warmup: f64,
    /// How it falls.
    pub schedule: Schedule,
    /// Each layer's learning rate is this times that of the layer after it, down to the embeddings; 1 for the same.
    pub layer_decay: f64,
    /// Share of the probability that the loss wants spread evenly over all labels of a head.
    pub label_smoothing: f64,
    /// A row's loss is weighted with (1 - probability of what is right) to this power (Lin et al., "Focal Loss", 2017); 0
    /// for not.
    pub focal: f64,
    /// How much a row counts by its label.
    pub class_weights: ClassWeights,
    /// What is learned from teachers; `None` where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distillation: Option<Distillation>,
    /// What is not trained.
    pub freeze: Freeze,
    /// The run ends after so many epochs without a better one; 0 for never.
    pub patience: usize,
    /// Decay of weights, taken from matrices only: not from biases and layer norms.
    pub weight_decay: f64,
    /// Gradients longer than this (all variables together) are shortened to it; 0 for never.
    pub clip: f64,
    /// Articles per step.
    pub batch_size: usize,
    /// Articles that go through the encoder at once where candle computes the gradients: on GPUs, and for encoders with
    /// another activation than GELU. The gradients of a step's parts are added.
    pub micro_batch: usize,
    /// Most rows taken from one set in an epoch; a larger set is gone through over several epochs. 0 for all.
    pub rows_per_epoch: usize,
    /// How many times as many rows an epoch takes of a set, by the set's name; 1 for sets that are not named.
    pub set_weights: BTreeMap<String, f64>,
    /// Longest window in training, special tokens included; longer articles give their beginning.
    pub length: usize,
    /// Windows of the finished model.
    pub window: WindowRecord,
    /// Seed of every random choice.
    pub seed: u64,
    /// Steps from one checkpoint to the next, besides those after each epoch; 0 for none. Changes nothing but the time.
    #[serde(skip)]
    pub checkpoint_every: usize,
    /// Threads; changes nothing but the time.
    #[serde(skip)]
    pub threads: usize,
}

impl Settings {
    /// Checks that the settings can be used with an encoder of so many layers that takes `longest` tokens, of which `frame` are
    /// special.
    ///
    /// # Errors
    /// [`TrainError::Setting`] naming the first one that cannot.
    pub fn check(&self, layers: usize, longest: usize, frame: usize) -> Result<()> {
        let positive = |setting, value: f64| match value > 0.0 && value.is_finite() {
            true => Ok(()),
            false => Err(TrainError::Setting { setting, cause: format!("{value} is not above zero") }),
        };
        let between = |setting, value: usize, least: usize, most: usize| match (least..=most).contains(&value) {
            true => Ok(()),
            false => Err(TrainError::Setting { setting, cause: format!("{value} is not within {least}..={most}") }),
        };
        let not_negative = |setting, value: f64| match value >= 0.0 && value.is_finite() {
            true => Ok(()),
            false => Err(TrainError::Setting { setting, cause: format!("{value} is not zero or above") }),
        };
        not_negative("weight-decay", self.weight_decay)?;
        not_negative("clip", self.clip)?;
        positive("epochs", self.epochs as f64)?;
        between("epochs", self.epochs, 1, MOST_EPOCHS)?;
        positive("learning-rate", self.learning_rate)?;
        positive("head-rate-factor", self.head_rate_factor)?;
        positive("batch-size", self.batch_size as f64)?;
        between("batch-size", self.batch_size, 1, MOST_ROWS)?;
        between("patience", self.patience, 0, MOST_EPOCHS)?;
        between("micro-batch", self.micro_batch, 1, self.batch_size)?;
        between("length", self.length, frame + 1, longest)?;
        between("window", self.window.length, frame + 1, longest)?;
        between("stride", self.window.stride, 1, self.window.length - frame)?;
        let share = |setting, value: f64| match (0.0..1.0).contains(&value) {
            true => Ok(()),
            false => Err(TrainError::Setting { setting, cause: format!("{value} is not within 0..1") }),
        };
        share("warmup", self.warmup)?;
        share("label-smoothing", self.label_smoothing)?;
        not_negative("focal", self.focal)?;
        positive("layer-decay", self.layer_decay)?;
        if let Freeze::Layers(count) = self.freeze
            && count > layers
        {
            let cause = format!("the base has {layers} layers, not {count}");
            return Err(TrainError::Setting { setting: "freeze", cause });
        }
        self.set_weights.values().try_for_each(|&weight| positive("set-weights", weight))?;
        if let Some(Distillation { weight, temperature, .. }) = self.distillation {
            if !(0.0..=1.0).contains(&weight) {
                let cause = format!("{weight} is not within 0..=1");
                return Err(TrainError::Setting { setting: "teacher-weight", cause });
            }
            positive("teacher-temperature", temperature)?;
        }
        if let ClassWeights::Given(weights) = &self.class_weights {
            weights.values().try_for_each(|&weight| not_negative("class-weights", weight))?;
        }
        Ok(())
    }
}
