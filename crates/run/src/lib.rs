//! A corpus run: rows in, predictions added, rows out, in the order in which they came.
//!
//! Rows are handled a chunk at a time, so memory stays flat however large the corpus is. Rows that cannot be used are
//! handed to the caller and counted, and the run goes on.

mod columns;
mod corpus;

pub use columns::{Columns, Scores, UNSURE};
pub use corpus::{Counts, Output, RunError, run};
