//! Labelled data sets as the command line names them: by recipe, by recipe file, or as plain labelled files.

use crate::arguments::{DataSetFiles, DataSetOptions};
use crate::failure::{Usage, say};
use crate::output::count::counted;
use crate::output::reject_log::RejectLog;
use crate::sources::{expand, refuse_model_folder};
use crate::{recipes, target};
use anyhow::Result;
use indicatif::HumanCount;
use newsdesk_data::{
    Label, LabelSet, LabelledFileOptions, LabelledRows, LabelledSet, ReadError, ReadOptions, Recipe, Reject, Row,
    Source, TargetFields, load_labelled_files, load_recipe, load_unlabelled_files,
};
use newsdesk_files::read::{MAX_HAND_WRITTEN, bounded_text};
use newsdesk_model::folder::Manifest;
use std::path::Path;
use std::sync::Arc;

/// What a `--data` argument names.
pub enum DataSetSource {
    /// A public data set, read by its recipe.
    Recipe(Box<Recipe>),
    /// Labelled files without a recipe: the arguments that name them.
    Plain(Vec<String>),
}

impl DataSetSource {
    /// Resolves one argument: a recipe file, the name of a built-in recipe, or a labelled file.
    ///
    /// # Errors
    /// If the recipe file cannot be read, or the argument looks like a name and no recipe has it.
    pub fn find(argument: &str) -> Result<Self> {
        let path = Path::new(argument);
        if path.extension().is_some_and(|e| e == "toml") {
            let text = bounded_text(path, MAX_HAND_WRITTEN).map_err(|e| {
                let hint = format!("use a recipe file, or a built-in recipe: {}", recipes::names().join(", "));
                Usage::new(format!("cannot read the recipe `{argument}`: {e}"), hint)
            })?;
            return Ok(Self::Recipe(Box::new(Recipe::parse(&text, argument)?)));
        }
        if let Some(recipe) = recipes::recipe(argument) {
            return Ok(Self::Recipe(Box::new(recipe?)));
        }
        let is_name = !argument.contains(['.', '/', '\\', '*']) && argument != "-" && !path.exists();
        if is_name {
            let message = format!("cannot find the data set `{argument}`: no recipe and no file has this name");
            let hint = format!("use a file, or one of the recipes {}", recipes::names().join(", "));
            return Err(Usage::new(message, hint).into());
        }
        refuse_model_folder(argument)?;
        Ok(Self::Plain(vec![argument.into()]))
    }

    /// Resolves several arguments. All files without a recipe form one data set, so that they share their labels, and a text
    /// cannot be in two splits.
    ///
    /// # Errors
    /// As [`Self::find`].
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

    /// Returns whether the data set has a recipe.
    pub fn is_recipe(&self) -> bool {
        matches!(self, Self::Recipe(_))
    }

    /// Returns whether the data set is read from standard input.
    pub fn is_standard_input(&self) -> bool {
        matches!(self, Self::Plain(arguments) if arguments.iter().any(|argument| argument == "-"))
    }

    /// Returns the files of a split; files without a recipe have no splits.
    ///
    /// # Errors
    /// If the recipe has no such split, or the arguments match no files.
    pub fn files(&self, options: &DataSetFiles, split: &str) -> Result<Vec<Source>> {
        match self {
            Self::Recipe(recipe) => Ok(vec![Source::File(recipe.split_file(&options.data_root, split)?)]),
            Self::Plain(arguments) => expand(arguments),
        }
    }

    /// Opens the files again, to read them row by row; [`visit`] matches the rows with the articles.
    ///
    /// # Errors
    /// If a file cannot be opened.
    pub fn rows(&self, options: &DataSetOptions, split: &str, model: &Manifest) -> Result<Vec<LabelledRows>> {
        match self {
            Self::Recipe(recipe) => Ok(vec![LabelledRows::of_recipe(recipe, &options.files.data_root, split)?]),
            Self::Plain(arguments) => {
                let mut plain = plain_options(options);
                plain.read.target_fields = target::for_model(&options.files.target, model)?;
                let sources = expand(arguments)?;
                Ok(sources.iter().map(|source| LabelledRows::of_file(source, &plain)).collect::<Result<_, _>>()?)
            }
        }
    }

    /// Returns the columns of the articles' targets, if the labels are about targets.
    pub fn target_fields(&self, options: &DataSetFiles) -> Option<TargetFields> {
        match self {
            Self::Recipe(recipe) => recipe.target_fields.clone(),
            Self::Plain(_) => target::given(&options.target),
        }
    }

