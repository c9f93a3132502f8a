//! Two outputs of one corpus, column by column: what changed between two runs.

use newsdesk_data::{Cell, Row};
use serde::Serialize;
use std::collections::BTreeMap;

/// What an output without an answer is counted as.
const NOTHING: &str = "";

/// How one column of answers changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnChanges {
    /// Its name.
    pub column: String,
    /// Rows that were compared.
    pub rows: u64,
    /// Rows whose answer is another one.
    pub changed: u64,
    /// Rows by answer, before and after.
    pub labels: BTreeMap<String, (u64, u64)>,
    /// Rows by answer before and answer after, where they differ; the most frequent first.
    pub pairs: Vec<(String, String, u64)>,
    /// The mean change of the score, as an absolute number, where both outputs have scores.
    pub mean_score_change: Option<f64>,
}

/// Compares answers row by row.
pub struct Comparison {
    columns: Vec<Tally>,
}

struct Tally {
    column: String,
    rows: u64,
    labels: BTreeMap<String, (u64, u64)>,
    pairs: BTreeMap<(String, String), u64>,
    score_changes: f64,
    scored: u64,
}

/// The answers of one row, as they are kept for comparing.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers(Vec<(String, Option<f64>)>);

/// The columns of answers among these: those that have a column of scores beside them, `NAME_score`.
pub fn answer_columns<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
    let has_score = |name: &str| names.clone().any(|other| other.strip_suffix("_score") == Some(name));
    names.clone().filter(|name| has_score(name)).map(str::to_owned).collect()
}

impl Answers {
    /// The answers of a row in these columns; a name of a column that it does not have otherwise.
    ///
    /// # Errors
    /// The first column that the row does not have.
    pub fn of<'c>(row: &Row, columns: &'c [String]) -> Result<Answers, &'c str> {
        let answer = |column: &'c String| {
            let cell = row.column(column).ok_or(column.as_str())?;
            let score = row.column(&format!("{column}_score")).and_then(|cell| text(cell).parse().ok());
            Ok((text(cell), score))
        };
        columns.iter().map(answer).collect::<Result<_, _>>().map(Answers)
    }

    /// The answer in the column with this number.
    pub fn answer(&self, column: usize) -> &str {
        &self.0[column].0
    }
}

fn text(cell: &Cell) -> String {
    match cell.is_null() {
        true => NOTHING.to_owned(),
        false => cell.as_text().unwrap_or_else(|| cell.written()).into_owned(),
    }
}

impl Comparison {
    /// Compares these columns.
    pub fn new(columns: &[String]) -> Comparison {
        let tally = |column: &String| Tally {
            column: column.clone(),
            rows: 0,
            labels: BTreeMap::new(),
            pairs: BTreeMap::new(),
            score_changes: 0.0,
            scored: 0,
        };
        Comparison { columns: columns.iter().map(tally).collect() }
    }

    /// Takes in a row's answers, before and after. Whether any of them changed.
    pub fn add(&mut self, before: &Answers, after: &Answers) -> bool {
        let mut changed = false;
        for (tally, ((before, old), (after, new))) in self.columns.iter_mut().zip(before.0.iter().zip(&after.0)) {
            tally.rows += 1;
            tally.labels.entry(before.clone()).or_default().0 += 1;
            tally.labels.entry(after.clone()).or_default().1 += 1;
            if before != after {
                *tally.pairs.entry((before.clone(), after.clone())).or_default() += 1;
                changed = true;
            }
            if let (Some(old), Some(new)) = (old, new) {
                tally.score_changes += (new - old).abs();
                tally.scored += 1;
            }
        }
        changed
    }

    /// What came of it, by column.
    pub fn changes(self) -> Vec<ColumnChanges> {
        let changes = |tally: Tally| {
            let mut pairs: Vec<_> =
                tally.pairs.into_iter().map(|((before, after), rows)| (before, after, rows)).collect();
            pairs.sort_by_key(|(_, _, rows)| std::cmp::Reverse(*rows));
            ColumnChanges {
                column: tally.column,
                rows: tally.rows,
                changed: pairs.iter().map(|(_, _, rows)| rows).sum(),
                labels: tally.labels,
                pairs,
                mean_score_change: (tally.scored > 0).then(|| tally.score_changes / tally.scored as f64),
            }
        };
        self.columns.into_iter().map(changes).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_stand_beside_their_scores() {
        let names = ["id", "topic", "topic_code", "topic_score", "score", "sentiment_score", "sentiment"];
        assert_eq!(answer_columns(names.into_iter()), ["topic", "sentiment"]);
    }

    #[test]
    fn changes_are_counted_by_label() {
        let answers = |label: &str, score| Answers(vec![(label.to_owned(), score)]);
        let mut comparison = Comparison::new(&["topic".to_owned()]);
        assert!(!comparison.add(&answers("sport", Some(0.5)), &answers("sport", Some(0.75))));
        assert!(comparison.add(&answers("sport", Some(0.5)), &answers("arts", None)));
        assert!(comparison.add(&answers("", Some(0.5)), &answers("arts", Some(0.5))));
        assert!(comparison.add(&answers("sport", None), &answers("arts", None)));
        let changes = &comparison.changes()[0];
        assert_eq!((changes.rows, changes.changed, changes.mean_score_change), (4, 3, Some(0.125)));
        assert_eq!(changes.pairs, [("sport".into(), "arts".into(), 2), ("".into(), "arts".into(), 1)]);
        assert_eq!(changes.labels["sport"], (3, 1));
    }
}
