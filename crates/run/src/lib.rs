//! Corpus runs: labels the rows of a corpus and writes them, in their order, with the predictions as added columns.
//!
//! Rows are streamed, so memory use does not grow with the size of the corpus. Rows that cannot be used are written as
//! rejects and counted, and the run continues. The modules follow the flow of a run:
//!
//! ```text
//! sources --reader--> rows --Classifier--> predictions --columns--> added columns --Output--> files or a stream
//!                       |                                                            |
//!                   duplicates                                              journal, manifest
//! ```
//!
//! - [`run_corpus`] reads, labels and writes, and keeps a [`RunState`] up to date.
//! - An [`Output`] takes the results. [`StreamOutput`] is for pipes and terminals. [`FileOutput`] is for files and can be
//!   interrupted at any time.
//! - A journal records what a file run was started with ([`RunStart`]) and its checkpoints.
//! - A [`RunManifest`] describes a finished run.
//! - A [`BatchLabeller`] labels Arrow record batches, without files: for callers that hold them in memory.
//! - A [`Comparison`] counts the predictions that differ between two outputs.

mod batches;
mod column_choice;
mod column_names;
mod columns;
mod compare;
mod corpus;
mod duplicates;
mod error;
mod faults;
mod file_hash;
mod file_output;
mod inputs;
mod intact;
mod journal;
mod manifest;
mod naming;
mod output;
mod paths;
mod reader;
mod reject_limit;
mod start;
mod state;
mod stream_output;

#[cfg(test)]
mod tests;

pub use batches::{BatchLabeller, BatchOptions, BatchStream, LabelledBatch, Unusable};
pub use column_names::{ColumnNames, ColumnNotes, RenamedColumns};
pub use columns::{PredictionColumns, Scores, UNSURE, rounded_score};
pub use compare::{ColumnChanges, ComparedColumn, Comparison, RowPredictions, matching_columns, prediction_columns};
pub use corpus::{ROWS_PER_CHECKPOINT, RunOutcome, run_corpus};
pub use error::{Remedy, RunError};
pub use file_hash::OutputRecord;
pub use file_output::{FileOutput, FileOutputOptions, OnInterrupted, OpenOutcome, OpenedOutput};
pub use inputs::{InputFile, InputRecord};
pub use manifest::{MachineRecord, ModelRecord, RunManifest, Seconds};
pub use output::Output;
pub use paths::{OutputPaths, default_rejects_path, journal_path, manifest_path};
pub use reader::{Done, RunOptions};
pub use reject_limit::RejectLimit;
pub use start::{RunChange, RunStart};
pub use state::{Counts, CrossCounts, OTHER_CAUSES, RunState};
pub use stream_output::StreamOutput;
