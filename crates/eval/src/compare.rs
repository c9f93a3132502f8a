//! Compares predictions in one dtype with those in f32, on the same labelled articles.

use crate::cases::{HeadCases, head_cases};
use crate::error::Result;
use crate::report::{HeadReport, report};
use newsdesk_data::LabelledSet;
use newsdesk_metrics::mcnemar;
use newsdesk_model::{CertificateFigure, Head, HeadPrediction, Prediction};

/// Compares predictions in one dtype with `exact`, the predictions in f32; [`predict`](crate::predict) returns both.
///
/// Returns one entry for each head that data set and model have in common and that has labelled articles. `heads` are the model's.
///
/// # Errors
/// If data set and model have no head in common, or a label of a common head is not one of the model's.
pub fn compare_dtypes(
    set: &LabelledSet,
    heads: &[Head],
    predictions: &[Prediction],
    exact: &[Prediction],
) -> Result<Vec<CertificateFigure>> {
    let (reports, exact_reports) = (report(set, heads, predictions)?, report(set, heads, exact)?);
    let pairs = reports.heads.iter().zip(&exact_reports.heads).filter(|(measured, _)| measured.report.cases > 0);
    let (cases, exact_cases) = (head_cases(set, heads, predictions)?, head_cases(set, heads, exact)?);
    let significance = |head: &str| {
        let correct = |cases: &[HeadCases]| cases.iter().find(|cases| cases.head == head).map(HeadCases::correct);
        let pairs = correct(&cases).into_iter().flatten().zip(correct(&exact_cases).into_iter().flatten());
        let (lost, gained) = pairs.fold((0, 0), |(lost, gained), (now, before)| {
            (lost + u64::from(before && !now), gained + u64::from(now && !before))
        });
        mcnemar(lost, gained)
    };
    let figure = |(HeadReport { head, report, .. }, exact_report): (&HeadReport, &HeadReport)| {
        let set_head = set.heads.iter().position(|set_head| set_head.name == *head);
        let (mut same, mut largest_change) = (0u64, 0f64);
        for (row, (predicted, predicted_f32)) in set.articles.iter().zip(predictions.iter().zip(exact)) {
            let labelled = set_head.is_some_and(|set_head| row.gold_labels[set_head].is_some());
            if labelled && let (Some(predicted), Some(predicted_f32)) = (predicted.head(head), predicted_f32.head(head))
            {
                same += u64::from(label_set(predicted) == label_set(predicted_f32));
                largest_change = largest_change.max(score_change(predicted, predicted_f32));
            }
        }
        CertificateFigure {
            set: set.name.clone(),
            split: set.split.clone(),
            head: head.clone(),
            articles: report.cases,
            accuracy: report.accuracy,
            accuracy_f32: exact_report.report.accuracy,
            agreement: same as f64 / report.cases as f64,
            largest_change,
            p: significance(head),
        }
    };
    Ok(pairs.map(figure).collect())
}

/// Returns the predicted labels in ascending order.
fn label_set(prediction: &HeadPrediction) -> Vec<usize> {
    let mut labels: Vec<usize> = prediction.predicted().iter().map(|label| label.index).collect();
    labels.sort_unstable();
    labels
}

