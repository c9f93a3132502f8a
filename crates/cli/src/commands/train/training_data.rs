//! The labelled data sets of a training run: for training, validation and test.

use crate::arguments::Train;
use crate::data_sets::{DataSetSource, describe, html_note, load_unlabelled};
use crate::exit_code::ExitCode;
use crate::failure::{Usage, say};
use crate::remedies::train::warning_line;
use anyhow::Result;
use newsdesk_data::{LabelSet, LabelledArticle, LabelledSet, TargetFields, TextHash, hold_out};
use newsdesk_eval::check_labelled;
use newsdesk_files::read::{MAX_HAND_WRITTEN, bounded_text};
use newsdesk_model::Head;
use newsdesk_train::{Warning, data_warnings, merge_heads, untrained_label};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

/// The labelled data sets of a run.
pub struct TrainingData {
    /// The model learns from these.
    pub training: Vec<LabelledSet>,
    /// The best epoch is chosen by these.
    pub validation: Vec<LabelledSet>,
    /// The finished model is evaluated on these; they influence no choice.
    pub test: Vec<LabelledSet>,
    /// Warnings of articles that occur both in the data for training and in that for validation or test.
    pub leaks: Vec<String>,
    /// What else about the data makes it unlikely that a model is good.
    pub warnings: Vec<Warning>,
    /// Licences of the data sets with a recipe, by name.
    pub licences: BTreeMap<String, String>,
    /// Columns of the target, from the first training set that has them.
    pub target_fields: Option<TargetFields>,
    /// The labels of files without a recipe, if `--labels` gives them.
    labels: Option<Arc<LabelSet>>,
}

impl TrainingData {
    /// Reads all data sets and reports what was read.
    ///
    /// Without `--validation`, recipes use their validation split, and a tenth of the files without a recipe is held out.
    ///
    /// # Errors
    /// If a data set cannot be read, or its labels do not fit.
    pub fn load(options: &Train) -> Result<Self> {
        let mut data = Self {
            training: vec![],
            validation: vec![],
            test: vec![],
            leaks: vec![],
            warnings: vec![],
            licences: BTreeMap::new(),
            target_fields: None,
            labels: options.labels.as_deref().map(label_list).transpose()?,
        };
        let sources = DataSetSource::find_all(&options.data)?;
        if data.labels.is_some() && !sources.iter().any(|source| matches!(source, DataSetSource::Plain(_))) {
            let message = "cannot use `--labels`: all data sets are given by recipes, which define their labels";
            return Err(Usage::new(message, "leave the option out").into());
        }
        for source in sources {
            let set = data.read(&source, options, "train")?;
            data.target_fields = data.target_fields.or_else(|| source.target_fields(&options.data_set.files));
            match source {
                _ if !options.validation.is_empty() => data.training.push(set),
                DataSetSource::Recipe(_) => {
                    data.training.push(set);
                    let validation = data.read(&source, options, "validation")?;
                    data.validation.push(validation);
                }
                DataSetSource::Plain(_) => {
                    let (training, held) = hold_out(set);
                    data.training.push(training);
                    data.validation.push(held);
                }
            }
        }
        if !options.unlabelled.is_empty() {
            data.training.push(load_unlabelled(&options.unlabelled, &options.data_set)?);
        }
        for source in DataSetSource::find_all(&options.validation)? {
            let set = data.read(&source, options, "validation")?;
            data.validation.push(set);
        }
        for source in DataSetSource::find_all(&options.test)? {
            let set = data.read(&source, options, "test")?;
            // Files have no splits: all of their rows are test rows.
            data.test.push(LabelledSet { split: "test".into(), ..set });
        }
        if !data.test.is_empty() {
            let heads = merge_heads(&data.training)?;
            data.test.iter().try_for_each(|set| check_labelled(set, &heads)).map_err(untrained_label)?;
        }
        data.leaks = data.find_leaks();
        if !options.quiet {
            data.all().for_each(describe);
            html_note(data.all().map(|set| set.html).sum()).into_iter().for_each(|line| say(&line));
            data.leaks.iter().for_each(|line| say(&format!("warning: {line}")));
        }
        data.warnings = data_warnings(&data.training, &data.validation)?;
        if !options.quiet {
            data.unvalidated_heads()?.iter().for_each(|line| say(&format!("warning: {line}")));
            data.warnings.iter().for_each(|warning| say(&warning_line(warning)));
        }
        Ok(data)
    }

