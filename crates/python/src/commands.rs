//! The commands of the command line.

use crate::wait;
use newsdesk_cli::embedded;
use pyo3::prelude::*;
use std::ffi::OsString;

/// Runs the command line, and returns its exit code. The process should end after it.
#[pyfunction]
pub fn main(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| newsdesk_cli::main(arguments))
}

/// Runs a command, and returns its exit code. `on_event` receives its events, as two strings: the kind, which is `message`,
/// `progress` or `result`, and the text or the JSON.
#[pyfunction]
pub fn run(py: Python<'_>, arguments: Vec<OsString>, on_event: &Bound<'_, PyAny>) -> PyResult<u8> {
    wait::run(py, on_event, move |listener| embedded::run(arguments, listener))
}
