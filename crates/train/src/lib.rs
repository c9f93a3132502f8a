//! Labelled sets and a model to a better model.
//!
//! The modules follow a training run: [`settings`], the heads that the sets teach, examples, what teachers say of them, the
//! order in which an epoch meets them, loss, optimiser, the loop itself with its checkpoints, log and curve, the measuring
//! that picks the best epoch, and the temperatures and the card of the finished model. Every random choice is drawn from
//! the seed, the epoch and the step, so that a run can be repeated and continued.

pub mod settings;
mod heads;
mod examples;
mod epoch;
mod loss;
mod distillation;
mod teacher;
mod schedule;
mod optimizer;
mod fingerprint;
mod lock;
mod checkpoint;
mod meter;
mod log;
mod curve;
mod progress;
mod run;
mod trainer;
mod average;
mod card;
mod linear;
mod error;

pub use average::average;
pub use card::{Card, Source, write_card};
pub use checkpoint::{has_checkpoint, remove_checkpoint};
pub use curve::CURVE;
pub use error::{Result, TrainError};
pub use heads::union;
pub use linear::{LinearSettings, LinearTrained, train_linear};
pub use log::{
    EndRecord, EpochRecord, LOG, Log, Record, STEPS_PER_LINE, SetRows, StartRecord, StepRecord, Temperature, holds_log,
    read_log,
};
pub use progress::Progress;
pub use run::keeps_head;
pub use settings::{ClassWeights, Distillation, Freeze, Schedule, Settings};
pub use trainer::{Models, Trained, start_record, train};
