//! Calibration and thresholds: counted by hand, agreeing with another program's numbers, and what holds for any scores.

use newsdesk_metrics::{BINS, Calibration, ScoredAnswer, ScoredCase, Truth, answered, calibration, threshold};
use proptest::collection::vec;
use proptest::prelude::*;

#[track_caller]
fn assert_close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
}

fn case(truth: Truth, scores: &[f64]) -> ScoredCase {
    ScoredCase { truth, scores: scores.to_vec() }
}

#[test]
fn one_label_by_hand() {
    let cases = [
        case(Truth::One(0), &[0.75, 0.25, 0.0]),    // right, in the twelfth bin
        case(Truth::One(1), &[0.75, 0.125, 0.125]), // wrong, there as well
        case(Truth::One(2), &[0.25, 0.25, 0.5]),    // right, in the eighth
    ];
    let found = calibration(&cases);
    assert_close(found.ece, (2.0 * 0.25 + 0.5) / 3.0);
    let brier = [0.0625 + 0.0625, 0.5625 + 0.765625 + 0.015625, 0.0625 + 0.0625 + 0.25];
    assert_close(found.brier, brier.iter().sum::<f64>() / 3.0);
    assert_close(found.nll, -(0.75f64.ln() + 0.125f64.ln() + 0.5f64.ln()) / 3.0);
    let bins: Vec<_> = found.bins.iter().map(|bin| (bin.answers, bin.score, bin.accuracy)).collect();
    assert_eq!(bins, [(1, 0.5, 1.0), (2, 0.75, 0.5)]);
    assert_close(found.bins[1].from, 11.0 / 15.0);
    assert_close(found.bins[1].to, 12.0 / 15.0);
}

#[test]
fn a_set_is_right_as_a_whole() {
    let found = calibration(&[case(Truth::AnyOf(vec![0, 2]), &[0.25, 0.5, 0.25])]);
    // The answer is label 1, which is not in the set; the set has half of the probability.
    assert_close(found.ece, 0.5);
    assert_close(found.brier, 0.25 + 0.25);
    assert_close(found.nll, 2f64.ln());
    let found = calibration(&[case(Truth::AnyOf(vec![1, 2]), &[0.25, 0.5, 0.25])]);
    assert_close(found.ece, 0.5);
    assert_close(found.brier, 0.0625 + 0.0625);
    assert_close(found.nll, -0.75f64.ln());
}

#[test]
fn where_all_labels_may_apply_each_is_an_answer() {
    let found = calibration(&[case(Truth::All(vec![0]), &[0.75, 0.25]), case(Truth::All(vec![]), &[0.25, 0.5])]);
    // Two of 0.25, none right; one of 0.5, not right; one of 0.75, right.
    assert_close(found.ece, (0.5 + 0.5 + 0.25) / 4.0);
    assert_close(found.brier, ((0.0625 + 0.0625) / 2.0 + (0.0625 + 0.25) / 2.0) / 2.0);
    assert_close(found.nll, -(2.0 * 0.75f64.ln() + 0.75f64.ln() + 0.5f64.ln()) / 4.0);
}

#[test]
fn edges() {
    let nothing = Calibration { ece: 0.0, brier: 0.0, nll: 0.0, bins: vec![] };
    assert_eq!(calibration(&[]), nothing);
    // The first label of equal ones is the answer; bins are closed above.
    let found = calibration(&[case(Truth::One(0), &[0.2, 0.2]), case(Truth::One(0), &[0.0, 0.0])]);
    assert_eq!(found.bins.iter().map(|bin| (bin.from, bin.answers)).collect::<Vec<_>>(), [(0.0, 1), (2.0 / 15.0, 1)]);
    assert_eq!(found.bins[0].accuracy, 1.0);
    // What was rounded to nothing is very wrong, but not infinitely.
    let found = calibration(&[case(Truth::One(1), &[1.0, 0.0]), case(Truth::All(vec![]), &[1.0])]);
    assert!((80.0..90.0).contains(&found.nll), "{found:?}");
    // A label that the head does not have.
    assert_eq!(calibration(&[case(Truth::One(7), &[1.0, 0.0])]).ece, 1.0);
}

/// The same 200 cases as the other program's: scores from one generator, and a right label.
fn cases(truth: impl Fn(usize) -> Truth) -> Vec<ScoredCase> {
    let mut state = 42u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut case = || {
        let weights = [0; 4].map(|_| 1 + random() % 1000);
        let total: u64 = weights.iter().sum();
        let scores = weights.map(|weight| weight as f64 / total as f64).to_vec();
        ScoredCase { truth: truth((random() % 4) as usize), scores }
    };
    (0..200).map(|_| case()).collect()
}