    /// Loads articles to evaluate a model on: one split of a data set with a recipe, or all rows of files without a recipe.
    ///
    /// # Errors
    /// If a file cannot be read, or files without a recipe have labels that the model's head does not have.
    pub fn load(&self, options: &DataSetOptions, split: &str, model: &Manifest) -> Result<LabelledSet> {
        self.load_with(options, split, Some(model), None)
    }

    /// Loads articles to train on. `labels` are the labels of files without a recipe; without them, the labels that occur are taken.
    ///
    /// # Errors
    /// If a file cannot be read, or files without a recipe have labels that are not in `labels`.
    pub fn load_to_train(
        &self,
        options: &DataSetOptions,
        split: &str,
        labels: Option<&Arc<LabelSet>>,
    ) -> Result<LabelledSet> {
        self.load_with(options, split, None, labels)
    }

    fn load_with(
        &self,
        options: &DataSetOptions,
        split: &str,
        model: Option<&Manifest>,
        labels: Option<&Arc<LabelSet>>,
    ) -> Result<LabelledSet> {
        match self {
            Self::Recipe(recipe) => Ok(load_recipe(recipe, &options.files.data_root, split, &recipes::label_set)?),
            Self::Plain(arguments) => {
                let mut plain = plain_options(options);
                let heads = model.map(|manifest| manifest.heads.as_slice());
                if let Some(manifest) = model {
                    plain.read.target_fields = target::for_model(&options.files.target, manifest)?;
                }
                let name = match (&options.head, heads) {
                    (None, Some([only])) => only.name.clone(),
                    _ => plain.head.clone(),
                };
                let map = options.label_map.as_deref().map(label_map).transpose()?;
                let labels = match model {
                    None => {
                        refuse_label_map(options)?;
                        labels.cloned()
                    }
                    Some(manifest) => Some(Arc::new(head_labels(&name, manifest)?)),
                };
                Ok(load_labelled_files(&expand(arguments)?, &LabelledFileOptions { head: name, labels, map, ..plain })?)
            }
        }
    }
}

/// Refuses `--label-map` for a command that has no model, since the map names labels of the model.
///
/// # Errors
/// If the option is given.
pub fn refuse_label_map(options: &DataSetOptions) -> Result<()> {
    if options.label_map.is_none() {
        return Ok(());
    }
    let message = "cannot use `--label-map`: it maps to the labels of a model, and there is no model here";
    let hint = "leave it out; to map labels for training, write a recipe file (see datasets/README.md)";
    Err(Usage::new(message, hint).into())
}

/// Reads the file of `--label-map`; keeps its order. The file may also be a recipe with one map.
///
/// # Errors
/// If the file cannot be read, or a label has no list of labels.
pub fn label_map(path: &Path) -> Result<Vec<(String, Vec<String>)>> {
    let failed = |cause: &str, hint: &str| {
        Usage::new(format!("cannot read the label map `{}`: {}", path.display(), cause.trim_end()), hint)
    };
    let hint = "map a label to a list of the model's labels on each line: World = [\"politics\", \"society\"]";
    let text = bounded_text(path, MAX_HAND_WRITTEN).map_err(|error| {
        match path.to_str().and_then(|text| text.split_once('=')) {
            Some((_, file)) => {
                let hint =
                    format!("name only the file, as in `--label-map {file}`; `MODEL=FILE` is for `newsdesk bench`");
                failed(&error.to_string(), &hint)
            }
            None => failed(&error.to_string(), "name a TOML file with a line for each label of your own files"),
        }
    })?;
    let mut table: toml::Table = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        failed(&format!("line {line}: {}", error.message()), hint)
    })?;
    if let Some(toml::Value::Table(heads)) = table.get("heads") {
        let maps: Vec<&toml::Table> = heads.values().filter_map(|head| head.get("map")?.as_table()).collect();
        let [only] = maps.as_slice() else {
            let hint = "copy the lines below `[heads.NAME.map]` of one head to a file of its own";
            return Err(failed(&format!("it is a recipe with {} label maps", maps.len()), hint).into());
        };
        table = (*only).clone();
    }
    let entry = |(label, value): (String, toml::Value)| {
        let labels = value.try_into().map_err(|_| failed(&format!("`{label}` has no list of labels"), hint))?;
        Ok((label, labels))
    };
    table.into_iter().map(entry).collect()
}

