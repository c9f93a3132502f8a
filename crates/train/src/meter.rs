//! Measures loss and speed since the last line of the log, the time of the run so far, and the time that is left.

use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// The cost of a forward pass relative to a training step on the same articles.
const FORWARD_SHARE: f64 = 1.0 / 3.0;

/// The part of a meter that a checkpoint stores, so that a resumed run writes the same lines as an uninterrupted one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct MeterState {
    /// Seconds of the run so far, without interruptions.
    seconds: f64,
    /// Sum of the losses of the steps since the last line.
    loss: f64,
    /// Number of these steps.
    steps: usize,
}

/// Measures a run.
pub(crate) struct Meter {
    started: Instant,
    /// The start of the current step or validation.
    lap_start: Instant,
    /// Seconds of the run before `started`.
    before: f64,
    loss: f64,
    loss_steps: usize,
    line_time: Duration,
    line_tokens: usize,
    training: Duration,
    steps: usize,
    validating: Duration,
    validations: usize,
}

impl Meter {
    /// Starts with the state of a checkpoint, or with the default for a new run.
    pub(crate) fn new(state: MeterState) -> Self {
        let now = Instant::now();
        Self {
            started: now,
            lap_start: now,
            before: state.seconds,
            loss: state.loss,
            loss_steps: state.steps,
            line_time: Duration::ZERO,
            line_tokens: 0,
            training: Duration::ZERO,
            steps: 0,
            validating: Duration::ZERO,
            validations: 0,
        }
    }

    /// Ends the current lap and returns its duration.
    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        let lap = now - self.lap_start;
        self.lap_start = now;
        lap
    }

    /// Starts a lap without counting the time before it.
    pub(crate) fn skip(&mut self) {
        self.lap_start = Instant::now();
    }

    /// Counts a step with its loss and number of tokens.
    pub(crate) fn count_step(&mut self, loss: f32, tokens: usize) {
        let took = self.lap();
        self.loss += f64::from(loss);
        self.loss_steps += 1;
        self.line_time += took;
        self.line_tokens += tokens;
        self.training += took;
        self.steps += 1;
    }

    /// Counts a validation.
    pub(crate) fn count_validation(&mut self) {
        let took = self.lap();
        self.validating += took;
        self.validations += 1;
    }

    /// Resets loss and speed after a line of the log.
    pub(crate) fn start_line(&mut self) {
        (self.loss, self.loss_steps, self.line_time, self.line_tokens) = (0.0, 0, Duration::ZERO, 0);
    }

    /// Returns the mean loss of the steps since the last line.
    pub(crate) fn loss(&self) -> f64 {
        self.loss / self.loss_steps.max(1) as f64
    }

    /// Returns the tokens per second since the last line, in this process.
    pub(crate) fn tokens_per_second(&self) -> f64 {
        (self.line_tokens as f64 / self.line_time.as_secs_f64().max(1e-9)).round()
    }

    /// Returns the seconds of the run so far, without interruptions, rounded to milliseconds.
    pub(crate) fn elapsed(&self) -> f64 {
        ((self.before + self.started.elapsed().as_secs_f64()) * 1e3).round() / 1e3
    }

    /// Estimates the time of the given numbers of steps and validations from those of this process. Before the first
    /// validation, its time is estimated from `steps_of_validation`, the number of steps that its articles would fill.
    pub(crate) fn time_left(&self, steps: usize, validations: usize, steps_of_validation: f64) -> Duration {
        let step = self.training.as_secs_f64() / self.steps.max(1) as f64;
        let validation = match self.validations {
            0 => step * steps_of_validation * FORWARD_SHARE,
            done => self.validating.as_secs_f64() / done as f64,
        };
        Duration::from_secs_f64(step * steps as f64 + validation * validations as f64)
    }

    /// Returns what a checkpoint stores.
    pub(crate) fn state(&self) -> MeterState {
        MeterState { seconds: self.elapsed(), loss: self.loss, steps: self.loss_steps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resumed_meter_continues_the_line() {
        let mut whole = Meter::new(MeterState::default());
        [3.0, 1.0].into_iter().for_each(|loss| whole.count_step(loss, 10));
        let mut rest = Meter::new(whole.state());
        whole.count_step(8.0, 10);
        rest.count_step(8.0, 10);
        assert_eq!([whole.loss(), rest.loss()], [4.0, 4.0]);
        assert!(rest.elapsed() >= whole.before);
        whole.start_line();
        whole.count_step(0.5, 10);
        assert_eq!(whole.loss(), 0.5);
    }

    #[test]
    fn the_time_left_covers_steps_and_validations() {
        let mut meter = Meter::new(MeterState::default());
        assert_eq!(meter.time_left(10, 1, 5.0), Duration::ZERO);
        (meter.training, meter.steps) = (Duration::from_secs(20), 10);
        assert_eq!(meter.time_left(5, 0, 6.0), Duration::from_secs(10));
        // Two seconds per step, six steps per validation, a third of their time.
        assert_eq!(meter.time_left(5, 2, 6.0), Duration::from_secs(18));
        (meter.validating, meter.validations) = (Duration::from_secs(3), 1);
        assert_eq!(meter.time_left(5, 2, 6.0), Duration::from_secs(16));
    }
}
