//! Labelled articles: rows of a public set, read as its recipe says, with the labels that each head is to learn.

use std::path::Path;
use std::sync::Arc;

use crate::article::{Article, Position, Row};
use crate::error::{DataError, quoted};
use crate::labels::{LabelId, LabelSet};
use crate::read::{ReadError, ReadOptions, Reject, read};
use crate::recipe::{HeadRecipe, Recipe};
use crate::source::Source;
use crate::target::{Target, Written, find_label, target};

/// An article with what is known of it.
#[derive(Debug, Clone)]
pub struct LabelledArticle {
    /// Where its row stands.
    pub position: Position,
    /// What the model reads.
    pub article: Article,
    /// What is right, one entry for each head of the set; nothing where the row says nothing about that head.
    pub targets: Vec<Option<Target>>,
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
    let file = recipe.files.get(split).ok_or_else(|| DataError::NoSplit {
        recipe: recipe.name.clone(),
        split: split.to_owned(),
        found: recipe.files.keys().cloned().collect(),
    })?;
    let heads = recipe.heads.iter().map(|(name, head)| resolve(recipe, name, head, label_sets));
    let heads = heads.collect::<Result<Vec<_>, _>>()?;
    let path = root.join(&recipe.folder).join(file);
    if !path.exists() {
        let (recipe, origin) = (recipe.name.clone(), recipe.origin.clone());
        return Err(DataError::NoSplitFile { recipe, split: split.to_owned(), path, origin });
    }
    let options =
        ReadOptions { format: None, text_field: recipe.fields.text.clone(), title_field: recipe.fields.title.clone() };
    let mut set = LabelledSet {
        name: recipe.name.clone(),
        split: split.to_owned(),
        heads,
        articles: Vec::new(),
        rejects: Vec::new(),
        skipped: 0,
    };
    for row in read(&Source::File(path), &options)? {
        match row {
            Ok(row) => set.add(row, recipe)?,
            Err(ReadError::Reject(reject)) => set.rejects.push(reject),
            Err(ReadError::Fatal(error)) => return Err(error),
        }
    }
    Ok(set)
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
    fn add(&mut self, row: Row, recipe: &Recipe) -> Result<(), DataError> {
        let mut targets = Vec::with_capacity(self.heads.len());
        let mut source_labels = Vec::with_capacity(self.heads.len());
        for (head, (_, field)) in self.heads.iter().zip(&recipe.heads) {
            let written = match Written::read(row.column(&field.field)) {
                Ok(written) => written,
                Err(cause) => {
                    self.rejects.push(unlabelled(&row, &field.field, cause, "field"));
                    return Ok(());
                }
            };
            targets.push(head.target(&written, &row.position, recipe)?);
            source_labels.push(written.to_text());
        }
        if targets.iter().all(Option::is_none) {
            self.skipped += 1;
        } else {
            self.articles.push(LabelledArticle {
                position: row.position,
                article: row.article,
                targets,
                source_labels,
            });
        }
        Ok(())
    }
}

impl LabelledHead {
    fn target(&self, written: &Written, position: &Position, recipe: &Recipe) -> Result<Option<Target>, DataError> {
        let Some(names) = written.names() else { return Ok(None) };
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
        // Labels that the recipe maps to nothing say nothing; a list without labels says that none holds.
        let says_nothing = labels.is_empty() && !names.is_empty();
        Ok(if says_nothing { None } else { target(labels, self.multi) })
    }
}

/// The reject of a row whose label cannot be read.
pub(crate) fn unlabelled(row: &Row, field: &str, cause: &str, what: &str) -> Reject {
    let found: Vec<String> = row.columns.iter().map(|(name, _)| name.to_string()).collect();
    Reject {
        position: row.position.clone(),
        cause: format!("the label {what} `{field}` {cause}"),
        hint: Some(format!("its columns are {}", quoted(&found))),
        raw: row.to_json(),
    }
}
