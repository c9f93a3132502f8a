//! Labelled sets as the command line names them: a recipe's name, a recipe file, or plain labelled files.

use crate::arguments::Labelled;
use crate::failure::{Usage, say};
use crate::{mention, recipes};
use anyhow::Result;
use newsdesk_data::{
    Label, LabelSet, LabelledRows, LabelledSet, MentionFields, PlainOptions, ReadError, ReadOptions, Recipe, Reject,
    Row, Source, expand, load_plain, load_recipe,
};
use newsdesk_model::Head;
use newsdesk_model::folder::Manifest;
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

    /// Whether the set comes through standard input.
    pub fn is_standard_input(&self) -> bool {
        matches!(self, Self::Plain(arguments) if arguments.iter().any(|argument| argument == "-"))
    }

    /// The set's files.
    pub fn files(&self, options: &Labelled, split: &str) -> Result<Vec<Source>> {
        match self {
            Self::Recipe(recipe) => Ok(vec![Source::File(recipe.split_file(&options.data_root, split)?)]),
            Self::Plain(arguments) => Ok(expand(arguments)?),
        }
    }

    /// The set's files once more, row by row; [`visit`] finds its articles in them.
    pub fn rows(&self, options: &Labelled, split: &str, model: &Manifest) -> Result<Vec<LabelledRows>> {
        match self {
            Self::Recipe(recipe) => Ok(vec![LabelledRows::of_recipe(recipe, &options.data_root, split)?]),
            Self::Plain(arguments) => {
                let mut plain = plain_options(options);
                plain.read.mention = mention::for_model(&options.mention, model)?;
                let sources = expand(arguments)?;
                Ok(sources.iter().map(|source| LabelledRows::of_file(source, &plain)).collect::<Result<_, _>>()?)
            }
        }
    }

    /// What is asked about in the set's articles, where that is not all of each.
    pub fn mention(&self, options: &Labelled) -> Option<MentionFields> {
        match self {
            Self::Recipe(recipe) => recipe.mention.clone(),
            Self::Plain(_) => mention::given(&options.mention),
        }
    }

    /// The set's articles to measure a model on: a split of a recipe's set, or all rows of plain files. The labels of plain files must be
    /// among those of the model's head, and what is asked about stands where the model was trained to find it.
    pub fn load(&self, options: &Labelled, split: &str, model: &Manifest) -> Result<LabelledSet> {
        self.load_with(options, split, Some(model), None)
    }

    /// The set's articles to train with. The labels of plain files are those of `labels`, or those that occur.
    pub fn load_to_train(
        &self,
        options: &Labelled,
        split: &str,
        labels: Option<&Arc<LabelSet>>,
    ) -> Result<LabelledSet> {
        self.load_with(options, split, None, labels)
    }

    fn load_with(
        &self,
        options: &Labelled,
        split: &str,
        model: Option<&Manifest>,
        labels: Option<&Arc<LabelSet>>,
    ) -> Result<LabelledSet> {
        match self {
            Self::Recipe(recipe) => Ok(load_recipe(recipe, &options.data_root, split, &recipes::label_set)?),
            Self::Plain(arguments) => {
                let mut plain = plain_options(options);
                let heads = model.map(|manifest| manifest.heads.as_slice());
                if let Some(manifest) = model {
                    plain.read.mention = mention::for_model(&options.mention, manifest)?;
                }
                let name = match (&options.head, heads) {
                    // A model with one head leaves no doubt about which is meant.
                    (None, Some([only])) => only.name.clone(),
                    _ => plain.head.clone(),
                };
                let map = options.label_map.as_deref().map(label_map).transpose()?;
                let labels = match heads {
                    None => {
                        refuse_label_map(options)?;
                        labels.cloned()
                    }
                    Some(heads) => Some(Arc::new(head_labels(&name, heads)?)),
                };
                Ok(load_plain(&expand(arguments)?, &PlainOptions { head: name, labels, map, ..plain })?)
            }
        }
    }
}

/// A label map names a model's labels: where there is no model, it is an error.
pub fn refuse_label_map(options: &Labelled) -> Result<()> {
    if options.label_map.is_none() {
        return Ok(());
    }
    let message = "Failed to use `--label-map`: there is no model whose labels it could name";
    let hint = "it is for measuring; a recipe file maps labels to train on, see datasets/README.md";
    Err(Usage::new(message, hint).into())
}

/// What `--label-map` says, in the order of the file.
fn label_map(path: &Path) -> Result<Vec<(String, Vec<String>)>> {
    let hint = "a line is a label and those of the model that it may mean: World = [\"politics\", \"society\"]";
    let failed = |cause: String| {
        let message = format!("Failed to read the label map `{}`: {}", path.display(), cause.trim_end());
        Usage::new(message, hint)
    };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let table: toml::Table = toml::from_str(&text).map_err(|error| failed(error.to_string()))?;
    let entry = |(label, value): (String, toml::Value)| {
        let meant = value.try_into().map_err(|_| failed(format!("`{label}` has no list of labels")))?;
        Ok((label, meant))
    };
    table.into_iter().map(entry).collect()
}

/// How plain files are read, for a head that is called as the options say.
pub fn plain_options(options: &Labelled) -> PlainOptions {
    PlainOptions {
        read: ReadOptions { mention: mention::given(&options.mention), ..options.columns.reading(None) },
        head: options.head.as_ref().or(options.label_field.as_ref()).map_or("label", String::as_str).to_owned(),
        label_field: options.label_field.clone(),
        labels: None,
        map: None,
        separator: options.label_separator.clone(),
    }
}

/// The sets that a model is to be measured on, each argument for itself. All of them are read before
/// the first is measured: a wrong name must not cost the work on the others. Rejected rows are told unless `quiet`.
pub fn load_to_measure(
    arguments: &[String],
    options: &Labelled,
    split: &str,
    model: &Manifest,
    quiet: bool,
) -> Result<Vec<LabelledSet>> {
    let load = |argument: &String| SetSource::find(argument)?.load(options, split, model);
    let sets: Vec<LabelledSet> = arguments.iter().map(load).collect::<Result<_>>()?;
    if !quiet {
        sets.iter().flat_map(|set| describe_rejects(&set.rejects)).for_each(|line| say(&line));
    }
    Ok(sets)
}

/// Goes through a set's files once more and finds the row of each of its articles, by its place.
///
/// # Errors
/// If a file breaks off.
pub fn visit(set: &LabelledSet, rows: Vec<LabelledRows>, mut with: impl FnMut(usize, &Row)) -> Result<()> {
    let mut next = 0;
    for row in rows.into_iter().flatten() {
        let row = match row {
            Ok(labelled) => labelled.row,
            Err(ReadError::Reject(_)) => continue,
            Err(ReadError::Fatal(error)) => return Err(error.into()),
        };
        if set.articles.get(next).is_some_and(|article| article.position == row.position) {
            with(next, &row);
            next += 1;
        }
    }
    match next == set.articles.len() {
        true => Ok(()),
        false => {
            let message = format!("Failed to find all rows of `{}` again: it changed meanwhile", set.name);
            Err(Usage::new(message, "measure on files that nobody writes to").into())
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
