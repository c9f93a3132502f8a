//! A head's answers on a labelled set, case by case: what every figure is computed from.

use crate::error::Result;
use crate::matched::{MatchedHead, matched};
use newsdesk_data::{LabelId, LabelledArticle, LabelledHead, LabelledSet};
use newsdesk_metrics::{
    Calibration, Case, Confusion, Intervals, Report, ScoredAnswer, ScoredCase, Truth, calibration, intervals,
    multi_label, set_valued, single_label,
};
use newsdesk_model::{Head, HeadPrediction, Prediction};

/// Most labels of which it is counted which is taken for which.
const GRID: usize = 500;

/// The articles of a set that are labelled for one head, with what is right and what was answered; all lists in one order.
#[derive(Debug, Clone)]
pub struct HeadCases {
    /// The head.
    pub head: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// Where the set has labels of its own: these, with the head's that each may mean.
    pub sources: Option<Vec<(String, Vec<usize>)>>,
    /// Whether several labels may be right.
    pub multi: bool,
    /// Places among the set's articles.
    pub rows: Vec<usize>,
    /// What is right, and what was answered.
    pub cases: Vec<Case>,
    /// What is right, and the score of each label.
    pub scored: Vec<ScoredCase>,
    /// The labels that were given, each with its score.
    pub given: Vec<Vec<ScoredAnswer>>,
}

impl HeadCases {
    fn new(taught: &LabelledHead, matched: &MatchedHead, heads: &[Head]) -> Self {
        let source = |(label, ids): &(String, Vec<LabelId>)| {
            (label.clone(), ids.iter().map(|id| matched.label(*id)).collect::<Vec<usize>>())
        };
        Self {
            head: taught.name.clone(),
            labels: heads[matched.head].names(),
            sources: taught.map.as_ref().filter(|_| !taught.multi).map(|map| map.iter().map(source).collect()),
            multi: taught.multi,
            rows: vec![],
            cases: vec![],
            scored: vec![],
            given: vec![],
        }
    }

    fn add(
        &mut self,
        place: usize,
        row: &LabelledArticle,
        number: usize,
        matched: &MatchedHead,
        answer: &HeadPrediction,
    ) {
        let Some(target) = row.targets[number].as_ref() else { return };
        let truth = matched.truth(target);
        let given = answer.given();
        let scored = |label: &newsdesk_model::ScoredLabel| ScoredAnswer {
            score: f64::from(label.score),
            right: truth.names(label.index),
        };
        let written = row.source_labels[number].as_deref();
        let source_label = self
            .sources
            .as_ref()
            .and_then(|sources| sources.iter().position(|(label, _)| Some(label.as_str()) == written));
        self.rows.push(place);
        self.given.push(given.iter().map(scored).collect());
        self.scored.push(ScoredCase {
            truth: truth.clone(),
            scores: answer.probabilities.0.iter().map(|&score| f64::from(score)).collect(),
        });
        self.cases.push(Case {
            truth,
            predicted: given.iter().map(|label| label.index).collect(),
            also: row.also[number].iter().map(|label| matched.label(*label)).collect(),
            source_label,
        });
    }

    /// The figures of all cases.
    pub fn report(&self) -> Report {
        Report { confusion: self.confusion(), ..self.report_of(&self.cases) }
    }

    /// What is taken for what, where one label is predicted; not for more than [`GRID`] labels, of which nobody could read it.
    fn confusion(&self) -> Option<Confusion> {
        let names = |sources: &Vec<(String, Vec<usize>)>| sources.iter().map(|(name, _)| name.clone()).collect();
        let right: Vec<String> = self.sources.as_ref().map_or_else(|| self.labels.clone(), names);
        if self.multi || right.len().max(self.labels.len()) > GRID {
            return None;
        }
        Some(match &self.sources {
            None => Confusion::of_labels(&self.labels, &self.cases),
            Some(_) => Confusion::of_sources(&right, &self.labels, &self.cases),
        })
    }

    /// The figures of some cases, without what is taken for what.
    pub fn report_of(&self, cases: &[Case]) -> Report {
        match &self.sources {
            _ if self.multi => multi_label(&self.labels, cases),
            None => single_label(&self.labels, cases),
            Some(sources) => {
                let (names, sets): (Vec<String>, Vec<Vec<usize>>) = sources.iter().cloned().unzip();
                set_valued(&names, &sets, cases)
            }
        }
    }

    /// Whether some cases have several labels of which any is right.
    pub fn any_of(&self) -> bool {
        self.cases.iter().any(|case| matches!(case.truth, Truth::AnyOf(_)))
    }

    /// How far the scores can be believed.
    pub fn calibration(&self) -> Calibration {
        calibration(&self.scored)
    }

    /// Where accuracy and macro-F1 are likely to be.
    pub fn intervals(&self) -> Intervals {
        let found = intervals(self.labels.len(), &self.cases);
        // Macro-F1 is of the set's own labels there, which no resampling of the head's says anything about.
        Intervals { macro_f1: found.macro_f1.filter(|_| self.sources.is_none()), ..found }
    }

    /// All labels that were given, with their scores.
    pub fn answers(&self) -> Vec<ScoredAnswer> {
        self.given.iter().flatten().copied().collect()
    }

    /// Which cases are right as a whole.
    pub fn right(&self) -> Vec<bool> {
        self.cases.iter().map(|case| case.is_right(self.labels.len())).collect()
    }
}

/// The cases of each head that set and model share, with one prediction for each of the set's articles.
///
/// # Errors
/// If no head is shared, or a label of the set is not one of the model's.
pub fn head_cases(set: &LabelledSet, heads: &[Head], predictions: &[Prediction]) -> Result<Vec<HeadCases>> {
    let matched = matched(set, heads)?;
    let mut found = vec![];
    for (number, (taught, matched)) in set.heads.iter().zip(&matched).enumerate() {
        let Some(matched) = matched else { continue };
        let mut cases = HeadCases::new(taught, matched, heads);
        for (place, (row, prediction)) in set.articles.iter().zip(predictions).enumerate() {
            cases.add(place, row, number, matched, &prediction.heads[matched.head]);
        }
        found.push(cases);
    }
    Ok(found)
}
