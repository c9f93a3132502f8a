//! Compares every metric with values computed by hand. Those of `single_label` and `multi_label` agree with scikit-learn.

use newsdesk_metrics::{Case, ConfusionMatrix, Gold, LabelReport, Report, coarse_labels, multi_label, single_label};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

fn case(gold: Gold, predicted: &[usize]) -> Case {
    Case { gold, predicted: predicted.to_vec(), also_correct: vec![], data_set_label: None }
}

fn one(gold: usize, predicted: usize) -> Case {
    case(Gold::One(gold), &[predicted])
}

#[track_caller]
fn assert_close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
}

/// Compares with expected rows of label, support, precision, recall, F1. (The number of predictions follows from these.)
#[track_caller]
fn assert_labels(report: &Report, expected: &[(&str, u64, f64, f64, f64)]) {
    assert_eq!(report.per_label.len(), expected.len());
    for (LabelReport { label, support, precision, recall, f1, .. }, row) in report.per_label.iter().zip(expected) {
        assert_eq!((label.as_str(), *support), (row.0, row.1));
        assert_close(*precision, row.2);
        assert_close(*recall, row.3);
        assert_close(*f1, row.4);
    }
}

#[test]
fn single_label_metrics() {
    // "science" is predicted once and never a gold label. "world" is a gold label once and never predicted.
    let labels = names(&["arts", "business", "science", "world"]);
    let cases = [one(0, 0), one(0, 0), one(0, 1), one(1, 1), one(1, 2), one(3, 0)];
    let report = single_label(&labels, &cases);

    assert_eq!((report.cases, report.correct, report.accuracy), (6, 3, 0.5));
    assert_labels(
        &report,
        &[
            ("arts", 3, 2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0),
            ("business", 2, 0.5, 0.5, 0.5),
            ("science", 0, 0.0, 0.0, 0.0),
            ("world", 1, 0.0, 0.0, 0.0),
        ],
    );
    assert_eq!(report.per_label.iter().map(|label| label.predicted).collect::<Vec<_>>(), [3, 2, 1, 0]);
    // scikit-learn 1.9: f1_score([0,0,0,1,1,3], [0,0,1,1,2,0], average="macro", zero_division=0), which counts
    // "science", and balanced_accuracy_score, which does not.
    assert_close(report.macro_f1, 0.29166666666666663);
    assert_close(report.macro_recall, 0.38888888888888884);
    assert_eq!((report.micro_f1, report.uses_data_set_labels), (None, false));
}

#[test]
fn any_allowed_label_counts_under_the_predicted_one() {
    let labels = names(&["arts", "business", "science"]);
    let either = || Gold::AnyOf(vec![2, 1]);
    let report = single_label(&labels, &[case(either(), &[1]), case(either(), &[0])]);
    assert_eq!(report.correct, 1);
    assert_labels(
        &report,
        &[("arts", 0, 0.0, 0.0, 0.0), ("business", 1, 1.0, 1.0, 1.0), ("science", 1, 0.0, 0.0, 0.0)],
    );
    assert_close(report.macro_f1, 1.0 / 3.0);
    assert_close(report.macro_recall, 0.5);
}

#[test]
fn lenient_accuracy_counts_also_correct_labels() {
    let labels = names(&["arts", "business", "science"]);
    let also = |case: Case, labels: &[usize]| Case { also_correct: labels.to_vec(), ..case };
    let cases = [
        also(one(0, 0), &[0, 1]), // the gold label
        also(one(0, 1), &[0, 1]), // also correct
        also(one(0, 2), &[0, 1]), // wrong
        also(one(1, 1), &[]),     // the gold label, without others
    ];
    for report in [single_label(&labels, &cases), coarse_labels(&labels, &[vec![0], vec![1], vec![2]], &cases)] {
        assert_eq!((report.accuracy, report.accuracy_lenient), (0.5, Some(0.75)));
    }
    let exact = single_label(&labels, &cases.map(|case| also(case, &[])));
    assert_eq!((exact.accuracy, exact.accuracy_lenient), (0.5, None));
    assert_eq!(single_label(&labels, &[also(case(Gold::AnyOf(vec![2, 0]), &[0]), &[1])]).accuracy_lenient, Some(1.0));
}

