//! Calibration and thresholds: values computed by hand, values of an independent implementation, and properties.

use newsdesk_metrics::{
    BINS, Calibration, Gold, ScoredCase, ScoredPrediction, calibration, selective_accuracy, threshold_for_precision,
};
use proptest::collection::vec;
use proptest::prelude::*;

#[track_caller]
fn assert_close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
}

fn case(gold: Gold, scores: &[f64]) -> ScoredCase {
    ScoredCase { gold, scores: scores.to_vec() }
}

#[test]
fn one_gold_label_by_hand() {
    let cases = [
        case(Gold::One(0), &[0.75, 0.25, 0.0]),    // correct, in the twelfth bin
        case(Gold::One(1), &[0.75, 0.125, 0.125]), // wrong, in the twelfth bin
        case(Gold::One(2), &[0.25, 0.25, 0.5]),    // correct, in the eighth bin
    ];
    let found = calibration(&cases);
    assert_close(found.ece, (2.0 * 0.25 + 0.5) / 3.0);
    let brier = [0.0625 + 0.0625, 0.5625 + 0.765625 + 0.015625, 0.0625 + 0.0625 + 0.25];
    assert_close(found.brier, brier.iter().sum::<f64>() / 3.0);
    assert_close(found.nll, -(0.75f64.ln() + 0.125f64.ln() + 0.5f64.ln()) / 3.0);
    let bins: Vec<_> = found.bins.iter().map(|bin| (bin.predictions, bin.score, bin.accuracy)).collect();
    assert_eq!(bins, [(1, 0.5, 1.0), (2, 0.75, 0.5)]);
    assert_close(found.bins[1].from, 11.0 / 15.0);
    assert_close(found.bins[1].to, 12.0 / 15.0);
}

#[test]
fn allowed_labels_count_together() {
    let found = calibration(&[case(Gold::AnyOf(vec![0, 2]), &[0.25, 0.5, 0.25])]);
    // The prediction is label 1, which is not allowed. The allowed labels have half of the probability.
    assert_close(found.ece, 0.5);
    assert_close(found.brier, 0.25 + 0.25);
    assert_close(found.nll, 2f64.ln());
    let found = calibration(&[case(Gold::AnyOf(vec![1, 2]), &[0.25, 0.5, 0.25])]);
    assert_close(found.ece, 0.5);
    assert_close(found.brier, 0.0625 + 0.0625);
    assert_close(found.nll, -0.75f64.ln());
}

#[test]
fn each_label_of_a_multi_label_head_is_a_prediction() {
    let found = calibration(&[case(Gold::All(vec![0]), &[0.75, 0.25]), case(Gold::All(vec![]), &[0.25, 0.5])]);
    // Two predictions of 0.25 and one of 0.5 are wrong, one of 0.75 is correct.
    assert_close(found.ece, (0.5 + 0.5 + 0.25) / 4.0);
    assert_close(found.brier, ((0.0625 + 0.0625) / 2.0 + (0.0625 + 0.25) / 2.0) / 2.0);
    assert_close(found.nll, -(2.0 * 0.75f64.ln() + 0.75f64.ln() + 0.5f64.ln()) / 4.0);
}

#[test]
fn edge_cases() {
    let empty = Calibration { ece: 0.0, brier: 0.0, nll: 0.0, bins: vec![] };
    assert_eq!(calibration(&[]), empty);
    // Of equal scores the first label is the prediction. Bins include their upper end.
    let found = calibration(&[case(Gold::One(0), &[0.2, 0.2]), case(Gold::One(0), &[0.0, 0.0])]);
    assert_eq!(
        found.bins.iter().map(|bin| (bin.from, bin.predictions)).collect::<Vec<_>>(),
        [(0.0, 1), (2.0 / 15.0, 1)]
    );
    assert_eq!(found.bins[0].accuracy, 1.0);
    // A probability of zero has a large but finite loss.
    let found = calibration(&[case(Gold::One(1), &[1.0, 0.0]), case(Gold::All(vec![]), &[1.0])]);
    assert!((80.0..90.0).contains(&found.nll), "{found:?}");
    // The head has no such label.
    assert_eq!(calibration(&[case(Gold::One(7), &[1.0, 0.0])]).ece, 1.0);
}

/// Returns the 200 cases that the independent implementation used: scores and gold labels from one generator.
fn cases(gold: impl Fn(usize) -> Gold) -> Vec<ScoredCase> {
    let mut state = 42u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut case = || {
        let weights = [0; 4].map(|_| 1 + random() % 1000);
        let total: u64 = weights.iter().sum();
        let scores = weights.map(|weight| weight as f64 / total as f64).to_vec();
        ScoredCase { gold: gold((random() % 4) as usize), scores }
    };
    (0..200).map(|_| case()).collect()
}

#[test]
fn calibration_agrees_with_an_independent_implementation() {
    // Computed in Python in another way: bins found by comparing with each bound, sums instead of means.
    let both = |label| vec![label, (label + 1) % 4];
    let kinds: [(Vec<ScoredCase>, [f64; 3]); 3] = [
        (cases(Gold::One), [0.18416658396336047, 0.8159999390947781, 1.629308003985567]),
        (cases(|label| Gold::AnyOf(both(label))), [0.10249021381056829, 0.4321002992314788, 0.7489474040030935]),
        (cases(|label| Gold::All(both(label))), [0.2609445572466928, 0.3291398705664642, 0.9730811956146933]),
    ];
    for (cases, expected) in kinds {
        let found = calibration(&cases);
        for (found, expected) in [found.ece, found.brier, found.nll].into_iter().zip(expected) {
            assert_close(found, expected);
        }
    }
}

