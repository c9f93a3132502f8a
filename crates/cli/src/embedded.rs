//! Commands for a caller in the same process: the Python package.
//!
//! The caller gives the settings that the command line has, and gets results instead of text on the standard streams.

use crate::arguments::{Arguments, Command, ComputeOptions, OpenArguments, Thresholds};
use crate::command_line;
use crate::commands;
use crate::console::with_listener;
pub use crate::console::{Event, Listener};
pub use crate::failure::Failure;
use crate::failure::Usage;
use anyhow::{Error, Result};
use newsdesk_model::folder::Manifest;
use newsdesk_model::{Classifier, HeadActivation};
pub use newsdesk_train::Stop;
use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Which model is opened, and how. The values are those of the options with these names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelSettings {
    /// A folder, a name of the hub, or `default`.
    pub model: PathBuf,
    /// The device.
    pub device: String,
    /// The number of threads; `None` for one per CPU.
    pub threads: Option<u16>,
    /// The dtype.
    pub dtype: String,
    /// The maximum number of windows of an article; `None` for all.
    pub max_windows: Option<u32>,
    /// The activation of all heads; `None` for that of the model.
    pub activation: Option<String>,
    /// Whether a model may be read from a pickle.
    pub allow_pickle: bool,
    /// Whether models of the hub are used from the cache only.
    pub offline: bool,
}

/// Opens a model.
///
/// # Errors
/// If a setting is not valid, or the model or the device cannot be used.
pub fn open(settings: &ModelSettings, listener: Listener) -> Result<Classifier, Failure> {
    let open = || {
        let parsed = |name: &str, text: &str, error: String| {
            Error::from(Usage { message: format!("cannot use {name} `{text}`: {error}"), hint: None })
        };
        let activation = |name: &String| {
            HeadActivation::ALL.into_iter().find(|activation| activation.name() == name).ok_or_else(|| {
                let names = HeadActivation::ALL.map(HeadActivation::name).join(", ");
                Usage::new(format!("cannot use the activation `{name}`: it is unknown"), format!("choose from {names}"))
            })
        };
        let device = settings.device.parse().map_err(|error| parsed("the device", &settings.device, error))?;
        let dtype = settings.dtype.parse().map_err(|error| parsed("the dtype", &settings.dtype, error))?;
        let opening = OpenArguments {
            allow_pickle: settings.allow_pickle,
            activation: settings.activation.as_ref().map(activation).transpose()?,
            offline: settings.offline,
        };
        let compute = ComputeOptions { device, threads: settings.threads };
        // A folder of that name is `./default`.
        let model = Some(settings.model.as_path()).filter(|model| *model != Path::new("default"));
        commands::open_classifier(model, opening, None, &compute, dtype, settings.max_windows)
    };
    with_listener(listener, open).map_err(|error| Failure::from(&error))
}

/// Returns the minimum score of each of the model's heads, from the values of `--min-score` and `--min-precision`.
///
/// # Errors
/// If a value is not valid, or the model is not calibrated for a precision.
pub fn min_scores(
    min_score: Vec<String>,
    min_precision: Vec<String>,
    manifest: &Manifest,
) -> Result<Vec<Option<f32>>, Failure> {
    let given = Thresholds { min_score, min_precision };
    commands::min_scores(&given, manifest).map_err(|error| Failure::from(&error))
}

/// Runs `newsdesk train`, `newsdesk eval` or `newsdesk models`, and returns the exit code. The first argument is the name of
/// the program. The listener gets the result if the arguments have `--json`.
///
/// # Errors
/// If the arguments are not valid, or the command fails.
pub fn run(arguments: Vec<OsString>, listener: Listener) -> Result<u8, Failure> {
    let run = || {
        let arguments: Arguments = match command_line::parse(arguments)? {
            ControlFlow::Continue(arguments) => arguments,
            ControlFlow::Break(code) => return Ok(code),
        };
        match arguments.command {
            Command::Train(options) => commands::train::run(*options),
            Command::Eval(options) => commands::eval::run(options),
            Command::Models(options) => commands::models::run(options),
            _ => Err(Usage::new(
                "cannot run the command: only `train`, `eval` and `models` run here",
                "use the command line",
            )
            .into()),
        }
    };
    with_listener(listener, run).map(|code| code.number()).map_err(|error| Failure::from(&error))
}

/// Returns an error of a library in words.
pub fn failure(error: impl Into<Error>) -> Failure {
    Failure::from(&error.into())
}
