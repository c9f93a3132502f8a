//! Matches the heads of teachers with those that are trained.

use crate::error::{Remedy, Result, TrainError};
use newsdesk_model::Head;

/// A teacher's head that matches a trained head.
pub(super) struct MatchingHead {
    /// Index among the teacher's heads.
    pub(super) index: usize,
    /// For each label of the trained head, its index among the teacher's labels.
    pub(super) labels: Vec<usize>,
}

/// Returns which head of a teacher has the name and the labels of a trained head; `None` if no head has this name. `teacher` is the
/// name of the teacher, `heads` are its heads.
///
/// # Errors
/// [`TrainError::Teacher`] if the head has other labels, or another activation.
pub(super) fn matching_head(teacher: &str, heads: &[Head], head: &Head) -> Result<Option<MatchingHead>> {
    let Some(index) = heads.iter().position(|own| own.name == head.name) else { return Ok(None) };
    let own = &heads[index];
    let fail = |cause: String, remedy: Remedy| Err(TrainError::Teacher { teacher: teacher.into(), cause, remedy });
    if own.activation != head.activation {
        let (name, of_teacher, of_student) = (&own.name, own.activation, head.activation);
        let cause = format!("its head `{name}` is a {of_teacher} head, the trained one is a {of_student} head");
        return fail(cause, Remedy::UseLabelKindOfTeacher);
    }
    let find = |name: &String| own.labels.iter().position(|label| label.name == *name);
    let names = head.names();
    if let Some(unknown) = names.iter().find(|name| find(name).is_none()) {
        let cause = format!("its head `{}` has no label `{unknown}`", head.name);
        return fail(cause, Remedy::UseLabelsOfTeacher { known: own.names() });
    }
    if let Some(other) = own.names().iter().find(|name| !names.contains(name)) {
        let cause = format!("its head `{}` has a label `{other}`, which no row has", head.name);
        return fail(cause, Remedy::UseTeacherWithLabels { trained: names });
    }
    Ok(Some(MatchingHead { index, labels: names.iter().filter_map(find).collect() }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use newsdesk_model::{HeadActivation, HeadLabel};

    fn head(name: &str, labels: &[&str]) -> Head {
        let label = |&name: &&str| HeadLabel { name: name.into(), code: None, threshold: None };
        let (name, activation) = (name.into(), HeadActivation::Softmax);
        Head { name, activation, temperature: 1.0, labels: labels.iter().map(label).collect() }
    }

    #[test]
    fn labels_are_matched_by_name_in_any_order() {
        let teacher = [head("tone", &["good", "bad"]), head("desk", &["arts", "money", "world"])];
        let found = matching_head("large", &teacher, &head("desk", &["world", "arts", "money"])).unwrap().unwrap();
        assert_eq!((found.index, found.labels), (1, vec![2, 0, 1]));
        assert!(matching_head("large", &teacher, &head("topic", &["arts"])).unwrap().is_none());
    }

    #[test]
    fn other_labels_and_activations_are_refused() {
        let teacher = [head("desk", &["arts", "money"])];
        let cause = |trained: &Head| {
            let error = matching_head("large", &teacher, trained).err().unwrap();
            assert!(error.remedy().is_some());
            error.to_string()
        };
        assert!(cause(&head("desk", &["arts", "sport"])).ends_with("its head `desk` has no label `sport`"));
        assert!(cause(&head("desk", &["arts"])).contains("has a label `money`, which no row has"));
        let sigmoid = Head { activation: HeadActivation::Sigmoid, ..head("desk", &["arts", "money"]) };
        assert!(cause(&sigmoid).contains("is a softmax head"));
    }
}
