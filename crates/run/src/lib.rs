//! A corpus run: rows in, predictions added, rows out, in the order in which they came.
//!
//! Rows stream, so memory stays flat however large the corpus is. Rows that cannot be used are handed to the output as
//! rejects and counted, and the run goes on. The modules follow the way of a run:
//!
//! - [`run`] reads, labels and hands over, and keeps a [`RunState`];
//! - an [`Output`] takes it: a [`StreamOutput`] for pipes and terminals, or a [`FileOutput`], which can be cut off at any moment;
//! - a journal says how far a file is, and what the run was begun with;
//! - a [`RunManifest`] tells of the run in the end;
//! - a [`Comparison`] says what is different in another run's output.

mod columns;
mod compare;
mod corpus;
mod error;
mod file;
mod inputs;
mod journal;
mod manifest;
mod output;
mod rejects;
mod repeats;
mod state;

pub use columns::{Columns, GROUP, NONE, Scores, UNSURE};
pub use compare::{Answers, ColumnChanges, Comparison, answer_columns};
pub use corpus::{Outcome, ROWS_PER_CHECKPOINT, RunOptions, run};
pub use error::RunError;
pub use file::{Begun, FileOutput, Places, Start, manifest_of, usual_rejects};
pub use inputs::{InputFile, InputRecord};
pub use journal::Beginning;
pub use manifest::{MachineRecord, ModelRecord, RunManifest, Seconds};
pub use output::{Output, StreamOutput};
pub use rejects::MostRejects;
pub use state::{Counts, RunState};
