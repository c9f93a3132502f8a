//! Loads a public data set as its recipe describes it.

use std::path::Path;
use std::sync::Arc;

use super::error::LabelError;
use super::gold_labels::{GoldLabels, find_label};
use super::labels::{LabelId, LabelSet};
use super::recipe::{HeadRecipe, Recipe};
use super::rows::{LabelledRow, LabelledRows};
use super::set::{LabelledArticle, LabelledHead, LabelledSet};
use crate::error::DataError;
use crate::read::ReadError;
use crate::row::Position;

/// Reads one split of a recipe's data set.
///
/// `root` is the folder that contains all data sets. `label_sets` returns a label set by name.
///
/// # Errors
/// If a label set or the file of the split does not exist, the file cannot be read, or a label is not known.
pub fn load_recipe(
    recipe: &Recipe,
    root: &Path,
    split: &str,
    label_sets: &dyn Fn(&str) -> Option<Arc<LabelSet>>,
) -> Result<LabelledSet, DataError> {
    let heads = recipe_heads(recipe, label_sets)?;
    let rows = LabelledRows::of_recipe(recipe, root, split)?;
    let mut set = LabelledSet {
        name: recipe.name.clone(),
        split: split.to_owned(),
        heads,
        articles: Vec::new(),
        rejects: Vec::new(),
        skipped: 0,
        html: 0,
    };
    for row in rows {
        match row {
            Ok(row) => add(&mut set, row, recipe)?,
            Err(ReadError::Reject(reject)) => set.rejects.push(reject),
            Err(ReadError::Fatal(error)) => return Err(error),
        }
    }
    Ok(set)
}

/// Returns the heads that a recipe's data set has labels for. `label_sets` returns a label set by name.
///
/// # Errors
/// If a label set does not exist, or does not have a label that the recipe maps to.
pub fn recipe_heads(
    recipe: &Recipe,
    label_sets: &dyn Fn(&str) -> Option<Arc<LabelSet>>,
) -> Result<Vec<LabelledHead>, DataError> {
    recipe.heads.iter().map(|(name, head)| resolve(recipe, name, head, label_sets)).collect()
}

/// Looks up the label set of a head, and the labels that the recipe maps to.
fn resolve(
    recipe: &Recipe,
    name: &str,
    head: &HeadRecipe,
    label_sets: &dyn Fn(&str) -> Option<Arc<LabelSet>>,
) -> Result<LabelledHead, DataError> {
    let labels = label_sets(&head.labels).ok_or_else(|| LabelError::NoLabelSet {
        recipe: recipe.name.clone(),
        head: name.to_owned(),
        labels: head.labels.clone(),
    })?;
    let find = |from: &str, label: &String| {
        labels.find(label).ok_or_else(|| LabelError::NoSuchLabel {
            recipe: recipe.name.clone(),
            head: name.to_owned(),
            from: from.to_owned(),
            label: label.clone(),
            known: labels.suggestions(label),
        })
    };
    let map = head.map.as_ref().map(|map| {
        let entries = map.iter().map(|(from, to)| {
            let to = to.iter().map(|label| find(from, label)).collect::<Result<Vec<_>, _>>()?;
            Ok((from.clone(), to))
        });
        entries.collect::<Result<Vec<_>, LabelError>>()
    });
    Ok(LabelledHead { name: name.to_owned(), map: map.transpose()?, multi: head.multi, labels })
}

/// Adds a row to the data set, or counts it as skipped if it has no label for any head.
fn add(
    set: &mut LabelledSet,
    LabelledRow { row, labels, also_correct, .. }: LabelledRow,
    recipe: &Recipe,
) -> Result<(), DataError> {
    let gold_labels = set.heads.iter().zip(&labels).map(|(head, names)| match names {
        Some(names) => gold_labels_of(head, names, &row.position, recipe),
        None => Ok(None),
    });
    let gold_labels = gold_labels.collect::<Result<Vec<_>, _>>()?;
    let also_correct = set.heads.iter().zip(&also_correct).map(|(head, names)| {
        let mut labels = mapped(head, names, &row.position, recipe)?;
        labels.sort_unstable();
        labels.dedup();
        Ok(labels)
    });
    let also_correct = also_correct.collect::<Result<Vec<_>, DataError>>()?;
    if gold_labels.iter().all(Option::is_none) {
        set.skipped += 1;
    } else {
        set.html += u64::from(row.was_html);
        set.articles.push(LabelledArticle {
            position: row.position,
            article: row.article,
            gold_labels,
            also_correct,
            data_set_labels: labels.into_iter().map(|names| names.map(|names| names.join("; "))).collect(),
        });
    }
    Ok(())
}

/// Returns the gold labels of a head for the labels of a row.
fn gold_labels_of(
    head: &LabelledHead,
    names: &[String],
    position: &Position,
    recipe: &Recipe,
) -> Result<Option<GoldLabels>, DataError> {
    let labels = mapped(head, names, position, recipe)?;
    // A label that maps to an empty list leaves the row unlabelled. An empty list of labels means that no label is correct.
    let is_unlabelled = labels.is_empty() && !names.is_empty();
    Ok(if is_unlabelled { None } else { GoldLabels::from_labels(labels, head.multi) })
}

/// Returns the labels of a head that the labels of a row may mean.
fn mapped(
    head: &LabelledHead,
    names: &[String],
    position: &Position,
    recipe: &Recipe,
) -> Result<Vec<LabelId>, DataError> {
    let mut labels = Vec::new();
    for name in names {
        match &head.map {
            Some(map) => match map.iter().find(|(from, _)| from == name) {
                Some((_, to)) => labels.extend_from_slice(to),
                None => {
                    return Err(LabelError::Unmapped {
                        position: position.clone(),
                        label: name.clone(),
                        head: head.name.clone(),
                        recipe: recipe.name.clone(),
                    }
                    .into());
                }
            },
            None => labels.push(find_label(&head.labels, name, position)?),
        }
    }
    Ok(labels)
}
