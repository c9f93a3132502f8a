//! Compares every metric on two hundred random data sets with scikit-learn, SciPy and NumPy (`golden/make.py`).
#![allow(clippy::unwrap_used, clippy::panic)]

use newsdesk_metrics::{
    Case, ConfusionMatrix, Gold, PrecisionRecallF1, Report, ScoredCase, ScoredPrediction, calibration, coverage_curve,
    difference, multi_label, single_label, top_k,
};
use serde::Deserialize;

/// Precision, recall and F1.
type Triple = [f64; 3];

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Golden {
    Single {
        labels: usize,
        truth: Vec<usize>,
        scores: Vec<Vec<f64>>,
        accuracy: f64,
        balanced_accuracy: f64,
        averages: GoldenAverages,
        mcc: f64,
        kappa: f64,
        confusion: Vec<Vec<u64>>,
        top_k: Vec<f64>,
        brier: f64,
        ece: f64,
        /// Mean score and accuracy, by bin.
        reliability: [Vec<f64>; 2],
        /// Score, accepted predictions, correct predictions among them.
        coverage: Vec<(f64, u64, u64)>,
    },
    Multi {
        labels: usize,
        truth: Vec<Vec<u8>>,
        scores: Vec<Vec<f64>>,
        accuracy: f64,
        macro_f1: f64,
        micro: Triple,
        weighted: Option<Triple>,
        samples: Option<Triple>,
        precision_at: Vec<f64>,
        brier: f64,
        ece: f64,
    },
    Paired {
        first: Vec<u8>,
        second: Vec<u8>,
        mcnemar: f64,
    },
}

#[derive(Deserialize)]
struct GoldenAverages {
    r#macro: Triple,
    micro: Triple,
    weighted: Triple,
}

#[track_caller]
fn close(what: &str, found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{what}: {found} is not {expected}");
}

#[track_caller]
fn all_close(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}: {found:?} is not {expected:?}");
    found.iter().zip(expected).for_each(|(found, expected)| close(what, *found, *expected));
}

#[track_caller]
fn scores_close(what: &str, found: PrecisionRecallF1, expected: &Triple) {
    all_close(what, &[found.precision, found.recall, found.f1], expected);
}

fn names(labels: usize) -> Vec<String> {
    (0..labels).map(|label| label.to_string()).collect()
}

/// Returns the first of the best labels, like NumPy's `argmax`.
fn best(scores: &[f64]) -> usize {
    (0..scores.len()).rev().max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap()
}

fn case(gold: Gold, predicted: Vec<usize>) -> Case {
    Case { gold, predicted, also_correct: vec![], data_set_label: None }
}

fn scored(gold: Gold, scores: &[f64]) -> ScoredCase {
    ScoredCase { gold, scores: scores.to_vec() }
}

fn indices(flags: &[u8]) -> Vec<usize> {
    (0..flags.len()).filter(|&label| flags[label] == 1).collect()
}

#[test]
fn metrics_agree_with_scikit_learn() {
    let golden: Vec<Golden> = serde_json::from_str(include_str!("golden/golden.json")).unwrap();
    assert_eq!(golden.len(), 200);
    golden.into_iter().for_each(check);
}

