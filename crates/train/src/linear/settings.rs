//! The settings of a linear model.

use crate::error::{Result, TrainError};
use crate::settings::{ClassWeights, shown};
use newsdesk_model::linear::FeatureRecord;
use serde::Serialize;

/// The largest number of epochs, of articles per step, and of epochs of patience.
const MAX: usize = 1 << 30;

/// The largest learning rate. The default is 0.5.
const MAX_LEARNING_RATE: f64 = 100.0;

/// Everything besides the data that decides the result of a linear model's training.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LinearSettings {
    /// The features of an article.
    pub features: FeatureRecord,
    /// Number of passes over the rows.
    pub epochs: usize,
    /// Learning rate of the first step. It falls linearly to zero.
    pub learning_rate: f64,
    /// Label smoothing: probability mass spread evenly over all labels.
    pub label_smoothing: f64,
    /// How the label of a row weights its loss.
    pub class_weights: ClassWeights,
    /// Articles per step.
    pub batch_size: usize,
    /// Training ends after this number of epochs without a better one; 0 for never.
    pub patience: usize,
    /// Seed of the order of the rows.
    pub seed: u64,
    /// Number of threads. Does not change the result.
    #[serde(skip)]
    pub threads: usize,
}

impl LinearSettings {
    /// Checks that the settings can be used.
    ///
    /// # Errors
    /// [`TrainError::Setting`] with the first setting that cannot be used.
    pub fn check(&self) -> Result<()> {
        let fail = |setting, cause: String| Err(TrainError::Setting { setting, cause });
        if let Some((key, cause)) = self.features.find_fault() {
            let setting = match key {
                "linear.buckets" => "features.buckets",
                "linear.words" => "features.words",
                _ => "features.characters",
            };
            return fail(setting, cause);
        }
        for (setting, value) in [("epochs", self.epochs), ("batch_size", self.batch_size), ("patience", self.patience)]
        {
            if value > MAX {
                return fail(setting, format!("{value} is more than {MAX}"));
            }
        }
        if !self.learning_rate.is_finite() || self.learning_rate <= 0.0 {
            return fail("learning_rate", format!("{} is not above zero", self.learning_rate));
        }
        if self.learning_rate > MAX_LEARNING_RATE {
            return fail("learning_rate", format!("{} is more than {MAX_LEARNING_RATE}", shown(self.learning_rate)));
        }
        self.class_weights.check()?;
        if !(0.0..1.0).contains(&self.label_smoothing) {
            return fail("label_smoothing", format!("{} is not within 0..1", self.label_smoothing));
        }
        for (setting, value) in [("epochs", self.epochs), ("batch_size", self.batch_size)] {
            if value == 0 {
                return fail(setting, "0 is not above zero".into());
            }
        }
        Ok(())
    }
}
