//! Reads data sets for `check` and `stats`: finds all files first, then reads split by split, in batches.

use crate::arguments::DataSetOptions;
use crate::arguments::data::Sets;
use crate::data_sets::{DataSetSource, html_note, plain_options, refuse_label_map};
use crate::failure::{Usage, say};
use crate::output::progress::row_counter;
use crate::recipes;
use crate::sources::expand;
use anyhow::Result;
use newsdesk_data::{
    LabelledFileOptions, LabelledHead, LabelledRow, LabelledRows, ReadError, Recipe, Reject, Source, recipe_heads,
};
use std::path::PathBuf;

/// Number of rows that are passed on together.
const BATCH: usize = 4096;

/// A data set whose files exist.
pub struct FoundSet {
    pub name: String,
    pub heads: Heads,
    splits: Vec<FoundSplit>,
}

/// The heads of a data set.
pub enum Heads {
    /// The heads of its recipe.
    Recipe(Vec<LabelledHead>),
    /// A head of this name, with the labels that occur.
    Plain(String),
}

struct FoundSplit {
    name: String,
    from: From,
}

enum From {
    Recipe { recipe: Box<Recipe>, root: PathBuf },
    Files { sources: Vec<Source>, options: Box<LabelledFileOptions> },
}

/// Receives the rows of a data set, in batches.
pub trait Reader {
    /// Starts a split: the next rows belong to it.
    fn begin_split(&mut self, name: &str);

    /// Receives rows of the split, and the texts that a model reads.
    fn rows(&mut self, rows: Vec<LabelledRow>, texts: &[String]) -> Result<()>;

    /// Receives a rejected row.
    fn reject(&mut self, reject: &Reject);

    /// Receives the columns of a file after its last row.
    fn columns(&mut self, columns: &[String]);
}

/// Finds the data sets that the arguments name. No rows are read yet, so that a wrong name fails early.
///
/// # Errors
/// If a data set or a file does not exist.
pub fn find(sets: &Sets) -> Result<Vec<FoundSet>> {
    let sources = DataSetSource::find_all(&sets.data)?;
    let has_files = sources.iter().any(|source| matches!(source, DataSetSource::Plain(_)));
    for (flag, files) in [("--validation", &sets.validation), ("--test", &sets.test)] {
        if !files.is_empty() && !has_files {
            let message = format!("cannot use `{flag}`: the data sets are given by recipes, which define their splits");
            return Err(Usage::new(message, "name files for training, or leave the option out").into());
        }
    }
    sources
        .into_iter()
        .map(|source| match source {
            DataSetSource::Recipe(recipe) => recipe_set(*recipe, &sets.data_set),
            DataSetSource::Plain(files) => plain_set(&files, sets),
        })
        .collect()
}

/// Finds the splits of a recipe's data set that are on this machine.
fn recipe_set(recipe: Recipe, options: &DataSetOptions) -> Result<FoundSet> {
    let root = &options.files.data_root;
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
        (false, Some(error)) => say(&format!("warning: {error}; this split is skipped")),
        (_, None) => {}
    }
    let heads = Heads::Recipe(recipe_heads(&recipe, &recipes::label_set)?);
    Ok(FoundSet { name: recipe.name, heads, splits })
}

/// Finds labelled files without a recipe. Without validation and test files, the split is called `all`.
fn plain_set(files: &[String], sets: &Sets) -> Result<FoundSet> {
    refuse_label_map(&sets.data_set)?;
    let options = plain_options(&sets.data_set);
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
    /// Returns the names of the heads.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Recipe(heads) => heads.iter().map(|head| head.name.clone()).collect(),
            Self::Plain(name) => vec![name.clone()],
        }
    }
}

impl FoundSet {
    /// Reads all splits.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn read(&self, reader: &mut dyn Reader, quiet: bool) -> Result<()> {
        let mut html = 0;
        for split in &self.splits {
            reader.begin_split(&split.name);
            let counter = row_counter(format!("{} {}", self.name, split.name), quiet);
            match &split.from {
                From::Recipe { recipe, root } => {
                    let rows = LabelledRows::of_recipe(recipe, root, &split.name)?;
                    html += read_file(rows, reader, &mut |n| counter.inc(n))?;
                }
                From::Files { sources, options } => {
                    for source in sources {
                        let rows = LabelledRows::of_file(source, options)?;
                        html += read_file(rows, reader, &mut |n| counter.inc(n))?;
                    }
                }
            }
            counter.finish_and_clear();
        }
        if !quiet {
            html_note(html).into_iter().for_each(|line| say(&line));
        }
        Ok(())
    }
}

/// Passes the rows of a file on. Returns from how many of them HTML was removed.
fn read_file(mut rows: LabelledRows, reader: &mut dyn Reader, progress: &mut dyn FnMut(u64)) -> Result<u64> {
    let mut html = 0;
    let (mut batch, mut texts) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
    for row in rows.by_ref() {
        match row {
            Ok(row) => {
                html += u64::from(row.row.was_html);
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
    reader.columns(rows.columns());
    reader.rows(batch, &texts)?;
    Ok(html)
}
