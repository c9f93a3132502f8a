//! Labelled sets as the command line names them: a recipe's name, a recipe file, or plain labelled files.

use crate::arguments::Labelled;
use crate::failure::{Usage, say};
use crate::recipes;
use anyhow::Result;
use newsdesk_data::{
    Label, LabelId, LabelSet, LabelledArticle, LabelledSet, PlainOptions, ReadOptions, Recipe, Reject, StableHash,
    Target, expand, load_plain, load_recipe,
};
use newsdesk_model::Head;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// What a `--data` argument turned out to be.
pub enum SetSource {
    /// A public set, read by its recipe.
    Recipe(Box<Recipe>),
    /// Labelled files: the arguments that name them.
    Plain(Vec<String>),
}

impl SetSource {
    /// Finds out what an argument names.
    pub fn find(argument: &str) -> Result<Self> {
        let path = Path::new(argument);
        if path.extension().is_some_and(|e| e == "toml") {
            let text = std::fs::read_to_string(path).map_err(|e| {
                let hint = format!("recipes that come with Newsdesk are {}", recipes::names().join(", "));
                Usage::new(format!("Failed to read the recipe `{argument}`: {e}"), hint)
            })?;
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
        Ok(Self::Plain(vec![argument.into()]))
    }

    /// What several arguments name: each recipe for itself, all plain files together as one set, so that they share
    /// their labels and none of their texts is on both sides of a split.
    pub fn find_all(arguments: &[String]) -> Result<Vec<Self>> {
        let mut sources: Vec<Self> = Vec::new();
        for argument in arguments {
            match (Self::find(argument)?, sources.iter_mut().find(|source| matches!(source, Self::Plain(_)))) {
                (Self::Plain(more), Some(Self::Plain(files))) => files.extend(more),
                (source, _) => sources.push(source),
            }
        }
        Ok(sources)
    }

    /// The set's articles: a split of a recipe's set, or all rows of plain files. With `heads`, the labels of plain
    /// files must be among those of the model's head.
    pub fn load(&self, options: &Labelled, split: &str, heads: Option<&[Head]>) -> Result<LabelledSet> {
        match self {
            Self::Recipe(recipe) => Ok(load_recipe(recipe, &options.data_root, split, &recipes::label_set)?),
            Self::Plain(arguments) => {
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
                Ok(load_plain(&expand(arguments)?, &plain)?)
            }
        }
    }
}

/// The sets that a model with these heads is to be measured on, each argument for itself. All of them are read before
/// the first is measured: a wrong name must not cost the work on the others. Rejected rows are told unless `quiet`.
pub fn load_to_measure(
    arguments: &[String],
    options: &Labelled,
    split: &str,
    heads: &[Head],
    quiet: bool,
) -> Result<Vec<LabelledSet>> {
    let load = |argument: &String| SetSource::find(argument)?.load(options, split, Some(heads));
    let sets: Vec<LabelledSet> = arguments.iter().map(load).collect::<Result<_>>()?;
    if !quiet {
        sets.iter().flat_map(|set| describe_rejects(&set.rejects)).for_each(|line| say(&line));
    }
    Ok(sets)
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

/// Takes about a tenth of a set out of it. A hash of the text decides, so that an article is on the same side in every
/// file and every run. Every label keeps an article to learn from, and something is held out whatever the hash says.
pub fn hold_out(mut set: LabelledSet) -> (LabelledSet, LabelledSet) {
    let hash = |article: &LabelledArticle| StableHash::new().with(article.article.input().as_bytes()).value();
    let labels = |article: &LabelledArticle| -> Vec<LabelId> {
        article.targets.iter().flatten().flat_map(Target::labels).copied().collect()
    };
    // FNV leaves what a text's end changes in the low bits; the product carries it to the high ones.
    let mixed = |article| hash(article).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let mut held: Vec<bool> = set.articles.iter().map(|article| mixed(article).is_multiple_of(10)).collect();
    if !held.contains(&true)
        && let Some(lowest) = (0..held.len()).min_by_key(|&i| hash(&set.articles[i]))
    {
        held[lowest] = true;
    }
    let mut learned: HashSet<LabelId> =
        (0..held.len()).filter(|&i| !held[i]).flat_map(|i| labels(&set.articles[i])).collect();
    for (article, held) in set.articles.iter().zip(&mut held) {
        if *held && labels(article).iter().any(|label| !learned.contains(label)) {
            *held = false;
            learned.extend(labels(article));
        }
    }
    let kept: HashSet<String> =
        (0..held.len()).filter(|&i| !held[i]).map(|i| set.articles[i].article.input()).collect();
    let (validation, training) = set.articles.drain(..).partition(|article| !kept.contains(&article.article.input()));
    let validation = LabelledSet { split: "held out".into(), articles: validation, rejects: vec![], ..set.clone() };
    (LabelledSet { split: "train".into(), articles: training, ..set }, validation)
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

    fn set(rows: impl Iterator<Item = String>) -> LabelledSet {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set.csv");
        std::fs::write(&path, format!("text,label\n{}", rows.collect::<String>())).unwrap();
        let sources = expand(&[path.display().to_string()]).unwrap();
        load_plain(&sources, &PlainOptions { head: "label".into(), ..PlainOptions::default() }).unwrap()
    }

    #[test]
    fn about_a_tenth_is_held_out_and_no_text_is_on_both_sides() {
        let (training, validation) = hold_out(set((0..2000).map(|i| format!("article {},{}\n", i % 1900, i % 2))));
        assert_eq!(training.articles.len() + validation.articles.len(), 2000);
        assert!((150..=250).contains(&validation.articles.len()), "{}", validation.articles.len());
        let texts: HashSet<String> = training.articles.iter().map(|a| a.article.input()).collect();
        assert!(validation.articles.iter().all(|a| !texts.contains(&a.article.input())));
    }

    #[test]
    fn every_label_keeps_an_article_and_something_is_held_out() {
        for rows in 2..40 {
            let (training, validation) = hold_out(set((0..rows).map(|i| format!("text {i},label {}\n", i / 2))));
            let learned: HashSet<_> = training.articles.iter().filter_map(|a| a.source_labels[0].clone()).collect();
            assert_eq!(learned.len(), (rows as usize).div_ceil(2), "{rows} rows");
            assert!(rows % 2 == 1 || !validation.articles.is_empty(), "{rows} rows");
        }
    }
}
