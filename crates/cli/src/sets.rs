//! Labelled sets as the command line names them: a recipe's name, a recipe file, or plain labelled files.

use crate::arguments::Labelled;
use crate::failure::Usage;
use crate::recipes;
use anyhow::{Context, Result};
use newsdesk_data::{
    Label, LabelSet, LabelledSet, PlainOptions, ReadOptions, Recipe, Reject, expand, load_plain, load_recipe,
};
use newsdesk_model::Head;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What a `--data` argument turned out to be.
pub enum SetSource {
    /// A public set, read by its recipe.
    Recipe(Box<Recipe>),
    /// Labelled files.
    Plain(String),
}

impl SetSource {
    /// Finds out what an argument names.
    pub fn find(argument: &str) -> Result<Self> {
        let path = Path::new(argument);
        if path.extension().is_some_and(|e| e == "toml") {
            let text =
                std::fs::read_to_string(path).with_context(|| format!("Failed to read the recipe `{argument}`"))?;
            return Ok(Self::Recipe(Box::new(Recipe::parse(&text, argument)?)));
        }
        if let Some(recipe) = recipes::recipe(argument) {
            return Ok(Self::Recipe(Box::new(recipe?)));
        }
        let is_name = !argument.contains(['.', '/', '\\', '*']) && argument != "-" && !path.exists();
        if is_name {
            let message = format!("Failed to find the set `{argument}`: there is no recipe and no file of that name");
            return Err(Usage::new(message, format!("recipes are {}", recipes::names().join(", "))).into());
        }
        Ok(Self::Plain(argument.into()))
    }

    /// The set's articles: a split of a recipe's set, or all rows of plain files. With `heads`, the labels of plain
    /// files must be among those of the model's head.
    pub fn load(&self, options: &Labelled, split: &str, heads: Option<&[Head]>) -> Result<LabelledSet> {
        match self {
            Self::Recipe(recipe) => Ok(load_recipe(recipe, &options.data_root, split, &recipes::label_set)?),
            Self::Plain(argument) => {
                let name = match (&options.head, &options.label_field, heads) {
                    (Some(name), _, _) => name.clone(),
                    // A model with one head leaves no doubt about which is meant.
                    (None, _, Some([only])) => only.name.clone(),
                    (None, Some(field), _) => field.clone(),
                    (None, None, _) => "label".into(),
                };
                let labels = match heads {
                    None => None,
                    Some(heads) => Some(Arc::new(head_labels(&name, heads)?)),
                };
                let plain = PlainOptions {
                    read: ReadOptions {
                        format: None,
                        text_field: options.columns.text_field.clone(),
                        title_field: options.columns.title_field.clone(),
                    },
                    head: name,
                    label_field: options.label_field.clone(),
                    labels,
                    separator: options.label_separator.clone(),
                };
                Ok(load_plain(&expand(std::slice::from_ref(argument))?, &plain)?)
            }
        }
    }
}

/// The labels of the model's head with this name.
fn head_labels(name: &str, heads: &[Head]) -> Result<LabelSet> {
    let Some(head) = heads.iter().find(|head| head.name == name) else {
        let names: Vec<&str> = heads.iter().map(|head| head.name.as_str()).collect();
        let message = format!("Failed to find head `{name}` in the model");
        return Err(Usage::new(message, format!("its heads are {}; name one with `--head`", names.join(", "))).into());
    };
    let labels = head.labels.iter().map(|l| Label { name: l.name.clone(), code: l.code.clone() }).collect();
    Ok(LabelSet { name: name.into(), source: None, labels })
}

/// Takes every tenth article of each label out of a set, by a hash of its text, so that the same article is always on
/// the same side.
pub fn hold_out(mut set: LabelledSet) -> (LabelledSet, LabelledSet) {
    let mut by_label: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, article) in set.articles.iter().enumerate() {
        let label = article.source_labels.iter().flatten().next().cloned().unwrap_or_default();
        by_label.entry(label).or_default().push(index);
    }
    let mut held = vec![false; set.articles.len()];
    for indices in by_label.values_mut() {
        indices.sort_by_key(|&i| hash(&set.articles[i].article.input()));
        for &index in indices.iter().step_by(10) {
            // A label with one article only stays where it can be learned.
            held[index] = indices.len() > 1;
        }
    }
    // The same text twice must not stand on both sides.
    let texts: std::collections::HashSet<String> =
        (0..held.len()).filter(|&i| held[i]).map(|i| set.articles[i].article.input()).collect();
    let (mut training, mut validation) = (Vec::new(), Vec::new());
    for (article, held) in set.articles.drain(..).zip(held) {
        match held || texts.contains(&article.article.input()) {
            true => validation.push(article),
            false => training.push(article),
        }
    }
    let validation = LabelledSet { split: "held out".into(), articles: validation, rejects: vec![], ..set.clone() };
    (LabelledSet { split: "train".into(), articles: training, ..set }, validation)
}

/// FNV-1a: the same on every machine and in every version, which the standard library does not promise.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ byte as u64).wrapping_mul(0x0100_0000_01b3))
}

/// One line for each of the first few rejects, and how many there are.
pub fn describe_rejects(rejects: &[Reject]) -> Vec<String> {
    const SHOWN: usize = 5;
    let mut lines: Vec<String> =
        rejects.iter().take(SHOWN).map(|r| format!("warning: {}: {}", r.position, r.cause)).collect();
    if rejects.len() > SHOWN {
        lines.push(format!("warning: and {} more rejected rows", rejects.len() - SHOWN));
    }
    lines
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_tenth_of_each_label_is_held_out_and_no_text_is_on_both_sides() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set.csv");
        let rows: String = (0..200).map(|i| format!("article {},{}\n", i % 190, i % 2)).collect();
        std::fs::write(&path, format!("text,label\n{rows}")).unwrap();
        let sources = expand(&[path.display().to_string()]).unwrap();
        let options = PlainOptions { head: "label".into(), ..PlainOptions::default() };
        let set = load_plain(&sources, &options).unwrap();
        let (training, validation) = hold_out(set);
        assert_eq!(training.articles.len() + validation.articles.len(), 200);
        assert!((20..=24).contains(&validation.articles.len()), "{}", validation.articles.len());
        for article in &validation.articles {
            assert!(training.articles.iter().all(|a| a.article.input() != article.article.input()));
        }
    }
}