/// Returns the largest difference between the scores of a label; 1 if a score is not a number.
fn score_change(one: &HeadPrediction, other: &HeadPrediction) -> f64 {
    let scores = one.probabilities.0.iter().zip(&other.probabilities.0);
    let differences = scores.map(|(a, b)| f64::from((a - b).abs())).map(|d| if d.is_nan() { 1.0 } else { d });
    differences.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use newsdesk_data::{LabelledFileOptions, expand, load_labelled_files};
    use newsdesk_model::head::Probabilities;
    use newsdesk_model::{HeadActivation, HeadLabel};
    use std::sync::Arc;

    fn head(name: &str, activation: HeadActivation) -> Head {
        let label = |name: &str| HeadLabel { name: name.into(), code: None, threshold: None };
        Head { name: name.into(), activation, temperature: 1.0, labels: ["a", "b", "c"].map(label).to_vec() }
    }

    fn set(rows: &str, separator: Option<&str>) -> LabelledSet {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set.csv");
        std::fs::write(&path, format!("text,desk\n{rows}")).unwrap();
        let separator = separator.map(str::to_string);
        let options = LabelledFileOptions { head: "desk".into(), separator, ..LabelledFileOptions::default() };
        load_labelled_files(&expand(&[path.display().to_string()]).unwrap(), &options).unwrap()
    }

    /// Predictions with these scores of the head for each article, and with other scores of another head before it.
    fn predictions<const N: usize>(head: &Head, scores: [[f32; 3]; N]) -> Vec<Prediction> {
        let prediction = |(i, scores): (usize, [f32; 3])| {
            let other = Arc::new(self::head("other", HeadActivation::Softmax));
            let noise = Probabilities(vec![i as f32, scores[0], 0.5]);
            let heads = vec![
                HeadPrediction { head: other, probabilities: noise },
                HeadPrediction { head: Arc::new(head.clone()), probabilities: Probabilities(scores.to_vec()) },
            ];
            Prediction { heads, windows: 1, tokens: 1 }
        };
        scores.into_iter().enumerate().map(prediction).collect()
    }

    fn figures<const N: usize>(set: &LabelledSet, head: &Head, scores: [[[f32; 3]; N]; 2]) -> CertificateFigure {
        let heads = [self::head("other", HeadActivation::Softmax), head.clone()];
        let [exact, measured] = scores.map(|scores| predictions(head, scores));
        let mut figures = compare_dtypes(set, &heads, &measured, &exact).unwrap();
        assert_eq!(figures.len(), 1);
        figures.remove(0)
    }

    #[test]
    fn single_label_heads_are_compared_by_their_best_label() {
        let head = head("desk", HeadActivation::Softmax);
        let set = set("one,a\ntwo,b\nthree,c\nfour,a\n", None);
        let exact = [[0.75, 0.25, 0.0], [0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.75, 0.0, 0.25]];
        // No change; wrong to correct; wrong to wrong; correct to wrong.
        let measured = [[0.75, 0.25, 0.0], [0.25, 0.5, 0.25], [0.5, 0.25, 0.25], [0.125, 0.0, 0.875]];
        let figure = figures(&set, &head, [exact, measured]);
        assert_eq!((figure.articles, figure.head.as_str()), (4, "desk"));
        assert_eq!([figure.accuracy, figure.accuracy_f32, figure.agreement], [0.5, 0.5, 0.25]);
        assert_eq!(figure.largest_change, 0.625);
        let same = figures(&set, &head, [exact, exact]);
        assert_eq!([same.accuracy, same.accuracy_f32, same.agreement, same.largest_change], [0.5, 0.5, 1.0, 0.0]);
    }

    #[test]
    fn multi_label_heads_are_compared_as_sets_of_labels() {
        let head = head("desk", HeadActivation::Sigmoid);
        let set = set("one,a|b\ntwo,c\nthree,b\n", Some("|"));
        // The first article's labels swap ranks; the second article loses its only label; the third never has one.
        let exact = [[0.75, 0.625, 0.0], [0.0, 0.0, 0.5], [0.0, 0.25, 0.0]];
        let measured = [[0.625, 0.75, 0.0], [0.0, 0.0, 0.4375], [0.0, 0.0, 0.0]];
        let figure = figures(&set, &head, [exact, measured]);
        assert_eq!([figure.accuracy, figure.accuracy_f32], [1.0 / 3.0, 2.0 / 3.0]);
        assert_eq!([figure.agreement, figure.largest_change], [2.0 / 3.0, 0.25]);
    }

    #[test]
    fn a_score_that_is_not_a_number_counts_as_the_largest_change() {
        let head = head("desk", HeadActivation::Softmax);
        let broken = [[f32::NAN; 3], [0.0, 1.0, 0.0]];
        let figure = figures(&set("one,a\ntwo,b\n", None), &head, [[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], broken]);
        assert_eq!(figure.largest_change, 1.0);
    }
}
