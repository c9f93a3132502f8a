//! What a run reports while it runs.

use crate::log::StepRecord;
use newsdesk_eval::SetReport;
use std::time::Duration;

/// What a run reports while it runs.
pub enum Progress<'a> {
    /// Teachers are reading the articles, before the first step.
    SoftTargets {
        /// Articles done so far, counted once per teacher.
        done: usize,
        /// All articles, counted once per teacher.
        articles: usize,
    },
    /// A step is done.
    Step {
        /// Its loss, learning rate and speed.
        record: &'a StepRecord,
        /// Steps of the epoch.
        steps: usize,
        /// Estimated time for the rest of the run: steps, validations and the calibration at the end.
        time_left: Duration,
        /// Whether the log has a line for it.
        logged: bool,
    },
    /// An epoch is being validated.
    Validating {
        /// Epoch, from 1.
        epoch: usize,
        /// Articles done so far, of all validation sets.
        done: usize,
        /// All articles of the validation sets.
        articles: usize,
    },
    /// An epoch is done and validated.
    Epoch {
        /// Epoch, from 1.
        epoch: usize,
        /// Metrics on each validation set.
        reports: &'a [SetReport],
        /// The score by which epochs are compared.
        score: f64,
        /// Whether it is the best so far.
        best: bool,
    },
    /// The run was resumed from a checkpoint.
    Resumed {
        /// Complete epochs.
        epochs: usize,
        /// Complete steps of the next epoch.
        steps: usize,
    },
    /// The run ends early, because no epoch was better for as many epochs as its patience.
    StoppedEarly {
        /// The best epoch, from 1.
        best_epoch: usize,
    },
}
