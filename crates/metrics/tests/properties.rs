//! Properties of the metrics: ranges, independence of the order of cases, and agreement of overlapping metrics.

use newsdesk_metrics::{Averages, Case, Gold, Report, coarse_labels, multi_label, single_label};
use proptest::collection::vec;
use proptest::prelude::*;

const LABELS: usize = 5;

fn labels() -> Vec<String> {
    (0..LABELS).map(|label| format!("label {label}")).collect()
}

/// Returns gold labels and predictions of up to 40 articles with one label each.
fn pairs() -> impl Strategy<Value = Vec<(usize, usize)>> {
    vec((0..LABELS, 0..LABELS), 0..40)
}

fn cases(pairs: &[(usize, usize)], gold: impl Fn(usize) -> Gold) -> Vec<Case> {
    let case = |&(label, predicted)| Case {
        gold: gold(label),
        predicted: vec![predicted],
        also_correct: vec![],
        data_set_label: Some(label),
    };
    pairs.iter().map(case).collect()
}

fn proportions(report: &Report) -> Vec<f64> {
    let of_labels = report.per_label.iter().flat_map(|label| [label.precision, label.recall, label.f1]);
    of_labels.chain([report.accuracy, report.macro_f1, report.macro_recall]).chain(report.micro_f1).collect()
}

proptest! {
    #[test]
    fn proportions_are_between_zero_and_one(sets in vec((vec(0..LABELS + 2, 0..4), vec(0..LABELS + 2, 0..4)), 0..40)) {
        for gold in [Gold::All, Gold::AnyOf] {
            let case = |(labels, predicted): &(Vec<usize>, Vec<usize>)| Case {
                gold: gold(labels.clone()),
                predicted: predicted.clone(),
                also_correct: vec![],
                data_set_label: labels.first().copied(),
            };
            let cases: Vec<_> = sets.iter().map(case).collect();
            let candidate_sets = vec![vec![0, 1], vec![1, 2], vec![]];
            for report in [
                single_label(&labels(), &cases),
                multi_label(&labels(), &cases),
                coarse_labels(&labels(), &candidate_sets, &cases),
            ] {
                prop_assert_eq!(report.cases, cases.len() as u64);
                prop_assert!(report.correct <= report.cases);
                prop_assert!(proportions(&report).iter().all(|value| (0.0..=1.0).contains(value)));
            }
        }
    }

    #[test]
    fn sets_of_one_label_equal_single_labels(pairs in pairs()) {
        let plain = single_label(&labels(), &cases(&pairs, Gold::One));
        prop_assert_eq!(&plain, &single_label(&labels(), &cases(&pairs, |label| Gold::AnyOf(vec![label]))));
        prop_assert_eq!(&plain, &single_label(&labels(), &cases(&pairs, |label| Gold::All(vec![label]))));

        let candidate_sets: Vec<_> = (0..LABELS).map(|label| vec![label]).collect();
        let coarse = coarse_labels(&labels(), &candidate_sets, &cases(&pairs, Gold::One));
        prop_assert_eq!(&plain, &Report { uses_data_set_labels: false, mcc: plain.mcc, ..coarse });

        // With one label on both sides, micro-F1 is the accuracy.
        let multi = multi_label(&labels(), &cases(&pairs, Gold::One));
        prop_assert!((multi.micro_f1.expect("multi_label gives it") - plain.accuracy).abs() < 1e-12);
        let averages = Averages { sample_average: None, ..multi.averages };
        let mcc = plain.mcc;
        prop_assert_eq!(&plain, &Report { micro_f1: None, averages, mcc, ..multi });
    }

    #[test]
    fn order_of_cases_does_not_matter(pairs in pairs()) {
        let reversed: Vec<_> = pairs.iter().rev().copied().collect();
        let measure = |pairs: &[(usize, usize)]| single_label(&labels(), &cases(pairs, Gold::One));
        prop_assert_eq!(measure(&pairs), measure(&reversed));
    }

    #[test]
    fn supports_add_up_and_perfect_predictions_score_one(pairs in pairs()) {
        let report = single_label(&labels(), &cases(&pairs, Gold::One));
        prop_assert_eq!(report.per_label.iter().map(|label| label.support).sum::<u64>(), report.cases);

        let perfect: Vec<_> = pairs.iter().map(|&(label, _)| (label, label)).collect();
        let report = single_label(&labels(), &cases(&perfect, Gold::One));
        let expected = if pairs.is_empty() { 0.0 } else { 1.0 };
        prop_assert_eq!([report.accuracy, report.macro_f1, report.macro_recall], [expected; 3]);
    }
}
