//! Trains models on labelled data sets.
//!
//! [`train`] fine-tunes an encoder with its heads, [`train_linear`] trains a linear model, and [`average`] averages models.
//!
//! The modules follow a run. [`Settings`] and the data give the heads, the training examples, the teachers' soft targets and
//! the order of the rows. Loss, optimizer and the training loop follow, with checkpoints, log and curve. The best epoch is
//! chosen on the validation sets. Every random choice is drawn from the seed, the epoch and the step, so that a run can be
//! repeated and resumed.

mod settings;
mod stop;
mod setting_names;
mod heads;
mod random;
mod augmentation;
mod examples;
mod vocabulary;
mod sampling;
mod class_weights;
mod teacher;
mod distillation;
mod loss;
mod learning_rate;
mod optimizer;
mod initial_weights;
mod graph_gradients;
mod session;
mod fingerprint;
mod plan;
mod files;
mod lock;
mod checkpoint;
mod meter;
mod log;
mod curve;
mod progress;
mod trainer;
mod fine_tune;
mod average;
mod card;
mod linear;
mod warning;
mod error;

pub use augmentation::Augmentation;
pub use average::{average, head_similarities};
pub use card::{Card, CardSet, write_card};
pub use checkpoint::{has_checkpoint, remove_checkpoint};
pub use curve::CURVE;
pub use error::{Remedy, Result, TrainError};
pub use fine_tune::{RunFolder, Trained, train};
pub use heads::merge_heads;
pub use initial_weights::reuses_head;
pub use linear::{
    Dimension, LinearSettings, LinearTrained, Search, Try, Tuned, linear_differences, train_linear, tune_linear,
};
pub use log::{
    EndRecord, EpochRecord, LOG, Log, Record, STEPS_PER_LINE, SetRows, StartRecord, StepRecord, Temperature, holds_log,
    read_log,
};
pub use plan::{Models, start_record};
pub use progress::Progress;
pub use settings::{ClassWeights, Distillation, Freeze, LrScheduler, Quantise, Settings};
pub use stop::Stop;
pub use teacher::TeacherScores;
pub use warning::{Warning, data_warnings, result_warnings, setting_warnings, untrained_label};
