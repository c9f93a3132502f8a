//! Trains linear models, in seconds.
//!
//! [`features`] computes the features of all articles once. [`fit`] trains a head on them, epoch by epoch. In [`run`], each epoch is
//! evaluated on the validation sets, and the best one kept. The same seed gives bit-identical weights for any number of
//! threads. [`tune`] searches for settings.

mod features;
mod fit;
mod run;
mod settings;
mod space;
mod tune;

use crate::error::Result;
use crate::progress::Progress;
use newsdesk_data::LabelledSet;
use run::Trainer;
pub use run::{LinearTrained, linear_differences};
pub use settings::LinearSettings;
pub use space::Dimension;
pub use tune::{Search, Try, Tuned, tune_linear};

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
    settings.check()?;
    let trained = Trainer::new(training, validation)?.train(settings, &mut || true, progress)?;
    // It always goes on.
    trained.ok_or(crate::error::TrainError::Interrupted)
}
