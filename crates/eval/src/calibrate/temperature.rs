//! Fits the temperature under which the gold labels are most likely.
//!
//! The probabilities are those of `newsdesk-model`: the logits of each window are divided by the temperature and activated,
//! then the windows are combined. Everything here is computed in logarithms, so that no probability underflows at any of the
//! temperatures that are tried.

use newsdesk_metrics::Gold;
use newsdesk_model::{Combine, Head, HeadActivation};

/// The range of temperatures that are tried.
pub(super) const RANGE: [f64; 2] = [0.05, 20.0];

/// Steps of the coarse search through the range; the neighbourhood of the best one is then searched closely.
const STEPS: usize = 60;

/// The logits and the gold labels of one article.
pub(super) struct Sample {
    /// Logits by window, then by label.
    pub(super) windows: Vec<Vec<f64>>,
    /// Tokens that each window adds to those before it: its weight in a mean.
    pub(super) new_tokens: Vec<usize>,
    pub(super) gold: Gold,
}

/// Returns the temperature with the smallest mean negative log-likelihood; `None` if it is at an end of the range, or if a
/// loss is not a number.
pub(super) fn fit_temperature(activation: HeadActivation, combine: Combine, samples: &[Sample]) -> Option<f64> {
    let loss = |log: f64| mean_loss(activation, combine, samples, log.exp());
    let [first, last] = RANGE.map(f64::ln);
    let step = (last - first) / STEPS as f64;
    let tried = (0..=STEPS).map(|i| first + step * i as f64).map(|log| (log, loss(log)));
    let (best, min_loss) = tried.min_by(|a, b| a.1.total_cmp(&b.1))?;
    // Golden-section search between the neighbours of the best step.
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = ((best - step).max(first), (best + step).min(last));
    let (mut left, mut right) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut at_left, mut at_right) = (loss(left), loss(right));
    while high - low > 1e-7 {
        if at_left <= at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - ratio * (high - low);
            at_left = loss(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + ratio * (high - low);
            at_right = loss(right);
        }
    }
    let found = (low + high) / 2.0;
    let is_inside = found - first > 1e-3 && last - found > 1e-3;
    (is_inside && min_loss.is_finite()).then(|| found.exp())
}

/// Gives a head another temperature, and converts the thresholds of its labels so that they mean the same.
pub(super) fn set_temperature(head: &mut Head, temperature: f32) {
    let factor = f64::from(head.temperature) / f64::from(temperature);
    let converted = |threshold: f32| {
        let threshold = f64::from(threshold);
        (1.0 / (1.0 + ((1.0 - threshold) / threshold).powf(factor))) as f32
    };
    if head.activation == HeadActivation::Sigmoid && head.temperature != temperature {
        head.labels.iter_mut().for_each(|label| label.threshold = label.threshold.map(converted));
    }
    head.temperature = temperature;
}

/// Returns the mean negative log-likelihood of the gold labels at a temperature, in nats. The labels of a multi-label head are
/// averaged within an article.
fn mean_loss(activation: HeadActivation, combine: Combine, samples: &[Sample], temperature: f64) -> f64 {
    let sum: f64 = samples.iter().map(|sample| sample.loss(activation, combine, temperature)).sum();
    sum / samples.len() as f64
}

impl Sample {
    fn loss(&self, activation: HeadActivation, combine: Combine, temperature: f64) -> f64 {
        match activation {
            HeadActivation::Softmax | HeadActivation::None => self.softmax_loss(combine, temperature),
            HeadActivation::Sigmoid => self.sigmoid_loss(combine, temperature),
        }
    }

