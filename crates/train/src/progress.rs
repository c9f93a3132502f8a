//! What a run tells while it goes.

use crate::log::StepRecord;
use newsdesk_eval::SetReport;
use std::time::Duration;

/// What a run tells while it goes.
pub enum Progress<'a> {
    /// Teachers read the articles, before the first step.
    Teaching {
        /// Articles that are read, those of each teacher counted for itself.
        done: usize,
        /// Articles that are to be read.
        articles: usize,
    },
    /// A step is done.
    Step {
        /// Its figures.
        figures: &'a StepRecord,
        /// Steps of the epoch.
        steps: usize,
        /// An estimate for all that is left of the run: steps, validations and the calibration at the end.
        time_left: Duration,
        /// Whether the log has a line for it.
        logged: bool,
    },
    /// An epoch is being measured.
    Validating {
        /// Epoch, from 1.
        epoch: usize,
        /// Articles that are done, of all validation sets.
        done: usize,
        /// How many there are.
        articles: usize,
    },
    /// An epoch is done and measured.
    Epoch {
        /// Epoch, from 1.
        epoch: usize,
        /// What it reached on each validation set.
        reports: &'a [SetReport],
        /// The one number by which epochs are compared.
        score: f64,
        /// Whether it is the best so far.
        best: bool,
    },
    /// The run goes on from a checkpoint.
    Resumed {
        /// Epochs that are done.
        epochs: usize,
        /// Steps that are done of the next one.
        steps: usize,
    },
    /// The run ends, since no epoch was better for as long as it was to wait.
    Stopped {
        /// The best epoch, from 1.
        best_epoch: usize,
    },
}