#[test]
fn coarse_label_metrics() {
    // The head's labels: 0 politics, 1 trade, 2 sport, 3 economy, 4 weather. Trade may be World or Business.
    let data_set_labels = names(&["World", "Sports", "Business"]);
    let sets = [vec![0, 1], vec![2], vec![3, 1]];
    let case = |gold: usize, predicted: usize| Case {
        gold: Gold::AnyOf(sets[gold].clone()),
        predicted: vec![predicted],
        also_correct: vec![],
        data_set_label: Some(gold),
    };
    let cases = [
        case(0, 1), // correct, as World
        case(0, 2), // wrong, as Sports
        case(2, 1), // correct, as Business
        case(2, 0), // wrong, as World
        case(1, 4), // wrong, as none
        case(1, 1), // wrong, as Business: of the two that contain trade, the first by name
    ];
    let report = coarse_labels(&data_set_labels, &sets, &cases);

    assert_eq!((report.cases, report.correct), (6, 2));
    assert_close(report.accuracy, 1.0 / 3.0);
    assert_labels(
        &report,
        &[("World", 2, 0.5, 0.5, 0.5), ("Sports", 2, 0.0, 0.0, 0.0), ("Business", 2, 0.5, 0.5, 0.5)],
    );
    assert_close(report.macro_f1, 1.0 / 3.0);
    assert_eq!((report.micro_f1, report.uses_data_set_labels), (None, true));
}

/// A wrong prediction counts against the label that it stands for in most correct cases, wherever that label is in the list.
#[test]
fn order_of_data_set_labels_does_not_matter() {
    let sets = [vec![0, 1], vec![2], vec![1, 3]];
    let cases = |order: [usize; 3]| -> Vec<Case> {
        let pairs = [(2, 1), (0, 1), (0, 1), (1, 1), (1, 2)];
        let case = |(gold, predicted): (usize, usize)| Case {
            gold: Gold::AnyOf(sets[gold].clone()),
            predicted: vec![predicted],
            also_correct: vec![],
            data_set_label: order.iter().position(|label| *label == gold),
        };
        pairs.map(case).to_vec()
    };
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let labels = names(&order.map(|label| ["World", "Sports", "Business"][label]));
        let report = coarse_labels(&labels, &order.map(|label| sets[label].clone()), &cases(order));
        let precision =
            |name: &str| report.per_label.iter().find(|label| label.label == name).map(|label| label.precision);
        assert_eq!(["World", "Sports", "Business"].map(precision), [2.0 / 3.0, 1.0, 1.0].map(Some), "{order:?}");
        assert_close(report.macro_f1, (0.8 + 2.0 / 3.0 + 1.0) / 3.0);
    }
}

#[test]
fn case_without_data_set_label_counts_for_accuracy_only() {
    let cases = [
        case(Gold::One(0), &[0]),
        Case { data_set_label: Some(7), ..one(0, 1) },
        Case { data_set_label: Some(1), ..one(1, 1) },
    ];
    let report = coarse_labels(&names(&["World", "Sports"]), &[vec![0], vec![1]], &cases);
    assert_eq!((report.cases, report.correct), (3, 2));
    assert_labels(&report, &[("World", 0, 0.0, 0.0, 0.0), ("Sports", 1, 1.0, 1.0, 1.0)]);
    assert_eq!(report.macro_f1, 1.0);
}

