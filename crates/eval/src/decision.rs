//! Scores of a head that gives several labels, and what is right, to the scores from which on each label is given.
//!
//! The F1 of a threshold changes only where it passes a score, so the best one is looked for between neighbouring scores,
//! and the middle between the two is taken. A label with few articles has too few scores for that: the best one would be
//! luck. Such labels share one threshold, by which the F1 of all labels' answers together (micro-F1) is largest.

use newsdesk_data::StableHash;

/// A label that is right for fewer articles has no threshold of its own.
const LEAST_POSITIVES: usize = 20;

/// Parts of the articles, each of which is measured by what was fitted on the others.
const FOLDS: u64 = 5;

/// The scores of all labels on one article, and which labels are right.
pub(crate) struct Scored {
    scores: Vec<f32>,
    right: Vec<bool>,
    fold: u64,
}

impl Scored {
    /// The text decides by which of the others an article is measured, so that equal ones are on one side.
    pub(crate) fn new(text: &str, scores: Vec<f32>, right: Vec<bool>) -> Self {
        Self { scores, right, fold: StableHash::new().with(text.as_bytes()).value() % FOLDS }
    }

    /// The score of a label, and whether it is right.
    fn answer(&self, label: usize) -> (f32, bool) {
        (self.scores[label], self.right[label])
    }
}

/// From which scores on the labels of a head are given.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decision {
    /// The threshold of labels that have none of their own.
    pub(crate) shared: f32,
    /// The thresholds of labels that have one.
    own: Vec<Option<f32>>,
}

impl Decision {
    /// The threshold of a label.
    pub(crate) fn of(&self, label: usize) -> f32 {
        self.own[label].unwrap_or(self.shared)
    }

    /// Number of labels that have a threshold of their own.
    pub(crate) fn own(&self) -> usize {
        self.own.iter().flatten().count()
    }

    /// The best thresholds for these articles; `None` if no label is right for any of them, or a score is no number.
    /// Labels have their own where they are said to be `frequent`.
    fn best(articles: &[&Scored], frequent: &[bool]) -> Option<Self> {
        let labels = 0..frequent.len();
        let all = articles.iter().flat_map(|article| labels.clone().map(|label| article.answer(label)));
        let shared = threshold(all.collect())?;
        let own = |label: usize| threshold(articles.iter().map(|article| article.answer(label)).collect());
        let own = labels.clone().map(|label| if frequent[label] { own(label) } else { None }).collect();
        Some(Self { shared, own })
    }
}

/// The thresholds of a head's labels; `None` if no label is right for any article, or a score is no number.
///
/// A label that is right for at least [`LEAST_POSITIVES`] articles gets the threshold by which its own F1 is largest, the
/// others share one. Whether own thresholds are any better is measured before: on each of [`FOLDS`] parts of the articles
/// with thresholds that were fitted on the other parts. If the micro-F1 of all parts together is not larger with own
/// thresholds, all labels share one.
pub(crate) fn fit(articles: &[Scored]) -> Option<Decision> {
    let labels = articles.first()?.scores.len();
    let positives = |label: usize| articles.iter().filter(|article| article.right[label]).count();
    let frequent: Vec<bool> = (0..labels).map(|label| positives(label) >= LEAST_POSITIVES).collect();
    let none = vec![false; labels];
    let pays = held_out(articles, &frequent) > held_out(articles, &none);
    Decision::best(&articles.iter().collect::<Vec<_>>(), if pays { &frequent } else { &none })
}

/// Micro-F1 of all parts of the articles, each at the best thresholds of the others.
fn held_out(articles: &[Scored], frequent: &[bool]) -> f64 {
    let mut counts = Counts::default();
    for fold in 0..FOLDS {
        let (held, others): (Vec<&Scored>, Vec<_>) = articles.iter().partition(|article| article.fold == fold);
        if let Some(decision) = Decision::best(&others, frequent) {
            held.iter().for_each(|article| counts.add_all(article, &|label| decision.of(label)));
        }
    }
    counts.f1()
}

/// F1 of all labels' answers on these articles, when each label is given from its threshold on.
pub(crate) fn micro_f1(articles: &[Scored], threshold: &dyn Fn(usize) -> f32) -> f64 {
    let mut counts = Counts::default();
    articles.iter().for_each(|article| counts.add_all(article, threshold));
    counts.f1()
}

/// Answers that were given, those that were right, and those that should have been given.
#[derive(Default)]
struct Counts {
    given: u64,
    found: u64,
    right: u64,
}

impl Counts {
    fn add(&mut self, given: bool, right: bool) {
        self.given += u64::from(given);
        self.found += u64::from(given && right);
        self.right += u64::from(right);
    }

    fn add_all(&mut self, article: &Scored, threshold: &dyn Fn(usize) -> f32) {
        for label in 0..article.scores.len() {
            let (score, right) = article.answer(label);
            self.add(score >= threshold(label), right);
        }
    }

