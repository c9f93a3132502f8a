//! The extension module `newsdesk._newsdesk`: what the Python package needs from the libraries.
//!
//! The package in `python/newsdesk` is the interface for users. This module holds only what has to be in Rust: opened models
//! (`engine`), labelling of Arrow batches (`batches`) and the commands (`commands`). It holds no settings of its own, and
//! releases the interpreter lock (GIL) wherever it computes or waits.

mod batches;
mod commands;
mod engine;
mod errors;
mod predictions;
mod tables;
mod wait;

use newsdesk_data::Article;
use pyo3::prelude::*;

/// Newsdesk's libraries, for the package `newsdesk`.
#[pymodule]
fn _newsdesk(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // Compiles the pattern of blank texts, which all threads share. A fork while another thread does it would block the child.
    let _ = Article { title: None, text: "\u{201c}".into(), target_entity: None }.is_blank();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<engine::Engine>()?;
    module.add_class::<batches::Labeller>()?;
    module.add_class::<batches::LabelledReader>()?;
    module.add_class::<tables::InputReader>()?;
    module.add_class::<tables::RecordBatch>()?;
    module.add_class::<tables::Schema>()?;
    module.add_class::<tables::Table>()?;
    module.add_function(wrap_pyfunction!(tables::article_columns, module)?)?;
    module.add_function(wrap_pyfunction!(tables::record_batch, module)?)?;
    module.add_function(wrap_pyfunction!(commands::main, module)?)?;
    module.add_function(wrap_pyfunction!(commands::run, module)?)?;
    Ok(())
}
