//! The columns that a prediction adds to its row.

use newsdesk_data::Value;
use newsdesk_model::head::Probabilities;
use newsdesk_model::{Head, HeadActivation, HeadPrediction, Prediction, ScoredLabel};
use std::collections::HashSet;
use std::sync::Arc;

/// What stands for an answer that is held back.
pub const UNSURE: &str = "unsure";

/// What an answer of no label at all is counted as, in a head that may give none.
pub const NONE: &str = "none";

/// The column of an article's group of near repeats, behind the prefix.
pub const GROUP: &str = "duplicate_group";

/// How much is said about each head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scores {
    /// The answer and its score.
    #[default]
    Best,
    /// Besides, the K most probable labels with their scores.
    Top(usize),
    /// Besides, the score of every label.
    All,
}

/// Names and values of the added columns, the same for every row of a run.
///
/// For each head: its answer under the head's name, the answer's code under `<head>_code` where the head has codes, and
/// its probability under `<head>_score`. On a sigmoid head the answer is all labels beyond their thresholds with `; `
/// between, maybe none, and the score is the largest one. With [`Scores::Top`]: `<head>_1`, `<head>_1_score`, and so
/// on. With [`Scores::All`]: `<head>_score_<label>`, the label in lower case with `_` for all but letters and digits.
///
/// With [`Columns::with_min_scores`], a softmax head whose largest score is too low answers [`UNSURE`], without a code; a
/// sigmoid head does not give the labels whose scores are. Scores say what they say without it, and the most probable
/// labels of [`Scores::Top`] stay the most probable ones.
pub struct Columns {
    heads: Vec<Arc<Head>>,
    min_scores: Vec<Option<f32>>,
    scores: Scores,
    prefix: String,
    slugs: Vec<Vec<String>>,
}

impl Columns {
    /// Columns for these heads; `prefix` stands before every name.
    pub fn new(heads: &[Arc<Head>], scores: Scores, prefix: &str) -> Self {
        let slugs = heads.iter().map(|head| slugs(head)).collect();
        Self { heads: heads.to_vec(), min_scores: vec![None; heads.len()], scores, prefix: prefix.into(), slugs }
    }

    /// Answers below a head's least score are held back; the scores are in the order of the heads.
    pub fn with_min_scores(mut self, min_scores: Vec<Option<f32>>) -> Self {
        self.min_scores = min_scores;
        self.min_scores.resize(self.heads.len(), None);
        self
    }

    /// The columns of an article of which nothing is known: their names, with values of their kinds.
    pub fn example(&self) -> Vec<(String, Value)> {
        let nothing = |head: &Arc<Head>| HeadPrediction {
            head: head.clone(),
            probabilities: Probabilities(vec![0.0; head.labels.len()]),
        };
        let heads = self.heads.iter().map(nothing).collect();
        self.values(&Prediction { heads, windows: 0, tokens: 0 })
    }

    /// The column of an article's group of near repeats.
    pub fn group(&self, first: u64) -> (String, Value) {
        (format!("{}{GROUP}", self.prefix), Value::Integer(i64::try_from(first).unwrap_or(i64::MAX)))
    }

    /// The columns of one article.
    pub fn values(&self, prediction: &Prediction) -> Vec<(String, Value)> {
        prediction.heads.iter().enumerate().flat_map(|(number, answer)| self.of_head(number, answer)).collect()
    }

    /// What an article's answers are counted as, by head: each label that is given, [`UNSURE`], or [`NONE`].
    pub fn counted<'p>(&self, prediction: &'p Prediction) -> impl Iterator<Item = (&'p str, Vec<&'p str>)> {
        prediction.heads.iter().enumerate().map(|(place, answer)| {
            let given: Vec<&str> = self.given(place, answer).into_iter().map(|label| label.name).collect();
            let counted = match (given.is_empty(), answer.head.activation) {
                (false, _) => given,
                (true, HeadActivation::Softmax) => vec![UNSURE],
                (true, HeadActivation::Sigmoid) => vec![NONE],
            };
            (answer.head.name.as_str(), counted)
        })
    }

    /// The labels that are given, the most probable first.
    fn given<'p>(&self, place: usize, answer: &'p HeadPrediction) -> Vec<ScoredLabel<'p>> {
        self.min_scores[place].map_or_else(|| answer.given(), |least| answer.given_from(least))
    }

    fn of_head(&self, place: usize, answer: &HeadPrediction) -> Vec<(String, Value)> {
        let (head, slugs) = (&self.heads[place], &self.slugs[place]);
        let name = format!("{}{}", self.prefix, head.name);
        let ranked = answer.ranked();
        let given = self.given(place, answer);
        let joined = |texts: Vec<&str>| match texts.is_empty() {
            true => Value::Null,
            false => Value::Text(texts.join("; ")),
        };
        let score = |label: Option<&ScoredLabel>| label.map_or(Value::Null, |l| number(l.score));
        let is_unsure = given.is_empty() && head.activation == HeadActivation::Softmax;
        let names = if is_unsure { vec![UNSURE] } else { given.iter().map(|l| l.name).collect() };
        let mut columns = vec![(name.clone(), joined(names))];
        if head.labels.iter().any(|label| label.code.is_some()) {
            columns.push((format!("{name}_code"), joined(given.iter().filter_map(|l| l.code).collect())));
        }
        columns.push((format!("{name}_score"), score(ranked.first())));
        match self.scores {
            Scores::Best => {}
            Scores::Top(count) => {
                for (rank, label) in ranked.iter().take(count).enumerate() {
                    columns.push((format!("{name}_{}", rank + 1), Value::Text(label.name.into())));
                    columns.push((format!("{name}_{}_score", rank + 1), number(label.score)));
                }
            }
            Scores::All => {
                for (slug, &p) in slugs.iter().zip(&answer.probabilities.0) {
                    columns.push((format!("{name}_score_{slug}"), number(p)));
                }
            }
        }
        columns
    }
}

