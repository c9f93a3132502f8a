//! Labelled articles: rows of a public set, read as its recipe says, with the labels that each head is to learn.

use std::path::Path;
use std::sync::Arc;

use crate::article::{Article, Position};
use crate::error::DataError;
use crate::labels::{LabelId, LabelSet};
use crate::read::{ReadError, Reject};
use crate::recipe::{HeadRecipe, Recipe};
use crate::rows::{LabelledRow, LabelledRows};
use crate::target::{Target, find_label, target};

/// An article with what is known of it.
#[derive(Debug, Clone)]
pub struct LabelledArticle {
    /// Where its row stands.
    pub position: Position,
    /// What the model reads.
    pub article: Article,
    /// What is right, one entry for each head of the set; nothing where the row says nothing about that head.
    pub targets: Vec<Option<Target>>,
    /// Other labels that are right, too, one entry for each head: to measure by, not to train on. In order; empty where
    /// the set names none.
    pub also: Vec<Vec<LabelId>>,
    /// The label as the set wrote it, one entry for each head; the labels of a list with `; ` between them.
    pub source_labels: Vec<Option<String>>,
}

/// A head that a set teaches.
#[derive(Debug, Clone)]
pub struct LabelledHead {
    /// The name of the head.
    pub name: String,
    /// The labels that it gives.
    pub labels: Arc<LabelSet>,
    /// Whether several labels hold at once.
    pub multi: bool,
    /// What each label of the set may mean, where the set has labels of its own.
    pub map: Option<Vec<(String, Vec<LabelId>)>>,
}

/// One split of a labelled set.
#[derive(Debug, Clone)]
pub struct LabelledSet {
    /// The name of the set.
    pub name: String,
    /// The name of the split.
    pub split: String,
    /// The heads that it teaches.
    pub heads: Vec<LabelledHead>,
    /// The articles that teach at least one head, in the order of the file.
    pub articles: Vec<LabelledArticle>,
    /// The rows that could not be used.
    pub rejects: Vec<Reject>,
    /// How many good rows teach no head at all, and were left out.
    pub skipped: u64,
}

/// Reads one split of a recipe's set. `root` is the folder that holds all sets; `label_sets` finds a label set by name.
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
    };
    for row in rows {
        match row {
            Ok(row) => set.add(row, recipe)?,
            Err(ReadError::Reject(reject)) => set.rejects.push(reject),
            Err(ReadError::Fatal(error)) => return Err(error),
        }
    }
    Ok(set)
}

/// The heads that a recipe's set teaches; `label_sets` finds a label set by name.
pub fn recipe_heads(
    recipe: &Recipe,
    label_sets: &dyn Fn(&str) -> Option<Arc<LabelSet>>,
) -> Result<Vec<LabelledHead>, DataError> {
    recipe.heads.iter().map(|(name, head)| resolve(recipe, name, head, label_sets)).collect()
}

/// A head of the recipe with its label names looked up.
fn resolve(
    recipe: &Recipe,
    name: &str,
    head: &HeadRecipe,
    label_sets: &dyn Fn(&str) -> Option<Arc<LabelSet>>,
) -> Result<LabelledHead, DataError> {
    let labels = label_sets(&head.labels).ok_or_else(|| DataError::NoLabelSet {
        recipe: recipe.name.clone(),
        head: name.to_owned(),
        labels: head.labels.clone(),
    })?;
    let find = |from: &str, label: &String| {
        labels.find(label).ok_or_else(|| DataError::NoSuchLabel {
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
        entries.collect::<Result<Vec<_>, DataError>>()
    });
    Ok(LabelledHead { name: name.to_owned(), map: map.transpose()?, multi: head.multi, labels })
}

impl LabelledSet {
    fn add(&mut self, LabelledRow { row, labels, also, .. }: LabelledRow, recipe: &Recipe) -> Result<(), DataError> {
        let targets = self.heads.iter().zip(&labels).map(|(head, names)| match names {
            Some(names) => head.target(names, &row.position, recipe),
            None => Ok(None),
        });
        let targets = targets.collect::<Result<Vec<_>, _>>()?;
        let also = self.heads.iter().zip(&also).map(|(head, names)| {
            let mut labels = head.meant(names, &row.position, recipe)?;
            labels.sort_unstable();
            labels.dedup();
            Ok(labels)
        });
        let also = also.collect::<Result<Vec<_>, DataError>>()?;
        if targets.iter().all(Option::is_none) {
            self.skipped += 1;
        } else {
            self.articles.push(LabelledArticle {
                position: row.position,
                article: row.article,
                targets,
                also,
                source_labels: labels.into_iter().map(|names| names.map(|names| names.join("; "))).collect(),
            });
        }
        Ok(())
    }
}

impl LabelledHead {
    /// Whether the head has a meaning for this label of the set.
    pub fn knows(&self, label: &str) -> bool {
        match &self.map {
            Some(map) => map.iter().any(|(from, _)| from == label),
            None => self.labels.find(label).is_some(),
        }
    }

    fn target(&self, names: &[String], position: &Position, recipe: &Recipe) -> Result<Option<Target>, DataError> {
        let labels = self.meant(names, position, recipe)?;
        // Labels that the recipe maps to nothing say nothing; a list without labels says that none holds.
        let says_nothing = labels.is_empty() && !names.is_empty();
        Ok(if says_nothing { None } else { target(labels, self.multi) })
    }

    /// The head's labels that these labels of the set may mean.
    fn meant(&self, names: &[String], position: &Position, recipe: &Recipe) -> Result<Vec<LabelId>, DataError> {
        let mut labels = Vec::new();
        for name in names {
            match &self.map {
                Some(map) => match map.iter().find(|(from, _)| from == name) {
                    Some((_, to)) => labels.extend_from_slice(to),
                    None => {
                        return Err(DataError::Unmapped {
                            position: position.clone(),
                            label: name.clone(),
                            head: self.name.clone(),
                            recipe: recipe.name.clone(),
                        });
                    }
                },
                None => labels.push(find_label(&self.labels, name, position)?),
            }
        }
        Ok(labels)
    }
}
