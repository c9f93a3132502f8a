//! The sets that `check` and `stats` look at: found first, then read split by split, in batches.

use crate::arguments::Labelled;
use crate::arguments::data::Sets;
use crate::failure::{Usage, say};
use crate::output::progress::row_counter;
use crate::recipes;
use crate::sets::{SetSource, plain_options, refuse_label_map};
use anyhow::Result;
use newsdesk_data::{
    LabelledHead, LabelledRow, LabelledRows, PlainOptions, ReadError, Recipe, Reject, Source, expand, recipe_heads,
};
use std::path::PathBuf;

/// Rows that are read before they are looked at.
const BATCH: usize = 4096;

/// A set whose files are known to be there.
pub struct FoundSet {
    pub name: String,
    pub heads: Heads,
    splits: Vec<FoundSplit>,
}

/// What a set teaches.
pub enum Heads {
    /// As its recipe says.
    Recipe(Vec<LabelledHead>),
    /// One head of this name, with whatever labels occur.
    Plain(String),
}

struct FoundSplit {
    name: String,
    from: From,
}

enum From {
    Recipe { recipe: Box<Recipe>, root: PathBuf },
    Files { sources: Vec<Source>, options: Box<PlainOptions> },
}

/// Rows as they come, in batches.
pub trait Reader {
    /// The rows that follow belong to this split.
    fn begin_split(&mut self, name: &str);

    /// Some rows of the split, and the texts that a model reads of them.
    fn rows(&mut self, rows: Vec<LabelledRow>, texts: &[String]) -> Result<()>;

    /// A row that cannot be used.
    fn reject(&mut self, reject: &Reject);

    /// The columns of a file, once it was read.
    fn columns(&mut self, columns: &[String]);
}

/// What the arguments name. Nothing is read yet, but all files are there: a wrong name must not cost the work on others.
pub fn find(sets: &Sets) -> Result<Vec<FoundSet>> {
    let sources = SetSource::find_all(&sets.data)?;
    let has_files = sources.iter().any(|source| matches!(source, SetSource::Plain(_)));
    for (flag, files) in [("--validation", &sets.validation), ("--test", &sets.test)] {
        if !files.is_empty() && !has_files {
            let message = format!("Failed to use `{flag}`: the sets are given by recipe and have splits of their own");
            return Err(Usage::new(message, "name files of your own to learn from, or leave it out").into());
        }
    }
    sources
        .into_iter()
        .map(|source| match source {
            SetSource::Recipe(recipe) => recipe_set(*recipe, &sets.labelled),
            SetSource::Plain(files) => plain_set(&files, sets),
        })
        .collect()
}

/// All splits of a recipe's set that are on this machine.
fn recipe_set(recipe: Recipe, options: &Labelled) -> Result<FoundSet> {
    let root = &options.data_root;
    let mut names: Vec<&String> = recipe.files.keys().collect();
    let usual = ["train", "validation", "test"];
    names.sort_by_key(|name| usual.iter().position(|usual| usual == name).unwrap_or(usual.len()));
    let mut splits = Vec::new();
    let mut missing = Vec::new();
    for name in names {
        match recipe.split_file(root, name) {
            Ok(_) => splits.push(FoundSplit {
                name: name.clone(),
                from: From::Recipe { recipe: Box::new(recipe.clone()), root: root.clone() },
            }),
            Err(error) => missing.push(error),
        }
    }
    match (splits.is_empty(), missing.into_iter().next()) {
        (true, Some(error)) => return Err(error.into()),
        (false, Some(error)) => say(&format!("warning: {error}; the set is looked at without it")),
        (_, None) => {}
    }
    let heads = Heads::Recipe(recipe_heads(&recipe, &recipes::label_set)?);
    Ok(FoundSet { name: recipe.name, heads, splits })
}

/// A user's files; those to learn from are all, if there are no others.
fn plain_set(files: &[String], sets: &Sets) -> Result<FoundSet> {
    refuse_label_map(&sets.labelled)?;
    let options = plain_options(&sets.labelled);
    let is_split = !sets.validation.is_empty() || !sets.test.is_empty();
    let given =
        [(if is_split { "train" } else { "all" }, files), ("validation", &sets.validation), ("test", &sets.test)];
    let mut splits = Vec::new();
    for (name, files) in given.into_iter().filter(|(_, files)| !files.is_empty()) {
        let from = From::Files { sources: expand(files)?, options: Box::new(options.clone()) };
        splits.push(FoundSplit { name: name.into(), from });
    }
    Ok(FoundSet { name: files.join(", "), heads: Heads::Plain(options.head), splits })
}

impl Heads {
    /// Their names.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Recipe(heads) => heads.iter().map(|head| head.name.clone()).collect(),
            Self::Plain(name) => vec![name.clone()],
        }
    }
}

impl FoundSet {
    /// Reads all splits.
    pub fn read(&self, reader: &mut dyn Reader, quiet: bool) -> Result<()> {
        for split in &self.splits {
            reader.begin_split(&split.name);
            let counter = row_counter(format!("{} {}", self.name, split.name), quiet);
            match &split.from {
                From::Recipe { recipe, root } => {
                    read_file(LabelledRows::of_recipe(recipe, root, &split.name)?, reader, &mut |n| counter.inc(n))?;
                }
                From::Files { sources, options } => {
                    for source in sources {
                        read_file(LabelledRows::of_file(source, options)?, reader, &mut |n| counter.inc(n))?;
                    }
                }
            }
            counter.finish_and_clear();
        }
        Ok(())
    }
}

fn read_file(mut rows: LabelledRows, reader: &mut dyn Reader, progress: &mut dyn FnMut(u64)) -> Result<()> {
    let (mut batch, mut texts) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
    for row in rows.by_ref() {
        match row {
            Ok(row) => {
                texts.push(row.row.article.input());
                batch.push(row);
            }
            Err(ReadError::Reject(reject)) => reader.reject(&reject),
            Err(ReadError::Fatal(error)) => return Err(error.into()),
        }
        if batch.len() == BATCH {
            progress(BATCH as u64);
            reader.rows(std::mem::take(&mut batch), &texts)?;
            texts.clear();
        }
    }
    reader.columns(rows.found());
    reader.rows(batch, &texts)
}
