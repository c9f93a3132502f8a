//! Gold labels and predictions of one head, article by article. Every metric is computed from them.

use crate::error::Result;
use crate::matching::{MatchedHead, matched_heads};
use newsdesk_data::{LabelId, LabelledArticle, LabelledHead, LabelledSet};
use newsdesk_metrics::{
    Calibration, Case, ConfusionMatrix, Gold, Intervals, Report, ScoredCase, ScoredPrediction, calibration,
    coarse_labels, intervals, multi_label, single_label,
};
use newsdesk_model::{Head, HeadPrediction, Prediction, ScoredLabel};
use std::collections::{BTreeMap, BTreeSet};

/// The largest number of labels for which a confusion matrix is computed.
const MAX_CONFUSION_LABELS: usize = 500;

/// The articles of a data set that are labelled for one head, with gold labels and predictions. All lists have one order.
#[derive(Debug, Clone)]
pub struct HeadCases {
    /// The name of the head.
    pub head: String,
    /// The labels of the head.
    pub labels: Vec<String>,
    /// The labels of the data set, if it has its own, each with the candidate labels of the head.
    pub candidate_labels: Option<Vec<(String, Vec<usize>)>>,
    /// Whether an article may have several labels at once.
    pub multi: bool,
    /// Indices of the articles in the data set.
    pub article_indices: Vec<usize>,
    /// The gold label and the predicted label of each article.
    pub cases: Vec<Case>,
    /// The gold label of each article and the scores of all labels.
    pub scored: Vec<ScoredCase>,
    /// The predicted labels of each article, each with its score.
    predicted: Vec<Vec<ScoredPrediction>>,
}

impl HeadCases {
    fn new(set_head: &LabelledHead, matched: &MatchedHead, heads: &[Head]) -> Self {
        let candidates = |(label, ids): &(String, Vec<LabelId>)| {
            (label.clone(), ids.iter().map(|id| matched.label(*id)).collect::<Vec<usize>>())
        };
        Self {
            head: set_head.name.clone(),
            labels: heads[matched.head].names(),
            candidate_labels: set_head
                .map
                .as_ref()
                .filter(|_| !set_head.multi)
                .map(|map| map.iter().map(candidates).collect()),
            multi: set_head.multi,
            article_indices: vec![],
            cases: vec![],
            scored: vec![],
            predicted: vec![],
        }
    }

    /// Adds an article, if it is labelled for the head; `set_head` is the index of the head among the data set's heads.
    fn add(
        &mut self,
        index: usize,
        row: &LabelledArticle,
        set_head: usize,
        matched: &MatchedHead,
        prediction: &HeadPrediction,
    ) {
        let Some(gold_labels) = row.gold_labels[set_head].as_ref() else { return };
        let gold = matched.gold(gold_labels);
        let predicted = prediction.predicted();
        let own_label = row.data_set_labels[set_head].as_deref();
        let data_set_label = self
            .candidate_labels
            .as_ref()
            .and_then(|labels| labels.iter().position(|(label, _)| Some(label.as_str()) == own_label));
        self.article_indices.push(index);
        self.predicted.push(predicted.iter().map(|label| scored_prediction(label, &gold)).collect());
        self.scored.push(ScoredCase {
            gold: gold.clone(),
            scores: prediction.probabilities.0.iter().map(|&score| f64::from(score)).collect(),
        });
        self.cases.push(Case {
            gold,
            predicted: predicted.iter().map(|label| label.index).collect(),
            also_correct: row.also_correct[set_head].iter().map(|label| matched.label(*label)).collect(),
            data_set_label,
        });
    }

    /// Computes the metrics of all articles.
    pub fn report(&self) -> Report {
        Report { confusion: self.confusion(), ..self.report_subset(&self.cases) }
    }

