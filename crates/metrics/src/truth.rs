//! Cases: what is right for an article on a head, and what was predicted.

/// What is right for one article on one head, as indices into the head's labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    /// This label and no other.
    One(usize),
    /// Any one of these labels, and one is enough. Never empty: of no labels, none is right.
    AnyOf(Vec<usize>),
    /// All of these labels and no other. Empty if no label applies.
    All(Vec<usize>),
}

/// One article on one head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What is right.
    pub truth: Truth,
    /// The labels predicted: exactly one by a softmax head, any number by a sigmoid head.
    pub predicted: Vec<usize>,
    /// Other labels that are right as well as the truth, where it is [`Truth::One`] or [`Truth::AnyOf`] and the data set
    /// names any.
    pub also: Vec<usize>,
    /// The label given by the data set, as an index into the set's own labels, where those are mapped to the head's.
    pub source_label: Option<usize>,
}

impl Truth {
    /// Whether a label is right, or one of those that are.
    pub fn names(&self, label: usize) -> bool {
        match self {
            Truth::One(right) => *right == label,
            Truth::AnyOf(labels) | Truth::All(labels) => labels.contains(&label),
        }
    }

    /// The right labels, in order and without repetition, read as kindly to `predicted` as the truth allows.
    ///
    /// Where any of several labels will do, that is the first predicted one among them, or else the first of them.
    pub(crate) fn labels_nearest(&self, predicted: &[usize]) -> Vec<usize> {
        match self {
            Truth::One(label) => vec![*label],
            Truth::AnyOf(allowed) => {
                let met = predicted.iter().find(|label| allowed.contains(label));
                met.or(allowed.first()).copied().into_iter().collect()
            }
            Truth::All(labels) => as_set(labels),
        }
    }
}

impl Case {
    /// The labels predicted, in order and without repetition.
    pub(crate) fn predicted_set(&self) -> Vec<usize> {
        as_set(&self.predicted)
    }

    /// Whether the one label predicted is right or among the others that are.
    pub(crate) fn is_any(&self) -> bool {
        let predicted = self.predicted_set();
        predicted.len() == 1 && (self.truth.names(predicted[0]) || self.also.contains(&predicted[0]))
    }

    /// Whether the prediction is exactly what is right, with every label among the first `labels`.
    pub fn is_right(&self, labels: usize) -> bool {
        let predicted = self.predicted_set();
        // Where nothing is allowed, predicting nothing is not right either.
        let answerable = !matches!(&self.truth, Truth::AnyOf(allowed) if allowed.is_empty());
        answerable
            && predicted.iter().all(|&label| label < labels)
            && predicted == self.truth.labels_nearest(&predicted)
    }
}

fn as_set(labels: &[usize]) -> Vec<usize> {
    let mut set = labels.to_vec();
    set.sort_unstable();
    set.dedup();
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(truth: Truth, predicted: &[usize]) -> Case {
        Case { truth, predicted: predicted.to_vec(), also: vec![], source_label: None }
    }

    #[test]
    fn one_label_is_right_alone() {
        assert!(case(Truth::One(1), &[1]).is_right(3));
        assert!(!case(Truth::One(1), &[2]).is_right(3));
        assert!(!case(Truth::One(1), &[1, 2]).is_right(3));
        assert!(!case(Truth::One(1), &[]).is_right(3));
    }

    #[test]
    fn any_of_is_met_by_one_label_within() {
        let truth = Truth::AnyOf(vec![2, 0]);
        assert!(case(truth.clone(), &[0]).is_right(3));
        assert!(case(truth.clone(), &[2]).is_right(3));
        assert!(!case(truth.clone(), &[1]).is_right(3));
        assert!(!case(truth.clone(), &[0, 2]).is_right(3));
        assert_eq!(truth.labels_nearest(&[0]), [0]);
        assert_eq!(truth.labels_nearest(&[1]), [2]);
        assert!(!case(Truth::AnyOf(vec![]), &[]).is_right(3));
    }

    #[test]
    fn all_is_a_set() {
        let truth = Truth::All(vec![2, 0, 2]);
        assert!(case(truth.clone(), &[0, 2]).is_right(3));
        assert!(case(truth.clone(), &[2, 0, 0]).is_right(3));
        assert!(!case(truth, &[0]).is_right(3));
        assert!(case(Truth::All(vec![]), &[]).is_right(3));
    }

    #[test]
    fn a_label_that_does_not_exist_is_never_right() {
        assert!(!case(Truth::One(3), &[3]).is_right(3));
        assert!(!case(Truth::All(vec![0, 3]), &[0, 3]).is_right(3));
    }
}