    fn f1(&self) -> f64 {
        match self.given + self.right {
            0 => 0.0,
            all => 2.0 * self.found as f64 / all as f64,
        }
    }
}

/// The score from which on answers have the largest F1: the middle between the lowest score that is given and the next
/// lower one. Of thresholds that are equally good the highest. `None` if no answer is right, or a score is no number.
fn threshold(mut answers: Vec<(f32, bool)>) -> Option<f32> {
    if answers.iter().any(|(score, _)| score.is_nan()) {
        return None;
    }
    answers.sort_by(|a, b| b.0.total_cmp(&a.0));
    let right = answers.iter().filter(|(_, right)| *right).count() as u64;
    let mut counts = Counts { right, ..Counts::default() };
    let (mut best, mut found) = (0.0, None);
    for (place, &(score, right)) in answers.iter().enumerate() {
        counts.given += 1;
        counts.found += u64::from(right);
        let next = answers.get(place + 1).map_or(0.0, |next| next.0);
        // Answers of one score are given together.
        let is_whole = place + 1 == answers.len() || next < score;
        if is_whole && counts.f1() > best {
            (best, found) = (counts.f1(), Some(middle(next, score)));
        }
    }
    found
}

/// The middle between two scores, rounded to four decimals where that is still between them; never the lower one, unless
/// they are equal.
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
    fn the_best_threshold_is_the_middle_of_its_gap() {
        // F1 by the number of answers given: 2/4, 4/5, 4/6, 6/7, 6/8.
        let answers = [(0.9, true), (0.8, true), (0.6, false), (0.5, true), (0.2, false)];
        assert_eq!(threshold(answers.to_vec()), Some(0.35));
        assert_eq!(threshold(answers[..4].to_vec()), Some(0.25));
        // Two of one score: both or none. 2/3 with the first alone, 4/5 with both of the next.
        assert_eq!(threshold(vec![(0.7, false), (0.9, true), (0.7, true), (0.1, false)]), Some(0.4));
        assert_eq!(threshold(vec![(0.9, false), (0.7, false)]), None);
        assert_eq!(threshold(vec![(f32::NAN, true), (0.7, true)]), None);
        assert_eq!(threshold(vec![(0.0, true)]), Some(0.0));
        assert_eq!(threshold(vec![]), None);
    }

    #[test]
    fn a_middle_is_never_the_lower_end() {
        let next = |x: f32| f32::from_bits(x.to_bits() + 1);
        for lower in [0.0f32, 1e-8, 0.3, 0.5, 0.999_999] {
            assert_eq!(middle(lower, next(lower)), next(lower), "{lower}");
        }
        assert_eq!((middle(0.31, 0.32), middle(0.300_01, 0.300_02)), (0.315, 0.300_015));
    }

    /// Two labels, each right for the second half of so many articles, with scores that say so from another place on.
    fn two_labels(articles: usize, places: [f32; 2]) -> Vec<Scored> {
        let article = |i: usize| {
            let score = |place: f32| {
                let spread = 0.1 * (i * 7 % 10) as f32 / 10.0;
                if i < articles / 2 { place - 0.1 + spread * 0.9 } else { place + spread }
            };
            Scored::new(&i.to_string(), places.map(score).to_vec(), vec![i >= articles / 2; 2])
        };
        (0..articles).map(article).collect()
    }

    #[test]
    fn frequent_labels_have_their_own_and_rare_ones_share() {
        let found = fit(&two_labels(100, [0.3, 0.8])).unwrap();
        assert_eq!(found.own(), 2);
        assert!((0.25..=0.3).contains(&found.of(0)) && (0.75..=0.8).contains(&found.of(1)), "{found:?}");
        let rare = fit(&two_labels(38, [0.3, 0.8])).unwrap();
        assert_eq!((rare.own(), rare.of(0), rare.of(1)), (0, rare.shared, rare.shared));
        assert!(rare.shared > 0.2 && rare.shared < 0.75, "{rare:?}");
    }

    #[test]
    fn own_thresholds_that_do_not_pay_are_not_kept() {
        // Both labels change at one place: two thresholds know no more than one.
        let found = fit(&two_labels(100, [0.5, 0.5])).unwrap();
        assert_eq!(found.own(), 0);
        assert!((0.45..=0.5).contains(&found.shared), "{found:?}");
    }

    proptest! {
        #[test]
        fn no_other_threshold_has_a_larger_f1(answers in prop::collection::vec((0u8..30, any::<bool>()), 1..60)) {
            let answers: Vec<(f32, bool)> = answers.into_iter().map(|(s, right)| (f32::from(s) / 30.0, right)).collect();
            let f1 = |threshold: f32| {
                let mut counts = Counts::default();
                answers.iter().for_each(|&(score, right)| counts.add(score >= threshold, right));
                counts.f1()
            };
            match threshold(answers.clone()) {
                None => prop_assert!(answers.iter().all(|(_, right)| !right)),
                Some(found) => prop_assert!((0..=30).all(|i| f1(i as f32 / 30.0) <= f1(found) + 1e-12)),
            }
        }
    }
}
