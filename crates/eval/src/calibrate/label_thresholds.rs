//! Fits the thresholds of a multi-label head: the scores above which its labels are predicted.
//!
//! The F1 of a threshold changes only where it passes a score. So the best threshold is searched between neighbouring scores,
//! and the middle between the two is taken. A label with few articles has too few scores for that: the optimum would be
//! chance. Such labels share one threshold, the one with the largest micro-F1.

use newsdesk_data::StableHash;
use newsdesk_model::Head;

/// The smallest number of articles with a label for which the label gets a threshold of its own.
const MIN_POSITIVES: usize = 20;

/// Folds of the cross-validation.
const FOLDS: u64 = 5;

/// A summary of the thresholds of a multi-label head. The manifest has the threshold of each label.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct DecisionThresholds {
    /// The threshold of labels without one of their own.
    pub shared: f32,
    /// Number of labels with a threshold of their own.
    pub own: usize,
    /// Micro-F1 on the articles with the old thresholds.
    pub micro_f1_before: f64,
    /// Micro-F1 on the articles with the new thresholds.
    pub micro_f1: f64,
}

/// The scores and gold labels of one article.
pub(super) struct ScoredArticle {
    /// By label.
    scores: Vec<f32>,
    /// By label: whether it is a gold label.
    gold: Vec<bool>,
    fold: u64,
}

impl ScoredArticle {
    /// The text decides the fold, so that equal texts are in one fold.
    pub(super) fn new(text: &str, scores: Vec<f32>, gold: Vec<bool>) -> Self {
        Self { scores, gold, fold: StableHash::new().with(text.as_bytes()).value() % FOLDS }
    }

    /// Returns the score of a label, and whether it is a gold label.
    fn label(&self, label: usize) -> (f32, bool) {
        (self.scores[label], self.gold[label])
    }
}

/// The thresholds of a head's labels.
#[derive(Debug, Clone, PartialEq)]
struct Thresholds {
    /// The threshold of labels without one of their own.
    shared: f32,
    /// By label: its own threshold, if it has one.
    own: Vec<Option<f32>>,
}

impl Thresholds {
    /// Returns the threshold of a label.
    fn of(&self, label: usize) -> f32 {
        self.own[label].unwrap_or(self.shared)
    }

    /// Returns the number of labels with a threshold of their own.
    fn own_count(&self) -> usize {
        self.own.iter().flatten().count()
    }

    /// Returns the thresholds with the largest F1 on these articles. Labels marked as `frequent` get their own. `None` if no
    /// article has a gold label, or a score is not a number.
    fn best(articles: &[&ScoredArticle], frequent: &[bool]) -> Option<Self> {
        let labels = 0..frequent.len();
        let all = articles.iter().flat_map(|article| labels.clone().map(|label| article.label(label)));
        let shared = best_threshold(all.collect())?;
        let own = |label: usize| best_threshold(articles.iter().map(|article| article.label(label)).collect());
        let own = labels.clone().map(|label| if frequent[label] { own(label) } else { None }).collect();
        Some(Self { shared, own })
    }
}

/// Fits the thresholds of a head's labels and writes them into the head. `None`, and an unchanged head, if no article has a
/// gold label or a score is not a number.
pub(super) fn fit_label_thresholds(head: &mut Head, articles: &[ScoredArticle]) -> Option<DecisionThresholds> {
    let fitted = fit(articles)?;
    let micro_f1_before = micro_f1(articles, &|label| head.labels[label].threshold.unwrap_or(0.5));
    let micro_f1 = micro_f1(articles, &|label| fitted.of(label));
    head.labels.iter_mut().enumerate().for_each(|(index, label)| label.threshold = Some(fitted.of(index)));
    Some(DecisionThresholds { shared: fitted.shared, own: fitted.own_count(), micro_f1_before, micro_f1 })
}

