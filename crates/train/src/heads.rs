//! The heads that a group of labelled data sets trains together, and whether the data suffices for them.

use crate::error::{Remedy, Result, TrainError};
use newsdesk_data::{GoldLabels, LabelledSet, TextHash};
use newsdesk_model::{Head, HeadActivation, HeadLabel};

/// Returns the heads of all data sets, one for each name, in order of first appearance. Data sets with the same head must
/// agree on its labels and their order.
///
/// # Errors
/// [`TrainError::Data`] if they do not agree, or if a single-label head has fewer than two labels.
pub fn merge_heads(sets: &[LabelledSet]) -> Result<Vec<Head>> {
    let mut heads: Vec<Head> = Vec::new();
    for set in sets {
        for set_head in &set.heads {
            let labels = set_head.labels.labels.iter();
            let labels =
                labels.map(|l| HeadLabel { name: l.name.clone(), code: l.code.clone(), threshold: None }).collect();
            let activation = if set_head.multi { HeadActivation::Sigmoid } else { HeadActivation::Softmax };
            let head = Head { name: set_head.name.clone(), activation, temperature: 1.0, labels };
            match heads.iter().find(|known| known.name == head.name) {
                None => heads.push(head),
                Some(known) if *known == head => {}
                Some(_) => {
                    let cause =
                        format!("`{}` has other labels for head `{}` than a data set before it", set.name, head.name);
                    return Err(TrainError::Data { cause, remedy: Remedy::UseOneLabelList });
                }
            }
        }
    }
    match heads.iter().find(|head| head.labels.len() < 2 && head.activation == HeadActivation::Softmax) {
        None => Ok(heads),
        Some(head) => {
            let labels = match head.labels.as_slice() {
                [only] => format!("only one label, `{}`", only.name),
                _ => "no label".into(),
            };
            let has_head = |set: &&LabelledSet| set.heads.iter().any(|set_head| set_head.name == head.name);
            let rows =
                |set: &LabelledSet| format!("{} in `{}`", counted(set.articles.len(), "training article"), set.name);
            let rows: Vec<String> = sets.iter().filter(has_head).map(rows).collect();
            let cause =
                format!("head `{}` has {labels}, so there is nothing to predict ({})", head.name, rows.join(", "));
            Err(TrainError::Data { cause, remedy: Remedy::NameLabelColumn })
        }
    }
}

/// Fewer training articles do not show that labels are identifiers, or that the text column is the wrong one.
const MIN_ALIKE: usize = 10;

/// Checks that every data set has labelled articles, that the training articles of each head do not all have one label or each a
/// label of its own, and that they do not all have one text.
///
/// # Errors
/// [`TrainError::Data`] with the name of the data set or the head.
pub(crate) fn check_data(training: &[LabelledSet], validation: &[LabelledSet], heads: &[Head]) -> Result<()> {
    let fail = |cause: String, remedy| Err(TrainError::Data { cause, remedy });
    let empty = |sets: &[LabelledSet]| match sets.iter().find(|set| set.articles.is_empty()) {
        Some(set) => {
            fail(format!("`{}` ({}) has no labelled articles", set.name, set.split), Remedy::AddLabelledArticles)
        }
        None => Ok(()),
    };
    empty(training)?;
    for head in heads {
        let mut gold_labels = training.iter().flat_map(|set| gold_labels(set, &head.name));
        let Some(first) = gold_labels.next() else {
            return fail(format!("no article is labelled for head `{}`", head.name), Remedy::NameLabelColumn);
        };
        let mut count = 1;
        if gold_labels.all(|gold| {
            count += 1;
            gold == first
        }) {
            let names: Vec<&str> =
                first.labels().iter().map(|label| head.labels[label.index()].name.as_str()).collect();
            let names = names.join("; ");
            let cause = match count {
                1 => format!("head `{}` has only one article, with the label `{names}`", head.name),
                _ => format!("all {count} articles of head `{}` have the same label, `{names}`", head.name),
            };
            return fail(cause, Remedy::AddSecondLabel);
        }
        if let Some(count) = identifiers(training, head) {
            let cause = format!("each of the {count} training articles has a label of its own in head `{}`", head.name);
            return fail(cause, Remedy::NameLabelColumn);
        }
    }
    let texts = || training.iter().flat_map(|set| &set.articles).map(|row| TextHash::with_target(&row.article));
    if texts().nth(MIN_ALIKE - 1).is_some() && texts().skip(1).all(|text| Some(text) == texts().next()) {
        return fail("all training articles have the same text".into(), Remedy::NameTextColumn);
    }
    // After the training data, since nothing is held out where all texts or no labels are alike.
    empty(validation)
}