#[test]
fn selective_accuracy_by_hand() {
    let prediction = |(score, is_correct)| ScoredPrediction { score, is_correct };
    let predictions = [(0.9, true), (0.8, false), (0.8, true), (0.3, true)].map(prediction);
    let found = selective_accuracy(&predictions, 0.8);
    assert_eq!((found.predictions, found.accepted, found.correct), (4, 3, 2));
    assert_eq!((found.coverage, found.accuracy), (0.75, 2.0 / 3.0));
    let none = selective_accuracy(&predictions, 0.95);
    assert_eq!((none.accepted, none.coverage, none.accuracy), (0, 0.0, 0.0));
    assert_eq!(selective_accuracy(&[], 0.5).coverage, 0.0);
}

#[test]
fn threshold_needs_enough_predictions() {
    // The hundred highest scores are correct, then every other one is wrong.
    let prediction =
        |i: u32| ScoredPrediction { score: 1.0 - f64::from(i) / 1000.0, is_correct: i < 100 || i.is_multiple_of(2) };
    let predictions: Vec<ScoredPrediction> = (0..200).map(prediction).collect();
    // One error among 93 predictions is few enough for 0.95; two need 124.
    let found = threshold_for_precision(&predictions, 0.95).expect("it is reached");
    assert_eq!((found.accepted, found.correct), (103, 102));
    assert_eq!(found.min_score, predictions[102].score);
    assert_eq!(threshold_for_precision(&predictions, 0.99), None);
    assert_eq!(threshold_for_precision(&predictions[..58], 0.95), None);
    assert_eq!(threshold_for_precision(&predictions[..59], 0.95).map(|found| found.accepted), Some(59));
    assert_eq!(threshold_for_precision(&[], 0.5), None);
    // Predictions of equal scores are accepted together or not at all.
    let flat: Vec<ScoredPrediction> =
        predictions.iter().map(|prediction| ScoredPrediction { score: 0.5, ..*prediction }).collect();
    assert_eq!(threshold_for_precision(&flat, 0.8), None);
    assert_eq!(threshold_for_precision(&flat, 0.6).map(|found| (found.accepted, found.min_score)), Some((200, 0.5)));
}

fn any_gold() -> impl Strategy<Value = Gold> {
    prop_oneof![
        (0usize..5).prop_map(Gold::One),
        vec(0usize..5, 0..4).prop_map(Gold::AnyOf),
        vec(0usize..5, 0..4).prop_map(Gold::All),
    ]
}

fn any_case() -> impl Strategy<Value = ScoredCase> {
    (any_gold(), vec(0.001f64..1.0, 4)).prop_map(|(gold, weights)| {
        let total: f64 = weights.iter().sum();
        ScoredCase { gold, scores: weights.iter().map(|weight| weight / total).collect() }
    })
}

fn any_predictions() -> impl Strategy<Value = Vec<ScoredPrediction>> {
    let prediction = (0u32..=50, any::<bool>())
        .prop_map(|(score, is_correct)| ScoredPrediction { score: f64::from(score) / 50.0, is_correct });
    vec(prediction, 0..300)
}

proptest! {
    #[test]
    fn calibration_metrics_are_within_their_ranges(cases in vec(any_case(), 0..40)) {
        let found = calibration(&cases);
        prop_assert!((0.0..=1.0).contains(&found.ece) && (0.0..=2.0).contains(&found.brier) && found.nll >= 0.0);
        prop_assert!(found.bins.len() <= BINS);
        prop_assert!(found.bins.windows(2).all(|pair| pair[0].to <= pair[1].from));
        for bin in &found.bins {
            prop_assert!(bin.from - 1e-9 <= bin.score && bin.score <= bin.to + 1e-9, "{:?}", bin);
        }
        let reversed: Vec<_> = cases.iter().rev().cloned().collect();
        prop_assert!((calibration(&reversed).ece - found.ece).abs() < 1e-12);
    }

    #[test]
    fn one_allowed_label_equals_one_gold_label(label in 0usize..4, scores in vec(0.0f64..0.25, 4)) {
        let of = |gold| calibration(&[ScoredCase { gold, scores: scores.clone() }]);
        prop_assert_eq!(of(Gold::One(label)), of(Gold::AnyOf(vec![label])));
    }

    #[test]
    fn perfectly_calibrated_scores_have_no_error(correct in 1u32..20, wrong in 0u32..20) {
        let share = f64::from(correct) / f64::from(correct + wrong);
        let case = |i| ScoredCase { gold: Gold::All(if i < correct { vec![0] } else { vec![] }), scores: vec![share] };
        let found = calibration(&(0..correct + wrong).map(case).collect::<Vec<_>>());
        prop_assert!(found.ece < 1e-12);
    }

    #[test]
    fn threshold_reaches_its_precision(predictions in any_predictions(), precision in 0.5f64..0.99) {
        if let Some(found) = threshold_for_precision(&predictions, precision) {
            prop_assert_eq!(found, selective_accuracy(&predictions, found.min_score));
            prop_assert!(found.accuracy >= precision);
            // A lower precision accepts more predictions.
            let lower = threshold_for_precision(&predictions, precision - 0.1).expect("a lower precision is reached as well");
            prop_assert!(lower.min_score <= found.min_score && lower.coverage >= found.coverage);
        }
    }

    #[test]
    fn higher_minimum_score_accepts_fewer_predictions(predictions in any_predictions(), low in 0.0f64..1.0, more in 0.0f64..1.0) {
        let (low, high) = (selective_accuracy(&predictions, low), selective_accuracy(&predictions, low + more));
        prop_assert!(high.accepted <= low.accepted && high.correct <= low.correct);
        prop_assert!(low.correct <= low.accepted && low.accepted <= low.predictions);
    }
}
