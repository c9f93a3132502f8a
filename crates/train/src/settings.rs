//! How a model is trained.

use crate::error::{Result, TrainError};
use newsdesk_model::folder::WindowRecord;
use serde::{Deserialize, Serialize};

/// Everything that decides the result of a training run besides data and base model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Times that the training rows are gone through.
    pub epochs: usize,
    /// Largest learning rate, reached after the warm-up.
    pub learning_rate: f64,
    /// New heads start from nothing and learn this many times faster than the encoder.
    pub head_rate_factor: f64,
    /// Share of all steps in which the learning rate rises from zero; it falls to zero over the rest.
    pub warmup: f64,
    /// Decay of weights, taken from matrices only: not from biases and layer norms.
    pub weight_decay: f64,
    /// Gradients longer than this (all variables together) are shortened to it; 0 for never.
    pub clip: f64,
    /// Articles per step.
    pub batch_size: usize,
    /// Articles that go through the encoder at once; a step's parts run on several threads and their gradients are
    /// added. Does not depend on the number of threads, so neither does the result.
    pub micro_batch: usize,
    /// Most rows taken from one set in an epoch; a larger set is gone through over several epochs. 0 for all.
    pub rows_per_epoch: usize,
    /// Longest window in training, special tokens included; longer articles give their beginning.
    pub length: usize,
    /// Windows of the finished model.
    pub window: WindowRecord,
    /// Seed of every random choice.
    pub seed: u64,
    /// Threads; changes nothing but the time.
    #[serde(skip)]
    pub threads: usize,
}

impl Settings {
    /// Checks that the settings can be used with an encoder that takes `longest` tokens, of which `frame` are special.
    ///
    /// # Errors
    /// [`TrainError::Setting`] naming the first one that cannot.
    pub fn check(&self, longest: usize, frame: usize) -> Result<()> {
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
        positive("learning-rate", self.learning_rate)?;
        positive("head-rate-factor", self.head_rate_factor)?;
        positive("batch-size", self.batch_size as f64)?;
        between("micro-batch", self.micro_batch, 1, self.batch_size)?;
        between("length", self.length, frame + 1, longest)?;
        between("window", self.window.length, frame + 1, longest)?;
        between("stride", self.window.stride, 1, self.window.length - frame)?;
        if !(0.0..1.0).contains(&self.warmup) {
            return Err(TrainError::Setting {
                setting: "warmup",
                cause: format!("{} is not within 0..1", self.warmup),
            });
        }
        Ok(())
    }
}
