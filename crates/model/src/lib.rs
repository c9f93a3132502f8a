//! Text to predictions: tokens, windows, batches, encoder, heads, decision. The modules are listed in this order.
//!
//! [`Classifier`] runs the whole pipeline in one call. A [`LinearModel`] goes from features of the text straight to the
//! heads, without an encoder. The parts are public for training and for tests.

pub mod tokenize;
pub mod window;
pub mod batch;
pub mod checkpoint;
pub mod architecture;
pub mod encoder;
pub mod network;
pub mod head;
pub mod linear;
mod decide;
mod dtype;
mod certificate;
mod calibration;
mod classifier;
mod device;
mod error;
pub mod folder;
pub mod workers;

pub use calibration::{CalibrationRecord, ThresholdRecord};
pub use certificate::{Certificate, CertificateFigure, Refusal};
pub use classifier::{Classifier, Options, StreamInput, StreamOutput, TextLogits, Times, ZeroShot, available_cpus};
pub use decide::{Combine, HeadPrediction, Prediction, ScoredLabel};
pub use device::{Device, DeviceChoice, device_name};
pub use dtype::{Dtype, DtypeChoice};
pub use error::{ArticleName, ModelError, Remedy, Result};
pub use folder::{AnyModel, Model, OpenOptions};
pub use head::{Head, HeadActivation, HeadLabel, Logits};
pub use linear::LinearModel;
pub use newsdesk_kernels::instructions::InstructionSet;
