//! The training loss: cross-entropy, and its forms for sets of allowed labels, for multi-label heads and for teachers.

use crate::distillation::{LossShares, binary_cross_entropy, kl_divergence};
use crate::error::Result;
use crate::examples::Example;
use candle_core::Tensor;
use newsdesk_data::GoldLabels;
use newsdesk_model::{Head, HeadActivation};

/// How losses are weighted and smoothed.
#[derive(Debug, Clone, Default)]
pub(crate) struct LossOptions {
    /// See [`Settings::label_smoothing`](crate::settings::Settings::label_smoothing).
    pub(crate) label_smoothing: f64,
    /// See [`Settings::focal_gamma`](crate::settings::Settings::focal_gamma).
    pub(crate) focal_gamma: f64,
    /// By head: the weight of each label; empty if all weigh the same.
    pub(crate) class_weights: Vec<Vec<f32>>,
    /// By head: the weight of the ordinal loss, see [`Settings::ordinal`](crate::settings::Settings::ordinal); 0 for heads
    /// without an order, and beyond the end.
    pub(crate) ordinal: Vec<f64>,
    /// How labels and teachers share the loss.
    pub(crate) shares: LossShares,
}

impl LossOptions {
    /// Returns the weights of a head's labels, if they differ.
    fn weights(&self, head: usize) -> Option<&[f32]> {
        self.class_weights.get(head).map(Vec::as_slice).filter(|weights| !weights.is_empty())
    }
}

/// Returns the sum of the losses over all heads and examples, a scalar; `None` if no example is labelled.
///
/// - softmax head, one gold label: `-log p[label]`
/// - softmax head, any of several labels: `-log` of their total probability
/// - sigmoid head: the sum of the labels' binary cross-entropies, which is `-log` of the probability of the gold labels
///
/// With label smoothing `e`, a softmax head's loss is that times `1 - e`, plus `e` times the mean of `-log p` over all labels
/// (Szegedy et al., 2016). In a sigmoid head, the target probabilities become `e / 2` and `1 - e / 2`. A row of a softmax head
/// weighs as much as the mean weight of its gold labels; in a sigmoid head, each gold label has its weight. A head with ordered
/// labels also has the [`ordinal_loss`].
///
/// Where teachers have a head, that is only a share of the loss. The rest is the [`kl_divergence`] from the teachers, over all
/// rows with soft targets. Smoothing, focal factor and weights apply to labels only.
pub(crate) fn total_loss(
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
    for (index, (head, logits)) in heads.iter().zip(logits).enumerate() {
        let (labels, teachers) = (options.shares.of_labels(index), options.shares.of_teachers(index));
        if labels > 0.0
            && let Some(loss) = label_loss(index, head, logits, examples, options)?
        {
            // No multiplication by 1, so that runs without teachers stay bit-identical to earlier versions.
            add(if labels < 1.0 { (loss * labels)? } else { loss })?;
        }
        let ordinal = labels * options.ordinal.get(index).copied().unwrap_or(0.0);
        if ordinal > 0.0
            && let Some(loss) = ordinal_loss(index, logits, examples)?
        {
            add((loss * ordinal)?)?;
        }
        if teachers > 0.0
            && let Some(loss) = teacher_loss(index, head, logits, examples, options.shares.temperature)?
        {
            add((loss * teachers)?)?;
        }
    }
    Ok(total)
}

/// Returns the loss of one head from the labels; `None` if no example has one. `index` is the index of the head.
fn label_loss(
    index: usize,
    head: &Head,
    logits: &Tensor,
    examples: &[&Example],
    options: &LossOptions,
) -> Result<Option<Tensor>> {
    let labels = head.labels.len();
    let mut rows = Vec::new();
    let mut gold = Vec::new(); // 1 for each gold label, [rows, labels]
    for (row, example) in examples.iter().enumerate() {
        if let Some(gold_labels) = &example.gold_labels[index] {
            rows.push(row as u32);
            let start = gold.len();
            gold.resize(start + labels, 0f32);
            gold_labels.labels().iter().for_each(|label| gold[start + label.index()] = 1.0);
        }
    }
    if rows.is_empty() {
        return Ok(None);
    }
    let device = logits.device();
    let count = rows.len();
    let weights = options.weights(index).map(|weights| match head.activation {
        HeadActivation::Softmax | HeadActivation::None => {
            gold.chunks_exact(labels).map(|row| mean_weight(row, weights)).collect()
        }
        HeadActivation::Sigmoid => gold.iter().zip(weights.iter().cycle()).map(|(y, w)| 1.0 + y * (w - 1.0)).collect(),
    });
    let logits = logits.index_select(&Tensor::from_vec(rows, count, device)?, 0)?; // [rows, labels]
    let gold = Tensor::from_vec(gold, (count, labels), device)?; // [rows, labels]
    let loss = match head.activation {
        HeadActivation::Softmax | HeadActivation::None => softmax_loss(&logits, &gold, options)?, // [rows]
        HeadActivation::Sigmoid => sigmoid_loss(&logits, &gold, options)?,                        // [rows, labels]
    };
    let loss = match weights {
        None => loss,
        Some(weights) => (&loss * Tensor::from_vec::<_, f32>(weights, loss.shape(), device)?)?,
    };
    Ok(Some(loss.sum_all()?))
}

