//! Finds faults of a labelled data set before it is used for training or evaluation.
//!
//! Rows come in split by split, and a report comes out. Only a hash of each text is kept (24 bytes per row), so a data
//! set may be much larger than the memory.

mod checker;
mod finding;
mod labels;
mod rows;
mod split;
mod texts;

pub use checker::{Check, CheckOptions, CheckReport, SplitRows};
pub use finding::{Example, ExampleRow, Finding, FindingKind, LabelRows, Severity};
