//! How far heads are from what teachers say: the Kullback-Leibler divergence at a temperature (Hinton et al., "Distilling
//! the Knowledge in a Neural Network", 2015).

use crate::error::Result;
use candle_core::Tensor;
use newsdesk_model::HeadActivation;

/// What a head learns from teachers besides its labels.
#[derive(Debug, Clone, Default)]
pub(crate) struct Teaching {
    /// See [`crate::settings::Distillation::weight`].
    pub(crate) weight: f64,
    /// See [`crate::settings::Distillation::temperature`].
    pub(crate) temperature: f64,
    /// For each head whether a teacher has it.
    pub(crate) heads: Vec<bool>,
}

impl Teaching {
    /// How much the labels count for a head.
    pub(crate) fn of_labels(&self, head: usize) -> f64 {
        1.0 - self.of_teachers(head)
    }

    /// How much the teachers count for a head.
    pub(crate) fn of_teachers(&self, head: usize) -> f64 {
        if self.heads.get(head) == Some(&true) { self.weight } else { 0.0 }
    }
}

/// The sum over rows of the square of the temperature times `KL(teachers || head)`, a scalar: zero if the head says what they
/// say. The square keeps gradients as large as they are without a temperature.
///
/// `logits` are `[rows, labels]`, `probabilities` the teachers', row by row, at this temperature. A softmax head's
/// distributions are over its labels; of a sigmoid head's, each label has one of its own, and their divergences are added.
pub(crate) fn divergence(
    activation: HeadActivation,
    logits: &Tensor,
    probabilities: Vec<f32>,
    temperature: f64,
) -> Result<Tensor> {
    // p log p, which is 0 where p is.
    let part = |p: f64| if p > 0.0 { p * p.ln() } else { 0.0 };
    let certainty: f64 = match activation {
        HeadActivation::Softmax => probabilities.iter().map(|&p| part(f64::from(p))).sum(),
        HeadActivation::Sigmoid => probabilities.iter().map(|&p| part(f64::from(p)) + part(1.0 - f64::from(p))).sum(),
    };
    let teachers = Tensor::from_vec(probabilities, logits.shape(), logits.device())?; // [rows, labels]
    let scaled = (logits / temperature)?; // [rows, labels]
    let cross = match activation {
        HeadActivation::Softmax => {
            let total = scaled.log_sum_exp(1)?.unsqueeze(1)?; // [rows, 1]
            (teachers * total.broadcast_sub(&scaled)?)?.sum_all()?
        }
        HeadActivation::Sigmoid => binary_cross_entropy(&scaled, &teachers)?.sum_all()?,
    };
    Ok(((cross + certainty)? * temperature.powi(2))?)
}

/// The cross-entropy of each label, where `right` is the probability that it holds; both are `[rows, labels]`.
pub(crate) fn binary_cross_entropy(logits: &Tensor, right: &Tensor) -> Result<Tensor> {
    // max(x, 0) - x y + log(1 + e^-|x|), which is exact and never overflows.
    let soft = ((logits.abs()?.neg()?.exp()? + 1.0)?).log()?;
    Ok(((logits.relu()? - (logits * right)?)? + soft)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use candle_core::{Device, Var};

    fn of(activation: HeadActivation, logits: &[f32], probabilities: &[f32], temperature: f64) -> f64 {
        let logits = Tensor::from_slice(logits, (1, logits.len()), &Device::Cpu).unwrap();
        let found = divergence(activation, &logits, probabilities.to_vec(), temperature).unwrap();
        f64::from(found.to_scalar::<f32>().unwrap())
    }

    #[track_caller]
    fn assert_close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    }

    #[test]
    fn a_softmax_head_by_hand() {
        // The head says 1/4 and 3/4, the teacher 1/2 and 1/2: log 2 / 2 + log(2/3) / 2.
        let expected = 0.5 * 2f64.ln() + 0.5 * (2.0f64 / 3.0).ln();
        assert_close(of(HeadActivation::Softmax, &[0.0, 3f32.ln()], &[0.5, 0.5], 1.0), expected);
        // The same at a temperature of 2, where logits count half and the sum four times.
        assert_close(of(HeadActivation::Softmax, &[0.0, 9f32.ln()], &[0.5, 0.5], 2.0), 4.0 * expected);
        // A teacher without a doubt: minus the logarithm of what the head thinks of that label.
        assert_close(of(HeadActivation::Softmax, &[0.0, 3f32.ln()], &[1.0, 0.0], 1.0), 4f64.ln());
        assert_close(of(HeadActivation::Softmax, &[1.0, 1.0 + 3f32.ln()], &[0.25, 0.75], 1.0), 0.0);
    }

    #[test]
    fn a_sigmoid_heads_labels_are_added() {
        let label = |p: f64, q: f64| p * (p / q).ln() + (1.0 - p) * ((1.0 - p) / (1.0 - q)).ln();
        let expected = label(0.5, 0.75) + label(0.9, 0.5);
        assert_close(of(HeadActivation::Sigmoid, &[3f32.ln(), 0.0], &[0.5, 0.9], 1.0), expected);
        assert_close(of(HeadActivation::Sigmoid, &[9f32.ln(), 0.0], &[0.5, 0.9], 2.0), 4.0 * expected);
        assert_close(of(HeadActivation::Sigmoid, &[3f32.ln(), 0.0], &[0.75, 0.5], 1.0), 0.0);
        assert_close(of(HeadActivation::Sigmoid, &[3f32.ln(), 0.0], &[1.0, 0.0], 1.0), -0.75f64.ln() + 2f64.ln());
    }

    #[test]
    fn the_gradient_is_what_the_head_says_more_than_the_teachers() {
        let logits = Var::from_slice(&[0.0f32, 9f32.ln()], (1, 2), &Device::Cpu).unwrap();
        let loss = divergence(HeadActivation::Softmax, logits.as_tensor(), vec![0.5, 0.5], 2.0).unwrap();
        let gradient =
            loss.backward().unwrap().remove(&logits).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        // Temperature times (head - teachers), at the temperature.
        [-0.5, 0.5].iter().zip(gradient).for_each(|(expected, found)| assert_close(f64::from(found), *expected));
    }
}
