//! The commands, one module each: a module turns typed arguments into checked settings and does the work.

pub mod agree;
pub mod bench;
pub mod calibrate;
pub mod classify;
pub mod completions;
pub mod data;
pub mod diff;
pub mod eval;
mod model_folder;
pub mod models;
mod named_models;
mod open;
mod per_model;
mod thresholds;
pub mod train;
pub mod verify;

pub use open::open_classifier;
pub use thresholds::min_scores;

use newsdesk_data::Source;

/// Exit code of a command that was interrupted by SIGINT (Ctrl-C) or SIGTERM.
const INTERRUPTED: u8 = 130;

/// Returns whether a source can be opened twice: a regular file can, a pipe cannot.
fn is_regular_file(source: &Source) -> bool {
    matches!(source, Source::File(path) if path.is_file())
}