/// Returns the number of training articles of a single-label head if no two of them have the same label.
fn identifiers(training: &[LabelledSet], head: &Head) -> Option<usize> {
    let mut seen = vec![false; head.labels.len()];
    let mut count = 0;
    for gold in training.iter().flat_map(|set| gold_labels(set, &head.name)) {
        let GoldLabels::One(label) = gold else { return None };
        if std::mem::replace(seen.get_mut(label.index())?, true) {
            return None;
        }
        count += 1;
    }
    (count >= MIN_ALIKE).then_some(count)
}

/// Returns a number with its noun: `1 article`, `2 articles`.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Returns the gold labels of the articles of a data set that are labelled for a head.
fn gold_labels<'a>(set: &'a LabelledSet, head: &str) -> impl Iterator<Item = &'a GoldLabels> {
    let index = set.heads.iter().position(|set_head| set_head.name == head);
    set.articles.iter().filter_map(move |row| row.gold_labels[index?].as_ref())
}

/// Returns whether gold labels have the kind and the labels of a head.
pub(crate) fn fits(gold_labels: &GoldLabels, head: &Head) -> bool {
    let multi = head.activation == HeadActivation::Sigmoid;
    matches!(gold_labels, GoldLabels::All(_)) == multi
        && gold_labels.labels().iter().all(|l| l.index() < head.labels.len())
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use newsdesk_data::{LabelSet, LabelledFileOptions, Source, load_labelled_files};
    use std::sync::Arc;

    /// Returns a data set of texts with their labels, with the head `label`.
    pub(crate) fn labelled(rows: &[(&str, &str)], labels: &[&str]) -> LabelledSet {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set.csv");
        let lines: String = rows.iter().map(|(text, label)| format!("{text},{label}\n")).collect();
        std::fs::write(&path, format!("text,label\n{lines}")).unwrap();
        let labels = LabelSet::new("label", labels.iter().map(|label| label.to_string()));
        let options = LabelledFileOptions {
            head: "label".into(),
            labels: Some(Arc::new(labels)),
            ..LabelledFileOptions::default()
        };
        load_labelled_files(&[Source::File(path)], &options).unwrap()
    }

    #[test]
    fn identifiers_as_labels_and_equal_texts_are_refused() {
        let names: Vec<String> = (0..12).map(|i| i.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let refused = |rows: &[(&str, &str)]| {
            let sets = [labelled(rows, &names)];
            let heads = merge_heads(&sets).unwrap();
            check_data(&sets, &sets, &heads).err().map(|error| error.to_string())
        };
        let mut rows: Vec<(&str, &str)> = names.iter().map(|name| (*name, *name)).collect();
        let error =
            "cannot use the labelled data: each of the 12 training articles has a label of its own in head `label`";
        assert_eq!(refused(&rows).unwrap(), error);
        rows[0].1 = "1";
        assert_eq!(refused(&rows), None);
        assert_eq!(refused(&[("a", "0"), ("b", "1")]), None);
        let same = [("a", "0"), ("A ", "1")].repeat(5);
        assert_eq!(refused(&same[..9]), None);
        assert_eq!(refused(&same).unwrap(), "cannot use the labelled data: all training articles have the same text");
    }
}
