//! Hints for errors: turns each library's typed remedy into one sentence in the words of the command line.

pub mod data;
mod eval;
mod model;
mod run;
mod train;

use crate::failure::Usage;
use anyhow::Error;
use newsdesk_data::DataError;
use newsdesk_eval::EvalError;
use newsdesk_model::ModelError;
use newsdesk_run::RunError;
use newsdesk_train::TrainError;

/// Returns the hint for the first error of the chain that has one.
pub fn hint(error: &Error) -> Option<String> {
    error.chain().find_map(|cause| {
        None.or_else(|| cause.downcast_ref::<Usage>().and_then(|e| e.hint.clone()))
            .or_else(|| cause.downcast_ref::<DataError>().and_then(data::hint))
            .or_else(|| cause.downcast_ref::<ModelError>().and_then(model::hint))
            .or_else(|| cause.downcast_ref::<EvalError>().and_then(eval::hint))
            .or_else(|| cause.downcast_ref::<TrainError>().and_then(train::hint))
            .or_else(|| cause.downcast_ref::<RunError>().and_then(run::hint))
    })
}
