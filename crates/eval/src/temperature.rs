//! Raw logits and what is right to the temperature under which the model thinks that most probable.
//!
//! The probabilities are those of `newsdesk-model`: each window's logits are divided by the temperature and activated,
//! then the windows are combined. All of it is done in logarithms here, so that no probability is rounded to nothing at
//! the temperatures that are tried.

use newsdesk_metrics::Truth;
use newsdesk_model::{Combine, HeadActivation};

/// The temperatures that are tried.
pub(crate) const RANGE: [f64; 2] = [0.05, 20.0];

/// Steps in which the range is gone through before the best of them is looked at closely.
const STEPS: usize = 60;

/// What a head said about one article, and what is right.
pub(crate) struct Sample {
    /// Logits by window.
    pub(crate) windows: Vec<Vec<f64>>,
    /// Tokens that each window adds: its weight in a mean.
    pub(crate) adds: Vec<usize>,
    pub(crate) truth: Truth,
}

/// The temperature with the least mean negative log-likelihood; `None` if it is at an end of the range, or if there is
/// none because logits are not numbers.
pub(crate) fn fit(activation: HeadActivation, rule: Combine, samples: &[Sample]) -> Option<f64> {
    let loss = |log: f64| mean_loss(activation, rule, samples, log.exp());
    let [first, last] = RANGE.map(f64::ln);
    let step = (last - first) / STEPS as f64;
    let tried = (0..=STEPS).map(|i| first + step * i as f64).map(|log| (log, loss(log)));
    let (best, least) = tried.min_by(|a, b| a.1.total_cmp(&b.1))?;
    // Golden section search between the neighbours of the best step.
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
    (is_inside && least.is_finite()).then(|| found.exp())
}

/// Mean negative log-likelihood of what is right at a temperature, in nats. Labels of which any number may hold are
/// averaged within an article.
pub(crate) fn mean_loss(activation: HeadActivation, rule: Combine, samples: &[Sample], temperature: f64) -> f64 {
    let sum: f64 = samples.iter().map(|sample| sample.loss(activation, rule, temperature)).sum();
    sum / samples.len() as f64
}

impl Sample {
    fn loss(&self, activation: HeadActivation, rule: Combine, temperature: f64) -> f64 {
        match activation {
            HeadActivation::Softmax => self.softmax_loss(rule, temperature),
            HeadActivation::Sigmoid => self.sigmoid_loss(rule, temperature),
        }
    }

    /// Minus the logarithm of the probability that the right labels have together.
    fn softmax_loss(&self, rule: Combine, temperature: f64) -> f64 {
        let right = |(label, log): (usize, f64)| self.truth.names(label).then_some(log);
        // Logarithms of the windows' probabilities.
        let windows = self.windows.iter().map(|logits| {
            let scaled: Vec<f64> = logits.iter().map(|x| x / temperature).collect();
            let total = log_sum(scaled.iter().copied());
            scaled.into_iter().map(move |x| x - total).collect::<Vec<f64>>()
        });
        let mass = |logs: Vec<f64>| log_sum(logs.into_iter().enumerate().filter_map(right));
        match rule {
            Combine::Mean => -log_sum(windows.map(mass).zip(self.log_shares()).map(|(log, share)| log + share)),
            Combine::Max => {
                let largest = |a: Vec<f64>, b: Vec<f64>| a.into_iter().zip(b).map(|(a, b)| a.max(b)).collect();
                let largest = windows.reduce(largest).unwrap_or_default();
                let total = log_sum(largest.iter().copied());
                total - mass(largest)
            }
        }
    }

    /// The mean binary cross-entropy of the labels.
    fn sigmoid_loss(&self, rule: Combine, temperature: f64) -> f64 {
        let labels = self.windows.first().map_or(0, Vec::len);
        let of_label = |label: usize| {
            let logits = self.windows.iter().map(|logits| logits[label] / temperature);
            // The probability that a label does not hold is the sigmoid of minus its logit.
            let sign = if self.truth.names(label) { 1.0 } else { -1.0 };
            match rule {
                Combine::Mean => {
                    -log_sum(logits.zip(self.log_shares()).map(|(x, share)| log_sigmoid(sign * x) + share))
                }
                Combine::Max => -log_sigmoid(sign * logits.fold(f64::NEG_INFINITY, f64::max)),
            }
        };
        if labels == 0 { 0.0 } else { (0..labels).map(of_label).sum::<f64>() / labels as f64 }
    }

