//! How wrong the heads are: cross-entropy, its form for sets of allowed labels, and its form for many labels.

use crate::distillation::{Teaching, binary_cross_entropy, divergence};
use crate::error::Result;
use crate::examples::Example;
use candle_core::Tensor;
use newsdesk_data::Target;
use newsdesk_model::{Head, HeadActivation};

/// How losses are weighted and softened.
#[derive(Debug, Clone, Default)]
pub(crate) struct LossOptions {
    /// See [`crate::settings::Settings::label_smoothing`].
    pub(crate) smoothing: f64,
    /// See [`crate::settings::Settings::focal`].
    pub(crate) focal: f64,
    /// For each head the weight of each label; empty where all count the same.
    pub(crate) class_weights: Vec<Vec<f32>>,
    /// What teachers say besides the labels.
    pub(crate) teaching: Teaching,
}

impl LossOptions {
    /// Weights of a head's labels, where they differ.
    fn weights(&self, head: usize) -> Option<&[f32]> {
        self.class_weights.get(head).map(Vec::as_slice).filter(|weights| !weights.is_empty())
    }
}

/// Sum of the losses of all targets of these examples over all heads. Heads without a target add nothing; `None` if no
/// example has any.
///
/// - softmax, one label: `-log p[label]`
/// - softmax, a set of allowed labels: `-log` of the probability mass of the set
/// - sigmoid: the sum over labels of each one's binary cross-entropy, which is `-log` of the probability of the whole answer
///
/// With smoothing `e` and `n` labels, `1 - e` of a softmax head's loss is that, and `e` the mean of `-log p` over all labels
/// (Szegedy et al., 2016); a sigmoid's labels become `e / 2` and `1 - e / 2`. A row weighs as much as the mean weight of its
/// labels; in a sigmoid head, each label that is right.
///
/// Where teachers have a head, only a share of the loss is that; the rest is the [`divergence`] from what they say, on all
/// rows that have soft targets. Smoothing, focus and weights are of labels only.
pub(crate) fn sum(
    heads: &[Head],
    logits: &[Tensor],
    examples: &[&Example],
    options: &LossOptions,
) -> Result<Option<Tensor>> {
    let mut total: Option<Tensor> = None;
    let mut add = |loss: Tensor| -> Result<()> {
        total = Some(match total.take() {
            None => loss,
            Some(total) => (total + loss)?,
        });
        Ok(())
    };
    for (number, (head, logits)) in heads.iter().zip(logits).enumerate() {
        let (labels, teachers) = (options.teaching.of_labels(number), options.teaching.of_teachers(number));
        if labels > 0.0
            && let Some(loss) = from_labels(number, head, logits, examples, options)?
        {
            // Nothing is multiplied without need: a run without teachers gives the same to the bit as ever.
            add(if labels < 1.0 { (loss * labels)? } else { loss })?;
        }
        if teachers > 0.0
            && let Some(loss) = from_teachers(number, head, logits, examples, options.teaching.temperature)?
        {
            add((loss * teachers)?)?;
        }
    }
    Ok(total)
}

/// The loss of one head by the examples' labels; `None` if none has any.
fn from_labels(
    number: usize,
    head: &Head,
    logits: &Tensor,
    examples: &[&Example],
    options: &LossOptions,
) -> Result<Option<Tensor>> {
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
        return Ok(None);
    }
    let device = logits.device();
    let count = rows.len();
    let weights = options.weights(number).map(|weights| match head.activation {
        HeadActivation::Softmax => right.chunks_exact(labels).map(|row| mean_weight(row, weights)).collect(),
        HeadActivation::Sigmoid => right.iter().zip(weights.iter().cycle()).map(|(y, w)| 1.0 + y * (w - 1.0)).collect(),
    });
    let logits = logits.index_select(&Tensor::from_vec(rows, count, device)?, 0)?; // [rows, labels]
    let right = Tensor::from_vec(right, (count, labels), device)?; // [rows, labels]
    let loss = match head.activation {
        HeadActivation::Softmax => softmax(&logits, &right, options)?, // [rows]
        HeadActivation::Sigmoid => sigmoid(&logits, &right, options)?, // [rows, labels]
    };
    let loss = match weights {
        None => loss,
        Some(weights) => (&loss * Tensor::from_vec::<_, f32>(weights, loss.shape(), device)?)?,
    };
    Ok(Some(loss.sum_all()?))
}

/// The loss of one head by what teachers say about the examples; `None` if they say nothing about any.
fn from_teachers(
    number: usize,
    head: &Head,
    logits: &Tensor,
    examples: &[&Example],
    temperature: f64,
) -> Result<Option<Tensor>> {
    let (mut rows, mut said) = (Vec::new(), Vec::new());
    for (row, example) in examples.iter().enumerate() {
        if let Some(probabilities) = example.soft.get(number).and_then(Option::as_ref) {
            rows.push(row as u32);
            said.extend_from_slice(probabilities);
        }
    }
    if rows.is_empty() {
        return Ok(None);
    }
    let count = rows.len();
    let logits = logits.index_select(&Tensor::from_vec(rows, count, logits.device())?, 0)?; // [rows, labels]
    Ok(Some(divergence(head.activation, &logits, said, temperature)?))
}

