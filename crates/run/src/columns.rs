//! The columns that a prediction adds to its row.

use crate::column_names::ColumnNames;
use newsdesk_data::Value;
use newsdesk_model::head::Probabilities;
use newsdesk_model::{Head, HeadActivation, HeadPrediction, Prediction, ScoredLabel};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// The predicted label of a softmax head whose score is below the minimum.
pub const UNSURE: &str = "unsure";

/// The name under which predictions without a label are counted, on sigmoid heads.
const NO_LABEL: &str = "none";

/// The name of the column of near-duplicate groups, after the prefix.
pub(crate) const GROUP_COLUMN: &str = "duplicate_group";

/// The largest number of pairs of labels that are counted.
const MAX_PAIRS: usize = 4096;

/// The name of the column of the language, after the prefix.
pub(crate) const LANGUAGE_COLUMN: &str = "language";

/// The name of the column that says why a row of a batch has no predictions, after the prefix.
pub(crate) const ERROR_COLUMN: &str = "error";

/// Which scores are written for each head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scores {
    /// The score of the most probable label.
    #[default]
    Best,
    /// Additionally the K most probable labels with their scores.
    Top(usize),
    /// Additionally the score of every label.
    All,
}

/// Names and values of the added columns. The names are the same for every row of a run.
///
/// Each head adds these columns:
/// - `<head>`: the predicted label. On a sigmoid head, all labels whose score reaches their threshold, joined with `; `, or nothing.
/// - `<head>_code`: the code of the predicted label, if the head has codes.
/// - `<head>_score`: the score of the most probable label.
/// - With [`Scores::Top`], `<head>_1`, `<head>_1_score`, and so on.
/// - With [`Scores::All`], `<head>_score_<label>`, with the label in lower case and `_` instead of everything but letters and digits.
///
/// [`PredictionColumns::with_min_scores`] holds predictions back whose score is too low. A softmax head then predicts [`UNSURE`]
/// without a code. A sigmoid head leaves the label out. The columns of scores and of the most probable labels do not change.
#[derive(Clone)]
pub struct PredictionColumns {
    heads: Vec<Arc<Head>>,
    /// The column of the predicted label of each head.
    names: Vec<String>,
    /// The columns that belong to no head, by their usual names, where these names are taken.
    other: BTreeMap<String, String>,
    min_scores: Vec<Option<f32>>,
    scores: Scores,
    prefix: String,
    slugs: Vec<Vec<String>>,
}

impl PredictionColumns {
    /// Returns the columns of these heads. `prefix` is put before every name.
    pub fn new(heads: &[Arc<Head>], scores: Scores, prefix: &str) -> Self {
        Self {
            heads: heads.to_vec(),
            names: heads.iter().map(|head| format!("{prefix}{}", head.name)).collect(),
            other: BTreeMap::new(),
            min_scores: vec![None; heads.len()],
            scores,
            prefix: prefix.into(),
            slugs: heads.iter().map(|head| slugs(head)).collect(),
        }
    }

    /// Gives the columns other names than the usual ones.
    pub fn with_names(mut self, names: &ColumnNames) -> Self {
        for (head, name) in self.heads.iter().zip(&mut self.names) {
            if let Some(chosen) = names.heads.get(&head.name) {
                name.clone_from(chosen);
            }
        }
        self.other.clone_from(&names.other);
        self
    }

    /// Sets the minimum score of each head, in the order of the heads.
    pub fn with_min_scores(mut self, min_scores: Vec<Option<f32>>) -> Self {
        self.min_scores = min_scores;
        self.min_scores.resize(self.heads.len(), None);
        self
    }

    /// Returns the heads of the model.
    pub(crate) fn heads(&self) -> &[Arc<Head>] {
        &self.heads
    }

    /// Returns the usual name of an added column.
    pub(crate) fn usual_name(&self, column: &str) -> String {
        format!("{}{column}", self.prefix)
    }

    /// Returns the names of all columns of a head, if the column of its label has this name.
    pub(crate) fn names_of_head(&self, index: usize, name: &str) -> Vec<String> {
        self.of_head(index, name, &self.empty_prediction(index)).into_iter().map(|(name, _)| name).collect()
    }

    /// Returns the columns of an empty prediction: all names, with values of the right types.
    pub fn example(&self) -> Vec<(String, Value)> {
        let heads = (0..self.heads.len()).map(|index| self.empty_prediction(index)).collect();
        self.values(&Prediction { heads, windows: 0, tokens: 0 })
    }

    fn empty_prediction(&self, index: usize) -> HeadPrediction {
        let head = &self.heads[index];
        HeadPrediction { head: Arc::clone(head), probabilities: Probabilities(vec![0.0; head.labels.len()]) }
    }

    /// Returns the column of a near-duplicate group, which is named by the row number of its first article.
    pub fn group(&self, first: u64) -> (String, Value) {
        (self.other_name(GROUP_COLUMN), Value::Integer(i64::try_from(first).unwrap_or(i64::MAX)))
    }