#[test]
fn multi_label_metrics() {
    // "science" is predicted once and never a gold label. "world" does not occur.
    let labels = names(&["arts", "business", "science", "world"]);
    let cases = [
        case(Gold::All(vec![0, 1]), &[0]),
        case(Gold::All(vec![0]), &[2, 0]),
        case(Gold::All(vec![]), &[]),
        case(Gold::All(vec![1]), &[1]),
        case(Gold::All(vec![1]), &[]),
    ];
    let report = multi_label(&labels, &cases);

    assert_eq!((report.cases, report.correct, report.accuracy), (5, 2, 0.4));
    assert_labels(
        &report,
        &[
            ("arts", 2, 1.0, 1.0, 1.0),
            ("business", 3, 1.0, 1.0 / 3.0, 0.5),
            ("science", 0, 0.0, 0.0, 0.0),
            ("world", 0, 0.0, 0.0, 0.0),
        ],
    );
    // scikit-learn 1.9: f1_score and recall_score with zero_division=nan, average="macro" and "micro".
    assert_close(report.macro_f1, 0.5);
    assert_close(report.macro_recall, 2.0 / 3.0);
    assert_close(report.micro_f1.expect("multi_label gives it"), 2.0 / 3.0);
    assert!(!report.uses_data_set_labels);
}

#[test]
fn kappa_of_labels_that_agree_without_being_equal() {
    // Rows a, b; columns x, y, z. a agrees with x and y, b with z.
    let counts = vec![vec![4, 2, 2], vec![1, 0, 3]];
    let confusion = ConfusionMatrix { gold: names(&["a", "b"]), predicted: names(&["x", "y", "z"]), counts };
    let agree = |gold: &str, predicted: &str| matches!((gold, predicted), ("a", "x" | "y") | ("b", "z"));
    // Observed 9 of 12. By chance 8 * 5 + 8 * 2 + 4 * 5 = 76 of 144.
    assert_close(confusion.kappa_by(agree), (9.0 / 12.0 - 76.0 / 144.0) / (1.0 - 76.0 / 144.0));
    assert_close(confusion.kappa_by(|_, _| true), 0.0);
    assert_eq!(confusion.kappa(), None);
}

#[test]
fn metrics_without_cases_or_labels_are_zero() {
    let labels = names(&["arts"]);
    for report in [single_label(&labels, &[]), coarse_labels(&labels, &[vec![0]], &[]), multi_label(&labels, &[])] {
        assert_eq!((report.cases, report.correct), (0, 0));
        assert_eq!([report.accuracy, report.macro_f1, report.macro_recall], [0.0; 3]);
        assert_labels(&report, &[("arts", 0, 0.0, 0.0, 0.0)]);
    }
    assert_eq!(multi_label(&labels, &[]).micro_f1, Some(0.0));
    assert_eq!(multi_label(&[], &[]).per_label, []);
}

#[test]
fn index_beyond_the_labels_is_wrong() {
    let labels = names(&["arts", "business"]);
    let report = single_label(&labels, &[one(0, 5), one(5, 1), one(5, 5)]);
    assert_eq!((report.cases, report.correct), (3, 0));
    assert_labels(&report, &[("arts", 1, 0.0, 0.0, 0.0), ("business", 0, 0.0, 0.0, 0.0)]);
}

#[test]
fn report_is_serialised_with_stable_field_names() {
    let report = multi_label(&names(&["arts"]), &[case(Gold::All(vec![0]), &[0])]);
    assert_eq!(
        serde_json::to_string(&report).expect("a report can be serialised"),
        r#"{"cases":1,"correct":1,"accuracy":1.0,"accuracy_lenient":null,"macro_f1":1.0,"macro_recall":1.0,"micro_f1":1.0,"#
            .to_owned()
            + r#""averages":{"macro":{"precision":1.0,"recall":1.0,"f1":1.0},"micro":{"precision":1.0,"recall":1.0,"f1":1.0},"#
            + r#""weighted":{"precision":1.0,"recall":1.0,"f1":1.0},"samples":{"precision":1.0,"recall":1.0,"f1":1.0}},"#
            + r#""mcc":null,"confusion":null,"#
            + r#""per_label":[{"label":"arts","support":1,"predicted":1,"precision":1.0,"recall":1.0,"f1":1.0}],"uses_data_set_labels":false}"#
    );
}