    /// Returns minus the logarithm of the probability that the gold labels have together.
    fn softmax_loss(&self, combine: Combine, temperature: f64) -> f64 {
        let if_gold = |(label, log): (usize, f64)| self.gold.contains(label).then_some(log);
        // Log-probabilities of each window.
        let windows = self.windows.iter().map(|logits| {
            let scaled: Vec<f64> = logits.iter().map(|x| x / temperature).collect();
            let total = log_sum_exp(scaled.iter().copied());
            scaled.into_iter().map(move |x| x - total).collect::<Vec<f64>>()
        });
        let gold_mass = |logs: Vec<f64>| log_sum_exp(logs.into_iter().enumerate().filter_map(if_gold));
        match combine {
            Combine::Mean => {
                -log_sum_exp(windows.map(gold_mass).zip(self.log_weights()).map(|(log, weight)| log + weight))
            }
            Combine::Max => {
                let max = |a: Vec<f64>, b: Vec<f64>| a.into_iter().zip(b).map(|(a, b)| a.max(b)).collect();
                let max = windows.reduce(max).unwrap_or_default();
                let total = log_sum_exp(max.iter().copied());
                total - gold_mass(max)
            }
        }
    }

    /// Returns the mean binary cross-entropy of the labels.
    fn sigmoid_loss(&self, combine: Combine, temperature: f64) -> f64 {
        let labels = self.windows.first().map_or(0, Vec::len);
        let of_label = |label: usize| {
            let logits = self.windows.iter().map(|logits| logits[label] / temperature);
            // The probability that a label is wrong is the sigmoid of minus its logit.
            let sign = if self.gold.contains(label) { 1.0 } else { -1.0 };
            match combine {
                Combine::Mean => {
                    -log_sum_exp(logits.zip(self.log_weights()).map(|(x, weight)| log_sigmoid(sign * x) + weight))
                }
                Combine::Max => -log_sigmoid(sign * logits.fold(f64::NEG_INFINITY, f64::max)),
            }
        };
        if labels == 0 { 0.0 } else { (0..labels).map(of_label).sum::<f64>() / labels as f64 }
    }

    /// Returns the logarithm of each window's weight in a mean.
    fn log_weights(&self) -> impl Iterator<Item = f64> {
        let total: usize = self.new_tokens.iter().sum();
        self.new_tokens.iter().map(move |&new_tokens| match total {
            // A text without tokens has one window, which has no weight.
            0 => -(self.new_tokens.len() as f64).ln(),
            _ => (new_tokens as f64 / total as f64).ln(),
        })
    }
}

/// Returns the logarithm of the sum of the exponentials.
fn log_sum_exp(logs: impl Iterator<Item = f64>) -> f64 {
    let logs: Vec<f64> = logs.collect();
    let max = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if max == f64::NEG_INFINITY {
        return max;
    }
    max + logs.iter().map(|log| (log - max).exp()).sum::<f64>().ln()
}