/// The mean weight of the labels that are right.
fn mean_weight(right: &[f32], weights: &[f32]) -> f32 {
    let sum: f32 = right.iter().zip(weights).map(|(y, w)| y * w).sum();
    sum / right.iter().sum::<f32>().max(1.0)
}

/// Losses of rows, `[rows]`; `right` is 1 where a label is allowed.
fn softmax(logits: &Tensor, right: &Tensor, options: &LossOptions) -> Result<Tensor> {
    // log of the allowed mass = log-sum-exp over allowed labels - log-sum-exp over all.
    let others = ((right - 1.0)? * 1e4)?; // 0 where allowed, far below where not
    let all = logits.log_sum_exp(1)?; // [rows]
    let mass = ((logits + others)?.log_sum_exp(1)? - &all)?; // [rows]
    let mut loss = focal(&mass.neg()?, &mass, options.focal)?;
    if options.smoothing > 0.0 {
        let everywhere = (all - logits.mean(1)?)?; // [rows]
        loss = ((loss * (1.0 - options.smoothing))? + (everywhere * options.smoothing)?)?;
    }
    Ok(loss)
}

/// Losses of labels, `[rows, labels]`; `right` is 1 where a label is right.
fn sigmoid(logits: &Tensor, right: &Tensor, options: &LossOptions) -> Result<Tensor> {
    let smooth = ((right * (1.0 - options.smoothing))? + 0.5 * options.smoothing)?;
    // The probability of what is right is e to the minus its cross-entropy.
    let log_right = binary_cross_entropy(logits, right)?.neg()?;
    focal(&binary_cross_entropy(logits, &smooth)?, &log_right, options.focal)
}

/// `loss` times `(1 - e^log_right)` to a power.
fn focal(loss: &Tensor, log_right: &Tensor, power: f64) -> Result<Tensor> {
    if power <= 0.0 {
        return Ok(loss.clone());
    }
    // Above zero, where the power has a gradient.
    let wrong = ((log_right.exp()?.neg()? + 1.0)?).clamp(1e-6, 1.0)?;
    Ok((loss * wrong.powf(power)?)?)
}

