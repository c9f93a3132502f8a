//! The learning rate: its schedule over a run, and its factor for each variable.

use crate::settings::{Freeze, LrScheduler, Settings};

/// Returns the share of the largest learning rate at `step` (from 0) of `steps`. It rises linearly over the share
/// `warmup_ratio` of all steps, then falls to zero.
pub(crate) fn schedule(scheduler: LrScheduler, step: usize, steps: usize, warmup_ratio: f64) -> f64 {
    let (done, warmup) = ((step + 1) as f64, (steps as f64 * warmup_ratio).max(1.0));
    // 1 at the end of the warm-up, and just above 0 at the last step.
    let left = ((steps as f64 - step as f64) / (steps as f64 - warmup).max(1.0)).clamp(0.0, 1.0);
    let fall = match scheduler {
        LrScheduler::Linear => left,
        LrScheduler::Cosine => 0.5 * (1.0 - (std::f64::consts::PI * left).cos()),
    };
    (done / warmup).min(fall).clamp(0.0, 1.0)
}

/// Returns the factor of the learning rate for a variable, by its name; zero if it is frozen. `layers` is the number of layers
/// of the encoder.
pub(crate) fn variable_factor(name: &str, layers: usize, settings: &Settings) -> f64 {
    let Settings { freeze, layer_lr_decay, head_lr_multiplier, .. } = *settings;
    factor(name, layers, freeze, layer_lr_decay, head_lr_multiplier)
}

fn factor(name: &str, layers: usize, freeze: Freeze, layer_lr_decay: f64, head_lr_multiplier: f64) -> f64 {
    if name.starts_with("heads.") {
        return head_lr_multiplier;
    }
    // The embeddings are level 0, the layers follow, then whatever is above them.
    let level = match name.split_once("encoder.layer.") {
        Some((_, rest)) => rest.split('.').next().and_then(|number| number.parse::<usize>().ok()).map_or(0, |n| n + 1),
        None if name.contains("embeddings.") || name.contains("relative_attention_bias") => 0,
        // The norm after the last layer.
        None if name.starts_with("encoder.") => layers,
        None => layers + 1,
    };
    if level < freeze.levels(layers) { 0.0 } else { layer_lr_decay.powi((layers + 1).saturating_sub(level) as i32) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_then_falls() {
        for scheduler in [LrScheduler::Linear, LrScheduler::Cosine] {
            let rates: Vec<f64> = (0..100).map(|step| schedule(scheduler, step, 100, 0.1)).collect();
            assert!((rates[0] - 0.1).abs() < 1e-9 && rates[9] == 1.0 && rates[10] == 1.0);
            assert!(rates[10..].windows(2).all(|w| w[0] > w[1]));
            assert!(rates[99] > 0.0 && rates[99] < 0.02);
        }
    }

    #[test]
    fn the_cosine_is_above_the_line_first_and_below_it_later() {
        let at = |scheduler, step| schedule(scheduler, step, 1000, 0.0);
        assert!((at(LrScheduler::Cosine, 500) - 0.5).abs() < 0.01 && (at(LrScheduler::Linear, 500) - 0.5).abs() < 0.01);
        assert!(at(LrScheduler::Cosine, 200) > at(LrScheduler::Linear, 200));
        assert!(at(LrScheduler::Cosine, 800) < at(LrScheduler::Linear, 800));
    }

    const NAMES: [&str; 5] = [
        "embeddings.word_embeddings.weight",
        "encoder.layer.0.output.dense.bias",
        "encoder.layer.11.output.dense.bias",
        "pooler.dense.weight",
        "heads.topic.weight",
    ];

    #[test]
    fn factors_fall_with_depth_and_are_zero_for_frozen_variables() {
        let factors = |freeze: Freeze| NAMES.map(|name| factor(name, 12, freeze, 0.5, 10.0));
        let [half, low] = [0.5, 0.5f64.powi(12)];
        assert_eq!(factors(Freeze::Nothing), [0.5 * low, low, half, 1.0, 10.0]);
        assert_eq!(factors(Freeze::Embeddings), [0.0, low, half, 1.0, 10.0]);
        assert_eq!(factors(Freeze::Layers(1)), [0.0, 0.0, half, 1.0, 10.0]);
        assert_eq!(factors(Freeze::Layers(12)), [0.0, 0.0, 0.0, 1.0, 10.0]);
        assert_eq!(factors(Freeze::Encoder), [0.0, 0.0, 0.0, 1.0, 10.0]);
    }
}
