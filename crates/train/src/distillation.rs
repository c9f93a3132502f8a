//! The distillation loss: the Kullback-Leibler divergence between teachers and student at a temperature (Hinton et al.,
//! "Distilling the Knowledge in a Neural Network", 2015).

use crate::error::Result;
use candle_core::Tensor;
use newsdesk_model::HeadActivation;

/// How labels and teachers share the loss of each head.
#[derive(Debug, Clone, Default)]
pub(crate) struct LossShares {
    /// See [`Distillation::weight`](crate::settings::Distillation::weight).
    pub(crate) weight: f64,
    /// See [`Distillation::temperature`](crate::settings::Distillation::temperature).
    pub(crate) temperature: f64,
    /// By head: whether a teacher has it.
    pub(crate) heads: Vec<bool>,
}

impl LossShares {
    /// Returns the weight of the labels in the loss of a head.
    pub(crate) fn of_labels(&self, head: usize) -> f64 {
        1.0 - self.of_teachers(head)
    }

    /// Returns the weight of the teachers in the loss of a head.
    pub(crate) fn of_teachers(&self, head: usize) -> f64 {
        if self.heads.get(head) == Some(&true) { self.weight } else { 0.0 }
    }
}

/// Returns the sum over rows of `temperature² · KL(teachers || student)`, a scalar. It is zero if both agree. The square keeps
/// gradients as large as they are without a temperature.
///
/// `logits` are the student's, `[rows, labels]`; `probabilities` are the teachers' at this temperature, row by row. A softmax
/// head has one distribution over its labels. In a sigmoid head each label has its own, and their divergences are added. A head
/// without activation is never trained.
pub(crate) fn kl_divergence(
    activation: HeadActivation,
    logits: &Tensor,
    probabilities: Vec<f32>,
    temperature: f64,
) -> Result<Tensor> {
    // p log p, with its limit 0 at p = 0.
    let part = |p: f64| if p > 0.0 { p * p.ln() } else { 0.0 };
    let negative_entropy: f64 = match activation {
        HeadActivation::Softmax | HeadActivation::None => probabilities.iter().map(|&p| part(f64::from(p))).sum(),
        HeadActivation::Sigmoid => probabilities.iter().map(|&p| part(f64::from(p)) + part(1.0 - f64::from(p))).sum(),
    };
    let teachers = Tensor::from_vec(probabilities, logits.shape(), logits.device())?; // [rows, labels]
    let scaled = (logits / temperature)?; // [rows, labels]
    let cross_entropy = match activation {
        HeadActivation::Softmax | HeadActivation::None => {
            let total = scaled.log_sum_exp(1)?.unsqueeze(1)?; // [rows, 1]
            (teachers * total.broadcast_sub(&scaled)?)?.sum_all()?
        }
        HeadActivation::Sigmoid => binary_cross_entropy(&scaled, &teachers)?.sum_all()?,
    };
    Ok(((cross_entropy + negative_entropy)? * temperature.powi(2))?)
}

/// Returns the binary cross-entropy of each label. `probabilities` are the target probabilities; all are `[rows, labels]`.
pub(crate) fn binary_cross_entropy(logits: &Tensor, probabilities: &Tensor) -> Result<Tensor> {
    // max(x, 0) - x y + log(1 + e^-|x|), which is exact and never overflows.
    let soft = ((logits.abs()?.neg()?.exp()? + 1.0)?).log()?;
    Ok(((logits.relu()? - (logits * probabilities)?)? + soft)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use candle_core::{Device, Var};

    fn divergence(activation: HeadActivation, logits: &[f32], probabilities: &[f32], temperature: f64) -> f64 {
        let logits = Tensor::from_slice(logits, (1, logits.len()), &Device::Cpu).unwrap();
        let found = kl_divergence(activation, &logits, probabilities.to_vec(), temperature).unwrap();
        f64::from(found.to_scalar::<f32>().unwrap())
    }

    #[track_caller]
    fn assert_close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    }

    #[test]
    fn the_divergence_of_a_softmax_head_matches_the_formula() {
        // The student predicts 1/4 and 3/4, the teacher 1/2 and 1/2: log 2 / 2 + log(2/3) / 2.
        let expected = 0.5 * 2f64.ln() + 0.5 * (2.0f64 / 3.0).ln();
        assert_close(divergence(HeadActivation::Softmax, &[0.0, 3f32.ln()], &[0.5, 0.5], 1.0), expected);
        // At a temperature of 2 logits count half, and the sum four times.
        assert_close(divergence(HeadActivation::Softmax, &[0.0, 9f32.ln()], &[0.5, 0.5], 2.0), 4.0 * expected);
        // If the teacher is certain: minus the logarithm of the student's probability.
        assert_close(divergence(HeadActivation::Softmax, &[0.0, 3f32.ln()], &[1.0, 0.0], 1.0), 4f64.ln());
        assert_close(divergence(HeadActivation::Softmax, &[1.0, 1.0 + 3f32.ln()], &[0.25, 0.75], 1.0), 0.0);
    }

    #[test]
    fn the_divergences_of_a_sigmoid_heads_labels_are_added() {
        let label = |p: f64, q: f64| p * (p / q).ln() + (1.0 - p) * ((1.0 - p) / (1.0 - q)).ln();
        let expected = label(0.5, 0.75) + label(0.9, 0.5);
        assert_close(divergence(HeadActivation::Sigmoid, &[3f32.ln(), 0.0], &[0.5, 0.9], 1.0), expected);
        assert_close(divergence(HeadActivation::Sigmoid, &[9f32.ln(), 0.0], &[0.5, 0.9], 2.0), 4.0 * expected);
        assert_close(divergence(HeadActivation::Sigmoid, &[3f32.ln(), 0.0], &[0.75, 0.5], 1.0), 0.0);
        let certain = -0.75f64.ln() + 2f64.ln();
        assert_close(divergence(HeadActivation::Sigmoid, &[3f32.ln(), 0.0], &[1.0, 0.0], 1.0), certain);
    }

    #[test]
    fn the_gradient_is_the_difference_between_student_and_teacher() {
        let logits = Var::from_slice(&[0.0f32, 9f32.ln()], (1, 2), &Device::Cpu).unwrap();
        let loss = kl_divergence(HeadActivation::Softmax, logits.as_tensor(), vec![0.5, 0.5], 2.0).unwrap();
        let gradient =
            loss.backward().unwrap().remove(&logits).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        // Temperature times (student - teacher), both at the temperature.
        [-0.5, 0.5].iter().zip(gradient).for_each(|(expected, found)| assert_close(f64::from(found), *expected));
    }
}