/// Returns the sum over rows of the squared earth mover's distance between prediction and gold label: with the labels in their
/// order, the sum over labels of (cumulated probability - cumulated gold)². A prediction two labels off costs more than one label off.
/// Returns `None` if no example has exactly one gold label. `index` is the index of the head.
fn ordinal_loss(index: usize, logits: &Tensor, examples: &[&Example]) -> Result<Option<Tensor>> {
    let labels = logits.dim(1)?;
    let (mut rows, mut cumulated_gold) = (Vec::new(), Vec::new());
    for (row, example) in examples.iter().enumerate() {
        if let Some(GoldLabels::One(gold)) = &example.gold_labels[index] {
            rows.push(row as u32);
            cumulated_gold.extend((0..labels).map(|label| f32::from(u8::from(label >= gold.index()))));
        }
    }
    if rows.is_empty() {
        return Ok(None);
    }
    let (count, device) = (rows.len(), logits.device());
    let logits = logits.index_select(&Tensor::from_vec(rows, count, device)?, 0)?; // [rows, labels]
    let log_sum = logits.log_sum_exp(1)?.unsqueeze(1)?; // [rows, 1]
    let probabilities = logits.broadcast_sub(&log_sum)?.exp()?; // [rows, labels]
    // Column j adds up the labels up to j.
    let up_to: Vec<f32> = (0..labels * labels).map(|i| f32::from(u8::from(i / labels <= i % labels))).collect();
    let cumulated = probabilities.matmul(&Tensor::from_vec(up_to, (labels, labels), device)?)?; // [rows, labels]
    let cumulated_gold = Tensor::from_vec(cumulated_gold, (count, labels), device)?; // [rows, labels]
    Ok(Some((cumulated - cumulated_gold)?.sqr()?.sum_all()?))
}

/// Returns the loss of one head from the teachers; `None` if no example has soft targets. `index` is the index of the head.
fn teacher_loss(
    index: usize,
    head: &Head,
    logits: &Tensor,
    examples: &[&Example],
    temperature: f64,
) -> Result<Option<Tensor>> {
    let (mut rows, mut soft_targets) = (Vec::new(), Vec::new());
    for (row, example) in examples.iter().enumerate() {
        if let Some(probabilities) = example.soft_targets.get(index).and_then(Option::as_ref) {
            rows.push(row as u32);
            soft_targets.extend_from_slice(probabilities);
        }
    }
    if rows.is_empty() {
        return Ok(None);
    }
    let count = rows.len();
    let logits = logits.index_select(&Tensor::from_vec(rows, count, logits.device())?, 0)?; // [rows, labels]
    Ok(Some(kl_divergence(head.activation, &logits, soft_targets, temperature)?))
}

/// Returns the mean weight of the gold labels.
fn mean_weight(gold: &[f32], weights: &[f32]) -> f32 {
    let sum: f32 = gold.iter().zip(weights).map(|(y, w)| y * w).sum();
    sum / gold.iter().sum::<f32>().max(1.0)
}

/// Returns the losses of rows, `[rows]`. `gold` is 1 for each allowed label.
fn softmax_loss(logits: &Tensor, gold: &Tensor, options: &LossOptions) -> Result<Tensor> {
    // Log of the allowed probability = log-sum-exp over allowed labels - log-sum-exp over all.
    let masked = ((gold - 1.0)? * 1e4)?; // 0 for allowed labels, very negative for others
    let all = logits.log_sum_exp(1)?; // [rows]
    let log_allowed = ((logits + masked)?.log_sum_exp(1)? - &all)?; // [rows]
    let mut loss = focal(&log_allowed.neg()?, &log_allowed, options.focal_gamma)?;
    if options.label_smoothing > 0.0 {
        let uniform = (all - logits.mean(1)?)?; // [rows]
        loss = ((loss * (1.0 - options.label_smoothing))? + (uniform * options.label_smoothing)?)?;
    }
    Ok(loss)
}

