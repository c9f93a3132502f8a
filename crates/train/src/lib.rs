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
mod figures;
mod curve;
mod progress;
mod run;
mod trainer;
mod measure;
mod cases;
mod compare;
mod part;
mod temperature;
mod decision;
mod calibrate;
mod spread;
mod average;
mod card;
mod linear;
mod error;

pub use average::average;
pub use calibrate::{Calibrated, DecisionThresholds, HeadCalibration, calibrate, check_calibration};
pub use card::{Card, Source, write_card};
pub use cases::{HeadCases, head_cases};
pub use checkpoint::{has_checkpoint, remove_checkpoint};
pub use compare::compare;
pub use curve::CURVE;
pub use error::{Result, TrainError};
pub use figures::{HeadFigures, SetFigures, figures};
pub use heads::union;
pub use linear::{LinearSettings, LinearTrained, train_linear};
pub use log::{
    EndRecord, EpochRecord, LOG, Log, Record, STEPS_PER_LINE, SetRows, StartRecord, StepRecord, Temperature, holds_log,
    read_log,
};
pub use measure::{HeadReport, SetReport, Slice, check_labelled, measure, measure_from, predict, report_of};
pub use progress::Progress;
pub use run::keeps_head;
pub use settings::{ClassWeights, Distillation, Freeze, Schedule, Settings};
pub use spread::{HeadSpread, Spread, spread};
pub use trainer::{Models, Trained, start_record, train};
