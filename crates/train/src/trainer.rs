//! The training loop: an epoch of steps, its validation, and its checkpoints.

use crate::augmentation::choose_forms;
use crate::checkpoint::{self, State};
use crate::curve::draw;
use crate::error::{Result, TrainError};
use crate::examples::Example;
use crate::learning_rate::schedule;
use crate::log::{EpochRecord, Log, Record, STEPS_PER_LINE, StepRecord};
use crate::meter::Meter;
use crate::progress::Progress;
use crate::sampling::{SetSample, epoch_steps};
use crate::session::Session;
use crate::settings::Settings;
use crate::stop::Stop;
use newsdesk_data::LabelledSet;
use newsdesk_eval::summaries;
use newsdesk_model::checkpoint::Weights;
use std::collections::BTreeSet;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};

/// A run in progress.
pub(crate) struct Trainer<'a> {
    pub(crate) session: Session<'a>,
    pub(crate) state: State,
    /// The weights of the best epoch so far.
    pub(crate) best: Option<Weights>,
    pub(crate) log: Log,
    pub(crate) meter: Meter,
    pub(crate) settings: &'a Settings,
    pub(crate) samples: &'a [SetSample],
    pub(crate) steps_per_epoch: usize,
    /// By training set.
    pub(crate) examples: Vec<Vec<Example>>,
    pub(crate) validation: &'a [LabelledSet],
    /// Articles of all validation sets.
    pub(crate) articles: usize,
    pub(crate) folder: &'a Path,
    pub(crate) checkpoint: PathBuf,
    pub(crate) stop: &'a Stop,
    pub(crate) progress: &'a mut dyn FnMut(Progress),
}