    /// The logarithm of each window's weight in a mean.
    fn log_shares(&self) -> impl Iterator<Item = f64> {
        let total: usize = self.adds.iter().sum();
        self.adds.iter().map(move |&adds| match total {
            // A text without tokens has one window and no weight.
            0 => -(self.adds.len() as f64).ln(),
            _ => (adds as f64 / total as f64).ln(),
        })
    }
}

/// The logarithm of the sum of what these are the logarithms of.
fn log_sum(logs: impl Iterator<Item = f64>) -> f64 {
    let logs: Vec<f64> = logs.collect();
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + logs.iter().map(|log| (log - largest).exp()).sum::<f64>().ln()
}

/// The logarithm of the sigmoid.
fn log_sigmoid(x: f64) -> f64 {
    x.min(0.0) - (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use newsdesk_model::head::Logits;
    use newsdesk_model::{Head, HeadLabel, TextLogits};
    use proptest::prelude::*;
    use std::sync::Arc;

    const KINDS: [(HeadActivation, Combine); 4] = [
        (HeadActivation::Softmax, Combine::Mean),
        (HeadActivation::Softmax, Combine::Max),
        (HeadActivation::Sigmoid, Combine::Mean),
        (HeadActivation::Sigmoid, Combine::Max),
    ];

    fn one(logits: &[f64], truth: Truth) -> Sample {
        Sample { windows: vec![logits.to_vec()], adds: vec![3], truth }
    }

    /// So many articles with the same logits, of which the first label is right in so many.
    fn repeated(logits: &[f64], right: usize, of: usize) -> Vec<Sample> {
        (0..of).map(|i| one(logits, Truth::One(usize::from(i >= right)))).collect()
    }

    #[test]
    fn two_labels_have_a_temperature_in_closed_form() {
        // Three of four are right, so the odds should be three: exp(2 / t) = 3.
        let expected = 2.0 / 3f64.ln();
        let found = fit(HeadActivation::Softmax, Combine::Mean, &repeated(&[2.0, 0.0], 3, 4)).unwrap();
        assert!((found / expected - 1.0).abs() < 1e-6, "{found} is not {expected}");
        // The same as windows of one article, and by the largest of them.
        let windows =
            |sample: Sample| Sample { windows: vec![sample.windows[0].clone(); 3], adds: vec![5, 2, 1], ..sample };
        for rule in [Combine::Mean, Combine::Max] {
            let samples: Vec<Sample> = repeated(&[2.0, 0.0], 3, 4).into_iter().map(windows).collect();
            let found = fit(HeadActivation::Softmax, rule, &samples).unwrap();
            assert!((found / expected - 1.0).abs() < 1e-6, "{rule}: {found}");
        }
        // A sigmoid of 1.5 that holds in four of five cases: exp(1.5 / t) = 4.
        let holds = |i: usize| one(&[1.5], Truth::All(if i < 4 { vec![0] } else { vec![] }));
        let found = fit(HeadActivation::Sigmoid, Combine::Mean, &(0..5).map(holds).collect::<Vec<_>>()).unwrap();
        assert!((found / (1.5 / 4f64.ln()) - 1.0).abs() < 1e-6, "{found}");
    }

    #[test]
    fn a_set_is_its_mass() {
        // Labels 0 and 1 together have 2 exp(1 / t) parts of the probability, label 2 has one.
        let sample = |i| one(&[1.0, 1.0, 0.0], if i < 9 { Truth::AnyOf(vec![0, 1]) } else { Truth::One(2) });
        let found = fit(HeadActivation::Softmax, Combine::Mean, &(0..10).map(sample).collect::<Vec<_>>()).unwrap();
        assert!((found / (1.0 / 4.5f64.ln()) - 1.0).abs() < 1e-6, "{found}");
    }

    #[test]
    fn what_has_no_best_temperature_has_none() {
        let fit = |samples: &[Sample]| fit(HeadActivation::Softmax, Combine::Mean, samples);
        assert_eq!(fit(&repeated(&[2.0, 0.0], 4, 4)), None); // never sure enough
        assert_eq!(fit(&repeated(&[2.0, 0.0], 2, 4)), None); // never unsure enough
        assert_eq!(fit(&repeated(&[2.0, 0.0], 1, 4)), None); // wrong more often than right
        assert_eq!(fit(&repeated(&[f64::NAN, 0.0], 3, 4)), None);
        assert_eq!(fit(&[]), None);
    }

    #[test]
    fn extremes_stay_numbers() {
        for (activation, rule) in KINDS {
            let truth = if activation == HeadActivation::Softmax { Truth::One(1) } else { Truth::All(vec![1]) };
            let sample = Sample { windows: vec![vec![400.0, -400.0]; 2], adds: vec![0, 0], truth };
            let found = mean_loss(activation, rule, &[sample], 0.05);
            assert!((found / 16_000.0 - 1.0).abs() < 0.1 || (found / 8_000.0 - 1.0).abs() < 0.1, "{found}");
        }
    }

    fn samples() -> impl Strategy<Value = Vec<(Vec<Vec<f64>>, usize)>> {
        let windows = prop::collection::vec(prop::collection::vec(-6.0f64..6.0, 4), 1..4);
        prop::collection::vec((windows, 0usize..4), 1..12)
    }

    fn made(drawn: &[(Vec<Vec<f64>>, usize)], activation: HeadActivation, scale: f64) -> Vec<Sample> {
        let sample = |(windows, label): &(Vec<Vec<f64>>, usize)| Sample {
            windows: windows.iter().map(|w| w.iter().map(|x| x * scale).collect()).collect(),
            adds: (0..windows.len()).map(|i| 7 - 2 * i).collect(),
            truth: match activation {
                HeadActivation::Softmax if label % 2 == 0 => Truth::One(*label),
                HeadActivation::Softmax => Truth::AnyOf(vec![*label, (*label + 1) % 4]),
                HeadActivation::Sigmoid => Truth::All((0..*label).collect()),
            },
        };
        drawn.iter().map(sample).collect()
    }

    proptest! {
        #[test]
        fn the_loss_is_that_of_the_models_probabilities(drawn in samples(), temperature in 0.7f64..5.0) {
            for (activation, rule) in KINDS {
                let label = |i: usize| HeadLabel { name: i.to_string(), code: None, threshold: None };
                let labels = (0..4).map(label).collect();
                let head = Arc::new(Head { name: "h".into(), activation, temperature: temperature as f32, labels });
                for sample in made(&drawn, activation, 1.0) {
                    let logits = |w: &Vec<f64>| vec![Logits(w.iter().map(|&x| x as f32).collect())];
                    let windows = sample.windows.iter().map(logits).collect();
                    let text = TextLogits { windows, adds: sample.adds.clone(), tokens: 9 };
                    let answer = text.prediction(std::slice::from_ref(&head), rule);
                    let p: Vec<f64> = answer.heads[0].probabilities.0.iter().map(|&p| f64::from(p)).collect();
                    let right = |label: &usize| sample.truth.names(*label);
                    let expected = match activation {
                        HeadActivation::Softmax => -(0..4).filter(right).map(|i| p[i]).sum::<f64>().ln(),
                        HeadActivation::Sigmoid =>
                            (0..4).map(|i| -(if right(&i) { p[i] } else { 1.0 - p[i] }).ln()).sum::<f64>() / 4.0,
                    };
                    let found = mean_loss(activation, rule, &[sample], temperature);
                    // Where nearly nothing is left of one, single precision says little.
                    prop_assert!((found - expected).abs() < 1e-3 * (1.0 + expected) || expected > 10.0,
                        "{} is not {}", found, expected);
                }
            }
        }

        #[test]
        fn nothing_nearby_is_better(drawn in samples()) {
            for (activation, rule) in KINDS {
                let samples = made(&drawn, activation, 1.0);
                if let Some(best) = fit(activation, rule, &samples) {
                    let loss = |temperature| mean_loss(activation, rule, &samples, temperature);
                    prop_assert!([0.99, 1.01].iter().all(|factor| loss(best) <= loss(best * factor) + 1e-9));
                    // Few articles of several windows may have two best temperatures; which is better is told by steps.
                    prop_assert!([0.9, 1.1].iter().all(|factor| loss(best) <= loss(best * factor) + 5e-3));
                    prop_assert!(loss(best) <= loss(1.0) + 1e-9);
                }
            }
        }

        #[test]
        fn larger_logits_want_a_larger_temperature(drawn in samples()) {
            for (activation, rule) in KINDS {
                let [one, other] = [1.0, 1.25].map(|scale| fit(activation, rule, &made(&drawn, activation, scale)));
                // Several best temperatures may be far apart, so compare what they reach.
                if let (Some(one), Some(other)) = (one, other) {
                    let samples = made(&drawn, activation, 1.25);
                    let [a, b] = [one * 1.25, other].map(|t| mean_loss(activation, rule, &samples, t));
                    prop_assert!((a - b).abs() < 5e-3 || !(RANGE[0]..RANGE[1]).contains(&(one * 1.25)), "{} {}", a, b);
                }
            }
        }
    }
}