/// Four decimals: what a probability means, and more than it is exact.
fn number(probability: f32) -> Value {
    Value::Number((f64::from(probability) * 1e4).round() / 1e4)
}

/// A column-friendly form of each label; numbered where two would be the same.
fn slugs(head: &Head) -> Vec<String> {
    let mut taken = HashSet::new();
    let one = |label: &newsdesk_model::HeadLabel| {
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
    head.labels.iter().map(one).collect()
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
        let answer = HeadPrediction { head: head.clone(), probabilities };
        (vec![head], Prediction { heads: vec![answer], windows: 1, tokens: 5 })
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
    fn the_answer_its_code_and_its_score() {
        let (heads, p) = prediction(HeadActivation::Softmax, &[0.2, 0.712_345, 0.1]);
        let columns = shown(Columns::new(&heads, Scores::Best, "nd_").values(&p));
        assert_eq!(columns, ["nd_topic=War and Peace", "nd_topic_code=x:2", "nd_topic_score=0.7123"]);
    }

    #[test]
    fn every_score_under_a_name_of_its_own() {
        let (heads, p) = prediction(HeadActivation::Softmax, &[0.2, 0.7, 0.1]);
        let columns = shown(Columns::new(&heads, Scores::All, "").values(&p));
        let scores = ["topic_score_war_and_peace=0.2", "topic_score_war_and_peace_2=0.7", "topic_score_sport=0.1"];
        assert_eq!(columns[3..], scores);
        let top = shown(Columns::new(&heads, Scores::Top(2), "").values(&p));
        assert_eq!(
            top[3..],
            ["topic_1=War and Peace", "topic_1_score=0.7", "topic_2=war, and peace", "topic_2_score=0.2"]
        );
    }

    #[test]
    fn an_answer_below_the_least_score_is_unsure() {
        let (heads, p) = prediction(HeadActivation::Softmax, &[0.2, 0.7, 0.1]);
        let columns = |scores, least| shown(Columns::new(&heads, scores, "").with_min_scores(vec![least]).values(&p));
        assert_eq!(columns(Scores::Best, Some(0.71)), ["topic=unsure", "topic_code=-", "topic_score=0.7"]);
        assert_eq!(columns(Scores::Best, Some(0.7)), columns(Scores::Best, None));
        let top = columns(Scores::Top(1), Some(0.71));
        assert_eq!((top[0].as_str(), &top[3..]), ("topic=unsure", &columns(Scores::Top(1), None)[3..]));
        let all = columns(Scores::All, Some(1.0));
        assert_eq!((all[0].as_str(), &all[3..]), ("topic=unsure", &columns(Scores::All, None)[3..]));
        let example = Columns::new(&heads, Scores::Best, "").with_min_scores(vec![Some(1.0)]).example();
        assert_eq!(shown(example), ["topic=unsure", "topic_code=-", "topic_score=0"]);
    }

    #[test]
    fn a_sigmoid_head_leaves_out_what_is_below_the_least_score() {
        let (heads, p) = prediction(HeadActivation::Sigmoid, &[0.6, 0.1, 0.9]);
        let columns = |least| shown(Columns::new(&heads, Scores::Best, "").with_min_scores(vec![least]).values(&p));
        assert_eq!(columns(Some(0.05))[0], "topic=sport; war, and peace");
        assert_eq!(columns(Some(0.7)), ["topic=sport", "topic_code=-", "topic_score=0.9"]);
        assert_eq!(columns(Some(0.95)), ["topic=-", "topic_code=-", "topic_score=0.9"]);
    }

    #[test]
    fn a_sigmoid_head_gives_several_answers_or_none() {
        let (heads, p) = prediction(HeadActivation::Sigmoid, &[0.6, 0.1, 0.9]);
        let columns = shown(Columns::new(&heads, Scores::Best, "").values(&p));
        assert_eq!(columns, ["topic=sport; war, and peace", "topic_code=x:1", "topic_score=0.9"]);
        let (heads, p) = prediction(HeadActivation::Sigmoid, &[0.3, 0.1, 0.2]);
        let columns = shown(Columns::new(&heads, Scores::Best, "").values(&p));
        assert_eq!(columns, ["topic=-", "topic_code=-", "topic_score=0.3"]);
    }
}