/// Returns the logarithm of the sigmoid.
fn log_sigmoid(x: f64) -> f64 {
    x.min(0.0) - (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use newsdesk_model::Logits;
    use newsdesk_model::{Head, HeadLabel, TextLogits};
    use proptest::prelude::*;
    use std::sync::Arc;

    const KINDS: [(HeadActivation, Combine); 4] = [
        (HeadActivation::Softmax, Combine::Mean),
        (HeadActivation::Softmax, Combine::Max),
        (HeadActivation::Sigmoid, Combine::Mean),
        (HeadActivation::Sigmoid, Combine::Max),
    ];

    fn one(logits: &[f64], gold: Gold) -> Sample {
        Sample { windows: vec![logits.to_vec()], new_tokens: vec![3], gold }
    }

    /// `count` articles with the same logits; the first label is the gold label of `first` of them.
    fn repeated(logits: &[f64], first: usize, count: usize) -> Vec<Sample> {
        (0..count).map(|i| one(logits, Gold::One(usize::from(i >= first)))).collect()
    }

    #[test]
    fn the_temperature_of_two_labels_matches_the_closed_form() {
        // Three of four are correct, so the odds should be three: exp(2 / t) = 3.
        let expected = 2.0 / 3f64.ln();
        let found = fit_temperature(HeadActivation::Softmax, Combine::Mean, &repeated(&[2.0, 0.0], 3, 4)).unwrap();
        assert!((found / expected - 1.0).abs() < 1e-6, "{found} is not {expected}");
        // The same with three windows per article, combined by mean and by max.
        let windows = |sample: Sample| Sample {
            windows: vec![sample.windows[0].clone(); 3],
            new_tokens: vec![5, 2, 1],
            ..sample
        };
        for rule in [Combine::Mean, Combine::Max] {
            let samples: Vec<Sample> = repeated(&[2.0, 0.0], 3, 4).into_iter().map(windows).collect();
            let found = fit_temperature(HeadActivation::Softmax, rule, &samples).unwrap();
            assert!((found / expected - 1.0).abs() < 1e-6, "{rule}: {found}");
        }
        // A logit of 1.5 whose label is correct in four of five articles: exp(1.5 / t) = 4.
        let holds = |i: usize| one(&[1.5], Gold::All(if i < 4 { vec![0] } else { vec![] }));
        let found =
            fit_temperature(HeadActivation::Sigmoid, Combine::Mean, &(0..5).map(holds).collect::<Vec<_>>()).unwrap();
        assert!((found / (1.5 / 4f64.ln()) - 1.0).abs() < 1e-6, "{found}");
    }

    #[test]
    fn a_set_of_gold_labels_counts_with_its_total_probability() {
        // Labels 0 and 1 together are 2 exp(1 / t) times as likely as label 2.
        let sample = |i| one(&[1.0, 1.0, 0.0], if i < 9 { Gold::AnyOf(vec![0, 1]) } else { Gold::One(2) });
        let found =
            fit_temperature(HeadActivation::Softmax, Combine::Mean, &(0..10).map(sample).collect::<Vec<_>>()).unwrap();
        assert!((found / (1.0 / 4.5f64.ln()) - 1.0).abs() < 1e-6, "{found}");
    }

    #[test]
    fn without_an_optimum_inside_the_range_there_is_no_temperature() {
        let fit = |samples: &[Sample]| fit_temperature(HeadActivation::Softmax, Combine::Mean, samples);
        assert_eq!(fit(&repeated(&[2.0, 0.0], 4, 4)), None); // always correct: lower is always better
        assert_eq!(fit(&repeated(&[2.0, 0.0], 2, 4)), None); // correct half of the time: higher is always better
        assert_eq!(fit(&repeated(&[2.0, 0.0], 1, 4)), None); // wrong more often than correct
        assert_eq!(fit(&repeated(&[f64::NAN, 0.0], 3, 4)), None);
        assert_eq!(fit(&[]), None);
    }

    #[test]
    fn extreme_logits_give_finite_losses() {
        for (activation, rule) in KINDS {
            let gold = if activation == HeadActivation::Softmax { Gold::One(1) } else { Gold::All(vec![1]) };
            let sample = Sample { windows: vec![vec![400.0, -400.0]; 2], new_tokens: vec![0, 0], gold };
            let found = mean_loss(activation, rule, &[sample], 0.05);
            assert!((found / 16_000.0 - 1.0).abs() < 0.1 || (found / 8_000.0 - 1.0).abs() < 0.1, "{found}");
        }
    }

    #[test]
    fn converted_thresholds_give_the_same_labels_at_another_temperature() {
        let label = |threshold| HeadLabel { name: "a".into(), code: None, threshold };
        let labels = [None, Some(0.5), Some(0.9), Some(0.0), Some(1.0)].map(label).to_vec();
        let mut head = Head { name: "h".into(), activation: HeadActivation::Sigmoid, temperature: 0.7, labels };
        let predicted = |head: &Head| -> Vec<Vec<bool>> {
            let of = |x: f32| {
                let probabilities = head.probabilities(&Logits(vec![x; 5]));
                let labels = head.labels.iter().zip(probabilities.0);
                labels.map(|(label, p)| p >= label.threshold.unwrap_or(0.5)).collect()
            };
            (-40..40).map(|i| of(i as f32 / 7.0 + 0.01)).collect()
        };
        let before = predicted(&head);
        set_temperature(&mut head, 2.5);
        assert_eq!(predicted(&head), before);
        assert_eq!([0, 1, 3, 4].map(|i| head.labels[i].threshold), [None, Some(0.5), Some(0.0), Some(1.0)]);
        assert!(head.labels[2].threshold.is_some_and(|threshold| threshold < 0.7));
    }

    fn samples() -> impl Strategy<Value = Vec<(Vec<Vec<f64>>, usize)>> {
        let windows = prop::collection::vec(prop::collection::vec(-6.0f64..6.0, 4), 1..4);
        prop::collection::vec((windows, 0usize..4), 1..12)
    }

    fn made(drawn: &[(Vec<Vec<f64>>, usize)], activation: HeadActivation, scale: f64) -> Vec<Sample> {
        let sample = |(windows, label): &(Vec<Vec<f64>>, usize)| Sample {
            windows: windows.iter().map(|w| w.iter().map(|x| x * scale).collect()).collect(),
            new_tokens: (0..windows.len()).map(|i| 7 - 2 * i).collect(),
            gold: match activation {
                HeadActivation::Softmax if label % 2 == 0 => Gold::One(*label),
                HeadActivation::Softmax | HeadActivation::None => Gold::AnyOf(vec![*label, (*label + 1) % 4]),
                HeadActivation::Sigmoid => Gold::All((0..*label).collect()),
            },
        };
        drawn.iter().map(sample).collect()
    }

    proptest! {
        #[test]
        fn the_loss_matches_the_models_probabilities(drawn in samples(), temperature in 0.7f64..5.0) {
            for (activation, rule) in KINDS {
                let label = |i: usize| HeadLabel { name: i.to_string(), code: None, threshold: None };
                let labels = (0..4).map(label).collect();
                let head = Arc::new(Head { name: "h".into(), activation, temperature: temperature as f32, labels });
                for sample in made(&drawn, activation, 1.0) {
                    let logits = |w: &Vec<f64>| vec![Logits(w.iter().map(|&x| x as f32).collect())];
                    let windows = sample.windows.iter().map(logits).collect();
                    let text = TextLogits { windows, new_tokens: sample.new_tokens.clone(), tokens: 9 };
                    let prediction = text.prediction(std::slice::from_ref(&head), rule);
                    let p: Vec<f64> = prediction.heads[0].probabilities.0.iter().map(|&p| f64::from(p)).collect();
                    let is_gold = |label: &usize| sample.gold.contains(*label);
                    let expected = match activation {
                        HeadActivation::Softmax | HeadActivation::None => -(0..4).filter(is_gold).map(|i| p[i]).sum::<f64>().ln(),
                        HeadActivation::Sigmoid =>
                            (0..4).map(|i| -(if is_gold(&i) { p[i] } else { 1.0 - p[i] }).ln()).sum::<f64>() / 4.0,
                    };
                    let found = mean_loss(activation, rule, &[sample], temperature);
                    // f32 is too coarse for probabilities close to zero.
                    prop_assert!((found - expected).abs() < 1e-3 * (1.0 + expected) || expected > 10.0,
                        "{} is not {}", found, expected);
                }
            }
        }

        #[test]
        fn no_neighbouring_temperature_is_better(drawn in samples()) {
            for (activation, rule) in KINDS {
                let samples = made(&drawn, activation, 1.0);
                if let Some(best) = fit_temperature(activation, rule, &samples) {
                    let loss = |temperature| mean_loss(activation, rule, &samples, temperature);
                    prop_assert!([0.99, 1.01].iter().all(|factor| loss(best) <= loss(best * factor) + 1e-9));
                    // Few articles with several windows may have two local optima; the coarse search chooses between them.
                    prop_assert!([0.9, 1.1].iter().all(|factor| loss(best) <= loss(best * factor) + 5e-3));
                    prop_assert!(loss(best) <= loss(1.0) + 1e-9);
                }
            }
        }

        #[test]
        fn scaled_logits_scale_the_temperature(drawn in samples()) {
            for (activation, rule) in KINDS {
                let [one, other] = [1.0, 1.25].map(|scale| fit_temperature(activation, rule, &made(&drawn, activation, scale)));
                // Two local optima may be far apart, so compare their losses.
                if let (Some(one), Some(other)) = (one, other) {
                    let samples = made(&drawn, activation, 1.25);
                    let [a, b] = [one * 1.25, other].map(|t| mean_loss(activation, rule, &samples, t));
                    prop_assert!((a - b).abs() < 5e-3 || !(RANGE[0]..RANGE[1]).contains(&(one * 1.25)), "{} {}", a, b);
                }
            }
        }
    }
}
