//! An AdamW step in one pass over memory. Tensor operations would take fifteen passes.
//!
//! Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019, algorithm 2.

use crate::instructions::InstructionSet;
use crate::lanes::sum;

/// The hyperparameters of one step, after the learning rate schedule.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// The learning rate of this step.
    pub learning_rate: f32,
    /// The decay rate of the first moment.
    pub beta1: f32,
    /// The decay rate of the second moment.
    pub beta2: f32,
    /// The constant that is added to the square root of the second moment.
    pub epsilon: f32,
    /// The weight decay, which is multiplied with the learning rate.
    pub weight_decay: f32,
    /// The number of this step, from 1, for the bias correction of the moments.
    pub count: i32,
}

/// Updates both moments by `gradient` times `gradient_scale` (1, or less to clip the gradient), and the weights by the
/// moments.
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
    let (rate, epsilon, keep) = (step.learning_rate, step.epsilon, 1.0 - step.learning_rate * step.weight_decay);
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

/// Returns the sum of the squares of all values.
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
    fn first_step_has_the_size_of_the_learning_rate() {
        let step = Step { learning_rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, count: 1 };
        let (mut m, mut v, mut w) = (vec![0f32; 3], vec![0f32; 3], vec![1f32; 3]);
        super::step(&step, &[0.5, -2.0, 0.0], 1.0, &mut m, &mut v, &mut w);
        for (w, expected) in w.iter().zip([0.9, 1.1, 1.0]) {
            assert!((w - expected).abs() < 1e-5, "{w} is not {expected}");
        }
    }

    #[test]
    fn weight_decay_shrinks_weights_without_gradient() {
        let step = Step { learning_rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.5, count: 1 };
        let (mut m, mut v, mut w) = ([0f32], [0f32], [2f32]);
        super::step(&step, &[0.0], 1.0, &mut m, &mut v, &mut w);
        assert!((w[0] - 1.9).abs() < 1e-6, "{}", w[0]);
    }
}
