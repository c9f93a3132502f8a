//! `--errors FILE`: the rows with wrong predictions, the most confident ones first.

use crate::data_sets::visit;
use crate::output::atomic::RowFile;
use anyhow::Result;
use newsdesk_data::{Format, LabelledRows, LabelledSet, Row, Value};
use newsdesk_eval::HeadCases;
use newsdesk_metrics::Gold;
use std::collections::BTreeMap;
use std::path::Path;

/// The wrong predictions on all data sets.
#[derive(Default)]
pub struct Errors {
    found: Vec<WrongPrediction>,
}

/// A wrong prediction with its row.
struct WrongPrediction {
    row: Row,
    set: String,
    head: String,
    /// Gold labels, joined by `; `.
    gold: String,
    /// Predicted labels, joined by `; `.
    predicted: String,
    /// Score of the prediction; for a multi-label head, the largest difference between a label's score and its gold
    /// value.
    score: f64,
    /// Highest score of a gold label.
    gold_score: f64,
}

impl Errors {
    /// Adds the wrong predictions on a data set, with their rows.
    ///
    /// # Errors
    /// If the rows cannot be read again.
    pub fn add(&mut self, set: &LabelledSet, heads: &[HeadCases], rows: Vec<LabelledRows>) -> Result<()> {
        let mut wrong: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
        for (head, cases) in heads.iter().enumerate() {
            let is_wrong = |case: usize| !cases.cases[case].is_correct(cases.labels.len());
            for (case, &article) in cases.article_indices.iter().enumerate().filter(|(case, _)| is_wrong(*case)) {
                wrong.entry(article).or_default().push((head, case));
            }
        }
        visit(set, rows, |article, row| {
            for &(head, case) in wrong.get(&article).into_iter().flatten() {
                self.found.push(WrongPrediction::new(row.clone(), &set.name, &heads[head], case));
            }
        })
    }

    /// Writes the rows, sorted by score. If that fails, no file is created.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(mut self, path: &Path, format: Format) -> Result<()> {
        self.found.sort_by(|a, b| b.score.total_cmp(&a.score));
        let (mut out, file) = RowFile::create(path, format)?;
        let example: Vec<(String, Value)> =
            WrongPrediction::columns(String::new(), String::new(), String::new(), String::new(), [0.0; 2]);
        out.header(None, &example)?;
        for wrong in self.found {
            let WrongPrediction { row, set, head, gold, predicted, score, gold_score } = wrong;
            out.write(&row, &WrongPrediction::columns(set, head, gold, predicted, [score, gold_score]))?;
        }
        out.end()?;
        Ok(file.finish()?)
    }
}

impl WrongPrediction {
    fn new(row: Row, set: &str, cases: &HeadCases, case: usize) -> Self {
        let (case, scores) = (&cases.cases[case], &cases.scored[case].scores);
        let names =
            |labels: &[usize]| labels.iter().map(|&label| cases.labels[label].as_str()).collect::<Vec<_>>().join("; ");
        let labels: Vec<usize> = (0..cases.labels.len()).collect();
        let gold: Vec<usize> = labels.iter().copied().filter(|&label| case.gold.contains(label)).collect();
        let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
        let score = match case.gold {
            Gold::One(_) | Gold::AnyOf(_) => largest(&mut case.predicted.iter().map(|&label| scores[label])),
            Gold::All(_) => largest(
                &mut labels
                    .iter()
                    .map(|&label| (scores[label] - if case.gold.contains(label) { 1.0 } else { 0.0 }).abs()),
            ),
        };
        Self {
            row,
            set: set.to_owned(),
            head: cases.head.clone(),
            gold: names(&gold),
            predicted: names(&case.predicted),
            score,
            gold_score: largest(&mut gold.iter().map(|&label| scores[label])),
        }
    }

    fn columns(set: String, head: String, gold: String, predicted: String, scores: [f64; 2]) -> Vec<(String, Value)> {
        let texts = [("set", set), ("head", head), ("gold", gold), ("prediction", predicted)];
        let texts = texts.into_iter().map(|(name, text)| (format!("eval_{name}"), Value::Text(text)));
        let numbers = ["score", "gold_score"].into_iter().zip(scores);
        let round = |x: f64| (x * 1e4).round() / 1e4;
        texts.chain(numbers.map(|(name, x)| (format!("eval_{name}"), Value::Number(round(x))))).collect()
    }
}