    /// Returns a warning for each validation or test set with articles that also occur in earlier data.
    fn find_leaks(&self) -> Vec<String> {
        let (mut seen, mut bodies) = (HashSet::new(), HashSet::new());
        let mut leaks = vec![];
        for (sets, next, of) in [
            (&self.training, &self.validation, "the training data"),
            (&self.validation, &self.test, "the training or validation data"),
        ] {
            for row in sets.iter().flat_map(|set| &set.articles) {
                seen.insert(TextHash::with_target(&row.article));
                bodies.insert(TextHash::of_body_with_target(&row.article));
            }
            for LabelledSet { name, split, articles, .. } in next {
                let (same, others): (Vec<&LabelledArticle>, Vec<_>) =
                    articles.iter().partition(|row| seen.contains(&TextHash::with_target(&row.article)));
                let is_retitled =
                    |row: &&&LabelledArticle| bodies.contains(&TextHash::of_body_with_target(&row.article));
                let (count, retitled, all) = (same.len(), others.iter().filter(is_retitled).count(), articles.len());
                if count > 0 {
                    leaks.push(format!(
                        "{count} of {all} articles of {name}, {split}, also occur in {of}: metrics on it are too optimistic"
                    ));
                }
                if retitled > 0 {
                    leaks.push(format!(
                        "{retitled} of {all} articles of {name}, {split}, have the text of an article in {of} under another \
                         title: metrics on it are too optimistic"
                    ));
                }
            }
        }
        leaks
    }

    /// Returns a warning for each head without labelled validation articles.
    fn unvalidated_heads(&self) -> Result<Vec<String>> {
        let is_labelled = |set: &LabelledSet, head: &Head| {
            let index = set.heads.iter().position(|labelled| labelled.name == head.name);
            index.is_some_and(|index| set.articles.iter().any(|row| row.gold_labels[index].is_some()))
        };
        let heads = merge_heads(&self.training)?.into_iter();
        let unvalidated = heads.filter(|head| !self.validation.iter().any(|set| is_labelled(set, head)));
        let warning = |head: Head| {
            format!(
                "no validation article is labelled for head `{}`: the choice of the best epoch ignores it, and its scores are not calibrated",
                head.name
            )
        };
        Ok(unvalidated.map(warning).collect())
    }

    fn read(&mut self, source: &DataSetSource, options: &Train, split: &str) -> Result<LabelledSet> {
        let set = source.load_to_train(&options.data_set, split, self.labels.as_ref())?;
        if let DataSetSource::Recipe(recipe) = source {
            self.licences.insert(set.name.clone(), recipe.licence.clone());
        }
        Ok(set)
    }

    /// Returns exit code 1 if rows were rejected.
    pub fn exit_code(&self) -> ExitCode {
        let rejected = self.all().any(|set| !set.rejects.is_empty());
        if rejected { ExitCode::from(1) } else { ExitCode::SUCCESS }
    }

    /// Returns all data sets: training, validation, test.
    pub fn all(&self) -> impl Iterator<Item = &LabelledSet> {
        self.training.iter().chain(&self.validation).chain(&self.test)
    }
}

/// Reads the labels that a file lists.
fn label_list(path: &Path) -> Result<Arc<LabelSet>> {
    let origin = path.display().to_string();
    let text = bounded_text(path, MAX_HAND_WRITTEN).map_err(|error| {
        let message = format!("cannot read the labels of `{origin}`: {error}");
        Usage::new(message, "give a file with one label per line, or a label set in TOML, to `--labels`")
    })?;
    let is_toml = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml"));
    Ok(Arc::new(if is_toml {
        LabelSet::parse(&text, &origin)
    } else {
        LabelSet::parse_lines("labels", &text, &origin)
    }?))
}
