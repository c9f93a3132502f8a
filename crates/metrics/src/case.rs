//! Cases: the gold labels and the predicted labels of an article on a head.

/// The gold labels of one article on one head, as indices into the head's labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gold {
    /// Exactly this label.
    One(usize),
    /// Any one of these labels. If the list is empty, no prediction is correct.
    AnyOf(Vec<usize>),
    /// Exactly these labels. Empty if no label applies.
    All(Vec<usize>),
}

/// One article on one head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The gold labels.
    pub gold: Gold,
    /// The predicted labels: exactly one for a softmax head, any number for a sigmoid head.
    pub predicted: Vec<usize>,
    /// Further labels that are correct besides the gold label, for [`Gold::One`] and [`Gold::AnyOf`], if the data set names
    /// any.
    pub also_correct: Vec<usize>,
    /// The gold label as an index into the data set's own labels, if those are mapped to the head's labels.
    pub data_set_label: Option<usize>,
}

impl Gold {
    /// Returns whether a label is one of the gold labels.
    pub fn contains(&self, label: usize) -> bool {
        match self {
            Gold::One(gold) => *gold == label,
            Gold::AnyOf(labels) | Gold::All(labels) => labels.contains(&label),
        }
    }

    /// Returns the gold labels in order, without repetition.
    ///
    /// For [`Gold::AnyOf`] it is one label: the first predicted one that is allowed, otherwise the first allowed one.
    pub(crate) fn labels_nearest(&self, predicted: &[usize]) -> Vec<usize> {
        match self {
            Gold::One(label) => vec![*label],
            Gold::AnyOf(allowed) => {
                let matching = predicted.iter().find(|label| allowed.contains(label));
                matching.or(allowed.first()).copied().into_iter().collect()
            }
            Gold::All(labels) => as_set(labels),
        }
    }
}

impl Case {
    /// Returns the predicted labels in order, without repetition.
    pub(crate) fn predicted_set(&self) -> Vec<usize> {
        as_set(&self.predicted)
    }

    /// Returns whether exactly one label is predicted, and it is a gold label or also correct.
    pub(crate) fn is_leniently_correct(&self) -> bool {
        let predicted = self.predicted_set();
        predicted.len() == 1 && (self.gold.contains(predicted[0]) || self.also_correct.contains(&predicted[0]))
    }

    /// Returns whether the predicted labels are exactly the gold labels, with every label among the first `labels`.
    pub fn is_correct(&self, labels: usize) -> bool {
        let predicted = self.predicted_set();
        // If no label is allowed, predicting none is not correct either.
        let can_be_correct = !matches!(&self.gold, Gold::AnyOf(allowed) if allowed.is_empty());
        can_be_correct
            && predicted.iter().all(|&label| label < labels)
            && predicted == self.gold.labels_nearest(&predicted)
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

    fn case(gold: Gold, predicted: &[usize]) -> Case {
        Case { gold, predicted: predicted.to_vec(), also_correct: vec![], data_set_label: None }
    }

    #[test]
    fn one_gold_label_needs_exactly_this_prediction() {
        assert!(case(Gold::One(1), &[1]).is_correct(3));
        assert!(!case(Gold::One(1), &[2]).is_correct(3));
        assert!(!case(Gold::One(1), &[1, 2]).is_correct(3));
        assert!(!case(Gold::One(1), &[]).is_correct(3));
    }

    #[test]
    fn any_allowed_label_is_correct() {
        let gold = Gold::AnyOf(vec![2, 0]);
        assert!(case(gold.clone(), &[0]).is_correct(3));
        assert!(case(gold.clone(), &[2]).is_correct(3));
        assert!(!case(gold.clone(), &[1]).is_correct(3));
        assert!(!case(gold.clone(), &[0, 2]).is_correct(3));
        assert_eq!(gold.labels_nearest(&[0]), [0]);
        assert_eq!(gold.labels_nearest(&[1]), [2]);
        assert!(!case(Gold::AnyOf(vec![]), &[]).is_correct(3));
    }

    #[test]
    fn order_and_repetition_of_labels_do_not_count() {
        let gold = Gold::All(vec![2, 0, 2]);
        assert!(case(gold.clone(), &[0, 2]).is_correct(3));
        assert!(case(gold.clone(), &[2, 0, 0]).is_correct(3));
        assert!(!case(gold, &[0]).is_correct(3));
        assert!(case(Gold::All(vec![]), &[]).is_correct(3));
    }

    #[test]
    fn label_beyond_the_list_is_never_correct() {
        assert!(!case(Gold::One(3), &[3]).is_correct(3));
        assert!(!case(Gold::All(vec![0, 3]), &[0, 3]).is_correct(3));
    }
}