/// Weights that make every label of a head count the same over these examples, each with how often an epoch meets it. A row
/// with several labels counts as a part of a row of each. Labels without a row weigh 1.
pub(crate) fn balanced<'a>(heads: &[Head], examples: impl Iterator<Item = (&'a Example, f64)>) -> Vec<Vec<f32>> {
    let mut counts: Vec<Vec<f64>> = heads.iter().map(|head| vec![0.0; head.labels.len()]).collect();
    for (example, times) in examples {
        for (counts, target) in counts.iter_mut().zip(&example.targets) {
            let Some(target) = target else { continue };
            let labels = target.labels();
            labels.iter().for_each(|label| counts[label.index()] += times / labels.len() as f64);
        }
    }
    let weights = |counts: Vec<f64>| {
        let (all, labels) = (counts.iter().sum::<f64>(), counts.iter().filter(|&&n| n > 0.0).count() as f64);
        counts.iter().map(|&n| if n > 0.0 { (all / (labels * n)) as f32 } else { 1.0 }).collect()
    };
    counts.into_iter().map(weights).collect()
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
        let example = Example { tokens: vec![], targets: vec![target], soft: vec![] };
        let options = LossOptions::default();
        sum(&[head(activation)], &[logits], &[&example], &options).unwrap().map(|l| l.to_scalar::<f32>().unwrap())
    }

    /// The loss of one row under options.
    fn with(activation: HeadActivation, logits: [f32; 3], target: Target, options: &LossOptions) -> f32 {
        let logits = Tensor::from_vec(logits.to_vec(), (1, 3), &Device::Cpu).unwrap();
        let example = Example { tokens: vec![], targets: vec![Some(target)], soft: vec![] };
        sum(&[head(activation)], &[logits], &[&example], options).unwrap().unwrap().to_scalar::<f32>().unwrap()
    }

    const LOGITS: [f32; 3] = [1.0, 2.0, 0.5];

    fn log_probabilities() -> [f32; 3] {
        let all: f32 = LOGITS.iter().map(|x| x.exp()).sum();
        LOGITS.map(|x| x - all.ln())
    }

    #[test]
    fn smoothing_focus_and_weights_are_their_formulas() {
        let log = log_probabilities();
        let one = Target::One(LabelId(1));
        let softmax = |options: LossOptions| with(HeadActivation::Softmax, LOGITS, one.clone(), &options);
        let smooth = softmax(LossOptions { smoothing: 0.1, ..LossOptions::default() });
        let expected = -0.9 * log[1] - 0.1 * log.iter().sum::<f32>() / 3.0;
        assert!((smooth - expected).abs() < 1e-5, "{smooth} is not {expected}");
        let focal = softmax(LossOptions { focal: 2.0, ..LossOptions::default() });
        let expected = -log[1] * (1.0 - log[1].exp()).powi(2);
        assert!((focal - expected).abs() < 1e-5, "{focal} is not {expected}");
        let class_weights = vec![vec![1.0, 3.0, 5.0]];
        let options = LossOptions { class_weights, ..LossOptions::default() };
        assert!((softmax(options.clone()) + 3.0 * log[1]).abs() < 1e-4);
        let set = with(HeadActivation::Softmax, LOGITS, Target::AnyOf(vec![LabelId(0), LabelId(2)]), &options);
        assert!((set + 3.0 * (log[0].exp() + log[2].exp()).ln()).abs() < 1e-4, "the mean of 1 and 5 is 3");
        let cross = |x: f32, y: f32| -(y * (1.0 / (1.0 + (-x).exp())).ln() + (1.0 - y) * (1.0 / (1.0 + x.exp())).ln());
        let all = Target::All(vec![LabelId(1)]);
        let many = with(HeadActivation::Sigmoid, LOGITS, all.clone(), &options);
        let expected = cross(1.0, 0.0) + 3.0 * cross(2.0, 1.0) + cross(0.5, 0.0);
        assert!((many - expected).abs() < 1e-5, "{many} is not {expected}");
        let options = LossOptions { smoothing: 0.2, ..LossOptions::default() };
        let many = with(HeadActivation::Sigmoid, LOGITS, all, &options);
        let expected = cross(1.0, 0.1) + cross(2.0, 0.9) + cross(0.5, 0.1);
        assert!((many - expected).abs() < 1e-5, "{many} is not {expected}");
    }

    #[test]
    fn teachers_and_labels_share_the_loss() {
        // Two heads, of which a teacher has the first; two rows, of which the second has no label for it.
        let heads = [head(HeadActivation::Softmax), head(HeadActivation::Softmax)];
        let row = |target, said: Option<Vec<f32>>| Example {
            tokens: vec![],
            targets: vec![target, Some(Target::One(LabelId(0)))],
            soft: vec![said, None],
        };
        let said = vec![0.5, 0.25, 0.25];
        let one = Some(Target::One(LabelId(1)));
        let loss = |rows: &[&Example], weight: f64| {
            let logits = Tensor::from_vec(LOGITS.repeat(rows.len()), (rows.len(), 3), &Device::Cpu).unwrap();
            let teaching = Teaching { weight, temperature: 1.0, heads: vec![true, false] };
            let options = LossOptions { teaching, ..LossOptions::default() };
            sum(&heads, &[logits.clone(), logits], rows, &options).unwrap().unwrap().to_scalar::<f32>().unwrap()
        };
        let log = log_probabilities();
        let from_teacher: f32 = said.iter().zip(log).map(|(p, q)| p * (f32::ln(*p) - q)).sum();
        let (both, filled) = (row(one.clone(), Some(said.clone())), row(None, Some(said)));
        for weight in [0.0f32, 0.25, 1.0] {
            let expected = -log[0] - (1.0 - weight) * log[1] + weight * from_teacher;
            let found = loss(&[&both], f64::from(weight));
            assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
            let expected = expected - log[0] + weight * from_teacher;
            let found = loss(&[&both, &filled], f64::from(weight));
            assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
        }
        // A row of which teachers say nothing has a loss by its label only.
        let alone = loss(&[&row(one, None)], 0.25);
        assert!((alone + log[0] + 0.75 * log[1]).abs() < 1e-5, "{alone}");
    }

    #[test]
    fn balanced_weights_let_every_label_count_the_same() {
        let targets =
            [Target::One(LabelId(0)), Target::One(LabelId(0)), Target::One(LabelId(0)), Target::One(LabelId(2))];
        let examples = targets.map(|target| Example { tokens: vec![], targets: vec![Some(target)], soft: vec![] });
        let close = |times: [f64; 4], expected: [f32; 3]| {
            let weights = balanced(&[head(HeadActivation::Softmax)], examples.iter().zip(times));
            assert!(weights[0].iter().zip(expected).all(|(w, e)| (w - e).abs() < 1e-6), "{weights:?}");
        };
        close([1.0; 4], [4.0 / 6.0, 1.0, 2.0]);
        // A label of which an epoch meets half of the rows counts for that half.
        close([0.5, 0.5, 0.5, 1.0], [2.5 / 3.0, 1.0, 2.5 / 2.0]);
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
        let expected = [0.3f32, 1.2, -2.0].iter().map(|x| (1.0 + (-x).exp()).ln()).sum::<f32>();
        assert!((loss - expected).abs() < 1e-5, "{loss} is not {expected}");
        let extreme = loss_of(HeadActivation::Sigmoid, [1e3, -1e3, 1e3], target).unwrap();
        assert!((extreme - 1e3).abs() < 1e-2, "{extreme}");
    }
}
