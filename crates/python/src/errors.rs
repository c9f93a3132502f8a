//! Errors as Python exceptions.

use newsdesk_cli::embedded::{Failure, failure};
use newsdesk_run::RunError;
use pyo3::prelude::*;

/// Returns the exception `newsdesk.NewsdeskError` with the message and the hint of a failure.
pub fn exception(py: Python<'_>, failure: Failure) -> PyErr {
    let class = py.import("newsdesk._errors").and_then(|module| module.getattr("NewsdeskError"));
    match class.and_then(|class| class.call1((failure.message, failure.hint))) {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

/// Returns the exception for an error of a run.
pub fn of_run(py: Python<'_>, error: RunError) -> PyErr {
    exception(py, failure(error))
}

/// Returns the exception for a setting that cannot be used.
pub fn of_setting(py: Python<'_>, message: String, hint: &str) -> PyErr {
    exception(py, Failure { message, hint: Some(hint.to_owned()) })
}