/// Returns the losses of labels, `[rows, labels]`. `gold` is 1 for each gold label.
fn sigmoid_loss(logits: &Tensor, gold: &Tensor, options: &LossOptions) -> Result<Tensor> {
    let smoothed = ((gold * (1.0 - options.label_smoothing))? + 0.5 * options.label_smoothing)?;
    // The probability of the gold value is e to the minus its cross-entropy.
    let log_gold = binary_cross_entropy(logits, gold)?.neg()?;
    focal(&binary_cross_entropy(logits, &smoothed)?, &log_gold, options.focal_gamma)
}

/// Returns `loss` times `(1 - e^log_gold)^gamma`.
fn focal(loss: &Tensor, log_gold: &Tensor, gamma: f64) -> Result<Tensor> {
    if gamma <= 0.0 {
        return Ok(loss.clone());
    }
    // Clamped above zero, where the power has a finite gradient.
    let wrong = ((log_gold.exp()?.neg()? + 1.0)?).clamp(1e-6, 1.0)?;
    Ok((loss * wrong.powf(gamma)?)?)
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

    fn loss_of(activation: HeadActivation, logits: [f32; 3], gold_labels: Option<GoldLabels>) -> Option<f32> {
        let logits = Tensor::from_vec(logits.to_vec(), (1, 3), &Device::Cpu).unwrap();
        let example = Example { gold_labels: vec![gold_labels], ..Example::default() };
        let options = LossOptions::default();
        total_loss(&[head(activation)], &[logits], &[&example], &options)
            .unwrap()
            .map(|l| l.to_scalar::<f32>().unwrap())
    }

    /// The loss of one row with these options.
    fn loss_with(activation: HeadActivation, logits: [f32; 3], gold_labels: GoldLabels, options: &LossOptions) -> f32 {
        let logits = Tensor::from_vec(logits.to_vec(), (1, 3), &Device::Cpu).unwrap();
        let example = Example { gold_labels: vec![Some(gold_labels)], ..Example::default() };
        total_loss(&[head(activation)], &[logits], &[&example], options).unwrap().unwrap().to_scalar::<f32>().unwrap()
    }

    const LOGITS: [f32; 3] = [1.0, 2.0, 0.5];

    fn log_probabilities() -> [f32; 3] {
        let all: f32 = LOGITS.iter().map(|x| x.exp()).sum();
        LOGITS.map(|x| x - all.ln())
    }

    #[test]
    fn smoothing_focal_factor_and_weights_match_their_formulas() {
        let log = log_probabilities();
        let one = GoldLabels::One(LabelId(1));
        let softmax = |options: LossOptions| loss_with(HeadActivation::Softmax, LOGITS, one.clone(), &options);
        let smooth = softmax(LossOptions { label_smoothing: 0.1, ..LossOptions::default() });
        let expected = -0.9 * log[1] - 0.1 * log.iter().sum::<f32>() / 3.0;
        assert!((smooth - expected).abs() < 1e-5, "{smooth} is not {expected}");
        let focal = softmax(LossOptions { focal_gamma: 2.0, ..LossOptions::default() });
        let expected = -log[1] * (1.0 - log[1].exp()).powi(2);
        assert!((focal - expected).abs() < 1e-5, "{focal} is not {expected}");
        let class_weights = vec![vec![1.0, 3.0, 5.0]];
        let options = LossOptions { class_weights, ..LossOptions::default() };
        assert!((softmax(options.clone()) + 3.0 * log[1]).abs() < 1e-4);
        let set = loss_with(HeadActivation::Softmax, LOGITS, GoldLabels::AnyOf(vec![LabelId(0), LabelId(2)]), &options);
        assert!((set + 3.0 * (log[0].exp() + log[2].exp()).ln()).abs() < 1e-4, "the mean of 1 and 5 is 3");
        let cross = |x: f32, y: f32| -(y * (1.0 / (1.0 + (-x).exp())).ln() + (1.0 - y) * (1.0 / (1.0 + x.exp())).ln());
        let all = GoldLabels::All(vec![LabelId(1)]);
        let many = loss_with(HeadActivation::Sigmoid, LOGITS, all.clone(), &options);
        let expected = cross(1.0, 0.0) + 3.0 * cross(2.0, 1.0) + cross(0.5, 0.0);
        assert!((many - expected).abs() < 1e-5, "{many} is not {expected}");
        let options = LossOptions { label_smoothing: 0.2, ..LossOptions::default() };
        let many = loss_with(HeadActivation::Sigmoid, LOGITS, all, &options);
        let expected = cross(1.0, 0.1) + cross(2.0, 0.9) + cross(0.5, 0.1);
        assert!((many - expected).abs() < 1e-5, "{many} is not {expected}");
    }

    #[test]
    fn an_ordinal_head_pays_for_the_distance_to_the_gold_label() {
        let one = |label| GoldLabels::One(LabelId(label));
        let extra = |gold: GoldLabels| {
            let options = LossOptions { ordinal: vec![2.0], ..LossOptions::default() };
            let with = loss_with(HeadActivation::Softmax, LOGITS, gold.clone(), &options);
            with - loss_with(HeadActivation::Softmax, LOGITS, gold, &LossOptions::default())
        };
        let [first, second, _] = log_probabilities().map(f32::exp);
        let up_to_second = first + second;
        let expected = [
            (first - 1.0).powi(2) + (up_to_second - 1.0).powi(2),
            first.powi(2) + (up_to_second - 1.0).powi(2),
            first.powi(2) + up_to_second.powi(2),
        ];
        for (label, expected) in expected.into_iter().enumerate() {
            let found = extra(one(label as u32));
            assert!((found - 2.0 * expected).abs() < 1e-5, "label {label}: {found} is not {}", 2.0 * expected);
        }
        // A set of labels has no one place in the order.
        assert_eq!(extra(GoldLabels::AnyOf(vec![LabelId(0), LabelId(1)])), 0.0);
    }

    #[test]
    fn teachers_and_labels_share_the_loss() {
        // A teacher has the first of two heads. The second of two rows has no label for it.
        let heads = [head(HeadActivation::Softmax), head(HeadActivation::Softmax)];
        let row = |gold_labels, teacher: Option<Vec<f32>>| Example {
            gold_labels: vec![gold_labels, Some(GoldLabels::One(LabelId(0)))],
            soft_targets: vec![teacher, None],
            ..Example::default()
        };
        let teacher = vec![0.5, 0.25, 0.25];
        let one = Some(GoldLabels::One(LabelId(1)));
        let loss = |rows: &[&Example], weight: f64| {
            let logits = Tensor::from_vec(LOGITS.repeat(rows.len()), (rows.len(), 3), &Device::Cpu).unwrap();
            let shares = LossShares { weight, temperature: 1.0, heads: vec![true, false] };
            let options = LossOptions { shares, ..LossOptions::default() };
            total_loss(&heads, &[logits.clone(), logits], rows, &options).unwrap().unwrap().to_scalar::<f32>().unwrap()
        };
        let log = log_probabilities();
        let from_teacher: f32 = teacher.iter().zip(log).map(|(p, q)| p * (f32::ln(*p) - q)).sum();
        let (both, filled) = (row(one.clone(), Some(teacher.clone())), row(None, Some(teacher)));
        for weight in [0.0f32, 0.25, 1.0] {
            let expected = -log[0] - (1.0 - weight) * log[1] + weight * from_teacher;
            let found = loss(&[&both], f64::from(weight));
            assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
            let expected = expected - log[0] + weight * from_teacher;
            let found = loss(&[&both, &filled], f64::from(weight));
            assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
        }
        // A row without soft targets has the label's share of the loss only.
        let alone = loss(&[&row(one, None)], 0.25);
        assert!((alone + log[0] + 0.75 * log[1]).abs() < 1e-5, "{alone}");
    }

    #[test]
    fn the_loss_of_one_label_and_of_several_is_minus_the_log_of_their_probability() {
        let logits = [1.0f32, 2.0, 0.5];
        let powers: Vec<f32> = logits.iter().map(|x| x.exp()).collect();
        let all: f32 = powers.iter().sum();
        let one = loss_of(HeadActivation::Softmax, logits, Some(GoldLabels::One(LabelId(1)))).unwrap();
        assert!((one + (powers[1] / all).ln()).abs() < 1e-5);
        let two =
            loss_of(HeadActivation::Softmax, logits, Some(GoldLabels::AnyOf(vec![LabelId(0), LabelId(2)]))).unwrap();
        assert!((two + ((powers[0] + powers[2]) / all).ln()).abs() < 1e-5);
        assert_eq!(loss_of(HeadActivation::Softmax, logits, None), None);
    }

    #[test]
    fn the_loss_of_a_sigmoid_head_is_a_sum_of_binary_cross_entropies_without_overflow() {
        let gold_labels = Some(GoldLabels::All(vec![LabelId(0)]));
        let loss = loss_of(HeadActivation::Sigmoid, [0.3, -1.2, 2.0], gold_labels.clone()).unwrap();
        let expected = [0.3f32, 1.2, -2.0].iter().map(|x| (1.0 + (-x).exp()).ln()).sum::<f32>();
        assert!((loss - expected).abs() < 1e-5, "{loss} is not {expected}");
        let extreme = loss_of(HeadActivation::Sigmoid, [1e3, -1e3, 1e3], gold_labels).unwrap();
        assert!((extreme - 1e3).abs() < 1e-2, "{extreme}");
    }
}