    /// Returns the column of an article's language: its code, or nothing if the language is unsure.
    pub fn language(&self, code: Option<&str>) -> (String, Value) {
        let value = code.map_or(Value::Null, |code| Value::Text(code.into()));
        (self.other_name(LANGUAGE_COLUMN), value)
    }

    /// Returns the column that says why a row has no predictions, or nothing.
    pub(crate) fn error(&self, cause: Option<&str>) -> (String, Value) {
        let value = cause.map_or(Value::Null, |cause| Value::Text(cause.into()));
        (self.other_name(ERROR_COLUMN), value)
    }

    /// Returns the name of a column that belongs to no head.
    pub(crate) fn other_name(&self, column: &str) -> String {
        self.other.get(column).cloned().unwrap_or_else(|| self.usual_name(column))
    }

    /// Returns the columns of a prediction.
    pub fn values(&self, prediction: &Prediction) -> Vec<(String, Value)> {
        prediction
            .heads
            .iter()
            .enumerate()
            .flat_map(|(index, head)| self.of_head(index, &self.names[index], head))
            .collect()
    }

    /// Returns the first two heads with one label per article, whose pairs of labels are counted; `None` if there are no two,
    /// or if they have too many pairs.
    pub(crate) fn crossed_heads(&self) -> Option<[usize; 2]> {
        let mut single = (0..self.heads.len()).filter(|&index| self.heads[index].activation == HeadActivation::Softmax);
        let pair = [single.next()?, single.next()?];
        let pairs: usize = pair.iter().map(|&index| self.heads[index].labels.len() + 1).product();
        (pairs <= MAX_PAIRS).then_some(pair)
    }

    /// Returns the labels under which a prediction is counted, by head: the predicted ones, [`UNSURE`], or `none`.
    pub(crate) fn counted_labels<'p>(
        &self,
        prediction: &'p Prediction,
    ) -> impl Iterator<Item = (&'p str, Vec<&'p str>)> {
        prediction.heads.iter().enumerate().map(|(index, prediction)| {
            let labels: Vec<&str> = self.predicted(index, prediction).into_iter().map(|label| label.name).collect();
            let counted = match (labels.is_empty(), prediction.head.activation) {
                (false, _) => labels,
                (true, HeadActivation::Softmax | HeadActivation::None) => vec![UNSURE],
                (true, HeadActivation::Sigmoid) => vec![NO_LABEL],
            };
            (prediction.head.name.as_str(), counted)
        })
    }

    /// Returns the predicted labels, the most probable first.
    fn predicted<'p>(&self, index: usize, prediction: &'p HeadPrediction) -> Vec<ScoredLabel<'p>> {
        self.min_scores[index].map_or_else(|| prediction.predicted(), |min_score| prediction.predicted_from(min_score))
    }

    fn of_head(&self, index: usize, name: &str, prediction: &HeadPrediction) -> Vec<(String, Value)> {
        let (head, slugs) = (&self.heads[index], &self.slugs[index]);
        let ranked = prediction.ranked();
        let predicted = self.predicted(index, prediction);
        let joined = |texts: Vec<&str>| match texts.is_empty() {
            true => Value::Null,
            false => Value::Text(texts.join("; ")),
        };
        let score = |label: Option<&ScoredLabel>| label.map_or(Value::Null, |label| rounded(label.score));
        let is_unsure = predicted.is_empty() && head.activation != HeadActivation::Sigmoid;
        let names = if is_unsure { vec![UNSURE] } else { predicted.iter().map(|label| label.name).collect() };
        let mut columns = vec![(name.to_owned(), joined(names))];
        if head.labels.iter().any(|label| label.code.is_some()) {
            columns.push((format!("{name}_code"), joined(predicted.iter().filter_map(|label| label.code).collect())));
        }
        columns.push((format!("{name}_score"), score(ranked.first())));
        match self.scores {
            Scores::Best => {}
            Scores::Top(count) => {
                for (rank, label) in ranked.iter().take(count).enumerate() {
                    columns.push((format!("{name}_{}", rank + 1), Value::Text(label.name.into())));
                    columns.push((format!("{name}_{}_score", rank + 1), rounded(label.score)));
                }
            }
            Scores::All => {
                for (slug, &probability) in slugs.iter().zip(&prediction.probabilities.0) {
                    columns.push((format!("{name}_score_{slug}"), rounded(probability)));
                }
            }
        }
        columns
    }
}

/// Returns a score as it is written: with four decimals, which is more than its accuracy.
pub fn rounded_score(score: f32) -> f64 {
    (f64::from(score) * 1e4).round() / 1e4
}

fn rounded(probability: f32) -> Value {
    Value::Number(rounded_score(probability))
}

