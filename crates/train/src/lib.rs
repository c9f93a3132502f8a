//! Labelled sets and a model to a better model.
//!
//! The modules follow a training run: [`settings`], the heads that the sets teach, examples, what teachers say of them,
//! the order in which an epoch meets them, loss, optimiser, the loop itself, the measuring that picks the best epoch, and the temperatures of
//! the finished model. Every random choice is drawn from the seed, the epoch and the step, so that a run can be repeated
//! and continued.

pub mod settings;
mod heads;
mod examples;
mod epoch;
mod loss;
mod distillation;
mod teacher;
mod schedule;
mod optimizer;
mod checkpoint;
mod run;
mod trainer;
mod measure;
mod compare;
mod part;
mod temperature;
mod decision;
mod calibrate;
mod error;

pub use calibrate::{Calibrated, DecisionThresholds, HeadCalibration, calibrate, check_calibration};
pub use checkpoint::remove_checkpoint;
pub use compare::compare;
pub use error::{Result, TrainError};
pub use measure::{HeadReport, SetReport, check_labelled, measure, measure_from, predict};
pub use settings::{ClassWeights, Distillation, Freeze, Schedule, Settings};
pub use trainer::{Models, Progress, Trained, train};