fn check(golden: Golden) {
    match golden {
        Golden::Single {
            labels,
            truth,
            scores,
            accuracy,
            balanced_accuracy,
            averages,
            mcc,
            kappa,
            confusion,
            top_k: expected_top_k,
            brier,
            ece,
            reliability,
            coverage: expected_coverage,
        } => {
            let rows = || truth.iter().zip(&scores);
            let cases: Vec<Case> = rows().map(|(&truth, scores)| case(Gold::One(truth), vec![best(scores)])).collect();
            let report = single_label(&names(labels), &cases);
            close("accuracy", report.accuracy, accuracy);
            close("balanced accuracy", report.macro_recall, balanced_accuracy);
            close("macro-F1", report.macro_f1, averages.r#macro[2]);
            scores_close("macro", report.averages.macro_average, &averages.r#macro);
            scores_close("micro", report.averages.micro_average, &averages.micro);
            scores_close("weighted", report.averages.weighted_average, &averages.weighted);
            close("MCC", report.mcc.unwrap(), mcc);
            let found = ConfusionMatrix::by_label(&names(labels), &cases);
            close("kappa", found.kappa().unwrap(), kappa);
            assert_eq!(found.counts, confusion);

            let scored: Vec<ScoredCase> = rows().map(|(&truth, scores)| scored(Gold::One(truth), scores)).collect();
            all_close("top k", &top_k(&scored, labels), &expected_top_k);
            let found = calibration(&scored);
            close("Brier", found.brier, brier);
            close("ECE", found.ece, ece);
            all_close("score by bin", &found.bins.iter().map(|bin| bin.score).collect::<Vec<_>>(), &reliability[0]);
            all_close(
                "accuracy by bin",
                &found.bins.iter().map(|bin| bin.accuracy).collect::<Vec<_>>(),
                &reliability[1],
            );

            let prediction = |(&truth, scores): (&usize, &Vec<f64>)| {
                let best = best(scores);
                ScoredPrediction { score: scores[best], is_correct: best == truth }
            };
            let predictions: Vec<ScoredPrediction> = rows().map(prediction).collect();
            let found: Vec<(f64, u64, u64)> =
                coverage_curve(&predictions).iter().map(|of| (of.min_score, of.accepted, of.correct)).collect();
            assert_eq!(found, expected_coverage);
        }
        Golden::Multi {
            labels,
            truth,
            scores,
            accuracy,
            macro_f1,
            micro,
            weighted,
            samples,
            precision_at,
            brier,
            ece,
        } => {
            let rows = || truth.iter().zip(&scores);
            let predicted = |scores: &[f64]| (0..labels).filter(|&label| scores[label] >= 0.5).collect();
            let cases: Vec<Case> =
                rows().map(|(truth, scores)| case(Gold::All(indices(truth)), predicted(scores))).collect();
            let Report { accuracy: found, averages, macro_f1: found_macro, .. } = multi_label(&names(labels), &cases);
            close("subset accuracy", found, accuracy);
            close("macro-F1", found_macro, macro_f1);
            scores_close("micro", averages.micro_average, &micro);
            if let Some(weighted) = weighted {
                scores_close("weighted", averages.weighted_average, &weighted);
            }
            if let Some(samples) = samples {
                scores_close("samples", averages.sample_average.unwrap(), &samples);
            }
            let scored: Vec<ScoredCase> =
                rows().map(|(truth, scores)| scored(Gold::All(indices(truth)), scores)).collect();
            all_close("precision at k", &top_k(&scored, labels), &precision_at);
            let found = calibration(&scored);
            close("Brier", found.brier, brier);
            close("ECE", found.ece, ece);
        }
        Golden::Paired { first, second, mcnemar } => {
            let flags = |flags: &[u8]| flags.iter().map(|&flag| flag == 1).collect::<Vec<bool>>();
            let found = difference(&flags(&first), &flags(&second));
            close("McNemar", found.p, mcnemar);
            let mean = |flags: &[u8]| flags.iter().map(|&flag| f64::from(flag)).sum::<f64>() / flags.len() as f64;
            close("difference", found.accuracy, mean(&second) - mean(&first));
            assert!(found.interval.low <= found.accuracy && found.accuracy <= found.interval.high);
        }
    }
}

/// scikit-learn refuses empty data or returns NaN. Here all metrics are 0.
#[test]
fn metrics_of_empty_data_are_zero() {
    let report = single_label(&names(3), &[]);
    assert_eq!((report.accuracy, report.mcc, report.averages.weighted_average.f1), (0.0, Some(0.0), 0.0));
    assert_eq!(multi_label(&names(3), &[]).averages.sample_average, Some(PrecisionRecallF1::default()));
    assert_eq!(top_k(&[], 2), [0.0, 0.0]);
    assert_eq!(calibration(&[]).ece, 0.0);
    assert_eq!(coverage_curve(&[]), []);
}