/// Returns the best thresholds; `None` if no article has a gold label, or a score is not a number.
///
/// A label with at least [`MIN_POSITIVES`] articles gets the threshold that maximizes its own F1; the others share one.
/// Cross-validation with [`FOLDS`] folds decides whether own thresholds help: each fold is scored with thresholds that were
/// fitted on the other folds. If the micro-F1 over all folds is not larger with own thresholds, all labels share one.
fn fit(articles: &[ScoredArticle]) -> Option<Thresholds> {
    let labels = articles.first()?.scores.len();
    let positives = |label: usize| articles.iter().filter(|article| article.gold[label]).count();
    let frequent: Vec<bool> = (0..labels).map(|label| positives(label) >= MIN_POSITIVES).collect();
    let none = vec![false; labels];
    let own_are_better = cross_validated_f1(articles, &frequent) > cross_validated_f1(articles, &none);
    Thresholds::best(&articles.iter().collect::<Vec<_>>(), if own_are_better { &frequent } else { &none })
}

/// Returns the micro-F1 over all folds, each with the best thresholds of the other folds.
fn cross_validated_f1(articles: &[ScoredArticle], frequent: &[bool]) -> f64 {
    let mut counts = Counts::default();
    for fold in 0..FOLDS {
        let (held_out, others): (Vec<&ScoredArticle>, Vec<_>) =
            articles.iter().partition(|article| article.fold == fold);
        if let Some(thresholds) = Thresholds::best(&others, frequent) {
            held_out.iter().for_each(|article| counts.add_all(article, &|label| thresholds.of(label)));
        }
    }
    counts.f1()
}

/// Returns the micro-F1 on these articles with the given threshold for each label.
fn micro_f1(articles: &[ScoredArticle], threshold: &dyn Fn(usize) -> f32) -> f64 {
    let mut counts = Counts::default();
    articles.iter().for_each(|article| counts.add_all(article, threshold));
    counts.f1()
}

/// Counts of predicted labels, true positives and gold labels.
#[derive(Default)]
struct Counts {
    predicted: u64,
    true_positives: u64,
    gold: u64,
}

impl Counts {
    fn add(&mut self, predicted: bool, gold: bool) {
        self.predicted += u64::from(predicted);
        self.true_positives += u64::from(predicted && gold);
        self.gold += u64::from(gold);
    }

    fn add_all(&mut self, article: &ScoredArticle, threshold: &dyn Fn(usize) -> f32) {
        for label in 0..article.scores.len() {
            let (score, gold) = article.label(label);
            self.add(score >= threshold(label), gold);
        }
    }

    fn f1(&self) -> f64 {
        match self.predicted + self.gold {
            0 => 0.0,
            all => 2.0 * self.true_positives as f64 / all as f64,
        }
    }
}

