//! Text to probabilities: tokens, windows, batches, encoder, heads, decision; the modules stand in that order.
//!
//! [`Classifier`] is the whole way in one call. `linear` is a shorter way, from features of the text to the heads, without an encoder. The parts are public for training and for tests.

pub mod tokenize;
pub mod window;
pub mod batch;
pub mod encoder;
pub mod network;
pub mod head;
pub mod linear;
mod decide;
mod dtype;
mod calibration;
mod classifier;
mod device;
mod error;
pub mod folder;
pub mod workers;

pub use calibration::{CalibrationRecord, ThresholdRecord};
pub use classifier::{Answer, Classifier, Intake, Options, TextLogits, Times, processors};
pub use decide::{Combine, HeadPrediction, Prediction, ScoredLabel};
pub use device::{Device, DeviceChoice, device_name};
pub use dtype::{Certificate, CertificateFigure, Dtype, DtypeChoice};
pub use error::{ModelError, Result};
pub use folder::{AnyModel, Model};
pub use head::{Head, HeadActivation, HeadLabel};
pub use linear::LinearModel;
pub use newsdesk_kernels::instructions::InstructionSet;
