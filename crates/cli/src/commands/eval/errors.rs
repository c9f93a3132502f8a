//! `--errors FILE`: the rows with wrong answers, the most confident ones first.

use super::is_wrong;
use crate::output::whole::RowFile;
use crate::sets::visit;
use anyhow::Result;
use newsdesk_data::{Format, LabelledRows, LabelledSet, Row, Value};
use newsdesk_eval::HeadCases;
use newsdesk_metrics::Truth;
use std::collections::BTreeMap;
use std::path::Path;

/// The wrong answers on all sets.
#[derive(Default)]
pub struct Errors {
    found: Vec<Wrong>,
}

/// A wrong answer with its row.
struct Wrong {
    row: Row,
    set: String,
    head: String,
    right: String,
    answer: String,
    /// Of the answer; where several labels may be right, the largest error of a label's score.
    score: f64,
    /// Of what is right, the largest.
    right_score: f64,
}

impl Errors {
    /// Takes the wrong answers on a set, with their rows.
    pub fn take(&mut self, set: &LabelledSet, heads: &[HeadCases], rows: Vec<LabelledRows>) -> Result<()> {
        let mut wrong: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
        for (head, cases) in heads.iter().enumerate() {
            for (number, &row) in cases.rows.iter().enumerate().filter(|(number, _)| is_wrong(cases, *number)) {
                wrong.entry(row).or_default().push((head, number));
            }
        }
        visit(set, rows, |article, row| {
            for &(head, number) in wrong.get(&article).into_iter().flatten() {
                self.found.push(Wrong::new(row.clone(), &set.name, &heads[head], number));
            }
        })
    }

    /// Writes them. A file that cannot be written to its end is not made.
    pub fn write(mut self, path: &Path, format: Format) -> Result<()> {
        self.found.sort_by(|a, b| b.score.total_cmp(&a.score));
        let (mut out, file) = RowFile::create(path, format)?;
        let example: Vec<(String, Value)> =
            Wrong::columns(String::new(), String::new(), String::new(), String::new(), [0.0; 2]);
        out.header(None, &example)?;
        for wrong in self.found {
            let Wrong { row, set, head, right, answer, score, right_score } = wrong;
            out.write(&row, &Wrong::columns(set, head, right, answer, [score, right_score]))?;
        }
        out.end()?;
        Ok(file.keep()?)
    }
}

impl Wrong {
    fn new(row: Row, set: &str, cases: &HeadCases, number: usize) -> Self {
        let (case, scores) = (&cases.cases[number], &cases.scored[number].scores);
        let names =
            |labels: &[usize]| labels.iter().map(|&label| cases.labels[label].as_str()).collect::<Vec<_>>().join("; ");
        let labels: Vec<usize> = (0..cases.labels.len()).collect();
        let right: Vec<usize> = labels.iter().copied().filter(|&label| case.truth.names(label)).collect();
        let largest = |errors: &mut dyn Iterator<Item = f64>| errors.fold(0.0, f64::max);
        let score = match case.truth {
            Truth::One(_) | Truth::AnyOf(_) => largest(&mut case.predicted.iter().map(|&label| scores[label])),
            Truth::All(_) => largest(
                &mut labels
                    .iter()
                    .map(|&label| (scores[label] - if case.truth.names(label) { 1.0 } else { 0.0 }).abs()),
            ),
        };
        Self {
            row,
            set: set.to_owned(),
            head: cases.head.clone(),
            right: names(&right),
            answer: names(&case.predicted),
            score,
            right_score: largest(&mut right.iter().map(|&label| scores[label])),
        }
    }

    fn columns(set: String, head: String, right: String, answer: String, scores: [f64; 2]) -> Vec<(String, Value)> {
        let texts = [("set", set), ("head", head), ("right", right), ("answer", answer)];
        let texts = texts.into_iter().map(|(name, text)| (format!("eval_{name}"), Value::Text(text)));
        let numbers = ["score", "right_score"].into_iter().zip(scores);
        let round = |x: f64| (x * 1e4).round() / 1e4;
        texts.chain(numbers.map(|(name, x)| (format!("eval_{name}"), Value::Number(round(x))))).collect()
    }
}