/// Returns a form of each label that suits a column name. Equal forms are numbered.
fn slugs(head: &Head) -> Vec<String> {
    let mut taken = HashSet::new();
    let slug_of = |label: &newsdesk_model::HeadLabel| {
        let letters = label.name.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect::<String>();
        let plain = letters.to_lowercase().split_whitespace().collect::<Vec<_>>().join("_");
        let mut slug = plain.clone();
        let mut number = 2;
        while !taken.insert(slug.clone()) {
            slug = format!("{plain}_{number}");
            number += 1;
        }
        slug
    };
    head.labels.iter().map(slug_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use newsdesk_model::HeadLabel;

    fn prediction(activation: HeadActivation, probabilities: &[f32]) -> (Vec<Arc<Head>>, Prediction) {
        let label = |name: &str, code: Option<&str>| HeadLabel {
            name: name.into(),
            code: code.map(str::to_string),
            threshold: None,
        };
        let labels =
            vec![label("war, and peace", Some("x:1")), label("War and Peace", Some("x:2")), label("sport", None)];
        let head = Arc::new(Head { name: "topic".into(), activation, temperature: 1.0, labels });
        let probabilities = Probabilities(probabilities.to_vec());
        let of_head = HeadPrediction { head: head.clone(), probabilities };
        (vec![head], Prediction { heads: vec![of_head], windows: 1, tokens: 5 })
    }

    fn shown(columns: Vec<(String, Value)>) -> Vec<String> {
        let text = |value| match value {
            Value::Text(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Integer(number) => number.to_string(),
            Value::Null => "-".into(),
        };
        columns.into_iter().map(|(name, value)| format!("{name}={}", text(value))).collect()
    }

    #[test]
    fn columns_are_label_code_and_score() {
        let (heads, p) = prediction(HeadActivation::Softmax, &[0.2, 0.712_345, 0.1]);
        let columns = shown(PredictionColumns::new(&heads, Scores::Best, "nd_").values(&p));
        assert_eq!(columns, ["nd_topic=War and Peace", "nd_topic_code=x:2", "nd_topic_score=0.7123"]);
    }

    #[test]
    fn score_columns_have_unique_names() {
        let (heads, p) = prediction(HeadActivation::Softmax, &[0.2, 0.7, 0.1]);
        let columns = shown(PredictionColumns::new(&heads, Scores::All, "").values(&p));
        let scores = ["topic_score_war_and_peace=0.2", "topic_score_war_and_peace_2=0.7", "topic_score_sport=0.1"];
        assert_eq!(columns[3..], scores);
        let top = shown(PredictionColumns::new(&heads, Scores::Top(2), "").values(&p));
        assert_eq!(
            top[3..],
            ["topic_1=War and Peace", "topic_1_score=0.7", "topic_2=war, and peace", "topic_2_score=0.2"]
        );
    }

    #[test]
    fn softmax_prediction_below_the_minimum_score_is_unsure() {
        let (heads, p) = prediction(HeadActivation::Softmax, &[0.2, 0.7, 0.1]);
        let columns = |scores, min_score| {
            shown(PredictionColumns::new(&heads, scores, "").with_min_scores(vec![min_score]).values(&p))
        };
        assert_eq!(columns(Scores::Best, Some(0.71)), ["topic=unsure", "topic_code=-", "topic_score=0.7"]);
        assert_eq!(columns(Scores::Best, Some(0.7)), columns(Scores::Best, None));
        let top = columns(Scores::Top(1), Some(0.71));
        assert_eq!((top[0].as_str(), &top[3..]), ("topic=unsure", &columns(Scores::Top(1), None)[3..]));
        let all = columns(Scores::All, Some(1.0));
        assert_eq!((all[0].as_str(), &all[3..]), ("topic=unsure", &columns(Scores::All, None)[3..]));
        let example = PredictionColumns::new(&heads, Scores::Best, "").with_min_scores(vec![Some(1.0)]).example();
        assert_eq!(shown(example), ["topic=unsure", "topic_code=-", "topic_score=0"]);
    }

    #[test]
    fn sigmoid_head_leaves_out_labels_below_the_minimum_score() {
        let (heads, p) = prediction(HeadActivation::Sigmoid, &[0.6, 0.1, 0.9]);
        let columns = |min_score| {
            shown(PredictionColumns::new(&heads, Scores::Best, "").with_min_scores(vec![min_score]).values(&p))
        };
        assert_eq!(columns(Some(0.05))[0], "topic=sport; war, and peace");
        assert_eq!(columns(Some(0.7)), ["topic=sport", "topic_code=-", "topic_score=0.9"]);
        assert_eq!(columns(Some(0.95)), ["topic=-", "topic_code=-", "topic_score=0.9"]);
    }

    #[test]
    fn sigmoid_head_predicts_several_labels_or_none() {
        let (heads, p) = prediction(HeadActivation::Sigmoid, &[0.6, 0.1, 0.9]);
        let columns = shown(PredictionColumns::new(&heads, Scores::Best, "").values(&p));
        assert_eq!(columns, ["topic=sport; war, and peace", "topic_code=x:1", "topic_score=0.9"]);
        let (heads, p) = prediction(HeadActivation::Sigmoid, &[0.3, 0.1, 0.2]);
        let columns = shown(PredictionColumns::new(&heads, Scores::Best, "").values(&p));
        assert_eq!(columns, ["topic=-", "topic_code=-", "topic_score=0.3"]);
    }
}
