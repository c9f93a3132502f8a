//! How wrong the heads are: cross-entropy, its form for sets of allowed labels, and its form for many labels.

use crate::error::Result;
use crate::examples::Example;
use candle_core::Tensor;
use newsdesk_data::Target;
use newsdesk_model::{Head, HeadActivation};

/// Sum of the losses of all targets of these examples over all heads. Heads without a target add nothing; `None` if no
/// example has any.
///
/// - softmax, one label: `-log p[label]`
/// - softmax, a set of allowed labels: `-log` of the probability mass of the set
/// - sigmoid: the mean over labels of each one's binary cross-entropy
pub(crate) fn sum(heads: &[Head], logits: &[Tensor], examples: &[&Example]) -> Result<Option<Tensor>> {
    let mut total: Option<Tensor> = None;
    for (number, (head, logits)) in heads.iter().zip(logits).enumerate() {
        let labels = head.labels.len();
        let mut rows = Vec::new();
        let mut right = Vec::new(); // 1 for each label that is right, [rows, labels]
        for (row, example) in examples.iter().enumerate() {
            if let Some(target) = &example.targets[number] {
                rows.push(row as u32);
                let start = right.len();
                right.resize(start + labels, 0f32);
                target.labels().iter().for_each(|label| right[start + label.index()] = 1.0);
            }
        }
        if rows.is_empty() {
            continue;
        }
        let device = logits.device();
        let count = rows.len();
        let logits = logits.index_select(&Tensor::from_vec(rows, count, device)?, 0)?; // [rows, labels]
        let right = Tensor::from_vec(right, (count, labels), device)?; // [rows, labels]
        let loss = match head.activation {
            HeadActivation::Softmax => {
                // log of the allowed mass = log-sum-exp over allowed labels - log-sum-exp over all.
                let others = ((right - 1.0)? * 1e4)?; // 0 where allowed, far below where not
                (logits.log_sum_exp(1)? - (&logits + others)?.log_sum_exp(1)?)?
            }
            HeadActivation::Sigmoid => {
                // max(x, 0) - x y + log(1 + e^-|x|), which is exact and never overflows.
                let soft = ((logits.abs()?.neg()?.exp()? + 1.0)?).log()?;
                ((logits.relu()? - (&logits * right)?)? + soft)?.mean(1)?
            }
        }; // [rows]
        let loss = loss.sum_all()?;
        total = Some(match total {
            None => loss,
            Some(total) => (total + loss)?,
        });
    }
    Ok(total)
}

/// Whether a target fits a head; what the trainer checks before it starts.
pub(crate) fn fits(target: &Target, head: &Head) -> bool {
    let multi = head.activation == HeadActivation::Sigmoid;
    matches!(target, Target::All(_)) == multi && target.labels().iter().all(|l| l.index() < head.labels.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use candle_core::Device;
    use newsdesk_data::LabelId;
    use newsdesk_model::HeadLabel;

    fn head(activation: HeadActivation) -> Head {
        let label = |name: &str| HeadLabel { name: name.into(), code: None, threshold: None };
        Head { name: "h".into(), activation, temperature: 1.0, labels: vec![label("a"), label("b"), label("c")] }
    }

    fn loss_of(activation: HeadActivation, logits: [f32; 3], target: Option<Target>) -> Option<f32> {
        let logits = Tensor::from_vec(logits.to_vec(), (1, 3), &Device::Cpu).unwrap();
        let example = Example { tokens: vec![], targets: vec![target] };
        sum(&[head(activation)], &[logits], &[&example]).unwrap().map(|l| l.to_scalar::<f32>().unwrap())
    }

    #[test]
    fn one_label_is_cross_entropy_and_a_set_is_its_mass() {
        let logits = [1.0f32, 2.0, 0.5];
        let powers: Vec<f32> = logits.iter().map(|x| x.exp()).collect();
        let all: f32 = powers.iter().sum();
        let one = loss_of(HeadActivation::Softmax, logits, Some(Target::One(LabelId(1)))).unwrap();
        assert!((one + (powers[1] / all).ln()).abs() < 1e-5);
        let two = loss_of(HeadActivation::Softmax, logits, Some(Target::AnyOf(vec![LabelId(0), LabelId(2)]))).unwrap();
        assert!((two + ((powers[0] + powers[2]) / all).ln()).abs() < 1e-5);
        assert_eq!(loss_of(HeadActivation::Softmax, logits, None), None);
    }

    #[test]
    fn many_labels_are_binary_cross_entropies_without_overflow() {
        let target = Some(Target::All(vec![LabelId(0)]));
        let loss = loss_of(HeadActivation::Sigmoid, [0.3, -1.2, 2.0], target.clone()).unwrap();
        let expected = [0.3f32, 1.2, -2.0].iter().map(|x| (1.0 + (-x).exp()).ln()).sum::<f32>() / 3.0;
        assert!((loss - expected).abs() < 1e-5, "{loss} is not {expected}");
        let extreme = loss_of(HeadActivation::Sigmoid, [1e3, -1e3, 1e3], target).unwrap();
        assert!((extreme - 1e3 / 3.0).abs() < 1e-2, "{extreme}");
    }
}
