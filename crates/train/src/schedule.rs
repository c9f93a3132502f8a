//! The learning rate over a run: a straight rise, then a fall to zero.

use crate::settings::Schedule;

/// Share of the largest learning rate at `step` (from 0) of `steps`, with a rise over the share `warmup` of them.
pub(crate) fn rate(schedule: Schedule, step: usize, steps: usize, warmup: f64) -> f64 {
    let (done, rise) = ((step + 1) as f64, (steps as f64 * warmup).max(1.0));
    // 1 at the end of the rise, and just above 0 at the last step.
    let left = ((steps as f64 - step as f64) / (steps as f64 - rise).max(1.0)).clamp(0.0, 1.0);
    let fall = match schedule {
        Schedule::Linear => left,
        Schedule::Cosine => 0.5 * (1.0 - (std::f64::consts::PI * left).cos()),
    };
    (done / rise).min(fall).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::{Schedule, rate};

    #[test]
    fn rises_then_falls() {
        for schedule in [Schedule::Linear, Schedule::Cosine] {
            let rates: Vec<f64> = (0..100).map(|step| rate(schedule, step, 100, 0.1)).collect();
            assert!((rates[0] - 0.1).abs() < 1e-9 && rates[9] == 1.0 && rates[10] == 1.0);
            assert!(rates[10..].windows(2).all(|w| w[0] > w[1]));
            assert!(rates[99] > 0.0 && rates[99] < 0.02);
        }
    }

    #[test]
    fn the_cosine_stays_high_and_ends_low() {
        let at = |schedule, step| rate(schedule, step, 1000, 0.0);
        assert!((at(Schedule::Cosine, 500) - 0.5).abs() < 0.01 && (at(Schedule::Linear, 500) - 0.5).abs() < 0.01);
        assert!(at(Schedule::Cosine, 200) > at(Schedule::Linear, 200));
        assert!(at(Schedule::Cosine, 800) < at(Schedule::Linear, 800));
    }
}
