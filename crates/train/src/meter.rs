//! What a run measures of itself while it goes: the loss and the speed since the last line of the log, the time that it
//! took, and the time that it will still take.

use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// A forward pass costs about a third of a training step on the same articles.
const VALIDATION_SHARE: f64 = 1.0 / 3.0;

/// What a checkpoint keeps of a meter, so that a run that goes on writes the same lines as one that never stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// Seconds that the run took so far.
    seconds: f64,
    /// Sum of the losses of the steps since the last line.
    loss: f64,
    /// Number of these steps.
    steps: usize,
}

pub(crate) struct Meter {
    begun: Instant,
    /// When the step, or the validation, under way began.
    mark: Instant,
    /// As of `begun`.
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
    /// Goes on where a run was, or begins one.
    pub(crate) fn new(measured: Measured) -> Self {
        let now = Instant::now();
        Self {
            begun: now,
            mark: now,
            before: measured.seconds,
            loss: measured.loss,
            loss_steps: measured.steps,
            line_time: Duration::ZERO,
            line_tokens: 0,
            training: Duration::ZERO,
            steps: 0,
            validating: Duration::ZERO,
            validations: 0,
        }
    }

    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        let lap = now - self.mark;
        self.mark = now;
        lap
    }

    /// The next step begins now: what came before it was neither step nor validation.
    pub(crate) fn next_step(&mut self) {
        self.mark = Instant::now();
    }

    /// A step is done, on so many tokens.
    pub(crate) fn step(&mut self, loss: f32, tokens: usize) {
        let took = self.lap();
        self.loss += f64::from(loss);
        self.loss_steps += 1;
        self.line_time += took;
        self.line_tokens += tokens;
        self.training += took;
        self.steps += 1;
    }

    /// A validation is done.
    pub(crate) fn validation(&mut self) {
        let took = self.lap();
        self.validating += took;
        self.validations += 1;
    }

    /// A line is written: what comes after it is counted anew.
    pub(crate) fn next_line(&mut self) {
        (self.loss, self.loss_steps, self.line_time, self.line_tokens) = (0.0, 0, Duration::ZERO, 0);
    }

    /// Mean loss of the steps since the last line.
    pub(crate) fn loss(&self) -> f64 {
        self.loss / self.loss_steps.max(1) as f64
    }

    /// Whole tokens per second since the last line, as far as this process has seen them.
    pub(crate) fn tokens_per_second(&self) -> f64 {
        (self.line_tokens as f64 / self.line_time.as_secs_f64().max(1e-9)).round()
    }

    /// Seconds that the run took, without its interruptions, to the millisecond.
    pub(crate) fn elapsed(&self) -> f64 {
        ((self.before + self.begun.elapsed().as_secs_f64()) * 1e3).round() / 1e3
    }

    /// An estimate for so many steps and validations, by those that this process did. Before the first validation, by the
    /// steps that its articles would fill.
    pub(crate) fn time_left(&self, steps: usize, validations: usize, steps_of_validation: f64) -> Duration {
        let step = self.training.as_secs_f64() / self.steps.max(1) as f64;
        let validation = match self.validations {
            0 => step * steps_of_validation * VALIDATION_SHARE,
            done => self.validating.as_secs_f64() / done as f64,
        };
        Duration::from_secs_f64(step * steps as f64 + validation * validations as f64)
    }

    /// What a checkpoint keeps.
    pub(crate) fn measured(&self) -> Measured {
        Measured { seconds: self.elapsed(), loss: self.loss, steps: self.loss_steps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_goes_on_where_it_was() {
        let mut whole = Meter::new(Measured::default());
        [3.0, 1.0].into_iter().for_each(|loss| whole.step(loss, 10));
        let mut rest = Meter::new(whole.measured());
        whole.step(8.0, 10);
        rest.step(8.0, 10);
        assert_eq!([whole.loss(), rest.loss()], [4.0, 4.0]);
        assert!(rest.elapsed() >= whole.before);
        whole.next_line();
        whole.step(0.5, 10);
        assert_eq!(whole.loss(), 0.5);
    }

    #[test]
    fn time_left_counts_steps_and_validations() {
        let mut meter = Meter::new(Measured::default());
        assert_eq!(meter.time_left(10, 1, 5.0), Duration::ZERO);
        (meter.training, meter.steps) = (Duration::from_secs(20), 10);
        assert_eq!(meter.time_left(5, 0, 6.0), Duration::from_secs(10));
        // Two seconds a step, six steps, a third of it.
        assert_eq!(meter.time_left(5, 2, 6.0), Duration::from_secs(18));
        (meter.validating, meter.validations) = (Duration::from_secs(3), 1);
        assert_eq!(meter.time_left(5, 2, 6.0), Duration::from_secs(16));
    }
}