#[test]
fn another_program_finds_the_same() {
    // Computed in Python by another route: bins found by comparing with each bound, sums instead of means.
    let both = |label| vec![label, (label + 1) % 4];
    let kinds: [(Vec<ScoredCase>, [f64; 3]); 3] = [
        (cases(Truth::One), [0.18416658396336047, 0.8159999390947781, 1.629308003985567]),
        (cases(|label| Truth::AnyOf(both(label))), [0.10249021381056829, 0.4321002992314788, 0.7489474040030935]),
        (cases(|label| Truth::All(both(label))), [0.2609445572466928, 0.3291398705664642, 0.9730811956146933]),
    ];
    for (cases, expected) in kinds {
        let found = calibration(&cases);
        for (found, expected) in [found.ece, found.brier, found.nll].into_iter().zip(expected) {
            assert_close(found, expected);
        }
    }
}

#[test]
fn what_is_left_by_hand() {
    let answer = |(score, right)| ScoredAnswer { score, right };
    let answers = [(0.9, true), (0.8, false), (0.8, true), (0.3, true)].map(answer);
    let found = answered(&answers, 0.8);
    assert_eq!((found.answers, found.given, found.correct), (4, 3, 2));
    assert_eq!((found.coverage, found.accuracy), (0.75, 2.0 / 3.0));
    let nothing = answered(&answers, 0.95);
    assert_eq!((nothing.given, nothing.coverage, nothing.accuracy), (0, 0.0, 0.0));
    assert_eq!(answered(&[], 0.5).coverage, 0.0);
}

#[test]
fn a_threshold_takes_enough_answers() {
    // A hundred right ones above, then every other one wrong.
    let answer = |i: u32| ScoredAnswer { score: 1.0 - f64::from(i) / 1000.0, right: i < 100 || i.is_multiple_of(2) };
    let answers: Vec<ScoredAnswer> = (0..200).map(answer).collect();
    // One wrong answer among 93 and more is few enough for 0.95; two of 124.
    let found = threshold(&answers, 0.95).expect("it is reached");
    assert_eq!((found.given, found.correct), (103, 102));
    assert_eq!(found.min_score, answers[102].score);
    assert_eq!(threshold(&answers, 0.99), None);
    assert_eq!(threshold(&answers[..58], 0.95), None);
    assert_eq!(threshold(&answers[..59], 0.95).map(|found| found.given), Some(59));
    assert_eq!(threshold(&[], 0.5), None);
    // Answers of one score are taken together or not at all.
    let flat: Vec<ScoredAnswer> = answers.iter().map(|answer| ScoredAnswer { score: 0.5, ..*answer }).collect();
    assert_eq!(threshold(&flat, 0.8), None);
    assert_eq!(threshold(&flat, 0.6).map(|found| (found.given, found.min_score)), Some((200, 0.5)));
}

fn any_truth() -> impl Strategy<Value = Truth> {
    prop_oneof![
        (0usize..5).prop_map(Truth::One),
        vec(0usize..5, 0..4).prop_map(Truth::AnyOf),
        vec(0usize..5, 0..4).prop_map(Truth::All),
    ]
}

fn any_case() -> impl Strategy<Value = ScoredCase> {
    (any_truth(), vec(0.001f64..1.0, 4)).prop_map(|(truth, weights)| {
        let total: f64 = weights.iter().sum();
        ScoredCase { truth, scores: weights.iter().map(|weight| weight / total).collect() }
    })
}

fn any_answers() -> impl Strategy<Value = Vec<ScoredAnswer>> {
    let answer = (0u32..=50, any::<bool>());
    vec(answer.prop_map(|(score, right)| ScoredAnswer { score: f64::from(score) / 50.0, right }), 0..300)
}

proptest! {
    #[test]
    fn figures_stay_in_their_ranges(cases in vec(any_case(), 0..40)) {
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
    fn a_set_of_one_is_one_label(label in 0usize..4, scores in vec(0.0f64..0.25, 4)) {
        let of = |truth| calibration(&[ScoredCase { truth, scores: scores.clone() }]);
        prop_assert_eq!(of(Truth::One(label)), of(Truth::AnyOf(vec![label])));
    }

    #[test]
    fn scores_that_say_how_often_they_are_right_have_no_error(right in 1u32..20, wrong in 0u32..20) {
        let share = f64::from(right) / f64::from(right + wrong);
        let case = |i| ScoredCase { truth: Truth::All(if i < right { vec![0] } else { vec![] }), scores: vec![share] };
        let found = calibration(&(0..right + wrong).map(case).collect::<Vec<_>>());
        prop_assert!(found.ece < 1e-12);
    }

    #[test]
    fn a_threshold_keeps_what_it_says(answers in any_answers(), precision in 0.5f64..0.99) {
        if let Some(found) = threshold(&answers, precision) {
            prop_assert_eq!(found, answered(&answers, found.min_score));
            prop_assert!(found.accuracy >= precision);
            // Less is asked, more is given.
            let lower = threshold(&answers, precision - 0.1).expect("a lower precision is reached as well");
            prop_assert!(lower.min_score <= found.min_score && lower.coverage >= found.coverage);
        }
    }

    #[test]
    fn a_higher_score_gives_fewer_answers(answers in any_answers(), low in 0.0f64..1.0, more in 0.0f64..1.0) {
        let (low, high) = (answered(&answers, low), answered(&answers, low + more));
        prop_assert!(high.given <= low.given && high.correct <= low.correct);
        prop_assert!(low.correct <= low.given && low.given <= low.answers);
    }
}