/// Returns the threshold with the largest F1 for pairs of score and gold label: the middle between the lowest score above it
/// and the next lower one. Of equally good thresholds the highest. `None` if there is no gold label, or a score is not a number.
fn best_threshold(mut scored: Vec<(f32, bool)>) -> Option<f32> {
    if scored.iter().any(|(score, _)| score.is_nan()) {
        return None;
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let gold = scored.iter().filter(|(_, gold)| *gold).count() as u64;
    let mut counts = Counts { gold, ..Counts::default() };
    let (mut best, mut found) = (0.0, None);
    for (index, &(score, gold)) in scored.iter().enumerate() {
        counts.predicted += 1;
        counts.true_positives += u64::from(gold);
        let next = scored.get(index + 1).map_or(0.0, |next| next.0);
        // Labels with equal scores are predicted together.
        let is_last_of_score = index + 1 == scored.len() || next < score;
        if is_last_of_score && counts.f1() > best {
            (best, found) = (counts.f1(), Some(middle(next, score)));
        }
    }
    found
}

/// Returns the middle between two scores, rounded to four decimals if it is then still between them. It is above the lower
/// score unless both are equal.
fn middle(lower: f32, upper: f32) -> f32 {
    let middle = (f64::from(lower) + f64::from(upper)) / 2.0;
    let rounded = (middle * 1e4).round() / 1e4;
    let between = [rounded, middle].map(|x| x as f32).into_iter().find(|&x| lower < x && x <= upper);
    between.unwrap_or(upper)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_best_threshold_is_the_middle_between_two_scores() {
        // F1 by the number of predicted labels: 2/4, 4/5, 4/6, 6/7, 6/8.
        let scored = [(0.9, true), (0.8, true), (0.6, false), (0.5, true), (0.2, false)];
        assert_eq!(best_threshold(scored.to_vec()), Some(0.35));
        assert_eq!(best_threshold(scored[..4].to_vec()), Some(0.25));
        // Two of one score: both or none. F1 is 2/3 with the first alone, 4/5 with the next two as well.
        assert_eq!(best_threshold(vec![(0.7, false), (0.9, true), (0.7, true), (0.1, false)]), Some(0.4));
        assert_eq!(best_threshold(vec![(0.9, false), (0.7, false)]), None);
        assert_eq!(best_threshold(vec![(f32::NAN, true), (0.7, true)]), None);
        assert_eq!(best_threshold(vec![(0.0, true)]), Some(0.0));
        assert_eq!(best_threshold(vec![]), None);
    }

    #[test]
    fn the_middle_is_above_the_lower_score() {
        let next = |x: f32| f32::from_bits(x.to_bits() + 1);
        for lower in [0.0f32, 1e-8, 0.3, 0.5, 0.999_999] {
            assert_eq!(middle(lower, next(lower)), next(lower), "{lower}");
        }
        assert_eq!((middle(0.31, 0.32), middle(0.300_01, 0.300_02)), (0.315, 0.300_015));
    }

    /// Two labels, both gold labels of the second half of the articles, whose scores separate the halves at these boundaries.
    fn two_labels(articles: usize, boundaries: [f32; 2]) -> Vec<ScoredArticle> {
        let article = |i: usize| {
            let score = |boundary: f32| {
                let spread = 0.1 * (i * 7 % 10) as f32 / 10.0;
                if i < articles / 2 { boundary - 0.1 + spread * 0.9 } else { boundary + spread }
            };
            ScoredArticle::new(&i.to_string(), boundaries.map(score).to_vec(), vec![i >= articles / 2; 2])
        };
        (0..articles).map(article).collect()
    }

    #[test]
    fn frequent_labels_have_own_thresholds_and_rare_ones_share_one() {
        let found = fit(&two_labels(100, [0.3, 0.8])).unwrap();
        assert_eq!(found.own_count(), 2);
        assert!((0.25..=0.3).contains(&found.of(0)) && (0.75..=0.8).contains(&found.of(1)), "{found:?}");
        let rare = fit(&two_labels(38, [0.3, 0.8])).unwrap();
        assert_eq!((rare.own_count(), rare.of(0), rare.of(1)), (0, rare.shared, rare.shared));
        assert!(rare.shared > 0.2 && rare.shared < 0.75, "{rare:?}");
    }

    #[test]
    fn own_thresholds_without_benefit_are_dropped() {
        // Both labels have the same boundary, so two thresholds are no better than one.
        let found = fit(&two_labels(100, [0.5, 0.5])).unwrap();
        assert_eq!(found.own_count(), 0);
        assert!((0.45..=0.5).contains(&found.shared), "{found:?}");
    }

    proptest! {
        #[test]
        fn no_other_threshold_has_a_larger_f1(scored in prop::collection::vec((0u8..30, any::<bool>()), 1..60)) {
            let scored: Vec<(f32, bool)> = scored.into_iter().map(|(s, gold)| (f32::from(s) / 30.0, gold)).collect();
            let f1 = |threshold: f32| {
                let mut counts = Counts::default();
                scored.iter().for_each(|&(score, gold)| counts.add(score >= threshold, gold));
                counts.f1()
            };
            match best_threshold(scored.clone()) {
                None => prop_assert!(scored.iter().all(|(_, gold)| !gold)),
                Some(found) => prop_assert!((0..=30).all(|i| f1(i as f32 / 30.0) <= f1(found) + 1e-12)),
            }
        }
    }
}
