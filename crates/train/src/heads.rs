//! The heads that a group of labelled data sets trains together, and whether the data suffices for them.

use crate::error::{Remedy, Result, TrainError};
use newsdesk_data::{GoldLabels, LabelledSet};
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

/// Checks that every data set has labelled articles, and that the training articles of each head do not all have one label.
///
/// # Errors
/// [`TrainError::Data`] with the name of the data set or the head.
pub(crate) fn check_data(training: &[LabelledSet], validation: &[LabelledSet], heads: &[Head]) -> Result<()> {
    let fail = |cause: String, remedy| Err(TrainError::Data { cause, remedy });
    if let Some(set) = training.iter().chain(validation).find(|set| set.articles.is_empty()) {
        let cause = format!("there is no labelled article in `{}`, {}", set.name, set.split);
        return fail(cause, Remedy::AddLabelledArticles);
    }
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
    }
    Ok(())
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
