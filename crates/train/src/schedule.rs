//! The learning rate over a run: a straight rise, then a straight fall to zero.

/// Share of the largest learning rate at `step` (from 0) of `steps`, with a rise over the share `warmup` of them.
pub(crate) fn linear(step: usize, steps: usize, warmup: f64) -> f64 {
    let (done, rise) = ((step + 1) as f64, (steps as f64 * warmup).max(1.0));
    let fall = (steps as f64 - step as f64) / (steps as f64 - rise).max(1.0);
    (done / rise).min(fall).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::linear;

    #[test]
    fn rises_then_falls() {
        let rates: Vec<f64> = (0..100).map(|step| linear(step, 100, 0.1)).collect();
        assert!((rates[0] - 0.1).abs() < 1e-9 && rates[9] == 1.0 && rates[10] == 1.0);
        assert!(rates[10..].windows(2).all(|w| w[0] > w[1]));
        assert!(rates[99] > 0.0 && rates[99] < 0.02);
    }
}