    /// Computes the confusion matrix; `None` for multi-label heads and for more than [`MAX_CONFUSION_LABELS`] labels.
    fn confusion(&self) -> Option<ConfusionMatrix> {
        let names = |labels: &Vec<(String, Vec<usize>)>| labels.iter().map(|(name, _)| name.clone()).collect();
        let gold: Vec<String> = self.candidate_labels.as_ref().map_or_else(|| self.labels.clone(), names);
        if self.multi || gold.len().max(self.labels.len()) > MAX_CONFUSION_LABELS {
            return None;
        }
        Some(match &self.candidate_labels {
            None => ConfusionMatrix::by_label(&self.labels, &self.cases),
            Some(_) => ConfusionMatrix::by_data_set_label(&gold, &self.labels, &self.cases),
        })
    }

    /// Computes the metrics of some of the articles, without a confusion matrix.
    pub fn report_subset(&self, cases: &[Case]) -> Report {
        match &self.candidate_labels {
            _ if self.multi => multi_label(&self.labels, cases),
            None => single_label(&self.labels, cases),
            Some(labels) => {
                let (names, sets): (Vec<String>, Vec<Vec<usize>>) = labels.iter().cloned().unzip();
                coarse_labels(&names, &sets, cases)
            }
        }
    }

    /// Returns the accuracy of always predicting the same: the labels that are correct most often. 0 without articles.
    pub fn constant_accuracy(&self) -> f64 {
        let mut correct: BTreeMap<BTreeSet<usize>, u64> = BTreeMap::new();
        for case in &self.cases {
            let choices: BTreeSet<BTreeSet<usize>> = match &case.gold {
                Gold::One(label) => [[*label].into()].into(),
                Gold::AnyOf(labels) => labels.iter().map(|label| [*label].into()).collect(),
                Gold::All(labels) => [labels.iter().copied().collect()].into(),
            };
            choices.into_iter().for_each(|choice| *correct.entry(choice).or_default() += 1);
        }
        let most = correct.values().max().copied().unwrap_or_default();
        if self.cases.is_empty() { 0.0 } else { most as f64 / self.cases.len() as f64 }
    }

    /// Returns whether some articles have several gold labels of which any counts as correct.
    pub fn any_of(&self) -> bool {
        self.cases.iter().any(|case| matches!(case.gold, Gold::AnyOf(_)))
    }

    /// Computes the calibration of the scores.
    pub fn calibration(&self) -> Calibration {
        calibration(&self.scored)
    }

    /// Computes confidence intervals of accuracy and macro-F1.
    pub fn intervals(&self) -> Intervals {
        let found = intervals(self.labels.len(), &self.cases);
        // The interval is over the head's labels, so it does not apply to the macro-F1 over a data set's own labels.
        Intervals { macro_f1: found.macro_f1.filter(|_| self.candidate_labels.is_none()), ..found }
    }

    /// Returns all predicted labels with their scores.
    pub fn scored_predictions(&self) -> Vec<ScoredPrediction> {
        self.predicted.iter().flatten().copied().collect()
    }

    /// Returns for each article whether its prediction is correct as a whole.
    pub fn correct(&self) -> Vec<bool> {
        self.cases.iter().map(|case| case.is_correct(self.labels.len())).collect()
    }
}

/// Returns the score of a predicted label, and whether the label is correct.
pub(crate) fn scored_prediction(label: &ScoredLabel, gold: &Gold) -> ScoredPrediction {
    ScoredPrediction { score: f64::from(label.score), is_correct: gold.contains(label.index) }
}

/// Returns the cases of each head that data set and model have in common. `predictions` has one entry per article.
///
/// # Errors
/// If data set and model have no head in common, or a label of a common head is not one of the model's.
pub fn head_cases(set: &LabelledSet, heads: &[Head], predictions: &[Prediction]) -> Result<Vec<HeadCases>> {
    let matched = matched_heads(set, heads)?;
    let mut found = vec![];
    for (set_head, (labelled, matched)) in set.heads.iter().zip(&matched).enumerate() {
        let Some(matched) = matched else { continue };
        let mut cases = HeadCases::new(labelled, matched, heads);
        for (index, (row, prediction)) in set.articles.iter().zip(predictions).enumerate() {
            cases.add(index, row, set_head, matched, &prediction.heads[matched.head]);
        }
        found.push(cases);
    }
    Ok(found)
}