/// Returns how files without a recipe are read. Without `--head`, the head is named after the label column.
pub fn plain_options(options: &DataSetOptions) -> LabelledFileOptions {
    LabelledFileOptions {
        read: ReadOptions {
            target_fields: target::given(&options.files.target),
            ..options.files.columns.reading(None)
        },
        head: options.head.as_ref().or(options.files.label_field.as_ref()).map_or("label", String::as_str).to_owned(),
        label_field: options.files.label_field.clone(),
        labels: None,
        map: None,
        separator: options.files.label_separator.clone(),
    }
}

/// Loads the data sets to evaluate a model on, one for each argument. Prints rejected rows unless `quiet`.
///
/// All data sets are loaded before the first is evaluated, so that a wrong name is found before any work is done.
///
/// # Errors
/// If a data set cannot be found or loaded.
pub fn load_to_evaluate(
    arguments: &[String],
    options: &DataSetOptions,
    split: &str,
    model: &Manifest,
    quiet: bool,
) -> Result<Vec<LabelledSet>> {
    let load = |argument: &String| DataSetSource::find(argument)?.load(options, split, model);
    let sets: Vec<LabelledSet> = arguments.iter().map(load).collect::<Result<_>>()?;
    if !quiet {
        sets.iter().flat_map(|set| describe_rejects(&set.rejects)).for_each(|line| say(&line));
        html_note(sets.iter().map(|set| set.html).sum()).into_iter().for_each(|line| say(&line));
    }
    Ok(sets)
}

/// Reads articles without labels.
///
/// # Errors
/// If a file cannot be read, or there is no article in the files.
pub fn load_unlabelled(arguments: &[String], options: &DataSetOptions) -> Result<LabelledSet> {
    let set = load_unlabelled_files(&expand(arguments)?, &plain_options(options).read)?;
    if set.articles.is_empty() {
        let message = format!("cannot find an article in `{}`", set.name);
        return Err(Usage::new(message, "name files with articles to `--unlabelled`, or leave it out").into());
    }
    Ok(set)
}

/// Prints how many articles were read, and the rejected rows.
pub fn describe(set: &LabelledSet) {
    let skipped = match set.skipped {
        0 => String::new(),
        skipped => format!(", {} skipped", counted(skipped, "unlabelled row")),
    };
    say(&format!("{} {}: {}{skipped}", set.name, set.split, counted(set.articles.len(), "article")));
    describe_rejects(&set.rejects).iter().for_each(|line| say(line));
}

/// Reads a data set's files again and calls `with` with the index and the row of each article, matched by position.
///
/// # Errors
/// If a file cannot be read, or has changed since the data set was loaded.
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
    if next == set.articles.len() {
        return Ok(());
    }
    let message = format!("cannot find all rows of `{}` again: a file was changed in the meantime", set.name);
    Err(Usage::new(message, "use files that no other program writes to").into())
}

/// Returns the labels of the model's head with this name.
fn head_labels(name: &str, manifest: &Manifest) -> Result<LabelSet> {
    let (heads, model) = (&manifest.heads, &manifest.name);
    let Some(head) = heads.iter().find(|head| head.name == name) else {
        let names: Vec<&str> = heads.iter().map(|head| head.name.as_str()).collect();
        let message = format!("cannot find head `{name}`: the model `{model}` does not have it");
        let hint = format!(
            "use `--head NAME` with one of {}, or name another model; `newsdesk eval` without MODEL uses the built-in one",
            names.join(", ")
        );
        return Err(Usage::new(message, hint).into());
    };
    let labels = head.labels.iter().map(|l| Label { name: l.name.clone(), code: l.code.clone() }).collect();
    Ok(LabelSet { name: name.into(), source: None, labels })
}

/// Returns a line about articles from which HTML was removed, if there are any.
pub fn html_note(articles: u64) -> Option<String> {
    let counted = counted(HumanCount(articles), "article");
    (articles > 0).then(|| format!("HTML was removed from {counted}; `--html keep` reads texts as they are"))
}

/// Returns a warning for each of the first rejected rows of each cause, and one for the number of the others.
pub fn describe_rejects(rejects: &[Reject]) -> Vec<String> {
    let mut log = RejectLog::default();
    let shown: Vec<String> = rejects.iter().filter(|reject| log.add(reject).is_shown).map(Reject::to_string).collect();
    shown.into_iter().chain(log.others()).map(|line| format!("warning: {line}")).collect()
}