impl Trainer<'_> {
    /// Returns whether early stopping applies: no improvement for `patience` epochs.
    pub(crate) fn stops(&self) -> bool {
        let State { epochs_done, best_epoch, .. } = self.state;
        let Settings { patience, epochs, .. } = *self.settings;
        patience > 0 && epochs_done < epochs && epochs_done >= best_epoch + patience
    }

    /// Returns the rows that these epochs use, as (data set, row).
    pub(crate) fn used_rows(&self, epochs: Range<usize>) -> BTreeSet<(usize, usize)> {
        let Settings { batch_size, seed, .. } = *self.settings;
        let rows: usize = self.examples.iter().map(Vec::len).sum();
        let mut used = BTreeSet::new();
        for epoch in epochs {
            // Once all rows are used, no epoch adds one.
            if used.len() == rows {
                break;
            }
            used.extend(epoch_steps(self.samples, batch_size, seed, epoch, |_, _| 1).into_iter().flatten());
        }
        used
    }

    /// Trains, validates and saves one epoch (from 0). A resumed epoch continues after its last saved step.
    ///
    /// # Errors
    /// If training fails, and [`TrainError::Interrupted`] if the run is stopped. The checkpoint then has every step so far.
    pub(crate) fn run_epoch(&mut self, epoch: usize) -> Result<()> {
        let Settings { batch_size, seed, save_steps, augmentation, .. } = *self.settings;
        for (set, examples) in self.examples.iter_mut().enumerate() {
            let examples = examples.iter_mut().map(|example| (&example.forms, &mut example.tokens));
            choose_forms(examples, augmentation, seed, set, epoch);
        }
        let length = |set: usize, row: usize| self.examples[set][row].tokens.len();
        let steps = epoch_steps(self.samples, batch_size, seed, epoch, length);
        for (index, rows) in steps.iter().enumerate().skip(self.state.steps_of_epoch) {
            self.take_step(epoch, index, rows, steps.len())?;
            let done = index + 1;
            let is_stopped = self.stop.is_requested();
            if is_stopped || save_steps > 0 && done % save_steps == 0 && done < steps.len() {
                self.save(epoch, done)?;
            }
            if is_stopped {
                return Err(TrainError::Interrupted);
            }
        }
        self.finish_epoch(epoch, steps.len())
    }

    /// Takes one step on these rows, given as (data set, row), and reports it.
    fn take_step(&mut self, epoch: usize, index: usize, rows: &[(usize, usize)], steps: usize) -> Result<()> {
        let settings = self.settings;
        let batch: Vec<&Example> = rows.iter().map(|&(set, row)| &self.examples[set][row]).collect();
        let all_steps = self.steps_per_epoch * settings.epochs;
        let step_of_run = epoch * self.steps_per_epoch + index;
        let share = schedule(settings.lr_scheduler, step_of_run, all_steps, settings.warmup_ratio);
        let rate = settings.learning_rate * share;
        let (loss, gradient_norm) = self.session.step(&batch, epoch, index, rate)?;
        let (epoch_number, step) = (epoch + 1, index + 1);
        if let Some((what, value)) = diverged(loss, gradient_norm) {
            return Err(TrainError::Diverged { what: what.into(), value, step, epoch: epoch_number });
        }
        self.meter.count_step(loss, batch.iter().map(|example| example.tokens.len()).sum());
        let record = StepRecord {
            epoch: epoch_number,
            step,
            loss: self.meter.loss(),
            rate,
            tokens_per_second: self.meter.tokens_per_second(),
            elapsed: self.meter.elapsed(),
        };
        // The calibration at the end takes about as long as one validation.
        let validations = settings.epochs - epoch + 1;
        let steps_of_validation = self.articles as f64 / settings.batch_size as f64;
        let time_left = self.meter.time_left(all_steps - step_of_run - 1, validations, steps_of_validation);
        let logged = step % STEPS_PER_LINE == 0 || step == steps;
        (self.progress)(Progress::Step { record: &record, steps, time_left, logged });
        if logged {
            self.meter.start_line();
            self.log.write(Record::Step(record))?;
        }
        Ok(())
    }

    /// Validates an epoch after its last step, and saves it.
    fn finish_epoch(&mut self, epoch: usize, steps: usize) -> Result<()> {
        let snapshot = self.session.variables.snapshot()?;
        check_finite(&snapshot, epoch, steps)?;
        let (epoch_number, articles) = (epoch + 1, self.articles);
        let (progress, stop) = (&mut *self.progress, self.stop);
        let mut validating = |done| {
            progress(Progress::Validating { epoch: epoch_number, done, articles });
            if stop.is_requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let Some((reports, score)) = self.session.validate(&snapshot, self.validation, &mut validating)? else {
            // A resumed run continues with the validation.
            self.save(epoch, steps)?;
            return Err(TrainError::Interrupted);
        };
        self.meter.count_validation();
        let best = score > self.state.best_score;
        if best {
            (self.state.best_epoch, self.state.best_score) = (epoch_number, score);
        }
        let (elapsed, sets) = (self.meter.elapsed(), summaries(&reports));
        self.log.write(Record::Epoch(EpochRecord { epoch: epoch_number, score, best, elapsed, sets }))?;
        (self.state.epochs_done, self.state.steps_of_epoch) = (epoch_number, 0);
        self.write_checkpoint(&snapshot)?;
        if best {
            self.best = Some(snapshot);
        }
        (self.progress)(Progress::Epoch { epoch: epoch_number, reports: &reports, score, best });
        draw(&self.log, self.folder)
    }

    /// Writes a checkpoint within an epoch, after this number of steps.
    fn save(&mut self, epoch: usize, step: usize) -> Result<()> {
        self.state.steps_of_epoch = step;
        let snapshot = self.session.variables.snapshot()?;
        check_finite(&snapshot, epoch, step)?;
        self.write_checkpoint(&snapshot)
    }

    fn write_checkpoint(&mut self, variables: &Weights) -> Result<()> {
        let optimizer = &self.session.optimizer;
        self.state.steps = optimizer.count();
        self.state.meter = self.meter.state();
        checkpoint::write(&self.checkpoint, &mut self.state, variables, &optimizer.moments()?)
    }
}

/// Returns the value of a step that is not finite, and what it is; `None` if loss and gradient are finite.
fn diverged(loss: f32, gradient_norm: f32) -> Option<(&'static str, f32)> {
    // A loss that is not finite makes the gradient so as well. The loss is then the cause.
    [("loss", loss), ("gradient norm", gradient_norm)].into_iter().find(|(_, value)| !value.is_finite())
}

/// Checks that all weights are finite before they are saved: a step can spoil them although its loss was finite.
fn check_finite(weights: &Weights, epoch: usize, step: usize) -> Result<()> {
    for tensor in weights.tensors() {
        let (name, tensor) = tensor?;
        let value = tensor.sum_all()?.to_scalar::<f32>()?;
        if !value.is_finite() {
            let what = format!("sum of the tensor `{name}`");
            return Err(TrainError::Diverged { what, value, step, epoch: epoch + 1 });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gradient_that_is_not_finite_is_not_reported_as_the_loss() {
        assert_eq!(diverged(0.5, 2.0), None);
        assert_eq!(diverged(0.5, f32::INFINITY), Some(("gradient norm", f32::INFINITY)));
        assert_eq!(diverged(f32::INFINITY, f32::INFINITY), Some(("loss", f32::INFINITY)));
        assert_eq!(diverged(f32::INFINITY, f32::NAN), Some(("loss", f32::INFINITY)));
    }
}
