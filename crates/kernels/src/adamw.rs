//! One AdamW step in one pass over memory, where tensor operations would take fifteen.
//!
//! Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019, algorithm 2.

use crate::instructions::InstructionSet;
use crate::lanes::sum;

/// The numbers of one step, after the schedule.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Learning rate of this step.
    pub rate: f32,
    /// Decay of the first moment's average.
    pub beta1: f32,
    /// Decay of the second moment's average.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// Share of the weight that is taken off per unit of learning rate.
    pub decay: f32,
    /// 1-based count of steps, for the correction of the moments' start at zero.
    pub count: i32,
}

/// Moves both moments towards `gradient` times `gradient_scale` (1, or what clipping says), and the weights by them.
///
/// # Panics
/// If the slices differ in length.
pub fn step(
    step: &Step,
    gradient: &[f32],
    gradient_scale: f32,
    first: &mut [f32],
    second: &mut [f32],
    weights: &mut [f32],
) {
    let count = gradient.len();
    assert!(first.len() == count && second.len() == count && weights.len() == count, "adamw: lengths differ");
    let (beta1, beta2) = (step.beta1, step.beta2);
    let correct1 = 1.0 / (1.0 - step.beta1.powi(step.count));
    let correct2 = 1.0 / (1.0 - step.beta2.powi(step.count));
    let (rate, epsilon, keep) = (step.rate, step.epsilon, 1.0 - step.rate * step.decay);
    InstructionSet::best().run(
        #[inline(always)]
        || {
            let moments = first.iter_mut().zip(second);
            for ((w, &g), (m, v)) in weights.iter_mut().zip(gradient).zip(moments) {
                let g = g * gradient_scale;
                *m = beta1 * *m + (1.0 - beta1) * g;
                *v = beta2 * *v + (1.0 - beta2) * g * g;
                *w = *w * keep - rate * (*m * correct1) / ((*v * correct2).sqrt() + epsilon);
            }
        },
    );
}

/// The sum of the squares of all values.
pub fn square_sum(values: &[f32]) -> f64 {
    let chunks = values.chunks(4096);
    InstructionSet::best().run(
        #[inline(always)]
        || chunks.map(|chunk| f64::from(sum(chunk, |x| x * x))).sum(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_step_moves_by_the_rate_against_the_gradient() {
        let step = Step { rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.0, count: 1 };
        let (mut m, mut v, mut w) = (vec![0f32; 3], vec![0f32; 3], vec![1f32; 3]);
        super::step(&step, &[0.5, -2.0, 0.0], 1.0, &mut m, &mut v, &mut w);
        for (w, expected) in w.iter().zip([0.9, 1.1, 1.0]) {
            assert!((w - expected).abs() < 1e-5, "{w} is not {expected}");
        }
    }

    #[test]
    fn decay_shrinks_weights_without_gradient() {
        let step = Step { rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.5, count: 1 };
        let (mut m, mut v, mut w) = ([0f32], [0f32], [2f32]);
        super::step(&step, &[0.0], 1.0, &mut m, &mut v, &mut w);
        assert!((w[0] - 1.9).abs() < 1e-6, "{}", w[0]);
    }
}
