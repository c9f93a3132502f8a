//! A model's answers in one precision beside those in f32, on the same labelled articles.

use crate::error::Result;
use crate::measure::{HeadReport, report};
use newsdesk_data::LabelledSet;
use newsdesk_model::{CertificateFigure, Head, HeadPrediction, Prediction};

/// Compares answers on a set with the answers in f32, both of which [`predict`](crate::predict) gives: one figure for
/// each head that the set has labelled articles for and shares with the model. The heads are the model's.
///
/// # Errors
/// If no head is shared, or a label of the set is not one of the model's.
pub fn compare(
    set: &LabelledSet,
    heads: &[Head],
    predictions: &[Prediction],
    exact: &[Prediction],
) -> Result<Vec<CertificateFigure>> {
    let (reports, exact_reports) = (report(set, heads, predictions, &[])?, report(set, heads, exact, &[])?);
    let pairs = reports.heads.iter().zip(&exact_reports.heads).filter(|(measured, _)| measured.report.cases > 0);
    let figure = |(HeadReport { head, report, .. }, exact_report): (&HeadReport, &HeadReport)| {
        let number = set.heads.iter().position(|taught| taught.name == *head);
        let (mut same, mut largest_change) = (0u64, 0f64);
        for (row, (here, there)) in set.articles.iter().zip(predictions.iter().zip(exact)) {
            let labelled = number.is_some_and(|number| row.targets[number].is_some());
            if labelled && let (Some(here), Some(there)) = (here.head(head), there.head(head)) {
                same += u64::from(given(here) == given(there));
                largest_change = largest_change.max(change(here, there));
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
        }
    };
    Ok(pairs.map(figure).collect())
}

/// The labels of an answer, as a set.
fn given(answer: &HeadPrediction) -> Vec<usize> {
    let mut labels: Vec<usize> = answer.given().iter().map(|label| label.index).collect();
    labels.sort_unstable();
    labels
}

/// The largest difference of a label's score; 1 where one is not a number.
fn change(here: &HeadPrediction, there: &HeadPrediction) -> f64 {
    let scores = here.probabilities.0.iter().zip(&there.probabilities.0);
    let differences = scores.map(|(a, b)| f64::from((a - b).abs())).map(|d| if d.is_nan() { 1.0 } else { d });
    differences.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use newsdesk_data::{PlainOptions, expand, load_plain};
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
        let options = PlainOptions { head: "desk".into(), separator, ..PlainOptions::default() };
        load_plain(&expand(&[path.display().to_string()]).unwrap(), &options).unwrap()
    }

    /// The head's scores for each article; another head before it says something else each time.
    fn answers<const N: usize>(head: &Head, scores: [[f32; 3]; N]) -> Vec<Prediction> {
        let answer = |(i, scores): (usize, [f32; 3])| {
            let other = Arc::new(self::head("other", HeadActivation::Softmax));
            let noise = Probabilities(vec![i as f32, scores[0], 0.5]);
            let heads = vec![
                HeadPrediction { head: other, probabilities: noise },
                HeadPrediction { head: Arc::new(head.clone()), probabilities: Probabilities(scores.to_vec()) },
            ];
            Prediction { heads, windows: 1, tokens: 1 }
        };
        scores.into_iter().enumerate().map(answer).collect()
    }

    fn figures<const N: usize>(set: &LabelledSet, head: &Head, scores: [[[f32; 3]; N]; 2]) -> CertificateFigure {
        let heads = [self::head("other", HeadActivation::Softmax), head.clone()];
        let [exact, measured] = scores.map(|scores| answers(head, scores));
        let mut figures = compare(set, &heads, &measured, &exact).unwrap();
        assert_eq!(figures.len(), 1);
        figures.remove(0)
    }

    #[test]
    fn one_label_each() {
        let head = head("desk", HeadActivation::Softmax);
        let set = set("one,a\ntwo,b\nthree,c\nfour,a\n", None);
        let exact = [[0.75, 0.25, 0.0], [0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.75, 0.0, 0.25]];
        // Changed: nothing; wrong to right; wrong to wrong; right to wrong.
        let measured = [[0.75, 0.25, 0.0], [0.25, 0.5, 0.25], [0.5, 0.25, 0.25], [0.125, 0.0, 0.875]];
        let figure = figures(&set, &head, [exact, measured]);
        assert_eq!((figure.articles, figure.head.as_str()), (4, "desk"));
        assert_eq!([figure.accuracy, figure.accuracy_f32, figure.agreement], [0.5, 0.5, 0.25]);
        assert_eq!(figure.largest_change, 0.625);
        let same = figures(&set, &head, [exact, exact]);
        assert_eq!([same.accuracy, same.accuracy_f32, same.agreement, same.largest_change], [0.5, 0.5, 1.0, 0.0]);
    }

    #[test]
    fn several_labels_are_compared_as_sets() {
        let head = head("desk", HeadActivation::Sigmoid);
        let set = set("one,a|b\ntwo,c\nthree,b\n", Some("|"));
        // The first article's labels change places; the second loses its only one; the third was none and stays so.
        let exact = [[0.75, 0.625, 0.0], [0.0, 0.0, 0.5], [0.0, 0.25, 0.0]];
        let measured = [[0.625, 0.75, 0.0], [0.0, 0.0, 0.4375], [0.0, 0.0, 0.0]];
        let figure = figures(&set, &head, [exact, measured]);
        assert_eq!([figure.accuracy, figure.accuracy_f32], [1.0 / 3.0, 2.0 / 3.0]);
        assert_eq!([figure.agreement, figure.largest_change], [2.0 / 3.0, 0.25]);
    }

    #[test]
    fn what_is_not_a_number_is_the_largest_change() {
        let head = head("desk", HeadActivation::Softmax);
        let broken = [[f32::NAN; 3], [0.0, 1.0, 0.0]];
        let figure = figures(&set("one,a\ntwo,b\n", None), &head, [[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], broken]);
        assert_eq!(figure.largest_change, 1.0);
    }
}
